"""The rows of a letter, each checked by itself, and their messages as they were checked."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import compress
from typing import TYPE_CHECKING, Final

import numpy as np

from mailframe.errors import MailframeError
from mailframe.message.checked_bodies import CheckedBodies, storage_mode
from mailframe.message.columnar.chunks import ChunkPreparer
from mailframe.message.content_digests import ContentDigests, LateDigests, content_digest
from mailframe.message.digests import Digests, digests_of
from mailframe.message.message import Message
from mailframe.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mailframe.message.binding import BoundLetter
    from mailframe.message.columnar.chunks import PreparedChunk
    from mailframe.message.content_digests import Watch
    from mailframe.message.preflight import Preflight
    from mailframe.message.problem_list import Mask, ProblemCollector
    from mailframe.message.repeats import Sizes

_DAMAGED: Final = (
    "the temporary file of the checked messages is damaged, and the rows in the damaged part now "
    "give other messages than those that were checked; compose again"
)


@dataclass(frozen=True, slots=True)
class CheckedRows:
    """The rows of a letter, each checked by itself.

    Attributes:
        sizes: the bytes of each message; 0 where there is none.
        people: one digest per row, of its recipient.
        streams: the message streams of the messages.
        blocked_people: as of ``Preflight``.
        templates: as of ``Preflight``.
        digests: the digests of the messages.
        bodies: the messages; None if they have to be made again.
    """

    sizes: Sizes
    people: Digests
    streams: frozenset[str]
    blocked_people: Mapping[int, bytes]
    templates: frozenset[str | int]
    digests: LateDigests
    bodies: CheckedBodies | None

    @property
    def contents(self) -> Digests:
        """One digest per row, of its message; see ``ContentDigests``."""
        return self.digests.get().contents

    @property
    def sendable(self) -> Mask:
        """One boolean per row, whether it has a message."""
        return self.sizes.astype(bool)


def check_rows(
    bound: BoundLetter,
    problems: ProblemCollector,
    *,
    live: bool,
    with_digests: bool,
    watch: Callable[[int], None] | None,
) -> CheckedRows:
    """Render, check and encode every row of a letter; see ``run_preflight``.

    Args:
        bound: the letter.
        problems: takes the problems of the rows.
        live: as of ``run_preflight``.
        with_digests: as of ``run_preflight``.
        watch: as of ``run_preflight``.
    """
    sizes, people = np.zeros(bound.rows, dtype=np.uint32), Digests(bound.rows)
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
    return CheckedRows(
        sizes,
        people,
        frozenset(streams),
        blocked_people,
        frozenset(templates),
        keeping.digests(),
        keeping.bodies,
    )


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
    bound: BoundLetter,
    preflight: Preflight | CheckedRows,
    *,
    live: bool = False,
    wanted: Mask | None = None,
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
    bound: BoundLetter, preflight: Preflight | CheckedRows, wanted: list[bool], *, live: bool
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
