"""Who may use a sandbox: host names, web pages, tokens. Pure.

A browser sends requests of any web page to this machine. A page whose domain resolves to 127.0.0.1
(DNS rebinding) is recognized by its Host, a page of another machine by its Origin. Pages of this
machine may use the sandbox (CORS).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mailframe.errors import SandboxError
from mailframe.sandbox.wire import texts
from mailframe.sandbox.wire.exchange import JSON_TYPE, Reply, as_json
from mailframe.sandbox.wire.loopback import loopback_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

POSTMARK_HOST = "api.postmarkapp.com"  # of a client whose base URL was left as it is
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?|\[[0-9a-f:.]{2,45}\]")
PUBLIC_TOKENS = ("postmark_api_test",)  # Postmark documents it
WITHOUT_TOKEN = "/_sandbox/unsubscribe/"  # noqa: S105  # in these links, a code is the secret
NO_CONTENT = 204
_PREFLIGHT = (
    ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE"),
    ("Access-Control-Max-Age", "600"),
)


@dataclass(frozen=True, slots=True)
class Access:
    """The rules for the requests that come in by a socket.

    Attributes:
        hosts: the names in lower case that Host and Origin may have besides those of this machine.
        tokens: the tokens in lower case of which every request needs one; None needs none.
        is_made: whether a token in lower case is of a server that was made later, which counts too.

    >>> Access().refusal("GET", "/", {"host": "attacker.example"}).status
    421
    >>> Access().refusal("POST", "/email", {"host": "127.0.0.1:8025"}) is None
    True
    """

    hosts: frozenset[str] = frozenset()
    tokens: frozenset[str] | None = None
    is_made: Callable[[str], bool] | None = field(default=None, compare=False, repr=False)

    def refusal(self, method: str, path: str, headers: Mapping[str, str]) -> Reply | None:
        """The answer to a request that may not use the sandbox; None if it may."""
        host = headers.get("host", "")
        if not self._is_allowed(host_name(host)):
            text = texts.HOST_REFUSED.format(host=host_name(host)) if host else ""
            return refused(421, text or texts.NO_HOST)
        if method not in SAFE_METHODS and self._is_foreign_page(headers):
            return refused(403, texts.ORIGIN_REFUSED)
        is_open = method == "OPTIONS" or path.lower().startswith(WITHOUT_TOKEN)
        if self.tokens is not None and not is_open and not self._has_token(headers):
            challenge = ("WWW-Authenticate", 'Basic realm="mailframe sandbox", charset="UTF-8"')
            return refused(401, texts.NO_CREDENTIALS, error_code=10, headers=(challenge,))
        return None

    def preflight(self, method: str, headers: Mapping[str, str]) -> Reply | None:
        """The answer to the question of a browser whether a page may post; None for other requests.

        A page of another machine gets no permission: the answer has no header for it.
        """
        if method != "OPTIONS" or not {"origin", "access-control-request-method"} <= headers.keys():
            return None
        answer = list(_PREFLIGHT)
        answer.append(
            ("Access-Control-Allow-Headers", headers.get("access-control-request-headers", "*"))
        )
        if headers.get("access-control-request-private-network") == "true":
            answer.append(("Access-Control-Allow-Private-Network", "true"))
        is_local = self._is_local_page(headers["origin"])
        return Reply(NO_CONTENT, b"", JSON_TYPE, tuple(answer) if is_local else ())

    def page_headers(self, headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """The headers that let a page of this machine read an answer; none for other pages."""
        origin = headers.get("origin")
        if origin is None or not self._is_local_page(origin):
            return ()
        return (
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Expose-Headers", "X-PM-ApiErrorCode"),
            ("Vary", "Origin"),
        )

    def _is_allowed(self, name: str) -> bool:
        return (
            loopback_name(name) is not None
            or name.endswith(".localhost")  # reserved for this machine by RFC 6761
            or name == POSTMARK_HOST
            or name in self.hosts
        )

    def _is_local_page(self, origin: str) -> bool:
        try:
            parts = urlsplit(origin)
            name = host_name(parts.netloc)
        except ValueError:
            return False
        return (
            parts.scheme in ("http", "https")
            and origin.lower() == f"{parts.scheme}://{parts.netloc}".lower()
            and name != POSTMARK_HOST
            and self._is_allowed(name)
        )

    def _is_foreign_page(self, headers: Mapping[str, str]) -> bool:
        """Whether a page of another machine sent it; programs send neither header."""
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site") == "cross-site"
        return not self._is_local_page(origin)

    def _has_token(self, headers: Mapping[str, str]) -> bool:
        sent = [
            headers.get("x-postmark-server-token", ""),
            headers.get("x-postmark-account-token", ""),
            password(headers.get("authorization", "")),
        ]
        given = [text.strip().lower() for text in sent]
        is_one = any(
            hmac.compare_digest(text.encode(), token.encode())
            for text in given
            for token in self.tokens or ()
        )
        return is_one or (self.is_made is not None and any(map(self.is_made, given)))


def host_name(host: str) -> str:
    """The name in a Host header: in lower case, without its port and a dot at the end.

    >>> [host_name(host) for host in ("Localhost:8025", "[::1]:80", "mail.acme.example.", "")]
    ['localhost', '[::1]', 'mail.acme.example', '']
    """
    name, colon, port = host.strip().lower().rpartition(":")
    if not colon or not (port.isdecimal() or not port) or host.endswith("]"):
        name = host.strip().lower()
    return name.removesuffix(".")


def password(authorization: str) -> str:
    """The password of Basic authentication; "" if there is none.

    >>> password("Basic YW55b25lOnNlY3JldA==")
    'secret'
    """
    scheme, _, value = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def access_of(
    host: object,
    *,
    allow_hosts: Iterable[str] = (),
    tokens: Iterable[str] | None = None,
    public_url: str | None = None,
) -> Access:
    """The rules for a sandbox that listens on *host*.

    Args:
        host: the host to listen on.
        allow_hosts: the names that clients may call it by.
        tokens: the tokens of its servers; None accepts any.
        public_url: the base URL of its links, whose host clients may use, too.

    Raises:
        SandboxError: *host* can be reached from other machines, and a name or a token is missing;
            or one of *allow_hosts* is not the name of a host.

    >>> access_of("0.0.0.0", allow_hosts=["Mail"], tokens=["Secret"])
    Access(hosts=frozenset({'mail'}), tokens=frozenset({'secret'}))
    """
    names = [allow_hosts] if isinstance(allow_hosts, str) else allow_hosts
    hosts = frozenset(checked_name(name) for name in names)
    linked = set() if public_url is None else {host_name(urlsplit(public_url).netloc)}
    if loopback_name(host) is not None:
        return Access(hosts | linked)
    secret = {token.strip().lower() for token in tokens or ()} - {"", *PUBLIC_TOKENS}
    if not hosts or not secret:
        raise SandboxError(
            f"{host!r} is not loopback: other machines could connect, and the sandbox stores "
            "personal data and accepts any token. "
            "Leave host out, or write host='127.0.0.1', '::1' or 'localhost'. To serve other "
            "machines, add allow_hosts=['the name in their URL'] and tokens=['a secret'] "
            "(--allow-host and --token), which every request then needs"
        )
    return Access(hosts | linked, frozenset(secret))


def checked_host(host: str) -> str:
    """The host to listen on: the normalized name of this machine, or another address as it is."""
    try:
        return loopback_name(host) or str(ipaddress.ip_address(host))
    except ValueError:
        return checked_name(host)


def checked_name(name: object) -> str:
    """The name of a host in lower case, as it stands in a URL.

    Raises:
        SandboxError: it is something else.
    """
    text = name.strip().lower().removesuffix(".") if isinstance(name, str) else ""
    if HOST_NAME.fullmatch(text) is None:
        raise SandboxError(
            f"{name!r} is not the name of a host; write it as in a URL, without http:// and "
            "without a port, such as 'mail' or '192.168.1.20'"
        )
    return text


def checked_public_url(url: object) -> str:
    """The base URL of links, without a slash at its end.

    Raises:
        SandboxError: it is something else.

    >>> checked_public_url("https://mail.acme.example/")
    'https://mail.acme.example'
    """
    text = url.strip().rstrip("/") if isinstance(url, str) else ""
    try:
        parts = urlsplit(text)
        has_port = parts.port != 0
    except ValueError:
        parts, has_port = urlsplit(""), False
    is_right = has_port and parts.scheme in ("http", "https") and not {"?", "#"} & set(text)
    if not is_right or HOST_NAME.fullmatch(host_name(parts.netloc)) is None:
        raise SandboxError(
            f"{url!r} is not the base URL of links; write it like http://127.0.0.1:8025, without a "
            "user, a query and a fragment"
        )
    return text


def refused(
    status: int,
    text: str,
    *,
    error_code: int | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Reply:
    """An answer in Postmark's shape; its code is the HTTP status, because Postmark has none."""
    content = {"ErrorCode": status if error_code is None else error_code, "Message": text}
    return Reply(status, as_json(content).body, headers=headers)
