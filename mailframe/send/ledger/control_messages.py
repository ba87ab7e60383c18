"""Control messages: mail to oneself that proves that Postmark's search shows what was accepted lately."""

from __future__ import annotations

import secrets
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe.errors import LedgerError
from mailframe.message.addresses import read_mailbox
from mailframe.message.models import ATTEMPT_KEY, Message
from mailframe.postmark import search
from mailframe.postmark.responses import Verdict
from mailframe.send.ledger.encoding import UID_BYTES

if TYPE_CHECKING:
    from mailframe.postmark.client import Postmark
    from mailframe.postmark.responses import Answer

_EVERY_S: Final = 0.5
"""How often the search is asked while a control message is awaited."""
_SUBJECT: Final = "mailframe: control message"
_TEXT: Final = (
    "You asked mailframe to decide about messages of which Postmark gave no clear answer.\n"
    "This message to your own address checks that Postmark's search is up to date. You can delete it.\n"
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
            f"control={address!r} is not one address ({fault}); give one of your own, which this server may send from, "
            "such as the sender of the letter"
        ) from None


def post(server: Postmark, mailbox: str, *, stream: str) -> tuple[str, Answer]:
    """Post one control message from *mailbox* to itself.

    Returns:
        What it can be searched by, and the answer; a rejected one is raised.

    Raises:
        LedgerError: Postmark did not accept it.
    """
    uid = secrets.token_hex(UID_BYTES)
    metadata = {
        ATTEMPT_KEY: uid
    }  # without the campaign's, so that it does not count as one of its messages
    fields = {
        "From": mailbox,
        "To": mailbox,
        "Subject": _SUBJECT,
        "TextBody": _TEXT,
        "MessageStream": stream,
    }
    answer = server.send_email(Message(0, mailbox, orjson.dumps({**fields, "Metadata": metadata})))
    accepted = bool(answer.outcomes) and answer.outcomes[0].accepted
    if not accepted and answer.verdict is not Verdict.UNKNOWN:
        refused = answer.outcomes[0] if answer.outcomes else None
        why = f"{refused.error_code} {refused.message}" if refused else answer.reason
        raise LedgerError(
            f"the control message to {mailbox} on stream {stream!r} was not accepted ({why.strip()}). control= takes "
            "an address of your own that this server may send from, such as the sender of the letter. "
            "Nothing was changed"
        )
    return uid, answer


def received_at(server: Postmark, uid: str, *, stream: str) -> datetime | None:
    """When Postmark received the messages of a request by its own clock, if its search shows one; the latest of them.

    Raises:
        SearchError: Postmark did not say.
    """
    query = {
        "count": "1",
        "offset": "0",
        "messagestream": stream,
        f"metadata_{ATTEMPT_KEY}": uid,
    }
    reading = server.ask("/messages/outbound", query)
    if reading.object is None:
        raise search.SearchError(
            f"Postmark could not be asked what it holds (GET /messages/outbound: {reading.why})",
            status=reading.status,
        )
    shown = reading.object.get("Messages")
    return _moment(shown[0], uid) if isinstance(shown, list) and shown else None


def wait_until_shown(
    server: Postmark, uid: str, *, stream: str, timeout_s: float
) -> datetime | None:
    """As ``received_at``, asked again until the message shows or the time is over."""
    until = time.monotonic() + timeout_s
    while True:
        shown = received_at(server, uid, stream=stream)
        if shown is not None or time.monotonic() >= until:
            return shown
        time.sleep(min(_EVERY_S, max(until - time.monotonic(), 0.0)))


def _moment(shown: Any, uid: str) -> datetime | None:
    """The time of a message of the search, if it is of that request and says one with its offset."""
    metadata = shown.get("Metadata") if isinstance(shown, dict) else None
    if not isinstance(metadata, dict):
        return None
    ours = {str(name).lower(): value for name, value in metadata.items()}
    try:
        moment = datetime.fromisoformat(str(shown.get("ReceivedAt")))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and ours.get(ATTEMPT_KEY) == uid else None
