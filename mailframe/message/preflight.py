"""The preflight check: every row is rendered and checked before anything is sent."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from mailframe.letter.letter import field_of
from mailframe.message.checked_rows import check_rows
from mailframe.message.checks import check_letter
from mailframe.message.digests import Digests
from mailframe.message.keys import key_problems
from mailframe.message.problem_list import ProblemCollector
from mailframe.message.render import Renderer
from mailframe.message.repeats import (
    RepeatFinder,
    Repeats,
    repeated_keys,
    repeated_recipients,
)
from mailframe.message.row_names import RowNames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from mailframe.message.binding import BoundLetter
    from mailframe.message.checked_bodies import CheckedBodies
    from mailframe.message.checked_rows import CheckedRows
    from mailframe.message.content_digests import LateDigests
    from mailframe.message.problem_list import ProblemList
    from mailframe.message.repeats import Pairs, Sizes
    from mailframe.problems import Code, Problem

Mask: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.bool_]]"


@dataclass(frozen=True, slots=True)
class Preflight:
    """The result of a preflight check.

    Attributes:
        problems: the problems of the letter and of every row, ordered by row.
        sendable: one boolean per row, whether the row has no error.
        sizes: one size per row, the bytes of its message as posted; 0 for a blocked row.
        digests: the digests of the messages, to compare them with others.
        keys: one digest per row, of its key, or of its recipient if the campaign has no key.
        spellings: one digest per row, of its key without leading zeros, case and spaces (uint64); 0
            without a key.
        people: one digest per row, of its recipient.
        streams: the message streams of the messages, in alphabetical order.
        bodies: the messages, as they were checked; None if they have to be made again.
        blocked_people: the digest of the recipient of each row without a message, by position.
        repeats: the rows that share a key or a recipient; None if there are none.
        whole: the check before rows were left out; None if none are.
        left_out: one per row, whether it is left out; False if none are.
        templates: the aliases and IDs of the templates at Postmark that the messages have.
        variants: the rows of each variant, checked by themselves; empty without variants.
    """

    problems: ProblemList
    sendable: Mask
    sizes: array[int]
    digests: LateDigests
    keys: Digests
    spellings: np.ndarray[tuple[int], np.dtype[np.uint64]]
    people: Digests
    streams: tuple[str, ...]
    bodies: CheckedBodies | None = None
    blocked_people: Mapping[int, bytes] = field(default_factory=dict)
    repeats: Repeats | None = None
    whole: Preflight | None = None
    left_out: Mask | bool = False
    templates: frozenset[str | int] = frozenset()
    variants: tuple[CheckedRows, ...] = ()

    @property
    def contents(self) -> Digests:
        """One digest per row, of its message; see ``ContentDigests``.

        Raises:
            MailframeError: the messages can neither be read nor made again.
        """
        return self.digests.get().contents

    @property
    def mails(self) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        """One digest per row, of what its recipient sees (uint64); raises as ``contents``."""
        return self.digests.get().mails

    @property
    def errors(self) -> ProblemList:
        """The problems that block a row."""
        return self.problems.errors()

    @property
    def sound(self) -> Mask:
        """One boolean per row that is left, whether it has no error, or only repeats another row.

        A row that repeats another one can be sent when that one is left out.
        """
        if self.repeats is None:
            return self.sendable
        sound: Mask = (self.repeats.sizes != 0) & np.logical_not(self.left_out)
        return sound

    @property
    def refusals(self) -> ProblemList:
        """The problems that block all rows, because the call is wrong."""
        return self.problems.where(lambda code: code.stops_everything)

    def without(self, rows: Mask) -> Preflight:
        """The check without some rows, which are not to be sent; it holds no problem of theirs.

        Args:
            rows: one per row, whether it is left out.
        """
        whole = self if self.whole is None else self.whole
        rows = rows | self.left_out
        if self.repeats is None:
            problems, sizes = self.problems.without(rows), np.array(whole.sizes, dtype=np.uint32)
            sizes[rows] = 0
        else:  # an earlier row that is left out is no repeat
            problems = self.repeats.problems(without=rows)
            sizes = self.repeats.sizes_of(problems, without=rows)
        return replace(
            self,
            problems=problems,
            sizes=array("I", sizes.tobytes()),
            sendable=sizes != 0,
            left_out=rows,
            whole=whole,
        )

    @property
    def with_left_out(self) -> Preflight:
        """The check with the rows that are left out, to look them up in a ledger."""
        if self.whole is None:
            return self
        return replace(self, sendable=self.sendable | self.whole.sendable)

    def of_row(self, position: int) -> list[Problem]:
        """The problems of one row."""
        return list(self.problems.of_row(position))

    def rows_with_problems(self) -> list[int]:
        """The positions of the rows that have any problem, in order."""
        return self.problems.positions().tolist()

    def reasons(self) -> dict[int, str]:
        """The codes of the errors that block each row, by its position, as one text."""
        texts: dict[tuple[Code, ...], str] = {}
        reasons: dict[int, str] = {}
        for row, group in groupby(self.errors.codes(), key=itemgetter(0)):
            codes = tuple(dict.fromkeys(code for _, code in group))
            if row >= 0:
                reasons[row] = texts.setdefault(codes, ", ".join(codes))
        return reasons


def run_preflight(
    bound: BoundLetter,
    frame: pd.DataFrame,
    key: Sequence[str],
    *,
    live: bool = False,
    with_digests: bool = False,
    watch: Callable[[int], None] | None = None,
) -> Preflight:
    """Render, check and encode every row once, and keep the messages, or digests of them.

    Args:
        bound: the letter bound to *frame*.
        frame: one row per message.
        key: the columns of the key; empty for the address.
        live: whether the server is live; see ``Preparer``.
        with_digests: whether the digests of the messages will be needed for certain; making them
            now takes less time than later.
        watch: a function called with each row's position; it may draw progress, or raise to stop.
    """
    problems = ProblemCollector()
    problems += letter_problems(bound, frame.columns)
    keys, spellings = Digests(len(frame)), np.zeros(len(frame), dtype="<u8")
    if key:
        problems += key_problems(frame, key, keys, spellings)
    checked = check_rows(bound, problems, live=live, with_digests=with_digests, watch=watch)
    finder = RepeatFinder(
        checked.people,
        keys if key else None,
        partial(repeated_keys, frame, key),
        partial(_repeated_recipients, bound, RowNames(frame, key), has_key=bool(key)),
    )
    return finished_preflight(
        problems,
        checked.sizes,
        finder,
        digests=checked.digests,
        keys=keys if key else checked.people,
        spellings=spellings,
        people=checked.people,
        streams=tuple(sorted(checked.streams)),
        bodies=checked.bodies,
        blocked_people=checked.blocked_people,
        templates=checked.templates,
    )


def finished_preflight(
    problems: ProblemCollector, sizes: Sizes, finder: RepeatFinder, **made: Any
) -> Preflight:
    """The check of rows that were checked one by one, with what concerns several rows.

    Args:
        problems: the problems of the letter and of each row.
        sizes: the bytes of each message; 0 where there is none.
        finder: finds the rows that share a key or a recipient.
        **made: the other attributes of the check.
    """
    before = problems.ordered()
    sizes[before.errors().positions()] = 0
    problems += finder.problems()
    ordered = problems.ordered()
    if len(ordered) == len(before):
        return Preflight(before, sizes != 0, array("I", sizes.tobytes()), **made)
    of_repeats = Repeats(finder, before, sizes)
    left = of_repeats.sizes_of(ordered, without=np.zeros(len(sizes), dtype=bool))
    return Preflight(ordered, left != 0, array("I", left.tobytes()), repeats=of_repeats, **made)


def letter_problems(bound: BoundLetter, columns: Iterable[object]) -> list[Problem]:
    """The problems of the letter as a whole, which do not depend on any row."""
    return [*bound.warnings, *check_letter(bound, columns)]


def _repeated_recipients(
    bound: BoundLetter, names: RowNames, pairs: Pairs, *, has_key: bool
) -> Iterator[Problem]:
    recipients = recipients_of(bound, [position for position, _ in pairs])
    return repeated_recipients(pairs, recipients, names, has_key=has_key)


def recipients_of(bound: BoundLetter, positions: Sequence[int]) -> Iterator[object]:
    """The value of ``to`` in some rows; the first one of several; None where it is empty."""
    sources = {part: source for part, source in bound.sources.items() if field_of(part) == "to"}
    recipients = replace(bound, sources=sources, attachments=()).take(positions)
    for draft in Renderer(recipients).drafts():
        value = next(iter(draft.values.values()), None)  # noqa: PD011 - it is not a frame
        yield (value[0] if isinstance(value, list) else value) or None
