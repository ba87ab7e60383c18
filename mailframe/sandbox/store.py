"""What arrived, what was asked, who is suppressed: the sandbox's memory, safe to read from any thread."""

from __future__ import annotations

import random
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any

import pandas as pd

from mailframe.sandbox.message_index import OutboundLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from mailframe.sandbox.accepted_message import Posted
    from mailframe.sandbox.account import Account
    from mailframe.sandbox.search_query import Search
    from mailframe.sandbox.search_results import SearchResult

MESSAGE_DTYPES = {
    "MessageID": "str",
    "SubmittedAt": "datetime64[ns, UTC]",
    "From": "str",
    "To": "str",
    "Cc": "str",
    "Bcc": "str",
    "Subject": "str",
    "Tag": "str",
    "HtmlBody": "str",
    "TextBody": "str",
    "ReplyTo": "str",
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
class Seen:
    """One request, as a row of ``sandbox.requests()``.

    Attributes:
        number: of the POST to ``/email`` or ``/email/batch``, counted from 1; None for any other request.
        method: in upper case.
        path: without the query.
        messages: how many it held; 0 when it was refused before they were counted.
        bytes: of the body that was read.
        http_status: of the answer; None when there was no whole one, or is none yet.
        fault: the name of the fault that hit it.
        accepted: how many messages were taken.
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
    """The memory; every method takes the one lock, which an exchange may hold around several of them."""

    def __init__(self, account: Account, *, seed: int | None = None) -> None:
        self.account = account
        self.lock = RLock()
        self._random = None if seed is None else random.Random(seed)  # noqa: S311  # ids that repeat, on request
        self._suppressions: dict[str, dict[str, dict[str, Any]]] = {}  # by stream, then address
        self._log = OutboundLog()
        self.clear()

    def clear(self) -> None:
        """Forget messages, requests and bounces; the suppressions stay, the requests count from 1 again."""
        with self.lock:
            self._posted: list[Posted] = []
            self._seen: list[Seen] = []
            self._bounces: list[dict[str, Any]] = []
            self._sends = 0
            self._turns: Counter[str] = Counter()
            self._log.clear()

    def clear_suppressions(self) -> None:
        """Forget who is suppressed."""
        with self.lock:
            self._suppressions.clear()

    def next_number(self) -> int:
        """The number of the next POST that carries messages, from 1."""
        with self.lock:
            self._sends += 1
            return self._sends

    def next_turn(self, route: str) -> int:
        """The number of the next request to the endpoint *route*, from 1."""
        with self.lock:
            self._turns[route] += 1
            return self._turns[route]

    def mint(self) -> tuple[str, str]:
        """A UUID4 in lower case, repeatable under a seed, and the stamp of now."""
        with self.lock:
            bits = None if self._random is None else self._random.getrandbits(128)
        message_id = uuid.uuid4() if bits is None else uuid.UUID(int=bits, version=4)
        return str(message_id), stamp(time.time_ns())

    def see(self, seen: Seen) -> int:
        """Note a request when it arrives; the value is its place."""
        with self.lock:
            self._seen.append(seen)
            return len(self._seen) - 1

    def replace(self, place: int, seen: Seen) -> None:
        """Note how the request at *place* went on; nothing when the memory was cleared in between."""
        with self.lock:
            if place < len(self._seen):
                self._seen[place] = seen

    def accept(self, posted: Iterable[Posted]) -> None:
        """Take messages, make their fake bounces, and suppress whom a hard bounce hit."""
        with self.lock:
            for message in posted:
                self._posted.append(message)
                self._log.add(message, now_s=time.monotonic())
                for kind, address in message.bounces:
                    self._bounce(kind, address, message)

    def posted(self) -> Sequence[Posted]:
        """What was taken, in the order of acceptance."""
        with self.lock:
            return tuple(self._posted)

    def find(self, search: Search, *, first: int | None) -> SearchResult:
        """What a search sees now; of that the oldest *first* when it is a number."""
        with self.lock:
            return self._log.find(search, now_s=time.monotonic(), first=first)

    def shown(self, message_id: str) -> Posted | None:
        """The message of that id, ignoring case, if a search can see it now."""
        with self.lock:
            return self._log.get(message_id.lower(), now_s=time.monotonic())

    def bounces_of(self, message_id: str) -> Mapping[str, int]:
        """The number of each fake bounce of one message, by address."""
        with self.lock:
            return {
                row["Email"]: row["ID"] for row in self._bounces if row["MessageID"] == message_id
            }

    @property
    def index_delay_s(self) -> float:
        """Seconds from the acceptance of a message until a search can see it."""
        return self._log.index_delay_s

    @index_delay_s.setter
    def index_delay_s(self, seconds: float) -> None:
        with self.lock:
            self._log.index_delay_s = seconds

    @property
    def paused(self) -> bool:
        """Whether what is accepted now stays hidden from searches."""
        return self._log.is_paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        with self.lock:
            if paused:
                self._log.pause()
            else:
                self._log.resume()

    def suppress(self, address: str, stream: str, *, reason: str, origin: str) -> None:
        """Put *address* on the list of *stream*, ignoring case; one that is there stays as it is."""
        row = {
            "EmailAddress": address.lower(),
            "SuppressionReason": reason,
            "Origin": origin,
            "CreatedAt": stamp(time.time_ns()),
        }
        with self.lock:
            self._suppressions.setdefault(stream, {}).setdefault(address.lower(), row)

    def suppressed(self, stream: str) -> AbstractSet[str]:
        """The addresses on the list of *stream*, in lower case."""
        with self.lock:
            return self._suppressions.get(stream, {}).keys()

    def messages_frame(self, *, delivered: bool = False) -> pd.DataFrame:
        """One row per message, in the order of acceptance."""
        rows = [
            message.as_delivered_row() if delivered else message.as_row()
            for message in self.posted()
        ]
        return frame(rows, MESSAGE_DTYPES)

    def requests_frame(self) -> pd.DataFrame:
        """One row per request, in the order of arrival."""
        with self.lock:
            rows = [{name: getattr(seen, name) for name in REQUEST_DTYPES} for seen in self._seen]
        return frame(rows, REQUEST_DTYPES)

    def suppressions_frame(self, stream: str) -> pd.DataFrame:
        """One row per address on the list of *stream*, in the order in which they came."""
        with self.lock:
            rows = list(self._suppressions.get(stream, {}).values())
        return frame(rows, SUPPRESSION_DTYPES)

    def bounces_frame(self) -> pd.DataFrame:
        """One row per fake bounce."""
        with self.lock:
            return frame(list(self._bounces), BOUNCE_DTYPES)

    def _bounce(self, kind: str, address: str, message: Posted) -> None:
        row = {
            "ID": len(self._bounces) + 1,
            "Type": kind,
            "Email": address,
            "MessageID": message.message_id,
            "MessageStream": message.stream,
            "BouncedAt": stamp(time.time_ns()),
        }
        self._bounces.append(row)
        if kind == "HardBounce":
            self.suppress(address, message.stream, reason="HardBounce", origin="Recipient")


def frame(rows: list[dict[str, Any]], dtypes: dict[str, str]) -> pd.DataFrame:
    """*rows* under fixed columns and dtypes, which stay the same when there are none."""
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


def stamp(now_ns: int) -> str:
    """UTC with seven digits and a Z, as Postmark writes it today.

    >>> stamp(1_790_000_000_123_456_789)
    '2026-09-21T14:13:20.1234567Z'
    """
    seconds, rest_ns = divmod(now_ns, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest_ns // 100:07d}Z"
