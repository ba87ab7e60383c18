"""Filters and tests of jinja2 that are changed: they print values and missing values differently.

A filter of mailframe's own belongs into ``filters.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from jinja2 import Undefined
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.filters import make_attrgetter
from jinja2.utils import pass_environment, pass_eval_context
from markupsafe import Markup, escape

from mailframe.letter.jinja.guards import guard_percent, values_of
from mailframe.letter.jinja.printing import as_printed, format_argument, whole
from mailframe.letter.jinja.values import RoundedFloat, is_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jinja2 import Environment
    from jinja2.nodes import EvalContext

    from mailframe.letter.jinja.budget import Budget

TEXT_FILTERS: Final = frozenset(
    """
    capitalize center e escape forceescape indent lower replace string striptags title trim truncate
    upper urlencode wordcount wordwrap
    """.split()  # noqa: SIM905 - a list of one word a line is harder to read
)
"""They get what ``{{ … }}`` prints; in jinja2 they get ``str(value)``, such as ``True``."""


def as_text(budget: Budget, name: str, value: Any) -> Any:
    """What a text filter gets: what ``{{ … }}`` prints, or a dict for the query of a URL."""
    if name != "urlencode" or not isinstance(value, dict):
        return as_printed(value)
    query = {str(as_printed(key)): str(as_printed(item)) for key, item in value.items()}
    budget.charge(_QUOTED * sum(len(key) + len(item) + 2 for key, item in query.items()))
    return query


_QUOTED: Final = 12
"""Characters that urlencode builds at most for a character."""


def _default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:  # noqa: FBT002 - jinja2's signature
    """As in jinja2, but a cell of an unsupported type is not a missing value."""
    return default_value if is_missing(value) or (boolean and not value) else value


def _string(value: Any) -> Any:
    return value


def _items(value: Any) -> Any:
    """As in jinja2, but a missing value is an error and not an empty loop."""
    return iter(value) if isinstance(value, Undefined) else JINJA_FILTERS["items"](value)


def _int(value: Any, default: int = 0, base: int = 10) -> int:
    """As in jinja2, but a float that is too large to be exact is an error."""
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
    texts = _charged_texts(budget, items, str(d))
    return JINJA_FILTERS["join"](eval_ctx, texts, d)  # type: ignore[no-any-return]  # text


def _title(value: Any) -> Any:
    """As in jinja2, but escaped text stays marked as escaped."""
    result = JINJA_FILTERS["title"](value)
    return Markup(result) if isinstance(value, Markup) else result  # noqa: S704 - escaped before


def _indent(value: Any, width: Any = 4, first: bool = False, blank: bool = False) -> Any:  # noqa: FBT002 - jinja2's
    """As in jinja2, but the indentation of escaped text is escaped too."""
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
    """As in jinja2, but escaped text stays marked as escaped, and *wrapstring* is escaped too."""
    is_safe = isinstance(value, Markup)
    between = str(escape(wrapstring)) if is_safe and wrapstring is not None else wrapstring
    result = JINJA_FILTERS["wordwrap"](
        environment, value, width, break_long_words, between, break_on_hyphens
    )
    return Markup(result) if is_safe else result  # noqa: S704 - escaped before


def joined(budget: Budget, separator: str, items: Iterable[Any] = ()) -> str:
    """The value of ``', '.join(items)`` in a template."""
    texts = _charged_texts(budget, items, separator)
    return separator.join(texts if isinstance(separator, Markup) else map(str, texts))


def _charged_texts(budget: Budget, items: Iterable[Any], separator: str) -> list[Any]:
    """What each item prints, with the text that joins them charged."""
    texts = [as_printed(item) for item in budget.each(items)]
    budget.charge(sum(len(str(text)) for text in texts) + len(texts) * len(separator))
    return texts


def percent_values(right: Any) -> Any:
    """The right side of ``pattern % …``, with each value as a ``format_argument``."""
    if isinstance(right, dict):
        return {key: format_argument(value) for key, value in right.items()}
    if isinstance(right, tuple):
        return tuple(map(format_argument, right))
    return format_argument(right)


@pass_environment
def _format(environment: Environment, value: Any, *args: Any, **kwargs: Any) -> str:
    pattern, values = as_printed(value), kwargs or args
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
        raise TypeError("sum adds numbers; use join for text, and a loop for lists")
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
    """JSON for ``tojson``; values without a JSON type are written as ``{{ … }}`` prints them."""
    options = orjson.OPT_SORT_KEYS if kwargs.get("sort_keys") else 0
    options |= orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS
    try:
        return orjson.dumps(
            value, default=lambda item: str(as_printed(item)), option=options
        ).decode()
    except orjson.JSONEncodeError as error:
        raise error.__cause__ or error from None


TESTS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "none": lambda value: value is None or is_missing(value),
    "missing": is_missing,
    "undefined": is_missing,
    "defined": lambda value: not is_missing(value),
}
