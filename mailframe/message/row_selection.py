"""Row selection: the rows that a caller names by labels, by keys, by a mask or by a tour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np
import pandas as pd

from mailframe.counting import counted
from mailframe.errors import FrameError, MailframeError
from mailframe.message.given_frame import as_pandas
from mailframe.message.key_lookup import key_positions, list_of_keys
from mailframe.message.label_lookup import NoSuchLabel, label_positions, labels_positions
from mailframe.message.problem_display import PROBLEM_NUMBER
from mailframe.message.row_names import RowNames, label_text

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


class Positioned(Protocol):
    """An object that knows the positions of its rows, such as a tour or a batch."""

    @property
    def positions(self) -> tuple[int, ...]:
        """In the campaign's frame."""


Rows: TypeAlias = "Positioned | pd.Series[Any] | Iterable[Any]"
NO_LABEL: Final = object()
"""Default of arguments for labels, because None can be a label."""
_MAX_SHOWN: Final = 5
"""Positions and keys that an error text lists."""
_TWO_ROWS: Final = (
    "diff takes two labels of rows, two keys as key=(a, b), or another campaign alone"
)


@dataclass(frozen=True, slots=True)
class SelectedRows:
    """Rows, by their positions."""

    positions: tuple[int, ...]


def select_rows(
    frame: pd.DataFrame, columns: Sequence[str], *, rows: Rows | None, key: object = None
) -> Rows | None:
    """The rows that *rows* or *key* names; None if neither is given. A tour is returned as it is.

    Args:
        frame: the frame of the campaign.
        columns: the columns of its key.
        rows: labels, a boolean Series, a tour or a batch; see ``row_positions``.
        key: one key, or a list of keys; see ``key_positions``.

    Raises:
        MailframeError: both are given.
        FrameError: a row that the frame does not have.
    """
    if key is not None and rows is not None:
        raise MailframeError("rows= and key= both name rows; give one of them")
    if key is not None:
        return SelectedRows(key_positions(frame, columns, as_pandas(key)))
    if rows is None or isinstance(getattr(rows, "positions", None), tuple):
        return rows
    rows = as_pandas(rows)
    try:
        return SelectedRows(row_positions(frame.index, rows))
    except NoSuchLabel as error:
        raise FrameError(f"{error}{_key_hint(frame, columns, error.label)}") from None


def one_row(
    frame: pd.DataFrame, columns: Sequence[str], *, row: Hashable = NO_LABEL, key: object = None
) -> int:
    """The position of the one row that a label or a key names.

    Args:
        frame: the frame of the campaign.
        columns: the columns of its key.
        row: a label of the frame's index.
        key: the value of the key column; a tuple for a key of several columns.

    Raises:
        MailframeError: both are given, or neither.
        FrameError: there is no such row, or there are several.

    >>> orders = pd.DataFrame({"id": ["C-1", "C-2"]}, index=[1, 0])
    >>> one_row(orders, ["id"], row=0), one_row(orders, ["id"], key="C-1")
    (1, 0)
    """
    if (row is NO_LABEL) == (key is None):
        raise MailframeError("name one row: by its label in the frame's index, or by key=…")
    positions: Sequence[int]
    if key is None:
        try:
            positions = label_positions(frame.index, row)
        except NoSuchLabel as error:
            raise FrameError(f"{error}{_key_hint(frame, columns, row)}") from None
    else:
        positions = key_positions(frame, columns, [key])
        if not positions:
            names = " + ".join(map(str, columns))
            raise FrameError(f"key={label_text(key)} is a missing value; give the value of {names}")
    if len(positions) != 1:
        raise FrameError(_several_rows(frame, columns, row=row, key=key, positions=positions))
    return positions[0]


def two_rows(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    rows: tuple[Hashable, Hashable],
    key: object = None,
) -> tuple[int, int]:
    """The positions of two rows, by their labels or by their keys; see ``one_row``.

    Raises:
        MailframeError: not exactly two rows are named.
    """
    labels = [row for row in rows if row is not NO_LABEL]
    keys = [] if key is None else list_of_keys(key, ())
    if (len(labels), len(keys)) not in ((2, 0), (0, 2)):
        raise MailframeError(_TWO_ROWS)
    first, second = (
        [one_row(frame, columns, row=label) for label in labels]
        if labels
        else [one_row(frame, columns, key=each) for each in keys]
    )
    return first, second


def refuse_rows(*, rows: Iterable[object], key: object) -> None:
    """Refuse labels and keys beside another campaign.

    Raises:
        MailframeError: a label or a key is given.
    """
    if key is not None or any(row is not NO_LABEL for row in rows):
        raise MailframeError(_TWO_ROWS)


def row_positions(index: pd.Index[Any], rows: Rows) -> tuple[int, ...]:
    """The positions of the rows that *rows* names, each once, in the order in which they are named.

    Args:
        index: the index of the campaign's frame.
        rows: labels of the index (a label of several rows names all of them), a boolean Series over
            the frame, a tour or a batch. For a date index a text has to be a whole ISO date, and is
            midnight: ``2026-03`` is not every day of March. A missing label names no row, because
            in ``problems()`` it is the letter as a whole.

    Raises:
        FrameError: a label that the index does not have; a mask over another index; a tour of a
            longer frame.

    >>> row_positions(pd.Index(["a", "b", "a"]), ["b", "a"])
    (1, 0, 2)
    """
    positions = getattr(rows, "positions", None)
    if isinstance(positions, tuple):
        return _within(index, positions)
    if isinstance(rows, pd.Series) and pd.api.types.is_bool_dtype(rows.dtype):
        return _marked(index, rows)
    if isinstance(rows, str | bytes) or not isinstance(rows, Iterable):
        raise FrameError(f"rows={rows!r} is not a list of labels; write rows=[{rows!r}]")
    if _is_of_problems(index, rows):
        raise FrameError(
            'rows= is of problems(), whose index counts the problems; write rows=problems["row"]'
        )
    if isinstance(rows, pd.DataFrame):
        raise FrameError(
            "rows= is a DataFrame; write rows=frame.index, with the labels of its rows"
        )
    if isinstance(rows, tuple) and index.nlevels > 1 and rows in index:
        raise FrameError(f"rows={rows!r} is one label of a MultiIndex; write rows=[{rows!r}]")
    return labels_positions(index, rows)


def _is_of_problems(index: pd.Index[Any], rows: object) -> bool:
    """Whether these are the frame of ``problems()`` or its index, which does not name rows."""
    given = rows.index if isinstance(rows, pd.DataFrame) else rows
    return (
        isinstance(given, pd.Index)
        and PROBLEM_NUMBER in given.names
        and PROBLEM_NUMBER not in index.names
    )


def _within(index: pd.Index[Any], positions: tuple[int, ...]) -> tuple[int, ...]:
    for position in positions:
        if not 0 <= position < len(index):
            raise FrameError(
                f"rows= has row {position:,} and the frame has {len(index):,}; "
                "it is of another campaign"
            )
    return positions


def _marked(index: pd.Index[Any], mask: pd.Series[bool]) -> tuple[int, ...]:
    if not mask.index.equals(index):
        raise FrameError(
            "rows= is a mask over another index than the frame's; make it from campaign.frame"
        )
    return tuple(np.flatnonzero(mask.fillna(value=False).to_numpy(dtype=bool)).tolist())


def _key_hint(frame: pd.DataFrame, columns: Sequence[str], label: object) -> str:
    """The end of an error text about a label that the index does not have but that may be a key."""
    if not columns:
        return ""
    try:
        if key_positions(frame, columns, [label]):
            return f"; it is a key: write key={label_text(label)}"
    except FrameError:
        pass
    return f"; write key=… to name a row by {' + '.join(map(str, columns))}"


def _several_rows(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    row: object,
    key: object,
    positions: Sequence[int],
) -> str:
    """The error text for a label or a key of several rows, with what to write instead."""
    shown = ", ".join(map(str, positions[:_MAX_SHOWN]))
    shown += ", …" if len(positions) > _MAX_SHOWN else ""
    rows = f"{counted(len(positions), 'row')}, at the positions {shown}"
    if key is not None:
        return f"key={label_text(key)} names {rows}; a key must be unique"
    keys = RowNames(frame, columns).keys(positions[:_MAX_SHOWN])
    if keys is None:
        way = (
            "give the frame a unique index (reset_index), or the campaign a key (compose(…, key=…))"
        )
    else:
        way = f"name one of them by its key: key={' or key='.join(map(label_text, keys))}"
    return f"the label {label_text(row)} names {rows}; {way}"
