"""The frame of every benchmark: 26 columns of mixed dtypes, of which the letter uses ten."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

_FIRST = ["Ann", "Bob", "Zoë", "José", "Mia", "Noor", "Priya", "Søren", "Tom", "Yuki"]
_LAST = ["Miller", "García", "Okafor", "Svensson", "Tanaka", "Rossi", "Smith", "Dubois", "Kowalska"]
_COMPANY = [
    "Smith & Sons",
    "Blue <Sky>",
    "Northwind",
    "Tailspin Toys",
    "Ærø Foods",
    "O'Neill",
    "Contoso",
]
_PLANS = ["Free", "Team", "Business", "Enterprise"]
_COUNTRIES = ["DE", "DK", "ES", "FR", "IN", "JP", "NG", "PL", "US"]
_SEED = 20_261_122


def people(rows: int) -> pd.DataFrame:
    """A frame of *rows* customers; the same number gives the same frame.

    Texts have no missing values and nothing that two programs would print differently. Missing
    values are in floats and in a date that the letter does not use.

    >>> people(3).shape
    (3, 26)
    """
    dice = np.random.default_rng(_SEED)
    numbers = np.arange(rows)
    return pd.DataFrame({**_who(dice, numbers), **_what(dice, rows), **_unused(dice, numbers)})


def distinct(rows: int) -> pd.DataFrame:
    """The same columns; every value that the letter prints occurs in one row only.

    >>> frame = distinct(100)
    >>> all(frame[name].is_unique for name in ("first_name", "company", "seats", "renews_on"))
    True
    """
    frame = people(rows)
    dice = np.random.default_rng(_SEED + 1)
    shuffled = {name: dice.permutation(rows) for name in ("seats", "credit", "renews_on")}
    number = pd.Series(np.arange(rows), dtype="int64").astype("str")
    return frame.assign(
        **{name: frame[name] + " " + number for name in ("first_name", "last_name", "company")},
        plan=frame["plan"].astype("str") + " " + number,
        seats=shuffled["seats"] + 1,
        credit=(shuffled["credit"] + 1) / 100,
        renews_on=pd.Timestamp("2026-01-01")
        + pd.to_timedelta(shuffled["renews_on"] * 61, unit="s"),
    )


def with_missing(
    dice: np.random.Generator, values: pd.Series[Any], *, share: float
) -> pd.Series[Any]:
    """The same values, of which a share is missing."""
    return values.where(dice.random(len(values)) >= share)


def _who(dice: np.random.Generator, numbers: np.ndarray) -> dict[str, object]:
    first, last = _picked(dice, _FIRST, len(numbers)), _picked(dice, _LAST, len(numbers))
    return {
        "customer_id": pd.Series([f"C{number:07d}" for number in numbers], dtype="str"),
        "email": pd.Series(
            [f"person.{number}@mail{number % 40}.example.com" for number in numbers], dtype="str"
        ),
        "first_name": first,
        "last_name": last,
        "company": _picked(dice, _COMPANY, len(numbers)),
    }


def _what(dice: np.random.Generator, rows: int) -> dict[str, object]:
    return {
        "plan": _picked(dice, _PLANS, rows).astype("category"),
        "seats": dice.integers(1, 60, rows),
        "credit": _with_missing(dice, dice.uniform(-20, 200, rows).round(2)),
        "renews_on": _moments(dice, rows).dt.normalize(),
        "is_annual": dice.random(rows) < 0.5,  # noqa: PLR2004 - half of them
    }


def _unused(dice: np.random.Generator, numbers: np.ndarray) -> dict[str, object]:
    rows = len(numbers)
    return {
        "country": _picked(dice, _COUNTRIES, rows).astype("category"),
        "city": _picked(dice, ["Aarhus", "Kraków", "Lagos", "Osaka", "Sevilla"], rows),
        "street": pd.Series([f"{number % 200} Example Street" for number in numbers], dtype="str"),
        "zip": pd.Series([f"{number % 100_000:05d}" for number in numbers], dtype="str"),
        "phone": pd.Series([f"+1 555 {number % 10_000:04d}" for number in numbers], dtype="str"),
        "signed_up_at": _moments(dice, rows),
        "last_login": _moments(dice, rows).where(dice.random(rows) > 0.1),  # noqa: PLR2004 - one in ten is missing
        "revenue": _with_missing(dice, dice.gamma(2.0, 300.0, rows)),
        "score": dice.random(rows),
        "satisfaction": _with_missing(dice, dice.integers(0, 11, rows).astype(float)),
        "tickets": dice.integers(0, 9, rows),
        "logins": dice.integers(0, 1_000, rows),
        "is_trial": dice.random(rows) < 0.1,  # noqa: PLR2004 - one in ten
        "consented": np.ones(rows, dtype=bool),
        "source": _picked(dice, ["search", "partner", "fair", "friend"], rows).astype("category"),
        "notes": pd.Series(
            [f"called on day {number % 365}, wants to hear of new plans" for number in numbers]
        ),
    }


def _picked(dice: np.random.Generator, words: list[str], rows: int) -> pd.Series[str]:
    return (
        pd.Series(words, dtype="str")
        .take(dice.integers(0, len(words), rows))
        .reset_index(drop=True)
    )


def _moments(dice: np.random.Generator, rows: int) -> pd.Series[pd.Timestamp]:
    return pd.Series(
        pd.Timestamp("2026-01-01") + pd.to_timedelta(dice.integers(0, 31_000_000, rows), unit="s")
    )


def _with_missing(dice: np.random.Generator, values: np.ndarray) -> np.ndarray:
    return np.where(dice.random(len(values)) < 0.2, np.nan, values)  # noqa: PLR2004 - one in five is missing
