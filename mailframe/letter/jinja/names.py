"""What templates need from the DataFrame: the columns, globals and templates that they refer to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from jinja2 import meta
from jinja2 import nodes as ast

from mailframe.letter.jinja.environment import GLOBALS
from mailframe.letter.jinja.rewriting import DICT_METHODS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Node = TypeVar("Node", bound=ast.Node)
Place = tuple[str, int]
"""The name of a template and a line of it."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a template, and all templates that it includes, extends or imports, refer to.

    Attributes:
        columns: names that must be columns, with the place of the first use.
        optional: names that are columns if the frame has them; a template sets or tests them.
        row_columns: columns that are used as ``row['…']``, with the place.
        whole_row: whether ``row`` is used in a way that can reach any column.
        tested: names that a template tests (``is defined``, ``row.get('…')``, ``'…' in row``) and
            none sets, with the place.
        globals_used: names of mailframe that are used, such as ``unsubscribe_url``.
        templates: names of all these templates; None if a row decides which ones.
        attributes: names that follow a name and a dot, as in ``customer.city``, by the first name.
        called: names that are called as functions.
    """

    columns: dict[str, Place]
    optional: frozenset[str]
    row_columns: dict[str | int, Place]
    whole_row: bool
    tested: dict[str, Place]
    globals_used: frozenset[str]
    templates: frozenset[str] | None
    attributes: Mapping[str, tuple[str, ...]]
    called: frozenset[str]

    @property
    def read(self) -> frozenset[str | int]:
        """The columns of a row that the templates read by their names."""
        return frozenset({*self.columns, *self.optional, *self.row_columns})

    @property
    def is_constant(self) -> bool:
        """Whether a template uses nothing of a row."""
        used = (self.columns, self.optional, self.row_columns, self.tested)
        return not any(used) and not self.whole_row and self.templates is not None


def names_of(trees: Mapping[str, ast.Template]) -> Names:
    """What the templates need from the DataFrame.

    A name that one of them sets or tests may be missing in the frame; a row that leaves it unset
    has a problem of its own. A name with only ``default`` must be a column, because
    ``{{ frist_name | default('there') }}`` would greet everyone as "there".

    Args:
        trees: parsed templates by name.
    """
    used: dict[str, Place] = {}
    row_columns: dict[str | int, Place] = {}
    tested: dict[str, Place] = {}
    set_names: set[str] = set()
    tested_names: set[str] = set()
    globals_used: set[str] = set()
    is_chosen_by_row = False
    whole_row = False
    attributes: dict[str, list[str]] = {}
    called: set[str] = set()
    for part, tree in trees.items():
        nodes = [*tree.find_all(ast.Node)]
        undeclared = (meta.find_undeclared_variables(tree) | _bare_self(nodes)) - {"row"}
        set_names |= _set_in(nodes)
        for name, line, is_name in _tests(nodes):
            tested.setdefault(name, (part, line))
            if is_name:
                tested_names.add(name)
        for node in _of(ast.Name, nodes):
            if node.name in GLOBALS:
                globals_used.add(node.name)
            if node.ctx == "load" and node.name in undeclared:
                used.setdefault(node.name, (part, node.lineno))
        calls = _of(ast.Call, nodes)
        called |= {call.node.name for call in calls if isinstance(call.node, ast.Name)}
        for attribute in _of(ast.Getattr, nodes):
            if isinstance(attribute.node, ast.Name):
                attributes.setdefault(attribute.node.name, []).append(attribute.attr)
        lines, has_other_uses = row_uses(nodes)
        row_columns |= {column: (part, line) for column, line in lines.items()}
        whole_row |= has_other_uses
        is_chosen_by_row |= None in meta.find_referenced_templates(tree)
    may_be_missing = set_names | tested_names
    return Names(
        columns={name: place for name, place in used.items() if name not in may_be_missing},
        optional=frozenset(used.keys() & may_be_missing),
        row_columns=row_columns,
        whole_row=whole_row,
        tested={name: place for name, place in tested.items() if name not in set_names},
        globals_used=frozenset(globals_used),
        templates=None if is_chosen_by_row else frozenset(trees),
        attributes={name: tuple(dict.fromkeys(after)) for name, after in attributes.items()},
        called=frozenset(called),
    )


def _of(kind: type[Node], nodes: Sequence[ast.Node]) -> list[Node]:
    """Those of one kind. To walk through a tree takes much longer than through a list of it."""
    return [node for node in nodes if isinstance(node, kind)]


def _set_in(nodes: Sequence[ast.Node]) -> set[str]:
    """The names that a template sets, also as a loop variable, parameter, macro or import."""
    names = {node.name for node in _of(ast.Name, nodes) if node.ctx in ("store", "param")}
    names |= {macro.name for macro in _of(ast.Macro, nodes)}
    for imported in _of(ast.FromImport, nodes):
        names |= {item if isinstance(item, str) else item[1] for item in imported.names}
    return names | {imported.target for imported in _of(ast.Import, nodes)}


def _tests(nodes: Sequence[ast.Node]) -> Iterator[tuple[str, int, bool]]:
    """The names that a template tests: each with its line, and whether it is a plain variable."""
    for test in _of(ast.Test, nodes):
        if test.name in ("defined", "undefined") and isinstance(test.node, ast.Name):
            yield test.node.name, test.node.lineno, True
    keys: list[ast.Node] = []
    for call in _of(ast.Call, nodes):
        method = call.node
        if isinstance(method, ast.Getattr) and method.attr == "get" and _is_row(method.node):
            keys += call.args[:1]
    for compare in _of(ast.Compare, nodes):
        if compare.ops[0].op in ("in", "notin") and _is_row(compare.ops[0].expr):
            keys.append(compare.expr)
    for key in keys:
        if isinstance(key, ast.Const) and isinstance(key.value, str):
            yield key.value, key.lineno, False


def row_uses(nodes: Sequence[ast.Node]) -> tuple[dict[str | int, int], bool]:
    """Columns in ``row['…']`` or ``row.…`` with their lines; whether ``row`` has other uses."""
    lines: dict[str | int, int] = {}
    uses = sum(1 for name in _of(ast.Name, nodes) if name.name == "row" and name.ctx == "load")
    for item in _of(ast.Getitem, nodes):
        key = item.arg.value if isinstance(item.arg, ast.Const) else None
        if _is_row(item.node) and isinstance(key, str | int):
            lines.setdefault(key, item.lineno)
            uses -= 1
    called = {id(call.node) for call in _of(ast.Call, nodes)}
    for attribute in _of(ast.Getattr, nodes):
        is_method = attribute.attr in DICT_METHODS and id(attribute) in called
        if _is_row(attribute.node) and not is_method:
            lines.setdefault(attribute.attr, attribute.lineno)
            uses -= 1
    return lines, uses > 0


def _bare_self(nodes: Sequence[ast.Node]) -> set[str]:
    """``self`` if it is used other than for a block, as in ``self.title()``; jinja2 defines it."""
    names = sum(node.name == "self" for node in _of(ast.Name, nodes))
    blocks = sum(
        getattr(attribute.node, "name", "") == "self" for attribute in _of(ast.Getattr, nodes)
    )
    return {"self"} if names > blocks else set()


def _is_row(node: ast.Node) -> bool:
    return isinstance(node, ast.Name) and node.name == "row"
