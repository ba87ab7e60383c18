"""What the pages and ``/_sandbox/`` can change beside the tables of the state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Controls(Protocol):
    """The sandbox as its pages use it; every method raises SandboxError for a wrong value."""

    def faults(self) -> list[dict[str, Any]]:
        """The faults to come; each has ``ID`` (None for a rule), ``Name``, ``Path``, ``Hits``."""

    def fault_names(self) -> Sequence[tuple[str, str]]:
        """The name of each fault, and what it does."""

    def fault_paths(self) -> Sequence[str]:
        """The endpoints that a fault can hit."""

    def add_fault(self, options: Mapping[str, Any]) -> None:
        """Add a fault; *options* are the arguments of ``sandbox.fault``."""

    def remove_fault(self, fault: int) -> bool:
        """Remove the fault of that ID; whether there was one."""

    def clear_faults(self) -> None:
        """Remove all faults and rules."""

    def clear(self) -> None:
        """Remove messages, requests and bounces."""

    def reset(self) -> None:
        """Restore the state that the sandbox started with."""

    def suppress(self, address: str, *, stream: str, reason: str) -> None:
        """Make an address inactive on a stream of the first server."""
