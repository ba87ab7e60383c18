"""The progress bar of a send: the rows that are checked, then the messages that are sent.

At its end it is replaced by one line of text, which counts every row. Where it is drawn depends on
where the code runs:

- a terminal: a tqdm bar on stderr;
- a file or a pipe: a line on stderr at the end, and in a long run one at each tenth of the way;
- a notebook: a tqdm widget, or a text bar without ipywidgets. A widget in a saved notebook would
  stay at 0 % where no kernel runs.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final, Self

from mailframe.counting import counted
from mailframe.notebook import BAR_AFTER_S, OUTER_BAR
from mailframe.results.row_results import Status
from mailframe.send.bar_surfaces import Phase, leave_line, open_surface

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token

    from mailframe.results.row_results import RowResults
    from mailframe.send.bar_surfaces import Surface
    from mailframe.send.pacing.pace import Pace

LOG_INTERVAL_S: Final = 30.0
_DRAW_INTERVAL_S: Final = 0.1


class Bar:
    """Two phases and a last line; updated from one thread.

    It never raises: the results of a run must not be lost if a bar cannot be drawn, for example on
    a closed pipe.

    Args:
        rows: the number of rows that are checked.
        name: the name of the campaign.
        shown: whether to show the bar; the environment variable TQDM_DISABLE, if set, hides it.
        log_interval_s: the minimum number of seconds between two lines in a file or a pipe.

    Attributes:
        is_shown: whether anything more is drawn.
    """

    def __init__(
        self, rows: int, *, name: str | None, shown: bool, log_interval_s: float = LOG_INTERVAL_S
    ) -> None:
        self.is_shown = shown and not os.environ.get("TQDM_DISABLE")
        self._name = _one_line(name or "")
        self._log_interval_s = log_interval_s
        self._surface: Surface | None = None
        self._phase = Phase(f"checking {self._name or 'rows'}", rows, "row")
        self._draws_at = time.monotonic() + BAR_AFTER_S
        self._note = ""
        self._counts: Mapping[Status, int] = {}
        self._pace: Pace | None = None
        self._began: float | None = None
        self._token: Token[Any] | None = None

    def __enter__(self) -> Self:
        self._token = OUTER_BAR.set(self)
        return self

    def check(self, row: int) -> None:
        """Draw that the row at this position is checked; a check that is short draws nothing."""
        now = time.monotonic()
        if self.is_shown and now >= self._draws_at:
            self._draws_at = now + _DRAW_INTERVAL_S
            self._draw(row, self._note)

    def note(self, text: str) -> None:
        """Draw a text behind the bar: what is done for the rows that are checked."""
        self._note = text
        if self.is_shown and time.monotonic() >= self._draws_at:
            self._draw(None, text)

    def step(self, what: str, *, is_long: bool = False) -> None:
        """Draw what is done between the phases; at once if it *is_long*."""
        if self.is_shown and (is_long or self._surface or time.monotonic() >= self._draws_at):
            self._draw(self._phase.total, what)

    def send(self, messages: int, pace: Pace | None = None) -> None:
        """Begin to send so many messages; the bar is drawn at once, unless there are none.

        Args:
            messages: how many.
            pace: which knows when the send ends.
        """
        self._began, self._pace = time.monotonic(), pace
        self._phase = Phase(f"sending {self._name or 'messages'}", messages, "msg")
        if self.is_shown and messages:
            self._guarded(lambda: self._draw_counts(0))

    def count(self, counts: Mapping[Status, int]) -> None:
        """Draw the number of messages by status, and when the send ends if it has a rate."""
        self._counts = counts
        if self._surface is not None:
            self._guarded(lambda: self._draw_counts(self._sent))

    def _draw_counts(self, sent: int) -> None:
        """Draw the counts; a file or a pipe, which show a long wait no other way, get a line."""
        surface = self._open()
        surface.draw(self._phase, sent, self._counted())
        news = "" if self._pace is None else self._pace.news()
        if news:
            surface.tell(f"{self._phase.doing}: {news}")

    def finish(self, rows: RowResults) -> None:
        """Replace the bar by a line that counts all rows."""
        seconds = 0.0 if self._began is None else time.monotonic() - self._began
        line = end_line(rows, sent=self._sent, seconds=seconds)
        line = f"{self._name}: {line}" if self._name else line
        if self._surface is not None:
            self._close(line)
        elif self.is_shown:
            self._guarded(lambda: leave_line(line))

    def __exit__(self, *exception: object) -> None:
        if self._token is not None:
            OUTER_BAR.reset(self._token)
        self._close(None)

    def _close(self, line: str | None) -> None:
        surface, self._surface = self._surface, None
        self.is_shown = False
        if surface is not None:
            self._guarded(lambda: surface.close(line))

    def _draw(self, done: int | None, text: str) -> None:
        self._guarded(lambda: self._open().draw(self._phase, done, text))

    def _open(self) -> Surface:
        if self._surface is None:
            self._surface = open_surface(self._phase, self._log_interval_s)
        return self._surface

    def _guarded(self, draw: Callable[[], object]) -> None:
        try:
            draw()
        except Exception:  # noqa: BLE001 - see the class
            self.is_shown, self._surface = False, None

    @property
    def _sent(self) -> int:
        statuses = (Status.ACCEPTED, Status.REJECTED, Status.UNKNOWN)
        return sum(self._counts.get(status, 0) for status in statuses)

    def _counted(self) -> str:
        """The counts of messages as text; unknown ones only if there are any."""
        unknown = self._counts.get(Status.UNKNOWN, 0)
        note = "" if self._pace is None else self._pace.note()
        return ", ".join(
            [
                *([note] if note else []),  # first: a narrow bar is cut off
                f"{self._counts.get(Status.ACCEPTED, 0):,} accepted",
                f"{self._counts.get(Status.REJECTED, 0):,} rejected",
                *([f"{unknown:,} unknown"] if unknown else []),
            ]
        )


def end_line(rows: RowResults, *, sent: int, seconds: float) -> str:
    """The last line of a send: every row by its status, with the reasons of skipped and unsent.

    Args:
        rows: the results.
        sent: the number of messages that this run has sent.
        seconds: the time that it took to send them.

    >>> from mailframe.results.row_results import RowResults
    >>> rows = RowResults(3000)
    >>> rows.settle_many(range(12), Status.SKIPPED, reason="already_sent")
    >>> end_line(rows, sent=0, seconds=1.0)
    'nothing sent; 3,000 rows: 12 skipped (already sent), 2,988 unsent'
    >>> rows.settle_many(range(12, 3000), Status.ACCEPTED)
    >>> end_line(rows, sent=2988, seconds=34.0)
    '3,000 rows: 2,988 accepted, 12 skipped (already sent), 88 msg/s'
    >>> rows.settle_many(range(3000), Status.SKIPPED, reason="already_sent")
    >>> end_line(rows, sent=0, seconds=0.0)
    'nothing to send; 3,000 rows: 3,000 skipped (already sent)'
    """
    by_status = [
        f"{count:,} {status}{_reasons(rows, status)}"
        for status, count in rows.counts().items()
        if count
    ]
    everything = ": ".join(filter(None, [counted(len(rows), "row"), ", ".join(by_status)]))
    if sent:
        per_s = sent / max(seconds, 1e-6)
        speed = f"{per_s:,.0f} msg/s" if per_s >= 1 else f"{per_s * 3600:,.0f} msg/h"
        return f"{everything}, {speed}"
    return f"nothing {'sent' if rows.counts()[Status.UNSENT] else 'to send'}; {everything}"


def _reasons(rows: RowResults, status: Status) -> str:
    """The reasons of skipped and unsent rows in a few words; other rows have reasons of their own.

    Of a reason such as ``stopped: batch 2 is unknown`` the first word is enough: the error or the
    summary line has it all.
    """
    if status not in (Status.SKIPPED, Status.UNSENT):
        return ""
    words = dict.fromkeys(
        reason.partition(":")[0].replace("_", " ") for reason in rows.reasons(status)
    )
    return f" ({', '.join(words)})" if words else ""


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
