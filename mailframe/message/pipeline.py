"""The steps of one row: it is rendered, assembled, checked and encoded, always in this order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from mailframe import limits
from mailframe.errors import LetterError
from mailframe.letter.letter import field_of
from mailframe.message.addresses import LONE_SURROGATE
from mailframe.message.checks import Checker
from mailframe.message.message import Message
from mailframe.message.payload import Assembler
from mailframe.message.render import Renderer
from mailframe.message.template_fields import FIELDS, MODEL_NAME, texts_of
from mailframe.pages.text import visible
from mailframe.problems import Code, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailframe.message.binding import BoundLetter
    from mailframe.message.render import Draft
    from mailframe.problems import Problem


@dataclass(frozen=True, slots=True)
class Prepared:
    """The result of one row: its message, or the errors that block it.

    Attributes:
        position: the position of the row in the frame.
        message: the message; None if the row has an error.
        problems: the errors and warnings of the row.
        identity: the identity of its recipient, to find repeated recipients.
        fields: the fields of the payload; incomplete if the row has an error.
        attachments: the names of its files.
    """

    position: int
    message: Message | None
    problems: list[Problem]
    identity: str
    fields: dict[str, Any]
    attachments: tuple[str, ...] = ()


class Preparer:
    """Prepares any rows of a bound letter, any number of times; keeps nothing of a row.

    Args:
        bound: the letter and its frame.
        live: whether the server is live; if so, addresses on example domains are errors.
    """

    def __init__(self, bound: BoundLetter, *, live: bool = False) -> None:
        self.renderer = Renderer(bound)
        self._assembler = Assembler(bound, live=live)
        self._checker = Checker(bound)

    def rows(
        self, start: int = 0, stop: int | None = None, *, only: Sequence[bool] | None = None
    ) -> Iterator[Prepared]:
        """Each row from *start* to *stop* that *only* marks, lazily."""
        return map(self._prepared, self.renderer.drafts(start, stop, only=only))

    def row(self, position: int, cells: dict[Any, Any]) -> Prepared:
        """One row, with the plain cells that it has in the columns of the letter."""
        return self._prepared(self.renderer.draft(position, cells))

    def _prepared(self, draft: Draft) -> Prepared:
        payload = self._assembler.payload(draft)
        self._checker.check(draft, payload)
        body = _encoded(draft, payload.fields)
        if body is not None:
            self._checker.check_characters(draft, payload.fields, body)
        message = None
        if body is not None and not any(
            problem.code.severity is Severity.ERROR for problem in draft.problems
        ):
            message = Message(draft.position, payload.fields.get("To"), body)
        files = tuple([piece.name for piece in draft.pieces]) if draft.pieces else ()
        return Prepared(
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
    """Each row from *start* to *stop*, rendered, checked and encoded, lazily.

    Args:
        bound: the letter and its frame.
        start: the position of the first row.
        stop: the position after the last row; None for the end of the frame.
        live: whether the server is live; see ``Preparer``.
        only: one boolean per row of the frame, whether to prepare it; None for all rows.
    """
    return Preparer(bound, live=live).rows(start, stop, only=only)


def single_message(bound: BoundLetter, position: int, *, name: str) -> Message:
    """The message of one row.

    Args:
        bound: the letter and its frame.
        position: the position of the row.
        name: the name of the row, for the error text.

    Raises:
        LetterError: the row has errors; the text names them.
    """
    prepared = next(iter(prepare(bound, position, position + 1)))
    if prepared.message is None:
        problems = "; ".join(
            f"{problem.field}: {visible(problem.detail)}" for problem in prepared.problems
        )
        raise LetterError(f"{name} cannot be sent: {problems}")
    return prepared.message


def _encoded(draft: Draft, fields: dict[str, Any]) -> bytes | None:
    """The message as JSON; None if it cannot be encoded."""
    try:
        body = orjson.dumps(fields)
    except orjson.JSONEncodeError:
        _add_unencodable(draft, fields)
        return None
    added = limits.METADATA_BYTES_FOR_MAILFRAME - (
        limits.METADATA_FIELD_BYTES if "Metadata" in fields else 0
    )
    size = len(body) + added
    if size > limits.MAX_MESSAGE_BYTES:
        detail = (
            f"{size:,} bytes as posted, with attachments in base64 and {added} bytes of metadata "
            f"that the ledger adds; {limits.MAX_MESSAGE_BYTES:,} are possible (Postmark). "
            "Send a link instead"
        )
        largest = "model" if MODEL_NAME in fields else "html_body"
        draft.report("attachments" if draft.pieces else largest, Code.MESSAGE_TOO_LARGE, detail)
    return body


def _add_unencodable(draft: Draft, fields: dict[str, Any]) -> None:
    """A problem for each part with a lone surrogate, which UTF-8 cannot encode."""
    reported = {p.field for p in draft.problems if p.code is Code.UNENCODABLE_TEXT}
    for part, value in draft.values.items():
        text = "".join(texts_of(value)) if field_of(part) in FIELDS else str(value)
        surrogate = LONE_SURROGATE.search(text)
        if surrogate and part not in reported:
            at = surrogate.start()
            near = text[max(0, at - 10) :]
            detail = (
                f"a lone surrogate at character {at} ({near[:20]!a}) is not UTF-8; "
                "read the file again with its encoding"
            )
            draft.report(part, Code.UNENCODABLE_TEXT, detail, value=near)
    if not draft.problems:
        detail = f"the message cannot be written as JSON: {sorted(fields)}"
        draft.report("html_body", Code.UNENCODABLE_TEXT, detail)
