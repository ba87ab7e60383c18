"""The identical message to the same recipient: under another key, under another name, or twice in one frame."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import pandas as pd

from mailframe.errors import AlreadySentElsewhere
from mailframe.message.keys import HALF_BYTES
from mailframe.message.row_names import RowNames
from mailframe.send.ledger.other_campaigns import has_mailed, mailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailframe.message.preflight import Preflight
    from mailframe.send.ledger import CampaignRecord, Ledger

_MAIL: Final = HALF_BYTES
"""Of what the ledger records: the part up to here stands for what a recipient sees."""
_SPELLING: Final = 2 * HALF_BYTES
"""The part from here on stands for the key, however it is spelled.

An older mailframe recorded the whole message alone, whose second half is still in the middle; of what was adopted
from Postmark nothing is recorded.
"""
_WAY_OUT: Final = "send(allow_repeat=True) sends it again; nothing was sent"


def refuse_repeats(
    ledger: Ledger,
    campaign: CampaignRecord,
    found: Preflight,
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
    _refuse_doubled(found, positions, frame, key)
    people: dict[bytes, list[int]] = {}
    for position in positions if has_mailed(ledger.db, campaign.scope) else ():
        people.setdefault(ledger.address(found.people.at(position)), []).append(position)
    here = {found.keys.at(position) for position in range(len(frame))} if people else set()
    repeated: dict[int, str] = {}
    respelled: set[int] = set()
    unspelled: set[int] = set()
    for address, content, number, name, row_key in mailed(ledger.db, campaign.scope, people):
        for position in people[address]:
            ours, theirs = found.recorded(position), content
            if number == campaign.id and row_key == found.keys.at(position):
                continue
            if is_identical(theirs, ours):
                repeated.setdefault(position, _where(name, same=number == campaign.id))
            elif number == campaign.id and row_key not in here and is_respelled(theirs, ours):
                (respelled if is_spelled(theirs) else unspelled).add(position)
    if repeated:
        said = ", ".join(
            f"{count:,} {where}" for where, count in Counter(repeated.values()).items()
        )
        first = RowNames(frame, key).of(min(repeated))
        raise AlreadySentElsewhere(
            f"these people have, or may have, the identical message: {said}; the first is {first}. {_WAY_OUT}"
        )
    if respelled:
        raise AlreadySentElsewhere(_respelled(respelled, frame, key))
    if unspelled:
        raise AlreadySentElsewhere(_unspelled(unspelled, frame, key))


def is_identical(theirs: bytes, ours: bytes) -> bool:
    """Whether two records of the ledger for one recipient stand for the identical mail."""
    whole = slice(_MAIL, _SPELLING)
    return theirs[:_MAIL] == ours[:_MAIL] or theirs[whole] == ours[whole]


def is_spelled(theirs: bytes) -> bool:
    """Whether a record of the ledger tells how its key is spelled."""
    return len(theirs) > _SPELLING


def is_respelled(theirs: bytes, ours: bytes) -> bool:
    """Whether the keys of two records differ in spelling alone, or nobody can say."""
    return not is_spelled(theirs) or theirs[_SPELLING:] == ours[_SPELLING:]


def _where(name: str, *, same: bool) -> str:
    return "under another key of this campaign" if same else f"as {name!r}"


def _respelled(positions: Iterable[int], frame: pd.DataFrame, key: Sequence[str]) -> str:
    chosen = sorted(positions)
    first = RowNames(frame, key).of(chosen[0])
    return (
        f"{len(chosen):,} people were mailed in this campaign under another spelling of their key (its zeros, case, "
        f"spaces or time of midnight); the first is {first}. Read the key as before, as "
        f"in pd.read_csv(…, dtype={{{key[0]!r}: str}}), or: {_WAY_OUT}"
    )


def _unspelled(positions: Iterable[int], frame: pd.DataFrame, key: Sequence[str]) -> str:
    chosen = sorted(positions)
    first = RowNames(frame, key).of(chosen[0])
    return (
        f"{len(chosen):,} people were mailed in this campaign under a key that is not in this frame; the first is "
        f"{first}. The ledger does not record how that key was spelled: mf.adopt read it in, or an older mailframe "
        f"wrote it. Use the key columns and the spelling of before. For further messages to the same people: {_WAY_OUT}"
    )


def _refuse_doubled(
    found: Preflight, positions: Sequence[int], frame: pd.DataFrame, key: Sequence[str]
) -> None:
    chosen = list(positions)
    if not chosen:
        return
    people = found.people.halves()[chosen]
    whole = pd.DataFrame({"a": people[:, 0], "b": people[:, 1], "mail": found.mails[chosen]})
    doubled = whole.duplicated().to_numpy()
    if doubled.any():
        first = RowNames(frame, key).of(chosen[int(doubled.argmax())])
        raise AlreadySentElsewhere(
            f"{int(doubled.sum()):,} rows hold the identical message to the same recipient as an earlier row of this "
            f"frame, under another key; the first is {first}. Drop them, as in df.drop_duplicates(…), or: {_WAY_OUT}"
        )
