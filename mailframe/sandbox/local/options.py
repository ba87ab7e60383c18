"""The options of a sandbox, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from mailframe.errors import SandboxError
from mailframe.sandbox.checks.option_values import checked_texts
from mailframe.sandbox.state.starting import FIRST_NAME

Suppressions: TypeAlias = Iterable[str] | Mapping[Any, Iterable[str] | Mapping[Any, Iterable[str]]]
"""Addresses; or addresses by stream; or, for one server, such a mapping by its name."""


def checked_suppressions(
    suppressions: Suppressions, *, servers: Iterable[str]
) -> list[tuple[str | None, str | None, str]]:
    """The name of a server, the ID of a stream, and an address; None is every one.

    Args:
        suppressions: the option; the key None is every stream that sends.
        servers: the names of the further servers.

    Raises:
        SandboxError: a server is unknown, or a value has a wrong type.

    >>> checked_suppressions({"broadcast": ["ann@example.com"]}, servers=[])
    [(None, 'broadcast', 'ann@example.com')]
    """
    if not isinstance(suppressions, Mapping):
        return [(None, None, one) for one in checked_texts(suppressions, name="suppressions")]
    names = [FIRST_NAME, *servers]
    triples: list[tuple[str | None, str | None, str]] = []
    for name, value in suppressions.items():
        if isinstance(value, Mapping) and str(name).lower() not in map(str.lower, names):
            raise SandboxError(
                f"suppressions name the server {name!r}; the servers are {', '.join(names)}"
            )
        server, by_stream = (name, value) if isinstance(value, Mapping) else (None, {name: value})
        for stream, addresses in by_stream.items():
            texts = checked_texts(addresses, name="suppressions")
            triples += [(server, stream, address) for address in texts]
    return triples


def checked_servers(servers: Mapping[str, str | Iterable[str]] | None) -> dict[str, list[str]]:
    """The tokens of each further server by its name.

    Raises:
        SandboxError: it is not a mapping, a server has no token, or two have the same name or
            token.
    """
    if servers is None:
        return {}
    if not isinstance(servers, Mapping):
        raise SandboxError(
            "servers is a mapping of name to token, such as {'shop': 'shop-token'}; "
            f"found {type(servers).__name__}"
        )
    by_name = {name: checked_texts(each, name="servers") for name, each in servers.items()}
    names = [FIRST_NAME, *(name.lower() for name in by_name)]
    if len(set(names)) < len(names):
        raise SandboxError(
            f"servers has a name twice; case is ignored, and {FIRST_NAME!r} is the first server"
        )
    for name, tokens in by_name.items():
        if not tokens or not all(token.strip() for token in tokens):
            raise SandboxError(f"the server {name!r} needs a token that is not empty")
    return by_name


def every_token(tokens: Iterable[str] | None, servers: Mapping[str, Iterable[str]]) -> list[str]:
    """The tokens of all servers; none if the first one accepts any.

    Raises:
        SandboxError: two servers have the same.
    """
    sets = [{token.lower() for token in each} for each in (tokens or (), *servers.values())]
    if len(set().union(*sets)) < sum(map(len, sets)):
        raise SandboxError("two servers cannot have the same token; case is ignored")
    further = [token for each in servers.values() for token in each]
    return [*tokens, *further] if tokens else []
