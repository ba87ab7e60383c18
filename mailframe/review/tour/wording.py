"""An expression of a template written as a person wrote it, so that a branch can be named in the template's words."""

from __future__ import annotations

from functools import singledispatch
from typing import Final

from jinja2 import nodes as ast

from mailframe.letter.jinja.marks import show_placeholders

MAX_CHARACTERS: Final = 60
"""Of one expression; the rest is an ellipsis."""
UNKNOWN: Final = "…"

_OPERATORS: Final[dict[type[ast.Node], tuple[str, int]]] = {
    ast.Or: ("or", 1),
    ast.And: ("and", 2),
    ast.Add: ("+", 5),
    ast.Sub: ("-", 5),
    ast.Mul: ("*", 7),
    ast.Div: ("/", 7),
    ast.FloorDiv: ("//", 7),
    ast.Mod: ("%", 7),
    ast.Pow: ("**", 9),
}
_LEVELS: Final[dict[type[ast.Node], int]] = {
    **{kind: level for kind, (_, level) in _OPERATORS.items()},
    ast.CondExpr: 0,
    ast.Not: 3,
    ast.Compare: 4,
    ast.Concat: 6,
    ast.Neg: 8,
    ast.Pos: 8,
}
"""How tight each binds; what is not here needs no brackets."""
_TIGHT: Final = 10
_COMPARISONS: Final = {
    "eq": "==",
    "ne": "!=",
    "gt": ">",
    "gteq": ">=",
    "lt": "<",
    "lteq": "<=",
    "in": "in",
    "notin": "not in",
}
_CONSTANTS: Final = {None: "none", True: "true", False: "false"}


def text_of(node: ast.Node | None, *, max_characters: int = MAX_CHARACTERS) -> str:
    """The expression on one line, an ellipsis for what this cannot write; it never raises.

    >>> from jinja2 import Environment
    >>> [output] = Environment().parse("{{ (plan or 'free')|upper if seats > 1 and not row['a b'] is missing }}").body
    >>> text_of(output.nodes[0])
    "(plan or 'free') | upper if seats > 1 and not row['a b'] is…"
    """
    try:
        text = " ".join(_said(node).split())
    except (RecursionError, AttributeError, KeyError, TypeError, ValueError):
        return UNKNOWN
    return clipped(text, max_characters=max_characters)


def clipped(text: str, *, max_characters: int = MAX_CHARACTERS) -> str:
    """The text, cut with an ellipsis if it is longer than that.

    >>> clipped("plan == 'team'", max_characters=6)
    'plan…'
    """
    return text if len(text) <= max_characters else text[: max_characters - 1].rstrip() + UNKNOWN


def _inside(node: ast.Node, level: int) -> str:
    """As a part of what binds at *level*; in brackets if it binds less tight."""
    text = _said(node)
    return f"({text})" if _LEVELS.get(type(node), _TIGHT) < level else text


@singledispatch
def _said(node: object) -> str:
    del node
    return UNKNOWN


@_said.register(ast.Const)
def _const(node: ast.Const) -> str:
    if isinstance(node.value, str):
        return repr(show_placeholders(node.value))
    return (
        repr(node.value)
        if isinstance(node.value, int | float) and node.value not in (True, False)
        else _word(node)
    )


def _word(node: ast.Const) -> str:
    known = isinstance(node.value, bool) or node.value is None
    return _CONSTANTS[node.value] if known else repr(node.value)


@_said.register(ast.TemplateData)
def _data(node: ast.TemplateData) -> str:
    return repr(show_placeholders(node.data))


@_said.register(ast.Name)
def _name(node: ast.Name) -> str:
    return node.name


@_said.register(ast.NSRef)
def _namespace(node: ast.NSRef) -> str:
    return f"{node.name}.{node.attr}"


@_said.register(ast.Getattr)
def _getattr(node: ast.Getattr) -> str:
    return f"{_inside(node.node, _TIGHT)}.{node.attr}"


@_said.register(ast.Getitem)
def _getitem(node: ast.Getitem) -> str:
    return f"{_inside(node.node, _TIGHT)}[{_said(node.arg)}]"


@_said.register(ast.Slice)
def _slice(node: ast.Slice) -> str:
    ends = ":".join("" if end is None else _said(end) for end in (node.start, node.stop))
    return ends if node.step is None else f"{ends}:{_said(node.step)}"


@_said.register(ast.BinExpr)
def _binary(node: ast.BinExpr) -> str:
    operator, level = _OPERATORS[type(node)]
    return f"{_inside(node.left, level)} {operator} {_inside(node.right, level + 1)}"


@_said.register(ast.Not)
def _not(node: ast.Not) -> str:
    return f"not {_inside(node.node, _LEVELS[ast.Not])}"


@_said.register(ast.Neg)
@_said.register(ast.Pos)
def _sign(node: ast.UnaryExpr) -> str:
    return f"{'-' if isinstance(node, ast.Neg) else '+'}{_inside(node.node, _LEVELS[ast.Neg])}"


@_said.register(ast.Concat)
def _concat(node: ast.Concat) -> str:
    return " ~ ".join(_inside(part, _LEVELS[ast.Concat] + 1) for part in node.nodes)


@_said.register(ast.Compare)
def _compare(node: ast.Compare) -> str:
    level = _LEVELS[ast.Compare] + 1
    others = (f"{_COMPARISONS[operand.op]} {_inside(operand.expr, level)}" for operand in node.ops)
    return " ".join([_inside(node.expr, level), *others])


@_said.register(ast.CondExpr)
def _conditional(node: ast.CondExpr) -> str:
    text = f"{_inside(node.expr1, 1)} if {_inside(node.test, 1)}"
    return text if node.expr2 is None else f"{text} else {_said(node.expr2)}"


@_said.register(ast.Filter)
def _filter(node: ast.Filter) -> str:
    value = UNKNOWN if node.node is None else _inside(node.node, _TIGHT)
    given = _arguments(node)
    return f"{value} | {node.name}" + (f"({given})" if given else "")


@_said.register(ast.Test)
def _test(node: ast.Test) -> str:
    given = _arguments(node)
    return f"{_inside(node.node, _TIGHT)} is {node.name}" + (f"({given})" if given else "")


@_said.register(ast.Call)
def _call(node: ast.Call) -> str:
    return f"{_inside(node.node, _TIGHT)}({_arguments(node)})"


@_said.register(ast.List)
def _list(node: ast.List) -> str:
    return f"[{', '.join(map(_said, node.items))}]"


@_said.register(ast.Tuple)
def _tuple(node: ast.Tuple) -> str:
    items = ", ".join(map(_said, node.items))
    return items if node.ctx == "store" else f"({items}{',' if len(node.items) == 1 else ''})"


@_said.register(ast.Dict)
def _dict(node: ast.Dict) -> str:
    return f"{{{', '.join(f'{_said(pair.key)}: {_said(pair.value)}' for pair in node.items)}}}"


def _arguments(node: ast.Filter | ast.Test | ast.Call) -> str:
    given = [_said(argument) for argument in node.args or ()]
    named = [each for each in node.kwargs or () if isinstance(each, ast.Keyword)]
    given += [f"{each.key}={_said(each.value)}" for each in named]
    given += [f"*{_said(node.dyn_args)}"] if node.dyn_args is not None else []
    given += [f"**{_said(node.dyn_kwargs)}"] if node.dyn_kwargs is not None else []
    return ", ".join(given)
