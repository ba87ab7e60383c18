"""Which function of Postmark's API answers which path and method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.sandbox.api import (
    bounces,
    bulk,
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
    webhooks,
)
from mailframe.sandbox.wire.paths import Paths

if TYPE_CHECKING:
    from mailframe.sandbox.api.answers import Routes

POSTMARK_ROUTES: Final[Routes] = {
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
_PATHS: Final = Paths(POSTMARK_ROUTES)
_SENDING: Final = frozenset(
    {"/email", "/email/batch", "/email/withtemplate", "/email/batchwithtemplates", "/email/bulk"}
)


def endpoint_of(path: str) -> str | None:
    """The path of the endpoint, with ``{id}`` for an ID; None if Postmark has none.

    >>> endpoint_of("/Messages/outbound/4bba52b4/Details/"), endpoint_of("/inbox/tools")
    ('/messages/outbound/{id}/details', None)
    """
    return _PATHS.match(path)[0]


def is_send(method: str, path: str) -> bool:
    """Whether this is a POST of messages; these requests are numbered and hit by faults.

    >>> is_send("POST", "/Email/Batch/"), is_send("GET", "/email")
    (True, False)
    """
    return method == "POST" and path.lower().removesuffix("/") in _SENDING
