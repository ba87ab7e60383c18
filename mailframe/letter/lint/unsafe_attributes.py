"""Error texts for values in attributes where escaping does not protect them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jinja2 import nodes as ast

from mailframe.letter.jinja.values import PrintedHtml

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from mailframe.letter.lint.assignments import Assignments
    from mailframe.letter.lint.html_position import HtmlPosition


def why_unsafe_in_quotes(attribute: str) -> str:
    """Why a value in the quotes of an attribute is refused; empty if it is not."""
    if attribute.startswith("on"):
        return f"{attribute}=… contains a value; mail clients remove it, and a cell could be code"
    if attribute == "srcdoc":
        return "srcdoc contains a value; it is parsed as HTML again, so a cell could add markup"
    return ""


def unquoted(state: HtmlPosition, *, is_json: bool) -> str:
    """The error text for a value without quotes around it."""
    name = state.attribute
    hint = f"write {name}='{{{{ … | tojson }}}}'" if is_json else f'write {name}="{{{{ … }}}}"'
    if state.value == "`":
        return f"{name}=`{{{{ … }}}}` has backticks, which are not quotes in HTML; {hint}"
    return f"{name}={{{{ … }}}} has no quotes; {hint}"


def quotes(attribute: str) -> str:
    """The error text for the JSON of a value in double quotes."""
    return (
        f'{attribute}="{{{{ … | tojson }}}}" would end at the first quote of the JSON; '
        f"write {attribute}='{{{{ … | tojson }}}}' with single quotes"
    )


_END: Final = "and its quotes would end the attribute"
_MAKE_HTML: Final = frozenset({"table", "urlize"})
"""Filters whose result has quotes that are not escaped."""
_KEEP_HTML: Final = frozenset(
    {"default", "d", "safe", "string", "e", "escape", "first", "last", "join", "truncate"}
)
"""Filters that can return the value, an item or an argument as it is; all others return text."""


def html_in_quotes(expr: ast.Node, trusted: Collection[object], assignments: Assignments) -> str:
    """Why an expression prints HTML, whose quotes would end an attribute; empty if it does not.

    Args:
        expr: the expression.
        trusted: the columns with trusted HTML.
        assignments: what the templates assign to variables.
    """
    seen: set[str] = set()
    waiting: list[ast.Node | None] = [expr]
    while waiting:
        node = waiting.pop()
        name = _name(node)
        if name is not None and name in trusted:
            return f"{name!r} is trusted HTML, {_END}"
        if isinstance(node, ast.Const) and isinstance(node.value, PrintedHtml):
            return f"a constant is trusted HTML, {_END}"
        if isinstance(node, ast.Name) and node.name not in seen:
            seen.add(node.name)
            waiting += [
                *assignments.values.get(node.name, ()),
                *assignments.passed.get(node.name, ()),
            ]
        elif isinstance(node, ast.Filter) and node.name in _MAKE_HTML:
            return f"| {node.name} makes HTML, {_END}; write it between tags"
        else:
            waiting += _printed_parts(node)
    return ""


def _printed_parts(node: ast.Node | None) -> Iterable[ast.Node | None]:
    """The parts of an expression of which it prints one, or all."""
    parts = next((parts for kind, parts in _PARTS.items() if isinstance(node, kind)), None)
    return () if parts is None else parts(node)


_PARTS: Final[Mapping[type[ast.Node], Callable[[Any], Iterable[ast.Node | None]]]] = {
    ast.Filter: lambda expr: (
        (expr.node, *expr.args, *(named.value for named in expr.kwargs))
        if expr.name in _KEEP_HTML
        else ()
    ),
    ast.CondExpr: lambda expr: (expr.expr1, expr.expr2),
    ast.And: lambda expr: (expr.left, expr.right),
    ast.Or: lambda expr: (expr.left, expr.right),
    ast.Concat: lambda expr: expr.nodes,
    ast.Getitem: lambda expr: (expr.node,) if isinstance(expr.node, ast.Literal) else (),
    ast.Getattr: lambda expr: (expr.node,) if isinstance(expr.node, ast.Literal) else (),
    ast.Dict: lambda expr: [pair.value for pair in expr.items],
    ast.List: lambda expr: expr.items,
    ast.Tuple: lambda expr: expr.items,
}


def _name(node: ast.Node | None) -> object:
    """The name of a column: of ``name``, ``row.name`` and ``row['name']``; None for others."""
    if isinstance(node, ast.Name):
        return node.name
    if isinstance(node, ast.Getattr | ast.Getitem) and getattr(node.node, "name", "") == "row":
        is_fixed = isinstance(node, ast.Getitem) and isinstance(node.arg, ast.Const)
        return node.attr if isinstance(node, ast.Getattr) else node.arg.value if is_fixed else None  # type: ignore[attr-defined]  # a Const
    return None
