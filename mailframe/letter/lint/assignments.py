"""What is assigned to the variables of templates: constants, or values that vary by row."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from jinja2 import nodes as ast

from mailframe.letter.jinja.constants import as_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

ESCAPED: Final = frozenset("<>&\"'")
"""Characters that ``{{ … }}`` escapes in HTML; inside ``<style>`` they must not be escaped."""
_LOOP: Final = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0"}
)
_ROW_VALUE: Final = ast.Name("", "load")


@dataclass(slots=True)
class Assignments:
    """The assignments of all variables in the templates of a part.

    Attributes:
        columns: the columns of the frame; a name of a column is never a constant.
        values: the assigned expressions, by name.
        blocks: each ``{% set name %}…{% endset %}`` with its template, by name.
        macros: each macro with its template, by name.
        passed: the arguments of macros, by the name of the parameter.
        modules: the names of ``{% import … as name %}``.
    """

    columns: Collection[object] = ()
    values: dict[str, list[ast.Node]] = field(default_factory=dict)
    blocks: dict[str, list[tuple[str, ast.AssignBlock]]] = field(default_factory=dict)
    macros: dict[str, list[tuple[str, ast.Macro]]] = field(default_factory=dict)
    passed: dict[str, list[ast.Node]] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)

    @classmethod
    def of(
        cls,
        trees: Mapping[str, ast.Template],
        *,
        columns: Collection[object],
        constants: Mapping[str, object] = MappingProxyType({}),
    ) -> Assignments:
        """The assignments of all templates of a part.

        Args:
            trees: the syntax trees by name.
            columns: the columns of the frame.
            constants: the constants of the letter.
        """
        assignments = cls(columns)
        for name, value in constants.items():
            assignments.values[name] = [as_nodes(value)]
        for name, tree in trees.items():
            assignments._collect(name, tree)
        for tree in trees.values():
            assignments._collect_passed(tree)
        return assignments

    def _collect(self, template: str, tree: ast.Template) -> None:
        pairs: list[tuple[ast.Node, ast.Node]] = [
            (assign.target, assign.node) for assign in tree.find_all(ast.Assign)
        ]
        pairs += [(loop.target, loop.iter) for loop in tree.find_all(ast.For)]
        pairs += [
            pair
            for scope in tree.find_all(ast.With)
            for pair in zip(scope.targets, scope.values, strict=True)
        ]
        for target, value in pairs:
            self._assign(target, value)
        for imports in tree.find_all(ast.FromImport):
            for names in imports.names:
                if not isinstance(names, str):  # (name, alias)
                    self.values.setdefault(names[1], []).append(ast.Name(names[0], "load"))
        self.modules |= {node.target for node in tree.find_all(ast.Import)}
        for block in tree.find_all(ast.AssignBlock):
            self._collect_block(template, block)
        for macro in tree.find_all(ast.Macro):
            self.macros.setdefault(macro.name, []).append((template, macro))
            self._assign_parameters(macro.args)
        for call in tree.find_all(ast.CallBlock):
            self._assign_parameters(call.args)

    def _assign_parameters(self, parameters: list[ast.Name]) -> None:
        for parameter in parameters:
            self._assign(parameter, _ROW_VALUE)

    def _collect_block(self, template: str, node: ast.AssignBlock) -> None:
        name = getattr(node.target, "name", "")
        if node.filter is None:
            self.blocks.setdefault(name, []).append((template, node))
        else:
            self.values.setdefault(name, []).append(node.filter)

    def _assign(self, target: ast.Node, value: ast.Node) -> None:
        if isinstance(target, ast.Name | ast.NSRef):  # NSRef: {% set page.color = … %}
            self.values.setdefault(target.name, []).append(value)
        elif isinstance(target, ast.Tuple):
            is_pairwise = isinstance(value, ast.Tuple) and len(value.items) == len(target.items)
            for index, item in enumerate(target.items):
                self._assign(item, value.items[index] if is_pairwise else value)  # type: ignore[attr-defined]

    def _collect_passed(self, tree: ast.Template) -> None:
        for call in tree.find_all(ast.Call):
            for _, macro in self.called(call):
                for parameter, argument in zip(macro.args, call.args, strict=False):
                    self.passed.setdefault(parameter.name, []).append(argument)
                for named in call.kwargs:
                    self.passed.setdefault(named.key, []).append(named.value)

    def called(self, call: ast.Call) -> list[tuple[str, ast.Macro]]:
        """The macros that a call can mean, also by an alias, each with its template."""
        name = getattr(call.node, "name", None) or getattr(call.node, "attr", None)
        aliases = [
            value.name for value in self.values.get(name or "", []) if isinstance(value, ast.Name)
        ]
        return [
            macro
            for macro_name in (name, *aliases)
            if isinstance(macro_name, str)
            for macro in self.macros.get(macro_name, [])
        ]

    # --- constants ----------------------------------------------------------------------------

    def is_constant(self, expr: ast.Node | None, *, within: frozenset[str] = frozenset()) -> bool:
        """Whether an expression only prints texts of the template, never a value of a row."""
        if expr is None or isinstance(
            expr, ast.Const | ast.TemplateData | ast.Compare | ast.Not | ast.Test
        ):
            return True  # a test prints yes or no
        if isinstance(expr, ast.Name):
            return self._is_constant_name(expr.name, within)
        if isinstance(expr, ast.Getattr) and isinstance(expr.node, ast.Name):
            if expr.node.name == "loop":
                return expr.attr in _LOOP
            if expr.node.name in self.modules:
                is_module = expr.node.name not in self.values
                return is_module and self._is_constant_name(expr.attr, within)
        parts = _parts(expr)
        return parts is not None and all(self.is_constant(part, within=within) for part in parts)

    def _is_constant_name(self, name: str, within: frozenset[str]) -> bool:
        values = self.values.get(name, [])
        if name in within or name in self.columns or name in self.blocks or name in self.macros:
            return False
        return bool(values) and all(
            self.is_constant(value, within=within | {name}) for value in values
        )

    def is_escaped(self, expr: ast.Node, *, within: frozenset[str] = frozenset()) -> bool:
        """Whether a constant has a character that is printed as an entity."""
        if isinstance(expr, ast.Const):
            return isinstance(expr.value, str) and not ESCAPED.isdisjoint(expr.value)
        if isinstance(expr, ast.Filter) and expr.name == "safe":
            return False
        if isinstance(expr, ast.Name) and expr.name not in within:
            values = self.values.get(expr.name, [])
            return any(self.is_escaped(value, within=within | {expr.name}) for value in values)
        key = _constant_key(expr)
        if key is not None and isinstance(expr.node, ast.Name):  # type: ignore[attr-defined]  # has a key
            values = [_item(value, key) for value in self.values.get(expr.node.name, [])]  # type: ignore[attr-defined]
            return any(self.is_escaped(value, within=within) for value in values)
        parts = _parts(expr) or ()
        return any(self.is_escaped(part, within=within) for part in parts if part is not None)

    # --- values with double quotes ------------------------------------------------------------

    def is_json(self, expr: ast.Node | None, *, within: frozenset[str] = frozenset()) -> bool:
        """Whether an expression can print the unescaped double quotes of ``tojson``."""
        if expr is None or isinstance(expr, ast.Compare | ast.Test | ast.Not):
            return False
        if isinstance(expr, ast.Filter) and (expr.name in _WITHOUT_JSON or makes(expr, "tojson")):
            return expr.name not in _WITHOUT_JSON
        if isinstance(expr, ast.CondExpr):
            branches = (expr.expr1, expr.expr2)
            return any(self.is_json(branch, within=within) for branch in branches)
        parts = [*expr.iter_child_nodes()]
        if isinstance(expr, ast.Name) and expr.name not in within:
            within |= {expr.name}
            parts = [*self.values.get(expr.name, []), *self.passed.get(expr.name, [])]
            parts += _printed(block for _, block in self.blocks.get(expr.name, []))
        elif isinstance(expr, ast.Call):
            macros = {
                macro.name: macro for _, macro in self.called(expr) if macro.name not in within
            }
            within |= macros.keys()
            parts += _printed(macros.values())
        return any(self.is_json(part, within=within) for part in parts)


def _printed(bodies: Iterable[ast.Node]) -> list[ast.Node]:
    """What macros and set blocks print."""
    return [
        part for body in bodies for output in body.find_all(ast.Output) for part in output.nodes
    ]


def _constant_key(expr: ast.Node) -> object:
    """The key of ``theme.brand`` or ``theme['brand']``; None for any other expression."""
    if isinstance(expr, ast.Getattr):
        return expr.attr
    is_item = isinstance(expr, ast.Getitem) and isinstance(expr.arg, ast.Const)
    return expr.arg.value if is_item else None  # type: ignore[attr-defined]  # of a Getitem


def _item(value: ast.Node, key: object) -> ast.Node:
    """The value of a key of a dict; the whole value if it is no dict with that key."""
    for pair in value.items if isinstance(value, ast.Dict) else ():
        if isinstance(pair.key, ast.Const) and pair.key.value == key:
            return pair.value
    return value


_WITHOUT_JSON: Final = frozenset({"forceescape", "length", "count", "wordcount", "int", "float"})


def makes(expr: ast.Filter, name: str) -> bool:
    """Whether a filter is the one of that name, or ``map`` with it or with a computed name.

    >>> from mailframe.letter.jinja.source_positions import parsed
    >>> filters = parsed("{{ x | map('safe') | list }}").find_all(ast.Filter)
    >>> [makes(expr, "safe") for expr in filters]
    [False, True]
    """
    if expr.name == name:
        return True
    if expr.name != "map" or not expr.args:
        return False
    applied = expr.args[0]
    return not isinstance(applied, ast.Const) or applied.value == name


def _parts(expr: ast.Node) -> list[ast.Node | None] | None:
    """The parts that must all be constants for a constant expression; None if it never is one."""
    parts = next((parts for kind, parts in _PARTS.items() if isinstance(expr, kind)), None)
    return None if parts is None else parts(expr)


def _parts_of_call(call: ast.Call) -> list[ast.Node | None] | None:
    if isinstance(call.node, ast.Getattr) and call.node.attr == "get":  # colors.get(plan, '#000')
        return [call.node.node, *call.args[1:]]
    if isinstance(call.node, ast.Name) and call.node.name in ("dict", "range"):
        return list(_arguments(call))
    return None


_PARTS: Final[Mapping[type[ast.Node], Callable[[Any], list[ast.Node | None] | None]]] = {
    ast.List: lambda expr: list(expr.items),
    ast.Tuple: lambda expr: list(expr.items),
    ast.Dict: lambda expr: [part for pair in expr.items for part in (pair.key, pair.value)],
    ast.Concat: lambda expr: list(expr.nodes),
    ast.CondExpr: lambda expr: [expr.expr1, expr.expr2],
    ast.BinExpr: lambda expr: [expr.left, expr.right],
    ast.UnaryExpr: lambda expr: [expr.node],
    ast.Getitem: lambda expr: [expr.node],  # a row can select the item, not change it
    ast.Getattr: lambda expr: [expr.node],
    ast.Filter: lambda expr: None if expr.node is None else [expr.node, *_arguments(expr)],
    ast.Call: _parts_of_call,
}


def _arguments(node: ast.Filter | ast.Call) -> Iterator[ast.Expr]:
    yield from node.args
    yield from (named.value for named in node.kwargs)
    yield from (more for more in (node.dyn_args, node.dyn_kwargs) if more is not None)
