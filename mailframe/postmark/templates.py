"""Templates that a server has: whether they exist, and what mails Postmark makes of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson

from mailframe.errors import MailframeError
from mailframe.message.template_fields import MODEL_NAME, template_of
from mailframe.pages.mail import RenderedTemplate
from mailframe.postmark.search import no_answer

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mailframe.pages.mail import Rendering
    from mailframe.postmark.replies import GetResult
    from mailframe.postmark.search import Queryable

MAX_TEMPLATES: Final = 100
"""Templates of a server (postmarkapp.com/developer/api/overview, ErrorCode 1105)."""
_NOT_FOUND: Final = 1101


def template_faults(server: Queryable, templates: Collection[str | int]) -> dict[str | int, str]:
    """What is wrong with each of these templates on a server; empty if it has all of them.

    Args:
        server: the server; with the test token it has no templates and is not asked.
        templates: aliases, and IDs as numbers.

    Raises:
        SearchError: a question failed.
    """
    if server.is_test_token:
        return {}
    faults = {one: _fault(server, one) for one in sorted(templates, key=str)}
    return {template: fault for template, fault in faults.items() if fault}


def _fault(server: Queryable, template: str | int) -> str:
    result = server.ask(f"/templates/{template}")  # an alias has no character to escape
    stored = result.object
    if stored is None and result.error_code == _NOT_FOUND:
        return f"the server has no template {template!r}; server.templates() lists what it has"
    if stored is None:
        raise no_answer(
            f"the template {template!r} could not be asked for (GET /templates/{template}: "
            f"{result.reason}); nothing was sent",
            result,
        )
    if stored.get("TemplateType") == "Layout":
        return f"{template!r} is a layout; name a template that uses it"
    if stored.get("Active") is False:
        return f"the template {template!r} was deleted; server.templates() lists what it has"
    return ""


# --- rendering ------------------------------------------------------------------------------------


def template_rendering(server: object, *, has_template: bool) -> Rendering | None:
    """What has Postmark render the template of a letter; None without a server.

    Args:
        server: what the caller gave as the server.
        has_template: whether the letter has a template at Postmark.

    Raises:
        MailframeError: it is not a server, or the letter has no template at Postmark.
    """
    if server is None:
        return None
    if not hasattr(server, "ask") or not hasattr(server, "change"):
        raise MailframeError(
            f"server is a {type(server).__name__}; give sandbox.server or mf.Postmark()"
        )
    if not has_template:
        raise MailframeError(
            "server= renders templates at Postmark, and this letter has none; leave it out"
        )
    return TemplateRenderer(server)


class TemplateRenderer:
    """Has Postmark render messages with its templates, by ``POST /templates/validate``.

    Postmark fills names that the model lacks with examples there. A mail has nothing in their
    place, so they are rendered again as empty texts, and named in the remark.

    Args:
        server: a ``Postmark``; it gets the models.
    """

    def __init__(self, server: Any) -> None:
        self._server = server
        self._templates: dict[str | int, dict[str, Any]] = {}
        self._made: dict[bytes, RenderedTemplate] = {}

    def __call__(self, fields: Mapping[str, Any]) -> RenderedTemplate:
        """The mail of a message; with a remark in its place if Postmark made none."""
        template, model = template_of(fields), fields.get(MODEL_NAME, {})
        if template is None:
            return _nothing("This row has no template.")
        asked = orjson.dumps([template, model])
        if asked not in self._made:
            is_silent = time.monotonic() < self._silent_until
            made = None if is_silent else self._rendered(template, model)
            if made is None:
                return _nothing(f"Postmark did not render it: {self._failure}.")
            if len(self._made) >= _MOST_KEPT:
                self._made.clear()
            self._made[asked] = made
        return self._made[asked]

    _failure = ""
    _silent_until = 0.0

    def _rendered(self, template: str | int, model: dict[str, Any]) -> RenderedTemplate | None:
        stored = self._template(template)
        answer = None if stored is None else self._validated(stored, model)
        if stored is None or answer is None:
            return None
        complete, absent = _completed(answer.get("SuggestedTemplateModel"), model)
        if absent:
            answer = self._validated(stored, complete)
        if answer is None:
            return None
        try:
            return _as_rendered(template, answer, absent)
        except (AttributeError, TypeError):
            self._failure = "the answer of POST /templates/validate has another form"
            return None

    def _template(self, template: str | int) -> dict[str, Any] | None:
        if template not in self._templates:
            stored = self._object(self._server.ask(f"/templates/{quote(str(template), safe='')}"))
            if stored is None:
                return None
            self._templates[template] = stored
        return self._templates[template]

    def _validated(self, stored: dict[str, Any], model: dict[str, Any]) -> dict[str, Any] | None:
        posted = {name: stored[name] for name in _SOURCES if stored.get(name)}
        return self._object(
            self._server.change("/templates/validate", {**posted, "TestRenderModel": model})
        )

    def _object(self, result: GetResult) -> dict[str, Any] | None:
        if result.object is None:
            self._failure = result.message.rstrip(".") or result.reason
        if result.status is None:  # each of many rows would wait as long
            self._silent_until = time.monotonic() + _SILENT_S
        return result.object


_SOURCES: Final = ("Subject", "HtmlBody", "TextBody", "TemplateType", "LayoutTemplate")
_SILENT_S: Final = 30.0
"""Seconds without a question after one that had no answer."""
_MOST_KEPT: Final = 100
"""Mails that are kept, so that a page which is shown again asks nothing."""
_LISTED: Final = 5


def _nothing(about: str) -> RenderedTemplate:
    return RenderedTemplate("", None, None, about)


def _completed(suggested: object, model: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The model with empty texts for what the template reads and it lacks, and these names."""
    complete, absent = dict(model), list[str]()
    for name, value in suggested.items() if isinstance(suggested, dict) else ():
        given = model.get(name)
        if name not in model:
            complete[name] = ""
            absent.append(name)
        elif isinstance(given, dict):
            complete[name], inside = _completed(value, given)
            absent += [f"{name}.{one}" for one in inside]
    return complete, absent


def _text(content: object) -> str | None:
    if content is None or isinstance(content, str):
        return content
    raise TypeError(f"a part of a mail is a {type(content).__name__}")


def _as_rendered(
    template: str | int, answer: dict[str, Any], absent: list[str]
) -> RenderedTemplate:
    texts: dict[str, str | None] = {}
    about = [f"Rendered by Postmark with its template {template!r} (POST /templates/validate)."]
    if absent:
        more = f" and {len(absent) - _LISTED} more" if len(absent) > _LISTED else ""
        names = ", ".join(absent[:_LISTED]) + more
        about.append(f"The template also reads {names}, which the model of this row does not have.")
    parts = {name: answer.get(name) or {} for name in ("Subject", "HtmlBody", "TextBody")}
    if not any(parts.values()):
        raise TypeError("an answer without a part")
    for name, part in parts.items():
        texts[name] = _text(part.get("RenderedContent"))
        about += [
            f"{name} cannot be rendered, so that the mail would bounce: {error.get('Message')}"
            for error in part.get("ValidationErrors") or ()
        ]
    return RenderedTemplate(
        texts["Subject"] or "", texts["HtmlBody"], texts["TextBody"], " ".join(about)
    )
