"""A look at every row of a campaign before anything leaves: the problems, the sizes, and what a send would be."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mailframe.html.environment import render
from mailframe.limits import DEFAULT_STREAM
from mailframe.message import batch
from mailframe.message.checks import check_letter
from mailframe.message.keys import HALF_BYTES, Digests, content_digest, key_problems, mail_digest
from mailframe.message.pipeline import prepare
from mailframe.message.render import Renderer
from mailframe.message.row_names import RowNames
from mailframe.problems import Code, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pandas as pd

    from mailframe.message.binding import BoundLetter
    from mailframe.message.models import Message

Mask: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.bool_]]"
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a look at every row found.

    Attributes:
        problems: of the letter and of every row.
        sendable: one per row, whether it has no error.
        sizes: one per row, bytes of its message as posted; 0 for a row that is held back.
        contents: one per row, a digest of its message; what is sent must have the same.
        mails: one per row, a digest of what its recipient sees (uint64).
        keys: one per row, a digest of its key; of its recipient when the campaign has no key.
        spellings: one per row, a digest of its key without zeros in front, case and spaces (uint64); 0 without a key.
        people: one per row, a digest of its recipient.
        streams: that the messages go to, in alphabetical order.
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
        """The problems that hold a row back."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def refusals(self) -> tuple[Problem, ...]:
        """The problems that are a fault of the call, and hold all rows back."""
        return tuple(problem for problem in self.problems if problem.code.stops_everything)

    def of_row(self, position: int) -> list[Problem]:
        """The problems of one row."""
        first = bisect_left(self.problems, position, key=_row)
        last = bisect_left(self.problems, position + 1, key=_row)
        return list(self.problems[first:last])

    def rows_with_problems(self) -> list[int]:
        """The positions of the rows that have any, in order."""
        return list(
            dict.fromkeys(problem.row for problem in self.problems if problem.row is not None)
        )

    def recorded(self, position: int) -> bytes:
        """What the ledger records of a row's message, in its column ``content``: three halves of digests.

        They stand for what its recipient sees, for the whole message, and for its key however it is spelled.
        """
        mail, spelling = (
            int(one[position]).to_bytes(HALF_BYTES, "little")
            for one in (self.mails, self.spellings)
        )
        return mail + self.contents.at(position)[HALF_BYTES:] + spelling

    def reasons(self) -> dict[int, str]:
        """The codes that hold each row back, by its position, as one text."""
        found: dict[int, list[str]] = {}
        for problem in self.errors:
            if problem.row is not None and problem.code.value not in found.setdefault(
                problem.row, []
            ):
                found[problem.row].append(problem.code.value)
        return {row: ", ".join(codes) for row, codes in found.items()}


def run_preflight(
    bound: BoundLetter,
    frame: pd.DataFrame,
    key: Sequence[str],
    *,
    live: bool = False,
    watch: Callable[[int], None] | None = None,
) -> Preflight:
    """Render, check and encode every row once, and keep what is needed to send the same again.

    Args:
        bound: the letter bound to *frame*.
        frame: one row per message.
        key: the columns of the key; empty for the address.
        live: the messages would reach real people.
        watch: called with the position of each row, for whoever wants to stop or draw.
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
                people.put(prepared.position, prepared.identity)
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


def letter_problems(bound: BoundLetter, columns: Iterable[object]) -> list[Problem]:
    """What is wrong with the letter as a whole, whatever the rows hold."""
    return [*bound.warnings, *check_letter(bound, columns)]


def _row(problem: Problem) -> int:
    return -1 if problem.row is None else problem.row


def _repeats(bound: BoundLetter, people: Digests, code: Code, names: RowNames) -> Iterator[Problem]:
    repeats = people.repeats()
    recipients = _recipients(bound, [position for position, _ in repeats])
    firsts = names.many([first for _, first in repeats])
    for (position, _), first in zip(repeats, firsts, strict=True):
        detail = f"the same recipient as {first}"
        if code is Code.DUPLICATE_RECIPIENT:
            detail += "; drop one, or name the column that tells the rows apart: key=…"
        yield Problem(position, "to", code, detail, value=recipients.get(position))


def _recipients(bound: BoundLetter, positions: Sequence[int]) -> dict[int, object]:
    """What ``to`` renders to in some rows; of several recipients the first."""
    if not positions:
        return {}
    wanted = np.zeros(bound.rows, dtype=bool)
    wanted[positions] = True
    sources = {
        part: source for part, source in bound.sources.items() if part.partition("[")[0] == "to"
    }
    drafts = Renderer(replace(bound, sources=sources, attachments=())).drafts(only=wanted.tolist())
    firsts = ((draft.position, next(iter(draft.values.values()), None)) for draft in drafts)  # noqa: PD011 - no frame
    return {
        position: value[0] if isinstance(value, list) else value
        for position, value in firsts
        if value
    }


def checked_messages(
    bound: BoundLetter, found: Preflight, *, live: bool = False, wanted: Mask | None = None
) -> Iterator[Message | Problem]:
    """The messages of the rows that may be sent, rendered again; a Problem where one is no longer the same.

    Args:
        bound: the letter bound to the frame.
        found: what the inspection found.
        live: as it was inspected.
        wanted: one per row, whether its message is wanted; None for all that may be sent.
    """
    for prepared in prepare(
        bound, live=live, only=(found.sendable if wanted is None else wanted).tolist()
    ):
        message = prepared.message
        if message is None or content_digest(message.body) != found.contents.at(prepared.position):
            detail = "the message is not the one that was checked, because a file that it reads has changed; compose again"
            yield Problem(prepared.position, "attachments", Code.CHANGED_SINCE_CHECK, detail)
        else:
            yield message


@dataclass(frozen=True, slots=True)
class Plan:
    """What a send would be: its repr is one line, its HTML repr a small table.

    Attributes:
        name: of the campaign.
        rows: of the frame.
        messages: that would be sent.
        batches: requests that they make.
        bytes: of those requests together.
        held_back: number of rows by code of the error that holds them back; a row counts under each of its codes.
        warnings: number of warnings by code.
        remembered: there is a ledger that will know who got it.
    """

    name: str | None
    rows: int
    messages: int
    batches: int
    bytes: int
    held_back: dict[str, int]
    warnings: dict[str, int]
    remembered: bool = True

    @classmethod
    def of(cls, name: str | None, found: Preflight, *, remembered: bool = True) -> Plan:
        """The plan that an inspection comes to."""
        number, size = batch.count(size for size in found.sizes if size)
        rows = {(problem.row, problem.code.value) for problem in found.errors}
        warnings = Counter(p.code.value for p in found.problems if p.severity is Severity.WARNING)
        return cls(
            name=name,
            rows=len(found.sizes),
            messages=int(found.sendable.sum()),
            batches=number,
            bytes=size,
            held_back=dict(Counter(code for _, code in sorted(rows, key=str)).most_common()),
            warnings=dict(warnings.most_common()),
            remembered=remembered,
        )

    @property
    def held_back_rows(self) -> int:
        """Rows that would not be sent."""
        return self.rows - self.messages

    def __str__(self) -> str:
        line = f"{_many(self.rows, 'row')}: {_many(self.messages, 'message')}, {_many(self.batches, 'batch', 'es')}, "
        line += f"{self.bytes / _MB:,.1f} MB; {self.held_back_rows:,} held back"
        line += f" ({_counts(self.held_back)})" if self.held_back else ""
        return (
            line
            if self.remembered
            else f"{line}; no ledger: sending again sends to everybody again"
        )

    def __repr__(self) -> str:
        return f"<Plan {self.name!r}: {self}>" if self.name else f"<Plan: {self}>"

    def _repr_html_(self) -> str:
        """What Jupyter shows."""
        lines = [
            ("rows", f"{self.rows:,}"),
            ("messages", f"{self.messages:,}"),
            ("batches", f"{self.batches:,}"),
        ]
        lines += [
            ("size", f"{self.bytes / _MB:,.1f} MB"),
            ("blocked", f"{self.held_back_rows:,}"),
        ]
        lines += [(f"· {code}", f"{count:,}") for code, count in self.held_back.items()]
        lines += [(f"warning · {code}", f"{count:,}") for code, count in self.warnings.items()]
        lines += (
            [] if self.remembered else [("ledger", "none: sending again sends to everybody again")]
        )
        return render("plan", title=f"Plan of {self.name}" if self.name else "Plan", lines=lines)


def _many(count: int, noun: str, plural: str = "s") -> str:
    return f"{count:,} {noun}{'' if count == 1 else plural}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {code}" for code, count in counts.items())
