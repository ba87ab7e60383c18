"""One request from its arrival to its end, the same over a socket and in process. Knows no network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailframe.sandbox.endpoints import (
    POSTMARKS_ROUTES,
    ROUTES,
    Reply,
    Request,
    is_send,
    route_of,
    rule,
)
from mailframe.sandbox.fault_schedule import Arrival, Fault, Schedule
from mailframe.sandbox.faults import Ending, Taken
from mailframe.sandbox.store import Seen, Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.accepted_message import Posted

Listener = Callable[[Seen], None]


@dataclass(frozen=True, slots=True)
class Visit:
    """A request whose head has been read.

    Attributes:
        place: its row in the store.
        seen: what is known of it.
        fault: the fault that hits it.
        query: what stands behind the ``?``; it can hold an address, so it is kept no longer than the request.
    """

    place: int
    seen: Seen
    fault: Fault | None
    query: str = ""

    @property
    def known_first(self) -> int | None:
        """How many of its matches a search knows; None is all."""
        return self.fault.first if self.fault is not None and self.fault.effect.only_first else None

    @property
    def ends_before_body(self) -> bool:
        """Whether the connection is to be closed now."""
        return self.fault is not None and self.fault.effect.before_body

    @property
    def waits_for_hangup_s(self) -> float:
        """Seconds to wait at most for the client to go, before the messages are accepted."""
        return (
            self.fault.wait_s if self.fault is not None and self.fault.effect.after_hangup else 0.0
        )


@dataclass(frozen=True, slots=True)
class Settled:
    """How a request is to end.

    Attributes:
        reply: the answer; of a half one, the whole.
        ending: what to do with it and with the connection.
        delay_s: seconds to wait before that.
    """

    reply: Reply
    ending: Ending = Ending.ANSWER
    delay_s: float = 0.0


class Exchange:
    """What both doors of the sandbox, the socket and the transport, call."""

    def __init__(self, store: Store, schedule: Schedule, *, delay_s: float = 0.0) -> None:
        self.store = store
        self.schedule = schedule
        self.delay_s = delay_s
        self.listener: Listener | None = None

    def arrive(self, method: str, path: str, declared_bytes: int, *, query: str = "") -> Visit:
        """Number the request and see which fault hits it."""
        with self.store.lock:
            number = self.store.next_number() if is_send(method, path) else None
            fault = self._fault(number, method, path, declared_bytes)
            seen = Seen(number, method, path, fault=None if fault is None else str(fault.name))
            return Visit(self.store.see(seen), seen, fault, query)

    def _fault(
        self, number: int | None, method: str, path: str, declared_bytes: int
    ) -> Fault | None:
        """The fault that hits the request; those that do not send are counted by endpoint."""
        route = route_of(path)
        if route not in POSTMARKS_ROUTES or method not in ROUTES[route]:
            return None
        turn = self.store.next_turn(route) if number is None else number
        return self.schedule.take(Arrival(turn, method, path, declared_bytes))

    def settle(
        self, visit: Visit, headers: Mapping[str, str], body: bytes, read_bytes: int
    ) -> Settled:
        """Answer the request by the rules, and bend the answer by its fault.

        Args:
            visit: from ``arrive``.
            headers: by name in lower case.
            body: its bytes, or the beginning of far too many.
            read_bytes: how many there were.
        """
        seen = visit.seen
        request = Request(
            seen.method, seen.path, headers, body, seen.number, visit.query, visit.known_first
        )
        with (
            self.store.lock
        ):  # a hard bounce in one request is seen by the next, whatever thread brings it
            ruling = rule(request, self.store)
            accepted = _taken(ruling.accepted, visit.fault)
            settled = _settled(ruling.reply, visit.fault, seen.path)
            status = settled.reply.status if settled.ending is Ending.ANSWER else None
            self.store.accept(accepted)
            done = replace(
                seen,
                messages=ruling.messages,
                bytes=read_bytes,
                http_status=status,
                accepted=len(accepted),
            )
            self._note(visit, done)
        return replace(settled, delay_s=settled.delay_s + self.delay_s)

    def abandon(self, visit: Visit, read_bytes: int) -> None:
        """The request ended before it was whole: nothing was accepted, nothing answered."""
        self._note(visit, replace(visit.seen, bytes=read_bytes))

    def _note(self, visit: Visit, seen: Seen) -> None:
        self.store.replace(visit.place, seen)
        if self.listener is not None:
            self.listener(seen)


def _taken(accepted: tuple[Posted, ...], fault: Fault | None) -> tuple[Posted, ...]:
    """What of *accepted* is kept in spite of the fault."""
    taken = Taken.ALL if fault is None else fault.effect.taken
    kept = {Taken.ALL: len(accepted), Taken.NONE: 0, Taken.FIRST_HALF: len(accepted) // 2}
    return accepted[: kept[taken]]


def _settled(reply: Reply, fault: Fault | None, path: str) -> Settled:
    if fault is None:
        return Settled(reply)
    effect = fault.effect
    bent = reply if effect.answer is None else effect.answer(reply, fault, path)
    return Settled(bent, effect.ending, 0.0 if effect.after_hangup else fault.wait_s)
