"""The options of ``mailframe sandbox``, and the environment variables that stand for them.

Nothing is imported that takes long.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mailframe.command.sandbox_values import (
    LIMITS,
    STREAM_TYPES,
    read_count,
    read_fault,
    read_flag,
    read_limit,
    read_number,
    read_one_of,
    read_port,
    read_seconds,
    read_server,
    read_stream,
    read_suppression,
    read_text,
)
from mailframe.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX: Final = "MAILFRAME_SANDBOX_"
DESCRIPTION: Final = """\
Run a local Postmark until Ctrl-C. It answers every client of Postmark and shows
what arrives in an inbox at the same address; no mail leaves this machine."""
EPILOG: Final = f"""\
examples:
  mailframe sandbox                          any token and sender, port 8025
  mailframe sandbox --db sandbox.db          messages are kept after a restart
  mailframe sandbox --token secret --sender acme.example
                                             other tokens and senders are refused
  mailframe sandbox --fault http_429:times=3
                                             429 to the first three sends

environment:
  Each option has a variable: its name in upper case with _ for -, such as
  {PREFIX}PORT=8025 or {PREFIX}TOKEN=one,two (commas between several values).
  An option replaces its variable.

exit codes:
  0  ended by Ctrl-C or SIGTERM
  1  it cannot listen on the address
  2  the options or variables are wrong, or the file of --db cannot be used
"""
APPROVALS: Final = ("approved", "pending", "refused")
DELIVERY_TYPES: Final = ("Sandbox", "Live")
KUBERNETES: Final = "tcp://"
"""What Kubernetes puts into MAILFRAME_SANDBOX_PORT if a service is called mailframe-sandbox."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Attributes:
        name: its name without ``--``.
        read: the function that reads a value; it raises ArgumentTypeError or ValueError.
        help: the line for ``--help``.
        metavar: what stands for a value in that line.
        repeats: whether it can be given several times.
        is_flag: whether it can be given without a value, which then is true.
        default: its value if neither the option nor the variable is given.
    """

    name: str
    read: Callable[[str], Any]
    help: str
    metavar: str
    repeats: bool = False
    is_flag: bool = False
    default: Any = None

    @property
    def key(self) -> str:
        """Its name among the arguments."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable that stands for it.

        >>> Option("index-delay", float, "", "S").variable
        'MAILFRAME_SANDBOX_INDEX_DELAY'
        """
        return PREFIX + self.key.upper()


def add_sandbox(command: argparse.ArgumentParser) -> None:
    """Add what it does and its options to the parser of the command."""
    command.description = DESCRIPTION
    for option in OPTIONS:
        command.add_argument(
            f"--{option.name}",
            type=option.read,
            metavar=option.metavar,
            action="append" if option.repeats else "store",
            nargs="?" if option.is_flag else None,
            const=True if option.is_flag else None,
            help=option.help,
        )


def with_variables(
    chosen: argparse.Namespace, variables: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """The value of each option: as given, else from its variable, else the default.

    Args:
        chosen: the arguments of the command line.
        variables: the environment; an empty variable counts as none.

    Raises:
        SandboxError: a variable has a wrong value.

    >>> given = argparse.Namespace(**dict.fromkeys(option.key for option in OPTIONS))
    >>> with_variables(given, {"MAILFRAME_SANDBOX_TOKEN": "one, two"})["token"]
    ['one', 'two']
    """
    values = {}
    for option in OPTIONS:
        value = getattr(chosen, option.key)
        text = variables.get(option.variable, "").strip()
        if value is None and text and not text.startswith(KUBERNETES):
            value = _read_variable(option, text)
        values[option.key] = option.default if value is None else value
    return values


def _read_variable(option: Option, text: str) -> Any:
    try:
        if not option.repeats:
            return option.read(text)
        return [option.read(part.strip()) for part in text.split(",") if part.strip()]
    except (argparse.ArgumentTypeError, ValueError) as error:
        raise SandboxError(f"the environment variable {option.variable}: {error}") from None


OPTIONS: Final = (
    Option("port", read_port, "the port; 0 takes a free one (default: 8025)", "PORT", default=8025),
    Option(
        "host",
        read_text,
        "the address to listen on (default: 127.0.0.1); one that other machines reach, such as "
        "0.0.0.0, only together with --allow-host and --token",
        "HOST",
        default="127.0.0.1",
    ),
    Option(
        "allow-host",
        read_text,
        "a name that clients may call it by, such as the name of its container; repeat it for "
        "several",
        "NAME",
        repeats=True,
        default=(),
    ),
    Option(
        "public-url",
        read_text,
        "the base URL of links in messages, such as http://127.0.0.1:8025 (default: its own, with "
        "the first --allow-host if other machines can connect)",
        "URL",
    ),
    Option(
        "webhook-host",
        read_text,
        "another machine that webhooks may reach, such as the name of a container; repeat it for "
        "several (default: none)",
        "NAME",
        repeats=True,
        default=(),
    ),
    Option(
        "token",
        read_text,
        "a valid server token; repeat it for several (default: any text)",
        "TOKEN",
        repeats=True,
    ),
    Option(
        "server",
        read_server,
        "a further server with its own messages and streams, such as shop=shop-token; repeat it "
        "for several",
        "NAME=TOKEN",
        repeats=True,
        default=(),
    ),
    Option(
        "sender",
        read_text,
        "an address or domain that may send; repeat it for several (default: all)",
        "SENDER",
        repeats=True,
    ),
    Option(
        "stream",
        read_stream,
        "a message stream and its type, in place of those of a new server: "
        f"{', '.join(STREAM_TYPES)}; repeat it for several",
        "ID=TYPE",
        repeats=True,
    ),
    Option(
        "suppress",
        read_suppression,
        "an inactive address, on one stream or on all, of one server or of all; repeat it for "
        "several",
        "[[SERVER/]STREAM:]ADDRESS",
        repeats=True,
        default=(),
    ),
    Option(
        "fault",
        read_fault,
        "a fault and its options, such as http_429:request=2:times=3; times=none never stops; "
        "repeat it for several",
        "NAME[:OPTION=VALUE…]",
        repeats=True,
        default=(),
    ),
    Option("db", read_text, "the file that keeps everything, to go on after a restart", "FILE"),
    Option(
        "keep",
        read_count,
        "messages and requests that are kept; the oldest go (default: 100,000)",
        "N",
        default=100_000,
    ),
    Option(
        "approval",
        read_one_of(*APPROVALS),
        f"the state of the account: {', '.join(APPROVALS)} (default: approved)",
        "STATE",
        default="approved",
    ),
    Option(
        "delivery-type",
        read_one_of(*DELIVERY_TYPES),
        "the DeliveryType of GET /server: Sandbox (default) or Live; nothing is delivered",
        "TYPE",
        default="Sandbox",
    ),
    Option("server-id", read_count, "the ID in GET /server (default: a random one)", "N"),
    Option("seed", read_number, "the seed that makes the MessageIDs repeatable", "N"),
    Option("delay", read_seconds, "the seconds that each answer takes", "SECONDS", default=0.0),
    Option(
        "index-delay",
        read_seconds,
        "the seconds until a search finds a message",
        "SECONDS",
        default=0.0,
    ),
    Option(
        "paused",
        read_flag,
        "searches find no message until a pause ends",
        "yes|no",
        is_flag=True,
        default=False,
    ),
    Option(
        "bulk", read_flag, "the account has the Bulk API (default: yes)", "yes|no", default=True
    ),
    Option(
        "limit",
        read_limit,
        f"a limit of connections, such as idle_s=5: {', '.join(LIMITS)}; repeat it for several",
        "NAME=NUMBER",
        repeats=True,
        default=(),
    ),
)
