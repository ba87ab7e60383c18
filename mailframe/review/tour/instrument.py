"""Instruments a parsed template: writes a mark for each branch, which ``tracing.py`` evaluates."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from jinja2 import nodes as ast
from jinja2.visitor import NodeTransformer

from mailframe.review.tour.branches import BranchKind
from mailframe.review.tour.conditions import Conditions
from mailframe.review.tour.expressions import column_name
from mailframe.review.tour.template_tags import Tags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailframe.review.tour.branches import BranchTable
    from mailframe.review.tour.conditions import ColumnFacts

N = TypeVar("N", bound=ast.Node)

_ITEMS = ("no items", "one item", "several items")


class _Described(NamedTuple):
    """The column that may be missing in rows that take a branch, and the branch in plain words."""

    column: str
    plain: str


class _DescribedDefault(NamedTuple):
    """A ``default`` that is used and not used, in plain words."""

    used: str
    unused: str


def mark_branches(
    tree: ast.Template,
    source: str,
    *,
    table: BranchTable,
    template: str,
    is_file: bool,
    columns: Mapping[object, ColumnFacts],
) -> None:
    """Write the marks into a parsed template.

    Args:
        tree: the template as jinja2 parsed it; it is changed.
        source: its source.
        table: the table that gets the branches.
        template: its name.
        is_file: whether it is a file. Reaching a file is a branch; a part is always reached.
        columns: the facts of the columns, with which branches are described.
    """
    assigned = (name for name in tree.find_all(ast.Name) if name.ctx != "load")
    conditions = Conditions(columns, own_names={name.name for name in assigned})
    marker = _BranchMarker(Tags(source, tree), table, template, conditions)
    tree.body = marker.marked_file(tree.body) if is_file else marker.marked(tree.body)


class _BranchMarker(NodeTransformer):
    """jinja2 calls each ``visit_`` method for the nodes of that class."""

    def __init__(
        self, tags: Tags, table: BranchTable, template: str, conditions: Conditions
    ) -> None:
        self._tags = tags
        self._table = table
        self._template = template
        self._conditions = conditions
        self._texts: Counter[tuple[int, str]] = Counter()
        self._within = 0
        self._is_test = False
        self._is_optional = False

    def marked_file(self, body: Sequence[N]) -> list[ast.Node]:
        """The statements of a file."""
        name = self._template
        text = f"template {name}"
        bit = self._bit(1, text, kind=BranchKind.TEMPLATE, name=name, plain=f"file {name}")
        return self._arm(bit, body, line=1)

    def marked(self, body: Sequence[N]) -> list[ast.Node]:
        """The statements of a part or of a tag."""
        marked: list[ast.Node] = []
        for statement in body:
            visited = self.visit(statement)
            marked += visited if isinstance(visited, list) else [visited]
        return marked

    # --- statements ------------------------------------------------------------------------------

    def visit_If(self, node: ast.If) -> ast.Node:  # noqa: N802 - jinja2's name
        arms = [node, *node.elif_]
        texts = [self._tags.statement(arm) for arm in arms]
        tests = [arm.test for arm in arms]
        described = [
            _Described(_missing_if_true(test), self._conditions.after(tests[:place], test))
            for place, test in enumerate(tests)
        ]
        otherwise = _Described(_missing_if_false(arms[-1].test), self._conditions.fails(*tests))
        for arm, text, (column, plain) in zip(arms, texts, described, strict=True):
            bit = self._bit(arm.lineno, text, column=column, plain=plain)
            arm.test = self._tested(arm.test, is_optional=arm is not node)
            arm.body = self._arm(bit, arm.body, line=arm.lineno)
        line = node.else_[0].lineno if node.else_ else node.lineno
        text = f"{'{% else %}' if node.else_ else 'no branch'} of {texts[0]}"
        bit = self._bit(line, text, column=otherwise.column, plain=otherwise.plain)
        node.else_ = self._arm(bit, node.else_, line=line)
        return node

    def visit_For(self, node: ast.For) -> list[ast.Node]:  # noqa: N802
        text = self._tags.statement(node)
        none, one, several = (
            self._bit(node.lineno, f"{text} with {items}", plain=self._items(node, items))
            for items in _ITEMS
        )
        node.iter = self._visited(node.iter)
        if node.test is not None:
            node.test = self._tested(node.test)
        line = node.else_[0].lineno if node.else_ else node.lineno
        node.else_ = self._arm(none, node.else_, line=line)
        node.body = self._inside(one | several, node.body)
        bits = [_const(one, node), _const(several, node)]
        if node.recursive:
            loop = ast.Name("loop", "load", lineno=node.lineno)
            node.body = [_statement(_filtered("_recursive_item", loop, bits)), *node.body]
            return [node]
        node.body = [_statement(_filtered("_item", _const(0, node))), *node.body]
        before = _filtered("_loop_start", bits[0], bits[1:])
        return [_statement(before), node, _statement(_filtered("_loop_end", _const(0, node)))]

    def _items(self, node: ast.For, number: str) -> str:
        return "" if node.test is not None else self._conditions.items(node.iter, number)

    def visit_Macro(self, node: ast.Macro) -> ast.Node:  # noqa: N802
        text = self._tags.statement(node)
        name = node.name
        kind, plain = BranchKind.MACRO, f"macro {name} is used"
        bit = self._bit(node.lineno, text, kind=kind, name=name, plain=plain)
        return self._mark_callable(node, bit)

    def visit_CallBlock(self, node: ast.CallBlock) -> ast.Node:  # noqa: N802
        bit = self._bit(node.lineno, self._tags.statement(node), kind=BranchKind.CALL)
        self.visit(node.call)
        return self._mark_callable(node, bit)

    def _mark_callable(self, node: ast.Macro | ast.CallBlock, bit: int) -> ast.Node:
        node.defaults = [self._visited(default, within=bit) for default in node.defaults]
        node.body = self._arm(bit, node.body, line=node.lineno)
        return node

    def visit_Block(self, node: ast.Block) -> ast.Node:  # noqa: N802
        if not node.required:  # a required block is empty, and the other template must fill it
            text = self._tags.statement(node)
            kind, plain = BranchKind.BLOCK, f"block {node.name} is used"
            bit = self._bit(node.lineno, text, kind=kind, name=node.name, plain=plain)
            node.body = self._arm(bit, node.body, line=node.lineno)
        return node

    def visit_FilterBlock(self, node: ast.FilterBlock | ast.AssignBlock) -> ast.Node:  # noqa: N802
        node.body = self.marked(node.body)
        return node

    visit_AssignBlock = visit_FilterBlock  # noqa: N815 - jinja2's name

    def visit_Include(  # noqa: N802
        self, node: ast.Include | ast.Extends | ast.Import | ast.FromImport
    ) -> ast.Node:
        for const in [node.template, *node.template.find_all(ast.Const)]:
            if isinstance(const, ast.Const) and isinstance(const.value, str):
                self._table.add_use(BranchKind.TEMPLATE, const.value, within=self._within)
        return self.generic_visit(node)

    visit_Extends = visit_Import = visit_FromImport = visit_Include  # noqa: N815

    # --- expressions -----------------------------------------------------------------------------

    def visit_CondExpr(self, node: ast.CondExpr) -> ast.Node:  # noqa: N802
        text, line = self._tags.expression(node), node.lineno
        column, plain = self._if_true(node.test)
        true = self._bit(line, f"if of {text}", column=column, plain=plain)
        column, plain = _missing_if_false(node.test), self._conditions.fails(node.test)
        otherwise = "no branch" if node.expr2 is None else "else"
        false = self._bit(line, f"{otherwise} of {text}", column=column, plain=plain)
        marks = [_const(true, node), _const(false, node)]
        node.test = _filtered("_choose", self._tested(node.test), marks)
        node.expr1 = self._visited(node.expr1, within=true)
        if node.expr2 is not None:
            node.expr2 = self._visited(node.expr2, within=false)
        return node

    def visit_And(self, node: ast.And | ast.Or) -> ast.Node:  # noqa: N802
        node.left, node.right = self._visited(node.left), self._optional(node.right)
        return node

    def visit_Or(self, node: ast.Or) -> ast.Node:  # noqa: N802
        if self._is_test:
            return self.visit_And(node)
        text, values = self._tags.expression(node), _alternatives(node)
        plain = [self._conditions.holds(values[0]), *[""] * (len(values) - 1)]
        plain[-1] = self._conditions.fails(*values[:-1])
        column = column_name(values[0]) if len(values) == 2 else ""  # noqa: PLR2004
        bits = [
            self._bit(
                node.lineno,
                f"value {number} of {text}",
                column="" if number == 1 else column,
                plain=words,
            )
            for number, words in enumerate(plain, 1)
        ]
        first, *others = values
        *tried, result = self._visited(first), *map(self._optional, others)
        for place in reversed(range(len(tried))):
            last = bits[-1] if place == len(tried) - 1 else 0
            marks = [_const(bits[place], node), _const(last, node)]
            result = ast.Or(_filtered("_choose", tried[place], marks), result, lineno=node.lineno)
        return result

    def visit_Filter(self, node: ast.Filter) -> ast.Node:  # noqa: N802
        if node.name in ("default", "d"):
            text = self._tags.expression(node)
            column, described = column_name(node.node), self._if_default(node)
            used = self._bit(
                node.lineno, f"default used in {text}", column=column, plain=described.used
            )
            unused = self._bit(node.lineno, f"default not used in {text}", plain=described.unused)
            self.generic_visit(node)
            node.args = [_const(used, node), _const(unused, node), *node.args]
            node.name = "_default"
        elif node.node is not None and _has_name(node.node):
            text = f"missing value for {node.name} in {self._tags.expression(node)}"
            kind, column = BranchKind.MISSING_VALUE, column_name(node.node)
            plain = self._conditions.is_missing(node.node)
            bit = self._bit(node.lineno, text, kind=kind, column=column, plain=plain)
            self.generic_visit(node)
            node.node = _filtered("_if_missing", node.node, [_const(bit, node)])
        else:
            self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.Node:  # noqa: N802
        name = getattr(node.node, "name", None) or getattr(node.node, "attr", None)
        if isinstance(name, str):
            self._table.add_use(BranchKind.MACRO, name, within=self._within)
        return self.generic_visit(node)

    # --- marks -----------------------------------------------------------------------------------

    def _bit(
        self,
        line: int,
        text: str,
        *,
        kind: BranchKind = BranchKind.CHOICE,
        name: str = "",
        column: str = "",
        plain: str = "",
    ) -> int:
        """A bit for a branch; a number tells it from others with the same text on the line."""
        self._texts[line, text] += 1
        number = self._texts[line, text]
        return self._table.bit(
            self._template,
            line,
            text if number == 1 else f"{text} (no. {number} on the line)",
            kind=kind,
            name=name,
            within=self._within,
            column=column,
            plain="" if self._is_optional else plain,
        )

    def _if_true(self, test: ast.Node) -> _Described:
        return _Described(_missing_if_true(test), self._conditions.holds(test))

    def _if_default(self, node: ast.Filter) -> _DescribedDefault:
        """The descriptions of a ``default`` that is used and not used."""
        conditions, value = self._conditions, node.node
        if value is None:
            return _DescribedDefault("", "")
        if len(node.args) > 1 or node.kwargs:  # boolean=true
            return _DescribedDefault(conditions.fails(value), conditions.holds(value))
        return _DescribedDefault(conditions.is_missing(value), conditions.has_value(value))

    def _arm(self, bit: int, body: Sequence[N], *, line: int) -> list[ast.Node]:
        """The statements of a branch, its mark before them."""
        mark = _statement(_filtered("_take", ast.Const(bit, lineno=line)))
        return [mark, *self._inside(bit, body)]

    def _inside(self, bits: int, body: Sequence[N]) -> list[ast.Node]:
        outer, self._within = self._within, bits
        marked = self.marked(body)
        self._within = outer
        return marked

    def _tested(self, node: ast.Node, *, is_optional: bool = False) -> ast.Expr:
        """A condition; an ``or`` in it is no choice between two values."""
        outer, self._is_test = self._is_test, True
        visited = self._optional(node) if is_optional else self._visited(node)
        self._is_test = outer
        return visited

    def _optional(self, node: ast.Node) -> ast.Expr:
        """An expression that not every row evaluates; words would be true of other rows, too."""
        outer, self._is_optional = self._is_optional, True
        visited = self._visited(node)
        self._is_optional = outer
        return visited

    def _visited(self, node: ast.Node, *, within: int = 0) -> ast.Expr:
        outer, self._within = self._within, within or self._within
        visited: ast.Expr = self.visit(node)
        self._within = outer
        return visited


def _alternatives(node: ast.Expr) -> list[ast.Expr]:
    """The values of ``a or b or c``."""
    if isinstance(node, ast.Or):
        return [*_alternatives(node.left), *_alternatives(node.right)]
    return [node]


def _has_name(node: ast.Node) -> bool:
    return isinstance(node, ast.Name) or node.find(ast.Name) is not None


def _missing_if_true(test: ast.Node) -> str:
    """The column that may be missing if the condition is true."""
    if isinstance(test, ast.Not):
        return _missing_if_false(test.node)
    if isinstance(test, ast.Test) and test.name in ("missing", "none", "undefined"):
        return column_name(test.node)
    return ""


def _missing_if_false(test: ast.Node) -> str:
    """The column that may be missing if the condition is false."""
    if isinstance(test, ast.Not):
        return _missing_if_true(test.node)
    return column_name(test.node if isinstance(test, ast.Test) and test.name == "defined" else test)


def _filtered(name: str, value: ast.Node, arguments: Sequence[ast.Node] = ()) -> ast.Filter:
    return ast.Filter(value, name, list(arguments), [], None, None, lineno=value.lineno)


def _const(value: int, near: ast.Node) -> ast.Const:
    return ast.Const(value, lineno=near.lineno)


def _statement(node: ast.Expr) -> ast.ExprStmt:
    return ast.ExprStmt(node, lineno=node.lineno)
