"""The columns of results: compact during a run, then pandas arrays."""

from __future__ import annotations

import itertools
import re
from array import array
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
NONE: Final = -1  # a missing value in an array of integers that are never negative
NO_CODE: Final = -(2**63)  # the same for ErrorCode, where a server may send any number
_PART_CELLS: Final = 10_000


class TextColumn:
    """One text or missing value per row, as UTF-8 in one block: 12 bytes a row plus the text."""

    __slots__ = ("_block", "_sizes", "_starts")

    def __init__(self, rows: int) -> None:
        self._block = bytearray()
        self._starts = array("q", bytes(8 * rows))
        self._sizes = array("i", [NONE]) * rows

    def put(self, position: int, text: str | None) -> None:
        """Set the text of a row; None is a missing value."""
        if text is None:
            self._sizes[position] = NONE
            return
        raw = text.encode("utf-8", "surrogatepass")
        self._starts[position] = len(self._block)
        self._sizes[position] = len(raw)
        self._block += raw

    def __iter__(self) -> Iterator[str | None]:
        block = bytes(self._block)
        for start, size in zip(self._starts, self._sizes, strict=True):
            yield None if size < 0 else block[start : start + size].decode("utf-8", "surrogatepass")


class RepeatedTextColumn:
    """One text or missing value per row where most texts repeat: 4 bytes a row, each text once."""

    __slots__ = ("_codes", "_numbers")

    def __init__(self, rows: int) -> None:
        self._codes = array("i", [NONE]) * rows
        self._numbers: dict[str, int] = {}

    def put(self, position: int, text: str | None) -> None:
        """Set the text of a row; None is a missing value."""
        self._codes[position] = (
            NONE if text is None else self._numbers.setdefault(text, len(self._numbers))
        )

    def __iter__(self) -> Iterator[str | None]:
        words = list(self._numbers)
        return (None if code < 0 else words[code] for code in self._codes)


def stamps(texts: Iterable[str | None]) -> pd.api.extensions.ExtensionArray:
    """Postmark's timestamps as ``datetime64[ns, UTC]`` with all seven digits.

    Args:
        texts: timestamps in ISO 8601 with an offset, ``2014-02-17T07:25:01.4178645-05:00`` or
            ``…Z``. Any other text becomes NaT: another format, no offset, or outside the years 1678
            to 2261 that nanoseconds can represent.
    """
    return _joined((_stamps(part) for part in _parts(texts)), "datetime64[ns, UTC]")


def _stamps(texts: Iterable[str | None]) -> pd.Series:
    # pandas reads "now" and "today" as timestamps, so only this one format is passed on.
    shaped = pd.Series(
        [text if text and STAMP.fullmatch(text) else None for text in texts], dtype="object"
    )
    read = pd.to_datetime(shaped, format="ISO8601", utc=True, errors="coerce")
    in_range = read.between(
        pd.Timestamp.min.tz_localize("UTC"), pd.Timestamp.max.tz_localize("UTC")
    )
    return read.where(in_range).dt.as_unit("ns")


def text_column(cells: Iterable[str | None]) -> pd.api.extensions.ExtensionArray:
    """Texts and missing values as ``str``."""
    return _joined((pd.Series(part, dtype="str") for part in _parts(cells)), "str")


def _parts(cells: Iterable[str | None]) -> Iterator[list[str | None]]:
    """The cells in parts: as Python strings they take three times the memory of a column."""
    waiting = iter(cells)
    while part := list(itertools.islice(waiting, _PART_CELLS)):
        yield part


def _joined(parts: Iterable[pd.Series], dtype: str) -> pd.api.extensions.ExtensionArray:
    whole: pd.Series = pd.concat([pd.Series([], dtype=dtype), *parts], ignore_index=True)
    array: pd.api.extensions.ExtensionArray = whole.array
    return array


def whole_column(cells: array[int], missing: int) -> pd.api.extensions.ExtensionArray:
    """Whole numbers as ``Int64``; *missing* is a missing value."""
    values = np.array(cells, dtype="int64")
    return pd.arrays.IntegerArray(values, values == missing)
