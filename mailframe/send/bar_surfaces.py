"""Where the progress bar of a send is drawn: a terminal, a notebook, or lines in a log."""

from __future__ import annotations

import html
import sys
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from mailframe.notebook import (
    Cell,
    LineFile,
    close_widgets,
    in_kernel,
    text_bar_class,
    view_of,
    widget_bar_class,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_TENTHS: Final = 10
_WIDGET_FORMAT: Final = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
"""Without the rate, because a narrow notebook would crop the counts; the last line has it."""


class Phase(NamedTuple):
    """What is done, how many there are, and what they are called in rates."""

    doing: str
    total: int
    unit: str


class Surface(Protocol):
    """Where a bar is drawn."""

    def draw(self, phase: Phase, done: int | None, text: str) -> None:
        """Draw how many are done, with a text behind; None for as many as before."""

    def tell(self, line: str) -> None:
        """Write a line, where the bar is lines."""

    def close(self, line: str | None) -> None:
        """Remove the bar and leave a line, or nothing."""


def open_surface(phase: Phase, log_interval_s: float) -> Surface:
    """The surface for where the code runs."""
    if in_kernel():
        widget_bar = widget_bar_class()
        return _Text(phase, Cell()) if widget_bar is None else _Widget(phase, widget_bar)
    if sys.stderr is not None and sys.stderr.isatty():
        return _Text(phase, None)
    return _Log(log_interval_s)


def leave_line(line: str) -> None:
    """Show a line where no bar was drawn."""
    if in_kernel():
        Cell().show(line)
    else:
        _log(line)


class _Drawn:
    """A bar of tqdm that is used for one phase after the other."""

    def __init__(self, phase: Phase, make: Callable[..., Any], **options: Any) -> None:
        self._phase = phase
        self.bar = make(total=phase.total, desc=phase.doing, unit=f" {phase.unit}", **options)
        self.bar.miniters = 1

    def draw(self, phase: Phase, done: int | None, text: str) -> None:
        """Draw how many are done; another phase begins again at 0."""
        if phase != self._phase:
            self._phase = phase
            self.bar.unit = f" {phase.unit}"
            self.bar.set_description_str(phase.doing, refresh=False)
            self.bar.set_postfix_str(text, refresh=False)
            self.bar.reset(phase.total)
            self.begun(phase)
        is_waiting = done is None or done == self.bar.n  # update draws nothing then
        self.bar.set_postfix_str(text, refresh=is_waiting)
        if done is not None:
            self.bar.update(done - self.bar.n)

    def tell(self, line: str) -> None:
        """The bar itself has the text."""

    def begun(self, phase: Phase) -> None:
        """Another phase has begun."""


class _Text(_Drawn):
    """A bar of characters: in a terminal, or in an output of a notebook."""

    def __init__(self, phase: Phase, cell: Cell | None) -> None:
        self._cell = cell
        options: dict[str, Any] = {"dynamic_ncols": True}
        if cell is not None:
            options = {"position": 0, "file": LineFile(cell.show)}
        super().__init__(phase, text_bar_class(), leave=False, **options)

    def close(self, line: str | None) -> None:
        self.bar.close()
        if self._cell is None:
            if line is not None:
                _log(line)
        elif line is None:
            self._cell.clear()
        else:
            self._cell.show(line)


class _Widget(_Drawn):
    """A widget, whose output has a text where widgets are not, or after a crash of the kernel."""

    def __init__(self, phase: Phase, widget_bar: Callable[..., Any]) -> None:
        options = {"dynamic_ncols": True, "bar_format": _WIDGET_FORMAT, "display": False}
        super().__init__(phase, widget_bar, **options)
        self._cell = Cell()
        self.begun(phase)

    def begun(self, phase: Phase) -> None:
        """Show the widget again, with another text."""
        text = f"{phase.doing}: {phase.total:,} {'rows' if phase.unit == 'row' else 'messages'}"
        self._cell.show(text, view_of(self.bar.container))

    def close(self, line: str | None) -> None:
        """Replace the widget, and its content too: ``ipywidgets.Output`` keeps outputs."""
        self.bar.close()
        container = self.bar.container
        if line is None:
            self._cell.clear()
            close_widgets(container)
            return
        self._cell.show(line)
        label, drawn, text = container.children
        text.value = html.escape(line)
        container.children = (text,)
        close_widgets(label, drawn)


class _Log:
    """Lines in a file or a pipe: one at each tenth of a long phase."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._doing = ""
        self._began = self._due = 0.0
        self._tenth = 0

    def draw(self, phase: Phase, done: int | None, text: str) -> None:
        now = time.monotonic()
        if phase.doing != self._doing:
            self._doing, self._tenth = phase.doing, 0
            self._began, self._due = now, now + self._interval_s
        if done is None or now < self._due:
            return
        tenth = _TENTHS * done // phase.total
        if tenth > self._tenth:
            self._tenth, self._due = tenth, now + self._interval_s
            rate = f"{done / max(now - self._began, 1e-6):,.0f} {phase.unit}/s"
            percentage = f"{phase.doing}: {100 * done / phase.total:.0f} %"
            _log(", ".join(filter(None, [percentage, text, rate])))

    def tell(self, line: str) -> None:
        _log(line)

    def close(self, line: str | None) -> None:
        if line is not None:
            _log(line)


def _log(line: str) -> None:
    if sys.stderr is not None:  # as in pythonw
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
