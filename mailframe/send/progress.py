"""The progress bar of a send: one bar, in messages, which leaves one line of text at its end.

Where it is drawn depends on where the code runs:

- a terminal: a tqdm bar on stderr, which stays as its own last line;
- a file or a pipe: a line on stderr at the end, and in a long run one at each tenth of the way;
- a notebook: a tqdm widget, or a text bar without ipywidgets. At the end it is replaced by a line
  of text, because a widget in a saved notebook stays at 0 % where no kernel runs.
"""

from __future__ import annotations

import html
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final, Self

from mailframe.notebook import Cell, LineFile, close_widgets, in_kernel, widget_bar_class
from mailframe.results.row_results import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Leave = Callable[[str], None]

LOG_INTERVAL_S: Final = 30.0
_LOG_FORMAT: Final = "{desc}: {percentage:.0f} %{postfix}, {rate_noinv_fmt}"
_TENTHS: Final = 10


class Bar:
    """A tqdm bar of messages with counts of accepted and rejected ones; updated from one thread.

    It never raises: the results of a run must not be lost if a bar cannot be drawn, for example on
    a closed pipe.

    Args:
        total: the number of messages that will be sent.
        name: the name of the campaign.
        shown: whether to show the bar; the environment variable TQDM_DISABLE, if set, hides it.
        log_interval_s: the minimum number of seconds between two lines in a file or a pipe.
    """

    def __init__(
        self, total: int, *, name: str | None, shown: bool, log_interval_s: float = LOG_INTERVAL_S
    ) -> None:
        self._total = total
        self._name = _one_line(name or "messages")
        self._log_interval_s = log_interval_s
        # tqdm.notebook ignores the variable
        self._shown = shown and not os.environ.get("TQDM_DISABLE")
        self._bar: Any = None
        self._leave: Leave = _nothing
        self._counts = dict.fromkeys((Status.ACCEPTED, Status.REJECTED, Status.UNKNOWN), 0)
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        if self._shown:
            self._guarded(self._open)
        return self

    def count(self, counts: Mapping[Status, int]) -> None:
        """Draw the number of rows by status."""
        self._counts = {status: counts.get(status, 0) for status in self._counts}
        if self._bar is not None:
            self._guarded(self._draw)

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._guarded(self._bar.close)
        self._guarded(lambda: self._leave(self._line()))

    def _open(self) -> None:
        self._bar, self._leave = _surface(self._total, self._name, self._log_interval_s)

    def _draw(self) -> None:
        self._bar.set_postfix_str(self._counted(), refresh=False)
        self._bar.update(self._done - self._bar.n)

    def _guarded(self, draw: Callable[[], object]) -> None:
        try:
            draw()
        except Exception:  # noqa: BLE001 - see the class
            self._bar = None

    @property
    def _done(self) -> int:
        return sum(self._counts.values())

    def _counted(self) -> str:
        """The counts as text; unknown ones only if there are any."""
        return ", ".join(
            f"{count:,} {status}"
            for status, count in self._counts.items()
            if count or status is not Status.UNKNOWN
        )

    def _line(self) -> str:
        seconds = max(time.monotonic() - self._began, 1e-6)
        done = self._done
        messages = f"{done:,}" if done == self._total else f"{done:,} of {self._total:,}"
        noun = "message" if self._total == 1 else "messages"
        return f"{self._name}: {messages} {noun}, {self._counted()}, {done / seconds:,.0f} msg/s"


def _surface(total: int, name: str, log_interval_s: float) -> tuple[Any, Leave]:
    """The bar for where the code runs, and a function that writes the last line there."""
    options: dict[str, Any] = {"total": total, "desc": name, "unit": " msg", "miniters": 1}
    if in_kernel():
        return _in_notebook(options)
    if sys.stderr is None:  # as in pythonw
        return None, _nothing
    from tqdm.std import tqdm as plain_tqdm  # noqa: PLC0415 - a send without a bar does not need it

    if sys.stderr.isatty():
        return plain_tqdm(**options, dynamic_ncols=True), _nothing
    bar = plain_tqdm(
        **options | {"miniters": max(total // _TENTHS, 1)},
        bar_format=_LOG_FORMAT,
        position=0,
        leave=False,
        mininterval=log_interval_s,
        delay=max(log_interval_s, 1e-9),
        maxinterval=float("inf"),
        file=LineFile(_log),
    )
    return bar, _log


def _in_notebook(options: dict[str, Any]) -> tuple[Any, Leave]:
    """A widget, or text without ipywidgets, in an output that the last line can replace."""
    widget_bar = widget_bar_class()
    cell = Cell()
    if widget_bar is None:
        from tqdm.std import tqdm  # noqa: PLC0415 - as above

        return tqdm(**options, position=0, leave=False, file=LineFile(cell.show)), cell.show
    bar = widget_bar(**options, dynamic_ncols=True, display=False)
    # the text is shown where widgets are not, during the run or after a crash of the kernel
    cell.show(
        f"{options['desc']}: sending {options['total']:,} messages",
        bar.container._repr_mimebundle_(),
    )
    return bar, lambda line: _replace(cell, bar, line)


def _replace(cell: Cell, bar: Any, line: str) -> None:
    """Replace the widget by the line, and its content too: ``ipywidgets.Output`` keeps outputs."""
    cell.show(line)
    label, drawn, text = bar.container.children
    text.value = html.escape(line)
    bar.container.children = (text,)
    close_widgets(label, drawn)


def _log(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _nothing(_line: str) -> None:
    pass


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
