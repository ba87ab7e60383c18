"""Names and addresses of this machine. Pure."""

from __future__ import annotations

import ipaddress

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
