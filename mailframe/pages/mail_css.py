"""What the shown copy of a mail changes in its style sheets: as little as possible."""

from __future__ import annotations

import re
from typing import Final

_SCHEME_QUERY: Final = re.compile(
    r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE
)
_TAG_LIKE: Final = re.compile(
    r"""(?P<comment>/\*.*?(?:\*/|\Z))"""
    r"""|(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
    r"""|(?P<opening><!--)"""
    r"""|<(?=[a-z/!?])""",
    re.IGNORECASE | re.DOTALL,
)
_TAG_START: Final = re.compile(r"<(?=[a-z/!?])", re.IGNORECASE)
_LINKS: Final = re.compile(r":(?:any-)?link(?![\w-])", re.IGNORECASE)
_ADDRESSES: Final = re.compile(r"\[\s*href(?=\s*[\]~|^$*=])", re.IGNORECASE)
_DECLARATION: Final = re.compile(
    r"(?<![\w-])(?:supported-color-schemes|color-scheme)\s*:([^;}]*)", re.IGNORECASE
)
_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_ROOT: Final = re.compile(r"(?:^|[,{}\s;>])(?::root|html|body)\s*(?:,[^{}]*)?$", re.IGNORECASE)
_MAX_RULE: Final = 5_000
"""Characters of a rule before its declaration of the scheme."""
_MAX_SELECTOR: Final = 200
_DARK: Final = re.compile(r"(?<![\w-])dark(?![\w-])", re.IGNORECASE)


def for_scheme(css: str, scheme: str) -> str:
    """The style sheet, or media query, as on a screen with that scheme.

    The browser itself would use the scheme of the page around the frame.

    >>> for_scheme("@media (prefers-color-scheme: dark) { p { color: red } }", "light")
    '@media (max-width:0px) { p { color: red } }'
    """
    always, never = "(min-width:0px)", "(max-width:0px)"
    return _SCHEME_QUERY.sub(lambda match: always if match[1].lower() == scheme else never, css)


def for_links(attribute: str, css: str) -> str:
    """The style sheet with its rules for links applied to the elements with that attribute.

    >>> for_links("data-link", "a:link, a[href^='tel'] { color: red }")
    "a[data-link], a[data-link^='tel'] { color: red }"
    """
    return _ADDRESSES.sub(f"[{attribute}", _LINKS.sub(f"[{attribute}]", css))


def harmless(css: str) -> str:
    r"""The style sheet without anything that looks like a tag, read as a style or as markup.

    Comments with a tag are dropped, as is ``<!--``, which style sheets ignore; elsewhere ``<`` is
    escaped for CSS.

    >>> harmless("<!-- a::before { content: '</style>' } -->")
    "  a::before { content: '\\3c /style>' } -->"
    """
    return _TAG_LIKE.sub(_without_tag, css) if "<" in css else css


def _without_tag(match: re.Match[str]) -> str:
    if match["comment"] is not None:
        return "/**/" if _TAG_START.search(match[0]) else match[0]
    if match["opening"] is not None:
        return " "
    if match["string"] is not None:
        return _TAG_START.sub(r"\\3c ", match[0])
    return match[0].replace("<", r"\3c ")


def declares_dark(css: str) -> bool:
    """Whether the style sheet declares that the whole document can be shown on a dark screen.

    >>> declares_dark(":root { color-scheme: light dark }")
    True
    >>> declares_dark(".card { color-scheme: dark }")
    False
    """
    css = _COMMENT.sub(" ", css)
    for match in _DECLARATION.finditer(css):
        rule = css.rfind("{", max(0, match.start() - _MAX_RULE), match.start())
        selector = css[max(0, rule - _MAX_SELECTOR) : rule] if rule >= 0 else ""
        if _DARK.search(match[1]) and _ROOT.search(selector):
            return True
    return False
