"""The frame that ``problems()`` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailframe.message.row_names import RowNames
    from mailframe.problems import Problem

NUMBERED: Final = "problem"
"""Name of the index of ``problems()``: it counts the problems, and its labels are not those of rows."""


class LikeAnyFrame(type):
    """Lets ``assert_frame_equal(frame, ours)`` compare rows, not classes."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, pd.DataFrame)


class Problems(pd.DataFrame, metaclass=LikeAnyFrame):
    """A DataFrame, and so is everything made from it; Jupyter shows its cells as text, never as formulas.

    A label or a value can hold ``$…$``, which MathJax would typeset.
    """

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return Problems

    def _repr_html_(self) -> str | None:
        table: str | None = super()._repr_html_()  # type: ignore[misc]  # pandas-stubs does not know it
        return (
            None if table is None else f'<div class="tex2jax_ignore mathjax_ignore">{table}</div>'
        )


def problems_frame(problems: Iterable[Problem], names: RowNames) -> pd.DataFrame:
    """The problems as a frame, ordered by row; those of the letter as a whole come first.

    Args:
        problems: of one campaign.
        names: of its rows.

    Returns:
        One row per problem. Columns: ``row`` (the label in the campaign's frame, of the index's dtype; missing for
        the letter as a whole), ``key`` (only where the campaign has one), ``field``, ``code``, ``severity``,
        ``detail``, ``value`` (str, missing where there is none) and ``position`` (Int64, in the campaign's frame,
        to join by where labels repeat).

    >>> from mailframe.message.row_names import RowNames
    >>> from mailframe.problems import Code, Problem
    >>> people = pd.DataFrame({"email": ["ann@example.com", "?"]}, index=["ann", "bob"])
    >>> problem = Problem(1, "to", Code.INVALID_ADDRESS, "there is no @", value="?")
    >>> print(problems_frame([problem], RowNames(people)).to_string(index=False))
    row field            code severity        detail value  position
    bob    to invalid_address    error there is no @   '?'         1
    """
    ordered = sorted(problems, key=lambda problem: -1 if problem.row is None else problem.row)
    positions = [problem.row for problem in ordered]
    keys = names.keys(positions)
    texts: dict[str, list[str | None]] = {
        "field": [problem.field for problem in ordered],
        "code": [problem.code.value for problem in ordered],
        "severity": [problem.severity.value for problem in ordered],
        "detail": [problem.detail for problem in ordered],
        "value": [None if problem.value is None else str(problem.value) for problem in ordered],
    }
    return Problems(
        {
            "row": names.labels(positions),
            **({} if keys is None else {"key": keys}),
            **{name: pd.array(values, dtype="str") for name, values in texts.items()},
            "position": pd.array(positions, dtype="Int64"),
        },
        index=pd.RangeIndex(len(ordered), name=NUMBERED),
    )
