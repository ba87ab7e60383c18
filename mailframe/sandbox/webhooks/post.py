"""One post of a webhook: to this machine and the hosts of the options, without redirects."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

import httpx

from mailframe.sandbox.state.webhooks.delivery import TRACE_ID, Outcome
from mailframe.sandbox.wire.loopback import is_one_of, loopback_name, without_user

if TYPE_CHECKING:
    from collections.abc import Collection

    from mailframe.sandbox.state.webhooks.delivery import Delivery
    from mailframe.sandbox.state.webhooks.webhooks import Webhook

USER_AGENT: Final = "Postmark"  # A
MAX_ANSWER: Final = 1000
"""How many bytes of the body of an answer are kept."""
_ADDRESSES: Final = {"localhost": ("127.0.0.1", "::1")}
"""No DNS is asked for these, so that they cannot lead to another machine."""
_UNCHECKED_TLS: Final = httpx.create_ssl_context(verify=False)
"""A receiver on this machine often has a certificate of its own making."""


async def post(
    webhook: Webhook, delivery: Delivery, *, timeout_s: float, hosts: Collection[str] = ()
) -> Outcome:
    """Post *delivery* to *webhook*; every failure is an outcome.

    Args:
        webhook: the webhook, with its URL, authentication and headers.
        delivery: what is posted.
        timeout_s: the seconds until an attempt without a complete answer is given up.
        hosts: the hosts that are contacted besides this machine.
    """
    started = time.perf_counter()
    status, error, answer = None, None, ""
    try:
        async with asyncio.timeout(timeout_s):
            status, answer = await _answer_to(webhook, delivery, hosts)
    except TimeoutError:
        error = f"no answer within {timeout_s:g} s"
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        error = str(failure) or type(failure).__name__
    took_ms = round((time.perf_counter() - started) * 1000)
    return Outcome(without_user(webhook.url), status, error, answer, took_ms)


async def _answer_to(
    webhook: Webhook, delivery: Delivery, allowed: Collection[str]
) -> tuple[int, str]:
    """The status and the start of the body.

    Each post has a connection of its own. On one that is used again, a receiver that writes head
    and body of an answer apart, as http.server does, takes 40 ms.
    """
    url, headers = httpx.URL(webhook.url), _headers(webhook, delivery)
    name = loopback_name(url.host)
    if name is None and is_one_of(url.host, allowed):
        name = url.host
    if name is None:
        raise httpx.UnsupportedProtocol(f"the sandbox does not contact {url.host}")
    http = httpx.AsyncClient(
        auth=_auth(webhook, headers),
        verify=_UNCHECKED_TLS,
        trust_env=False,
        timeout=None,  # noqa: S113 - the whole attempt has one
    )
    async with http:
        request = http.build_request("POST", url, headers=headers, content=delivery.body)
        request.extensions["sni_hostname"] = name
        hosts = _ADDRESSES.get(name, (name,))
        for host in hosts:
            request.url = url.copy_with(host=host)  # Host stays
            try:
                response = await http.send(request, stream=True)
            except httpx.ConnectError:
                if host == hosts[-1]:
                    raise
            else:
                return response.status_code, await _start_of(response)
    raise AssertionError  # pragma: no cover - there is a host


async def _start_of(response: httpx.Response) -> str:
    body = b""
    async with contextlib.aclosing(response):
        with contextlib.suppress(httpx.HTTPError):  # it broke off
            async for piece in response.aiter_raw():
                body += piece
                if len(body) >= MAX_ANSWER:
                    break
    return body[:MAX_ANSWER].decode("utf-8", "replace")


def _headers(webhook: Webhook, delivery: Delivery) -> httpx.Headers:
    """Headers of the webhook win over those that are always sent (A)."""
    headers = httpx.Headers(
        {
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            "Connection": "close",
            "Content-Type": "application/json",
            TRACE_ID: delivery.trace_id,
            "X-PM-Retries-Remaining": str(delivery.retries_left),
        }
    )
    headers.update([(header["Name"], header["Value"]) for header in webhook.headers])
    return headers


def _auth(webhook: Webhook, headers: httpx.Headers) -> httpx.Auth | None:
    """None takes user and password of the URL."""
    if "Authorization" in headers:
        return httpx.Auth()  # which leaves the request as it is
    return httpx.BasicAuth(*webhook.auth.values()) if webhook.auth else None
