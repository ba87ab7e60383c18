"""What the frames that show themselves share: the options of pandas, and columns of text."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pandas as pd

from mailframe.pages.text_table import width_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def max_rows() -> int | None:
    """The rows of a frame that pandas shows whole; None for any number."""
    most = pd.get_option("display.max_rows")
    if most == 0:
        return max(1, shutil.get_terminal_size().lines - 6)
    return None if most is None else int(most)


def most_rows(rows: int) -> int | None:
    """The number of rows that pandas would show of a frame of so many; None for all."""
    most = max_rows()
    if most is None or rows <= most:
        return None
    least = pd.get_option("display.min_rows")
    return int(most if not least else min(least, most))


def text_width() -> int:
    """The characters of a line."""
    return int(pd.get_option("display.width") or shutil.get_terminal_size().columns)


def padded(header: str, cells: Sequence[str], *, is_left: bool = False) -> list[str]:
    """The header and the cells, padded to one width.

    >>> padded("n", ["1", "20"])
    [' n', ' 1', '20']
    """
    width = max(map(width_of, [header, *cells]))
    blanks = [" " * (width - width_of(text)) for text in (header, *cells)]
    pairs = zip((header, *cells), blanks, strict=True)
    return [text + blank if is_left else blank + text for text, blank in pairs]


def cut(text: str, most: int | None) -> str:
    """The text, cut to so many columns; None for all.

    >>> cut("a long text", 7)
    'a long…'
    """
    if most is None or width_of(text) <= most:
        return text
    while text and width_of(text) >= most:
        text = text[: max(0, min(len(text), most) - 1)]
    return f"{text}…"
