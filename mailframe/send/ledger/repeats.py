"""Identical messages to the same recipient: under another key or name, or twice in one frame."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from mailframe.errors import AlreadySentElsewhere
from mailframe.send.ledger import packs
from mailframe.send.ledger.digest_index import DigestIndex
from mailframe.send.ledger.frame_digests import (
    MAIL,
    SPELLING,
    WHOLE,
    FrameDigests,
    key_digests,
    with_addresses,
)
from mailframe.send.ledger.recent import was_sent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.message.preflight import Preflight
    from mailframe.message.row_names import RowNames
    from mailframe.send.ledger import CampaignRecord, Ledger
    from mailframe.send.ledger.database import Database
    from mailframe.send.ledger.packs import Ids, RecordedMessages
    from mailframe.send.sendable import Sendable

_OTHER_KEY: Final = "under another key of this campaign"
_SEND_AGAIN: Final = "send(allow_repeat=True) sends it again; nothing was sent"


def refuse_repeats(
    ledger: Ledger,
    campaign: CampaignRecord,
    composed: Sendable,
    preflight: Preflight,
    rows: FrameDigests,
) -> None:
    """Refuse to send messages that these recipients have, or may have, already.

    Called while one state of the ledger is read. Metadata do not count: the recipient does not see
    them.

    Args:
        ledger: the ledger in which the messages would be planned.
        campaign: the record of the campaign.
        composed: the campaign that would be sent.
        preflight: the preflight check of its frame.
        rows: the rows that would be sent without an explicit confirmation.

    Raises:
        AlreadySentElsewhere: with the number of rows by where the message was found.
    """
    names = composed.names
    _refuse_repeats_in_frame(preflight, rows.positions, names)
    if not len(rows.positions) or not _has_messages(ledger.db, campaign.scope):
        return
    comparison = _Comparison(ledger, preflight, rows)
    for other, _ in ledger.campaigns():
        if other.scope == campaign.scope:
            comparison.add(other, is_same_campaign=other.id == campaign.id)
    if repeated := comparison.identical:
        counts = Counter(repeated[position] for position in sorted(repeated)).items()
        raise AlreadySentElsewhere(
            "these people have, or may have, the identical message: "
            f"{', '.join(f'{count:,} {where}' for where, count in counts)}; "
            f"the first is {names.of(min(repeated))}. {_SEND_AGAIN}"
        )
    if respelled := comparison.respelled:
        raise AlreadySentElsewhere(
            f"{len(respelled):,} people were mailed in this campaign with another spelling of "
            "their key (its leading zeros, case, spaces or time of midnight); "
            f"the first is {names.of(min(respelled))}. Read the key as before, as in "
            f"pd.read_csv(…, dtype={{{composed.key[0]!r}: str}}), or: {_SEND_AGAIN}"
        )
    if not_comparable := comparison.not_comparable():
        raise AlreadySentElsewhere(
            f"{len(not_comparable):,} people were mailed in this campaign under a key that is not "
            f"in this frame; the first is {names.of(min(not_comparable))}. The ledger does not "
            "record the spelling of that key, because the message was adopted or recorded by an "
            "older mailframe. Use the key columns and the spelling of before. For further messages "
            f"to the same people: {_SEND_AGAIN}"
        )


class _Comparison:
    """The rows of a frame, compared with what their recipients have or may have.

    Args:
        ledger: the ledger.
        preflight: the preflight check of the frame.
        rows: the rows that would be sent.

    Attributes:
        identical: where the identical message was found, by position.
        respelled: the positions whose recipient has a message under another spelling of their key.
    """

    def __init__(self, ledger: Ledger, preflight: Preflight, rows: FrameDigests) -> None:
        self._ledger, self._rows = ledger, rows
        self._keys = DigestIndex(key_digests(preflight))
        self._mails, self._wholes, self._spellings = (
            DigestIndex(with_addresses(rows.digests, part)) for part in (MAIL, WHOLE, SPELLING)
        )
        self._without_spelling = [packs.zeros(0, "addresses")]
        self.identical: dict[int, str] = {}
        self.respelled: set[int] = set()

    def add(self, campaign: CampaignRecord, *, is_same_campaign: bool) -> None:
        """Compare with what a campaign sent, or may have sent, pack by pack."""
        for recorded in self._ledger.messages.packs_of(campaign.id):
            sent = recorded.take(was_sent(recorded.states))
            if is_same_campaign:
                self._note_identical(sent, _OTHER_KEY)
                self._note_other_keys(sent)
            else:
                self._note_identical(sent, f"as {campaign.name!r}")

    def not_comparable(self) -> set[int]:
        """The positions whose recipient has a message under a key that is not in the frame.

        Of these messages no spelling of the key is recorded.
        """
        recorded = DigestIndex(np.concatenate(self._without_spelling))
        is_recipient = recorded.find(self._rows.digests.addresses) >= 0
        return set(self._rows.positions[is_recipient].tolist())

    def _note_identical(self, sent: RecordedMessages, where: str) -> None:
        for index, part in ((self._mails, MAIL), (self._wholes, WHOLE)):
            line, place = index.pairs(with_addresses(sent, part))
            if where == _OTHER_KEY:  # the message under the key of its row is no repeat
                keys = self._rows.digests.keys[line]
                line = line[(sent.keys[place] != keys).any(axis=1)]
            for position in self._rows.positions[line].tolist():
                self.identical.setdefault(position, where)

    def _note_other_keys(self, sent: RecordedMessages) -> None:
        """Messages of the same campaign under keys that are not in the frame."""
        sent = sent.take(self._keys.find(sent.keys) < 0)
        line, _ = self._spellings.pairs(with_addresses(sent.take(sent.has_spelling), SPELLING))
        self.respelled |= set(self._rows.positions[line].tolist())
        self._without_spelling.append(sent.addresses[~sent.has_spelling])


class SentMeanwhile:
    """The messages that other campaigns sent, or may have sent, since a plan was checked.

    Args:
        ledger: the ledger.
        campaign: the campaign that was planned.
        since: the id of the newest request when the plan was checked.
    """

    def __init__(self, ledger: Ledger, campaign: CampaignRecord, since: int) -> None:
        self._ledger, self._campaign, self._seen = ledger, campaign, since
        self._own_ids: Ids
        self._own_mails: DigestIndex | None = None
        self._identical: dict[int, list[tuple[int, str]]] = {}

    def refuse(self, ids: Ids, _positions: Sequence[int]) -> None:
        """Refuse messages of which another campaign sent the identical one meanwhile.

        Called within the transaction that claims them. Each later request is read once.

        Args:
            ids: the ids of the messages that are about to be sent.
            _positions: the positions of their rows.

        Raises:
            AlreadySentElsewhere: with their number and the name of the other campaign.
        """
        requests = self._ledger.requests.since(
            self._seen, other_than=self._campaign, scope=self._campaign.scope
        )
        for request, name, others in requests:
            self._compare(name, others)
            self._seen = request
        if not self._identical:
            return
        counts = Counter(name for row in ids.tolist() for name in self._sent_by(row))
        for name, count in counts.most_common(1):
            raise AlreadySentElsewhere(
                "these people got, or may have got, the identical message a moment ago: "
                f"{count:,} as {name!r}. send(allow_repeat=True) sends it again; "
                "nothing more was sent"
            )

    def _compare(self, name: str, others: Ids) -> None:
        """Keep those of the other messages that are identical to one of the campaign."""
        if self._own_mails is None:
            own = self._ledger.recorded_messages(self._campaign)
            own = own.take(packs.has_any(own.addresses))
            self._own_ids, self._own_mails = own.ids, DigestIndex(with_addresses(own, MAIL))
        theirs = self._ledger.messages.of_ids(others)
        place, line = self._own_mails.pairs(with_addresses(theirs, MAIL))
        pairs = zip(self._own_ids[place].tolist(), theirs.ids[line].tolist(), strict=True)
        for row, other in pairs:
            self._identical.setdefault(row, []).append((other, name))

    def _sent_by(self, row: int) -> set[str]:
        """The names of the campaigns that sent a message, or may have sent it."""
        identical = self._identical.get(row, [])
        others = np.array([other for other, _ in identical], dtype="i8")
        is_sent = was_sent(packs.plain_states(self._ledger.messages.states(others)))
        return {name for (_, name), sent in zip(identical, is_sent, strict=True) if sent}


def _has_messages(db: Database, scope: str) -> bool:
    """Whether any message was sent, or may have been sent, through this server."""
    row = db.first(
        "SELECT 1 FROM attempt a JOIN campaign c ON c.id = a.campaign "
        "WHERE c.scope = ? AND a.state <> 'unsent'",
        (scope,),
    ) or db.first(
        "SELECT 1 FROM decision d JOIN campaign c ON c.id = d.campaign "
        "WHERE c.scope = ? AND d.what = 'adopt'",
        (scope,),
    )
    return row is not None


def _refuse_repeats_in_frame(preflight: Preflight, positions: Ids, names: RowNames) -> None:
    people, mails = preflight.people.halves(), preflight.mails
    heads = np.sort((people[:, 0] ^ people[:, 1] ^ mails)[positions])
    if not (heads[1:] == heads[:-1]).any():
        return  # most frames end here, in a sixth of the memory
    messages = np.column_stack([people[positions], mails[positions]])
    repeated = pd.DataFrame(messages).duplicated().to_numpy()
    if repeated.any():
        raise AlreadySentElsewhere(
            f"{int(repeated.sum()):,} rows hold the identical message to the same recipient as an "
            "earlier row of this frame, under another key; "
            f"the first is {names.of(int(positions[repeated.argmax()]))}. "
            f"Drop them, as in df.drop_duplicates(…), or: {_SEND_AGAIN}"
        )
