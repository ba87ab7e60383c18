"""``POST /email/withTemplate`` and ``POST /email/batchWithTemplates``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mailframe.sandbox.api.credentials import MAX_BATCH_BYTES, MAX_SINGLE_BYTES
from mailframe.sandbox.api.intake import Intake
from mailframe.sandbox.api.sending import take_batch, take_single
from mailframe.sandbox.api.template_lookups import NO_TEMPLATE, template_of_alias, template_of_id
from mailframe.sandbox.checks import request_json, templated_messages, texts_templates
from mailframe.sandbox.checks.message_checks import MAX_BODY_BYTES
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.messages.stored_message import TEMPLATE_ERROR
from mailframe.sandbox.templating.template import Budget, RenderingFailed

if TYPE_CHECKING:
    from mailframe.sandbox.api.answers import EndpointResult
    from mailframe.sandbox.state.account.templates import StoredTemplate
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.templating.message_template import MessageTemplate
    from mailframe.sandbox.wire.exchange import Request

_LINE_ENDS: Final = re.compile(r"[\r\n]+")


class ReadTemplate(NamedTuple):
    """A template that is sent, read once for all messages of a request.

    Attributes:
        stored: the template as it is kept; None for the contents of a bulk request.
        contents: its sources by Postmark's names.
        parts: its parts in their layout.
    """

    stored: StoredTemplate | None
    contents: dict[str, str]
    parts: MessageTemplate

    @property
    def names(self) -> dict[str, Any]:
        """What is kept of the template with each message."""
        if self.stored is None:
            return {}
        return {"TemplateId": self.stored.id, "TemplateAlias": self.stored.alias}


@dataclass
class TemplatedIntake(Intake):
    """Takes messages that name a template: each is checked, accepted, and then rendered.

    Postmark also renders after it has accepted a message (A): a message whose template cannot be
    rendered has the bounce type ``TemplateRenderingFailed`` (D).
    """

    budget: Budget = field(default_factory=Budget)
    _templates: dict[int | str, ReadTemplate] = field(default_factory=dict)

    def take(self, message: dict[str, Any], *, inactive_text: str) -> dict[str, Any]:
        """Check one message, accept and render it; returns its item of the answer.

        Raises:
            CheckFailed: 422 / 1101, 1120, 1122 or 1123, or as for a message without a template.
        """
        templated_messages.check_no_contents(message)
        template = self.template(
            message.pop("TemplateId", None), message.pop("TemplateAlias", None)
        )
        model = templated_messages.check_model(message.pop("TemplateModel", None))
        inlines = message.pop("InlineCss", True)
        item = super().take(message | template.contents, inactive_text=inactive_text)
        kept = self.accepted[-1].message
        kept |= template.names | {"TemplateModel": model}
        try:
            kept |= self.rendered(template, model, inlines=inlines)
        except RenderingFailed as failure:
            kept |= {"Subject": "", "TextBody": str(failure), TEMPLATE_ERROR: str(failure)}
            kept.pop("HtmlBody", None)
        return item

    def template(self, number: int | None, alias: str | None) -> ReadTemplate:
        """The template of an ID or alias; with both, the ID counts (D), also if it is 0 (O).

        Raises:
            CheckFailed: 422 / 1101.
        """
        key = alias if number is None else number
        if key is None:
            raise CheckFailed(NO_TEMPLATE, texts_templates.UNKNOWN_ID)
        if key not in self._templates:
            self._templates[key] = self._read(key)
        return self._templates[key]

    def _read(self, key: int | str) -> ReadTemplate:
        stored = (
            template_of_alias(self.store, self.server, key)
            if isinstance(key, str)
            else template_of_id(self.store, self.server, key)
        )
        if stored.is_layout:  # D: only standard templates can be sent
            is_alias = isinstance(key, str)
            text = texts_templates.UNKNOWN_ALIAS if is_alias else texts_templates.UNKNOWN_ID
            raise CheckFailed(NO_TEMPLATE, text)
        layout = None
        if stored.layout is not None:
            layout = template_of_id(self.store, self.server, stored.layout).contents
        contents = stored.contents
        return ReadTemplate(stored, contents, self.store.renderer.template(contents, layout))

    def rendered(
        self, template: ReadTemplate, model: dict[str, Any], *, inlines: bool
    ) -> dict[str, str]:
        """The parts of a message.

        Args:
            template: the template.
            model: the object whose values are printed.
            inlines: whether styles are written into tags.

        Raises:
            RenderingFailed: they cannot be rendered with this model.
        """
        styles = self.store.renderer.styles if inlines else None
        return {
            name: _checked_part(
                name, template.parts.render(name, model, styles=styles, budget=self.budget)
            )
            for name in template.contents
        }


def _checked_part(name: str, text: str) -> str:
    """A rendered part; one line for a subject, and a body only up to the limit of a message."""
    if name == "Subject":
        return _LINE_ENDS.sub(" ", text)
    if len(text) * 4 > MAX_BODY_BYTES and len(text.encode()) > MAX_BODY_BYTES:
        raise RenderingFailed(texts_templates.TOO_MUCH)
    return text


def send_single(request: Request, store: Store) -> EndpointResult:
    """``POST /email/withTemplate``: one message; if it is refused, so is the request."""
    intake = TemplatedIntake(request, store, MAX_SINGLE_BYTES)
    return take_single(intake, templated_messages.one_message(request_json.parse(request.body)))


def send_batch(request: Request, store: Store) -> EndpointResult:
    """``POST /email/batchWithTemplates``: HTTP 200 even if every message is refused."""
    intake = TemplatedIntake(request, store, MAX_BATCH_BYTES)
    messages = templated_messages.many_messages(request_json.parse(request.body))
    intake.budget = Budget.of(len(messages))
    return take_batch(intake, messages)


ROUTES: Final = {
    "/email/withTemplate": {"POST": send_single},
    "/email/batchWithTemplates": {"POST": send_batch},
}
