"""Where the code runs: in a Jupyter kernel or not, with widgets or not; and the bar for work that sends nothing."""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
from typing import Any, Final, Literal

from tqdm import TqdmWarning

from mailframe.errors import MailframeError

VARIABLE: Final = "MAILFRAME_PREVIEW"
"""``widget``, ``static`` or ``auto``: what ``preview()`` shows when it is not told."""

BAR_AFTER_S: Final = 0.5
"""What is done sooner shows no bar: in a saved notebook the output of a bar stays, though it is empty."""


def is_static(wish: bool | None = None) -> bool:
    """Whether a static page is to be shown: as told, else as ``MAILFRAME_PREVIEW`` says, else as fits the place.

    Raises:
        MailframeError: the variable holds another word.
    """
    if wish is not None:
        return wish
    said = os.environ.get(VARIABLE, "auto").strip().lower() or "auto"
    if said not in ("widget", "static", "auto"):
        raise MailframeError(f"{VARIABLE}={said!r} is none of widget, static, auto")
    return said == "static" if said != "auto" else _place() == "static"


def _place() -> Literal["widget", "static"]:
    """A kernel of Jupyter with ipywidgets shows widgets; marimo has no kernel, and a script no screen."""
    return (
        "widget" if in_kernel() and importlib.util.find_spec("ipywidgets") is not None else "static"
    )


def in_kernel() -> bool:
    """Whether a Jupyter kernel runs this; the rule is that of tqdm.autonotebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config


def rows_bar(doing: str, total: int, *, shown: bool) -> Any:
    """A tqdm bar of rows for work that sends nothing: it comes after half a second and leaves nothing behind.

    Args:
        doing: what is done.
        total: rows.
        shown: False draws nothing; so does the environment variable TQDM_DISABLE.
    """
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", TqdmWarning
        )  # without ipywidgets tqdm.auto says so, and draws text
        from tqdm.auto import tqdm  # noqa: PLC0415 - what it is depends on where we run
    hidden = not shown or bool(os.environ.get("TQDM_DISABLE")) or sys.stderr is None
    return tqdm(
        total=total, desc=doing, unit=" row", leave=False, delay=BAR_AFTER_S, disable=hidden
    )
