"""The status of every row during a run, in a few bytes a row."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import pandas as pd

from mailframe.counting import counted
from mailframe.message.text_arrays import MISSING, repeated_texts, text_array
from mailframe.postmark.message_ids import UUID_BYTES, uuid_bytes
from mailframe.results.column_storage import ALL, IdColumn, StampColumn, TextColumn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from pandas.api.extensions import ExtensionArray

    from mailframe.postmark.responses import Outcome
    from mailframe.results.column_storage import Positions

    Settled: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int32]]


class Status(StrEnum):
    """The status of a row, a closed list."""

    ACCEPTED = "accepted"
    """Postmark accepted the message: it has a MessageID."""
    REJECTED = "rejected"
    """Postmark rejected the message: it has an ErrorCode and a Message."""
    INVALID = "invalid"
    """The checks of mailframe blocked the message; see the reason."""
    SKIPPED = "skipped"
    """Left out on purpose; the reason says why."""
    UNSENT = "unsent"
    """The message provably never reached Postmark; the next ``send`` includes the row."""
    UNKNOWN = "unknown"
    """Sent without a clear answer; not sent again without explicit confirmation."""


class Settlement(NamedTuple):
    """What many rows have in common; each distinct one is stored once.

    Attributes:
        status: the status.
        reason: the reason; None without one.
        error_code: Postmark's ErrorCode; None without one.
        message: Postmark's Message; None without one.
        batch: the number of the request; None outside batches.
        changed: whether the message differs from the one that this recipient has.
    """

    status: Status = Status.UNSENT
    reason: str | None = None
    error_code: int | None = None
    message: str | None = None
    batch: int | None = None
    changed: bool = False


class RowResults:
    """The status of every row during a run; only one thread may write to it.

    Every row starts as ``unsent``. A row takes 33 bytes and the text of its recipient.

    Args:
        rows: the number of rows of the campaign's frame.

    Examples:
        >>> rows = RowResults(2)
        >>> rows.settle(0, Status.SKIPPED, reason="already_sent")
        >>> rows.status(0), rows.status(1)
        (<Status.SKIPPED: 'skipped'>, <Status.UNSENT: 'unsent'>)
    """

    __slots__ = (
        "_counts",
        "_ids",
        "_numbers",
        "_rows",
        "_settled",
        "_settlements",
        "_stamps",
        "_to",
    )

    def __init__(self, rows: int) -> None:
        if rows < 0:
            raise ValueError(f"a frame cannot have {rows} rows")
        self._rows = rows
        self._settlements = [Settlement()]
        self._numbers = {Settlement(): 0}  # the place of each in the list
        self._settled = np.zeros(rows, dtype=np.int32)
        self._counts = dict.fromkeys(Status, 0) | {Status.UNSENT: rows}
        self._ids, self._stamps, self._to = IdColumn(rows), StampColumn(rows), TextColumn(rows)

    def __len__(self) -> int:
        return self._rows

    def __repr__(self) -> str:
        return f"<RowResults {counts_sentence(self.counts(), self._rows)}>"

    def settle(
        self,
        position: int,
        status: Status,
        *,
        reason: str | None = None,
        outcome: Outcome | None = None,
        to: str | None = None,
        batch: int | None = None,
        changed: bool = False,
    ) -> None:
        """Set the status of one row; the values it had before are replaced.

        Only ``to`` and ``batch`` keep their last value if they are not given, so that an
        ``unknown`` row keeps its batch when Postmark's answer is found later.

        Args:
            position: the position of the row, from 0.
            status: the status, one of the closed list.
            reason: one line, or one word for ``skipped``: already_sent.
            outcome: Postmark's answer for this message, if there is one.
            to: the recipient as it was sent.
            batch: the number of the request, from 0 or 1 as the sender counts.
            changed: whether the message differs from the one that this recipient has; it was not
                sent.

        Raises:
            IndexError: there is no such row.
        """
        self._refuse_no_row(position)
        code, message = (None, None) if outcome is None else (outcome.error_code, outcome.message)
        before = int(self._settled[position])
        common = Settlement(status, reason, code, message, batch, changed)
        self._settled[position] = self._number(before, common)
        self._count(before, 1, status)
        self._ids.put(position, None if outcome is None else outcome.message_id)
        self._stamps.put(position, None if outcome is None else outcome.submitted_at)
        if to is not None:
            self._to.put(position, to)

    def settle_many(
        self,
        positions: Sequence[int] | Positions,
        status: Status,
        *,
        reason: str | None = None,
        outcomes: Sequence[Outcome] | None = None,
        to: Sequence[str | None] | None = None,
        batch: int | None = None,
        changed: bool = False,
    ) -> None:
        """Set the status of several rows, as ``settle`` does one by one but in less time.

        Args:
            positions: the positions of the rows, each once.
            status: the status of all of them.
            reason: the reason of all of them.
            outcomes: Postmark's answer for each message, one per position.
            to: the recipient of each message, one per position; None keeps the last one.
            batch: the number of the request of all of them.
            changed: whether all of their messages differ from those that the recipients have.

        Raises:
            IndexError: there is no such row; nothing is set then.
            ValueError: a position occurs twice, or *outcomes* or *to* is not one per position;
                nothing is set then.
        """
        rows = np.asarray(positions, dtype=np.int64)
        self._refuse_no_rows(rows, outcomes, to)
        common = Settlement(status, reason, batch=batch, changed=changed)
        self._settle_common(rows, common, outcomes)
        if outcomes is None:
            self._ids.clear(rows)
            self._stamps.clear(rows)
        else:
            self._put_ids(rows, [outcome.message_id for outcome in outcomes])
            self._stamps.put_many(rows, [outcome.submitted_at for outcome in outcomes])
        if to is not None and None not in to:
            self._to.put_many(rows, cast("Sequence[str]", to))
        elif to is not None:
            is_given = np.array([text is not None for text in to], dtype=bool)
            self._to.put_many(rows[is_given], [text for text in to if text is not None])

    def settle_uuids(
        self,
        positions: Positions,
        status: Status,
        *,
        reason: str,
        message: str,
        uuids: np.ndarray[tuple[int, int], np.dtype[np.uint8]],
        changed: bool,
    ) -> None:
        """Set the status of several rows whose MessageIDs are UUIDs, as ``settle_many`` does.

        Args:
            positions: the positions of the rows, each once.
            status: the status of all of them.
            reason: the reason of all of them.
            message: Postmark's message, the same for all of them.
            uuids: their MessageIDs, 16 bytes each; zeros for a missing one.
            changed: whether all of their messages differ from those that the recipients have.
        """
        self._refuse_no_rows(positions)
        common = Settlement(status, reason, message=message, changed=changed)
        self._settle_common(positions, common, None)
        self._ids.put_uuids(positions, uuids)
        self._stamps.clear(positions)

    def _put_ids(self, rows: Positions, message_ids: Sequence[str | None]) -> None:
        """Set the MessageIDs of several rows; those in their usual spelling are read together."""
        texts = [message_id for message_id in message_ids if message_id is not None]
        raw = uuid_bytes(texts) if len(texts) == len(rows) else None
        if raw is None:
            self._ids.put_many(rows, message_ids)
        else:
            self._ids.put_uuids(rows, np.frombuffer(raw, dtype=np.uint8).reshape(-1, UUID_BYTES))

    def _settle_common(
        self, rows: Positions, common: Settlement, outcomes: Sequence[Outcome] | None
    ) -> None:
        """Set what these rows have in common: one number per row."""
        of_rows = [(outcome.error_code, outcome.message) for outcome in outcomes or ()]
        places = {answer: place for place, answer in enumerate(dict.fromkeys(of_rows))}
        pairs = self._settled[rows].astype(np.int64) * max(1, len(places))
        if len(places) > 1:
            pairs += np.array([places[answer] for answer in of_rows], dtype=np.int64)
        distinct, place, counts = _distinct(pairs)
        answers, numbers = list(places), []
        for pair, count in zip(distinct.tolist(), counts.tolist(), strict=True):
            before, answer = divmod(pair, max(1, len(places)))
            if outcomes is not None:
                code, message = answers[answer]
                common = common._replace(error_code=code, message=message)
            numbers.append(self._number(before, common))
            self._count(before, count, common.status)
        self._settled[rows] = np.array(numbers, dtype=np.int32)[place]

    def _number(self, before: int, common: Settlement) -> int:
        """The number of a settlement that follows the one with the number *before*."""
        if common.batch is None:
            common = common._replace(batch=self._settlements[before].batch)
        number = self._numbers.setdefault(common, len(self._settlements))
        if number == len(self._settlements):
            self._settlements.append(common)
        return number

    def _count(self, before: int, rows: int, status: Status) -> None:
        self._counts[self._settlements[before].status] -= rows
        self._counts[status] += rows

    def _refuse_no_row(self, position: int) -> None:
        # A negative position would set the status of another row, counted from the end.
        if not 0 <= position < self._rows:
            raise IndexError(
                f"there is no row {position}: the frame has {self._rows:,} rows, counted from 0"
            )

    def _refuse_no_rows(self, rows: Positions, *given: Sequence[object] | None) -> None:
        if len(rows):
            self._refuse_no_row(int(rows.min()))
            self._refuse_no_row(int(rows.max()))
        is_ascending = bool((np.diff(rows) > 0).all())
        if not is_ascending and len(np.unique(rows)) < len(rows):
            raise ValueError("a row occurs twice")
        for values in given:
            if values is not None and len(values) != len(rows):
                raise ValueError(f"{len(values)} values for {len(rows)} rows")

    def status(self, position: int) -> Status:
        """The status of one row.

        Raises:
            IndexError: there is no such row.
        """
        self._refuse_no_row(position)
        return self._settlements[int(self._settled[position])].status

    def statuses(self) -> list[Status]:
        """The status of every row, by position."""
        return [self._settlements[number].status for number in self._settled.tolist()]

    def positions(self, status: Status) -> Positions:
        """The positions of the rows of one status, in order."""
        has_status = np.array([settlement.status is status for settlement in self._settlements])
        return np.flatnonzero(has_status[self._settled])

    def counts(self) -> dict[Status, int]:
        """The number of rows of each status, in the order of ``Status``; 0 if no row has it."""
        return dict(self._counts)

    def reasons(self, status: Status) -> list[str]:
        """The reasons of the rows of one status, each once."""
        numbers = np.flatnonzero(np.bincount(self._settled, minlength=len(self._settlements)))
        of_rows = [self._settlements[number] for number in numbers.tolist()]
        texts = [one.reason for one in of_rows if one.status is status]
        return [text for text in dict.fromkeys(texts) if text is not None]

    def columns(self, rows: slice = ALL, *, last: bool = False) -> dict[str, ExtensionArray]:
        """The columns of results under their standard names, one cell per row.

        Args:
            rows: the rows, with step 1; all by default.
            last: whether nothing but counts is asked afterwards. Then most of the memory of a row
                is released as soon as the column that it becomes is there.
        """
        settlements, settled = self._settlements, self._settled[rows]
        stamps = self._stamps.array(rows)
        self._stamps = StampColumn(0) if last else self._stamps
        ids = self._ids.array(rows)
        self._ids = IdColumn(0) if last else self._ids
        to = self._to.array(rows)
        self._to = TextColumn(0) if last else self._to
        return {
            "status": _texts(settled, [settlement.status.value for settlement in settlements]),
            "reason": _texts(settled, [settlement.reason for settlement in settlements]),
            "MessageID": ids,
            "ErrorCode": _integers(settled, [settlement.error_code for settlement in settlements]),
            "Message": _texts(settled, [settlement.message for settlement in settlements]),
            "SubmittedAt": stamps,
            "To": to,
            "batch": _integers(settled, [settlement.batch for settlement in settlements]),
            "changed": pd.array(
                np.array([settlement.changed for settlement in settlements], dtype=bool)[settled],
                dtype="bool",
                copy=False,
            ),
        }

    def settlements(self) -> list[tuple[Settlement, int]]:
        """Each distinct settlement, with its number of rows."""
        counts = np.bincount(self._settled, minlength=len(self._settlements)).tolist()
        pairs = zip(self._settlements, counts, strict=True)
        return [(settlement, count) for settlement, count in pairs if count]


def _texts(settled: Settled, of_settlement: Sequence[str | None]) -> ExtensionArray:
    """A column of text: the text of each settlement, at the rows that have it."""
    words = dict.fromkeys(text for text in of_settlement if text is not None)
    places = {None: MISSING} | {word: place for place, word in enumerate(words)}
    codes = np.array([places[text] for text in of_settlement], dtype=np.int32)
    return text_array(repeated_texts(settled, codes=codes, words=list(words)))


def _integers(settled: Settled, of_settlement: Sequence[int | None]) -> ExtensionArray:
    """A column of ``Int64``: the number of each settlement, at the rows that have it."""
    values = np.array([number or 0 for number in of_settlement], dtype=np.int64)
    is_missing = np.array([number is None for number in of_settlement], dtype=bool)
    return pd.arrays.IntegerArray(values[settled], is_missing[settled])


def _distinct(numbers: Positions) -> tuple[Positions, Positions, Positions]:
    """The distinct numbers, the place of each number among them, and how often each occurs."""
    if len(numbers) and (numbers == numbers[0]).all():
        return numbers[:1], np.zeros(len(numbers), dtype=np.int64), np.array([len(numbers)])
    return np.unique(numbers, return_inverse=True, return_counts=True)


def counts_text(counts: Mapping[Any, int]) -> str:
    """The counts that are not 0, in the order of ``Status``.

    >>> counts_text({"unsent": 1, "accepted": 2_000})
    '2,000 accepted · 1 unsent'
    """
    return " · ".join(f"{counts[status]:,} {status}" for status in Status if counts.get(status))


def counts_sentence(counts: Mapping[Any, int], rows: int) -> str:
    """One line that counts rows by status.

    Args:
        counts: the number of rows of each status.
        rows: the number of all rows.

    >>> counts_sentence({"unsent": 1, "accepted": 2_000}, 2_001)
    '2,001 rows: 2,000 accepted · 1 unsent.'
    """
    text = counts_text(counts)  # empty without a known status
    return f"{counted(rows, 'row')}{': ' if text else ''}{text}."
