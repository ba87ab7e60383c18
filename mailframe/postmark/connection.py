"""The HTTP connection to Postmark: its URL, its timeouts and its client.

The sending side uses httpx only in this file.
"""

from __future__ import annotations

import ipaddress
import sys
import time
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final

import httpx

from mailframe._version import __version__
from mailframe.errors import MailframeError
from mailframe.postmark.deadline import Deadline
from mailframe.postmark.decoding import decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from mailframe.postmark.token import Secret
    from mailframe.postmark.trace import Chunks, TransportTrace

Transport = httpx.BaseTransport
MAX_TIMEOUT_S: Final = 86_400.0
_CONNECT_TIMEOUT_S: Final = 10.0
_MAX_PORT: Final = 65_535
_TOKEN_HEADER: Final = "X-Postmark-Server-Token"  # noqa: S105 - a header's name


class Connection:
    """Where requests go, and how; each opens a connection of its own.

    Args:
        secret: the server token.
        base_url: the URL of the API.
        timeout: the seconds without progress.
        transport: an httpx transport to use instead of the network.

    Attributes:
        url: the URL of the API.
        timeout_s: the seconds without progress.
        has_events: whether the transport reports what was sent.

    Raises:
        MailframeError: an argument, or a proxy of the environment, is not valid.
    """

    def __init__(
        self, secret: Secret, *, base_url: str, timeout: float, transport: Transport | None
    ) -> None:
        self.url = _checked_url(base_url, plain_allowed=transport is not None)
        self.timeout_s = _checked_timeout(timeout)
        # In a browser httpx is built from a fork, which posts by `fetch` and reports nothing; its
        # ConnectTimeout can come after the request was sent (encode/httpx, pull request 3330).
        is_of_httpx = transport is None or type(transport) is httpx.HTTPTransport
        self.has_events = is_of_httpx and sys.platform != "emscripten"
        usable = _checked_transport(transport)
        self._client = _client(usable, timeout_s=self.timeout_s, url=self.url)
        self._auth = _TokenAuth(secret)

    @property
    def base_url(self) -> str:
        """The URL of the API, without a trailing slash."""
        return str(self.url).rstrip("/")

    def get(
        self,
        path: str,
        query: Mapping[str, str],
        *,
        trace: TransportTrace,
        read: Callable[[Iterator[bytes]], None] | None = None,
    ) -> None:
        """GET *path* and read the reply into *trace*; raises what httpx raises.

        Args:
            path: the path to request.
            query: the query parameters, not escaped.
            trace: what is observed.
            read: reads the body of a 200 in place of *trace*, as long as pieces of it come.
        """
        request = self._client.build_request("GET", self.base_url + path, params=dict(query))
        self._exchange(request, trace=trace, read=read)

    def send(self, method: str, path: str, body: Chunks, *, trace: TransportTrace) -> None:
        """Send *body* and read the reply into *trace*; raises what httpx raises."""
        request = self._client.build_request(
            method,
            self.base_url + path,
            content=body,
            headers={"Content-Length": str(body.size)},
        )
        trace.called = True
        self._exchange(request, trace=trace)

    def _exchange(
        self,
        request: httpx.Request,
        *,
        trace: TransportTrace,
        read: Callable[[Iterator[bytes]], None] | None = None,
    ) -> None:
        """Send *request* and read the reply."""
        deadline = Deadline(after_s=2 * self.timeout_s)  # for a server that is slow, not silent

        def on_event(event: str, info: Mapping[str, object]) -> None:
            trace.on_event(event, info)
            deadline.on_event(event, info)

        request.extensions["trace"] = on_event
        try:
            response = self._client.send(
                request, auth=self._auth, stream=True, follow_redirects=False
            )
        finally:
            deadline.cancel()
            trace.too_slow = deadline.passed
        try:
            trace.headers = dict(response.headers)
            trace.status = response.status_code
            if read is None or trace.status != HTTPStatus.OK:
                trace.read_body(_body(response), until_s=time.monotonic() + self.timeout_s)
            else:
                read(_body(response))
                trace.complete = True
        finally:
            response.close()


class _TokenAuth(httpx.Auth):
    """Adds the token to a request just before it is sent, so that no client or log has it."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header; see httpx.Auth."""
        request.headers[_TOKEN_HEADER] = self._secret.reveal()
        yield request


def _body(response: httpx.Response) -> Iterator[bytes]:
    """The body in pieces; httpx would decode a whole chunk at once, however large it becomes."""
    if response.is_stream_consumed:  # the transport returned the whole response
        return response.iter_bytes()
    return decoded(response.iter_raw(), encoding=response.headers.get("Content-Encoding", ""))


def _checked_url(base_url: str, *, plain_allowed: bool) -> httpx.URL:
    """Return the URL if it is valid; an error does not contain it, since it may have a password."""
    url = _parsed_url(base_url)
    if url is None or url.scheme not in {"http", "https"} or not url.host or not _is_port(url.port):
        raise MailframeError('base_url must be a URL such as "https://api.postmarkapp.com".')
    if url.userinfo or url.query or url.fragment or "?" in base_url or "#" in base_url:
        raise MailframeError(
            f"base_url must have only scheme, host and path, such as {url.scheme}://{url.host}, "
            "and no user, query or fragment. Pass the token as mf.Postmark(token)."
        )
    if url.scheme == "http" and not (plain_allowed or _is_loopback(url.host)):
        raise MailframeError(
            f"base_url would send the token to {url.host} unencrypted, and Postmark has refused "
            "plain HTTP since September 2022 (postmarkapp.com/developer/api/overview). Write "
            "https://; only a sandbox on this machine (127.0.0.1, ::1 or localhost) has http://."
        )
    return url


def _parsed_url(base_url: object) -> httpx.URL | None:
    """Return the URL; None if it is not one, without an exception that would contain it."""
    try:
        return httpx.URL(base_url) if isinstance(base_url, str) else None
    except Exception:  # noqa: BLE001 - InvalidURL, TypeError and errors of the IDNA codec
        return None


def _is_port(port: int | None) -> bool:
    """Whether a socket can connect to *port*; None is the default port of the scheme."""
    return port is None or 0 < port <= _MAX_PORT


def _is_loopback(host: str) -> bool:
    """Whether *host* is this machine: 127.0.0.0/8, ::1 or localhost."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() in ("localhost", "localhost.")
    return address in ipaddress.ip_network("127.0.0.0/8") or address == ipaddress.ip_address("::1")


def _checked_timeout(timeout: object) -> float:
    """Return the timeout in seconds if it is valid; NaN compares as false and is refused."""
    number = None if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) else timeout
    if number is None or not 0 < number <= MAX_TIMEOUT_S:
        raise MailframeError(
            f"timeout must be above 0 and at most {MAX_TIMEOUT_S:,.0f} seconds, not {timeout!r}."
        )
    return float(number)


def _checked_transport(transport: httpx.BaseTransport | None) -> httpx.BaseTransport | None:
    """Return the transport if it is a synchronous one."""
    if transport is not None and not isinstance(transport, httpx.BaseTransport):
        raise MailframeError(
            f"transport must be an httpx.BaseTransport, not {type(transport).__name__}."
        )
    return transport


def _client(
    transport: httpx.BaseTransport | None, *, timeout_s: float, url: httpx.URL
) -> httpx.Client:
    """Return the client. It verifies certificates and stores no cookie, connection or token."""
    connect_s = min(_CONNECT_TIMEOUT_S, timeout_s)
    is_loopback = _is_loopback(url.host)
    problem = ""
    try:
        return httpx.Client(
            transport=transport,
            # without TLS there is no certificate to verify, and reading the authorities takes 16 ms
            verify=not (is_loopback and url.scheme == "http"),
            http2=False,  # the logger of hpack would print the value of each header
            trust_env=not is_loopback,  # requests to this machine must not go to a proxy
            follow_redirects=False,  # a 307 would post the messages again
            timeout=httpx.Timeout(timeout_s, connect=connect_s, pool=connect_s),
            limits=httpx.Limits(max_keepalive_connections=0),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
                "Connection": "close",
                "User-Agent": f"mailframe/{__version__}",
            },
        )
    except Exception as error:  # noqa: BLE001 - httpx quotes the URL of the proxy, which may have a password
        problem = type(error).__name__
    raise MailframeError(
        f"The HTTP client could not be made ({problem}). Check HTTPS_PROXY, ALL_PROXY, NO_PROXY "
        "and SSL_CERT_FILE in the environment; a socks5:// proxy needs: pip install 'httpx[socks]'."
    )
