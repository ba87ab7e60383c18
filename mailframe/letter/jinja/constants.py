"""A letter's constants: the same in every row, and written by the letter's authors.

``{{ company }}`` becomes text of the template when it is parsed. So a part with constants alone is
the same text in each row, and a masked preview shows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import nodes as ast
from jinja2.visitor import NodeTransformer
from markupsafe import escape

from mailframe.errors import LetterError
from mailframe.letter.jinja.printing import UnprintableValue, as_printed

if TYPE_CHECKING:
    from collections.abc import Mapping


def print_constants(
    tree: ast.Template, constants: Mapping[str, Any], *, html: bool, name: str
) -> ast.Template:
    """The syntax tree with each printed constant as text, as ``{{ … }}`` prints it.

    Args:
        tree: the tree, which is changed.
        constants: the constants of the letter.
        html: whether printed values are escaped.
        name: the name of the template, for the message.

    Raises:
        LetterError: the template sets a name of a constant, so that it would mean two things.
    """
    if not constants:
        return tree
    parameters = set()
    for used in tree.find_all(ast.Name):
        if used.name in constants and used.ctx == "store":
            _refuse(used.name, f"{name}, line {used.lineno}")
        if used.ctx == "param":
            parameters.add(used.name)
    for node in tree.find_all((ast.Macro, ast.Import, ast.FromImport, ast.With)):
        for defined in _defined(node):
            if defined in constants:
                _refuse(defined, f"{name}, line {node.lineno}")
    if next(tree.find_all(ast.ScopedEvalContextModifier), None) is not None:
        return tree  # whether a value is escaped is decided where it is printed
    printable = {key: value for key, value in constants.items() if key not in parameters}
    return _Printer(printable, html=html).visit(tree)  # type: ignore[no-any-return]  # the tree


def as_nodes(value: Any) -> ast.Expr:
    """A constant as the expression that a template would write for it.

    >>> as_nodes(["a", 1])
    List(items=[Const(value='a'), Const(value=1)])
    """
    if isinstance(value, list):
        return ast.List([as_nodes(item) for item in value])
    if isinstance(value, dict):
        return ast.Dict([ast.Pair(as_nodes(key), as_nodes(item)) for key, item in value.items()])
    return ast.Const(value)


def _defined(node: ast.Node) -> list[str]:
    if isinstance(node, ast.Macro):
        return [node.name]
    if isinstance(node, ast.Import):
        return [node.target]
    if isinstance(node, ast.With):
        return [name.name for target in node.targets for name in _targets(target)]
    return [name if isinstance(name, str) else name[1] for name in node.names]  # type: ignore[attr-defined]  # of FromImport


def _targets(target: ast.Expr) -> list[ast.Name]:
    return [target] if isinstance(target, ast.Name) else list(target.find_all(ast.Name))


def _refuse(constant: str, where: str) -> None:
    raise LetterError(
        f"{where} sets {constant!r}, which is a constant of the letter; use another name"
    )


class _Printer(NodeTransformer):
    """jinja2 calls each method for the nodes of that class."""

    def __init__(self, constants: Mapping[str, Any], *, html: bool) -> None:
        self._constants, self._html = constants, html

    def visit_Output(self, node: ast.Output) -> ast.Node:  # noqa: N802 - jinja2's name
        node.nodes = [self._printed(child) for child in node.nodes]
        return self.generic_visit(node)

    def _printed(self, node: ast.Expr) -> ast.Expr:
        if not isinstance(node, ast.Name) or node.name not in self._constants:
            return node
        try:
            text = as_printed(self._constants[node.name])
        except UnprintableValue:
            return node  # reported where it is printed, with the line
        return ast.TemplateData(str(escape(text) if self._html else text), lineno=node.lineno)
