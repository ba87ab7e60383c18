"""Text of anybody in a page: escaped, in its own direction, and with what cannot be seen made visible."""

from __future__ import annotations

import html
import re
from typing import Final

_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]"
)
"""Control characters but tab and line feed, bidi controls, blanks of no width, odd line ends, lone surrogates."""


def visible(text: str) -> str:
    r"""The text with control and bidi characters written out, fit for a terminal; still to be escaped for HTML.

    >>> visible("\x1b[31mred\u202e")
    '⟨U+001B⟩[31mred⟨U+202E⟩'
    """
    return _UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text.replace("\r\n", "\n"))


def one_line(text: str, *, most: int = 200) -> str:
    r"""The text as one line of at most so many characters.

    >>> one_line("two\nlines", most=8)
    'two lin…'
    """
    line = visible(" ".join(text.split()))
    return line if len(line) <= most else f"{line[: most - 1]}…"


def escaped(text: str) -> str:
    """The text for HTML, in an element of its own direction, so that it cannot turn round what stands beside it.

    >>> escaped("<b>")
    '<bdi>&lt;b&gt;</bdi>'
    """
    return f"<bdi>{html.escape(visible(text))}</bdi>"
