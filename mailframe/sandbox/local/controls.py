"""The controls of a sandbox in this process, for its pages and ``/_sandbox/``."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.routes import POSTMARK_ROUTES
from mailframe.sandbox.serving.fault_schedule import Schedule
from mailframe.sandbox.serving.faults import Acceptance, Effect, Ending, FaultName, SearchFaultName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.local.postmark import LocalPostmark
    from mailframe.sandbox.serving.fault_schedule import Fault

_ACCEPTED: Final = {
    Acceptance.ALL: "All messages are accepted.",
    Acceptance.NONE: "Nothing is accepted.",
    Acceptance.FIRST_HALF: "The first half of the messages is accepted.",
}
_ENDED: Final = {
    Ending.ANSWER: "The client gets an answer.",
    Ending.CLOSE: "The connection is closed without an answer.",
    Ending.RESET: "The connection is reset without an answer.",
    Ending.HALF: "The client gets half of the answer.",
    Ending.HANG: "The client waits, then the connection is closed.",
}


class LocalControls:
    """See ``Controls``.

    Args:
        sandbox: the sandbox, of which it keeps only a weak reference.

    Attributes:
        schedule: the faults of the sandbox.
    """

    def __init__(self, sandbox: LocalPostmark) -> None:
        self._sandbox: LocalPostmark = weakref.proxy(sandbox)
        self.schedule = Schedule()

    def faults(self) -> list[dict[str, Any]]:
        """The faults to come, then the rules."""
        faults = [_item(*entry) for entry in self.schedule.faults()]
        rules = [{"ID": None, "Name": "a rule", "Path": path} for path in self.schedule.rules()]
        return [*faults, *rules]

    def fault_names(self) -> list[tuple[str, str]]:
        """The name of each fault, and what it does."""
        return [(str(name), _about(name.effect)) for name in (*FaultName, *SearchFaultName)]

    def fault_paths(self) -> list[str]:
        """The endpoints that a fault can hit."""
        return list(POSTMARK_ROUTES)

    def add_fault(self, options: Mapping[str, Any]) -> None:
        """Add a fault."""
        self._sandbox.fault(**options)

    def remove_fault(self, fault: int) -> bool:
        """Remove the fault of that ID; whether there was one."""
        return self.schedule.remove(fault)

    def clear_faults(self) -> None:
        """Remove all faults and rules."""
        self.schedule.clear()

    def clear(self) -> None:
        """Remove messages, requests and bounces."""
        self._sandbox.clear()

    def reset(self) -> None:
        """Restore the state that the sandbox started with."""
        self._sandbox.reset()

    def suppress(self, address: str, *, stream: str, reason: str) -> None:
        """Make an address inactive."""
        self._sandbox.suppress(address, stream=stream, reason=reason)


def _item(fault_id: int, fault: Fault, hits: int) -> dict[str, Any]:
    return {
        "ID": fault_id,
        "Name": str(fault.name),
        "Path": fault.path,
        "Request": fault.request,
        "Times": fault.times,
        "Delay": fault.delay_s,
        "Hits": hits,
    }


def _about(effect: Effect) -> str:
    """What a fault does, in two sentences."""
    if effect.only_first:
        return "A search finds only its oldest matches."
    ended = _ENDED[effect.ending]
    if effect.before_body:
        ended = "The connection is closed before the body is read."
    elif effect.ending is Ending.ANSWER and effect.change is not None:
        ended = "The client gets the answer that the name of the fault says."
    return f"{_ACCEPTED[effect.acceptance]} {ended}"
