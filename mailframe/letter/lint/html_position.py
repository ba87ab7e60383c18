"""The position in HTML at the end of a text: between tags, in an attribute, in a style, and so on.

It parses as browsers do, except that the content of a conditional comment for Outlook is markup.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Mode(Enum):
    """What a character at this position belongs to."""

    DATA = auto()
    TAG_OPEN = auto()
    TAG_NAME = auto()
    IN_TAG = auto()
    ATTRIBUTE = auto()
    AFTER_ATTRIBUTE = auto()
    BEFORE_VALUE = auto()
    DOUBLE_QUOTED = auto()
    SINGLE_QUOTED = auto()
    UNQUOTED = auto()
    RAW = auto()
    """Inside ``<style>``, ``<script>`` and other elements whose text has no tags."""
    COMMENT = auto()
    IGNORED = auto()
    """In an end tag or a declaration, which ends at the next ``>``."""


VALUES: Final = frozenset({Mode.DOUBLE_QUOTED, Mode.SINGLE_QUOTED, Mode.UNQUOTED})
CODE: Final = frozenset({"style", "script"})
_RAW: Final = CODE | {"title", "textarea", "xmp", "iframe", "noembed", "noframes"}


class HtmlPosition(NamedTuple):
    """A position in HTML.

    Attributes:
        mode: the kind of markup or text at this position.
        tag: the element of the tag or text.
        attribute: the attribute of the value.
        value: the value so far of the attribute ``type`` of a script, or the backtick at the start
            of a value without quotes.
        is_json: whether the text is JSON of a script, such as ``application/ld+json``.
        in_string: whether the position is in a string of this JSON.
    """

    mode: Mode = Mode.DATA
    tag: str = ""
    attribute: str = ""
    value: str = ""
    is_json: bool = False
    in_string: bool = False


START: Final = HtmlPosition()


def feed(state: HtmlPosition, text: str) -> HtmlPosition:
    """The position after *text*.

    >>> feed(START, '<a title="').mode.name, feed(START, "<style>a > b {").tag
    ('DOUBLE_QUOTED', 'style')
    """
    at = 0
    while at < len(text):
        state, at = _STEPS[state.mode](state, text, at)
    return state


def printed(state: HtmlPosition) -> HtmlPosition:
    """The position after a printed value without markup."""
    next_modes = {
        Mode.TAG_OPEN: Mode.TAG_NAME,
        Mode.AFTER_ATTRIBUTE: Mode.IN_TAG,
        Mode.BEFORE_VALUE: Mode.UNQUOTED,
    }
    return state._replace(mode=next_modes.get(state.mode, state.mode))


_SPACE: Final = re.compile(r"[\s/]*")
_WHITE_SPACE: Final = re.compile(r"\s*")
_NAME: Final = re.compile(r"[^\s/>]*")
_ATTRIBUTE: Final = re.compile(r"[^\s/>=]*")
_UNQUOTED: Final = re.compile(r"[^\s>]*")
_CONDITION: Final = re.compile(r"!--\s*\[if[^\]]*\]>|!--+>|!--", re.IGNORECASE)
_JSON_QUOTE: Final = re.compile(r"\\.|\"", re.DOTALL)
_ENDS: Final = {tag: re.compile(rf"</{tag}(?=[\s/>]|\Z)", re.IGNORECASE) for tag in _RAW}


def _matched(pattern: re.Pattern[str], text: str, at: int) -> str:
    match = pattern.match(text, at)
    return match[0] if match else ""


def _data(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    start = text.find("<", at)
    return (HtmlPosition(Mode.TAG_OPEN), start + 1) if start >= 0 else (state, len(text))


def _tag_open(_: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    first = text[at]
    if first == "!":
        comment = _CONDITION.match(text, at)
        if comment is not None:
            state = HtmlPosition(Mode.COMMENT) if comment.group() == "!--" else START
            return state, comment.end()
    if first in "!?/":
        return HtmlPosition(Mode.IGNORED), at + 1
    return (HtmlPosition(Mode.TAG_NAME) if first.isascii() and first.isalpha() else START), at


def _until(end: str) -> Callable[[HtmlPosition, str, int], tuple[HtmlPosition, int]]:
    def step(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
        start = text.find(end, at)
        return (START, start + len(end)) if start >= 0 else (state, len(text))

    return step


def _tag_name(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    name = _matched(_NAME, text, at)
    mode = Mode.TAG_NAME if at + len(name) == len(text) else Mode.IN_TAG
    return state._replace(mode=mode, tag=state.tag + name.lower()), at + len(name)


def _in_tag(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    at += len(_matched(_SPACE, text, at))
    if at == len(text):
        return state, at
    if text[at] == ">":
        return _opened(state), at + 1
    return state._replace(mode=Mode.ATTRIBUTE, attribute=text[at].lower()), at + 1


def _opened(state: HtmlPosition) -> HtmlPosition:
    if state.tag in _RAW:
        return HtmlPosition(Mode.RAW, state.tag, is_json=state.is_json and state.tag == "script")
    return START


def _attribute(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    name = _matched(_ATTRIBUTE, text, at)
    state, at = state._replace(attribute=state.attribute + name.lower()), at + len(name)
    if at == len(text):
        return state, at
    if text[at] == "=":
        return state._replace(mode=Mode.BEFORE_VALUE, value=""), at + 1
    return state._replace(mode=Mode.AFTER_ATTRIBUTE if text[at] not in "/>" else Mode.IN_TAG), at


def _after_attribute(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    at += len(_matched(_WHITE_SPACE, text, at))
    if at < len(text) and text[at] == "=":
        return state._replace(mode=Mode.BEFORE_VALUE, value=""), at + 1
    return (state if at == len(text) else state._replace(mode=Mode.IN_TAG)), at


def _before_value(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    at += len(_matched(_WHITE_SPACE, text, at))
    if at == len(text):
        return state, at
    if text[at] in "\"'":
        mode = Mode.DOUBLE_QUOTED if text[at] == '"' else Mode.SINGLE_QUOTED
        return state._replace(mode=mode), at + 1
    if text[at] == ">":
        return _opened(state), at + 1
    return state._replace(mode=Mode.UNQUOTED, value="`" if text[at] == "`" else ""), at


def _quoted(quote: str) -> Callable[[HtmlPosition, str, int], tuple[HtmlPosition, int]]:
    def step(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
        end = text.find(quote, at)
        state = _valued(state, text[at : end if end >= 0 else None])
        return (_value_ended(state), end + 1) if end >= 0 else (state, len(text))

    return step


def _unquoted(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    value = _matched(_UNQUOTED, text, at)
    at += len(value)
    state = _valued(state, value)
    return (state if at == len(text) else _value_ended(state)), at


def _valued(state: HtmlPosition, value: str) -> HtmlPosition:
    is_script_type = state.tag == "script" and state.attribute == "type"
    return state._replace(value=(state.value + value)[:80]) if is_script_type else state


def _value_ended(state: HtmlPosition) -> HtmlPosition:
    is_json = state.is_json or state.value.strip().lower().partition(";")[0].endswith("json")
    return state._replace(mode=Mode.IN_TAG, value="", is_json=is_json)


def _raw(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    end = _ENDS[state.tag].search(text, at)
    if end:
        return HtmlPosition(Mode.IGNORED), end.end()
    if state.is_json:
        quotes = _JSON_QUOTE.findall(text[at:]).count('"')
        state = state._replace(in_string=state.in_string ^ bool(quotes % 2))
    return state, len(text)


_STEPS: Final[dict[Mode, Callable[[HtmlPosition, str, int], tuple[HtmlPosition, int]]]] = {
    Mode.DATA: _data,
    Mode.TAG_OPEN: _tag_open,
    Mode.TAG_NAME: _tag_name,
    Mode.IN_TAG: _in_tag,
    Mode.ATTRIBUTE: _attribute,
    Mode.AFTER_ATTRIBUTE: _after_attribute,
    Mode.BEFORE_VALUE: _before_value,
    Mode.DOUBLE_QUOTED: _quoted('"'),
    Mode.SINGLE_QUOTED: _quoted("'"),
    Mode.UNQUOTED: _unquoted,
    Mode.RAW: _raw,
    Mode.COMMENT: _until("-->"),
    Mode.IGNORED: _until(">"),
}
