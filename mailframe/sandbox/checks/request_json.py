"""Checks of the JSON of a request: its syntax (402), types (403) and count (410). Pure."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from mailframe.sandbox.checks import texts
from mailframe.sandbox.checks.texts import CheckFailed

MAX_MESSAGES = 500
TEXT_FIELDS = ("From", "To", "Cc", "Bcc", "Subject", "Tag", "HtmlBody", "TextBody", "ReplyTo")
STRINGS = (*TEXT_FIELDS, "TrackLinks", "MessageStream")
LISTS = {
    "Headers": ("Name", "Value"),
    "Attachments": ("Name", "Content", "ContentType", "ContentID"),
}
TRACK_LINKS = ("None", "HtmlAndText", "HtmlOnly", "TextOnly")

WRONG_TYPE = 403


def parse(body: bytes) -> Any:
    """The JSON value in *body*.

    Raises:
        CheckFailed: 422 / 402 if it is not JSON in UTF-8, or has NaN or half a surrogate pair.
    """
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
        if b"\\u" in body:  # half a surrogate pair can be escaped, but not encoded in UTF-8
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise CheckFailed(402, texts.MALFORMED) from None
    return value


def one_message(value: Any) -> dict[str, Any]:
    """The message of ``POST /email``.

    Raises:
        CheckFailed: 422 / 403 with a path such as ``$.Metadata``.
    """
    _check_message(value, "$")
    message: dict[str, Any] = value
    return message


def many_messages(value: Any) -> list[dict[str, Any]]:
    """The messages of ``POST /email/batch``.

    Raises:
        CheckFailed: 422 / 403 with a path such as ``$[3].Metadata``, or 422 / 410.
    """
    if not isinstance(value, list):
        raise _wrong("$")
    for index, message in enumerate(value):
        _check_message(message, f"$[{index}]")
    if len(value) > MAX_MESSAGES:
        raise CheckFailed(410, texts.TOO_MANY_MESSAGES)
    return value


def _check_message(message: Any, path: str) -> None:
    if not isinstance(message, dict):
        raise _wrong(path)
    for field in STRINGS:
        _check(isinstance(message.get(field), str | None), f"{path}.{field}")
    _check(isinstance(message.get("TrackOpens"), bool | None), f"{path}.TrackOpens")
    _check_metadata(message.get("Metadata"), f"{path}.Metadata")
    for field, keys in LISTS.items():
        _check_list(message.get(field), keys, f"{path}.{field}")
    if message.get("TrackLinks") not in (None, *TRACK_LINKS):
        raise CheckFailed(WRONG_TYPE, texts.BAD_TRACK_LINKS)


def _check_metadata(metadata: Any, path: str) -> None:
    """An object of plain values; the live API also accepts integers and returns them as strings."""
    _check(isinstance(metadata, dict | None), path)
    for value in (metadata or {}).values():
        _check(isinstance(value, str | int | float), path)


def _check_list(entries: Any, keys: tuple[str, ...], path: str) -> None:
    _check(isinstance(entries, list | None), path)
    for index, entry in enumerate(entries or []):
        _check(isinstance(entry, dict), f"{path}[{index}]")
        for key in keys:
            _check(isinstance(entry.get(key), str | None), f"{path}[{index}].{key}")


def _check(is_right: bool, path: str) -> None:
    if not is_right:
        raise _wrong(path)


def _wrong(path: str) -> CheckFailed:
    return CheckFailed(WRONG_TYPE, texts.WRONG_FIELD.format(field=path))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
