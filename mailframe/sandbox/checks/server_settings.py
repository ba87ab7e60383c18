"""Checks of the settings of a server, for ``/server`` and ``/servers`` (codes 606 to 615). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from mailframe.sandbox.checks import field_types, texts_server
from mailframe.sandbox.checks.texts import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

HOOK_URLS: Final = (
    "InboundHookUrl",
    "BounceHookUrl",
    "OpenHookUrl",
    "DeliveryHookUrl",
    "ClickHookUrl",
)
FLAGS: Final = (
    "SmtpApiActivated",
    "RawEmailEnabled",
    "PostFirstOpenOnly",
    "TrackOpens",
    "IncludeBounceContentInHook",
    "EnableSmtpApiErrorHooks",
)
# D, and two that postmark-dotnet misspells (S)
COLORS: Final = frozenset(
    {"purple", "blue", "turquoise", "green", "red", "yellow", "grey", "orange", "turqoise", "ggrey"}
)
TRACK_LINKS: Final = ("None", "HtmlAndText", "HtmlOnly", "TextOnly")
DELIVERY_TYPES: Final = ("Live", "Sandbox")
MAX_NAME: Final = 100  # A
MAX_THRESHOLD: Final = 30  # D
MAX_URL: Final = 2048  # A
_RESERVED_DOMAIN: Final = "postmarkapp.com"  # D: code 608


def changes(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a body changes; null and what is missing change nothing (S: dotnet).

    Args:
        fields: the fields of the body, by name in lower case.

    Raises:
        CheckFailed: 422 with 606, 607, 608, 611 or 612, or with 403 for a wrong type.

    >>> changes({"color": "red", "trackopens": True, "name": "Shop"})
    {'Color': 'red', 'TrackOpens': True}
    """
    given = {
        "Color": _color(fields),
        **{name: field_types.flag(fields, name) for name in FLAGS},
        **{name: _hook_url(fields, name) for name in HOOK_URLS},
        "InboundDomain": _inbound_domain(fields),
        "InboundSpamThreshold": _threshold(fields),
        "TrackLinks": _track_links(fields),
    }
    return {name: value for name, value in given.items() if value is not None}


def name(fields: Mapping[str, Any]) -> str | None:
    """The name of a server; None if it is not given.

    Raises:
        CheckFailed: 422 / 608 if it is empty or too long.
    """
    value = field_types.text(fields, "Name")
    if value is not None and not 0 < len(value.strip()) <= MAX_NAME:
        raise CheckFailed(608, texts_server.BAD_SERVER_NAME)
    return value


def delivery_type(fields: Mapping[str, Any]) -> str | None:
    """The type of a server, in Postmark's writing; None if it is not given.

    Raises:
        CheckFailed: 422 / 613 if there is no such type.
    """
    value = field_types.text(fields, "DeliveryType")
    return value and _choice(value, DELIVERY_TYPES, 613, texts_server.BAD_DELIVERY_TYPE)


def is_web_url(value: str) -> bool:
    """Whether *value* is an absolute URL of http or https that names a host.

    >>> [is_web_url(value) for value in ("http://127.0.0.1:8000/hook", "https://:80", "hook")]
    [True, False, False]
    """
    if len(value) > MAX_URL or not value.isascii() or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0


def _hook_url(fields: Mapping[str, Any], field: str) -> str | None:
    value = field_types.text(fields, field)
    if value and not is_web_url(value):
        raise CheckFailed(606, texts_server.BAD_HOOK_URL.format(field=field))
    return value


def _color(fields: Mapping[str, Any]) -> str | None:
    """The color as it was sent (S: postmark.js, gem, dotnet)."""
    value = field_types.text(fields, "Color")
    if value is not None and value.lower() not in COLORS:
        raise CheckFailed(607, texts_server.BAD_COLOR)
    return value


def _inbound_domain(fields: Mapping[str, Any]) -> str | None:
    """The domain; the sandbox asks no DNS for its MX record (610)."""
    value = field_types.text(fields, "InboundDomain")
    if not value:
        return value
    if _RESERVED_DOMAIN in value.lower():
        raise CheckFailed(608, texts_server.POSTMARK_DOMAIN)
    if not field_types.is_domain(value):
        raise field_types.wrong("InboundDomain")
    return value.lower()


def _threshold(fields: Mapping[str, Any]) -> int | None:
    value = fields.get("inboundspamthreshold")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise field_types.wrong("InboundSpamThreshold")
    if not 0 <= value <= MAX_THRESHOLD:
        raise CheckFailed(611, texts_server.BAD_THRESHOLD)
    return int(value)


def _track_links(fields: Mapping[str, Any]) -> str | None:
    """The tracking of links; empty changes nothing, as postmark-php sends it."""
    value = field_types.text(fields, "TrackLinks")
    return _choice(value, TRACK_LINKS, 612, texts_server.BAD_TRACKING) if value else None


def _choice(value: str, choices: tuple[str, ...], code: int, text: str) -> str:
    for choice in choices:
        if choice.lower() == value.lower():
            return choice
    raise CheckFailed(code, text)
