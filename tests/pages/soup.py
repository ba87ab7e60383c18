"""HTML as people and attackers write it, for property tests."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from mailframe.pages.html_fault import HtmlFault
from mailframe.pages.tokens import tokens

NAMES = re.findall(
    r"\w+",
    """
    p div b i a img br table tr td th ul ol li pre h1 span blockquote style title textarea svg
    select hr body html head template font nobr button form
    """,
)
WORDS = st.text(st.sampled_from("abc \n\t&;<>\"'=/-!éあ\u00a0\u200b{}#x1"), max_size=8)
VALUES = st.sampled_from(
    [
        "x",
        "y z",
        "color: blue",
        "display:none",
        "",
        "{{{ pm:unsubscribe }}}",
        "https://a.example/?a=1&amp;b=2",
        "a&copy=1",
    ]
)
ATTRIBUTES = st.builds(
    lambda name, value, quote: (
        f" {name}={quote}{value}{quote}" if quote or " " not in value else f" {name}"
    ),
    st.sampled_from(
        ["class", "id", "style", "href", "alt", "src", "title", "align", "role", "hidden", "CLASS"]
    ),
    VALUES,
    st.sampled_from(["'", '"', ""]),
)
STARTS = st.builds(
    lambda name, given, end: f"<{name}{''.join(given)}{end}>",
    st.sampled_from(NAMES),
    st.lists(ATTRIBUTES, max_size=3),
    st.sampled_from(["", "/", " "]),
)
ENDS = st.sampled_from(NAMES).map("</{}>".format)
OTHERS = st.sampled_from(
    [
        "<!--[if mso]><table class='x'><![endif]-->",
        "<!--[if !mso]><!-->",
        "<!--<![endif]-->",
        "<!doctype html>",
        "&nbsp;",
        "&amp;",
        "&copy;",
        "<style>.x { color: red } div b { margin: 0 } @media screen { p { top: 0 } }</style>",
        "<style>b:hover { x: y } p + p { left: 0 }</style>",
        "<style>[href] { top: 1px } div { font-family: 'A B', serif }</style>",
        "<![CDATA[x]]>",
        "<?x?>",
        "<p",
        '<p class="',
    ]
)
SOUP = st.lists(st.one_of(WORDS, STARTS, ENDS, OTHERS), max_size=25).map("".join)
"""Any HTML."""
TIDY = st.recursive(
    st.one_of(
        st.sampled_from(["x", " ", "a&amp;b", "é", "x y "]),
        OTHERS.filter(lambda text: text.startswith(("<!--[if mso]>", "&", "<style>"))),
    ),
    lambda inner: st.builds(
        lambda name, given, parts: (
            f"<{name}{''.join(dict.fromkeys(given))}>{''.join(parts)}</{name}>"
        ),
        st.sampled_from(["div", "span", "b", "i"]),
        st.lists(ATTRIBUTES, max_size=2, unique_by=lambda text: text.split("=")[0].strip().lower()),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)
"""HTML that is nested properly."""


def _is_read(markup: str) -> bool:
    """Whether it is no SVG with a style that has tags in it, which is refused."""
    try:
        list(tokens(markup))
    except HtmlFault:
        return False
    return True


READ = SOUP.filter(_is_read)
"""Hostile HTML that is not refused."""
