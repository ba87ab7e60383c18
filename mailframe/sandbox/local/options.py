"""The options of a sandbox, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from mailframe.errors import SandboxError
from mailframe.sandbox.checks.account import StreamType

if TYPE_CHECKING:
    from mailframe.sandbox.checks.account import Account


def by_stream(
    suppressions: Iterable[str] | Mapping[str, Iterable[str]], account: Account
) -> dict[str, tuple[str, ...]]:
    """The addresses to suppress by stream; a list of them is for every stream that sends."""
    if isinstance(suppressions, Mapping):
        return {stream: tuple(addresses) for stream, addresses in suppressions.items()}
    addresses = (suppressions,) if isinstance(suppressions, str) else tuple(suppressions)
    sending = [name for name, kind in account.streams.items() if kind is not StreamType.INBOUND]
    return dict.fromkeys(sending, addresses)


def checked_keep(keep: object) -> int:
    """The number of messages to keep.

    Raises:
        SandboxError: it is not a whole number from 1 on.
    """
    if not isinstance(keep, int) or isinstance(keep, bool) or keep < 1:
        raise SandboxError(f"keep is a whole number of messages, 1 or more; found {keep!r}")
    return keep


def checked_servers(servers: Mapping[str, str | Iterable[str]] | None) -> dict[str, list[str]]:
    """The tokens of each further server by its name.

    Raises:
        SandboxError: it is not a mapping, a server has no token, or two have the same.
    """
    if servers is None:
        return {}
    if not isinstance(servers, Mapping):
        raise SandboxError(
            "servers is a mapping of name to token, such as {'shop': 'shop-token'}; "
            f"found {type(servers).__name__}"
        )
    by_name = {
        name: [tokens] if isinstance(tokens, str) else list(tokens)
        for name, tokens in servers.items()
    }
    lowered = [token.lower() for tokens in by_name.values() for token in tokens]
    for name, tokens in by_name.items():
        if not tokens or not all(token.strip() for token in tokens):
            raise SandboxError(f"the server {name!r} needs a token that is not empty")
    if len(set(lowered)) < len(lowered):
        raise SandboxError("two servers cannot have the same token; case is ignored")
    return by_name


def every_token(
    tokens: Iterable[str] | None, servers: Mapping[str, str | Iterable[str]] | None
) -> list[str]:
    """The tokens of all servers; none if the first one accepts any."""
    further = [token for each in checked_servers(servers).values() for token in each]
    return [*tokens, *further] if tokens else []
