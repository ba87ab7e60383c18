"""The identical message to the same recipient: under another key, under another name, or twice in one frame."""

from __future__ import annotations

from collections import Counter
from itertools import islice, product
from typing import TYPE_CHECKING, Final

import numpy as np

from mailframe.errors import AlreadySentElsewhere
from mailframe.keys import MAIL_BYTES, KeyFault, canonical, digest, joined, spellings
from mailframe.ledger.elsewhere import has_mailed, mailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from mailframe.inspection import Inspection
    from mailframe.ledger import Campaign, Ledger

_MOST_SPELLINGS: Final = 2_000
"""Spellings of one key of several columns that are looked for."""
_WAY_OUT: Final = "send(allow_repeat=True) sends it again; nothing was sent"


def refuse_repeats(
    ledger: Ledger,
    campaign: Campaign,
    found: Inspection,
    positions: Sequence[int],
    *,
    frame: pd.DataFrame,
    key: Sequence[str],
) -> None:
    """Refuse to send what these people have, or may have, already. Called within the transaction that plans.

    The metadata do not count: the recipient does not see them.

    Args:
        ledger: that would be planned in.
        campaign: that would be planned.
        found: what the preflight check found.
        positions: of the rows that would be sent without an explicit confirmation.
        frame: of the campaign.
        key: its key columns; empty for the address.

    Raises:
        AlreadySentElsewhere: with the number of rows by where they were found.
    """
    _refuse_doubled(found, positions)
    people: dict[bytes, list[int]] = {}
    for position in positions if has_mailed(ledger.db, campaign.scope) else ():
        people.setdefault(ledger.address(found.people.at(position)), []).append(position)
    here = {found.keys.at(position) for position in range(len(frame))} if people else set()
    repeated: dict[int, str] = {}
    suspects: dict[int, set[bytes]] = {}
    for address, content, number, name, row_key in mailed(ledger.db, campaign.scope, people):
        for position in people[address]:
            ours = number == campaign.id
            if ours and row_key == found.keys.at(position):
                continue
            if content[:MAIL_BYTES] == found.mail(position):
                repeated.setdefault(position, "under another key of this campaign" if ours else f"as {name!r}")
            elif ours and row_key not in here:
                suspects.setdefault(position, set()).add(row_key)
    if repeated:
        said = ", ".join(f"{count:,} {where}" for where, count in Counter(repeated.values()).items())
        raise AlreadySentElsewhere(f"these people have, or may have, the identical message: {said}. {_WAY_OUT}")
    _refuse_spellings(suspects, frame, key)


def _refuse_doubled(found: Inspection, positions: Sequence[int]) -> None:
    chosen = list(positions)
    if not chosen:
        return
    whole = np.column_stack([found.people.halves()[chosen], found.mails[chosen]])
    doubled = len(chosen) - len(np.unique(whole, axis=0))
    if doubled:
        raise AlreadySentElsewhere(
            f"{doubled:,} rows hold the identical message to the same recipient as another row of this frame, under "
            f"another key. Drop them, as in df.drop_duplicates(…), or: {_WAY_OUT}"
        )


def _refuse_spellings(suspects: dict[int, set[bytes]], frame: pd.DataFrame, key: Sequence[str]) -> None:
    """The key of a row that is new to the ledger may be one that it has, written in another way."""
    columns = [frame[column] for column in key]
    respelled = [
        position
        for position, recorded in suspects.items()
        if columns and any(one in recorded for one in _other_spellings([column.iloc[position] for column in columns]))
    ]
    if respelled:
        values = [column.iloc[respelled[0]] for column in columns]
        shown = repr(values[0] if len(values) == 1 else tuple(values))
        raise AlreadySentElsewhere(
            f"{len(respelled):,} people were mailed in this campaign under another spelling of their key, such as "
            f"{shown}, which may have lost its zeros or changed its case. Read the key as before, as in "
            f"pd.read_csv(…, dtype={{{key[0]!r}: str}}), or: {_WAY_OUT}"
        )


def _other_spellings(values: Sequence[object]) -> Iterator[bytes]:
    try:
        parts = [canonical(value) for value in values]
    except KeyFault:
        return
    written = product(*[sorted({part, *spellings(part)}) for part in parts])
    for others in islice(written, _MOST_SPELLINGS):
        yield digest(joined(others))
