"""Names that a person may have meant: of columns, fields, filters and keys."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import UnknownField

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_CUTOFF: Final = 0.6
_MEANT: Final[Mapping[str, Sequence[str]]] = {
    "from": ["sender"],
    "fromemail": ["sender"],
    "html": ["html_body"],
    "htmltext": ["html_body"],
    "text": ["text_body"],
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
"""What other mail libraries call the fields."""


def folded(name: str) -> str:
    """A name without case, spaces and signs, in which typing errors are looked for.

    >>> folded("E-Mail "), folded("first_name")
    ('email', 'firstname')
    """
    return "".join(character for character in name.lower() if character.isalnum())


def nearest(
    name: object, known: Iterable[Any], *, meant: Mapping[str, Sequence[str]] | None = None
) -> list[Any]:
    """The names that *name* may stand for: all that differ in case and signs alone, else at most two near ones.

    Args:
        name: what was written.
        known: the names that there are.
        meant: names for what is often written in their place, by its folded form.

    >>> nearest("frist_name", ["first_name", "plan"]), nearest("email", ["email ", "E-Mail"])
    (['first_name'], ['email ', 'E-Mail'])
    """
    wanted = folded(str(name))
    if meant and wanted in meant:
        return list(meant[wanted])
    by_form: dict[str, list[Any]] = {}
    for label in known:
        by_form.setdefault(folded(str(label)), []).append(label)
    if wanted in by_form:
        return by_form[wanted]
    forms = difflib.get_close_matches(
        wanted, [form for form in by_form if form], n=2, cutoff=_CUTOFF
    )
    return [label for form in forms for label in by_form[form]]


def did_you_mean(names: Iterable[object]) -> str:
    """The question in brackets; empty without names.

    >>> did_you_mean(["a", "b"]), did_you_mean([])
    (' (did you mean a or b?)', '')
    """
    said = " or ".join(map(str, names))
    return f" (did you mean {said}?)" if said else ""


def listed(labels: Iterable[object]) -> str:
    """Labels in quotes, so that a space at an end shows.

    >>> listed(["email ", 0])
    "'email ', 0"
    """
    return ", ".join(map(repr, labels))


def refuse_unknown(
    given: Iterable[str], known: Iterable[str], *, of: str = "a letter", shown: str = ""
) -> None:
    """Refuse names of fields that there are not, all at once, each with what may be meant.

    Args:
        given: the names.
        known: those that there are.
        of: what has the fields.
        shown: what the message begins with, such as the name of a file.

    Raises:
        UnknownField: with near names.
    """
    there = list(known)
    unknown = [name for name in given if name not in there]
    if not unknown:
        return
    meant = _MEANT if of == "a letter" else None
    said = ", ".join(
        f"{name!r}{did_you_mean(nearest(name, there, meant=meant))}" for name in unknown
    )
    raise UnknownField(f"{shown}{of} has no field {said}; it has {', '.join(there)}")
