"""What each fault does to the answer and to what is accepted. No network.

Postmark offers nothing of this; the faults are what clients met in the field: see each one's sentence.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mailframe.sandbox import texts
from mailframe.sandbox.endpoints import HTML_TYPE, Reply, as_json, envelope
from mailframe.sandbox.texts import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailframe.sandbox.fault_schedule import Fault

    Answer = Callable[["Reply", "Fault", str], Reply]


class FaultName(StrEnum):
    """Every fault by name. *Accepted*: what the rules take is in ``sandbox.messages()``."""

    HTTP_429 = "http_429"
    """429 without Retry-After. Nothing is accepted."""
    HTTP_429_RETRY_AFTER = "http_429_retry_after"
    """429 with a Retry-After of ``retry_after_s`` seconds. Nothing is accepted."""
    HTTP_500_LOST = "http_500_lost"
    """500 with Postmark's JSON (code 101). Nothing is accepted."""
    HTTP_500_ACCEPTED = "http_500_accepted"
    """500 with Postmark's JSON (code 101). All is accepted."""
    HTTP_503_JSON = "http_503_json"
    """503 with Postmark's JSON (code 100), the planned outage. Nothing is accepted."""
    HTTP_503_HTML_LOST = "http_503_html_lost"
    """503 with a proxy's HTML page. Nothing is accepted."""
    HTTP_503_HTML_ACCEPTED = "http_503_html_accepted"
    """503 with a proxy's HTML page. All is accepted."""
    HTTP_504_ACCEPTED = "http_504_accepted"
    """504 with a gateway's HTML page. All is accepted."""
    HTTP_413_HTML = "http_413_html"
    """413 with a proxy's HTML page, whatever the size. Nothing is accepted."""
    HTTP_307 = "http_307"
    """307 to the same path: who follows it posts again. Nothing is accepted."""
    SLOW = "slow"
    """The right answer, ``delay_s`` seconds (1) late. All is accepted before the wait."""
    CLOSE_ACCEPTED = "close_accepted"
    """No answer: the connection is closed (FIN) after the whole request was read. All is accepted."""
    RESET_ACCEPTED = "reset_accepted"
    """No answer: the connection is reset (RST) after the whole request was read. All is accepted."""
    HALF_ANSWER_ACCEPTED = "half_answer_accepted"
    """The head and half the body of the right answer, then the connection is closed. All is accepted."""
    HANG_ACCEPTED = "hang_accepted"
    """No answer for ``delay_s`` seconds (30), then closed. All is accepted."""
    PART_ACCEPTED = "part_accepted"
    """No answer: the connection is closed. The first half of the taken messages is accepted, rounded down."""
    LATE_ACCEPTED = "late_accepted"
    """No answer: all is accepted once the client has hung up, or after ``delay_s`` seconds (30)."""
    HANG_LOST = "hang_lost"
    """No answer for ``delay_s`` seconds (30), then closed. Nothing is accepted."""
    CLOSE_BEFORE_BODY = "close_before_body"
    """The connection is closed before the body is read. Nothing is accepted."""
    CLOSE_LOST = "close_lost"
    """No answer: the connection is closed (FIN) after the whole request was read. Nothing is accepted."""
    SHORT_REPLY = "short_reply"
    """200 and the list without its last item. All is accepted."""
    LONG_REPLY = "long_reply"
    """200 and the list with an item too many. All is accepted."""
    SHUFFLED_REPLY = "shuffled_reply"
    """200 and the list in another order. All is accepted."""
    HTML_REPLY = "html_reply"
    """200 with an HTML page. All is accepted."""
    OBJECT_REPLY = "object_reply"
    """200 with a JSON object that says nothing. All is accepted."""
    DELAYED_REPLY = "delayed_reply"
    """200 whose taken items have no ErrorCode and say "delivery may be delayed". All is accepted."""


class SearchFaultName(StrEnum):
    """The faults that only a search can have."""

    PARTIAL = "partial"
    """200 from an index that knows only the oldest ``first`` of the matches: TotalCount counts no others."""


class Taken(StrEnum):
    """How much of what the rules take is accepted."""

    ALL = "all"
    NONE = "none"
    FIRST_HALF = "first_half"


class Ending(StrEnum):
    """How a request ends."""

    ANSWER = "answer"
    CLOSE = "close"
    RESET = "reset"
    HALF = "half"
    HANG = "hang"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a fault does.

    Attributes:
        taken: how much is accepted.
        ending: how the request ends.
        answer: the right answer, the fault and the path → the answer that is given; None leaves it.
        before_body: whether the request ends before its body is read.
        after_hangup: whether the messages are accepted only when the client has gone.
        only_first: whether a search knows no more than the oldest ``first`` of its matches.
        delay_s: the default wait, in seconds.
    """

    taken: Taken = Taken.ALL
    ending: Ending = Ending.ANSWER
    answer: Answer | None = None
    before_body: bool = False
    after_hangup: bool = False
    only_first: bool = False
    delay_s: float = 0.0


def _refusal(error_code: int, text: str, http_status: int) -> Answer:
    return lambda _reply, _fault, _path: envelope(CheckFailed(error_code, text, http_status))


def _html(status: int, title: str) -> Answer:
    page = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
    return lambda _reply, _fault, _path: Reply(status, page.encode(), HTML_TYPE)


def _retry_after(_reply: Reply, fault: Fault, _path: str) -> Reply:
    reply = envelope(CheckFailed(429, texts.RATE_LIMITED, 429))
    return replace(reply, headers=(*reply.headers, ("Retry-After", str(fault.retry_after_s))))


def _list_change(change: Callable[[list[Any]], list[Any]]) -> Answer:
    """Change the items of a good batch answer; any other answer stays as it is."""

    def answer(reply: Reply, _fault: Fault, _path: str) -> Reply:
        items = json.loads(reply.body)
        return as_json(change(items)) if reply.status == 200 and isinstance(items, list) else reply  # noqa: PLR2004  # OK

    return answer


def _shuffled(items: list[Any]) -> list[Any]:
    """Another order, always the same one for the same number of items."""
    order = list(range(len(items)))
    random.Random(len(items)).shuffle(order)  # noqa: S311  # no secret hangs on it
    if order == sorted(order):
        order = order[1:] + order[:1]
    return [items[index] for index in order]


def _one_more(items: list[Any]) -> list[Any]:
    return [*items, {"ErrorCode": 300, "Message": texts.NO_RECIPIENTS}]


def _delayed(reply: Reply, _fault: Fault, _path: str) -> Reply:
    found = json.loads(reply.body)
    items = [_delayed_item(item) for item in (found if isinstance(found, list) else [found])]
    return replace(reply, body=as_json(items if isinstance(found, list) else items[0]).body)


def _delayed_item(item: dict[str, Any]) -> dict[str, Any]:
    if not {"MessageID", "ErrorCode"} <= item.keys():
        return item
    return {key: value for key, value in item.items() if key != "ErrorCode"} | {
        "Message": texts.DELAYED
    }


def _redirect(_reply: Reply, _fault: Fault, path: str) -> Reply:
    return Reply(307, b"", HTML_TYPE, (("Location", path),))


_MAX_HANG_S = 30.0
EFFECTS: dict[FaultName | SearchFaultName, Effect] = {
    FaultName.HTTP_429: Effect(Taken.NONE, answer=_refusal(429, texts.RATE_LIMITED, 429)),
    FaultName.HTTP_429_RETRY_AFTER: Effect(Taken.NONE, answer=_retry_after),
    FaultName.HTTP_500_LOST: Effect(Taken.NONE, answer=_refusal(101, texts.INTERNAL_ERROR, 500)),
    FaultName.HTTP_500_ACCEPTED: Effect(answer=_refusal(101, texts.INTERNAL_ERROR, 500)),
    FaultName.HTTP_503_JSON: Effect(Taken.NONE, answer=_refusal(100, texts.MAINTENANCE, 503)),
    FaultName.HTTP_503_HTML_LOST: Effect(
        Taken.NONE, answer=_html(503, "503 Service Temporarily Unavailable")
    ),
    FaultName.HTTP_503_HTML_ACCEPTED: Effect(
        answer=_html(503, "503 Service Temporarily Unavailable")
    ),
    FaultName.HTTP_504_ACCEPTED: Effect(answer=_html(504, "504 Gateway Time-out")),
    FaultName.HTTP_413_HTML: Effect(Taken.NONE, answer=_html(413, "413 Request Entity Too Large")),
    FaultName.HTTP_307: Effect(Taken.NONE, answer=_redirect),
    FaultName.SLOW: Effect(delay_s=1.0),
    FaultName.CLOSE_ACCEPTED: Effect(ending=Ending.CLOSE),
    FaultName.RESET_ACCEPTED: Effect(ending=Ending.RESET),
    FaultName.HALF_ANSWER_ACCEPTED: Effect(ending=Ending.HALF),
    FaultName.HANG_ACCEPTED: Effect(ending=Ending.HANG, delay_s=_MAX_HANG_S),
    FaultName.PART_ACCEPTED: Effect(Taken.FIRST_HALF, Ending.CLOSE),
    FaultName.LATE_ACCEPTED: Effect(ending=Ending.CLOSE, after_hangup=True, delay_s=_MAX_HANG_S),
    FaultName.HANG_LOST: Effect(Taken.NONE, Ending.HANG, delay_s=_MAX_HANG_S),
    FaultName.CLOSE_BEFORE_BODY: Effect(Taken.NONE, Ending.CLOSE, before_body=True),
    FaultName.CLOSE_LOST: Effect(Taken.NONE, Ending.CLOSE),
    FaultName.SHORT_REPLY: Effect(answer=_list_change(lambda items: items[:-1])),
    FaultName.LONG_REPLY: Effect(answer=_list_change(_one_more)),
    FaultName.SHUFFLED_REPLY: Effect(answer=_list_change(_shuffled)),
    FaultName.HTML_REPLY: Effect(answer=_html(200, "Welcome")),
    FaultName.OBJECT_REPLY: Effect(answer=lambda _reply, _fault, _path: as_json({"status": "ok"})),
    FaultName.DELAYED_REPLY: Effect(answer=_delayed),
    SearchFaultName.PARTIAL: Effect(only_first=True),
}
