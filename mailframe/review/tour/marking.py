"""Writes marks into a parsed template, one for each branch; what the marks do is told in ``tracing.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from jinja2 import nodes as ast
from jinja2.visitor import NodeTransformer

from mailframe.review.tour.branches import BranchKind
from mailframe.review.tour.wording import clipped, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.review.tour.branches import Table

N = TypeVar("N", bound=ast.Node)


def marked(tree: ast.Template, *, table: Table, template: str, is_file: bool) -> ast.Template:
    """The parsed template with its marks.

    Args:
        tree: as jinja2 parsed it; it is changed.
        table: gets the branches.
        template: its name.
        is_file: that it is reached at all is a branch; a part of the letter always is.
    """
    _Marker(table, template).mark(tree, is_file=is_file)
    return tree


class _Marker(NodeTransformer):
    """Each ``visit_`` method is called by jinja2 for the nodes of that class."""

    def __init__(self, table: Table, template: str) -> None:
        self._table = table
        self._template = template
        self._ordinal = 0
        self._within = 0
        self._is_test = False

    def mark(self, tree: ast.Template, *, is_file: bool) -> None:
        if is_file:
            bit = self._bit(
                1, f"template {self._template}", kind=BranchKind.TEMPLATE, name=self._template
            )
            tree.body = self._arm(bit, tree.body, line=1)
        else:
            tree.body = self._statements(tree.body)

    # --- statements --------------------------------------------------------------------------------------

    def visit_If(self, node: ast.If) -> ast.Node:  # noqa: N802 - jinja2's name
        arms = [node, *node.elif_]
        said = [
            f"{word} {text_of(arm.test)}" for word, arm in zip(_words(len(arms)), arms, strict=True)
        ]
        last = f"else of {said[0]}" if node.else_ else _none_of(said)
        without = [_gap_if_true(arm.test) for arm in arms]
        fell_through = _gap_if_false(arms[-1].test)
        for arm, text, column in zip(arms, said, without, strict=True):
            bit = self._bit(arm.lineno, text, without=column)
            arm.test = self._tested(arm.test)
            arm.body = self._arm(bit, arm.body, line=arm.lineno)
        line = node.else_[0].lineno if node.else_ else node.lineno
        node.else_ = self._arm(self._bit(line, last, without=fell_through), node.else_, line=line)
        return node

    def visit_For(self, node: ast.For) -> ast.Node | list[ast.Node]:  # noqa: N802
        text = f"for {text_of(node.target)} in {text_of(node.iter)}"
        text += f" if {text_of(node.test)}" if node.test is not None else ""
        none, one, several = (self._bit(node.lineno, f"{text}: {turns}") for turns in _TURNS)
        node.iter = self._visited(node.iter)
        if node.test is not None:
            node.test = self._tested(node.test)
        node.else_ = self._arm(none, node.else_, line=node.lineno)
        node.body = self._inside(one | several, node.body)
        bits = [_const(one, node), _const(several, node)]
        if node.recursive:
            loop = ast.Name("loop", "load", lineno=node.lineno)
            node.body = [_statement(_filtered("_turn_within", loop, bits)), *node.body]
            return node
        node.body = [_statement(_filtered("_turn", _const(0, node))), *node.body]
        before = _filtered("_looping", _const(one, node), [_const(several, node)])
        return [_statement(before), node, _statement(_filtered("_looped", _const(0, node)))]

    def visit_Macro(self, node: ast.Macro) -> ast.Node:  # noqa: N802
        bit = self._bit(node.lineno, f"macro {node.name}", kind=BranchKind.MACRO, name=node.name)
        node.defaults = [self._visited(default, within=bit) for default in node.defaults]
        node.body = self._arm(bit, node.body, line=node.lineno)
        return node

    def visit_CallBlock(self, node: ast.CallBlock) -> ast.Node:  # noqa: N802
        bit = self._bit(node.lineno, f"call {text_of(node.call)}")
        self.visit(node.call)
        node.defaults = [self._visited(default, within=bit) for default in node.defaults]
        node.body = self._arm(bit, node.body, line=node.lineno)
        return node

    def visit_Block(self, node: ast.Block) -> ast.Node:  # noqa: N802
        if (
            not node.required
        ):  # such a block has nothing in it, and a template that uses it must fill it
            bit = self._bit(
                node.lineno, f"block {node.name}", kind=BranchKind.BLOCK, name=node.name
            )
            node.body = self._arm(bit, node.body, line=node.lineno)
        return node

    def visit_FilterBlock(self, node: ast.FilterBlock) -> ast.Node:  # noqa: N802
        node.body = self._statements(node.body)
        return node

    def visit_AssignBlock(self, node: ast.AssignBlock) -> ast.Node:  # noqa: N802
        node.body = self._statements(node.body)
        return node

    def visit_Include(self, node: ast.Include) -> ast.Node:  # noqa: N802
        return self._referring(node)

    def visit_Extends(self, node: ast.Extends) -> ast.Node:  # noqa: N802
        return self._referring(node)

    def visit_Import(self, node: ast.Import) -> ast.Node:  # noqa: N802
        return self._referring(node)

    def visit_FromImport(self, node: ast.FromImport) -> ast.Node:  # noqa: N802
        return self._referring(node)

    def _referring(self, node: ast.Include | ast.Extends | ast.Import | ast.FromImport) -> ast.Node:
        for const in [node.template, *node.template.find_all(ast.Const)]:
            if isinstance(const, ast.Const) and isinstance(const.value, str):
                self._table.reached_from(BranchKind.TEMPLATE, const.value, within=self._within)
        return self.generic_visit(node)

    # --- expressions -------------------------------------------------------------------------------------

    def visit_CondExpr(self, node: ast.CondExpr) -> ast.Node:  # noqa: N802
        test, first = text_of(node.test), text_of(node.expr1)
        second = "nothing" if node.expr2 is None else text_of(node.expr2)
        true = self._bit(node.lineno, f"{first} if {test}", without=_gap_if_true(node.test))
        false = self._bit(node.lineno, f"{second} unless {test}", without=_gap_if_false(node.test))
        node.test = _filtered(
            "_chose", self._tested(node.test), [_const(true, node), _const(false, node)]
        )
        node.expr1 = self._visited(node.expr1, within=true)
        if node.expr2 is not None:
            node.expr2 = self._visited(node.expr2, within=false)
        return node

    def visit_Or(self, node: ast.Or) -> ast.Node:  # noqa: N802
        if self._is_test:
            return self.generic_visit(node)
        values = _alternatives(node)
        whole = text_of(node)
        texts = ["first value", *(f"fallback {text_of(value)}" for value in values[1:])]
        bits = [self._bit(node.lineno, f"{whole}: {text}") for text in texts]
        *tried, last = (self._visited(value) for value in values)
        result = last
        for place in reversed(range(len(tried))):
            fallback = bits[-1] if place == len(tried) - 1 else 0
            marks = [_const(bits[place], node), _const(fallback, node)]
            result = ast.Or(_filtered("_chose", tried[place], marks), result, lineno=node.lineno)
        return result

    def visit_Filter(self, node: ast.Filter) -> ast.Node:  # noqa: N802
        text, without = f"{text_of(node.node)} | {node.name}", _column(node.node)
        if node.name in ("default", "d"):
            taken = self._bit(node.lineno, f"{text}: taken", without=without)
            marks = [
                _const(bit, node) for bit in (taken, self._bit(node.lineno, f"{text}: not taken"))
            ]
            self.generic_visit(node)
            node.name, node.args = "_defaulted", [*marks, *node.args]
        elif node.node is not None and (
            isinstance(node.node, ast.Name) or node.node.find(ast.Name)
        ):
            bit = self._bit(
                node.lineno, f"{text} meets a gap", kind=BranchKind.GAP, without=without
            )
            self.generic_visit(node)
            node.node = _filtered("_met", node.node, [_const(bit, node)])
        else:
            self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.Node:  # noqa: N802
        name = getattr(node.node, "name", None) or getattr(node.node, "attr", None)
        if isinstance(name, str):
            self._table.reached_from(BranchKind.MACRO, name, within=self._within)
        return self.generic_visit(node)

    # --- how they are written ----------------------------------------------------------------------------

    def _bit(
        self,
        line: int,
        text: str,
        *,
        kind: BranchKind = BranchKind.ARM,
        name: str = "",
        without: str = "",
    ) -> int:
        self._ordinal += 1
        key = (self._template, line, text, self._ordinal)
        return self._table.bit(key, kind=kind, name=name, within=self._within, without=without)

    def _arm(self, bit: int, body: Sequence[N], *, line: int) -> list[ast.Node]:
        """The statements of a branch, its mark before them."""
        return [
            _statement(_filtered("_took", ast.Const(bit, lineno=line))),
            *self._inside(bit, body),
        ]

    def _inside(self, bits: int, body: Sequence[N]) -> list[ast.Node]:
        outer, self._within = self._within, bits
        try:
            return self._statements(body)
        finally:
            self._within = outer

    def _statements(self, body: Sequence[N]) -> list[ast.Node]:
        marked: list[ast.Node] = []
        for statement in body:
            done = self.visit(statement)
            marked += done if isinstance(done, list) else [done]
        return marked

    def _tested(self, node: ast.Node) -> ast.Expr:
        """A test, in which ``or`` is no choice between two values."""
        outer, self._is_test = self._is_test, True
        try:
            return self._visited(node)
        finally:
            self._is_test = outer

    def _visited(self, node: ast.Node, *, within: int = 0) -> ast.Expr:
        outer, self._within = self._within, within or self._within
        try:
            return self.visit(node)  # type: ignore[no-any-return]  # an expression stays one
        finally:
            self._within = outer


_TURNS = ("no turn", "one turn", "several turns")


def _words(count: int) -> list[str]:
    return ["if", *["elif"] * (count - 1)]


def _none_of(said: Sequence[str]) -> str:
    return (
        f"not {said[0]}"
        if len(said) == 1
        else clipped(f"none of {', '.join(said)}", max_characters=120)
    )


def _alternatives(node: ast.Expr) -> list[ast.Expr]:
    """``a or b or c`` as its three values."""
    return (
        [*_alternatives(node.left), *_alternatives(node.right)]
        if isinstance(node, ast.Or)
        else [node]
    )


def _column(node: ast.Node | None) -> str:
    """The column that an expression names and nothing else."""
    if isinstance(node, ast.Name):
        return node.name
    if (
        isinstance(node, ast.Getattr)
        and isinstance(node.node, ast.Name)
        and node.node.name == "row"
    ):
        return node.attr
    if (
        isinstance(node, ast.Getitem)
        and isinstance(node.node, ast.Name)
        and node.node.name == "row"
    ):
        return (
            node.arg.value
            if isinstance(node.arg, ast.Const) and isinstance(node.arg.value, str)
            else ""
        )
    return ""


def _gap_if_true(test: ast.Node) -> str:
    if isinstance(test, ast.Not):
        return _gap_if_false(test.node)
    return (
        _column(test.node)
        if isinstance(test, ast.Test) and test.name in ("missing", "none", "undefined")
        else ""
    )


def _gap_if_false(test: ast.Node) -> str:
    if isinstance(test, ast.Not):
        return _gap_if_true(test.node)
    return _column(test.node if isinstance(test, ast.Test) and test.name == "defined" else test)


def _filtered(name: str, value: ast.Node, arguments: Sequence[ast.Node] = ()) -> ast.Filter:
    return ast.Filter(value, name, list(arguments), [], None, None, lineno=value.lineno)


def _const(value: int, near: ast.Node) -> ast.Const:
    return ast.Const(value, lineno=near.lineno)


def _statement(node: ast.Expr) -> ast.ExprStmt:
    return ast.ExprStmt(node, lineno=node.lineno)
