"""Overrides: what the user allowed with explicit arguments of ``send``, and for which rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mailframe.errors import LedgerError
from mailframe.message.addresses import read_mailbox
from mailframe.message.keys import canonical, digest, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.message.preflight import Mask, Preflight


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the user allowed with explicit arguments of ``send``.

    Attributes:
        allow_changed: the rest may get another letter than the people before.
        allow_repeat: people may get the identical message that they have under another name or key.
        resend: one per row, whether it is sent again although it was answered; None for no row.
    """

    allow_changed: bool = False
    allow_repeat: bool = False
    resend: Mask | None = None


def resend_mask(
    preflight: Preflight, key: Sequence[str], resend: Sequence[object] | None
) -> Mask | None:
    """The rows that a list of keys names.

    Args:
        preflight: of the frame.
        key: columns of the key; empty for the address.
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
    positions = {preflight.keys.at(position): position for position in range(rows)}
    absent = len(wanted - positions.keys())
    if absent:
        raise LedgerError(
            f"{absent} of the {len(wanted)} keys to resend are in no row of the frame; "
            "nothing was sent"
        )
    mask = np.zeros(rows, dtype=bool)
    mask[[positions[one] for one in wanted]] = True
    return mask


def _key_digest(value: object, key: Sequence[str]) -> bytes:
    if not key:
        return digest(read_mailbox(str(value)).identity)
    parts = value if isinstance(value, tuple | list) else (value,)
    return digest(joined([canonical(part) for part in parts]))
