"""A letter as Jupyter shows it: its fields, and the templates of its bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.counting import counted
from mailframe.letter.letter import field_of
from mailframe.letter.template_model import CONSTANT
from mailframe.pages.summary import Summary
from mailframe.pages.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.letter.letter import Letter

_BODIES: Final = ("html_body", "text_body", "markdown_body")
_MOST_CHARS: Final = 20_000
"""Characters of a body that are shown."""


def letter_summary(letter: Letter) -> str:
    """The letter as HTML: its templates as they are written, and no value of a row."""
    return Summary(
        letter.folder.name if letter.folder else "Letter",
        about="letter" if letter.folder else "",
        lines=list(_lines(letter)),
        parts=[
            (f"{name} · {counted(len(text), 'character')}", text[:_MOST_CHARS])
            for name in _BODIES
            if isinstance(text := getattr(letter, name), str)
        ],
        steps=[("df.mail.compose(letter, name=…)", "makes a campaign of it")],
    ).html()


def _lines(letter: Letter) -> Iterator[tuple[str, str]]:
    """A name and a text for each field; constants and filters by their names alone."""
    for part, value in letter.parts():
        if field_of(part) == "attachments":
            continue
        if not isinstance(value, str):
            is_constant = isinstance(value, CONSTANT)
            yield part, one_line(str(value)) if is_constant else "another one for each row"
        elif part not in _BODIES:
            yield part, one_line(value)
    if files := letter.files():
        yield "attachments", ", ".join(_name(each.name) for each in files)
    for name in ("filters", "constants"):
        if names := getattr(letter, name):
            yield name, one_line(", ".join(map(str, names)))
    if letter.layout is not None:
        yield "layout", one_line(letter.layout)


def _name(name: object) -> str:
    return one_line(name, most=80) if isinstance(name, str) else "named by each row"
