"""The options of ``mailframe webhooks``. Nothing is imported that takes long."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from mailframe.command.sandbox_values import read_port, read_text

if TYPE_CHECKING:
    import argparse

DESCRIPTION: Final = """\
Receive the webhooks of Postmark until Ctrl-C: each event becomes one line of a
file, which mf.read_events reads."""
EPILOG: Final = """\
examples:
  mailframe webhooks --out events.jsonl --auth-file /run/secrets/webhooks
  mailframe webhooks --out events.jsonl --public-url https://hooks.acme.example

environment:
  MAILFRAME_WEBHOOKS_AUTH=user:password  in place of --auth-file

exit codes:
  0  ended by Ctrl-C or SIGTERM
  2  the options are wrong
  3  refused: the password, the file of --out, or the address is in use
"""


def add_webhooks(command: argparse.ArgumentParser) -> None:
    """Add what it does and its options to the parser of the command."""
    command.description = DESCRIPTION
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="the file that events are appended to, such as events.jsonl",
    )
    command.add_argument(
        "--auth-file",
        type=Path,
        metavar="FILE",
        help="a file with one line, user:password, which Postmark has to send",
    )
    command.add_argument(
        "--no-auth",
        action="store_true",
        help="accept events of everyone who can connect; only with a --host of this machine",
    )
    command.add_argument(
        "--port",
        type=read_port,
        default=8026,
        metavar="PORT",
        help="the port; 0 takes a free one (default: 8026)",
    )
    command.add_argument(
        "--host",
        type=read_text,
        default="127.0.0.1",
        metavar="HOST",
        help="the address to listen on (default: 127.0.0.1, for a proxy on this machine)",
    )
    command.add_argument(
        "--public-url",
        type=read_text,
        metavar="URL",
        help="the address under which the internet reaches it, which is printed for Postmark",
    )
