"""``/templates``: list, get, create, edit, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.answers import done
from mailframe.sandbox.api.credentials import server_of
from mailframe.sandbox.api.template_lookups import layout_of_alias, posted_fields, template_at
from mailframe.sandbox.checks import field_types, template_fields, texts, texts_templates
from mailframe.sandbox.checks.template_fields import (
    INVALID,
    MISSING,
    NOT_ALLOWED,
    TEMPLATE_FIELDS,
)
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.account.templates import LAYOUT, STANDARD
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from mailframe.sandbox.state.account.templates import StoredTemplate
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

BAD_LIST, TOO_MANY, IN_USE, BAD_PLACES = 1100, 1105, 1130, 1131
MAX_TEMPLATES: Final = 100
_COLUMNS: Final = {
    "Name": "name",
    "Alias": "alias",
    "Subject": "subject",
    "HtmlBody": "html_body",
    "TextBody": "text_body",
}


def show_templates(request: Request, store: Store) -> Reply:
    """``GET /templates``: those that were not deleted, by name."""
    server = server_of(request, store)
    count, offset = field_types.paging(request.values, code=BAD_LIST)
    kind = request.values.get("templatetype", "") or "All"
    if kind.lower() not in ("all", "standard", "layout"):
        raise CheckFailed(BAD_LIST, texts.BAD_PARAMETER.format(name="TemplateType"))
    layout = request.values.get("layouttemplate", "")
    matches = [
        template
        for template in store.templates.listed(server)
        if kind.lower() in ("all", template.kind.lower()) and layout in ("", template.layout_alias)
    ]
    page = [as_summary(template) for template in matches[offset : offset + count]]
    return as_json({"TotalCount": len(matches), "Templates": page})


def show_template(request: Request, store: Store) -> Reply:
    """``GET /templates/{id}``: by ID, also if it was deleted, or by alias."""
    server = server_of(request, store)
    return as_json(as_item(template_at(store, server, request.params["id"], deleted=True)))


def create(request: Request, store: Store) -> Reply:
    """``POST /templates``."""
    server = server_of(request, store)
    given = posted_fields(request, TEMPLATE_FIELDS)
    kind = template_fields.template_kind(given.pop("TemplateType", None))
    values = _checked_values(store, server, given, kind=kind, edited=None)
    if store.templates.count(server) >= MAX_TEMPLATES:
        raise CheckFailed(TOO_MANY, texts_templates.TOO_MANY)
    return as_json(as_result(store.templates.add(server, kind=kind, values=values)))


def edit(request: Request, store: Store) -> Reply:
    """``PUT /templates/{id}``: a missing field stays as it is, an empty layout removes it (S)."""
    server = server_of(request, store)
    template = template_at(store, server, request.params["id"])
    given = posted_fields(request, TEMPLATE_FIELDS)
    kind = given.pop("TemplateType", None)
    if kind is not None and template_fields.template_kind(kind) != template.kind:
        raise CheckFailed(NOT_ALLOWED, texts_templates.TYPE_IS_FIXED)
    values = _checked_values(store, server, given, kind=template.kind, edited=template)
    return as_json(as_result(store.templates.change(template.id, values)))


def delete(request: Request, store: Store) -> Reply:
    """``DELETE /templates/{id}``."""
    server = server_of(request, store)
    template = template_at(store, server, request.params["id"])
    if template.is_layout and store.templates.uses(template.id):
        raise CheckFailed(IN_USE, texts_templates.LAYOUT_IN_USE)
    store.templates.change(template.id, {"active": 0})
    return done(texts_templates.REMOVED.format(id=template.id))


def _checked_values(
    store: Store,
    server: int,
    given: dict[str, Any],
    *,
    kind: str,
    edited: StoredTemplate | None,
) -> dict[str, Any]:
    """The columns to write.

    Raises:
        CheckFailed: 422 with the code of the first error.
    """
    values: dict[str, Any] = {_COLUMNS[name]: given[name] for name in _COLUMNS if name in given}
    values |= {name: values[name] or None for name in ("html_body", "text_body") if name in values}
    layout = given.get("LayoutTemplate")
    if kind == LAYOUT:
        check_layout_fields(given)
        values.pop("subject", None)
    elif layout is not None:
        values["layout"] = layout_of_alias(store, server, layout).id if layout else None
    _check_required(values, kind=kind, edited=edited)
    template_fields.check_lengths(given)
    if "Alias" in given:
        _check_alias(store, server, given["Alias"], edited)
    check_contents(store, given, kind=kind)
    return values


def check_layout_fields(given: dict[str, Any]) -> None:
    """1123 for what a layout does not have (D)."""
    for name in ("Subject", "LayoutTemplate"):
        if given.get(name):
            raise CheckFailed(NOT_ALLOWED, texts_templates.NOT_FOR_LAYOUTS.format(field=name))


def _check_required(values: dict[str, Any], *, kind: str, edited: StoredTemplate | None) -> None:
    """1120 for a name, subject or body that is missing, or empty after an edit."""
    doing = "creating a template" if edited is None else "editing a template"
    needed = ["name"] if kind == LAYOUT else ["name", "subject"]
    for name in needed:
        value = values.get(name, getattr(edited, name, None))
        if not (value or "").strip():
            text = texts_templates.REQUIRED.format(field=name.capitalize(), doing=doing)
            raise CheckFailed(MISSING, text)
    bodies = [values.get(name, getattr(edited, name, None)) for name in ("html_body", "text_body")]
    if not any(bodies):
        raise CheckFailed(MISSING, texts_templates.NO_BODIES.format(doing=doing))


def _check_alias(store: Store, server: int, alias: str, edited: StoredTemplate | None) -> None:
    """1122 for an alias with wrong characters, or of another template, ignoring case (A)."""
    template_fields.check_alias(alias)
    other = store.templates.of_alias(server, alias, ignore_case=True)
    if other is not None and (edited is None or other.id != edited.id):
        raise CheckFailed(INVALID, texts_templates.ALIAS_TAKEN.format(alias=alias))


def check_contents(store: Store, given: dict[str, Any], *, kind: str) -> None:
    """1122 for a source with an error, 1131 for the place of a template in its layout."""
    contents = {
        name: given[name] for name in ("Subject", "HtmlBody", "TextBody") if given.get(name)
    }
    template = store.renderer.template(contents, is_layout=kind == LAYOUT)
    for name in contents:
        for error in template.errors(name):
            if error.line is None:
                raise CheckFailed(BAD_PLACES, error.text)
            text = texts_templates.NOT_PARSED.format(
                field=name, line=error.line, position=error.position, text=error.text
            )
            raise CheckFailed(INVALID, text)


def as_summary(template: StoredTemplate) -> dict[str, Any]:
    """A template as the list shows it, with the keys in Postmark's order (O)."""
    return {
        "Active": template.active,
        "TemplateId": template.id,
        "Name": template.name,
        "Alias": template.alias,
        "TemplateType": template.kind,
        "LayoutTemplate": template.layout_alias,
    }


def as_result(template: StoredTemplate) -> dict[str, Any]:
    """A template as the answer to its creation or edit (O)."""
    return {
        "TemplateId": template.id,
        "Name": template.name,
        "Active": template.active,
        "Alias": template.alias,
        "TemplateType": template.kind,
        "LayoutTemplate": template.layout_alias,
    }


def as_item(template: StoredTemplate) -> dict[str, Any]:
    """A template with its sources (O)."""
    return {
        "Name": template.name,
        "TemplateId": template.id,
        "Subject": template.subject if template.kind == STANDARD else "",
        "HtmlBody": template.html_body,
        "TextBody": template.text_body,
        "AssociatedServerId": template.server,
        "Active": template.active,
        "Alias": template.alias,
        "TemplateType": template.kind,
        "LayoutTemplate": template.layout_alias,
    }


ROUTES: Final = {
    "/templates": {"GET": show_templates, "POST": create},
    "/templates/{id}": {"GET": show_template, "PUT": edit, "DELETE": delete},
}
