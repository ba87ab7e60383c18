"""One request and its answer, as every part of the sandbox sees them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

JSON_TYPE: Final = "application/json; charset=utf-8"
HTML_TYPE: Final = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """A request as it arrived.

    Attributes:
        method: the method in upper case.
        path: the path without the query.
        headers: the headers, by name in lower case.
        body: the bytes of the body; of one that is too large, only the start.
        number: the number of the request that sends, as in its record; None for others.
        query: the part after the ``?``, as it was sent.
        first: the number of matches that a search finds, the oldest first; None is all.
        params: what stands in the path for each ``{name}`` of the route, as sent.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    number: int | None = None
    query: str = ""
    first: int | None = None
    params: Mapping[str, str] = field(default_factory=dict)

    def at(self, params: Mapping[str, str]) -> Request:
        """The request with the *params* of its route."""
        return replace(self, params=params)

    @cached_property
    def values(self) -> dict[str, str]:
        """The parameters of the query by name in lower case; the last of a name counts."""
        return {
            name.lower(): value for name, value in parse_qsl(self.query, keep_blank_values=True)
        }


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response.

    Attributes:
        status: the status.
        body: the body; empty if it is made later.
        content_type: the type of the body.
        headers: the other headers.
        later: makes a body, or the whole response, that takes long, after the lock of the state is
            free.
    """

    status: int
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()
    later: Callable[[], bytes | Reply] | None = None

    def made(self) -> Reply:
        """The response with its body."""
        if self.later is None:
            return self
        result = self.later()
        return result if isinstance(result, Reply) else replace(self, body=result, later=None)


def as_json(value: Any, status: int = 200) -> Reply:
    """*value* as an answer."""
    return Reply(status, orjson.dumps(value))
