"""The sandbox in process: an httpx transport with the same rules, without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn, cast

import anyio.to_thread
import httpx

from mailframe.sandbox.faults.names import Ending

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator

    from mailframe.sandbox.serving.request_handler import PlannedReply, RequestHandler

BODY: Final = "the body"


class InProcessTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers httpx without a socket, and raises what httpx would raise over a socket.

    It serves ``httpx.Client`` and ``httpx.AsyncClient``. A closed or half answered connection
    raises RemoteProtocolError, a reset one ReadError, a wait that is longer than the read timeout
    ReadTimeout, a closed sandbox ConnectError. It emits the events of httpcore's ``trace``
    extension that show how much of a request was sent. ``close_before_body`` behaves as it does
    with a body that is too large for the buffers of the kernel: ``send_request_body.complete`` is
    not emitted.

    Args:
        handler: the handler of the sandbox.
        closing: the event that is set when the sandbox is closed.
    """

    def __init__(self, handler: RequestHandler, closing: threading.Event) -> None:
        self._handler = handler
        self._closing = closing

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, in the thread of the caller."""
        trace, steps = request.extensions.get("trace"), self._steps(request)
        done: bytes | None = None
        while True:
            try:
                step = steps.send(done)
            except StopIteration as end:
                return cast("httpx.Response", end.value)
            done = None
            if isinstance(step, float):
                self._closing.wait(step)
            elif step is BODY:
                done = request.read()
            elif trace is not None:
                trace(step, {})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; only a wait of a fault lets other tasks run."""
        trace, steps = request.extensions.get("trace"), self._steps(request)
        done: bytes | None = None
        while True:
            try:
                step = steps.send(done)
            except StopIteration as end:
                return cast("httpx.Response", end.value)
            done = None
            if isinstance(step, float):
                await anyio.to_thread.run_sync(self._closing.wait, step, abandon_on_cancel=True)
            elif step is BODY:
                done = await request.aread()
            elif trace is not None:
                await trace(step, {})

    def _steps(
        self, request: httpx.Request
    ) -> Generator[str | float, bytes | None, httpx.Response]:
        """What to do for one request: seconds to wait, BODY to read it, else an event to emit."""
        if self._closing.is_set():
            raise httpx.ConnectError("All connection attempts failed", request=request)
        pending = self._handler.begin(
            request.method,
            request.url.path,
            int(request.headers.get("content-length", 0)),
            query=request.url.query.decode("ascii"),
        )
        yield "http11.send_request_headers.started"
        yield "http11.send_request_headers.complete"
        yield "http11.send_request_body.started"
        if pending.effect.before_body:
            self._handler.abandon(pending, 0)
            _raise_disconnected(request)
        body = (yield BODY) or b""
        yield "http11.send_request_body.complete"
        timeout_s = request.extensions.get("timeout", {}).get("read")
        is_timeout = False
        if pending.hangup_wait_s:
            is_timeout = yield from self._wait(pending.hangup_wait_s, timeout_s)
        headers = {name.lower(): value for name, value in request.headers.items()}
        planned = self._handler.respond(pending, headers, body, len(body))
        if planned.delay_s and not is_timeout:
            is_timeout = yield from self._wait(planned.delay_s, timeout_s)
        if is_timeout:
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        return _response(request, planned)

    def _wait(
        self, seconds: float, timeout_s: float | None
    ) -> Generator[float, bytes | None, bool]:
        """Wait; whether the read timeout of the client passes first."""
        is_too_long = timeout_s is not None and timeout_s < seconds
        yield float(timeout_s if timeout_s is not None and is_too_long else seconds)
        return is_too_long and not self._closing.is_set()


def _response(request: httpx.Request, planned: PlannedReply) -> httpx.Response:
    reply = planned.reply.made()
    if planned.ending is Ending.RESET:
        raise httpx.ReadError("[Errno 104] Connection reset by peer", request=request)
    if planned.ending is Ending.HALF:
        received, expected = len(reply.body) // 2, len(reply.body)
        raise httpx.RemoteProtocolError(
            "peer closed connection without sending complete message body "
            f"(received {received} bytes, expected {expected})",
            request=request,
        )
    if planned.ending is not Ending.ANSWER:
        _raise_disconnected(request)
    headers = [("content-type", reply.content_type), *reply.headers]
    if request.method == "HEAD":
        headers.append(("content-length", str(len(reply.body))))
        return httpx.Response(reply.status, headers=headers, request=request)
    return httpx.Response(reply.status, headers=headers, content=reply.body, request=request)


def _raise_disconnected(request: httpx.Request) -> NoReturn:
    raise httpx.RemoteProtocolError(
        "Server disconnected without sending a response.", request=request
    )
