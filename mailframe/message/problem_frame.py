"""The DataFrame that ``problems()`` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from mailframe.message.problem_display import (
    PROBLEM_NUMBER,
    Checked,
    Shown,
    as_html,
    as_text,
    shown_problems,
)
from mailframe.message.problem_list import problem_list
from mailframe.pages.data_frame import data_frame
from mailframe.pages.text import visible
from mailframe.pandas_versions import text_column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailframe.message.composed import Composed
    from mailframe.message.row_names import RowNames
    from mailframe.problems import Problem


class LikeAnyFrame(type):
    """Makes any DataFrame an instance, so that ``assert_frame_equal`` compares them with ours."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, pd.DataFrame)


class Problems(pd.DataFrame, metaclass=LikeAnyFrame):
    """A DataFrame that is shown by code, errors first, with one line how to fix each.

    Frames derived from it are of this class, too. With the same columns, such as after ``query`` or
    ``head``, they are shown by code; with others as pandas shows them, but without formulas:
    MathJax would show a label or a value such as ``$x$`` as one.
    """

    about: Checked
    _metadata: ClassVar[list[str]] = ["about"]

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return Problems

    def _shown(self) -> Shown | None:
        try:
            return shown_problems(self, getattr(self, "about", None))
        except (TypeError, ValueError):  # a column was overwritten
            return None

    def __repr__(self) -> str:
        shown = self._shown()
        return visible(super().__repr__()) if shown is None else as_text(shown)

    def _repr_html_(self) -> str | None:
        if not pd.get_option("display.notebook_repr_html"):
            return None
        shown = self._shown()
        if shown is not None:
            return as_html(shown)
        table: str | None = super()._repr_html_()  # type: ignore[misc]  # pandas-stubs does not know it
        return None if table is None else data_frame(visible(table))


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
    frame = Problems(
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
    object.__setattr__(frame, "about", Checked(len(names.index), len(ordered)))
    return frame


def problems_of(composed: Composed) -> Any:
    """The problems of a campaign, in the caller's kind of frame."""
    frame = problems_frame(composed.preflight().problems, composed.names)
    variant = composed.groups.columns().get("variant")
    if variant is not None:
        positions = frame["position"].fillna(-1).to_numpy(dtype=np.int64)
        texts = [*variant.tolist(), None]
        frame.insert(
            list(frame.columns).index("field"),
            "variant",
            text_column(texts[position] for position in positions.tolist()),
        )
    return composed.given.made(frame)
