"""What a page shows of one message: plain text and numbers, none of it escaped yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ShownProblem:
    """Something wrong with the message.

    Attributes:
        is_error: it holds the message back; else a warning.
        field: of the letter; may be empty.
        code: of the problem.
        detail: one sentence for a person.
    """

    is_error: bool
    field: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class File:
    """An attachment.

    Attributes:
        name: of the file.
        content_type: as it is declared.
        size: bytes, not encoded.
        content_id: of an inline image; empty for others.
    """

    name: str
    content_type: str
    size: int
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the row, as the template sees it.

    Attributes:
        column: its name.
        kind: of the value, such as ``text``; ``gap`` when there is none.
        value: as it would be printed.
        is_used: the letter uses the column.
    """

    column: str
    kind: str
    value: str
    is_used: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message.

    Attributes:
        label: what stands above it, such as ``row 17``.
        headers: name and value of each line of its head, in order; empty values are left out.
        subject: empty for none.
        html: its HTML part; None for none.
        text: its text part; None for none.
        payload: the JSON object as text.
        notes: what is wrong with it.
        files: its attachments.
        inline: content ID to ``data:`` address, for its inline images.
        cells: of its row.
        reason: why it is shown; empty for none.
        hint: what a reader should know of the notes, such as that they are not all; empty for none.
        no_html, no_text: what stands in place of a part that is not there.
    """

    label: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    subject: str = ""
    html: str | None = None
    text: str | None = None
    payload: str = ""
    notes: tuple[ShownProblem, ...] = ()
    files: tuple[File, ...] = ()
    inline: Mapping[str, str] = field(default_factory=dict)
    cells: tuple[Cell, ...] = ()
    reason: str = ""
    hint: str = ""
    no_html: str = "This message has no HTML part."
    no_text: str = "This message has no text part; Postmark then sends none."

    @property
    def is_held_back(self) -> bool:
        """Whether an error holds it back."""
        return any(note.is_error for note in self.notes)
