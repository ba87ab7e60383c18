"""Lines with nothing but tags: they leave no blank line in a text part.

jinja2's ``trim_blocks`` and ``lstrip_blocks`` remove the line end after every tag, also after one
at the end of a sentence, so that two lines become one. Here, tags with text on their line get the
sign that turns both off for them (``{%+ … +%}``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from jinja2 import TemplateSyntaxError

from mailframe.letter.jinja.source_positions import NEWLINE, token_offsets

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

    On a line with nothing but tags, the white space after each of them is removed. Line ends become
    those of jinja2, whose tokens have no others.

    >>> keep_lines_with_text("{% if vip %} \nDear {% if x %}X{% endif %}\n{% endif %}\n")
    '{% if vip %}\nDear {%+ if x +%}X{%+ endif +%}\n{% endif %}\n'
    """
    source = NEWLINE.sub("\n", source)
    try:
        tags, edits = _read(source)
    except TemplateSyntaxError:
        return source
    for tag, is_alone in zip(tags, _are_alone(source, tags), strict=True):
        if is_alone:
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


def _are_alone(source: str, tags: list[_Tag]) -> list[bool]:
    """For each tag, whether its line has nothing but tags and white space.

    A tag that begins with ``{%-`` removes the line end before it, so it ends the line of text
    there, and that line keeps its end. Each place between two tags is read once in each direction.
    """
    first: list[bool] = []
    for tag, before in zip(tags, [None, *tags], strict=False):
        end = before.end if before else 0
        at = tag.start
        while at > end and source[at - 1] != "\n" and source[at - 1].isspace():
            at -= 1
        is_joined = before is not None and at == end
        starts_line = at == 0 or (source[at - 1] == "\n" and source[tag.start + 2] != "-")
        first.append(first[-1] if is_joined else starts_line)
    last: list[bool] = []
    for tag, after in zip(reversed(tags), [None, *reversed(tags)], strict=False):
        start = after.start if after else len(source)
        at = tag.end
        while at < start and source[at] != "\n" and source[at].isspace():
            at += 1
        is_joined = after is not None and at == start
        last.append(last[-1] if is_joined else at == len(source) or source[at] == "\n")
    return [*map(all, zip(first, reversed(last), strict=True))]


def _end_of_blanks(source: str, at: int) -> int:
    while at < len(source) and source[at] in " \t":
        at += 1
    return at
