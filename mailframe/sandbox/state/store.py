"""The state of the sandbox: messages, requests, bounces and suppressions. Thread-safe."""

from __future__ import annotations

import random
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any

import pandas as pd

from mailframe.sandbox.checks.request_json import TEXT_FIELDS
from mailframe.sandbox.state.message_index import MessageIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from mailframe.sandbox.api.search_query import SearchQuery
    from mailframe.sandbox.api.search_results import SearchResult
    from mailframe.sandbox.state.accepted_message import AcceptedMessage
    from mailframe.sandbox.state.account import Account

MESSAGE_DTYPES = {
    "MessageID": "str",
    "SubmittedAt": "datetime64[ns, UTC]",
    **dict.fromkeys(TEXT_FIELDS, "str"),
    "MessageStream": "str",
    "Metadata": "object",
    "Headers": "object",
    "Attachments": "object",
    "request": "int64",
}
REQUEST_DTYPES = {
    "number": "Int64",
    "method": "str",
    "path": "str",
    "messages": "int64",
    "bytes": "int64",
    "http_status": "Int64",
    "fault": "str",
    "accepted": "int64",
}
SUPPRESSION_DTYPES = {
    "EmailAddress": "str",
    "SuppressionReason": "str",
    "Origin": "str",
    "CreatedAt": "datetime64[ns, UTC]",
}
BOUNCE_DTYPES = {
    "ID": "int64",
    "Type": "str",
    "Email": "str",
    "MessageID": "str",
    "MessageStream": "str",
    "BouncedAt": "datetime64[ns, UTC]",
}


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request, as a row of ``sandbox.requests()``.

    Attributes:
        number: the number of the POST to ``/email`` or ``/email/batch``, from 1; None for others.
        method: the method in upper case.
        path: the path without the query.
        messages: the number of messages; 0 if the request was refused before they were counted.
        bytes: the number of bytes of the body that was read.
        http_status: the status of the answer; None if it is not complete, or there is none yet.
        fault: the name of the fault that hit it.
        accepted: the number of accepted messages.
    """

    number: int | None
    method: str
    path: str
    messages: int = 0
    bytes: int = 0
    http_status: int | None = None
    fault: str | None = None
    accepted: int = 0


class Store:
    """The state of the sandbox.

    Every method takes the one reentrant lock; a caller can hold it around several calls, and does
    so to change ``index``.

    Args:
        account: the account, which says what the server allows.
        seed: the seed that makes the ids repeatable.
    """

    def __init__(self, account: Account, *, seed: int | None = None) -> None:
        self.account = account
        self.lock = RLock()
        self._random = random.Random(seed) if seed is not None else None  # noqa: S311  # ids, not secrets
        self._suppressions: dict[str, dict[str, dict[str, Any]]] = {}  # by stream, then address
        self.index = MessageIndex()
        self.clear()

    def clear(self) -> None:
        """Remove messages, requests and bounces, and count from 1 again; suppressions stay."""
        with self.lock:
            self._messages: list[AcceptedMessage] = []
            self._requests: list[RequestRecord] = []
            self._bounces: list[dict[str, Any]] = []
            self._request_counts: Counter[str | None] = Counter()
            self.index.clear()

    def clear_suppressions(self) -> None:
        """Remove all suppressions."""
        with self.lock:
            self._suppressions.clear()

    def next_number(self, endpoint: str | None) -> int:
        """The number of the next request to *endpoint*, from 1; None is the two that send."""
        with self.lock:
            self._request_counts[endpoint] += 1
            return self._request_counts[endpoint]

    def new_id_and_time(self) -> tuple[str, str]:
        """A UUID4 in lower case, repeatable with a seed, and the timestamp of now."""
        with self.lock:
            bits = None if self._random is None else self._random.getrandbits(128)
        message_id = uuid.uuid4() if bits is None else uuid.UUID(int=bits, version=4)
        return str(message_id), timestamp(time.time_ns())

    def add_request(self, record: RequestRecord) -> int:
        """Add the record of a request that has arrived; returns its index."""
        with self.lock:
            self._requests.append(record)
            return len(self._requests) - 1

    def update_request(self, index: int, record: RequestRecord) -> None:
        """Replace the record of a request, unless the store was cleared since it arrived."""
        with self.lock:
            if index < len(self._requests):
                self._requests[index] = record

    def accept(self, messages: Iterable[AcceptedMessage]) -> None:
        """Add messages and their fake bounces; a hard bounce also suppresses its address."""
        with self.lock:
            for message in messages:
                self._messages.append(message)
                self.index.add(message, now_s=time.monotonic())
                for kind, address in message.bounces:
                    self._bounce(kind, address, message)

    @property
    def request_count(self) -> int:
        """How many requests have arrived."""
        return len(self._requests)

    def messages(self) -> Sequence[AcceptedMessage]:
        """The accepted messages, in the order of acceptance."""
        with self.lock:
            return tuple(self._messages)

    def find(self, query: SearchQuery, *, first: int | None) -> SearchResult:
        """The result of a search now, or only its oldest *first* matches."""
        with self.lock:
            return self.index.find(query, now_s=time.monotonic(), first=first)

    def indexed_message(self, message_id: str) -> AcceptedMessage | None:
        """The message of that id, ignoring case, if it is indexed now."""
        with self.lock:
            return self.index.get(message_id.lower(), now_s=time.monotonic())

    def bounces_of(self, message_id: str) -> Mapping[str, int]:
        """The ID of each fake bounce of one message, by address."""
        with self.lock:
            return {
                row["Email"]: row["ID"] for row in self._bounces if row["MessageID"] == message_id
            }

    def suppress(self, address: str, stream: str, *, reason: str, origin: str) -> None:
        """Suppress *address* on *stream*, ignoring case; an existing suppression stays as it is."""
        row = {
            "EmailAddress": address.lower(),
            "SuppressionReason": reason,
            "Origin": origin,
            "CreatedAt": timestamp(time.time_ns()),
        }
        with self.lock:
            self._suppressions.setdefault(stream, {}).setdefault(address.lower(), row)

    def suppressed(self, stream: str) -> AbstractSet[str]:
        """The suppressed addresses of *stream*, in lower case."""
        with self.lock:
            return self._suppressions.get(stream, {}).keys()

    def messages_frame(self, *, delivered: bool = False) -> pd.DataFrame:
        """One row per message, in the order of acceptance."""
        rows = [
            message.as_delivered_row() if delivered else message.as_row()
            for message in self.messages()
        ]
        return frame(rows, MESSAGE_DTYPES)

    def requests_frame(self) -> pd.DataFrame:
        """One row per request, in the order of arrival."""
        with self.lock:
            rows = [
                {name: getattr(record, name) for name in REQUEST_DTYPES}
                for record in self._requests
            ]
        return frame(rows, REQUEST_DTYPES)

    def suppressions_frame(self, stream: str) -> pd.DataFrame:
        """One row per suppressed address of *stream*, in the order of suppression."""
        with self.lock:
            rows = list(self._suppressions.get(stream, {}).values())
        return frame(rows, SUPPRESSION_DTYPES)

    def bounces_frame(self) -> pd.DataFrame:
        """One row per fake bounce."""
        with self.lock:
            return frame(list(self._bounces), BOUNCE_DTYPES)

    def _bounce(self, kind: str, address: str, message: AcceptedMessage) -> None:
        row = {
            "ID": len(self._bounces) + 1,
            "Type": kind,
            "Email": address,
            "MessageID": message.message_id,
            "MessageStream": message.stream,
            "BouncedAt": timestamp(time.time_ns()),
        }
        self._bounces.append(row)
        if kind == "HardBounce":
            self.suppress(address, message.stream, reason="HardBounce", origin="Recipient")


def frame(rows: list[dict[str, Any]], dtypes: dict[str, str]) -> pd.DataFrame:
    """A DataFrame of *rows* with fixed columns and dtypes, also without rows."""
    columns: dict[str, pd.Series[Any]] = {}
    for name, dtype in dtypes.items():
        values = [row[name] for row in rows]
        if dtype.startswith("datetime64"):
            columns[name] = pd.to_datetime(
                pd.Series(values, dtype="str"), utc=True, format="ISO8601"
            )
        else:
            columns[name] = pd.Series(values, dtype=dtype)
    return pd.DataFrame(columns).astype(dtypes)


def timestamp(now_ns: int) -> str:
    """UTC with seven fractional digits and a Z, as Postmark writes it today.

    >>> timestamp(1_790_000_000_123_456_789)
    '2026-09-21T14:13:20.1234567Z'
    """
    seconds, rest_ns = divmod(now_ns, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest_ns // 100:07d}Z"
