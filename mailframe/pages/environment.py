"""The one way to build HTML in this package: autoescaped Jinja templates in ``templates/``.

The values of a page come from strangers: cells, labels, names, headers, error messages. Every value
that a template prints is escaped, and control and bidi characters in it are written out
(``⟨U+202E⟩``). Only the output of another template is HTML; a ``markupsafe.Markup`` in a cell is
text like any other.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from jinja2.runtime import Context, Macro
from markupsafe import Markup, escape

from mailframe.pages.text import one_line, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NO_FORMULAS: Final = "tex2jax_ignore mathjax_ignore"
"""Class names that keep JupyterLab from typesetting "$5 now, $10 later" as a formula."""


class Html(Markup):
    """HTML that is printed without escapes: the output of a template, or a style sheet."""

    __slots__ = ()


LEFT: Final = Html('style="text-align:left;vertical-align:top"')
"""The alignment of a table cell.

JupyterLab aligns cells to the right, and drops the style sheets of untrusted notebooks.
"""


def render(template: str, **values: object) -> Html:
    """The output of ``templates/<template>.html.jinja`` for these values.

    >>> render("text_tile", text="<b>").striptags()
    '<b>'
    """
    return Html(_template(template).render(values))


@cache
def _template(name: str) -> Template:
    return environment().get_template(f"{name}.html.jinja")


@cache
def environment() -> Environment:
    """The environment of all templates; each is compiled when it is first used."""
    made = Environment(
        loader=PackageLoader("mailframe.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printed,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.context_class = _Context
    made.globals.update(css=css, NO_FORMULAS=NO_FORMULAS, LEFT=LEFT)
    made.filters.update(attribute=attribute, lines=_lines, number=_number, one_line=one_line)
    made.filters.update(by_code=_by_code, code_parts=_code_parts)
    return made


def attribute(page: Html) -> Html:
    """A whole page as the value of an attribute such as ``srcdoc``.

    >>> attribute(Html('<p title="x">'))
    Html('&lt;p title=&#34;x&#34;&gt;')
    """
    return Html(escape(str(page)))


@cache
def css(name: str) -> Html:
    """The style sheet ``<name>.css`` of this package in one line, without its first comment."""
    text = files("mailframe.pages").joinpath(f"{name}.css").read_text(encoding="utf-8")
    return Html(" ".join(text.partition("*/")[2].split()))


class _Context(Context):
    """Marks the output of a macro as HTML."""

    def call(__self, __macro: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805, PYI063 - jinja2's signature
        """What jinja2 does for each call in a template."""
        result = super().call(__macro, *args, **kwargs)
        return Html(result) if isinstance(__macro, Macro) else result


def _printed(value: object) -> object:
    """A value as a template prints it, before it is escaped."""
    if type(value) is str:
        return (
            value if value.isprintable() else visible(value)
        )  # printable text has nothing to show
    return value if isinstance(value, Html) else visible(str(value))


def _lines(text: str) -> list[str]:
    return visible(text).split("\n")


def _by_code(problems: Iterable[Any]) -> list[list[Any]]:
    """Problems by their codes, in the order of the first of each code."""
    groups: dict[str, list[Any]] = {}
    for problem in problems:
        groups.setdefault(problem.code, []).append(problem)
    return list(groups.values())


def _code_parts(text: str) -> Iterator[tuple[str, bool]]:
    """The parts of a text with code between backticks, and whether each is code."""
    for place, part in enumerate(text.split("`")):
        if part:
            yield part, bool(place % 2)


def _number(value: int) -> str:
    return f"{value:,}"
