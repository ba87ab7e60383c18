"""How many messages of a run have bounced: Postmark's list of bounces, read now and then."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from mailframe.errors import AccountError
from mailframe.postmark.account.listing import Listing
from mailframe.postmark.account.times import bounds
from mailframe.postmark.bounce_types import COMPLAINT, NO_FAILURE
from mailframe.postmark.message_ids import normalized_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.postmark.client import Postmark
    from mailframe.postmark.search import Queryable

_OVERLAP: Final = timedelta(hours=2)
"""A bounce may be listed late, clocks may differ, and an hour of US Eastern comes twice."""
_MAX_FAILURES: Final = 3
_HALF: Final = 8
"""Bytes of a MessageID that are kept: two of one server are not alike in them."""


class BounceWatch:
    """The messages of a run that have bounced; used by one thread.

    The list of bounces is read in a thread of its own, so no batch waits for it: one question for
    each 500 bounces since the last time, never one for each message.

    Args:
        server: the server that is asked.
        poll_s: the seconds from the end of one question to the next.

    Attributes:
        bounced: how many messages have bounced, each once.
        complained: how many messages were marked as spam, each once.
    """

    def __init__(self, server: Queryable, *, poll_s: float) -> None:
        self._server, self._poll_s = cast("Postmark", server), poll_s
        self._since = datetime.now(UTC) - _OVERLAP
        self._due_s = time.monotonic() + poll_s
        self._ids = bytearray()
        self._bounced, self._complained = set[bytes](), set[bytes]()
        self._thread: threading.Thread | None = None
        self._answers: list[list[dict[str, Any]] | AccountError] = []
        self._failed: list[AccountError] = []
        self.bounced = self.complained = 0

    def add(self, message_ids: Sequence[str]) -> None:
        """Add messages that were accepted."""
        self._ids += b"".join(_halves(message_ids))

    def poll(self) -> None:
        """Take an answer that has come, and ask again if it is time.

        Raises:
            AccountError: three questions in a row have failed; also at each later call.
        """
        if self._answers:
            self._take(self._answers.pop())
        if len(self._failed) >= _MAX_FAILURES:
            raise self._failed[-1]
        is_busy = self._thread is not None and self._thread.is_alive()
        if self._ids and not is_busy and time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + self._poll_s
            self._thread = threading.Thread(target=self._ask, name="mailframe-bounces", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no thread can be started
                self._ask()

    def _ask(self) -> None:
        began = datetime.now(UTC)
        listing = Listing(self._server, "/bounces", "Bounces", "ID", bounds(self._since, None))
        try:
            items = listing.items()
            self._since = began - _OVERLAP
            self._answers.append(items)
        except AccountError as error:
            self._answers.append(error)
        except Exception as error:  # noqa: BLE001 - the server may be of another class
            self._answers.append(AccountError(f"GET /bounces: {type(error).__name__}: {error}"))
        self._due_s = time.monotonic() + self._poll_s

    def _take(self, answer: list[dict[str, Any]] | AccountError) -> None:
        if isinstance(answer, AccountError):
            self._failed.append(answer)
            return
        self._failed.clear()
        for item in answer:
            kind, message_id = item.get("Type"), item.get("MessageID")
            if isinstance(message_id, str) and kind not in NO_FAILURE:
                halves = self._complained if kind == COMPLAINT else self._bounced
                halves.update(_halves([message_id]))
        self.bounced, self.complained = self._count(self._bounced), self._count(self._complained)

    def _count(self, halves: set[bytes]) -> int:
        """How many of them are of messages of this run; others use the same server."""
        listed = np.frombuffer(b"".join(halves), dtype="<u8")
        return int(np.isin(listed, np.frombuffer(bytes(self._ids), dtype="<u8")).sum())


def _halves(message_ids: Sequence[str]) -> list[bytes]:
    return [one[:_HALF].ljust(_HALF, b"\0") for one in normalized_ids(message_ids)]
