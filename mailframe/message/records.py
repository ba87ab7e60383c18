"""Detail rows for each person: lists of records, made of another frame in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from mailframe.errors import FrameError
from mailframe.letter.jinja.values import Missing
from mailframe.letter.suggestions import did_you_mean, nearest
from mailframe.message.cells import Column

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    return [None if isinstance(cell, Missing) else cell for cell in cells]


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
        FrameError: a column is missing or there already, nothing was given, or no row of details
            belongs to anybody.
    """
    if not details:
        raise FrameError(
            "df.mail.nest takes at least one frame of details: df.mail.nest(orders=orders, on='id')"
        )
    _check_column(people, on, "the frame")
    new: dict[str, pd.Series[Any]] = {}
    for name, frame in details.items():
        if not isinstance(frame, pd.DataFrame):
            raise FrameError(f"{name} is a {type(frame).__name__}; give a DataFrame")
        if name in people.columns:
            raise FrameError(f"the frame has a column {name!r} already; choose another name")
        _check_column(frame, on, name)
        if not frame.columns.is_unique:
            twice = frame.columns[frame.columns.duplicated()][0]
            raise FrameError(f"{name} has more than one column {twice!r}; rename one")
        new[name] = _lists(people[on], frame, on=on, name=name)
    return people.assign(**new)


def _check_column(frame: pd.DataFrame, on: str, what: str) -> None:
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
    people = pd.Index(keys.dropna().unique())
    places = people.get_indexer(pd.Index(frame[on]))
    if len(frame) and len(people) and (places < 0).all():
        raise FrameError(
            f"no row of {name} belongs to a row of the frame: {on!r} is {frame[on].dtype} in "
            f"{name} and {keys.dtype} in the frame, such as {frame[on].iloc[0]!r} and "
            f"{people[0]!r}; give both the same type"
        )
    lists: list[list[dict[Any, Any]]] = [[] for _ in range(len(people))]
    records = records_of(frame.loc[:, frame.columns != on])
    for place, record in zip(places.tolist(), records, strict=True):
        if place >= 0:
            lists[place].append(record)
    cells = [lists[place] if place >= 0 else [] for place in people.get_indexer(pd.Index(keys))]
    return pd.Series(cells, index=keys.index, dtype=object)


def _is_missing(value: Any) -> bool:
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))
