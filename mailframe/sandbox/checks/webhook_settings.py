"""Checks of a webhook (codes 1354 to 1363), and what a body changes of it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.checks import field_types, texts_server
from mailframe.sandbox.checks.server_settings import is_web_url
from mailframe.sandbox.checks.texts import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

Triggers = dict[str, dict[str, bool]]

TRIGGERS: Final[Triggers] = {
    "Open": {"Enabled": False, "PostFirstOpenOnly": False},
    "Click": {"Enabled": False},
    "Delivery": {"Enabled": False},
    "Bounce": {"Enabled": False, "IncludeContent": False},
    "SpamComplaint": {"Enabled": False, "IncludeContent": False},
    "SubscriptionChange": {"Enabled": False},
}
"""Of a new webhook."""
# A: they would break the request
_FRAMING: Final = frozenset({"content-length", "transfer-encoding", "connection", "host"})
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")


def url(fields: Mapping[str, Any]) -> str | None:
    """The URL; None if it is missing or null.

    Raises:
        CheckFailed: 422 / 1354 if it is not one of http or https.
    """
    value = fields.get("url")
    if value is not None and not (isinstance(value, str) and is_web_url(value)):
        raise CheckFailed(1354, texts_server.BAD_WEBHOOK_URL)
    return value


def auth(fields: Mapping[str, Any]) -> dict[str, str] | None:
    """Username and password; empty if both are, None if they are not given.

    Raises:
        CheckFailed: 422 / 1361.
    """
    given = _object(fields, "HttpAuth")
    if given is None:
        return None
    values = {name: given.get(name.lower()) or "" for name in ("Username", "Password")}
    if not all(isinstance(value, str) and value.isprintable() for value in values.values()):
        raise _bad("HttpAuth")
    return values if any(values.values()) else {}


def headers(fields: Mapping[str, Any]) -> list[dict[str, str]] | None:
    """The names and values of headers; None if they are not given.

    Raises:
        CheckFailed: 422 / 1358 for a name, 1361 for anything else.
    """
    given = fields.get("httpheaders")
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(entry, dict) for entry in given):
        raise _bad("HttpHeaders")
    return [_header({key.lower(): value for key, value in entry.items()}) for entry in given]


def _header(entry: Mapping[str, Any]) -> dict[str, str]:
    name, value = entry.get("name"), entry.get("value") or ""
    if not isinstance(name, str) or not _TOKEN.fullmatch(name) or name.lower() in _FRAMING:
        raise CheckFailed(1358, texts_server.BAD_HOOK_HEADER)
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise _bad("HttpHeaders")
    return {"Name": name, "Value": value}


def triggers(fields: Mapping[str, Any], before: Triggers) -> Triggers:
    """The triggers *before*, with those that the body changes one by one (S: php, dotnet).

    Raises:
        CheckFailed: 422 / 1361.

    >>> triggers({"triggers": {"click": {"enabled": True}}}, TRIGGERS)["Click"]
    {'Enabled': True}
    """
    given = _object(fields, "Triggers") or {}
    return {name: options | _options(given, name, options) for name, options in before.items()}


def _options(given: Mapping[str, Any], name: str, options: Mapping[str, bool]) -> dict[str, bool]:
    entry = _object(given, name) or {}
    changes = {
        option: entry[option.lower()] for option in options if entry.get(option.lower()) is not None
    }
    if not all(isinstance(value, bool) for value in changes.values()):
        raise _bad(f"Triggers.{name}")
    return changes


def _object(fields: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    try:
        return field_types.mapping(fields, name)
    except CheckFailed:
        raise _bad(name) from None


def _bad(field: str) -> CheckFailed:
    return CheckFailed(1361, texts_server.BAD_WEBHOOK_VALUE.format(field=field))
