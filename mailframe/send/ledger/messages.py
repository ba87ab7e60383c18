"""The messages of a ledger: its packs and the exceptional outcomes, read and written by columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from mailframe.errors import LedgerError
from mailframe.send.ledger import packs
from mailframe.send.ledger.packs import (
    ABSENT,
    PACK_MESSAGES,
    DamagedError,
    Exceptional,
    MessageDigests,
    RecordedMessages,
)
from mailframe.send.states import MessageState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mailframe.send.ledger.database import Database
    from mailframe.send.ledger.packs import Ids, Rows, States

_DIGESTS: Final = ("keys", "contents", "addresses")
_OUTCOMES: Final = ("states", "message_ids")
_READ: Final = {
    **{name: f"SELECT {name} FROM pack WHERE id = ?" for name in _DIGESTS},  # noqa: S608 - constants
    **{name: f"SELECT {name} FROM outcome WHERE pack = ?" for name in _OUTCOMES},  # noqa: S608
}
_WRITE: Final = {
    **{name: f"UPDATE pack SET {name} = ? WHERE id = ?" for name in _DIGESTS},  # noqa: S608
    **{name: f"UPDATE outcome SET {name} = ? WHERE pack = ?" for name in _OUTCOMES},  # noqa: S608
}
_NONE: Final = RecordedMessages(
    np.zeros(0, "i8"),
    packs.zeros(0, "keys"),
    packs.zeros(0, "contents"),
    packs.zeros(0, "addresses"),
    np.zeros(0, "u1"),
    packs.zeros(0, "message_ids"),
    {},
)


class Messages:
    """The messages of a ledger. A caller that writes is within a transaction.

    Every method raises a ``LedgerError`` that names the ledger and the pack if a blob is damaged.

    Args:
        db: the ledger.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    # --- reading -------------------------------------------------------------------------------

    def of_campaign(self, campaign: int) -> RecordedMessages:
        """All that is recorded of the messages of a campaign."""
        with self._db.reading():
            numbers = self._packs(campaign)
            return self._joined(map(self._of_pack, numbers), numbers)

    def of_ids(self, ids: Ids) -> RecordedMessages:
        """All that is recorded of some messages, in ascending order of their ids."""
        groups = [(pack, places) for pack, _, places in packs.by_pack(np.sort(ids))]
        with self._db.reading():
            parts = (self._of_pack(pack, places) for pack, places in groups)
            return self._joined(parts, [pack for pack, _ in groups])

    def states(self, ids: Ids) -> States:
        """The stored states of some messages; ``ABSENT`` for an id that is in no pack."""
        states = np.full(len(ids), ABSENT, dtype="u1")
        for pack, indices, places in packs.by_pack(ids):
            stored = self._find_states(pack)
            is_there = places < len(stored)
            states[indices[is_there]] = stored[places[is_there]]
        return states

    def states_of_campaign(self, campaign: int) -> tuple[Ids, States]:
        """The ids of the messages of a campaign, and their stored states."""
        ids, states = [np.zeros(0, "i8")], [np.zeros(0, "u1")]
        with self._db.reading():
            for pack in self._packs(campaign):
                states.append(self._states(pack))
                ids.append(packs.ids_of_pack(pack, len(states[-1])))
        return np.concatenate(ids), np.concatenate(states)

    def message_ids(self, campaign: int) -> Rows:
        """The MessageIDs of a campaign that are UUIDs; lines of zeros for other messages."""
        with self._db.reading():
            columns = [
                self._column(pack, "message_ids", len(self._states(pack)))
                for pack in self._packs(campaign)
            ]
        return np.concatenate([packs.zeros(0, "message_ids"), *columns])

    def packs_of(self, campaign: int) -> Iterator[RecordedMessages]:
        """The messages of a campaign pack by pack, without their exceptional outcomes.

        The caller is within a transaction.
        """
        return map(self._of_pack, self._packs(campaign))

    def exceptional(self, campaign: int) -> dict[int, Exceptional]:
        """The exceptional outcomes of a campaign, by the id of the message."""
        with self._db.reading():
            return self._exceptional(self._packs(campaign))

    def _packs(self, campaign: int) -> list[int]:
        """The numbers of the packs of a campaign, in order."""
        rows = self._db.all("SELECT id FROM pack WHERE campaign = ? ORDER BY id", (campaign,))
        return [pack for (pack,) in rows]

    def _of_pack(self, pack: int, places: Ids | None = None) -> RecordedMessages:
        """The messages of one pack, or those at some places, without exceptional outcomes."""
        states = self._states(pack)
        keys, contents, addresses, message_ids = (
            self._column(pack, name, len(states)) for name in (*_DIGESTS, "message_ids")
        )
        ids = packs.ids_of_pack(pack, len(states))
        whole = RecordedMessages(ids, keys, contents, addresses, states, message_ids, {})
        if places is None:
            return whole
        self._refuse_absent(pack, places, len(states))
        return whole.take(places)

    def _joined(
        self, parts: Iterable[RecordedMessages], numbers: Sequence[int]
    ) -> RecordedMessages:
        """The messages of several packs, with their exceptional outcomes."""
        columns = {
            name: np.zeros((PACK_MESSAGES * len(numbers), *empty.shape[1:]), empty.dtype)
            for name, empty in _NONE.columns().items()
        }
        count = 0
        for part in parts:  # one by one, because all of them take as much memory as the result
            for name, column in part.columns().items():
                columns[name][count : count + len(part)] = column
            count += len(part)
        whole = {name: column[:count] for name, column in columns.items()}
        return RecordedMessages(**whole, exceptional=self._exceptional(numbers))

    def _exceptional(self, numbers: Iterable[int]) -> dict[int, Exceptional]:
        statement = (
            "SELECT message, code, message_id FROM exceptional WHERE message >= ? AND message < ?"
        )
        return {
            row: Exceptional(code, message_id)
            for pack in numbers
            for row, code, message_id in self._db.each(
                statement, (pack * PACK_MESSAGES, (pack + 1) * PACK_MESSAGES)
            )
        }

    def _states(self, pack: int) -> States:
        """The stored states of a pack of the ledger."""
        states = self._find_states(pack)
        if not len(states):
            raise self._damaged(pack, "it has no states")
        return states

    def _find_states(self, pack: int) -> States:
        """The stored states of a pack; none if there is no such pack."""
        row = self._db.first(_READ["states"], (pack,))
        if row is None:
            return np.zeros(0, "u1")
        try:
            return packs.read_states(row[0])
        except DamagedError as fault:
            raise self._damaged(pack, fault) from None

    def _column(self, pack: int, name: str, messages: int) -> Rows:
        [blob] = self._db.one(_READ[name], (pack,))
        try:
            return packs.read_column(blob, name, messages=messages)
        except DamagedError as fault:
            raise self._damaged(pack, fault) from None

    def _refuse_absent(self, pack: int, places: Ids, messages: int) -> None:
        if places.max() >= messages:
            raise self._damaged(pack, "it lacks a message of a request")

    def _damaged(self, pack: int, fault: object) -> LedgerError:
        return LedgerError(
            f"{self._db.place}: the ledger could not be read (pack {pack} is damaged: {fault})"
        )

    # --- writing -------------------------------------------------------------------------------

    def append(self, campaign: int, digests: MessageDigests, *, state: int) -> Ids:
        """Add messages without MessageIDs to a campaign; the last pack is filled first.

        Args:
            campaign: the id of the campaign.
            digests: one line per message.
            state: the state of each of them, with its flags.

        Returns:
            Their ids, one per message.
        """
        states = np.full((len(digests), 1), state, dtype="u1")
        columns = {name: getattr(digests, name) for name in _DIGESTS} | {"states": states}
        ids, start = [np.zeros(0, "i8")], 0
        while start < len(digests):
            pack, filled = self._pack_with_room(campaign)
            end = min(start + PACK_MESSAGES - filled, len(digests))
            part = {name: column[start:end] for name, column in columns.items()}
            part["message_ids"] = packs.zeros(end - start, "message_ids")  # the place is reserved
            pack = self._insert(campaign, part) if pack is None else self._extend(pack, part)
            ids.append(packs.ids_of_pack(pack, end - start, first=filled))
            start = end
        return np.concatenate(ids)

    def _pack_with_room(self, campaign: int) -> tuple[int | None, int]:
        """A pack of the campaign that is not full, and how many messages it has; None for none."""
        [last] = self._db.one("SELECT max(id) FROM pack WHERE campaign = ?", (campaign,))
        filled = len(self._states(last)) if last else 0
        return (last, filled) if 0 < filled < PACK_MESSAGES else (None, 0)

    def _insert(self, campaign: int, columns: Mapping[str, Rows]) -> int:
        blobs = {name: packs.write_column(column) for name, column in columns.items()}
        pack = self._db.insert(
            "INSERT INTO pack (campaign, keys, contents, addresses) VALUES (?, ?, ?, ?)",
            (campaign, *(blobs[name] for name in _DIGESTS)),
        )
        self._db.run(
            "INSERT INTO outcome (pack, states, message_ids) VALUES (?, ?, ?)",
            (pack, blobs["states"], blobs["message_ids"]),
        )
        return pack

    def _extend(self, pack: int, columns: Mapping[str, Rows]) -> int:
        filled = len(self._states(pack))
        for name, column in columns.items():
            before = self._column(pack, name, filled)
            blob = packs.write_column(np.concatenate([before, column]))
            self._db.run(_WRITE[name], (blob, pack))
        return pack

    def write(self, ids: Ids, **columns: Rows) -> None:
        """Set columns of some messages; each id is in a pack.

        Args:
            ids: the ids of the messages.
            columns: by the name of a column, one line per message; or one line for all of them.
        """
        lines = {
            name: np.broadcast_to(values, (len(ids), packs.WIDTHS[name]))
            for name, values in columns.items()
        }
        for pack, indices, places in packs.by_pack(ids):
            messages = len(self._states(pack))
            self._refuse_absent(pack, places, messages)
            for name, values in lines.items():
                column = self._column(pack, name, messages).copy()
                column[places] = values[indices]
                self._db.run(_WRITE[name], (packs.write_column(column), pack))

    def set_states(self, ids: Ids, states: int | States) -> None:
        """Give messages a state; their flags stay."""
        new = np.broadcast_to(np.asarray(states, dtype="u1"), len(ids))
        for pack, indices, places in packs.by_pack(ids):
            stored = self._states(pack).copy()
            self._refuse_absent(pack, places, len(stored))
            stored[places] = (stored[places] & packs.FLAGS) | new[indices]
            self._db.run(_WRITE["states"], (packs.write_column(stored), pack))

    def set_message_ids(
        self, ids: Ids, message_ids: Sequence[str | None], codes: Sequence[int | None]
    ) -> None:
        """Replace the MessageIDs and ErrorCodes of messages.

        Args:
            ids: the ids of the messages.
            message_ids: their MessageIDs; None if there is none.
            codes: their ErrorCodes; None if there is none.
        """
        column, others = packs.pack_ids(message_ids)
        self.write(ids, message_ids=column)
        outcomes = {
            row: Exceptional(code, others.get(place))
            for place, (row, code) in enumerate(zip(ids.tolist(), codes, strict=True))
            if code is not None or place in others
        }
        self.write_exceptional(ids, outcomes)

    def update_planned(self, recorded: RecordedMessages, digests: MessageDigests) -> None:
        """Give those of the recorded messages that are planned their new digests.

        Args:
            recorded: the messages.
            digests: their new digests, one line per message.
        """
        differs = (recorded.contents != digests.contents).any(axis=1) | ~recorded.has_spelling
        differs |= (recorded.addresses != digests.addresses).any(axis=1)
        differs &= recorded.states == MessageState.PLANNED
        states = recorded.stored_states[differs] & ~np.uint8(packs.NO_SPELLING)
        self.write(
            recorded.ids[differs],
            contents=digests.contents[differs],
            addresses=digests.addresses[differs],
            states=states[:, None],
        )

    def clear_contents(self, ids: Ids) -> None:
        """Record that the contents of messages are not known."""
        states = self.states(ids) | np.uint8(packs.NO_SPELLING)
        self.write(ids, contents=packs.zeros(1, "contents"), states=states[:, None])

    def erase(self, ids: Ids) -> int:
        """Delete the address digests and MessageIDs of messages.

        Returns:
            The number of messages.
        """
        blank = {name: packs.zeros(1, name) for name in ("addresses", "message_ids")}
        self.write(ids, **blank)
        recorded = self._exceptional(np.unique(ids // PACK_MESSAGES).tolist())
        self.write_exceptional(
            ids,
            {
                row: recorded[row]._replace(message_id=None)
                for row in ids.tolist()
                if row in recorded and recorded[row].code is not None
            },
        )
        return len(ids)

    def drop_blank_columns(self, campaign: int) -> None:
        """Store the columns of zeros of a campaign as empty blobs."""
        for pack in self._packs(campaign):
            messages = len(self._states(pack))
            for name in ("addresses", "message_ids"):
                if not self._column(pack, name, messages).any():
                    self._db.run(_WRITE[name], (b"", pack))

    def write_exceptional(self, ids: Ids, outcomes: Mapping[int, Exceptional]) -> None:
        """Replace the exceptional outcomes of some messages.

        Args:
            ids: the ids of the messages.
            outcomes: by id; a message without one has no exceptional outcome from now on.
        """
        recorded = self._exceptional(np.unique(ids // PACK_MESSAGES).tolist())
        outdated = recorded.keys() & set(ids.tolist())
        self._db.many("DELETE FROM exceptional WHERE message = ?", ((row,) for row in outdated))
        self._db.many(
            "INSERT INTO exceptional (message, code, message_id) VALUES (?, ?, ?)",
            ((row, *outcome) for row, outcome in outcomes.items()),
        )
