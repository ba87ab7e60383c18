"""What the options of a start change in the state that a file has kept.

What belongs to the options (tokens, senders, the delivery type, ``keep``) replaces what the last
start said. Servers, streams and suppressions stay, and the options add what is missing. A server,
a token or a stream that the file knows otherwise is an error, and nothing is changed.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import SandboxError
from mailframe.sandbox.checks.account import StreamType, new_server_id
from mailframe.sandbox.state.account import streams

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mailframe.sandbox.state.store import Store

FIRST_NAME: Final = "mailframe sandbox"
"""The name of the first server, until it is changed over the API."""
_KEPT: Final = "options"


@dataclass(frozen=True, slots=True)
class Named:
    """What the options of a start name, beside the account.

    Attributes:
        server_id: the ID of the first server; None is the one of the file, or a new one.
        servers: the tokens of each further server, by name.
        streams: the type of each stream by ID; None is those of the file, or of a new server.
        suppressions: the name of a server, the ID of a stream, and an address to suppress there;
            None is every one of the options.
        index_delay_s: the seconds from the acceptance of a message until a search finds it.
        paused: whether the account is paused.
        webhook_hosts: the hosts that webhooks may reach besides this machine, in lower case.
        delay_s: the seconds that each answer takes.
    """

    server_id: int | None = None
    servers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    streams: Mapping[str, StreamType] | None = None
    suppressions: Sequence[tuple[str | None, str | None, str]] = ()
    index_delay_s: float = 0.0
    paused: bool = False
    webhook_hosts: frozenset[str] = frozenset()
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a file keeps of the options of its last start.

    Attributes:
        first: the ID of the first server; None in a new file.
        servers: the ID of each further server that any start named, by its name in lower case.
        tokens: the tokens that the options added, and not the API, in lower case.
        senders: the senders that the options added, and not the API, in lower case.
        keep: how many messages were kept.
        oldest: the position of the oldest message that was kept.
    """

    first: int | None = None
    servers: dict[str, int] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    keep: int = sys.maxsize
    oldest: int = 1


def start(store: Store) -> None:
    """Make the state what the options of this start say; see the head of this module.

    Raises:
        SandboxError: the options contradict what the file keeps.
    """
    with store.database.transaction():
        kept = _Kept(**json.loads(store.kept_values.get(_KEPT) or "{}"))
        _set_first(store, kept)
        store.servers.remove_tokens(kept.tokens)
        by_name = dict(_further(store, kept))
        tokens = {store.first_server: store.account.api_tokens}
        tokens |= {by_name[name.lower()]: tuple(each) for name, each in store.named.servers.items()}
        added: list[str] = []
        for server, its_tokens in tokens.items():
            added += _add_tokens(store, server, its_tokens)
            store.servers.set_delivery_type(server, str(store.account.delivery_type))
            _add_streams(store, server)
        _suppress(store, by_name)
        senders = store.senders.replace_confirmed(store.account.senders or (), before=kept.senders)
        store.keep_from(max(kept.oldest, store.messages.next_position - kept.keep))
        store.webhooks.start_again()
        store.webhook_queue.start_again(store.ends())
        now = _Kept(
            store.first_server,
            kept.servers | by_name,
            added,
            senders,
            store.keep,
            store.messages.first_position,
        )
        store.kept_values.set(_KEPT, json.dumps(asdict(now)))


def _set_first(store: Store, kept: _Kept) -> None:
    """Use the first server of the file, or create it."""
    wanted = store.named.server_id
    first = kept.first if kept.first in store.servers.ids() else None
    if first is None:
        _add_server(store, store.first_server, name=FIRST_NAME)
    elif wanted not in (None, first):
        raise SandboxError(
            f"the first server of {_file(store)} has the ID {first}, and server_id is {wanted}; "
            "leave server_id out, or name another file"
        )
    else:
        store.account = replace(store.account, server_id=first)


def _further(store: Store, kept: _Kept) -> Iterator[tuple[str, int]]:
    """The name in lower case and the ID of each further server; one that is missing is created."""
    ids = store.servers.ids()
    for name in store.named.servers:
        server = kept.servers.get(name.lower())
        if server not in ids:  # new, or removed over the API
            server = store.servers.of_name(name)
        if server == store.first_server:
            raise SandboxError(
                f"{name!r} is the name of the first server of {_file(store)}; "
                "give the server of servers= another name"
            )
        if server is None:
            server = new_server_id()
            _add_server(store, server, name=name)
        yield name.lower(), server


def _add_server(store: Store, server: int, *, name: str) -> None:
    kind = str(store.account.delivery_type)
    store.add_server(server, name=name, delivery_type=kind, tokens=())


def _add_tokens(store: Store, server: int, tokens: Sequence[str]) -> list[str]:
    """Give a server its tokens; returns those that it did not have, in lower case."""
    new = [token.lower() for token in tokens if store.servers.of_token(token.lower()) is None]
    store.servers.add_tokens(server, tokens)
    for token in tokens:
        owner = store.servers.of_token(token.lower())
        if owner is not None and owner != server:
            raise SandboxError(
                f"a token that the options give to the server {_name(store, server)!r} belongs to "
                f"{_name(store, owner)!r} in {_file(store)}; write another token"
            )
    return new


def _add_streams(store: Store, server: int) -> None:
    for stream, kind in (store.named.streams or {}).items():
        row = store.streams.get(server, stream)
        if row is None:
            name = streams.NAMES.get(kind, stream)
            store.streams.add(server, stream, kind, name=name, description=None)
        elif row["kind"] != kind:
            raise SandboxError(
                f"the stream {stream!r} of the server {_name(store, server)!r} is {row['kind']} in "
                f"{_file(store)}, and {kind} in the options; write its type, or name another "
                "stream or file"
            )


def _suppress(store: Store, by_name: dict[str, int]) -> None:
    """Suppress the addresses of the options; what was so from the start is no event."""
    every = {FIRST_NAME: store.first_server} | by_name
    for name, stream, address in store.named.suppressions:
        servers = list(every.values()) if name is None else [every[name.lower()]]
        places = [
            (server, one)
            for server in servers
            for one in store.streams.sending(server, with_archived=True)
            if stream in (None, one)
        ]
        if not places:
            where = _file(store) if name is None else f"the server {name!r} of {_file(store)}"
            sending = ", ".join(store.streams.sending(servers[0]))
            raise SandboxError(f"no sending stream {stream!r} in {where}; it has {sending}")
        for server, one in places:
            store.suppressions.add(
                server, one, address.strip(), reason="HardBounce", origin="Recipient"
            )


def _name(store: Store, server: int) -> Any:
    row = store.servers.get(server)
    return server if row is None else row["name"]


def _file(store: Store) -> str:
    return "this sandbox" if store.database.path is None else f"the database {store.database.path}"
