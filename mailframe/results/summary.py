"""The results frame as a person first sees it: one sentence of what happened and what to do next, then the rows."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from mailframe.errors import ResultsError
from mailframe.message.problem_frame import LikeAnyFrame
from mailframe.message.row_names import label_text
from mailframe.paths import DEFAULT_LEDGER
from mailframe.results import advice as calls
from mailframe.results.advice import NOT_READ, advice
from mailframe.results.frame import Status, counted, newest, results_columns

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class About:
    """What the rows of a results frame do not say themselves.

    Attributes:
        columns: the labels of the nine columns that the sentence is about.
        name: of the campaign; None where it is not known.
        remembered: the run is in a ledger; None where this is not known.
        test_to: whom the test mails went to; None for a campaign's own run.
        ledger: path of the ledger.
        streams: that the messages go to.
    """

    columns: tuple[str, ...]
    name: str | None = None
    remembered: bool | None = None
    test_to: str | None = None
    ledger: str = DEFAULT_LEDGER
    streams: tuple[str, ...] = ()


class Results(pd.DataFrame, metaclass=LikeAnyFrame):
    """A results frame that begins with its sentence; everything made from it is a plain DataFrame."""

    _metadata: ClassVar[list[str]] = ["about"]

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    @property
    def headline(self) -> str:
        """The sentence about the rows that are there now; empty once they are no results any more."""
        about = getattr(self, "about", None)
        try:
            if about is None or tuple(results_columns(self).values()) != about.columns:
                return ""
            return _sentence(newest(self), about)
        except (
            ResultsError,
            TypeError,
            ValueError,
        ):  # a column was dropped, or other values were put into it
            return ""

    def __repr__(self) -> str:
        said = self.headline
        return f"{said}\n\n{super().__repr__()}" if said else super().__repr__()

    def _repr_html_(self) -> str | None:
        table: str | None = super()._repr_html_()  # type: ignore[misc]  # pandas-stubs does not know it
        said = html.escape(self.headline)
        if table is None or not said:
            return table
        return f'<div class="tex2jax_ignore mathjax_ignore"><p><b>{said}</b></p>{table}</div>'


def with_headline(
    frame: pd.DataFrame,
    *,
    name: str | None = None,
    remembered: bool | None = None,
    test_to: str | None = None,
    ledger: str = DEFAULT_LEDGER,
    streams: tuple[str, ...] = (),
) -> pd.DataFrame:
    """The results frame with its sentence; a frame of a class of its own stays as it is.

    Args:
        frame: a results frame.
        name: of the campaign.
        remembered: it is in a ledger; None where this is not known, as after reading a file.
        test_to: whom the test mails went to.
        ledger: path of the ledger.
        streams: that the messages go to.

    >>> from mailframe.results.frame import RowResults, results_frame
    >>> frame = results_frame(pd.DataFrame(index=range(2)), RowResults(2))
    >>> with_headline(frame, name="spring", remembered=True).headline
    '2 rows: 2 unsent. Next: run send again; it takes the unsent rows and nobody twice.'
    """
    columns = tuple(results_columns(frame).values())
    if type(frame) is not pd.DataFrame:
        return frame
    results = Results(frame)
    results.attrs = frame.attrs
    object.__setattr__(results, "about", About(columns, name, remembered, test_to, ledger, streams))
    return results


def _sentence(found: pd.DataFrame, about: About) -> str:
    """What a run came to; *found* has the nine columns under their standard names."""
    counts = _counter(found["status"])
    unknown = found[found["status"] == Status.UNKNOWN]
    if about.test_to is not None:
        return _of_tests(counts, unknown, about.test_to)
    parts = [counted(found["status"])]
    reasons = _counter(found.loc[found["status"] == Status.SKIPPED, "reason"])
    if reasons:
        said = ", ".join(
            f"{count:,} {str(reason).replace('_', ' ')}" for reason, count in reasons.items()
        )
        parts.append(f"Skipped: {said}.")
    if len(unknown):
        parts.append(_doubt(unknown))
    parts.append(_next(counts, unknown, about))
    changed = int(found["changed"].sum())
    if changed:
        parts.append(
            f"{changed:,} have an earlier version of this mail and were not sent the new one."
        )
    return " ".join(part for part in parts if part)


def _counter(column: pd.Series[str]) -> Counter[Any]:
    """Each value with its number, in the order in which they are met; counting cell by cell takes 20 times as long."""
    return Counter(column.value_counts(sort=False).to_dict())


def _of_tests(counts: Counter[Any], unknown: pd.DataFrame, to: str) -> str:
    many = counts.total()
    said = " · ".join(f"{counts[status]:,} {status}" for status in Status if counts[status])
    doubt = f" In doubt: row {label_text(unknown.index[0])}." if len(unknown) else ""
    return (
        f"{many:,} test mail{'' if many == 1 else 's'} to {to}{': ' if said else ''}{said}.{doubt} "
        "Nobody else got anything."
    )


def _is_unread(unknown: pd.DataFrame) -> pd.Series[bool]:
    """Which of the unknown rows are it because nobody could look into their history."""
    return unknown["reason"].map(str).str.startswith(NOT_READ)


def _doubt(unknown: pd.DataFrame) -> str:
    unread = _is_unread(unknown)
    if unread.all():
        return f"Unknown: {unknown['reason'].iloc[0]}."
    unknown = unknown[~unread]
    numbers = unknown["batch"].dropna().unique().tolist()
    which = (
        f"batch {', '.join(map(str, numbers[:3]))}{', …' if len(numbers) > 3 else ''}: "  # noqa: PLR2004
        if numbers
        else ""
    )
    reason = next(iter(unknown["reason"].dropna()), "no clear answer")
    return f"In doubt: {which}{reason}. Nothing in doubt is sent again without your word."


def _next(counts: Counter[Any], unknown: pd.DataFrame, about: About) -> str:
    if about.remembered is None:
        return ""
    if not about.remembered:
        return (
            "No ledger: running send again sends to everybody again."
            if counts[Status.ACCEPTED]
            else ""
        )
    unread = _is_unread(unknown)
    if unread.any():
        adopt = calls.adopt(about.name, ledger=about.ledger, streams=about.streams)
        return f"Next: {advice(unknown.loc[unread, 'reason'].iloc[0], adopt=adopt)}"
    if len(unknown):
        asks = calls.reconcile(about.name, ledger=about.ledger)
        return f"Next: {asks} asks Postmark what it holds; mf.resolve decides about the rest."
    if counts[Status.UNSENT]:
        return "Next: run send again; it takes the unsent rows and nobody twice."
    return ""
