"""The state of the sandbox: its tables, in one database. Thread-safe."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, cast

from mailframe.sandbox.state import settings, starting
from mailframe.sandbox.state.account.senders import SenderTable
from mailframe.sandbox.state.account.servers import ServerTable
from mailframe.sandbox.state.account.streams import NAMES, StreamTable
from mailframe.sandbox.state.account.templates import TemplateTable
from mailframe.sandbox.state.clock import Clock
from mailframe.sandbox.state.database import Database
from mailframe.sandbox.state.events.bounces import BounceTable
from mailframe.sandbox.state.events.deliveries import Deliveries
from mailframe.sandbox.state.events.events import Event, EventKind, EventTable
from mailframe.sandbox.state.events.lives import LifeTable
from mailframe.sandbox.state.events.outcomes import Outcomes
from mailframe.sandbox.state.events.suppressions import SuppressionTable
from mailframe.sandbox.state.events.upcoming import UpcomingTable
from mailframe.sandbox.state.exchanges import ExchangeLog
from mailframe.sandbox.state.kept_values import KeptValues
from mailframe.sandbox.state.messages.attachments import AttachmentTable
from mailframe.sandbox.state.messages.bulk_requests import BulkRequestTable
from mailframe.sandbox.state.messages.inbound import InboundTable
from mailframe.sandbox.state.messages.message_ids import RandomBits
from mailframe.sandbox.state.messages.message_list import MessageList
from mailframe.sandbox.state.messages.packs import PackTable
from mailframe.sandbox.state.messages.read_marks import ReadMarks
from mailframe.sandbox.state.messages.search_index import SearchIndex
from mailframe.sandbox.state.messages.stored_message import fake_bounces, may_bounce
from mailframe.sandbox.state.messages.sums import SumTable
from mailframe.sandbox.state.messages.unsubscribe_links import UnsubscribeLinks
from mailframe.sandbox.state.requests import RequestTable
from mailframe.sandbox.state.starting import Named
from mailframe.sandbox.state.table import Table
from mailframe.sandbox.state.webhooks.queue import WebhookQueue
from mailframe.sandbox.state.webhooks.webhooks import WebhookTable
from mailframe.sandbox.templating.message_template import Renderer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from mailframe.sandbox.checks.account import Account
    from mailframe.sandbox.state.messages.acceptance import Acceptance
    from mailframe.sandbox.state.messages.stored_message import StoredMessage

KEEP: Final = 100_000
"""How many messages, and how many requests, are kept by default."""
_CLOCK_AHEAD: Final = "clock ahead"
_SCHEMAS: Final = tuple(kind.SCHEMA for kind in Table.__subclasses__())


class Attached(Protocol):
    """What another room keeps with a store; a reset restarts it."""

    def restart(self) -> None:
        """Have only what was there at the start."""


_Attached = TypeVar("_Attached", bound=Attached)


class Store:
    """The state of the sandbox.

    A request holds ``lock`` from its checks to its acceptance, so that one that follows in any
    thread sees what it changed.

    Args:
        account: what the account allows, and the server that it has at first.
        seed: the seed that makes the MessageIDs repeatable.
        path: the file of the database; None is a temporary one.
        keep: the number of messages, and of requests, that are kept.
        named: what the options of this start name, beside the account.

    Attributes:
        first_account: the account at the start.
        lock: the database, which is its own reentrant lock.
        random: the random bits of MessageIDs.
        outcomes: records events together with what they change, such as suppressions.
        renderer: what the renderings of templates share.
        wake: tells the thread of webhooks that something happened; call it without the lock.
        index: what searches find of the messages.
        delay_s: the seconds that each answer takes.
        url: the base URL of the sandbox, for the links that it writes.
        closing: set when the sandbox is closed, which ends what takes long.
    """

    def __init__(
        self,
        account: Account,
        *,
        seed: int | None = None,
        path: Path | None = None,
        keep: int = KEEP,
        named: Named | None = None,
    ) -> None:
        self.account, self.keep, self.named = account, keep, named or Named()
        self.first_account = account
        self.random = RandomBits(seed)
        self.clock = Clock()
        self.database = Database(_SCHEMAS, path=path)
        self.lock = self.database
        shared = self.database, self.clock
        self.kept_values = KeptValues(*shared)
        self.servers = ServerTable(*shared)
        self.senders = SenderTable(*shared)
        self.streams = StreamTable(*shared)
        self.templates = TemplateTable(*shared)
        self.renderer = Renderer()
        self.attachments = AttachmentTable(*shared)
        self.unsubscribe_links = UnsubscribeLinks(self)
        self.messages = PackTable(
            *shared, attachments=self.attachments, links=self.unsubscribe_links, keep=keep
        )
        self.index = SearchIndex(self)
        self.message_list = MessageList(self.database, self.messages)
        self.read_marks = ReadMarks(*shared)
        self.sums = SumTable(*shared, packs=self.messages)
        self.bulk_requests = BulkRequestTable(*shared)
        self.inbound = InboundTable(*shared, keep=keep)
        self.lives = LifeTable(*shared)
        self.bounces = BounceTable(*shared, keep=keep)
        self.events = EventTable(*shared)
        self.upcoming = UpcomingTable(*shared, events=self.events)
        self.suppressions = SuppressionTable(*shared)
        self.outcomes = Outcomes(
            *shared, events=self.events, bounces=self.bounces, suppressions=self.suppressions
        )
        self.deliveries = Deliveries(self)
        self.requests = RequestTable(*shared, keep=keep)
        self.exchanges = ExchangeLog(self.lock)
        self.webhook_queue = WebhookQueue(*shared)
        self.webhooks = WebhookTable(
            *shared,
            ends=self.ends,
            stop=self.webhook_queue.remove_of,
            hosts=self.named.webhook_hosts,
        )
        self.wake: Callable[[], None] = _nothing
        self.url, self.closing = "", threading.Event()
        self.delay_s = 0.0
        self._paused_at: int | None = None
        self._attached: dict[type[Attached], Attached] = {}
        self._opened = uuid.uuid4().hex[:8]
        self._restart_clock()
        self.database.undone = self._read_again

    @property
    def revision(self) -> str:
        """A text that changes with each change of a table."""
        return f"{self._opened}-{self.database.changes}"

    def attached(self, kind: type[_Attached]) -> _Attached:
        """The object of the class *kind* that belongs to this store; the first call makes it."""
        return cast("_Attached", self._attached.setdefault(kind, kind()))

    # --- servers -----------------------------------------------------------------------------

    @property
    def first_server(self) -> int:
        """The ID of the server that every token belongs to if the account accepts any token."""
        return self.account.server_id

    def add_server(
        self, server: int, *, name: str, delivery_type: str, tokens: Sequence[str]
    ) -> None:
        """Create a server with the streams of the account's options."""
        with self.database.transaction():
            self.servers.add(server, name=name, delivery_type=delivery_type, tokens=tokens)
            for stream, kind in self.account.streams.items():
                self.streams.add(
                    server, stream, kind, name=NAMES.get(kind, stream), description=None
                )

    def remove_server(self, server: int) -> None:
        """Remove a server with its streams, suppressions and webhooks; its messages stay."""
        with self.database.transaction():
            for table in (self.streams, self.suppressions, self.webhooks, self.inbound):
                table.remove_all(server)
            self.servers.remove(server)

    def server_of(self, token: str) -> int | None:
        """The ID of the server of *token*, which is in lower case; None if there is none."""
        server = self.servers.of_token(token)
        if server is None and token and self.account.tokens is None:
            return self.first_server
        return server

    def is_of_later_server(self, token: str) -> bool:
        """Whether *token*, which is in lower case, is of another server than the first."""
        return self.servers.of_token(token) not in (None, self.first_server)

    # --- messages ----------------------------------------------------------------------------

    def new_message_id(self, position: int) -> str:
        """The MessageID of the message that will be kept at *position*."""
        return self.random.message_ids(position, 1)[0]

    def accept(
        self,
        server: int,
        accepted: Sequence[Acceptance],
        *,
        accepted_ns: int,
        request: int,
        queued_ns: int = 0,
    ) -> None:
        """Keep messages and their fake bounces; a hard bounce also suppresses its address.

        Args as of ``Simulation.accept``, and *queued_ns*: how long they wait until they are sent.
        """
        first = self.messages.next_position
        bouncing = [
            (position, one, kind, address)
            for position, one in enumerate(accepted if may_bounce(accepted) else (), first)
            for kind, address in fake_bounces(one.message, one.message.get("Headers"))
        ]
        with self.database.transaction():
            self.messages.add(
                server,
                accepted,
                accepted_ns=accepted_ns,
                request=request,
                sent_ns=accepted_ns + queued_ns,
            )
            for position, one, kind, address in bouncing:
                event = Event(
                    EventKind.BOUNCE,
                    server,
                    one.stream,
                    address,
                    accepted_ns,
                    position,
                    one.message_id,
                    one.message.get("Tag") or "",
                )
                self.outcomes.bounce(event, one.message, kind=kind)
            self._remove_older()

    def keep_from(self, position: int) -> None:
        """Remove the messages before *position*, and what ``keep`` no longer allows."""
        self.messages.oldest = min(position, self.messages.next_position)
        for table in (self.messages, self.requests, self.bounces, self.inbound):
            table.remove_oldest()
        self._remove_older()

    def _remove_older(self) -> None:
        """Remove what happened to messages that are no longer kept."""
        if self.messages.first_position > 1:
            self.events.remove_before(self.messages.first_position)
            self.upcoming.remove_before(self.messages.first_position)

    def remove_message(self, message: StoredMessage) -> None:
        """Remove a message, with everything about it but the suppressions that it led to.

        Args:
            message: the message with its content.
        """
        with self.database.transaction():
            self.sums.remove_of(self.messages.pack_of(message.position))
            self.messages.remove(message)
            bulk = self.bulk_requests.remove_subject(message.server, message.accepted_ns)
            self.events.remove_of(message.position)
            self.upcoming.remove_of(message.position)
            self.bounces.remove_of(message.message_id)
            self.webhook_queue.remove_of_message(message.message_id)
            self.read_marks.mark(message.position, is_read=False)
            self.exchanges.remove_of(message, bulk=bulk)

    def remove_inbound(self, message_id: str) -> None:
        """Remove a mail that came in, with what was or will be posted about it."""
        with self.database.transaction():
            self.inbound.remove(message_id)
            self.webhook_queue.remove_of_message(message_id)

    # --- events ------------------------------------------------------------------------------

    def advance_clock(self, by_ns: int) -> None:
        """Move the clock forward; ``Simulation.advance`` also lets happen what is then due."""
        self.clock.advance(by_ns)
        self.kept_values.set(_CLOCK_AHEAD, self.clock.ahead_ns)

    def ends(self) -> tuple[int, int]:
        """The number of the last event, and the position of the last message that was sent."""
        return self.events.last_number(), self.sent_until() - 1

    def sent_until(self) -> int:
        """The first position that a pause or its time keeps from being sent."""
        return min(self.unpaused_until(), self.messages.sent_until(self.clock.now_ns()))

    def unpaused_until(self) -> int:
        """The first position that a pause keeps from being sent."""
        return self.messages.next_position if self._paused_at is None else self._paused_at

    @property
    def paused(self) -> bool:
        """Whether messages that are accepted now stay hidden from searches until the pause ends."""
        return self._paused_at is not None

    @paused.setter
    def paused(self, paused: bool) -> None:
        if paused != self.paused:
            self._paused_at = self.messages.next_position if paused else None

    # --- all of it ---------------------------------------------------------------------------

    def clear(self) -> None:
        """Remove messages, requests and bounces, and count requests from 1 again."""
        with self.lock:
            self._empty([name for table in self._tables() for name in table.CLEARED])
            self.messages.was_cleared()
            self.exchanges.clear()
            self.requests.restart()
            self.upcoming.restart()
            if self.paused:
                self._paused_at = self.messages.next_position

    def reset(self) -> None:
        """Have only what was there at the start; that is no event.

        Raises:
            SandboxError: the options need what only the file has; nothing is removed then.
        """
        with self.lock:
            with self.database.savepoint():
                if not self.is_new:
                    self._empty(self._table_names())
                self._restart()
                starting.start(self)
            self.exchanges.clear()
            self._restore()

    @property
    def is_new(self) -> bool:
        """Whether it has no server yet: it is temporary, or its file was just created."""
        return not self.servers.ids()

    def start(self) -> None:
        """Make the state what the options say.

        Raises:
            SandboxError: the options contradict what the file keeps.
        """
        starting.start(self)
        self._restore()

    def _restore(self) -> None:
        """Have the settings and faults of the start."""
        settings.restore(self)
        self._paused_at = self.messages.next_position if self.named.paused else None
        for one in self._attached.values():
            one.restart()

    def _table_names(self) -> list[str]:
        rows = self.database.rows(
            "select name from sqlite_master where type = 'table' and name not like 'sqlite%'"
        )
        return [row["name"] for row in rows]

    def _empty(self, tables: Sequence[str]) -> None:
        with self.database.transaction():
            for table in tables:
                self.database.run(f"delete from {table}")  # noqa: S608 - our own tables

    def _tables(self) -> list[Table]:
        return [part for part in vars(self).values() if isinstance(part, Table)]

    def _restart(self) -> None:
        for table in self._tables():
            table.restart()
        self.unsubscribe_links.restart()
        self._restart_clock()

    def _read_again(self) -> None:
        """Read again what is kept in memory, after a transaction was undone."""
        for table in self._tables():
            table.read_again()
        self.unsubscribe_links.restart()
        self._restart_clock()

    def _restart_clock(self) -> None:
        self.clock.ahead_ns = self.kept_values.get(_CLOCK_AHEAD) or 0


def _nothing() -> None:
    """Until there is a thread of webhooks, there is nothing to wake."""
