"""Compiles a template and all templates that it refers to, and reports their errors."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from jinja2 import Template, TemplateNotFound, TemplateSyntaxError, meta
from jinja2 import nodes as ast

from mailframe.errors import LetterError
from mailframe.letter.jinja.environment import RESERVED
from mailframe.letter.jinja.names import Names, names_of
from mailframe.letter.jinja.other_names import FILTER_SYNONYMS, FILTERS, TESTS
from mailframe.letter.jinja.other_tools import advice, advice_about_tags, advice_in_translation
from mailframe.letter.jinja.simple_template import SimpleTemplate
from mailframe.letter.jinja.source_positions import parsed, place, readable, syntax_error_offset
from mailframe.letter.letter import TEMPLATE_FIELDS
from mailframe.letter.lint.html_position import CODE, START, feed
from mailframe.letter.suggestions import did_you_mean, folded, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mailframe.letter.jinja.environment import LetterEnvironment

_BY_NAME: Final = {
    "map": ("filter", 0),
    "select": ("test", 0),
    "reject": ("test", 0),
    "selectattr": ("test", 1),
    "rejectattr": ("test", 1),
}
"""Filters with the name of another filter or test as an argument, and its position."""


class UnknownFilters(LetterError):
    """Filters and tests that do not exist, each with its position and similar names."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def compile_part(
    environment: LetterEnvironment, source: str, *, name: str
) -> tuple[Template | SimpleTemplate | str, Names]:
    """The compiled template, or its text if it has no variables, and the names that it needs.

    Args:
        environment: the environment that renders the template.
        source: the text of the template.
        name: the name of the part, such as ``subject``; error messages begin with it.

    Raises:
        LetterError: a syntax error, an unknown filter or test, a template that is not in the
            folder, or a forbidden attribute; the message has the part and the line.
    """
    try:
        trees = dict(_trees(environment, source, name))
        for part, tree in trees.items():
            _refuse_private(tree, part)
            _refuse_names_that_python_folds(tree, part)
            _refuse_jumps(tree.body, part)
        _refuse_unknown_filters(environment, trees)
        compiled = _compiled(environment, source, name, trees[name])
        for other in trees.keys() - {name}:
            environment.get_template(other)  # files are read now, not while rows are rendered
    except TemplateSyntaxError as error:
        raise LetterError(_syntax_message(error, environment, name)) from None
    except TemplateNotFound as error:
        where = _place_of_name(str(error.name), environment) or name
        raise LetterError(f"{where}: {_not_found(error, environment)}") from None
    except AssertionError as error:  # jinja2 misses names in the filter of a {% set %} block
        raise LetterError(
            f"{name}: jinja2 cannot compile it ({error}); is a name used only in "
            "'{% set … | … %}'?"
        ) from None
    except (RecursionError, MemoryError, SyntaxError) as error:  # Python allows 20 nested loops
        raise LetterError(
            f"{name}: loops or brackets are nested too deeply ({type(error).__name__}: {error})"
        ) from None
    names = names_of(trees)
    if environment.settings.constants and names.is_constant:
        return _of_constants(environment, compiled), names
    return compiled, names


def _of_constants(
    environment: LetterEnvironment, compiled: Template | SimpleTemplate | str
) -> Template | SimpleTemplate | str:
    """The text of a template that uses nothing of a row; the template if it cannot be rendered."""
    if isinstance(compiled, str) or environment.settings.has_language:
        return compiled
    with suppress(Exception):  # a problem of each row, which is reported with it
        return environment.render(compiled, dict(environment.globals))
    return compiled


def _compiled(
    environment: LetterEnvironment, source: str, name: str, tree: ast.Template
) -> Template | SimpleTemplate | str:
    simple = SimpleTemplate.of(tree, reserved=RESERVED)
    if simple is not None and not simple.varies:
        return simple.render({})
    if simple is not None and environment.allows_simple_templates and not environment.html:
        return simple
    code = environment.compile(source, name)
    return environment.template_class.from_code(environment, code, environment.globals)


# --- templates that a template refers to ------------------------------------------------------


def _trees(
    environment: LetterEnvironment, source: str, name: str
) -> Iterator[tuple[str, ast.Template]]:
    """The parsed template and, each once, those that it refers to by a constant name."""
    pending, seen = [(name, source)], {name}
    while pending:
        part, text = pending.pop()
        if environment.sources.setdefault(part, text) != text:  # such as metadata.txt or cc[1]
            raise _has_name_of_a_part(part, name)
        tree = environment.parse(text, part)
        yield part, tree
        optional = _optional_templates(tree)
        for other in meta.find_referenced_templates(tree):
            if other in TEMPLATE_FIELDS:
                _refuse_name_of_a_part(environment, other, name)
            if other is None or other in seen:
                continue
            seen.add(other)
            try:
                pending.append((other, _source(environment, other)))
            except TemplateNotFound:
                if other not in optional:
                    raise


def _refuse_name_of_a_part(environment: LetterEnvironment, other: str, name: str) -> None:
    """Refuse such a file: ``environment.sources`` and error texts could not tell them apart."""
    with suppress(TemplateNotFound):
        _source(environment, other)
        raise _has_name_of_a_part(other, name)


def _has_name_of_a_part(other: str, name: str) -> LetterError:
    return LetterError(
        f"{name}: the file {other!r} has the name of a part of the letter; rename it, for example "
        f"to included-{other}"
    )


def _optional_templates(tree: ast.Template) -> set[str]:
    """Templates that may be missing, as in ``ignore missing`` or ``include ['a', 'b']``."""
    return {
        const.value
        for include in tree.find_all(ast.Include)
        if include.ignore_missing or isinstance(include.template, ast.List | ast.Tuple)
        for const in [include.template, *include.template.find_all(ast.Const)]
        if isinstance(const, ast.Const)
    }


def _source(environment: LetterEnvironment, name: str) -> str:
    if environment.loader is None:
        raise TemplateNotFound(name)
    return environment.loader.get_source(environment, name)[0]


# --- errors -----------------------------------------------------------------------------------


def _syntax_message(error: TemplateSyntaxError, environment: LetterEnvironment, name: str) -> str:
    part = error.name or name
    text = readable(environment.sources.get(part, ""))
    offset = _offset(error, text)
    where, near = place(text, offset)
    hint = ""
    if environment.html and feed(START, text[:offset]).tag in CODE:
        hint = (
            " (Jinja reads {{, {% and {# in CSS and scripts too; write a space after the first "
            "brace, or {% raw %}…{% endraw %} around the rules)"
        )
    else:
        instead = advice_in_translation(text, offset, error.message or "") or advice(text, offset)
        if instead:
            return f"{part}, {where}: {instead}"
    what = advice_about_tags(error.message or "") or error.message
    return f"{part}, {where}: {what}{hint}" + (f": {near}" if near else "")


def _offset(error: TemplateSyntaxError, text: str) -> int:
    """The offset of a syntax error; jinja2 only has its line."""
    offset = syntax_error_offset(text)
    lines = text.split("\n")
    start = sum(len(line) + 1 for line in lines[: error.lineno - 1])
    end = start + len(lines[min(error.lineno, len(lines)) - 1])
    return offset if offset is not None and start <= offset <= end else start


def _place_of_name(template: str, environment: LetterEnvironment) -> str:
    """The part and the line of a template that first names another one; empty if none does."""
    for part, text in environment.sources.items():
        for quote in "'\"":
            at = text.find(f"{quote}{template}{quote}")
            if at >= 0:
                return f"{part}, line {text.count(chr(10), 0, at) + 1}"
    return ""


def _not_found(error: TemplateNotFound, environment: LetterEnvironment) -> str:
    if environment.loader is None:
        return (
            f"the letter has no folder with {error.name!r}; use mf.Letter.load(folder) for include "
            "and extends, and shared=… for files that several letters use"
        )
    if error.message and error.message != error.name:
        return error.message
    return f"there is no template {error.name!r} in the letter's folder"


def _refuse_private(tree: ast.Template, name: str) -> None:
    for node in tree.find_all(ast.Getattr):
        if node.attr.startswith("__") and node.attr.endswith("__"):
            raise LetterError(
                f"{name}, line {node.lineno}: a template cannot access {node.attr!r}; "
                f"write ['{node.attr}'] for the key of a dict"
            )


def _refuse_names_that_python_folds(tree: ast.Template, name: str) -> None:
    """Refuse two names that Python reads as one (PEP 3131): one would print the other's value."""
    spellings: dict[str, str] = {}
    for variable, line in _variables(tree):
        folded = unicodedata.normalize("NFKC", variable)
        other = spellings.setdefault(folded, variable)
        if other != variable:
            special = other if variable == folded else variable
            raise LetterError(
                f"{name}, line {line}: {other!r} and {variable!r} are one name in Python; "
                f"write row[{special!r}] if it is a column, or choose another name"
            )


def _refuse_jumps(nodes: Sequence[ast.Node], name: str, *, in_loop: bool = False) -> None:
    """Refuse ``{% break %}`` and ``{% continue %}`` outside of a loop.

    A macro or block in a loop is outside of it, as a function in Python would be.
    """
    for node in nodes:
        if isinstance(node, ast.Break | ast.Continue) and not in_loop:
            tag = type(node).__name__.lower()
            raise LetterError(f"{name}, line {node.lineno}: {{% {tag} %}} is outside of a loop")
        if isinstance(node, ast.For):
            _refuse_jumps(node.body, name, in_loop=True)
            _refuse_jumps(node.else_, name)
            continue
        is_function = isinstance(node, ast.Macro | ast.CallBlock | ast.Block)
        inner = [child for child in node.iter_child_nodes() if isinstance(child, ast.Stmt)]
        _refuse_jumps(inner, name, in_loop=in_loop and not is_function)


def _variables(tree: ast.Template) -> Iterator[tuple[str, int]]:
    """The names that become variables of Python, each with its line."""
    for node in tree.find_all((ast.Name, ast.Macro, ast.Import, ast.FromImport)):
        if isinstance(node, ast.Import):
            yield node.target, node.lineno
        elif isinstance(node, ast.FromImport):
            for one in node.names:
                yield (one if isinstance(one, str) else one[1]), node.lineno
        elif isinstance(node, ast.Name | ast.Macro):
            yield node.name, node.lineno


def _refuse_unknown_filters(
    environment: LetterEnvironment, trees: Mapping[str, ast.Template]
) -> None:
    """Report all of them; jinja2 reports one, and inside ``{% if %}`` only while it renders."""
    faults = []
    existing = {"filter": environment.filters, "test": environment.tests}
    for part in trees:
        text = readable(environment.sources.get(part, ""))
        for kind, name, offset in _filters_and_tests(parsed(text, with_comments=False)):
            if name in existing[kind]:
                continue
            public = [name for name in existing[kind] if not name.startswith("_")]
            hint = did_you_mean(nearest(name, public, synonyms=FILTER_SYNONYMS))
            ways = FILTERS if kind == "filter" else TESTS
            if folded(name) in ways:
                hint = f" ({ways[folded(name)]})"
            elif kind == "filter" and not hint:
                hint = (
                    f" (write … | default({name!r}) for a default text, or a filter of your own, "
                    f"mf.Letter(filters={{{name!r}: …}}))"
                )
            where, near = place(text, offset)
            faults.append(f"{part}, {where}: No {kind} named {name!r}{hint}: {near}")
    if faults:
        raise UnknownFilters(faults)


def _filters_and_tests(tree: ast.Template) -> Iterator[tuple[str, str, int]]:
    """The kind, name and offset of each filter and test, also of the arguments of ``map`` etc."""
    for node in tree.find_all((ast.Filter, ast.Test)):
        yield ("filter" if isinstance(node, ast.Filter) else "test"), node.name, node.lineno
        kind, index = _BY_NAME.get(node.name, ("", 0))
        argument = node.args[index] if kind and len(node.args) > index else None
        if isinstance(argument, ast.Const) and isinstance(argument.value, str):
            yield kind, argument.value, node.lineno
