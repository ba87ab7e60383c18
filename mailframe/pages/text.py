"""Text for people: with control and bidi characters written out, or as one short line."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]"
)
"""Controls except tab and line feed, bidi controls, zero-width spaces, lone surrogates."""


def visible(text: str) -> str:
    r"""The text with control and bidi characters written out, safe in a terminal.

    >>> visible("\x1b[31mred\u202e")
    '⟨U+001B⟩[31mred⟨U+202E⟩'
    """
    return _INVISIBLE.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text.replace("\r\n", "\n"))


ISOLATE, END = "\u2068", "\u2069"
"""Around a name whose direction must not reach the text beside it (Unicode, annex 9)."""


def isolated(name: str) -> str:
    """A name in a sentence: one from right to left would take the numbers beside it along.

    ``data_frame`` makes markup of the two characters around it; plain text is better without them.
    """
    is_from_right = any(unicodedata.bidirectional(char) in ("R", "AL") for char in name)
    return f"{ISOLATE}{name}{END}" if is_from_right else name


def one_line(text: str, *, most: int = 200) -> str:
    r"""The text as one line of at most *most* characters.

    >>> one_line("two\nlines", most=8)
    'two lin…'
    """
    line = visible(" ".join(text.split()))
    return line if len(line) <= most else f"{line[: most - 1]}…"
