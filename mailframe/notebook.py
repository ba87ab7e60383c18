"""Where the code runs: a Jupyter kernel or not, with widgets or not; and progress bars."""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
from itertools import pairwise
from pathlib import PurePath
from typing import Any, Final

from mailframe.errors import MailframeError

VARIABLE: Final = "MAILFRAME_PREVIEW"
"""``widget``, ``static`` or ``auto``: what ``preview()`` shows by default."""

BAR_AFTER_S: Final = 0.5
"""Shorter work shows no bar, because a saved notebook keeps the empty output of a bar."""


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


def rows_bar(doing: str, total: int, *, shown: bool) -> Any:
    """A tqdm bar for work that sends nothing; it appears after half a second and leaves no trace.

    Args:
        doing: the description of the bar.
        total: the number of rows.
        shown: whether to show the bar; the environment variable TQDM_DISABLE also hides it.
    """
    from tqdm import TqdmWarning  # noqa: PLC0415 - a send without a bar does not need it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmWarning)  # that ipywidgets is missing
        from tqdm.auto import tqdm  # noqa: PLC0415 - it differs between notebooks and terminals
    hidden = not shown or bool(os.environ.get("TQDM_DISABLE")) or sys.stderr is None
    return tqdm(
        total=total, desc=doing, unit=" row", leave=False, delay=BAR_AFTER_S, disable=hidden
    )


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
