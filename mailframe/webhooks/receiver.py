"""The receiver as an ASGI application: each request of Postmark, from its headers to its answer."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from mailframe.errors import MailframeError
from mailframe.pages.text import one_line
from mailframe.webhooks.address import PATH
from mailframe.webhooks.event import event_of, line_of
from mailframe.webhooks.event_file import MAX_EVENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from mailframe.webhooks.credentials import Credentials
    from mailframe.webhooks.storing import Storing

BODY_S: Final = 30.0
"""Postmark repeats a post that is answered with 408."""
_MOST_OF_KIND: Final = 40


class Receiver:
    """Answers 200 when an event is on the disk, and nothing before.

    Args:
        storing: stores the events.
        credentials: what each request must have; None accepts all.
        write: gets one line per request, without personal data.
        body_s: the seconds in which the body of a request must arrive.
    """

    def __init__(
        self,
        storing: Storing,
        *,
        credentials: Credentials | None,
        write: Callable[[str], None],
        body_s: float = BODY_S,
    ) -> None:
        self._storing = storing
        self._credentials = credentials
        self._write = write
        self._body_s = body_s

    def app(self) -> Starlette:
        """The application: ``POST /postmark``."""
        app = Starlette(
            routes=[Route(PATH, self._receive, methods=["POST"])],
            exception_handlers={HTTPException: self._elsewhere},  # type: ignore[dict-item]
        )
        app.router.redirect_slashes = False  # Postmark follows no redirect
        return app

    async def _receive(self, request: Request) -> PlainTextResponse:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        try:
            async with asyncio.timeout(self._body_s):
                body = await _body(request)
        except TimeoutError:
            return self._answer(408, f"the body did not arrive in {self._body_s:g} seconds")
        except asyncio.CancelledError:  # a signal came, and the time for requests under way is over
            return self._answer(503, "the receiver ends")
        except ClientDisconnect:
            return self._answer(400, "the body did not arrive")  # which nobody reads
        if body is None:
            return self._answer(413, f"an event has at most {MAX_EVENT_BYTES:,} bytes")
        return await self._stored(body)

    def _refusal(self, request: Request) -> PlainTextResponse | None:
        """The answer that needs no body; None if it is to be read."""
        if self._credentials is not None and not self._credentials.fit(
            request.headers.get("authorization")
        ):
            challenge = {"WWW-Authenticate": 'Basic realm="mailframe webhooks", charset="UTF-8"'}
            return self._answer(401, "wrong user or password", headers=challenge)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":  # which no page of another site can send
            return self._answer(415, "the Content-Type is not application/json")
        return None

    async def _elsewhere(self, _request: Request, error: HTTPException) -> PlainTextResponse:
        """The answer to another path or method; a path may have personal data."""
        headers = dict(error.headers or {})
        return self._answer(error.status_code, f"webhooks are posted to {PATH}", headers=headers)

    async def _stored(self, body: bytes) -> PlainTextResponse:
        event = event_of(body)
        if event is None:
            return self._answer(400, "not a JSON object with a RecordType")
        kind = one_line(event.kind, most=_MOST_OF_KIND)
        try:
            is_new = await self._storing.store(event.identity, line_of(body))
        except OSError as error:
            return self._answer(500, f"{kind} could not be stored: {error.strerror}")
        except MailframeError as error:
            return self._answer(500, f"{kind} could not be stored: {one_line(str(error))}")
        return self._answer(200, f"{kind} {'stored' if is_new else 'was stored before'}")

    def _answer(
        self, status: int, text: str, *, headers: dict[str, str] | None = None
    ) -> PlainTextResponse:
        self._write(f"{status} {HTTPStatus(status).phrase}: {text}")
        return PlainTextResponse(text, status_code=status, headers=headers)


async def _body(request: Request) -> bytes | None:
    """The body; None if it is too long."""
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > MAX_EVENT_BYTES:
        return None
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_EVENT_BYTES:
            return None
    return bytes(body)
