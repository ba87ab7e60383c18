"""A frame as the caller gave it: its rows for the letter, and frames of the same kind in return."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

import pandas as pd

from mailframe.message.arrow_columns import (
    arrow,
    frame_of,
    table_of,
    with_fast_cells,
    with_usable_columns,
)
from mailframe.message.frame_kinds import kind_of
from mailframe.message.input_frame import check_frame, library_of, type_name
from mailframe.pandas_versions import own_copy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import TypeVar

    from mailframe.message.frame_kinds import ArrowKind

    class GivesArrow(Protocol):
        """A frame of another library than pandas."""

        def __arrow_c_stream__(self, requested_schema: object | None = None, /) -> object: ...

    FrameT = TypeVar("FrameT", bound="pd.DataFrame | GivesArrow", default=pd.DataFrame)
else:
    from typing import TypeVar

    FrameT = TypeVar("FrameT")
"""The type of the caller's frame, which results have, too."""


@dataclass(frozen=True, slots=True, eq=False)
class GivenFrame:
    """A frame of pandas, polars, pyarrow, DuckDB or another library with Arrow.

    Attributes:
        rows: the rows as templates read them, one per message.
        native: a copy for results; a ``pyarrow.Table`` for what is only read as one.
        kind: what the library does; None for pandas.
        wrap: a function of another library, such as narwhals, that wraps frames of this kind.
    """

    rows: pd.DataFrame
    native: Any
    kind: ArrowKind | None = None
    wrap: Callable[[Any], Any] | None = None

    @property
    def frame(self) -> Any:
        """A copy of the caller's frame."""
        return self._wrapped(self.native)

    def made(self, frame: pd.DataFrame) -> Any:
        """A frame that mailframe has made, in the caller's kind; only pandas has its index."""
        return self._wrapped(frame if self.kind is None else self.kind.frame(table_of(frame)))

    def results(self, results: pd.DataFrame, *, positions: Sequence[int] | None = None) -> Any:
        """Results in the caller's kind, with the caller's columns as they were.

        Args:
            results: the columns of the rows, then those of the results.
            positions: the rows that the results have; None for all.
        """
        if self.kind is None:
            if positions is None:
                self._put_back(results)
            return self._wrapped(results)
        try:
            added = table_of(results.iloc[:, len(self.rows.columns) :])
            return self._wrapped(self.kind.joined(self.native, added, positions))
        except Exception:  # noqa: BLE001 - messages were sent, and the results must not be lost
            return results

    def _put_back(self, results: pd.DataFrame) -> None:
        """Give columns that pandas cannot use, such as texts of a view, as they were."""
        for place, (used, given) in enumerate(
            zip(self.rows.dtypes, self.native.dtypes, strict=True)
        ):
            if used != given:
                results.isetitem(place, self.native.iloc[:, place].array)

    def _wrapped(self, frame: Any) -> Any:
        return frame if self.wrap is None else self.wrap(frame)


PANDAS: Final = GivenFrame(pd.DataFrame(), pd.DataFrame())
"""What makes frames of pandas for a campaign that nobody gave a frame."""


def given_frame(frame: object) -> GivenFrame:
    """A frame of any kind that ``compose`` takes.

    Raises:
        NotAFrame: it is something else; the text says how to make it one.
        FrameError: it cannot be composed; the text names the column.
        MissingExtra: pyarrow is not installed, and the frame is not of pandas.
    """
    if isinstance(frame, GivenFrame):
        return frame
    if library_of(frame) == "narwhals" and type(frame).__name__ == "DataFrame":
        parts = type(frame).__module__.split(".")
        module = ".".join(parts[:3]) if parts[1:2] == ["stable"] else parts[0]
        native: Any = getattr(frame, "to_native")()  # noqa: B009 - narwhals may not be installed
        return replace(given_frame(native), wrap=sys.modules[module].from_native)
    kind = kind_of(frame)
    if kind is None:
        rows = own_copy(check_frame(frame))
        return GivenFrame(with_usable_columns(rows), rows)
    table, native = kind.taken(frame)
    return GivenFrame(frame_of(table), native, kind)


def rows_of(frame: object) -> pd.DataFrame:
    """The rows of a frame of any kind that ``compose`` takes, as a DataFrame of pandas.

    Raises:
        NotAFrame, FrameError, MissingExtra: see ``given_frame``.
    """
    return given_frame(frame).rows


def as_pandas(given: object) -> Any:
    """A frame or a column of another library as one of pandas; anything else as it is.

    >>> import polars as pl
    >>> as_pandas(pl.Series([True, False])).tolist()
    [True, False]
    """
    if isinstance(given, str | list | tuple | pd.DataFrame | pd.Series | pd.Index):
        return given
    if kind_of(given) is not None:
        return rows_of(given)
    is_stream = hasattr(type(given), "__arrow_c_stream__")
    if not is_stream and library_of(given) != "pyarrow":
        return given
    pa = arrow(f"a {type_name(given)}")
    if isinstance(given, pa.Array):
        given = pa.chunked_array([given])
    if not (is_stream or isinstance(given, pa.ChunkedArray)):
        return given
    return with_fast_cells(frame_of(pa.table({"": pa.chunked_array(given)})).iloc[:, 0])
