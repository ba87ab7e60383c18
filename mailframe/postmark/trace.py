"""What was observed of one request and its reply, and what that proves. No network of its own.

Without a reply, the class of the exception does not show whether the server has the request:
RemoteProtocolError is raised both for a server that read everything and for a server that read 100
bytes (measured with real sockets). The events of httpcore's ``trace`` request extension show it:

- the headers of the POST were not started: nothing was sent, so ``unsent``;
- they were started, but the body was not sent completely: the JSON has no closing bracket and no
  server can have processed it, so ``unsent``;
- the body was sent completely and no complete reply came back: ``unknown``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

import httpcore

from mailframe.postmark.decoding import MAX_REPLY_BYTES
from mailframe.postmark.responses import Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mailframe.message.message import Buffer

TOO_SLOW: Final = "the reply took too long"
_TOO_LONG: Final = f"a reply of more than {MAX_REPLY_BYTES:,} bytes"
_CHUNK_BYTES: Final = 65_536
_NETWORK_ERRORS: Final = frozenset({"ConnectError", "ReadError", "WriteError"})
_STATUS_IS_ENOUGH: Final = frozenset(
    {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.TOO_MANY_REQUESTS}
)
"""The body of these replies is not read, so the connection may break within it."""


class Reader(Protocol):
    """``read_batch`` or ``read_single`` with the messages of the request."""

    def __call__(self, *, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return what the reply means."""
        ...


class Chunks:
    """The body of the request in chunks; records when the last one is passed on to be written.

    A signal can arrive after a chunk was sent and before the trace event that says so. A chunk that
    was never passed on cannot have been sent.

    Args:
        parts: the body in parts of any size; they are joined to chunks of at most 64 KiB.
        trace: what is observed of the request.

    Attributes:
        size: the number of bytes of the body.
    """

    def __init__(self, parts: Sequence[Buffer], *, trace: TransportTrace) -> None:
        self._parts = parts
        self._trace = trace
        self.size = sum(map(len, parts))

    def __iter__(self) -> Iterator[bytes]:
        passed = 0
        for chunk in self._chunks():
            passed += len(chunk)
            self._trace.last_chunk_started = passed >= self.size
            yield chunk

    def _chunks(self) -> Iterator[bytes]:
        waiting: list[Buffer] = []
        size = 0
        for piece in _pieces(self._parts):
            if size + len(piece) > _CHUNK_BYTES:
                yield b"".join(waiting)
                waiting, size = [], 0
            waiting.append(piece)
            size += len(piece)
        yield b"".join(waiting)


def _pieces(parts: Iterable[Buffer]) -> Iterator[Buffer]:
    """The parts, of which those that are longer than a chunk are split."""
    for part in parts:
        if len(part) <= _CHUNK_BYTES:
            yield part
            continue
        whole = memoryview(part)
        for start in range(0, len(part), _CHUNK_BYTES):
            yield whole[start : start + _CHUNK_BYTES]


@dataclass(slots=True)
class TransportTrace:
    """What was observed of one request and its reply; filled while httpx works, then evaluated.

    Attributes:
        has_events: whether the transport reports events; without them nothing can be proved.
        called: whether httpx was called to send the request.
        started: whether sending the headers of the POST has started (not of a CONNECT to a proxy).
        last_chunk_started: whether the last chunk of the body was passed on to be written.
        write_failed: whether writing failed, so the last chunk passed on was not sent completely.
        sent: whether the whole request was sent.
        failure: the classes of the exception; "" without one.
        too_slow: whether the connection was shut down because the head of the reply came too late.
        interrupted: whether KeyboardInterrupt or SystemExit ended the request.
        status: the HTTP status; None without a status line.
        headers: the headers of the reply.
        body: the body of the reply, as far as it was read.
        complete: whether the reply was read to its end.
        on_sent: called when the whole request was sent.
    """

    has_events: bool
    called: bool = False
    started: bool = False
    last_chunk_started: bool = False
    write_failed: bool = False
    sent: bool = False
    failure: str = ""
    too_slow: bool = False
    interrupted: bool = False
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    complete: bool = False
    on_sent: Callable[[], None] | None = None

    def on_event(self, event: str, info: Mapping[str, object]) -> None:
        """Record one event of httpcore; source: its "trace" request extension."""
        if event.endswith("send_request_headers.started"):
            self.started = self.started or getattr(info.get("request"), "method", b"") == b"POST"
        elif not self.started:
            return
        elif event.endswith("send_request_body.complete"):
            self.sent = True
            if self.on_sent is not None:
                self.on_sent()
        elif event.endswith(("send_request_headers.failed", "send_request_body.failed")):
            self.write_failed = isinstance(
                info.get("exception"), (httpcore.NetworkError, httpcore.TimeoutException)
            )

    @property
    def is_incomplete(self) -> bool:
        """Whether the server provably lacks a part of the request."""
        nothing_sent = self.has_events and not self.started
        partly_sent = (
            self.has_events and not self.sent and (self.write_failed or not self.last_chunk_started)
        )
        return not self.called or nothing_sent or partly_sent

    def read_body(self, chunks: Iterable[bytes], *, until_s: float) -> None:
        """Read the body of the reply, limited in bytes and in time (*until_s*, monotonic clock)."""
        for chunk in chunks:
            self.body += chunk
            if len(self.body) > MAX_REPLY_BYTES:
                self.failure = _TOO_LONG
                return
            if time.monotonic() > until_s:
                self.failure = TOO_SLOW
                return
        self.complete = True

    def record_failure(self, error: BaseException) -> None:
        """Record the classes of *error*; the exception itself holds the request with its token."""
        self.interrupted = not isinstance(error, Exception)
        cause = error.__context__
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__context__
        is_network_error = type(error).__name__ in _NETWORK_ERRORS and cause is not None
        self.failure = type(error).__name__ + (
            f": {type(cause).__name__}" if is_network_error else ""
        )
        if self.too_slow and not self.interrupted:
            self.failure = TOO_SLOW

    def answer(self, read: Reader) -> Answer:
        """Return what the request came to: what its reply means, or what is known without one."""
        if self.status is not None and (self.complete or self.status in _STATUS_IS_ENOUGH):
            answer = read(status=self.status, headers=self.headers, body=bytes(self.body))
            answer = self._of_incomplete_request(answer) if self.is_incomplete else answer
        else:
            answer = self._without_reply()
        if not self.interrupted:
            return answer
        return replace(
            answer, reason=f"interrupted: {answer.reason}".rstrip(": "), interrupted=True
        )

    def _of_incomplete_request(self, answer: Answer) -> Answer:
        """Return what a reply means if the server lacks a part of the request."""
        if answer.verdict is Verdict.UNKNOWN:  # such as a 502: half an array cannot be processed
            reason = f"HTTP {self.status} before the whole request was sent"
            return Answer(Verdict.UNSENT, reason=reason, http_status=self.status)
        if answer.verdict is Verdict.ANSWERED and any(
            outcome.accepted for outcome in answer.outcomes
        ):
            reason = f"HTTP {self.status} accepts a request that was not sent completely"
            return Answer(Verdict.UNKNOWN, reason=reason, http_status=self.status)
        return answer

    def _without_reply(self) -> Answer:
        """Return what is known without a complete reply."""
        verdict = Verdict.UNSENT if self.is_incomplete else Verdict.UNKNOWN
        reason = f"{self._what_was_sent()} ({self.failure})"
        return Answer(verdict, reason=reason, http_status=self.status)

    def _what_was_sent(self) -> str:
        """Return in words when the reply failed to come."""
        reply = "no reply" if self.status is None else f"incomplete HTTP {self.status} reply"
        if not self.called or (self.has_events and not self.started):
            return "nothing was sent"
        if not self.has_events:
            return f"{reply} from a transport that does not report what was sent"
        if self.is_incomplete:
            return f"{reply} before the whole request was sent"
        if self.sent:
            return f"{reply} after the request was sent"
        return f"{reply} while the end of the request was being sent"
