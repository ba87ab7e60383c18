"""A server as Jupyter shows it; the token is not part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.pages.summary import Summary

if TYPE_CHECKING:
    from mailframe.postmark.client import Postmark


def server_summary(server: Postmark) -> str:
    """Where a server is, whether its emails are delivered, and its timeout."""
    if server.is_live:
        chip = "warning", "live: emails are delivered"
    elif server.is_test_token:
        chip = "good", "test token: nothing is delivered"
    else:
        chip = "", "not Postmark's own server"
    lines = [
        ("URL", server.base_url),
        ("token", "POSTMARK_API_TEST" if server.is_test_token else "set, not shown"),
        ("timeout", f"{server.timeout:g} seconds"),
    ]
    return Summary(type(server).__name__, about="server", chips=[chip], lines=lines).html()
