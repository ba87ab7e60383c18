"""The outcome that a comparison measures: one number per row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.counting import counted
from mailframe.errors import FrameError, LetterError
from mailframe.message.given_values import given_series, varies
from mailframe.message.row_names import RowNames, is_missing_label
from mailframe.outcomes.columns import OutcomeWord, outcome_columns, outcomes
from mailframe.outcomes.funnel import outcomes_of, stages
from mailframe.pandas_versions import EXPRESSION
from mailframe.problems import shown
from mailframe.results.status_counts import column_of

if TYPE_CHECKING:
    from mailframe.outcomes.intervals import Array

_TRUTHS: Final = {"true": 1.0, "false": 0.0}
"""The texts that are read as truth values, as spreadsheets and CSV files have them."""
_OF_OPENS: Final = ("opened_at", "opens")
_STAGES: Final = tuple(word.value for word in OutcomeWord if word is not OutcomeWord.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Measured:
    """An outcome.

    Attributes:
        name: what texts call it.
        values: one value per row, as it was given.
        is_of_email: whether it happens to an email, so that the holdout cannot have it.
        is_of_opens: whether it counts opens.
    """

    name: str
    values: pd.Series[Any]
    is_of_email: bool
    is_of_opens: bool

    def numbers(self, positions: Array, accepted: Array) -> Array:
        """The numbers of rows.

        Args:
            positions: the positions of the rows.
            accepted: which rows of the frame were accepted; nothing happened to other emails.

        Raises:
            FrameError: a value is missing or is no number.
        """
        part = self.values.iloc[positions]
        cells = _numbers(part)
        names = RowNames(self.values.to_frame())
        if isinstance(cells, int):
            row, value = names.of(int(positions[cells])), part.iloc[[cells]].tolist()[0]
            raise FrameError(
                f"{self.name}: {row} has {shown(value)}, which is neither a number nor True or "
                "False; give a condition, as in results['plan'] == 'pro' or "
                "results['bought_at'].notna()"
            )
        if self.is_of_email:
            cells = np.where(np.isnan(cells) & ~accepted[positions], 0.0, cells)
        missing = np.isnan(cells)
        if missing.any():
            raise FrameError(
                self._missing(int(missing.sum()), names.of(int(positions[missing][0])))
            )
        return cells

    def _missing(self, count: int, row: str) -> str:
        head = f"{self.name}: the value is missing in {counted(count, 'compared row')}, first {row}"
        if self.is_of_email:
            time = "opened_at" if self.is_of_opens else "clicked_at"
            return (
                f"{head}: Postmark did not track or does not store it, or a refresh has not seen "
                f"it yet; run refresh again, or count them as no: results['{time}'].notna()"
            )
        label = self.values.name
        values = "the outcome" if label is None else f"results[{label!r}]"
        return f"{head}; if missing means no, write {values}.fillna(0)"


def measured(results: pd.DataFrame, outcome: Any) -> Measured:
    """The outcome of each row.

    Args:
        results: a results frame.
        outcome: the label of a column, one of the words of ``outcome``, or values that vary by row.

    Raises:
        FrameError: there is no such column, or its values may be of other rows.
        ResultsError: a word needs columns that only a refresh adds.
    """
    is_label = not varies(outcome)
    if isinstance(outcome, str) and outcome in _STAGES and outcome not in results.columns:
        reached, is_there = stages(outcomes_of(results))[outcome]
        values = pd.Series(np.where(is_there, reached, np.nan), index=results.index, name=outcome)
        return Measured(outcome, values, is_of_email=True, is_of_opens=outcome == "opened")
    values = column_of(results, outcome) if is_label else _given(results, outcome)
    return _of_column(results, values)


def _given(results: pd.DataFrame, outcome: Any) -> pd.Series[Any]:
    """The values of a callable, a Series or ``pd.col``, with the name that they have."""
    names = [getattr(outcome, "name", None) if isinstance(outcome, pd.Series) else None]

    def named(frame: pd.DataFrame) -> Any:
        made = outcome(frame)
        names.append(getattr(made, "name", None))
        return made

    is_function = callable(outcome) and not isinstance(outcome, EXPRESSION)
    try:
        values = given_series(results, named if is_function else outcome, field="outcome")
    except LetterError as error:
        raise FrameError(str(error)) from error
    return values.rename(names[-1])


def _of_column(results: pd.DataFrame, values: pd.Series[Any]) -> Measured:
    labels = outcome_columns(results) or {}
    is_ours = values.name is not None and values.name in labels.values()
    of_opens = is_ours and values.name in [labels[name] for name in _OF_OPENS]
    if is_ours and values.name == labels["outcome"]:
        numbers = _numbers(values)
        is_yes = isinstance(numbers, np.ndarray) & (numbers == 1)
        words = outcomes(results, labels)["outcome"] == OutcomeWord.OPENED.value
        of_opens = bool((is_yes & words.to_numpy(dtype=bool)).any())
    name = "outcome" if values.name is None else str(values.name)
    return Measured(name, values, is_of_email=is_ours, is_of_opens=of_opens)


def truths(values: pd.Series[Any]) -> Array:
    """Which values are yes; a missing value is not, nor is one that is no truth value."""
    numbers = _numbers(values)
    if isinstance(numbers, int):
        return np.zeros(len(values), dtype=bool)
    is_yes: Array = numbers == 1
    return is_yes


def _numbers(values: pd.Series[Any]) -> Array | int:
    """The values as floats, NaN for a missing one; the place of the first that is no number."""
    kinds, dtype = pd.api.types, values.dtype
    if kinds.is_numeric_dtype(dtype) and not kinds.is_complex_dtype(dtype):
        numbers = values.to_numpy(dtype=np.float64, na_value=math.nan)
    else:
        numbers = np.empty(len(values))
        for place, cell in enumerate(values.tolist()):
            number = _number(cell)
            if number is None:
                return place
            numbers[place] = number
    is_infinite = np.isinf(numbers)
    return int(is_infinite.argmax()) if is_infinite.any() else numbers


def _number(cell: Any) -> float | None:
    """The number of a cell; None for what is none."""
    if isinstance(cell, str):
        return _TRUTHS.get(cell.strip().lower())
    if isinstance(cell, Real | Decimal | np.bool_):
        try:
            return float(cell)
        except OverflowError:
            return None
    return np.nan if is_missing_label(cell) else None
