"""Short functions from a frame and a letter to problems, payloads and texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    import mailframe as mf


def line(number: int, *values: Any, id: str = "") -> Any:  # noqa: A002 - pytest's word
    """A parameter for one line of the table of bad inputs; the number is in the test's id."""
    return pytest.param(*values, id=f"{number:03}{'-' if id else ''}{id}")


MISSING = {"NaN": float("nan"), "None": None, "NaT": pd.NaT, "NA": pd.NA}


def cells(*values: Any) -> pd.Series:
    """A column of dtype object that holds exactly these Python values."""
    made = np.empty(len(values), dtype=object)
    for position, value in enumerate(values):
        made[position] = value
    return pd.Series(made, dtype=object)


def frame(rows: int = 1, **columns: Any) -> pd.DataFrame:
    """A frame with an ``email`` column of good addresses, and the columns given."""
    rows = max([rows, *(len(values) for values in columns.values())])
    return pd.DataFrame({"email": [f"p{n}@acme.example" for n in range(rows)], **columns})


def compose(df: pd.DataFrame, **fields: Any) -> mf.Campaign:
    """A campaign with ``letter``, or with a valid letter and the given fields."""
    if "letter" in fields:
        return df.mail.compose(**fields)
    good = {"sender": "me@acme.example", "to": "{{ email }}", "subject": "Hello", "text_body": "Hi"}
    return df.mail.compose(**{**good, **fields})


def codes(df: pd.DataFrame, **fields: Any) -> list[str]:
    """The codes of the problems of all rows and of the letter, in order."""
    return compose(df, **fields).problems()["code"].tolist()


def row_problems(df: pd.DataFrame, **fields: Any) -> list[tuple[int, str, str]]:
    """Row, field and code of each problem of a row."""
    problems = compose(df, **fields).problems().dropna(subset="row")
    return [
        (int(row), field, code)
        for row, field, code in problems[["row", "field", "code"]].itertuples(index=False)
    ]


def payloads(df: pd.DataFrame, **fields: Any) -> list[dict[str, Any]]:
    """The payloads of the messages, without blocked rows."""
    return [message.payload for batch in compose(df, **fields).batches() for message in batch]


def text_of(template: str, /, *, part: str = "text_body", **cell: Any) -> str:
    """What a template prints for one row that holds these cells; fails on any error."""
    df = frame(**{name: cells(value) for name, value in cell.items()})
    campaign = compose(df, **{part: template})
    errors = campaign.problems().query("severity == 'error'")
    assert errors.empty, errors["detail"].tolist()
    return campaign.messages()[
        {"text_body": "TextBody", "html_body": "HtmlBody", "subject": "Subject"}[part]
    ].iloc[0]


def code_of(template: str, /, *, part: str = "text_body", **cell: Any) -> str:
    """The code of the one problem that a template makes for one row that holds these cells."""
    df = frame(**{name: cells(value) for name, value in cell.items()})
    [code] = codes(df, **{part: template})
    return code
