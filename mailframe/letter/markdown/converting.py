"""Converts a Markdown template into an HTML template and a text template."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mailframe.errors import LetterError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from markdown_it.token import Token

    from mailframe.letter.markdown.marks import Marked, Unit
    from mailframe.letter.markdown.sections import Sections

_FILE: Final = re.compile(r"""(["'])([^"'\n]+)\.html\1""")
_AFTER_CONTENT: Final = "footer"
"""The block that begins with a blank line in text."""
_REFERRING: Final = frozenset({"include", "import", "from"})


@dataclass(frozen=True, slots=True)
class Converted:
    """A template that was made from Markdown.

    Attributes:
        text: the template.
        lines: for each of its lines, the line of the Markdown.
    """

    text: str
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """The layout around a text.

    Attributes:
        template: the name of the template; None for a text without a layout.
        blocks: the names of its blocks; empty for a text without a layout.
        dropped: the names of blocks that only the layout of the other part has.
    """

    template: str | None = None
    blocks: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()


_NO_FRAME: Final = Frame()


def converted(
    source: str,
    *,
    html: bool,
    frame: Frame = _NO_FRAME,
    has_template: Callable[[str], bool] = lambda _: False,
) -> Converted:
    """The HTML template or the text template of a Markdown template.

    Args:
        source: the Markdown, with Jinja and with HTML.
        html: whether to write HTML.
        frame: the layout around it. Blocks that it has are moved out of the text, which becomes
            the block ``content``.
        has_template: whether there is a template of a name; for the text part, ``sig.txt`` takes
            the place of ``sig.html``.

    Raises:
        TemplateSyntaxError: jinja2 cannot read it.
        LetterError: a template of HTML that the Markdown includes has no form for the text part,
            or a value is in a place of which Markdown makes nothing.
        MissingExtra: markdown-it-py is not installed.
    """
    try:
        from mailframe.letter.markdown.html_writer import as_html  # noqa: PLC0415 - an extra
        from mailframe.letter.markdown.marks import MARK, Marked  # noqa: PLC0415
        from mailframe.letter.markdown.numbers import count_items  # noqa: PLC0415
        from mailframe.letter.markdown.parsing import parse  # noqa: PLC0415
        from mailframe.letter.markdown.sections import Sections  # noqa: PLC0415
        from mailframe.letter.markdown.text_writer import as_plain_text  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("markdown_body", "markdown") from error
    marked = Marked.of(source)
    tokens, groups = parse(marked)
    write = as_html if html else as_plain_text
    if html:
        _check_printed(marked.units, set(map(int, MARK.findall(as_html(tokens)))))
    if not html:
        marked.units = [_for_text(unit, has_template) for unit in marked.units]
        count_items(tokens, marked)
    sections = Sections.of(
        tokens, units=marked.units, groups=groups, names=frame.blocks | frame.dropped
    )
    if frame.template is None:
        text = write(sections.without_layout())
    else:
        text = _in_frame(sections, frame, write, marked)
    return Converted(*marked.restored(text, html=html))


def _check_printed(units: Sequence[Unit], printed: Collection[int]) -> None:
    """Refuse a value that the HTML does not have, such as that of a link reference of no link."""
    for number, unit in enumerate(units):
        if unit.kind != "comment_begin" and number not in printed:
            raise LetterError(
                f"markdown_body, line {unit.line}: {unit.text} would be in no part of the letter. "
                "It is in a link reference that no link uses, in a cell without a column, or after "
                "```; remove it"
            )


def _in_frame(
    sections: Sections, frame: Frame, write: Callable[[Sequence[Token]], str], marked: Marked
) -> str:
    before = write(sections.before) if sections.before else ""
    extends = marked.added(f'{{% extends "{frame.template}" %}}')
    start, end = marked.added("{% block content %}"), marked.added("{% endblock %}")
    parts = [extends, before, start, "\n", write(sections.content), end, "\n"]
    for name, tokens in sections.blocks.items():
        if name in frame.blocks:
            first, _, rest = write(tokens).partition("\n")
            parts += [first, "\n\n" if name == _AFTER_CONTENT else "\n", rest]
    return "".join(parts)


def _for_text(unit: Unit, has_template: Callable[[str], bool]) -> Unit:
    """The statement of the text part: templates of HTML become those of text."""
    if unit.name not in (*_REFERRING, "extends"):
        return unit

    def of_text(match: re.Match[str]) -> str:
        name = f"{match[2]}.txt"
        if has_template(name):
            return f"{match[1]}{name}{match[1]}"
        if unit.name == "extends":
            return match[0]
        raise LetterError(
            f"markdown_body, line {unit.line}: the text part cannot use {match[2]}.html; write "
            f"{name} beside it, or give a text_body"
        )

    text = _FILE.sub(of_text, unit.text)
    if unit.name == "extends" and text == unit.text:
        return replace(unit, text="{# no layout of the text part #}")
    return replace(unit, text=text)
