"""Which fault hits which request. No network; what each fault does stands in ``effects.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailframe.errors import SandboxError
from mailframe.sandbox.endpoints import POSTMARKS_ROUTES, SEARCH, is_send, route_of
from mailframe.sandbox.faults import EFFECTS, Effect, FaultName, SearchFaultName, Taken

if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[["Arrival"], "Fault | str | None"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault and the requests that it hits.

    Attributes:
        name: see FaultName and SearchFaultName.
        request: number of the first request that it hits, counted from 1 over the POSTs to ``/email`` and
            ``/email/batch``, or over the requests to *path*; None hits the next one that no earlier fault has
            claimed.
        times: how many requests it hits, in a row; None never stops.
        delay_s: seconds; what it means stands with the name, for the others it is the wait before the end. None
            takes the default.
        retry_after_s: whole seconds in Retry-After, for ``http_429_retry_after``.
        path: the endpoint that it hits, such as ``/messages/outbound``, ``/server`` or
            ``/messages/outbound/{id}/details``; None is the two that send, and the search for ``partial``.
        first: how many messages a ``partial`` search knows.

    >>> Fault("http_429", request=2, times=3).accepts
    False
    >>> Fault("http_500_lost", path="/messages/outbound").path
    '/messages/outbound'
    """

    name: FaultName | SearchFaultName | str
    request: int | None = None
    times: int | None = 1
    delay_s: float | None = None
    retry_after_s: int = 1
    path: str | None = None
    first: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", _name(self.name))
        path = SEARCH if self.path is None and self.effect.only_first else self.path
        object.__setattr__(self, "path", fault_path(path))
        if self.effect.only_first and self.path != SEARCH:
            raise SandboxError(
                f"only a search can be {self.name}; leave path out, or write path={SEARCH!r}"
            )
        if self.first < 0:
            raise SandboxError(
                f"a partial search knows 0 messages or more; found first={self.first}"
            )
        if (self.request is not None and self.request < 1) or (
            self.times is not None and self.times < 1
        ):
            raise SandboxError(
                f"requests are counted from 1; found request={self.request}, times={self.times}"
            )

    @property
    def effect(self) -> Effect:
        """What it does."""
        return EFFECTS[_name(self.name)]

    @property
    def accepts(self) -> bool:
        """Whether messages can be accepted in spite of it."""
        return self.effect.taken is not Taken.NONE

    @property
    def wait_s(self) -> float:
        """Seconds to wait."""
        return self.effect.delay_s if self.delay_s is None else self.delay_s


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of a request when its head has been read: what a rule decides by.

    Attributes:
        number: counted from 1, of the POSTs to ``/email`` and ``/email/batch``, or of the requests to the same
            other endpoint.
        method: in upper case.
        path: as it was asked for, without the query.
        bytes: of the body, as its Content-Length says; 0 when it says nothing.
    """

    number: int
    method: str
    path: str
    bytes: int

    def is_at(self, path: str | None) -> bool:
        """Whether it came to the endpoint *path*; None is the two that send."""
        return is_send(self.method, self.path) if path is None else route_of(self.path) == path


class Schedule:
    """The faults to come. Not thread-safe by itself: the exchange holds its lock."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Fault, int]] = []  # with how many requests each has hit
        self._rules: list[tuple[Rule, str | None]] = []  # with the endpoint that each is asked for

    def add(self, fault: Fault | str | Rule, *, path: str | None = None) -> None:
        """Add a fault, its name, or a rule: a callable that gets each Arrival at *path* until ``clear``."""
        if isinstance(fault, Fault | str):
            self._waiting.append((as_fault(fault), 0))
        elif callable(fault):
            self._rules.append((fault, fault_path(path)))
        else:
            raise SandboxError(
                f"a fault is a name, a Fault or a callable; found {type(fault).__name__}"
            )

    def take(self, arrival: Arrival) -> Fault | None:
        """The fault that hits *arrival*: the first added that fits, or else the first that a rule gives."""
        for position, (fault, hits) in enumerate(self._waiting):
            if arrival.is_at(fault.path) and _fits(fault, arrival.number):
                self._count(position, fault, hits + 1)
                return fault
        for rule, path in self._rules:
            found = rule(arrival) if arrival.is_at(path) else None
            if found is not None:
                return as_fault(found)
        return None

    def clear(self) -> None:
        """Forget every fault and rule."""
        self._waiting.clear()
        self._rules.clear()

    def _count(self, position: int, fault: Fault, hits: int) -> None:
        if fault.times is not None and hits >= fault.times:
            del self._waiting[position]
        else:
            self._waiting[position] = (fault, hits)


def as_fault(fault: Fault | str) -> Fault:
    """A name as the fault that it names."""
    return fault if isinstance(fault, Fault) else Fault(fault)


def fault_path(path: str | None) -> str | None:
    """The endpoint that *path* is, in lower case and with ``{id}`` for an id; None stays None.

    Raises:
        SandboxError: when the sandbox has no such endpoint of Postmark.

    >>> fault_path("/Messages/Outbound/4bba52b4/dump")
    '/messages/outbound/{id}/dump'
    """
    if path is None:
        return None
    found = route_of(path)
    if found not in POSTMARKS_ROUTES:
        raise SandboxError(
            f"no fault can hit the path {path!r}; the paths are {', '.join(POSTMARKS_ROUTES)}"
        )
    return found


def _name(name: str) -> FaultName | SearchFaultName:
    if name in tuple(SearchFaultName):
        return SearchFaultName(name)
    try:
        return FaultName(name)
    except ValueError:
        known = ", ".join([*FaultName, *SearchFaultName])
        raise SandboxError(f"there is no fault {name!r}; the faults are {known}") from None


def _fits(fault: Fault, number: int) -> bool:
    if fault.request is None:
        return True
    after_last = float("inf") if fault.times is None else fault.request + fault.times
    return fault.request <= number < after_last
