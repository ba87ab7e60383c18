"""The shown copy of a mail's HTML: it contains only what is allowed and looks the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailframe.pages.isolation import MailDocument, isolated
from mailframe.pages.mail_css import declares_dark, harmless
from mailframe.pages.safe_copy import safe_copy
from tests.browser.attacks import ATTACKS, QUIET
from tests.browser.smuggled import SMUGGLED
from tests.review.preview.reading import Page, hardened, mail_of

TRANSITIONAL = (
    '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
    '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">'
)
HTML_4 = '<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN">'
GIF = "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="


def content(html, **options):
    """What is inside the body of the copy."""
    return safe_copy(html, **options).content


def document_of(html, **options):
    """The document of the inner frame."""
    return MailDocument.of(html, **options).html


@pytest.mark.parametrize("attack", SMUGGLED, ids=lambda attack: attack.name)
def test_a_smuggled_link_has_no_address(attack):
    """The copy has it as a link without an address, or not at all."""
    names = {
        name
        for _, attributes in Page(hardened(attack.body("http://127.0.0.1:9"))).elements
        for name in attributes
    }
    assert not names & {"href", "xlink:href", "onerror", "target"}


@pytest.mark.parametrize("attack", [*ATTACKS, *QUIET], ids=lambda attack: attack.name)
def test_a_second_copy_is_the_first(attack):
    """A parser reads the copy as it was written, also of attacks that target parsers."""
    once = hardened(attack.body("http://127.0.0.1:9"))
    assert hardened(once) == once


def test_conditional_comments_are_shown_as_outside_outlook():
    """Content for Outlook only is left out; content hidden from Outlook is shown."""
    assert content("<!--[if mso]><table><tr><td>Outlook<![endif]--><p>all</p>") == "<p>all</p>"
    assert content("<!--[if !mso]><!--><p>others</p><!--<![endif]-->") == "<p>others</p>"
    assert content("<![if !mso]><p>others</p><![endif]>") == "<p>others</p>"


def test_an_unknown_element_keeps_its_style_and_content():
    """From Office, a framework or a later version of HTML."""
    assert content("<o:p style='color:red'>a</o:p><x-card class=c>b</x-card>") == (
        '<span style="color:red">a</span><span class="c">b</span>'
    )
    assert (
        content("<noscript><b>c</b></noscript><object data=x>d</object>")
        == "<b>c</b><span>d</span>"
    )


def test_what_no_client_shows_is_left_out_with_its_content():
    """Scripts, titles, templates, frames and their fallbacks."""
    hidden = (
        "<script>a</script><template>b</template><iframe>c</iframe><noembed>d</noembed>"
        "<noframes>e</noframes>"
    )
    assert content(
        f"<p>1</p>{hidden}<svg><title>f</title><script>g</script><set/></svg><p>2</p>"
    ) == ("<p>1</p><svg></svg><p>2</p>")


def test_nothing_asks_for_a_file_or_is_sent():
    """Fields are shown; a form has no address, and a button opens nothing."""
    form = (
        "<form action=//x method=post><input type=FILE name=a><input type=image src=//x "
        "formaction=//x>"
    )
    assert content(
        f"{form}<button popovertarget=p command=show-modal>b</button><p popover id=p "
        f"contenteditable>c"
    ) == ('<form><input name="a"><input type="image"><button>b</button><p id="p">c</p></form>')


def test_presentation_stays():
    """Old attributes, styles, style sheets, drawings, and attributes of the whole document."""
    copy = safe_copy(
        "<html lang=de dir=ltr xmlns:v='urn:v'><head><style media=screen>td > a { color: red }"
        "</style><title>t</title>"
        "</head><body bgcolor='#eee' style='margin:0' onload=f()><center><table cellpadding=0 "
        "bgcolor=red>"
        "<tr><td valign=top background='https://a.example/b.png' nowrap><font face=Arial "
        "size=2>x</font></table>"
    )
    assert copy.html == ' lang="de" dir="ltr"'
    assert copy.head == '<style media="screen">td > a { color: red }</style>'
    assert copy.body == ' bgcolor="#eee" style="margin:0"'
    assert copy.content == (
        '<center><table cellpadding="0" bgcolor="red"><tbody><tr><td valign="top" '
        'background="https://a.example/b.png" '
        'nowrap=""><font face="Arial" size="2">x</font></td></tr></tbody></table></center>'
    )


@pytest.mark.parametrize(
    ("html", "copy"),
    [
        ("<img src='cid:logo%40x'>", f'<img src="{GIF}">'),
        ("<img src='CID:LOGO&#64;x'>", f'<img src="{GIF}">'),
        ("<img srcset='cid:logo@x 1x, cid:none 2x'>", f'<img srcset="{GIF} 1x, cid:none 2x">'),
        ("<td background='cid:logo@x'>", ""),
        ("<p style='background:url(cid:logo@x)'>", f'<p style="background:url({GIF})"></p>'),
        ("<style>p{background:url(cid:logo@x)}</style>", ""),
        (
            "<p title='cid:logo@x'>write cid:logo@x</p>",
            '<p title="cid:logo@x">write cid:logo@x</p>',
        ),
    ],
)
def test_inline_images_stand_where_their_addresses_stood(html, copy):
    """In every attribute with an address and in styles, not in text."""
    kept = safe_copy(html, inline={"logo@x": GIF})
    assert copy in kept.content
    assert kept.head in ("", f"<style>p{{background:url({GIF})}}</style>")


@pytest.mark.parametrize(
    "address",
    ["x.png", "//a.example/x", "javascript:f()", "data:text/html,x", "file:///x", "", " "],
)
def test_an_image_has_an_address_that_a_mail_can_have(address):
    """From the web, inline, or in the mail itself; no other address is kept."""
    html = (
        f'<img src="{address}" srcset="{address} 2x, https://a.example/x 1x"><table '
        f'background="{address}">'
    )
    assert content(html) == '<img srcset="https://a.example/x 1x"><table></table>'


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        ("a > b { color: red }", "a > b { color: red }"),
        ("<!-- a { color: red } -->", "  a { color: red } -->"),
        ("<<!--b { color: red }", "< b { color: red }"),
        ("<</**/b {}", "<\\3c /**/b {}"),
        ("@media (400px <= width < 600px) {}", "@media (400px <= width < 600px) {}"),
        (
            "a::after { content: '</style><a href=x>' }",
            "a::after { content: '\\3c /style>\\3c a href=x>' }",
        ),
        (
            "a { background: url(data:image/svg+xml,<svg/>) }",
            "a { background: url(data:image/svg+xml,\\3c svg/>) }",
        ),
        ("/* </style> */ a {}", "/**/ a {}"),
        ("/* <b", "/**/"),
        ("</style", "\\3c /style"),
        ("'<b\n<b'", "'\\3c b\n\\3c b'"),
    ],
)
def test_a_style_sheet_holds_nothing_that_looks_like_a_tag(css, expected):
    """It is no tag if a browser reads it as markup; as a style it is unchanged."""
    assert harmless(css) == expected


@given(
    st.lists(
        st.sampled_from(
            ["<", "!--", "b", "/", "*", "'", '"', "\\", "\n", "?", " ", "-->", "</style>"]
        )
    ).map("".join)
)
def test_no_style_sheet_holds_anything_that_looks_like_a_tag(css):
    """In any order of its pieces; and a second pass changes nothing."""
    once = harmless(css)
    assert not re.search("<[a-zA-Z/!?]", once)
    assert harmless(once) == once


@pytest.mark.parametrize(
    ("html", "written"),
    [
        (TRANSITIONAL, TRANSITIONAL),
        ("<!doctype HTML>", "<!DOCTYPE html>"),
        ('<!DOCTYPE html SYSTEM "about:legacy-compat">', (
            '<!DOCTYPE html SYSTEM '
            '"about:legacy-compat">'
        )),
        (f"{HTML_4[:10]}HTML{HTML_4[14:]}", HTML_4),
        ("<!DOCTYPE html PUBLIC '<b' 'x'>", "<!DOCTYPE html>"),
        ("<!DOCTYPE svg>", ""),
        ("<!DOCTYPE>", ""),
        ("", ""),
        (f"<!-- first -->\n{TRANSITIONAL}", TRANSITIONAL),
        (f"<p>{TRANSITIONAL}", ""),
    ],
)  # fmt: skip
def test_a_mail_keeps_its_doctype(html, written):
    """It comes before our own head; without a doctype there is none."""
    assert document_of(f"{html}<p>Hi").startswith(
        f'{written}<html><head><meta charset="utf-8"><meta http-equiv='
    )


DECLARED = (
    '<meta name="color-scheme" content="light dark">',
    '<META NAME=" Supported-Color-Schemes" CONTENT="dark">',
    "<style>:root { color-scheme: light dark; supported-color-schemes: light dark; }</style>",
    "<style>@media screen { html, body{color-scheme:dark} }</style>",
    "<style>@media (prefers-color-scheme:dark){:root{color-scheme:dark}}</style>",
    "<style>:root,.card{color-scheme:light dark}</style>",
    "<style>/* a */ p { color: red } :root{ --a: 1; color-scheme: only dark }</style>",
    "<html style='color-scheme: light dark'>",
)
UNDECLARED = (
    "",
    "<meta name='color-scheme' content='light only'>",
    "<meta name=viewport content='dark'>",
    "<style>.card { color-scheme: dark }</style>",
    "<style>/* :root { color-scheme: dark } */</style>",
    "<style>:root { --color-scheme: dark; color-scheme: light }</style>",
    "<style>@media (prefers-color-scheme: dark) { body { background: #111 } }</style>",
    "<!-- <meta name='color-scheme' content='dark'> -->",
    "<p>color-scheme: dark",
)


@pytest.mark.parametrize("html", DECLARED)
def test_a_mail_that_declares_the_dark_scheme_gets_it(html):
    """By meta element, by its older name, or by a style of the root."""
    assert "{color-scheme:dark only!important}" in document_of(f"{html}<p>Hi", scheme="dark")
    assert "{color-scheme:light only!important}" in document_of(f"{html}<p>Hi", scheme="light")


@pytest.mark.parametrize("html", UNDECLARED)
def test_a_mail_that_declares_no_dark_scheme_stays_as_it_is(html):
    """Its text would become white on its own white background, which no client does."""
    assert "{color-scheme:light only!important}" in document_of(f"{html}<p>Hi", scheme="dark")


def test_the_mails_own_dark_rules_apply_to_a_dark_screen_only():
    """With or without a declared scheme; in style sheets and media attributes, not in text."""
    html = (
        "<style>@media (prefers-color-scheme:dark){p{color:red}}</style><picture><source "
        "srcset='https://a.example/d' "
        "media='(prefers-color-scheme: dark)'><img></picture><p>(prefers-color-scheme: dark)"
    )
    dark, light = document_of(html, scheme="dark"), document_of(html, scheme="light")
    assert (dark.count("(min-width:0px)"), dark.count("(max-width:0px)")) == (2, 0)
    assert (light.count("(min-width:0px)"), light.count("(max-width:0px)")) == (0, 2)
    assert "<p>(prefers-color-scheme: dark)</p>" in dark


def test_a_declaration_is_read_in_time_by_its_length():
    """Also if nothing in it is closed."""
    assert not declares_dark("/*" * 200_000)
    assert not declares_dark("color-scheme:" * 50_000)


@pytest.mark.parametrize(
    ("letter", "letters"), [*((one, 1) for one in "a%<é李🎉"), ("a", 1_950_000), ("李", 220_000)]
)
def test_a_frame_holds_the_whole_document(letter, letters):
    """As an address, or unchanged if that would be too long for a browser."""
    [outer] = Page(isolated(letter * letters)).all("iframe")
    [inner] = Page(outer["srcdoc"] or "").all("iframe")
    assert ("srcdoc" in inner) == (letters > 1)
    shown = inner["srcdoc"] if letters > 1 else mail_of(outer)
    assert Page(shown or "").text.strip("\n") == letter * letters


def test_half_a_character_in_an_inline_image_stops_no_page():
    """It is written as a question mark."""
    isolated("<img src=cid:a>", inline={"a": "data:image/\ud800;base64,"}).encode()
