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
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from mailframe.letter.markdown.marks import Marked

_TAG_LINE: Final = re.compile(rf"[ \t>]*{TAGS.pattern}")
_QUOTE: Final = re.compile(r"(?: {0,3}> ?)+")
SEPARATOR: Final = "<!--mailframe-->"
"""A comment in a line of its own, which ends lists and other blocks; it is removed again."""
_TEXTS: Final = frozenset({"plain", "indented"})
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


def without_tag_lines(marked: Marked, *, separate: Collection[int] = ()) -> Lines:
    """The text of a template without its lines of tags.

    Args:
        marked: the text.
        separate: the numbers of statements that end a list or paragraph around them.
    """
    return _Remover(marked, separate).lines()


@dataclass(slots=True)
class _Line:
    """A line, the statements of a line of tags, and whether it is in a block of code."""

    text: str
    tags: list[int] = field(default_factory=list)
    is_code: bool = False

    @property
    def separators(self) -> tuple[str, str]:
        """A blank line and a line with the separator, at the depth of this line."""
        prefix = self.text[: len(self.text) - len(self.text.lstrip(" \t>"))]
        return prefix.rstrip(), prefix + SEPARATOR

    @property
    def quotes(self) -> int:
        """The length of the signs of a quote at its start."""
        match = _QUOTE.match(self.text)
        return match.end() if match else 0

    @property
    def kind(self) -> str:
        """What Markdown makes of the line, as far as it matters here."""
        text = self.text[self.quotes :]
        if not text.strip():
            return "blank"
        kinds = {"list": _LIST, "other": _OTHER, "html": _HTML, "other ": _FENCE}
        for kind, pattern in kinds.items():
            if pattern.match(text):
                return kind.strip()
        return "indented" if text[0] in " \t" else "plain"


class _Remover:
    def __init__(self, marked: Marked, separate: Collection[int]) -> None:
        self._separate = separate
        self._units = marked.units
        self._groups = groups_of(marked.units)
        text = "\n".join(self._on_own_lines(marked.text.split("\n")))
        self._lines = list(self._read(text.split("\n")))
        has_table = any(
            "-" in line.text and _DELIMITERS.fullmatch(line.text) for line in self._lines
        )
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
        """The lines that remain, and the places of the others."""
        kept: list[str] = []
        places: list[Place] = []
        start = 0
        while start < len(self._lines):
            end = start
            while end < len(self._lines) and self._is_alike(start, end):
                end += 1
            if end == start:
                kept.append(self._lines[start].text)
                start += 1
                continue
            if self._is_separate(start, end):
                for line in self._lines[start:end]:
                    blank, separator = line.separators
                    if kept[-2:] != [separator, blank]:
                        kept += [blank, separator, blank]
                    places += [Place(unit, len(kept) - 2) for unit in line.tags]
            else:
                places += [
                    Place(unit, len(kept)) for line in self._lines[start:end] for unit in line.tags
                ]
                kept += self._instead(start, end)
            start = end
        return Lines("\n".join(kept), places, self._groups)

    def _is_alike(self, start: int, at: int) -> bool:
        """Whether two lines are lines of tags in the same quote."""
        first, line = self._lines[start], self._lines[at]
        return bool(first.tags and line.tags) and first.quotes == line.quotes

    def _neighbor(self, at: int) -> _Line:
        """A line beside lines of tags; a blank one at the end, and for tags in another quote."""
        line = self._lines[at] if 0 <= at < len(self._lines) else _Line("")
        return _Line("") if line.tags else line

    def _is_separate(self, start: int, end: int) -> bool:
        """Whether lines of tags end lists too: with blank lines on both sides, or if they must."""
        before, after = self._neighbor(start - 1), self._neighbor(end)
        if before.is_code or after.is_code:
            return False
        tags = (unit for line in self._lines[start:end] for unit in line.tags)
        return before.kind == after.kind == "blank" or any(tag in self._separate for tag in tags)

    def _instead(self, start: int, end: int) -> list[str]:
        """What is written instead of lines of tags: nothing, or a blank line."""
        before, after = self._neighbor(start - 1), self._neighbor(end)
        if before.is_code or after.is_code or "blank" in (before.kind, after.kind):
            return []
        if not self._is_break(start, end):
            return []
        return [self._lines[start].separators[0] if before.quotes == after.quotes else ""]

    def _is_break(self, start: int, end: int) -> bool:
        """Whether lines of tags end a block, as a blank line does."""
        before, after = self._neighbor(start - 1), self._neighbor(end)
        is_row = self._is_row(before), self._is_row(after)
        if any(is_row):
            return not all(is_row)
        if before.kind in ("other", "html"):
            return False
        if after.kind not in _TEXTS:
            return before.kind == "plain"
        if before.quotes != after.quotes or (after.kind == "plain" and before.kind != "plain"):
            return True
        return not all(self._is_in_sentence(group) for group in self._groups_in(start, end))

    def _groups_in(self, start: int, end: int) -> list[Group]:
        return [self._groups[unit] for line in self._lines[start:end] for unit in line.tags]

    def _is_in_sentence(self, group: Group) -> bool:
        """Whether a group is a part of one paragraph, and not around whole ones."""
        if group.is_single:
            return group.name in _WITHOUT_OUTPUT
        first, last = self._at[group.units[0]], self._at[group.units[-1]]
        inner = [line for line in self._lines[first : last + 1] if not line.tags]
        if not all(line.kind in _TEXTS for line in inner):
            return False
        return self._is_text(first, -1) or self._is_text(last, 1)

    def _is_text(self, at: int, step: int) -> bool:
        """Whether the nearest line before or after lines of tags is text of a paragraph."""
        while 0 <= at < len(self._lines) and self._lines[at].tags:
            at += step
        kinds = _TEXTS if step > 0 else {*_TEXTS, "list"}
        return 0 <= at < len(self._lines) and self._lines[at].kind in kinds

    def _is_row(self, line: _Line) -> bool:
        is_text = line.kind in _TEXTS
        return self._has_table and is_text and "|" in line.text
