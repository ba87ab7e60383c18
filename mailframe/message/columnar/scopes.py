"""Templates whose pieces depend on each other, so that they cannot be evaluated on their own.

jinja2 decides for a whole template what a name means in it: a loop in front of ``{% set plan %}``
does not see the column of that name any more. Iterators and namespaces keep a state from one use to
the next. Both are rare in letters, and a part that may have them is not split.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Final

from jinja2 import meta
from jinja2 import nodes as ast

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

SETTERS: Final = (ast.Assign, ast.AssignBlock, ast.Macro, ast.Import, ast.FromImport)
"""Statements that set names."""
_SCOPES: Final = (
    ast.For,
    ast.With,
    ast.Macro,
    ast.CallBlock,
    ast.FilterBlock,
    ast.AssignBlock,
    ast.Scope,
)
"""Statements with names of their own, which also see the names around them."""
_STATEFUL: Final = frozenset({"self", "super", "namespace", "varargs", "kwargs"})
"""Names that keep a state, or whose meaning depends on where they stand."""
_MAKE_NO_ITERATOR: Final = frozenset(
    """
    abs attr capitalize center count d date default dictsort e escape filesizeformat float
    forceescape format groupby indent int join length list lower money nl2br number plural replace
    round safe sort string striptags sum title tojson trim truncate upper urlencode urlize wordcount
    wordwrap
    """.split()  # noqa: SIM905 - a list of one word a line is harder to read
)
"""Filters whose result is no iterator, which can be read once, unless what they get is one."""
_COUNTING: Final = frozenset({"join", "list", "length", "count", "sum"})
"""Filters that read an iterator to its end."""


def depends_on_place(
    trees: Iterable[ast.Template],
    columns: Collection[object],
    *,
    names_of_mailframe: Collection[str],
) -> bool:
    """Whether a piece of a template may mean something else on its own.

    Args:
        trees: the template and all templates that it refers to.
        columns: the columns that the letter uses.
        names_of_mailframe: the names that every template has, such as ``range``.
    """
    sets: Counter[str] = Counter()
    read: set[str] = set()
    for tree in trees:
        names = {node.name for node in tree.find_all(ast.Name)}
        if names & _STATEFUL or any(map(_has_other_form, names)):
            return True
        if any(_may_be_iterator(node) for node in tree.find_all(ast.Assign)):
            return True
        for setter in tree.find_all(SETTERS):
            sets.update(targets(setter))
        for scope in tree.find_all(_SCOPES):
            read |= _names(scope)
    return any(
        count > 1 or name in columns or name in names_of_mailframe or name == "row"
        for name, count in sets.items()
        if name in read
    )


def _has_other_form(name: str) -> bool:
    """Whether Python, in which jinja2 writes templates, reads a name as another one."""
    return not name.isascii() and unicodedata.normalize("NFKC", name) != name


def sees_names_of_blocks(trees: Sequence[ast.Template]) -> bool:
    """Whether templates have blocks, and a macro reads a name that is set elsewhere.

    A macro sees the names of its own template, and not those of a block that calls it.

    Args:
        trees: the templates that are split.
    """
    if not any(has(tree, ast.Block, ast.Extends) for tree in trees):
        return False
    sets = {name for tree in trees for setter in tree.find_all(SETTERS) for name in targets(setter)}
    macros = [macro for tree in trees for macro in tree.find_all(ast.Macro)]
    return any(sets & meta.find_undeclared_variables(_alone(macro)) for macro in macros)


def _alone(macro: ast.Macro) -> ast.Template:
    tree = ast.Template([macro], lineno=1)
    tree.set_environment(macro.environment)  # type: ignore[arg-type]  # a parsed node has one
    return tree


def has(tree: ast.Node, *kinds: type[ast.Node]) -> bool:
    """Whether a tree has a node of one of these classes below its root."""
    return next(tree.find_all(kinds), None) is not None


def targets(setter: ast.Node) -> set[str]:
    """The names that one statement sets, without those inside it."""
    if isinstance(setter, ast.Macro):
        return {setter.name}
    if isinstance(setter, ast.Import):
        return {setter.target}
    if isinstance(setter, ast.FromImport):
        return {item if isinstance(item, str) else item[1] for item in setter.names}
    target = setter.target  # type: ignore[attr-defined]  # of a {% set %}
    names = target.find_all(ast.Name)
    return {target.name} if isinstance(target, ast.Name) else {name.name for name in names}


def _names(scope: ast.Node) -> set[str]:
    """The names in a statement, and those that it sets inside."""
    names = {node.name for node in scope.find_all(ast.Name) if node.ctx == "load"}
    return names.union(*map(targets, scope.find_all(SETTERS)))


def _may_be_iterator(setter: ast.Assign) -> bool:
    """Whether the value of a ``{% set %}`` can be an iterator, or hold one."""
    value = setter.node
    filters = [value] if isinstance(value, ast.Filter) else []
    filters += value.find_all(ast.Filter)
    making = [one for one in filters if one.name not in _MAKE_NO_ITERATOR]
    if not making:
        return False
    is_read = isinstance(value, ast.Filter) and value.name in _COUNTING
    return not is_read or any(one not in _chain(value) for one in making)


def _chain(value: ast.Node | None) -> list[ast.Node]:
    """The filters ``a | b | c`` of a value, from the last to the first one."""
    chain: list[ast.Node] = []
    while isinstance(value, ast.Filter):
        chain.append(value)
        value = value.node
    return chain
