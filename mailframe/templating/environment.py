"""The one Jinja environment of a letter: sandboxed, bounded, strict about gaps, and blind to everything but data.

Each rendering gets a context of its own, so nothing that one row sets can be seen by the next; modules of
``{% import %}`` are made anew for the same reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from jinja2 import (
    BaseLoader,
    FileSystemLoader,
    Template,
    TemplateNotFound,
    Undefined,
)
from jinja2.filters import FILTERS
from jinja2.nodes import EvalContext
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, markup_join, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.tests import TESTS
from jinja2.utils import Namespace, pass_context, pass_eval_context
from markupsafe import Markup

from mailframe.cells import Gap, present
from mailframe.errors import LetterError
from mailframe.limits import UNSUBSCRIBE_PLACEHOLDER
from mailframe.templating import filters
from mailframe.templating.budget import (
    LONG_TEXT,
    MAX_WIDTH,
    Budget,
    TemplateLimit,
    grown,
    guard_method,
    guard_operator,
    guard_widths,
)
from mailframe.templating.instrument import hide_placeholders, instrument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jinja2.nodes import EvalContext

GLOBALS: Final[Mapping[str, Any]] = {
    "range": safe_range,
    "dict": dict,
    "namespace": Namespace,
    "unsubscribe_url": Markup(UNSUBSCRIBE_PLACEHOLDER),  # noqa: S704 - a constant, no data
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
        self.concat = self.budget.join  # type: ignore[method-assign]  # jinja2 types it as a method, and calls it as an attribute
        self.globals = dict(GLOBALS)
        self.policies["json.dumps_function"] = _dumps
        self.filters = {
            name: self._charged(name, call) for name, call in FILTERS.items() if name not in REFUSED_FILTERS
        }
        self.filters |= {"date": filters.date, "number": filters.number, "money": filters.money}
        self.filters |= {
            "join": self._charged("join", _join),
            "format": self._charged("format", FILTERS["format"]),
        }
        self.filters |= {"_each": self._each, "_concat": _concat}
        self.tests = {**TESTS, "none": _is_none, "missing": _is_missing}

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

    def render(self, template: Template, cells: dict[Any, Any]) -> str:
        """One part for one row. *cells* must hold the globals too; it is read, never written."""
        self.budget.reset()
        return self.budget.join(template.root_render_func(template.new_context(cells, shared=True)))

    def is_safe_callable(self, obj: Any) -> bool:
        """Whether a template may call it: macros, blocks, loops, the globals and methods of plain values."""
        if isinstance(obj, Macro | BlockReference | LoopContext | Undefined):  # a gap says itself what it is
            return True
        return any(obj is known for known in _CALLABLES) or _owner(obj) is not None

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805, PYI063 - jinja2's signature
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
            self._guard_filter(
                name, args[offset] if len(args) > offset else None, (*args[offset + 1 :], *kwargs.values())
            )
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
