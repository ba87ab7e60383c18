"""Postmark over HTTP: one request out, one reply in.

The sending side uses httpx only in this file. What a reply means is in ``responses.py``, and what
is known without one in ``trace.py``.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final, NoReturn

import httpx

from mailframe._version import __version__
from mailframe.errors import MailframeError, NotPicklable
from mailframe.postmark.deadline import Deadline
from mailframe.postmark.decoding import decoded, parse_json
from mailframe.postmark.responses import Answer, read_batch, read_single
from mailframe.postmark.server_summary import server_summary
from mailframe.postmark.token import TEST_TOKEN, TOKEN_VARIABLE, Secret, checked_token
from mailframe.postmark.trace import Chunks, TransportTrace

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from mailframe.message.batch import Batch
    from mailframe.message.message import Buffer, Message
    from mailframe.postmark.trace import Reader

LIVE_DOMAIN: Final = "postmarkapp.com"
MAX_TIMEOUT_S: Final = 86_400.0
_CONNECT_TIMEOUT_S: Final = 10.0
_MAX_PORT: Final = 65_535
_TOKEN_HEADER: Final = "X-Postmark-Server-Token"  # noqa: S105 - a header's name
_LOG: Final = logging.getLogger("mailframe.postmark.client")


@dataclass(frozen=True, slots=True)
class GetResult:
    """The result of a GET.

    Attributes:
        status: the HTTP status; None without a status line.
        data: the JSON of the reply; None without one. The reply of ``/server`` contains tokens, so
            it is never shown.
        failure: the class of the error; "" without one.
    """

    status: int | None
    data: object = field(repr=False)
    failure: str

    @property
    def object(self) -> dict[str, Any] | None:
        """The JSON object of a 200; None for anything else."""
        return self.data if self.status == HTTPStatus.OK and isinstance(self.data, dict) else None

    @property
    def reason(self) -> str:
        """What went wrong, as text."""
        return self.failure or f"HTTP {self.status}"


class Postmark:
    """A Postmark server to send through; it can be used from several threads at once.

    Each request opens a new connection: if the server has just closed an idle one, it is unclear
    whether a request arrived. Redirects are not followed, and no request is repeated.

    Args:
        token: the server token; None reads the environment variable ``POSTMARK_SERVER_TOKEN``.
        base_url: the URL of the API; ``https``, or ``http`` for a server on this machine.
        timeout: the seconds without progress until a request or a reply fails. It is also the limit
            for the whole body of a reply, twice of it for its head, and at most 10 seconds of it
            for the connection.
        transport: an httpx transport to use instead of the network. Only ``httpx.HTTPTransport``
            itself reports what was sent, so with any other each exception counts as ``unknown``.

    Raises:
        TokenError: there is no token, or it is not valid. The message never contains it.
        MailframeError: the URL, the timeout, the transport or a proxy of the environment is not
            valid.

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
        del token, given  # a traceback that prints local variables must not show it
        self._secret = checked_token(secret, source=source)
        self._url = _checked_url(base_url, plain_allowed=transport is not None)
        self._timeout_s = _checked_timeout(timeout)
        self._has_events = transport is None or type(transport) is httpx.HTTPTransport
        usable = _checked_transport(transport)
        self._client = _client(usable, timeout_s=self._timeout_s, url=self._url)
        self._auth = _TokenAuth(self._secret)

    @property
    def base_url(self) -> str:
        """The URL of the API, without a trailing slash."""
        return str(self._url).rstrip("/")

    @property
    def timeout(self) -> float:
        """Seconds to wait for a reply."""
        return self._timeout_s

    @property
    def is_test_token(self) -> bool:
        """Whether the token is ``POSTMARK_API_TEST``, with which Postmark delivers nothing."""
        return self._secret.reveal().upper() == TEST_TOKEN  # Postmark: tokens ignore case

    @property
    def is_live(self) -> bool:
        """Whether mail is delivered: it is Postmark's host and not the test token."""
        host = self._url.host.rstrip(".")
        return (host == LIVE_DOMAIN or host.endswith(f".{LIVE_DOMAIN}")) and not self.is_test_token

    def send_batch(self, batch: Batch, *, on_sent: Callable[[], None] | None = None) -> Answer:
        """Post *batch* once; never repeats the request, never raises because of the network.

        An interrupt does not raise either: it sets ``interrupted`` of the Answer, whose verdict is
        what the transport trace proves.

        ``Campaign.send`` calls this method, also that of a subclass, which may leave *on_sent* out.
        What is posted is ``batch.body``; ``batch.messages`` are without the metadata of the ledger.

        Args:
            batch: the batch.
            on_sent: called in this thread when the whole request was written, if the transport
                reports that; it must not raise.

        >>> from mailframe.message.batch import Batch
        >>> from mailframe.message.message import Message
        >>> ok = {"ErrorCode": 0, "Message": "OK", "MessageID": "b7bc2f4a", "To": "ann@example.com"}
        >>> transport = httpx.MockTransport(lambda _: httpx.Response(200, json=[ok]))
        >>> server = Postmark("any", transport=transport)
        >>> server.send_batch(Batch(1, (Message(0, "ann@example.com", b"{}"),))).verdict
        <Verdict.ANSWERED: 'answered'>
        """
        read = partial(read_batch, expected_to=[message.to for message in batch.messages])
        answer, size = self._post("/email/batch", batch.parts, read=read, on_sent=on_sent)
        _log(answer, what=f"batch {batch.number}", messages=len(batch), size=size)
        return answer

    def send_email(self, message: Message) -> Answer:
        """Post one *message* once; see ``send_batch``. The ledger is not used.

        >>> from mailframe.message.message import Message
        >>> no = {"ErrorCode": 406, "Message": "Found inactive addresses: ann@example.com."}
        >>> transport = httpx.MockTransport(lambda _: httpx.Response(422, json=no))
        >>> server = Postmark("any", transport=transport)
        >>> server.send_email(Message(0, "ann@example.com", b"{}"))
        <Answer: rejected, ErrorCode 406: Found inactive addresses: ann@example.com.>
        """
        read = partial(read_single, expected_to=message.to)
        answer, size = self._post("/email", lambda: [message.body], read=read)
        _log(answer, what=f"position {message.position}", messages=1, size=size)
        return answer

    def ask(self, path: str, query: Mapping[str, str] | None = None) -> GetResult:
        """GET *path* once and parse its JSON; never raises because of the network.

        Args:
            path: the path to request, such as ``/messages/outbound``.
            query: the query parameters, not escaped.
        """
        trace = TransportTrace(has_events=self._has_events)
        try:
            request = self._client.build_request(
                "GET", self.base_url + path, params=dict(query or {})
            )
            self._exchange(request, trace=trace)
        except Exception as error:  # noqa: BLE001 - any error means that there is no reply
            trace.record_failure(error)
        data = None
        with suppress(ValueError):
            data = parse_json(trace.body) if trace.complete else None
        return GetResult(trace.status, data, trace.failure)

    def _post(
        self,
        path: str,
        make_parts: Callable[[], Sequence[Buffer]],
        *,
        read: Reader,
        on_sent: Callable[[], None] | None = None,
    ) -> tuple[Answer, int]:
        """Post once and return what the request came to, and the bytes of its body."""
        trace = TransportTrace(has_events=self._has_events, on_sent=on_sent)
        size = 0
        try:
            body = Chunks(make_parts(), trace=trace)
            size = body.size
            self._send(path, body, trace=trace)
        except BaseException as error:  # noqa: BLE001 - an interrupt too: it does not raise
            trace.record_failure(error)
        return _without(self._secret, trace.answer(read)), size

    def _send(self, path: str, body: Chunks, *, trace: TransportTrace) -> None:
        """Post *body* and read the reply into *trace*; raises what httpx raises."""
        request = self._client.build_request(
            "POST",
            self.base_url + path,
            content=body,
            headers={"Content-Length": str(body.size)},
        )
        trace.called = True
        self._exchange(request, trace=trace)

    def _exchange(self, request: httpx.Request, *, trace: TransportTrace) -> None:
        """Send *request* and read the reply into *trace*."""
        deadline = Deadline(after_s=2 * self._timeout_s)  # for a server that is slow, not silent

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
            trace.read_body(_body(response), until_s=time.monotonic() + self._timeout_s)
        finally:
            response.close()

    def __repr__(self) -> str:
        url = self.base_url if hasattr(self, "_url") else "?"  # __init__ may have raised
        return f"{type(self).__name__}(base_url={url!r}, token=•••)"

    def _repr_html_(self) -> str:
        return server_summary(self)  # without the token

    def __reduce__(self) -> NoReturn:
        raise NotPicklable(
            "a Postmark contains a token and cannot be pickled; make it where it is needed: "
            "mf.Postmark()"
        )


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


def _without(secret: Secret, answer: Answer) -> Answer:
    """Return *answer* with the token hidden, in case the server echoed it."""
    outcomes = answer.outcomes
    hidden = {text: secret.hide_in(text) for text in {outcome.message for outcome in outcomes}}
    if any(text != shown for text, shown in hidden.items()):
        outcomes = tuple(replace(one, message=hidden[one.message]) for one in outcomes)
    return replace(answer, outcomes=outcomes, reason=secret.hide_in(answer.reason))


def _log(answer: Answer, *, what: str, messages: int, size: int) -> None:
    """Log counts, bytes, status and error code; never an address, a payload or a token."""
    _LOG.debug(
        "%s: %d messages, %d bytes: %s, HTTP %s, ErrorCode %s",
        *(what, messages, size, answer.verdict, answer.http_status, answer.error_code),
    )


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
