"""Questions to Postmark: which server is this, and which of our messages does it hold. Nothing is changed there."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol
from zoneinfo import ZoneInfo

from mailframe import limits
from mailframe.errors import LedgerError
from mailframe.message.models import ATTEMPT_KEY, MESSAGE_KEY
from mailframe.postmark.client import Reading
from mailframe.postmark.message_ids import is_message_id, one_spelling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mailframe.postmark.client import Postmark

STREAMS: Final = limits.STREAMS
"""The streams that each new server has."""
PAGE: Final = 500
"""Messages in one answer of ``GET /messages/outbound`` at most (postmarkapp.com/developer/api/messages-api)."""
RETENTION: Final = timedelta(days=366)
"""How long Postmark can be told to keep messages at most; 45 days by default (same page)."""
_EASTERN: Final = ZoneInfo("America/New_York")  # Postmark reads the dates of a query as US Eastern
_NO_SUCH_STREAM: Final = (1226, 1235)
_LOOK_S: Final = 0.1
"""How often the button is looked at while an answer is awaited."""
REACH: Final = 10_000
"""``count`` + ``offset`` at most (same page)."""


class Queryable(Protocol):
    """A server that can be asked: ``Postmark``, or whoever asks it for us."""

    @property
    def is_test_token(self) -> bool:
        """Whether Postmark delivers nothing, and so holds nothing."""

    def ask(self, path: str, query: Mapping[str, str] | None = None) -> Reading:
        """GET *path* once; see ``Postmark.ask``."""


class Stoppable(Protocol):
    """A run that a person can stop, such as ``Interrupts``."""

    @property
    def stop(self) -> bool:
        """Whether to start nothing new."""


class InterruptibleServer:
    """Asks a server for a run, and leaves a question as soon as the button is pressed: it changes nothing there.

    Args:
        server: that is asked.
        interrupts: of the run.
    """

    def __init__(self, server: Postmark, interrupts: Stoppable) -> None:
        self._server, self._interrupts = server, interrupts

    @property
    def is_test_token(self) -> bool:
        """As the server says."""
        return self._server.is_test_token

    def ask(self, path: str, query: Mapping[str, str] | None = None) -> Reading:
        """GET *path* in a thread of its own; the failure is ``interrupted`` once the button is pressed."""
        answers: list[Reading] = []
        done = threading.Event()

        def read() -> None:
            try:
                answers.append(self._server.ask(path, query))
            except Exception as error:  # noqa: BLE001 - a server of another class; whatever it was, nobody answered
                answers.append(Reading(None, None, type(error).__name__))
            done.set()

        if not self._interrupts.stop and not _started(read):
            read()  # a system that is out of threads; the button waits then
        while not self._interrupts.stop and not done.wait(_LOOK_S):
            pass
        return answers[0] if answers else Reading(None, None, "interrupted")


def _started(work: Callable[[], None]) -> bool:
    try:
        threading.Thread(target=work, name="mailframe-question", daemon=True).start()
    except RuntimeError:
        return False
    return True


class SearchError(LedgerError):
    """Postmark did not say what it holds; nothing was concluded from that.

    Attributes:
        status: HTTP status of its answer; None when none came.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """One message that Postmark holds.

    Attributes:
        key: digest of the row's key.
        attempt: the request that it was in.
        message_id: Postmark's.
        received_at: Postmark's stamp as text.
        person: address of the first recipient in lower case; "" when the search does not show one.
    """

    key: bytes
    attempt: str
    message_id: str
    received_at: str
    person: str = ""


def scope_of(server: Queryable) -> str:
    """What tells one server from another, and a live one from a sandbox; outlives the rotation of its token.

    Raises:
        SearchError: the server did not say who it is.
    """
    if server.is_test_token:
        return "test"
    reading = server.ask("/server")
    said = reading.object
    if said is None or not isinstance(said.get("ID"), int):
        raise SearchError(
            f"the server did not say who it is (GET /server: {reading.why}); nothing was sent",
            status=reading.status,
        )
    kind = "live" if said.get("DeliveryType", "Live") == "Live" else "sandbox"
    return f"pm:{said['ID']}:{kind}"


def total(server: Queryable, key: str, value: str, *, stream: str) -> int:
    """How many messages of a stream have this metadata.

    Raises:
        SearchError: Postmark did not say.
    """
    return _page(server, key, value, stream=stream, count=1, offset=0)[0]


def search(
    server: Queryable, key: str, value: str, *, stream: str, window: Mapping[str, str] | None = None
) -> Iterator[HeldMessage]:
    """The messages of a stream that have this metadata, newest first; at most 10,000 (see REACH).

    Raises:
        SearchError: Postmark did not say.
    """
    offset = number = 0
    while offset < REACH:
        number, messages = _page(
            server,
            key,
            value,
            stream=stream,
            count=min(PAGE, REACH - offset),
            offset=offset,
            window=window,
        )
        yield from messages
        offset += PAGE
        if offset >= number:
            return
    raise SearchError(
        f"Postmark holds {number:,} messages with {key}={value}, and its search reaches {REACH:,}"
    )


def search_all(server: Queryable, key: str, value: str, *, stream: str) -> Iterator[HeldMessage]:
    """As ``search``, past 10,000 messages, and each once: the time is halved until each part is within reach.

    Raises:
        SearchError: Postmark did not say, or gave one MessageID to two messages.
    """
    seen: dict[
        bytes, bytes
    ] = {}  # the parts share a second, and a page moves on while messages come in
    end = datetime.now(_EASTERN).replace(microsecond=0, tzinfo=None) + timedelta(days=1)
    for found in _search_between(server, key, value, stream=stream, start=end - RETENTION, end=end):
        message_id = one_spelling(found.message_id)
        if message_id not in seen:
            seen[message_id] = found.key
            yield found
        elif seen[message_id] != found.key:
            raise SearchError(
                "Postmark's search gave one MessageID to two messages; nothing was concluded from it"
            )


def proved(shown: Iterable[HeldMessage]) -> list[HeldMessage]:
    """Those of a search whose MessageID stands for one message; one that it gives to two proves neither."""
    shown = list(shown)
    keys: dict[bytes, set[bytes]] = {}
    for found in shown:
        keys.setdefault(one_spelling(found.message_id), set()).add(found.key)
    return [found for found in shown if len(keys[one_spelling(found.message_id)]) == 1]


def _search_between(
    server: Queryable, key: str, value: str, *, stream: str, start: datetime, end: datetime
) -> Iterator[HeldMessage]:
    window = {"fromdate": start.isoformat(), "todate": end.isoformat()}
    number, _ = _page(server, key, value, stream=stream, count=1, offset=0, window=window)
    if number > REACH and end - start > timedelta(seconds=1):
        middle = (start + (end - start) // 2).replace(microsecond=0)
        yield from _search_between(server, key, value, stream=stream, start=start, end=middle)
        yield from _search_between(server, key, value, stream=stream, start=middle, end=end)
        return
    yield from search(server, key, value, stream=stream, window=window)


def _page(
    server: Queryable,
    key: str,
    value: str,
    *,
    stream: str,
    count: int,
    offset: int,
    window: Mapping[str, str] | None = None,
) -> tuple[int, list[HeldMessage]]:
    query = {
        "count": str(count),
        "offset": str(offset),
        "messagestream": stream,
        f"metadata_{key}": value,
    }
    query |= window or {}
    reading = server.ask("/messages/outbound", query)
    said = reading.object
    if isinstance(reading.data, dict) and reading.data.get("ErrorCode") in _NO_SUCH_STREAM:
        return 0, []
    if (
        said is None
        or not isinstance(said.get("TotalCount"), int)
        or not isinstance(said.get("Messages"), list)
    ):
        raise SearchError(
            f"Postmark could not be asked what it holds (GET /messages/outbound: {reading.why})",
            status=reading.status,
        )
    return said["TotalCount"], [
        found for item in said["Messages"] if (found := _found(item)) is not None
    ]


def _found(item: Any) -> HeldMessage | None:
    """One message of the answer, if it is one of ours; metadata names come back in any case."""
    metadata = item.get("Metadata") if isinstance(item, dict) else None
    if not isinstance(metadata, dict) or not is_message_id(item.get("MessageID")):
        return None
    ours = {str(name).lower(): str(value) for name, value in metadata.items()}
    try:
        key = bytes.fromhex(ours[MESSAGE_KEY])
        return HeldMessage(
            key,
            ours[ATTEMPT_KEY],
            item["MessageID"],
            str(item.get("ReceivedAt", "")),
            _person(item),
        )
    except (KeyError, ValueError):
        return None


def _person(item: dict[str, Any]) -> str:
    """The first recipient of To; of Cc or Bcc where nobody is in To."""
    for field in ("To", "Cc", "Bcc"):
        boxes = item.get(field)
        if isinstance(boxes, list) and boxes and isinstance(boxes[0], dict):
            return str(boxes[0].get("Email") or "").strip().lower()
    return ""
