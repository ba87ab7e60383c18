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
_UNQUOTED: Final = re.compile(rf"([\w:-]+)\s*=\s*[^\s\"'<>`{_MARK}]*{_MARK}")
_QUOTED: Final = re.compile(r"=\s*(\"[^\"]*\"|'[^']*')")
_TAG_NAME: Final = re.compile(rf"<[\w:-]*{_MARK}")
_CONDITIONAL: Final = re.compile(r"\[if[^\]]*\]>(.*)<!\[endif\]\Z", re.DOTALL | re.IGNORECASE)
_SECTION: Final = re.compile(r"<!\[.*?\]>", re.DOTALL)
_CODE: Final = frozenset({"script", "style"})


def lint_html(source: str, *, name: str) -> None:
    """Refuse an HTML template in which escaping would not protect a value.

    Args:
        source: the template as written.
        name: of the part, for the message.

    Raises:
        LetterError: a value in an attribute without quotes (a space in it would begin a new attribute), as the
            name of a tag or an attribute, in an ``on…`` handler or ``srcdoc``, or inside ``<script>`` or
            ``<style>``.

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
    _lint(marked, name=name, line=1)


def _lint(marked: str, *, name: str, line: int) -> None:
    found = _TAG_NAME.search(marked)
    if found:
        at = line + marked.count("\n", 0, found.start())
        raise LetterError(f"{name}, line {at}: a value stands as the name of a tag; a cell could bring its own markup")
    linter = _Linter(name, line)
    bare = _SECTION.sub(lambda section: _blank(section.group()), _without_comments(marked, name=name, line=line))
    linter.feed(bare.replace("<![", ""))  # html.parser gives up at a section that it does not know
    linter.close()


def _without_comments(marked: str, *, name: str, line: int) -> str:
    """The markup without comments; what a conditional comment shows to Outlook is looked at by itself."""
    kept, at = [], 0
    while (start := marked.find("<!--", at)) >= 0:
        end = marked.find("-->", start)
        comment = marked[start + 4 : end if end >= 0 else None]
        shown = _CONDITIONAL.match(comment.strip())
        if shown:
            inside = marked.index(shown.group(1), start)
            _lint(shown.group(1), name=name, line=line + marked.count("\n", 0, inside))
        kept += [marked[at:start], _blank(comment)]
        at = end + 3 if end >= 0 else len(marked)
    return "".join([*kept, marked[at:]])


def _blank(text: str) -> str:
    return "\n" * text.count("\n")


class _Linter(HTMLParser):
    def __init__(self, name: str, line: int) -> None:
        super().__init__()
        self._name = name
        self._before = line - 1
        self._code = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._code = tag if tag in _CODE else ""
        text = self.get_starttag_text() or ""
        unquoted = _UNQUOTED.search(_QUOTED.sub('=""', text))
        if unquoted:
            attribute = unquoted.group(1)
            self._refuse(f'{attribute}={{{{ … }}}} stands without quotes; write {attribute}="{{{{ … }}}}"')
        for attribute, value in attrs:
            self._look_at(attribute, value or "")

    def _look_at(self, attribute: str, value: str) -> None:
        if _MARK in attribute:
            self._refuse("a value stands as an attribute; write {% if … %}name{% endif %}, or name='{{ … }}'")
        if _MARK in value and attribute.startswith("on"):
            self._refuse(f"{attribute}=… holds a value; mail clients drop handlers, and a cell could be code")
        if _MARK in value and attribute == "srcdoc":
            self._refuse("srcdoc holds a value; it is read as markup once more, and a cell could bring its own")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._code = ""

    def handle_endtag(self, tag: str) -> None:
        self._code = "" if tag == self._code else self._code

    def handle_data(self, data: str) -> None:
        if self._code and _MARK in data:
            self._refuse(f"a value stands inside <{self._code}>, where escaping does not protect it")

    def _refuse(self, why: str) -> None:
        raise LetterError(f"{self._name}, line {self.getpos()[0] + self._before}: {why}")
