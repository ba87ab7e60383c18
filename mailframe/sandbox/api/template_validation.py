"""``POST /templates/validate``: errors, a suggested model and a test rendering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.credentials import server_of
from mailframe.sandbox.api.template_lookups import layout_of_alias, posted_fields
from mailframe.sandbox.api.templates import check_layout_fields
from mailframe.sandbox.checks import template_fields, texts_templates
from mailframe.sandbox.checks.template_fields import MISSING, NO_DATA, VALIDATION_FIELDS
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.account.templates import LAYOUT
from mailframe.sandbox.templating.message_template import PARTS
from mailframe.sandbox.templating.suggested_model import merged
from mailframe.sandbox.templating.template import Budget, RenderingFailed
from mailframe.sandbox.templating.tokens import ParseError
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.templating.message_template import MessageTemplate
    from mailframe.sandbox.templating.styles import StyleInliner
    from mailframe.sandbox.wire.exchange import Reply, Request


def validate(request: Request, store: Store) -> Reply:
    """``POST /templates/validate``: HTTP 200 also for templates with errors."""
    server = server_of(request, store)
    given = posted_fields(request, VALIDATION_FIELDS)
    contents = {name: given[name] for name in PARTS if given.get(name)}
    if not contents:
        text = texts_templates.NO_BODIES.format(doing="validating a template")
        raise CheckFailed(MISSING, text)
    template_fields.check_lengths(given)
    template = _template(store, server, given, contents)
    model = given.get("TestRenderModel", {})
    template_fields.check_model(model)
    inlines = given.get("InlineCssForHtmlTestRender", True)
    return as_json(
        _validated(template, contents, model, store.renderer.styles if inlines else None)
    )


def _template(
    store: Store, server: int, given: dict[str, Any], contents: dict[str, str]
) -> MessageTemplate:
    """The template of the posted sources, in its layout.

    Raises:
        CheckFailed: 422 / 1101, 1122 or 1123.
    """
    kind = template_fields.template_kind(given.get("TemplateType"))
    if kind == LAYOUT:
        check_layout_fields(given)
    alias = given.get("LayoutTemplate")
    layout = layout_of_alias(store, server, alias).contents if alias else None
    return store.renderer.template(contents, layout, is_layout=kind == LAYOUT)


def _validated(
    template: MessageTemplate,
    contents: dict[str, str],
    model: dict[str, Any],
    styles: StyleInliner | None,
) -> dict[str, Any]:
    errors = {name: template.errors(name) for name in contents}
    valid = [name for name in contents if not errors[name]]
    suggested = merged(template.suggested_model(valid), model)
    answers: dict[str, Any] = dict.fromkeys(PARTS)
    budget = Budget()
    for name in contents:
        text = None
        if name in valid:
            try:
                text = template.render(name, suggested, styles=styles, budget=budget)
            except RenderingFailed as failure:
                errors[name] = [ParseError(str(failure))]
        answers[name] = _part(errors[name], text)
    is_valid = not any(errors.values())
    return {
        "AllContentIsValid": is_valid,
        **answers,
        "SuggestedTemplateModel": suggested if is_valid else None,
    }


def _part(errors: list[ParseError], text: str | None) -> dict[str, Any]:
    """The answer for one part, with the keys in Postmark's order (O)."""
    return {
        "ContentIsValid": not errors,
        "ValidationErrors": [
            {"Message": error.text, "Line": error.line, "CharacterPosition": error.position}
            for error in errors
        ],
        "RenderedContent": text,
    }


def no_data(request: Request, store: Store) -> Reply:
    """``GET /templates/validate``: no template can be read by this alias (O)."""
    server_of(request, store)
    raise CheckFailed(NO_DATA, texts_templates.NO_DATA)


ROUTES: Final = {"/templates/validate": {"POST": validate, "GET": no_data}}
