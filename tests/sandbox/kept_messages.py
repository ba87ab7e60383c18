"""A store with messages that were accepted at given times."""

from __future__ import annotations

import datetime as dt
from typing import Any

from mailframe.sandbox.api.search_parameters import SearchQuery, parse
from mailframe.sandbox.checks.account import DEFAULT_STREAMS, Account
from mailframe.sandbox.state.messages.acceptance import Acceptance
from mailframe.sandbox.state.store import Store
from tests.sandbox.sandbox_mail import mail

SERVER = 7
ALL = SearchQuery(500, 0)


def empty_store(**options: Any) -> Store:
    """A store with one server."""
    store = Store(Account(server_id=SERVER), **options)
    store.start()
    return store


def keep(
    store: Store, *messages: dict[str, Any], at_ns: int = 0, stream: str = "outbound"
) -> list[str]:
    """Keep *messages* as one request would; returns their MessageIDs."""
    first = store.messages.next_position
    accepted = [
        Acceptance(store.new_message_id(first + index), stream, DEFAULT_STREAMS[stream], message)
        for index, message in enumerate(messages)
    ]
    store.accept(SERVER, accepted, accepted_ns=at_ns, request=1)
    return [one.message_id for one in accepted]


def kept_at(stamp: str) -> Store:
    """A store with one message that was accepted at *stamp*."""
    store = empty_store()
    seconds = round(dt.datetime.fromisoformat(f"{stamp[:19]}+00:00").timestamp())
    keep(store, mail(), at_ns=seconds * 1_000_000_000 + int(stamp[20:27]) * 100)
    return store


def count_of(store: Store, query: str) -> int:
    """How many messages a search finds."""
    search = parse(query, streams=DEFAULT_STREAMS)
    return store.messages.find(SERVER, search, until=store.messages.next_position)[0]
