"""Postmark over HTTP: one request out, one answer in, and what is known when no answer comes.

Every name of httpx on the sending side is in this file. What an answer means is in ``answers.py``, and what
is known without one in ``evidence.py``.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import time
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final, NoReturn

import httpx

from mailframe._version import __version__
from mailframe.errors import MailframeError, NotPicklable, TokenError
from mailframe.postmark.deadline import Deadline
from mailframe.postmark.decoding import decoded
from mailframe.postmark.responses import Answer, read_batch, read_json, read_single
from mailframe.postmark.token import Secret
from mailframe.postmark.trace import Chunks, TransportTrace

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from mailframe.message.models import Batch, Message
    from mailframe.postmark.trace import Reader

TOKEN_VARIABLE: Final = "POSTMARK_SERVER_TOKEN"  # noqa: S105 - the name of the variable, not its value
TEST_TOKEN: Final = "POSTMARK_API_TEST"  # noqa: S105 - public; Postmark checks the request and delivers nothing
LIVE_DOMAIN: Final = "postmarkapp.com"
MAX_TIMEOUT_S: Final = 86_400.0
_CONNECT_TIMEOUT_S: Final = 10.0
_MAX_PORT: Final = 65_535
_TOKEN_HEADER: Final = "X-Postmark-Server-Token"  # noqa: S105 - a header's name
_LOG: Final = logging.getLogger("mailframe.postmark.client")


@dataclass(frozen=True, slots=True)
class GetResult:
    """What came back from a GET.

    Attributes:
        status: None when no status line came.
        data: the JSON of the answer; None when there is none. ``/server`` has tokens in it: never shown.
        failure: the class of what went wrong, "" when nothing did.
    """

    status: int | None
    data: object = field(repr=False)
    failure: str

    @property
    def object(self) -> dict[str, Any] | None:
        """The JSON object of a 200; None for anything else."""
        return self.data if self.status == HTTPStatus.OK and isinstance(self.data, dict) else None

    @property
    def why(self) -> str:
        """What went wrong, for a person."""
        return self.failure or f"HTTP {self.status}"


class Postmark:
    """A Postmark server to send through; safe to use from several threads at once.

    Each request takes a fresh connection: an idle one that the server has just closed is the commonest way
    not to know whether a request arrived. Redirects are not followed, and no request is repeated here.

    Args:
        token: the server token; None reads the environment variable ``POSTMARK_SERVER_TOKEN``.
        base_url: where the API is; ``https``, or ``http`` on this machine alone.
        timeout: seconds without progress after which a request or an answer is given up, and seconds
            that the body of an answer may take in all; its head may take twice as long. Connecting gets at
            most 10 of them.
        transport: an httpx transport to use instead of the network. Any but ``httpx.HTTPTransport``
            itself cannot tell what has left, so each exception in it counts as ``unknown``.

    Raises:
        TokenError: there is no token, or it cannot be one. The message never holds it.
        MailframeError: the URL, the timeout, the transport or a proxy of the environment cannot be used.

    >>> Postmark("POSTMARK_API_TEST")
    Postmark(base_url='https://api.postmarkapp.com', token=•••)
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        base_url: str = "https://api.postmarkapp.com",
        timeout: float = 120.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        source = TOKEN_VARIABLE if token is None else "token"
        given: object = os.environ.get(TOKEN_VARIABLE, "") if token is None else token
        secret = Secret(given) if isinstance(given, str) else None
        del token, given  # should this raise, a traceback that prints locals must not find it
        self._secret = _checked_token(secret, source=source)
        self._url = _checked_url(base_url, plain_allowed=transport is not None)
        self._timeout_s = _checked_timeout(timeout)
        self._traced = transport is None or type(transport) is httpx.HTTPTransport
        usable = _checked_transport(transport)
        self._client = _client(usable, timeout_s=self._timeout_s, host=self._url.host)
        self._auth = _TokenAuth(self._secret)

    @property
    def base_url(self) -> str:
        """The address of the API, without a slash at its end."""
        return str(self._url).rstrip("/")

    @property
    def timeout(self) -> float:
        """Seconds to wait for an answer."""
        return self._timeout_s

    @property
    def is_test_token(self) -> bool:
        """Whether the token is ``POSTMARK_API_TEST``, with which Postmark delivers nothing."""
        return (
            self._secret.reveal().upper() == TEST_TOKEN
        )  # Postmark documents the value as case-insensitive

    @property
    def is_live(self) -> bool:
        """Whether real people would get mail: the host is Postmark's and the token is not the test token."""
        host = self._url.host.rstrip(".")
        return (host == LIVE_DOMAIN or host.endswith(f".{LIVE_DOMAIN}")) and not self.is_test_token

    def send_batch(self, batch: Batch) -> Answer:
        """Post *batch* once and tell what it came to; never repeats, never raises for network reasons.

        An interrupt is no exception either: the Answer has ``interrupted`` and what the evidence says.

        >>> from mailframe.message.models import Batch, Message
        >>> ok = [{"ErrorCode": 0, "Message": "OK", "MessageID": "b7bc2f4a", "To": "ann@example.com"}]
        >>> server = Postmark("any", transport=httpx.MockTransport(lambda _: httpx.Response(200, json=ok)))
        >>> server.send_batch(Batch(1, (Message(0, "ann@example.com", b"{}"),))).verdict
        <Verdict.ANSWERED: 'answered'>
        """
        read = partial(read_batch, expected_to=[message.to for message in batch.messages])
        answer = self._post("/email/batch", lambda: batch.body, read=read)
        _log(answer, what=f"batch {batch.number}", messages=len(batch), size=batch.size)
        return answer

    def send_email(self, message: Message) -> Answer:
        """Post one *message* once and tell what it came to; as ``send_batch``.

        >>> from mailframe.message.models import Message
        >>> no = {"ErrorCode": 406, "Message": "Found inactive addresses: ann@example.com."}
        >>> server = Postmark("any", transport=httpx.MockTransport(lambda _: httpx.Response(422, json=no)))
        >>> server.send_email(Message(0, "ann@example.com", b"{}")).outcomes[0].error_code
        406
        """
        read = partial(read_single, expected_to=message.to)
        answer = self._post("/email", lambda: message.body, read=read)
        _log(answer, what=f"position {message.position}", messages=1, size=len(message.body))
        return answer

    def ask(self, path: str, query: Mapping[str, str] | None = None) -> GetResult:
        """GET *path* once and read its JSON; changes nothing at Postmark, never raises for network reasons.

        Args:
            path: such as ``/messages/outbound``.
            query: its parameters, not escaped.
        """
        exchange = TransportTrace(traced=self._traced)
        try:
            request = self._client.build_request(
                "GET", self.base_url + path, params=dict(query or {})
            )
            self._receive(request, exchange=exchange)
        except Exception as error:  # noqa: BLE001 - whatever it was, there is no answer
            exchange.end(error)
        data = read_json(exchange.body) if exchange.complete else None
        return GetResult(exchange.status, data, exchange.failure)

    def _post(self, path: str, make_body: Callable[[], bytes], *, read: Reader) -> Answer:
        """Post once; the answer when one came, else what the evidence says."""
        exchange = TransportTrace(traced=self._traced)
        try:
            self._talk(path, make_body(), exchange=exchange)
        except BaseException as error:  # noqa: BLE001 - an interrupt too: what left is known here and nowhere else
            exchange.end(error)
        return _without(self._secret, exchange.judged(read))

    def _talk(self, path: str, body: bytes, *, exchange: TransportTrace) -> None:
        """Send the request and read the answer into *exchange*; raises whatever httpx raises."""
        request = self._client.build_request(
            "POST",
            self.base_url + path,
            content=Chunks(body, exchange=exchange),
            headers={"Content-Length": str(len(body))},
        )
        exchange.called = True
        self._receive(request, exchange=exchange)

    def _receive(self, request: httpx.Request, *, exchange: TransportTrace) -> None:
        """Send *request* and read the answer into *exchange*."""
        deadline = Deadline(
            after_s=2 * self._timeout_s
        )  # a silent server is given up by the read timeout before

        def trace(event: str, info: Mapping[str, object]) -> None:
            exchange.trace(event, info)
            deadline.trace(event, info)

        request.extensions["trace"] = trace
        try:
            response = self._client.send(
                request, auth=self._auth, stream=True, follow_redirects=False
            )
        finally:
            deadline.end()
            exchange.too_slow = deadline.passed
        try:
            exchange.headers = dict(response.headers)
            exchange.status = response.status_code
            exchange.receive(_body(response), until_s=time.monotonic() + self._timeout_s)
        finally:
            response.close()

    def __repr__(self) -> str:
        url = (
            self.base_url if hasattr(self, "_url") else "?"
        )  # a traceback may print a half-made one
        return f"{type(self).__name__}(base_url={url!r}, token=•••)"

    def __reduce__(self) -> NoReturn:
        raise NotPicklable(
            "a Postmark holds a token and is not pickled; make it where it is needed: mf.Postmark()"
        )


class _TokenAuth(httpx.Auth):
    """Puts the token on the request at the last moment, so that no client, default header or log has it."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header; see httpx.Auth."""
        request.headers[_TOKEN_HEADER] = self._secret.reveal()
        yield request


def _body(response: httpx.Response) -> Iterator[bytes]:
    """The body in pieces, decoded by us: httpx decodes a chunk as a whole, whatever it grows to."""
    if response.is_stream_consumed:  # a transport that gave its answer as a whole
        return response.iter_bytes()
    return decoded(response.iter_raw(), encoding=response.headers.get("Content-Encoding", ""))


def _without(secret: Secret, answer: Answer) -> Answer:
    """Return *answer* with the token hidden, should the server have echoed it."""
    outcomes = tuple(
        outcome
        if (hidden := secret.hide_in(outcome.message)) == outcome.message
        else replace(outcome, message=hidden)
        for outcome in answer.outcomes
    )
    return replace(answer, outcomes=outcomes, reason=secret.hide_in(answer.reason))


def _log(answer: Answer, *, what: str, messages: int, size: int) -> None:
    """Log counts, bytes, status and ids; never an address, a payload or a token."""
    _LOG.debug(
        "%s: %d messages, %d bytes: %s, HTTP %s, ErrorCode %s",
        *(what, messages, size, answer.verdict, answer.http_status, answer.error_code),
    )


def _checked_token(secret: Secret | None, *, source: str) -> Secret:
    """Return *secret* when it can be a token; it is a Secret already, so no frame here holds the text."""
    if secret is None:
        raise TokenError(
            f"{source} must be text. Write mf.Postmark(token) or set {TOKEN_VARIABLE}."
        )
    if secret.matches("") and source == TOKEN_VARIABLE:
        raise TokenError(
            f"There is no token. Set the environment variable {TOKEN_VARIABLE} or write mf.Postmark(token). "
            f"To try without an account, use mf.Sandbox() or the token {TEST_TOKEN}."
        )
    if not all("!" <= char <= "~" for char in secret.reveal()) or secret.matches(""):
        raise TokenError(
            f"{source} is empty or has a space, a line break or a character outside ASCII in it. A server "
            "token has 36 letters, digits and hyphens: copy it again, without what is around it."
        )
    return secret


def _checked_url(base_url: str, *, plain_allowed: bool) -> httpx.URL:
    """Return the URL when requests may go there; an error does not repeat it: it could hold a password."""
    url = _parsed_url(base_url)
    if url is None or url.scheme not in {"http", "https"} or not url.host or not _is_port(url.port):
        raise MailframeError('base_url must be an address such as "https://api.postmarkapp.com".')
    if url.userinfo or url.query or url.fragment or "?" in base_url or "#" in base_url:
        raise MailframeError(
            f"base_url must be scheme, host and path alone, such as {url.scheme}://{url.host}, without a "
            "user, a query or a fragment. The token is given as mf.Postmark(token)."
        )
    if url.scheme == "http" and not (plain_allowed or _is_loopback(url.host)):
        raise MailframeError(
            f"base_url would send the token to {url.host} unencrypted, and Postmark has refused plain HTTP "
            "since September 2022 (postmarkapp.com/developer/api/overview). Write https://; plain http:// is "
            "for a sandbox on this machine (127.0.0.1, ::1 or localhost)."
        )
    return url


def _parsed_url(base_url: object) -> httpx.URL | None:
    """Return the URL; None when it is none. The exception would hold its text, so it ends here."""
    try:
        return httpx.URL(base_url) if isinstance(base_url, str) else None
    except Exception:  # noqa: BLE001 - InvalidURL, TypeError and what the IDNA codec raises
        return None


def _is_port(port: int | None) -> bool:
    """Whether a socket can connect to *port*; None stands for the scheme's own."""
    return port is None or 0 < port <= _MAX_PORT


def _is_loopback(host: str) -> bool:
    """Whether *host* is this machine: 127.0.0.0/8, ::1 or localhost."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() in ("localhost", "localhost.")
    return address in ipaddress.ip_network("127.0.0.0/8") or address == ipaddress.ip_address("::1")


def _checked_timeout(timeout: object) -> float:
    """Return the timeout in seconds when a socket can wait so long; NaN compares as false and is refused."""
    number = None if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) else timeout
    if number is None or not 0 < number <= MAX_TIMEOUT_S:
        raise MailframeError(
            f"timeout must be above 0 and at most {MAX_TIMEOUT_S:,.0f} seconds, not {timeout!r}."
        )
    return float(number)


def _checked_transport(transport: httpx.BaseTransport | None) -> httpx.BaseTransport | None:
    """Return the transport when it is one for synchronous use."""
    if transport is not None and not isinstance(transport, httpx.BaseTransport):
        raise MailframeError(
            f"transport must be an httpx.BaseTransport, not {type(transport).__name__}."
        )
    return transport


def _client(transport: httpx.BaseTransport | None, *, timeout_s: float, host: str) -> httpx.Client:
    """Return the client. It verifies certificates, keeps no cookie and no connection, and holds no token."""
    connect_s = min(_CONNECT_TIMEOUT_S, timeout_s)
    problem = ""
    try:
        return httpx.Client(
            transport=transport,
            verify=True,
            http2=False,  # the hpack logger would print the value of each header
            trust_env=not _is_loopback(host),  # a proxy must not see what is meant for this machine
            follow_redirects=False,  # a 307 would post everything again
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
    except Exception as error:  # noqa: BLE001 - httpx quotes the proxy's URL, which may hold a password
        problem = type(error).__name__
    raise MailframeError(
        f"The HTTP client could not be made ({problem}). Look at HTTPS_PROXY, ALL_PROXY, NO_PROXY and "
        "SSL_CERT_FILE in the environment; a socks5:// proxy needs: pip install 'httpx[socks]'."
    )
