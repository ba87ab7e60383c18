"""Detail rows for each person: lists of records, made of another frame in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import FrameError, NotAFrame
from mailframe.letter.jinja.values import EXACT_FLOAT, Missing, Unsupported, rounded_number
from mailframe.letter.suggestions import did_you_mean, nearest
from mailframe.message.cells import Column
from mailframe.message.given_frame import rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping


_FLOAT32_BYTES: Final = 4
_EXACT_FLOAT32: Final = 2**24
"""The largest number up to which every integer is exact in 32 bits."""


def records_of(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """The rows of a frame as dicts of the values that templates use; None for a missing one.

    Whole numbers of a float column are ints, as in a template.

    >>> records_of(pd.DataFrame({"item": ["tea", None], "n": [2.0, 1.0]}))
    [{'item': 'tea', 'n': 2}, {'item': None, 'n': 1}]
    """
    if not len(frame.columns):
        return [{} for _ in range(len(frame))]
    lists = [_values(frame, place, name) for place, name in enumerate(frame.columns)]
    names = list(frame.columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*lists, strict=True)]


def _values(frame: pd.DataFrame, place: int, name: object) -> list[Any]:
    series = frame.iloc[:, place]
    if series.dtype == object:  # as they are; a template reads each when it uses it
        return [None if _is_missing(value) else value for value in series]
    cells = Column.of(name, series).cells(0, len(series))
    return [
        None
        if isinstance(cell, Missing)
        else series.iloc[position]  # such as a period; a template that uses it names its type
        if isinstance(cell, Unsupported)
        else cell
        for position, cell in enumerate(cells)
    ]


def nested(people: pd.DataFrame, details: Mapping[str, pd.DataFrame], *, on: str) -> pd.DataFrame:
    """The frame with a column of lists for each frame of details.

    Args:
        people: one row for each person.
        details: frames with any number of rows for each person, by the name of the new column.
        on: the column of all frames that tells whose a row is.

    Returns:
        A new frame. Each list has the records of one person, in the order of their frame, with all
        columns but *on*; a person without any has an empty list.

    Raises:
        FrameError: a column is missing or there already, nothing was given, no row of details
            belongs to anybody, or a key cannot tell one person from another.
    """
    if not details:
        raise FrameError(
            "df.mail.nest takes at least one frame of details: df.mail.nest(orders=orders, on='id')"
        )
    _check_column(people, on, "the frame")
    new: dict[str, pd.Series[Any]] = {}
    for name, given in details.items():
        try:
            frame = rows_of(given)
        except NotAFrame:
            kind = type(given).__name__
            raise FrameError(f"{name} is a {kind}; give a DataFrame") from None
        if name in people.columns:
            raise FrameError(f"the frame has a column {name!r} already; choose another name")
        _check_column(frame, on, name)
        if not frame.columns.is_unique:
            twice = frame.columns[frame.columns.duplicated()][0]
            raise FrameError(f"{name} has more than one column {twice!r}; rename one")
        new[name] = _lists(people[on], frame, on=on, name=name)
    return people.assign(**new)


def _check_column(frame: pd.DataFrame, on: Any, what: str) -> None:
    if on is None or isinstance(on, list):
        raise FrameError(f"on={on!r}: give the name of one column; all frames have it")
    count = list(frame.columns).count(on)
    if count > 1:
        raise FrameError(f"{what} has more than one column {on!r}; rename one")
    if count == 0:
        similar = did_you_mean(map(repr, nearest(on, frame.columns)))
        level = " (it is a level of the index; write reset_index())"
        raise FrameError(
            f"{what} has no column {on!r}{similar}{level if on in frame.index.names else ''}"
        )


def _lists(keys: pd.Series[Any], frame: pd.DataFrame, *, on: str, name: str) -> pd.Series[Any]:
    """A list of records for each key."""
    for column, where in ((keys, "the frame"), (frame[on], name)):
        _check_keys(column, where)
    people = pd.Index(keys.dropna().unique())
    places = people.get_indexer(pd.Index(frame[on]))
    if len(frame) and len(people) and (places < 0).all():
        raise FrameError(
            f"no row of {name} belongs to a row of the frame: {on!r} is {frame[on].dtype} in "
            f"{name} and {keys.dtype} in the frame, such as {_plain(frame[on].iloc[0])!r} and "
            f"{_plain(people[0])!r}; give both the same type"
        )
    _refuse_other_types(people, frame[on][places < 0], name)
    lists: list[list[dict[Any, Any]]] = [[] for _ in range(len(people))]
    records = records_of(frame.loc[:, frame.columns != on])
    for place, record in zip(places.tolist(), records, strict=True):
        if place >= 0:
            lists[place].append(record)
    cells = [lists[place] if place >= 0 else [] for place in people.get_indexer(pd.Index(keys))]
    return pd.Series(cells, index=keys.index, dtype=object)


def _check_keys(keys: pd.Series[Any], where: str) -> None:
    """Refuse keys that cannot tell one person from another.

    Raises:
        FrameError: a key is a list or a dict, or a float that is too large to be exact.
    """
    if pd.api.types.is_float_dtype(keys.dtype):
        exact = (
            _EXACT_FLOAT32 if getattr(keys.dtype, "itemsize", 8) <= _FLOAT32_BYTES else EXACT_FLOAT
        )
        large = keys[keys.abs() >= exact]
        if len(large):
            why = rounded_number(float(large.iloc[0]))
            raise FrameError(f"{keys.name!r} of {where}: {why}. Two people could have the same key")
        return
    if keys.dtype != object:
        return
    for key in keys:
        try:
            hash(key)
        except TypeError:
            raise FrameError(
                f"{keys.name!r} of {where} has a {type(key).__name__}, {key!r:.60}, which is no "
                "key; give text, a number or a date"
            ) from None
        if isinstance(key, float) and abs(key) >= EXACT_FLOAT:
            _check_keys(pd.Series([key], name=keys.name), where)


def _refuse_other_types(people: pd.Index[Any], orphans: pd.Series[Any], name: str) -> None:
    """Refuse keys of nobody that only their type tells from the key of a person, as in '7' and 7.

    Raises:
        FrameError: with both.
    """
    if object not in (people.dtype, orphans.dtype):
        return
    by_text = {str(key): key for key in people}
    for key in orphans.dropna().unique():
        person = by_text.get(str(key))
        if person is not None:
            raise FrameError(
                f"{orphans.name!r} is {_plain(key)!r} in {name} and {_plain(person)!r} in the "
                "frame; give both the same type"
            )


def _plain(key: Any) -> Any:
    """A key as Python writes it: ``1`` and not ``np.int64(1)``."""
    return key.item() if isinstance(key, np.generic) else key


def _is_missing(value: Any) -> bool:
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))
