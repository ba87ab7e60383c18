"""The path of the receiver, and the address that Postmark posts to."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from mailframe.errors import MailframeError

PATH: Final = "/postmark"


def public_address(url: str) -> str:
    """The address that Postmark posts to: *url*, with the path of the receiver if it has none.

    Raises:
        MailframeError: it is no such URL, or contains a password.

    >>> public_address("https://hooks.acme.example/")
    'https://hooks.acme.example/postmark'
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host:
        raise MailframeError(
            "--public-url is not a URL such as https://hooks.acme.example/postmark"
        )
    if "@" in parts.netloc:
        raise MailframeError("--public-url has no user and password; --auth-file has them")
    return parts._replace(path=PATH).geturl() if parts.path in ("", "/") else url
