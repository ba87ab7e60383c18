"""Postmark's ErrorCodes: what each means, and whether the next ``send`` retries a rejected row.

One closed table. It decides the ``reason`` of a rejected row, when a send stops because every row
would be rejected, and which rejected rows the next ``send`` retries:

* A code about the *account*, *sender*, *stream*, *template* or *request* is retried, since it can
  be fixed without a change of the message.
* A code about the *content* is retried if the content has changed.
* A code about the *recipient* is not retried, since every message would be refused; ``resend=``
  does.
* A code that is not in the table is retried. It came without a MessageID, so Postmark did not
  accept the message and a retry makes no duplicate.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TOO_LARGE: Final = "message_too_large"
"""``reason`` of a message that HTTP 413 refused. That is a status, so the row has no ErrorCode."""


class Concerns(StrEnum):
    """What an error is about, a closed list."""

    RECIPIENT = "recipient"
    """Postmark does not send to these recipients, whatever the message."""
    CONTENT = "content"
    """The message or one of its addresses is not valid."""
    ACCOUNT = "account"
    """The account cannot send, or not to these domains."""
    SENDER = "sender"
    """The address in ``From`` is not confirmed."""
    STREAM = "stream"
    """The message stream does not exist or cannot send."""
    TEMPLATE = "template"
    """The template at Postmark, which was deleted or renamed."""
    REQUEST = "request"
    """The whole request, such as its token or its JSON. A batch gets such a code as a whole."""


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One ErrorCode of Postmark.

    Attributes:
        code: the number.
        reason: the reason of a row that was rejected with this code.
        concerns: what the error is about.
        may_be_processed: whether the message may have been accepted; only ``resend=`` retries it.
    """

    code: int
    reason: str
    concerns: Concerns
    may_be_processed: bool = False


ERROR_CODES: Final[Mapping[int, ErrorCode]] = MappingProxyType(
    {
        error.code: error
        for error in (
            # Documented: postmarkapp.com/developer/api/overview, September 2026.
            ErrorCode(10, "token_refused", Concerns.REQUEST),
            ErrorCode(11, "several_errors", Concerns.REQUEST),  # 11 to 14: Bulk API
            ErrorCode(12, "bulk_request_not_found", Concerns.REQUEST),
            ErrorCode(13, "pagination_key_refused", Concerns.REQUEST),
            ErrorCode(14, "bulk_not_enabled", Concerns.REQUEST),
            ErrorCode(100, "maintenance", Concerns.REQUEST),
            # "usually lost"
            ErrorCode(101, "internal_error", Concerns.REQUEST, may_be_processed=True),
            ErrorCode(300, "invalid_message", Concerns.CONTENT),
            ErrorCode(402, "malformed_json", Concerns.REQUEST),
            ErrorCode(403, "invalid_fields", Concerns.REQUEST),
            ErrorCode(406, "inactive_recipient", Concerns.RECIPIENT),
            ErrorCode(410, "too_many_messages", Concerns.REQUEST),
            ErrorCode(411, "forbidden_attachment", Concerns.CONTENT),
            ErrorCode(412, "account_not_approved", Concerns.ACCOUNT),  # pending approval
            ErrorCode(413, "account_not_approved", Concerns.ACCOUNT),
            ErrorCode(422, "invalid_server", Concerns.REQUEST),
            ErrorCode(1235, "unknown_stream", Concerns.STREAM),
            ErrorCode(1236, "stream_cannot_send", Concerns.STREAM),
            ErrorCode(1480, "caller_address_not_allowed", Concerns.REQUEST),
            # Of messages with a template: postmarkapp.com/developer/api/overview.
            ErrorCode(1101, "template_not_found", Concerns.TEMPLATE),
            ErrorCode(1120, "invalid_template_model", Concerns.CONTENT),
            ErrorCode(1122, "invalid_template_model", Concerns.CONTENT),
            ErrorCode(1123, "content_with_template", Concerns.CONTENT),
            # Documented until 2025. 400 was still seen in September 2026.
            ErrorCode(400, "unknown_sender", Concerns.SENDER),
            ErrorCode(401, "unconfirmed_sender", Concerns.SENDER),
            ErrorCode(405, "not_allowed_to_send", Concerns.ACCOUNT),  # no credits left
            ErrorCode(409, "json_headers_missing", Concerns.REQUEST),
            ErrorCode(429, "too_many_requests", Concerns.REQUEST),
        )
    }
)
"""Every code of the endpoints that send."""


def _codes(*concerns: Concerns) -> frozenset[int]:
    return frozenset(error.code for error in ERROR_CODES.values() if error.concerns in concerns)


CONCERNS_CONTENT: Final = _codes(Concerns.CONTENT)
"""Codes about the content of one message."""
CONCERNS_MESSAGE: Final = _codes(Concerns.CONTENT, Concerns.RECIPIENT)
"""Codes about one message. Every other code would refuse each message of the campaign."""
CONCERNS_REQUEST: Final = _codes(Concerns.REQUEST)
"""Codes about a whole request. In a reply to ``POST /email`` they do not refuse the message."""


def rejection_reason(code: int | None) -> str:
    """Return the ``reason`` of a row that Postmark rejected with *code*; None is HTTP 413.

    >>> rejection_reason(406), rejection_reason(9999), rejection_reason(None)
    ('inactive_recipient', 'error_9999', 'message_too_large')
    """
    if code is None:
        return TOO_LARGE
    return ERROR_CODES[code].reason if code in ERROR_CODES else f"error_{code}"


def tried_again(code: int | None, *, changed: bool) -> bool:
    """Whether the next ``send`` retries a rejected row.

    Args:
        code: the code of the rejection; None is HTTP 413, which is about the content.
        changed: whether the content has changed since the rejection.

    >>> tried_again(412, changed=False), tried_again(300, changed=False)
    (True, False)
    >>> tried_again(300, changed=True), tried_again(406, changed=True)
    (True, False)
    """
    if code is None or code in CONCERNS_CONTENT:
        return changed
    error = ERROR_CODES.get(code)
    return error is None or not (error.may_be_processed or error.concerns is Concerns.RECIPIENT)
