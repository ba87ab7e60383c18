"""Expressions that have the same value in HTML and in text, so that one evaluation does for both.

In an HTML part jinja2 escapes what is printed, and a few filters and ``~`` mark their results as
safe. An expression without these has a plain value, which the HTML part escapes afterwards. So the
template's own text between such expressions must be text that escaping does not change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jinja2 import nodes as ast

from mailframe.message.columnar.encoding import escaped_texts

if TYPE_CHECKING:
    from collections.abc import Collection

_NODES: Final = (
    *(ast.Template, ast.Output, ast.If, ast.Name, ast.Const, ast.Test),
    *(ast.Compare, ast.Operand, ast.And, ast.Or, ast.Not, ast.CondExpr, ast.Neg),
    *(ast.Add, ast.Sub, ast.Mul, ast.Div, ast.FloorDiv),
    *(ast.Getattr, ast.Getitem, ast.Call, ast.Keyword, ast.Pair, ast.List, ast.Tuple),
)
_FILTERS: Final = frozenset(
    """
    abs capitalize d date default float format int length lower money number plural round title trim
    upper
    """.split()  # noqa: SIM905 - a list of one word a line is harder to read
)


def is_escape_independent(
    tree: ast.Template, names_of_mailframe: Collection[str], *, own_filters: Collection[str] = ()
) -> bool:
    """Whether a tree sets nothing and has the same values with and without autoescaping.

    Args:
        tree: the tree.
        names_of_mailframe: the names that every template has, such as ``range``.
        own_filters: the names of the letter's own filters, which may return trusted HTML.
    """
    if any(node.name in own_filters for node in tree.find_all(ast.Filter)):
        return False
    return all(
        _is_node_escape_independent(node, names_of_mailframe) for node in tree.find_all(ast.Node)
    )


def _is_node_escape_independent(node: ast.Node, names_of_mailframe: Collection[str]) -> bool:
    if isinstance(node, ast.TemplateData):
        return escaped_texts([node.data]) == [node.data]
    if isinstance(node, ast.Filter):
        return node.name in _FILTERS
    if isinstance(node, ast.Test):
        return node.name != "escaped"
    if isinstance(node, ast.Name):
        return node.ctx == "load" and node.name not in names_of_mailframe
    if isinstance(node, ast.Call):
        return isinstance(node.node, ast.Getattr)
    return isinstance(node, _NODES)
