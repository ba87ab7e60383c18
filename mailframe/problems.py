"""Problems of messages: the closed list of codes, and one problem."""

from __future__ import annotations

import reprlib
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from typing import Final, Self

MAX_VALUE: Final = 80
"""Characters of a value that are shown."""


class Severity(StrEnum):
    """Whether a problem blocks its row."""

    ERROR = "error"
    """The row is not sent."""
    WARNING = "warning"
    """The row is sent, but should be checked."""


_STOPS_EVERYTHING: Final = True


class Code(StrEnum):
    """Every problem that mailframe finds; ``docs/problems.md`` says how to fix each.

    The value of a member is its code. A member without a severity is an error.

    Attributes:
        severity: whether it blocks its row.
        stops_everything: whether it blocks all rows, even with ``on_invalid="skip"``: the call is
            wrong.

    >>> Code.NO_TEXT_PART, Code.NO_TEXT_PART.severity
    (<Code.NO_TEXT_PART: 'no_text_part'>, <Severity.WARNING: 'warning'>)
    """

    severity: Severity
    stops_everything: bool

    def __new__(
        cls,
        code: str,
        severity: Severity = Severity.ERROR,
        stops_everything: bool = False,  # noqa: FBT002 - of a tuple
    ) -> Self:
        """A member; the defaults let type checkers accept a lookup such as Code("empty_body")."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.severity = severity
        member.stops_everything = stops_everything
        return member

    # rendering
    MISSING_VALUE = "missing_value"
    UNDEFINED_NAME = "undefined_name"
    UNSUPPORTED_VALUE = "unsupported_value"
    UNPRINTABLE_VALUE = "unprintable_value"
    TEMPLATE_ERROR = "template_error"
    TEMPLATE_LIMIT = "template_limit"
    UNSAFE_TEMPLATE = "unsafe_template", Severity.ERROR, _STOPS_EVERYTHING
    SAFE_FILTER = "safe_filter", Severity.WARNING
    NAME_OF_A_COLUMN = "name_of_a_column", Severity.WARNING
    NEAR_COLUMN = "near_column", Severity.WARNING
    UNUSED_LIST = "unused_list", Severity.WARNING
    # recipients
    MISSING_RECIPIENT = "missing_recipient"
    EMPTY_ADDRESS = "empty_address"
    INVALID_ADDRESS = "invalid_address"
    SEVERAL_ADDRESSES = "several_addresses"
    MIXED_SCRIPTS = "mixed_scripts"
    ADDRESS_NORMALISED = "address_normalised", Severity.WARNING
    BIDI_IN_NAME = "bidi_in_name", Severity.WARNING
    MAILBOX_TOO_LONG = "mailbox_too_long"
    DOCUMENTATION_DOMAIN = "documentation_domain"
    TOO_MANY_RECIPIENTS = "too_many_recipients"
    DUPLICATE_RECIPIENT = "duplicate_recipient"
    REPEATED_RECIPIENT = "repeated_recipient", Severity.WARNING
    # the key
    MISSING_KEY = "missing_key", Severity.ERROR, _STOPS_EVERYTHING
    DUPLICATE_KEY = "duplicate_key", Severity.ERROR, _STOPS_EVERYTHING
    AMBIGUOUS_KEY = "ambiguous_key", Severity.WARNING
    # content
    CONTROL_CHARACTER = "control_character"
    UNENCODABLE_TEXT = "unencodable_text"
    GARBLED_TEXT = "garbled_text", Severity.WARNING
    FOREIGN_PLACEHOLDER = "foreign_placeholder", Severity.WARNING
    ESCAPED_MARKUP = "escaped_markup", Severity.WARNING
    EMPTY_SUBJECT = "empty_subject"
    SUBJECT_TOO_LONG = "subject_too_long"
    TAG_TOO_LONG = "tag_too_long"
    METADATA_TOO_LONG = "metadata_too_long"
    METADATA_HOLDS_ADDRESS = "metadata_holds_address", Severity.WARNING
    INVALID_VALUE = "invalid_value"
    EMPTY_BODY = "empty_body"
    BODY_TOO_LARGE = "body_too_large"
    MESSAGE_TOO_LARGE = "message_too_large"
    UNSAFE_LINK = "unsafe_link"
    INCOMPLETE_LINK = "incomplete_link", Severity.WARNING
    INSECURE_LINK = "insecure_link", Severity.WARNING
    DIFFERENT_LINKS = "different_links", Severity.WARNING
    IMAGE_WITHOUT_ALT = "image_without_alt", Severity.WARNING
    UNSUPPORTED_IMAGE = "unsupported_image", Severity.WARNING
    CLIPPED_BY_GMAIL = "clipped_by_gmail", Severity.WARNING
    NO_TEXT_DIRECTION = "no_text_direction", Severity.WARNING
    NO_TEXT_PART = "no_text_part", Severity.WARNING
    NO_UNSUBSCRIBE = "no_unsubscribe", Severity.WARNING
    # attachments
    ATTACHMENT_UNREADABLE = "attachment_unreadable"
    ATTACHMENT_FORBIDDEN = "attachment_forbidden"
    ATTACHMENT_NAME = "attachment_name"
    UNKNOWN_CONTENT_ID = "unknown_content_id"
    UNUSED_CONTENT_ID = "unused_content_id"
    # changes after the preflight check
    CHANGED_SINCE_CHECK = "changed_since_check"


@dataclass(frozen=True, slots=True)
class Problem:
    r"""Something wrong with one row's message, or with the letter as a whole.

    Attributes:
        row: the position in the campaign's frame, counted from 0; None for the letter as a whole.
            Texts name the row by its label (see ``RowNames``).
        field: the field of the letter, such as ``to``, ``metadata.plan`` or ``attachments[0]``.
        code: the code, one of the closed list.
        detail: one sentence with the value, the rule, and what to write instead.
        value: the cell, or the rendered text, that broke the rule; None if there is none. Any value
            is converted to a short printable text.

    >>> Problem(3, "to", Code.INVALID_ADDRESS, "there is no @", value="ann\u200b.example.com").value
    "'ann\\u200b.example.com'"
    """

    row: int | None
    field: str
    code: Code
    detail: str
    _: KW_ONLY
    value: object = None

    def __post_init__(self) -> None:
        if self.value is not None:
            object.__setattr__(self, "value", shown(self.value))

    @classmethod
    def of_shown(
        cls, row: int | None, field: str, code: Code, detail: str, *, value: str | None
    ) -> Self:
        """A problem whose value is the short printable text already."""
        problem = cls(row, field, code, detail)
        object.__setattr__(problem, "value", value)
        return problem

    @property
    def severity(self) -> Severity:
        """Whether it blocks its row."""
        return self.code.severity


def shown(value: object, *, most: int = MAX_VALUE) -> str:
    r"""A value as a short printable text: texts in quotes, invisible characters as escapes.

    Args:
        value: a cell, a rendered text or a label.
        most: the largest number of characters to show.

    >>> shown("Ann\u202e"), shown(7), shown("x" * 100, most=5)
    ("'Ann\\u202e'", '7', "'xxxxx'…")
    """
    if isinstance(value, str):
        text = str.__str__(value)
        return repr(text) if len(text) <= most else f"{text[:most]!r}…"
    try:
        text = _BRIEF.repr(value)
    except Exception:  # noqa: BLE001 - the repr of a caller's object may raise anything
        text = f"<{type(value).__name__}>"
    text = repr(text)[1:-1] if not text.isprintable() else text
    return text if len(text) <= most else f"{text[: most - 1]}…"


def without_quotes(value: str) -> str:
    """A text that ``shown`` has written, without its quotes; the escapes stay.

    >>> without_quotes(shown("o'brien@")), without_quotes(shown("x" * 100, most=5))
    ("o'brien@", 'xxxxx…')
    """
    cut = "…" if value.endswith(("'…", '"…')) else ""
    quoted = value.removesuffix(cut)
    if quoted[:1] not in ("'", '"') or quoted[:1] != quoted[-1:]:
        return value
    return f"{quoted[1:-1]}{cut}"


_BRIEF: Final = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = MAX_VALUE
