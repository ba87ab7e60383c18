"""How high a frame is for a mail. A frame without rights does not tell its height."""

from __future__ import annotations

import re
from typing import Final

MIN_PX: Final = 320
MAX_PX: Final = 840
_STEP_PX: Final = 80
"""Few different heights, so that little moves from row to row."""
_LINE_PX: Final = 24
_LINE_CHARACTERS: Final = 75
_LINE_CHARACTERS_ON_A_PHONE: Final = 42
_TAGS: Final = re.compile(r"<style.*?</style>|<!--.*?-->|<[^>]*>", re.DOTALL | re.IGNORECASE)
_BLOCK_END: Final = re.compile(r"</(?:p|tr|h[1-6]|li|div)>|<br\b", re.IGNORECASE)
_IMAGE: Final = re.compile(r"<img\b", re.IGNORECASE)
_MEASURED: Final = 100_000
"""Characters that are read; a longer mail has the maximum height anyway."""


def height_of(html: str | None, text: str | None, *, is_phone: bool = False) -> int:
    r"""The estimated height of a mail in pixels, from ``MIN_PX`` to ``MAX_PX``.

    >>> height_of("<p>Hi", None), height_of(None, "line\n" * 100)
    (320, 840)
    """
    if html is None:
        pixels = _LINE_PX * (2 + (text or "").count("\n")) * 4 // 5
    elif len(html) > _MEASURED:
        return MAX_PX
    else:
        width = _LINE_CHARACTERS_ON_A_PHONE if is_phone else _LINE_CHARACTERS
        lines = len(_TAGS.sub("", html).strip()) // width
        blocks = sum(1 for _ in _BLOCK_END.finditer(html))
        images = sum(1 for _ in _IMAGE.finditer(html))
        pixels = _LINE_PX * (lines + blocks) + 150 * images
    steps = -(-(pixels - MIN_PX) // _STEP_PX)
    return min(MIN_PX + max(steps, 0) * _STEP_PX, MAX_PX)
