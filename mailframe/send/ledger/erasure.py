"""Ledger tools that delete: ``mf.forget`` a person, ``mf.prune`` old campaigns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from mailframe.errors import LedgerError
from mailframe.message.addresses import read_mailbox
from mailframe.message.digests import digest
from mailframe.paths import DEFAULT_LEDGER, needed_ledger_path
from mailframe.send.ledger import Ledger, maintenance

if TYPE_CHECKING:
    from mailframe.paths import LedgerName


def forget(address: str, *, ledger: LedgerName = DEFAULT_LEDGER) -> int:
    """Delete the digests of an address from the ledger, as after a request for erasure.

    The digest of the row's key stays, because it prevents a duplicate send. It cannot be turned
    back into an address, but it can be computed from the address where the address is the key.

    Args:
        address: the address of the person.
        ledger: the path or the URL of the ledger.

    Returns:
        The number of messages.
    """
    ledger = needed_ledger_path(ledger)
    with Ledger(ledger) as opened:
        return maintenance.erase_person(opened, digest(_identity(address)))


def prune(older_than: str = "365 days", *, ledger: LedgerName = DEFAULT_LEDGER) -> int:
    """Delete MessageIDs and address digests of old campaigns; the keys stay.

    Args:
        older_than: an age as pandas writes it, such as ``90 days``.
        ledger: the path or the URL of the ledger.

    Returns:
        The number of messages that were made smaller.
    """
    ledger = needed_ledger_path(ledger)
    before = _time_before(older_than)
    with Ledger(ledger) as opened:
        return maintenance.erase_campaigns(opened, before.isoformat(timespec="microseconds"))


def _identity(address: str) -> str:
    try:
        return read_mailbox(str(address)).identity
    except ValueError as fault:
        raise LedgerError(f"forget needs an email address: {fault}") from None


def _time_before(older_than: object) -> datetime:
    """The time at which something of that age began; pandas reads a bare number as nanoseconds."""
    not_an_age = LedgerError(
        f"older_than={older_than!r} is not an age; write it with its unit: '90 days'"
    )
    if not isinstance(older_than, str) or older_than.strip().isdecimal():
        raise not_an_age
    try:
        age = pd.Timedelta(older_than).to_pytimedelta()
        before = datetime.now(UTC) - age
    except (ValueError, OverflowError, AttributeError):  # "" and "nat" are NaT, without a length
        raise not_an_age from None
    if not age > timedelta():
        raise not_an_age
    return before
