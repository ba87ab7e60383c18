"""Simple expressions of templates as people write them: ``last name``, ``length of orders``."""

from __future__ import annotations

import re
from typing import Final

from jinja2 import nodes as ast

_BARE: Final = re.compile(r"[^\W_](?:[\w .+%&/-]*\w)?")
"""Texts that need no quotes."""


def column_name(node: ast.Node | None) -> str:
    """The column that an expression consists of, ``plan`` or ``row["plan"]``; empty if not one."""
    if isinstance(node, ast.Name):
        return node.name
    if isinstance(node, ast.Getattr) and _is_row(node.node):
        return node.attr
    if isinstance(node, ast.Getitem) and _is_row(node.node) and isinstance(node.arg, ast.Const):
        return node.arg.value if isinstance(node.arg.value, str) else ""
    return ""


def written(node: ast.Node) -> str | None:  # noqa: PLR0911 - one for each kind of expression
    """A simple expression as people write it; None for any other.

    >>> from jinja2 import Environment
    >>> def of(source): return written(Environment().parse(f"{{{{ {source} }}}}").body[0].nodes[0])
    >>> of("row['last name']"), of("orders | length"), of("order.total * 2"), of("'a' ~ b")
    ('last name', 'length of orders', 'order.total * 2', None)
    """
    if name := column_name(node):
        return name
    if isinstance(node, ast.Const):
        return _constant(node.value)
    if isinstance(node, ast.Getattr):
        return with_more(written(node.node), node.attr, ".")
    if isinstance(node, ast.Getitem) and isinstance(node.arg, ast.Const):
        return with_more(written(node.node), f"[{node.arg.value!r}]", "")
    if isinstance(node, ast.Filter) and node.node is not None and not (node.args or node.kwargs):
        value = written(node.node)
        is_length = node.name in ("length", "count")
        return value and (f"length of {value}" if is_length else f"{value} | {node.name}")
    if isinstance(node, ast.Call) and not (node.kwargs or node.dyn_args or node.dyn_kwargs):
        values = [written(value) for value in node.args]
        called = None if None in values else written(node.node)
        return called and f"{called}({', '.join(filter(None, values))})"
    if isinstance(node, ast.Add | ast.Sub | ast.Mul | ast.Div):
        left, right = written(node.left), written(node.right)
        return f"{left} {node.operator} {right}" if left and right else None
    return None


def with_more(text: str | None, more: str, between: str = " ") -> str | None:
    """The text and more; None without a text."""
    return text and f"{text}{between}{more}"


def _constant(value: object) -> str:
    if isinstance(value, str):
        return value if _BARE.fullmatch(value) else repr(value)
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def _is_row(node: ast.Node) -> bool:
    return isinstance(node, ast.Name) and node.name == "row"
