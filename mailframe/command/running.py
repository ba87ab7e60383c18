"""Runs a command: from its arguments to its exit code.

The exit codes, the members of the JSON
objects and the rules by which files are read are public; ``docs/command-line.md`` has them.
"""

from __future__ import annotations

import os
import signal
import threading
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from mailframe.accessor import register
from mailframe.command import refusals
from mailframe.command.output import Output
from mailframe.command.results import results
from mailframe.command.review import plan, preview, problems
from mailframe.command.samples import demo
from mailframe.command.send import send
from mailframe.command.streams import complain
from mailframe.errors import MailframeError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

_COMMANDS = {
    command.__name__: command for command in (send, problems, plan, preview, results, demo)
}
_TQDM: Final = "TQDM_DISABLE"


def run(chosen: argparse.Namespace) -> int:
    """Run the chosen command.

    Args:
        chosen: the arguments; ``command`` is the name of the command.

    Returns:
        The exit code.
    """
    register()  # the filters of a letter may use df.mail
    output = Output(chosen)
    with output.warnings_as_lines(), _terminated_as_interrupted(), _bars(shown=output.progress):
        exit_code = _ended(chosen, output)
    output.finish(exit_code)
    if output.broken:
        complain(f"standard output could not be written: {output.broken}")
        return exit_code or refusals.REFUSED
    return exit_code


def _ended(chosen: argparse.Namespace, output: Output) -> int:
    try:
        return _COMMANDS[chosen.command](chosen, output)
    except MailframeError as error:
        return report(error, output)
    except KeyboardInterrupt:
        output.facts["error"] = {
            "type": "KeyboardInterrupt",
            "message": "interrupted",
            "advice": None,
        }
        complain("interrupted")
        return refusals.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a scheduler needs an exit code, and --json an object
        traceback.print_exc()
        what = f"{type(error).__name__}: {error}"
        output.facts["error"] = {"type": type(error).__name__, "message": what, "advice": None}
        complain(f"this is a bug of mailframe; please report it: {what}")
        return refusals.REFUSED


def report(error: MailframeError, output: Output) -> int:
    """Print an error and what to do about it; returns the exit code."""
    advice = refusals.advice_of(error)
    output.facts["error"] = {
        "type": type(error).__name__,
        "message": str(error),
        "advice": advice,
    }
    complain(f"{error}")
    for note in getattr(error, "__notes__", []):
        output.warn(note)
    if advice is not None:
        complain(f"→ {advice}")
    return refusals.exit_code_of(error)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does: schedulers send it to stop a job."""
    before = signal.getsignal(signal.SIGTERM)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or before in (None, signal.SIG_IGN):
        yield
        return
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _bars(*, shown: bool) -> Iterator[None]:
    """Let tqdm draw nothing in a log; it reads the variable when it is first imported."""
    if shown or _TQDM in os.environ:
        yield
        return
    os.environ[_TQDM] = "1"
    try:
        yield
    finally:
        os.environ.pop(_TQDM, None)


def _interrupt(_number: int, _frame: Any) -> None:
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in a background job of a shell
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)
