"""Every fault of the sandbox: its name and what it does. To add one, add one member to FaultName.

Postmark offers none of this; the faults are what clients of Postmark have run into. Which request
a fault hits is decided in ``schedule.py``.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

from mailframe.sandbox.api.answers import error_reply
from mailframe.sandbox.checks import texts
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.wire.exchange import HTML_TYPE, Reply, as_json

if TYPE_CHECKING:
    from mailframe.sandbox.faults.schedule import Fault

ReplyChange = Callable[[Reply, "Fault", str], Reply]
"""The right reply, the fault and the path of the request → the reply that is sent."""
_HANG_S = 30.0


class Acceptance(StrEnum):
    """How many of the valid messages of a request are accepted."""

    ALL = "all"
    NONE = "none"
    FIRST_HALF = "first_half"


class Ending(StrEnum):
    """How a request ends.

    ``connection.py`` and ``transport.py`` in ``serving/`` do it. An ending that neither of them
    names is a close without an answer.
    """

    ANSWER = "answer"
    CLOSE = "close"
    RESET = "reset"
    HALF = "half"
    HANG = "hang"


_ACCEPTED: Final = {
    Acceptance.ALL: "All messages are accepted.",
    Acceptance.NONE: "Nothing is accepted.",
    Acceptance.FIRST_HALF: "The first half of the messages is accepted.",
}
_ENDED: Final = {
    Ending.ANSWER: "The client gets an answer.",
    Ending.CLOSE: "The connection is closed without an answer.",
    Ending.RESET: "The connection is reset without an answer.",
    Ending.HALF: "The client gets half of the answer.",
    Ending.HANG: "The client waits, then the connection is closed.",
}


@dataclass(frozen=True, slots=True)
class Effect:
    """What a fault does.

    Attributes:
        acceptance: the part of the valid messages that is accepted.
        ending: the way in which the request ends.
        change: the function that makes the reply out of the right one; None sends the right one.
        before_body: whether the connection is closed before the body is read.
        after_hangup: whether the messages are accepted only after the client has disconnected.
        only_first: whether a search finds only the oldest ``first`` of its matches.
        delay_s: the default wait, in seconds.
    """

    acceptance: Acceptance = Acceptance.ALL
    ending: Ending = Ending.ANSWER
    change: ReplyChange | None = None
    before_body: bool = False
    after_hangup: bool = False
    only_first: bool = False
    delay_s: float = 0.0

    @property
    def about(self) -> str:
        """What it does, in two sentences."""
        if self.only_first:
            return "A search finds only its oldest matches."
        ended = _ENDED[self.ending]
        if self.before_body:
            ended = "The connection is closed before the body is read."
        elif self.ending is Ending.ANSWER and self.change is not None:
            ended = "The client gets the answer that the name of the fault says."
        return f"{_ACCEPTED[self.acceptance]} {ended}"


def _refusal(error_code: int, text: str, http_status: int) -> ReplyChange:
    return lambda *_: error_reply(CheckFailed(error_code, text, http_status))


def _html(status: int, title: str) -> ReplyChange:
    page = (
        f"<html><head><title>{title}</title></head>"
        f"<body><center><h1>{title}</h1></center></body></html>"
    )
    return lambda *_: Reply(status, page.encode(), HTML_TYPE)


def _retry_after(_reply: Reply, fault: Fault, _path: str) -> Reply:
    reply = error_reply(CheckFailed(429, texts.RATE_LIMITED, 429))
    return replace(reply, headers=(*reply.headers, ("Retry-After", str(fault.retry_after_s))))


def _redirect(_reply: Reply, _fault: Fault, path: str) -> Reply:
    return Reply(307, b"", HTML_TYPE, (("Location", quote(path)),))


def _change_items(change: Callable[[list[Any]], list[Any]]) -> ReplyChange:
    """Change the items of a successful batch reply; any other reply stays as it is."""

    def change_reply(reply: Reply, _fault: Fault, _path: str) -> Reply:
        if reply.later is not None:  # never a list
            return reply
        items = json.loads(reply.body)
        return as_json(change(items)) if reply.status == 200 and isinstance(items, list) else reply  # noqa: PLR2004  # OK

    return change_reply


def _shuffled(items: list[Any]) -> list[Any]:
    """Another order, always the same one for the same number of items."""
    order = list(range(len(items)))
    random.Random(len(items)).shuffle(order)  # noqa: S311  # not used for a secret
    if order == sorted(order):
        order = order[1:] + order[:1]
    return [items[index] for index in order]


def _one_more(items: list[Any]) -> list[Any]:
    return [*items, {"ErrorCode": 300, "Message": texts.NO_RECIPIENTS}]


def _delayed(reply: Reply, _fault: Fault, _path: str) -> Reply:
    if reply.later is not None:  # never of a send
        return reply
    content = json.loads(reply.body)
    if isinstance(content, list):
        return replace(reply, body=as_json([_delayed_item(item) for item in content]).body)
    return replace(reply, body=as_json(_delayed_item(content)).body)


def _delayed_item(item: dict[str, Any]) -> dict[str, Any]:
    if not {"MessageID", "ErrorCode"} <= item.keys():
        return item
    return {key: value for key, value in item.items() if key != "ErrorCode"} | {
        "Message": texts.DELAYED
    }


NO_EFFECT = Effect()
"""Of a request that no fault hits."""


class _FaultWithEffect(StrEnum):
    """The value of a member is the name of the fault; ``effect`` is what it does."""

    effect: Effect

    # The default lets type checkers accept a lookup such as FaultName("http_429").
    def __new__(cls, name: str, effect: Effect = NO_EFFECT) -> Self:
        member = str.__new__(cls, name)
        member._value_ = name
        member.effect = effect
        return member


_NONE = Acceptance.NONE
_INTERNAL_ERROR = _refusal(101, texts.INTERNAL_ERROR, 500)
_MAINTENANCE = _refusal(100, texts.MAINTENANCE, 503)
_HTML_413 = _html(413, "413 Request Entity Too Large")
_HTML_503 = _html(503, "503 Service Temporarily Unavailable")


class FaultName(_FaultWithEffect):
    """Every fault by name. *Accepted* means that ``sandbox.messages()`` has the valid messages."""

    HTTP_429 = "http_429", Effect(_NONE, change=_refusal(429, texts.RATE_LIMITED, 429))
    """429 without Retry-After. Nothing is accepted."""
    HTTP_429_RETRY_AFTER = "http_429_retry_after", Effect(_NONE, change=_retry_after)
    """429 with a Retry-After of ``retry_after_s`` seconds. Nothing is accepted."""
    HTTP_500_LOST = "http_500_lost", Effect(_NONE, change=_INTERNAL_ERROR)
    """500 with Postmark's JSON (code 101). Nothing is accepted."""
    HTTP_500_ACCEPTED = "http_500_accepted", Effect(change=_INTERNAL_ERROR)
    """500 with Postmark's JSON (code 101). All are accepted."""
    HTTP_503_JSON = "http_503_json", Effect(_NONE, change=_MAINTENANCE)
    """503 with Postmark's JSON (code 100), the planned outage. Nothing is accepted."""
    HTTP_503_HTML_LOST = "http_503_html_lost", Effect(_NONE, change=_HTML_503)
    """503 with an HTML page of a proxy. Nothing is accepted."""
    HTTP_503_HTML_ACCEPTED = "http_503_html_accepted", Effect(change=_HTML_503)
    """503 with an HTML page of a proxy. All are accepted."""
    HTTP_504_ACCEPTED = "http_504_accepted", Effect(change=_html(504, "504 Gateway Time-out"))
    """504 with an HTML page of a gateway. All are accepted."""
    HTTP_413_HTML = "http_413_html", Effect(_NONE, change=_HTML_413)
    """413 with an HTML page of a proxy, whatever the size. Nothing is accepted."""
    HTTP_307 = "http_307", Effect(_NONE, change=_redirect)
    """307 to the same path: a client that follows it posts again. Nothing is accepted."""
    SLOW = "slow", Effect(delay_s=1.0)
    """The right answer, ``delay_s`` seconds (1) late. All are accepted before the wait."""
    CLOSE_ACCEPTED = "close_accepted", Effect(ending=Ending.CLOSE)
    """No answer: the connection is closed (FIN) after the request was read. All are accepted."""
    RESET_ACCEPTED = "reset_accepted", Effect(ending=Ending.RESET)
    """No answer: the connection is reset (RST) after the request was read. All are accepted."""
    HALF_ANSWER_ACCEPTED = "half_answer_accepted", Effect(ending=Ending.HALF)
    """The head and half the body of the right answer, then a close. All are accepted."""
    HANG_ACCEPTED = "hang_accepted", Effect(ending=Ending.HANG, delay_s=_HANG_S)
    """No answer for ``delay_s`` seconds (30), then a close. All are accepted."""
    PART_ACCEPTED = "part_accepted", Effect(Acceptance.FIRST_HALF, Ending.CLOSE)
    """No answer: a close. The first half of the valid messages is accepted, rounded down."""
    LATE_ACCEPTED = "late_accepted", Effect(ending=Ending.CLOSE, after_hangup=True, delay_s=_HANG_S)
    """No answer: all are accepted once the client has disconnected, or after ``delay_s`` (30)."""
    HANG_LOST = "hang_lost", Effect(_NONE, Ending.HANG, delay_s=_HANG_S)
    """No answer for ``delay_s`` seconds (30), then a close. Nothing is accepted."""
    CLOSE_BEFORE_BODY = "close_before_body", Effect(_NONE, Ending.CLOSE, before_body=True)
    """The connection is closed before the body is read. Nothing is accepted."""
    CLOSE_LOST = "close_lost", Effect(_NONE, Ending.CLOSE)
    """No answer: the connection is closed (FIN) after the request was read. Nothing is accepted."""
    SHORT_REPLY = "short_reply", Effect(change=_change_items(lambda items: items[:-1]))
    """200 and the list without its last item. All are accepted."""
    LONG_REPLY = "long_reply", Effect(change=_change_items(_one_more))
    """200 and the list with one item too many. All are accepted."""
    SHUFFLED_REPLY = "shuffled_reply", Effect(change=_change_items(_shuffled))
    """200 and the list in another order. All are accepted."""
    HTML_REPLY = "html_reply", Effect(change=_html(200, "Welcome"))
    """200 with an HTML page. All are accepted."""
    OBJECT_REPLY = "object_reply", Effect(change=lambda *_: as_json({"status": "ok"}))
    """200 with an unrelated JSON object. All are accepted."""
    DELAYED_REPLY = "delayed_reply", Effect(change=_delayed)
    """200; accepted items have no ErrorCode and say "delivery may be delayed". All are accepted."""


class SearchFaultName(_FaultWithEffect):
    """The faults that only a search can have."""

    PARTIAL = "partial", Effect(only_first=True)
    """200 from an index that has only the oldest ``first`` matches; TotalCount counts only them."""


ALL_NAMES: Final = (*FaultName, *SearchFaultName)
