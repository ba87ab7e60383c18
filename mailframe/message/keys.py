"""Who is who: the canonical form of a row's key, and rows that stand for the same one."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import unicodedata
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from jinja2 import Undefined

from mailframe.errors import FrameError
from mailframe.letter.suggestions import did_you_mean, listed, nearest
from mailframe.message.cells import plain
from mailframe.message.row_names import RowNames, is_missing
from mailframe.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_DIGEST_BYTES: Final = 16
HALF_BYTES: Final = 8
"""Half a digest, which is enough where it is compared for one recipient alone."""
EXACT_TO: Final = 2**53
"""The largest size up to which each whole number is a float64 of its own (IEEE 754)."""
_METADATA: Final = b',"Metadata":{'
_TO: Final = re.compile(rb',"To":"[^"\\@]*(?:\\.[^"\\@]*)*@[^"\\@]*(?:\\.[^"\\@]*)*"')
_MIDNIGHT: Final = re.compile(r"(?<=\d)[t ]00:00:00(\.0+)?(z|[+-]\d\d:?\d\d)?$")
_THOUSANDS: Final = re.compile(r"-?\d{1,3}(,\d{3})+")
_UUID: Final = re.compile(r"\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?")
_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\.0+")


class KeyFault(ValueError):
    """A value that cannot tell one row from another."""


def canonical(value: object, *, exact_to: int = EXACT_TO) -> str:
    """One key value as text; the same for the same thing, whatever dtype it passed through.

    ``1``, ``1.0``, ``np.int64(1)`` and ``"1"`` are one key; ``"001"`` is another. Text is NFC, dates are ISO.

    Args:
        value: of the key column.
        exact_to: up to which size a float of that column is one whole number and not several.

    Raises:
        KeyFault: a missing value, a float that is not a whole number or too large to be exact, or a type that
            cannot be a key.

    >>> canonical(1.0), canonical("001"), canonical(dt.date(2026, 11, 22))
    ('1', '001', '2026-11-22')
    """
    if isinstance(value, np.floating):
        exact_to = min(exact_to, 2 ** (np.finfo(value).nmant + 1))
    cell = plain(value, column="key")
    if isinstance(cell, bool):
        raise KeyFault(
            "True and False tell only two rows apart; use text, a whole number or a date"
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
        kind = "a missing value" if _is_gap(value) else f"a {type(value).__name__}"
        raise KeyFault(f"{kind} cannot be a key")
    raise KeyFault(f"a {type(value).__name__} cannot be a key; use text, a whole number or a date")


def _whole(cell: float | Decimal, *, exact_to: int) -> str:
    """A number that is whole and exact, as text."""
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


def _is_gap(value: object) -> bool:
    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and np.isnan(value))
    )


def joined(parts: Sequence[str]) -> str:
    """Several key parts as one; each with its length, so that ``a|b`` + ``c`` is not ``a`` + ``b|c``.

    >>> joined(["a", "b|c"]) == joined(["a|b", "c"])
    False
    """
    return parts[0] if len(parts) == 1 else "".join(f"{len(part)}:{part}" for part in parts)


def key_columns(frame: pd.DataFrame, key: str | Sequence[str] | None) -> tuple[str, ...]:
    """The columns of the key, each known to be in the frame.

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
    faults = [fault for column in columns if (fault := _fault_of_key(frame, column))]
    if faults:
        raise FrameError(f"{'; '.join(faults)}. The frame has: {listed(frame.columns)}")
    return columns


def _fault_of_key(frame: pd.DataFrame, column: object) -> str:
    try:
        hash(column)
    except TypeError:
        return f"key= takes the names of columns, not a {type(column).__name__}; write key='customer_id'"
    count = sum(1 for label in frame.columns if label == column)
    if count == 1:
        return ""
    if count:
        return f"key={column!r}: the frame has it more than once; rename one"
    if column is not None and column in frame.index.names:
        return f"key={column!r}: there is no such column; it is a level of the index: df.reset_index() makes it one"
    return f"key={column!r}: there is no such column{did_you_mean(map(repr, nearest(column, frame.columns)))}"


def key_problems(
    frame: pd.DataFrame, columns: Sequence[str], digests: Digests, spellings: np.ndarray[Any, Any]
) -> Iterator[Problem]:
    """Rows without a key, rows that share one, and keys that differ in leading zeros alone.

    Args:
        frame: one row per message.
        columns: of the key.
        digests: where the keys are put, one per row.
        spellings: where what stands for the ``loose`` keys is put, one per row (uint64).
    """
    names = RowNames(frame)
    lists = [frame[column].tolist() for column in columns]
    exact = [_exact_to(frame[column].dtype) for column in columns]
    by_number: dict[str, tuple[int, str]] = {}
    for position, values in enumerate(zip(*lists, strict=True)):
        try:
            parts = [
                canonical(value, exact_to=size) for value, size in zip(values, exact, strict=True)
            ]
        except KeyFault as fault:
            detail = f"{', '.join(map(str, columns))}: {fault}"
            detail += "" if ";" in detail else "; drop the row, or choose another key"
            yield Problem(position, "key", Code.MISSING_KEY, detail, value=_cell(lists, position))
            continue
        key = joined(parts)
        if not key.strip():
            yield Problem(
                position,
                "key",
                Code.MISSING_KEY,
                f"{', '.join(map(str, columns))}: the cell is empty; drop the row, or choose another key",
            )
            continue
        digests.put(position, key)
        spellings[position] = int.from_bytes(
            digest(joined([loose(part) for part in parts]))[:HALF_BYTES], "little"
        )
        if len(columns) == 1 and key.isdecimal() and key.startswith("0") and key != "0":
            by_number.setdefault(key.lstrip("0") or "0", (position, key))
    repeats = list(digests.repeats())
    pairs = zip(*(names.many([pair[side] for pair in repeats]) for side in (1, 0)), strict=True)
    for (position, _), (first, second) in zip(repeats, pairs, strict=True):
        both = f"{first} and {second}"
        detail = f"{both} have the same {' + '.join(map(str, columns))}; add a column to the key, or keep one row"
        yield Problem(position, "key", Code.DUPLICATE_KEY, detail, value=_cell(lists, position))
    if by_number:
        yield from _ambiguous(lists[0], by_number, names)


def _exact_to(dtype: object) -> int:
    """Up to which size each whole number is a float of its own in a column of this dtype."""
    narrow = getattr(dtype, "numpy_dtype", dtype)
    if isinstance(narrow, np.dtype) and narrow.kind == "f":
        return int(2 ** (np.finfo(narrow).nmant + 1))
    return EXACT_TO


def loose(part: str) -> str:
    """One key value without what a second reading of a table changes.

    That is zeros in front, case, spaces around it, commas between thousands, a time of midnight with or without its
    zone, and the hyphens of a UUID.

    >>> loose("00042"), loose(" AB-1 "), loose("1,234"), loose("2026-11-22T00:00:00+00:00")
    ('42', 'ab-1', '1234', '2026-11-22')
    """
    if part.isascii() and part.isdecimal():
        return part.lstrip("0") or "0"
    text = _MIDNIGHT.sub("", unicodedata.normalize("NFKC", part).strip().casefold())
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if _UUID.fullmatch(text):
        return text.strip("{}").replace("-", "")
    return (text.lstrip("0") or "0") if text.isdecimal() else text


def _cell(lists: Sequence[list[Any]], position: int) -> object:
    values = tuple(values[position] for values in lists)
    only = None if is_missing(values[0]) else values[0]
    return only if len(values) == 1 else values


def _ambiguous(
    values: Sequence[Any], zeros: dict[str, tuple[int, str]], names: RowNames
) -> Iterator[Problem]:
    for position, value in enumerate(values):
        try:
            found = zeros.get(canonical(value))
        except KeyFault:
            continue
        if found:
            detail = (
                f"{found[1]!r} ({names.of(found[0])}) and {value!r} differ only in leading zeros, and are two keys; "
                "write both in the same way"
            )
            yield Problem(position, "key", Code.AMBIGUOUS_KEY, detail, value=value)


def digest(text: str) -> bytes:
    """Sixteen bytes that stand for a text; the same on every machine."""
    return hashlib.blake2b(
        text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES
    ).digest()


def content_digest(body: bytes) -> bytes:
    """Sixteen bytes that stand for a message; SHA-256, which processors have in hardware, cut short."""
    return hashlib.sha256(body).digest()[:_DIGEST_BYTES]


def mail_digest(body: bytes) -> int:
    """Eight bytes, as a number, that stand for what the recipient of a message sees.

    The metadata do not count, and a To with one address is compared as a recipient: so the ledger can tell that a
    person had the identical mail although an id in the metadata or the case of the address differs. No text in JSON
    can hold an unescaped quote, so neither part can be taken for a value; the metadata come last, see ``payload.py``.
    """
    end = body.rfind(_METADATA)
    seen = body if end < 0 else body[:end] + b"}"
    return int.from_bytes(
        hashlib.sha256(_TO.sub(b"", seen, count=1)).digest()[:HALF_BYTES], "little"
    )


class Digests:
    """Sixteen bytes a row that stand for a text of any length; finds rows with the same one in little memory."""

    def __init__(self, rows: int) -> None:
        self._bytes = bytearray(_DIGEST_BYTES * rows)
        self._known = np.zeros(rows, dtype=bool)

    def put(self, position: int, text: str) -> None:
        """Note the text of a row."""
        self.put_bytes(position, digest(text))

    def put_bytes(self, position: int, digest_of_row: bytes) -> None:
        """Note the sixteen bytes of a row."""
        start = position * _DIGEST_BYTES
        self._bytes[start : start + _DIGEST_BYTES] = digest_of_row
        self._known[position] = True

    def at(self, position: int) -> bytes:
        """The sixteen bytes of a row; zeros where there is no text."""
        start = position * _DIGEST_BYTES
        return bytes(self._bytes[start : start + _DIGEST_BYTES])

    def halves(self) -> np.ndarray[tuple[int, int], np.dtype[np.uint64]]:
        """The sixteen bytes of every row as two numbers, for joins."""
        return np.frombuffer(self._bytes, dtype="<u8").reshape(-1, 2)

    def repeats(self) -> Iterable[tuple[int, int]]:
        """Each row that has the text of an earlier one, with the position of the first that has it."""
        halves = self.halves()[self._known]
        positions = np.flatnonzero(self._known)
        frame = pd.DataFrame({"a": halves[:, 0], "b": halves[:, 1], "position": positions})
        later = frame.duplicated(["a", "b"])
        if not later.any():
            return []
        firsts = frame.groupby(["a", "b"], sort=False)["position"].transform("first")
        return list(zip(positions[later].tolist(), firsts[later].tolist(), strict=True))
