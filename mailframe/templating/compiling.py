"""A template compiled, and what it and all that it refers to need from the frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import Template, TemplateNotFound, TemplateSyntaxError, meta
from jinja2 import nodes as ast

from mailframe.errors import LetterError
from mailframe.templating.environment import GLOBALS
from mailframe.templating.instrument import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailframe.templating.environment import LetterEnvironment


@dataclass(frozen=True, slots=True)
class Names:
    """What a template and all that it includes, extends and imports refer to.

    Attributes:
        columns: names that must come from the frame, with the line where each is first seen.
        row_columns: columns reached as ``row['…']``.
        whole_row: ``row`` is used in a way that may reach any column.
    """

    columns: dict[str, tuple[str, int]]
    row_columns: frozenset[str | int]
    whole_row: bool


def compile_part(environment: LetterEnvironment, source: str, *, name: str) -> tuple[Template | str, Names]:
    """The template compiled (or its text, when nothing in it varies), and the names that it needs.

    Raises:
        LetterError: a syntax error, an unknown filter or test, a template that is not in the folder, or an
            attribute that no template may reach; the message names the part and the line.
    """
    try:
        family = dict(_family(environment, source, name))
        for part, tree in family.items():
            _refuse_private(tree, part)
        return _compiled(environment, source, name, family[name]), _names_of(family)
    except TemplateSyntaxError as error:
        raise LetterError(_syntax_message(error, environment, name)) from None
    except TemplateNotFound as error:
        raise LetterError(f"{name}: {_not_found(error, environment)}") from None


def _compiled(environment: LetterEnvironment, source: str, name: str, tree: ast.Template) -> Template | str:
    if all(isinstance(node, ast.Output) and _is_plain(node) for node in tree.body):
        return "".join(shown(data.data) for data in tree.find_all(ast.TemplateData))
    code = environment.compile(source, name)
    return environment.template_class.from_code(environment, code, environment.globals)


def _is_plain(output: ast.Output) -> bool:
    return all(isinstance(node, ast.TemplateData) for node in output.nodes)


def _names_of(family: Mapping[str, ast.Template]) -> Names:
    """The names that a template and all it refers to need from the frame.

    A name that any of them sets is left to the rendering: the rows in which it stays unset are problems of
    those rows. A name tested with ``is defined`` may be absent; one with ``default`` alone may not, because
    ``{{ frist_name | default('there') }}`` would greet everybody as "there".
    """
    needed: dict[str, tuple[str, int]] = {}
    known: set[str] = set(GLOBALS) | {"row"}
    row_columns: set[str | int] = set()
    whole_row = False
    for part, tree in family.items():
        undeclared = meta.find_undeclared_variables(tree)
        known |= _set_or_tested(tree)
        for node in tree.find_all(ast.Name):
            if node.ctx == "load" and node.name in undeclared:
                needed.setdefault(node.name, (part, node.lineno))
        reached, others = _row_uses(tree)
        row_columns |= reached
        whole_row |= others
    return Names({n: at for n, at in needed.items() if n not in known}, frozenset(row_columns), whole_row)


def _family(environment: LetterEnvironment, source: str, name: str) -> Iterator[tuple[str, ast.Template]]:
    """The parsed template and, each once, those that it refers to by a constant name."""
    waiting, seen = [(name, source)], {name}
    while waiting:
        part, text = waiting.pop()
        environment.sources[part] = text
        tree = environment.parse(text, part)
        yield part, tree
        for other in meta.find_referenced_templates(tree):
            if other is not None and other not in seen:
                seen.add(other)
                waiting.append((other, _source(environment, other)))


def _source(environment: LetterEnvironment, name: str) -> str:
    if environment.loader is None:
        raise TemplateNotFound(name)
    return environment.loader.get_source(environment, name)[0]


def _set_or_tested(tree: ast.Template) -> set[str]:
    names = {node.name for node in tree.find_all(ast.Name) if node.ctx in ("store", "param")}
    names |= {macro.name for macro in tree.find_all(ast.Macro)}
    for test in tree.find_all(ast.Test):
        if test.name in ("defined", "undefined") and isinstance(test.node, ast.Name):
            names.add(test.node.name)
    for imported in tree.find_all(ast.FromImport):
        names |= {item if isinstance(item, str) else item[1] for item in imported.names}
    return names | {imported.target for imported in tree.find_all(ast.Import)}


def _row_uses(tree: ast.Template) -> tuple[set[str | int], bool]:
    """The columns reached as ``row['…']`` or ``row.…``, and whether ``row`` is used in any other way."""
    reached: set[str | int] = set()
    uses = sum(1 for node in tree.find_all(ast.Name) if node.name == "row" and node.ctx == "load")
    for item in tree.find_all(ast.Getitem):
        if _is_row(item.node) and isinstance(item.arg, ast.Const) and isinstance(item.arg.value, str | int):
            reached.add(item.arg.value)
            uses -= 1
    for attribute in tree.find_all(ast.Getattr):
        if _is_row(attribute.node):
            reached.add(attribute.attr)
            uses -= 1
    return reached, uses > 0


def _is_row(node: ast.Node) -> bool:
    return isinstance(node, ast.Name) and node.name == "row"


def _syntax_message(error: TemplateSyntaxError, environment: LetterEnvironment, name: str) -> str:
    part = error.name or name
    lines = environment.sources.get(part, "").splitlines()
    line = lines[error.lineno - 1].strip() if 0 < error.lineno <= len(lines) else ""
    hint = " (Postmark's own braces are written {{{ pm:… }}}; Jinja's are {{ … }})" if "{{{" in line else ""
    return f"{part}, line {error.lineno}: {error.message}{hint}" + (f": {line[:80]}" if line else "")


def _not_found(error: TemplateNotFound, environment: LetterEnvironment) -> str:
    if environment.loader is None:
        return f"there is no folder to find {error.name!r} in; use mf.Letter.load(folder) for include and extends"
    return error.message or f"there is no template {error.name!r} in the letter's folder"


def _refuse_private(tree: ast.Template, name: str) -> None:
    reached: list[tuple[object, int]] = [(node.attr, node.lineno) for node in tree.find_all(ast.Getattr)]
    reached += [(getattr(node.arg, "value", None), node.lineno) for node in tree.find_all(ast.Getitem)]
    for attribute, line in reached:
        if isinstance(attribute, str) and attribute.startswith("__"):
            raise LetterError(f"{name}, line {line}: a template may not reach {attribute!r}")
