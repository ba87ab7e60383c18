"""``mf.read_events``: files of events that webhooks brought, as a table of events."""

from __future__ import annotations

import gzip
import os
import warnings
import zlib
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.counting import counted
from mailframe.errors import MailframeError, MailframeWarning
from mailframe.outcomes.event_lists import LISTS
from mailframe.outcomes.events import EventKind, events_frame
from mailframe.paths import local_path, other_form
from mailframe.postmark.account.columns import frame_of
from mailframe.webhooks.event import event_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from mailframe.webhooks.event import Event

    Fields = Mapping[str, Any]

MORE_COLUMNS: Final = {
    "RecordType": "str",
    "MessageStream": "str",
    "Tag": "str",
    "Metadata": "object",
}
"""The columns after those of each table of events."""
_CHUNK: Final = 10_000
"""The JSON objects of so many events are in memory."""
_NAMED: Final = 10


def read_events(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> pd.DataFrame:
    """Read the events of ``mailframe webhooks``, or of another receiver with one JSON per line.

    An event that is there twice, also in two files, is read once. A line that is not an event,
    because a kill cut it off or another program wrote it, is left out, and a warning names its
    number. Empty lines do not count.

    Args:
        paths: the path of a file, or several; those that end with ``.gz`` are decompressed.

    Returns:
        One row per event in the order of the lines: ``MessageID``, ``kind``, ``at``, ``Recipient``,
        ``bounce_type``, ``bounce_detail`` and ``link``, and as Postmark has them ``RecordType``,
        ``MessageStream``, ``Tag`` and ``Metadata``. ``kind`` is missing for an event that is no
        outcome: an address that became active again or was suppressed by a bounce, and a
        ``RecordType`` that is new.

    Raises:
        MailframeError: there is no path, or a file does not exist, cannot be read, or has lines of
            which none is an event.

    Examples:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> line = '{"RecordType": "Open", "MessageID": "m1", "ReceivedAt": "2026-11-27T12:00:00Z"}'
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "events.jsonl")
        ...     _ = path.write_text(line)
        ...     read_events(path)[["MessageID", "kind", "at"]]
          MessageID    kind                        at
        0        m1  opened 2026-11-27 12:00:00+00:00
    """
    given: Any = paths
    is_several = isinstance(given, Iterable) and not isinstance(given, str | bytes | os.PathLike)
    several = given if is_several else [given]
    every = [local_path(one, what="read_events", example="events.jsonl") for one in several]
    if not every:
        raise MailframeError("read_events got no path, so there is nothing to read")
    damaged: list[str] = []
    events = _each_once(fields for path in every for fields in _events_of(path, damaged))
    parts = [_table([])]
    while chunk := list(islice(events, _CHUNK)):
        parts.append(_table(chunk))
    if damaged:
        warnings.warn(MailframeWarning("; ".join(damaged)), stacklevel=2)
    return pd.concat(parts, ignore_index=True)


def _each_once(events: Iterator[Event]) -> Iterator[Fields]:
    before: set[bytes] = set()
    for event in events:
        if event.identity not in before:
            before.add(event.identity)
            yield event.fields


def _events_of(path: Path, damaged: list[str]) -> Iterator[Event]:
    """The events of a file; appends to *damaged* which lines are none.

    Raises:
        MailframeError: see ``read_events``.
    """
    events, wrong = 0, []
    try:
        with _opened(path) as file:
            for number, line in enumerate(file, start=1):
                event = event_of(line)
                if event is not None:
                    events += 1
                    yield event
                elif line.strip():
                    wrong.append(number)
    except FileNotFoundError:
        raise MailframeError(f"{path}: there is no such file{other_form(path)}") from None
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise MailframeError(f"{path}: it cannot be read ({why})") from error
    if wrong and not events:
        raise MailframeError(
            f"{path}: no line is an event of Postmark, a JSON object with a RecordType; name a "
            "file that mailframe webhooks wrote"
        )
    if wrong:
        damaged.append(_text_of(path, wrong))


def _opened(path: Path) -> AbstractContextManager[Iterable[bytes]]:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def _text_of(path: Path, wrong: list[int]) -> str:
    numbers = ", ".join(map(str, wrong[:_NAMED])) + (", …" if len(wrong) > _NAMED else "")
    what = counted(len(wrong), "line")
    verb = "is no event and was" if len(wrong) == 1 else "are no events and were"
    return f"{path}: {what} {verb} left out: {numbers}"


def _table(chunk: list[Fields]) -> pd.DataFrame:
    events = events_frame(_ROWS.get(str(one["RecordType"]), _other)(one) for one in chunk)
    return pd.concat([events, frame_of(chunk, MORE_COLUMNS)], axis="columns")


def _delivered(fields: Fields) -> dict[str, Any]:
    return _other(fields) | {"kind": EventKind.DELIVERED.value, "at": fields.get("DeliveredAt")}


def _changed(fields: Fields) -> dict[str, Any]:
    """A change of the list of suppressions; it is an outcome if the recipient unsubscribed."""
    is_unsubscribed = (
        fields.get("SuppressSending") is True
        and fields.get("SuppressionReason") == "ManualSuppression"
        and fields.get("Origin") == "Recipient"
    )
    kind = EventKind.UNSUBSCRIBED.value if is_unsubscribed else None
    return _other(fields) | {"kind": kind, "at": fields.get("ChangedAt")}


def _other(fields: Fields) -> dict[str, Any]:
    return {"MessageID": fields.get("MessageID"), "Recipient": fields.get("Recipient")}


_ROWS: Final[Mapping[str, Callable[[Fields], dict[str, Any]]]] = {
    "Delivery": _delivered,
    "Bounce": LISTS["bounces"].event,
    "SpamComplaint": LISTS["bounces"].event,
    "Open": LISTS["opens"].event,
    "Click": LISTS["clicks"].event,
    "SubscriptionChange": _changed,
}
"""The columns of each kind of event; Postmark's lists have the same fields as its webhooks."""
