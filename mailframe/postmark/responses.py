"""What an answer of Postmark means: status and body in, one outcome per message out. No network.

Nothing here raises for what a server said: whatever cannot be read is ``unknown``, with a reason that names
the item. Only what proves that nothing was processed may ever be repeated.
"""

from __future__ import annotations

import inspect
import math
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import getaddresses, parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import orjson

from mailframe.postmark.error_codes import CONCERNS_REQUEST
from mailframe.postmark.message_ids import TakenIds, is_message_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_ANSWER_BYTES: Final = 64 * 2**20
"""A longer answer is not read: 500 items with 50 recipients each come to less than 16 MB."""

MAX_ANSWER_VALUES: Final = 1_000_000
"""Commas and brackets of an answer that is read: ``{},`` are three bytes, and 70 once they are read."""

_MARKS: Final = (b",", b"{", b"[")
_AMBIGUOUS_4XX: Final = frozenset(
    {408, 425, 499}
)  # a timeout, a replay guard, a client that gave up: none says "no"
_MAX_ECHO_CHARS: Final = 65_536  # 50 recipients of 255 characters and their names are far below
_MAX_MESSAGE_CHARS: Final = 16_384  # 50 inactive addresses of 254 characters are below
_MAX_STAMP_CHARS: Final = 64
_MAX_QUOTE_CHARS: Final = 300
_MAX_ERROR_CODE: Final = 1_000_000  # Postmark's have four digits at most


class Verdict(StrEnum):
    """What one request came to, a closed list."""

    ANSWERED = "answered"
    """Each message has an outcome of its own."""
    BUSY = "busy"
    """429, or 503 with Postmark's JSON: nothing was processed, the request may be repeated after a wait."""
    TOO_LARGE = "too_large"
    """413: nothing was processed, the request may be repeated in halves."""
    REFUSED = "refused"
    """Another 4xx with Postmark's JSON: nothing was processed, and repeating it unchanged is useless."""
    UNSENT = "unsent"
    """The request provably never arrived whole; it may be repeated."""
    UNKNOWN = "unknown"
    """The request left and no clear answer came back; it must never be repeated."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What Postmark said of one message.

    Attributes:
        error_code: 0 for accepted; None for the accepted answer that Postmark sends without one, and for a
            message that HTTP 413 refused.
        message: Postmark's own words.
        message_id: present exactly when Postmark took the message.
        submitted_at: Postmark's stamp as text, ISO 8601 with seven digits.
    """

    error_code: int | None
    message: str
    message_id: str | None = None
    submitted_at: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether Postmark took the message."""
        return self.message_id is not None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request came to.

    Attributes:
        verdict: see Verdict.
        outcomes: one per message, in the order of the request; empty unless the verdict is ``answered``.
        reason: one line for a person; holds no token and no payload.
        http_status: None when no status line came back.
        error_code: of a whole-request refusal.
        retry_after_s: seconds that the server asked us to wait, when it did.
        interrupted: KeyboardInterrupt or SystemExit ended the request; the verdict is what the evidence
        says.
    """

    verdict: Verdict
    outcomes: tuple[Outcome, ...] = ()
    reason: str = ""
    http_status: int | None = None
    error_code: int | None = None
    retry_after_s: float | None = None
    interrupted: bool = False


class _UnclearError(Exception):
    """The body does not say clearly what happened; the text says why. Never leaves this module."""


def read_batch(
    *, status: int, headers: Mapping[str, str], body: bytes, expected_to: Sequence[str | None]
) -> Answer:
    """Read the answer to ``POST /email/batch``.

    Args:
        status: the HTTP status.
        headers: of the answer, in any case; only ``Retry-After`` and ``Date`` are read.
        body: the whole body.
        expected_to: the ``To`` of each message of the request, in its order; None where there was none.

    Returns:
        One outcome per message when each item is clear. One unclear item makes the whole batch ``unknown``:
        items and messages may not belong together.

    Source: order and shapes from postmarkapp.com/developer/user-guide/send-email-with-api/batch-emails; a
    missing ErrorCode beside a MessageID was seen in August 2024 (anymail/django-anymail#392).

    >>> body = b'[{"ErrorCode": 0, "Message": "OK", "MessageID": "b7bc2f4a", "To": "ann@example.com"}]'
    >>> answer = read_batch(status=200, headers={}, body=body, expected_to=["Ann <ann@example.com>"])
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
    """Read the answer to ``POST /email``.

    A 422 with Postmark's JSON is the message's own refusal and so an outcome, as the same code would be in
    an item of a batch. Codes that a batch only ever gets as a whole (``CONCERNS_REQUEST``: the token, the
    JSON, the types, the caller's address, …) stay a refusal of the request.

    Args:
        status: the HTTP status.
        headers: of the answer, in any case.
        body: the whole body.
        expected_to: the ``To`` of the message; None where there was none.

    Returns:
        One outcome when the answer is clear.

    >>> body = b'{"ErrorCode": 406, "Message": "Found inactive addresses: ann@example.com."}'
    >>> read_single(status=422, headers={}, body=body, expected_to="ann@example.com").outcomes[0].error_code
    406
    """
    said = _envelope(body) if status == HTTPStatus.UNPROCESSABLE_ENTITY else None
    if said is not None and said.error_code not in CONCERNS_REQUEST:
        return Answer(Verdict.ANSWERED, outcomes=(said,), http_status=status)
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
    """Return *answer*; ``unknown`` when it gives a message the MessageID of another one.

    Args:
        answer: to one request.
        taken: the ids of earlier answers; those of this one are added.
    """
    if taken.take(
        outcome.message_id for outcome in answer.outcomes if outcome.message_id is not None
    ):
        return answer
    reason = "HTTP 200, but it repeats a MessageID of an earlier answer"
    return replace(answer, verdict=Verdict.UNKNOWN, outcomes=(), reason=reason)


def inactive_addresses(message: str) -> tuple[str, ...]:
    """Return the addresses that Postmark calls inactive in *message*, lower-cased, in its order.

    Returns:
        () when it names none; then each recipient of that message is meant.

    Source: the wordings of 2015, before 2022 and since; the change of 2022 broke parsers that were stricter
    (ActiveCampaign/postmark-gem#124). A lazy pattern would take a time that grows as its square.

    >>> inactive_addresses("Found inactive addresses: Ann@example.com, bob@example.com. Inactive recipients")
    ('ann@example.com', 'bob@example.com')
    """
    opening = re.search("inactive addresses:", message, re.IGNORECASE)
    if opening is None:
        return ()
    rest = message[opening.end() :]
    closing = re.search("inactive recipients", rest, re.IGNORECASE)
    named = (rest if closing is None else rest[: closing.start()]).strip().rstrip(".")
    return tuple(part.strip().lower() for part in named.split(",") if "@" in part)


def _read_failure(*, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Read any answer but a 200; see the status table of the send ledger."""
    wait_s = _retry_after_s(headers)
    if (
        status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    ):  # its body is undocumented, perhaps a proxy's page
        return Answer(
            Verdict.TOO_LARGE, reason="HTTP 413: the request was too large", http_status=status
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:  # its body is undocumented too
        reason = "HTTP 429: too many requests"
        return Answer(Verdict.BUSY, reason=reason, http_status=status, retry_after_s=wait_s)
    said = _envelope(body)
    if said is None:
        reason = (
            f"HTTP {status} without Postmark's JSON: it does not say whether anything was processed"
        )
        return Answer(Verdict.UNKNOWN, reason=reason, http_status=status)
    return _read_envelope(said, status=status, wait_s=wait_s)


def _read_envelope(said: Outcome, *, status: int, wait_s: float | None) -> Answer:
    """Read an answer to a whole request that holds Postmark's error object."""
    reason = f"HTTP {status}, ErrorCode {said.error_code}: {_one_line(said.message)}"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:  # Postmark's planned outage, ErrorCode 100
        return Answer(Verdict.BUSY, reason=reason, http_status=status, retry_after_s=wait_s)
    if (
        HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        and status not in _AMBIGUOUS_4XX
    ):
        return Answer(
            Verdict.REFUSED, reason=reason, http_status=status, error_code=said.error_code
        )
    return Answer(Verdict.UNKNOWN, reason=reason, http_status=status)


def _envelope(body: bytes) -> Outcome | None:
    """Return Postmark's error object as a rejected outcome; None for anything else, also for an "OK"."""
    try:
        said = _read_item(_parsed(body), expected_to=None, echo_matters=False)
    except _UnclearError:
        return None
    return None if said.accepted else said


def _read_items(items: object, *, expected_to: Sequence[str | None]) -> tuple[Outcome, ...]:
    """Read the array of a batch, one outcome per message."""
    if not isinstance(items, list):
        raise _UnclearError("the answer is no array")
    if len(items) != len(expected_to):
        raise _UnclearError(
            f"the answer has {len(items):,} items for {len(expected_to):,} messages"
        )
    outcomes: list[Outcome] = []
    seen = TakenIds()
    for number, (item, expected) in enumerate(zip(items, expected_to, strict=True), start=1):
        try:
            outcome = _read_item(item, expected_to=expected)
            _refuse_repeated(outcome.message_id, seen=seen)
        except _UnclearError as unclear:
            raise _UnclearError(f"item {number:,} of {len(items):,} {unclear}") from None
        outcomes.append(outcome)
    return tuple(outcomes)


def _refuse_repeated(message_id: str | None, *, seen: TakenIds) -> None:
    """Two messages never share a MessageID; add this one to *seen*."""
    if message_id is not None and not seen.take([message_id]):
        raise _UnclearError("repeats the MessageID of an earlier item")


def _read_item(item: object, *, expected_to: str | None, echo_matters: bool = True) -> Outcome:
    """Read the object that Postmark gives for one message."""
    if not isinstance(item, dict):
        raise _UnclearError("is no object")
    message_id = _read_message_id(item)
    code = _read_error_code(item)
    if code in (None, 0) and message_id is None:
        raise _UnclearError("has no ErrorCode other than 0 and no MessageID")
    if code not in (None, 0) and message_id is not None:
        raise _UnclearError(f"has ErrorCode {code} and a MessageID")
    if echo_matters and not _names_the_same(item.get("To"), expected_to):
        raise _UnclearError("echoes another To than was sent")
    message, stamp = item.get("Message"), item.get("SubmittedAt")
    return Outcome(
        error_code=code,
        message=_cut(message) if isinstance(message, str) else "",
        message_id=message_id,
        submitted_at=stamp
        if isinstance(stamp, str) and 0 < len(stamp) <= _MAX_STAMP_CHARS
        else None,
    )


def _cut(text: str) -> str:
    """Return *text* in bounded length: it is kept for each row."""
    return text if len(text) <= _MAX_MESSAGE_CHARS else text[: _MAX_MESSAGE_CHARS - 1] + "…"


def _read_message_id(item: dict[str, object]) -> str | None:
    """Return the MessageID; None when it is missing, null or empty, which all mean that there is none."""
    message_id = item.get("MessageID")
    if message_id is None:
        return None
    if not isinstance(message_id, str):
        raise _UnclearError("has a MessageID that is no text")
    if not message_id.strip():
        return None
    if not is_message_id(message_id):
        raise _UnclearError("has a MessageID that is not one")
    return message_id


def _read_error_code(item: dict[str, object]) -> int | None:
    """Return the ErrorCode; None when the key is missing, as it is for a mail that "may be delayed"."""
    if "ErrorCode" not in item:
        return None
    code = item["ErrorCode"]
    if not isinstance(code, int) or isinstance(code, bool):
        raise _UnclearError("has an ErrorCode that is no integer")
    if abs(code) > _MAX_ERROR_CODE:
        raise _UnclearError("has an ErrorCode beyond all that Postmark has")
    return code


def _names_the_same(echo: object, expected: str | None) -> bool:
    """Whether an echoed ``To`` names the addresses that were sent; no echo says nothing against it."""
    if echo is None or echo == expected:
        return True
    if not isinstance(echo, str) or len(echo) > _MAX_ECHO_CHARS:
        return False
    return _addr_specs(echo) == _addr_specs(expected or "")


_LENIENT: Final = (
    {"strict": False} if "strict" in inspect.signature(getaddresses).parameters else {}
)
"""Newer Pythons give up on a bare comma in a name; an echo without its quotes names the same people."""


def _addr_specs(text: str) -> frozenset[str]:
    """Return the case-folded addr-specs in *text*; the quotes of a name do not matter."""
    try:
        pairs = getaddresses([text], **_LENIENT)
    except Exception:  # noqa: BLE001 - the parser recurses and indexes freely; what it cannot read is no match
        return frozenset({text})
    found = frozenset(address.casefold() for _, address in pairs if "@" in address)
    return found or frozenset({text.strip().casefold()} - {""})


def read_json(body: bytes | bytearray) -> object:
    """Return the JSON of an answer of bounded size; None when there is none.

    >>> read_json(b'{"ID": 1}'), read_json(b"<html>")
    ({'ID': 1}, None)
    """
    try:
        return _parsed(body)
    except _UnclearError:
        return None


def _parsed(body: bytes | bytearray) -> object:
    """Return the JSON of *body*."""
    if len(body) > MAX_ANSWER_BYTES:
        raise _UnclearError(f"the body is longer than {MAX_ANSWER_BYTES:,} bytes")
    if sum(body.count(mark) for mark in _MARKS) > MAX_ANSWER_VALUES:
        raise _UnclearError(f"the body has more than {MAX_ANSWER_VALUES:,} values")
    try:
        parsed: object = orjson.loads(body)
    except (ValueError, RecursionError, MemoryError):
        raise _UnclearError("the body is no JSON") from None
    return parsed


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of ``Retry-After``; a date counts from the server's ``Date``."""
    values = {name.lower(): value.strip() for name, value in headers.items()}
    text = values.get("retry-after", "")
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text):
        return float(text)
    until = _http_date(text)  # a date without the server's own is held against this machine's clock
    if until is None:
        return None
    wait_s = (until - (_http_date(values.get("date", "")) or datetime.now(UTC))).total_seconds()
    return max(0.0, wait_s) if math.isfinite(wait_s) else None


def _http_date(text: str) -> datetime | None:
    """Return an HTTP date; None for anything else."""
    try:
        date = parsedate_to_datetime(text)
    except Exception:  # noqa: BLE001 - it raises four kinds for four kinds of garbage
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _one_line(text: str) -> str:
    """Return *text* as one printable line of bounded length."""
    line = " ".join(
        "".join(
            char if char.isprintable() else " " for char in text[: 4 * _MAX_QUOTE_CHARS]
        ).split()
    )
    return line if len(line) <= _MAX_QUOTE_CHARS else line[: _MAX_QUOTE_CHARS - 1] + "…"
