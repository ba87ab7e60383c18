"""The way of one row: rendered, assembled, checked, encoded. Always all of it, always in this order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from mailframe import limits
from mailframe.errors import LetterError
from mailframe.message.checks import Checker
from mailframe.message.models import Message
from mailframe.message.payload import Assembler
from mailframe.message.render import Renderer
from mailframe.problems import Code, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailframe.message.binding import BoundLetter
    from mailframe.message.render import Draft
    from mailframe.problems import Problem


@dataclass(frozen=True, slots=True)
class Prepared:
    """One row, ready to be sent or not.

    Attributes:
        position: of the row in the frame.
        message: None when the row has an error.
        problems: errors and warnings of the row.
        identity: whom it goes to, for comparing people.
        fields: of the payload, as far as it could be made.
        attachments: the names of its files.
    """

    position: int
    message: Message | None
    problems: list[Problem]
    identity: str
    fields: dict[str, Any]
    attachments: tuple[str, ...] = ()


class Preparer:
    """Prepares any rows of a bound letter, as often as asked; holds nothing of a row after it is done.

    Args:
        bound: the letter and its frame.
        live: the messages would reach real people, so domains for documentation are errors.
    """

    def __init__(self, bound: BoundLetter, *, live: bool = False) -> None:
        self._renderer = Renderer(bound)
        self._assembler = Assembler(bound, live=live)
        self._checker = Checker(bound)

    def rows(
        self, start: int = 0, stop: int | None = None, *, only: Sequence[bool] | None = None
    ) -> Iterator[Prepared]:
        """Each row from *start* to *stop* that is wanted in *only*; lazily, 500 rows of cells at a time."""
        for draft in self._renderer.drafts(start, stop, only=only):
            payload = self._assembler.payload(draft)
            self._checker.check(draft, payload)
            body = _encoded(draft, payload.fields)
            if body is not None:
                self._checker.check_characters(draft, payload.fields, body)
            problems = draft.problems
            held = body is None or (
                problems and any(problem.code.severity is Severity.ERROR for problem in problems)
            )
            message = (
                None
                if held or body is None
                else Message(draft.position, payload.fields.get("To"), body)
            )
            files = tuple([piece.name for piece in draft.pieces]) if draft.pieces else ()
            yield Prepared(
                draft.position, message, draft.problems, payload.identity, payload.fields, files
            )


def prepare(
    bound: BoundLetter,
    start: int = 0,
    stop: int | None = None,
    *,
    live: bool = False,
    only: Sequence[bool] | None = None,
) -> Iterator[Prepared]:
    """Each row from *start* to *stop*, rendered, checked and encoded; lazily, 500 rows of cells at a time.

    Args:
        bound: the letter and its frame.
        start: position of the first row.
        stop: position after the last one; None for the end of the frame.
        live: see ``Preparer``.
        only: one per row of the frame, whether it is wanted; None for all.
    """
    return Preparer(bound, live=live).rows(start, stop, only=only)


def single_message(bound: BoundLetter, position: int, *, name: str) -> Message:
    """The message of one row.

    Args:
        bound: the letter and its frame.
        position: of the row.
        name: what a person calls it.

    Raises:
        LetterError: the row has errors; the text names them.
    """
    prepared = next(iter(prepare(bound, position, position + 1)))
    if prepared.message is None:
        said = "; ".join(f"{problem.field}: {problem.detail}" for problem in prepared.problems)
        raise LetterError(f"{name} cannot be sent: {said}")
    return prepared.message


def _encoded(draft: Draft, fields: dict[str, Any]) -> bytes | None:
    try:
        body = orjson.dumps(fields)
    except orjson.JSONEncodeError:
        _blame_unencodable(draft, fields)
        return None
    added = limits.METADATA_BYTES_FOR_MAILFRAME - (
        limits.METADATA_FIELD_BYTES if "Metadata" in fields else 0
    )
    if len(body) + added > limits.MAX_MESSAGE_BYTES:
        detail = (
            f"{len(body) + added:,} bytes as posted, with attachments in base64 and {added} bytes of metadata that the "
            f"ledger adds; {limits.MAX_MESSAGE_BYTES:,} are possible (Postmark). Send a link instead"
        )
        draft.blame("attachments" if draft.pieces else "html_body", Code.MESSAGE_TOO_LARGE, detail)
    return body


def _blame_unencodable(draft: Draft, fields: dict[str, Any]) -> None:
    """Find the parts that hold a lone surrogate, which UTF-8 cannot carry and which would poison its batch."""
    for part, value in draft.values.items():
        text = str(value)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            near = ascii(text[max(0, error.start - 10) : error.start + 10])
            detail = f"a lone surrogate at character {error.start} ({near}); no UTF-8; read the file again with its encoding"
            if not any(
                problem.field == part and problem.code is Code.UNENCODABLE_TEXT
                for problem in draft.problems
            ):
                draft.blame(
                    part, Code.UNENCODABLE_TEXT, detail, value=text[max(0, error.start - 10) :]
                )
    if not draft.problems:
        draft.blame(
            "html_body",
            Code.UNENCODABLE_TEXT,
            f"the message cannot be written as JSON: {sorted(fields)}",
        )
