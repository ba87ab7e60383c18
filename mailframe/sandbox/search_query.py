"""The query of ``GET /messages/outbound``. Pure: it parses dates and never reads the clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from mailframe.sandbox import mailboxes, texts
from mailframe.sandbox.texts import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Container

    from mailframe.sandbox.accepted_message import AcceptedMessage

BAD_QUERY, NO_SUCH_STREAM = 700, 1226
MAX_COUNT, MAX_REACH = 500, 10_000
POSTMARK_ZONE = "America/New_York"  # D: query dates are US Eastern
DEFAULT_STREAM = "outbound"  # D: a search without a stream searches this one only
METADATA = "metadata_"
# A: every accepted message has the status Sent
STATUSES = {"queued": False, "sent": True, "processed": True}
WHOLE_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """The parameters of one search; None is a filter that is not used.

    Attributes:
        count: messages on the page, 1 to 500.
        offset: messages before the page.
        stream: the id of the stream that is searched.
        metadata: key in lower case, and value.
        recipient: an address of To, Cc or Bcc, in lower case.
        sender: the address of From, in lower case.
        tag: the whole tag.
        subject: a part of the subject, in lower case (A).
        is_sent: False searches queued messages; there are none.
        since: UTC timestamp of the start, inclusive.
        until: UTC timestamp of the end, exclusive.
    """

    count: int
    offset: int
    stream: str = DEFAULT_STREAM
    metadata: tuple[str, str] | None = None
    recipient: str | None = None
    sender: str | None = None
    tag: str | None = None
    subject: str | None = None
    is_sent: bool = True
    since: str | None = None
    until: str | None = None

    @property
    def is_index_lookup(self) -> bool:
        """Whether the stream and the metadata alone decide what matches."""
        filters = (self.recipient, self.sender, self.tag, self.subject, self.since, self.until)
        return self.is_sent and all(value is None for value in filters)

    def matches(self, message: AcceptedMessage) -> bool:
        """Whether *message*, whose stream and metadata match, matches the other filters too."""
        fields = message.fields
        return (
            self.is_sent
            and (self.since is None or self.since <= message.submitted_at)
            and (self.until is None or message.submitted_at < self.until)
            and (self.tag is None or self.tag == fields["Tag"])
            and (self.subject is None or self.subject in (fields["Subject"] or "").lower())
            and (
                self.sender is None
                or self.sender in _addresses("From", fields["From"], self.sender)
            )
            and (
                self.recipient is None
                or any(
                    self.recipient in _addresses(field, fields[field], self.recipient)
                    for field in ("To", "Cc", "Bcc")
                )
            )
        )


def parse(query: str, *, streams: Container[str]) -> SearchQuery:
    """Parse *query*; names ignore case, empty values and unknown names are ignored (A).

    Args:
        query: the part after the ``?``, as it was sent.
        streams: the ids of the streams that exist.

    Raises:
        CheckFailed: 422 / 700 for a missing or wrong parameter, 422 / 1226 for an unknown
            stream (A).

    >>> parse("count=500&offset=0&MessageStream=b&metadata_Batch=7", streams=["b"]).metadata
    ('batch', '7')
    """
    pairs = [(name.lower(), value) for name, value in parse_qsl(query, keep_blank_values=True)]
    given = {name: value for name, value in pairs if value and not name.startswith(METADATA)}
    count, offset = _paging(given)
    stream = given.get("messagestream", DEFAULT_STREAM)
    if stream not in streams:
        raise CheckFailed(NO_SUCH_STREAM, texts.NO_STREAM_TO_SEARCH)
    return SearchQuery(
        count,
        offset,
        stream,
        _metadata([(name, value) for name, value in pairs if name.startswith(METADATA)]),
        _lower(given, "recipient"),
        _lower(given, "fromemail"),
        given.get("tag"),
        _lower(given, "subject"),
        _is_sent(given.get("status", "sent")),
        _bound(given, "fromdate", is_end=False),
        _bound(given, "todate", is_end=True),
    )


def _addresses(field: str, value: str | None, wanted: str) -> list[str]:
    """The addresses in *value*, in lower case; empty without parsing if *wanted* is not in it."""
    if value is None or wanted not in value.lower():
        return []
    return [recipient.address.lower() for recipient in mailboxes.parse(field, value)]


def _paging(given: dict[str, str]) -> tuple[int, int]:
    texts_given = [given.get("count", ""), given.get("offset", "")]
    if all(WHOLE_NUMBER.fullmatch(text) for text in texts_given):
        count, offset = map(int, texts_given)
        if 1 <= count <= MAX_COUNT and count + offset <= MAX_REACH:
            return count, offset
    raise CheckFailed(BAD_QUERY, texts.COUNT_AND_OFFSET)


def _metadata(pairs: list[tuple[str, str]]) -> tuple[str, str] | None:
    """The one field; its key ignores case, since no two keys of a message differ only in case."""
    if len(pairs) > 1:
        raise CheckFailed(BAD_QUERY, texts.TWO_METADATA)
    for name, value in pairs:
        if name == METADATA:
            raise CheckFailed(BAD_QUERY, texts.BAD_PARAMETER.format(name=METADATA))
        return name.removeprefix(METADATA), value
    return None


def _lower(given: dict[str, str], name: str) -> str | None:
    return given[name].lower() if name in given else None


def _is_sent(status: str) -> bool:
    if status.lower() not in STATUSES:
        raise CheckFailed(BAD_QUERY, texts.BAD_PARAMETER.format(name="status"))
    return STATUSES[status.lower()]


def _bound(given: dict[str, str], name: str, *, is_end: bool) -> str | None:
    """The UTC timestamp of a date; an end includes its whole day, or its whole second (A)."""
    if name not in given:
        return None
    text = given[name]
    bad = CheckFailed(BAD_QUERY, texts.BAD_PARAMETER.format(name=name))
    if not DAY.fullmatch(text) and not MOMENT.fullmatch(text):
        raise bad
    try:
        moment = datetime.fromisoformat(text)
        if is_end and DAY.fullmatch(text):
            moment += timedelta(days=1, seconds=-1)
        # In the repeated hour at the end of DST, a start means the first pass, an end the second.
        utc = moment.replace(tzinfo=ZoneInfo(POSTMARK_ZONE), fold=int(is_end)).astimezone(UTC)
        utc += timedelta(seconds=int(is_end))
    except (ValueError, OverflowError):
        raise bad from None
    return utc.replace(tzinfo=None).isoformat(timespec="seconds") + ".0000000Z"
