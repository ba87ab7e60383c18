"""Standard output and standard error, as far as there are any. Without pandas."""

from __future__ import annotations

import codecs
import sys
from contextlib import suppress
from typing import Final

from mailframe.pages.text import visible

_HANDLER: Final = "mailframe-ascii"
_IN_ASCII: Final = {"→": "->", "…": "...", "⟨": "<", "⟩": ">", "·": "-"}


def complain(text: str) -> None:
    """Print a line on standard error, as far as there is one."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"mailframe: {visible(text)}\n")
        sys.stderr.flush()


def accept_any_text() -> None:
    """Let both streams write what their encoding lacks, in ASCII.

    A pipe or a file has the code page of Windows, unless ``PYTHONUTF8`` is set.
    """
    codecs.register_error(_HANDLER, _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors=_HANDLER)  # type: ignore[union-attr]  # a real file has it


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """A sign of ours in ASCII; any other character as an escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    texts = [
        _IN_ASCII.get(one) or one.encode("ascii", "backslashreplace").decode()
        for one in error.object[error.start : error.end]
    ]
    return "".join(texts), error.end
