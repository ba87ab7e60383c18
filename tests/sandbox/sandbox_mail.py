"""Messages and requests of the tests of the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from mailframe.sandbox import LocalPostmark

HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}


def mail(**fields: Any) -> dict[str, Any]:
    """A valid message, changed by *fields*; None removes a field."""
    message = {
        "From": "hello@example.com",
        "To": "ann@example.com",
        "Subject": "Hi",
        "TextBody": "Hi Ann",
    }
    return {name: value for name, value in {**message, **fields}.items() if value is not None}


def client(sandbox: LocalPostmark, *, timeout_s: float = 10.0) -> httpx.Client:
    """A client of *sandbox*: with its socket if it has one, else in process."""
    transport = httpx.HTTPTransport(verify=False) if sandbox.port else sandbox.transport()
    headers = {**HEADERS, "X-Postmark-Server-Token": sandbox.token}
    return httpx.Client(
        transport=transport, base_url=sandbox.url, headers=headers, timeout=timeout_s
    )


def post(
    sandbox: LocalPostmark, payload: Any, *, timeout_s: float = 10.0, **options: Any
) -> httpx.Response:
    """Post a message or a list of them on a new connection; *options* are passed to httpx."""
    path = "/email/batch" if isinstance(payload, list) else "/email"
    with client(sandbox, timeout_s=timeout_s) as http:
        return http.post(path, json=payload, **options)


def refusal(sandbox: LocalPostmark, **fields: Any) -> tuple[int, int, str]:
    """HTTP status, ErrorCode and Message for a message with *fields*."""
    response = post(sandbox, mail(**fields))
    return response.status_code, response.json()["ErrorCode"], response.json()["Message"]
