"""Which fault hits which request. No network; what each fault does is in ``names.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import SandboxError
from mailframe.sandbox.api.routes import POSTMARK_ROUTES, endpoint_of, is_send
from mailframe.sandbox.checks.option_values import checked_seconds, checked_whole
from mailframe.sandbox.faults.names import ALL_NAMES, Acceptance, Effect, FaultName, SearchFaultName

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Rule = Callable[["Arrival"], "Fault | str | None"]

SEARCH: Final = "/messages/outbound"
_LOWEST: Final = {"request": 1, "times": 1, "first": 0, "retry_after_s": 0}
_CAN_BE_NONE: Final = ("request", "times")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault and the requests that it hits.

    Attributes:
        name: the name from FaultName or SearchFaultName.
        request: the number of the first request that it hits, counted from 1 over the POSTs to
            ``/email`` and ``/email/batch``, or over the requests to *path*; None hits the next
            request that no earlier fault hits.
        times: the number of requests in a row that it hits; None never stops.
        delay_s: the wait in seconds. FaultName says what it means for a fault; for the others it is
            the wait before the request ends. None takes the default.
        retry_after_s: the whole seconds in Retry-After, for ``http_429_retry_after``.
        path: the endpoint that it hits, such as ``/messages/outbound``, ``/server`` or
            ``/messages/outbound/{id}/details``; None is those that send, and the search for
            ``partial``.
        first: the number of messages that a ``partial`` search finds.

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
        object.__setattr__(self, "name", _fault_name(self.name))
        path = SEARCH if self.path is None and self.effect.only_first else self.path
        object.__setattr__(self, "path", checked_endpoint(path))
        if self.effect.only_first and self.path != SEARCH:
            raise SandboxError(
                f"only a search can be {self.name}; leave path out, or write path={SEARCH!r}"
            )
        for name, low in _LOWEST.items():
            value = getattr(self, name)
            if value is not None or name not in _CAN_BE_NONE:
                checked_whole(value, name=name, low=low)
        if self.delay_s is not None:
            checked_seconds(self.delay_s, name="delay_s")

    @property
    def effect(self) -> Effect:
        """What it does."""
        return _fault_name(self.name).effect

    @property
    def accepts(self) -> bool:
        """Whether it lets messages be accepted."""
        return self.effect.acceptance is not Acceptance.NONE

    @property
    def wait_s(self) -> float:
        """Seconds to wait."""
        return self.effect.delay_s if self.delay_s is None else self.delay_s

    def covers(self, number: int) -> bool:
        """Whether the request of that number is one that it names."""
        if self.request is None:
            return True
        return self.request <= number and (self.times is None or number < self.request + self.times)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request whose head has been read: what a rule decides by.

    Attributes:
        number: the number of the request, counted from 1 over the POSTs that
            send, or over the requests to the same other endpoint.
        method: the method in upper case.
        path: the path as requested, without the query.
        bytes: the size of the body in bytes, according to its Content-Length; 0 without one.
    """

    number: int
    method: str
    path: str
    bytes: int

    def is_at(self, path: str | None) -> bool:
        """Whether it came to the endpoint *path*; None is those that send."""
        return is_send(self.method, self.path) if path is None else endpoint_of(self.path) == path


class Schedule:
    """The faults to come. Not thread-safe; its callers hold the lock of the store.

    Attributes:
        first: the faults and rules that the sandbox starts with.
    """

    def __init__(self) -> None:
        self.first: Sequence[Fault | str | Rule] = ()
        self._faults: list[tuple[int, Fault, int]] = []  # with ID and how many requests it has hit
        self._last_id = 0
        self._rules: list[tuple[Rule, str | None]] = []  # with the endpoint of each

    def add(self, fault: Fault | str | Rule, *, path: str | None = None) -> None:
        """Add a fault, its name, or a rule.

        Args:
            fault: the fault; a rule is a callable that gets each Arrival at *path* until ``clear``.
            path: the path of the endpoint, for a rule.

        Raises:
            SandboxError: it is none of these, or there is no such fault or endpoint.
        """
        if isinstance(fault, Fault | str):
            self._last_id += 1
            self._faults.append((self._last_id, as_fault(fault), 0))
        elif callable(fault):
            self._rules.append((fault, checked_endpoint(path)))
        else:
            raise SandboxError(
                f"a fault is a name, a Fault or a callable; found {type(fault).__name__}"
            )

    def take(self, arrival: Arrival) -> Fault | None:
        """The fault that hits *arrival*: the first added that fits, else the first from a rule."""
        for index, (fault_id, fault, hits) in enumerate(self._faults):
            if arrival.is_at(fault.path) and fault.covers(arrival.number):
                self._faults[index] = (fault_id, fault, hits + 1)
                if fault.times is not None and hits + 1 >= fault.times:
                    del self._faults[index]
                return fault
        for rule, path in self._rules:
            fault_or_name = rule(arrival) if arrival.is_at(path) else None
            if fault_or_name is not None:
                return as_fault(fault_or_name)
        return None

    def as_items(self) -> list[dict[str, Any]]:
        """The faults to come, then the rules, whose ID is None, as ``/_sandbox/`` shows them."""
        faults = [
            {
                "ID": fault_id,
                "Name": str(fault.name),
                "Path": fault.path,
                "Request": fault.request,
                "Times": fault.times,
                "Delay": fault.delay_s,
                "RetryAfter": fault.retry_after_s,
                "First": fault.first,
                "Hits": hits,
            }
            for fault_id, fault, hits in self._faults
        ]
        return [*faults, *({"ID": None, "Name": "a rule", "Path": path} for _, path in self._rules)]

    def remove(self, fault_id: int) -> bool:
        """Remove the fault of that ID; whether there was one."""
        kept = [entry for entry in self._faults if entry[0] != fault_id]
        is_there = len(kept) < len(self._faults)
        self._faults = kept
        return is_there

    def clear(self) -> None:
        """Remove every fault and rule."""
        self._faults.clear()
        self._rules.clear()

    def restart(self) -> None:
        """Have only the first ones again."""
        self.clear()
        for fault in self.first:
            self.add(fault)


def as_fault(fault: Fault | str) -> Fault:
    """The fault itself, or the fault of that name."""
    return fault if isinstance(fault, Fault) else Fault(fault)


def checked_endpoint(path: str | None) -> str | None:
    """The route of *path*, with ``{id}`` for an ID; None stays None.

    Raises:
        SandboxError: the sandbox has no such endpoint of Postmark.

    >>> checked_endpoint("/Messages/Outbound/4bba52b4/dump")
    '/messages/outbound/{id}/dump'
    """
    if path is None:
        return None
    endpoint = endpoint_of(path)
    if endpoint is None:
        raise SandboxError(
            f"no fault can hit the path {path!r}; the paths are {', '.join(POSTMARK_ROUTES)}"
        )
    return endpoint


def _fault_name(name: str) -> FaultName | SearchFaultName:
    if name in tuple(SearchFaultName):
        return SearchFaultName(name)
    try:
        return FaultName(name)
    except ValueError:
        names = ", ".join(ALL_NAMES)
        raise SandboxError(f"there is no fault {name!r}; the faults are {names}") from None
