"""The page of the tools: faults, an aftermath, suppressions, a reset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.routes import POSTMARK_ROUTES
from mailframe.sandbox.checks.account import StreamType
from mailframe.sandbox.faults.names import ALL_NAMES
from mailframe.sandbox.faults.schedule import Schedule
from mailframe.sandbox.state.events.suppressions import REASONS

if TYPE_CHECKING:
    from mailframe.sandbox.inbox.site import Site
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply

SIMULATED: Final = (
    ("Opens", "Opens, %", 40),
    ("Clicks", "Clicks, %", 10),
    ("Bounces", "Bounces, %", 2),
    ("Complaints", "Complaints, %", 0.1),
    ("Unsubscribes", "Unsubscribes, %", 0.5),
)


def page(store: Store, site: Site) -> Reply:
    """The page; what it sends goes to ``/_sandbox/``."""
    server = site.server if site.server is not None else store.first_server
    kinds = store.streams.kinds(server)
    return site.page(
        "tools",
        title="Tools",
        current="Tools",
        faults=[_shown(fault) for fault in store.attached(Schedule).as_items()],
        fault_names=[(str(name), name.effect.about) for name in ALL_NAMES],
        fault_paths=list(POSTMARK_ROUTES),
        simulated=SIMULATED,
        streams=[name for name, kind in kinds.items() if kind is not StreamType.INBOUND],
        reasons=REASONS,
    )


def _shown(fault: dict[str, Any]) -> dict[str, Any]:
    """A fault for the table."""
    times, first = fault.get("Times", 1), fault.get("Request")
    count = "every request" if times is None else f"{times} request{'' if times == 1 else 's'}"
    if fault["ID"] is None:
        count = "as the function decides"
    return {
        "id": fault["ID"],
        "name": fault["Name"],
        "path": fault["Path"] or "the endpoints that send",
        "requests": count if first is None else f"{count} from number {first} on",
        "hits": fault.get("Hits", 0),
    }
