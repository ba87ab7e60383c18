"""The preflight check: every row is rendered and checked before anything is sent."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mailframe.letter.letter import field_of
from mailframe.limits import DEFAULT_STREAM
from mailframe.message.checks import check_letter
from mailframe.message.keys import (
    Digests,
    content_digest,
    digest,
    key_problems,
    mail_digest,
)
from mailframe.message.pipeline import prepare
from mailframe.message.render import Renderer
from mailframe.message.row_names import RowNames
from mailframe.problems import Code, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pandas as pd

    from mailframe.message.binding import BoundLetter
    from mailframe.message.message import Message

Mask: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.bool_]]"


@dataclass(frozen=True, slots=True)
class Preflight:
    """The result of a preflight check.

    Attributes:
        problems: the problems of the letter and of every row, ordered by row.
        sendable: one boolean per row, whether the row has no error.
        sizes: one size per row, the bytes of its message as posted; 0 for a blocked row.
        contents: one digest per row, of its message, to compare with the message that is sent.
        mails: one digest per row, of the content that its recipient sees (uint64).
        keys: one digest per row, of its key, or of its recipient if the campaign has no key.
        spellings: one digest per row, of its key without leading zeros, case and spaces (uint64); 0
            without a key.
        people: one digest per row, of its recipient.
        streams: the message streams of the messages, in alphabetical order.
    """

    problems: tuple[Problem, ...]
    sendable: Mask
    sizes: array[int]
    contents: Digests
    mails: np.ndarray[tuple[int], np.dtype[np.uint64]]
    keys: Digests
    spellings: np.ndarray[tuple[int], np.dtype[np.uint64]]
    people: Digests
    streams: tuple[str, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that block a row."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def refusals(self) -> tuple[Problem, ...]:
        """The problems that block all rows, because the call is wrong."""
        return tuple(problem for problem in self.problems if problem.code.stops_everything)

    def of_row(self, position: int) -> list[Problem]:
        """The problems of one row."""
        first = bisect_left(self.problems, position, key=_row)
        last = bisect_left(self.problems, position + 1, key=_row)
        return list(self.problems[first:last])

    def rows_with_problems(self) -> list[int]:
        """The positions of the rows that have any problem, in order."""
        return list(
            dict.fromkeys(problem.row for problem in self.problems if problem.row is not None)
        )

    def reasons(self) -> dict[int, str]:
        """The codes of the errors that block each row, by its position, as one text."""
        codes: dict[int, dict[str, None]] = {}
        for problem in self.errors:
            if problem.row is not None:
                codes.setdefault(problem.row, {})[problem.code.value] = None
        return {row: ", ".join(of_row) for row, of_row in codes.items()}


def run_preflight(
    bound: BoundLetter,
    frame: pd.DataFrame,
    key: Sequence[str],
    *,
    live: bool = False,
    watch: Callable[[int], None] | None = None,
) -> Preflight:
    """Render, check and encode every row once; keep digests of the messages, but not the messages.

    Args:
        bound: the letter bound to *frame*.
        frame: one row per message.
        key: the columns of the key; empty for the address.
        live: whether the server is live; see ``Preparer``.
        watch: a function called with each row's position; it may draw progress, or raise to stop.
    """
    rows = len(frame)
    problems = letter_problems(bound, frame.columns)
    people, contents = Digests(rows), Digests(rows)
    mails, spellings = np.zeros(rows, dtype="<u8"), np.zeros(rows, dtype="<u8")
    keys = Digests(rows) if key else people
    if key:
        problems += key_problems(frame, key, keys, spellings)
    sizes = array("I", bytes(4 * rows))
    sendable = np.zeros(rows, dtype=bool)
    streams: set[str] = set()
    for prepared in prepare(bound, live=live):
        if watch is not None:
            watch(prepared.position)
        problems += prepared.problems
        if prepared.message is not None:
            sizes[prepared.position] = len(prepared.message.body)
            contents.put_bytes(prepared.position, content_digest(prepared.message.body))
            mails[prepared.position] = mail_digest(prepared.message.body)
            streams.add(prepared.fields.get("MessageStream", DEFAULT_STREAM))
            sendable[prepared.position] = True
            if prepared.identity:
                people.put_bytes(prepared.position, digest(prepared.identity))
    code = Code.REPEATED_RECIPIENT if key else Code.DUPLICATE_RECIPIENT
    problems += _repeats(bound, people, code, RowNames(frame, key))
    for problem in problems:
        if problem.row is not None and problem.severity is Severity.ERROR:
            sendable[problem.row] = False
            sizes[problem.row] = 0
    problems.sort(key=_row)
    return Preflight(
        tuple(problems),
        sendable,
        sizes,
        contents,
        mails,
        keys,
        spellings,
        people,
        tuple(sorted(streams)),
    )


def checked_messages(
    bound: BoundLetter, preflight: Preflight, *, live: bool = False, wanted: Mask | None = None
) -> Iterator[Message | Problem]:
    """The messages that can be sent, rendered again; a problem where one differs from its check.

    Args:
        bound: the letter bound to the frame.
        preflight: the check of the letter.
        live: the value of *live* in the check.
        wanted: one boolean per row, whether its message is wanted; None for all that can be sent.
    """
    rows = preflight.sendable if wanted is None else wanted
    for prepared in prepare(bound, live=live, only=rows.tolist()):
        message = prepared.message
        checked = preflight.contents.at(prepared.position)
        if message is None or content_digest(message.body) != checked:
            detail = (
                "the message is not the one that was checked, because a file that it reads has "
                "changed; compose again"
            )
            yield Problem(prepared.position, "attachments", Code.CHANGED_SINCE_CHECK, detail)
        else:
            yield message


def letter_problems(bound: BoundLetter, columns: Iterable[object]) -> list[Problem]:
    """The problems of the letter as a whole, which do not depend on any row."""
    return [*bound.warnings, *check_letter(bound, columns)]


def _row(problem: Problem) -> int:
    return -1 if problem.row is None else problem.row


def _repeats(bound: BoundLetter, people: Digests, code: Code, names: RowNames) -> Iterator[Problem]:
    """A problem for each row whose recipient an earlier row has."""
    repeats = people.repeats()
    recipients = _recipients(bound, [position for position, _ in repeats])
    firsts = names.many([first for _, first in repeats])
    for (position, _), first, recipient in zip(repeats, firsts, recipients, strict=True):
        detail = f"the same recipient as {first}"
        if code is Code.DUPLICATE_RECIPIENT:
            detail += "; drop one, or name the column that tells the rows apart: key=…"
        yield Problem(position, "to", code, detail, value=recipient)


def _recipients(bound: BoundLetter, positions: Sequence[int]) -> Iterator[object]:
    """The value of ``to`` in some rows; the first one of several; None where it is empty."""
    sources = {part: source for part, source in bound.sources.items() if field_of(part) == "to"}
    recipients = replace(bound, sources=sources, attachments=()).take(positions)
    for draft in Renderer(recipients).drafts():
        value = next(iter(draft.values.values()), None)  # noqa: PD011 - it is not a frame
        yield (value[0] if isinstance(value, list) else value) or None
