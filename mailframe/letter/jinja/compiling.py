"""A template compiled, and what it and all that it refers to need from the frame."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Template, TemplateNotFound, TemplateSyntaxError, meta
from jinja2 import nodes as ast

from mailframe.errors import LetterError
from mailframe.letter.jinja.environment import GLOBALS, RESERVED
from mailframe.letter.jinja.positions import fault, parsed, place, readable
from mailframe.letter.jinja.rewriting import DICT_METHODS, shown
from mailframe.letter.jinja.simple_template import SimpleTemplate
from mailframe.letter.lint.html_position import CODE, START, feed
from mailframe.letter.suggestions import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailframe.letter.jinja.environment import LetterEnvironment

_PARTS = frozenset(
    {
        "sender",
        "to",
        "cc",
        "bcc",
        "reply_to",
        "subject",
        "tag",
        "html_body",
        "text_body",
        "message_stream",
    }
)
"""What is said about a template begins with its name, so no file may have the name of a part."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a template and all that it includes, extends and imports refer to.

    Attributes:
        columns: names that must come from the frame, with the part and line where each is first seen.
        optional: names that come from the frame if it has them, and may be absent: set or tested somewhere.
        row_columns: columns reached as ``row['…']``, with the part and line.
        whole_row: ``row`` is used in a way that may reach any column.
        tested: names that a template asks for (``is defined``, ``row.get('…')``, ``'…' in row``) and none sets,
            with the part and line.
        globals_used: names of ours that are used, such as ``unsubscribe_url``.
        templates: the names of the template itself and of all that it refers to; None when a row chooses some.
    """

    columns: dict[str, tuple[str, int]]
    optional: frozenset[str]
    row_columns: dict[str | int, tuple[str, int]]
    whole_row: bool
    tested: dict[str, tuple[str, int]]
    globals_used: frozenset[str]
    templates: frozenset[str] | None


_MEANT: Final = {
    "upcase": ("upper",),
    "uppercase": ("upper",),
    "downcase": ("lower",),
    "lowercase": ("lower",),
    "titlecase": ("title",),
    "strip": ("trim",),
    "len": ("length",),
    "currency": ("money",),
    "intcomma": ("number",),
    "formatdate": ("date",),
    "strftime": ("date",),
}
"""What Liquid, Django and Python call filters that Jinja has under another name."""


_BY_NAME: Final = {
    "map": ("filter", 0),
    "select": ("test", 0),
    "reject": ("test", 0),
    "selectattr": ("test", 1),
    "rejectattr": ("test", 1),
}
"""Filters that take the name of another filter or test, and where."""


class UnknownFilters(LetterError):
    """Filters and tests that no template knows, each with its place and near names."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def compile_part(
    environment: LetterEnvironment, source: str, *, name: str
) -> tuple[Template | SimpleTemplate | str, Names]:
    """The template compiled (or its text, when nothing in it varies), and the names that it needs.

    Args:
        environment: that will render it.
        source: the template.
        name: of the letter's part, such as ``subject``; it begins what is said about errors.

    Raises:
        LetterError: a syntax error, an unknown filter or test, a template that is not in the folder, or an
            attribute that no template may reach; the message names the part and the line.
    """
    try:
        family = dict(_family(environment, source, name))
        for part, tree in family.items():
            _refuse_private(tree, part)
        _refuse_unknown_filters(environment, family)
        compiled = _compiled(environment, source, name, family[name])
        for other in family.keys() - {name}:
            environment.get_template(other)  # no file is read once rows are rendered
    except TemplateSyntaxError as error:
        raise LetterError(_syntax_message(error, environment, name)) from None
    except TemplateNotFound as error:
        raise LetterError(f"{name}: {_not_found(error, environment)}") from None
    except (
        AssertionError
    ) as error:  # jinja2 does not look for names in the filter of a {% set %} block
        raise LetterError(
            f"{name}: jinja2 cannot compile it ({error}); is a name used in '{{% set … | … %}}' alone?"
        ) from None
    except (
        RecursionError,
        MemoryError,
        SyntaxError,
    ) as error:  # Python nests 20 loops, and no more
        raise LetterError(
            f"{name}: loops or brackets are nested too deep ({type(error).__name__}: {error})"
        ) from None
    return compiled, _names_of(family)


def _compiled(
    environment: LetterEnvironment, source: str, name: str, tree: ast.Template
) -> Template | SimpleTemplate | str:
    if all(isinstance(node, ast.Output) and _is_plain(node) for node in tree.body):
        return "".join(shown(data.data) for data in tree.find_all(ast.TemplateData))
    line = (
        None
        if environment.html or not environment.writes_lines
        else SimpleTemplate.of(tree, taken=RESERVED)
    )
    if line is not None:
        return line
    code = environment.compile(source, name)
    return environment.template_class.from_code(environment, code, environment.globals)


def _is_plain(output: ast.Output) -> bool:
    return all(isinstance(node, ast.TemplateData) for node in output.nodes)


# --- the names -------------------------------------------------------------------------------------------


def _names_of(family: Mapping[str, ast.Template]) -> Names:
    """The names that a template and all it refers to need from the frame.

    A name that any of them sets or tests may be absent from the frame; the rows in which it stays unset are
    problems of those rows. One with ``default`` alone may not be absent, because
    ``{{ frist_name | default('there') }}`` would greet everybody as "there".
    """
    used: dict[str, tuple[str, int]] = {}
    may_be_absent: set[str] = set()
    row_columns: dict[str | int, tuple[str, int]] = {}
    globals_used: set[str] = set()
    tested: dict[str, tuple[str, int]] = {}
    chosen_by_row = False
    whole_row = False
    for part, tree in family.items():
        undeclared = (meta.find_undeclared_variables(tree) | _bare_self(tree)) - {"row"}
        globals_used |= {node.name for node in tree.find_all(ast.Name) if node.name in GLOBALS}
        asked = _asked_for(tree)
        may_be_absent |= _set_in(tree) | {test.name for test in asked if isinstance(test, ast.Name)}
        for test in asked:
            tested.setdefault(
                test.name if isinstance(test, ast.Name) else test.value, (part, test.lineno)
            )
        for node in tree.find_all(ast.Name):
            if node.ctx == "load" and node.name in undeclared:
                used.setdefault(node.name, (part, node.lineno))
        reached, others = _row_uses(tree)
        chosen_by_row |= None in meta.find_referenced_templates(tree)
        row_columns |= {column: (part, line) for column, line in reached.items()}
        whole_row |= others
    return Names(
        columns={name: at for name, at in used.items() if name not in may_be_absent},
        optional=frozenset(used.keys() & may_be_absent),
        row_columns=row_columns,
        whole_row=whole_row,
        tested={
            name: at
            for name, at in tested.items()
            if not any(name in _set_in(tree) for tree in family.values())
        },
        globals_used=frozenset(globals_used),
        templates=None if chosen_by_row else frozenset(family),
    )


def _set_in(tree: ast.Template) -> set[str]:
    names = {node.name for node in tree.find_all(ast.Name) if node.ctx in ("store", "param")}
    names |= {macro.name for macro in tree.find_all(ast.Macro)}
    for imported in tree.find_all(ast.FromImport):
        names |= {item if isinstance(item, str) else item[1] for item in imported.names}
    return names | {imported.target for imported in tree.find_all(ast.Import)}


def _asked_for(tree: ast.Template) -> list[Any]:
    """The names that may be absent since the template asks for them, and the constants that ``row`` is asked for."""
    tests = [test.node for test in tree.find_all(ast.Test) if test.name in ("defined", "undefined")]
    asked: list[ast.Node] = [node for node in tests if isinstance(node, ast.Name)]
    for call in tree.find_all(ast.Call):
        if (
            isinstance(call.node, ast.Getattr)
            and call.node.attr == "get"
            and _is_row(call.node.node)
        ):
            asked += call.args[:1]
    for compare in tree.find_all(ast.Compare):
        if compare.ops[0].op in ("in", "notin") and _is_row(compare.ops[0].expr):
            asked.append(compare.expr)
    return [node for node in asked if node in tests or _is_text(node)]


def _is_text(node: ast.Node) -> bool:
    return isinstance(node, ast.Const) and isinstance(node.value, str)


def _row_uses(tree: ast.Template) -> tuple[dict[str | int, int], bool]:
    """The columns reached as ``row['…']`` or ``row.…`` with their lines, and whether ``row`` is used otherwise."""
    reached: dict[str | int, int] = {}
    uses = sum(1 for node in tree.find_all(ast.Name) if node.name == "row" and node.ctx == "load")
    for item in tree.find_all(ast.Getitem):
        if (
            _is_row(item.node)
            and isinstance(item.arg, ast.Const)
            and isinstance(item.arg.value, str | int)
        ):
            reached.setdefault(item.arg.value, item.lineno)
            uses -= 1
    called = {id(call.node) for call in tree.find_all(ast.Call)}
    for attribute in tree.find_all(ast.Getattr):
        if _is_row(attribute.node) and not (
            attribute.attr in DICT_METHODS and id(attribute) in called
        ):
            reached.setdefault(attribute.attr, attribute.lineno)
            uses -= 1
    return reached, uses > 0


def _bare_self(tree: ast.Template) -> set[str]:
    """``self``, if it is used for anything but a block such as ``self.title()``; jinja2 has it always."""
    names = sum(1 for node in tree.find_all(ast.Name) if node.name == "self")
    blocks = sum(
        1 for node in tree.find_all(ast.Getattr) if getattr(node.node, "name", "") == "self"
    )
    return {"self"} if names > blocks else set()


def _is_row(node: ast.Node) -> bool:
    return isinstance(node, ast.Name) and node.name == "row"


# --- the family ------------------------------------------------------------------------------------------


def _family(
    environment: LetterEnvironment, source: str, name: str
) -> Iterator[tuple[str, ast.Template]]:
    """The parsed template and, each once, those that it refers to by a constant name."""
    waiting, seen = [(name, source)], {name}
    while waiting:
        part, text = waiting.pop()
        environment.sources[part] = text
        tree = environment.parse(text, part)
        yield part, tree
        may_be_absent = _may_be_absent(tree)
        for other in meta.find_referenced_templates(tree):
            if other in _PARTS:
                _refuse_name_of_a_part(environment, other, name)
            if other is None or other in seen:
                continue
            seen.add(other)
            try:
                waiting.append((other, _source(environment, other)))
            except TemplateNotFound:
                if other not in may_be_absent:
                    raise


def _refuse_name_of_a_part(environment: LetterEnvironment, other: str, name: str) -> None:
    """A file that is called so would take the part's place in ``environment.sources``."""
    with suppress(TemplateNotFound):
        _source(environment, other)
        raise LetterError(
            f"{name}: the file {other!r} is called as a part of the letter is; call it {other}.txt"
        )


def _may_be_absent(tree: ast.Template) -> set[str]:
    """Names of templates that may be missing: ``ignore missing``, and all but one of ``include ['a', 'b']``."""
    names = set()
    for include in tree.find_all(ast.Include):
        if include.ignore_missing or isinstance(include.template, ast.List | ast.Tuple):
            names |= {
                const.value
                for const in [include.template, *include.template.find_all(ast.Const)]
                if isinstance(const, ast.Const)
            }
    return names


def _source(environment: LetterEnvironment, name: str) -> str:
    if environment.loader is None:
        raise TemplateNotFound(name)
    return environment.loader.get_source(environment, name)[0]


# --- what is said about faults ---------------------------------------------------------------------------


def _syntax_message(error: TemplateSyntaxError, environment: LetterEnvironment, name: str) -> str:
    part = error.name or name
    text = readable(environment.sources.get(part, ""))
    offset = _offset(error, text)
    where, near = place(text, offset)
    hint = (
        " (Postmark's own braces are written {{{ pm:… }}}; Jinja's are {{ … }})"
        if "{{{" in near
        else ""
    )
    if environment.html and feed(START, text[:offset]).tag in CODE:
        hint = " (Jinja reads {{, {% and {# in CSS and scripts too; put a space after the first brace, or "
        hint += "{% raw %}…{% endraw %} around the rules)"
    return f"{part}, {where}: {error.message}{hint}" + (f": {near}" if near else "")


def _offset(error: TemplateSyntaxError, text: str) -> int:
    """Where in its line a template cannot be compiled; jinja2 itself knows the line alone."""
    offset = fault(text)
    lines = text.split("\n")
    begin = sum(len(line) + 1 for line in lines[: error.lineno - 1])
    in_line = offset is not None and begin <= offset <= begin + len(
        lines[min(error.lineno, len(lines)) - 1]
    )
    return offset if offset is not None and in_line else begin


def _not_found(error: TemplateNotFound, environment: LetterEnvironment) -> str:
    if environment.loader is None:
        return f"there is no folder to find {error.name!r} in; use mf.Letter.load(folder) for include and extends"
    if error.message and error.message != error.name:
        return error.message
    return f"there is no template {error.name!r} in the letter's folder"


def _refuse_private(tree: ast.Template, name: str) -> None:
    for node in tree.find_all(ast.Getattr):
        if node.attr.startswith("__") and node.attr.endswith("__"):
            raise LetterError(
                f"{name}, line {node.lineno}: a template may not reach {node.attr!r}; "
                f"write ['{node.attr}'] for the key of a dict"
            )


def _refuse_unknown_filters(
    environment: LetterEnvironment, family: Mapping[str, ast.Template]
) -> None:
    """Name all of them at once; jinja2 stops at the first, and inside ``{% if %}`` only where a row comes there."""
    faults = []
    known = {"filter": environment.filters, "test": environment.tests}
    for part in family:
        text = readable(environment.sources.get(part, ""))
        for word, name, offset in _used(parsed(text, with_comments=False)):
            if name in known[word]:
                continue
            public = [name for name in known[word] if not name.startswith("_")]
            near = did_you_mean(nearest(name, public, meant=_MEANT))
            where, shown = place(text, offset)
            faults.append(f"{part}, {where}: No {word} named {name!r}{near}: {shown}")
    if faults:
        raise UnknownFilters(faults)


def _used(tree: ast.Template) -> Iterator[tuple[str, str, int]]:
    """The filters and tests that a template uses, also those that ``map`` and ``select`` are given by name."""
    for node in tree.find_all((ast.Filter, ast.Test)):
        yield ("filter" if isinstance(node, ast.Filter) else "test"), node.name, node.lineno
        word, place = _BY_NAME.get(node.name, ("", 0))
        given = node.args[place] if word and len(node.args) > place else None
        if isinstance(given, ast.Const) and isinstance(given.value, str):
            yield word, given.value, node.lineno
