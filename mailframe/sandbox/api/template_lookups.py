"""The template that a request names by ID or alias, and the object that it posts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailframe.sandbox.checks import request_json, template_fields, texts_templates
from mailframe.sandbox.checks.template_fields import NO_DATA
from mailframe.sandbox.checks.texts import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.state.account.templates import StoredTemplate
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Request

NO_TEMPLATE = 1101


def template_at(store: Store, server: int, wanted: str, *, deleted: bool = False) -> StoredTemplate:
    """The template of an ID or alias in a path; an alias begins with a letter.

    Args:
        store: the state of the sandbox.
        server: the ID of the server.
        wanted: the ID or alias, as it stands in the path.
        deleted: whether one that was deleted can be read by its ID.

    Raises:
        CheckFailed: 422 / 1101.
    """
    if wanted.isascii() and wanted.isdigit():
        return template_of_id(store, server, int(wanted[:18]), deleted=deleted)
    return template_of_alias(store, server, wanted)


def template_of_id(
    store: Store, server: int, number: int, *, deleted: bool = False
) -> StoredTemplate:
    """The template of an ID.

    Raises:
        CheckFailed: 422 / 1101.
    """
    template = store.templates.get(server, number) if abs(number) < 2**63 else None
    if template is None or not (template.active or deleted):
        raise CheckFailed(NO_TEMPLATE, texts_templates.UNKNOWN_ID)
    return template


def template_of_alias(store: Store, server: int, alias: str) -> StoredTemplate:
    """The template of an alias, which has its case.

    Raises:
        CheckFailed: 422 / 1101.
    """
    template = store.templates.of_alias(server, alias)
    if template is None:
        raise CheckFailed(NO_TEMPLATE, texts_templates.UNKNOWN_ALIAS)
    return template


def layout_of_alias(store: Store, server: int, alias: str) -> StoredTemplate:
    """The layout of an alias.

    Raises:
        CheckFailed: 422 / 1101.
    """
    template = store.templates.of_alias(server, alias)
    if template is None or not template.is_layout:
        raise CheckFailed(NO_TEMPLATE, texts_templates.UNKNOWN_LAYOUT)
    return template


def posted_fields(request: Request, kinds: Mapping[str, type]) -> dict[str, Any]:
    """The fields of a posted object.

    Raises:
        CheckFailed: 422 / 402, 403 or 1109.
    """
    posted = request_json.parse(request.body) if request.body.strip() else None
    if posted is None:
        raise CheckFailed(NO_DATA, texts_templates.NO_DATA)
    given = template_fields.fields(posted, kinds)
    if not given:
        raise CheckFailed(NO_DATA, texts_templates.NO_DATA)
    return given
