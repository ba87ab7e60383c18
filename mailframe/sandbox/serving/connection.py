"""One connection of a client: HTTP/1.1 by h11 over an asyncio transport.

The connection ends each request as its fault says: with an answer, half an answer, a close or a
reset. It closes the connections of clients that take longer than the limits.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import time
from enum import Enum, auto
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import h11

from mailframe.sandbox.api.credentials import MAX_BATCH_BYTES
from mailframe.sandbox.faults.names import Ending
from mailframe.sandbox.wire import texts
from mailframe.sandbox.wire.access import refused
from mailframe.sandbox.wire.http_text import (
    answer_bytes,
    half_answer,
    headers_by_name,
    keeps_alive,
    path_and_query,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from mailframe.sandbox.serving.request_handler import (
        PendingRequest,
        PlannedReply,
        RequestHandler,
    )
    from mailframe.sandbox.wire.access import Access
    from mailframe.sandbox.wire.exchange import Reply
    from mailframe.sandbox.wire.limits import Limits

LOGGER = logging.getLogger("mailframe.sandbox")
# SO_LINGER on, zero seconds: the kernel sends RST instead of FIN.
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
DRAIN_S: Final = 2.0
"""Seconds in which a client that still sends can read why its request was refused."""
MAX_WAITING_BYTES: Final = 65_536
"""Bytes of the next request that are read while one is answered."""
TLS_HANDSHAKE: Final = b"\x16\x03"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Phase(Enum):
    """What a connection waits for."""

    HEAD = auto()
    """The first request, or the rest of a head."""
    BODY = auto()
    """The rest of a body."""
    ANSWER = auto()
    """The answer, or the end of a fault."""
    IDLE = auto()
    """The next request."""
    DRAIN = auto()
    """The end of what a refused client sends; nothing of it is used."""
    END = auto()
    """The rest of an answer to be sent; then it is closed."""


class Connection(asyncio.Protocol):
    """One connection.

    Args:
        handler: the handler of the sandbox.
        access: who may use the sandbox.
        limits: how long a client may take.
        connections: the open connections, to which it adds itself.
        pages: the thread that makes pages, so that other connections are answered meanwhile.
    """

    _transport: asyncio.Transport

    def __init__(
        self,
        handler: RequestHandler,
        access: Access,
        limits: Limits,
        connections: set[Connection],
        pages: Executor,
    ) -> None:
        self._handler, self._access, self._limits = handler, access, limits
        self._connections, self._pages = connections, pages
        self._loop = asyncio.get_running_loop()
        self._http, self._keeps_alive = self._next_reader(), True
        self._method, self._headers = "", dict[str, str]()
        self._body, self._body_bytes = bytearray(), 0
        self._pending: PendingRequest | None = None
        self._refusal: Reply | None = None
        self._after_wait: Callable[[], None] | None = None
        self._page: asyncio.Future[Reply] | None = None
        self._wait: asyncio.TimerHandle | None = None
        self._clock: asyncio.TimerHandle | None = None
        self._unread_bytes: int | None = None  # of an answer that the client reads slowly

    @property
    def descriptor(self) -> int:
        """The file descriptor of its socket; -1 if it is closed."""
        connection: socket.socket = self._transport.get_extra_info("socket")
        return connection.fileno()

    # --- what asyncio calls ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # a socket's
        """A client has connected."""
        self._transport = transport
        if len(self._connections) >= self._limits.connections:
            LOGGER.warning("refused a connection: %d are open", len(self._connections))
            self._phase = Phase.END
            transport.abort()
            return
        self._connections.add(self)
        self._begin(Phase.HEAD)

    def data_received(self, data: bytes) -> None:
        """A part of a request has arrived."""
        if self._phase in (Phase.DRAIN, Phase.END):
            return
        if data.startswith(TLS_HANDSHAKE) and self._phase is Phase.HEAD and not self._received:
            LOGGER.warning("a client used https://; the sandbox has only http://")
            self._end(self._transport.abort)
            return
        if self._phase is Phase.IDLE:
            self._begin(Phase.HEAD)
        self._received += len(data)
        self._guarded(lambda: self._http.receive_data(data), self._read_events)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client or the sandbox has disconnected."""
        del exc
        self._abandon()
        self._phase = Phase.END
        self._connections.discard(self)
        if self._clock is not None:
            self._clock.cancel()
        self._clock = None
        self._drop_page()
        self.end_wait()

    def pause_writing(self) -> None:
        """The client does not read the answer as fast as it is written."""
        self._unread_bytes = self._transport.get_write_buffer_size()
        self._check_at(self._loop.time() + self._limits.write_s)

    def resume_writing(self) -> None:
        """The client has read most of the answer."""
        self._unread_bytes = None
        self._begin(self._phase)

    # --- requests --------------------------------------------------------------------------------

    def _guarded(self, *steps: Callable[[], None]) -> None:
        """Take steps, of which none may leave a client without an answer."""
        try:
            for step in steps:
                step()
        except h11.RemoteProtocolError as error:
            is_head = error.error_status_hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            text = texts.HEAD_TOO_LARGE if is_head else texts.MALFORMED
            self._refuse(refused(error.error_status_hint, text))
        except Exception:
            LOGGER.exception("the sandbox failed to answer a request")
            self._refuse(refused(500, texts.FAILED))

    def _read_events(self) -> None:
        while self._phase in (Phase.HEAD, Phase.BODY):
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                self._read_head(event)
            elif isinstance(event, h11.Data):
                self._read_body(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self._read_end()
            else:
                return
        if self._phase is Phase.ANSWER and len(self._http.trailing_data[0]) > MAX_WAITING_BYTES:
            self._transport.pause_reading()

    def _read_head(self, event: h11.Request) -> None:
        self._method, self._headers = event.method.decode("ascii"), headers_by_name(event.headers)
        self._keeps_alive = keeps_alive(event.http_version, self._headers)
        self._body, self._body_bytes = bytearray(), 0
        self._begin(Phase.BODY)
        declared_bytes = int(self._headers.get("content-length", 0))
        path, query = path_and_query(event.target.decode("ascii"))
        self._refusal = self._access.refusal(self._method, path, self._headers)
        if self._refusal is not None:
            self._handler.refuse(self._method, path, self._refusal.status)
        else:
            self._refusal = self._access.preflight(self._method, self._headers)
        if self._refusal is None:
            self._pending = self._handler.begin(self._method, path, declared_bytes, query=query)
            if self._pending.effect.before_body:
                self._handler.abandon(self._pending, 0)
                self._pending = None
                self._end(self._transport.close)
                return
        if declared_bytes > self._limits.body_bytes:
            self._refuse(refused(413, texts.BODY_TOO_LARGE))
        elif self._http.they_are_waiting_for_100_continue:
            self._transport.write(CONTINUE)

    def _read_body(self, data: bytes) -> None:
        self._body_bytes += len(data)
        if self._pending is not None:
            self._body += data[: MAX_BATCH_BYTES + 1 - len(self._body)]
        if self._body_bytes > self._limits.body_bytes:
            self._refuse(refused(413, texts.BODY_TOO_LARGE))

    def _read_end(self) -> None:
        self._begin(Phase.ANSWER)
        pending, self._pending = self._pending, None
        if pending is None:
            self._answer(self._refusal)
        elif pending.hangup_wait_s:
            self._wait_for(pending.hangup_wait_s, lambda: self._respond(pending))
        else:
            self._respond(pending)

    def _respond(self, pending: PendingRequest) -> None:
        body, self._body = bytes(self._body), bytearray()
        planned = self._handler.respond(pending, self._headers, body, self._body_bytes)
        if planned.delay_s and self._phase is not Phase.END:
            self._wait_for(planned.delay_s, lambda: self._finish(planned))
        else:
            self._finish(planned)

    def _finish(self, planned: PlannedReply) -> None:
        if self._phase is Phase.END:
            return
        if planned.ending is Ending.ANSWER and planned.reply.later is not None:
            self._page = self._loop.run_in_executor(self._pages, planned.reply.made)
            self._page.add_done_callback(self._answer_page)
        elif planned.ending is Ending.ANSWER:
            self._answer(planned.reply)
        elif planned.ending is Ending.RESET:
            connection: socket.socket = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self._end(self._transport.abort)
        else:
            if planned.ending is Ending.HALF:
                self._transport.write(half_answer(planned.reply.made()))
            self._end(self._transport.close)

    def _abandon(self) -> None:
        """Record a request whose body did not arrive."""
        pending, self._pending = self._pending, None
        if pending is not None:
            self._handler.abandon(pending, self._body_bytes)

    # --- answers ---------------------------------------------------------------------------------

    def _answer(self, reply: Reply | None) -> None:
        if reply is not None:
            self._write(reply)
        if not self._keeps_alive:
            self._end(self._transport.close)
            return
        more, _ = self._http.trailing_data
        self._http = self._next_reader()
        self._method, self._headers = "", {}
        self._begin(Phase.HEAD if more else Phase.IDLE)
        if more:
            self._http.receive_data(more)

    def _next_reader(self) -> h11.Connection:
        """h11 reads one request; to write an answer by it would take four times as long."""
        return h11.Connection(h11.SERVER, max_incomplete_event_size=self._limits.head_bytes)

    def _write(self, reply: Reply) -> None:
        headers = self._access.page_headers(self._headers)
        if not self._keeps_alive:
            headers = (*headers, ("connection", "close"))
        self._transport.write(
            answer_bytes(
                reply, *headers, seconds=int(time.time()), with_body=self._method != "HEAD"
            )
        )

    def _refuse(self, reply: Reply) -> None:
        """Answer before the request has been read, and close."""
        self._abandon()
        self._keeps_alive = False
        self._write(reply)
        self._transport.write_eof()
        self._begin(Phase.DRAIN)

    def _answer_page(self, page: asyncio.Future[Reply]) -> None:
        if not page.cancelled():
            self._go_on(lambda: self._answer(page.result()))

    def _drop_page(self) -> None:
        """Do not make a page that nobody reads."""
        if self._page is not None:
            self._page.cancel()

    def _end(self, close: Callable[[], None]) -> None:
        self._drop_page()
        self._begin(Phase.END)
        close()

    # --- waits of faults -------------------------------------------------------------------------

    def _wait_for(self, seconds: float, after: Callable[[], None]) -> None:
        """Go on after the time, or as soon as the client disconnects or the sandbox is closed."""
        self._after_wait = after
        self._wait = self._loop.call_later(seconds, self.end_wait)

    def end_wait(self) -> None:
        """Go on with what waits, if anything does."""
        after, self._after_wait = self._after_wait, None
        if self._wait is not None:
            self._wait.cancel()
            self._wait = None
        if after is not None:
            self._go_on(after)

    def _go_on(self, after: Callable[[], None]) -> None:
        self._guarded(after)
        if self._phase is not Phase.END:
            self._transport.resume_reading()
            self._guarded(self._read_events)

    def shut_down(self) -> None:
        """End each wait, write the answers, and close."""
        while self._after_wait is not None:
            self.end_wait()
        self._end(self._transport.close)

    def abort(self) -> None:
        """Close without waiting for the client to read its answer."""
        self._transport.abort()

    # --- limits ----------------------------------------------------------------------------------

    def _begin(self, phase: Phase) -> None:
        self._phase, self._since, self._received = phase, self._loop.time(), 0
        latest = self._latest()
        if latest is not None:
            self._check_at(latest)

    def _latest(self) -> float | None:
        """The time at which the phase is over; None if the client has no part in it."""
        limits, phase = self._limits, self._phase
        if phase is Phase.ANSWER:
            return None
        if phase is Phase.IDLE:
            return self._since + limits.idle_s
        if phase is Phase.DRAIN:
            return self._since + DRAIN_S
        if phase is Phase.END:
            return self._since + limits.write_s
        seconds = limits.head_s if phase is Phase.HEAD else limits.body_s
        return self._since + seconds + self._received / limits.bytes_per_s

    def _check_at(self, when: float) -> None:
        """Check the limits at that time; a timer that ends earlier sets the next one."""
        if self._clock is not None:
            if self._clock.when() <= when:
                return
            self._clock.cancel()
        self._clock = self._loop.call_at(when, self._check)

    def _check(self) -> None:
        self._clock = None
        if self._unread_bytes is not None:
            self._check_reader(self._unread_bytes)
            return
        latest = self._latest()
        if latest is None:
            return
        if self._loop.time() < latest:
            self._check_at(latest)
        elif self._received and self._phase in (Phase.HEAD, Phase.BODY):
            self._refuse(refused(408, texts.TOO_SLOW))
        else:
            self._abandon()
            self._transport.abort()

    def _check_reader(self, unread_bytes: int) -> None:
        """Close if the client has read nothing of its answer since the last check."""
        self._unread_bytes = self._transport.get_write_buffer_size()
        if self._unread_bytes < unread_bytes:
            self._check_at(self._loop.time() + self._limits.write_s)
        else:
            self._transport.abort()
