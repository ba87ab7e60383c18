"""The DataFrame that ``problems()`` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from mailframe.html.data_frame import data_frame

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
    positions = [problem.row for problem in problems]
    keys = names.keys(positions)
    texts: dict[str, list[str | None]] = {
        "field": [problem.field for problem in problems],
        "code": [problem.code.value for problem in problems],
        "severity": [problem.severity.value for problem in problems],
        "detail": [problem.detail for problem in problems],
        "value": [None if problem.value is None else str(problem.value) for problem in problems],
    }
    return Problems(
        {
            "row": names.labels(positions),
            **({} if keys is None else {"key": keys}),
            **{name: pd.array(values, dtype="str") for name, values in texts.items()},
            "position": pd.array(positions, dtype="Int64"),
        },
        index=pd.RangeIndex(len(problems), name=PROBLEM_NUMBER),
    )
