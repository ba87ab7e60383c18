"""Which values of a letter can be markup: unescaped ones, trusted HTML, and links of filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jinja2 import nodes as ast

from mailframe.letter.jinja.text_filters import MAKE_LINKS
from mailframe.letter.jinja.values import PrintedHtml
from mailframe.letter.lint.assignments import Assignments, makes
from mailframe.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from mailframe.letter.jinja.environment import LetterEnvironment
    from mailframe.letter.jinja.settings import TemplateSettings


def has_constant(settings: TemplateSettings, kind: type[PrintedHtml]) -> bool:
    """Whether a constant of the letter, or a value in it, is of a kind."""

    def has(value: Any) -> bool:
        if isinstance(value, list | dict):
            return any(map(has, value.values() if isinstance(value, dict) else value))
        return isinstance(value, kind)

    return any(map(has, settings.constants.values()))


def makes_links(html: LetterEnvironment) -> bool:
    """Whether a filter or a constant may make links, or a translation may have other links."""
    settings = html.settings
    has_html = has_constant(settings, PrintedHtml)
    if settings.translations.catalogs.by_language or settings.filters or has_html:
        return True
    trees = (html.parse(source, name) for name, source in html.sources.items())
    return any(
        makes(node, name)
        for tree in trees
        for node in tree.find_all(ast.Filter)
        for name in MAKE_LINKS
    )


_MAPPED: Final = "map('safe')"


def unescaped_values(environment: LetterEnvironment, frame: pd.DataFrame) -> Iterator[Problem]:
    """A warning for each place where a template prints a value unescaped."""
    trees = {part: environment.parse(source, part) for part, source in environment.sources.items()}
    shown = environment.settings.shown
    bindings = Assignments.of(
        trees, columns=frozenset(frame.columns), constants=environment.settings.constants
    )
    for part, tree in trees.items():
        places = [
            (use.lineno, f"| {_MAPPED if use.name == 'map' else 'safe'} prints a value unescaped")
            for use in tree.find_all(ast.Filter)
            if makes(use, "safe") and (use.node is None or not bindings.is_constant(use.node))
        ]
        places += [
            (block.lineno, "{% autoescape … %} prints values unescaped")
            for block in tree.find_all(ast.ScopedEvalContextModifier)
        ]
        for line, what in places:
            detail = (
                f"{shown(part)}, line {line}: {what}, so a cell can add markup; leave it out, and "
                "write mf.html(df['…']) as the column if you trust its HTML"
            )
            yield Problem(None, shown("html_body"), Code.SAFE_FILTER, detail)
