"""The lines of a text that is written word by word, as a browser places them."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mailframe.pages.text_table import Cell, table_lines
from mailframe.pages.tokens import unescaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mailframe.pages.text_program import Step

    Call: TypeAlias = tuple[Callable[["TextWriter", Any], None], Any]

_SPACES: Final = re.compile("[ \t\n\f\r]+")
_NO_BREAK: Final = " \xa0"
_RULE: Final = "-" * 20
_LINE_END: Final = re.compile("\r\n?|\n")
_UNSEEN: Final = frozenset("\xad\u034f\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164")
"""Characters that are not seen and belong to no other category of these."""
_OPENED_BY: Final = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
_MAX_TEXTS: Final = 20
"""Texts of a link that can be its address; the text of a longer link is not read."""
_NOT_SHOWN: Final = re.compile(r"(?:#|javascript:|data:|cid:|about:)", re.IGNORECASE)


def calls_of(steps: Iterable[Step]) -> list[Call]:
    """The steps with the methods that they name, which are then looked up once."""
    return [(getattr(TextWriter, name), argument) for name, argument in steps]


def written_text(calls: Iterable[Call], words: Sequence[str]) -> str:
    """The text that a program writes of the words of a mail.

    Args:
        calls: the program, from ``calls_of``.
        words: the words as they stand in HTML, by their numbers.
    """
    writer = TextWriter(words)
    for method, argument in calls:
        method(writer, argument)
    return "\n".join(writer.lines())


class _Frame:
    """The lines of one cell, one item of a list, one quote, or of the whole text.

    Attributes:
        lines: the lines that are complete.
        parts: the texts of the line that is not.
        gap: whether a blank line comes before the next line.
        has_space: whether white space comes before the next word.
        is_pre: whether white space at the beginning of the line is kept.
    """

    __slots__ = ("gap", "has_space", "is_pre", "lines", "parts")

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.parts: list[str] = []
        self.gap = self.has_space = self.is_pre = False

    def end_line(self) -> bool:
        """Complete the line, if it has anything that is seen."""
        line, is_pre = "".join(self.parts), self.is_pre
        self.parts, self.has_space, self.is_pre = [], False, False
        if not line or is_unseen(line):
            return False
        self._begin()
        self.lines.append(line.rstrip(_NO_BREAK) if is_pre else line.strip(_NO_BREAK))
        return True

    def _begin(self) -> None:
        if self.gap and self.lines and self.lines[-1]:
            self.lines.append("")
        self.gap = False

    def add(self, lines: Sequence[str]) -> None:
        """Add complete lines."""
        if lines:
            self._begin()
            self.lines += lines


class TextWriter:
    """Writes one text; each method is a step of a program.

    Args:
        words: the words as they stand in HTML, by their numbers.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._frame = _Frame()
        self._frames: list[_Frame] = []
        self._tables: list[list[list[Cell]]] = []
        self._links: list[tuple[int, int]] = []

    def lines(self) -> list[str]:
        """The lines of the text."""
        self._frame.end_line()
        lines = self._frame.lines
        while lines and not lines[-1]:
            lines.pop()
        return lines

    # --- text -------------------------------------------------------------------------------------

    def word(self, number: int) -> None:
        """A text, whose white space is collapsed."""
        self._write(_decoded(self._words[number]))

    def image(self, number: int) -> None:
        """The description of an image."""
        self._write(unescaped(self._words[number]))

    def space(self, _: None) -> None:
        """White space."""
        self._frame.has_space = True

    def _write(self, text: str) -> None:
        text = _SPACES.sub(" ", text)
        core = text.strip(" ")
        frame = self._frame
        if not core:
            frame.has_space = frame.has_space or bool(text)
            return
        if frame.parts and (frame.has_space or text[0] == " "):
            frame.parts.append(" ")
        frame.parts.append(core)
        frame.has_space = text[-1] == " "

    def pre_word(self, number: int) -> None:
        """A text, whose white space is kept."""
        self.pre_text(_decoded(self._words[number]))

    def pre_text(self, text: str) -> None:
        """A text, whose white space is kept."""
        frame = self._frame
        first, *rest = _LINE_END.split(text)
        if frame.has_space and frame.parts:
            frame.parts.append(" ")
        frame.has_space, frame.is_pre = False, frame.is_pre or not frame.parts
        frame.parts.append(first)
        for line in rest:
            frame.add(["".join(frame.parts).rstrip(" ")])
            frame.parts, frame.is_pre = [line], True

    # --- lines ------------------------------------------------------------------------------------

    def line_break(self, _: None) -> None:
        """The end of a line, which may be blank; of several blank lines one is written."""
        frame = self._frame
        if not frame.end_line():
            frame.gap = True

    def block(self, gap: int) -> None:
        """The beginning or the end of an element on lines of its own; 2 for a blank line."""
        self._frame.end_line()
        self._frame.gap = self._frame.gap or gap > 1

    def rule(self, _: None) -> None:
        """A line of dashes."""
        self.block(2)
        self._frame.add([_RULE])
        self.block(2)

    # --- links ------------------------------------------------------------------------------------

    def link(self, _: int) -> None:
        """The beginning of a link."""
        self._links.append((len(self._frame.lines), len(self._frame.parts)))

    def end_link(self, number: int) -> None:
        """The end of a link: its address follows, unless the text says it already."""
        frame, url = self._frame, _address(self._words[number])
        lines, parts = self._links.pop()
        has_lines = len(frame.lines) > lines
        texts = frame.parts if has_lines else frame.parts[parts:]
        has_text = not is_unseen("".join(texts))
        if not url:
            return
        if not has_lines and not has_text:
            self._write(url)
        elif has_lines or len(texts) > _MAX_TEXTS or _plain("".join(texts)) != _plain(url):
            if has_text:
                frame.parts.append(f" ({url})")
            else:
                frame.lines[-1] += f" ({url})"

    # --- lists, quotes and tables -----------------------------------------------------------------

    def frame(self, _: None) -> None:
        """The beginning of an item, a quote or a cell."""
        self._frames.append(self._frame)
        self._frame = _Frame()

    def _framed_lines(self) -> list[str]:
        lines = self.lines()
        self._frame = self._frames.pop()
        return lines

    def end_frame(self, form: tuple[str, str, int]) -> None:
        """The end of an item or a quote, with what stands before its lines and its gap."""
        first, others, gap = form
        lines = self._framed_lines()
        self.block(gap)
        if lines:
            marked = [f"{others}{line}".rstrip(" ") for line in lines]
            marked[0] = f"{first}{lines[0]}"
            self._frame.add(marked)
        self.block(gap)

    def table(self, _: None) -> None:
        """The beginning of a table."""
        self.block(2)
        self._tables.append([])
        self.frame(None)  # the caption, and whatever stands between cells

    def row(self, _: None) -> None:
        """The beginning of a row."""
        self._tables[-1].append([])

    def end_cell(self, form: tuple[bool, bool, int]) -> None:
        """The end of a cell: whether it is a heading, is aligned right, and its columns."""
        is_heading, is_right, span = form
        rows = self._tables[-1]
        if not rows:
            rows.append([])
        rows[-1].append(Cell(self._framed_lines(), is_heading, is_right, span))

    def end_table(self, has_data: bool) -> None:
        """The end of a table."""
        outside = self._framed_lines()
        rows = self._tables.pop()
        self._frame.add(outside)
        self.block(1)
        self._frame.add(table_lines(rows, has_data=has_data))
        self.block(2)


def _decoded(word: str) -> str:
    return html.unescape(word) if "&" in word else word


def is_unseen(text: str) -> bool:
    """Whether a reader sees nothing of a text."""
    return not text[:1].isalnum() and all(
        character.isspace() or character in _UNSEEN or unicodedata.category(character) == "Cf"
        for character in text
    )


def _address(word: str) -> str:
    """The address of a link as a text shows it; empty if it leads nowhere."""
    url = re.sub("[\t\n\r]", "", unescaped(word)).strip()
    if _NOT_SHOWN.match(url):
        return ""
    if url[:7].lower() == "mailto:":
        return url[7:].partition("?")[0]
    if url[:4].lower() == "tel:":
        return url[4:]
    return url if "{{{" in url else url.replace(" ", "%20")


def _plain(text: str) -> str:
    """A text or an address without what people leave out of an address."""
    return _OPENED_BY.sub("", "".join(text.split()), count=1).rstrip("/").casefold()
