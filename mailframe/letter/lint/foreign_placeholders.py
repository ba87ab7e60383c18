"""Placeholders of other tools, such as ``{name}`` or ``*|FNAME|*``, which stay unreplaced."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from jinja2 import nodes as ast

from mailframe.letter.jinja.environment import variable
from mailframe.letter.jinja.template_marks import STATEMENT
from mailframe.letter.suggestions import folded

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
_BLADE: Final = (
    r"(?<![\w@])@(?P<name>(?:if|foreach|component|lang)\s?\([^()\n]{0,60}\)|endif|endforeach)"
)
_LOOP: Final = "{% for item in … %}…{% endfor %}, or {% if … %}…{% endif %}"
_TOOLS: Final = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"\*\|(?:IF|IFNOT|ELSEIF):(?P<name>[^|*<>\n]{1,60})\|\*", "{% if … %}…{% endif %}"),
        (r"\*\|(?P<name>ELSE:?|END:IF)\|\*", "{% if … %}…{% endif %}"),
        (r"%%\[(?P<name>.{0,2000}?)\]%%", "{% if … %} or {% set … %}"),
        (r"%%=(?P<name>[^%\n]{1,60})=%%", ""),
        (r"<%[=-](?P<name>(?:[^%<>]|%(?!>)|->){1,200}?)-?%>", ""),
        (
            r"<%\s*(?P<name>(?:if|unless|else|elsif|end|for|@)(?:[^%<>]|->){0,200}?)-?%>",
            "{% if … %}",
        ),
        (
            r"<%-?\s*(?P<name>[\w.]+\.(?:forEach|each|map)\b[^%]{0,200}|\}[\s\w(){};]{0,60})-?%>",
            _LOOP,
        ),
        (r"<%\s*(?P<name>asm_\w{1,60}url)\s*%>", "{{{ pm:unsubscribe }}}"),
        (r"[$#]\{(?P<name>[A-Za-z_][\w.]{0,60})\}", ""),
        (r"\{!!\s*\$?(?P<name>[^{}!\n]{1,60}?)\s*!!\}", ""),
        (_BLADE, "{% if … %} or {% for … %}"),
        (r"</?#(?P<name>if|list|else|assign)\b[^>\n]{0,60}>", "{% if … %} or {% for … %}"),
        (r"\{contactfield=(?P<name>\w+)[^{}]{0,60}\}", ""),
    )
)
"""What no text of a mail has by chance: of Mailchimp, Salesforce, ERB and EJS, JavaScript and Ruby,
Blade, FreeMarker and Mautic; with what to write for a block."""
_ENCODED: Final = re.compile(r"%(?:7B|5B|7C|25|3C)", re.IGNORECASE)
_CODE: Final = re.compile(r"<(style|script)\b.*?(?:</\1|\Z)", re.DOTALL | re.IGNORECASE)
_MAX_FOOTNOTE_LETTERS: Final = 1  # [a] is a footnote mark


@dataclass(frozen=True, slots=True)
class ForeignPlaceholder:
    """A placeholder of another tool.

    Attributes:
        text: the placeholder as written.
        line: the line number in the template.
        instead: the text to write, such as ``{{ first_name }}``; empty if no column has its name.
    """

    text: str
    line: int
    instead: str


def foreign_placeholders(
    source: str, *, environment: LetterEnvironment, columns: Iterable[object]
) -> Iterator[ForeignPlaceholder]:
    """The placeholders of other tools in a template: those of a column, and unmistakable ones.

    Names are compared by their letters and digits, ignoring case. Values of cells and CSS are not
    searched.

    Args:
        source: the text of the template.
        environment: the environment that parses the template.
        columns: the columns of the frame.

    >>> from mailframe.letter.jinja.environment import LetterEnvironment
    >>> from mailframe.letter.jinja.settings import TemplateSettings
    >>> letters = LetterEnvironment(TemplateSettings(), html=False)
    >>> columns = ["first_name"]
    >>> list(foreign_placeholders("Hi [FIRST NAME]", environment=letters, columns=columns))
    [ForeignPlaceholder(text='[FIRST NAME]', line=1, instead='{{ first_name }}')]
    """
    names = {folded(str(column)): column for column in columns}
    data = list(environment.parse(source).find_all(ast.TemplateData))
    text = STATEMENT.join(node.data for node in data)
    starts = [0]
    for node in data:
        starts.append(starts[-1] + len(node.data) + 1)
    seen: set[str] = set()
    for match, column, block in _matches(text, names, is_html=environment.html):
        if not any(match[0] in other for other in seen):
            seen.add(match[0])
            index = bisect_right(starts, match.start()) - 1
            line = data[index].lineno + match.string.count("\n", starts[index], match.start())
            instead = block or _instead(match["name"], column)
            if instead and match[0].startswith("{{"):
                instead += " outside of {% raw %}"
            yield ForeignPlaceholder(match[0], line, instead)


def _matches(
    text: str, names: dict[str, object], *, is_html: bool
) -> Iterator[tuple[re.Match[str], object, str]]:
    """Each placeholder, its column or None, and what to write if it is a block."""
    if is_html:
        text = html.unescape(_CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), text))
    for readable in [text, unquote(text)] if _ENCODED.search(text) else [text]:
        for tool, block in _TOOLS:
            for match in tool.finditer(readable):
                yield match, _column(match["name"], names), block
        for match in _MAILCHIMP.finditer(readable):
            yield match, names.get(folded(match["name"])), ""
        for form in _FORMS:
            for match in form.finditer(readable):
                column = _column(match["name"], names)
                is_footnote = (
                    match[0][0] == "[" and len(folded(match["name"])) <= _MAX_FOOTNOTE_LETTERS
                )
                if column is not None and not is_footnote:
                    yield match, column, ""


def _column(written: str, names: dict[str, object]) -> object:
    """The column of a name, or of what follows its last dot; None without one."""
    parts = [written, written.rpartition(".")[2], *_VARIABLE.findall(written)]
    return next((names[name] for name in map(folded, parts) if name in names), None)


_VARIABLE: Final = re.compile(r"@(\w+)")
"""A variable of Salesforce."""


def _instead(name: str, column: object) -> str:
    if column is None:
        return "{{{ pm:unsubscribe }}}" if name.upper().startswith("UNSUB") else ""
    return f"{{{{ {variable(column)} }}}}"
