"""The accessor ``df.mail``.

pandas makes a new accessor at every access, so that it cannot hold any state. ``import mailframe``
registers it, so each method imports what it needs when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn

import pandas as pd

import mailframe as mf
from mailframe.counting import counted
from mailframe.errors import AccessorError, FrameError
from mailframe.outcome_methods import OutcomeMethods

if TYPE_CHECKING:
    import os
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from matplotlib.axes import Axes

_NOT_A_COLUMN: Final = "df.mail is the mailframe accessor, not a column"
_THE_COLUMN: Final = f'{_NOT_A_COLUMN}; the column is df["mail"]'


class MailAccessor(OutcomeMethods):
    """Methods of DataFrames: ``compose`` and ``nest`` for any DataFrame, the others for results.

    A column that is called ``mail`` is ``df["mail"]``; using the accessor as a column is an error
    that says so.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    @property
    def _results(self) -> pd.DataFrame:
        """The frame with columns that pandas can use: not with texts of a view, as of polars."""
        from mailframe.message.arrow_columns import with_usable_columns

        return with_usable_columns(self._frame)

    def compose(
        self,
        letter: mf.Letter | None = None,
        *,
        name: str | None = None,
        key: str | Sequence[str] | None = None,
        consent: object = None,
        holdout: object = None,
        seed: str | int | None = None,
        variants: Mapping[str, mf.Letter | Mapping[str, Any]] | None = None,
        weights: Mapping[str, float] | Iterable[float] | None = None,
        variant: object = None,
        **letter_fields: Any,
    ) -> mf.Campaign:
        """A campaign over this frame; the same as ``mf.compose(df, …)``, with its arguments."""
        return mf.compose(
            self._frame,
            letter,
            name=name,
            key=key,
            consent=consent,
            holdout=holdout,
            seed=seed,
            variants=variants,
            weights=weights,
            variant=variant,
            **letter_fields,
        )

    def nest(self, *, on: str, **details: pd.DataFrame) -> pd.DataFrame:
        """The frame with a column of lists for each frame of details, for ``{{ orders | table }}``.

        Args:
            on: the column of this frame and of all details that tells whose a row is.
            details: frames with any number of rows for each person, by the name of the new column.

        Returns:
            A new frame. Each list has the records of one person, in the order of their frame; a
            person without any has an empty list.

        Raises:
            FrameError: a column is missing or there already, or no row of details belongs to a row
                of this frame.

        >>> people = pd.DataFrame({"id": [1, 2], "email": ["ann@example.com", "bob@example.com"]})
        >>> orders = pd.DataFrame({"id": [2, 2], "item": ["tea", "cup"]})
        >>> people.mail.nest(orders=orders, on="id")["orders"].tolist()
        [[], [{'item': 'tea'}, {'item': 'cup'}]]
        """
        from mailframe.message.records import nested

        return nested(self._frame, details, on=on)

    def summary(self) -> pd.DataFrame:
        """The number and share of rows with each status, ErrorCode and reason.

        Returns:
            Columns ``status``, ``ErrorCode``, ``reason``, ``rows``, ``share`` (of all rows, from 0
            to 1) and ``Message``, one of Postmark's texts; in the order of ``mf.Status``.

        Raises:
            ResultsError: this is not a results DataFrame.
        """
        from mailframe.results.frame import summary

        return summary(self._results)

    def failed(self) -> pd.DataFrame:
        """The rows that are ``rejected`` or ``invalid``, with all columns, in their order.

        They did not get the message, and will not get it without a change. ``unknown`` rows are not
        among them: they may have it, so to fix and send them risks duplicates. Neither are
        ``unsent`` rows, which the next ``send`` takes.

        Raises:
            ResultsError: this is not a results DataFrame.
        """
        from mailframe.results.status_counts import FAILED, with_status

        return with_status(self._results, *FAILED)

    def accepted(self) -> pd.DataFrame:
        """The rows that Postmark accepted in this run, with all columns, in their order.

        Rows that were accepted in an earlier run are ``skipped``.

        Raises:
            ResultsError: this is not a results DataFrame.
        """
        from mailframe.results.status_counts import with_status

        return with_status(self._results, mf.Status.ACCEPTED)

    def by(self, columns: Hashable | list[Hashable], *, shares: bool = False) -> pd.DataFrame:
        """The number of rows with each status, for each value of a column.

        Args:
            columns: the label of any column, or a list of labels.
            shares: whether to give each status as the share of its row, from 0 to 1.

        Returns:
            One row per value, with the value as index, also for a missing one: ``rows``, and a
            column for each status that occurs. The values of a categorical column are in its order;
            variants are in alphabetical order; otherwise the value with the most rows is first.

        Raises:
            FrameError: there is no such column, or a cell such as a list cannot be counted.
            ResultsError: this is not a results DataFrame.
        """
        from mailframe.results.status_counts import statuses_by

        return statuses_by(self._results, columns, shares=shares)

    def plot(
        self,
        what: Hashable | list[Hashable] | None = None,
        *,
        by: Hashable | list[Hashable] | None = None,
        over: Literal["time"] | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """A chart of the rows by status and reason, which Jupyter shows at the end of a cell.

        Args:
            what: ``"funnel"`` or ``"timeline"`` draws the outcomes after a refresh: how many
                messages reached each stage, or how opens and clicks grew over time. Another label,
                or one that is a column, is *by*.
            by: the label of a column, or a list of labels: one bar for each of its values, stacked
                by status; the 20 first, as ``by`` has them. In a funnel, the shares of each value;
                the 6 first.
            over: ``"time"`` draws how many messages were accepted, over ``SubmittedAt``.
            ax: the axes of matplotlib to draw in. By default they are new ones, on a transparent
                figure for light and dark pages; pyplot and its settings are not used.

        Returns:
            The axes, for changes with matplotlib. ``ax.get_figure()`` is the figure, and its label
            is the alternative text.

        Raises:
            MissingExtra: matplotlib is not installed: ``pip install "mailframe[charts]"``.
            FrameError: there is no such column, or a cell such as a list cannot be counted.
            ResultsError: this is not a results DataFrame, or there is nothing to draw.
        """
        from mailframe.outcomes.plot import plot_any

        return plot_any(self._results, what, by, over=over, ax=ax)

    def to_csv(self, path: str | os.PathLike[str], excel_safe: bool = False) -> None:  # noqa: FBT002 - fixed by product.md
        """Write results to a CSV file; ``mf.read_results`` reads the identical DataFrame from it.

        Args:
            path: the path of the CSV file; its column types are written to ``<path>-metadata.json``
                (W3C CSVW). ``.gz``, ``.bz2``, ``.xz`` and ``.zip`` compress it, as in pandas; ``~``
                is the home folder.
            excel_safe: whether to escape cells that a spreadsheet would run, such as ``=cmd|…``.

        Raises:
            ResultsError: this is not a results DataFrame, or it cannot be written.
        """
        from mailframe.results.csv import write_csv

        write_csv(self._results, path, excel_safe=excel_safe)

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write results to a Parquet file, from which ``mf.read_results`` reads the same DataFrame.

        The file is read and compared with the DataFrame before it appears.

        Args:
            path: the ``.parquet`` file; an existing file is replaced. ``~`` is the home folder.

        Raises:
            MissingExtra: pyarrow is not installed: ``pip install "mailframe[parquet]"``.
            ResultsError: this is not a results DataFrame, or Parquet has no type for a column, such
                as one with texts and numbers; the text names column and row.
        """
        from mailframe.results.parquet import write_parquet

        write_parquet(self._results, path)

    def to_excel(self, path: str | os.PathLike[str]) -> None:
        """Write results to an Excel file, for reading; ``mf.read_results`` reads CSV and Parquet.

        Text stays text: zip codes keep their zeros, and no cell is run as a formula. Times are UTC
        without a time zone, in milliseconds, because Excel has no time zones. Whole numbers of more
        than 15 digits are text.

        Args:
            path: the ``.xlsx`` file; an existing file is replaced. ``~`` is the home folder.

        Raises:
            MissingExtra: openpyxl is not installed: ``pip install "mailframe[excel]"``.
            ResultsError: this is not a results DataFrame, or Excel cannot hold it.
        """
        from mailframe.results.excel import write_excel

        write_excel(self._results, path)

    def __repr__(self) -> str:
        return f"<mail accessor of {counted(len(self._frame), 'row')}: {_methods()}>"

    def __getattr__(self, name: str) -> NoReturn:
        message = f"df.mail has no {name!r}; it has {_methods()}"
        if not name.startswith("_") and self._has_column():
            message = f'{_THE_COLUMN}: write df["mail"].{name}'
        raise AccessorError(message, name=name, obj=self)

    def __getitem__(self, place: object) -> NoReturn:
        raise FrameError(f'{_THE_COLUMN}: write df["mail"][{place!r}]')

    def __setitem__(self, place: object, value: object) -> NoReturn:
        raise FrameError(f'{_NOT_A_COLUMN}; write df.loc[{place!r}, "mail"] = …')

    def _refuse(self, *_: object) -> NoReturn:
        raise FrameError(_THE_COLUMN)

    # without the first two, df["x"] = df.mail would put the accessor into every cell
    __iter__ = __len__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if self._has_column():
            raise FrameError(f'{_THE_COLUMN}: write df["mail"] == …')
        return self is other

    __hash__ = object.__hash__

    def _has_column(self) -> bool:
        frame = self.__dict__.get("_frame")  # a copy has none while it is made
        return frame is not None and "mail" in frame.columns


def _methods() -> str:
    members = {**vars(MailAccessor), **vars(OutcomeMethods)}
    return ", ".join(name for name, value in members.items() if name[0] != "_" and callable(value))


class _Attribute:
    """``mail`` as an attribute of DataFrames: reading it gives the accessor; it cannot be set."""

    def __init__(self, accessor: type[MailAccessor]) -> None:
        self._accessor = accessor

    def __get__(
        self, frame: pd.DataFrame | None, kind: type | None = None
    ) -> MailAccessor | type[MailAccessor]:
        return self._accessor if frame is None else self._accessor(frame)

    def __set__(self, frame: pd.DataFrame, value: object) -> None:
        # after an AttributeError pandas would silently try other ways
        raise FrameError(f'{_NOT_A_COLUMN}; write df["mail"] = …')

    def __delete__(self, frame: pd.DataFrame) -> None:
        raise AccessorError(f'{_NOT_A_COLUMN}; write del df["mail"]')


def register() -> None:
    """Register ``df.mail``; after a reload of this module the new class replaces the old one."""
    registered = getattr(pd.DataFrame, "mail", None)
    if registered is MailAccessor:
        return
    if isinstance(registered, type) and (registered.__module__, registered.__qualname__) == (
        __name__,
        MailAccessor.__qualname__,
    ):
        delattr(pd.DataFrame, "mail")  # else pandas warns about an existing attribute
    pd.api.extensions.register_dataframe_accessor("mail")(MailAccessor)
    # with the attribute that pandas makes, ``df.mail = …`` silently hides the accessor
    pd.DataFrame.mail = _Attribute(MailAccessor)  # type: ignore[attr-defined]  # not in pandas-stubs
