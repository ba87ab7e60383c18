"""The sandbox in process: an httpx transport under the same rules, without an extra and without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import httpx

from mailframe.sandbox.faults import Ending

if TYPE_CHECKING:
    import threading

    from mailframe.sandbox.request_handler import Exchange, Settled


class InProcessTransport(httpx.BaseTransport):
    """Answers httpx without a socket, and raises what a socket would have made httpx raise.

    A closed or half answered connection raises RemoteProtocolError, a reset one ReadError, a wait longer than
    the read timeout ReadTimeout, a closed sandbox ConnectError. The events of httpcore's ``trace`` extension
    that tell whether a request has left are given too. ``close_before_body`` acts as on a body that is too
    large for the buffers of the kernel: ``send_request_body.complete`` is never seen.
    """

    def __init__(self, exchange: Exchange, closing: threading.Event) -> None:
        self._exchange = exchange
        self._closing = closing

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, in the caller's thread."""
        if self._closing.is_set():
            raise httpx.ConnectError("All connection attempts failed", request=request)
        visit = self._exchange.arrive(
            request.method,
            request.url.path,
            int(request.headers.get("content-length", 0)),
            query=request.url.query.decode("ascii"),
        )
        _trace(request, "http11.send_request_headers.started")
        _trace(request, "http11.send_request_headers.complete")
        _trace(request, "http11.send_request_body.started")
        if visit.ends_before_body:
            self._exchange.abandon(visit, 0)
            _disconnected(request)
        body = request.read()
        _trace(request, "http11.send_request_body.complete")
        hangup_s = visit.waits_for_hangup_s
        timed_out = self._wait(request, hangup_s) if hangup_s else False
        headers = {name.lower(): value for name, value in request.headers.items()}
        settled = self._exchange.settle(visit, headers, body, len(body))
        if timed_out or (settled.delay_s and self._wait(request, settled.delay_s)):
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        return _ended(request, settled)

    def _wait(self, request: httpx.Request, seconds: float) -> bool:
        """Wait; whether the client's read timeout came first."""
        timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
        timeout_s = timeouts.get("read")
        is_too_long = timeout_s is not None and timeout_s < seconds
        self._closing.wait(timeout_s if is_too_long else seconds)
        return is_too_long and not self._closing.is_set()


def _ended(request: httpx.Request, settled: Settled) -> httpx.Response:
    reply = settled.reply
    if settled.ending is Ending.RESET:
        raise httpx.ReadError("[Errno 104] Connection reset by peer", request=request)
    if settled.ending is Ending.HALF:
        found, expected = len(reply.body) // 2, len(reply.body)
        raise httpx.RemoteProtocolError(
            "peer closed connection without sending complete message body "
            f"(received {found} bytes, expected {expected})",
            request=request,
        )
    if settled.ending is not Ending.ANSWER:
        _disconnected(request)
    headers = [("content-type", reply.content_type), *reply.headers]
    return httpx.Response(reply.status, headers=headers, content=reply.body, request=request)


def _disconnected(request: httpx.Request) -> NoReturn:
    raise httpx.RemoteProtocolError(
        "Server disconnected without sending a response.", request=request
    )


def _trace(request: httpx.Request, event: str) -> None:
    trace: Any = request.extensions.get("trace")
    if trace is not None:
        trace(event, {})
