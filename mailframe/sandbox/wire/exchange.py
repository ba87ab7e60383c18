"""One request and its answer, as every part of the sandbox sees them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import orjson

from mailframe.sandbox.checks import request_json, texts
from mailframe.sandbox.checks.texts import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        number: the number of the POST to ``/email`` or ``/email/batch``, from 1; None for others.
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

    def json(self) -> Any:
        """The JSON value of the body.

        Raises:
            CheckFailed: 422 / 402 if it is not JSON.
        """
        return request_json.parse(self.body)

    def fields(self) -> dict[str, Any]:
        """The fields of the JSON object in the body, by name in lower case; none without a body.

        Clients write ``Name``, ``name`` and ``NAME`` (live suite of postmark-php).

        Raises:
            CheckFailed: 422 / 402 if it is not JSON, 422 / 403 if it is not an object.
        """
        value = self.json() if self.body.strip() else {}
        if not isinstance(value, dict):
            raise CheckFailed(request_json.WRONG_TYPE, texts.WRONG_FIELD.format(field="$"))
        return {name.lower(): field for name, field in value.items()}


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()


def as_json(value: Any, status: int = 200) -> Reply:
    """*value* as an answer."""
    return Reply(status, orjson.dumps(value))


def done(message: str, **more: Any) -> Reply:
    """The answer to a change, which has little to show.

    >>> done("Message removed.").body
    b'{"ErrorCode":0,"Message":"Message removed."}'
    """
    return as_json({"ErrorCode": 0, "Message": message, **more})


def error_reply(error: CheckFailed) -> Reply:
    """The answer to a refused request, with the header that repeats its code."""
    reply = as_json(error.as_item(), error.http_status)
    return Reply(reply.status, reply.body, headers=(("X-PM-ApiErrorCode", str(error.error_code)),))
