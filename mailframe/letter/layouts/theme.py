"""The theme of the layouts: colors, font, logo and the texts of header and footer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import LetterError
from mailframe.letter.layouts.colors import mixed, readable, text_on
from mailframe.letter.suggestions import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME: Final = "theme"
"""The constant of a letter that changes its theme."""
DEFAULTS: Final[Mapping[str, Any]] = {
    "brand": "#2456e6",
    "on_brand": "",
    "link": "",
    "brand_dark": "",
    "text": "#1f2933",
    "muted": "#5f6b7a",
    "background": "#f2f4f7",
    "font": (
        "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
    ),
    "width": 600,
    "logo": "",
    "logo_dark": "",
    "logo_alt": "",
    "logo_width": 140,
    "website": "",
    "company": "",
    "address": "",
    "unsubscribe": None,
    "language": "",
}
"""What a theme can set. ``on_brand`` is the color of the text of buttons, ``link`` that of links,
and ``brand_dark`` that of links on a dark background; by default, they are readable."""
_NUMBERS: Final = frozenset({"width", "logo_width"})
_COLORS: Final = frozenset(
    {"brand", "on_brand", "link", "brand_dark", "text", "muted", "background"}
)
_STYLE_BREAKERS: Final = re.compile(r"[<>{};\\]")
_TEMPLATE: Final = re.compile(r"\{[{%#]")
_SHORT_HEX: Final = re.compile(r"#[0-9a-fA-F]{3}")
_LIGHTER: Final = 0.45
"""How much white, at least, is in the color of links on a dark background."""
_DARK: Final = "#1f242b"
"""The background of a card in dark mode; see ``style.html``."""


def whole_theme(given: object, *, stream: object = None) -> dict[str, Any]:
    """A theme with its defaults.

    Args:
        given: the constant ``theme`` of a letter, a dict; None if it has none.
        stream: the message stream of the letter. Letters of other streams than Postmark's default
            for transactional email have a link to unsubscribe.

    Raises:
        LetterError: it is no dict, has an unknown key, or a value that the layouts cannot use.

    >>> whole_theme({"brand": "#0b5"})["brand_dark"]
    '#73daa2'
    """
    values = {} if given is None else given
    if not isinstance(values, Mapping):
        raise LetterError(
            f"the constant theme is a {type(values).__name__}; give a dict such as "
            "{'brand': '#0b5', 'company': 'Acme'}"
        )
    _refuse_unknown(values)
    for key, value in values.items():
        _check(key, value)
    theme = {**DEFAULTS, **values}
    for key in _COLORS:  # Outlook does not read #0b5
        if _SHORT_HEX.fullmatch(theme[key]):
            theme[key] = "#" + "".join(digit * 2 for digit in theme[key][1:])
    brand, lighter = theme["brand"], mixed(theme["brand"], "#ffffff", _LIGHTER)
    theme["link"] = theme["link"] or readable(brand, on="#ffffff", towards="#000000")
    theme["brand_dark"] = theme["brand_dark"] or readable(lighter, on=_DARK, towards="#ffffff")
    theme["on_brand"] = theme["on_brand"] or text_on(brand)
    theme["logo_alt"] = theme["logo_alt"] or theme["company"]
    if theme["unsubscribe"] is None:
        has_link = isinstance(stream, str) and stream not in ("", "outbound")
        theme["unsubscribe"] = "Unsubscribe" if has_link and "{" not in str(stream) else ""
    return theme


def _refuse_unknown(keys: Iterable[object]) -> None:
    unknown = [key for key in keys if key not in DEFAULTS]
    if unknown:
        listed = ", ".join(f"{key!r}{did_you_mean(nearest(key, DEFAULTS))}" for key in unknown)
        raise LetterError(f"theme has no key {listed}; it has {', '.join(DEFAULTS)}")


def _check(key: str, value: object) -> None:
    if key in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 2000:  # noqa: PLR2004 - pixels
            raise LetterError(f"theme[{key!r}] is {value!r}; give a number of pixels, such as 600")
        return
    if not isinstance(value, str):
        raise LetterError(f"theme[{key!r}] is a {type(value).__name__}; give text")
    if _TEMPLATE.search(value):
        raise LetterError(
            f"theme[{key!r}] is {value!r}; a theme is the same in every row. Write a block of the "
            "layout for what varies, such as {% block footer %}"
        )
    if key in {*_COLORS, "font"} and _STYLE_BREAKERS.search(value):
        raise LetterError(f"theme[{key!r}] is {value!r}, which is no value of CSS")
