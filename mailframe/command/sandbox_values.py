"""How the values of the options of ``mailframe sandbox`` are read.

Nothing is imported that takes long.
"""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

STREAM_TYPES: Final = ("transactional", "broadcast", "inbound")
LIMITS: Final = (
    *("head_s", "body_s", "bytes_per_s", "idle_s", "write_s", "head_bytes", "body_bytes"),
    "connections",
)
_FLAGS: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def read_port(text: str) -> int:
    """A port."""
    if not text.isdecimal() or not int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"{text} is not a port")
    return int(text)


def read_text(text: str) -> str:
    """A text that is not empty, without spaces around it."""
    if not text.strip():
        raise argparse.ArgumentTypeError("a value is empty")
    return text.strip()


def read_number(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def read_count(text: str) -> int:
    """A whole number from 1 on."""
    number = read_number(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return number


def read_seconds(text: str) -> float:
    """A number of seconds from 0 on."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 0 or more")
    return seconds


def read_flag(text: str) -> bool:
    """Yes or no.

    >>> read_flag("yes"), read_flag("0")
    (True, False)
    """
    if text.strip().lower() not in _FLAGS:
        raise argparse.ArgumentTypeError(f"{text!r} is not yes or no")
    return _FLAGS[text.strip().lower()]


def read_limit(text: str) -> tuple[str, float]:
    """The name and the value of a limit of connections.

    >>> read_limit("idle_s=5")
    ('idle_s', 5.0)
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    if name not in LIMITS or not equals:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not NAME=NUMBER, such as idle_s=5; the names are {', '.join(LIMITS)}"
        )
    try:
        return name, float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number") from None


def read_one_of(*choices: str) -> Callable[[str], str]:
    """The function that reads one of some texts, ignoring case."""

    def read(text: str) -> str:
        for choice in choices:
            if choice.lower() == text.strip().lower():
                return choice
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(choices)}")

    return read


def read_stream(text: str) -> tuple[str, str]:
    """The id and the type of a stream.

    >>> read_stream("news=broadcast")
    ('news', 'broadcast')
    """
    name, equals, kind = (part.strip() for part in text.partition("="))
    if not name or not equals or kind.lower() not in STREAM_TYPES:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not ID=TYPE, such as news=broadcast; the types are "
            f"{', '.join(STREAM_TYPES)}"
        )
    return name, kind.lower()


def read_server(text: str) -> tuple[str, str]:
    """The name and the token of a server."""
    name, equals, token = (part.strip() for part in text.partition("="))
    if not name or not equals or not token:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=TOKEN, such as shop=shop-token")
    return name, token


def read_suppression(text: str) -> tuple[str | None, str | None, str]:
    """The server, the stream and the address; None is every one.

    >>> read_suppression("shop/broadcast:ann@example.com"), read_suppression("ann@example.com")
    (('shop', 'broadcast', 'ann@example.com'), (None, None, 'ann@example.com'))
    """
    place, colon, address = text.strip().rpartition(":")
    server, slash, stream = place.rpartition("/")
    if "@" not in address or (colon and not stream) or (slash and not server):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an address, STREAM:ADDRESS or SERVER/STREAM:ADDRESS"
        )
    return server or None, stream or None, address


def read_fault(text: str) -> dict[str, Any]:
    """The name of a fault and its options.

    >>> read_fault("http_429:request=2:times=none")
    {'name': 'http_429', 'request': 2, 'times': None}
    """
    name, *options = text.strip().split(":")
    fault: dict[str, Any] = {"name": name}
    for option in options:
        key, equals, value = option.partition("=")
        if key not in _FAULT_OPTIONS or not equals:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not NAME or NAME:OPTION=VALUE, such as http_429:request=2; "
                f"the options are {', '.join(_FAULT_OPTIONS)}"
            )
        fault[key] = _FAULT_OPTIONS[key](value)
    return fault


def read_times(text: str) -> int | None:
    """How often a fault hits; None never stops."""
    return None if text.lower() == "none" else read_count(text)


_FAULT_OPTIONS: Final[dict[str, Callable[[str], Any]]] = {
    "request": read_count,
    "times": read_times,
    "delay_s": read_seconds,
    "retry_after_s": read_count,
    "path": read_text,
    "first": read_number,
}
