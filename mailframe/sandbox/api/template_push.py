"""``PUT /templates/push``: the templates of one server to another, matched by alias."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.credentials import check_account
from mailframe.sandbox.api.templates import MAX_TEMPLATES, TOO_MANY
from mailframe.sandbox.checks import request_json, template_fields, texts_templates
from mailframe.sandbox.checks.request_json import canonical
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from mailframe.sandbox.state.account.templates import StoredTemplate
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

NO_SERVER, NOTHING, TYPES_DIFFER = 601, 1124, 1125
_FIELDS: Final = ("SourceServerID", "DestinationServerID", "PerformChanges")
_COMPARED: Final = ("name", "alias", "subject", "html_body", "text_body", "layout_alias")


def push(request: Request, store: Store) -> Reply:
    """``PUT /templates/push``: without ``PerformChanges``, it only tells what would be done.

    Templates without an alias are left out (D), and so are those that are equal already (A).
    """
    check_account(request, store)
    source, destination, performs = _posted(request)
    _check_servers(store, source, destination)
    # Layouts come first, because the others name them.
    templates = [one for one in store.templates.listed(source) if one.alias is not None]
    templates.sort(key=lambda one: not one.is_layout)
    if not templates:
        raise CheckFailed(NOTHING, texts_templates.NOTHING_TO_PUSH)
    pairs = [(one, _twin(store, destination, one.alias)) for one in templates]
    _check_pairs(store, destination, pairs)
    items = []
    for template, twin in pairs:
        if twin is None or _differ(template, twin):
            written = _write(store, destination, template, twin) if performs else twin
            items.append(_item(template, twin, written))
    return as_json({"TotalCount": len(items), "Templates": items})


def _posted(request: Request) -> tuple[int, int, bool]:
    """The two servers, whose IDs can be texts (S: the Python client), and the switch.

    Raises:
        CheckFailed: 422 / 402, 403 or 1109.
    """
    posted = request_json.parse(request.body) if request.body.strip() else None
    if posted is None:
        raise CheckFailed(template_fields.NO_DATA, texts_templates.NO_DATA)
    if not isinstance(posted, dict):
        raise template_fields.wrong_type("$")
    given = canonical(posted, _FIELDS)
    source, destination = (_server_id(given.get(name), name) for name in _FIELDS[:2])
    performs = given.get("PerformChanges")
    if not isinstance(performs, bool | None):
        raise template_fields.wrong_type("$.PerformChanges")
    return source, destination, bool(performs)


def _server_id(value: Any, name: str) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:18])
    if value is not None and type(value) is not int:
        raise template_fields.wrong_type(f"$.{name}")
    return value or 0


def _check_servers(store: Store, source: int, destination: int) -> None:
    """601 for a server that does not exist."""
    ids = store.servers.ids()
    if source not in ids and destination not in ids:
        raise CheckFailed(NO_SERVER, texts_templates.NO_SERVERS)
    if source not in ids:
        raise CheckFailed(NO_SERVER, texts_templates.NO_SOURCE)
    if destination not in ids:
        raise CheckFailed(NO_SERVER, texts_templates.NO_DESTINATION)


def _check_pairs(
    store: Store, destination: int, pairs: list[tuple[StoredTemplate, StoredTemplate | None]]
) -> None:
    """1125 for an alias of two types, 1105 for too many templates; nothing is written before."""
    if any(twin is not None and twin.kind != template.kind for template, twin in pairs):
        raise CheckFailed(TYPES_DIFFER, texts_templates.TYPES_DIFFER)
    new = sum(twin is None for _, twin in pairs)
    if store.templates.count(destination) + new > MAX_TEMPLATES:
        raise CheckFailed(TOO_MANY, texts_templates.TOO_MANY)


def _twin(store: Store, destination: int, alias: str | None) -> StoredTemplate | None:
    """The template of that alias, ignoring case: no server has both (A)."""
    return store.templates.of_alias(destination, alias, ignore_case=True) if alias else None


def _differ(template: StoredTemplate, twin: StoredTemplate) -> bool:
    return any(getattr(template, name) != getattr(twin, name) for name in _COMPARED)


def _write(
    store: Store, destination: int, template: StoredTemplate, twin: StoredTemplate | None
) -> StoredTemplate:
    layout = _twin(store, destination, template.layout_alias)
    values = {
        "name": template.name,
        "alias": template.alias,
        "subject": template.subject,
        "html_body": template.html_body,
        "text_body": template.text_body,
        "layout": None if layout is None else layout.id,
    }
    if twin is not None:
        return store.templates.change(twin.id, values)
    return store.templates.add(destination, kind=template.kind, values=values)


def _item(
    template: StoredTemplate, twin: StoredTemplate | None, written: StoredTemplate | None
) -> dict[str, Any]:
    """One template of the answer; a dry run has no ID for one that it would create (S)."""
    item: dict[str, Any] = {"Action": "Create" if twin is None else "Edit"}
    if written is not None:
        item["TemplateId"] = written.id
    return item | {
        "Alias": template.alias,
        "Name": template.name,
        "TemplateType": template.kind,
    }


ROUTES: Final = {"/templates/push": {"PUT": push}}
