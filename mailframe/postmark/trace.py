"""What was seen of one request and its answer, and what it proves. No network of its own.

When no answer comes, the class of the exception does not tell whether the server has the request:
RemoteProtocolError is raised both for a server that read everything and for one that read 100 bytes
(measured with real sockets). The evidence is httpcore's ``trace`` request extension:

- the headers of the POST never started: nothing left, so ``unsent``;
- they started, but the body did not leave whole: the JSON has no closing bracket and no server can have
  processed it, so ``unsent``;
- the body left whole and no full answer came back: ``unknown``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

import httpcore

from mailframe.postmark.responses import MAX_ANSWER_BYTES, Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

TOO_SLOW: Final = "too slow an answer"
_CHUNK_BYTES: Final = 65_536
_NETWORK_ERRORS: Final = frozenset({"ConnectError", "ReadError", "WriteError"})
_STATUS_ALONE: Final = frozenset(
    {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.TOO_MANY_REQUESTS}
)
"""Their bodies decide nothing, so a connection that breaks within the body changes nothing."""


class Reader(Protocol):
    """``read_batch`` or ``read_single`` that already knows what was sent."""

    def __call__(self, *, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return what the answer means."""
        ...


class Chunks:
    """The body in pieces, noting when the last one is handed over.

    A signal can come between the moment that a piece has left and the trace event that says so. A piece
    that was never handed over has not left, whatever came in between.
    """

    def __init__(self, body: bytes, *, exchange: TransportTrace) -> None:
        self._body = body
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, max(1, len(self._body)), _CHUNK_BYTES):
            self._exchange.last_handed = start + _CHUNK_BYTES >= len(self._body)
            yield self._body[start : start + _CHUNK_BYTES]


@dataclass(slots=True)
class TransportTrace:
    """What was seen of one request and its answer: filled while httpx works, judged after it.

    Attributes:
        traced: the transport reports events; without them nothing can be proved.
        called: httpx was asked to send.
        left: the headers of the POST started to leave (a proxy's CONNECT does not count).
        last_handed: the last piece of the body was handed over for writing.
        cut: writing failed, so what was handed over last did not leave whole.
        whole: the whole request has left.
        failure: the classes of what was raised; "" when nothing was.
        too_slow: the connection was shut down because the head of the answer did not come.
        complete: the answer was read to its end.
    """

    traced: bool
    called: bool = False
    left: bool = False
    last_handed: bool = False
    cut: bool = False
    whole: bool = False
    failure: str = ""
    too_slow: bool = False
    interrupted: bool = False
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    complete: bool = False

    def trace(self, event: str, info: Mapping[str, object]) -> None:
        """Take note of one event of httpcore; source: its "trace" request extension."""
        if event.endswith("send_request_headers.started"):
            self.left = self.left or getattr(info.get("request"), "method", b"") == b"POST"
        elif not self.left:
            return
        elif event.endswith("send_request_body.complete"):
            self.whole = True
        elif event.endswith(("send_request_headers.failed", "send_request_body.failed")):
            self.cut = isinstance(
                info.get("exception"), (httpcore.NetworkError, httpcore.TimeoutException)
            )

    @property
    def incomplete(self) -> bool:
        """Whether the server provably lacks a part of the request."""
        nothing_left = self.traced and not self.left
        part_left = self.traced and not self.whole and (self.cut or not self.last_handed)
        return not self.called or nothing_left or part_left

    def receive(self, chunks: Iterable[bytes], *, until_s: float) -> None:
        """Read the body of the answer, bounded in bytes and in time (*until_s* of the monotonic clock)."""
        for chunk in chunks:
            self.body += chunk
            if len(self.body) > MAX_ANSWER_BYTES:
                self.failure = "an answer without end"
                return
            if time.monotonic() > until_s:
                self.failure = TOO_SLOW
                return
        self.complete = True

    def end(self, error: BaseException) -> None:
        """Note the classes of what was raised; the exception itself holds the request with its token."""
        self.interrupted = not isinstance(error, Exception)
        cause = error.__context__
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__context__
        shown = type(error).__name__ in _NETWORK_ERRORS and cause is not None
        self.failure = type(error).__name__ + (f" ({type(cause).__name__})" if shown else "")
        if self.too_slow and not self.interrupted:
            self.failure = TOO_SLOW

    def judged(self, read: Reader) -> Answer:
        """Return what the exchange came to."""
        if self.status is not None and (self.complete or self.status in _STATUS_ALONE):
            answer = read(status=self.status, headers=self.headers, body=bytes(self.body))
            answer = self._doubted(answer) if self.incomplete else answer
        else:
            answer = self._unanswered()
        if not self.interrupted:
            return answer
        return replace(
            answer, reason=f"interrupted: {answer.reason}".rstrip(": "), interrupted=True
        )

    def _doubted(self, answer: Answer) -> Answer:
        """Return what an answer means that came although the server lacks a part of the request."""
        if answer.verdict is Verdict.UNKNOWN:  # a 502, say: nobody can have processed half an array
            reason = f"HTTP {self.status} before the whole request had left"
            return Answer(Verdict.UNSENT, reason=reason, http_status=self.status)
        if answer.verdict is Verdict.ANSWERED and any(
            outcome.accepted for outcome in answer.outcomes
        ):
            reason = f"HTTP {self.status} accepts a request that had not left whole"
            return Answer(Verdict.UNKNOWN, reason=reason, http_status=self.status)
        return answer

    def _unanswered(self) -> Answer:
        """Return what is known when no full answer came."""
        verdict = Verdict.UNSENT if self.incomplete else Verdict.UNKNOWN
        inside = "" if self.status is None else f" within an HTTP {self.status}"
        return Answer(
            verdict, reason=f"{self.failure}{inside} {self._evidence()}", http_status=self.status
        )

    def _evidence(self) -> str:
        """Return the evidence in words."""
        if not self.called or (self.traced and not self.left):
            return "before anything had left"
        if not self.traced:
            return "in a transport that does not tell what has left"
        if self.incomplete:
            return "before the whole request had left"
        return (
            "after the whole request had left"
            if self.whole
            else "while the end of the request was leaving"
        )
