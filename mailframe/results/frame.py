"""The results frame: the caller's rows as they are, and columns with the status of each row.

``RowResults`` collects the status of every row during a run; ``results_frame`` joins it to the
caller's columns, by position; ``summary`` counts it.
"""

from __future__ import annotations

import itertools
import re
from array import array
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.counting import counted
from mailframe.errors import ResultsError
from mailframe.message.row_names import RowNames
from mailframe.results.column_storage import (
    NO_CODE,
    NONE,
    RepeatedTextColumn,
    TextColumn,
    stamps,
    text_column,
    whole_column,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mailframe.postmark.responses import Outcome


class Status(StrEnum):
    """The status of a row, a closed list."""

    ACCEPTED = "accepted"
    """Postmark accepted the message: it has a MessageID."""
    REJECTED = "rejected"
    """Postmark rejected the message: it has an ErrorCode and a Message."""
    INVALID = "invalid"
    """The checks of mailframe blocked the message; see the reason."""
    SKIPPED = "skipped"
    """Excluded on purpose; the reason is already_sent."""
    UNSENT = "unsent"
    """The message provably never reached Postmark; the next ``send`` includes the row."""
    UNKNOWN = "unknown"
    """Sent without a clear answer; not sent again without explicit confirmation."""


DTYPES: Final[Mapping[str, str]] = {
    "status": "str",
    "reason": "str",
    "MessageID": "str",
    "ErrorCode": "Int64",
    "Message": "str",
    "SubmittedAt": "datetime64[ns, UTC]",
    "To": "str",
    "batch": "Int64",
    "changed": "bool",
}
"""The columns of results in their order, with dtypes; ``str`` is the text dtype of pandas 3.

A column that is added here is missing in the files of earlier releases, which have to stay
readable: ``results_columns`` must not require it.
"""
COLUMNS: Final = tuple(DTYPES)

_STATUSES: Final = tuple(Status)
_OUR_NAME: Final = re.compile(
    rf"(?:mail_)?({'|'.join(COLUMNS)})|mail_({'|'.join(COLUMNS)})_[1-9][0-9]*"
)


class RowResults:
    """The status of every row during a run; only one thread may write to it.

    Every row starts as ``unsent``. A row takes about 170 bytes, so 300,000 rows stay under 60 MB.

    Args:
        rows: the number of rows of the campaign's frame.

    Examples:
        >>> rows = RowResults(2)
        >>> rows.settle(0, Status.SKIPPED, reason="already_sent")
        >>> rows.status(0), rows.status(1)
        (<Status.SKIPPED: 'skipped'>, <Status.UNSENT: 'unsent'>)
    """

    __slots__ = (
        "_batches",
        "_changed",
        "_codes",
        "_ids",
        "_messages",
        "_reasons",
        "_rows",
        "_stamps",
        "_statuses",
        "_to",
    )

    def __init__(self, rows: int) -> None:
        if rows < 0:
            raise ValueError(f"a frame cannot have {rows} rows")
        self._rows = rows
        self._statuses = bytearray([_STATUSES.index(Status.UNSENT)]) * rows
        self._codes = array("q", [NO_CODE]) * rows
        self._batches = array("i", [NONE]) * rows
        self._changed = bytearray(rows)
        self._reasons, self._messages = RepeatedTextColumn(rows), RepeatedTextColumn(rows)
        self._ids, self._stamps, self._to = TextColumn(rows), TextColumn(rows), TextColumn(rows)

    def __len__(self) -> int:
        return self._rows

    def __repr__(self) -> str:
        return f"<RowResults {_sentence(self.counts(), self._rows)}>"

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
        self._statuses[position] = _STATUSES.index(status)
        self._reasons.put(position, reason)
        self._put_outcome(position, outcome)
        if to is not None:
            self._to.put(position, to)
        if batch is not None:
            self._batches[position] = batch
        self._changed[position] = changed

    def settle_many(
        self,
        positions: np.ndarray[tuple[int], np.dtype[np.int64]],
        status: Status,
        *,
        reason: str,
        outcomes: Sequence[Outcome],
        changed: bool = False,
    ) -> None:
        """Set the status of several rows, as ``settle`` does one by one."""
        for row, outcome in zip(positions.tolist(), outcomes, strict=True):
            self.settle(row, status, reason=reason, outcome=outcome, changed=changed)

    def _put_outcome(self, position: int, outcome: Outcome | None) -> None:
        code = None if outcome is None else outcome.error_code
        self._codes[position] = NO_CODE if code is None else code
        self._messages.put(position, None if outcome is None else outcome.message)
        self._ids.put(position, None if outcome is None else outcome.message_id)
        self._stamps.put(position, None if outcome is None else outcome.submitted_at)

    def _refuse_no_row(self, position: int) -> None:
        # A negative position would set the status of another row, counted from the end.
        if not 0 <= position < self._rows:
            raise IndexError(
                f"there is no row {position}: the frame has {self._rows:,} rows, counted from 0"
            )

    def status(self, position: int) -> Status:
        """The status of one row.

        Raises:
            IndexError: there is no such row.
        """
        self._refuse_no_row(position)
        return _STATUSES[self._statuses[position]]

    def statuses(self) -> list[Status]:
        """The status of every row, by position."""
        return [_STATUSES[code] for code in self._statuses]

    def counts(self) -> dict[Status, int]:
        """The number of rows of each status, in the order of ``Status``; 0 if no row has it."""
        return {status: self._statuses.count(code) for code, status in enumerate(_STATUSES)}

    def columns(self) -> dict[str, pd.api.extensions.ExtensionArray]:
        """The columns of results under their standard names, one cell per row."""
        return {
            "status": text_column(_STATUSES[code].value for code in self._statuses),
            "reason": text_column(self._reasons),
            "MessageID": text_column(self._ids),
            "ErrorCode": whole_column(self._codes, NO_CODE),
            "Message": text_column(self._messages),
            "SubmittedAt": stamps(self._stamps),
            "To": text_column(self._to),
            "batch": whole_column(self._batches, NONE),
            "changed": pd.array(np.frombuffer(self._changed, dtype="bool"), dtype="bool"),
        }


def results_frame(frame: pd.DataFrame, rows: RowResults) -> pd.DataFrame:
    """The caller's frame with the columns of results after its own.

    Rows, order, index, columns, dtypes, ``attrs`` and subclass are the caller's; the results are
    joined by position. A column of the caller is never overwritten: if the name is taken, the new
    column is ``mail_<name>``, and if that is taken too ``mail_<name>_2``, ``mail_<name>_3``, and so
    on.

    Args:
        frame: any frame of one level of columns; it is not changed.
        rows: one result per row of *frame*.

    Returns:
        A new frame, one row per row of *frame*.

    Raises:
        ResultsError: the two have different lengths.

    Examples:
        >>> people = pd.DataFrame({"email": ["ada@example.com"], "status": ["gold"]})
        >>> results_frame(people, RowResults(1))[["status", "mail_status"]]
          status mail_status
        0   gold      unsent
    """
    if len(frame) != len(rows):
        raise ResultsError(
            f"{len(rows):,} results cannot be joined to a frame of {len(frame):,} rows"
        )
    added = pd.DataFrame(rows.columns(), index=frame.index)
    results = pd.concat([frame, added], axis=1)
    results.index = frame.index.view()  # itself, except that a new name stays in the results
    results.columns = pd.Index(
        [*frame.columns, *_free_names(frame)],
        dtype=_label_dtype(frame),
        name=frame.columns.name,
        tupleize_cols=False,
    )
    results.attrs = frame.attrs
    return results


def results_columns(frame: pd.DataFrame) -> dict[str, str]:
    """The columns of the newest results in *frame*: the standard name of each and its actual label.

    A frame that was sent twice has two sets; the newest is the last one.

    Args:
        frame: a results frame.

    Raises:
        ResultsError: a column is missing, or the status column has a value that is no status.

    Examples:
        >>> results = results_frame(pd.DataFrame({"To": ["ada@example.com"]}), RowResults(1))
        >>> results_columns(results)["To"]
        'mail_To'
    """
    labels = {
        standard: label for label in frame.columns if (standard := standard_name(label)) is not None
    }
    missing = [name for name in COLUMNS if name not in labels]
    if missing:
        raise ResultsError(
            f"not a results DataFrame (no column {', '.join(map(repr, missing))}); "
            "use what send() or read_results() returned, with all its columns"
        )
    _refuse_unknown_status(frame, labels["status"])
    return {name: labels[name] for name in COLUMNS}


def standard_name(label: object) -> str | None:
    """The standard name of a column of results by its label, or None for any other label.

    Examples:
        >>> standard_name("mail_To_2"), standard_name("To"), standard_name("To_2")
        ('To', 'To', None)
    """
    match = _OUR_NAME.fullmatch(label) if isinstance(label, str) else None
    return (match[1] or match[2]) if match else None


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """Rows counted by status, ErrorCode and reason, each with an example of Postmark's Message.

    Args:
        results: a results frame; if it has several sets of results, the newest is counted.

    Returns:
        Columns ``status``, ``ErrorCode``, ``reason``, ``rows`` and ``Message``; in the order of
        ``Status``, then the most rows first.

    Raises:
        ResultsError: *results* is not a results frame.

    Examples:
        >>> summary(results_frame(pd.DataFrame(index=range(3)), RowResults(3)))[["status", "rows"]]
           status  rows
        0  unsent     3
    """
    keys = ["status", "ErrorCode", "reason"]
    groups = newest(results).groupby(keys, dropna=False, sort=False)
    table = groups.agg(rows=("status", "size"), Message=("Message", "first")).reset_index()
    rank = table["status"].map({status.value: code for code, status in enumerate(_STATUSES)})
    table = table.iloc[np.lexsort((-table["rows"], rank))].reset_index(drop=True)
    return table.astype({name: DTYPES[name] for name in [*keys, "Message"]})


def status_sentence(statuses: pd.Series[str]) -> str:
    """One line that counts the rows of a status column.

    >>> status_sentence(pd.Series(["unsent", "accepted"]))
    '2 rows: 1 accepted · 1 unsent.'
    >>> status_sentence(pd.Series([None], dtype="str"))
    '1 row.'
    """
    return _sentence(statuses.value_counts(sort=False).to_dict(), len(statuses))


def counts_text(counts: Mapping[Any, int]) -> str:
    """The counts that are not 0, in the order of ``Status``.

    >>> counts_text({"unsent": 1, "accepted": 2_000})
    '2,000 accepted · 1 unsent'
    """
    return " · ".join(f"{counts[status]:,} {status}" for status in Status if counts.get(status))


def newest(results: pd.DataFrame) -> pd.DataFrame:
    """The newest columns of results under their standard names, with the index of *results*.

    Raises:
        ResultsError: *results* is not a results frame.
    """
    names = results_columns(results)
    columns = {name: _last(results, label).array for name, label in names.items()}
    return pd.DataFrame(columns).set_axis(results.index, axis=0)


def _last(frame: pd.DataFrame, label: str) -> pd.Series:
    """The last column with that label, which another column may have too."""
    return frame.iloc[:, max(place for place, one in enumerate(frame.columns) if one == label)]


def _refuse_unknown_status(frame: pd.DataFrame, label: str) -> None:
    cells = _last(frame, label)
    foreign = ~cells.isin([status.value for status in Status])
    if foreign.any():
        position = int(foreign.to_numpy().argmax())
        row = RowNames(frame).of(position)
        raise ResultsError(
            f"not a results DataFrame ({row} of column {label!r} is {cells.iloc[position]!r}); "
            f"a status is one of {', '.join(Status)}"
        )


def _free_names(frame: pd.DataFrame) -> list[str]:
    taken = set(frame.columns)
    return [next(name for name in _candidates(column) if name not in taken) for column in COLUMNS]


def _candidates(standard: str) -> Iterator[str]:
    yield from (standard, f"mail_{standard}")
    yield from (f"mail_{standard}_{number}" for number in itertools.count(2))


def _label_dtype(frame: pd.DataFrame) -> pd.StringDtype | np.dtype[np.object_]:
    text = isinstance(frame.columns.dtype, pd.StringDtype) or len(frame.columns) == 0
    return pd.StringDtype(na_value=np.nan) if text else np.dtype(object)


def _sentence(counts: Mapping[Any, int], rows: int) -> str:
    text = counts_text(counts)  # empty without a known status
    return f"{counted(rows, 'row')}{': ' if text else ''}{text}."
