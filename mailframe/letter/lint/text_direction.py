"""Text in Hebrew, Arabic and other scripts from right to left, in HTML without a direction."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

from mailframe.letter.lint.template_links import marked_pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LETTERS: Final = "\u0590-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc"
_WORDS: Final = re.compile(rf"[{_LETTERS}]\s+[{_LETTERS}]")
"""Two words; single ones, such as a list of languages, are shown right without a direction."""
_DIRECTION: Final = re.compile(r"\bdir\s*=|\bdirection\s*:", re.IGNORECASE)


def text_without_direction(
    sources: Mapping[str, str], translations: Iterable[str] = ()
) -> tuple[str, int] | None:
    """The template and line of the first text from right to left, if nothing sets a direction.

    Args:
        sources: the sources of the HTML templates, by name.
        translations: the texts of the catalogs.

    Returns:
        The line is 0 for a text of a catalog; None if there is no such text.

    >>> text_without_direction({"html_body": "<p>\u05e9\u05dc\u05d5\u05dd \u05dc\u05da</p>"})
    ('html_body', 1)
    """
    if any(map(_DIRECTION.search, sources.values())):
        return None
    for name, source in sources.items():
        for line, piece in marked_pieces(source):
            text = html.unescape(piece.partition(">")[2])
            words = _WORDS.search(text)
            if words:
                return name, line + text.count("\n", 0, words.start())
    return ("translations", 0) if any(map(_WORDS.search, translations)) else None
