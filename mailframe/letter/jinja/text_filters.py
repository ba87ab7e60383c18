"""Filters of mailframe for text: plural, nl2br and urlize. To add one, add a function to FILTERS.

Each limits its own work, or charges it to the budget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jinja2 import Undefined
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.utils import pass_context
from markupsafe import Markup, escape

from mailframe.letter.jinja.filters import as_decimal
from mailframe.letter.jinja.guards import MAX_MARKUP
from mailframe.letter.jinja.printing import as_printed
from mailframe.letter.jinja.table import table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jinja2.runtime import Context


def plural(value: Any, singular: str, plural: str | None = None) -> str:
    """The word for a count; ``{% trans %}`` is for languages with more forms than two.

    Args:
        value: the count: an int, float, Decimal, or numeric text.
        singular: the word for one.
        plural: the word for every other count; by default the singular and an s.

    >>> plural(1, "seat"), plural(0, "seat"), plural(2, "person", "people")
    ('seat', 'seats', 'people')
    """
    if abs(as_decimal(value)) == 1:
        return singular
    return f"{singular}s" if plural is None else plural


@pass_context
def nl2br(context: Context, value: Any) -> Any:
    """The text with ``<br>`` for each line break; in text parts, the text as it is."""
    text = as_printed(value)
    if isinstance(text, Undefined) or not context.eval_ctx.autoescape:
        return str(text)
    lines = str(text).replace("\r\n", "\n").replace("\r", "\n")
    context.environment.budget.charge(len(lines) + 4 * lines.count("\n"))  # type: ignore[attr-defined]  # a LetterEnvironment
    kept = Markup(lines) if isinstance(text, Markup) else lines  # noqa: S704 - escaped before
    return Markup("<br>\n").join(escape(kept).split("\n"))


@pass_context
def urlize(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
    """The text with a link for each web and email address; in text parts, the text as it is.

    Arguments are those of ``urlize`` in Jinja.
    """
    text = as_printed(value)
    if isinstance(text, Undefined) or not context.eval_ctx.autoescape:
        return str(text)
    if len(text) > MAX_MARKUP:
        raise ValueError(f"urlize takes at most {MAX_MARKUP:,} characters, not {len(text):,}")
    linked = JINJA_FILTERS["urlize"](context.eval_ctx, text, *args, **kwargs)
    return context.environment.budget.weigh(linked)  # type: ignore[attr-defined]  # a LetterEnvironment


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "plural": plural,
    "nl2br": nl2br,
    "urlize": urlize,
    "table": table,
}
MAKE_LINKS: Final = frozenset({"urlize"})
"""Filters that make links of a value."""
