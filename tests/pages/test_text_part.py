"""The text part from HTML: what a reader sees, as lines of text."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given, settings
from justhtml import JustHTML

from mailframe.pages.html_fault import HtmlFault
from mailframe.pages.text_part import TextPart
from mailframe.pages.text_program import structure_of

from .soup import READ


def text(markup: str) -> str:
    """The text of a mail."""
    return TextPart().of(markup)


@pytest.mark.parametrize(
    ("markup", "written"),
    [
        ("", ""),
        ("x", "x"),
        ("<p>one  two\n\tthree</p>\n<p>four</p>", "one two three\n\nfour"),
        ("<div>a</div><div>b</div>c", "a\nb\nc"),
        ("<h1>Hi</h1>text<h2>More</h2>", "Hi\n\ntext\n\nMore"),
        ("<p> a <b> b </b> c</p>", "a b c"),
        ("a<b>b</b><i> c</i>", "ab c"),
        ("a<br>b<br><br>c<br><br><br><br>d<br>", "a\nb\n\nc\n\nd"),
        ("&lt;b&gt; &amp;amp; &copy; caf&eacute; &#8364;", "<b> &amp; © café €"),
        ("a&nbsp;&nbsp;b", "a\xa0\xa0b"),
        ("<p>a</p><p>&nbsp;</p><p>\u200b\u034f</p><p>b</p>", "a\n\nb"),
        ("a<hr>b", f"a\n\n{'-' * 20}\n\nb"),
        ("<pre>\n  x\n\n    y \n</pre>z", "  x\n\n    y\n\nz"),
        ("a<xmp>x &amp; <b>\n  y</xmp>z", "a\n\nx &amp; <b>\n  y\n\nz"),
        ("<p style='white-space: pre-wrap'>a  b\n c</p>", "a  b\n c"),
        ("<button>Go</button> <label>x</label>", "Go x"),
        ("<textarea>no</textarea><select><option>no</select>x", "x"),
        ("<details><summary>s</summary>d</details>", "s\nd"),
        ("<dl><dt>t<dd>d</dl>", "t\nd"),
        ("<!-- no --><!--[if mso]>no<![endif]--><!--[if !mso]><!-->yes<!--<![endif]-->", "yes"),
    ],
)
def test_text_is_written_in_lines_as_a_browser_places_it(markup, written):
    """White space is collapsed, blocks have lines of their own, blank lines are single."""
    assert text(markup) == written


@pytest.mark.parametrize(
    "hidden",
    [
        "<title>no</title>",
        "<style>no</style>",
        "<script>no</script>",
        "<template>no</template>",
        "<svg><title>no</title></svg>",
        "<div hidden>no</div>",
        "<div style='display:none'>no</div>",
        "<div style='color: red; DISPLAY : None !important'>no</div>",
        "<div style='max-height: 0; overflow: hidden; mso-hide: all'>no</div>",
        "<div style='max-height:0px'>no<p>no</p></div>",
        "<span style='visibility:hidden'>no</span>",
        "<span style='opacity: 0'>no</span>",
        "<div style='display:none'><table><tr><td>no<ul><li><a href=x>no</a></table></div>",
    ],
)
def test_what_no_reader_sees_is_left_out(hidden):
    """Such as the preheader, which mail programs show in the list of mails alone."""
    assert text(f"a {hidden} b").split() == ["a", "b"]


@pytest.mark.parametrize(
    "shown",
    [
        "<div style='max-height: 0.5em'>yes</div>",
        "<div style='display:none; display:block'>yes</div>",
        "<a style='mso-hide: all'>yes</a>",
        "<div style='max-height:100%; opacity: 0.9'>yes</div>",
        "<div style='x'>yes</div>",
    ],
)
def test_what_a_reader_sees_is_kept(shown):
    """mso-hide alone hides the form of a button that Outlook does not show."""
    assert text(shown) == "yes"


@pytest.mark.parametrize(
    ("markup", "written"),
    [
        (
            "<a href='https://a.example/?a=1&amp;b=2&copy=3'>here</a>.",
            "here (https://a.example/?a=1&b=2&copy=3).",
        ),
        ("<a href='https://a.example/'>https://a.example</a>", "https://a.example"),
        ("<a href='https://a.example'>A.example</a>", "A.example"),
        ("<a href='mailto:ann@a.example?subject=x'>ann@a.example</a>", "ann@a.example"),
        ("<a href='mailto:ann@a.example'>write to us</a>", "write to us (ann@a.example)"),
        ("<a href='tel:+49 30 1'>call</a>", "call (+49 30 1)"),
        (
            "<a href='#top'>up</a> <a>x</a> <a href=''>y</a> <a href='javascript:x'>z</a>",
            "up x y z",
        ),
        (
            "<a href='{{{ pm:unsubscribe }}}'>Unsubscribe</a>",
            "Unsubscribe ({{{ pm:unsubscribe }}})",
        ),
        ("<a href='https://a.example/a b'>x </a>y", "x (https://a.example/a%20b) y"),
        ("<a href='https://a.example'><img src=x></a>", "https://a.example"),
        (
            "<a href='https://a.example'><img src=x alt='Our  shop'></a>",
            "Our shop (https://a.example)",
        ),
        ("<a href='https://a.example'><p>a</p><p>b</p></a>c", "a\n\nb (https://a.example)\n\nc"),
        ("<a href='https://a.example'><ul><li>a</ul></a>", "- a (https://a.example)"),
        ("<img alt='A &quot;B&quot;'> <img alt=''> <img>", 'A "B"'),
        ("<p>{{{ pm:unsubscribe }}}</p>", "{{{ pm:unsubscribe }}}"),
    ],
)
def test_links_and_images_are_written_once(markup, written):
    """A link is its text and its address, an image its description."""
    assert text(markup) == written


@pytest.mark.parametrize(
    ("markup", "written"),
    [
        ("<ul><li>a<li>b</ul>", "- a\n- b"),
        ("x<ol start=9><li>a<li>b</ol>y", "x\n\n9. a\n10. b\n\ny"),
        ("<ol><li>a<ul><li>b<li>c</ul><li>d</ol>", "1. a\n   - b\n   - c\n2. d"),
        ("<ul><li><p>a</p><p>b</p></ul>", "- a\n\n  b"),
        ("<ul><li></li><li>&nbsp;</li><li>x</ul>", "- x"),
        ("<blockquote>a<p>b</p></blockquote>c", "> a\n>\n> b\n\nc"),
    ],
)
def test_lists_and_quotes_are_marked(markup, written):
    """Lines after the first one of an item are indented."""
    assert text(markup) == written


DATA = "<table><caption>Orders</caption><tr><th>Item<th align=right>Price{rows}</table>"


def test_a_table_of_data_is_written_in_columns():
    """Cells that are aligned right are right, and so are their headings."""
    markup = (
        "<table><caption>Orders</caption><thead><tr><th>Item<th>Price</thead>"
        "<tr><td>お茶<td align=right>$4<tr><td><td align=right>$12.50"
        "<tr><td colspan=2 style='text-align: right'>Sum: $16.50</table>"
    )
    assert text(markup).split("\n") == [
        "Orders",
        "Item   Price",
        "----  ------",
        "お茶      $4",
        "      $12.50",
        " Sum: $16.50",
    ]


def test_a_wide_table_of_data_is_written_as_records():
    """Each value with its heading."""
    markup = f"<table><tr><th>Item<th>Note<tr><td>Tea<td>{'x' * 120}<tr><td>Cup<td>y</table>"
    assert text(markup) == f"Item: Tea\nNote: {'x' * 120}\n\nItem: Cup\nNote: y"


def test_a_table_with_headings_in_rows_and_long_values():
    """Without a row of headings, each row is one line."""
    markup = f"<table><tr><th>Item<td>Tea<tr><th>Note<td>{'x' * 120}</table>"
    assert text(markup) == f"Item: Tea\nNote: {'x' * 120}"


def test_a_layout_is_written_as_lines():
    """Short cells side by side are one line; others have blank lines around them."""
    markup = """
    <table role="presentation"><tr><td><img alt="Acme"><td>Invoice<tr><td>&nbsp;
    <tr><td><p>One</p><p>Two</p><table role=none><tr><th>Plan<td>Team<tr><th>Seats<td>5</table>
    <tr><td>Left<br>more<td>Right<tr><td>Foot</table>"""
    assert text(markup) == (
        "Acme  Invoice\n\nOne\n\nTwo\n\nPlan  Team\nSeats  5\n\nLeft\nmore\n\nRight\n\nFoot"
    )


def test_words_of_a_mail_do_not_reach_another():
    """Mails of one structure share the steps, and nothing else."""
    part = TextPart()
    mails = [
        f'<p>Hi {name}, <a href="https://a.example/{name}">see</a><img alt="{name}"></p>'
        for name in ("Ann", "Bob &amp; Co", "\ue0000; x", "{{ x }}")
    ]
    written = [part.of(mail) for mail in mails]
    assert written == [text(mail) for mail in mails]
    assert written[1] == "Hi Bob & Co, see (https://a.example/Bob%20&%20Co)Bob & Co"
    assert "\ue0000; x" in written[2]
    assert len(part._programs) == 1


def flat(markup: str, words: list[str] | None = None) -> list[object]:
    """The tree of a mail in document order; marks are replaced by *words*."""
    made, todo = [], [JustHTML(markup, sanitize=False, scripting_enabled=False).root]

    def filled(value: str) -> str:
        if words is None:
            return value
        return re.sub("\ue000(\\d+);", lambda mark: words[int(mark[1])], value)

    while todo:
        node = todo.pop()
        if node.name == "#text":
            if node.parent.name not in ("style", "title", "textarea"):
                made.append(html.unescape(filled(node.data)) if words else node.data)
            continue
        if node.name in ("#comment", "#processing-instruction"):
            continue
        given = dict(getattr(node, "attrs", None) or {})
        alt = {name: given.get(name) for name in ("alt",) if node.name == "img"}
        made.append((node.name, {name: filled(value or "") for name, value in alt.items()}))
        todo += reversed(getattr(node, "children", None) or [])
    return made


@settings(max_examples=75, deadline=None)
@given(markup=READ.filter(lambda text: "&" not in text and "\r" not in text))
def test_a_structure_has_the_tree_of_its_mail(markup):
    """Also for hostile HTML: a word has no effect on what stands where."""
    structure, words = structure_of(markup)

    def joined(nodes):
        texts = [one if isinstance(one, str) else f"<{one}>" for one in nodes]
        return "".join(texts)

    assert joined(flat(structure, words)) == joined(flat(markup))


@settings(max_examples=50, deadline=None)
@given(first=READ, second=READ)
def test_a_text_is_deterministic_and_clean(first, second):
    """It depends on its mail alone; no blank lines follow each other, none is at an end."""
    part = TextPart()
    part.of(second)
    written = part.of(first)
    assert written == text(first)
    assert "\ue000" not in written
    assert not written.endswith("\n")
    if "<pre" not in first:
        assert "\n\n\n" not in written
        assert not written.startswith("\n")


@pytest.mark.parametrize(
    "markup",
    ["<p>" * 100_001, "<p>" + "<b>" * 3_000 + "<p>x" * 3_000],
    ids=["tags", "copies"],
)
def test_html_that_takes_too_long_is_refused(markup):
    """A parser would take minutes or gigabytes."""
    with pytest.raises(HtmlFault):
        text(markup)


@pytest.mark.parametrize(
    "unit",
    ["<div>", "<table><tr><td>", "<ol><li>x", "<blockquote>x", "<a href=x><table><tr><td>y"],
)
def test_deep_html_gives_a_short_text(unit):
    """Elements that are nested thousands of times are not indented thousands of times."""
    markup = unit * (300 if "<a" in unit else 5_000) + "end"
    written = text(markup)
    assert written.endswith("end") or "end (x)" in written
    assert len(written) < 20 * len(markup)


@pytest.mark.parametrize(
    "markup",
    [
        "<svg><style><p>x",
        "<svg><title><b>x</b></title></svg>",
        "<math><script>a<b</script></math>",
        "<svg><style/>x</svg>",
        "<svg><![CDATA[<b>]]></svg>",
        "<svg></svg><math><style>a<b",
    ],
)
def test_code_in_an_svg_is_refused(markup):
    """In it ``<style>`` has tags, and a word could change what stands where."""
    with pytest.raises(HtmlFault, match="use an image"):
        text(markup)


@pytest.mark.parametrize(
    "markup",
    [
        "<svg><title>Logo</title></svg>x",
        "<svg></svg><style>a > b {}</style>x",
        "</svg><style>a<b</style>x",
    ],
)
def test_other_svgs_are_read(markup):
    """A title in words, and styles after it."""
    assert text(markup).endswith("x")
