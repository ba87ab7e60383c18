"""LocalPostmark: the sandbox as one object."""

from __future__ import annotations

import atexit
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self

from mailframe.errors import NotPicklable
from mailframe.sandbox.checks.account import DEFAULT_TOKEN, checked_account
from mailframe.sandbox.checks.option_values import checked_seconds, checked_texts, checked_whole
from mailframe.sandbox.faults.schedule import Fault
from mailframe.sandbox.local.options import checked_servers, checked_suppressions, every_token
from mailframe.sandbox.local.recorded import Recorded
from mailframe.sandbox.local.shown import Shown
from mailframe.sandbox.local.simulated import Simulated
from mailframe.sandbox.local.webhooks import WebhookMethods
from mailframe.sandbox.serving.request_handler import RequestHandler
from mailframe.sandbox.state.database import opening
from mailframe.sandbox.state.events.suppressing import suppress
from mailframe.sandbox.state.messages.unsubscribe_links import NO_SOCKET_URL
from mailframe.sandbox.state.starting import Named
from mailframe.sandbox.state.store import KEEP, Store
from mailframe.sandbox.webhooks.thread import WebhookThread
from mailframe.sandbox.wire.access import (
    access_of,
    checked_host,
    checked_name,
    checked_public_url,
)
from mailframe.sandbox.wire.limits import Limits
from mailframe.sandbox.wire.loopback import loopback_name, url_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from mailframe.sandbox.faults.names import FaultName, SearchFaultName
    from mailframe.sandbox.faults.schedule import Rule
    from mailframe.sandbox.local.options import Suppressions
    from mailframe.sandbox.serving.request_handler import Listener
    from mailframe.sandbox.serving.socket_server import SocketServer
    from mailframe.sandbox.serving.transport import InProcessTransport


class LocalPostmark(Recorded, Simulated, WebhookMethods, Shown):
    """A local Postmark: the same requests, answers and errors; no mail is delivered.

    Args:
        host: the host to listen on. One that is not ``localhost``, ``::1`` or in 127.0.0.0/8 needs
            ``allow_hosts`` and ``tokens``, because the sandbox stores personal data; then every
            request needs one of the tokens.
        port: the port; 0 takes a free one.
        in_process: whether to open no socket; clients use ``transport()``.
        tokens: the valid server tokens; None accepts any token that is not empty.
            ``POSTMARK_API_TEST`` always validates and stores nothing.
        senders: the confirmed addresses and domains, ignoring case; None accepts all.
        suppressions: the addresses that are inactive on every stream of every server, or a mapping
            of stream to addresses; or for one server, of its name to such a mapping.
        streams: the type of each stream by id: ``transactional``, ``broadcast`` or ``inbound``;
            None is the three streams of a new server.
        approval: the approval: ``approved``, ``pending`` (412) or ``refused`` (413).
        delay_s: the seconds that each answer takes.
        seed: the seed that makes the MessageIDs repeatable.
        faults: the names, Faults or rules, as for ``fault``.
        server_id: the unique ID in ``GET /server``; None draws one, or takes that of ``db``.
        delivery_type: the type in ``GET /server``: ``Sandbox`` or ``Live``; nothing is delivered.
        index_delay_s: the seconds from the acceptance of a message until a search finds it.
        paused: whether the account is paused from the start; see ``pause``.
        servers: the token or tokens of each further server by its name; each server has its own
            messages, streams and suppressions.
        db: the SQLite file that keeps everything, to go on after a restart ("A second start" in
            docs/sandbox.md); None keeps it until the sandbox is no longer used.
        keep: the number of messages, and of requests, that are kept; the oldest go.
        bulk: whether the account has the Bulk API; without it, ``/email/bulk`` answers code 14.
        allow_hosts: the names that clients may call it by, besides those of this machine.
        public_url: the base URL of the links in messages, such as ``http://127.0.0.1:8025``; None
            is that of the sandbox, with the first of ``allow_hosts`` if it serves other machines.
        webhook_hosts: the names of the machines that webhooks may reach, besides this one.
        limits: the limits of connections.

    Raises:
        SandboxError: other machines could connect without a token, a value is wrong, the file
            cannot be used, or its servers or streams contradict the options.

    >>> import httpx
    >>> with LocalPostmark(in_process=True, seed=1) as sandbox:
    ...     client = httpx.Client(transport=sandbox.transport(), base_url=sandbox.url)
    ...     answer = client.post(
    ...         "/email",
    ...         json={"From": "a@example.com", "To": "b@example.com", "TextBody": "Hi"},
    ...         headers={"X-Postmark-Server-Token": sandbox.token, "Accept": "application/json"},
    ...     )
    >>> answer.json()["Message"], sandbox.messages()["To"].tolist()
    ('OK', ['b@example.com'])
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        in_process: bool = False,
        tokens: Iterable[str] | None = None,
        senders: Iterable[str] | None = None,
        suppressions: Suppressions = (),
        streams: Mapping[str, str] | None = None,
        approval: str = "approved",
        delay_s: float = 0.0,
        seed: int | None = None,
        faults: Iterable[Fault | str | Rule] = (),
        server_id: int | None = None,
        delivery_type: str = "Sandbox",
        index_delay_s: float = 0.0,
        paused: bool = False,
        servers: Mapping[str, str | Iterable[str]] | None = None,
        db: str | os.PathLike[str] | None = None,
        keep: int = KEEP,
        bulk: bool = True,
        allow_hosts: Iterable[str] = (),
        public_url: str | None = None,
        webhook_hosts: Iterable[str] = (),
        limits: Limits | None = None,
    ) -> None:
        tokens = None if tokens is None else checked_texts(tokens, name="tokens")
        further = checked_servers(servers)
        secrets = every_token(tokens, further)
        names = [allow_hosts] if isinstance(allow_hosts, str) else list(allow_hosts)
        self._public_url = None if public_url is None else checked_public_url(public_url)
        self._access = access_of(
            host, allow_hosts=names, tokens=secrets, public_url=self._public_url
        )
        self._name = names[0].lower() if loopback_name(host) is None else None
        self._limits = limits or Limits()
        self._host, self._in_process = checked_host(host), in_process
        self._wanted_port = checked_whole(port, name="port", low=0, high=65_535)
        delay_s = checked_seconds(delay_s, name="delay_s")
        if server_id is not None:
            server_id = checked_whole(server_id, name="server_id", low=1)
        if seed is not None:
            seed = checked_whole(seed, name="seed")
        self._token = tokens[0] if tokens else DEFAULT_TOKEN
        account = checked_account(
            tokens=tokens,
            senders=senders,
            streams=streams,
            approval=approval,
            server_id=server_id,
            delivery_type=delivery_type,
            bulk=bulk,
        )
        named = Named(
            server_id,
            further,
            None if streams is None else account.streams,
            checked_suppressions(suppressions, servers=further),
            checked_seconds(index_delay_s, name="index_delay_s"),
            paused,
            frozenset(map(checked_name, checked_texts(webhook_hosts, name="webhook_hosts"))),
            delay_s,
        )
        keep = checked_whole(keep, name="keep", low=1)
        path = None if db is None else Path(db)
        with opening(path):
            self._store = Store(account, seed=seed, path=path, keep=keep, named=named)
        self._webhooks = WebhookThread(self._store)
        self._handler = RequestHandler(self._store)
        self._handler.schedule.first = tuple([faults] if isinstance(faults, str) else faults)
        self._server: SocketServer | None = None
        self._closing, self._is_open = self._store.closing, False
        try:
            with opening(path):
                self._store.start()
        except BaseException:
            self._store.database.close()  # a traceback in a notebook would keep it in use
            raise

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: object, *_: object) -> None:
        self._close()
        if kind is None:
            self._handler.raise_error_of_listener()

    def __reduce__(self) -> NoReturn:
        raise NotPicklable(
            "a sandbox listens in this process and cannot be pickled or copied. In another "
            "process, write mf.Postmark(token, base_url=url) with the token and url of the sandbox"
        )

    def start(self) -> Self:
        """Start to accept requests; a second call does nothing.

        Raises:
            SandboxError: the address is not available, or the file is in use.
        """
        if self._is_open:
            return self
        self._store.database.open()
        self._closing.clear()
        if not self._in_process:
            from mailframe.sandbox.serving.socket_server import SocketServer  # noqa: PLC0415  # asyncio

            self._server = SocketServer(
                self._handler,
                host=self._host,
                port=self._wanted_port,
                access=replace(self._access, is_made=self._store.is_of_later_server),
                limits=self._limits,
            )
            atexit.register(self.close)
        self._store.url = self.public_url
        self._is_open = True
        self._webhooks.reopen()
        return self

    def close(self) -> None:
        """Free the port and end the thread; the messages can still be read.

        Raises:
            SandboxError: the function of ``listen`` raised an error.
        """
        self._close()
        self._handler.raise_error_of_listener()

    def _close(self) -> None:
        self._closing.set()
        self._is_open = False
        server, self._server = self._server, None
        if server is not None:
            atexit.unregister(self.close)
            server.close()
        if not self._store.database.is_forked:
            self._webhooks.close()
        self._store.database.close()

    @property
    def port(self) -> int:
        """The port that it listens on; 0 without a socket."""
        return 0 if self._server is None else self._server.port

    @property
    def url(self) -> str:
        """The base URL for a client of Postmark; without a socket, nothing can connect to it."""
        return NO_SOCKET_URL if self._server is None else url_of(self._host, self.port)

    @property
    def public_url(self) -> str:
        """The base URL of the links in messages, as ``public_url=`` says, or else its own."""
        if self._public_url is not None:
            return self._public_url
        is_named = self._name is not None and self._server is not None
        return f"http://{self._name}:{self.port}" if is_named else self.url

    @property
    def token(self) -> str:
        """A valid server token of this sandbox."""
        return self._token

    @property
    def server_id(self) -> int:
        """The ID that ``GET /server`` shows."""
        return self._store.first_server

    @property
    def index_delay_s(self) -> float:
        """Seconds from the acceptance of any message until a search finds it; can be set."""
        return self._store.index.delay_s

    @index_delay_s.setter
    def index_delay_s(self, seconds: float) -> None:
        seconds = checked_seconds(seconds, name="index_delay_s")
        with self._store.lock:
            self._store.index.delay_s = seconds

    @property
    def paused(self) -> bool:
        """Whether the account is paused."""
        return self._store.paused

    def pause(self) -> None:
        """Pause the account: messages are accepted, but no search finds them until ``resume``."""
        with self._store.lock:
            self._store.paused = True

    def resume(self) -> None:
        """End the pause: searches find its messages once ``index_delay_s`` has passed."""
        with self._store.lock:
            self._store.paused = False
        self._store.wake()

    def transport(self) -> InProcessTransport:
        """A transport for ``httpx.Client`` and ``httpx.AsyncClient``, without a socket."""
        from mailframe.sandbox.serving.transport import InProcessTransport  # noqa: PLC0415 - httpx

        return InProcessTransport(self._handler, self._closing)

    def suppress(
        self,
        address: str,
        *,
        stream: str = "outbound",
        reason: str = "HardBounce",
        server: int | str | None = None,
    ) -> None:
        """Make *address* inactive on *stream*, ignoring case.

        Args:
            address: the address.
            stream: the ID of the stream.
            reason: HardBounce, SpamComplaint or ManualSuppression.
            server: the name or the ID of the server; None is the first one.

        Raises:
            SandboxError: the server, the stream or the reason does not exist.
        """
        suppress(self._store, address, stream=stream, reason=reason, server=server)
        self._store.wake()

    def fault(
        self,
        fault: FaultName | SearchFaultName | str | Fault | Rule,
        *,
        request: int | None = None,
        times: int | None = 1,
        delay_s: float | None = None,
        retry_after_s: int = 1,
        path: str | None = None,
        first: int = 1,
    ) -> None:
        """Add a fault: something that goes wrong with one or more requests.

        Args:
            fault: a name of FaultName or SearchFaultName; a Fault, which has its own options; or a
                rule: a callable that gets an Arrival (number, method, path, bytes) and returns a
                Fault, a name or None.
            request: the number of the POST to ``/email`` or ``/email/batch``, or of the request to
                *path*, from 1; None hits the next.
            times: the number of requests in a row; None never stops.
            delay_s: the wait in seconds, for the faults that wait.
            retry_after_s: the seconds in Retry-After, for ``http_429_retry_after``.
            path: the endpoint of the fault or the rule; None is those that send.
            first: the number of messages that a ``partial`` search finds.

        Raises:
            SandboxError: the name or the path does not exist; the message lists all.

        >>> sandbox = LocalPostmark(in_process=True)
        >>> sandbox.fault("http_429", request=2)
        >>> sandbox.fault("http_500_lost", path="/messages/outbound", times=3)
        >>> sandbox.fault(lambda arrival: "close_accepted" if arrival.number % 3 == 0 else None)
        """
        if isinstance(fault, str):
            fault = Fault(
                fault,
                request=request,
                times=times,
                delay_s=delay_s,
                retry_after_s=retry_after_s,
                path=path,
                first=first,
            )
        with self._store.lock:
            self._handler.schedule.add(fault, path=path)

    def listen(self, listener: Listener | None) -> None:
        """Call *listener* with each completed request, in the thread that served it; None stops.

        An error in it changes no answer. The first one is logged at once, and ``close``, or the end
        of ``with``, raises it.
        """
        self._handler.listener = listener

    def clear(self) -> None:
        """Remove messages and requests, and count from 1 again; suppressions and faults stay."""
        self._store.clear()

    def reset(self) -> None:
        """Restore the initial state: its suppressions, faults, delay and pause, no messages.

        Raises:
            SandboxError: the options need what only the file has; nothing is removed then.
        """
        self._store.reset()
