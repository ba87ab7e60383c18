"""Values that vary by row: a callable, a Series or ``pd.col``, by the rules of ``assign``."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mailframe.counting import counted
from mailframe.errors import LetterError
from mailframe.message.given_frame import as_pandas
from mailframe.pandas_versions import EXPRESSION, OVER_THE_FRAME, own_copy


def varies(value: object) -> bool:
    """Whether a value varies by row."""
    return isinstance(value, pd.Series | EXPRESSION) or callable(value)


def given_series(frame: pd.DataFrame, value: Any, *, field: str) -> pd.Series[Any]:
    """The values of a callable, a Series or ``pd.col``, one per row.

    Args:
        frame: one row per message.
        value: what gives the values.
        field: what the values are for, for an error.

    Raises:
        LetterError: they cannot be taken from the frame, or may be of other rows.
    """
    new = field
    while new in frame.columns:  # the value may use that column
        new += "_"
    try:
        is_function = callable(value) and not isinstance(value, EXPRESSION)
        given = as_pandas(value(own_copy(frame))) if is_function else value
        _refuse_one_text(field, given, frame)
        _refuse_other_index(field, given, frame)
        return frame.assign(**{new: given})[new]
    except LetterError:
        raise
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        raise LetterError(
            f"{field}: its values could not be taken from the frame: {detail}"
        ) from error


def _refuse_one_text(field: str, given: object, frame: pd.DataFrame) -> None:
    """Refuse a text that a function made of all rows, such as an f-string with a column.

    A function that was meant for one row would print the values of all rows in each message.
    """
    if isinstance(given, str | bytes | bytearray):
        kind = "text" if isinstance(given, str) else "content"
        raise LetterError(
            f"{field}: its function got the whole frame ({counted(len(frame), 'row')}) and "
            f"returned one {kind} for all; return a Series, or write mf.each(function) for a "
            "function of one row"
        )


def _refuse_other_index(field: str, given: object, frame: pd.DataFrame) -> None:
    """Refuse a Series whose labels may be of other rows: pandas aligns by label."""
    if not isinstance(given, pd.Series) or given.index.equals(frame.index):
        return
    # labels that count the rows, as after reset_index, are those of other rows in another frame
    counted = (
        isinstance(frame.index, pd.RangeIndex) and frame.index.start == 0 and frame.index.step == 1
    )
    unique = frame.index.is_unique and given.index.is_unique
    if counted or not unique or not frame.index.isin(given.index).all():
        raise LetterError(
            f"{field}: the Series has another index than the frame, so its values could land on "
            f"other rows; write series.loc[frame.index], or {OVER_THE_FRAME} over the frame itself"
        )
