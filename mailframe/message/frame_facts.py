"""Facts that are decided over a whole frame, so that a part of it is rendered as within the whole.

Whether a column of floats has whole numbers alone, which ``{{ seats }}`` then prints without
``.0``, is such a fact: a partition of a frame cannot know it. Facts of partitions are added in the
order of the rows; how the rows are divided has no effect on the sum.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype

from mailframe.errors import FrameError, MailframeError
from mailframe.letter.row_functions import RowCell
from mailframe.message.cells import Column, is_integral
from mailframe.message.markup_cells import markup_of
from mailframe.message.unused_columns import MOST_CELLS, first_list

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What is decided over all cells of a column.

    Attributes:
        dtypes: the names of its dtypes, which partitions may have different ones of.
        is_whole: whether all of its numbers are whole; None if it has none.
        has_floats: whether a partition has floats.
        is_trusted: whether it has trusted HTML.
        has_markup: whether it has trusted HTML, or images, also inside lists.
        first_list: the position of the first list with items among the first cells of the frame,
            and whether its items are records; None if there is none.
    """

    dtypes: tuple[str, ...]
    is_whole: bool | None = None
    has_floats: bool = False
    is_trusted: bool = False
    has_markup: bool = False
    first_list: tuple[int, bool] | None = None

    def followed_by(self, other: ColumnFacts, *, rows: int) -> ColumnFacts:
        """The facts of this column and, *rows* further down, another part of it."""
        later = other.first_list
        if later is not None:
            later = (later[0] + rows, later[1]) if later[0] + rows < MOST_CELLS else None
        wholes = [one for one in (self.is_whole, other.is_whole) if one is not None]
        return ColumnFacts(
            tuple(sorted({*self.dtypes, *other.dtypes})),
            all(wholes) if wholes else None,
            self.has_floats or other.has_floats,
            self.is_trusted or other.is_trusted,
            self.has_markup or other.has_markup,
            self.first_list or later,
        )


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """What is decided over all rows of a frame; a small value that is the same on every machine.

    Attributes:
        rows: the number of rows.
        columns: the facts of each column, in the order of the frame.

    >>> halves = [pd.DataFrame({"seats": [5.0]}), pd.DataFrame({"seats": [2.5]})]
    >>> facts = FrameFacts.of(halves[0]) + FrameFacts.of(halves[1])
    >>> facts.columns["seats"].is_whole, FrameFacts.from_json(facts.to_json()) == facts
    (False, True)
    """

    rows: int
    columns: Mapping[str, ColumnFacts] = field(default_factory=dict)

    @classmethod
    def of(cls, frame: pd.DataFrame) -> FrameFacts:
        """The facts of a frame, or of a part of one.

        Raises:
            FrameError: a label is no text or occurs twice, or a cell is made by a function.
        """
        labels: list[Any] = list(frame.columns)
        wrong = [label for label in labels if not isinstance(label, str)]
        if wrong or len(set(labels)) < len(labels):
            raise FrameError(
                "the columns need different names that are texts, as in Parquet; rename them with "
                "df.rename(columns=…)"
            )
        return cls(len(frame), {name: _column_facts(name, frame[name]) for name in labels})

    def __add__(self, other: FrameFacts) -> FrameFacts:
        """The facts of these rows followed by others.

        Raises:
            FrameError: the other rows have other columns.
        """
        if not self.columns or not other.columns:
            return other if not self.columns else self
        self.check_labels(list(other.columns))
        columns = {
            name: facts.followed_by(other.columns[name], rows=self.rows)
            for name, facts in self.columns.items()
        }
        return FrameFacts(self.rows + other.rows, columns)

    def check_labels(self, labels: list[Any]) -> None:
        """Refuse a partition with other columns.

        Raises:
            FrameError: with the columns.
        """
        if labels != list(self.columns):
            raise FrameError(
                f"a partition has the columns {', '.join(map(str, labels))}, and the survey has "
                f"{', '.join(self.columns)}; all partitions need the same columns in the same order"
            )

    def check_numbers(self, name: str) -> None:
        """Refuse a column whose partitions have numbers that are printed in different ways.

        Raises:
            FrameError: with the dtypes.
        """
        facts = self.columns[name]
        if facts.has_floats and len(facts.dtypes) > 1:
            numbers = all(_is_integer(dtype) or dtype == "float64" for dtype in facts.dtypes)
            if not numbers or facts.is_whole is False:
                raise FrameError(
                    f"the column {name!r} has the dtypes {', '.join(facts.dtypes)} in different "
                    "partitions; give it one dtype"
                )

    def to_json(self) -> str:
        """The facts as JSON; they have names of columns, and no cells."""
        columns = {
            name: {one: getattr(facts, one) for one in ColumnFacts.__slots__}
            for name, facts in self.columns.items()
        }
        return json.dumps({"version": _VERSION, "rows": self.rows, "columns": columns})

    @classmethod
    def from_json(cls, text: str) -> FrameFacts:
        """The facts that ``to_json`` wrote.

        Raises:
            MailframeError: they are damaged, or of a newer mailframe.
        """
        try:
            read = json.loads(text)
            version = read["version"]
            columns = {
                name: ColumnFacts(
                    **facts
                    | {
                        "dtypes": tuple(facts["dtypes"]),
                        "first_list": facts["first_list"] and tuple(facts["first_list"]),
                    }
                )
                for name, facts in read["columns"].items()
            }
            facts = cls(read["rows"], columns)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise MailframeError(f"facts of mf.survey cannot be read: {error!r}") from None
        if version != _VERSION:
            raise MailframeError(
                f"facts of version {version} are of another mailframe; call mf.survey again"
            )
        return facts

    def is_trusted(self, column: Column) -> bool:
        """Whether a column has trusted HTML anywhere in the frame."""
        return self.columns[str(column.name)].is_trusted

    def has_markup(self, column: Column) -> bool:
        """Whether a column has trusted HTML or images anywhere in the frame, also in lists."""
        return self.columns[str(column.name)].has_markup

    @property
    def with_records(self) -> frozenset[str]:
        """The columns whose first list has records."""
        columns = self.columns.items()
        return frozenset(
            [name for name, facts in columns if facts.first_list and facts.first_list[1]]
        )

    def empty_frame(self) -> pd.DataFrame:
        """A frame without rows with these columns."""
        return pd.DataFrame({name: _no_cells(facts) for name, facts in self.columns.items()})

    def column(self, column: Column) -> Column:
        """A column of a part of the frame, read as within the whole frame.

        Raises:
            FrameError: see ``check_numbers``.
        """
        facts = self.columns[str(column.name)]
        self.check_numbers(str(column.name))
        if not is_float_dtype(column.series.dtype):
            return column
        return replace(column, integral=facts.is_whole is True)


def _column_facts(name: str, series: pd.Series[Any]) -> ColumnFacts:
    dtypes, facts = (str(series.dtype),), ColumnFacts((str(series.dtype),))
    if isinstance(series.dtype, pd.CategoricalDtype):
        return _category_facts(series.cat.categories)
    if is_float_dtype(series.dtype):
        has_numbers = bool(series.notna().any())
        return ColumnFacts(dtypes, is_integral(series) if has_numbers else None, has_floats=True)
    if is_integer_dtype(series.dtype) and not is_bool_dtype(series.dtype):
        return replace(facts, is_whole=True if series.notna().any() else None)
    if series.dtype == object:
        if any(type(cell) is RowCell for cell in series.array):
            raise FrameError(
                f"the column {name!r} has cells of mf.each, which belong to one frame; give "
                "mf.each(…) as a value of the letter"
            )
        trusted, has_markup = markup_of([Column.of(name, series)])
        facts = replace(facts, is_trusted=name in trusted, has_markup=has_markup)
    if series.dtype == object or isinstance(series.dtype, pd.ArrowDtype):
        return replace(facts, first_list=first_list(islice(series.array, MOST_CELLS)))
    return facts


def _category_facts(categories: pd.Index[Any]) -> ColumnFacts:
    """The facts of a categorical column, whose categories decide how they are printed."""
    if not is_float_dtype(categories.dtype):
        return ColumnFacts(("category",))
    kind = "whole numbers" if is_integral(pd.Series(categories)) else "numbers"
    return ColumnFacts((f"category of {kind}",), has_floats=True)


def _is_integer(dtype: str) -> bool:
    return dtype.lower().removeprefix("u") in {"int8", "int16", "int32", "int64"}


def _no_cells(facts: ColumnFacts) -> pd.Series[Any]:
    try:
        return pd.Series([], dtype=facts.dtypes[0])
    except (TypeError, ValueError, NotImplementedError):  # of another package; with parameters
        return pd.Series([], dtype=object)
