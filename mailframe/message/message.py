"""A message: the bytes that are posted, and the position of its row. No pandas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

import orjson

from mailframe.message.eml import eml

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    Buffer: TypeAlias = "bytes | memoryview"

CAMPAIGN_KEY: Final = "mf-c"
"""Metadata field of a message in a ledger: the tag of its campaign."""
ATTEMPT_KEY: Final = "mf-b"
"""Metadata field of a message in a ledger: the identifier of its request."""
MESSAGE_KEY: Final = "mf-m"
"""Metadata field of a message in a ledger: the digest of its row's key, in hexadecimal."""
OF_TEMPLATE: Final = b'{"Template'
"""How the body of a message with a template at Postmark begins; see ``template_fields.py``."""


@dataclass(frozen=True, slots=True)
class Message:
    """The rendered message of one row, as it is posted.

    Attributes:
        position: the position of its row, counted from 0: ``campaign.frame.iloc[position]``.
        to: the ``To`` text, which Postmark returns in its answer; None for a message with Cc or Bcc
            alone.
        body: the JSON object in UTF-8, the exact bytes that are posted; a send with a ledger adds
            the metadata of ``marked``.
    """

    position: int
    to: str | None
    body: bytes

    @property
    def payload(self) -> dict[str, object]:
        """The message as Postmark's fields, decoded from ``body``."""
        payload: dict[str, object] = orjson.loads(self.body)
        return payload

    @property
    def uses_template(self) -> bool:
        """Whether Postmark renders it with a template; it then goes to another endpoint."""
        return self.body.startswith(OF_TEMPLATE)

    def marked(self, *, campaign: str, attempt: str, key: str) -> Message:
        """The same message with the metadata by which Postmark's search finds it again.

        A body with metadata ends with them (see ``payload.py``), so the fields are appended there.
        They add ``limits.METADATA_BYTES_FOR_MAILFRAME`` bytes, and ``limits.METADATA_FIELD_BYTES``
        less to a body with metadata.

        Args:
            campaign: the tag of the campaign, 24 hexadecimal digits.
            attempt: the identifier of the request, 24 hexadecimal digits.
            key: the digest of the row's key, 32 hexadecimal digits.

        >>> message = Message(0, "ann@example.com", b'{"To":"ann@example.com"}')
        >>> message.marked(campaign="1", attempt="2", key="3").body
        b'{"To":"ann@example.com","Metadata":{"mf-c":"1","mf-b":"2","mf-m":"3"}}'
        """
        [mark] = marks(campaign=campaign, attempt=attempt, keys=[key])
        return replace(self, body=b"".join(marked_parts(self.body, mark)))

    def to_eml(self, *, date: dt.datetime | None = None) -> bytes:
        r"""The message as a file that mail programs open (RFC 5322), for ``.eml``.

        Blind copies are left out, because mail programs show them. Tag, stream, tracking and
        metadata become Postmark's headers ``X-PM-…``. Postmark's placeholders stay as they are. The
        same message gives the same bytes: there is no date unless one is given, and no identifier.

        Args:
            date: the time of the header ``Date``, with a time zone.

        Raises:
            MailframeError: *date* has no time zone, or Postmark makes the mail of a template.

        >>> body = b'{"From":"a@acme.example","To":"b@acme.example","Subject":"Hi","TextBody":"Yo"}'
        >>> print(Message(0, "b@acme.example", body).to_eml().decode().replace("\r", ""))
        From: a@acme.example
        To: b@acme.example
        Subject: Hi
        MIME-Version: 1.0
        Content-Type: text/plain; charset="utf-8"
        Content-Transfer-Encoding: quoted-printable
        <BLANKLINE>
        Yo
        """
        return eml(self.payload, date=date)

    def __repr__(self) -> str:
        return f"<Message at position {self.position}: {len(self.body):,} bytes>"

    def _repr_html_(self) -> str:
        """The message that Jupyter shows, with its values; the body is isolated."""
        from mailframe.message.shown_message import message_card  # noqa: PLC0415 - no send needs it

        return message_card(self.payload, size=len(self.body))


def marks(*, campaign: str, attempt: str, keys: Iterable[str]) -> tuple[bytes, ...]:
    """The metadata of the messages of one request, as JSON fields; see ``Message.marked``.

    Args:
        campaign: the tag of the campaign, 24 hexadecimal digits.
        attempt: the identifier of the request, 24 hexadecimal digits.
        keys: the digest of the key of each message, 32 hexadecimal digits, which need no escapes.
    """
    fields = orjson.dumps({CAMPAIGN_KEY: campaign, ATTEMPT_KEY: attempt, MESSAGE_KEY: ""})
    start, end = fields[1:-2], fields[-2:-1]
    return tuple([start + key.encode() + end for key in keys])


def marked_parts(body: bytes, mark: bytes) -> tuple[Buffer, Buffer]:
    """A body with these metadata, in two parts that are joined when it is posted."""
    whole = memoryview(body)
    if body.endswith(b"}}"):
        return whole[:-2], b"," + mark + b"}}"
    return whole[:-1], b',"Metadata":{' + mark + b"}}"
