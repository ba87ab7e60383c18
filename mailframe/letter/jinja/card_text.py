r"""Calendars and address cards: a printed value stays a value of its property.

``SUMMARY:{{ name }}`` and ``ATTENDEE;CN={{ name }}:mailto:{{ email }}`` are lines with a value of a
row. A line break, comma, semicolon or colon in it could add a property or a parameter, so it is
escaped for the place where it stands (RFC 5545 §3.1, §3.3.11; RFC 6350 §3.3, §3.4).
"""

from __future__ import annotations

import re
import secrets
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

from jinja2.exceptions import SecurityError
from jinja2.utils import pass_context

from mailframe.letter.jinja.compiling import compile_part
from mailframe.letter.jinja.environment import LetterEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jinja2 import Template
    from jinja2.runtime import Context

    from mailframe.letter.jinja.simple_template import SimpleTemplate

_START, _END = f"\x02{secrets.randbits(64)}\x02", "\x03"
"""Around each printed value while a file is rendered: no cell can know the number."""
_MARKS: Final = re.compile("[\x02\x03]")
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
_VALUE: Final = re.compile(f"{_START}([^\x02\x03]*){_END}")
"""A marked value; while a line is taken apart, its number stands for it."""
_PARAMETERS: Final = re.compile(r'([^";:]*)((?:;(?:"[^"]*"|[^":])*)?)(:?)')
"""A line up to its value: the name of the property, the parameters, and the colon."""
_PARAMETER: Final = re.compile(r'"[^"]*"|[^",;=]+')
_NAME: Final = re.compile(r"[^A-Za-z0-9-]")
_SPECIAL: Final = re.compile(r"[\\;,]")
_NOT_TEXT: Final = frozenset(
    """
    ANNIVERSARY ATTACH ATTENDEE BDAY BEGIN CALADRURI CALURI COMPLETED CREATED DTEND DTSTAMP DTSTART
    DUE DURATION END EXDATE EXRULE FBURL FREEBUSY GEO IMPP KEY LAST-MODIFIED LOGO MEMBER ORGANIZER
    PERCENT-COMPLETE PHOTO PRIORITY RDATE RECURRENCE-ID RELATED REPEAT REV RRULE SEQUENCE SOUND
    SOURCE TRIGGER TZOFFSETFROM TZOFFSETTO TZURL URL VERSION
    """.split()  # noqa: SIM905 - a list of one word a line is harder to read
)
"""Properties whose value is no text, such as a time or an address: nothing in it is escaped."""


class CardEnvironment(LetterEnvironment):
    r"""The environment of calendars and address cards. It escapes values for their place.

    >>> from mailframe.letter.jinja.settings import TemplateSettings
    >>> cards = CardEnvironment(TemplateSettings(), html=False)
    >>> card = cards.from_string("SUMMARY:{{ x }}\nATTENDEE;CN={{ x }}:mailto:ann@acme.example")
    >>> print(cards.render(card, {"x": "Tea, cake; a:b\nEND"}))
    SUMMARY:Tea\, cake\; a:b\nEND
    ATTENDEE;CN="Tea, cake; a:b END":mailto:ann@acme.example
    """

    allows_simple_templates = False
    constants_are_text = False

    def _printer(self) -> Callable[[Context, Any], Any]:
        printed = super()._printer()

        @pass_context
        def marked(context: Context, value: Any) -> Any:
            return _marked(printed(context, value))

        return marked

    def render(self, template: Template | SimpleTemplate, cells: dict[Any, Any]) -> str:
        """The text of the file for one row.

        Raises:
            SecurityError: a filter has cut a value.
        """
        return _escaped(super().render(template, cells))


class Cards:
    """The calendars and cards of a letter, compiled when the first row needs them.

    Args:
        plain: the environment of the other texts of the letter.
        templates: the template of each file, by the name of its part.
    """

    def __init__(self, plain: LetterEnvironment, templates: Mapping[str, str]) -> None:
        self._plain, self._templates = plain, templates
        self._compiled: dict[str, Template | str] = {}

    @cached_property
    def _environment(self) -> LetterEnvironment:
        return self._plain.made_again(CardEnvironment, parts=self._templates)

    def text(self, part: str, cells: dict[Any, Any]) -> str:
        """The text of a file for one row.

        Raises:
            SecurityError: a filter has cut a value.
        """
        if part not in self._compiled:
            compiled, _ = compile_part(self._environment, self._templates[part], name=part)
            self._compiled[part] = cast("Template | str", compiled)
        template = self._compiled[part]
        return template if isinstance(template, str) else self._environment.render(template, cells)


def _marked(printed: Any) -> str:
    """A printed value with marks around it, unless a macro or block has marked its values."""
    text = str(printed)
    if _START in text:
        return text
    return f"{_START}{_CONTROLS.sub('', text)}{_END}"


def _escaped(text: str) -> str:
    """The file with its values escaped, each for its place.

    Raises:
        SecurityError: a filter has cut a value.
    """
    values: list[str] = []

    def numbered(match: re.Match[str]) -> str:
        values.append(match[1])
        return f"{_START}{len(values) - 1}{_END}"

    lines: list[str] = []
    name = ""
    numbered_text = _VALUE.sub(numbered, text)
    if _MARKS.search(_VALUE.sub("", numbered_text)):
        raise SecurityError(
            "a filter cuts a text with values, which cannot be escaped after that; write the "
            "filter in each {{ … }} of a calendar or card"
        )
    for line in _LINE_BREAK.split(numbered_text):
        start, rest = "", line
        if not line.startswith((" ", "\t")):  # then it is the rest of the line before
            head, parameters, colon, rest = _divided(line)
            head = _filled(head, values, _as_name)
            name = head.rpartition(".")[2].strip().upper()
            parameters = _PARAMETER.sub(lambda match: _parameter(match[0], values), parameters)
            start = f"{head}{parameters}{colon}"
        written = _filled(rest, values, _as_other if name in _NOT_TEXT else _as_text)
        lines.append(f"{start}{written}")
    return "\n".join(lines)


def _divided(line: str) -> tuple[str, str, str, str]:
    """The name of the property, its parameters, the colon and the value."""
    match = _PARAMETERS.match(line)
    if match is None:
        return "", "", "", line
    return match[1], match[2], match[3], line[match.end() :]


def _filled(text: str, values: Sequence[str], written: Callable[[str], str]) -> str:
    """A piece of a line with its values, each as it is written there."""
    return _VALUE.sub(lambda match: written(values[int(match[1])]), text)


def _as_text(value: str) -> str:
    escaped = _SPECIAL.sub(r"\\\g<0>", _LINE_BREAK.sub("\n", value))
    return _CONTROLS.sub("", escaped.replace("\n", r"\n"))


def _as_other(value: str) -> str:
    return _CONTROLS.sub("", _LINE_BREAK.sub(" ", value))


def _as_name(value: str) -> str:
    return _NAME.sub("", value)


def _parameter(text: str, values: Sequence[str]) -> str:
    """A name or value among parameters: in quotes if it needs them, and without any inside."""
    if _START not in text:
        return text
    is_quoted = text.startswith('"')
    plain = _filled(text.strip('"'), values, _as_other).replace('"', "'")
    return f'"{plain}"' if is_quoted or _NEEDS_QUOTES.search(plain) else plain


_NEEDS_QUOTES: Final = re.compile("[,;:=]")
