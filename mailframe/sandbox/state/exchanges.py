"""What the last requests said and were answered, for the page of requests; without any token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailframe.sandbox.state.database import Database
    from mailframe.sandbox.wire.exchange import Reply, Request

SCHEMA: Final = """
create table if not exists exchanges (
    request integer primary key,
    query text not null,
    headers text not null,
    body blob not null,
    body_bytes integer not null,
    answer_headers text,
    answer blob,
    answer_bytes integer
);
"""
KEPT: Final = 1_000
"""Requests whose bodies are kept."""
MOST_BYTES: Final = 65_536
"""Of a body that is kept; the rest is cut off."""
HIDDEN: Final = "[hidden]"
_SECRET: Final = re.compile(r"token|authorization|cookie|api-?key|secret|password", re.IGNORECASE)
_IN_JSON: Final = re.compile(
    rb'("(?:ApiTokens|Password|HttpAuth)"\s*:\s*)(?:\[[^\]]*\]?|\{[^}]*\}?|"(?:[^"\\]|\\.)*"?)'
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer.

    Attributes:
        query: the part of the address after the ``?``.
        headers: the headers of the request; tokens are hidden.
        body: the start of its body.
        body_bytes: the length of the whole body.
        answer_headers: the headers of the answer; None if there was none.
        answer: the start of the answer; None if there was none.
        answer_bytes: the length of the whole answer; None if there was none.
    """

    query: str
    headers: list[tuple[str, str]]
    body: bytes
    body_bytes: int
    answer_headers: list[tuple[str, str]] | None = None
    answer: bytes | None = None
    answer_bytes: int | None = None


class ExchangeTable:
    """The bodies and headers of the last requests.

    Args:
        database: the database, with SCHEMA.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, request: int, asked: Request, reply: Reply | None) -> None:
        """Keep what was asked and answered; *reply* is None if the answer is not complete."""
        answer: tuple[Any, ...] = (None, None, None)
        if reply is not None:
            headers = [("content-type", reply.content_type), *reply.headers]
            answer = (_headers(headers), _start(reply.body), len(reply.body))
        self._database.run(
            "insert or replace into exchanges values (?, ?, ?, ?, ?, ?, ?, ?)",
            request,
            asked.query,
            _headers(asked.headers.items()),
            _start(asked.body),
            len(asked.body),
            *answer,
        )
        self._database.run("delete from exchanges where request <= ?", request - KEPT)

    def get(self, request: int) -> Exchange | None:
        """What the request of that ID said; None if it is no longer kept."""
        row = self._database.row("select * from exchanges where request = ?", request)
        if row is None:
            return None
        answer_headers = row["answer_headers"]
        return Exchange(
            row["query"],
            _pairs(row["headers"]),
            row["body"],
            row["body_bytes"],
            None if answer_headers is None else _pairs(answer_headers),
            row["answer"],
            row["answer_bytes"],
        )


def _start(body: bytes) -> bytes:
    """The start of a body, with the tokens of a server hidden."""
    return _IN_JSON.sub(rb'\1"[hidden]"', body[:MOST_BYTES])


def _headers(pairs: Iterable[tuple[str, str]]) -> str:
    shown = [(name, HIDDEN if _SECRET.search(name) else value) for name, value in pairs]
    return orjson.dumps(shown).decode()


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in orjson.loads(text)]
