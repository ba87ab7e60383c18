"""The one Jinja environment of a letter: sandboxed, bounded, strict about gaps, and blind to everything but data.

Each rendering gets a context of its own, so nothing that one row sets can be seen by the next; modules of
``{% import %}`` are made anew for the same reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from jinja2 import BaseLoader, Template, Undefined
from jinja2.exceptions import TemplateRuntimeError
from jinja2.filters import FILTERS
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, markup_join, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.tests import TESTS
from jinja2.utils import Namespace, pass_context
from markupsafe import Markup, escape

from mailframe.letter.jinja import builtins, filters
from mailframe.letter.jinja.budget import LONG_TEXT, Budget
from mailframe.letter.jinja.guards import guard_filter, guard_method, guard_operator, is_allowed
from mailframe.letter.jinja.instrument import hide_placeholders, instrument
from mailframe.letter.jinja.plain_line import Line
from mailframe.letter.jinja.printing import present, written
from mailframe.letter.jinja.values import Absent
from mailframe.limits import UNSUBSCRIBE_PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

GLOBALS: Final[Mapping[str, Any]] = {
    "range": safe_range,
    "dict": dict,
    "namespace": Namespace,
    "unsubscribe_url": Markup(UNSUBSCRIBE_PLACEHOLDER),  # noqa: S704 - a constant, no data
}
RESERVED: Final = frozenset(
    {
        *GLOBALS,
        "loop",
        "self",
        "super",
        "caller",
        "varargs",
        "kwargs",
        "row",
        "none",
        "true",
        "false",
    }
    | {"None", "True", "False", "not", "and", "or", "in", "is", "if", "else"}
)
"""Names that a template cannot use for a column; such a column is reached as ``row['loop']``."""
REFUSED_FILTERS: Final = frozenset({"random", "pprint", "xmlattr", "urlize"})
"""``random`` would send another mail than the one that was checked; the others write what nobody checked."""

_FREE: Final = frozenset({"default", "d", "length", "count", "first", "last", "abs", "format"})
"""Filters that neither build nor read much, or charge what they do themselves."""
_LONG_TESTS: Final = frozenset(
    """
    upper lower eq equalto == ne != lt lessthan < le <= gt greaterthan > ge >= in
    """.split()  # noqa: SIM905 - a list of one word a line hides what it says
)
"""Tests that take longer for longer values."""


class FreshTemplate(Template):
    """A template whose module is made anew at each import; jinja2 keeps it, and with it what a row left there."""

    def _get_default_module(self, ctx: Context | None = None) -> Any:
        self._module = None
        return super()._get_default_module(ctx)


class LetterEnvironment(ImmutableSandboxedEnvironment):
    """The sandboxed environment of one letter, for its HTML part or for all its other parts.

    Args:
        loader: of the letter's folder; None for a letter without one.
        html: escape what is printed.
        sources: filled with the source of each template, by its name.

    >>> letters = LetterEnvironment(loader=None, html=True, sources={})
    >>> letters.render(letters.from_string("{{ name }} {{{ pm:unsubscribe }}}"), {"name": "<Zoë>"})
    '&lt;Zoë&gt; {{{ pm:unsubscribe }}}'
    """

    template_class = FreshTemplate
    intercepted_binops = frozenset({"*", "**", "%", "+"})
    writes_lines = True
    """Whether a part of text and bare names may be written by ``Line``, past jinja2."""

    def __init__(self, *, loader: BaseLoader | None, html: bool, sources: dict[str, str]) -> None:
        super().__init__(
            loader=loader,
            autoescape=html,
            finalize=self._printer(),
            undefined=Absent,
            cache_size=-1,
            auto_reload=False,  # what was checked is what is sent, whatever happens to the file
        )
        self.html = html
        self.budget = Budget()
        self.sources = sources
        self.concat = self.budget.join  # type: ignore[method-assign]  # jinja2 types it as a method, and calls it as an attribute
        self.globals = dict(GLOBALS)
        self.policies["json.dumps_function"] = builtins.dumps
        chosen = {
            **{name: call for name, call in FILTERS.items() if name not in REFUSED_FILTERS},
            **builtins.FILTERS,
        }
        self.filters = {
            name: call if name in _FREE else self._charged(name, call)
            for name, call in chosen.items()
        }
        self.filters |= {"date": filters.date, "number": filters.number, "money": filters.money}
        self.filters |= {"_each": self._each, "_concat": self._concat, "_weighed": self._weighed}
        self.filters |= {"_written": self._written, "_kept": self._kept, "_method": self._method}
        self.filters |= {"_read": self._read, "_sliced": self._sliced}
        tests: Mapping[str, Any] = {**TESTS, **builtins.TESTS}
        self.tests = {
            name: self._reading(call) if name in _LONG_TESTS else call
            for name, call in tests.items()
        }

    def preprocess(self, source: str, name: str | None = None, filename: str | None = None) -> str:
        """The source with Postmark's placeholders out of jinja2's sight; ``compile`` puts them back."""
        return super().preprocess(hide_placeholders(source), name, filename)

    def compile(
        self,
        source: Any,
        name: Any = None,
        filename: Any = None,
        raw: bool = False,  # noqa: FBT002 - jinja2's signature
        defer_init: bool = False,  # noqa: FBT002
    ) -> Any:
        """What jinja2 calls for each template, included ones too."""
        if isinstance(source, str):
            source = instrument(self.parse(source, name, filename))
        return super().compile(source, name, filename, raw, defer_init)  # type: ignore[call-overload]  # raw and defer_init are plain bools

    def render(self, template: Template | Line, cells: dict[Any, Any]) -> str:
        """One part for one row. *cells* must hold the globals too; it is read, never written."""
        if isinstance(template, Line):
            return template.render(cells)
        self.budget.reset()
        return self.budget.join(template.root_render_func(template.new_context(cells, shared=True)))

    def is_safe_callable(self, obj: Any) -> bool:
        """Whether a template may call it: macros, blocks, loops, the globals and methods of plain values."""
        if isinstance(
            obj, Macro | BlockReference | LoopContext | Undefined
        ):  # a gap says itself what it is
            return True
        return any(obj is known for known in _CALLABLES) or _owner(obj) is not None

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805, PYI063 - jinja2's signature
        """What jinja2 does for each call in a template."""
        budget = __self.budget
        budget.step()
        if isinstance(kwargs.get("caller"), Macro) and not isinstance(__obj, Macro):
            raise TemplateRuntimeError("{% call %} calls a macro; what it calls here is none")
        owner = _owner(__obj)
        if isinstance(__obj, LoopContext):
            args = tuple(map(budget.each, args))
        elif isinstance(owner, LoopContext):  # loop.changed compares what it is given
            budget.read(args)
        elif __obj is dict:
            budget.weigh([args, kwargs])
        elif owner is not None:
            guard_method(budget, owner, __obj.__name__, (*args, *kwargs.values()))
            if isinstance(owner, str) and __obj.__name__ == "join":
                return builtins.joined(budget, owner, *args)
            kwargs.pop("_loop_vars", None)
            kwargs.pop("_block_vars", None)
            if isinstance(owner, str) and __obj.__name__ == "format":
                args, kwargs = (
                    tuple(map(written, args)),
                    {key: written(value) for key, value in kwargs.items()},
                )
            return __obj(*args, **kwargs)
        return super().call(__context, __obj, *args, **kwargs)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """What jinja2 does for ``value.name``; of a dict that is its key, whatever methods a dict has."""
        if isinstance(obj, dict):
            if attribute in obj:
                return obj[attribute]
            is_method = is_allowed(type(obj), attribute)
            return getattr(obj, attribute) if is_method else self.undefined(obj=obj, name=attribute)
        if attribute != "format" and is_allowed(type(obj), attribute):  # type: ignore[arg-type]  # a class is hashable
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """What jinja2 does for ``value[name]``; a key that is absent is no method, and a private name no attribute."""
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
        """What ``value.name(…)`` calls where *name* is a method of dicts: never a key, for data cannot be called."""
        if isinstance(obj, dict):
            return getattr(obj, name) if is_allowed(type(obj), name) else super().getattr(obj, name)
        return self.getattr(obj, name)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """What jinja2 does for each intercepted operator."""
        guard_operator(self.budget, operator, left, right)
        if operator == "%" and isinstance(left, str):
            right = builtins.percent_values(right)
        return super().call_binop(context, operator, left, right)

    def _printer(self) -> Callable[[Context, Any], Any]:
        """What each ``{{ … }}`` calls; a function, for it is called thirty times a row."""

        @pass_context  # unused, but without it jinja2 prints constants by itself: `{{ true }}` as True
        def printed(_context: Context, value: Any) -> Any:
            if type(value) is str and len(value) <= LONG_TEXT:
                return value
            if isinstance(value, str):
                self.budget.charge(len(value))
            return present(value)

        return printed

    @pass_context
    def _written(self, context: Context, value: Any) -> Any:
        """What a filter block prints, as its ``{{ … }}`` would be."""
        text = present(value)
        return escape(text) if context.eval_ctx.autoescape else str(text)

    @pass_context
    def _kept(self, context: Context, value: Any) -> Any:
        """What a filtered set block keeps: any value, but where values are escaped jinja2 calls it safe text."""
        return self._written(context, value) if context.eval_ctx.autoescape else value

    @pass_context
    def _each(self, _context: Context, items: Any) -> Iterable[Any]:
        return self.budget.each(items)

    @pass_context
    def _read(self, _context: Context, value: Any) -> Any:
        """What is compared or searched."""
        self.budget.read(value)
        return value

    @pass_context
    def _sliced(self, _context: Context, value: Any, start: Any, stop: Any, step: Any) -> Any:
        made = value[start:stop:step]
        self.budget.weigh(made)
        return made

    @pass_context
    def _weighed(self, _context: Context, items: Any) -> Any:
        self.budget.weigh(items)
        return items

    @pass_context
    def _concat(self, context: Context, parts: Iterable[Any]) -> str:
        texts = [present(part) for part in parts]
        self.budget.charge(sum(len(str(text)) for text in texts))
        return markup_join(texts) if context.eval_ctx.autoescape else str_join(texts)

    def _charged(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The filter, with what it builds charged to the row; attributes tell jinja2 what it wants passed."""
        first = 1 if getattr(call, "jinja_pass_arg", None) else 0
        as_text = name in builtins.TEXT_FILTERS

        def charged(*args: Any, **kwargs: Any) -> Any:
            value: Any = args[first] if len(args) > first else None
            if not isinstance(value, str) and (as_text or hasattr(value, "__next__")):
                value = present(value) if as_text else self.budget.watched(value)
                args = (*args[:first], value, *args[first + 1 :])
            guard_filter(self.budget, name, value, (*args[first + 1 :], *kwargs.values()))
            result = call(*args, **kwargs)
            self.budget.weigh(result)
            return result

        charged.__dict__.update(getattr(call, "__dict__", {}))
        return charged

    def _reading(self, test: Callable[..., Any]) -> Callable[..., Any]:
        """The test, with what it reads charged to the row."""

        def reading(*args: Any) -> Any:
            for value in args:
                self.budget.read(value)
            return test(*args)

        return reading


_CALLABLES = (safe_range, dict, Namespace)


def _owner(obj: Any) -> Any:
    """The plain value whose bound method *obj* is; None when it is no such method."""
    return getattr(getattr(obj, "__wrapped__", obj), "__self__", None)
