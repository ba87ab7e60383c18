"""The tokens of a template, and its errors with line and position.

The rules are those of Mustachio's ``Tokenizer.cs`` (github.com/ActiveCampaign/mustachio), which
Postmark calls the heart of its templates. Mustache libraries for Python (chevron, pystache) differ
in what templates see first: in Mustachio a section does not loop and does not look up names in the
scopes around it, ``{{#each}}`` loops, ``../`` leads to the scope around, lines of tags keep their
whitespace, and errors have places.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from dataclasses import dataclass
from enum import Enum, auto

from mailframe.sandbox.checks import texts_templates as texts

_TAG = re.compile(r"\{\{[^{}]+\}\}|\{\{\{[^{}]+\}\}\}")
_CONTENT = re.compile(r"\{\{\{\s*@content\s*\}\}\}")  # D
_POSTMARK = re.compile(r"\{\{\{\s*pm:[^{}]*\}\}\}")  # D for pm:unsubscribe, also with a label
_BAD_PATH = re.compile(r"\.{3,}|[^A-Za-z0-9_./]|(?<!\.\.)/|\.{2,}($|[^/])")
_PART = re.compile(r"\.\./|[^.]+")
_LINE_END = re.compile("\n")
_TWO_UNITS = re.compile("[\U00010000-\U0010ffff]")  # characters that are two in .NET
_WORD_CATEGORIES = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Nd", "Pc"})  # \w of .NET

MAX_DEPTH = 100
"""Parts of a path together with the paths of the blocks around it; a limit of the sandbox."""
MAX_ERRORS = 1000
"""Errors that are reported; a limit of the sandbox."""
UP = "../"
"""The part of a path that leads to the scope around."""


class Kind(Enum):
    """The kind of a token."""

    TEXT = auto()
    ESCAPED = auto()
    RAW = auto()
    EACH = auto()
    SECTION = auto()
    INVERTED = auto()
    CLOSE = auto()
    CONTENT = auto()
    """``{{{ @content }}}``: the place of the template in its layout."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: its kind.
        text: the text of TEXT; the path of the others, empty for CLOSE and CONTENT.
        parts: the parts of the path.
    """

    kind: Kind
    text: str = ""
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParseError:
    """An error in a template.

    Attributes:
        text: what is wrong, in Mustachio's words.
        line: its line, from 1; None for an error of the whole template.
        position: its character in that line, from 1, in UTF-16 units.
    """

    text: str
    line: int | None = None
    position: int | None = None


def tokenize(source: str) -> tuple[list[Token], list[ParseError]]:
    r"""The tokens of *source*, and its errors in the order of their places.

    >>> tokenize("Hi {{name}}")[0][1]
    Token(kind=<Kind.ESCAPED: 2>, text='name', parts=('name',))
    >>> tokenize("Hi\n{{#first name}}")[1][0]  # doctest: +NORMALIZE_WHITESPACE
    ParseError(text="The path 'first name' is not valid. Please see documentation for examples of
    valid paths.", line=2, position=1)
    """
    reader = _Reader(source)
    end = 0
    for tag in _TAG.finditer(source):
        if tag.start() > end:
            reader.tokens.append(Token(Kind.TEXT, source[end : tag.start()]))
        reader.read(tag[0], tag.start())
        end = tag.end()
    if end < len(source):
        reader.tokens.append(Token(Kind.TEXT, source[end:]))
    reader.check_closed()
    return reader.tokens, sorted(reader.errors, key=lambda error: (error.line, error.position))


class _Reader:
    """Reads the tags of one source, in order."""

    def __init__(self, source: str) -> None:
        self.tokens: list[Token] = []
        self.errors: list[ParseError] = []
        self._places = _Places(source)
        self._open: list[tuple[str, int]] = []  # each block: its name and its place
        self._depths = [0]  # for each block, the parts of its path and of those around it

    def read(self, tag: str, place: int) -> None:
        """Read one tag; the order of the cases is Mustachio's."""
        if tag.startswith("{{#each"):
            self._open_each(tag, place)
        elif tag.startswith("{{/each"):
            self._close_each(tag, place)
        elif tag.startswith("{{#"):
            self._open_section(Kind.SECTION, _inside(tag).lstrip("#").strip(), place)
        elif tag.startswith("{{^"):
            self._open_section(Kind.INVERTED, _inside(tag).lstrip("^").strip(), place)
        elif tag.startswith("{{/"):
            self._close_section(_inside(tag).lstrip("/").strip(), place)
        elif _CONTENT.fullmatch(tag):
            self.tokens.append(Token(Kind.CONTENT))
        elif _POSTMARK.fullmatch(tag):
            self.tokens.append(Token(Kind.TEXT, tag))  # replaced when the message is delivered
        elif tag.startswith(("{{{", "{{&")):
            self._add(Kind.RAW, _inside(tag).lstrip("&"), place)
        elif not tag.startswith("{{!"):
            self._add(Kind.ESCAPED, _inside(tag), place)

    def check_closed(self) -> None:
        """An error for each block that is still open."""
        for name, place in self._open:
            path = name.strip("{#}").removeprefix("each ")
            self._error(texts.NOT_CLOSED.format(path=path), place)

    def _open_each(self, tag: str, place: int) -> None:
        self._open.append((tag, place))
        path = _inside(tag).lstrip("#").strip()[len("each") :]
        if path.startswith(" ") and path.strip():
            self._add(Kind.EACH, path, place)
        else:
            self._error(texts.EACH_WITHOUT_PATH, place)
            self._depths.append(self._depths[-1])

    def _close_each(self, tag: str, place: int) -> None:
        if tag != "{{/each}}":
            self._error(texts.EACH_CLOSED_WRONG, place)
        elif self._open and self._open[-1][0].startswith("{{#each"):
            self._close()
        else:
            self._error(texts.EACH_NOT_OPEN, place)

    def _open_section(self, kind: Kind, name: str, place: int) -> None:
        """Open a section, or the other half of one: ``{{#x}}…{{^x}}…{{/x}}``."""
        if self._is_open(name):
            self._check_path(name, place)
            self._open.append(self._close())
        else:
            self._open.append((name, place))
        self._add(kind, name, place)

    def _close_section(self, name: str, place: int) -> None:
        if self._is_open(name):
            self._check_path(name, place)
            self._close()
        else:
            self._error(texts.MISMATCHED, place)

    def _is_open(self, name: str) -> bool:
        return bool(self._open) and self._open[-1][0] == name

    def _close(self) -> tuple[str, int]:
        self._depths.pop()
        self.tokens.append(Token(Kind.CLOSE))
        return self._open.pop()

    def _add(self, kind: Kind, path: str, place: int) -> None:
        path = path.strip()
        parts = tuple(_PART.findall(path))
        self._check_path(path, place)
        depth = self._depths[-1] + max(1, len(parts))
        if depth > MAX_DEPTH:
            self._error(texts.TOO_DEEP.format(path=path[:80], limit=MAX_DEPTH), place)
        if kind not in (Kind.ESCAPED, Kind.RAW):
            self._depths.append(depth)
        self.tokens.append(Token(kind, path, parts))

    def _check_path(self, path: str, place: int) -> None:
        """Mustachio also checks the path where a section ends, so an error is there again."""
        if not is_path(path):
            self._error(texts.BAD_PATH.format(path=path), place)

    def _error(self, text: str, place: int) -> None:
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(ParseError(text, *self._places.of(place)))


class _Places:
    """Lines and positions in a source, which are searched for only if there are errors."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._ends: list[int] | None = None
        self._two_units: list[int] = []

    def of(self, place: int) -> tuple[int, int]:
        """Line and position, both from 1, of the character at *place*."""
        if self._ends is None:
            self._ends = [end.start() for end in _LINE_END.finditer(self._source)]
            self._two_units = [two.start() for two in _TWO_UNITS.finditer(self._source)]
        line = bisect_left(self._ends, place)
        start = self._ends[line - 1] + 1 if line else 0
        more = bisect_left(self._two_units, place) - bisect_left(self._two_units, start)
        return line + 1, place - start + more + 1


def is_path(path: str) -> bool:
    """Whether *path* is valid: names with dots, and ``../`` for the scope around.

    >>> is_path("company.name"), is_path("../../name"), is_path("."), is_path("Größe")
    (True, True, True, True)
    >>> is_path("first name"), is_path(".."), is_path("a-b"), is_path("@index"), is_path("if x")
    (False, False, False, False, False)
    """
    if not path.isascii():
        path = "".join(_as_ascii(character) for character in path)
    return _BAD_PATH.search(path) is None


def _as_ascii(character: str) -> str:
    """A letter for what .NET calls a word character, else a character that no path has."""
    if character.isascii():
        return character
    is_word = character <= "\uffff" and unicodedata.category(character) in _WORD_CATEGORIES
    return "a" if is_word else "!"


def _inside(tag: str) -> str:
    return tag.strip("{}")
