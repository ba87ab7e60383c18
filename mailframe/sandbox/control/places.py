"""The servers and streams that a field or a parameter under ``/_sandbox/`` can name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.control.fields import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailframe.sandbox.state.store import Store

_MOST_NAMED: Final = 20


def server_kind(store: Store) -> Kind:
    """The ID or the name of a server, ignoring case; it is read as the ID.

    The ID is also right for one that was removed, as long as a message of it is kept.
    """
    names = store.servers.names()
    ids = {name.lower(): one for one, name in names}

    def server_of(value: Any) -> int | None:
        if type(value) is int and (value in ids.values() or _has_messages(store, value)):
            return value
        return ids.get(str(value).lower()) if type(value) in (int, str) else None

    return Kind(
        f"the ID or the name of a server: {_named(f'{one} ({name})' for one, name in names)}",
        lambda value: server_of(value) is not None,
        is_number=True,
        read=server_of,
    )


def stream_kind(store: Store, *, server: int | None = None, sends: bool = False) -> Kind:
    """The ID of a stream.

    Args:
        store: the state of the sandbox.
        server: the ID of its server; None is any.
        sends: whether inbound streams are left out.
    """
    servers = store.servers.ids() if server is None else [server]
    of_server = store.streams.sending if sends else store.streams.kinds
    names = list(dict.fromkeys(name for one in servers for name in of_server(one)))
    what = "a stream that sends" if sends else "a stream"
    return Kind(f"the ID of {what}: {_named(names)}", lambda value: value in names)


def _has_messages(store: Store, server: int) -> bool:
    return 0 < server < 2**63 and store.messages.count(server) > 0


def _named(names: Iterable[str]) -> str:
    all_names = list(names)
    rest = len(all_names) - _MOST_NAMED
    more = f" and {rest} more" if rest > 0 else ""
    return ", ".join(all_names[:_MOST_NAMED]) + more
