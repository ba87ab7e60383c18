"""The bar of a send: one bar, in messages, that leaves one plain line behind wherever a notebook is read.

Where it is drawn is settled by where the code runs:

- a terminal: a tqdm bar on stderr, which stays as its own last line;
- a file or a pipe: a line on stderr at the end, and one at each tenth of the way of a run that takes long;
- a notebook: a tqdm widget, or a text bar without ipywidgets. At the end a line of text takes its place: a saved
  widget, or the text that stands for it, stays at 0 % for ever in every place where notebooks are only read.
"""

from __future__ import annotations

import html
import os
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any, Final, Self

from tqdm import TqdmWarning
from tqdm.std import tqdm as plain_tqdm

from mailframe.notebook import in_kernel
from mailframe.results.frame import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    Leave = Callable[[str], None]

LOG_INTERVAL_S: Final = 30.0
_LOG_FORMAT: Final = "{desc}: {percentage:.0f} %{postfix}, {rate_noinv_fmt}"
_TENTHS: Final = 10


class Bar:
    """A tqdm bar of messages with what was accepted and rejected; updated from one thread only.

    It never raises: a bar that cannot be drawn, say on a closed pipe, must not cost the results of a run.

    Args:
        total: messages that will be sent.
        name: of the campaign.
        shown: False draws nothing anywhere; so does the environment variable TQDM_DISABLE, as for every tqdm.
        log_interval_s: the least time between two lines in a file or a pipe.
    """

    def __init__(
        self, total: int, *, name: str | None, shown: bool, log_interval_s: float = LOG_INTERVAL_S
    ) -> None:
        self._total = total
        self._name = _one_line(name or "messages")
        self._log_interval_s = log_interval_s
        self._shown = shown and not os.environ.get(
            "TQDM_DISABLE"
        )  # tqdm.notebook does not look at it
        self._bar: Any = None
        self._leave: Leave = _nothing
        self._counts: Mapping[Status, int] = {}
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        if self._shown:
            self._guarded(self._open)
        return self

    def count(self, counts: Mapping[Status, int]) -> None:
        """Draw what has become of the rows so far."""
        self._counts = counts
        if self._bar is not None:
            self._guarded(self._draw)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._guarded(self._bar.close)
        self._guarded(lambda: self._leave(self._line()))

    def _open(self) -> None:
        self._bar, self._leave = _surface(self._total, self._name, self._log_interval_s)

    def _draw(self) -> None:
        self._bar.set_postfix_str(self._said(), refresh=False)
        self._bar.update(self._done - self._bar.n)

    def _guarded(self, draw: Callable[[], object]) -> None:
        try:
            draw()
        except Exception:  # noqa: BLE001 - see the class
            self._bar = None

    @property
    def _done(self) -> int:
        return sum(
            self._counts.get(status, 0)
            for status in (Status.ACCEPTED, Status.REJECTED, Status.UNKNOWN)
        )

    def _said(self) -> str:
        said = [
            f"{self._counts.get(status, 0):,} {status.value}"
            for status in (Status.ACCEPTED, Status.REJECTED)
        ]
        unknown = self._counts.get(Status.UNKNOWN, 0)
        return ", ".join([*said, f"{unknown:,} unknown"] if unknown else said)

    def _line(self) -> str:
        seconds = max(time.monotonic() - self._began, 1e-6)
        messages = (
            f"{self._total:,}"
            if self._done == self._total
            else f"{self._done:,} of {self._total:,}"
        )
        noun = "message" if self._total == 1 else "messages"
        return f"{self._name}: {messages} {noun}, {self._said()}, {self._done / seconds:,.0f} msg/s"


class _Cell:
    """One output of a notebook cell, which can be shown again with something else in it."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, text: str, view: Mapping[str, object] | None = None) -> None:
        from IPython import display  # noqa: PLC0415 - there is a kernel, so there is IPython

        bundle = {**(view or {}), "text/plain": text}
        if self._handle is None:
            publish: Any = display.display  # IPython left it untyped
            self._handle = publish(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


class _Sink:
    """A file for tqdm to draw to that passes each line on without carriage returns and blank ones."""

    encoding = "utf-8"

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def write(self, text: str) -> None:
        if text.strip():
            self._say(text.strip())

    def flush(self) -> None:
        """What tqdm calls after each line."""


def _surface(total: int, name: str, log_interval_s: float) -> tuple[Any, Leave]:
    """The bar for where we run, and what leaves the last line there."""
    options: dict[str, Any] = {"total": total, "desc": name, "unit": " msg", "miniters": 1}
    if in_kernel():
        return _in_notebook(options)
    if sys.stderr is None:  # pythonw has none
        return None, _nothing
    if sys.stderr.isatty():
        return plain_tqdm(**options, dynamic_ncols=True), _nothing
    options |= {
        "miniters": max(total // _TENTHS, 1),
        "bar_format": _LOG_FORMAT,
        "position": 0,
        "leave": False,
    }
    seconds = {
        "mininterval": log_interval_s,
        "delay": max(log_interval_s, 1e-9),
        "maxinterval": float("inf"),
    }
    bar = plain_tqdm(**options, **seconds, file=_Sink(_log))
    return bar, _log


def _in_notebook(options: dict[str, Any]) -> tuple[Any, Leave]:
    """A widget, or text where there is no ipywidgets; either way in an output that the last line can replace."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", TqdmWarning
        )  # without ipywidgets tqdm.auto says so; it draws text all the same
        from tqdm.auto import tqdm  # noqa: PLC0415 - what it is depends on where we run
        from tqdm.notebook import tqdm_notebook  # noqa: PLC0415 - as above
    cell = _Cell()
    if not issubclass(tqdm, tqdm_notebook):
        return tqdm(**options, position=0, leave=False, file=_Sink(cell.show)), cell.show
    bar = tqdm(**options, dynamic_ncols=True, display=False)
    # What is read where no widget can live, while it runs or after a kernel that died
    cell.show(
        f"{options['desc']}: sending {options['total']:,} messages",
        bar.container._repr_mimebundle_(),
    )
    return bar, lambda line: _replace(cell, bar, line)


def _replace(cell: _Cell, bar: Any, line: str) -> None:
    """Put the line in place of the widget; and into it, for an ``ipywidgets.Output`` replaces nothing."""
    cell.show(line)
    label, drawn, text = bar.container.children
    text.value = html.escape(line)
    bar.container.children = (text,)
    label.close()
    drawn.close()


def _log(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _nothing(_line: str) -> None:
    pass


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
