"""What a reply of Postmark means: status and body → one outcome per message. No network.

Nothing here raises because of a reply: one that cannot be read is ``unknown``, with a reason that
names the item. A request is only repeated if the reply proves that nothing was processed.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from email.utils import getaddresses
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from mailframe.postmark.decoding import parse_json
from mailframe.postmark.error_codes import CONCERNS_REQUEST
from mailframe.postmark.message_ids import first_repeat, is_message_id
from mailframe.postmark.retry_after import retry_after_s

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailframe.postmark.message_ids import TakenIds

_AMBIGUOUS_4XX: Final = frozenset({408, 425, 499})
"""Request timeout, too early, client closed request: none of them means a refusal."""
_MAX_ECHO_CHARS: Final = 65_536  # 50 recipients of 255 characters and their names are far below
_MAX_MESSAGE_CHARS: Final = 16_384  # 50 inactive addresses of 254 characters are below
_MAX_TIMESTAMP_CHARS: Final = 64
_MAX_QUOTE_CHARS: Final = 300
_MAX_ERROR_CODE: Final = 1_000_000  # Postmark's have four digits at most


class Verdict(StrEnum):
    """The result of one request, a closed list."""

    ANSWERED = "answered"
    """Each message has its own outcome."""
    BUSY = "busy"
    """429, or 503 with Postmark's JSON: nothing was processed; repeat the request after a wait."""
    TOO_LARGE = "too_large"
    """413: nothing was processed; repeat the request in halves."""
    REFUSED = "refused"
    """Another 4xx with Postmark's JSON: nothing was processed; the same request fails again."""
    UNSENT = "unsent"
    """The request provably did not arrive completely; it may be repeated."""
    UNKNOWN = "unknown"
    """The request was sent and no clear reply came back; it must never be repeated."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one message.

    Attributes:
        error_code: Postmark's ErrorCode; 0 for an accepted message, None for a message that
            Postmark accepts without an ErrorCode or that HTTP 413 refused.
        message: Postmark's text.
        message_id: Postmark's MessageID; present if and only if Postmark accepted the message.
        submitted_at: Postmark's timestamp as text, ISO 8601 with seven fractional digits.
    """

    error_code: int | None
    message: str
    message_id: str | None = None
    submitted_at: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether Postmark accepted the message."""
        return self.message_id is not None


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """The result of one request and of its messages; its repr is one line that says what it means.

    Attributes:
        verdict: the verdict on the request; see Verdict.
        outcomes: one outcome per message, in the order of the request; empty unless the verdict is
            ``answered``.
        reason: one line of text, without token and payload.
        http_status: the HTTP status; None without a status line.
        error_code: the ErrorCode of a request that was refused as a whole.
        retry_after_s: the seconds of the Retry-After header; None without one.
        interrupted: whether KeyboardInterrupt or SystemExit ended the request; the verdict is what
            the transport trace proves.

    >>> Answer(Verdict.ANSWERED, (Outcome(0, "OK", "b7bc2f4a"),))
    <Answer: accepted, MessageID b7bc2f4a>
    >>> Answer(Verdict.ANSWERED, (Outcome(406, "Inactive."), Outcome(0, "OK", "b7bc2f4a")))
    <Answer: 2 messages, 1 accepted, 1 rejected>
    >>> Answer(Verdict.UNKNOWN, reason="no reply after the request was sent")
    <Answer: unknown (no reply after the request was sent); the messages may have been accepted>
    """

    verdict: Verdict
    outcomes: tuple[Outcome, ...] = ()
    reason: str = ""
    http_status: int | None = None
    error_code: int | None = None
    retry_after_s: float | None = None
    interrupted: bool = False

    def __repr__(self) -> str:
        return f"<Answer: {self._outcomes_text() if self.outcomes else self._verdict_text()}>"

    def _outcomes_text(self) -> str:
        if len(self.outcomes) > 1:
            accepted = sum(outcome.accepted for outcome in self.outcomes)
            counts = {"accepted": accepted, "rejected": len(self.outcomes) - accepted}
            parts = (f"{count:,} {word}" for word, count in counts.items() if count)
            return ", ".join([f"{len(self.outcomes):,} messages", *parts])
        [outcome] = self.outcomes
        if outcome.accepted:
            return f"accepted, MessageID {outcome.message_id}"
        code = "" if outcome.error_code is None else f", ErrorCode {outcome.error_code}"
        return f"rejected{code}: {' '.join(outcome.message.split())}"

    def _verdict_text(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        wait = "" if self.retry_after_s is None else f"; retry after {self.retry_after_s:g} s"
        is_unknown = self.verdict is Verdict.UNKNOWN
        meaning = "the messages may have been accepted" if is_unknown else "nothing was accepted"
        return f"{self.verdict.replace('_', ' ')}{reason}; {meaning}{wait}"


class _UnclearError(Exception):
    """The body does not show clearly what happened; the text says why. Not raised to callers."""


def read_batch(
    *, status: int, headers: Mapping[str, str], body: bytes, expected_to: Sequence[str | None]
) -> Answer:
    """Read the reply to ``POST /email/batch``.

    The order and shapes are documented at
    postmarkapp.com/developer/user-guide/send-email-with-api/batch-emails. A MessageID without an
    ErrorCode was seen in August 2024 (anymail/django-anymail#392).

    Args:
        status: the HTTP status.
        headers: the headers of the reply, in any case; only ``Retry-After`` and ``Date`` are read.
        body: the whole body of the reply.
        expected_to: the ``To`` of each message of the request, in its order; None without one.

    Returns:
        One outcome per message if each item is clear. One unclear item makes the whole batch
        ``unknown``, since its items may not match the messages.

    >>> body = b'[{"ErrorCode": 0, "Message": "OK", "MessageID": "b7bc2f4a", "To": "a@x.example"}]'
    >>> answer = read_batch(status=200, headers={}, body=body, expected_to=["Ann <a@x.example>"])
    >>> answer.outcomes[0].accepted
    True
    """
    if status != HTTPStatus.OK:
        return _read_failure(status=status, headers=headers, body=body)
    try:
        outcomes = _read_items(_parsed(body), expected_to=expected_to)
    except _UnclearError as unclear:
        return Answer(Verdict.UNKNOWN, reason=f"HTTP 200, but {unclear}", http_status=status)
    return Answer(Verdict.ANSWERED, outcomes=outcomes, http_status=status)


def read_single(
    *, status: int, headers: Mapping[str, str], body: bytes, expected_to: str | None
) -> Answer:
    """Read the reply to ``POST /email``.

    A 422 with Postmark's JSON refuses the message, so it is an outcome, as the same code is in an
    item of a batch. Codes that a batch only gets as a whole (``CONCERNS_REQUEST``: the token, the
    JSON, the types, the IP address of the caller, …) refuse the request.

    Args:
        status: the HTTP status.
        headers: the headers of the reply, in any case.
        body: the whole body of the reply.
        expected_to: the ``To`` of the message; None without one.

    Returns:
        One outcome if the reply is clear.

    >>> body = b'{"ErrorCode": 406, "Message": "Found inactive addresses: ann@example.com."}'
    >>> answer = read_single(status=422, headers={}, body=body, expected_to="ann@example.com")
    >>> answer.outcomes[0].error_code
    406
    """
    refusal = _error_object(body) if status == HTTPStatus.UNPROCESSABLE_ENTITY else None
    if refusal is not None and refusal.error_code not in CONCERNS_REQUEST:
        return Answer(Verdict.ANSWERED, outcomes=(refusal,), http_status=status)
    if status != HTTPStatus.OK:
        return _read_failure(status=status, headers=headers, body=body)
    try:
        outcome = _read_item(_parsed(body), expected_to=expected_to)
    except _UnclearError as unclear:
        return Answer(
            Verdict.UNKNOWN, reason=f"HTTP 200, but the answer {unclear}", http_status=status
        )
    return Answer(Verdict.ANSWERED, outcomes=(outcome,), http_status=status)


def without_repeats(answer: Answer, taken: TakenIds) -> Answer:
    """Return *answer*, or an ``unknown`` one if it repeats a MessageID of another message.

    Args:
        answer: the answer to one request.
        taken: the ids of earlier answers; the ids of this one are added.
    """
    if taken.take(
        outcome.message_id for outcome in answer.outcomes if outcome.message_id is not None
    ):
        return answer
    reason = "HTTP 200, but it repeats a MessageID of an earlier answer"
    return replace(answer, verdict=Verdict.UNKNOWN, outcomes=(), reason=reason)


def _read_failure(*, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Read any reply but a 200."""
    answer = partial(Answer, http_status=status)
    busy = partial(answer, Verdict.BUSY, retry_after_s=retry_after_s(headers))
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:  # its body is not documented
        return answer(Verdict.TOO_LARGE, reason="HTTP 413: the request was too large")
    if status == HTTPStatus.TOO_MANY_REQUESTS:  # as above
        return busy(reason="HTTP 429: too many requests")
    refusal = _error_object(body)
    if refusal is None:
        reason = f"HTTP {status} without Postmark's JSON, so something may have been processed"
        return answer(Verdict.UNKNOWN, reason=reason)
    reason = f"HTTP {status}, ErrorCode {refusal.error_code}: {_one_line(refusal.message)}"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:  # planned outage, ErrorCode 100
        return busy(reason=reason)
    if (
        HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        and status not in _AMBIGUOUS_4XX
    ):
        return answer(Verdict.REFUSED, reason=reason, error_code=refusal.error_code)
    return answer(Verdict.UNKNOWN, reason=reason)


def _error_object(body: bytes) -> Outcome | None:
    """Return Postmark's error object as an outcome; None for anything else, also for an "OK"."""
    try:
        outcome = _read_item(_parsed(body), expected_to=None, checks_to=False)
    except _UnclearError:
        return None
    return None if outcome.accepted else outcome


def _parsed(body: bytes) -> object:
    try:
        return parse_json(body)
    except ValueError as error:
        raise _UnclearError(str(error)) from None


def _read_items(items: object, *, expected_to: Sequence[str | None]) -> tuple[Outcome, ...]:
    """Read the array of a batch, one outcome per message."""
    if not isinstance(items, list):
        raise _UnclearError("the answer is not an array")
    if len(items) != len(expected_to):
        raise _UnclearError(
            f"the answer has {len(items):,} items for {len(expected_to):,} messages"
        )
    outcomes: list[Outcome] = []
    fault = ""
    for item, expected in zip(items, expected_to, strict=True):
        try:
            outcomes.append(_read_item(item, expected_to=expected))
        except _UnclearError as unclear:
            fault = str(unclear)
            break
    place = len(outcomes)
    repeat = first_repeat([outcome.message_id for outcome in outcomes])
    if repeat is not None:  # two messages never share a MessageID
        place, fault = repeat, "repeats the MessageID of an earlier item"
    if fault:
        raise _UnclearError(f"item {place + 1:,} of {len(items):,} {fault}")
    return tuple(outcomes)


def _read_item(item: object, *, expected_to: str | None, checks_to: bool = True) -> Outcome:
    """Read the object that Postmark gives for one message."""
    if not isinstance(item, dict):
        raise _UnclearError("is not an object")
    message_id = _read_message_id(item.get("MessageID"))
    code = _read_error_code(item["ErrorCode"]) if "ErrorCode" in item else None
    if not code and message_id is None:
        raise _UnclearError("has no ErrorCode other than 0 and no MessageID")
    if code and message_id is not None:
        raise _UnclearError(f"has ErrorCode {code} and a MessageID")
    if checks_to and not _has_same_addresses(item.get("To"), expected_to):
        raise _UnclearError("has a different To than was sent")
    message, submitted_at = item.get("Message"), item.get("SubmittedAt")
    has_time = isinstance(submitted_at, str) and 0 < len(submitted_at) <= _MAX_TIMESTAMP_CHARS
    return Outcome(
        code,
        _cut(message) if isinstance(message, str) else "",
        message_id,
        submitted_at if has_time else None,
    )


def _cut(text: str) -> str:
    """Return *text* with a maximum length, since it is stored for each row."""
    return text if len(text) <= _MAX_MESSAGE_CHARS else text[: _MAX_MESSAGE_CHARS - 1] + "…"


def _read_message_id(message_id: object) -> str | None:
    """Return the MessageID; None if it is missing, null or empty."""
    if message_id is None:
        return None
    if not isinstance(message_id, str):
        raise _UnclearError("has a MessageID that is not text")
    if is_message_id(message_id):
        return message_id
    if message_id.strip():
        raise _UnclearError("has an invalid MessageID")
    return None


def _read_error_code(code: object) -> int:
    """Return the ErrorCode; an item without one is for a message that "may be delayed"."""
    if not isinstance(code, int) or isinstance(code, bool):
        raise _UnclearError("has an ErrorCode that is not an integer")
    if abs(code) > _MAX_ERROR_CODE:
        raise _UnclearError("has an ErrorCode that is out of range")
    return code


def _has_same_addresses(echo: object, expected: str | None) -> bool:
    """Whether the ``To`` of an item is missing or has the addresses that were sent."""
    if echo is None or echo == expected:
        return True
    if not isinstance(echo, str) or len(echo) > _MAX_ECHO_CHARS:
        return False
    return _addresses(echo) == _addresses(expected or "")


_LENIENT: Final = (
    {"strict": False} if "strict" in inspect.signature(getaddresses).parameters else {}
)
"""Newer Python versions reject an unquoted comma in a name; Postmark may omit the quotes."""


def _addresses(text: str) -> frozenset[str]:
    """Return the case-folded addresses in *text*, with or without quotes around names."""
    try:
        pairs = getaddresses([text], **_LENIENT)
    except Exception:  # noqa: BLE001 - it raises several classes for invalid text
        return frozenset({text})
    addresses = frozenset(address.casefold() for _, address in pairs if "@" in address)
    return addresses or frozenset({text.strip().casefold()} - {""})


def _one_line(text: str) -> str:
    """Return *text* as one printable line with a maximum length."""
    start = text[: 4 * _MAX_QUOTE_CHARS]
    line = " ".join("".join(char if char.isprintable() else " " for char in start).split())
    return line if len(line) <= _MAX_QUOTE_CHARS else line[: _MAX_QUOTE_CHARS - 1] + "…"
