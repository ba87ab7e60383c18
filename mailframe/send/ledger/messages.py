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
_READ_STATES: Final = "SELECT states FROM outcome WHERE pack = ?"
_WRITE: Final = {
    **{name: f"UPDATE pack SET {name} = ? WHERE id = ?" for name in _DIGESTS},  # noqa: S608 - constants
    **{name: f"UPDATE outcome SET {name} = ? WHERE pack = ?" for name in _OUTCOMES},  # noqa: S608
}
_WRITE_OUTCOME: Final = "UPDATE outcome SET states = ?, message_ids = ? WHERE pack = ?"
_PACKS: Final = 16
"""Packs that are read at a time, 4 MB: a database elsewhere takes a round trip for each query."""
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
            return self._joined(self._of_packs(numbers), numbers)

    def of_ids(self, ids: Ids) -> RecordedMessages:
        """All that is recorded of some messages, in ascending order of their ids."""
        groups = [(pack, places) for pack, _, places in packs.by_pack(np.sort(ids))]
        with self._db.reading():
            numbers = [pack for pack, _ in groups]
            wanted = zip(self._of_packs(numbers), groups, strict=True)
            return self._joined((self._taken(part, *group) for part, group in wanted), numbers)

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
        for pack, stored, _ in self._each_pack("campaign = ?", (campaign,), ()):
            states.append(stored)
            ids.append(packs.ids_of_pack(pack, len(stored)))
        return np.concatenate(ids), np.concatenate(states)

    def message_ids(self, campaign: int) -> Rows:
        """The MessageIDs of a campaign that are UUIDs; lines of zeros for other messages."""
        each = self._each_pack("campaign = ?", (campaign,), ("message_ids",))
        columns = [column for _, _, [column] in each]
        return np.concatenate([packs.zeros(0, "message_ids"), *columns])

    def packs_of(self, campaign: int) -> Iterator[RecordedMessages]:
        """The messages of a campaign pack by pack, without their exceptional outcomes.

        The caller is within a transaction.
        """
        return self._of_packs(self._packs(campaign))

    def exceptional(self, campaign: int) -> dict[int, Exceptional]:
        """The exceptional outcomes of a campaign, by the id of the message."""
        with self._db.reading():
            return self._exceptional(self._packs(campaign))

    def _packs(self, campaign: int) -> list[int]:
        """The numbers of the packs of a campaign, in order."""
        rows = self._db.all("SELECT id FROM pack WHERE campaign = ? ORDER BY id", (campaign,))
        return [pack for (pack,) in rows]

    def _each_pack(
        self, condition: str, values: Sequence[int], names: Sequence[str]
    ) -> Iterator[tuple[int, States, list[Rows]]]:
        """The packs that meet a condition, in order: number, stored states, and some columns."""
        columns = "".join(f", {name}" for name in names)
        statement = (
            f"SELECT id, states{columns} FROM pack LEFT JOIN outcome ON pack = id "  # noqa: S608 - constants
            f"WHERE {condition} ORDER BY id"
        )
        for pack, states, *blobs in self._db.each(statement, values):
            stored = self._read_states(pack, states)
            yield pack, stored, self._read_columns(pack, names, blobs, len(stored))

    def _of_packs(self, numbers: Sequence[int]) -> Iterator[RecordedMessages]:
        """The messages of some packs, in ascending order, without exceptional outcomes."""
        for start in range(0, len(numbers), _PACKS):
            part = numbers[start : start + _PACKS]
            condition = f"id IN ({', '.join('?' * len(part))})"
            each = self._each_pack(condition, part, (*_DIGESTS, "message_ids"))
            there = {pack: (states, columns) for pack, states, columns in each}
            for pack in part:
                if pack not in there:
                    raise self._damaged(pack, "it is missing")
                states, (keys, contents, addresses, message_ids) = there[pack]
                ids = packs.ids_of_pack(pack, len(states))
                yield RecordedMessages(ids, keys, contents, addresses, states, message_ids, {})

    def _taken(self, whole: RecordedMessages, pack: int, places: Ids) -> RecordedMessages:
        """The messages at some places of a pack."""
        self._refuse_absent(pack, places, len(whole))
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

    def _exceptional(self, numbers: Sequence[int]) -> dict[int, Exceptional]:
        """The exceptional outcomes of packs; numbers that follow each other take one query."""
        statement = (
            "SELECT message, code, message_id FROM exceptional WHERE message >= ? AND message < ?"
        )
        ordered = np.unique(np.asarray(numbers, dtype="i8"))
        runs = np.split(ordered, np.flatnonzero(np.diff(ordered) > 1) + 1) if len(ordered) else []
        return {
            row: Exceptional(code, message_id)
            for run in runs
            for row, code, message_id in self._db.each(
                statement, (int(run[0]) * PACK_MESSAGES, (int(run[-1]) + 1) * PACK_MESSAGES)
            )
        }

    def _find_states(self, pack: int) -> States:
        """The stored states of a pack; none if there is no such pack."""
        row = self._db.first(_READ_STATES, (pack,))
        return np.zeros(0, "u1") if row is None else self._read_states(pack, row[0])

    def _columns(self, pack: int, names: Sequence[str]) -> tuple[States, dict[str, Rows]]:
        """The stored states of a pack of the ledger, and some of its columns by name."""
        for _, states, columns in self._each_pack("id = ?", (pack,), names):
            return states, dict(zip(names, columns, strict=True))
        raise self._damaged(pack, "it is missing")

    def _read_states(self, pack: int, blob: bytes | None) -> States:
        if blob is None:
            raise self._damaged(pack, "it has no states")
        try:
            return packs.read_states(blob)
        except DamagedError as fault:
            raise self._damaged(pack, fault) from None

    def _read_columns(
        self, pack: int, names: Sequence[str], blobs: Sequence[bytes], messages: int
    ) -> list[Rows]:
        try:
            return [
                packs.read_column(blob, name, messages=messages)
                for name, blob in zip(names, blobs, strict=True)
            ]
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
        filled = len(self._columns(last, ())[0]) if last else 0
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
        states, before = self._columns(pack, [name for name in columns if name != "states"])
        before["states"] = states[:, None]
        for name, column in columns.items():
            blob = packs.write_column(np.concatenate([before[name], column]))
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
        others = [name for name in lines if name != "states"]
        for pack, indices, places in packs.by_pack(ids):
            states, before = self._columns(pack, others)
            before["states"] = states[:, None]
            self._refuse_absent(pack, places, len(states))
            for name, values in lines.items():
                column = before[name].copy()
                column[places] = values[indices]
                self._db.run(_WRITE[name], (packs.write_column(column), pack))

    def move(self, ids: Ids, *, state: MessageState, to: MessageState) -> int:
        """Give those messages that are in *state* another one; their number."""
        moved = 0
        for pack, _, places in packs.by_pack(ids):
            stored = self._find_states(pack).copy()
            there = places[places < len(stored)]
            moving = there[packs.plain_states(stored[there]) == state]
            if len(moving):
                stored[moving] = (stored[moving] & packs.FLAGS) | np.uint8(to)
                self._db.run(_WRITE["states"], (packs.write_column(stored), pack))
                moved += len(moving)
        return moved

    def set_outcomes(
        self,
        ids: Ids,
        states: int | States,
        message_ids: Sequence[str | None],
        codes: Sequence[int | None],
    ) -> None:
        """Give messages a state, a MessageID and an ErrorCode; their flags stay.

        Args:
            ids: the ids of the messages.
            states: their states, or one for all of them.
            message_ids: their MessageIDs; None if there is none.
            codes: their ErrorCodes; None if there is none.
        """
        new = np.broadcast_to(np.asarray(states, dtype="u1"), len(ids))
        shown, others = packs.pack_ids(message_ids)
        for pack, indices, places in packs.by_pack(ids):
            stored, before = self._columns(pack, ("message_ids",))
            self._refuse_absent(pack, places, len(stored))
            after, column = stored.copy(), before["message_ids"].copy()
            after[places] = (after[places] & packs.FLAGS) | new[indices]
            column[places] = shown[indices]
            blobs = packs.write_column(after), packs.write_column(column)
            self._db.run(_WRITE_OUTCOME, (*blobs, pack))
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
            _, columns = self._columns(pack, ("addresses", "message_ids"))
            for name, column in columns.items():
                if not column.any():
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
