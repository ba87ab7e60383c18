"""Names and addresses of this machine. Pure."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection

LOOPBACK_V4, LOOPBACK_V6 = ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_address("::1")


def loopback_name(host: object) -> str | None:
    """The normalized name or address of this machine; None for any other host.

    Upper case, a trailing dot and the brackets around an IPv6 address are ignored.

    >>> [loopback_name(host) for host in ("LOCALHOST.", "[::1]", "127.0.0.2", "acme.example")]
    ['localhost', '::1', '127.0.0.2', None]
    """
    name = host.lower() if isinstance(host, str) else ""
    if name in ("localhost", "localhost."):
        return "localhost"
    try:
        address = ipaddress.ip_address(
            name[1:-1] if name.startswith("[") and name.endswith("]") else name
        )
    except ValueError:
        return None
    return str(address) if address in LOOPBACK_V4 or address == LOOPBACK_V6 else None


def url_of(host: str, port: int) -> str:
    """The URL by which this machine reaches a server that listens on *host*.

    >>> url_of("::1", 8025), url_of("0.0.0.0", 8025)
    ('http://[::1]:8025', 'http://127.0.0.1:8025')
    """
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - every address
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def is_reachable(url: str, *, hosts: Collection[str] = ()) -> bool:
    """Whether the host of *url* is this machine or one of *hosts*; no DNS is asked.

    >>> [is_reachable(url) for url in ("http://LOCALHOST:80/a", "http://localhost.acme.test")]
    [True, False]
    >>> is_reachable("http://App.:3000/hook", hosts=["app"])
    True
    """
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return False
    return loopback_name(host) is not None or is_one_of(host or "", hosts)


def is_one_of(host: str, hosts: Collection[str]) -> bool:
    """Whether *host* of a URL is one of *hosts*, which are in lower case."""
    name = host.lower().removesuffix(".")
    return name in hosts or f"[{name}]" in hosts


def without_user(url: str) -> str:
    """*url* without user name and password, to be shown.

    >>> without_user("http://user:secret@127.0.0.1:8000/hook?x=1")
    'http://127.0.0.1:8000/hook?x=1'
    """
    scheme, separator, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}{separator}{place.rpartition('@')[2]}{slash}{path}"
