"""Standard output and standard error, as far as there are any. Without pandas."""

from __future__ import annotations

import sys
from contextlib import suppress

from mailframe.pages.text import visible


def complain(text: str) -> None:
    """Print a line on standard error, as far as there is one."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"mailframe: {visible(text)}\n")
        sys.stderr.flush()


def accept_any_text() -> None:
    """Let both streams write what their encoding lacks as an escape."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a real file has it
