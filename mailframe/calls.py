"""The calls that errors and summary lines advise, as they run: with the ledger where it is not the default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.ledger import DEFAULT_LEDGER, default_path
from mailframe.searching import STREAMS

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence


def reconcile(name: str | None, *, ledger: str | os.PathLike[str]) -> str:
    """The call that asks Postmark for what is unknown.

    >>> reconcile("spring", ledger="default"), reconcile("spring", ledger="a.sqlite3")
    ("mf.reconcile('spring', server)", "mf.reconcile('spring', server, ledger='a.sqlite3')")
    """
    return f"mf.reconcile({name!r}, server{_where(ledger)})"


def resolve(
    name: str | None,
    *,
    ledger: str | os.PathLike[str],
    reason: str = "not shown",
    control: str | None = None,
) -> str:
    """The call that decides about what Postmark does not show."""
    address = control or "you@your-domain.example"
    return f"mf.resolve({name!r}, server, as_='unsent', reason={reason!r}, control={address!r}{_where(ledger)})"


def adopt(name: str | None, *, ledger: str | os.PathLike[str], streams: Sequence[str] = STREAMS) -> str:
    """The call that reads in what Postmark holds.

    >>> adopt("spring", ledger="default", streams=["news"])
    "mf.adopt('spring', server, streams=['news'])"
    """
    named = "" if set(streams) <= set(STREAMS) else f", streams={list(streams)!r}"
    return f"mf.adopt({name!r}, server{named}{_where(ledger)})"


def _where(ledger: str | os.PathLike[str]) -> str:
    is_default = ledger == DEFAULT_LEDGER or str(ledger) == str(default_path())
    return "" if is_default else f", ledger={str(ledger)!r}"
