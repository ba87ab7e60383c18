"""Parts of HTTP/1.1 heads: paths, headers, dates, and half an answer. Pure."""

from __future__ import annotations

import functools
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mailframe.sandbox.wire.exchange import Reply

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def headers_by_name(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers by name in lower case; repeated ones are joined by commas.

    >>> headers_by_name([(b"accept", b"a/b"), (b"accept", b"c/d")])
    {'accept': 'a/b, c/d'}
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("ascii").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def path_and_query(target: str) -> tuple[str, str]:
    """The decoded path and the query of a request.

    >>> path_and_query("/Email%2Fbatch?a=%2F"), path_and_query("http://127.0.0.1/email")
    (('/Email/batch', 'a=%2F'), ('/email', ''))
    """
    if not target.startswith("/"):  # of a client that takes the sandbox for a proxy
        _, _, after = target.partition("://")
        target = f"/{after.partition('/')[2]}"
    path, _, query = target.partition("?")
    return unquote(path), query


@functools.lru_cache(maxsize=1)
def http_date(seconds: int) -> str:
    """The time in the header Date, in English whatever the locale.

    >>> http_date(784111777)
    'Sun, 06 Nov 1994 08:49:37 GMT'
    """
    at = time.gmtime(seconds)
    clock = f"{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02}"
    month = _MONTHS[at.tm_mon - 1]
    return f"{_DAYS[at.tm_wday]}, {at.tm_mday:02} {month} {at.tm_year} {clock} GMT"


def answer_bytes(
    reply: Reply, *headers: tuple[str, str], seconds: int, with_body: bool = True
) -> bytes:
    """A whole answer, in one piece so that a short one is one packet.

    Args:
        reply: the answer.
        headers: more headers.
        seconds: the time of the header Date.
        with_body: whether it has the body; an answer to HEAD has none.

    Raises:
        ValueError: a header has a line break, which would begin another header.
    """
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    lines.append(f"date: {http_date(seconds)}")
    if reply.status != HTTPStatus.NO_CONTENT:
        lines.append(f"content-length: {len(reply.body)}")
        lines.append(f"content-type: {reply.content_type}")
    lines += [f"{name.lower()}: {value}" for name, value in (*reply.headers, *headers)]
    head = "\r\n".join([*lines, "", ""])
    if head.count("\n") != len(lines) + 1 or head.count("\r") != len(lines) + 1:
        raise ValueError("a header of the answer has a line break")
    return head.encode() + (reply.body if with_body else b"")


def half_answer(reply: Reply) -> bytes:
    """The head of the whole answer and half of its body."""
    whole = answer_bytes(reply, seconds=int(time.time()))
    return whole[: len(whole) - len(reply.body) + len(reply.body) // 2]


def keeps_alive(http_version: bytes, headers: Mapping[str, str]) -> bool:
    """Whether the connection stays open after the answer.

    >>> keeps_alive(b"1.1", {}), keeps_alive(b"1.1", {"connection": "Close"})
    (True, False)
    """
    options = headers.get("connection", "").lower().split(",")
    return http_version == b"1.1" and "close" not in (option.strip() for option in options)
