"""Postmark's ErrorCodes: what each means, whom it concerns, and whether the next ``send`` tries such a row again.

One closed table. The ``reason`` of a rejected row, the end of a run in which everybody is rejected, and the rule
for the next run all derive from it.

* What concerns the *account*, the *sender*, the *stream* or the *request* can be fixed without touching the message:
  the next ``send`` tries the row again.
* What concerns the *content* is tried again when the content has changed.
* What concerns the *recipient* is not tried again: the message would be refused whatever it says. ``resend=`` does it.
* A code that is not in the table is tried again. It came without a MessageID, so Postmark did not take the message
  and another try makes no second copy; a row that stays rejected for ever would be the greater harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TOO_LARGE: Final = "message_too_large"
"""``reason`` of a message that was answered by HTTP 413. That is a status, so the row has no ErrorCode."""


class Concerns(StrEnum):
    """Whom a refusal concerns, a closed list."""

    RECIPIENT = "recipient"
    """These people cannot be mailed, whatever the message says."""
    CONTENT = "content"
    """This message, its addresses included, breaks a rule."""
    ACCOUNT = "account"
    """The account may not send, or not to these domains."""
    SENDER = "sender"
    """The address in ``From`` is not confirmed."""
    STREAM = "stream"
    """The message stream does not exist or cannot send."""
    REQUEST = "request"
    """The whole request: its token, its form, its time. A batch gives such a code as a whole, not by item."""


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One code of Postmark.

    Attributes:
        code: the number in the answer.
        reason: of a row that was rejected with it.
        concerns: whom the refusal concerns.
        may_be_processed: the message may have been taken all the same, so only ``resend=`` tries it again.
    """

    code: int
    reason: str
    concerns: Concerns
    may_be_processed: bool = False


ERROR_CODES: Final[Mapping[int, ErrorCode]] = MappingProxyType(
    {
        line.code: line
        for line in (
            # Documented: postmarkapp.com/developer/api/overview, September 2026.
            ErrorCode(10, "token_refused", Concerns.REQUEST),
            ErrorCode(11, "several_errors", Concerns.REQUEST),  # 11 to 14 belong to the Bulk API
            ErrorCode(12, "bulk_request_not_found", Concerns.REQUEST),
            ErrorCode(13, "pagination_key_refused", Concerns.REQUEST),
            ErrorCode(14, "bulk_not_enabled", Concerns.REQUEST),
            ErrorCode(100, "maintenance", Concerns.REQUEST),
            ErrorCode(
                101, "internal_error", Concerns.REQUEST, may_be_processed=True
            ),  # "usually lost"
            ErrorCode(300, "invalid_message", Concerns.CONTENT),
            ErrorCode(402, "malformed_json", Concerns.REQUEST),
            ErrorCode(403, "invalid_fields", Concerns.REQUEST),
            ErrorCode(406, "inactive_recipient", Concerns.RECIPIENT),
            ErrorCode(410, "too_many_messages", Concerns.REQUEST),
            ErrorCode(411, "forbidden_attachment", Concerns.CONTENT),
            ErrorCode(
                412, "account_not_approved", Concerns.ACCOUNT
            ),  # pending: its own domain alone
            ErrorCode(413, "account_not_approved", Concerns.ACCOUNT),
            ErrorCode(422, "invalid_server", Concerns.REQUEST),
            ErrorCode(1235, "unknown_stream", Concerns.STREAM),
            ErrorCode(1236, "stream_cannot_send", Concerns.STREAM),
            ErrorCode(1480, "caller_address_not_allowed", Concerns.REQUEST),
            # Documented until 2025. 400 was still seen in September 2026, for one message and for an item of a batch.
            ErrorCode(400, "unknown_sender", Concerns.SENDER),
            ErrorCode(401, "unconfirmed_sender", Concerns.SENDER),
            ErrorCode(405, "not_allowed_to_send", Concerns.ACCOUNT),  # no credits left
            ErrorCode(409, "json_headers_missing", Concerns.REQUEST),
            ErrorCode(429, "too_many_requests", Concerns.REQUEST),
        )
    }
)
"""Every code that an endpoint for sending gives."""


def _concerning(*whom: Concerns) -> frozenset[int]:
    return frozenset(line.code for line in ERROR_CODES.values() if line.concerns in whom)


CONCERNS_CONTENT: Final = _concerning(Concerns.CONTENT)
"""Codes that say something about one message alone."""
CONCERNS_MESSAGE: Final = _concerning(Concerns.CONTENT, Concerns.RECIPIENT)
"""Codes that say nothing about the next message. Every other code would meet each message of the campaign."""
CONCERNS_REQUEST: Final = _concerning(Concerns.REQUEST)
"""Codes that Postmark gives for a whole request. From ``POST /email`` they refuse the request, not the message."""


def error_meaning(code: int | None) -> str:
    """Return the ``reason`` of a row that Postmark rejected with *code*; None stands for HTTP 413.

    >>> error_meaning(406), error_meaning(9999), error_meaning(None)
    ('inactive_recipient', 'error_9999', 'message_too_large')
    """
    if code is None:
        return TOO_LARGE
    return ERROR_CODES[code].reason if code in ERROR_CODES else f"error_{code}"


def tried_again(code: int | None, *, changed: bool) -> bool:
    """Whether the next ``send`` tries a rejected row again.

    Args:
        code: that it was rejected with; None stands for HTTP 413, which concerns the content.
        changed: whether the content is another one now.

    >>> tried_again(412, changed=False), tried_again(300, changed=False), tried_again(406, changed=True)
    (True, False, False)
    """
    if code is None or code in CONCERNS_CONTENT:
        return changed
    known = ERROR_CODES.get(code)
    return known is None or not (known.may_be_processed or known.concerns is Concerns.RECIPIENT)
