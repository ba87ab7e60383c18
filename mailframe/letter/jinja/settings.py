"""What the templates of a letter can use besides the columns, the same for all of its parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mailframe.letter.jinja.translations import Translations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jinja2 import BaseLoader


@dataclass(frozen=True, slots=True)
class TemplateSettings:
    """The settings of the environments of one letter.

    Attributes:
        loader: the loader for templates in the letter's folder; None for a letter without a folder.
        filters: the letter's own filters by name, ready for jinja2; see ``message/own_filters.py``.
        constants: the letter's constants by name, as plain values.
        has_language: whether the rows of the letter have a language.
        translations: the catalogs of the letter, and the language of the row that is rendered.
        lines: for templates that were made from Markdown, the line of the source for each line.
        shown_as: the names of these templates in messages, such as ``markdown_body``.
    """

    loader: BaseLoader | None = None
    filters: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    has_language: bool = False
    translations: Translations = field(default_factory=Translations)
    lines: Mapping[str, Sequence[int]] = field(default_factory=dict)
    shown_as: Mapping[str, str] = field(default_factory=dict)

    def shown(self, part: str) -> str:
        """The name of a part of the letter in messages."""
        return self.shown_as.get(part, part)


EXTENSIONS: Final = ("jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols")
"""``{% trans %}``, ``{% do %}``, ``{% break %}`` and ``{% continue %}``."""
