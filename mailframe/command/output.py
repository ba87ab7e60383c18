"""What a command prints: text for people or one JSON object, on a stream that may be closed."""

from __future__ import annotations

import errno
import json
import math
import os
import sys
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

import pandas as pd

from mailframe.command.streams import complain
from mailframe.errors import MailframeWarning
from mailframe.pages.text import visible

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator


class Output:
    """What one command prints.

    Text goes to standard output, or, with ``--json``, nothing but one JSON object at the end.
    Warnings and errors go to standard error in both cases.

    Args:
        chosen: the arguments of the command.

    Attributes:
        facts: the members of the JSON object.
        broken: why standard output could not be written; "" if it could, or if its reader has
            ended, as ``head`` does.
    """

    def __init__(self, chosen: argparse.Namespace) -> None:
        self._is_json: bool = getattr(chosen, "json", False)
        self.facts: dict[str, Any] = {"command": chosen.command, "warnings": [], "error": None}
        self.broken = ""

    @property
    def progress(self) -> bool:
        """Whether to show a progress bar: only in a terminal, and as it is in the demo."""
        return self.facts["command"] == "demo" or (sys.stderr is not None and sys.stderr.isatty())

    def text(self, text: str) -> None:
        """Print text for people."""
        if not self._is_json:
            self._write(visible(text) + "\n")

    def finish(self, exit_code: int) -> None:
        """Print the JSON object."""
        if self._is_json:
            facts = {"command": self.facts["command"], "exit_code": exit_code} | self.facts
            self._write(json.dumps(plain(facts), allow_nan=False) + "\n")

    def warn(self, text: str) -> None:
        """Print a warning."""
        self.facts["warnings"].append(text)
        complain(f"warning: {text}")

    def _write(self, text: str) -> None:
        """Write, unless it failed before: a closed stream must not end a send."""
        if self.broken or sys.stdout is None:
            return
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError as error:
            if not _has_reader_ended(error):
                self.broken = error.strerror or type(error).__name__
            _discard(sys.stdout)

    @contextmanager
    def warnings_as_lines(self) -> Iterator[None]:
        """Print the warnings of mailframe as lines, and no others."""
        with warnings.catch_warnings():
            if not sys.warnoptions:
                warnings.simplefilter("ignore")
            warnings.simplefilter("always", MailframeWarning)  # not -W error: results are written
            warnings.showwarning = lambda message, *_, **__: self.warn(str(message))
            yield


def plain(value: Any) -> Any:
    """A value as JSON has it: a missing one is null, one of another kind is its text."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "item"):  # of numpy
        return plain(value.item())
    if value is pd.NA or value is pd.NaT or value != value:  # noqa: PLR0124 - NaN
        return None
    return value if isinstance(value, float) and math.isfinite(value) else str(value)


def _has_reader_ended(error: OSError) -> bool:
    """Windows reports a pipe without a reader as an invalid argument."""
    is_invalid = os.name == "nt" and error.errno == errno.EINVAL
    return is_invalid or isinstance(error, BrokenPipeError)


def _discard(stream: TextIO) -> None:
    """Let the rest go nowhere, also what Python flushes at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
