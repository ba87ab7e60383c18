"""What can be said of an HTML template before any row is rendered: where a value must not stand."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

from mailframe.errors import LetterError

_EXPRESSION: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_STATEMENT: Final = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_PLACEHOLDER: Final = re.compile(r"\{\{\{\s*pm:[^{}]*\}\}\}")
_MARK: Final = "\ufdd2"  # a noncharacter where a value will stand
_UNQUOTED: Final = re.compile(rf"([\w:-]+)\s*=\s*[^\s\"'=<>`{_MARK}]*{_MARK}")
_QUOTED: Final = re.compile(r"=\s*(\"[^\"]*\"|'[^']*')")


def lint_html(source: str, *, name: str) -> None:
    """Refuse an HTML template in which escaping would not protect a value.

    Args:
        source: the template as written.
        name: of the part, for the message.

    Raises:
        LetterError: a value in an attribute without quotes (a space in it would begin a new attribute), in an
            ``on…`` handler, or inside ``<script>``.

    >>> lint_html('<a href={{ url }}>x</a>', name="html_body")
    Traceback (most recent call last):
        ...
    mailframe.errors.LetterError: html_body, line 1: href={{ … }} stands without quotes; write href="{{ … }}"
    """
    if "{{" not in source:
        return
    marked = _PLACEHOLDER.sub(lambda found: _blank(found.group()), source)
    marked = _STATEMENT.sub(lambda found: _blank(found.group()), marked)
    marked = _EXPRESSION.sub(lambda found: _MARK + _blank(found.group()[1:]), marked)
    linter = _Linter(name)
    linter.feed(marked)
    linter.close()


def _blank(text: str) -> str:
    return "".join("\n" if character == "\n" else "" for character in text)


class _Linter(HTMLParser):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._script = tag == "script"
        for attribute, value in attrs:
            if attribute.startswith("on") and value and _MARK in value:
                self._refuse(f"{attribute}=… holds a value; mail clients drop handlers, and a cell could be code")
        unquoted = _UNQUOTED.search(_QUOTED.sub("=", self.get_starttag_text() or ""))
        if unquoted:
            attribute = unquoted.group(1)
            self._refuse(f'{attribute}={{{{ … }}}} stands without quotes; write {attribute}="{{{{ … }}}}"')

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._script = False

    def handle_endtag(self, tag: str) -> None:
        self._script = self._script and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._script and _MARK in data:
            self._refuse("a value stands inside <script>; mail clients drop scripts, and a cell could be code")

    def _refuse(self, why: str) -> None:
        raise LetterError(f"{self._name}, line {self.getpos()[0]}: {why}")
