"""A partition of a frame becomes messages with their digests, sizes and problems."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.errors import FrameError, LetterError
from mailframe.message.binding import bind
from mailframe.message.columnar.chunks import ChunkPreparer
from mailframe.message.content_digests import content_digest, mail_digest
from mailframe.message.digests import digests_of
from mailframe.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mailframe.letter.letter import Letter
    from mailframe.message.binding import BoundLetter
    from mailframe.message.columnar.chunks import PreparedChunk
    from mailframe.message.frame_facts import FrameFacts

PREFIX: Final = "mf_"
"""What the names of our columns begin with; no key column may have such a name."""
BODY: Final = "mf_body"
TO: Final = "mf_to"
STREAM: Final = "mf_stream"
PERSON: Final = "mf_person"
CONTENT: Final = "mf_content"
MAIL: Final = "mf_mail"
SIZE: Final = "mf_size"
PROBLEMS: Final = "mf_problems"
LIVE_PROBLEMS: Final = "mf_live_problems"
JOB: Final = "mf_job"
COLUMNS: Final = (BODY, TO, STREAM, PERSON, CONTENT, MAIL, SIZE, PROBLEMS, LIVE_PROBLEMS)
_MAIL_BYTES: Final = 8
_AFTER_ADDRESSES: Final = b',"Subject":"'
_BEFORE_RECIPIENTS: Final = b',"To":"'
_ON_EXAMPLE_DOMAIN: Final = re.compile(
    rb"[@.]example(?:\.(?:com|net|org))?(?![a-z0-9.-])", re.IGNORECASE
)


def bound_part(
    letter: Letter, frame: pd.DataFrame, key: Sequence[str], facts: FrameFacts
) -> BoundLetter:
    """The letter bound to a part of the frame that *facts* are of.

    Raises:
        LetterError, FrameError: see ``render_partition``.
    """
    reserved = [column for column in key if str(column).startswith(PREFIX)]
    if reserved:
        raise FrameError(f"the key column {reserved[0]!r} begins with {PREFIX}; rename it")
    bound = bind(letter, frame, facts=facts)
    if not key and "to[1]" in bound.sources:
        raise LetterError(
            "a mail with several recipients in To needs key=…: no single address identifies its row"
        )
    return bound


def rendered_chunks(bound: BoundLetter) -> Iterator[tuple[int, pd.DataFrame]]:
    """The rows of a bound letter in chunks: the position of the first one, and our columns."""
    for chunk in ChunkPreparer(bound).chunks():
        yield chunk.first, _frame_of(_cells(bound, chunk))


def _cells(bound: BoundLetter, chunk: PreparedChunk) -> dict[str, list[Any]]:
    bodies = chunk.bodies
    rows = range(chunk.first, chunk.first + len(bodies))
    problems = _by_row(chunk.problems)
    texts = [problems_json(problems.get(row, ())) for row in rows]
    live = dict(_live_problems(bound, chunk.first, bodies))
    made = [body is not None for body in bodies]
    return {
        BODY: bodies,
        TO: list(chunk.recipients),
        STREAM: [one if made[row] else None for row, one in enumerate(chunk.streams)],
        PERSON: digests_of([identity or None for identity in chunk.identities]),
        CONTENT: [body and content_digest(body) for body in bodies],
        MAIL: [body and mail_digest(body).to_bytes(_MAIL_BYTES, "little") for body in bodies],
        SIZE: chunk.sizes.tolist(),
        PROBLEMS: texts,
        LIVE_PROBLEMS: [
            live[row] if row in live and live[row] != text else None
            for row, text in zip(rows, texts, strict=True)
        ],
    }


def no_rows() -> pd.DataFrame:
    """Our columns, without rows."""
    return _frame_of({name: [] for name in COLUMNS})


def _frame_of(cells: dict[str, list[Any]]) -> pd.DataFrame:
    dtypes = {SIZE: "int64"}
    return pd.DataFrame(
        {name: pd.Series(cells[name], dtype=dtypes.get(name, object)) for name in COLUMNS}
    )


def _live_problems(
    bound: BoundLetter, first: int, bodies: Sequence[bytes | None]
) -> Iterator[tuple[int, str | None]]:
    """The problems that a live server gives, of the rows that may have others there."""
    rows = [row for row, body in enumerate(bodies, first) if _may_differ_live(body)]
    if not rows:
        return
    problems: dict[int, list[Problem]] = {}
    for chunk in ChunkPreparer(bound.take(rows), live=True).chunks():
        problems |= _by_row(chunk.problems)
    for place, row in enumerate(rows):
        yield row, problems_json(problems.get(place, ())) or "[]"


def _may_differ_live(body: bytes | None) -> bool:
    """Whether an address may be on a domain for documentation; rows with errors may all be."""
    if body is None:
        return True
    start, end = max(0, body.find(_BEFORE_RECIPIENTS)), body.find(_AFTER_ADDRESSES)
    return _ON_EXAMPLE_DOMAIN.search(body, start, end if end >= 0 else len(body)) is not None


def _by_row(problems: Iterable[Problem]) -> dict[int, list[Problem]]:
    by_row: dict[int, list[Problem]] = {}
    for problem in problems:
        by_row.setdefault(problem.row or 0, []).append(problem)
    return by_row


def problems_json(problems: Iterable[Problem]) -> str | None:
    """Problems of one row, or of the letter, as JSON; None if there are none."""
    listed = [(one.field, one.code.value, one.detail, one.value) for one in problems]
    return json.dumps(listed) if listed else None


def problems_of(text: str | None, row: int | None) -> Iterator[Problem]:
    """The problems that ``problems_json`` wrote."""
    for field, code, detail, value in json.loads(text or "[]"):
        yield Problem.of_shown(row, field, Code(code), detail, value=value)
