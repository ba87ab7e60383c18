"""The parameters of searches. Pure: it parses dates and never reads the clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from mailframe.sandbox.checks import field_types, mailboxes, texts
from mailframe.sandbox.checks.field_types import MAX_REACH
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.messages.search_query import (
    DEFAULT_STREAM,
    MAX_NS,
    Filter,
    SearchQuery,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping
    from datetime import tzinfo

BAD_QUERY, NO_SUCH_STREAM = 700, 1226
POSTMARK_ZONE = "America/New_York"  # D: query dates are US Eastern
METADATA = "metadata_"
STATUSES = {"queued": True, "sent": False, "processed": False}
"""Whether a message with that status is queued; ``processed`` finds what ``sent`` finds (D)."""
# D: a day or a second; S: what postmark.js makes of a Date, .NET of a DateTime, Ruby of a Time.
_TIME = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)? ?(Z|UTC|[+-]\d\d:?\d\d)?)?",
    re.ASCII | re.IGNORECASE,
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
    count, offset = paging(given)
    stream = given.get("messagestream", DEFAULT_STREAM)
    if stream not in streams:
        raise CheckFailed(NO_SUCH_STREAM, texts.NO_SUCH_STREAM)
    metadata = _metadata([(name, value) for name, value in pairs if name.startswith(METADATA)])
    filters = [make(given[name]) for name, make in FILTERS.items() if name in given]
    since_ns, end_ns = bounds(given)
    is_queued = _is_queued(given["status"]) if "status" in given else None
    return SearchQuery(
        count, offset, stream, metadata, tuple(filters), since_ns, end_ns - 1, is_queued
    )


def _addresses(field: str, value: str | None, wanted: str) -> list[str]:
    """The addresses in *value*, in lower case; empty without parsing if *wanted* is not in it."""
    if value is None or wanted not in value.lower():
        return []
    return [recipient.address.lower() for recipient in mailboxes.parse(field, value)]


def paging(given: Mapping[str, str]) -> tuple[int, int]:
    """The number of items on the page, and before it: ``count`` and ``offset`` of a query.

    Raises:
        CheckFailed: 422 / 700 if one is missing or out of its range (D).
    """
    return field_types.paging(
        given, code=BAD_QUERY, text=texts.COUNT_AND_OFFSET, max_reach=MAX_REACH
    )


def _metadata(pairs: list[tuple[str, str]]) -> tuple[str, str] | None:
    """The one field; its key ignores case, since no two keys of a message differ only in case."""
    if len(pairs) > 1:
        raise CheckFailed(BAD_QUERY, texts.TWO_METADATA)
    for name, value in pairs:
        if name == METADATA:
            raise CheckFailed(BAD_QUERY, texts.BAD_PARAMETER.format(name=METADATA))
        return name.removeprefix(METADATA), value
    return None


def _has_address(*fields: str) -> Callable[[str], Filter]:
    def make(value: str) -> Filter:
        wanted = value.lower()

        def has_address(head: dict[str, Any]) -> bool:
            return any(wanted in _addresses(field, head.get(field), wanted) for field in fields)

        return Filter(fields, value, has_address)

    return make


def _has_tag(value: str) -> Filter:
    return Filter(("Tag",), value, lambda head: head.get("Tag") == value)


def _has_in_subject(value: str) -> Filter:
    part = value.lower()
    return Filter(("Subject",), value, lambda head: part in (head.get("Subject") or "").lower())


def _is_queued(status: str) -> bool:
    if status.lower() not in STATUSES:
        raise CheckFailed(BAD_QUERY, texts.BAD_PARAMETER.format(name="status"))
    return STATUSES[status.lower()]


FILTERS: dict[str, Callable[[str], Filter]] = {
    "recipient": _has_address("To", "Cc", "Bcc"),
    "fromemail": _has_address("From"),
    "tag": _has_tag,
    "subject": _has_in_subject,  # A: a part of it, ignoring case
}
"""The parameters that filter: each makes a filter of its value."""


def bounds(
    given: Mapping[str, str], *, code: int = BAD_QUERY, text: str = texts.BAD_PARAMETER
) -> tuple[int, int]:
    """The start and the end of ``fromdate`` and ``todate``, in nanoseconds since 1970.

    Without a time zone they are US Eastern. The end is the first time after it; it includes its
    whole day, or its whole second (A).

    Args:
        given: the parameters, by name in lower case, without empty ones.
        code: the code of the error for this list.
        text: the text of that error, with a place for the name.

    Raises:
        CheckFailed: 422 / *code* for one that is not a date.

    >>> bounds({"todate": "2026-01-01"})
    (0, 1767330000000000000)
    """
    values = []
    for name, default_ns in (("fromdate", 0), ("todate", MAX_NS)):
        value_ns = _time(given[name], is_end=name == "todate") if name in given else default_ns
        if value_ns is None:
            raise CheckFailed(code, text.format(name=name))
        values.append(value_ns)
    return values[0], values[1]


def _time(text: str, *, is_end: bool) -> int | None:
    matched = _TIME.fullmatch(text)
    if matched is None:
        return None
    *day, hour, minute, second, fraction, zone = matched.groups()
    clock = (int(part or 0) for part in (hour, minute, second))
    try:
        moment = datetime(*map(int, day), *clock)  # type: ignore[arg-type]  # noqa: DTZ001 - below
        if is_end and hour is None:
            moment += timedelta(days=1, seconds=-1)
        # In the repeated hour at the end of DST, a start means the first pass, an end the second.
        utc = moment.replace(tzinfo=_zone(zone), fold=int(is_end)).astimezone(UTC)
        utc += timedelta(seconds=int(is_end and not fraction))
    except (ValueError, OverflowError):
        return None
    rest_ns = int(f"{fraction or 0:0<9}") + 100 * int(is_end and bool(fraction))
    # No message is older than 1970, and SQLite has no such integers.
    return min(max(round(utc.timestamp()) * 1_000_000_000 + rest_ns, 0), MAX_NS)


def _zone(name: str | None) -> tzinfo:
    """The time zone that a date names; without a name, that of Postmark."""
    if name is None:
        return ZoneInfo(POSTMARK_ZONE)
    if name.upper() in ("Z", "UTC"):
        return UTC
    minutes = int(name[1:3]) * 60 + int(name[-2:])
    return timezone(timedelta(minutes=minutes if name[0] == "+" else -minutes))
