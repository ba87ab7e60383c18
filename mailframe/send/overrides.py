"""What a person said to ``send`` in so many words, and which rows it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mailframe import errors
from mailframe.message.addresses import read_mailbox
from mailframe.message.keys import canonical, digest, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from mailframe.message.preflight import Mask, Preflight


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a person said to ``send`` in so many words.

    Attributes:
        allow_changed: the rest may get another letter than those before.
        allow_repeat: people may get the identical message that they have under another name or key.
        resend: one per row, whether it goes out again although it was accepted or rejected before.
    """

    allow_changed: bool = False
    allow_repeat: bool = False
    resend: Mask | None = None


def resend_mask(
    found: Preflight, frame: pd.DataFrame, key: Sequence[str], resend: Sequence[object] | None
) -> Mask | None:
    """Which rows a list of keys names: values of the key column, tuples of several, or addresses without a key.

    Raises:
        LedgerError: a key that no row has.
    """
    if resend is None:
        return None
    try:
        wanted = {_named(value, key) for value in resend}
    except ValueError as fault:
        raise errors.LedgerError(
            f"resend= holds what is no key: {fault}; nothing was sent"
        ) from None
    there = {found.keys.at(position): position for position in range(len(frame))}
    absent = len(wanted - set(there))
    if absent:
        raise errors.LedgerError(
            f"{absent} of the {len(wanted)} keys to resend are in no row of the frame; nothing was sent"
        )
    mask = np.zeros(len(frame), dtype=bool)
    mask[[there[one] for one in wanted]] = True
    return mask


def _named(value: object, key: Sequence[str]) -> bytes:
    if not key:
        return digest(read_mailbox(str(value)).identity)
    parts = value if isinstance(value, tuple | list) else (value,)
    return digest(joined([canonical(part) for part in parts]))


def key_list(resend: object) -> list[object]:
    """The keys of a list, a Series or the like; a text would be taken letter by letter."""
    if isinstance(resend, str | bytes | Mapping) or not isinstance(resend, Iterable):
        raise errors.MailframeError(
            f"resend={resend!r} is no list of keys; write resend=[{resend!r}]"
        )
    return list(resend)
