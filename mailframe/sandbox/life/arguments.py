"""A simulation and a move of the clock, with the arguments as a caller gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import SandboxError
from mailframe.sandbox.life.durations import MAX_NS, nanoseconds
from mailframe.sandbox.life.rule import ARGUMENTS, Rule
from mailframe.sandbox.life.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailframe.sandbox.life.aftermath import Aftermath
    from mailframe.sandbox.state.store import Store

    IsOver = Callable[[], bool]
    """Whether the sandbox is closed, which ends what takes long."""

NAMES: Final = (*ARGUMENTS, "upcoming")
"""Of the arguments of a simulation."""


def simulation(store: Store, parameters: Mapping[str, Any]) -> Callable[[IsOver], Aftermath]:
    """``LocalPostmark.simulate`` with a dict, for ``POST /_sandbox/simulate``; it is not run yet.

    Args:
        store: the state of the sandbox.
        parameters: the arguments of ``LocalPostmark.simulate`` by name, as JSON has them: a
            duration is a text such as ``"2h"``, null is a default. ``server`` is the ID of the only
            server that is meant. ``Aftermath.as_dict`` makes the answer.

    Raises:
        SandboxError: an unknown name, or a wrong value.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    unknown = given.keys() - set(NAMES)
    if unknown:
        names = ", ".join(sorted(NAMES))
        raise SandboxError(f"simulate has no {', '.join(sorted(unknown))!r}; it has {names}")
    upcoming = given.pop("upcoming", False)
    if type(upcoming) is not bool:
        raise SandboxError(f"upcoming is True or False; found {upcoming!r}")
    rule = Rule.of(**given)
    if rule.queued_ns and not (upcoming and rule.is_for_all):
        raise SandboxError(
            "queued holds for every message that is accepted later: it needs upcoming, and "
            "no tag, stream, to or server"
        )
    _check_place(store, rule)

    def run(is_over: IsOver) -> Aftermath:
        aftermath = Simulation(store).simulate(rule, upcoming=upcoming, is_over=is_over)
        store.wake()
        return aftermath

    return run


def advance(store: Store, by: object) -> Callable[[IsOver], dict[str, int]]:
    """``LocalPostmark.advance``, for ``POST /_sandbox/advance`` with ``{"by": "2h"}``.

    Raises:
        SandboxError: it is no duration, or too long.
    """
    by_ns = nanoseconds(by, name="by")
    if store.clock.ahead_ns + by_ns > MAX_NS:
        raise SandboxError("the clock of the sandbox can be at most ten years ahead")

    def run(is_over: IsOver) -> dict[str, int]:
        counts = Simulation(store).advance(by_ns, is_over=is_over)
        store.wake()
        return counts

    return run


def _check_place(store: Store, rule: Rule) -> None:
    """Refuse a stream or a server that no message can have."""
    servers = store.servers.ids()
    if rule.server is not None and rule.server not in servers:
        raise SandboxError(f"the sandbox has no server {rule.server}; it has {servers}")
    streams = {
        row["id"]: None for row in store.database.rows("select id from streams order by rowid")
    }
    if rule.stream is not None and rule.stream not in streams:
        raise SandboxError(
            f"the sandbox has no stream {rule.stream!r}; it has {', '.join(streams)}"
        )
