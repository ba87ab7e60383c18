"""The pages by path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mailframe.sandbox.api.answers import Endpoint
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

_PAGES: Final = {
    "/": "show_inbox",
    "/favicon.ico": "show_icon",
    "/inbox/requests": "show_requests",
    "/inbox/requests/{id}": "show_request",
    "/inbox/tools": "show_tools",
    "/inbox/assets/{name}": "show_asset",
    "/inbox/{id}": "show_message_page",
    "/inbox/{id}/frame": "show_frame",
    "/inbox/{id}/measure": "show_measured",
    "/inbox/{id}/parts/{part}": "show_part",
    "/inbox/{id}/attachments/{place}": "show_attachment",
}
"""The function of ``pages.py`` that shows each."""


def _shown_by(name: str) -> Endpoint:
    """The function, which the first request for a page imports: a send needs no templates."""

    def show(request: Request, store: Store) -> Reply:
        from mailframe.sandbox.inbox import pages  # noqa: PLC0415 - the template engine

        reply: Reply = getattr(pages, name)(request, store)
        return reply

    return show


ROUTES: Final = {path: {"GET": _shown_by(name)} for path, name in _PAGES.items()}
