"""Marks in Markdown: each part of Jinja's syntax becomes one, and is put back after the conversion.

Jinja's own lexer finds the parts. A mark is a number between two noncharacters, which no text has
(Unicode standard, 23.7), and which Markdown reads as letters of a word. So ``**{{ name }}**`` is
bold, and a ``|`` of a filter does not end the cell of a table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from markupsafe import escape

from mailframe.errors import LetterError
from mailframe.letter.jinja.source_positions import readable, token_offsets
from mailframe.letter.jinja.template_marks import (
    MARK_END,
    MARK_END_IN_TEXT,
    MARK_OF_STATEMENT,
    MARK_OF_VALUE,
    PLACEHOLDER_END,
    PLACEHOLDER_START,
    show_placeholders,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGIN: Final = f"[{MARK_OF_STATEMENT}{MARK_OF_VALUE}]"
MARK: Final = re.compile(f"{_BEGIN}(\\d+)[{MARK_END}{MARK_END_IN_TEXT}]")
TAGS: Final = re.compile(f"(?:{MARK_OF_STATEMENT}\\d+{MARK_END}[ \t]*)+")
"""Statements and comments, and nothing else."""
VALUE: Final = re.compile(f"{MARK_OF_VALUE}(\\d+){MARK_END}")
_NONCHARACTERS: Final = re.compile(f"[{MARK_OF_STATEMENT}-{MARK_END_IN_TEXT}]")
_PLACEHOLDER: Final = re.compile(f"{PLACEHOLDER_START}[^{PLACEHOLDER_END}]*{PLACEHOLDER_END}")
_ENDS: Final = {
    "variable_begin": "variable_end",
    "block_begin": "block_end",
    "comment_begin": "comment_end",
    "raw_begin": "raw_end",
}
_QUIET: Final = ("block_begin", "comment_begin")
_BRACE: Final = re.compile(f"\\{{(?=[{{%#]|[{MARK_OF_STATEMENT}{MARK_OF_VALUE}])")


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of Jinja's syntax: a value, a statement, a comment or ``{% raw %}…{% endraw %}``.

    Attributes:
        text: its source.
        line: its line, counted from 1.
        kind: the kind of jinja2's token that begins it; ``placeholder`` for one of Postmark.
        words: the kinds and texts of the tokens in it, without white space.
    """

    text: str
    line: int
    kind: str
    words: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The name of a statement, such as ``endif``; empty for all others."""
        return self.words[0][1] if self.kind == "block_begin" and self.words else ""


@dataclass(slots=True)
class Marked:
    """A Markdown text with marks.

    Attributes:
        text: the text with the marks.
        units: the parts of Jinja's syntax, by the numbers of their marks.
    """

    text: str = ""
    units: list[Unit] = field(default_factory=list)

    @classmethod
    def of(cls, source: str) -> Marked:
        """Mark a Markdown text.

        Raises:
            TemplateSyntaxError: jinja2 cannot read it; its ``lineno`` is the offset.
            LetterError: the text has a character that is used for marks.
        """
        if _NONCHARACTERS.search(source):
            raise LetterError("markdown_body contains a noncharacter from U+FDD2 to U+FDD5")
        made = cls()
        text = readable(source)
        parts: list[str] = []
        for start, end, kind, words in _spans(text):
            if kind == "data":
                parts += made._with_placeholders(text, start, end)
            else:
                parts.append(made._mark(text, start, end, kind, words))
        made.text = "".join(parts)
        return made

    def _with_placeholders(self, text: str, start: int, end: int) -> Iterator[str]:
        at = start
        for match in _PLACEHOLDER.finditer(text, start, end):
            yield text[at : match.start()]
            yield self._mark(text, match.start(), match.end(), "placeholder", ())
            at = match.end()
        yield text[at:end]

    def _mark(
        self, text: str, start: int, end: int, kind: str, words: tuple[tuple[str, str], ...]
    ) -> str:
        line = text.count("\n", 0, start) + 1
        self.units.append(Unit(show_placeholders(text[start:end]), line, kind, words))
        begin = MARK_OF_STATEMENT if kind in _QUIET else MARK_OF_VALUE
        return f"{begin}{len(self.units) - 1}{MARK_END}"

    def added(self, text: str, *, line: int = 1, kind: str = "block_begin") -> str:
        """The mark of a statement or value that the Markdown does not have.

        Args:
            text: the statement or value.
            line: the line that its errors have; 0 for that of what follows it.
            kind: see ``Unit``.
        """
        self.units.append(Unit(text, line, kind))
        begin = MARK_OF_STATEMENT if kind in _QUIET else MARK_OF_VALUE
        return f"{begin}{len(self.units) - 1}{MARK_END}"

    def restored(self, text: str, *, html: bool) -> tuple[str, tuple[int, ...]]:
        """A converted text with the units in the places of their marks.

        Args:
            text: the text, in which a brace of its own is no part of Jinja's syntax.
            html: whether it is HTML.

        Returns:
            the template, and for each of its lines the line of the source.
        """
        text = _BRACE.sub("&#123;" if html else "{% raw %}{{% endraw %}", text)
        parts: list[str] = []
        lines = [0]
        at = 0
        for match in MARK.finditer(text):
            before = text[at : match.start()]
            lines += [0] * before.count("\n")
            unit = self.units[int(match[1])]
            lines[-1] = lines[-1] or unit.line
            lines += range(unit.line + 1, unit.line + 1 + unit.text.count("\n"))
            is_text = html and unit.kind == "raw_begin" and match[0].endswith(MARK_END_IN_TEXT)
            parts += [before, _escaped_raw(unit) if is_text else unit.text]
            at = match.end()
        rest = text[at:]
        lines += [0] * rest.count("\n")
        return "".join([*parts, rest]), tuple(_filled(lines))


def as_text(marked: str) -> str:
    """Marks in a text whose ``{% raw %}`` is to be escaped, because it is no HTML."""
    return VALUE.sub(f"{MARK_OF_VALUE}\\1{MARK_END_IN_TEXT}", marked)


def _escaped_raw(unit: Unit) -> str:
    """``{% raw %}a < b{% endraw %}``, as HTML."""
    opening, content, closing = (value for kind, value in unit.words if kind != "space")
    return f"{opening}{escape(content)}{closing}"


def _filled(lines: list[int]) -> Iterator[int]:
    line = 1
    for own in lines:
        line = own or line
        yield line


def _spans(text: str) -> Iterator[tuple[int, int, str, tuple[tuple[str, str], ...]]]:
    """The start, end and kind of each part, and the tokens in it; text is of the kind data.

    ``-%}`` takes the white space after it; here it stays outside of the part.
    """
    at = 0
    start, until, kind = 0, "", ""
    words: list[tuple[str, str]] = []
    for offset, token, value in token_offsets(text):
        if not until and token in _ENDS:
            start = offset + len(value) - len(value.lstrip())
            until, kind, words = _ENDS[token], token, []
            if at < start:
                yield at, start, "data", ()
            if token == "raw_begin":  # noqa: S105 - the kind of a token
                words = [("raw", value.strip())]
        elif token == until:
            at = offset + len(value.rstrip())
            if kind == "raw_begin":
                words = [words[0], ("raw", text[start + len(words[0][1]) : offset]), ("raw", value)]
            yield start, at, kind, tuple(words)
            until = ""
        elif until and token != "whitespace":  # noqa: S105 - as above
            words.append((token, value))
    if at < len(text):
        yield at, len(text), "data", ()
