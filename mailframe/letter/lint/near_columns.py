"""Names that a template tests and that are spelled differently in the frame."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from mailframe.letter.jinja.environment import RESERVED, variable
from mailframe.letter.suggestions import folded
from mailframe.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from mailframe.letter.jinja.names import Names


def near_columns(names: Mapping[str, Names], columns: Collection[object]) -> Iterator[Problem]:
    """A warning for each tested name that differs from a column only in case or punctuation.

    Args:
        names: the names that each part of the letter refers to, by part.
        columns: the columns of the frame.
    """
    by_letters: dict[str, list[object]] = {}
    for column in columns:
        by_letters.setdefault(_letters(str(column)), []).append(column)
    for field, used in names.items():
        for name, (part, line) in used.tested.items():
            near = by_letters.get(_letters(name), [])
            if near and name not in columns and name not in RESERVED:
                yield Problem(
                    None, field, Code.NEAR_COLUMN, f"{part}, line {line}: {_detail(name, near)}"
                )


def _detail(name: str, near: list[object]) -> str:
    variables = " or ".join(map(variable, near))
    columns = " and ".join(map(repr, near))
    return (
        f"the template tests whether {name!r} exists, and the frame has no such column; it has "
        f"{columns}. Write {variables}, or rename the column"
    )


def _letters(name: str) -> str:
    """The letters and digits of a name, case-folded and in Unicode's compatibility form.

    >>> _letters("First Name") == _letters("first_name") == _letters("FIRST-NAME ")
    True
    """
    return folded(unicodedata.normalize("NFKC", name))
