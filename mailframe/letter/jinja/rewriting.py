"""Rewrites the syntax tree of a template before jinja2 compiles it.

Loops, comparisons, slices, lists and ``~`` are wrapped in filters of ``LetterEnvironment`` that
charge the budget. jinja2 does not escape what ``{% filter … %}`` prints, and marks the value of
``{% set x | … %}`` as safe if it escapes values. A cell can be in the arguments of these filters,
so their results are printed as ``{{ … }}`` prints values.
"""

from __future__ import annotations

from typing import Final

from jinja2 import nodes as ast
from jinja2.visitor import NodeTransformer

from mailframe.letter.jinja.template_marks import show_placeholders
from mailframe.letter.jinja.translations import OF_TEMPLATE

DICT_METHODS: Final = frozenset(name for name in dir(dict) if not name.startswith("_"))
"""``order.items`` is a key of the dict; ``order.items()`` is always the method."""


def rewrite(tree: ast.Template) -> ast.Template:
    """The syntax tree with its operations charged, and Postmark's placeholders as plain text."""
    _Rewriter().visit(tree)
    return tree


class _Rewriter(NodeTransformer):
    """jinja2 calls each method for the nodes of that class."""

    def visit_TemplateData(self, node: ast.TemplateData) -> ast.Node:  # noqa: N802 - jinja2's name
        node.data = show_placeholders(node.data)
        return node

    def visit_Const(self, node: ast.Const) -> ast.Node:  # noqa: N802
        if isinstance(node.value, str):
            node.value = show_placeholders(node.value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.Node:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.node, ast.Getattr) and node.node.attr in DICT_METHODS:
            node.node = _filtered(
                "_method", node.node.node, ast.Const(node.node.attr, lineno=node.lineno)
            )
        if isinstance(node.node, ast.Name) and is_text_of_template(node):
            node.node.name = OF_TEMPLATE[node.node.name]
        return node

    def visit_For(self, node: ast.For) -> ast.Node:  # noqa: N802
        self.generic_visit(node)
        node.iter = _filtered("_each", node.iter)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.Node:  # noqa: N802
        self.generic_visit(node)
        if not _is_short(node):
            node.expr = _read(node.expr)
            for operand in node.ops:
                operand.expr = _read(operand.expr)
        return node

    def visit_Getitem(self, node: ast.Getitem) -> ast.Node:  # noqa: N802
        self.generic_visit(node)
        if not isinstance(node.arg, ast.Slice):
            return node
        bounds = (node.arg.start, node.arg.stop, node.arg.step)
        return _filtered(
            "_sliced",
            node.node,
            *(bound or ast.Const(None, lineno=node.lineno) for bound in bounds),
        )

    def visit_List(self, node: ast.Expr) -> ast.Node:  # noqa: N802
        """Charge a list with a variable in it: ``[x, x]`` of ``[x, x]`` of … doubles each time."""
        self.generic_visit(node)
        return _filtered("_weighed", node) if node.find(ast.Name) else node

    visit_Dict = visit_List  # noqa: N815

    def visit_Tuple(self, node: ast.Tuple) -> ast.Node:  # noqa: N802
        return self.visit_List(node) if node.ctx == "load" else node

    def visit_FilterBlock(self, node: ast.FilterBlock) -> ast.Node:  # noqa: N802
        self.generic_visit(node)
        node.filter = _filtered("_written", node.filter)
        return node

    def visit_AssignBlock(self, node: ast.AssignBlock) -> ast.Node:  # noqa: N802
        self.generic_visit(node)
        if node.filter is not None:
            node.filter = _filtered("_kept", node.filter)
        return node

    def visit_Concat(self, node: ast.Concat) -> ast.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered("_concat", ast.List(node.nodes, lineno=node.lineno))


def is_text_of_template(call: ast.Call) -> bool:
    """Whether a call translates a text that a template has, such as that of ``{% trans %}``.

    Its translation can have markup; that of a value is escaped, as the value is.
    """
    name = getattr(call.node, "name", "")
    if name not in OF_TEMPLATE or call.dyn_args is not None:
        return False
    texts = _texts(call)
    return bool(texts) and all(
        isinstance(text, ast.Const) and isinstance(text.value, str) for text in texts
    )


def texts_of_template(call: ast.Call) -> list[str]:
    """The texts of such a call: one, or those for one and for several, without the context."""
    texts = [text.value for text in _texts(call) if isinstance(text, ast.Const)]
    return texts[1:] if getattr(call.node, "name", "") in ("pgettext", "npgettext") else texts


def _texts(call: ast.Call) -> list[ast.Expr]:
    is_counted = getattr(call.node, "name", "") in ("ngettext", "npgettext")
    return call.args[:-1] if is_counted else call.args


def _is_short(compare: ast.Compare) -> bool:
    """Whether its time does not depend on the length of a value, as in ``plan == 'team'``."""
    [first, *others] = compare.ops
    if others:
        return False
    if first.op in ("in", "notin"):
        if not isinstance(first.expr, ast.List | ast.Tuple):
            return False
        return all(isinstance(item, ast.Const) for item in first.expr.items)
    return isinstance(compare.expr, ast.Const) or isinstance(first.expr, ast.Const)


def _read(node: ast.Expr) -> ast.Expr:
    return node if isinstance(node, ast.Const) else _filtered("_read", node)


def _filtered(name: str, node: ast.Node, *args: ast.Node) -> ast.Filter:
    return ast.Filter(node, name, list(args), [], None, None, lineno=node.lineno)
