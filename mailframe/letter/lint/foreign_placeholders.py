"""Placeholders of other tools, such as ``{name}`` or ``*|FNAME|*``, that would stay in the mail as they are written."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from jinja2 import nodes as ast

from mailframe.letter.jinja.environment import RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailframe.letter.jinja.environment import LetterEnvironment

_NAME = r"(?P<name>[^\W\d_](?:[\w .-]{0,60}\w)?)"
_MORE = r"(?:\s*[|,:][^\[\]{}<>\n]{0,60})?"  # a default or a format after the name
_FORMS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\{{\{{\{{?\s*{_NAME}{_MORE}\s*\}}?\}}\}}",
        rf"(?<!\{{)[$#]?\{{[!$%*]?\s*{_NAME}(?:![rsa])?(?:[:|][^{{}}\s;]{{0,12}})?\s*[%*]?\}}",
        rf"\[\[\s*{_NAME}{_MORE}\s*\]\]",
        rf"(?<![\w\]\[!])\[%?\s*{_NAME}(?:,\s*fallback\s*=[^\[\]]*)?\s*%?\](?![\[\](:])",
        rf"%\({_NAME}\)[-+ #0-9.]*[a-zA-Z]",
        rf"<%[=-]?\s*{_NAME}\s*-?%>",
        rf"(?<![\w%])%{_NAME}%",
        rf"%%\s*=?\s*(?:v\(@)?{_NAME}\)?\s*=?\s*%%",
        rf"[\u00ab\u2039]\s*{_NAME}\s*[\u00bb\u203a]",
        rf"<<\s*{_NAME}\s*>>",
        rf"(?:##|@@){_NAME}(?:##|@@)",
    )
)
_MAILCHIMP: Final = re.compile(r"\*\|(?P<name>[^|*<>\n]{1,60})\|\*")
_ENCODED: Final = re.compile(r"%(?:7B|5B|7C|25|3C)", re.IGNORECASE)
_CODE: Final = re.compile(r"<(style|script)\b.*?(?:</\1|\Z)", re.DOTALL | re.IGNORECASE)
_BETWEEN: Final = "\x1f"  # where a value or a statement stands
_MAX_LETTERS_OF_A_MARK: Final = 1


@dataclass(frozen=True, slots=True)
class ForeignPlaceholder:
    """A placeholder that nothing replaces.

    Attributes:
        text: as it is written.
        line: of the template.
        instead: what to write, ``{{ first_name }}``; empty when no column has its name.
    """

    text: str
    line: int
    instead: str


def foreign_placeholders(
    source: str, *, environment: LetterEnvironment, columns: Iterable[object]
) -> Iterator[ForeignPlaceholder]:
    """The placeholders of other tools in a template: those that name a column, and all of MailChimp's.

    Names are compared without case, spaces and signs. What a cell brings is not looked at, nor is CSS.

    Args:
        source: the template.
        environment: that parses it.
        columns: of the frame.

    >>> from mailframe.letter.jinja.environment import LetterEnvironment
    >>> letters = LetterEnvironment(loader=None, html=False, sources={})
    >>> [f.instead for f in foreign_placeholders("Hi [FIRST NAME]", environment=letters, columns=["first_name"])]
    ['{{ first_name }}']
    """
    names = {_folded(str(column)): column for column in columns}
    data = list(environment.parse(source).find_all(ast.TemplateData))
    text = _BETWEEN.join(node.data for node in data)
    starts = [0]
    for node in data:
        starts.append(starts[-1] + len(node.data) + 1)
    seen: set[str] = set()
    for found, column in _found(text, names, is_html=environment.html):
        if not any(found[0] in other for other in seen):
            seen.add(found[0])
            node = data[bisect_right(starts, found.start()) - 1]
            first = starts[bisect_right(starts, found.start()) - 1]
            line = node.lineno + found.string.count("\n", first, found.start())
            yield ForeignPlaceholder(found[0], line, _instead(found["name"], column))


def _found(
    text: str, names: dict[str, object], *, is_html: bool
) -> Iterator[tuple[re.Match[str], object]]:
    """Each placeholder, with its column; None for one of MailChimp's that names none."""
    if is_html:
        text = html.unescape(_CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), text))
    for readable in [text, unquote(text)] if _ENCODED.search(text) else [text]:
        for found in _MAILCHIMP.finditer(readable):
            yield found, names.get(_folded(found["name"]))
        for form in _FORMS:
            for found in form.finditer(readable):
                folded = [_folded(found["name"]), _folded(found["name"].rpartition(".")[2])]
                column = next((names[name] for name in folded if name in names), None)
                if column is not None and not (
                    found[0][0] == "[" and len(folded[0]) <= _MAX_LETTERS_OF_A_MARK
                ):
                    yield found, column


def _folded(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _instead(name: str, column: object) -> str:
    if column is None:
        return "{{{ pm:unsubscribe }}}" if name.upper().startswith("UNSUB") else ""
    if isinstance(column, str) and column.isidentifier() and column not in RESERVED:
        return f"{{{{ {column} }}}}"
    return f"{{{{ row[{column!r}] }}}}"
