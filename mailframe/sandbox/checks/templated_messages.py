"""Checks of messages that are sent with a template: types (403), count (410), fields. Pure."""

from __future__ import annotations

from typing import Any, Final

from mailframe.sandbox.checks import request_json, template_fields, texts, texts_templates
from mailframe.sandbox.checks.request_json import MAX_MESSAGES, canonical
from mailframe.sandbox.checks.template_fields import MISSING, NOT_ALLOWED
from mailframe.sandbox.checks.texts import CheckFailed

NO_TEMPLATE: Final = 1101
FIELDS: Final = {
    "TemplateId": int,
    "TemplateAlias": str,
    "TemplateModel": dict,
    "InlineCss": bool,
}
CONTENTS: Final = ("Subject", "HtmlBody", "TextBody")
_BY_LOWER: Final = {name.lower(): name for name in FIELDS}


def one_message(value: Any, *, path: str = "$") -> dict[str, Any]:
    """The message of ``POST /email/withTemplate``, its fields named as Postmark documents them.

    Args:
        value: the JSON value.
        path: where it stands in the request.

    Raises:
        CheckFailed: 422 / 403 with a path such as ``$.TemplateId``.

    >>> one_message({"to": "ann@example.com", "TemplateID": 7, "Subject": None})
    {'To': 'ann@example.com', 'Subject': None, 'TemplateId': 7}
    """
    if not isinstance(value, dict):
        raise template_fields.wrong_type(path)
    of_template = {name: item for name, item in value.items() if name.lower() in _BY_LOWER}
    others = {name: item for name, item in value.items() if name not in of_template}
    message = request_json.one_message(others, path=path)
    return message | template_fields.fields(of_template, FIELDS, path=path)


def many_messages(value: Any) -> list[dict[str, Any]]:
    """The messages of ``POST /email/batchWithTemplates``, an object with ``Messages``.

    Raises:
        CheckFailed: 422 / 403 with a path such as ``$.Messages[3].TemplateId``, or 422 / 410.
    """
    if not isinstance(value, dict):
        raise template_fields.wrong_type("$")
    messages = canonical(value, ("Messages",)).get("Messages")
    if not isinstance(messages, list):
        raise template_fields.wrong_type("$.Messages")
    checked = [
        one_message(message, path=f"$.Messages[{index}]") for index, message in enumerate(messages)
    ]
    if len(checked) > MAX_MESSAGES:
        raise CheckFailed(410, texts.TOO_MANY_MESSAGES)
    return checked


def check_no_contents(message: dict[str, Any]) -> None:
    """1123 for a subject or body beside the template, also for an empty one (O)."""
    if any(message.get(name) is not None for name in CONTENTS):
        raise CheckFailed(NOT_ALLOWED, texts_templates.CONTENT_TOO)


def check_model(model: dict[str, Any] | None) -> dict[str, Any]:
    """The model; an empty one is taken, a missing one is not (O).

    Raises:
        CheckFailed: 422 / 1120 or 1122.
    """
    if model is None:
        raise CheckFailed(MISSING, texts_templates.NO_MODEL)
    template_fields.check_model(model)
    return model
