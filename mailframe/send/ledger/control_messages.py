"""Control messages: mail to oneself that proves that Postmark's search is up to date."""

from __future__ import annotations

import secrets
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe.errors import LedgerError
from mailframe.message.addresses import read_mailbox
from mailframe.message.message import ATTEMPT_KEY, Message
from mailframe.postmark import search
from mailframe.postmark.responses import Verdict
from mailframe.send.ledger.encoding import UID_BYTES

if TYPE_CHECKING:
    from mailframe.postmark.client import Postmark
    from mailframe.postmark.responses import Answer

_POLL_S: Final = 0.5
"""Seconds between two searches for a control message."""
_SUBJECT: Final = "mailframe: control message"
_TEXT: Final = (
    "You asked mailframe to decide about messages of which Postmark gave no clear answer.\n"
    "This message to your own address checks that Postmark's search is up to date. You can delete "
    "it.\n"
)


def read_control(address: object) -> str:
    """The one mailbox that a control message goes to and comes from.

    Raises:
        LedgerError: it is not exactly one.
    """
    try:
        return str(read_mailbox(address if isinstance(address, str) else ""))
    except ValueError as fault:
        raise LedgerError(
            f"control={address!r} is not one address ({fault}); give one of your own that this "
            "server may send from, such as the sender of the letter"
        ) from None


def post(server: Postmark, mailbox: str, *, stream: str) -> tuple[str, Answer]:
    """Post one control message from *mailbox* to itself.

    Returns:
        The uid by which it can be searched, and the answer: accepted or unknown.

    Raises:
        LedgerError: Postmark did not accept it.
    """
    uid = secrets.token_hex(UID_BYTES)
    fields = {
        "From": mailbox,
        "To": mailbox,
        "Subject": _SUBJECT,
        "TextBody": _TEXT,
        "MessageStream": stream,
        # not the campaign's tag, so that it does not count as one of its messages
        "Metadata": {ATTEMPT_KEY: uid},
    }
    answer = server.send_email(Message(0, mailbox, orjson.dumps(fields)))
    outcome = answer.outcomes[0] if answer.outcomes else None
    is_accepted = outcome is not None and outcome.accepted
    if not is_accepted and answer.verdict is not Verdict.UNKNOWN:
        why = f"{outcome.error_code} {outcome.message}" if outcome else answer.reason
        raise LedgerError(
            f"the control message to {mailbox} on stream {stream!r} was not accepted "
            f"({why.strip()}). control= takes an address of your own that this server may send "
            "from, such as the sender of the letter. Nothing was changed"
        )
    return uid, answer


def received_at(
    server: Postmark, uid: str, *, stream: str, timeout_s: float = 0.0
) -> datetime | None:
    """When Postmark received the newest message of a request, by its own clock.

    Args:
        server: the server that the message was sent through.
        uid: the identifier of the request.
        stream: the stream of the message.
        timeout_s: the seconds for which the search is repeated while it does not show the message.

    Returns:
        None if the search shows no message of the request.

    Raises:
        SearchError: Postmark did not answer.
    """
    query = search.MessageSearch(server, ATTEMPT_KEY, uid, stream)
    until = time.monotonic() + timeout_s
    while True:
        _, messages = query.page(count=1)
        shown = _received_at(messages[0], uid) if messages else None
        if shown is not None or time.monotonic() >= until:
            return shown
        time.sleep(min(_POLL_S, max(until - time.monotonic(), 0.0)))


def _received_at(message: Any, uid: str) -> datetime | None:
    """The time of a message of the search, if it is of that request and has one with its offset."""
    metadata = message.get("Metadata") if isinstance(message, dict) else None
    if not isinstance(metadata, dict):
        return None
    fields = {str(name).lower(): value for name, value in metadata.items()}
    try:
        received = datetime.fromisoformat(str(message.get("ReceivedAt")))
    except ValueError:
        return None
    return received if received.tzinfo is not None and fields.get(ATTEMPT_KEY) == uid else None
