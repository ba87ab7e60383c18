"""Names that a template asks for and the frame spells otherwise."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from mailframe.letter.jinja.environment import RESERVED
from mailframe.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from mailframe.letter.jinja.compiling import Names


def near_columns(names: Mapping[str, Names], columns: Collection[object]) -> Iterator[Problem]:
    """A warning for each name that may be absent and differs from a column only in spaces, case or punctuation.

    Args:
        names: that each part of the letter needs.
        columns: of the frame.
    """
    spelled: dict[str, list[object]] = {}
    for column in columns:
        spelled.setdefault(_letters(str(column)), []).append(column)
    for field, found in names.items():
        for name, (part, line) in found.tested.items():
            near = spelled.get(_letters(name), [])
            if near and name not in columns and name not in RESERVED:
                yield Problem(
                    None, field, Code.NEAR_COLUMN, f"{part}, line {line}: {_said(name, near)}"
                )


def _said(name: str, near: list[object]) -> str:
    written = [
        str(one) if str(one).isidentifier() and one not in RESERVED else f"row[{one!r}]"
        for one in near
    ]
    has = " and ".join(map(repr, near))
    return (
        f"the template asks whether {name!r} is there, and the frame has no such column; it has {has}. "
        f"Write {' or '.join(written)}, or rename the column"
    )


def _letters(name: str) -> str:
    """The letters and digits of a name, of whatever case and form.

    >>> _letters("First Name") == _letters("first_name") == _letters("FIRST-NAME ")
    True
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in folded if character.isalnum())
