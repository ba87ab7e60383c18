"""An error of mailframe as IPython shows it: the caller's lines and the message.

IPython calls ``_render_traceback_`` of an exception that has it; Python and pytest do not. With
``%xmode Verbose``, ``Plain``, ``Minimal`` and ``Docs`` IPython shows what it shows of any error.
"""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_CAUSE: Final = "The above exception was the direct cause of the following exception:"
_CONTEXT: Final = "During handling of the above exception, another exception occurred:"
_MODE: Final = "Context"
"""The mode of ``%xmode`` in which IPython starts."""
_MOST_LINES: Final = 10
"""Lines at the beginning and at the end, as of a function that calls itself."""
_LIBRARIES: Final = tuple(
    f"{folder}{os.sep}"
    for folder in (
        str(Path(__file__).parent),
        *{sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")},
    )
)


def short_traceback(error: BaseException) -> list[str]:
    """The parts of the text that IPython shows, which may have codes of colors.

    Args:
        error: the error with its traceback, its cause and its notes.
    """
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None:
        return ["".join(traceback.format_exception(error)).rstrip()]
    formatter = shell.InteractiveTB
    if formatter.mode != _MODE:
        parts: list[str] = formatter.structured_traceback(type(error), error, error.__traceback__)
        return parts
    formatter.tb = error.__traceback__  # for %debug
    has_colors = str(shell.colors).lower() != "nocolor"
    return list(_parts(error, shell, has_colors=has_colors))


def _parts(error: BaseException, shell: Any, *, has_colors: bool) -> Iterator[str]:
    """The causes first, as Python shows them."""
    for place, (each, relation) in enumerate(_chain(error)):
        if place:
            yield f"\n{relation}\n"
        yield from _lines(each, shell)
        name, text = type(each).__name__, _text(each)
        if has_colors and text.startswith(name):
            text = f"\x1b[1m{name}\x1b[0m{text.removeprefix(name)}"
        yield text


def _text(error: BaseException) -> str:
    """The name, the message and the notes; of a group also the errors in it."""
    if isinstance(error, BaseExceptionGroup):
        lines = traceback.format_exception(error, chain=False)
    else:
        lines = traceback.format_exception_only(error)
    text = "".join(lines).rstrip().removeprefix(f"{type(error).__module__}.")
    return "".join(
        char if char.isprintable() or char.isspace() else f"⟨U+{ord(char):04X}⟩" for char in text
    )


def _chain(error: BaseException) -> list[tuple[BaseException, str]]:
    """The error and what it came from, oldest first, each with its relation to the one above."""
    chain: list[tuple[BaseException, str]] = []
    each: BaseException | None = error
    visited: set[int] = set()
    while each is not None and id(each) not in visited:
        visited.add(id(each))
        before = each.__cause__
        if before is None and not each.__suppress_context__:
            before = each.__context__
        chain.append((each, _CAUSE if each.__cause__ is not None else _CONTEXT))
        each = before
    return chain[::-1]


def _lines(error: BaseException, shell: Any) -> list[str]:
    """The lines of cells and of the caller's files that led to an error; of many, both ends."""
    lines = list(_all_lines(error, shell))
    more = len(lines) - 2 * _MOST_LINES
    if more <= 0:
        return lines
    return [*lines[:_MOST_LINES], f"… {more:,} more lines …\n", *lines[-_MOST_LINES:]]


def _all_lines(error: BaseException, shell: Any) -> Iterator[str]:
    for frame, line in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        cell = shell.compile.format_code_name(code.co_filename)
        if cell is None and not _is_of_caller(code.co_filename):
            continue
        where = "File " + code.co_filename if cell is None else " ".join(cell)
        function = "" if code.co_name == "<module>" else f", in {code.co_name}"
        source = linecache.getline(code.co_filename, line, frame.f_globals).strip()
        yield f"{where}, line {line}{function}\n----> {line} {source}\n"


def _is_of_caller(file: str) -> bool:
    return Path(file).is_file() and not file.startswith(_LIBRARIES)
