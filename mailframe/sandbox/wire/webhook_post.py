"""One attempt to post a webhook: to this machine only, without redirects, with a time limit."""

from __future__ import annotations

import asyncio
import base64
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import httpx

from mailframe.sandbox.state.webhook_queue import Outcome
from mailframe.sandbox.wire.loopback import loopback_name, without_user

if TYPE_CHECKING:
    from mailframe.sandbox.state.webhook_queue import Delivery
    from mailframe.sandbox.state.webhooks import Webhook

USER_AGENT: Final = "Postmark"  # A
MAX_ANSWER: Final = 1000
"""How many bytes of an answer are kept; the rest is not read."""
_ADDRESSES: Final = {"localhost": ("127.0.0.1", "::1")}
"""No DNS is asked, so that a name cannot lead to another machine."""


def new_client() -> httpx.AsyncClient:
    """A client that follows no redirect, no proxy and no setting of the environment.

    A receiver on this machine often has a certificate of its own making, so none is checked.
    """
    return httpx.AsyncClient(
        trust_env=False,
        follow_redirects=False,
        verify=False,  # noqa: S501 - loopback only
        limits=httpx.Limits(max_connections=100, keepalive_expiry=5.0),
    )


async def post(
    client: httpx.AsyncClient, webhook: Webhook, delivery: Delivery, *, timeout_s: float
) -> Outcome:
    """Post *delivery* to *webhook*; every failure is an outcome.

    Args:
        client: the client.
        webhook: the webhook, with its URL, authentication and headers.
        delivery: what is posted.
        timeout_s: the seconds until an attempt without a complete answer is given up.
    """
    started = time.perf_counter()
    status, error, answer = None, None, ""
    try:
        async with asyncio.timeout(timeout_s):
            status, answer = await _answer(client, webhook, delivery)
    except TimeoutError:
        error = f"no answer within {timeout_s:g} s"
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as failure:
        error = f"{type(failure).__name__}: {failure}".removesuffix(": ")
    return Outcome(
        without_user(webhook.url),
        status,
        error,
        answer,
        round((time.perf_counter() - started) * 1000),
    )


async def _answer(
    client: httpx.AsyncClient, webhook: Webhook, delivery: Delivery
) -> tuple[int, str]:
    url = httpx.URL(webhook.url)
    name = loopback_name(url.host)
    if name is None:
        raise ValueError("the sandbox posts to this machine only")
    hosts = _ADDRESSES.get(name, (name,))
    for host in hosts:
        try:
            return await _from(client, url, host, _headers(url, webhook, delivery), delivery.body)
        except httpx.ConnectError:
            if host == hosts[-1]:
                raise
    raise AssertionError  # pragma: no cover - there is a host


async def _from(
    client: httpx.AsyncClient, url: httpx.URL, host: str, headers: httpx.Headers, body: bytes
) -> tuple[int, str]:
    address = url.copy_with(host=host, username=None, password=None)
    async with client.stream("POST", address, content=body, headers=headers) as response:
        answer = b""
        async for chunk in response.aiter_raw():
            answer += chunk
            if len(answer) >= MAX_ANSWER:
                break
        return response.status_code, answer[:MAX_ANSWER].decode("utf-8", "replace")


def _headers(url: httpx.URL, webhook: Webhook, delivery: Delivery) -> httpx.Headers:
    """The headers; those of the webhook win over those that are always sent (A)."""
    headers = httpx.Headers(
        {
            "Host": url.netloc.decode("ascii"),
            "User-Agent": USER_AGENT,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "X-PM-Webhook-Trace-Id": delivery.trace_id,
            "X-PM-Retries-Remaining": str(delivery.retries_left),
        }
    )
    user = webhook.auth or {"Username": unquote(url.username), "Password": unquote(url.password)}
    if any(user.values()):
        pair = f"{user['Username']}:{user['Password']}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    for header in webhook.headers:
        headers[header["Name"]] = header["Value"]
    return headers
