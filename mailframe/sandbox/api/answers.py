"""The answers that many endpoints give. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailframe.sandbox.wire.exchange import Reply, as_json

if TYPE_CHECKING:
    from mailframe.sandbox.checks.texts import CheckFailed


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
