"""The one Jinja environment of a letter: sandboxed, bounded, strict about gaps, and blind to everything but data.

Each rendering gets a context of its own, so nothing that one row sets can be seen by the next; modules of
``{% import %}`` are made anew for the same reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from jinja2 import BaseLoader, FileSystemLoader, Template, TemplateNotFound, TemplateSyntaxError, Undefined, meta
from jinja2 import nodes as ast
from jinja2.filters import FILTERS
from jinja2.nodes import EvalContext
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, markup_join, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.tests import TESTS
from jinja2.utils import Namespace, pass_context, pass_eval_context
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from mailframe import filters
from mailframe.budget import LONG_TEXT, MAX_WIDTH, Budget, TemplateLimit, grown, guard_method, guard_operator, guard_widths
from mailframe.cells import Gap, present
from mailframe.errors import LetterError
from mailframe.limits import UNSUBSCRIBE_PLACEHOLDER

GLOBALS: Final[Mapping[str, Any]] = {
    "range": safe_range,
    "dict": dict,
    "namespace": Namespace,
    "unsubscribe_url": Markup(UNSUBSCRIBE_PLACEHOLDER),
}
RESERVED: Final = frozenset(
    {*GLOBALS, "loop", "self", "super", "caller", "varargs", "kwargs", "row", "none", "true", "false"}
    | {"None", "True", "False", "not", "and", "or", "in", "is", "if", "else"}
)
"""Names that a template cannot use for a column; such a column is reached as ``row['loop']``."""
REFUSED_FILTERS: Final = frozenset({"random", "pprint", "xmlattr", "urlize"})
"""``random`` would send another mail than the one that was checked; the others write what nobody checked."""
_WIDE_FILTERS: Final = frozenset({"center", "indent", "truncate", "wordwrap", "batch", "slice", "round"})


class FreshTemplate(Template):
    """A template whose module is made anew at each import; jinja2 keeps it, and with it what a row left there."""

    def _get_default_module(self, ctx: Context | None = None) -> Any:
        self._module = None
        return super()._get_default_module(ctx)


class Folder(FileSystemLoader):
    """Templates of one folder, and nothing outside it: no ``..``, no absolute path, no link that leads out."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, encoding="utf-8-sig")
        self.root = root.resolve()

    def get_source(self, environment: Any, template: str) -> tuple[str, str, Callable[[], bool]]:
        """What jinja2 calls to read a template."""
        try:
            source, filename, up_to_date = super().get_source(environment, template)
        except UnicodeDecodeError as error:
            raise LetterError(f"{self.root / template}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
        except OSError as error:
            raise LetterError(f"{self.root / template}: {error.strerror}") from None
        if not Path(filename).resolve().is_relative_to(self.root):
            raise TemplateNotFound(template, f"{template!r} leads out of the letter's folder {self.root}")
        return source, filename, up_to_date


class LetterEnvironment(ImmutableSandboxedEnvironment):
    """The sandboxed environment of one letter, for its HTML part or for all its other parts."""

    template_class = FreshTemplate
    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self, *, loader: BaseLoader | None, html: bool, sources: dict[str, str]) -> None:
        super().__init__(loader=loader, autoescape=html, finalize=self._printed, undefined=Gap, cache_size=-1)
        self.budget = Budget()
        self.sources = sources
        self.concat = self.budget.join  # type: ignore[assignment]  # jinja2 types it as str.join, and calls it so
        self.globals = dict(GLOBALS)
        self.policies["json.dumps_function"] = _dumps
        self.filters = {name: self._charged(name, call) for name, call in FILTERS.items() if name not in REFUSED_FILTERS}
        self.filters |= {"date": filters.date, "number": filters.number, "money": filters.money}
        self.filters |= {"join": self._charged("join", _join), "format": self._charged("format", FILTERS["format"])}
        self.filters |= {"_each": self._each, "_concat": _concat}
        self.tests = {**TESTS, "none": _is_none, "missing": _is_missing}

    def preprocess(self, source: str, name: str | None = None, filename: str | None = None) -> str:
        """The source with Postmark's placeholders out of jinja2's sight; ``compile`` puts them back."""
        return super().preprocess(hide_placeholders(source), name, filename)

    def compile(self, source: Any, name: Any = None, filename: Any = None, raw: bool = False, defer_init: bool = False) -> Any:  # noqa: FBT002 - jinja2's signature
        """What jinja2 calls for each template, included ones too."""
        if isinstance(source, str):
            source = instrument(self.parse(source, name, filename))
        return super().compile(source, name, filename, raw, defer_init)  # type: ignore[call-overload]  # raw and defer_init are plain bools

    def render(self, template: Template, cells: dict[Any, Any]) -> str:
        """One part for one row. *cells* must hold the globals too; it is read, never written."""
        self.budget.reset()
        return self.budget.join(template.root_render_func(template.new_context(cells, shared=True)))

    def is_safe_callable(self, obj: Any) -> bool:
        """Whether a template may call it: macros, blocks, loops, the globals and methods of plain values."""
        if isinstance(obj, Macro | BlockReference | LoopContext | Undefined):  # a gap says itself what it is
            return True
        return any(obj is known for known in _CALLABLES) or _owner(obj) is not None

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - jinja2's signature
        """What jinja2 does for each call in a template."""
        __self.budget.step()
        owner = _owner(__obj)
        if owner is not None and not isinstance(owner, LoopContext):
            guard_method(__self.budget, owner, __obj.__name__, (*args, *kwargs.values()))
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """What jinja2 does for each intercepted operator."""
        guard_operator(self.budget, operator, left, right)
        return super().call_binop(context, operator, left, right)

    @pass_context  # unused, but without it jinja2 prints constants by itself: `{{ true }}` as True
    def _printed(self, _context: Context, value: Any) -> Any:
        if isinstance(value, str) and len(value) > LONG_TEXT:
            self.budget.charge(len(value))
        return present(value)

    @pass_context
    def _each(self, _context: Context, items: Any) -> Iterable[Any]:
        return self.budget.each(items)

    def _charged(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The filter, with what it builds charged to the row; attributes tell jinja2 what it wants passed."""
        offset = 1 if getattr(call, "jinja_pass_arg", None) else 0

        def charged(*args: Any, **kwargs: Any) -> Any:
            self._guard_filter(name, args[offset] if len(args) > offset else None, (*args[offset + 1 :], *kwargs.values()))
            result = call(*args, **kwargs)
            if isinstance(result, str | list):
                self.budget.charge(len(result))
            return result

        charged.__dict__.update(getattr(call, "__dict__", {}))
        return charged

    def _guard_filter(self, name: str, value: Any, args: tuple[Any, ...]) -> None:
        if name in _WIDE_FILTERS and any(isinstance(arg, int) and abs(arg) > MAX_WIDTH for arg in args):
            raise TemplateLimit(f"the filter {name!r} is asked for a width of more than {MAX_WIDTH:,}")
        if name == "format":
            guard_widths(str(value))
        elif name == "replace" and isinstance(value, str):
            self.budget.charge(grown(value, name, args))


_CALLABLES = (safe_range, dict, Namespace)


def _owner(obj: Any) -> Any:
    """The plain value whose bound method *obj* is; None when it is no such method."""
    return getattr(getattr(obj, "__wrapped__", obj), "__self__", None)


def _dumps(value: Any, **kwargs: Any) -> str:
    options = orjson.OPT_SORT_KEYS if kwargs.get("sort_keys") else 0
    try:
        return orjson.dumps(value, default=lambda item: str(present(item)), option=options).decode()
    except orjson.JSONEncodeError as error:
        raise error.__cause__ or error from None


def _is_none(value: Any) -> bool:
    return value is None or isinstance(value, Undefined)


def _is_missing(value: Any) -> bool:
    return isinstance(value, Undefined)


@pass_eval_context
def _join(eval_ctx: EvalContext, value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
    if attribute is not None:
        return FILTERS["join"](eval_ctx, value, d, attribute)  # type: ignore[no-any-return]  # text
    items = [present(item) for item in value]
    return FILTERS["join"](eval_ctx, items, d)  # type: ignore[no-any-return]  # text


@pass_context
def _concat(context: Context, parts: Iterable[Any]) -> str:
    written = [present(part) for part in parts]
    environment = context.environment
    if isinstance(environment, LetterEnvironment):
        environment.budget.charge(sum(len(str(part)) for part in written))
    return markup_join(written) if context.eval_ctx.autoescape else str_join(written)


_PLACEHOLDER = re.compile(r"\{\{\{(\s*pm:[^{}]*)\}\}\}")
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"  # Unicode noncharacters: no text of a person holds them
_HIDDEN = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")


def hide_placeholders(source: str) -> str:
    """``{{{ pm:unsubscribe }}}`` is a valid dict literal to jinja2, which would print it as one."""
    if _OPEN in source or _CLOSE in source:
        raise LetterError("a template holds the noncharacter U+FDD0 or U+FDD1, which no text needs; remove it")
    return _PLACEHOLDER.sub(rf"{_OPEN}\1{_CLOSE}", source)


def _shown(text: str) -> str:
    return _HIDDEN.sub(r"{{{\1}}}", text) if _OPEN in text else text


def instrument(tree: ast.Template) -> ast.Template:
    """The parsed template with placeholders back as plain text, and its loops and ``~`` charged."""
    _Instrument().visit(tree)
    return tree


class _Instrument(NodeTransformer):
    """Each method is called by jinja2 for the nodes of that class."""

    def visit_TemplateData(self, node: ast.TemplateData) -> ast.Node:  # noqa: N802 - jinja2's name
        node.data = _shown(node.data)
        return node

    def visit_Const(self, node: ast.Const) -> ast.Node:  # noqa: N802
        if isinstance(node.value, str):
            node.value = _shown(node.value)
        return node

    def visit_For(self, node: ast.For) -> ast.Node:  # noqa: N802
        self.generic_visit(node)
        node.iter = _filtered("_each", node.iter)
        return node

    def visit_Concat(self, node: ast.Concat) -> ast.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered("_concat", ast.List(node.nodes, lineno=node.lineno))


def _filtered(name: str, node: ast.Expr) -> ast.Filter:
    return ast.Filter(node, name, [], [], None, None, lineno=node.lineno)


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
        return "".join(_shown(data.data) for data in tree.find_all(ast.TemplateData))
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
    for node in (*tree.find_all(ast.Getattr), *tree.find_all(ast.Getitem)):
        attribute = node.attr if isinstance(node, ast.Getattr) else getattr(node.arg, "value", None)
        if isinstance(attribute, str) and attribute.startswith("__"):
            raise LetterError(f"{name}, line {node.lineno}: a template may not reach {attribute!r}")
