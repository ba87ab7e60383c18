"""The fields of a body and the parameters of a query under ``/_sandbox/``, checked in one way.

Each error names the field, the rule and the value: ``Opens is a share from 0 to 1; found 2.``
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe.errors import SandboxError
from mailframe.sandbox.checks import request_json
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.life.durations import nanoseconds
from mailframe.sandbox.state.paging import PAGE, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from mailframe.sandbox.state.paging import Page
    from mailframe.sandbox.wire.exchange import Request

INVALID: Final = 300
NEEDS_JSON: Final = "The Content-Type of this request is application/json; found {kind}."
NO_OBJECT: Final = "The body of this request is a JSON object; found {value}."
MALFORMED: Final = "The body of this request is a JSON object; found text that is not JSON."
MOST: Final = 500
"""Entries on a page."""
MAX_NUMBER: Final = 10**15
MAX_SECONDS: Final = 3_600
"""Of a wait; a longer one would block a client for good."""
_NUMBER: Final = re.compile(r"\d{1,15}", re.ASCII)
_MOST_SHOWN: Final = 80
_TRUE, _FALSE = ("", "1", "true"), ("0", "false")


@dataclass(frozen=True, slots=True)
class Kind:
    """The values that a field takes.

    Attributes:
        rule: what they are, to follow "is".
        is_right: whether a value of JSON is one of them.
        can_be_null: whether null is one, too; else null is the same as a missing field.
        is_number: whether a parameter of a query is read as a number.
        read: makes the value that is used of one that is right.
    """

    rule: str
    is_right: Callable[[Any], bool]
    can_be_null: bool = False
    is_number: bool = False
    read: Callable[[Any], Any] = lambda value: value


def whole(low: int, high: int = MAX_NUMBER, *, can_be_null: bool = False) -> Kind:
    """A whole number."""
    limits = f"{low:,} or more" if high == MAX_NUMBER else f"from {low:,} to {high:,}"
    return Kind(
        f"a whole number, {limits}",
        lambda value: type(value) is int and low <= value <= high,
        can_be_null,
        is_number=True,
    )


def one_of(choices: Iterable[str], *, can_be_null: bool = False) -> Kind:
    """One of some texts."""
    names = list(choices)
    return Kind(f"one of {', '.join(names)}", lambda value: value in names, can_be_null)


def is_seconds(value: object) -> bool:
    """Whether a value is a wait in seconds."""
    return type(value) in (int, float) and 0 <= value <= MAX_SECONDS  # type: ignore[operator]


def _is_duration(value: object) -> bool:
    try:
        return isinstance(value, str) and nanoseconds(value, name="") >= 0
    except (SandboxError, OverflowError):
        return False


TEXT: Final = Kind("a text", lambda value: isinstance(value, str))
FLAG: Final = Kind("true or false", lambda value: isinstance(value, bool))
SHARE: Final = Kind(
    "a share from 0 to 1, such as 0.02",
    lambda value: type(value) in (int, float) and math.isfinite(value) and 0 <= value <= 1,
)
SECONDS: Final = Kind(f"a number of seconds from 0 to {MAX_SECONDS:,}", is_seconds)
DURATION: Final = Kind('a text such as "2h", "90m" or "1d 12h", up to ten years', _is_duration)
NUMBER: Final = whole(0)
PAGE_KINDS: Final = {"count": whole(1, MOST), "before": NUMBER, "after": NUMBER}
"""The parameters of each list that is paged."""


def body_of(
    request: Request, kinds: Mapping[str, Kind], *, required: Collection[str] = ()
) -> dict[str, Any]:
    """The fields of a body under the names of *kinds*; these ignore case, as Postmark's do.

    Raises:
        CheckFailed: the body is no JSON object (415 / 409, 422 / 402), a field is unknown, there
            twice or missing, or its value has another kind (422 / 300).
    """
    names = {name.lower(): name for name in kinds}
    fields: dict[str, Any] = {}
    for key, value in json_object(request).items():
        name = names.get(key.lower())
        if name is None:
            raise unknown("field", key, kinds)
        if name in fields:
            raise wrong(f"{name} is in the body twice.")
        fields[name] = value
        if value is not None and not kinds[name].is_right(value):
            raise not_right(name, kinds[name], value)
    given = {
        name: value if value is None else kinds[name].read(value)
        for name, value in fields.items()
        if value is not None or kinds[name].can_be_null
    }
    for name in required:
        if given.get(name) is None:
            raise wrong(f"{name} is missing; it is {kinds[name].rule}.")
    return given


def json_object(request: Request) -> dict[str, Any]:
    """The JSON object of a request that changes something; empty without a body.

    Raises:
        CheckFailed: the body is something else (415 / 409, 422 / 402).
    """
    if not request.body:
        return {}
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise CheckFailed(409, NEEDS_JSON.format(kind=_shown(kind)), http_status=415)
    try:
        value = request_json.parse(request.body)
    except CheckFailed:
        raise CheckFailed(402, MALFORMED) from None
    if not isinstance(value, dict):
        raise CheckFailed(402, NO_OBJECT.format(value=_shown(value)))
    return value


def query_of(request: Request, kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """The parameters of a query; an empty one is not given, but for a flag it is true.

    Raises:
        CheckFailed: a parameter is unknown, or its value has another kind (422 / 300).
    """
    given = {}
    for name, text in request.values.items():
        if name not in kinds:
            raise unknown("parameter", name, kinds)
        kind = kinds[name]
        value = _flag(text) if kind is FLAG else _number(text) if kind.is_number else text
        if value != "" and not kind.is_right(value):
            raise not_right(name, kind, text)
        if value != "":
            given[name] = kind.read(value)
    return given


def span_of(given: Mapping[str, Any]) -> Span:
    """The page that the parameters of a query name.

    Raises:
        CheckFailed: they name two (422 / 300).
    """
    if "before" in given and "after" in given:
        raise wrong("before and after exclude each other; write one of them.")
    return Span(given.get("count", PAGE), given.get("before"), given.get("after"))


def as_page(name: str, page: Page[Any], **more: Any) -> dict[str, Any]:
    """The JSON of a page, whose entries are under *name*."""
    return {name: page.items, "Newer": page.newer, "Older": page.older, **more}


def not_right(name: str, kind: Kind, value: object) -> CheckFailed:
    """The error for a value of another kind."""
    rule = f"{kind.rule}, or null" if kind.can_be_null else kind.rule
    return wrong(f"{name} is {rule}; found {_shown(value)}.")


def unknown(what: str, name: str, names: Iterable[str]) -> CheckFailed:
    """The error for a field or a parameter that does not exist."""
    others = ", ".join(names)
    rest = f"the {what}s are {others}" if others else f"it takes no {what}s"
    return wrong(f"{_shown(name)} is not a {what} of this request; {rest}.")


def wrong(text: str) -> CheckFailed:
    """The error for a value that is not right."""
    return CheckFailed(INVALID, text)


def _number(text: str) -> int | str:
    return int(text) if _NUMBER.fullmatch(text) else text


def _flag(text: str) -> bool | str:
    return text.lower() in _TRUE if text.lower() in (*_TRUE, *_FALSE) else text


def _shown(value: object) -> str:
    """A value as JSON; of a long one, the start."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    text = orjson.dumps(value).decode("utf-8", "replace") if value != "" else '""'
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
