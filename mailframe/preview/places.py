"""Where a preview is seen: a live notebook shows widgets, and everything else a static page."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Final, Literal

from mailframe.errors import MailframeError

VARIABLE: Final = "MAILFRAME_PREVIEW"
"""``widget``, ``static`` or ``auto``: what ``preview()`` shows when it is not told."""


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
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    in_kernel = shell is not None and "IPKernelApp" in shell.config
    return "widget" if in_kernel and importlib.util.find_spec("ipywidgets") is not None else "static"
