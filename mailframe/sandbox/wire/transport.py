"""The sandbox in process: an httpx transport with the same rules, without an extra or a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import httpx

from mailframe.sandbox.wire.faults import Ending

if TYPE_CHECKING:
    import threading

    from mailframe.sandbox.wire.request_handler import PlannedReply, RequestHandler


class InProcessTransport(httpx.BaseTransport):
    """Answers httpx without a socket, and raises what httpx would raise over a socket.

    A closed or half answered connection raises RemoteProtocolError, a reset one ReadError, a wait
    that is longer than the read timeout ReadTimeout, a closed sandbox ConnectError. It emits the
    events of httpcore's ``trace`` extension that show how much of a request was sent.
    ``close_before_body`` behaves as it does with a body that is too large for the buffers of the
    kernel: ``send_request_body.complete`` is not emitted.

    Args:
        handler: the handler of the sandbox.
        closing: the event that is set when the sandbox is closed.
    """

    def __init__(self, handler: RequestHandler, closing: threading.Event) -> None:
        self._handler = handler
        self._closing = closing

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, in the thread of the caller."""
        if self._closing.is_set():
            raise httpx.ConnectError("All connection attempts failed", request=request)
        pending = self._handler.begin(
            request.method,
            request.url.path,
            int(request.headers.get("content-length", 0)),
            query=request.url.query.decode("ascii"),
        )
        _trace(request, "http11.send_request_headers.started")
        _trace(request, "http11.send_request_headers.complete")
        _trace(request, "http11.send_request_body.started")
        if pending.effect.before_body:
            self._handler.abandon(pending, 0)
            _raise_disconnected(request)
        body = request.read()
        _trace(request, "http11.send_request_body.complete")
        wait_s = pending.hangup_wait_s
        is_timeout = self._wait(request, wait_s) if wait_s else False
        headers = {name.lower(): value for name, value in request.headers.items()}
        planned = self._handler.respond(pending, headers, body, len(body))
        if is_timeout or (planned.delay_s and self._wait(request, planned.delay_s)):
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        return _response(request, planned)

    def _wait(self, request: httpx.Request, seconds: float) -> bool:
        """Wait; whether the read timeout of the client passes first."""
        timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
        timeout_s = timeouts.get("read")
        is_too_long = timeout_s is not None and timeout_s < seconds
        self._closing.wait(timeout_s if is_too_long else seconds)
        return is_too_long and not self._closing.is_set()


def _response(request: httpx.Request, planned: PlannedReply) -> httpx.Response:
    reply = planned.reply
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
    return httpx.Response(reply.status, headers=headers, content=reply.body, request=request)


def _raise_disconnected(request: httpx.Request) -> NoReturn:
    raise httpx.RemoteProtocolError(
        "Server disconnected without sending a response.", request=request
    )


def _trace(request: httpx.Request, event: str) -> None:
    trace: Any = request.extensions.get("trace")
    if trace is not None:
        trace(event, {})
