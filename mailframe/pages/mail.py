"""What a page shows of one message, as plain text and numbers; the templates escape it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class ShownProblem:
    """Something wrong with the message.

    Attributes:
        is_error: whether the problem blocks the message; else it is a warning.
        field: the field of the letter; may be empty.
        code: the code of the problem.
        detail: the description, one sentence.
        fix: what to do, with code between backticks; may be empty.
    """

    is_error: bool
    field: str
    code: str
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class ShownAttachment:
    """An attachment.

    Attributes:
        name: the name of the file.
        content_type: the declared content type.
        size: the size in bytes, not encoded.
        content_id: the content ID of an inline image; empty for other files.
    """

    name: str
    content_type: str
    size: int
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the row, as the templates see it.

    Attributes:
        column: the name of the column.
        kind: the kind of value, such as ``text``; ``MISSING`` for a missing value.
        value: the value as it would be printed.
        is_used: whether the letter uses the column.
    """

    column: str
    kind: str
    value: str
    is_used: bool = True

    @property
    def is_missing(self) -> bool:
        """Whether it has no value."""
        return self.kind == MISSING


MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message.

    Attributes:
        label: the label of the row, such as ``row 17``.
        headers: the name and value of each header line, in order; empty values are not shown.
        subject: the subject; empty for none.
        html: the HTML part; None for none.
        text: the text part; None for none.
        payload: the JSON object as text.
        problems: the problems of the message.
        attachments: the attachments of the message, in its order.
        inline: the ``data:`` address of each inline image, by content ID.
        cells: the cells of its row.
        reasons: the reasons why it is shown.
        not_valid: what is wrong with headers that are shown although they are not valid, by name:
            ``not valid``, or ``missing`` if the cells of their template are shown instead.
        model: the name and value of each part of the model of a template at Postmark, as texts.
        about: a remark on how Postmark makes the mail of a template; empty for none.
        no_subject: the words in place of a missing subject.
        hint: a remark on the problems, such as that they are not complete; empty for none.
        no_html, no_text: the sentence in place of a part that is missing.
    """

    label: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    subject: str = ""
    html: str | None = None
    text: str | None = None
    payload: str = ""
    problems: tuple[ShownProblem, ...] = ()
    attachments: tuple[ShownAttachment, ...] = ()
    inline: Mapping[str, str] = field(default_factory=dict)
    cells: tuple[Cell, ...] = ()
    reasons: tuple[str, ...] = ()
    not_valid: Mapping[str, str] = field(default_factory=dict)
    model: tuple[tuple[str, str], ...] = ()
    about: str = ""
    no_subject: str = "no subject"
    hint: str = ""
    no_html: str = "This message has no HTML part."
    no_text: str = "This message has no text part, and Postmark adds none."

    @property
    def errors(self) -> tuple[ShownProblem, ...]:
        """The problems that block it."""
        return tuple(problem for problem in self.problems if problem.is_error)

    @property
    def warnings(self) -> tuple[ShownProblem, ...]:
        """The other problems."""
        return tuple(problem for problem in self.problems if not problem.is_error)

    @property
    def is_blocked(self) -> bool:
        """Whether an error blocks it."""
        return any(problem.is_error for problem in self.problems)


@dataclass(frozen=True, slots=True)
class RenderedTemplate:
    """What Postmark made of a template and a model.

    Attributes:
        subject: the subject; empty without one.
        html: the HTML part; None without one.
        text: the text part; None without one.
        about: how it was made, and what went wrong, in sentences.
    """

    subject: str
    html: str | None
    text: str | None
    about: str


Rendering: TypeAlias = "Callable[[Mapping[str, Any]], RenderedTemplate]"
"""Has Postmark make the mail of a message, given its fields."""
