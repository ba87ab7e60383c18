"""The hardened copy: no frames, no targets, and ordinary content unchanged."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.pages import allowed
from mailframe.pages.tree import MAX_COPIES
from tests.browser.attacks import ATTACKS, QUIET
from tests.browser.test_isolation import (
    NAMED,
    SETTLE_MS,
    assert_stays,
    paths,
    settle,
    show,
    small,
)
from tests.browser.watching import Watch, touch_all
from tests.review.preview.reading import hardened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.browser.attack import Click
    from tests.browser.beacon import Beacon

LINKS = (
    "link-plain",
    "link-middle",
    "link-control",
    "link-over-all",
    "map-area",
    "svg-link",
    "svg-animate-href",
)
HTML = {*allowed.ELEMENTS, "html", "head", "body"}
NOT_ALLOWED = """([documents, html, svg, attributes, own, addresses]) => documents.map(text => {
  const image = /^[\\0-\\x20]*(https?:|data:image\\/|cid:)/i;
  const fits = (one, name, value) => attributes.includes(name)
    || new RegExp('^(' + own + ')$').test(name)
    || (addresses[name] ?? []).includes(one.localName) && image.test(value)
    || name === 'srcset' && ['img', 'source'].includes(one.localName)
    || one.localName !== 'a' && svg.includes(one.localName) && /^(xlink:)?href$/.test(name)
      && /^\\s*#/.test(value);
  const is_known = one => (one.namespaceURI.endsWith('svg') ? svg : html).includes(one.localName);
  const extra = root => [...root.querySelectorAll('*')].flatMap(one => [
    ...(is_known(one) ? [] : [one.localName]),
    ...[...one.attributes].filter(a => !fits(one, a.name, a.value))
      .map(a => `${one.localName} ${a.name}=${a.value}`),
    ...(one.content?.querySelectorAll ? extra(one.content) : []),
    ...(one.shadowRoot ? extra(one.shadowRoot) : [])]);
  const comments = whole => document.createTreeWalker(whole, NodeFilter.SHOW_COMMENT);
  const whole = new DOMParser().parseFromString(text, 'text/html');
  const shadows = Document.parseHTMLUnsafe(text);
  return [...extra(whole), ...extra(shadows), ...(comments(whole).nextNode() ? ['a comment'] : [])];
})"""
SHOWN = """documents => documents.map(text => {
  const whole = new DOMParser().parseFromString(text, 'text/html');
  const walker = document.createTreeWalker(whole, NodeFilter.SHOW_COMMENT), comments = [];
  while (walker.nextNode()) comments.push(walker.currentNode);
  const blanks = [...whole.documentElement.childNodes].filter(one => one.nodeType === 3);
  [...comments, ...blanks, ...whole.querySelectorAll('title,meta')].forEach(one => one.remove());
  whole.normalize();
  whole.querySelectorAll('style').forEach(one => {
    one.textContent = one.textContent.replaceAll('<!--', ' ');
  });
  return `${whole.compatMode} ${whole.doctype?.publicId} ${whole.documentElement.outerHTML}`;
})"""
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
TARGETS = (
    "target",
    "formtarget",
    "ping",
    "download",
    "srcdoc",
    "autofocus",
    "attributename",
    "onclick",
    "href",
)
WORDS = st.text(st.characters(exclude_characters="<\x00", exclude_categories=["Cs"]), max_size=12)
STYLE = (
    '<style>@media (max-width: 9px) { a[target] > b { color: red } } /* ping="x" download '
    "*/</style>"
)
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
        "<a name=top>",
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
        (
            '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
            '"http://www.w3.org/TR/xhtml1/DTD/xhtml1.dtd">'
        ),
        (
            "<style><!-- p > a { color: red } @media (400px < width <= 600px) { b { color: blue } "
            "} --></style>"
        ),
        "<![if !mso]><p>shown</p><![endif]>",
        "<!--[if !mso]><!--><i>shown</i><!--<![endif]-->",
        "<pre>\n\n two</pre>",
        '<td background="https://example.com/a.png" align=center valign=top>',
        '<svg viewBox="0 0 9 9"><path d="M0 0h9" fill="red"/><text x=1>a</text></svg>',
        "<html lang=en>",
        "<head>",
        "</head>",
        "<body>",
        "</body></html>",
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
OPENED = """
    style title textarea xmp noembed noframes noscript plaintext svg math mtext mglyph template
    select table foreignObject desc p a form option br/
""".split()  # noqa: SIM905 - a list of one word a line hides what it says
CLOSED = "style title textarea xmp noscript svg math p select".split()  # noqa: SIM905
PIECES = """
    < > / = ' " <!-- --> --!> <!--> <![CDATA[ ]]> <! <? </ a <IFRAME ` &lt; <b/target=x> <scr ipt
""".split()  # noqa: SIM905
BLANKS = ("<a ", " TARGET", " ping", " href=//x", " xlink:href=x", " src=//x", *" \t\n\f\r\0")
ROUGH = st.sampled_from(
    [
        *(f"<{tag}" for tag in FRAMES),
        *(f"</{tag}>" for tag in FRAMES),
        *(f" {name}=x" for name in TARGETS),
        *(f"<{tag}>" for tag in (*OPENED, "template shadowrootmode=open")),
        *(f"</{tag}>" for tag in CLOSED),
        *PIECES,
        *BLANKS,
    ]
)
DOCUMENTS = st.lists(st.lists(ROUGH, max_size=14).map("".join), min_size=20, max_size=60)


@pytest.fixture(scope="module")
def parser(chromium: Browser) -> Iterator[Page]:
    """A page whose HTML parser is asked, with scripting off as it is in a sandbox."""
    with chromium.new_page() as page:
        yield page


def not_allowed(parser: Page, documents: list[str]) -> list[list[str]]:
    """The elements and attributes of each document, by Chromium, that are not allowed."""
    own = allowed.OWN_ATTRIBUTE.pattern
    addresses = {name: [*elements] for name, elements in allowed.ADDRESSES.items()}
    attributes = [*allowed.ATTRIBUTES, *allowed.SVG_ATTRIBUTES]
    return parser.evaluate(
        NOT_ALLOWED, [documents, [*HTML], [*allowed.SVG_ELEMENTS], attributes, own, addresses]
    )


@settings(deadline=None, max_examples=30)  # each with tens of documents
@given(
    documents=st.lists(
        st.lists(st.one_of(ORDINARY, WORDS), max_size=12).map("".join), min_size=10, max_size=30
    )
)
def test_a_browser_shows_the_same_of_ordinary_content(parser: Page, documents: list[str]) -> None:
    """The same tree without comments, titles, addresses of links and blanks after the head."""
    copies = parser.evaluate(SHOWN, [hardened(document) for document in documents])
    assert copies == parser.evaluate(SHOWN, documents)


def test_a_link_says_where_it_would_lead() -> None:
    """The title of a link shows its address; a drawing keeps references to itself."""
    assert '<a data-link="//x/?a=1&amp;b" class="b" title="//x/?a=1&amp;b">' in hardened(
        '<a class="b" title="c" href="//x/?a=1&amp;b">'
    )
    assert '<area data-link="//x" title="//x">' in hardened("<AREA HREF=//x>")
    drawing = hardened(
        '<svg><use href=" #star"/><use href="x.svg#star"/><a xlink:href="//x">a</a></svg>'
    )
    assert '<use href=" #star"></use><use></use><a data-link="//x" title="//x">a</a>' in drawing


@given(st.lists(st.one_of(ORDINARY, WORDS), max_size=12).map("".join))
def test_a_second_hardening_changes_nothing(html: str) -> None:
    """What is written is read as it was written."""
    once = hardened(html)
    assert hardened(once) == once


@settings(deadline=None)
@given(st.lists(st.one_of(ROUGH, WORDS), max_size=20).map("".join))
def test_a_third_hardening_changes_nothing_of_what_is_tangled(html: str) -> None:
    """A tree can contain a button in a button, inside a table; a document cannot."""
    twice = hardened(hardened(html))
    assert hardened(twice) == twice


@settings(deadline=None)
@given(documents=DOCUMENTS)
def test_a_browser_finds_only_what_is_allowed(parser: Page, documents: list[str]) -> None:
    """By Chromium's own parser, also inside templates and shadow roots."""
    extras = not_allowed(parser, [hardened(document) for document in documents])
    assert [pair for pair in zip(documents, extras, strict=True) if pair[1]] == []


def test_a_browser_finds_only_what_is_allowed_in_any_attack(parser: Page) -> None:
    """The same for each attack; nearly all contain more before hardening."""
    bodies = [attack.body("http://127.0.0.1:9") for attack in (*ATTACKS, *QUIET)]
    texts = [body.encode("utf-8", "replace").decode() for body in bodies]
    assert sum(bool(extra) for extra in not_allowed(parser, texts)) > 150
    extras = not_allowed(parser, [hardened(body) for body in bodies])
    assert [pair for pair in zip(bodies, extras, strict=True) if pair[1]] == []


LONG = (
    *(
        "<p>",
        "<iframe ",
        "<!--",
        "<!---->",
        "<style>",
        "<a target=x ",
        '<a title="',
        "<",
        "<a =",
        "</",
        "<b>",
        "<b id=",
        "<svg>",
    ),
    *(
        "<table><tr>",
        "<a><p></a>",
        "<noscript>",
        "<template>",
        "<svg><![CDATA[",
        "&",
        "<img srcset=',,,' ",
        "<style>/*</style>",
    ),
)


@pytest.mark.parametrize("tag", LONG)
def test_a_long_document_takes_time_by_its_length_only(tag: str) -> None:
    """Forty thousand openings that are never closed take a second or two, not minutes."""
    assert timed(tag * 40_000) < 10.0


def timed(html: str) -> float:
    """Seconds of this process for one hardening."""
    began = time.process_time()
    hardened(html)
    return time.process_time() - began


def test_a_document_that_a_browser_makes_huge_is_not_shown() -> None:
    """Elements that are never closed come again in each paragraph: 30 KB would take gigabytes."""
    html = "<p>" + "".join(f"<b id=b{n}>" for n in range(2_000)) + "</p>" + "<p>x" * 2_000
    assert timed(html) < 2.0
    assert "cannot be shown" in hardened(html)


def test_a_long_digest_is_shown() -> None:
    """Thousands of links that are closed are nothing unusual."""
    story = (
        '<p><a href="https://example.com/{0}"><img src="https://example.com/{0}.png"></a> '
        "<b>Story {0}</b> text</p>"
    )
    stories = "".join(story.format(n) for n in range(3_000))
    assert stories.count("<") * stories.count("<a ") > MAX_COPIES
    assert "Story 2999" in hardened(stories)


@pytest.mark.parametrize("how", ["left", "middle", "control", "enter"])
def test_no_button_and_no_key_follows_a_link(
    context: BrowserContext, beacon: Beacon, how: Click
) -> None:
    """A sandbox lets the middle button open a new tab, so links have no address."""
    watch, page, attacks = (
        Watch().start(context),
        context.new_page(),
        tuple(NAMED[name] for name in LINKS),
    )
    url = show(page, beacon, small, attacks)
    settle(page, attacks)
    assert (
        sum(touch_all(outer.child_frames[0], how) for outer in page.main_frame.child_frames)
        >= len(LINKS) - 1
    )
    page.wait_for_timeout(SETTLE_MS)
    assert_stays(page, watch, url)
    assert paths(beacon) == set()
    link = page.main_frame.child_frames[0].child_frames[0].locator("a")
    assert link.get_attribute("title") == f"{beacon.address(LINKS[0])}/go"
