"""The query of ``GET /messages/outbound`` → what it asks for. Pure: it reads dates and never the clock."""

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
    from collections.abc import Container, Iterator

    from mailframe.sandbox.accepted_message import Posted

BAD_QUERY, NO_SUCH_STREAM = 700, 1226
MAX_COUNT, MAX_REACH = 500, 10_000
POSTMARKS_ZONE = "America/New_York"  # D: query dates are read as US Eastern
DEFAULT_STREAM = "outbound"  # D: a search that names no stream sees no broadcast
METADATA = "metadata_"
STATUSES = {
    "queued": False,
    "sent": True,
    "processed": True,
}  # A: what the sandbox took has the status Sent
WHOLE = re.compile(r"\d{1,9}", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Search:
    """What one search asks for.

    Attributes:
        count: messages on the page, 1 to 500.
        offset: messages before the page.
        stream: the id of the one stream that is searched.
        metadata: key in lower case, and value; None does not ask.
        recipient: an address of To, Cc or Bcc, in lower case.
        sender: the address of From, in lower case.
        tag: the whole tag.
        subject: a part of the subject, in lower case (A).
        is_sent: False asks for queued messages, of which there are none.
        since: stamp in UTC of the first moment that counts.
        until: stamp in UTC of the first moment that counts no more.
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
    def is_settled_by_index(self) -> bool:
        """Whether the stream and the metadata alone say what matches."""
        filters = (self.recipient, self.sender, self.tag, self.subject, self.since, self.until)
        return self.is_sent and all(value is None for value in filters)

    def takes(self, posted: Posted) -> bool:
        """Whether *posted*, whose stream and metadata are known to match, matches the rest too."""
        fields = posted.fields
        return (
            self.is_sent
            and (self.since is None or self.since <= posted.submitted_at)
            and (self.until is None or posted.submitted_at < self.until)
            and (self.tag is None or self.tag == fields["Tag"])
            and (self.subject is None or self.subject in (fields["Subject"] or "").lower())
            and (
                self.sender is None
                or self.sender in _addresses("From", fields["From"], self.sender)
            )
            and (
                self.recipient is None
                or any(self.recipient in found for found in self._recipients(posted))
            )
        )

    def _recipients(self, posted: Posted) -> Iterator[list[str]]:
        for field in ("To", "Cc", "Bcc"):
            yield _addresses(field, posted.fields[field], self.recipient or "")


def read(query: str, *, streams: Container[str]) -> Search:
    """What *query* asks for; names ignore case, an empty value asks for nothing (A), unknown names too (A).

    Args:
        query: what stands behind the ``?``, as it was sent.
        streams: the ids that there are.

    Raises:
        CheckFailed: 422 / 700 for a parameter that is missing or wrong, 422 / 1226 for an unknown stream (A).

    >>> read("count=500&offset=0&MessageStream=broadcast&metadata_Batch=7", streams=["broadcast"]).metadata
    ('batch', '7')
    """
    pairs = [(name.lower(), value) for name, value in parse_qsl(query, keep_blank_values=True)]
    given = {name: value for name, value in pairs if value and not name.startswith(METADATA)}
    count, offset = _paging(given)
    stream = given.get("messagestream", DEFAULT_STREAM)
    if stream not in streams:
        raise CheckFailed(NO_SUCH_STREAM, texts.NO_STREAM_TO_SEARCH)
    return Search(
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
    """The addresses in *value*, in lower case; none when *wanted* is nowhere in it, which saves the reading."""
    if value is None or wanted not in value.lower():
        return []
    return [box.address.lower() for box in mailboxes.read(field, value)]


def _paging(given: dict[str, str]) -> tuple[int, int]:
    texts_given = [given.get("count", ""), given.get("offset", "")]
    if all(WHOLE.fullmatch(text) for text in texts_given):
        count, offset = map(int, texts_given)
        if 1 <= count <= MAX_COUNT and count + offset <= MAX_REACH:
            return count, offset
    raise CheckFailed(BAD_QUERY, texts.COUNT_AND_OFFSET)


def _metadata(pairs: list[tuple[str, str]]) -> tuple[str, str] | None:
    """The one field; its key ignores case, as the keys of a message may not differ in case alone."""
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
    """The stamp of a date; a day ends with its last second, and a second counts whole (A)."""
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
        # The hour that the clock runs through twice counts whole: its first pass begins, its second ends.
        known = moment.replace(tzinfo=ZoneInfo(POSTMARKS_ZONE), fold=int(is_end)).astimezone(UTC)
        known += timedelta(seconds=int(is_end))
    except (ValueError, OverflowError):
        raise bad from None
    return known.replace(tzinfo=None).isoformat(timespec="seconds") + ".0000000Z"
