"""Queries to Postmark: which server it is, and which messages of a campaign it has stored."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

from mailframe.errors import SearchError
from mailframe.message.message import ATTEMPT_KEY, MESSAGE_KEY
from mailframe.postmark.account.times import EASTERN
from mailframe.postmark.message_ids import is_message_id, normalized_id
from mailframe.postmark.replies import GetResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mailframe.postmark.client import Postmark

MAX_COUNT: Final = 500
"""Maximum ``count`` of ``GET /messages/outbound`` (postmarkapp.com/developer/api/messages-api)."""
MAX_REACH: Final = 10_000
"""Maximum of ``count`` + ``offset`` (same page)."""
RETENTION: Final = timedelta(days=366)
"""The longest time for which Postmark stores messages; 45 days by default (same page)."""
_SECOND: Final = timedelta(seconds=1)
_NO_SUCH_STREAM: Final = (1226, 1235)
_NOT_THE_LIST: Final = ValueError.__name__
"""The failure of a list whose reply is another one."""
_POLL_S: Final = 0.1
"""How often an interrupt is checked while a reply is awaited."""


class Queryable(Protocol):
    """A server that answers queries: ``Postmark``, or a wrapper of it."""

    @property
    def is_test_token(self) -> bool:
        """Whether Postmark delivers nothing, and so stores nothing."""

    def ask(self, path: str, query: Mapping[str, str] | None = None) -> GetResult:
        """GET *path* once; see ``Postmark.ask``."""


class InterruptibleServer:
    """Queries a server, and abandons a query as soon as the run is interrupted.

    Args:
        server: the server to query.
        is_stopped: whether the user has interrupted the run.
    """

    def __init__(self, server: Postmark, is_stopped: Callable[[], bool]) -> None:
        self._server, self._is_stopped = server, is_stopped

    @property
    def is_test_token(self) -> bool:
        """Whether the server has the test token."""
        return self._server.is_test_token

    def ask(self, path: str, query: Mapping[str, str] | None = None) -> GetResult:
        """GET *path* in a thread of its own; the failure is ``interrupted`` after an interrupt."""
        return self._answer(lambda: self._server.ask(path, query))

    def each(
        self,
        path: str,
        query: Mapping[str, str],
        *,
        name: str,
        take: Callable[[dict[str, Any]], None],
    ) -> GetResult:
        """GET a list of any length, as ``ask``; see ``Postmark.each``."""
        return self._answer(lambda: self._server.each(path, query, name=name, take=take))

    def _answer(self, question: Callable[[], GetResult]) -> GetResult:
        answers: list[GetResult] = []
        done = threading.Event()

        def read() -> None:
            try:
                answers.append(question())
            except Exception as error:  # noqa: BLE001 - the server may be of another class
                answers.append(GetResult(None, None, type(error).__name__))
            done.set()

        if not self._is_stopped() and not _started(read):
            read()  # no thread could be started; an interrupt is handled after the query
        while not self._is_stopped() and not done.wait(_POLL_S):
            pass
        return answers[0] if answers else GetResult(None, None, "interrupted")


def _started(work: Callable[[], None]) -> bool:
    try:
        threading.Thread(target=work, name="mailframe-question", daemon=True).start()
    except RuntimeError:
        return False
    return True


def no_answer(text: str, result: GetResult) -> SearchError:
    """The error of a question without the answer that Postmark gives to it.

    It has no status if a good answer broke off, because that is as if there were none.
    """
    broke_off = result.failure not in {"", _NOT_THE_LIST}
    is_good = result.status is not None and result.status < HTTPStatus.BAD_REQUEST
    status = None if broke_off and is_good else result.status
    return SearchError(text, status=status, error_code=result.error_code)


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message that Postmark has stored.

    Attributes:
        key: the digest of the key of its row.
        attempt: the id of its request.
        message_id: the MessageID of Postmark.
        person: the address of the first recipient in lower case; "" if the search does not show it.
    """

    key: bytes
    attempt: str
    message_id: str
    person: str = ""


def scope_of(server: Queryable) -> str:
    """The identity of a server: its ID and whether it is live; a new token does not change it.

    Raises:
        SearchError: the query failed.
    """
    if server.is_test_token:
        return "test"
    result = server.ask("/server")
    content = result.object
    if content is None or not isinstance(content.get("ID"), int):
        raise no_answer(
            f"the server could not be identified (GET /server: {result.reason}); nothing was sent",
            result,
        )
    kind = "live" if content.get("DeliveryType", "Live") == "Live" else "sandbox"
    return f"pm:{content['ID']}:{kind}"


@dataclass(frozen=True, slots=True)
class MessageSearch:
    """A search for the messages of one stream that have a metadata value.

    Its methods raise a SearchError if a query fails.

    Attributes:
        server: the server to query.
        key: the name of the metadata field.
        value: the value of the metadata field.
        stream: the stream of the messages.
    """

    server: Queryable
    key: str
    value: str
    stream: str

    def total(self) -> int:
        """How many messages there are."""
        return self.page(count=1)[0]

    def newest(self, window: Mapping[str, str] | None = None) -> Iterator[StoredMessage]:
        """The messages, newest first; at most MAX_REACH.

        Raises:
            SearchError: there are more.
        """
        total = 0
        for offset in range(0, MAX_REACH, MAX_COUNT):
            total, items = self.page(count=MAX_COUNT, offset=offset, window=window)
            yield from filter(None, map(stored_message, items))
            if offset + MAX_COUNT >= total:
                return
        raise SearchError(
            f"Postmark has stored {total:,} messages with {self.key}={self.value}; its search "
            f"returns at most {MAX_REACH:,}",
            status=HTTPStatus.OK,
        )

    def every(self) -> Iterator[StoredMessage]:
        """As ``newest`` without its limit, and each message once.

        The time is divided until each part has at most MAX_REACH messages.

        Raises:
            SearchError: two messages have the same MessageID.
        """
        # Two parts share a second, and new messages move the pages, so messages can come twice.
        keys: dict[bytes, bytes] = {}
        end = datetime.now(EASTERN).replace(microsecond=0, tzinfo=None) + timedelta(days=1)
        for message in self._between(end - RETENTION, end):
            message_id = normalized_id(message.message_id)
            if message_id not in keys:
                keys[message_id] = message.key
                yield message
            elif keys[message_id] != message.key:
                raise SearchError(
                    "Postmark's search returned one MessageID for two messages; its result was not "
                    "used",
                    status=HTTPStatus.OK,
                )

    def _between(self, start: datetime, end: datetime) -> Iterator[StoredMessage]:
        window = _window(start, end)
        total = self.page(count=1, window=window)[0]
        if total > MAX_REACH and end - start > _SECOND:
            middle = (start + (end - start) // 2).replace(microsecond=0)
            yield from self._between(start, middle)
            yield from self._between(middle, end)
            return
        parts = [window]
        if total > MAX_REACH:  # both seconds are in it; each alone, if no fraction is lost by that
            seconds = [_window(start, start), _window(end, end)]
            if sum(self.page(count=1, window=one)[0] for one in seconds) >= total:
                parts = seconds
        for part in parts:
            yield from self.newest(part)

    def page(
        self, *, count: int, offset: int = 0, window: Mapping[str, str] | None = None
    ) -> tuple[int, list[Any]]:
        """The number of all messages, and the JSON of at most *count* of them."""
        query = {
            "count": str(count),
            "offset": str(offset),
            "messagestream": self.stream,
            f"metadata_{self.key}": self.value,
        }
        result = self.server.ask("/messages/outbound", query | dict(window or {}))
        if isinstance(result.data, dict) and result.data.get("ErrorCode") in _NO_SUCH_STREAM:
            return 0, []
        content = result.object or {}
        total, items = content.get("TotalCount"), content.get("Messages")
        if not isinstance(total, int) or not isinstance(items, list):
            raise no_answer(
                f"Postmark could not be searched (GET /messages/outbound: {result.reason})", result
            )
        return total, items


def _window(start: datetime, end: datetime) -> dict[str, str]:
    """The parameters of a search between two times, both included."""
    return {"fromdate": start.isoformat(), "todate": end.isoformat()}


def unambiguous(messages: Iterable[StoredMessage]) -> list[StoredMessage]:
    """The *messages* whose MessageID belongs to only one of them."""
    messages = list(messages)
    keys: dict[bytes, set[bytes]] = {}
    for message in messages:
        keys.setdefault(normalized_id(message.message_id), set()).add(message.key)
    return [message for message in messages if len(keys[normalized_id(message.message_id)]) == 1]


def stored_message(item: Any) -> StoredMessage | None:
    """One message of a search, or the message of an event; None if it is not in a ledger.

    It is recognized by its metadata, whose keys ignore case.
    """
    metadata = item.get("Metadata") if isinstance(item, dict) else None
    if not isinstance(metadata, dict) or not is_message_id(item.get("MessageID")):
        return None
    fields = {str(name).lower(): str(value) for name, value in metadata.items()}
    try:
        return StoredMessage(
            bytes.fromhex(fields[MESSAGE_KEY]),
            fields[ATTEMPT_KEY],
            item["MessageID"],
            _first_recipient(item),
        )
    except (KeyError, ValueError):
        return None


def _first_recipient(item: dict[str, Any]) -> str:
    """The first recipient of To; of Cc or Bcc if To is empty."""
    for field in ("To", "Cc", "Bcc"):
        recipients = item.get(field)
        if isinstance(recipients, list) and recipients and isinstance(recipients[0], dict):
            return str(recipients[0].get("Email") or "").strip().lower()
    return ""
