"""The hardened copy: nothing in it could hold a frame or names a target, and ordinary content stays as it is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.page.isolation import hardened
from tests.browser.attacks import ATTACKS, QUIET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

FRAMES = (
    "iframe",
    "frame",
    "frameset",
    "object",
    "embed",
    "portal",
    "fencedframe",
    "applet",
    "script",
    "base",
    "meta",
    "link",
)
TARGETS = ("target", "formtarget", "ping", "download", "srcdoc", "autofocus", "attributename")
LEFT = """documents => documents.map(text => {
  const found = root => [...root.querySelectorAll('*')].flatMap(one => [
    ...(%s.includes(one.localName) ? [one.localName] : []),
    ...%s.filter(name => one.hasAttribute(name)),
    ...(['a', 'area'].includes(one.localName)
        ? ['href', 'xlink:href'].filter(name => one.hasAttribute(name)) : []),
    ...(one.content?.querySelectorAll ? found(one.content) : []),
    ...(one.shadowRoot ? found(one.shadowRoot) : [])]);
  const whole = new DOMParser().parseFromString(text, 'text/html');
  const shadows = Document.parseHTMLUnsafe(text);
  return [...found(whole), ...found(shadows)];
})""" % (list(FRAMES), list(TARGETS))  # noqa: UP031  # the script is full of braces
WORDS = st.text(st.characters(exclude_characters="<\x00", exclude_categories=["Cs"]), max_size=12)
STYLE = '<style>@media (max-width: 9px) { a[target] > b { color: red } } /* ping="x" download */</style>'
ORDINARY = st.sampled_from(
    [
        '<p style="color: red; background: #fff">',
        "</p>",
        "<br/>",
        "<b class='target'>",
        "</b>",
        "<h1>",
        "</h1>",
        '<a title="the target ping=1" class="href">',
        "<svg><use href='#star'/></svg>",
        "</a>",
        "<hr>",
        '<img src="data:image/gif;base64,R0lGODlhAQABAIAAAP///w==" alt="a > b" width=600>',
        STYLE,
        "<table cellpadding=0 bgcolor='#eee'><tr><td colspan=2>",
        "</td></tr></table>",
        "<!-- target=_top -->",
        "a < b",
        "<!--[if mso]><table><tr><td><![endif]-->",
        "<title>ping=1 download</title>",
        "<textarea>target=a</textarea>",
        "<!doctype html>",
        "<html lang=en>",
        "<head>",
        "</head>",
        "<body>",
        "</body></html>",
        "<o:p></o:p>",
        "&nbsp;",
        '<div data-target="x" aria-label="download">',
        "</div>",
        "<ul><li>",
        "</ul>",
        "<center>",
        "</center>",
        "<font size=2>",
    ]
)
ROUGH = st.sampled_from(
    [
        *(f"<{tag}" for tag in FRAMES), *(f"</{tag}>" for tag in FRAMES), *(f" {name}=x" for name in TARGETS),
        *(f"<{tag}>" for tag in ("style", "title", "textarea", "xmp", "noembed", "noframes", "noscript", "plaintext",
                                 "svg", "math", "mtext", "mglyph", "template shadowrootmode=open", "template", "select",
                                 "table", "foreignObject", "desc", "p", "a", "form", "option", "br/")),
        *(f"</{tag}>" for tag in ("style", "title", "textarea", "xmp", "noscript", "svg", "math", "p", "select")),
        "<", ">", "/", "=", "'", '"', " ", "\t", "\n", "\f", "\r", "\0", "<!--", "-->", "--!>", "<!-->",
        "<![CDATA[", "]]>",
        "<!", "<?", "</", "<a ", "a", "<IFRAME", " TARGET", " ping", " href=//x", " xlink:href=x", " src=//x", "`",
        "&lt;", "<b/target=x>", "<scr", "ipt",
    ]
)  # fmt: skip
DOCUMENTS = st.lists(st.lists(ROUGH, max_size=14).map("".join), min_size=20, max_size=60)


@pytest.fixture(scope="module")
def parser(chromium: Browser) -> Iterator[Page]:
    """A page whose HTML parser is asked, with scripting off as it is in a sandbox."""
    with chromium.new_page() as page:
        yield page


@given(st.lists(st.one_of(ORDINARY, WORDS), max_size=12).map("".join))
def test_ordinary_content_stays_as_it_is(html: str) -> None:
    """Text, styles, tables, links, comments and data: images are the same, character by character."""
    assert hardened(html) == html


def test_a_link_says_where_it_would_lead() -> None:
    """Its address is what a reader sees with the mouse over it; a drawing keeps what refers to itself."""
    assert hardened('<a class="b" href="https://example.com/?a=1&amp;b">') == (
        '<a class="b" data-link title="https://example.com/?a=1&amp;b">'
    )
    assert hardened("<AREA HREF=//x>") == "<AREA data-link title=//x>"
    assert hardened('<svg><use href=" #star"/><use href="x.svg#star"/></svg>').count("data-link") == 1


@given(st.lists(st.one_of(ROUGH, WORDS), max_size=20).map("".join))
def test_a_second_hardening_changes_nothing(html: str) -> None:
    """What is left needs no other look."""
    once = hardened(html)
    assert hardened(once) == once


@settings(deadline=None)
@given(documents=DOCUMENTS)
def test_a_browser_finds_no_frame_and_no_target_in_it(parser: Page, documents: list[str]) -> None:
    """Chromium's own parser, not ours, says what is left, also inside templates and shadow roots."""
    left = parser.evaluate(LEFT, [hardened(document) for document in documents])
    assert [(document, found) for document, found in zip(documents, left, strict=True) if found] == []


def test_a_browser_finds_no_frame_and_no_target_in_any_attack(parser: Page) -> None:
    """The same for each attack; as they came, many have some."""
    bodies = [attack.body("http://127.0.0.1:9") for attack in (*ATTACKS, *QUIET)]
    texts = [body.encode("utf-8", "replace").decode() for body in bodies]
    assert sum(bool(found) for found in parser.evaluate(LEFT, texts)) > 40
    left = parser.evaluate(LEFT, [hardened(body) for body in bodies])
    assert [(body, found) for body, found in zip(bodies, left, strict=True) if found] == []


@pytest.mark.parametrize("tag", ["<p>", "<iframe ", "<!--", "<style>", "<a target=x ", '<a title="', "<", "<a =", "</"])
def test_a_long_document_takes_time_by_its_length_only(tag: str) -> None:
    """A hundred thousand openings that are never closed take less than a second, not minutes."""
    assert timed(tag * 100_000) < 5.0


def timed(html: str) -> float:
    """Seconds for one hardening."""
    began = time.perf_counter()
    hardened(html)
    return time.perf_counter() - began
