"""Variants: each row gets one of several letters, and the checks of all are one check."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mailframe.message.checked_rows import check_rows, checked_messages
from mailframe.message.content_digests import ContentDigests, LateDigests
from mailframe.message.digests import Digests
from mailframe.message.keys import key_problems
from mailframe.message.message import Message
from mailframe.message.preflight import (
    finished_preflight,
    letter_problems,
    recipients_of,
)
from mailframe.message.problem_list import ProblemCollector
from mailframe.message.repeats import RepeatFinder, repeated_keys, repeated_recipients
from mailframe.message.row_names import RowNames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd

    from mailframe.message.binding import BoundLetter
    from mailframe.message.checked_rows import CheckedRows
    from mailframe.message.content_digests import Watch
    from mailframe.message.preflight import Mask, Preflight
    from mailframe.message.repeats import Pairs
    from mailframe.problems import Problem


@dataclass(frozen=True, slots=True)
class VariantRows:
    """The rows of a variant.

    Attributes:
        name: the name of the variant.
        bound: its letter, bound to these rows alone.
        positions: their positions in the frame, in order.
    """

    name: str
    bound: BoundLetter
    positions: np.ndarray[Any, np.dtype[np.int64]]

    def in_frame(self, item: Message | Problem) -> Message | Problem:
        """A message or a problem with the position of its row in the frame."""
        if isinstance(item, Message):
            return replace(item, position=int(self.positions[item.position]))
        return self.problem_in_frame(item)

    def problem_in_frame(self, problem: Problem) -> Problem:
        """A problem with the position of its row in the frame."""
        row = problem.row
        return problem if row is None else replace(problem, row=int(self.positions[row]))


def rows_of_variants(
    names: Sequence[str], bounds: Sequence[BoundLetter], places: np.ndarray[Any, Any]
) -> tuple[VariantRows, ...]:
    """The rows of each variant.

    Args:
        names: the names of the variants.
        bounds: the letter of each, bound to the whole frame.
        places: the place of the variant of each row.
    """
    parts = []
    for place, (name, bound) in enumerate(zip(names, bounds, strict=True)):
        positions = np.flatnonzero(places == place)
        parts.append(VariantRows(name, bound.take(positions.tolist()), positions))
    return tuple(parts)


def check_variants(
    variants: Sequence[VariantRows],
    frame: pd.DataFrame,
    key: Sequence[str],
    *,
    live: bool = False,
    with_digests: bool = False,
    watch: Callable[[int], None] | None = None,
) -> Preflight:
    """The preflight check of a frame whose rows have different letters; see ``run_preflight``."""
    rows = len(frame)
    problems = ProblemCollector()
    problems += _letter_problems(variants, frame)
    people, spellings = Digests(rows), np.zeros(rows, dtype="<u8")
    keys = Digests(rows) if key else people
    if key:
        problems += key_problems(frame, key, keys, spellings)
    sizes = np.zeros(rows, dtype=np.uint32)
    streams: set[str] = set()
    templates: set[str | int] = set()
    blocked: dict[int, bytes] = {}
    checks: list[CheckedRows] = []
    done = 0
    for variant in variants:
        start = partial(_later, watch, done) if watch is not None else None
        own = ProblemCollector()
        options: Any = {"live": live, "with_digests": with_digests, "watch": start}
        check = check_rows(variant.bound, own, **options)
        done += len(variant.positions)
        checks.append(check)
        problems += map(variant.problem_in_frame, own.ordered())
        sizes[variant.positions] = check.sizes
        people.scatter(variant.positions, check.people)
        streams |= check.streams
        templates |= check.templates
        blocked |= {
            int(variant.positions[row]): person for row, person in check.blocked_people.items()
        }
    finder = RepeatFinder(
        people,
        keys if key else None,
        partial(repeated_keys, frame, key),
        partial(_repeated_recipients, variants, RowNames(frame, key), has_key=bool(key)),
    )
    return finished_preflight(
        problems,
        sizes,
        finder,
        digests=LateDigests(partial(_digests, rows, variants, checks)),
        keys=keys,
        spellings=spellings,
        people=people,
        streams=tuple(sorted(streams)),
        variants=tuple(checks),
        blocked_people=dict(sorted(blocked.items())),
        templates=frozenset(templates),
    )


def messages_of_variants(
    variants: Sequence[VariantRows], preflight: Preflight, *, live: bool, wanted: Mask
) -> Iterator[Message | Problem]:
    """The messages of all variants in the order of the rows; see ``checked_messages``."""
    parts = [
        map(
            variant.in_frame,
            checked_messages(variant.bound, check, live=live, wanted=wanted[variant.positions]),
        )
        for variant, check in zip(variants, preflight.variants, strict=True)
    ]
    yield from heapq.merge(*parts, key=_position)


def _later(watch: Callable[[int], None], done: int, position: int) -> None:
    watch(done + position)


def _position(item: Message | Problem) -> int:
    return item.position if isinstance(item, Message) else item.row or 0


def _letter_problems(variants: Sequence[VariantRows], frame: pd.DataFrame) -> Iterator[Problem]:
    """The problems of each letter, once if all have it, else with the name of the variant."""
    of_each = [letter_problems(variant.bound, frame.columns) for variant in variants]
    shared = [one for one in of_each[0] if all(one in others for others in of_each)]
    yield from shared
    for variant, problems in zip(variants, of_each, strict=True):
        for problem in problems:
            if problem not in shared:
                yield replace(problem, detail=f"variant {variant.name!r}: {problem.detail}")


def _digests(
    rows: int, variants: Sequence[VariantRows], checks: Sequence[CheckedRows], watch: Watch | None
) -> ContentDigests:
    """The digests of the messages of all variants."""
    digests = ContentDigests(rows)
    for variant, check in zip(variants, checks, strict=True):
        of_variant = check.digests.get(watch=watch)
        digests.contents.scatter(variant.positions, of_variant.contents)
        digests.mails[variant.positions] = of_variant.mails
    return digests


def _repeated_recipients(
    variants: Sequence[VariantRows], names: RowNames, pairs: Pairs, *, has_key: bool
) -> Iterator[Problem]:
    positions = np.array([position for position, _ in pairs], dtype=np.int64)
    texts: dict[int, object] = {}
    for variant in variants:
        mine = np.flatnonzero(np.isin(variant.positions, positions))
        recipients = recipients_of(variant.bound, mine.tolist())
        texts |= zip(variant.positions[mine].tolist(), recipients, strict=True)
    given = [texts.get(position) for position, _ in pairs]
    return repeated_recipients(pairs, given, names, has_key=has_key)
