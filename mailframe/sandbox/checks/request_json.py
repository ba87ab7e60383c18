"""Checks of the JSON of a request: its syntax (402), types (403) and count (410). Pure."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import orjson

from mailframe.sandbox.checks import texts
from mailframe.sandbox.checks.texts import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_MESSAGES = 500
TEXT_FIELDS = ("From", "To", "Cc", "Bcc", "Subject", "Tag", "HtmlBody", "TextBody", "ReplyTo")
STRINGS = (*TEXT_FIELDS, "TrackLinks", "MessageStream")
HEADER_KEYS = ("Name", "Value")
LISTS = {
    "Headers": HEADER_KEYS,
    "Attachments": ("Name", "Content", "ContentType", "ContentID"),
}
# The type of each field; null is the same as a missing field.
KINDS: dict[str, type] = {
    **dict.fromkeys(STRINGS, str),
    "TrackOpens": bool,
    "Metadata": dict,
    **dict.fromkeys(LISTS, list),
}
MAX_DEPTH = 64  # A: of arrays and objects, as in .NET; orjson writes no more than 254
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
WRONG_TYPE = 403


def parse(body: bytes) -> Any:
    """The JSON value in *body*, which can begin with a byte order mark, as .NET reads it (A).

    Raises:
        CheckFailed: 422 / 402 if it is not JSON in UTF-8, has NaN or half a surrogate pair, or is
            nested too deep; of a list, ``many_messages`` checks the depth.

    >>> parse(b'{"To": "ann@example.com"}')
    {'To': 'ann@example.com'}
    """
    try:
        value = orjson.loads(body.removeprefix(BYTE_ORDER_MARK))
    except orjson.JSONDecodeError:
        raise CheckFailed(402, texts.MALFORMED) from None
    if isinstance(value, dict):
        _check_depth(value, levels=MAX_DEPTH)
    return value


def fields(body: bytes) -> dict[str, Any]:
    """The fields of the JSON object in *body*, by name in lower case; none without a body.

    Clients write ``Name``, ``name`` and ``NAME`` (live suite of postmark-php).

    Raises:
        CheckFailed: 422 / 402 if it is not JSON, 422 / 403 if it is not an object.
    """
    value = parse(body) if body.strip() else {}
    if not isinstance(value, dict):
        raise _wrong("$")
    return {name.lower(): field for name, field in value.items()}


def one_message(value: Any, *, path: str = "$") -> dict[str, Any]:
    """The message of ``POST /email``, its fields named as Postmark documents them.

    Args:
        value: the JSON value.
        path: where it stands in the request.

    Raises:
        CheckFailed: 422 / 403 with a path such as ``$.Metadata``.

    >>> one_message({"to": "ann@example.com"})
    {'To': 'ann@example.com'}
    """
    return _checked_message(value, path)


def many_messages(value: Any, *, checked: Sequence[object] = ()) -> list[dict[str, Any]]:
    """The messages of ``POST /email/batch``, their fields named as Postmark documents them.

    Args:
        value: the JSON value.
        checked: an item for each message; any but None if it needs no check of its types.

    Raises:
        CheckFailed: 422 / 403 with a path such as ``$[3].Metadata``, 422 / 402 for one of too many
            levels, or 422 / 410.
    """
    if not isinstance(value, list):
        raise _wrong("$")
    messages = [
        _checked_item(message, f"$[{index}]") if is_checked is None else message
        for index, (message, is_checked) in enumerate(zip_longest(value, checked))
    ]
    if len(messages) > MAX_MESSAGES:
        raise CheckFailed(410, texts.TOO_MANY_MESSAGES)
    return messages


def canonical(entry: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """*entry* with the keys of *names* as these write them; the last of equal keys counts.

    The case of keys is ignored, as .NET does by default (A): the official PHP client passes the
    keys of a batch as they are, and looks for its headers in any case.

    >>> canonical({"name": "X-Own", "VALUE": "1", "other": 2}, ("Name", "Value"))
    {'Name': 'X-Own', 'Value': '1', 'other': 2}
    """
    by_lower = {name.lower(): name for name in names}
    return {by_lower.get(key.lower(), key): item for key, item in entry.items()}


def _checked_item(message: Any, path: str) -> dict[str, Any]:
    if isinstance(message, dict):
        _check_depth(message, levels=MAX_DEPTH - 1)
    return _checked_message(message, path)


def _checked_message(message: Any, path: str) -> dict[str, Any]:
    if not isinstance(message, dict):
        raise _wrong(path)
    checked = canonical(message, KINDS)
    for field in STRINGS:
        _check(isinstance(checked.get(field), str | None), f"{path}.{field}")
    _check(isinstance(checked.get("TrackOpens"), bool | None), f"{path}.TrackOpens")
    _check_metadata(checked.get("Metadata"), f"{path}.Metadata")
    for field, keys in LISTS.items():
        if checked.get(field) is not None:
            checked[field] = _checked_list(checked[field], keys, f"{path}.{field}")
    return checked


def _check_depth(value: Any, *, levels: int) -> None:
    """At most *levels* arrays and objects in each other, of which *value* is the first."""
    inner = [value]
    for _ in range(levels):
        inner = [
            item
            for outer in inner
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, dict | list)
        ]
        if not inner:
            return
    raise CheckFailed(402, texts.MALFORMED)


def _check_metadata(metadata: Any, path: str) -> None:
    """An object of plain values; the live API also accepts integers and returns them as strings."""
    _check(isinstance(metadata, dict | None), path)
    for value in (metadata or {}).values():
        _check(isinstance(value, str | int | float), path)


def _checked_list(entries: Any, keys: tuple[str, ...], path: str) -> list[dict[str, Any]]:
    _check(isinstance(entries, list), path)
    checked = []
    for index, entry in enumerate(entries):
        _check(isinstance(entry, dict), f"{path}[{index}]")
        checked.append(canonical(entry, keys))
        for key in keys:
            _check(isinstance(checked[-1].get(key), str | None), f"{path}[{index}].{key}")
    return checked


def _check(is_right: bool, path: str) -> None:
    if not is_right:
        raise _wrong(path)


def _wrong(path: str) -> CheckFailed:
    return CheckFailed(WRONG_TYPE, texts.WRONG_FIELD.format(field=path))
