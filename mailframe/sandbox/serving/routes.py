"""Which function answers which path and method: Postmark's API, the inbox, ``/_sandbox/``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mailframe.sandbox.api.answers import EndpointResult, error_reply
from mailframe.sandbox.api.routes import POSTMARK_ROUTES
from mailframe.sandbox.checks import texts
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.control import (
    actions,
    lists,
    settings,
    unsubscribing,
    viewing,
    webhook_log,
)
from mailframe.sandbox.inbox import routes as inbox
from mailframe.sandbox.state.webhooks.delivery import TRACE_ID
from mailframe.sandbox.wire import texts as wire_texts
from mailframe.sandbox.wire.exchange import Reply, Request
from mailframe.sandbox.wire.paths import Paths

if TYPE_CHECKING:
    from mailframe.sandbox.api.answers import Endpoint, Routes
    from mailframe.sandbox.state.store import Store

_UNRECORDED: Final[Routes] = {
    **actions.ROUTES,
    **viewing.ROUTES,
    **lists.ROUTES,
    **settings.ROUTES,
    **webhook_log.ROUTES,
    **inbox.ROUTES,
}
"""The functions for developers: the pages and ``/_sandbox/``."""
ALL_ROUTES: Final[Routes] = {**POSTMARK_ROUTES, **_UNRECORDED, **unsubscribing.ROUTES}
"""All functions by path and method; ``{id}`` in a path stands for any text without a slash."""
_PATHS: Final = Paths(ALL_ROUTES)


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
    if TRACE_ID.lower() in request.headers:
        raise CheckFailed(403, wire_texts.LOOP, http_status=403)
    path, params = match(request.path)
    if path is None:
        raise CheckFailed(404, texts.NO_ROUTE, http_status=404)
    method = "GET" if request.method == "HEAD" else request.method
    return ALL_ROUTES[path].get(method, _other_method), params


def _other_method(request: Request, store: Store) -> Reply:
    """405 with the methods of the path; OPTIONS asks for them."""
    del store
    path, _ = match(request.path)
    methods = ALL_ROUTES[path or "/"]
    allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])
    if request.method == "OPTIONS":
        return Reply(204, b"", headers=(("Allow", allowed),))
    reply = error_reply(CheckFailed(405, texts.WRONG_METHOD, http_status=405))
    return replace(reply, headers=(*reply.headers, ("Allow", allowed)))


def match(path: str) -> tuple[str | None, dict[str, str]]:
    """The route of *path*, and what stands in it for each name; None if there is none.

    >>> match("/Messages/outbound/4bba52b4/Details/")
    ('/messages/outbound/{id}/details', {'id': '4bba52b4'})
    """
    return _PATHS.match(path)


def is_unrecorded(method: str, path: str) -> bool:
    """Whether this is a request for a page of the inbox or a developer's, which is not recorded.

    >>> is_unrecorded("GET", "/"), is_unrecorded("POST", "/"), is_unrecorded("GET", "/nowhere")
    (True, False, False)
    """
    route, _ = match(path)
    return route is not None and route in _UNRECORDED and method in _UNRECORDED[route]
