"""Checks of the fields of a template and of its model: types (403), lengths, names. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.checks import texts, texts_templates
from mailframe.sandbox.checks.message_checks import utf16_units
from mailframe.sandbox.checks.request_json import canonical
from mailframe.sandbox.checks.texts import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

WRONG_TYPE: Final = 403
NO_DATA, MISSING, TOO_LONG, INVALID, NOT_ALLOWED = 1109, 1120, 1121, 1122, 1123
TEMPLATE_FIELDS: Final = {
    "Name": str,
    "Alias": str,
    "Subject": str,
    "HtmlBody": str,
    "TextBody": str,
    "TemplateType": str,
    "LayoutTemplate": str,
}
VALIDATION_FIELDS: Final = {
    **{name: kind for name, kind in TEMPLATE_FIELDS.items() if name not in ("Name", "Alias")},
    "TestRenderModel": dict,
    "InlineCssForHtmlTestRender": bool,
}
# A: that there are limits is D
MAX_CHARACTERS: Final = {"Name": 255, "Alias": 255, "Subject": 2000}  # UTF-16 units
MAX_BODY_CHARACTERS: Final = 2_500_000
_ALIAS: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_RESERVED: Final = ("@", "pm:")  # A: what tags of Postmark begin with
_KINDS: Final = {"": "Standard", "standard": "Standard", "layout": "Layout"}


def fields(value: Any, kinds: Mapping[str, type], *, path: str = "$") -> dict[str, Any]:
    """The fields of *kinds* in an object, named as Postmark documents them, without nulls.

    The case of keys is ignored (S): the PHP client writes ``htmlBody``, the .NET client
    ``HTMLBody``. A null is the same as a missing field (S).

    Raises:
        CheckFailed: 422 / 403 with a path such as ``$.Name``.

    >>> fields({"name": "Welcome", "alias": None, "Other": 1}, TEMPLATE_FIELDS)
    {'Name': 'Welcome'}
    """
    if not isinstance(value, dict):
        raise wrong_type(path)
    given = canonical(value, kinds)
    checked = {name: given[name] for name in kinds if given.get(name) is not None}
    for name, item in checked.items():
        if type(item) is not kinds[name]:
            raise wrong_type(f"{path}.{name}")
    return checked


def wrong_type(path: str) -> CheckFailed:
    """422 / 403 for the field at *path*."""
    return CheckFailed(WRONG_TYPE, texts.WRONG_FIELD.format(field=path))


def check_lengths(given: dict[str, Any]) -> None:
    """1121 for a field that is too long."""
    for name, limit in MAX_CHARACTERS.items():
        _check_length(name, given.get(name) or "", limit)
    for name in ("HtmlBody", "TextBody"):
        _check_length(name, given.get(name) or "", MAX_BODY_CHARACTERS)


def _check_length(name: str, value: str, limit: int) -> None:
    units = utf16_units(value)
    if units > limit:
        text = texts_templates.TOO_LONG.format(field=name, limit=limit, found=units)
        raise CheckFailed(TOO_LONG, text)


def check_alias(alias: str) -> None:
    """1122 for an alias with other characters than Postmark allows (D).

    >>> check_alias("welcome-mail_2.0")
    """
    if not _ALIAS.fullmatch(alias):
        raise CheckFailed(INVALID, texts_templates.BAD_ALIAS)


def template_kind(value: str | None) -> str:
    """``Standard`` or ``Layout``; a missing or empty one is ``Standard`` (S for empty: PHP).

    Raises:
        CheckFailed: 422 / 1122.

    >>> template_kind(None), template_kind("Layout")
    ('Standard', 'Layout')
    """
    kind = _KINDS.get((value or "").lower())
    if kind is None:
        raise CheckFailed(INVALID, texts_templates.BAD_TYPE)
    return kind


def check_model(model: dict[str, Any]) -> None:
    """1122 for a name at the top of a model that no template can print (D for the code)."""
    for name in model:
        if name.startswith(_RESERVED):
            raise CheckFailed(INVALID, texts_templates.RESERVED_NAME.format(name=name))
