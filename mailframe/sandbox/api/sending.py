"""``POST /email`` and ``POST /email/batch``."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.answers import EndpointResult, error_reply
from mailframe.sandbox.api.credentials import MAX_BATCH_BYTES, MAX_SINGLE_BYTES
from mailframe.sandbox.api.intake import Intake
from mailframe.sandbox.checks import request_json, texts
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Request


def send_single(request: Request, store: Store) -> EndpointResult:
    """``POST /email``: one message; if it is refused, so is the request."""
    intake = Intake(request, store, MAX_SINGLE_BYTES)
    message = request_json.one_message(request_json.parse(request.body))
    return take_single(intake, message)


def send_batch(request: Request, store: Store) -> EndpointResult:
    """``POST /email/batch``: HTTP 200 even if every message is refused."""
    intake = Intake(request, store, MAX_BATCH_BYTES)
    value = request_json.parse(request.body)
    usual = intake.usual(value)
    return take_batch(intake, request_json.many_messages(value, checked=usual), usual=usual)


def take_single(intake: Intake, message: dict[str, Any]) -> EndpointResult:
    """The result of a request with one *message*."""
    try:
        item = intake.take(message, inactive_text=texts.ALL_INACTIVE_SINGLE)
    except CheckFailed as error:
        return EndpointResult(error_reply(error), messages=1)
    return intake.result(as_json(item), messages=1)


def take_batch(
    intake: Intake,
    messages: list[dict[str, Any]],
    *,
    usual: Sequence[str | None] = (),
) -> EndpointResult:
    """The result of a request with many *messages*: an item for each.

    Args:
        intake: what accepts them.
        messages: the messages, whose JSON types have been checked.
        usual: the result of ``intake.usual``.
    """
    items: list[dict[str, Any]] = []
    for _, group in groupby(usual or [None] * len(messages), key=type):
        run = list(group)
        some = messages[len(items) : len(items) + len(run)]
        streams = [stream for stream in run if stream]
        if streams:
            items += intake.accept(some, streams)
        else:
            items += [_item(intake, message) for message in some]
    return intake.result(as_json(items), messages=len(messages))


def _item(intake: Intake, message: dict[str, Any]) -> dict[str, Any]:
    try:
        return intake.take(message, inactive_text=texts.ALL_INACTIVE_ITEM)
    except CheckFailed as error:
        return error.as_item()


ROUTES: Final = {
    "/email": {"POST": send_single},
    "/email/batch": {"POST": send_batch},
}
