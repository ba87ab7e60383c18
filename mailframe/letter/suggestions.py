"""Suggestions for misspelled names of columns, fields, filters and keys."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import UnknownField

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_CUTOFF: Final = 0.6
_FIELD_SYNONYMS: Final[Mapping[str, Sequence[str]]] = {
    "from": ["sender"],
    "fromemail": ["sender"],
    "html": ["html_body"],
    "htmltext": ["html_body"],
    "text": ["text_body"],
    "markdown": ["markdown_body"],
    "md": ["markdown_body"],
    "plaintext": ["text_body"],
    "body": ["html_body", "text_body"],
    "message": ["html_body", "text_body"],
    "content": ["html_body", "text_body"],
    "title": ["subject"],
    "recipient": ["to"],
    "recipients": ["to"],
    "email": ["to"],
    "files": ["attachments"],
    "stream": ["message_stream"],
}
"""Names of the fields in other mail libraries, and the fields of a letter, by folded name."""


def folded(name: str) -> str:
    """The letters and digits of a name without case, to compare names.

    >>> folded("E-Mail "), folded("first_name")
    ('email', 'firstname')
    """
    return "".join(filter(str.isalnum, name.casefold()))


def nearest(
    name: object, names: Iterable[Any], *, synonyms: Mapping[str, Sequence[str]] | None = None
) -> list[Any]:
    """The *names* that are equal to *name* once folded, or else at most two similar ones.

    Args:
        name: the name as written.
        names: all existing names.
        synonyms: the *names* to suggest for other names of the same thing, by folded name.

    >>> nearest("frist_name", ["first_name", "plan"]), nearest("email", ["email ", "E-Mail"])
    (['first_name'], ['email ', 'E-Mail'])
    """
    wanted = folded(str(name))
    if synonyms and wanted in synonyms:
        return list(synonyms[wanted])
    by_folded: dict[str, list[Any]] = {}
    for existing in names:
        by_folded.setdefault(folded(str(existing)), []).append(existing)
    if wanted in by_folded:
        return by_folded[wanted]
    similar = difflib.get_close_matches(wanted, filter(None, by_folded), n=2, cutoff=_CUTOFF)
    return [existing for form in similar for existing in by_folded[form]]


def did_you_mean(names: Iterable[object]) -> str:
    """The question in parentheses; empty without names.

    >>> did_you_mean(["a", "b"]), did_you_mean([])
    (' (did you mean a or b?)', '')
    """
    choices = " or ".join(map(str, names))
    return f" (did you mean {choices}?)" if choices else ""


def listed(labels: Iterable[object]) -> str:
    """Labels in quotes, so that a trailing space is visible.

    >>> listed(["email ", 0])
    "'email ', 0"
    """
    return ", ".join(map(repr, labels))


def refuse_unknown(
    given: Iterable[str], fields: Iterable[str], *, of: str = "a letter", prefix: str = ""
) -> None:
    """Refuse names that are not *fields*, all at once, each with suggestions.

    Args:
        given: the names.
        fields: all existing fields.
        of: the object that has the fields, such as ``a letter``.
        prefix: the start of the message, such as the name of a file.

    Raises:
        UnknownField: with suggestions.
    """
    existing = list(fields)
    unknown = [name for name in given if name not in existing]
    if not unknown:
        return
    synonyms = _FIELD_SYNONYMS if of == "a letter" else None
    listing = ", ".join(
        f"{name!r}{did_you_mean(nearest(name, existing, synonyms=synonyms))}" for name in unknown
    )
    raise UnknownField(f"{prefix}{of} has no field {listing}; it has {', '.join(existing)}")
