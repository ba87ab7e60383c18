"""Lines with nothing but tags: they are no lines of the Markdown, and are put back by their place.

A list with a ``{% for %}`` line between its items stays one list, and a paragraph one paragraph.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from mailframe.letter.markdown.groups import Group, groups_of
from mailframe.letter.markdown.marks import MARK, TAGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mailframe.letter.markdown.marks import Marked

_TAG_LINE: Final = re.compile(rf"[ \t>]*{TAGS.pattern}")
_QUOTE: Final = re.compile(r"[ \t>]*>")
_FENCE: Final = re.compile(r"[ \t>]*(```|~~~)")
_LIST: Final = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])(?:\s|$)")
_OTHER: Final = re.compile(r" {0,3}(?:#{1,6}(?:\s|$)|(?:[-*_][ \t]*){3,}$)")
_HTML: Final = re.compile(r" {0,3}<[a-zA-Z/!?]")
_DELIMITERS: Final = re.compile(r"[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_WITHOUT_OUTPUT: Final = frozenset({"", "set", "import", "from", "do", "extends"})


class Place(NamedTuple):
    """Where a statement was: before a line of the remaining text, counted from 0."""

    unit: int
    line: int


@dataclass(slots=True)
class Lines:
    """A marked text without its lines of tags.

    Attributes:
        text: the remaining text.
        places: the removed statements, in their order.
        groups: the group of each statement.
    """

    text: str
    places: list[Place]
    groups: dict[int, Group]


def without_tag_lines(marked: Marked) -> Lines:
    """The text of a template without its lines of tags."""
    return _Remover(marked).lines()


@dataclass(slots=True)
class _Line:
    """A line, the statements of a line of tags, and whether it is in a block of code."""

    text: str
    tags: list[int] = field(default_factory=list)
    is_code: bool = False

    @property
    def kind(self) -> str:
        """What Markdown makes of the line, as far as it matters here."""
        text = self.text
        if not text.strip():
            return "blank"
        kinds = {"list": _LIST, "other": _OTHER, "html": _HTML, "other ": _FENCE}
        for kind, pattern in kinds.items():
            if pattern.match(text):
                return kind.strip()
        return "indented" if text[0] in " \t" else "plain"


class _Remover:
    def __init__(self, marked: Marked) -> None:
        self._units = marked.units
        self._groups = groups_of(marked.units)
        text = "\n".join(self._on_own_lines(marked.text.split("\n")))
        self._lines = list(self._read(text.split("\n")))
        has_table = any("-" in line.text and _DELIMITERS.fullmatch(line.text) for line in self._lines)
        self._has_table = has_table
        own = {unit for line in self._lines for unit in line.tags}
        for line in self._lines:
            if any(not own.issuperset(self._groups[unit].units) for unit in line.tags):
                line.tags = []  # a part of its group is in a sentence
        self._at = {unit: i for i, line in enumerate(self._lines) for unit in line.tags}

    def _on_own_lines(self, lines: Iterable[str]) -> Iterator[str]:
        """The lines; ``{% block name %}…{% endblock %}`` in one line becomes three."""
        for line in lines:
            marks = list(MARK.finditer(line))
            group = self._groups.get(int(marks[0][1])) if marks else None
            if (
                group is not None
                and group.name == "block"
                and group.units == [int(marks[0][1]), int(marks[-1][1])]
                and line.strip().startswith(marks[0][0])
                and line.strip().endswith(marks[-1][0])
            ):
                yield marks[0][0]
                yield line[marks[0].end() : marks[-1].start()].strip()
                yield marks[-1][0]
            else:
                yield line

    def _read(self, lines: Sequence[str]) -> Iterator[_Line]:
        fence = ""
        for text in lines:
            match = _FENCE.match(text)
            is_code = bool(fence)
            if match and (not fence or match[1] == fence):
                fence = "" if fence else match[1]
            is_tags = _TAG_LINE.fullmatch(text) is not None
            tags = [int(number) for number in MARK.findall(text)] if is_tags else []
            yield _Line(text, tags, is_code=is_code)

    def lines(self) -> Lines:
        kept: list[str] = []
        places: list[Place] = []
        i = 0
        while i < len(self._lines):
            end = i
            while end < len(self._lines) and self._lines[end].tags:
                places += [Place(unit, len(kept)) for unit in self._lines[end].tags]
                end += 1
            if end == i:
                kept.append(self._lines[i].text)
                i += 1
                continue
            if 0 < i and end < len(self._lines) and self._is_break(i, end):
                quotes = [_QUOTE.match(self._lines[at].text) for at in (i - 1, i, end)]
                kept.append(quotes[1][0] if all(quotes) and quotes[1] else "")
            i = end
        return Lines("\n".join(kept), places, self._groups)

    def _is_break(self, start: int, end: int) -> bool:
        """Whether lines of tags end a block, as a blank line does."""
        before, after = self._lines[start - 1], self._lines[end]
        if before.is_code or after.is_code:
            return False
        if self._is_row(before) or self._is_row(after):
            return not (self._is_row(before) and self._is_row(after)) and after.kind != "blank"
        kinds = before.kind, after.kind
        if "blank" in kinds or before.kind in ("other", "html"):
            return False
        if kinds == ("plain", "plain"):
            return not all(self._is_in_sentence(group) for group in self._groups_in(start, end))
        return "plain" in kinds

    def _groups_in(self, start: int, end: int) -> list[Group]:
        return [self._groups[unit] for line in self._lines[start:end] for unit in line.tags]

    def _is_in_sentence(self, group: Group) -> bool:
        """Whether a group is a part of one paragraph, and not around whole ones."""
        if group.is_single:
            return group.name in _WITHOUT_OUTPUT
        first, last = self._at[group.units[0]], self._at[group.units[-1]]
        inner = [line for line in self._lines[first : last + 1] if not line.tags]
        if not all(line.kind == "plain" for line in inner):
            return False
        return self._is_plain(first, -1) or self._is_plain(last, 1)

    def _is_plain(self, at: int, step: int) -> bool:
        while 0 <= at < len(self._lines) and self._lines[at].tags:
            at += step
        return 0 <= at < len(self._lines) and self._lines[at].kind == "plain"

    def _is_row(self, line: _Line) -> bool:
        is_text = line.kind in ("plain", "indented")
        return self._has_table and is_text and "|" in line.text
