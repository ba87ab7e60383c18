"""The DataFrame that ``problems()`` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from mailframe.message.problem_list import problem_list
from mailframe.pages.data_frame import data_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailframe.message.row_names import RowNames
    from mailframe.problems import Problem

PROBLEM_NUMBER: Final = "problem"
"""Name of the index of ``problems()``, which counts the problems and has no labels of rows."""


class LikeAnyFrame(type):
    """Makes any DataFrame an instance, so that ``assert_frame_equal`` compares them with ours."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, pd.DataFrame)


class Problems(pd.DataFrame, metaclass=LikeAnyFrame):
    """A DataFrame, whose methods return such DataFrames too; Jupyter shows its cells as text.

    In another DataFrame, MathJax would show a label or a value such as ``$x$`` as a formula.
    """

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return Problems

    def _repr_html_(self) -> str | None:
        table: str | None = super()._repr_html_()  # type: ignore[misc]  # pandas-stubs does not know it
        return None if table is None else data_frame(table)


def problems_frame(problems: Sequence[Problem], names: RowNames) -> pd.DataFrame:
    """The problems as a DataFrame, in their order.

    Args:
        problems: the problems of one campaign, ordered by row; see ``Preflight``.
        names: the names of its rows.

    Returns:
        One row per problem. Columns: ``row`` (the label in the campaign's frame, of the index's
        dtype; missing for the letter as a whole), ``key`` (if the campaign has one), ``field``,
        ``code``, ``severity``, ``detail``, ``value`` (str, missing if there is none) and
        ``position`` (Int64, in the campaign's frame, to join by if labels are not unique).

    >>> from mailframe.message.row_names import RowNames
    >>> from mailframe.problems import Code, Problem
    >>> people = pd.DataFrame({"email": ["ann@example.com", "?"]}, index=["ann", "bob"])
    >>> problem = Problem(1, "to", Code.INVALID_ADDRESS, "there is no @", value="?")
    >>> print(problems_frame([problem], RowNames(people)).to_string(index=False))
    row field            code severity        detail value  position
    bob    to invalid_address    error there is no @   '?'         1
    """
    ordered = problem_list(problems)
    keys = names.keys(ordered.rows)
    is_letter = ordered.rows < 0
    return Problems(
        {
            "row": names.labels(ordered.rows),
            **({} if keys is None else {"key": keys}),
            "field": ordered.column(lambda field, _: field),
            "code": ordered.column(lambda _, code: code.value),
            "severity": ordered.column(lambda _, code: code.severity.value),
            "detail": ordered.texts(ordered.details),
            "value": ordered.texts(ordered.values),
            "position": pd.arrays.IntegerArray(ordered.rows.astype(np.int64), is_letter),
        },
        index=pd.RangeIndex(len(ordered), name=PROBLEM_NUMBER),
        copy=False,
    )
