"""The rows that ``send(resend=…)`` sends again, although they were answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mailframe.errors import LedgerError
from mailframe.message.addresses import read_mailbox
from mailframe.message.digests import digest
from mailframe.message.keys import canonical, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.message.preflight import Mask, Preflight


def resend_mask(
    preflight: Preflight, key: Sequence[str], resend: Sequence[object] | None
) -> Mask | None:
    """The rows that a list of keys names.

    Args:
        preflight: the preflight check of the frame.
        key: the columns of the key; empty for the address.
        resend: values of the key column, tuples for several columns, or addresses; None for no row.

    Returns:
        One per row of the frame, whether it is named.

    Raises:
        LedgerError: a key that no row has.
    """
    if resend is None:
        return None
    try:
        wanted = {_key_digest(value, key) for value in resend}
    except ValueError as fault:
        raise LedgerError(
            f"resend= holds a value that is not a key: {fault}; nothing was sent"
        ) from None
    rows = len(preflight.sizes)
    keys = [preflight.keys.at(position) for position in range(rows)]
    absent = len(wanted.difference(keys))
    if absent:
        raise LedgerError(
            f"{absent} of the {len(wanted)} keys to resend are in no row of the frame; "
            "nothing was sent"
        )
    # of several rows with a key all but one are left out, or the check has refused them
    return np.fromiter((key in wanted for key in keys), dtype=bool, count=rows)


def _key_digest(value: object, key: Sequence[str]) -> bytes:
    if not key:
        return digest(read_mailbox(str(value)).identity)
    parts = value if isinstance(value, tuple | list) else (value,)
    return digest(joined([canonical(part) for part in parts]))
