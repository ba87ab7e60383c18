"""What the shown copy changes in a mail's style sheets: as little as it can."""

from __future__ import annotations

import re
from typing import Final

_QUESTION: Final = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE)
_TAG_LIKE: Final = re.compile(
    r"""(?P<comment>/\*.*?(?:\*/|\Z))|(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?P<frame><!--)|<(?=[a-z/!?])""",
    re.IGNORECASE | re.DOTALL,
)
_OPENING: Final = re.compile(r"<(?=[a-z/!?])", re.IGNORECASE)
_LINKS: Final = re.compile(r":(?:any-)?link(?![\w-])", re.IGNORECASE)
_ADDRESSES: Final = re.compile(r"\[\s*href(?=\s*[\]~|^$*=])", re.IGNORECASE)
_DECLARED: Final = re.compile(
    r"(?<![\w-])(?:supported-color-schemes|color-scheme)\s*:([^;}]*)", re.IGNORECASE
)
_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_ROOT: Final = re.compile(r"(?:^|[,{}\s;>])(?::root|html|body)\s*(?:,[^{}]*)?$", re.IGNORECASE)
_FAR: Final = 5_000
"""Characters of a rule before its declaration of the scheme."""
_DARK: Final = re.compile(r"(?<![\w-])dark(?![\w-])", re.IGNORECASE)


def answered(css: str, scheme: str) -> str:
    """The style sheet, or media query, with its questions for the reader's screen answered.

    A frame follows the scheme of the page around it, so the browser's own answer would be that page's.

    >>> answered("@media (prefers-color-scheme: dark) { p { color: red } }", "light")
    '@media (max-width:0px) { p { color: red } }'
    """
    return _QUESTION.sub(
        lambda found: "(min-width:0px)" if found[1].lower() == scheme else "(max-width:0px)", css
    )


def asking_for(mark: str, css: str) -> str:
    """The style sheet with what it says of links said of the elements with that attribute.

    >>> asking_for("data-link", "a:link, a[href^='tel'] { color: red }")
    "a[data-link], a[data-link^='tel'] { color: red }"
    """
    return _ADDRESSES.sub(f"[{mark}", _LINKS.sub(f"[{mark}]", css))


def harmless(css: str) -> str:
    r"""The style sheet without anything that looks like a tag, whether it is read as a style or as markup.

    Comments that hold such a thing go, as does ``<!--``, which style sheets ignore; elsewhere ``<`` is escaped for CSS.

    >>> harmless("<!-- a::before { content: '</style>' } -->")
    "  a::before { content: '\\3c /style>' } -->"
    """
    return _TAG_LIKE.sub(_defused, css) if "<" in css else css


def _defused(found: re.Match[str]) -> str:
    if found["comment"] is not None:
        return "/**/" if _OPENING.search(found[0]) else found[0]
    if found["frame"] is not None:
        return " "
    return (
        found[0].replace("<", r"\3c ")
        if found["string"] is None
        else _OPENING.sub(r"\\3c ", found[0])
    )


def declares_dark(css: str) -> bool:
    """Whether the style sheet says, for the whole document, that it can be shown on a dark ground.

    >>> declares_dark(":root { color-scheme: light dark }"), declares_dark(".card { color-scheme: dark }")
    (True, False)
    """
    css = _COMMENT.sub(" ", css)
    for found in _DECLARED.finditer(css):
        rule = css.rfind("{", max(0, found.start() - _FAR), found.start())
        if _DARK.search(found[1]) and _ROOT.search(
            css[max(0, rule - 200) : rule] if rule >= 0 else ""
        ):
            return True
    return False
