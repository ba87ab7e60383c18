"""Postmark over HTTP: one request out, one reply in.

The request goes through ``connection.py``. What a reply means is in ``responses.py``, and what is
known without one in ``trace.py``.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

import orjson

from mailframe.errors import NotPicklable
from mailframe.postmark.account.verbs import AccountVerbs
from mailframe.postmark.connection import Connection
from mailframe.postmark.decoding import json_objects, parse_json
from mailframe.postmark.replies import GetResult
from mailframe.postmark.responses import Answer, read_batch, read_single
from mailframe.postmark.retry_after import retry_after_s
from mailframe.postmark.server_summary import server_summary
from mailframe.postmark.token import TEST_TOKEN, TOKEN_VARIABLE, Secret, checked_token
from mailframe.postmark.trace import Chunks, TransportTrace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mailframe.message.batch import Batch
    from mailframe.message.message import Buffer, Message
    from mailframe.postmark.connection import Transport
    from mailframe.postmark.trace import Reader

LIVE_DOMAIN: Final = "postmarkapp.com"
_LOG: Final = logging.getLogger("mailframe.postmark.client")


class Postmark(AccountVerbs):
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
            itself reports what was sent, so with any other, and in a browser (Pyodide), each
            exception counts as ``unknown``.

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
        transport: Transport | None = None,
    ) -> None:
        source = TOKEN_VARIABLE if token is None else "token"
        given: object = os.environ.get(TOKEN_VARIABLE, "") if token is None else token
        secret = Secret(given) if isinstance(given, str) else None
        del token, given  # a traceback that prints local variables must not show it
        self._secret = checked_token(secret, source=source)
        self._connection = Connection(
            self._secret, base_url=base_url, timeout=timeout, transport=transport
        )

    @property
    def base_url(self) -> str:
        """The URL of the API, without a trailing slash."""
        return self._connection.base_url

    @property
    def timeout(self) -> float:
        """Seconds to wait for a reply."""
        return self._connection.timeout_s

    @property
    def is_test_token(self) -> bool:
        """Whether the token is ``POSTMARK_API_TEST``, with which Postmark delivers nothing."""
        return self._secret.reveal().upper() == TEST_TOKEN  # Postmark: tokens ignore case

    @property
    def is_live(self) -> bool:
        """Whether mail is delivered: it is Postmark's host and not the test token."""
        host = self._connection.url.host.rstrip(".")
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

        >>> import httpx
        >>> from mailframe.message.batch import Batch
        >>> from mailframe.message.message import Message
        >>> ok = {"ErrorCode": 0, "Message": "OK", "MessageID": "b7bc2f4a", "To": "ann@example.com"}
        >>> transport = httpx.MockTransport(lambda _: httpx.Response(200, json=[ok]))
        >>> server = Postmark("any", transport=transport)
        >>> server.send_batch(Batch(1, (Message(0, "ann@example.com", b"{}"),))).verdict
        <Verdict.ANSWERED: 'answered'>
        """
        read = partial(read_batch, expected_to=[message.to for message in batch.messages])
        path = "/email/batchWithTemplates" if batch.uses_templates else "/email/batch"
        answer, size = self._post(path, batch.parts, read=read, on_sent=on_sent)
        _log(answer, what=f"batch {batch.number}", messages=len(batch), size=size)
        return answer

    def send_email(self, message: Message) -> Answer:
        """Post one *message* once; see ``send_batch``. The ledger is not used.

        A message with a template is posted to ``/email/withTemplate``.

        >>> import httpx
        >>> from mailframe.message.message import Message
        >>> no = {"ErrorCode": 406, "Message": "Found inactive addresses: ann@example.com."}
        >>> transport = httpx.MockTransport(lambda _: httpx.Response(422, json=no))
        >>> server = Postmark("any", transport=transport)
        >>> server.send_email(Message(0, "ann@example.com", b"{}"))
        <Answer: rejected, ErrorCode 406: Found inactive addresses: ann@example.com.>
        """
        read = partial(read_single, expected_to=message.to)
        path = "/email/withTemplate" if message.uses_template else "/email"
        answer, size = self._post(path, lambda: [message.body], read=read)
        _log(answer, what=f"position {message.position}", messages=1, size=size)
        return answer

    def ask(self, path: str, query: Mapping[str, str] | None = None) -> GetResult:
        """GET *path* once and parse its JSON; never raises because of the network.

        Args:
            path: the path to request, such as ``/messages/outbound``.
            query: the query parameters, not escaped.
        """
        trace = TransportTrace(has_events=self._connection.has_events)
        with _recorded(trace):
            self._connection.get(path, query or {}, trace=trace)
        return self._result(trace)

    def change(self, path: str, value: object, *, method: str = "POST") -> GetResult:
        """Send the JSON of *value* once, as ``ask`` asks; not for emails.

        Args:
            path: the path to request, such as ``/bounces/7/activate``.
            value: the JSON value of the body; None sends an empty body.
            method: POST or PUT.
        """
        trace = TransportTrace(has_events=self._connection.has_events)
        with _recorded(trace):
            parts = [] if value is None else [orjson.dumps(value)]
            body = Chunks(parts, trace=trace)
            self._connection.send(method, path, body, trace=trace)
        return self._result(trace)

    def each(
        self,
        path: str,
        query: Mapping[str, str],
        *,
        name: str,
        take: Callable[[dict[str, Any]], None],
    ) -> GetResult:
        """GET a list of any length once; the reply is not kept, as ``ask`` would keep it.

        Args:
            path: the path to request.
            query: the query parameters, not escaped.
            name: the name of the list in the reply.
            take: is called with each object of the list. What it was called with is not all if the
                result has a failure.
        """
        trace = TransportTrace(has_events=self._connection.has_events)

        def read(pieces: Iterable[bytes]) -> None:
            for item in json_objects(pieces, name=name):
                take(item)

        with _recorded(trace):
            self._connection.get(path, query, trace=trace, read=read)
        return self._result(trace)

    def _result(self, trace: TransportTrace) -> GetResult:
        """The result of a question or a change."""
        data = None
        with suppress(ValueError):
            data = parse_json(trace.body) if trace.complete and trace.body else None
        text = data.get("Message") if isinstance(data, dict) else None
        message = self._secret.hide_in(text) if isinstance(text, str) else ""
        wait_s = retry_after_s(trace.headers)
        return GetResult(trace.status, data, trace.failure, wait_s, message)

    def _post(
        self,
        path: str,
        make_parts: Callable[[], Sequence[Buffer]],
        *,
        read: Reader,
        on_sent: Callable[[], None] | None = None,
    ) -> tuple[Answer, int]:
        """Post once and return what the request came to, and the bytes of its body."""
        trace = TransportTrace(has_events=self._connection.has_events, on_sent=on_sent)
        size = 0
        try:
            body = Chunks(make_parts(), trace=trace)
            size = body.size
            self._connection.send("POST", path, body, trace=trace)
        except BaseException as error:  # noqa: BLE001 - an interrupt too: it does not raise
            trace.record_failure(error)
        return _without(self._secret, trace.answer(read)), size

    def __repr__(self) -> str:
        url = self.base_url if hasattr(self, "_connection") else "?"  # __init__ may have raised
        return f"{type(self).__name__}(base_url={url!r}, token=•••)"

    def _repr_html_(self) -> str:
        return server_summary(self)  # without the token

    def __reduce__(self) -> NoReturn:
        raise NotPicklable(
            "a Postmark contains a token and cannot be pickled; make it where it is needed: "
            "mf.Postmark()"
        )


@contextmanager
def _recorded(trace: TransportTrace) -> Iterator[None]:
    """Record any error: it means that there is no reply."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - of httpx, or of a transport of another class
        trace.record_failure(error)


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
