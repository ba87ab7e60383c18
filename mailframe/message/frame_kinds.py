"""The kinds of frames besides pandas: how a library gives its rows, and takes new columns."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.errors import FrameError
from mailframe.message.arrow_columns import arrow
from mailframe.message.input_frame import REFUSED, library_of, type_name
from mailframe.problems import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NOT_IN_ARROW: Final = frozenset({"Object", "Int128", "UInt128"})
"""Types of polars that Arrow does not have."""
_VIEW: Final = "mailframe_results_of_campaign"
_FREE: Final = "mail_"


class ArrowKind:
    """Tables of pyarrow, and what another library gives through the Arrow PyCapsule interface.

    Results and other frames are tables of pyarrow.
    """

    extra = "arrow"

    def taken(self, frame: Any) -> tuple[Any, Any]:
        """The rows as a ``pyarrow.Table``, and a copy of the frame for its results.

        Raises:
            FrameError: a column has a type that Arrow does not have, or the memory is damaged.
            MissingExtra: pyarrow is not installed.
        """
        pa = arrow(f"a {type_name(frame)}", extra=self.extra)
        where = ""
        try:
            table = pa.table(frame)
            for name, column in zip(table.column_names, table.columns, strict=True):
                where = f"column {name!r}: "
                column.validate(full=True)
        except (pa.ArrowException, UnicodeError) as error:
            raise FrameError(
                f"the {type_name(frame)} cannot be read as Arrow ({where}{shown(str(error))})"
            ) from None
        return table, table

    def frame(self, table: Any) -> Any:
        """A table in this kind."""
        return table

    def joined(self, native: Any, added: Any, positions: Sequence[int] | None) -> Any:
        """The caller's frame, or some of its rows, with the columns of a table after its own."""
        table = native if positions is None else _rows_at(native, positions)
        for name, column in zip(added.column_names, added.columns, strict=True):
            table = table.append_column(name, column)
        return table


def _rows_at(table: Any, positions: Sequence[int]) -> Any:
    """Some rows of a table; ``take`` has no code for texts of a view."""
    pa = arrow("Arrow")
    slices = [table.slice(position, 1) for position in positions]
    return pa.concat_tables(slices or [table.slice(0, 0)])


def _names_inside(dtype: Any) -> Iterator[str]:
    """The name of a type of polars, and of those of its items or fields."""
    yield dtype.base_type().__name__
    fields = [field.dtype for field in getattr(dtype, "fields", ())]
    for inside in (getattr(dtype, "inner", None), *fields):
        if inside is not None:
            yield from _names_inside(inside)


class PolarsKind(ArrowKind):
    """DataFrames of polars."""

    extra = "polars"

    def taken(self, frame: Any) -> tuple[Any, Any]:
        """The rows as a table, and a clone, which shares its memory with the frame."""
        for name, dtype in frame.schema.items():
            if not _NOT_IN_ARROW.isdisjoint(_names_inside(dtype)):
                raise FrameError(
                    f"the column {name!r} has the polars type {dtype}, which Arrow does not have; "
                    "cast or drop it"
                )
        table, _ = super().taken(frame)
        return table, frame.clone()

    def frame(self, table: Any) -> Any:
        """A table as a DataFrame of polars."""
        return sys.modules["polars"].DataFrame(table)

    def joined(self, native: Any, added: Any, positions: Sequence[int] | None) -> Any:
        """The caller's columns, which keep types such as ``Enum``, and new ones."""
        rows = native if positions is None else native[list(positions)]
        return rows.hstack(self.frame(added))


class DuckdbKind(ArrowKind):
    """Relations of DuckDB: their query runs once, and results are relations of its connection."""

    extra = "duckdb"

    def __init__(self, relation: Any) -> None:
        self._relation = relation

    def taken(self, frame: Any) -> tuple[Any, Any]:
        """The rows that the query gives now, as a table twice."""
        if not hasattr(type(frame), "execute"):
            return super().taken(frame)
        # before DuckDB 2 a relation whose first rows were fetched gives the others alone
        table, _ = super().taken(frame.select("*"))
        table = table.rename_columns(frame.columns)
        return table, table

    def frame(self, table: Any) -> Any:
        """A table as a relation; of another connection if that of the caller is closed."""
        mailframe_results_of_campaign = table  # noqa: F841 - the query reads it by its name
        try:
            made = self._relation.query(f"{_VIEW}_rows", f"FROM {_VIEW}")
            if hasattr(type(made), "execute"):  # DuckDB 1 has made a view
                self._relation.query(f"{_VIEW}_rows", f"DROP VIEW {_VIEW}_rows")
        except Exception:  # noqa: BLE001 - results must not be lost
            made = sys.modules["duckdb"].from_arrow(table)
        return made

    def joined(self, native: Any, added: Any, positions: Sequence[int] | None) -> Any:
        """The caller's rows with new columns, as a relation; its names have no upper case."""
        taken = {name.casefold() for name in native.column_names}
        names = [
            name if name.casefold() not in taken else _FREE + name for name in added.column_names
        ]
        added = added.rename_columns(names)
        return self.frame(super().joined(native, added, positions))


def kind_of(frame: object) -> ArrowKind | None:
    """The kind of a frame; None for one of pandas, and for what gives no rows as Arrow."""
    if isinstance(frame, pd.DataFrame):
        return None
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(frame, polars.DataFrame):
        return PolarsKind()
    library, name = library_of(frame), type(frame).__name__
    if library == "duckdb" and name == "DuckDBPyRelation":
        return DuckdbKind(frame)
    return ArrowKind() if gives_arrow(frame) else None


def gives_arrow(frame: object) -> bool:
    """Whether an object gives a table through the Arrow PyCapsule interface.

    A column has the interface, too, but no names.
    """
    kind = type(frame)
    is_column = kind.__name__ in ("Series", "ChunkedArray") or (
        library_of(frame) == "pyarrow" and kind.__name__.endswith("Array")
    )
    has_interface = hasattr(kind, "__arrow_c_stream__") or hasattr(kind, "__arrow_c_array__")
    return has_interface and not is_column and library_of(frame) not in REFUSED
