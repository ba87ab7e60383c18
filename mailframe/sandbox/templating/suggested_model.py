"""The model that a template needs, for tests: ``SuggestedTemplateModel``. Pure.

The rules are those of Mustachio's ``InferredTemplateModel.cs``. Paths are followed in the model,
not in the scopes of a rendering: inside ``{{#each}}``, one ``../`` fewer leads out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailframe.sandbox.templating.tokens import UP, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailframe.sandbox.templating.template import Template
    from mailframe.sandbox.templating.tokens import Token


class _Use:
    """A name in a model, with how the templates use it and the names inside."""

    __slots__ = ("inside", "kinds", "name", "parent")

    def __init__(self, name: str = "", parent: _Use | None = None) -> None:
        self.name = name
        self.parent = parent
        self.inside: dict[str, _Use] = {}
        self.kinds: set[str] = set()

    def at(self, parts: Iterable[str]) -> _Use:
        use = self
        for part in parts:
            up = part == UP
            use = use.parent or use if up else use.inside.setdefault(part, _Use(part, use))
        return use

    def as_value(self) -> Any:
        """A value as the templates use it."""
        if self.kinds == {"value"}:
            return f"{self.name}_Value"
        inside = {name: use.as_value() for name, use in self.inside.items()}
        if "list" not in self.kinds:
            return inside
        return [inside] if inside else [f"{self.name}_{number}" for number in (1, 2, 3)]


_KINDS = {
    Kind.ESCAPED: "value",
    Kind.RAW: "value",
    Kind.SECTION: "condition",
    Kind.INVERTED: "condition",
    Kind.EACH: "list",
}


def suggested_model(parts: Iterable[tuple[Template, Template | None]]) -> dict[str, Any]:
    """A model with each name that the templates use.

    Args:
        parts: each part of a message: its template, and its layout if it has one.

    >>> from mailframe.sandbox.templating.template import Template
    >>> suggested_model([(Template.of("{{#a}}{{b}}{{/a}}{{#each c}}{{.}}{{/each}}"), None)])
    {'a': {'b': 'b_Value'}, 'c': ['c_1', 'c_2', 'c_3']}
    """
    root = _Use()
    for template, layout in parts:
        if layout is None:
            _read(template.tokens, root)
        else:
            _read(layout.tokens, root, content=template.tokens)
    root.kinds.clear()  # also {{.}} in no block leaves it an object
    model: dict[str, Any] = root.as_value()
    return model


def _read(tokens: Sequence[Token], root: _Use, content: Sequence[Token] = ()) -> None:
    scopes = [root]
    for token in tokens:
        if token.kind is Kind.CLOSE:
            scopes.pop()
        elif token.kind is Kind.CONTENT:
            _read(content, scopes[-1])
        elif token.kind is not Kind.TEXT:
            use = scopes[-1].at(token.parts)
            use.kinds.add(_KINDS[token.kind])
            if token.kind not in (Kind.ESCAPED, Kind.RAW):
                scopes.append(use)


def merged(suggested: Any, given: Any) -> Any:
    """*suggested*, with the values of *given* where it has some.

    >>> merged({"a": "a_Value", "b": {"c": "c_Value"}}, {"b": {"d": 1}, "e": 2})
    {'b': {'d': 1, 'c': 'c_Value'}, 'e': 2, 'a': 'a_Value'}
    """
    if not isinstance(suggested, dict) or not isinstance(given, dict):
        return given
    return given | {
        name: merged(value, given[name]) if name in given else value
        for name, value in suggested.items()
    }
