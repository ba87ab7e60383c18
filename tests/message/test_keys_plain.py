"""Keys are read by column and chunk, with the results of the plain way: one row after the other."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.api.types import is_float_dtype

from mailframe.letter.jinja.values import EXACT_FLOAT
from mailframe.message.digests import Digests, digest
from mailframe.message.key_spelling import loose, loose_texts
from mailframe.message.keys import KeyFault, _ambiguous, canonical, joined, key_problems
from mailframe.message.plain_values import exact_up_to
from mailframe.message.repeats import repeated_keys
from mailframe.message.row_names import RowNames, is_missing_label
from mailframe.pandas_versions import text_dtype
from mailframe.problems import Code, Problem
from tests.frames import ZOO, frames

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MIDNIGHT = re.compile(r"(?<=\d)[t ]00:00:00(\.0+)?(z|[+-]\d\d:?\d\d)?$")
_THOUSANDS = re.compile(r"-?\d{1,3}(,\d{3})+")
_UUID = re.compile(r"\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?")
_CHOOSE = "; drop the row, or choose another key"


def plain_loose(part: str) -> str:
    """Every rule applied to every text."""
    text = _MIDNIGHT.sub("", unicodedata.normalize("NFKC", part).strip().casefold())
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if _UUID.fullmatch(text):
        return text.strip("{}").replace("-", "")
    return (text.lstrip("0") or "0") if text.isdecimal() else text


def plain_cell(lists: Sequence[list[Any]], position: int) -> object:
    """The value of the key in one row."""
    values = tuple(values[position] for values in lists)
    only = None if is_missing_label(values[0]) else values[0]
    return only if len(values) == 1 else values


def plain_repeats(digests: Digests, rows: int) -> list[tuple[int, int]]:
    """Each row whose digest an earlier row has."""
    firsts: dict[bytes, int] = {}
    pairs = []
    for position in range(rows):
        one = digests.at(position)
        if one != bytes(16) and firsts.setdefault(one, position) != position:
            pairs.append((position, firsts[one]))
    return pairs


def plain_problems(
    frame: pd.DataFrame, columns: Sequence[str], digests: Digests, spellings: np.ndarray
) -> Iterator[Problem]:
    """As ``key_problems`` and ``repeated_keys``, row by row."""
    names = RowNames(frame)
    lists = [frame[column].tolist() for column in columns]
    exact = [
        exact_up_to(dtype) if is_float_dtype(dtype) else EXACT_FLOAT
        for dtype in (frame[column].dtype for column in columns)
    ]
    label = ", ".join(map(str, columns))
    with_zeros: dict[str, tuple[int, str]] = {}
    for position, values in enumerate(zip(*lists, strict=True)):
        try:
            parts = [canonical(v, exact_to=size) for v, size in zip(values, exact, strict=True)]
        except KeyFault as fault:
            detail = f"{label}: {fault}"
            detail += "" if ";" in detail else _CHOOSE
            value = plain_cell(lists, position)
            yield Problem(position, "key", Code.MISSING_KEY, detail, value=value)
            continue
        key = joined(parts)
        if not key.strip():
            detail = f"{label}: the cell is empty{_CHOOSE}"
            yield Problem(position, "key", Code.MISSING_KEY, detail)
            continue
        digests.put_bytes(position, digest(key))
        spelling = digest(joined([plain_loose(part) for part in parts]))
        spellings[position] = int.from_bytes(spelling[:8], "little")
        if len(columns) == 1 and key.isdecimal() and key.startswith("0") and key != "0":
            with_zeros.setdefault(key.lstrip("0") or "0", (position, key))
    if with_zeros:
        yield from _ambiguous(lists[0], with_zeros, names)
    for position, first in plain_repeats(digests, len(frame)):
        detail = (
            f"{names.of(first)} and {names.of(position)} have the same "
            f"{' + '.join(map(str, columns))}; add a column to the key, or keep one row"
        )
        value = plain_cell(lists, position)
        yield Problem(position, "key", Code.DUPLICATE_KEY, detail, value=value)


def all_problems(
    frame: pd.DataFrame, columns: Sequence[str], digests: Digests, spellings: np.ndarray
) -> Iterator[Problem]:
    """All problems of a key."""
    yield from key_problems(frame, columns, digests, spellings)
    yield from repeated_keys(frame, columns, digests.repeats().tolist())


def assert_as_plain(frame: pd.DataFrame, columns: Sequence[Any]) -> None:
    """The same problems, digests and spellings."""
    results = []
    for find in (plain_problems, all_problems):
        digests, spellings = Digests(len(frame)), np.zeros(len(frame), dtype="<u8")
        problems = list(find(frame, columns, digests, spellings))
        results.append((problems, digests.halves().tolist(), spellings.tolist()))
    assert results[0] == results[1]


def single_columns(frame: pd.DataFrame) -> list[Any]:
    """The labels that one column alone has."""
    return [label for label in frame.columns if sum(frame.columns == label) == 1]


@pytest.mark.parametrize("name", sorted(ZOO))
def test_the_keys_of_the_zoo_are_those_of_the_plain_way(name):
    """Each column as the key, twice over so that keys repeat, and two columns together."""
    frame = ZOO[name]()
    columns = single_columns(frame)
    for label in columns:
        assert_as_plain(frame, [label])
        assert_as_plain(pd.concat([frame, frame]), [label])
    assert_as_plain(frame, columns[-2:]) if columns else None


@settings(deadline=None)
@given(frame=frames(max_rows=6), data=st.data())
def test_the_keys_of_any_frame_are_those_of_the_plain_way(frame, data):
    """Random dtypes and labels, some rows twice."""
    columns = single_columns(frame)
    if columns:
        chosen = data.draw(st.lists(st.sampled_from(columns), min_size=1, max_size=2, unique=True))
        assert_as_plain(frame, chosen)
        assert_as_plain(pd.concat([frame, frame.iloc[:2]]), chosen)


TEXTS = st.text(max_size=4) | st.sampled_from([
    *("1", "01", "001", "1.0", "1.00", "-0", "0.0", "00", " 00 ", "", " ", "\u2003", "1,234"),
    *("-1,234,567", "2026-11-22T00:00:00+00:00", "2026-11-22 00:00:00", "x 00:00:00", "AB", "ab"),
    *("0A129AEE-E1CD-480D-B08D-4F48548FF48D", "{0a129aeee1cd480db08d4f48548ff48d}", "\uff11"),
    *("e\u0301", "\u00e9"),
])  # fmt: skip


@given(
    texts=st.lists(st.none() | TEXTS, max_size=8), dtype=st.sampled_from([text_dtype(), "object"])
)
def test_texts_are_the_keys_of_the_plain_way(texts, dtype):
    """Spellings of numbers, dates and ids; with missing values; several columns."""
    frame = pd.DataFrame({"a": pd.Series(texts, dtype=dtype), "b": 1})
    assert_as_plain(frame, ["a"])
    assert_as_plain(frame, ["b", "a"])


@given(text=TEXTS)
def test_a_spelling_is_the_one_of_every_rule(text):
    """No rule is left out where it would change something."""
    assert loose(text) == plain_loose(text)


@given(texts=st.lists(TEXTS, max_size=5))
def test_spellings_of_many_texts_are_those_of_each(texts):
    """Plain texts are changed together."""
    assert loose_texts(texts) == list(map(loose, texts))


@pytest.mark.parametrize("size", [31, 32, 36])
def test_spellings_of_long_texts(size):
    """From 32 characters on, a text may be a UUID."""
    text = "0A129AEE-E1CD-480D-B08D-4F48548FF48D"[:size]
    plain = text.replace("-", "")
    assert loose_texts([text, plain, "7"]) == [loose(text), loose(plain), "7"]


@given(places=st.lists(st.none() | st.sampled_from([0, 1, 2**64, 2**64 + 1, 2**127]), max_size=9))
def test_repeats_compare_whole_digests(places):
    """Also of digests that have one half in common; a row without a digest repeats nothing."""
    digests = Digests(len(places))
    for position, place in enumerate(places):
        if place is not None:
            digests.put_bytes(position, place.to_bytes(16, "little"))
    assert digests.repeats().tolist() == [
        [position, places.index(place)]
        for position, place in enumerate(places)
        if place is not None and places.index(place) != position
    ]


def test_a_long_column_has_the_key_of_each_row():
    """At the boundary of the chunks."""
    frame = pd.DataFrame({"a": [*range(10_001), 7], "b": "x"})
    assert_as_plain(frame, ["a"])
    assert_as_plain(frame.assign(a=frame["a"].astype("str").str.zfill(5)), ["b", "a"])
