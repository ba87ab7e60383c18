"""CSS inlining: styles get into tags, and nothing else changes."""

from __future__ import annotations

import subprocess
import sys
from html import escape

import css_inline
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from justhtml import JustHTML

from mailframe.pages.html_fault import HtmlFault
from mailframe.pages.inlining import CssInliner
from mailframe.pages.text_part import TextPart

from .soup import SOUP, TIDY

MAIL = """<!DOCTYPE html>
<html><head><meta charset=utf-8><title>A < B</title>
<style>
  a { color: red } a:hover { color: blue } .b > p { margin: 0 !important }
  @media (max-width: 500px) { a { display: block !important } }
  @font-face { font-family: x; src: url(https://a.example/x.woff) }
</style></head>
<body class="b">
<!--[if mso]><table class="b"><tr><td><![endif]-->
<p>x &copy; &nbsp; <A HREF="{{{ pm:unsubscribe }}}" Style='color: black' >out</a><br/>
<img src=a.png alt='1 > 0'></p>
<!--[if !mso]><!--><p>y<!--<![endif]-->
</body></html>
"""


def nodes(html: str) -> list[object]:
    """Every node of a mail in document order, without the styles of elements."""
    made, todo = [], [JustHTML(html, sanitize=False, scripting_enabled=False).root]
    while todo:
        node = todo.pop()
        given = dict(getattr(node, "attrs", None) or {})
        given.pop("style", None)
        made.append(
            (
                node.name,
                sorted(given.items()),
                str(getattr(node, "data", ""))[:2000] if node.name in ("#text", "#comment") else "",
            )
        )
        todo += reversed(getattr(node, "children", None) or [])
        content = getattr(node, "template_content", None)
        if content is not None:
            todo.append(content)
    return made


def styles(html: str) -> list[tuple[str, str]]:
    """The elements with a style, in document order."""
    made, todo = [], [JustHTML(html, sanitize=False, scripting_enabled=False).root]
    while todo:
        node = todo.pop()
        if node.name not in ("#text", "#comment", "!doctype", "#document") and "style" in (
            node.attrs or {}
        ):
            made.append((node.name, node.attrs["style"]))
        todo += reversed(getattr(node, "children", None) or [])
    return made


def test_only_styles_are_written_into_the_source():
    """Comments for Outlook, placeholders, quotes and references stay byte for byte."""
    inlined = CssInliner().of(MAIL)
    assert inlined.replace(' style="margin: 0 !important;"', "") == MAIL
    assert inlined.count(' style="margin: 0 !important;"') == 2


def test_a_style_of_a_tag_comes_after_the_rules():
    """Its own declarations win, those of the rules that it does not have are added."""
    html = '<style>p { color: red; margin: 0 }</style><p style="color: blue">x'
    assert CssInliner().of(html).endswith('<p style="margin: 0;color: blue">x')


@pytest.mark.parametrize(
    "html",
    [
        "",
        "x",
        "<p class=x>x",
        "<style></style><p>x",
        "<style>@media screen { p { color: red } }</style><p>x",
        "<style>a:hover { color: red }</style><a>x",
        "<!-- <style>p { color: red }</style> --><p>x",
        "<style media='print'>p { color: red }</style><p>x",
        "<style media='(max-width: 500px)'>p { color: red }</style><p>x",
        "<style type='text/x'>p { color: red }</style><p>x",
        "<title>p { color: red }</title><p>x",
    ],
)
def test_without_a_rule_that_fits_nothing_changes(html):
    """Also if there is a style for another time, such as a small screen."""
    assert CssInliner().of(html) == html


def test_fragments_and_unusual_tags_are_written_as_they_are():
    """A fragment stays one; upper case, white space and missing quotes stay."""
    html = "<style>.x{top:0}</style>\n<DIV\nclass = x\tid=a/b>t</DIV ><p class='x'/>"
    assert CssInliner().of(html) == (
        '<style>.x{top:0}</style>\n<DIV style="top: 0;"\nclass = x\tid=a/b>t</DIV >'
        "<p style=\"top: 0;\" class='x'/>"
    )


def test_an_element_that_becomes_several_with_other_styles_keeps_its_own():
    """A browser repeats an unclosed <b>; one style attribute cannot be right for both."""
    html = "<style>b { color: red } .q b { color: blue }</style><p><b>x<p class=q>y"
    assert CssInliner().of(html) == html


def test_quotes_of_urls_and_fonts_are_escaped():
    """A style is written into double quotes."""
    html = '<style>p { background: url("x.png?a&b"); font-family: "A B" }</style><p>x'
    inlined = CssInliner().of(html)
    assert styles(inlined) == [("p", "background: url('x.png?a&b');font-family: 'A B';")]
    assert "a&amp;b'" in inlined


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ('<style>p { font-family: "O\'Neil" }</style><p>x', "quotes"),
        ("<style>p { content: '\"' }</style><p>x", "quotes"),
        ("<style>p { top: 0 }</style><p style=\"font-family: 'a&quot;b'\">x", "quotes"),
        ("<style>p { top: 0 }</style>" + "<div>" * 257 + "<p>", "nested"),
        ("<style>p { top: 0 }</style>" + "<div></x>" * 20_000, "nested"),
        ("<style>p { top: 0 }</style>" + "<p><b>" * 3_000, "nested"),
        ("<style>" + "p{top:0}" * 5_000 + "</style>" + "<p>" * 5_000, "too many"),
        ("<style>p{top:" + "0" * 500_000 + "}</style>" + "<p>" * 1_000, "too many"),
    ],
    ids=["apostrophe", "quote", "own", "deep", "unclosed", "copies", "rules", "long"],
)
def test_what_css_inline_cannot_do_is_refused(html, why):
    """It writes some quotes wrong, and a deep tree ends the process."""
    with pytest.raises(HtmlFault, match=why):
        CssInliner().of(html)


def test_a_style_that_cannot_be_read_is_named():
    """css-inline says only that there is an end of input."""
    with pytest.raises(HtmlFault, match="correct style='color'"):
        CssInliner().of("<style>p { top: 0 }</style><b style='top: 0'>x</b><p style='color'>x")


@pytest.mark.parametrize("depth", [200, 240])
def test_a_deep_mail_is_possible(depth):
    """No real mail is so deep."""
    html = "<style>p { top: 0 }</style>" + "<div>" * depth + "<p>x"
    assert CssInliner().of(html).endswith('<p style="top: 0;">x')


def test_unclosed_paragraphs_are_not_deep():
    """The next <p> closes the one before it."""
    html = "<style>p { top: 0 }</style>" + "<p>x" * 1_000
    assert CssInliner().of(html).count('<p style="top: 0;">') == 1_000


def test_comments_with_an_apostrophe_are_no_text():
    """They are left out before texts in quotes are looked for."""
    html = "<style>/* don't \" */ p { top: 0 } /* ' */</style><p>x"
    assert CssInliner().of(html).endswith('<p style="top: 0;">x')


def test_nothing_is_loaded(tmp_path):
    """Neither a linked nor an imported file has an effect."""
    sheet = tmp_path / "x.css"
    sheet.write_text("p { color: red }")
    for href in (str(sheet), sheet.as_uri()):
        html = (
            f'<link rel="stylesheet" href="{href}"><style>@import "{href}"; @import url({href});'
            " b { top: 0 }</style><p>x"
        )
        assert CssInliner().of(html) == html


@settings(max_examples=75, deadline=None)
@given(html=SOUP)
def test_the_tree_of_a_mail_stays_the_same(html):
    """The same elements, texts, comments and attributes, apart from styles; in any HTML."""
    try:
        inlined = CssInliner().of(html)
    except HtmlFault:
        return
    assert nodes(inlined) == nodes(html)
    assert CssInliner().of(html) == inlined


@settings(max_examples=75, deadline=None)
@given(html=TIDY)
def test_the_styles_are_those_of_css_inline(html):
    """What css-inline makes of the whole mail has the same styles."""
    inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)
    try:
        made = inliner.inline(html)
    except css_inline.InlineError:
        with pytest.raises(HtmlFault):
            CssInliner().of(html)
        return
    assert styles(CssInliner().of(html)) == styles(made)


@settings(max_examples=60, deadline=None)
@given(first=SOUP, second=SOUP)
def test_a_mail_has_no_effect_on_another(first, second):
    """Styles that are kept from one mail are those of mails with the same tags alone."""
    inliner = CssInliner()
    for html in (first, second, first):
        try:
            fresh = CssInliner().of(html)
        except HtmlFault:
            continue
        assert inliner.of(html) == fresh


STRUCTURES = (
    "<p>{}</p><p title='{}'>{} <b>{}</b></p>",
    '<a href="{}">{}</a><img src="{}" alt="{}">',
    "<table><tr><td>{}</td><td>{}</td></tr><tr><td>{}<td>{}</table>",
    "<!--[if mso]>{}<![endif]--><b>{}<p>{}</p>",
    '<div class="{}" id="i">{}<ul><li>{}<li>{}</ul></div>',
    "<p style='color: green'>{}<pre>{}</pre>",
)
RULES = (
    "p { top: 0 }",
    "p:empty { left: 0 }",
    "td:first-child, b { top: 0 }",
    "#i > ul li + li { top: 0 }",
    "a:link { top: 0 }",
    "[title] { top: 0 }",
    "p:not(:empty) { right: 0 }",
    "div[class] { left: 0 }",
    "* { bottom: 0 }",
    "@media print { p { top: 1px } }",
)
CELLS = (
    "",
    " ",
    "x",
    "<style>p { left: 9px }</style>",
    "</style>",
    "<!--",
    "-->",
    "<![endif]-->",
    "]]>",
    "p { top: 9px }",
    "}",
    "/*",
    "\\",
    "'",
    '"',
    "&amp;",
    "\ue0000;",
    'data-mf="3"',
    "\xa0",
    "<p>" * 3,
    "{{{ pm:unsubscribe }}}",
    "[",
    "\u2028",
)


@settings(max_examples=75, deadline=None)
@given(
    structure=st.lists(st.sampled_from(STRUCTURES), min_size=1, max_size=3).map("".join),
    rules=st.lists(st.sampled_from(RULES), min_size=1, max_size=4).map("".join),
    data=st.data(),
)
def test_a_cell_has_no_effect_on_the_styles_of_another_mail(structure, rules, data):
    """Mails of one letter with other cells: looked up or made new, the result is the same."""
    inliner, writer = CssInliner(), TextPart()
    count = structure.count("{}")
    for _ in range(5):
        cells = data.draw(st.lists(st.sampled_from(CELLS), min_size=count, max_size=count))
        html = f"<style>{rules}</style>" + structure.format(*map(escape, cells))
        assert inliner.of(html) == CssInliner().of(html)
        assert writer.of(html) == TextPart().of(html)


def test_words_do_not_need_css_inline_again():
    """Mails with the same tags and other words, links and images are looked up."""
    inliner = CssInliner()
    for name in ("Ann", "Bob &amp; Co", "<!-- x -->"):
        inliner.of(f'<style>a {{ top: 0 }}</style><a href="https://a.example/{name}">{name}x</a>')
    assert len(inliner._styles) == 1


def test_selectors_of_attributes_see_their_values():
    """With brackets in the rules, the address of a link is a part of the structure."""
    inliner = CssInliner()
    for host, styled in (("a", True), ("b", False)):
        html = f'<style>[href*="//a."] {{ top: 0 }}</style><a href="https://{host}.example">x</a>'
        assert ('style="top: 0;"' in inliner.of(html)) == styled


def test_the_result_is_the_same_in_every_process():
    """No order depends on the hash seed."""
    code = f"from mailframe.pages.inlining import CssInliner; print(CssInliner().of({MAIL!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": "1"},  # that of this process is random
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{CssInliner().of(MAIL)}\n"
