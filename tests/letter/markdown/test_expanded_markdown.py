"""A converted template makes what Markdown makes of the text with its values and branches in it."""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from markdown_it import MarkdownIt
from markupsafe import escape

from mailframe.letter.markdown.converting import converted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HTML = Environment(autoescape=True)
TEXT = Environment()  # noqa: S701 - text is not escaped
TABLE = ' class="mf-data" width="100%" border="0" cellpadding="0" cellspacing="0"'
CONTEXTS = (
    "V", "**V**", "_V_", "`V`", "[V](https://acme.dev/V)", "![V](https://acme.dev/V.png 'V')",
    "<b title='V'>V</b>", "~~V~~", "aVb", "**aV**", "V**b**", "x_V_y", "\\*V\\*", "&lt;V&gt;",
    "<https://acme.dev/V>", "`` V ` ``", "[V]", "***V***", "(see V)", '"V"', "!V", "\\V", "plain",
)  # fmt: skip
CELL = "<i> & \"q\" 'a' *_~|`[]()# \n\n- {{ 7 * 7 }} {% raw %}"


class Tags(NamedTuple):
    """Lines between ``{% if %}`` or ``{% for %}`` and its end, and those after ``{% else %}``."""

    kind: str
    is_true: bool
    lines: list[Any]
    others: list[Any]
    indent: str = ""


class Writer:
    """Writes random texts; ``V`` stands for a value."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def document(self, depth: int = 0) -> list[Any]:
        """A few blocks with blank lines between them."""
        lines: list[Any] = []
        for _ in range(self.random.randint(1, 3)):
            lines += [*self._block(depth), ""]
        return lines[:-1]

    def _text(self) -> str:
        return " ".join(["V", *self.random.choices(CONTEXTS, k=self.random.randint(0, 3))])

    def _tags(self, lines: list[Any], others: list[Any] | None = None, indent: str = "") -> Tags:
        kind = self.random.choice(["if", "for"])
        return Tags(kind, self.random.random() < 0.5, lines, others or [], indent)

    def _block(self, depth: int) -> list[Any]:
        name = self.random.choice(
            (
                "paragraph",
                "heading",
                "bullets",
                "numbers",
                "table",
                "quote",
                "code",
                "words",
                "tags",
            )
        )
        if name == "tags" and depth < 2:
            return [self._tags(["", *self.document(depth + 1), ""])]
        if name in ("bullets", "numbers"):
            return self._items("-" if name == "bullets" else "1.")
        simple = {
            "heading": [f"## {self._text()}"],
            "quote": [f"> {self._text()}", ">", f"> {self._text()}"],
            "code": ["```", "V", self._tags(["V"]), "V", "```"],
            "words": [self._text(), self._tags(["V"]), "V"],
        }
        return self._table() if name == "table" else simple.get(name, [self._text(), self._text()])

    def _items(self, mark: str, depth: int = 0, indent: str = "") -> list[Any]:
        lines: list[Any] = []
        for _ in range(self.random.randint(1, 3)):
            item: list[Any] = [f"{indent}{mark} {self._text()}"]
            if depth < 2 and self.random.random() < 0.25:
                item += self._items(mark, depth + 1, indent + " " * (len(mark) + 1))
            lines += [self._tags(item, indent=indent)] if self.random.random() < 0.5 else item
        return lines

    def _table(self) -> list[Any]:
        lines: list[Any] = ["| a | b |", "|---|:-:|"]
        for _ in range(self.random.randint(1, 3)):
            row = [f"| V | {self._text()} |"]
            lines += [self._tags(row, ["| V | none |"])] if self.random.random() < 0.5 else row
        return lines


def template(lines: Iterable[Any]) -> Iterator[str]:
    """The lines with their tags."""
    for line in lines:
        if isinstance(line, str):
            yield line
            continue
        start = f"for _ in {'[1, 2]' if line.is_true else '[]'}" if line.kind == "for" else "if "
        value = "" if line.kind == "for" else f"{line.is_true}"
        yield f"{line.indent}{{% {start}{value} %}}"
        yield from template(line.lines)
        if line.others:
            yield f"{line.indent}{{% else %}}"
            yield from template(line.others)
        yield f"{line.indent}{{% end{line.kind} %}}"


def expanded(lines: Iterable[Any]) -> Iterator[str]:
    """The lines that the tags leave."""
    for line in lines:
        if isinstance(line, str):
            yield line
        elif line.is_true:
            yield from expanded(line.lines * (2 if line.kind == "for" else 1))
        else:
            yield from expanded(line.others)


def same(html: str) -> str:
    """HTML without white space and paragraphs, which items of loops differ in, and empty lists."""
    html = re.sub(r"\s+|</?p>", "", html.replace(TABLE, ""))
    for _ in range(3):
        html = re.sub(r"<(ul|ol|tbody|blockquote)></\1>", "", html)
    return re.sub(r"</ul><ul>|</ol><ol>|</blockquote><blockquote>", "", html)


def numbered(html: str) -> list[tuple[str, str]]:
    """The number and the first word of each item of an ordered list, as a browser numbers them."""
    items, lists = [], []
    for match in re.finditer(r"<(/?)(ol|ul|li)>\s*(?:<p>)?\s*(word)?", html):
        if match[2] != "li":
            lists.append([match[2], 0]) if not match[1] else lists.pop()
        elif not match[1]:
            lists[-1][1] += 1
            if lists[-1][0] == "ol":
                items.append((str(lists[-1][1]), match[3]))
    return items


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_html_is_that_of_the_filled_text(seed):
    """With words in the places of values, and the lines that the branches and loops leave."""
    lines = Writer(Random(seed)).document()
    source = "\n".join(template(lines)).replace("V", "{{ value }}")
    html = HTML.from_string(converted(source, html=True).text).render(value="word")
    assert same(html) == same(MARKDOWN.render("\n".join(expanded(lines)).replace("V", "word")))
    hostile = HTML.from_string(converted(source, html=True).text).render(value=CELL)
    assert hostile == html.replace("word", str(escape(CELL)))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_text_has_the_words_and_numbers_of_the_html(seed):
    """Each item of an ordered list has the number that a browser shows."""
    lines = Writer(Random(seed)).document()
    source = "\n".join(template(lines)).replace("V", "{{ value }}")
    html = HTML.from_string(converted(source, html=True).text).render(value="word")
    text = TEXT.from_string(converted(source, html=False).text).render(value="word")
    assert text.count("word") >= re.sub(r"<[^>]*>", "", html).count("word")
    assert re.findall(r"(\d+)\. (word)", text) == numbered(html)
