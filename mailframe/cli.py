"""The command ``mailframe``: its arguments; the work is in ``mailframe.command``.

``--help`` and a wrong argument are answered without pandas, in a tenth of the time; the sandbox
and the receiver of webhooks start without it.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from mailframe.command.arguments import make_parser
from mailframe.command.streams import accept_any_text

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED: Final = 130
"""128 and the number of SIGINT, as shells count it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return the exit status; ``docs/command-line.md`` lists them.

    Args:
        arguments: the arguments without the program's name; by default those of the process.
    """
    accept_any_text()
    parser = make_parser()
    chosen = parser.parse_args(arguments)
    if chosen.command is None:
        parser.print_help()
        return 0
    if chosen.command == "sandbox":
        from mailframe.command.sandbox import sandbox  # noqa: PLC0415 - without pandas

        return sandbox(chosen)
    if chosen.command == "webhooks":
        from mailframe.command.webhooks import webhooks  # noqa: PLC0415 - without pandas

        return webhooks(chosen)
    try:
        from mailframe.command.running import run  # noqa: PLC0415 - it imports pandas

        return run(chosen)
    except KeyboardInterrupt:  # a send counts interrupts, and ends by itself
        print("mailframe: interrupted", file=sys.stderr)
        return INTERRUPTED


def script() -> None:
    """Run the command of the process, and exit."""
    status = main()
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):  # closed, full, or none
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the interpreter flushes once more
    sys.exit(status)
