"""The preflight check: every row is rendered and checked before anything is sent."""

from __future__ import annotations

from array import array
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import compress, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from mailframe.errors import MailframeError
from mailframe.letter.letter import field_of
from mailframe.message.checked_bodies import CheckedBodies, storage_mode
from mailframe.message.checks import check_letter
from mailframe.message.columnar.chunks import ChunkPreparer
from mailframe.message.content_digests import ContentDigests, LateDigests, content_digest
from mailframe.message.keys import Digests, digests_of, key_problems, repeated_keys
from mailframe.message.message import Message
from mailframe.message.problem_list import ProblemCollector
from mailframe.message.render import Renderer
from mailframe.message.repeats import RepeatFinder, Repeats, repeated_recipients
from mailframe.message.row_names import RowNames
from mailframe.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from mailframe.message.binding import BoundLetter
    from mailframe.message.columnar.chunks import PreparedChunk
    from mailframe.message.content_digests import Watch
    from mailframe.message.problem_list import ProblemList
    from mailframe.message.repeats import Pairs, Sizes

_DAMAGED: Final = (
    "the temporary file of the checked messages is damaged, and the rows in the damaged part now "
    "give other messages than those that were checked; compose again"
)
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
    rows = len(frame)
    problems = ProblemCollector()
    problems += letter_problems(bound, frame.columns)
    people, spellings = Digests(rows), np.zeros(rows, dtype="<u8")
    keys = Digests(rows) if key else people
    if key:
        problems += key_problems(frame, key, keys, spellings)
    sizes = np.zeros(rows, dtype=np.uint32)
    streams: set[str] = set()
    blocked_people: dict[int, bytes] = {}
    templates: set[str | int] = set()
    keeping = _Keeping(bound, live=live, with_digests=with_digests)
    for chunk in ChunkPreparer(bound, live=live).chunks(watch=watch):
        problems += chunk.problems
        keeping.add(chunk)
        sizes[chunk.first : chunk.first + len(chunk.sizes)] = chunk.sizes
        has_message = chunk.sizes.astype(bool).tolist()
        digests = digests_of([identity or None for identity in chunk.identities])
        for row in [row for row, is_made in enumerate(has_message) if not is_made]:
            if person := digests[row]:
                blocked_people[chunk.first + row] = person
            digests[row] = None
        people.put_many(chunk.first, digests)
        streams.update(compress(chunk.streams, has_message))
        templates |= chunk.templates
    finder = RepeatFinder(
        people,
        keys if key else None,
        partial(repeated_keys, frame, key),
        partial(_repeated_recipients, bound, RowNames(frame, key), has_key=bool(key)),
    )
    return finished_preflight(
        problems,
        sizes,
        finder,
        digests=keeping.digests(),
        keys=keys,
        spellings=spellings,
        people=people,
        streams=tuple(sorted(streams)),
        bodies=keeping.bodies,
        blocked_people=blocked_people,
        templates=frozenset(templates),
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
    repeats = list(finder.problems())
    if not repeats:
        return Preflight(before, sizes != 0, array("I", sizes.tobytes()), **made)
    of_repeats = Repeats(finder, before, sizes)
    nobody = np.zeros(len(sizes), dtype=bool)
    ordered = of_repeats.problems(without=nobody)
    left = of_repeats.sizes_of(ordered, without=nobody)
    return Preflight(ordered, left != 0, array("I", left.tobytes()), repeats=of_repeats, **made)


class _Keeping:
    """Keeps the messages of a check; where that cannot be, only their digests.

    Args:
        bound: the letter bound to the frame.
        live: the value of *live* in the check.
        with_digests: whether to make the digests of kept messages, too.

    Attributes:
        bodies: the messages so far; None if they have to be made again.
    """

    def __init__(self, bound: BoundLetter, *, live: bool, with_digests: bool) -> None:
        self._bound, self._live = bound, live
        self.bodies = _new_bodies(bound)
        is_needed = with_digests or self.bodies is None
        self._made = ContentDigests(bound.rows) if is_needed else None

    def add(self, chunk: PreparedChunk) -> None:
        """Keep the messages of the next chunk, or their digests."""
        if self.bodies is not None and not _keep(self.bodies, chunk):
            if self._made is None:
                self._made = _digests_of(self._bound, self.bodies, None, live=self._live)
            self.bodies = None
        if self._made is not None:
            self._made.put(chunk.first, chunk.bodies)

    def digests(self) -> LateDigests:
        """The digests of all messages; those of kept messages are made when they are needed."""
        if self._made is None and self.bodies is not None:
            return LateDigests(partial(_digests_of, self._bound, self.bodies, live=self._live))
        return LateDigests(self._made or ContentDigests(self._bound.rows))


def _new_bodies(bound: BoundLetter) -> CheckedBodies | None:
    """Where the messages are kept; None if they are made again, as those with varying files."""
    where = storage_mode()
    pieces = [piece for _, piece in bound.attachments]
    if where == "again" or None in pieces:
        return None
    shared = b",".join([piece.json for piece in pieces if piece is not None])
    with suppress(OSError):  # no folder for temporary files can be written
        return CheckedBodies(shared=shared, in_memory=where == "memory")
    return None


def _keep(bodies: CheckedBodies, chunk: PreparedChunk) -> bool:
    """Whether the messages of a chunk could be kept; if not, they are made again and compared."""
    with suppress(OSError):  # the disk is full
        bodies.add(chunk.first, chunk.recipients, chunk.separate, segments=chunk.segments)
        return True
    return False


def _digests_of(
    bound: BoundLetter, bodies: CheckedBodies, watch: Watch | None, *, live: bool
) -> ContentDigests:
    """The digests of all messages that are kept; *watch* is called for each chunk.

    Raises:
        MailframeError: some can neither be read nor made again.
    """
    digests = ContentDigests(bound.rows)
    for number, (first, _) in enumerate(bodies.spans()):
        if watch is not None:
            watch(first)
        kept = _kept_chunk(bound, bodies, number, live=live)
        if kept is None:
            raise MailframeError(_DAMAGED)
        digests.put(first, kept[1])
    return digests


def _kept_chunk(
    bound: BoundLetter, bodies: CheckedBodies, number: int, *, live: bool
) -> tuple[list[str | None], list[bytes | None]] | None:
    """The recipients and messages of a kept chunk; made again if the file is damaged.

    Returns:
        None if the messages that are made again are not those that were checked.
    """
    with suppress(OSError):
        return bodies.chunk(number)
    chunk = ChunkPreparer(bound, live=live).chunk(*bodies.spans()[number])
    is_equal = bodies.is_equal(number, chunk.recipients, chunk.separate, segments=chunk.segments)
    return (chunk.recipients, chunk.bodies) if is_equal else None


def checked_messages(
    bound: BoundLetter, preflight: Preflight, *, live: bool = False, wanted: Mask | None = None
) -> Iterator[Message | Problem]:
    """The messages that can be sent; a problem where one cannot be the one that was checked.

    Args:
        bound: the letter bound to the frame.
        preflight: the check of the letter.
        live: the value of *live* in the check.
        wanted: one boolean per row, whether its message is wanted; None for all that can be sent.
    """
    rows = preflight.sendable if wanted is None else wanted
    if preflight.bodies is None:
        yield from _made_again(bound, preflight, rows.tolist(), live=live)
        return
    for number, (first, last) in enumerate(preflight.bodies.spans()):
        if not rows[first:last].any():
            continue
        kept = _kept_chunk(bound, preflight.bodies, number, live=live)
        for position in (np.flatnonzero(rows[first:last]) + first).tolist():
            if kept is None:
                yield Problem(position, "attachments", Code.CHANGED_SINCE_CHECK, _DAMAGED)
                continue
            recipients, bodies = kept
            body = bodies[position - first]
            if body is not None:
                yield Message(position, recipients[position - first], body)


def _made_again(
    bound: BoundLetter, preflight: Preflight, wanted: list[bool], *, live: bool
) -> Iterator[Message | Problem]:
    """The messages made again; a problem where one differs from the one that was checked."""
    for chunk in ChunkPreparer(bound, live=live).chunks(only=wanted):
        for position, body in enumerate(chunk.bodies, chunk.first):
            if not wanted[position]:
                continue
            if body is not None and content_digest(body) == preflight.contents.at(position):
                yield Message(position, chunk.recipients[position - chunk.first], body)
                continue
            detail = (
                "the message is not the one that was checked, because a file that it reads has "
                "changed; compose again"
            )
            yield Problem(position, "attachments", Code.CHANGED_SINCE_CHECK, detail)


def letter_problems(bound: BoundLetter, columns: Iterable[object]) -> list[Problem]:
    """The problems of the letter as a whole, which do not depend on any row."""
    return [*bound.warnings, *check_letter(bound, columns)]


def _repeated_recipients(
    bound: BoundLetter, names: RowNames, pairs: Pairs, *, has_key: bool
) -> Iterator[Problem]:
    recipients = _recipients(bound, [position for position, _ in pairs])
    return repeated_recipients(pairs, recipients, names, has_key=has_key)


def _recipients(bound: BoundLetter, positions: Sequence[int]) -> Iterator[object]:
    """The value of ``to`` in some rows; the first one of several; None where it is empty."""
    sources = {part: source for part, source in bound.sources.items() if field_of(part) == "to"}
    recipients = replace(bound, sources=sources, attachments=()).take(positions)
    for draft in Renderer(recipients).drafts():
        value = next(iter(draft.values.values()), None)  # noqa: PD011 - it is not a frame
        yield (value[0] if isinstance(value, list) else value) or None
