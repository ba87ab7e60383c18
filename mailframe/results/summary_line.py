"""The results frame with a summary line above its rows: what happened and what to do next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pandas as pd

from mailframe.counting import counted
from mailframe.errors import ResultsError
from mailframe.message.problem_frame import LikeAnyFrame
from mailframe.message.row_names import label_text
from mailframe.message.shown_frame import most_rows
from mailframe.pages.data_frame import data_frame
from mailframe.pages.text import one_line, visible
from mailframe.paths import DEFAULT_LEDGER
from mailframe.results import advice, reasons
from mailframe.results.display import Shown, as_html, as_text, shown_part
from mailframe.results.frame import newest, results_columns
from mailframe.results.row_results import Status, counts_sentence, counts_text

if TYPE_CHECKING:
    from collections.abc import Callable

_SHOWN_BATCHES: Final = 3
_MAX_LINE_CHARS: Final = 10_000


@dataclass(frozen=True, slots=True)
class About:
    """What a summary line needs besides the rows.

    Attributes:
        columns: the labels of the columns of results that are counted; ``with_summary_line`` sets
            them.
        name: the name of the campaign; None if it is unknown.
        has_ledger: whether the run is in a ledger; None if this is unknown, as for a file.
        test_to: the recipient of test emails; None for a send.
        ledger: the path of the ledger.
        streams: the message streams of the messages.
        is_dry_run: whether nothing was posted on purpose.
        is_refused: whether an error or an interrupt ended the run before its first request.
        key: the columns that identify a row.
    """

    columns: tuple[str, ...] = ()
    name: str | None = None
    has_ledger: bool | None = None
    test_to: str | None = None
    ledger: str = DEFAULT_LEDGER
    streams: tuple[str, ...] = ()
    is_dry_run: bool = False
    is_refused: bool = False
    key: tuple[str, ...] = ()


class Results(pd.DataFrame, metaclass=LikeAnyFrame):
    """A results frame with a summary line; frames derived from it are plain DataFrames.

    It is shown with its failures first, and with the columns of results before the others. The data
    and their order are those of a plain DataFrame.
    """

    about: About
    _metadata: ClassVar[list[str]] = ["about"]

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    @property
    def summary_line(self) -> str:
        """Counts the rows by status and names the next step; empty if this is no results frame."""
        return self._line_and_labels()[0]

    def _line_and_labels(self) -> tuple[str, dict[str, str]]:
        about = getattr(self, "about", None)
        try:
            labels = {} if about is None else results_columns(self)
            if about is None or tuple(labels.values()) != about.columns:
                return "", {}
            line = _summary_line(newest(self, labels), about)
            return one_line(line, most=_MAX_LINE_CHARS), labels
        except (ResultsError, TypeError, ValueError):  # a column was dropped or overwritten
            return "", {}

    def _shown(self, labels: dict[str, str]) -> Shown:
        return shown_part(self, labels, self.about.key, most_rows=most_rows(len(self)))

    def __repr__(self) -> str:
        line, labels = self._line_and_labels()
        if not line:
            return super().__repr__()
        table = as_text(self._shown(labels)) if len(self) else visible(super().__repr__())
        return f"{line}\n\n{table}"

    def _repr_html_(self) -> str | None:
        if not pd.get_option("display.notebook_repr_html"):
            return None
        line, labels = self._line_and_labels()
        if line and len(self):
            return as_html(self._shown(labels), lead=line)
        table: str | None = super()._repr_html_()  # type: ignore[misc]  # not in pandas-stubs
        return data_frame(visible(table), lead=line) if table and line else table


def with_summary_line(frame: pd.DataFrame, about: About) -> pd.DataFrame:
    """The results frame with its summary line; a subclass of DataFrame is returned as it is.

    >>> from mailframe.results.frame import results_frame
    >>> from mailframe.results.row_results import RowResults
    >>> frame = results_frame(pd.DataFrame(index=range(2)), RowResults(2))
    >>> with_summary_line(frame, About(name="spring", has_ledger=True)).summary_line
    '2 rows: 2 unsent. Next: run send again; it sends only the unsent rows.'
    """
    about = replace(about, columns=tuple(results_columns(frame).values()))
    if type(frame) is not pd.DataFrame:
        return frame
    results = Results(frame)
    results.attrs = frame.attrs
    object.__setattr__(results, "about", about)
    return results


def _summary_line(rows: pd.DataFrame, about: About) -> str:
    """The summary line of *rows*, the newest results under their standard names."""
    counts = _counter(rows["status"])
    unknown = _of_status(rows, Status.UNKNOWN, counts)
    if about.test_to is not None:
        return _of_tests(counts, unknown, about.test_to)
    skipped = _counter(_of_status(rows, Status.SKIPPED, counts)["reason"])
    skips = ", ".join(
        f"{count:,} {str(reason).replace('_', ' ')}" for reason, count in skipped.items()
    )
    changed = int(rows["changed"].sum())
    parts = [
        _of_dry_run(rows, is_refused=about.is_refused) if about.is_dry_run else "",
        counts_sentence(counts, len(rows)),
        f"Skipped: {skips}." if skips else "",
        _of_unknown(unknown) if len(unknown) else "",
        "" if about.is_dry_run else _next(counts, unknown, about),
        f"Changed: {changed:,} with an earlier version; they were not sent the new one."
        if changed
        else "",
    ]
    return " ".join(filter(None, parts))


def _of_dry_run(rows: pd.DataFrame, *, is_refused: bool) -> str:
    """How much a send would post: the rows that only the dry run left unsent."""
    if is_refused:
        return "Dry run that did not reach its end: nothing was sent or recorded."
    batches = rows.loc[rows["reason"] == reasons.DRY_RUN, "batch"]
    what = counted(len(batches), "message")
    if len(batches):
        what += f" in {counted(batches.nunique(), 'batch', 'batches')}"
    return f"Dry run: nothing was sent or recorded; send would post {what}."


def _of_status(rows: pd.DataFrame, status: Status, counts: Counter[Any]) -> pd.DataFrame:
    """The reason and the batch of the rows of a status."""
    some = rows[["reason", "batch"]]
    return some[rows["status"] == status] if counts[status] else some.iloc[:0]


def _counter(column: pd.Series[str]) -> Counter[Any]:
    """Each value with its number; 20 times as fast as to count cell by cell."""
    return Counter(column.value_counts(sort=False).to_dict())


def _of_tests(counts: Counter[Any], unknown: pd.DataFrame, to: str) -> str:
    emails, statuses = counted(counts.total(), "test email"), counts_text(counts)
    unconfirmed = f" Unconfirmed: row {label_text(unknown.index[0])}." if len(unknown) else ""
    return (
        f"{emails} to {to}{': ' if statuses else ''}{statuses}.{unconfirmed} "
        "Nothing was sent to anyone else."
    )


def _is_unread(unknown: pd.DataFrame) -> pd.Series[bool]:
    """Which of the unknown rows have a history that could not be read."""
    return unknown["reason"].map(str).str.startswith(reasons.NOT_READ)


def _of_unknown(unknown: pd.DataFrame) -> str:
    unread = _is_unread(unknown)
    if unread.all():
        return f"Unknown: {unknown['reason'].iloc[0]}."
    unknown = unknown[~unread]
    numbers = unknown["batch"].dropna().unique().tolist()
    more = ", …" if len(numbers) > _SHOWN_BATCHES else ""
    shown = ", ".join(map(str, numbers[:_SHOWN_BATCHES]))
    batches = f"batch {shown}{more}: " if numbers else ""
    reason = next(iter(unknown["reason"].dropna()), "no clear answer")
    return (
        f"Unconfirmed: {batches}{reason}. "
        "Unconfirmed rows are not sent again without explicit confirmation."
    )


def _next(counts: Counter[Any], unknown: pd.DataFrame, about: About) -> str:
    if about.has_ledger is None:
        return ""
    if not about.has_ledger:
        repeats = "No ledger: running send again sends to everybody again."
        return repeats if counts[Status.ACCEPTED] else ""
    unread = _is_unread(unknown)
    if unread.any():
        adopt = advice.adopt_call(about.name, ledger=about.ledger, streams=about.streams)
        return f"Next: {advice.next_step(unknown.loc[unread, 'reason'].iloc[0], adopt=adopt)}"
    if len(unknown):
        reconcile = advice.reconcile_call(about.name, ledger=about.ledger)
        return (
            f"Next: {reconcile} asks Postmark which messages it has; "
            "mf.resolve sets the status of the rest."
        )
    if counts[Status.UNSENT]:
        return "Next: run send again; it sends only the unsent rows."
    return ""
