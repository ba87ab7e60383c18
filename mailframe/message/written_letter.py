"""The letter as it is sent: Markdown converted, and its bodies in their layout."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from jinja2 import TemplateNotFound, TemplateSyntaxError
from jinja2 import nodes as ast

from mailframe.errors import LetterError
from mailframe.letter.jinja.compiling import compile_part
from mailframe.letter.jinja.environment import LetterEnvironment
from mailframe.letter.markdown.converting import Converted, Frame, converted
from mailframe.letter.suggestions import did_you_mean, nearest
from mailframe.message.derived_parts import has_auto_text

if TYPE_CHECKING:
    from mailframe.letter.jinja.settings import TemplateSettings
    from mailframe.letter.letter import Letter

_BUILT_IN: Final = ("card", "plain")
_PART: Final = "markdown_body"


def written(letter: Letter, settings: TemplateSettings) -> tuple[Letter, TemplateSettings]:
    """The letter as it is sent, and the settings of its environments with the lines of Markdown.

    Both are as they were if it has neither Markdown nor a layout.

    Raises:
        LetterError: the Markdown has a syntax error, or there is no such layout.
        MissingExtra: markdown-it-py is not installed.
    """
    if letter.markdown_body is None and letter.layout in (None, "none"):
        return letter, settings
    return _Writer(letter, settings).written()


@dataclass(slots=True)
class _Writer:
    letter: Letter
    settings: TemplateSettings
    _plain: LetterEnvironment = field(init=False)

    def __post_init__(self) -> None:
        self._plain = LetterEnvironment(self.settings, html=False)  # of this module alone

    def written(self) -> tuple[Letter, TemplateSettings]:
        html_frame, text_frame = self._frames()
        if self.letter.markdown_body is None:
            bodies = {
                "html_body": _framed("html_body", self.letter.html_body, html_frame, self._plain),
                "text_body": self._text_body(text_frame),
            }
            return self.letter.replace(**bodies, layout=None), self.settings
        source = self.letter.markdown_body
        compile_part(self._plain, source, name=_PART)  # its errors have the lines of the Markdown
        made: dict[str, Converted] = {
            "html_body": converted(source, html=True, frame=html_frame),
        }
        bodies = {"text_body": self._text_body(text_frame)}
        if self.letter.text_body is None:
            made["text_body"] = converted(
                source, html=False, frame=text_frame, has_template=self._has_template
            )
        bodies |= {part: template.text for part, template in made.items()}
        settings = replace(
            self.settings,
            lines={part: template.lines for part, template in made.items()},
            shown_as=dict.fromkeys(made, _PART),
        )
        return self.letter.replace(**bodies, markdown_body=None, layout=None), settings

    def _text_body(self, frame: Frame) -> object:
        """The text of the author in its layout; one that is made of the HTML has it already."""
        body = self.letter.text_body
        if has_auto_text(self.letter):
            return body
        return _framed("text_body", body, frame, self._plain)

    # --- the layout ------------------------------------------------------------------------------

    def _frames(self) -> tuple[Frame, Frame]:
        """The layouts of the HTML part and of the text part."""
        source = self.letter.markdown_body
        extends = source is not None and self._extends(source)
        layout = self.letter.layout or ("none" if source is None or extends else "card")
        if layout == "none":
            return Frame(), Frame()
        if extends:
            raise LetterError(f"layout={layout!r}: the Markdown has {{% extends … %}}; remove one")
        name = f"mailframe/{layout}.html" if layout in _BUILT_IN else layout
        twin = name.removesuffix(".html") + ".txt"
        blocks = self._blocks_of_layout(name, layout)
        if "content" not in blocks:
            raise LetterError(f"layout={layout!r} has no {{% block content %}}")
        of_text = frozenset(self._blocks(twin)) if self._has_template(twin) else frozenset()
        html = Frame(name, blocks, of_text - blocks)
        return html, Frame(twin if of_text else None, of_text, blocks - of_text)

    def _extends(self, source: str) -> bool:
        if "extends" not in source:
            return False
        compile_part(self._plain, source, name=_PART)
        return self._plain.parse(source, _PART).find(ast.Extends) is not None

    def _blocks_of_layout(self, name: str, layout: str) -> frozenset[str]:
        try:
            return frozenset(self._blocks(name))
        except TemplateNotFound:
            choices = (*_BUILT_IN, "none")
            raise LetterError(
                f"there is no layout {layout!r}{did_you_mean(nearest(layout, choices))}; it is "
                f"{', '.join(choices)}, or a template of the letter's folder with "
                "{% block content %}"
            ) from None

    def _blocks(self, name: str) -> set[str]:
        """The blocks of a template and of those that it extends."""
        blocks: set[str] = set()
        seen: set[str] = set()
        while name not in seen:
            seen.add(name)
            try:
                tree = self._plain.parse(self._source(name), name)
            except TemplateSyntaxError as error:
                raise LetterError(f"{name}, line {error.lineno}: {error.message}") from None
            blocks |= {block.name for block in tree.find_all(ast.Block)}
            parent = tree.find(ast.Extends)
            if parent is not None and isinstance(parent.template, ast.Const):
                name = parent.template.value
        return blocks

    def _source(self, name: str) -> str:
        if self._plain.loader is None:
            raise TemplateNotFound(name)
        return self._plain.loader.get_source(self._plain, name)[0]

    def _has_template(self, name: str) -> bool:
        try:
            self._source(name)
        except TemplateNotFound:
            return False
        return True


def _framed(part: str, body: object, frame: Frame, environment: LetterEnvironment) -> object:
    """A template in its layout; a body with a block ``content`` has its blocks already."""
    if frame.template is None or body is None:
        return body
    if not isinstance(body, str):
        raise LetterError(f"a layout needs a {part} that is a template, not values of each row")
    try:
        tree = environment.parse(body)
    except TemplateSyntaxError:
        return body  # reported when it is compiled
    if tree.find(ast.Extends) is not None:
        raise LetterError(f"{part} has {{% extends … %}}, and the letter has a layout; remove one")
    head = f'{{% extends "{frame.template}" %}}'
    blocks = {block.name for block in tree.find_all(ast.Block)}
    if "content" in blocks:
        return head + body
    of_layout = sorted(blocks & set(frame.blocks))
    if of_layout:
        raise LetterError(
            f"{part} has {{% block {of_layout[0]} %}} and no {{% block content %}}; write "
            "{% block content %} … {% endblock %} around the rest"
        )
    end = "" if part == "html_body" or body.endswith("\n") else "\n"
    return f"{head}{{% block content %}}{body}{end}{{% endblock %}}"
