"""Checks of ``POST /email/bulk``: types (403), and all errors of a request together. Pure."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from mailframe.sandbox.checks import request_json, template_fields, texts
from mailframe.sandbox.checks.request_json import canonical
from mailframe.sandbox.checks.templated_messages import FIELDS as TEMPLATE_FIELDS
from mailframe.sandbox.checks.texts import CheckFailed

OF_RECIPIENTS: Final = ("To", "Cc", "Bcc", "Metadata", "Headers")
"""What each message of a bulk request has of its own, beside its model."""
_NAMED: Final = re.compile(r"'(From|To|Cc|Bcc|Reply-To|Subject|Tag|HtmlBody|TextBody|TrackLinks)'")
_NO_AT: Final = re.compile(r"^Error parsing '([\w-]+)': Illegal email address '(.*)'\. It must")
_BY_WORD: Final = (  # A: the field of an error that does not name one
    ("metadata", "Metadata"),
    ("header", "Headers"),
    ("attachment", "Attachments"),
    ("recipient", "To"),
    ("body", "HtmlBody"),
    ("template", "TemplateId"),
)


class BulkMessage(NamedTuple):
    """One message of a bulk request.

    Attributes:
        fields: its fields, named as Postmark documents them.
        model: its model.
    """

    fields: dict[str, Any]
    model: dict[str, Any]


class BulkRequest(NamedTuple):
    """What a bulk request sends.

    Attributes:
        shared: the fields that all its messages have.
        template: the fields that name a template.
        messages: its messages.
    """

    shared: dict[str, Any]
    template: dict[str, Any]
    messages: list[BulkMessage]


def read(value: Any) -> BulkRequest:
    """The bulk request in a JSON value.

    Raises:
        CheckFailed: 422 / 403 with a path such as ``$.Messages[3].To``.

    >>> read({"From": "a@example.com", "Messages": [{"To": "b@example.com"}]}).messages
    [BulkMessage(fields={'To': 'b@example.com'}, model={})]
    """
    if not isinstance(value, dict):
        raise template_fields.wrong_type("$")
    given = canonical(value, ("Messages", *TEMPLATE_FIELDS))
    messages = given.pop("Messages", None)
    if not isinstance(messages, list):
        raise template_fields.wrong_type("$.Messages")
    of_template = {name: given.pop(name) for name in TEMPLATE_FIELDS if name in given}
    return BulkRequest(
        request_json.one_message(given),
        template_fields.fields(of_template, TEMPLATE_FIELDS),
        [_message(one, f"$.Messages[{index}]") for index, one in enumerate(messages)],
    )


def _message(value: Any, path: str) -> BulkMessage:
    if not isinstance(value, dict):
        raise template_fields.wrong_type(path)
    given = canonical(value, ("TemplateModel",))
    model = given.pop("TemplateModel", None)
    if not isinstance(model, dict | None):
        raise template_fields.wrong_type(f"{path}.TemplateModel")
    fields = request_json.one_message(given, path=path)
    return BulkMessage(
        {name: fields[name] for name in OF_RECIPIENTS if fields.get(name)}, model or {}
    )


class Errors:
    """The errors of one bulk request, each once.

    >>> errors = Errors()
    >>> errors.add(CheckFailed(300, "Invalid 'From' address: 'test'."))
    >>> errors.add(CheckFailed(300, "Zero recipients specified"))
    >>> [*errors.by_field()]
    ['From', 'To']
    """

    def __init__(self) -> None:
        self._errors: dict[tuple[str, int, str], CheckFailed] = {}

    def __bool__(self) -> bool:
        return bool(self._errors)

    def add(self, error: CheckFailed, *, name: str | None = None) -> None:
        """Add an error of the field *name*; None finds it in the text."""
        name = name or _field_of(error)
        no_at = _NO_AT.search(error.text)
        if no_at:  # D: a bulk request has a text of its own for this
            text = texts.BAD_ADDRESS.format(field=no_at[1], address=no_at[2])
            error = CheckFailed(error.error_code, text)
        self._errors.setdefault((name, error.error_code, error.text), error)

    def by_field(self) -> dict[str, list[dict[str, int | str]]]:
        """The items of the answer."""
        items: dict[str, list[dict[str, int | str]]] = {}
        for (name, _, _), error in self._errors.items():
            items.setdefault(name, []).append(error.as_item())
        return items

    @property
    def only(self) -> CheckFailed | None:
        """The one error; None if there is none, or more."""
        return next(iter(self._errors.values())) if len(self._errors) == 1 else None


def _field_of(error: CheckFailed) -> str:
    named = _NAMED.search(error.text)
    if named:
        return named[1].replace("-", "")
    words = error.text.lower()
    return next((name for word, name in _BY_WORD if word in words), "Messages")
