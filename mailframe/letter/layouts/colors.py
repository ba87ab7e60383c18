"""Colors that can be read: the contrast of WCAG 2.2, and a color with enough of it.

A color that is not written as six hexadecimal digits, such as ``teal``, stays as it is.
"""

from __future__ import annotations

import re
from typing import Final

_HEX: Final = re.compile(r"#[0-9a-fA-F]{6}")
_LEAST_CONTRAST: Final = 4.5
"""Of text on its background (WCAG 2.2, 1.4.3)."""
_STEPS: Final = 20


def contrast(one: str, other: str) -> float:
    """The contrast of two colors: 1 for the same color, 21 for black on white (WCAG 2.2).

    >>> round(contrast("#ffffff", "#767676"), 2)
    4.54
    """
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(color: str) -> str:
    """White, or dark gray where white cannot be read and dark gray has more contrast.

    >>> text_on("#2456e6"), text_on("#ffd400"), text_on("teal")
    ('#ffffff', '#111827', '#ffffff')
    """
    if not _HEX.fullmatch(color) or contrast(color, "#ffffff") >= _LEAST_CONTRAST:
        return "#ffffff"
    return max("#ffffff", "#111827", key=lambda text: contrast(color, text))


def readable(color: str, *, on: str, towards: str) -> str:
    """A color for text, mixed with as much of another one as it needs to be readable.

    Args:
        color: the color.
        on: the color of the background.
        towards: black or white, whichever can be read there.

    >>> readable("#2456e6", on="#ffffff", towards="#000000")
    '#2456e6'
    >>> readable("#ffd400", on="#ffffff", towards="#000000")
    '#8c7500'
    """
    if not _HEX.fullmatch(color):
        return color
    mixes = (mixed(color, towards, step / _STEPS) for step in range(_STEPS + 1))
    return next(mix for mix in mixes if contrast(mix, on) >= _LEAST_CONTRAST)


def mixed(color: str, other: str, share: float) -> str:
    """A color with a share of another one; the color itself if it has no hexadecimal digits.

    >>> mixed("#000000", "#ffffff", 0.5)
    '#808080'
    """
    if not _HEX.fullmatch(color):
        return color
    pairs = zip(_parts(color), _parts(other), strict=True)
    return "#" + "".join(f"{round(part + (end - part) * share):02x}" for part, end in pairs)


def _parts(color: str) -> list[int]:
    return [int(color[start : start + 2], 16) for start in (1, 3, 5)]


def _luminance(color: str) -> float:
    """The relative luminance of a color of sRGB."""
    parts = (part / 255 for part in _parts(color))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
