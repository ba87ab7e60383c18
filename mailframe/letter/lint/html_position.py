"""Where in HTML the end of a text stands: between tags, in the value of an attribute, in a style, and so on.

It reads as browsers do, with one difference: what a conditional comment shows to Outlook is read as markup.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Mode(Enum):
    """What a character at this place belongs to."""

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
    """Inside ``<style>``, ``<script>`` and other elements whose text holds no tags."""
    END_TAG = auto()
    COMMENT = auto()
    DECLARATION = auto()


VALUES: Final = frozenset({Mode.DOUBLE_QUOTED, Mode.SINGLE_QUOTED, Mode.UNQUOTED})
CODE: Final = frozenset({"style", "script"})
_RAW: Final = CODE | {"title", "textarea", "xmp", "iframe", "noembed", "noframes"}


class HtmlPosition(NamedTuple):
    """A place in HTML.

    Attributes:
        mode: what stands there.
        tag: the element whose tag or text it is.
        attribute: whose value it is.
        value: of the attribute ``type`` of a script so far; or the backtick that a value without quotes begins with.
        is_json: the text of a script of JSON, such as ``application/ld+json``.
        in_string: in a string of such a text.
    """

    mode: Mode = Mode.DATA
    tag: str = ""
    attribute: str = ""
    value: str = ""
    is_json: bool = False
    in_string: bool = False


START: Final = HtmlPosition()


def feed(state: HtmlPosition, text: str) -> HtmlPosition:
    """The place after *text*.

    >>> feed(START, '<a title="').mode.name, feed(START, "<style>a > b {").tag
    ('DOUBLE_QUOTED', 'style')
    """
    at = 0
    while at < len(text):
        state, at = _STEPS[state.mode](state, text, at)
    return state


def printed(state: HtmlPosition) -> HtmlPosition:
    """The place after a value without markup."""
    following = {
        Mode.TAG_OPEN: Mode.TAG_NAME,
        Mode.AFTER_ATTRIBUTE: Mode.IN_TAG,
        Mode.BEFORE_VALUE: Mode.UNQUOTED,
    }
    return state._replace(mode=following.get(state.mode, state.mode))


_SPACE: Final = re.compile(r"[\s/]*")
_NAME: Final = re.compile(r"[^\s/>]*")
_ATTRIBUTE: Final = re.compile(r"[^\s/>=]*")
_UNQUOTED: Final = re.compile(r"[^\s>]*")
_CONDITION: Final = re.compile(r"!--\s*\[if[^\]]*\]>|!--+>|!--", re.IGNORECASE)
_JSON_QUOTE: Final = re.compile(r"\\.|\"", re.DOTALL)
_ENDS: Final = {tag: re.compile(rf"</{tag}(?=[\s/>]|\Z)", re.IGNORECASE) for tag in _RAW}


def _data(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    found = text.find("<", at)
    return (HtmlPosition(Mode.TAG_OPEN), found + 1) if found >= 0 else (state, len(text))


def _tag_open(_: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    first = text[at]
    if first == "!":
        comment = _CONDITION.match(text, at)
        if comment is None:
            return HtmlPosition(Mode.DECLARATION), at + 1
        return (HtmlPosition(Mode.COMMENT) if comment.group() == "!--" else START), comment.end()
    if first == "?":
        return HtmlPosition(Mode.DECLARATION), at + 1
    if first == "/":
        return HtmlPosition(Mode.END_TAG), at + 1
    return (HtmlPosition(Mode.TAG_NAME) if first.isascii() and first.isalpha() else START), at


def _until(end: str) -> Callable[[HtmlPosition, str, int], tuple[HtmlPosition, int]]:
    def step(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
        found = text.find(end, at)
        return (START, found + len(end)) if found >= 0 else (state, len(text))

    return step


def _tag_name(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    found = _NAME.match(text, at)
    name = found.group() if found else ""
    mode = Mode.TAG_NAME if at + len(name) == len(text) else Mode.IN_TAG
    return state._replace(mode=mode, tag=state.tag + name.lower()), at + len(name)


def _in_tag(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    found = _SPACE.match(text, at)
    at = found.end() if found else at
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
    found = _ATTRIBUTE.match(text, at)
    name = found.group() if found else ""
    state, at = state._replace(attribute=state.attribute + name.lower()), at + len(name)
    if at == len(text):
        return state, at
    if text[at] == "=":
        return state._replace(mode=Mode.BEFORE_VALUE, value=""), at + 1
    return state._replace(mode=Mode.AFTER_ATTRIBUTE if text[at] not in "/>" else Mode.IN_TAG), at


def _after_attribute(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    at = _without_space(text, at)
    if at < len(text) and text[at] == "=":
        return state._replace(mode=Mode.BEFORE_VALUE, value=""), at + 1
    return (state if at == len(text) else state._replace(mode=Mode.IN_TAG)), at


def _before_value(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    at = _without_space(text, at)
    if at == len(text):
        return state, at
    if text[at] in "\"'":
        mode = Mode.DOUBLE_QUOTED if text[at] == '"' else Mode.SINGLE_QUOTED
        return state._replace(mode=mode), at + 1
    if text[at] == ">":
        return _opened(state), at + 1
    return state._replace(mode=Mode.UNQUOTED, value="`" if text[at] == "`" else ""), at


def _without_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _quoted(quote: str) -> Callable[[HtmlPosition, str, int], tuple[HtmlPosition, int]]:
    def step(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
        end = text.find(quote, at)
        state = _valued(state, text[at : end if end >= 0 else None])
        return (_value_ended(state), end + 1) if end >= 0 else (state, len(text))

    return step


def _unquoted(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    found = _UNQUOTED.match(text, at)
    value = found.group() if found else ""
    at += len(value)
    state = _valued(state, value)
    return (state if at == len(text) else _value_ended(state)), at


def _valued(state: HtmlPosition, value: str) -> HtmlPosition:
    is_kept = state.tag == "script" and state.attribute == "type"
    return state._replace(value=(state.value + value)[:80]) if is_kept else state


def _value_ended(state: HtmlPosition) -> HtmlPosition:
    is_json = state.is_json or state.value.strip().lower().partition(";")[0].endswith("json")
    return state._replace(mode=Mode.IN_TAG, value="", is_json=is_json)


def _raw(state: HtmlPosition, text: str, at: int) -> tuple[HtmlPosition, int]:
    found = _ENDS[state.tag].search(text, at)
    if found:
        return HtmlPosition(Mode.END_TAG), found.end()
    if state.is_json:
        quotes = sum(1 for one in _JSON_QUOTE.findall(text[at:]) if one == '"')
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
    Mode.END_TAG: _until(">"),
    Mode.COMMENT: _until("-->"),
    Mode.DECLARATION: _until(">"),
}
