"""jinja2's own filters and tests, where they would write a value as Python does or take a gap for a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from jinja2 import Undefined
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.filters import make_attrgetter
from jinja2.utils import pass_environment, pass_eval_context
from markupsafe import Markup, escape

from mailframe.letter.jinja.guards import guard_percent, values_of
from mailframe.letter.jinja.printing import present, whole, written
from mailframe.letter.jinja.values import RoundedFloat, is_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jinja2 import Environment
    from jinja2.nodes import EvalContext

    from mailframe.letter.jinja.budget import Budget

TEXT_FILTERS: Final = frozenset(
    """
    capitalize center e escape forceescape indent lower replace string striptags title trim truncate upper
    urlencode wordcount wordwrap
    """.split()  # noqa: SIM905 - a list of one word a line hides what it says
)
"""They take what ``{{ … }}`` would print; jinja2 gives them ``str(value)``, and with it ``None`` and ``True``."""


def _default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:  # noqa: FBT002 - jinja2's signature
    """As jinja2's, but a cell of an unsupported type does not pass for a gap."""
    return default_value if is_missing(value) or (boolean and not value) else value


def _string(value: Any) -> Any:
    return value


def _items(value: Any) -> Any:
    """As jinja2's, but there is nothing to loop over in a gap, and nobody is told so by an empty loop."""
    return iter(value) if isinstance(value, Undefined) else JINJA_FILTERS["items"](value)


def _int(value: Any, default: int = 0, base: int = 10) -> int:
    """As jinja2's, but digits that a float has lost do not come back as a whole number."""
    return (
        whole(value)
        if isinstance(value, RoundedFloat)
        else JINJA_FILTERS["int"](value, default, base)
    )


@pass_eval_context
def _join(
    eval_ctx: EvalContext, value: Iterable[Any], d: str = "", attribute: str | int | None = None
) -> str:
    items = (
        value if attribute is None else map(make_attrgetter(eval_ctx.environment, attribute), value)
    )
    budget = eval_ctx.environment.budget  # type: ignore[attr-defined]  # it is a LetterEnvironment
    texts = [present(item) for item in budget.each(items)]
    budget.charge(sum(len(str(text)) for text in texts) + len(texts) * len(str(d)))
    return JINJA_FILTERS["join"](eval_ctx, texts, d)  # type: ignore[no-any-return]  # text


def _title(value: Any) -> Any:
    """As jinja2's, but what was escaped stays so: other capitals make no markup."""
    made = JINJA_FILTERS["title"](value)
    return Markup(made) if isinstance(value, Markup) else made  # noqa: S704 - escaped before


def _indent(value: Any, width: Any = 4, first: bool = False, blank: bool = False) -> Any:  # noqa: FBT002 - jinja2's
    """As jinja2's, but what is put before the lines of safe text is escaped with it."""
    before = escape(width) if isinstance(value, Markup) and isinstance(width, str) else width
    return JINJA_FILTERS["indent"](value, before, first, blank)


@pass_environment
def _wordwrap(  # noqa: PLR0917 - jinja2's signature
    environment: Environment,
    value: Any,
    width: int = 79,
    break_long_words: bool = True,  # noqa: FBT002 - jinja2's signature
    wrapstring: str | None = None,
    break_on_hyphens: bool = True,  # noqa: FBT002
) -> Any:
    """As jinja2's, but what was escaped stays so; what is put between the lines is escaped with it."""
    is_safe = isinstance(value, Markup)
    between = str(escape(wrapstring)) if is_safe and wrapstring is not None else wrapstring
    made = JINJA_FILTERS["wordwrap"](
        environment, value, width, break_long_words, between, break_on_hyphens
    )
    return Markup(made) if is_safe else made  # noqa: S704 - escaped before


def joined(budget: Budget, separator: str, items: Iterable[Any] = ()) -> str:
    """What ``', '.join(items)`` is in a template."""
    texts = [present(item) for item in budget.each(items)]
    budget.charge(sum(len(str(text)) for text in texts) + len(texts) * len(separator))
    return (
        separator.join(map(str, texts))
        if not isinstance(separator, Markup)
        else separator.join(texts)
    )


def percent_values(right: Any) -> Any:
    """The right side of ``pattern % …``, each value as ``present`` writes it."""
    if isinstance(right, dict):
        return {key: written(value) for key, value in right.items()}
    return tuple(map(written, right)) if isinstance(right, tuple) else written(right)


@pass_environment
def _format(environment: Environment, value: Any, *args: Any, **kwargs: Any) -> str:
    pattern, values = present(value), kwargs or args
    guard_percent(environment.budget, str(pattern), values_of(values))  # type: ignore[attr-defined]  # as above
    return pattern % percent_values(values)  # type: ignore[no-any-return]  # text


@pass_environment
def _sum(
    environment: Environment,
    iterable: Iterable[Any],
    attribute: str | int | None = None,
    start: Any = 0,
) -> Any:
    if not isinstance(start, int | float):
        raise TypeError("sum adds numbers; write join for text, and a loop for lists")
    return JINJA_FILTERS["sum"](environment, iterable, attribute, start)


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "default": _default,
    "title": _title,
    "wordwrap": _wordwrap,
    "d": _default,
    "string": _string,
    "items": _items,
    "indent": _indent,
    "int": _int,
    "join": _join,
    "format": _format,
    "sum": _sum,
}


def dumps(value: Any, **kwargs: Any) -> str:
    """JSON for ``tojson``; what JSON does not know is written as ``{{ … }}`` would."""
    options = orjson.OPT_SORT_KEYS if kwargs.get("sort_keys") else 0
    options |= orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS
    try:
        return orjson.dumps(value, default=lambda item: str(present(item)), option=options).decode()
    except orjson.JSONEncodeError as error:
        raise error.__cause__ or error from None


TESTS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "none": lambda value: value is None or is_missing(value),
    "missing": is_missing,
    "undefined": is_missing,
    "defined": lambda value: not is_missing(value),
}
