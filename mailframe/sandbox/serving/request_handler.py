"""One request from arrival to reply, the same over a socket and in process. No network."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailframe.errors import SandboxError
from mailframe.sandbox.api.routes import POSTMARK_ROUTES, endpoint_of, is_send
from mailframe.sandbox.faults.names import NO_EFFECT, Acceptance, Effect, Ending
from mailframe.sandbox.faults.schedule import Arrival, Fault, Schedule
from mailframe.sandbox.life.simulation import Simulation
from mailframe.sandbox.serving.routes import answer, is_unrecorded
from mailframe.sandbox.state.requests import RequestRecord
from mailframe.sandbox.wire import texts
from mailframe.sandbox.wire.access import refused
from mailframe.sandbox.wire.exchange import Reply, Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailframe.sandbox.state.messages.acceptance import Acceptance as Accepted
    from mailframe.sandbox.state.store import Store

LOGGER = logging.getLogger("mailframe.sandbox")
Listener = Callable[[RequestRecord], None]


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request whose head has been read.

    Attributes:
        index: the index of its record in the store; None if it is not recorded.
        record: the record, as far as it is known.
        fault: the fault that hits it.
        query: the part after the ``?``; it can contain an address, so it is not stored.
    """

    index: int | None
    record: RequestRecord
    fault: Fault | None
    query: str = ""

    @property
    def effect(self) -> Effect:
        """What the fault does."""
        return NO_EFFECT if self.fault is None else self.fault.effect

    @property
    def hangup_wait_s(self) -> float:
        """Seconds to wait at most for the client to disconnect, before messages are accepted."""
        return self.fault.wait_s if self.fault and self.effect.after_hangup else 0.0

    @property
    def answer_wait_s(self) -> float:
        """Seconds to wait after messages were accepted."""
        return self.fault.wait_s if self.fault and not self.effect.after_hangup else 0.0


@dataclass(frozen=True, slots=True)
class PlannedReply:
    """How a request will end.

    Attributes:
        reply: the answer; for half an answer, the whole one.
        ending: the handling of the answer and the connection.
        delay_s: the seconds to wait before that.
    """

    reply: Reply
    ending: Ending
    delay_s: float


class RequestHandler:
    """Handles each request that comes in by the socket or the in-process transport.

    Args:
        store: the state of the server.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.schedule = store.attached(Schedule)
        self._simulation = Simulation(store)
        self.listener: Listener | None = None
        self._listener_error: Exception | None = None

    def begin(
        self, method: str, path: str, declared_bytes: int, *, query: str = ""
    ) -> PendingRequest:
        """Number the request, record it, and look up the fault that hits it."""
        with self.store.lock:
            self._simulation.catch_up()
            if is_unrecorded(method, path):
                return PendingRequest(None, RequestRecord(None, method, path), None, query)
            number = self.store.requests.next_number(None) if is_send(method, path) else None
            fault = self._fault(number, method, path, declared_bytes)
            record = RequestRecord(
                None if number is None else self.store.requests.before + number,
                method,
                path,
                fault=None if fault is None else str(fault.name),
                received_ns=self.store.clock.now_ns(),
            )
            return PendingRequest(self._added(record), record, fault, query)

    def _added(self, record: RequestRecord) -> int | None:
        """The ID of a new record; None if it cannot be stored."""
        try:
            return self.store.requests.add(record)
        except sqlite3.OperationalError:
            return None

    def _fault(
        self, number: int | None, method: str, path: str, declared_bytes: int
    ) -> Fault | None:
        """The fault that hits the request; requests that do not send are counted by endpoint."""
        endpoint = endpoint_of(path)
        if endpoint is None or method not in POSTMARK_ROUTES.get(endpoint, ()):
            return None
        if number is None:
            number = self.store.requests.next_number(endpoint)
        return self.schedule.take(Arrival(number, method, path, declared_bytes))

    def respond(
        self, pending: PendingRequest, headers: Mapping[str, str], body: bytes, read_bytes: int
    ) -> PlannedReply:
        """Answer the request by the rules of Postmark, then apply its fault.

        Args:
            pending: the request from ``begin``.
            headers: the headers, by name in lower case.
            body: the whole body, or the start of one that is too large.
            read_bytes: the length of the whole body in bytes.
        """
        record = pending.record
        request = Request(
            record.method,
            record.path,
            headers,
            body,
            number=record.number,
            query=pending.query,
            first=pending.fault.first if pending.fault and pending.effect.only_first else None,
        )
        try:
            planned, ended = self._answered(request, pending, read_bytes)
        except sqlite3.OperationalError as error:  # the disk is full, or the file read-only
            refusal = refused(503, texts.NOT_STORED.format(why=error))
            planned, ended = PlannedReply(refusal, Ending.ANSWER, 0.0), record
        if pending.index is not None:
            planned = self._with_exchange(planned, pending.index, request)
        self._tell(ended)  # what a log says is kept
        self.store.wake()
        return planned

    def _with_exchange(self, planned: PlannedReply, index: int, request: Request) -> PlannedReply:
        """The reply; what was asked and answered is kept, a later body once it is made."""
        reply = planned.reply
        if planned.ending is not Ending.ANSWER or reply.later is None:
            is_answered = planned.ending is Ending.ANSWER
            self.store.exchanges.add(index, request, reply if is_answered else None)
            return planned

        def later() -> Reply:
            made = reply.made()
            self.store.exchanges.add(index, request, made)
            return made

        return replace(planned, reply=replace(reply, later=later))

    def _answered(
        self, request: Request, pending: PendingRequest, read_bytes: int
    ) -> tuple[PlannedReply, RequestRecord | None]:
        """How the request will end, and its record; what it changes is stored."""
        start_ns = time.perf_counter_ns()
        # A request that follows in any thread sees its changes, such as hard bounces.
        with self.store.database.transaction():
            result = answer(request, self.store)
            accepted = _accepted(result.accepted, pending.effect.acceptance)
            planned = self._planned(result.reply, pending)
            if accepted:
                self._simulation.accept(
                    result.server,
                    accepted,
                    accepted_ns=result.accepted_ns,
                    request=request.number or 0,
                )
            if result.keep is not None and pending.effect.acceptance is not Acceptance.NONE:
                result.keep(len(accepted))
            ended = self._recorded(
                pending,
                messages=result.messages,
                bytes=read_bytes,
                http_status=planned.reply.status if planned.ending is Ending.ANSWER else None,
                accepted=len(accepted),
                took_ms=(time.perf_counter_ns() - start_ns) / 1e6,
                error_code=_error_code(planned.reply),
            )
        return planned, ended

    def _planned(self, reply: Reply, pending: PendingRequest) -> PlannedReply:
        change = pending.effect.change
        if pending.fault and change is not None:
            reply = change(reply, pending.fault, pending.record.path)
        delay_s = pending.answer_wait_s + self.store.delay_s
        return PlannedReply(reply, pending.effect.ending, delay_s)

    def abandon(self, pending: PendingRequest, read_bytes: int) -> None:
        """Record that the request ended before its body was complete; nothing is accepted."""
        with contextlib.suppress(sqlite3.OperationalError):  # there is nobody to tell
            self._tell(self._recorded(pending, bytes=read_bytes))

    def refuse(self, method: str, path: str, http_status: int) -> None:
        """Record a request that its host, its page or a missing token rules out."""
        received_ns = self.store.clock.now_ns()
        record = RequestRecord(None, method, path, http_status=http_status, received_ns=received_ns)
        self._added(record)
        self._tell(record)

    def _recorded(self, pending: PendingRequest, **fields: float | None) -> RequestRecord | None:
        """The record of a request that has ended; None if it is not recorded."""
        if pending.index is None:
            return None
        record = replace(pending.record, **fields)  # type: ignore[arg-type]  # fields of int types
        self.store.requests.update(pending.index, record)
        return record

    def raise_error_of_listener(self) -> None:
        """Raise the first error of the listener, once.

        Raises:
            SandboxError: there was one.
        """
        error, self._listener_error = self._listener_error, None
        if error is not None:
            raise SandboxError(
                f"the function of sandbox.listen raised {type(error).__name__}: {error}. The "
                "clients got their answers, and the function was called for later requests"
            ) from error

    def _tell(self, record: RequestRecord | None) -> None:
        if record is None or self.listener is None:
            return
        try:
            self.listener(record)
        except Exception as error:  # a client gets the answer of Postmark all the same
            if self._listener_error is None:
                LOGGER.exception("the function of sandbox.listen raised an error")
                self._listener_error = error


def _error_code(reply: Reply) -> int | None:
    codes = [value for name, value in reply.headers if name == "X-PM-ApiErrorCode"]
    return int(codes[0]) if codes else None


def _accepted(messages: Sequence[Accepted], acceptance: Acceptance) -> Sequence[Accepted]:
    """Those of the valid *messages* that are accepted."""
    counts = {
        Acceptance.ALL: len(messages),
        Acceptance.NONE: 0,
        Acceptance.FIRST_HALF: len(messages) // 2,
    }
    return messages[: counts[acceptance]]
