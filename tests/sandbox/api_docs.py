"""The table of ``docs/sandbox-api.md``: each endpoint of Postmark, and the clients that call it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mailframe.sandbox.serving import routes

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE = Path(__file__).parents[2] / "docs" / "sandbox-api.md"
ROW = re.compile(
    r"^\| `(GET|POST|PUT|PATCH|DELETE) (/\S*)` \| ([^|]+) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE
)
SHORT = {"postmark.js": "js", "postmark-python": "py"}
"""Clients whose names the table shortens."""


class Endpoint(NamedTuple):
    """A row of the table."""

    method: str
    path: str
    clients: frozenset[str]
    suites: frozenset[str]

    @property
    def key(self) -> str:
        """The endpoint, whatever the names in its path."""
        return endpoint(self.method, self.path)


def endpoint(method: str, path: str) -> str:
    """A route as the table compares it."""
    return f"{method} {re.sub(r'{[^}]*}', '{}', path.lower())}"


def table() -> list[Endpoint]:
    """The rows of the table."""
    return [
        Endpoint(method, path, frozenset(clients.split()), frozenset(suites.split()))
        for method, path, _, clients, suites in ROW.findall(PAGE.read_text(encoding="utf-8"))
    ]


def endpoints_of(client: str) -> set[str]:
    """The endpoints that the table says *client* calls."""
    return {row.key for row in table() if SHORT.get(client, client) in row.clients}


def endpoints_called(requests: Iterable[tuple[str, str]]) -> set[str]:
    """The endpoints of requests by method and path; a path that is no route is left out."""
    matched = ((method, routes.match(path)[0]) for method, path in requests)
    return {endpoint(method, route) for method, route in matched if route is not None}
