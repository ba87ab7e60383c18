"""Keys: the canonical form of a row's key, and rows that have the same key."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from jinja2 import Undefined
from pandas.api.types import is_float_dtype

from mailframe.errors import FrameError
from mailframe.letter.jinja.values import EXACT_FLOAT, Missing
from mailframe.letter.suggestions import did_you_mean, listed, nearest
from mailframe.message.arrow_columns import with_fast_cells
from mailframe.message.digests import Digests, digests_of, in_bytes
from mailframe.message.key_spelling import loose_texts
from mailframe.message.plain_values import exact_up_to, plain
from mailframe.message.row_names import RowNames, is_missing_label
from mailframe.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

_CHUNK_ROWS: Final = 5_000
_CHOOSE: Final = "; drop the row, or choose another key"
_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\.0+")


class KeyFault(ValueError):
    """A value that cannot be a key."""


def canonical(value: object, *, exact_to: int = EXACT_FLOAT) -> str:
    """One key value as text, which does not depend on the dtype of its column.

    ``1``, ``1.0``, ``np.int64(1)`` and ``"1"`` are one key; ``"001"`` is another. Text is NFC,
    dates are ISO.

    Args:
        value: a value of the key column.
        exact_to: the largest number up to which the floats of that column are exact.

    Raises:
        KeyFault: a missing value, a float that is not a whole number or too large to be exact, or a
            type that cannot be a key.

    >>> canonical(1.0), canonical("001"), canonical(dt.date(2026, 11, 22))
    ('1', '001', '2026-11-22')
    """
    if isinstance(value, np.floating):
        exact_to = min(exact_to, exact_up_to(value.dtype))
    cell = plain(value, column="key")
    if isinstance(cell, bool):
        raise KeyFault(
            "True and False can identify only two rows; use text, a whole number or a date"
        )
    if isinstance(cell, float | Decimal):
        return _whole(cell, exact_to=exact_to)
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, str):
        text = unicodedata.normalize("NFC", cell)
        return text.partition(".")[0] if _WHOLE.fullmatch(text) else text
    if isinstance(cell, dt.date):
        return cell.isoformat()
    if isinstance(cell, Undefined) and not isinstance(value, uuid.UUID | dt.time):
        kind = "a missing value" if isinstance(cell, Missing) else f"a {type(value).__name__}"
        raise KeyFault(f"{kind} cannot be a key")
    raise KeyFault(f"a {type(value).__name__} cannot be a key; use text, a whole number or a date")


def _whole(cell: float | Decimal, *, exact_to: int) -> str:
    """A whole, exact number as text."""
    if not (cell.is_finite() if isinstance(cell, Decimal) else np.isfinite(cell)):
        raise KeyFault(f"{cell} cannot be a key")
    if cell != int(cell):
        raise KeyFault(
            f"{cell} is not a whole number, and a rounded number cannot be a key; use text"
        )
    if isinstance(cell, float) and abs(cell) > exact_to:
        raise KeyFault(
            f"{cell:.0f} is a float beyond {exact_to:,}, where several whole numbers become one; "
            'read the column as text or as "Int64"'
        )
    return str(int(cell))


def joined(parts: Sequence[str]) -> str:
    """Key parts as one text, each with its length, so that ("a", "bc") and ("ab", "c") differ.

    >>> joined(["a", "bc"]), joined(["ab", "c"])
    ('1:a2:bc', '2:ab1:c')
    """
    return parts[0] if len(parts) == 1 else "".join(f"{len(part)}:{part}" for part in parts)


def key_columns(frame: pd.DataFrame, key: str | Sequence[str] | None) -> tuple[str, ...]:
    """The columns of the key, each of which the frame has once.

    Raises:
        FrameError: a column that the frame does not have, or has twice.
    """
    if key is None:
        return ()
    columns = tuple(key) if isinstance(key, list | tuple) else (key,)
    if not columns:
        raise FrameError(
            "the key is an empty list; name at least one column, or leave it out for the address"
        )
    faults = [fault for column in columns if (fault := _key_fault(frame, column))]
    if faults:
        raise FrameError(f"{'; '.join(faults)}. The frame has: {listed(frame.columns)}")
    return columns


def _key_fault(frame: pd.DataFrame, column: object) -> str:
    """Why a column cannot be part of the key; empty if it can."""
    try:
        hash(column)
    except TypeError:
        kind = type(column).__name__
        return f"key= takes the names of columns, not a {kind}; write key='customer_id'"
    count = sum(1 for label in frame.columns if label == column)
    if count == 1:
        return ""
    if count:
        return f"key={column!r}: the frame has it more than once; rename one"
    if column is not None and column in frame.index.names:
        return (
            f"key={column!r}: there is no such column; it is a level of the index: "
            "df.reset_index() makes it one"
        )
    near = did_you_mean(map(repr, nearest(column, frame.columns)))
    return f"key={column!r}: there is no such column{near}"


def key_problems(
    frame: pd.DataFrame, columns: Sequence[str], digests: Digests, spellings: np.ndarray[Any, Any]
) -> Iterator[Problem]:
    """Rows without a key, and keys that differ only in leading zeros.

    Args:
        frame: one row per message.
        columns: the columns of the key.
        digests: an object to fill with the digests of the keys, one per row.
        spellings: an array to fill with digests of the ``loose`` keys, one per row (uint64).
    """
    names = RowNames(frame)
    series = [frame[column] for column in columns]
    fast = list(map(with_fast_cells, series))
    label = ", ".join(map(str, columns))
    with_zeros: dict[str, tuple[int, str]] = {}
    for first, parts, faults in canonical_chunks(fast):
        keys, spelled = in_one(parts), in_one(list(map(loose_texts, parts)))
        missing = {row for row, key in enumerate(keys) if row in faults or not key.strip()}
        for row in sorted(missing):
            yield _missing_key(first + row, label, faults.get(row), series)
        present = [None if row in missing else key for row, key in enumerate(keys)]
        _put_digests(present if missing else keys, spelled, first, digests, spellings)
        for row, key in enumerate(keys if len(columns) == 1 else ()):
            if key[:1] == "0" and key.isdecimal() and key != "0":
                with_zeros.setdefault(key.lstrip("0") or "0", (first + row, key))
    if with_zeros:
        yield from _ambiguous(fast[0].tolist(), with_zeros, names)


def canonical_chunks(
    columns: Sequence[pd.Series[Any]],
) -> Iterator[tuple[int, list[list[str]], dict[int, KeyFault]]]:
    """The ``canonical`` keys of columns with fast cells, some rows after the others.

    Each has the position of the first row, the parts of the keys, "" for a fault, and the first
    fault of each row that has one, by its number from there.
    """
    for first in range(0, len(columns[0]), _CHUNK_ROWS):
        yield first, *_without_faults([_canonical_cells(column, first) for column in columns])


def _without_faults(
    parts: Sequence[list[str | KeyFault]],
) -> tuple[list[list[str]], dict[int, KeyFault]]:
    """The parts with an empty text for each fault, and the first fault of each row with one."""
    faults: dict[int, KeyFault] = {}
    for cells in parts:
        if not set(map(type, cells)) <= {str}:
            for row, cell in enumerate(cells):
                if isinstance(cell, KeyFault):
                    faults.setdefault(row, cell)
    texts = [["" if isinstance(cell, KeyFault) else cell for cell in cells] for cells in parts]
    return texts, faults


def in_one(parts: Sequence[list[str]]) -> list[str]:
    """The parts of each row as one text."""
    return parts[0] if len(parts) == 1 else list(map(joined, zip(*parts, strict=True)))


def _missing_key(
    position: int, label: str, fault: KeyFault | None, series: Sequence[pd.Series[Any]]
) -> Problem:
    if fault is None:
        detail = f"{label}: the cell is empty{_CHOOSE}"
        return Problem(position, "key", Code.MISSING_KEY, detail)
    detail = f"{label}: {fault}"
    detail += "" if ";" in detail else _CHOOSE
    return Problem(position, "key", Code.MISSING_KEY, detail, value=cell(series, position))


def _put_digests(
    keys: Sequence[str | None],
    spelled: Sequence[str],
    first: int,
    digests: Digests,
    spellings: np.ndarray[Any, Any],
) -> None:
    """Set the digests of the keys of a chunk, and of their spellings; None for a row without."""
    exact = digests_of(keys)
    digests.put_many(first, exact)
    others = digests_of(
        [
            text if key is not None and text != key else None
            for text, key in zip(spelled, keys, strict=True)
        ]
    )
    of_spelling = [other or one for other, one in zip(others, exact, strict=True)]
    halves = np.frombuffer(in_bytes(of_spelling), dtype="<u8")[::2]
    spellings[first : first + len(keys)] = halves


def _canonical_cells(column: pd.Series[Any], first: int) -> list[str | KeyFault]:
    """The ``canonical`` form of each value in a chunk of a key column, or why it is no key."""
    values = column.iloc[first : first + _CHUNK_ROWS].tolist()
    kinds = set(map(type, values))
    if kinds == {int} and getattr(column.dtype, "kind", "") in {"i", "u"}:
        return list(map(str, values))
    if kinds == {str}:
        whole = "".join(values)
        if whole.isascii() and ".0" not in whole:
            return values  # they are NFC, and no whole numbers with a fraction of zeros
    exact_to = exact_up_to(column.dtype) if is_float_dtype(column.dtype) else EXACT_FLOAT
    return [_canonical_or_fault(value, exact_to) for value in values]


def _canonical_or_fault(value: object, exact_to: int) -> str | KeyFault:
    if type(value) is str and value.isascii() and ".0" not in value:
        return value
    try:
        return canonical(value, exact_to=exact_to)
    except KeyFault as fault:
        return fault


def cell(series: Sequence[pd.Series[Any]], position: int) -> object:
    """The value of a key; a tuple of several columns."""
    values = tuple(column.iloc[position : position + 1].tolist()[0] for column in series)
    only = None if is_missing_label(values[0]) else values[0]
    return only if len(values) == 1 else values


def _ambiguous(
    values: Sequence[Any], with_zeros: dict[str, tuple[int, str]], names: RowNames
) -> Iterator[Problem]:
    """Keys that are those of another row without its leading zeros.

    Args:
        values: the values of the key column.
        with_zeros: the position and the key of a row with leading zeros, by the key without zeros.
        names: the names of the rows.
    """
    for position, value in enumerate(values):
        try:
            other = with_zeros.get(canonical(value))
        except KeyFault:
            continue
        if other:
            detail = (
                f"{other[1]!r} ({names.of(other[0])}) and {value!r} differ only in leading zeros, "
                "and are two keys; write both in the same way"
            )
            yield Problem(position, "key", Code.AMBIGUOUS_KEY, detail, value=value)
