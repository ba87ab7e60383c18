"""What an endpoint is, and the answers that many give. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailframe.sandbox.wire.exchange import Reply, as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mailframe.sandbox.checks.texts import CheckFailed
    from mailframe.sandbox.state.messages.acceptance import Acceptance
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Request

    Endpoint = Callable[[Request, Store], "EndpointResult | Reply"]
    Routes = Mapping[str, Mapping[str, Endpoint]]
    """The functions that answer, by path and method."""


@dataclass(frozen=True, slots=True)
class EndpointResult:
    """The result of one request that sends.

    Attributes:
        reply: the answer.
        server: the ID of the server; 0 for the test token.
        accepted: the accepted messages, in the order of the request.
        accepted_ns: the time of their acceptance.
        messages: the number of messages in the request; 0 if it was refused before the count.
        keep: what is kept beside the messages, called with their number, unless a fault loses them.
    """

    reply: Reply
    server: int = 0
    accepted: Sequence[Acceptance] = ()
    accepted_ns: int = 0
    messages: int = 0
    keep: Callable[[int], None] | None = None


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
