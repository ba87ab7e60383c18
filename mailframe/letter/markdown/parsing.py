"""Markdown as mailframe reads it: CommonMark with tables and ``~~``, and HTML of the author."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink, normalizeLinkText
from mdurl import encode

from mailframe.errors import LetterError
from mailframe.letter.markdown.balance import check_balance
from mailframe.letter.markdown.marks import MARK, VALUE
from mailframe.letter.markdown.placing import SplitGroup, placed
from mailframe.letter.markdown.tag_lines import without_tag_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from markdown_it.utils import OptionsDict

    from mailframe.letter.markdown.groups import Group
    from mailframe.letter.markdown.marks import Marked, Unit

_TAG_WITH_MARKS: Final = re.compile(r"</?[a-zA-Z][a-zA-Z0-9-]*(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")
_BLOCK_FILTERS: Final = frozenset({"table", "safe"})
"""Filters whose results are blocks of HTML, which no paragraph can contain."""
_TRANSLATING: Final = frozenset({"_", "gettext", "ngettext", "pgettext", "npgettext"})
_NAMES: Final = ("macro", "set", "block")


def parse(marked: Marked) -> tuple[list[Token], Mapping[int, Group]]:
    """The tokens of a marked text, with its lines of tags in their places; groups of its tags.

    Statements that belong together and would be in different parts of the text end the lists and
    paragraphs around them.

    Raises:
        LetterError: statements that belong together are in different parts all the same.
    """
    separate: set[int] = set()
    while True:
        lines = without_tag_lines(marked, separate=separate)
        try:
            tokens = _markdown().parse(lines.text, {"lines": lines, "units": marked.units})
        except SplitGroup as error:
            units = error.group.units
            if separate.issuperset(units):
                raise LetterError(_split_text([marked.units[unit] for unit in units])) from None
            separate |= set(units)
        else:
            check_balance(tokens, units=marked.units, groups=lines.groups)
            return tokens, lines.groups


def _split_text(units: Sequence[Unit]) -> str:
    first, last = units[0], units[-1]
    return (
        f"markdown_body, line {first.line}: {first.text} and {last.text} in line {last.line} are "
        "in different lists, quotes or tables, so the HTML would be broken without what is between "
        "them; indent both as the text between them"
    )


def options() -> OptionsDict:
    """The options of markdown-it."""
    return _markdown().options


@cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    markdown.normalizeLink = _link  # type: ignore[method-assign]
    markdown.normalizeLinkText = _link_text  # type: ignore[method-assign,assignment]
    markdown.core.ruler.after("block", "jinja", _place)
    markdown.inline.ruler.before("html_inline", "jinja_html", _tag_with_marks)
    return markdown


def _link(url: str) -> str:
    """An address, percent-encoded outside of its placeholders."""
    if not MARK.search(url):
        return normalizeLink(url)
    parts, at = [], 0
    for match in MARK.finditer(url):
        parts += [encode(url[at : match.start()]), match[0]]
        at = match.end()
    return "".join([*parts, encode(url[at:])])


def _link_text(url: str) -> str:
    return url if MARK.search(url) else normalizeLinkText(url)


def _tag_with_marks(state: StateInline, silent: bool) -> bool:
    """A tag such as ``<td {% if vip %}class="vip"{% endif %}>``, which CommonMark does not know."""
    match = _TAG_WITH_MARKS.match(state.src, state.pos)
    if match is None or not MARK.search(match[0]):
        return False
    if not silent:
        state.push("html_inline", "", 0).content = match[0]
    state.pos = match.end()
    return True


def _place(state: StateCore) -> None:
    """What markdown-it calls once the blocks are known, and before it reads what is in them."""
    lines, units = state.env["lines"], state.env["units"]
    state.tokens = placed(state.tokens, lines)
    for index, token in enumerate(state.tokens):
        if token.type == "paragraph_open" and _is_bare(
            state.tokens[index + 1].content.strip(), units, lines.groups
        ):
            for paragraph in (token, state.tokens[index + 2]):
                paragraph.hidden = True
                paragraph.meta = {"is_bare": True}


def _is_bare(content: str, units: Sequence[Unit], groups: Mapping[int, Group]) -> bool:
    """Whether a paragraph is no text but a call such as ``{{ button(…) }}``, or a definition."""
    marks = list(MARK.finditer(content))
    if not marks or not (content.startswith(marks[0][0]) and content.endswith(marks[-1][0])):
        return False
    first, last = int(marks[0][1]), int(marks[-1][1])
    if not VALUE.sub("", content).strip():
        return all(_is_block(units[int(mark[1])]) for mark in marks)
    group = groups.get(first)
    if group is None:
        return False
    return group.name in (*_NAMES, "call") and last == group.units[-1]


def _is_block(unit: Unit) -> bool:
    """Whether a value is a block of HTML: a call of a macro, or the result of such a filter."""
    outer = list(_outside_of_brackets(unit))
    filters = [name for pipe, name in pairwise(outer) if pipe == "|"]
    if filters:
        return filters[-1] in _BLOCK_FILTERS
    is_name = bool(unit.words) and unit.words[0][0] == "name"
    return (
        is_name and outer[0] not in _TRANSLATING and outer[1:] in (["()"], [".", *outer[2:3], "()"])
    )


def _outside_of_brackets(unit: Unit) -> Iterator[str]:
    """The words of a value, with ``()`` in the place of each pair of brackets."""
    depth = 0
    for kind, word in unit.words:
        if kind == "operator" and word in "([{":
            depth += 1
        elif kind == "operator" and word in ")]}":
            depth -= 1
            if depth == 0:
                yield "()"
        elif depth == 0:
            yield word
