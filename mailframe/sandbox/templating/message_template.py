"""The subject and bodies of a message, as templates in their layout. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.checks import texts_templates as texts
from mailframe.sandbox.templating.styles import StyleInliner
from mailframe.sandbox.templating.suggested_model import suggested_model
from mailframe.sandbox.templating.template import Budget, TemplateCache
from mailframe.sandbox.templating.tokens import ParseError

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from mailframe.sandbox.templating.template import Template

PARTS: Final = ("HtmlBody", "TextBody", "Subject")
"""The parts of a message that are templates, with Postmark's names."""


class MessageTemplate:
    """The parts of a message as templates, each in the same part of its layout, if it has one.

    Args:
        contents: the source of each part.
        layout: the sources of its layout.
        is_layout: whether *contents* are themselves those of a layout.
        cache: templates that were read before.
    """

    def __init__(
        self,
        contents: Mapping[str, str],
        layout: Mapping[str, str] | None = None,
        *,
        is_layout: bool = False,
        cache: TemplateCache,
    ) -> None:
        self._parts = {name: cache.of(contents[name]) for name in PARTS if name in contents}
        self._layouts = {name: cache.of(source) for name, source in (layout or {}).items()}
        self._is_layout = is_layout

    def errors(self, part: str) -> list[ParseError]:
        """The errors of one part: of its language, and of the rules of layouts (D)."""
        template = self._parts[part]
        errors = list(template.errors)
        if self._is_layout and part != "Subject" and template.places != 1:
            errors.append(ParseError(texts.NO_PLACE))
        if not self._is_layout and template.places:
            errors.append(ParseError(texts.PLACE_OUTSIDE))
        return errors

    def suggested_model(self, parts: Container[str] = PARTS) -> dict[str, Any]:
        """A model with each name that these *parts* use."""
        return suggested_model(
            [
                (template, self._layouts.get(name))
                for name, template in self._parts.items()
                if name in parts
            ]
        )

    def render(
        self,
        part: str,
        model: dict[str, Any],
        *,
        styles: StyleInliner | None = None,
        budget: Budget | None = None,
    ) -> str:
        """One part for *model*.

        Args:
            part: its name.
            model: the object whose values are printed.
            styles: what writes the styles of an HTML part into its tags; None leaves them.
            budget: what it may cost; renderings of one request share one.

        Raises:
            RenderingFailed: it cannot be rendered with this model, or costs too much.

        >>> layout = {"TextBody": "Hi {{{ @content }}}!"}
        >>> template = MessageTemplate({"TextBody": "{{name}}"}, layout, cache=TemplateCache())
        >>> template.render("TextBody", {"name": "Ann"})
        'Hi Ann!'
        """
        content: Template | None = self._parts[part]
        whole = self._layouts.get(part)
        if whole is None:
            whole, content = self._parts[part], None
        is_html = part == "HtmlBody"
        text = whole.render(model, html=is_html, content=content, budget=budget)
        return styles.of(text) if styles is not None and is_html else text


class Renderer:
    """What the renderings of one sandbox share.

    Attributes:
        cache: templates that were read before.
        styles: what writes styles into tags.
    """

    def __init__(self) -> None:
        self.cache = TemplateCache()
        self.styles = StyleInliner()

    def template(
        self,
        contents: Mapping[str, str],
        layout: Mapping[str, str] | None = None,
        *,
        is_layout: bool = False,
    ) -> MessageTemplate:
        """A template of these sources; see ``MessageTemplate``."""
        return MessageTemplate(contents, layout, is_layout=is_layout, cache=self.cache)
