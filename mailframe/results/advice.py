"""The calls that errors and summary lines recommend, ready to copy.

They name the ledger unless it is the default one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.limits import STREAMS
from mailframe.paths import DEFAULT_LEDGER, default_path
from mailframe.results import reasons

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.paths import LedgerName

_NEXT_STEPS: Final = {
    reasons.LOCKED: "run send again when no other program uses the ledger.",
    reasons.UNREADABLE: "restore the ledger from a backup, or move it away and run {adopt}; "
    "then run send again.",
    reasons.BEHIND: "run {adopt} to add them to the ledger; then run send again.",
    reasons.OTHER_KEY: "run send again with the same key= as before.",
    reasons.OTHER_SPELLING: "run send again with the same spelling of the key as before.",
    reasons.NOT_CHECKED: "run send again.",
    reasons.NO_SERVER: "run send again when the server answers.",
}


def reconcile_call(name: str | None, *, ledger: LedgerName) -> str:
    """The call that asks Postmark for the status of unknown rows.

    >>> reconcile_call("spring", ledger="default"), reconcile_call("spring", ledger="a.sqlite3")
    ("mf.reconcile('spring', server)", "mf.reconcile('spring', server, ledger='a.sqlite3')")
    """
    return f"mf.reconcile({name!r}, server{_where(ledger)})"


def resolve_call(
    name: str | None,
    *,
    ledger: LedgerName,
    reason: str = "not shown",
    control: str | None = None,
) -> str:
    """The call that sets the status of messages that Postmark does not show."""
    address = control or "you@your-domain.example"
    return (
        f"mf.resolve({name!r}, server, as_='unsent', reason={reason!r}, "
        f"control={address!r}{_where(ledger)})"
    )


def adopt_call(name: str | None, *, ledger: LedgerName, streams: Sequence[str] = STREAMS) -> str:
    """The call that adds the messages that Postmark has to the ledger.

    >>> adopt_call("spring", ledger="default", streams=["news"])
    "mf.adopt('spring', server, streams=['news'])"
    """
    named = "" if set(streams) <= set(STREAMS) else f", streams={list(streams)!r}"
    return f"mf.adopt({name!r}, server{named}{_where(ledger)})"


def next_step(reason: str, *, adopt: str) -> str:
    """What to do about a row whose reason begins with ``reasons.NOT_READ``.

    Args:
        reason: the reason of the row.
        adopt: the call that adds the campaign to the ledger.

    >>> next_step(reasons.not_read(reasons.LOCKED), adopt="mf.adopt('spring', server)")
    'run send again when no other program uses the ledger.'
    """
    cause = reason.removeprefix(reasons.not_read(""))
    steps = (step for start, step in _NEXT_STEPS.items() if cause.startswith(start))
    return next(steps, "run send again.").format(adopt=adopt)


def _where(ledger: LedgerName) -> str:
    default = default_path()
    is_default = ledger in (DEFAULT_LEDGER, default) or str(default) == ledger
    return "" if is_default else f", ledger={str(ledger)!r}"
