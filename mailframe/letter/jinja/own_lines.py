"""Lines with nothing but tags: they leave no blank line in a text part.

jinja2's ``trim_blocks`` and ``lstrip_blocks`` remove the line end after every tag, also after one
at the end of a sentence, so that two lines become one. Here, tags with text on their line get the
sign that turns both off for them (``{%+ … +%}``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from jinja2 import TemplateSyntaxError

from mailframe.letter.jinja.source_positions import token_offsets

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGINS: Final = frozenset({"block_begin", "comment_begin"})
_ENDS: Final = frozenset({"block_end", "comment_end"})
_SIGNS: Final = frozenset("+-")


class _Tag(NamedTuple):
    """A statement or comment in a template: the offset of its start, and that after its end."""

    start: int
    end: int


class _Edit(NamedTuple):
    """A part of a template, and the text in its place."""

    start: int
    end: int
    text: str


def keep_lines_with_text(source: str) -> str:
    r"""The template with such signs; unchanged if it has a syntax error.

    On a line with nothing but tags, the white space after each of them is removed.

    >>> keep_lines_with_text("{% if vip %} \nDear {% if x %}X{% endif %}\n{% endif %}\n")
    '{% if vip %}\nDear {%+ if x +%}X{%+ endif +%}\n{% endif %}\n'
    """
    try:
        tags, edits = _read(source)
    except TemplateSyntaxError:
        return source
    starts, ends = {tag.start: tag for tag in tags}, {tag.end: tag for tag in tags}
    for tag in tags:
        if _is_first(source, tag.start, ends) and _is_last(source, tag.end, starts):
            edits.append(_Edit(tag.end, _end_of_blanks(source, tag.end), ""))
        else:
            edits += [_sign(source, tag.start + 2), _sign(source, tag.end - 2)]
    return "".join(_edited(source, sorted(edits)))


def _read(source: str) -> tuple[list[_Tag], list[_Edit]]:
    """The tags, and the signs of ``{% raw %}``, whose content is text."""
    tags: list[_Tag] = []
    signs: list[_Edit] = []
    start = 0
    for offset, kind, value in token_offsets(source):
        end = offset + len(value.rstrip())
        if kind in _BEGINS:
            start = offset
        elif kind in _ENDS:
            tags.append(_Tag(start, end))
        elif kind == "raw_begin":
            signs.append(_sign(source, offset + 2))
        elif kind == "raw_end":
            signs.append(_sign(source, end - 2))
    return tags, signs


def _sign(source: str, place: int) -> _Edit:
    """The sign at the inner side of a brace, if there is none."""
    is_signed = source[place] in _SIGNS or source[place - 1] in _SIGNS
    return _Edit(place, place, "" if is_signed else "+")


def _edited(source: str, edits: list[_Edit]) -> Iterator[str]:
    at = 0
    for edit in edits:
        yield source[at : edit.start]
        yield edit.text
        at = edit.end
    yield source[at:]


def _is_first(source: str, at: int, ends: dict[int, _Tag]) -> bool:
    """Whether nothing but tags and white space is before this place on its line."""
    while at and source[at - 1] != "\n":
        if at in ends:
            at = ends[at].start
        elif source[at - 1].isspace():
            at -= 1
        else:
            return False
    return True


def _is_last(source: str, at: int, starts: dict[int, _Tag]) -> bool:
    """Whether nothing but tags and white space is after this place on its line."""
    while at < len(source) and source[at] not in "\r\n":
        if at in starts:
            at = starts[at].end
        elif source[at].isspace():
            at += 1
        else:
            return False
    return True


def _end_of_blanks(source: str, at: int) -> int:
    while at < len(source) and source[at] in " \t":
        at += 1
    return at
