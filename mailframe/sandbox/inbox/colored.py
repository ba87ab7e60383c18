"""The source of an HTML part in pieces, so that a page can color its tags. Pure."""

from __future__ import annotations

import re
from typing import Final

MOST: Final = 100_000
"""Characters that are colored; each piece is an element of the page."""
MOST_PIECES: Final = 12_000
_PIECE: Final = re.compile(
    r"(?P<comment><!--.*?(?:-->|\Z))"
    r"|(?P<tag></?[A-Za-z][^\s>/]*|/?>)"
    r"|(?P<value>(?<==)\"[^\"]*\"|(?<==)'[^']*')",
    re.DOTALL,
)


def pieces(source: str) -> list[tuple[str, str]]:
    """Kind and text of each piece: ``tag``, ``value``, ``comment``, or empty for the rest.

    The pieces together are the source, also of HTML that is not valid.

    >>> pieces('<p class="x">Hi')
    [('tag', '<p'), ('', ' class='), ('value', '"x"'), ('tag', '>'), ('', 'Hi')]
    """
    result, at = [], 0
    for match in _PIECE.finditer(source[:MOST]):
        if match.start() > at:
            result.append(("", source[at : match.start()]))
        result.append((match.lastgroup or "", match[0]))
        at = match.end()
        if len(result) >= MOST_PIECES:
            break
    if at < len(source):
        result.append(("", source[at:]))
    return result
