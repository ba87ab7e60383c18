"""The rows that a person names: by their labels, by their keys, by a mask, or by a tour of them."""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np
import pandas as pd

from mailframe.errors import FrameError, MailframeError
from mailframe.message.keys import KeyFault, canonical, joined
from mailframe.message.problem_frame import NUMBERED
from mailframe.message.row_names import RowNames, is_missing, written

if TYPE_CHECKING:
    from collections.abc import Sequence


class Positioned(Protocol):
    """What knows the positions of its rows, such as a tour or a batch."""

    @property
    def positions(self) -> tuple[int, ...]:
        """In the campaign's frame."""


Rows: TypeAlias = "Positioned | pd.Series[Any] | Iterable[Any]"
NOT_GIVEN: Final = object()
"""Stands for a label that was left out; None may be one."""
_SHOWN: Final = 5
_TWO_ROWS: Final = (
    "diff takes two labels of rows, two keys as key=(a, b), or another campaign alone"
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows that were named."""

    positions: tuple[int, ...]


class _NoSuchLabel(FrameError):
    """The index does not have a label."""

    def __init__(self, label: object, message: str) -> None:
        super().__init__(message)
        self.label = label


def named(
    frame: pd.DataFrame, columns: Sequence[str], *, rows: Rows | None, key: object = None
) -> Rows | None:
    """The rows that *rows* or *key* names; None if neither is given. A tour stays a tour, for its reasons.

    Args:
        frame: of the campaign.
        columns: of its key.
        rows: see ``positions``.
        key: one key, or a list of keys; see ``key_positions``.

    Raises:
        MailframeError: both are given.
        FrameError: a row that the frame does not have.
    """
    if key is not None and rows is not None:
        raise MailframeError("rows= and key= both name rows; give one of them")
    if key is not None:
        return Chosen(key_positions(frame, columns, key))
    if rows is None or isinstance(getattr(rows, "positions", None), tuple):
        return rows
    try:
        return Chosen(positions(frame.index, rows))
    except _NoSuchLabel as error:
        raise FrameError(f"{error}{_about_keys(frame, columns, [error.label])}") from None


def one(
    frame: pd.DataFrame, columns: Sequence[str], *, row: object = NOT_GIVEN, key: object = None
) -> int:
    """The position of the one row that a label, or a key, names.

    Args:
        frame: of the campaign.
        columns: of its key.
        row: a label of the frame's index.
        key: the value of the key column; a tuple for a key of several columns.

    Raises:
        MailframeError: both are given, or neither.
        FrameError: there is no such row, or there are several.

    >>> orders = pd.DataFrame({"id": ["C-1", "C-2"]}, index=[1, 0])
    >>> one(orders, ["id"], row=0), one(orders, ["id"], key="C-1")
    (1, 0)
    """
    if (row is NOT_GIVEN) == (key is None):
        raise MailframeError("name one row: by its label in the frame's index, or by key=…")
    if key is None:
        try:
            found: Sequence[int] = _places(frame.index, row)
        except _NoSuchLabel as error:
            raise FrameError(f"{error}{_about_keys(frame, columns, [row])}") from None
    else:
        found = key_positions(frame, columns, [key])
        if not found:
            raise FrameError(
                f"key={written(key)} is a missing value; give the value of {' + '.join(map(str, columns))}"
            )
    if len(found) != 1:
        raise FrameError(_several(frame, columns, row=row, key=key, found=found))
    return found[0]


def two(
    frame: pd.DataFrame, columns: Sequence[str], *, rows: tuple[object, object], key: object = None
) -> tuple[int, int]:
    """The positions of two rows, by their labels or by their keys; see ``one``.

    Raises:
        MailframeError: not exactly two rows are named.
    """
    given = [row for row in rows if row is not NOT_GIVEN]
    keys = [] if key is None else list(_listed(key, ()))
    if (len(given), len(keys)) not in ((2, 0), (0, 2)):
        raise MailframeError(_TWO_ROWS)
    a, b = (
        (one(frame, columns, row=row) for row in given)
        if given
        else (one(frame, columns, key=k) for k in keys)
    )
    return a, b


def refuse_rows(*, rows: Iterable[object], key: object) -> None:
    """Refuse rows beside another campaign.

    Raises:
        MailframeError: a label or a key is given.
    """
    if key is not None or any(row is not NOT_GIVEN for row in rows):
        raise MailframeError(_TWO_ROWS)


def positions(index: pd.Index[Any], rows: Rows) -> tuple[int, ...]:
    """The positions of the rows that *rows* names, each once, in the order in which they are named.

    Args:
        index: of the campaign's frame.
        rows: labels of the index, where a label that stands for several rows names all of them; a boolean
            Series over the frame; a tour, or a batch. A text is the label of a date index only as a whole
            ISO date, and then midnight: ``2026-03`` is not every day of March. A missing label names no row:
            it stands for the letter as a whole in ``problems()``.

    Raises:
        FrameError: a label that the index does not have; a mask over another index; a tour of a longer frame.

    >>> positions(pd.Index(["a", "b", "a"]), ["b", "a"])
    (1, 0, 2)
    """
    known = getattr(rows, "positions", None)
    if isinstance(known, tuple):
        return _within(index, known)
    if isinstance(rows, pd.Series) and pd.api.types.is_bool_dtype(rows.dtype):
        return _marked(index, rows)
    if isinstance(rows, str | bytes) or not isinstance(rows, Iterable):
        raise FrameError(f"rows={rows!r} is no list of labels; write rows=[{rows!r}]")
    if _counts_problems(index, rows):
        raise FrameError(
            'rows= is of problems(), whose index counts the problems; write rows=problems["row"]'
        )
    if isinstance(rows, pd.DataFrame):
        raise FrameError(
            "rows= is a DataFrame; write rows=frame.index, with the labels of its rows"
        )
    if isinstance(rows, tuple) and index.nlevels > 1 and rows in index:
        raise FrameError(f"rows={rows!r} is one label of a MultiIndex; write rows=[{rows!r}]")
    if isinstance(rows, pd.Series | pd.Index):
        at_once = _all_at_once(index, pd.Index(rows.drop_duplicates()))
        if at_once is not None:
            return at_once
    return tuple(dict.fromkeys(place for label in rows for place in _places_or_none(index, label)))


def _counts_problems(index: pd.Index[Any], rows: object) -> bool:
    """Whether these are the frame of ``problems()`` or its index, which name no rows."""
    given = rows.index if isinstance(rows, pd.DataFrame) else rows
    return isinstance(given, pd.Index) and NUMBERED in given.names and NUMBERED not in index.names


def _all_at_once(index: pd.Index[Any], labels: pd.Index[Any]) -> tuple[int, ...] | None:
    """The positions of labels of the index's own kind; None where one must be looked up by itself.

    One by one, an index that is not unique is searched anew for each label.
    """
    wanted = labels.dropna() if labels.nlevels == 1 else labels
    if index.nlevels > 1:
        if not all(isinstance(label, tuple) and len(label) == index.nlevels for label in wanted):
            return None
        wanted = pd.MultiIndex.from_tuples(wanted.tolist()) if len(wanted) else wanted[:0]
    elif index.hasnans or not _of_one_kind(index.dtype, wanted.dtype):
        return None
    if not len(wanted):
        return ()
    found, _ = index.get_indexer_non_unique(wanted)
    return None if (found < 0).any() else tuple(found.tolist())


def _of_one_kind(first: Any, second: Any) -> bool:
    whole = pd.api.types.is_integer_dtype
    return first == second or (whole(first) and whole(second))


def key_positions(frame: pd.DataFrame, columns: Sequence[str], keys: object) -> tuple[int, ...]:
    """The positions of the rows that have these keys, each once, in the order in which they are named.

    Args:
        frame: of the campaign.
        columns: of its key.
        keys: one key, or a list, a Series or the like of them; a key of several columns is a tuple. ``1``, ``1.0``
            and ``"1"`` are one key, as in the ledger. A missing key names no row.

    Raises:
        FrameError: the campaign has no key, or a key is in no row.

    >>> key_positions(pd.DataFrame({"id": [1, 2, 3]}), ["id"], ["3", 1])
    (2, 0)
    """
    if not columns:
        raise FrameError(
            "the campaign has no key; write compose(…, key=…), or name rows by their index label"
        )
    wanted = {_key_text(key, columns): key for key in _listed(keys, columns) if not is_missing(key)}
    found: dict[str, list[int]] = {text: [] for text in wanted}
    for position, values in enumerate(
        zip(*(frame[column].tolist() for column in columns), strict=True)
    ):
        try:
            text = joined([canonical(value) for value in values])
        except KeyFault:
            continue
        if text in found:
            found[text].append(position)
    absent = [written(wanted[text]) for text, places in found.items() if not places]
    if absent:
        more = f" and {len(absent) - _SHOWN:,} more" if len(absent) > _SHOWN else ""
        raise FrameError(
            f"no row has the key {', '.join(absent[:_SHOWN])}{more} ({' + '.join(map(str, columns))})"
        )
    return tuple(position for places in found.values() for position in places)


def _listed(keys: object, columns: Sequence[str]) -> Iterable[object]:
    """The keys one by one: a text, a number and a date are one key, and so is a tuple for a key of several columns."""
    if isinstance(keys, pd.DataFrame | Mapping):
        raise FrameError(f"key= is a {type(keys).__name__}; give one key, or a list of keys")
    is_one = isinstance(keys, str | bytes) or not isinstance(keys, Iterable)
    if not is_one and isinstance(keys, tuple) and len(columns) > 1:
        is_one = not any(isinstance(part, tuple | list) for part in keys)
    return [keys] if is_one else list(keys)  # type: ignore[call-overload]  # it is an Iterable here


def _key_text(key: object, columns: Sequence[str]) -> str:
    parts = key if isinstance(key, tuple | list) else (key,)
    if len(parts) != len(columns):
        raise FrameError(f"key={written(key)}: a key is {_one_key(columns)}")
    try:
        return joined([canonical(part) for part in parts])
    except KeyFault as fault:
        raise FrameError(f"key={written(key)}: {fault}") from None


def _one_key(columns: Sequence[str]) -> str:
    named = ", ".join(map(str, columns))
    return f"one value of {named}" if len(columns) == 1 else f"a tuple of the values of {named}"


def _about_keys(frame: pd.DataFrame, columns: Sequence[str], labels: Iterable[object]) -> str:
    """What to write when a label that the index does not have is a key, or might be one."""
    if not columns:
        return ""
    for label in labels:
        try:
            if key_positions(frame, columns, [label]):
                return f"; it is a key: write key={written(label)}"
        except FrameError:
            pass
    return f"; write key=… to name a row by {' + '.join(map(str, columns))}"


def _several(
    frame: pd.DataFrame, columns: Sequence[str], *, row: object, key: object, found: Sequence[int]
) -> str:
    """Why a name of several rows is refused, and what to write instead."""
    places = ", ".join(map(str, found[:_SHOWN])) + (", …" if len(found) > _SHOWN else "")
    rows = f"{len(found):,} rows, at the positions {places}"
    if key is not None:
        return f"key={written(key)} names {rows}; a key must be unique"
    keys = RowNames(frame, columns).keys(found[:_SHOWN])
    if keys is None:
        way = (
            "give the frame a unique index (reset_index), or the campaign a key (compose(…, key=…))"
        )
    else:
        way = f"name one of them by its key: key={' or key='.join(map(written, keys))}"
    return f"the label {written(row)} names {rows}; {way}"


def _places_or_none(index: pd.Index[Any], label: object) -> Sequence[int]:
    """The positions of a label; none for a missing one, unless the index itself has it."""
    if is_missing(label) and (index.nlevels > 1 or not index.hasnans):
        return ()
    try:
        return _places(index, label)
    except _NoSuchLabel:
        if is_missing(label):
            return ()
        raise


def _within(index: pd.Index[Any], known: tuple[int, ...]) -> tuple[int, ...]:
    beyond = next((place for place in known if not 0 <= place < len(index)), None)
    if beyond is not None:
        raise FrameError(
            f"rows= holds row {beyond:,} and the frame has {len(index):,}; it is of another campaign"
        )
    return known


def _marked(index: pd.Index[Any], mask: pd.Series[bool]) -> tuple[int, ...]:
    if not mask.index.equals(index):
        raise FrameError(
            "rows= is a mask over another index than the frame's; make it from campaign.frame"
        )
    return tuple(np.flatnonzero(mask.fillna(value=False).to_numpy(dtype=bool)).tolist())


def _places(index: pd.Index[Any], label: object) -> Sequence[int]:
    found = _located(index, label)
    if isinstance(found, slice):
        return range(*found.indices(len(index)))
    if isinstance(found, np.ndarray):
        return [int(place) for place in (np.flatnonzero(found) if found.dtype == bool else found)]
    return [int(found)]


def _located(index: pd.Index[Any], label: object) -> Any:
    """Where the label stands: a position, a slice of them, a mask with one value per row, or positions."""
    try:
        if isinstance(label, Hashable):
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", pd.errors.PerformanceWarning
                )  # of an index that is not sorted
                return index.get_loc(_exact(index, label))
    except (KeyError, TypeError, ValueError, pd.errors.InvalidIndexError):
        pass
    first = f"; its first label is {written(index[0])}" if len(index) else "; the frame has no rows"
    mask = (
        "; a mask is a boolean Series over the frame" if isinstance(label, bool | np.bool_) else ""
    )
    raise _NoSuchLabel(label, f"there is no row {written(label)} in the frame's index{first}{mask}")


_ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d(?!\d)")


def _exact(index: pd.Index[Any], label: Any) -> Any:
    """The label itself, where pandas would read it as a stretch of time.

    Raises:
        ValueError: a text that is no whole date.
        TypeError: a time of day, which pandas takes for all stamps at that time.
    """
    if isinstance(index, pd.MultiIndex):
        parts = label if isinstance(label, tuple) else (label,)
        exact = tuple(_exact(level, part) for level, part in zip(index.levels, parts, strict=False))
        return (*exact, *parts[len(exact) :]) if isinstance(label, tuple) else exact[0]
    if isinstance(index, pd.DatetimeIndex):
        return _stamp(index, label)
    if isinstance(index, pd.PeriodIndex) and isinstance(label, str):
        period = pd.Period(label)
        if period.freqstr != index.freqstr:
            raise ValueError(f"{label!r} is a period of {period.freqstr}, not of {index.freqstr}")
        return period
    return label


def _stamp(index: pd.DatetimeIndex, label: Any) -> Any:
    if isinstance(label, dt.time):
        raise TypeError("a time of day is no label")
    if type(label) is dt.date:
        label = label.isoformat()
    if not isinstance(label, str):
        return label
    if not _ISO_DATE.match(label):
        raise ValueError(f"{label!r} is no whole date")
    stamp = pd.Timestamp(label)
    return stamp.tz_localize(index.tz) if index.tz is not None and stamp.tz is None else stamp
