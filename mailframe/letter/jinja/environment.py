"""The Jinja environment of a letter: sandboxed, limited, and strict about missing values.

Each rendering has its own context, and modules of ``{% import %}`` are created again each time, so
that no row can see what another row has set.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from jinja2 import ChoiceLoader, DictLoader, Template, Undefined
from jinja2 import nodes as ast
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.filters import FILTERS
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, markup_join, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.tests import TESTS
from jinja2.utils import Namespace, pass_context
from markupsafe import Markup, escape

from mailframe.letter.jinja import builtin_filters, filters, text_filters
from mailframe.letter.jinja.budget import LONG_TEXT, Budget
from mailframe.letter.jinja.constants import print_constants
from mailframe.letter.jinja.guards import guard_filter, guard_method, guard_operator, is_allowed
from mailframe.letter.jinja.own_lines import keep_lines_with_text
from mailframe.letter.jinja.printing import as_printed, format_argument
from mailframe.letter.jinja.rewriting import rewrite
from mailframe.letter.jinja.settings import EXTENSIONS, TemplateSettings
from mailframe.letter.jinja.simple_template import SimpleTemplate
from mailframe.letter.jinja.source_positions import LineKeepingGenerator, set_lines
from mailframe.letter.jinja.template_marks import hide_placeholders
from mailframe.letter.jinja.translations import OF_TEMPLATE
from mailframe.letter.jinja.values import Absent
from mailframe.limits import UNSUBSCRIBE_PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

GLOBALS: Final[Mapping[str, Any]] = {
    "range": safe_range,
    "dict": dict,
    "namespace": Namespace,
    "unsubscribe_url": Markup(UNSUBSCRIBE_PLACEHOLDER),  # noqa: S704 - a constant
}
RESERVED: Final = frozenset({*GLOBALS, *OF_TEMPLATE}) | frozenset(
    """
    loop self super caller varargs kwargs row none true false None True False not and or in is if
    else
    """.split()  # noqa: SIM905 - a list of one word a line is harder to read
)
"""Names that a template cannot use for a column; it uses ``row['loop']`` for such a column."""


def variable(column: object) -> str:
    """The column as a template writes it.

    >>> variable("plan"), variable("First Name"), variable("loop")
    ('plan', "row['First Name']", "row['loop']")
    """
    is_name = isinstance(column, str) and column.isidentifier() and column not in RESERVED
    return str(column) if is_name else f"row[{column!r}]"


REFUSED_FILTERS: Final = frozenset({"random", "pprint", "xmlattr"})
"""``random`` would send a different mail than the checked one; the others write unchecked HTML."""

_FREE: Final = frozenset({"default", "d", "length", "count", "first", "last", "abs", "format"})
"""Filters that do not read or build much, or charge the budget themselves."""
_LONG_TESTS: Final = frozenset(
    """
    upper lower eq equalto == ne != lt lessthan < le <= gt greaterthan > ge >= in
    """.split()  # noqa: SIM905 - as above
)
"""Tests that take longer for longer values."""


class FreshTemplate(Template):
    """A template whose module is created at each import; in jinja2, rows would share it."""

    def _get_default_module(self, ctx: Context | None = None) -> Any:
        self._module = None
        return super()._get_default_module(ctx)


class LetterEnvironment(ImmutableSandboxedEnvironment):
    """The sandboxed environment of one letter: one for its HTML part, one for all other parts.

    In text, a line with nothing but tags leaves no blank line; see ``own_lines.py``.

    Args:
        settings: what the templates of the letter can use.
        html: whether to escape printed values.

    Attributes:
        sources: the source of each template that was compiled for a part, by name.
        translating_texts: the ids of the functions that ``{% trans %}`` calls.

    >>> letters = LetterEnvironment(TemplateSettings(), html=True)
    >>> letters.render(letters.from_string("{{ name }} {{{ pm:unsubscribe }}}"), {"name": "<Zoë>"})
    '&lt;Zoë&gt; {{{ pm:unsubscribe }}}'
    """

    template_class = FreshTemplate
    code_generator_class = LineKeepingGenerator
    intercepted_binops = frozenset({"*", "**", "%", "+"})
    allows_simple_templates = True
    """Whether a part with only text and variables may be a ``SimpleTemplate``."""
    constants_are_text = True
    """Whether printed constants are text of the template, which is not escaped."""

    def __init__(self, settings: TemplateSettings, *, html: bool) -> None:
        super().__init__(
            loader=settings.loader,
            extensions=EXTENSIONS,
            trim_blocks=not html,
            lstrip_blocks=not html,
            autoescape=html,
            finalize=self._printer(),
            undefined=Absent,
            cache_size=-1,
            auto_reload=False,  # a file that changes must not change what was checked
        )
        self.newstyle_gettext = True
        self.settings = settings
        self.html = html
        self.budget = Budget()
        self.sources: dict[str, str] = {}
        self.concat = self.budget.join  # type: ignore[method-assign]  # jinja2: an attribute
        translating = settings.translations.functions
        self._translating = frozenset(map(id, translating.values()))
        self.translating_texts = frozenset(id(translating[name]) for name in OF_TEMPLATE.values())
        self.globals = {**GLOBALS, **translating, **settings.constants}
        self.policies["json.dumps_function"] = builtin_filters.dumps
        self.filters = {
            name: call if name in _FREE else self._charged(name, call)
            for name, call in {**FILTERS, **builtin_filters.FILTERS}.items()
            if name not in REFUSED_FILTERS
        }
        self.filters |= {**filters.FILTERS, **text_filters.FILTERS}
        if settings.has_language:
            localized = {name: self._localized(call) for name, call in filters.FILTERS.items()}
            self.filters |= localized
        self.filters |= settings.filters
        # The filters of ``rewriting.py``.
        self.filters |= {"_written": self._written, "_kept": self._kept, "_method": self._method}
        self.filters |= {"_concat": self._concat, "_sliced": self._sliced}
        self.filters |= {
            "_each": _at_run_time(self.budget.each),
            "_read": _at_run_time(self.budget.read),
            "_weighed": _at_run_time(self.budget.weigh),
        }
        tests: Mapping[str, Any] = {**TESTS, **builtin_filters.TESTS}
        self.tests = {
            name: self._reading(call) if name in _LONG_TESTS else call
            for name, call in tests.items()
        }

    def made_again(
        self, kind: Callable[..., LetterEnvironment], *, parts: Container[str]
    ) -> LetterEnvironment:
        """An environment of another class with the same settings; it reads no file again.

        Args:
            kind: the class, with arguments as of this one.
            parts: the names of the letter's own templates, which are not included.
        """
        included = {name: text for name, text in self.sources.items() if name not in parts}
        loader = ChoiceLoader([DictLoader(included), *([self.loader] if self.loader else [])])
        return kind(replace(self.settings, loader=loader), html=self.html)

    def preprocess(self, source: str, name: str | None = None, filename: str | None = None) -> str:
        """Hide Postmark's placeholders from jinja2; ``compile`` shows them again."""
        source = hide_placeholders(source)
        if not self.html and "\n" in source:
            source = keep_lines_with_text(source)
        return super().preprocess(source, name, filename)

    def _parse(self, source: str, name: str | None, filename: str | None) -> ast.Template:
        """Parse a template; printed constants are text of it from here on."""
        tree = super()._parse(source, name, filename)
        if name is not None and name in self.settings.lines:
            set_lines(tree, self.settings.lines[name])
        constants = self.settings.constants if self.constants_are_text else {}
        return print_constants(tree, constants, html=self.html, name=name or "template")

    def compile(
        self,
        source: Any,
        name: Any = None,
        filename: Any = None,
        raw: bool = False,  # noqa: FBT002 - jinja2's signature
        defer_init: bool = False,  # noqa: FBT002
    ) -> Any:
        """Compile a template; jinja2 calls it for each template, also for included ones."""
        if isinstance(source, str):
            source = rewrite(self.parse(source, name, filename))
        return super().compile(source, name, filename, raw, defer_init)  # type: ignore[call-overload]  # raw and defer_init are bools

    def render(self, template: Template | SimpleTemplate, cells: dict[Any, Any]) -> str:
        """Render a part for one row. *cells* must include the globals; it is not changed."""
        if isinstance(template, SimpleTemplate):
            return template.render(cells)
        self.budget.reset()
        return self.budget.join(template.root_render_func(template.new_context(cells, shared=True)))

    def is_safe_callable(self, obj: Any) -> bool:
        """Whether a template can call it: macros, blocks, loops, globals, allowed methods."""
        if isinstance(obj, Macro | BlockReference | LoopContext | Undefined):
            return True  # a missing value raises its own error
        if any(obj is allowed for allowed in _CALLABLES) or _owner(obj) is not None:
            return True
        return id(obj) in self._translating

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805, PYI063 - jinja2's signature
        """Call *__obj* for a template, within its limits."""
        budget = __self.budget
        budget.step()
        if isinstance(kwargs.get("caller"), Macro) and not isinstance(__obj, Macro):
            raise TemplateRuntimeError("{% call %} can only call a macro")
        owner = _owner(__obj)
        if isinstance(__obj, LoopContext):
            args = tuple(map(budget.each, args))
        elif isinstance(owner, LoopContext):  # loop.changed compares its arguments
            budget.read(args)
        elif __obj is dict:
            budget.weigh([args, kwargs])
        elif owner is not None:
            guard_method(budget, owner, __obj.__name__, (*args, *kwargs.values()))
            if isinstance(owner, str) and __obj.__name__ == "join":
                return builtin_filters.joined(budget, owner, *args)
            kwargs.pop("_loop_vars", None)
            kwargs.pop("_block_vars", None)
            if isinstance(owner, str) and __obj.__name__ == "format":
                args = tuple(map(format_argument, args))
                kwargs = {key: format_argument(value) for key, value in kwargs.items()}
            return __obj(*args, **kwargs)
        if not callable(__obj):
            raise SecurityError(
                f"the template calls a {type(__obj).__name__} as a function; write it without (…)"
            )
        return super().call(__context, __obj, *args, **kwargs)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The value of ``value.name``; in a dict, a key comes before a method of that name."""
        if isinstance(obj, dict):
            if attribute in obj:
                return obj[attribute]
            is_method = is_allowed(type(obj), attribute)
            return getattr(obj, attribute) if is_method else self.undefined(obj=obj, name=attribute)
        if attribute != "format" and is_allowed(type(obj), attribute):  # type: ignore[arg-type]  # a class is hashable
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """The value of ``value[name]``; never a method of a dict or a private attribute."""
        if isinstance(obj, dict):
            try:
                return obj[argument]
            except (TypeError, LookupError):
                return self.undefined(obj=obj, name=argument)
        if isinstance(argument, str) and argument.startswith("_"):
            return self.undefined(obj=obj, name=argument)
        return super().getitem(obj, argument)

    @pass_context
    def _method(self, _context: Context, obj: Any, name: str) -> Any:
        """What ``value.name(…)`` calls if dicts have a method *name*; never a key of the dict."""
        if isinstance(obj, dict):
            return getattr(obj, name) if is_allowed(type(obj), name) else super().getattr(obj, name)
        return self.getattr(obj, name)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Apply an operator of *intercepted_binops*, within its limits."""
        guard_operator(self.budget, operator, left, right)
        if operator == "%" and isinstance(left, str):
            right = builtin_filters.percent_values(right)
        return super().call_binop(context, operator, left, right)

    def _printer(self) -> Callable[[Context, Any], Any]:
        """The function that each ``{{ … }}`` calls; not a method, which would be slower."""

        @pass_context  # without it jinja2 prints constants at compile time: `{{ true }}` as True
        def printed(_context: Context, value: Any) -> Any:
            if type(value) is str and len(value) <= LONG_TEXT:
                return value
            if isinstance(value, str):
                self.budget.charge(len(value))
            return as_printed(value)

        return printed

    @pass_context
    def _written(self, context: Context, value: Any) -> Any:
        """Print the result of a filter block as ``{{ … }}`` prints a value."""
        text = as_printed(value)
        return escape(text) if context.eval_ctx.autoescape else str(text)

    @pass_context
    def _kept(self, context: Context, value: Any) -> Any:
        """The value of a filtered set block; jinja2 marks it as safe if it escapes values."""
        return self._written(context, value) if context.eval_ctx.autoescape else value

    @pass_context
    def _sliced(self, _context: Context, value: Any, start: Any, stop: Any, step: Any) -> Any:
        return self.budget.weigh(value[start:stop:step])

    @pass_context
    def _concat(self, context: Context, parts: Iterable[Any]) -> str:
        texts = [as_printed(part) for part in parts]
        self.budget.charge(sum(len(str(text)) for text in texts))
        return markup_join(texts) if context.eval_ctx.autoescape else str_join(texts)

    def _charged(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The filter with what it builds charged; its attributes tell jinja2 what to pass."""
        first = 1 if getattr(call, "jinja_pass_arg", None) else 0
        as_text = name in builtin_filters.TEXT_FILTERS

        def charged(*args: Any, **kwargs: Any) -> Any:
            value: Any = args[first] if len(args) > first else None
            if not isinstance(value, str) and (as_text or hasattr(value, "__next__")):
                value = (
                    builtin_filters.as_text(self.budget, name, value)
                    if as_text
                    else self.budget.timed(value)
                )
                args = (*args[:first], value, *args[first + 1 :])
            guard_filter(self.budget, name, value, (*args[first + 1 :], *kwargs.values()))
            return self.budget.weigh(call(*args, **kwargs))

        charged.__dict__.update(getattr(call, "__dict__", {}))
        return charged

    def _localized(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The filter in the language of the row, if the template names no locale."""

        @pass_context  # not applied to constants at compile time, when no row has a language
        def localized(_context: Context, *args: Any, **kwargs: Any) -> Any:
            language = self.settings.translations.language
            if language and "locale" not in kwargs:
                kwargs["locale"] = language
            return call(*args, **kwargs)

        return localized

    def _reading(self, test: Callable[..., Any]) -> Callable[..., Any]:
        """The test with what it reads charged."""

        def reading(*args: Any) -> Any:
            return test(*map(self.budget.read, args))

        return reading


def _at_run_time(call: Callable[[Any], Any]) -> Callable[..., Any]:
    """A filter that jinja2 does not apply to constants at compile time."""

    @pass_context
    def applied(_context: Context, value: Any) -> Any:
        return call(value)

    return applied


_CALLABLES = (safe_range, dict, Namespace)


def _owner(obj: Any) -> Any:
    """The plain value whose bound method *obj* is; None if it is not a method."""
    return getattr(getattr(obj, "__wrapped__", obj), "__self__", None)
