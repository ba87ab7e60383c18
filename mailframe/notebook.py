"""Where the code runs: a Jupyter kernel or not, with widgets or not; and progress bars."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
import warnings
from contextvars import ContextVar
from functools import partial
from itertools import pairwise
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from mailframe.errors import MailframeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextvars import Token

VARIABLE: Final = "MAILFRAME_PREVIEW"
"""``widget``, ``static`` or ``auto``: what ``preview()`` shows by default."""

BAR_AFTER_S: Final = 0.5
"""Shorter work shows no bar, because a saved notebook keeps the empty output of a bar."""

_NOTE_INTERVAL_S: Final = 0.1


class OuterBar(Protocol):
    """A bar in whose block other bars are texts."""

    def note(self, text: str) -> None:
        """Show a text behind the bar."""


OUTER_BAR: Final[ContextVar[OuterBar | None]] = ContextVar("mailframe_outer_bar", default=None)
"""The bar in whose block the code runs."""


def is_static(static: bool | None = None) -> bool:
    """Whether to show a static page: by the argument, else by ``MAILFRAME_PREVIEW``.

    With ``auto`` a Jupyter kernel with ipywidgets shows widgets; marimo and scripts show static
    pages.

    Raises:
        MailframeError: the variable has another value.
    """
    if static is not None:
        return static
    setting = os.environ.get(VARIABLE, "auto").strip().lower() or "auto"
    if setting not in ("widget", "static", "auto"):
        raise MailframeError(f"{VARIABLE}={setting!r} is none of widget, static, auto")
    if setting == "auto":
        return not (in_kernel() and has_widgets())
    return setting == "static"


def has_widgets() -> bool:
    """Whether ipywidgets is installed."""
    try:
        return importlib.util.find_spec("ipywidgets") is not None
    except ImportError:
        return False


def in_kernel() -> bool:
    """Whether the code runs in a Jupyter kernel; the rule is that of tqdm.autonotebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config


class Cell:
    """One output of a notebook cell, whose content can be replaced."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, text: str, view: Mapping[str, object] | None = None) -> None:
        """Show a text, and where widgets are shown the *view* of one in its place."""
        self._publish({**(view or {}), "text/plain": text})

    def clear(self) -> None:
        """Show nothing; what was shown is in no saved notebook."""
        if self._handle is not None:
            self._publish({})

    def _publish(self, bundle: dict[str, object]) -> None:
        from IPython import display  # noqa: PLC0415 - only a kernel has it

        if self._handle is None:
            publish: Any = display.display  # IPython has no type for it
            self._handle = publish(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


class LineFile:
    """A file for tqdm that passes each line on, without carriage returns and blank lines."""

    encoding = "utf-8"

    def __init__(self, show: Callable[[str], object]) -> None:
        self._show = show

    def write(self, text: str) -> None:
        """Pass a line on."""
        if text.strip():
            self._show(text.strip())

    def flush(self) -> None:
        """Nothing to do; tqdm calls it after each line."""


def text_bar_class() -> Any:
    """The class of tqdm's bars of characters."""
    from tqdm.std import tqdm  # noqa: PLC0415 - short work needs no bar

    return _without_monitor(tqdm)


def widget_bar_class() -> Any:
    """The class of tqdm's bars for notebooks; None without ipywidgets."""
    from tqdm import TqdmWarning  # noqa: PLC0415 - a send without a bar does not need it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmWarning)  # that ipywidgets is missing
        from tqdm.auto import tqdm  # noqa: PLC0415 - it depends on where the code runs
        from tqdm.notebook import tqdm_notebook  # noqa: PLC0415 - as above
    return _without_monitor(tqdm) if issubclass(tqdm, tqdm_notebook) else None


def _without_monitor(bar: type[Any]) -> type[Any]:
    """The class without the monitor of tqdm, a thread; without threads tqdm would warn of it."""
    return type(bar.__name__, (bar,), {"monitor_interval": 0})


def view_of(widget: Any) -> dict[str, object]:
    """The bundle by which a notebook shows a widget; ipywidgets 7 has no method for it."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"application/vnd.jupyter.widget-view+json": view}


def close_widgets(*widgets: Any) -> None:
    """Close widgets with what belongs to them; ``Widget.close`` closes none of these."""
    for widget in widgets:
        close_widgets(*getattr(widget, "children", ()))
        for part in (getattr(widget, "style", None), widget.layout, widget):
            if part is not None:
                part.close()


class RowsBar:
    """A bar of work that sends nothing; see ``rows_bar``."""

    def __init__(self, doing: str, total: int, *, shown: bool) -> None:
        self._doing, self._total = doing, total
        self._is_shown = shown and not os.environ.get("TQDM_DISABLE") and sys.stderr is not None
        self._draws_at = float("inf")
        self._done = 0
        self._bar: Any = None
        self._cell: Cell | None = None
        self._outer: OuterBar | None = None
        self._token: Token[OuterBar | None] | None = None

    def __enter__(self) -> Self:
        self._outer = OUTER_BAR.get()
        self._token = OUTER_BAR.set(self)
        if self._is_shown:
            self._draws_at = time.monotonic() + (BAR_AFTER_S if self._outer is None else 0)
        return self

    def update(self, rows: int = 1) -> None:
        """Count rows that are done, and draw the bar from time to time."""
        self._done += rows
        if self._bar is not None:
            self._guarded(partial(self._bar.update, rows))
        elif time.monotonic() >= self._draws_at:
            self._draw_first()

    def note(self, text: str) -> None:
        """Show a text behind the bar: what is done inside its block."""
        if self._outer is not None:
            if self._is_shown:
                self._outer.note(text)
        elif self._bar is not None:
            self._guarded(partial(self._bar.set_postfix_str, text))
        elif time.monotonic() >= self._draws_at:
            self._draw_first()

    def __exit__(self, *exception: object) -> None:
        if self._token is not None:
            OUTER_BAR.reset(self._token)
        if self._bar is not None:
            self._guarded(self._close)
        if self._outer is not None and self._is_shown:
            self._outer.note("")

    def _draw_first(self) -> None:
        if self._outer is None:
            self._draws_at = float("inf")
            self._guarded(self._open)
            return
        self._draws_at = time.monotonic() + _NOTE_INTERVAL_S
        self._outer.note(f"{self._doing} {self._done:,} of {self._total:,}")

    def _open(self) -> None:
        options: dict[str, Any] = {
            "total": self._total,
            "desc": self._doing,
            "initial": self._done,
            "unit": " row",
            "leave": False,
        }
        if in_kernel():
            self._open_in_notebook(options)
        elif sys.stderr.isatty():
            self._bar = text_bar_class()(**options, dynamic_ncols=True)

    def _open_in_notebook(self, options: dict[str, Any]) -> None:
        widget_bar = widget_bar_class()
        self._cell = cell = Cell()
        if widget_bar is None:
            self._bar = text_bar_class()(**options, position=0, file=LineFile(cell.show))
            return
        self._bar = widget_bar(**options, display=False)
        # the text is shown where widgets are not
        cell.show(f"{self._doing}: …", view_of(self._bar.container))

    def _close(self) -> None:
        self._bar.close()
        if self._cell is not None:
            self._cell.clear()
            if hasattr(self._bar, "container"):
                close_widgets(self._bar.container)

    def _guarded(self, draw: Callable[[], object]) -> None:
        """The work must not fail because its bar cannot be drawn, as on a closed terminal."""
        try:
            draw()
        except Exception:  # noqa: BLE001 - any error
            self._bar = None


def rows_bar(doing: str, total: int, *, shown: bool = True) -> RowsBar:
    """A bar of tqdm for work that sends nothing; a context manager with ``update``.

    It appears after half a second, in a terminal or a notebook, and is removed at the end: a saved
    notebook has at most an output without content in its place. Nothing is drawn in a file or a
    pipe. A bar in the block of another one is a text behind that one.

    Args:
        doing: the description of the bar.
        total: the number of rows.
        shown: whether to show the bar and the bars of what is done inside its block; the
            environment variable TQDM_DISABLE also hides it.
    """
    return RowsBar(doing, total, shown=shown)


def is_command() -> bool:
    """Whether Python was started by ``mailframe`` or ``python -m mailframe``.

    Then the package is imported without pandas, so that ``--help`` takes a tenth of the time; the
    command imports it when it needs it. If pandas is there already, nothing is to be gained.
    """
    if "pandas" in sys.modules or not sys.argv:
        return False
    if sys.argv[0] == "-m":  # while Python looks for the module
        return ("-m", "mailframe") in pairwise(sys.orig_argv)
    return PurePath(sys.argv[0]).name in ("mailframe", "mailframe.exe")
