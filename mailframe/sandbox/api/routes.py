"""Which function answers which path and method."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mailframe.sandbox.api import (
    bounces,
    bulk,
    control,
    domains,
    inbound,
    messages,
    opens_and_clicks,
    senders,
    sending,
    server,
    servers,
    stats,
    streams,
    suppressions,
    template_push,
    template_validation,
    templated_sending,
    templates,
    unsubscribing,
    viewing,
    webhook_log,
    webhooks,
)
from mailframe.sandbox.api.intake import EndpointResult
from mailframe.sandbox.checks import texts
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.inbox import routes as pages
from mailframe.sandbox.wire.exchange import Reply, Request, error_reply

if TYPE_CHECKING:
    from mailframe.sandbox.state.store import Store

Endpoint = Callable[[Request, "Store"], "EndpointResult | Reply"]
Routes = Mapping[str, Mapping[str, Endpoint]]

POSTMARK: Final[Routes] = {
    **sending.ROUTES,
    **templated_sending.ROUTES,
    **bulk.ROUTES,
    **messages.ROUTES,
    **opens_and_clicks.ROUTES,
    **inbound.ROUTES,
    **bounces.ROUTES,
    **stats.ROUTES,
    **streams.ROUTES,
    **suppressions.ROUTES,
    **server.ROUTES,
    **templates.ROUTES,
    **template_validation.ROUTES,
    **template_push.ROUTES,
    **webhooks.ROUTES,
    **servers.ROUTES,
    **domains.ROUTES,
    **senders.ROUTES,
}
"""The functions of Postmark's API by path and method."""
OF_SANDBOX: Final[Routes] = {
    **control.ROUTES,
    **viewing.ROUTES,
    **inbound.CONTROL,
    **senders.CONTROL,
    **webhook_log.CONTROL,
    **pages.ROUTES,
}
"""The functions of the sandbox itself: its pages and ``/_sandbox/``."""
ROUTES: Final[Routes] = {**POSTMARK, **OF_SANDBOX, **unsubscribing.ROUTES}
"""All functions by path and method; ``{id}`` in a path stands for any text without a slash."""
SENDS: Final = frozenset(
    {"/email", "/email/batch", "/email/withtemplate", "/email/batchwithtemplates", "/email/bulk"}
)
_BY_PATH: Final = {path.lower(): path for path in ROUTES}
_PATTERNS: Final = [
    (re.compile(re.sub(r"\{\w+\}", "([^/]+)", path), re.IGNORECASE), path)
    for path in ROUTES
    if "{" in path
]


def answer(request: Request, store: Store) -> EndpointResult:
    """Answer *request*; the state is changed by every endpoint but those that send.

    The checks run in the order of Postmark: path and method (404, 405) → token (401) → headers
    (415) → size (413) → JSON (402) → types (403) → count (410) → each message (see
    ``message_checks.py``). The first error is the one reported.
    """
    try:
        endpoint, params = _endpoint(request)
        result = endpoint(request.at(params) if params else request, store)
    except CheckFailed as error:
        result = error_reply(error)
    return EndpointResult(result) if isinstance(result, Reply) else result


def _endpoint(request: Request) -> tuple[Endpoint, dict[str, str]]:
    path, params = match(request.path)
    if path is None:
        raise CheckFailed(404, texts.NO_ROUTE, http_status=404)
    method = "GET" if request.method == "HEAD" else request.method
    return ROUTES[path].get(method, _other_method), params


def _other_method(request: Request, store: Store) -> Reply:
    """405 with the methods of the path; OPTIONS asks for them."""
    del store
    path, _ = match(request.path)
    methods = ROUTES[path or "/"]
    allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])
    if request.method == "OPTIONS":
        return Reply(204, b"", headers=(("Allow", allowed),))
    reply = error_reply(CheckFailed(405, texts.WRONG_METHOD, http_status=405))
    return replace(reply, headers=(*reply.headers, ("Allow", allowed)))


def match(path: str) -> tuple[str | None, dict[str, str]]:
    """The route of *path*, and what stands in it for each name; None if there is none.

    Case and a slash at the end are ignored.

    >>> match("/Messages/outbound/4bba52b4/Details/")
    ('/messages/outbound/{id}/details', {'id': '4bba52b4'})
    >>> match("/nowhere")
    (None, {})
    """
    path = path if path == "/" else path.removesuffix("/")
    if path.lower() in _BY_PATH:
        return _BY_PATH[path.lower()], {}
    for pattern, route in _PATTERNS:
        matched = pattern.fullmatch(path)
        if matched:
            return route, dict(zip(re.findall(r"\{(\w+)\}", route), matched.groups(), strict=True))
    return None, {}


def is_of_inbox(method: str, path: str) -> bool:
    """Whether this asks for a page or uses ``/_sandbox/``; these requests are not recorded.

    >>> is_of_inbox("GET", "/"), is_of_inbox("POST", "/"), is_of_inbox("GET", "/nowhere")
    (True, False, False)
    """
    route, _ = match(path)
    return route is not None and route in OF_SANDBOX and method in OF_SANDBOX[route]


def is_send(method: str, path: str) -> bool:
    """Whether this is a POST of messages; these requests are numbered and hit by faults.

    >>> is_send("POST", "/Email/Batch/"), is_send("GET", "/email")
    (True, False)
    """
    return method == "POST" and path.lower().removesuffix("/") in SENDS
