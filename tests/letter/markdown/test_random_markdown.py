"""Random Markdown: Jinja survives it, and each way through a template is whole HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from markdown_it import MarkdownIt

from mailframe.errors import LetterError
from mailframe.letter.markdown.converting import converted
from mailframe.letter.markdown.marks import Marked
from mailframe.letter.markdown.numbers import NAME
from tests.letter.markdown.grammar import Writer

if TYPE_CHECKING:
    from mailframe.letter.markdown.converting import Converted

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
VOID = {"br", "img", "hr"}
ENVIRONMENT = Environment()  # noqa: S701 - values are numbers
ENVIRONMENT.filters["f"] = lambda value, _: value


class _Elements(HTMLParser):
    """Records whether each element ends in the one that it begins in."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.is_whole = True

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        """Such as ``<br />``."""

    def handle_endtag(self, tag: str) -> None:
        self.is_whole &= bool(self.open) and self.open.pop() == tag


def is_whole(html: str) -> bool:
    """Whether each element is closed in its parent."""
    elements = _Elements()
    elements.feed(html)
    elements.close()
    return elements.is_whole and not elements.open


def units_of(text: str) -> list[str]:
    """The parts of Jinja's syntax, without the braces and numbers that the converter writes."""
    texts = [unit.text for unit in Marked.of(text).units]
    return [unit for unit in texts if not unit.startswith("{% raw") and NAME not in unit]


def converted_or_refused(source: str, *, html: bool) -> Converted:
    """The template; a text in which a branch would break the HTML is refused with its line."""
    try:
        return converted(source, html=html)
    except LetterError as error:
        assert "markdown_body, line" in str(error)  # noqa: PT017 - most texts have none
        assume(False)
        raise


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_each_part_of_jinja_survives_once_and_in_order(seed, html):
    """Also with a ``|`` in a table, in code, in links, and between list items."""
    source = Writer(Random(seed)).document()
    assert units_of(converted_or_refused(source, html=html).text) == units_of(source)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 15), st.integers(0, 2))
def test_each_way_through_a_template_is_whole_html(seed, flags, items):
    """No branch leaves an element open, and none closes one of another."""
    template = converted_or_refused(Writer(Random(seed)).document(), html=True).text
    context = {f"f{bit}": bool(flags >> bit & 1) for bit in range(4)}
    html = ENVIRONMENT.from_string(template).render(xs=range(items), **context)
    assert is_whole(html), html


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_each_line_of_a_template_knows_its_line_of_the_source(seed, html):
    """A part of Jinja's syntax has the line in which its author wrote it."""
    source = Writer(Random(seed)).document()
    made = converted_or_refused(source, html=html)
    assert len(made.lines) == made.text.count("\n") + 1
    lines = source.split("\n")
    for number, line in zip(made.lines, made.text.split("\n"), strict=True):
        first = next(iter(units_of(line)), None) if "{" in line else None
        assert first is None or first in lines[number - 1]


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet="ab *_`|<>#-=[]()!&\\\n\t~:;\"'1.{}%", max_size=60))
def test_text_without_jinja_is_plain_markdown(text):
    """Braces of a text are no syntax of Jinja, however Markdown brings them together."""
    assume(not {"{{", "{%", "{#"} & {text[i : i + 2] for i in range(len(text))})
    made = ENVIRONMENT.from_string(converted(text, html=True).text).render()
    plain = re.sub(r' class="language-[^"]*"', "", MARKDOWN.render(text))
    opening = '<table class="mf-data" width="100%" border="0" cellpadding="0" cellspacing="0">'
    assert made.replace("&#123;", "{").rstrip() == plain.replace("<table>", opening).rstrip()
    ENVIRONMENT.from_string(converted(text, html=False).text).render()
