"""Every way to make a dataset gives the messages, problems and keys of one process, byte by byte.

``python -m tests.datasets.identical [ROWS]`` compares 20,000 rows of unusual dtypes with planted
problems: the composed campaign, ``write_messages`` in this process and by processes, from a frame
and from Parquet files, and ``render_partition``. ``test_identical.py`` does the same with few rows.
"""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

import mailframe as mf

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS = 7
LETTER = mf.Letter(
    sender="Acme <hello@acme.example>",
    to="{{ name | default('') }} <{{ email }}>",
    reply_to="{{ 'help@acme.example' if flag else 'help@acme.dev' }}",
    subject="{{ name }}: {{ seats | default('no') }} seats{{ pad }}",
    html_body=(
        "<p>{{ name }} {{ text | default('-') }} {{ category | default('-') }}"
        " {{ half is integer }}</p>"
        "{% for one in orders | default([]) %}<li>{{ one.item }} {{ one.price }}</li>{% endfor %}"
    ),
    text_body=(
        "{{ big | default('-') }} {{ unsigned }} {{ flag | default('-') }} {{ small }} {{ price }} "
        "{{ exact | default('-') }} {{ tags | default([]) | join('+') }} {{ day | default('-') }} "
        "{{ at | default('-') }} {{ lasts | default('-') }} {{ mixed | default('-') }} "
        "{{ sparse }} {{ number | default('-') }}"
    ),
    tag="{{ category | default('none') }}",
    metadata={"id": "{{ id }}", "at": "{{ at | default('') | string }}"},
    message_stream="{{ 'broadcast' if seats == 3 else 'outbound' }}",
)


def unusual(rows: int) -> pd.DataFrame:
    """Columns of many dtypes; what a partition cannot know is decided in the last rows."""
    at = np.arange(rows)
    columns: dict[str, Any] = {
        "id": pd.array(2**60 + 1 + at, dtype="Int64"),
        "email": [f"p{n}@acme.dev" for n in at],
        "name": pd.Series([f"Zo\u00eb {n}" for n in at], dtype="string"),
        "seats": at.astype(float) % 7,
        "half": np.where(at == rows - 1, 2.5, at % 5).astype(float),
        "small": (at % 9 / 10).astype("float32"),
        "number": pd.array(at % 3, dtype="Float64"),
        "big": pd.array(2**62 + at, dtype="Int64"),
        "unsigned": (2**63 + at.astype("uint64")).astype("uint64"),
        "flag": pd.array(at % 2 == 0, dtype="boolean"),
        "category": pd.Categorical(at % 4 / 2),
        "sparse": pd.arrays.SparseArray(at % 10, fill_value=0),
        "price": [Decimal(n).scaleb(-2) for n in at.tolist()],
        "exact": pd.Series([Decimal("1.10")] * rows, dtype=pd.ArrowDtype(pa.decimal128(9, 2))),
        "tags": pd.Series([["a", f"<{n}>"] for n in at], dtype=object),
        "orders": pd.Series(
            [[{"item": f"tea {n}", "price": 2.5}] for n in at],
            dtype=pd.ArrowDtype(
                pa.list_(pa.struct([("item", pa.string()), ("price", pa.float64())]))
            ),
        ),
        "day": [dt.date(2026, 1, 1) + dt.timedelta(int(n) % 900) for n in at],
        "at": pd.date_range("2026-03-29", periods=rows, freq="37min", tz="Europe/Oslo"),
        "lasts": pd.to_timedelta(at % 86_400, unit="s"),
        "text": pd.Series([f"& {n}" for n in at], dtype=pd.ArrowDtype(pa.string())),
        "mixed": pd.Series([n if n % 2 else f"n{n}" for n in at.tolist()], dtype=object),
        "pad": "",
    }
    return pd.DataFrame(columns)


def planted(rows: int) -> pd.DataFrame:
    """The same with problems far from each other, and missing values in each column."""
    frame = unusual(rows)
    places = np.random.default_rng(14)
    for name in frame.columns.drop(["id", "email", "pad", "unsigned", "sparse"]):
        missing = places.choice(rows, size=max(1, rows // 50), replace=False)
        frame[name] = frame[name].where(~np.isin(np.arange(rows), missing), None)
    for value in ("p@", "zoe@example.com", "", None, "a b@acme.dev", "x@acme.dev, y@acme.dev"):
        frame.loc[places.choice(rows, size=max(1, rows // 400), replace=False), "email"] = value
    for value in ("\x07", "\r\nBcc: z@acme.dev", "x" * 2_100, "\u2028"):
        frame.loc[places.choice(rows, size=max(1, rows // 400), replace=False), "pad"] = value
    repeated = places.choice(rows - 1, size=max(1, rows // 400), replace=False) + 1
    frame.loc[repeated, "email"] = frame["email"].to_numpy()[repeated - 1]
    frame.loc[rows - 2, "id"] = frame.loc[1, "id"]
    frame.loc[rows - 3, "id"] = pd.NA
    return frame


def ways(frame: pd.DataFrame, folder: Path, *, processes: bool) -> Iterator[tuple[str, Path]]:
    """Datasets of the frame, each with the way that it was made in."""
    facts = mf.survey(frame, LETTER)
    rendered = folder / "rendered"
    rendered.mkdir()
    for number, part in enumerate(divided(frame)):
        made = mf.render_partition(part, LETTER, "id", facts)
        made.to_parquet(rendered / f"{number:03d}.parquet", index=False)
    yield "render_partition", rendered
    for executor in [None, *(["processes"] if processes else [])]:
        how = executor or "this process"
        yield how, mf.write_messages(frame, LETTER, folder / how, key="id", executor=executor)


def of_files(frame: pd.DataFrame, folder: Path, *, processes: bool) -> Iterator[tuple[str, Path]]:
    """The same of Parquet files, whose types are those of Arrow."""
    source = folder / "source"
    source.mkdir()
    for number, part in enumerate(divided(frame)):
        part.to_parquet(source / f"{number:03d}.parquet", row_group_size=1_000)
    for executor in [None, *(["processes"] if processes else [])]:
        how = f"files, {executor or 'this process'}"
        yield how, mf.write_messages(source, LETTER, folder / how, key="id", executor=executor)


def divided(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows in some parts."""
    for rows in np.array_split(np.arange(len(frame)), PARTS):
        yield frame.iloc[rows]


def differences(frame: pd.DataFrame, folder: Path, *, processes: bool) -> Iterator[str]:
    """What is not as in the composed campaign: nothing, if all is well."""
    yield from _differences(frame, ways(frame, folder, processes=processes))
    texts = frame["mixed"].map(str, na_action="ignore")
    stored = frame.assign(mixed=texts, sparse=frame["sparse"].to_numpy())  # Parquet has neither
    yield from _differences(stored, of_files(stored, folder, processes=processes))


def _differences(frame: pd.DataFrame, made: Iterator[tuple[str, Path]]) -> Iterator[str]:
    composed = frame.mail.compose(LETTER, name="identical", key="id")
    expected = dict(facts_of(composed._composed))
    problems = pd.DataFrame(composed.problems())
    for way, path in made:
        campaign = mf.messages(path, name="identical")
        for what, value in facts_of(campaign._dataset):
            if value != expected[what]:
                yield f"{way}: {what}"
        if campaign.fingerprint != composed.fingerprint:
            yield f"{way}: fingerprint"
        ours = pd.DataFrame(campaign.problems())
        if ours.astype(str).to_dict("list") != problems.astype(str).to_dict("list"):
            yield f"{way}: problems()"


def facts_of(sendable: Any) -> Iterator[tuple[str, Any]]:
    """Keys, digests, problems, and each message, for a sandbox and for a live server."""
    for live in (False, True):
        check = sendable.preflight(live=live, with_digests=True)
        yield f"problems, {live=}", list(check.problems)
        yield f"keys, {live=}", (check.keys.halves().tobytes(), check.spellings.tobytes())
        yield f"people, {live=}", check.people.halves().tobytes()
        yield f"sizes, {live=}", (check.sizes.tobytes(), check.sendable.tobytes())
        yield f"messages, {live=}", list(sendable.messages(check, live=live, wanted=check.sendable))


def main(arguments: list[str]) -> int:
    """Compare, and print what differs."""
    rows = int(arguments[0]) if arguments else 20_000
    frame = planted(rows)
    with tempfile.TemporaryDirectory() as folder:
        wrong = list(differences(frame, Path(folder), processes=True))
    check = frame.mail.compose(LETTER, name="identical", key="id").problems()
    counts = check["code"].value_counts().to_dict()
    sys.stdout.write(f"{rows:,} rows, {len(check):,} problems: {counts}\n")
    sys.stdout.write("\n".join(wrong or ["no difference"]) + "\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
