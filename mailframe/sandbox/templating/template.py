"""A template that was read once and is rendered with many models.

The rules are those of Mustachio's ``Parser.cs``: a missing value prints nothing, a section renders
once if its value is not empty, ``{{#each}}`` renders for each item of a list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from mailframe.sandbox.checks import texts_templates as texts
from mailframe.sandbox.templating.tokens import Kind, tokenize
from mailframe.sandbox.templating.values import Scope, encoded, printed, value_finder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.sandbox.templating.tokens import ParseError, Token

MAX_CHARACTERS = 300_000_000
MAX_STEPS, STEPS, STEPS_OF_EACH = 50_000_000, 2_000_000, 40_000
_MAX_KEPT = 4_000_000
"""Characters of sources whose templates are kept."""


class RenderingFailed(Exception):
    """A template cannot be rendered with this model; its text says why."""


class Budget:
    """What the renderings of one request may cost, so that no template hangs the sandbox.

    Attributes:
        steps: how many tags and texts may still be rendered; a million take about half a second.
        characters: how many characters may still be written.
    """

    __slots__ = ("characters", "steps")

    def __init__(self, *, steps: int = STEPS, characters: int = MAX_CHARACTERS) -> None:
        self.steps = steps
        self.characters = characters

    @classmethod
    def of(cls, messages: int) -> Self:
        """The budget of a request with so many messages.

        >>> Budget.of(500).steps
        22000000
        """
        return cls(steps=min(STEPS + STEPS_OF_EACH * messages, MAX_STEPS))


class _Run:
    """One rendering."""

    __slots__ = ("_budget", "_written", "content", "is_html")

    def __init__(self, budget: Budget, *, is_html: bool, content: Template | None) -> None:
        self._budget = budget
        self._written: list[str] = []
        self.is_html = is_html
        self.content = content

    def render(self, steps: Sequence[_Step], scope: Scope) -> None:
        budget, write = self._budget, self._written.append
        budget.steps -= len(steps) + 1
        if budget.steps < 0:
            raise RenderingFailed(texts.TOO_MUCH)
        for step in steps:
            text = step if type(step) is str else step(self, scope)  # type: ignore[operator]
            if text:
                budget.characters -= len(text)
                if budget.characters < 0:
                    raise RenderingFailed(texts.TOO_MUCH)
                write(text)

    def text(self) -> str:
        return "".join(self._written)


_Step: TypeAlias = str | Callable[[_Run, Scope], str | None]
"""A text, or a function that returns one or renders the steps of a block."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template.

    Attributes:
        tokens: its tokens.
        errors: its errors; a template with errors renders nothing.
        places: how many ``{{{ @content }}}`` it has.
    """

    tokens: tuple[Token, ...]
    errors: tuple[ParseError, ...]
    places: int
    _steps: tuple[_Step, ...]

    @classmethod
    def of(cls, source: str) -> Template:
        """Read *source*."""
        tokens, errors = tokenize(source)
        places = sum(token.kind is Kind.CONTENT for token in tokens)
        steps = () if errors else tuple(_steps_of(tokens))
        return cls(tuple(tokens), tuple(errors), places, steps)

    def render(
        self,
        model: dict[str, Any],
        *,
        html: bool = False,
        content: Template | None = None,
        budget: Budget | None = None,
    ) -> str:
        """The text for *model*.

        Args:
            model: the object whose values are printed.
            html: whether ``{{x}}`` encodes for HTML; subjects and text bodies do not (D).
            content: the template at the place of ``{{{ @content }}}``, if this is a layout.
            budget: what it may cost; renderings of one request share one.

        Raises:
            RenderingFailed: a value that is no list stands in ``{{#each}}``, or it costs too much.

        >>> Template.of("Hi {{name}}{{^name}}you{{/name}}!").render({"name": "Ann"})
        'Hi Ann!'
        >>> layout = Template.of("<p>{{{ @content }}}</p>")
        >>> layout.render({"x": "<"}, html=True, content=Template.of("{{x}} {{{x}}}"))
        '<p>&lt; <</p>'
        """
        run = _Run(budget or Budget(), is_html=html, content=content)
        run.render(self._steps, Scope(model))
        return run.text()


class TemplateCache:
    """Templates by their source, so that each is read once; the oldest go when there are many."""

    def __init__(self, *, max_characters: int = _MAX_KEPT) -> None:
        self._templates: dict[str, Template] = {}
        self._characters = 0
        self._max_characters = max_characters

    def of(self, source: str) -> Template:
        """The template of *source*."""
        template = self._templates.get(source)
        if template is None:
            template = Template.of(source)
            self._keep(source, template)
        return template

    def _keep(self, source: str, template: Template) -> None:
        self._templates[source] = template
        self._characters += len(source)
        while self._characters > self._max_characters:
            oldest = next(iter(self._templates))
            del self._templates[oldest]
            self._characters -= len(oldest)


def _steps_of(tokens: Sequence[Token]) -> list[_Step]:
    """The steps that render *tokens*; those of a block are inside its step."""
    blocks: list[list[_Step]] = [[]]
    for token in tokens:
        if token.kind in _BLOCKS:
            inner: list[_Step] = []
            blocks[-1].append(_BLOCKS[token.kind](token, inner))
            blocks.append(inner)
        elif token.kind is Kind.CLOSE:
            blocks.pop()
        else:
            blocks[-1].append(_step_of(token))
    return blocks[0]


def _step_of(token: Token) -> _Step:
    if token.kind is Kind.TEXT:
        return token.text
    return _render_content if token.kind is Kind.CONTENT else _value(token)


def _value(token: Token) -> _Step:
    value_in, is_raw = value_finder(token.parts), token.kind is Kind.RAW

    def step(run: _Run, scope: Scope) -> str | None:
        value = value_in(scope)
        if value is None:
            return None
        text = value if type(value) is str else printed(value)
        return text if is_raw or not run.is_html else encoded(text)

    return step


def _render_content(run: _Run, scope: Scope) -> None:
    content, run.content = run.content, None  # a template has no place for another one
    if content is not None:
        run.render(content._steps, scope)  # noqa: SLF001 - of the same class
    run.content = content


def _section(token: Token, steps: list[_Step]) -> _Step:
    parts = token.parts

    def step(run: _Run, scope: Scope) -> None:
        inner = scope.at(parts)
        if inner.value:
            run.render(steps, inner)

    return step


def _inverted(token: Token, steps: list[_Step]) -> _Step:
    parts = token.parts

    def step(run: _Run, scope: Scope) -> None:
        inner = scope.at(parts)
        if not inner.value:
            run.render(steps, inner)

    return step


def _each(token: Token, steps: list[_Step]) -> _Step:
    parts, path = token.parts, token.text

    def step(run: _Run, scope: Scope) -> None:
        items = scope.at(parts)
        if not items.value:
            return
        if not isinstance(items.value, list):
            raise RenderingFailed(texts.NOT_A_LIST.format(path=path))
        for item in items.value:
            run.render(steps, Scope(item, items))

    return step


_BLOCKS: dict[Kind, Callable[[Token, list[_Step]], _Step]] = {
    Kind.SECTION: _section,
    Kind.INVERTED: _inverted,
    Kind.EACH: _each,
}
