"""Splits a template into pieces.

The template's blocks, and the templates that it extends or includes, are put in their places.
Statements that set a name (``{% set %}``, ``{% macro %}``, ``{% import %}``) are evaluated where
they stand, because they can fail, and again in front of each later piece that reads the name.

A template that does more than this splitter knows raises ``NotColumnar``; its part is then rendered
as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from jinja2 import meta
from jinja2 import nodes as ast

from mailframe.letter.jinja.environment import RESERVED
from mailframe.letter.jinja.template_marks import show_placeholders
from mailframe.message.columnar.chunk import NotColumnar
from mailframe.message.columnar.escape_independent import is_escape_independent
from mailframe.message.columnar.evaluation import (
    OWN_NAMES,
    Evaluation,
    Evaluations,
    copied,
    names_in,
    with_referenced,
)
from mailframe.message.columnar.pieces import Choice, Constant, Evaluated, Piece, Printed
from mailframe.message.columnar.scopes import (
    SETTERS,
    depends_on_place,
    has,
    sees_names_of_blocks,
    targets,
)
from mailframe.message.columnar.text_formats import ShortText, TextFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailframe.letter.jinja.environment import LetterEnvironment

_SINGLE_PIECE: Final = (
    ast.For,
    ast.CallBlock,
    ast.FilterBlock,
    ast.With,
    ast.ScopedEvalContextModifier,
)
"""Statements that are one piece with everything in them."""
_MOST_EVALUATIONS: Final = 128
"""Of one part; each has its share of the limits of a template."""
_UNSPLIT: Final = frozenset({"caller", "loop", *OWN_NAMES})
"""Names that no piece can read from the context."""


class Splitter:
    """Splits the templates of one part.

    Args:
        environment: the environment of the part.
        text_format: the format of its texts.
        columns: the columns that the letter uses.
        whole_row: the columns that ``row`` holds.
        plain: the environment of the parts that are no HTML.
        evaluations: the evaluations of other parts, to which new ones are added.
        language_names: the columns on which the language of a row depends.
    """

    def __init__(
        self,
        environment: LetterEnvironment,
        text_format: TextFormat,
        *,
        columns: frozenset[object],
        whole_row: tuple[object, ...],
        plain: LetterEnvironment,
        evaluations: Evaluations,
        language_names: tuple[object, ...] = (),
    ) -> None:
        self._environment, self._format = environment, text_format
        self._plain = plain
        self._shared = evaluations
        self._columns, self._whole_row = columns, whole_row
        self._language_names = language_names
        self._blocks: dict[str, ast.Block] = {}
        self._top: list[ast.Node] = []
        self._evaluations: list[Evaluation] = []
        self._trees: list[ast.Template] = []

    def pieces(self, name: str) -> list[Piece]:
        """The pieces of the template of that name, with neighboring constants in one.

        Raises:
            NotColumnar: the template cannot be split.
        """
        whole = list(with_referenced(self._environment, self._tree(name)))
        names = self._environment.globals.keys()
        if depends_on_place(whole, self._columns, names_of_mailframe=names):
            raise NotColumnar
        pieces = list(self._extended(name))
        if sees_names_of_blocks(self._trees):
            raise NotColumnar
        share = len(self._evaluations) + 1
        if share > _MOST_EVALUATIONS:
            raise NotColumnar
        for evaluation in self._evaluations:
            evaluation.limit_divisor = max(evaluation.limit_divisor, share)
        return merged(pieces, self._format)

    # --- templates -------------------------------------------------------------------------------

    def _tree(self, name: str) -> ast.Template:
        tree = self._environment.parse(self._environment.sources[name], name)
        self._trees.append(tree)
        return tree

    def _extended(self, name: str) -> Iterable[Piece]:
        """The pieces of a template, in those of the template that it extends."""
        tree = self._tree(name)
        extends = list(tree.find_all(ast.Extends))
        self._take_blocks(tree)
        if not extends:
            return self._split(tree.body, self._top)
        [only, *others] = extends
        parent = only.template
        if others or only not in tree.body or not isinstance(parent, ast.Const):
            raise NotColumnar
        at = tree.body.index(only)
        setters = [node for node in tree.body[at:] if isinstance(node, SETTERS)]
        rest = [node for node in tree.body[at + 1 :] if node not in setters]
        if not all(isinstance(node, ast.Output | ast.Block) for node in rest):
            raise NotColumnar
        before = self._split([*tree.body[:at], *setters], self._top)
        return [*before, *self._extended(parent.value)]

    def _take_blocks(self, tree: ast.Template) -> None:
        """Blocks of a template override those of the template that it extends."""
        for block in tree.find_all(ast.Block):
            if block.scoped or block.required:
                raise NotColumnar
            self._blocks.setdefault(block.name, block)

    # --- statements ------------------------------------------------------------------------------

    def _split(self, nodes: Sequence[ast.Node], scope: list[ast.Node]) -> list[Piece]:
        """The pieces of some nodes; *scope* has the statements before them that set names."""
        pieces: list[Piece] = []
        for node in nodes:
            pieces += self._of_node(node, scope)
        return pieces

    def _of_node(self, node: ast.Node, scope: list[ast.Node]) -> list[Piece]:
        if isinstance(node, ast.Output):
            return [self._of_output(child, scope) for child in node.nodes]
        if isinstance(node, ast.Block):
            return self._split(self._blocks[node.name].body, list(self._top))
        if isinstance(node, ast.If):
            return self._of_if(node, scope)
        if isinstance(node, SETTERS):
            piece = self._evaluated([node], scope)
            scope.append(node)
            return [piece]
        if isinstance(node, ast.Include):
            return self._of_include(node, scope)
        if isinstance(node, _SINGLE_PIECE):
            return [self._evaluated([node], scope)]
        raise NotColumnar

    def _of_output(self, node: ast.Node, scope: list[ast.Node]) -> Piece:
        if isinstance(node, ast.TemplateData):
            return Constant(self._format.constant(show_placeholders(node.data)))
        name = self._printed_column(node)
        if name is not None and not self._is_set(node, scope):
            return Printed(name, self._format)
        return self._evaluated([ast.Output([node], lineno=node.lineno)], scope)

    def _printed_column(self, node: ast.Node) -> object:
        """The column that an expression is nothing else than; None for any other expression."""
        name: object = None
        if isinstance(node, ast.Name) and node.name not in RESERVED:
            return node.name if node.name in self._columns else None
        if isinstance(node, ast.Getitem) and isinstance(node.arg, ast.Const):
            name = node.arg.value
        elif isinstance(node, ast.Getattr):
            name = node.attr
        is_of_row = isinstance(getattr(node, "node", None), ast.Name) and node.node.name == "row"  # type: ignore[attr-defined]
        exists = isinstance(name, str) and name in self._whole_row and name in self._columns
        return name if is_of_row and exists else None

    def _is_set(self, node: ast.Node, scope: list[ast.Node]) -> bool:
        names = {name.name for name in node.find_all(ast.Name)}
        names |= {node.name} if isinstance(node, ast.Name) else set()
        return any(names & _targets(statement) for statement in scope)

    def _of_if(self, node: ast.If, scope: list[ast.Node]) -> list[Piece]:
        if has(node, *SETTERS):
            if not _only_sets(node):
                raise NotColumnar
            piece = self._evaluated([node], scope)
            scope.append(_silent(node))
            return [piece]
        tests = [node, *node.elif_]
        arms = [self._split(test.body, list(scope)) for test in tests]
        arms.append(self._split(node.else_, list(scope)))
        arms = [merged(arm, self._format) for arm in arms]
        if all(isinstance(piece, Constant) for arm in arms for piece in arm):
            return [self._evaluated([node], scope)]
        arm_index = self._evaluated([_with_indexes(tests)], scope, is_arm_index=True)
        if isinstance(arm_index, Constant):
            return arms[int(arm_index.text)]
        return [Choice(arm_index, arms, self._format)]

    def _of_include(self, node: ast.Include, scope: list[ast.Node]) -> list[Piece]:
        """The pieces of an included template, if it only prints; else one piece."""
        template = node.template
        is_simple = isinstance(template, ast.Const) and node.with_context
        if is_simple and template.value in self._environment.sources:  # type: ignore[attr-defined]
            tree = self._tree(template.value)  # type: ignore[attr-defined]
            if not has(tree, *SETTERS, ast.Block, ast.Extends):
                return self._split(tree.body, list(scope))
        return [self._evaluated([node], scope)]

    def _evaluated(
        self, nodes: Sequence[ast.Node], scope: Sequence[ast.Node], *, is_arm_index: bool = False
    ) -> Piece:
        """Nodes that are evaluated, with the statements before them that set their names."""
        tree = self._template(nodes)
        if has(tree, ast.Block, ast.Extends) or _is_dynamic(self._environment, tree):
            raise NotColumnar
        needed = self._needed(tree, scope)
        if names_in(self._environment, self._template([*needed, *nodes])) & _UNSPLIT:
            raise NotColumnar
        is_shared = not needed and is_escape_independent(
            tree,
            self._environment.globals,
            own_filters=self._environment.settings.filters,
        )
        evaluation = self._evaluation([*needed, *nodes], is_shared=is_shared)
        text_format = self._format.of_plain_values() if is_shared else self._format
        if is_arm_index:
            text_format = ShortText()
        self._evaluations.append(evaluation)
        if not evaluation.names:
            return self._constant(evaluation, text_format)
        return Evaluated(evaluation, text_format, self._shared)

    def _evaluation(self, nodes: Sequence[ast.Node], *, is_shared: bool) -> Evaluation:
        """The evaluation of some nodes; one for all parts that have the same nodes."""
        environment = self._plain if is_shared else self._environment
        key = (environment.html, repr(nodes))
        evaluations = self._shared.by_nodes
        if key in evaluations:
            evaluations[key].parts_using_it += 1
        else:
            evaluations[key] = Evaluation(
                environment,
                nodes,
                columns=self._columns,
                whole_row=self._whole_row,
                language_names=self._language_names,
            )
        return evaluations[key]

    def _constant(self, evaluation: Evaluation, text_format: TextFormat) -> Constant:
        evaluation.limit_divisor = _MOST_EVALUATIONS  # how many there will be is not known yet
        text = evaluation.constant()
        [encoded] = text_format.encoded([text])
        if encoded is None:
            raise NotColumnar
        return Constant(encoded)

    def _needed(self, tree: ast.Template, scope: Sequence[ast.Node]) -> list[ast.Node]:
        """The statements of *scope* that set what a tree reads, directly or through others."""
        wanted, before = names_in(self._environment, tree), set[str]()
        while wanted != before:
            before = set(wanted)
            for statement in scope:
                if _targets(statement) & wanted:
                    wanted |= names_in(self._environment, self._template([statement]))
        return [_silent(statement) for statement in scope if _targets(statement) & wanted]

    def _template(self, nodes: Sequence[ast.Node]) -> ast.Template:
        tree = ast.Template(list(nodes), lineno=1)
        tree.set_environment(self._environment)
        return tree


def merged(pieces: Iterable[Piece], text_format: TextFormat) -> list[Piece]:
    """The pieces with neighboring constants in one, and without empty ones."""
    result: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Constant) and result and isinstance(result[-1], Constant):
            result[-1] = Constant(text_format.join([result[-1].text, piece.text]))
        else:
            result.append(piece)
    return [p for p in result if not (isinstance(p, Constant) and p.text == text_format.empty)]


def _targets(statement: ast.Node) -> set[str]:
    """The names that a statement sets, or may set in one of its branches."""
    if not isinstance(statement, ast.If):
        return targets(statement)
    return set().union(*map(targets, statement.find_all(SETTERS)))


def _only_sets(node: ast.If) -> bool:
    """Whether an ``{% if %}`` only sets names and prints."""
    return all(
        isinstance(one, (*SETTERS, ast.Output)) or (isinstance(one, ast.If) and _only_sets(one))
        for one in [*node.body, *node.elif_, *node.else_]
    )


def _silent(statement: ast.Node) -> ast.Node:
    """A copy of a statement that prints nothing."""
    if not isinstance(statement, ast.If):
        return statement
    silent = cast("ast.If", copied(statement))
    for node in [silent, *silent.elif_]:
        node.body = [_silent(one) for one in node.body if not isinstance(one, ast.Output)]
    silent.else_ = [_silent(one) for one in silent.else_ if not isinstance(one, ast.Output)]
    return silent


def _with_indexes(tests: Sequence[ast.If]) -> ast.If:
    """The tests of an ``{% if %}`` with the index of each arm in its place."""
    numbered = ast.If(
        tests[0].test, [_number(0)], [], [_number(len(tests))], lineno=tests[0].lineno
    )
    for number, test in enumerate(tests[1:], 1):
        numbered.elif_.append(ast.If(test.test, [_number(number)], [], [], lineno=test.lineno))
    return numbered


def _number(number: int) -> ast.Output:
    return ast.Output([ast.TemplateData(str(number), lineno=1)], lineno=1)


def _is_dynamic(environment: LetterEnvironment, tree: ast.Template) -> bool:
    """Whether a row decides which template is included."""
    trees = with_referenced(environment, tree)
    return any(None in meta.find_referenced_templates(one) for one in trees)
