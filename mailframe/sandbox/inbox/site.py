"""What every page of the inbox has: its address, the files that it loads, and how it is sent."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from mailframe.pages.environment import css, render
from mailframe.sandbox.inbox.client_settings import client_lines, curl
from mailframe.sandbox.wire.exchange import HTML_TYPE, Reply

_SAME: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types inbox"
)
"""A page runs its one script and no other; nothing of a mail is part of it but text."""
PAGE_HEADERS: Final = (("Content-Security-Policy", _POLICY), *_SAME, ("Cache-Control", "no-store"))
_ALONE: Final = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
"""Of a file or a source: a browser that opens it runs and loads nothing, and forgets its origin."""
PLAIN_TYPE: Final = "text/plain; charset=utf-8"
FILE_HEADERS: Final = (
    ("Content-Security-Policy", f"sandbox; {_ALONE}; style-src 'unsafe-inline'"),
    *_SAME,
    ("Cache-Control", "no-store"),
)
_ASSETS: Final = {
    "inbox.css": "text/css; charset=utf-8",
    "inbox.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_ASSET_HEADERS: Final = (
    ("Content-Security-Policy", f"sandbox; {_ALONE}"),
    *_SAME,
    ("Cache-Control", "max-age=31536000, immutable"),
)


@dataclass(frozen=True, slots=True)
class Site:
    """The sandbox, as its pages show it.

    Attributes:
        url: the base URL that the browser uses.
        token: a text that is a valid token, or words in its place.
        revision: changes whenever something that the pages show changes.
        servers: ID and name of each server.
        server: the ID of the chosen server; None for all of them.
    """

    url: str
    token: str = "sandbox-token"  # noqa: S105 - what the empty inbox tells to write
    revision: str = ""
    servers: tuple[tuple[int, str], ...] = ()
    server: int | None = None

    def page(self, template: str, *, status: int = 200, **values: object) -> Reply:
        """The page of ``templates/inbox/<template>.html.jinja``, made outside of the lock.

        No value may read the state when the template uses it.
        """
        values = {"current": "", "site": self, **_FUNCTIONS, **values}

        def later() -> bytes:
            return render(f"inbox/{template}", **values).encode("utf-8", "replace")

        return Reply(status, content_type=HTML_TYPE, headers=PAGE_HEADERS, later=later)


def missing(site: Site, title: str = "No such message") -> Reply:
    """The page for an address without a message."""
    return site.page("missing", status=404, title=title)


def asset_address(name: str) -> str:
    """The address of a file that pages load; it changes with the content."""
    return f"/inbox/assets/{name}?v={hashlib.sha256(_asset(name)).hexdigest()[:12]}"


def asset(name: str) -> Reply | None:
    """The file of that name; None if there is none."""
    if name not in _ASSETS:
        return None
    return Reply(200, _asset(name), _ASSETS[name], _ASSET_HEADERS)


_FUNCTIONS: Final = {"asset": asset_address, "curl": curl, "client_lines": client_lines}


@cache
def _asset(name: str) -> bytes:
    if name == "inbox.css":
        return f"{css('theme')}\n{css('inbox')}".encode()
    return files("mailframe.sandbox.inbox").joinpath(name).read_bytes()
