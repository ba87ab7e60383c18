"""Unsafe and incomplete links of HTML bodies and templates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailframe as mf
from mailframe.letter.lint.body_links import LinkReader
from mailframe.letter.lint.values_in_html import lint_html
from tests.composing import codes, compose, frame

UNSAFE = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " javascript:alert(1)",
    "\x01javascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "vbscript:x",
    "data:text/html,<script>",
    "file:///etc/passwd",
    "ftp://x.example",
    "x-apple:y",
]
SAFE = [
    "https://acme.example/a?b=c&d=e:f",
    "HTTP://ACME.EXAMPLE",
    "mailto:a@acme.com",
    "mailto:?subject=x",
    "tel:+1",
    "sms:+1",
    "http://[::1]/",
    "http://acme",
    " https://acme.example",
]
INCOMPLETE = {
    "www.acme.example": "https://www.acme.example",
    "acme.example/x": "relative",
    "acme.example:8080/x": "https://acme.example:8080/x",
    "localhost:3000": "https://localhost:3000",
    "images/logo.png": "relative",
    "/path:with/colon": "relative",
    "./a": "relative",
    "?a=b:c": "relative",
    "//acme.example": "https://acme.example",
    "": "empty",
    "  ": "empty",
    "http://": "no host",
    "https:///x": "no host",
    "https:acme.example": "no host",
    "HTTP:/acme.example": "no host",
    "http//acme.example": "relative",
    "info@acme.example": "mailto:info@acme.example",
    "info@acme.example?subject=x": "mailto:info@acme.example?subject=x",
    "mailto:": "nothing after mailto:",
    "tel: ": "nothing after tel:",
}
MARKUP = [
    "&#106;avascript:x",
    "&#x6A;avascript:x",
    "java&Tab;script:x",
    "javascript&colon;x",
    "java&#10;script:x",
]


@pytest.mark.parametrize("url", UNSAFE)
@pytest.mark.parametrize("quote", ['"', "'"])
def test_an_unsafe_link_from_a_cell_is_a_problem_of_its_row(url, quote):
    """Every spelling is found, in each attribute with a URL."""
    body = f"<a HREF={quote}{{{{ v }}}}{quote}>x</a>"
    df = frame(v=[url, "https://acme.example"])
    errors = compose(df, html_body=body).problems().query("severity == 'error'")
    assert errors[["row", "code"]].to_numpy().tolist() == [[0, "unsafe_link"]]


@pytest.mark.parametrize(
    "attribute",
    ["href", "src", "xlink:href", "action", "formaction", "background", "poster", "HrEf"],
)
@pytest.mark.parametrize("markup", [*UNSAFE, *MARKUP])
def test_every_attribute_is_checked(attribute, markup):
    """This includes URLs of the template, with entities that a browser decodes."""
    assert LinkReader().read(f'<x a="b" {attribute} = "{markup}">').unsafe
    if " " not in markup and "\n" not in markup and "\t" not in markup and ">" not in markup:
        assert LinkReader().read(f"<x {attribute}={markup}>").unsafe


@pytest.mark.parametrize("url", SAFE)
def test_a_safe_link_passes(url):
    """It is a complete URL with a safe scheme."""
    markup = '<a href="{{ v }}">x</a><img src="{{ v }}" alt="">'
    assert codes(frame(v=[url]), html_body=markup) == []


HIDDEN = [
    '<a hr{% if true %}ef="{{ v }}"{% endif %}>x</a>',
    '<a {% if true %}hr{% endif %}ef="{{ v }}">x</a>',
    '<a h{# comment #}ref="{{ v }}">x</a>',
    '<a {% raw %}hr{% endraw %}ef="{{ v }}">x</a>',
    '{% filter replace("q", "h") %}<a qref="{{ v }}">x</a>{% endfilter %}',
    '{% filter lower %}<a HREF="{{ v }}">x</a>{% endfilter %}',
    '{% set tag %}<a qref="{{ v }}">x</a>{% endset %}{{ tag | replace("q", "h") }}',
    '<object data="{{ v }}"></object>',
    '<meta http-equiv="refresh" content="0;url={{ v }}">',
    '<meta http-equiv="refresh" content="0; {{ v }}">',
    '<meta content="0;URL=\'{{ v }}\'" http-equiv="&#114;efresh">',
    '<button formaction="{{ v }}">x</button>',
    '<form action="{{ v }}"></form>',
    '<svg><a xlink:href="{{ v }}">x</a></svg>',
    '<svg><set attributeName="href" to="{{ v }}"/></svg>',
    '<svg><animate attributeName="href" values="#a;{{ v }}"/></svg>',
    '<img srcset="https://acme.example/1 1x, {{ v }} 2x">',
    '<td background="{{ v }}">x</td>',
    '<video poster="{{ v }}"></video>',
    '<base href="{{ v }}">',
    "<td style=\"background:url('{{ v }}')\">x</td>",
    '<a title="a>b" href="{{ v }}">x</a>',
    '<a title="a<b" href="{{ v }}">x</a>',
    "<p don't><a href=\"{{ v }}\">it's</a>",
    '<a\nhref\n=\n"{{ v }}">x</a>',
    '<a/href="{{ v }}">x</a>',
    '<a title="x"href="{{ v }}">x</a>',
    '<!-- --!><a href="{{ v }}">x</a>',
]


@pytest.mark.parametrize("body", HIDDEN)
@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "VBScript:x", "\x01java\tscript:x"]
)
def test_a_link_that_runs_code_is_an_error_in_every_form_of_the_template(body, url):
    """The rendered HTML is checked, not the template."""
    if "srcset" in body:
        url = url.replace("\t", "")  # white space ends a candidate
    problems = compose(frame(v=[url, "https://acme.example"]), html_body=body).problems()
    assert problems.query("code == 'unsafe_link'")["row"].tolist() == [0]


@pytest.mark.parametrize(
    "body",
    [
        "<style>a{background:url(java\\73 cript:x)}</style>",
        '<style>@import "javascript:x";</style>',
        '<td style="background:url&lpar;javascript:x)">',
        "<td style='background:URL( \"javascript:x\" )'>",
    ],
)
def test_code_in_css_is_an_error(body):
    """CSS escapes are decoded."""
    assert "unsafe_link" in codes(frame(), html_body=body)


@pytest.mark.parametrize(("url", "words"), INCOMPLETE.items())
def test_a_link_or_image_that_mail_clients_cannot_open_is_a_warning_of_its_row(url, words):
    """It has no scheme or host, or is relative or empty; the detail says what to write."""
    df = frame(v=["https://acme.example", url])
    for body in (
        '<a href="{{ v }}">x</a>',
        '<img src="{{ v }}" alt="">',
        "<td background='{{ v }}'>",
    ):
        problems = compose(df, html_body=body).problems()
        assert problems[["row", "code", "severity"]].to_numpy().tolist() == [
            [1, "incomplete_link", "warning"]
        ]
        assert words in problems["detail"][0]


@pytest.mark.parametrize(
    "markup",
    [
        '<a href="#top">x</a><a href="#">x</a>',
        '<a name="top">x</a>',
        '<img src="data:image/png;base64,AAAA" alt="">',
        '<img src="cid:a" alt="">',
        '<a href="{{{ pm:unsubscribe }}}">x</a><a href="{{ unsubscribe_url }}">x</a>',
        '<!-- <a href="draft.html">x</a> -->',
        "<p>write src = here, or href=there</p>",
        '<a href="https://acme.example/?src=mail&amp;href=x">x</a>',
        '<a title="href=x" href="https://acme.example">x</a>',
        '<svg><use xlink:href="#shape"/></svg>',
        "<style>a{background:url(https://acme.example/a.png)} b{fill:url(#c)}</style>",
        '<img srcset="https://acme.example/a,b.png 1x, https://acme.example/c.png 2x" alt="">',
        '<a href="{% if true %}https://acme.example{% else %}www.b.example{% endif %}">x</a>',
        '<a href="http{% if true %}s{% endif %}://acme.example">x</a>',
        """<td style="background:url({{ 'https://acme.example/' ~ email }})">x</td>""",
        """<td style="background:url('{{ 'https://acme.example/' ~ email }}')">x</td>""",
        """<td style='background:url( "{{ 'https://acme.example/' ~ email }}" )'>x</td>""",
        '<meta name="description" content="Note: relative/paths are fine">',
        '<html xmlns:o="urn:schemas-microsoft-com:office:office"><v:roundrect href="https://acme.example">',
    ],
)
def test_a_complete_link_has_no_warning(markup):
    """Text that only looks like a link is ignored."""
    inline = mf.Attachment("a.png", b"x", content_id="a", optional=True)
    others = {"different_links", "unsupported_image"}
    assert set(codes(frame(), html_body=markup, attachments=inline)) <= others


@pytest.mark.parametrize(
    "markup",
    [
        '<a href="www.acme.example">x</a>',
        '<a href="www.acme.example/{{ email }}">x</a>',
        '<a href="images/{% if true %}a{% endif %}.html">x</a>',
        "<style>a{background:url(bg.png)}</style>",
        '<td style="background:url(bg.png)">x</td>',
        '<img srcset="a.png 1x, https://acme.example/b.png 2x" alt="">',
        '<!--[if mso]><v:fill src="bg.png"/><![endif]-->',
        '<object data="a.swf"></object>',
        '<link rel="stylesheet" href="style.css">',
    ],
)
def test_an_incomplete_link_of_the_template_is_reported_once(markup):
    """It is one warning of the letter with the line, not a warning of each row."""
    problems = compose(frame(3), html_body="<p>\n</p>" + markup).problems()
    assert problems["code"].tolist() == ["incomplete_link"]
    assert problems["row"].isna().all()
    assert problems["detail"][0].startswith("html_body, line 2: ")


def test_the_suggested_link_is_complete():
    """The suggested URL has no warning."""
    for url, words in INCOMPLETE.items():
        if "://" in words or words.startswith("mailto"):
            assert codes(frame(v=[url]), html_body='<a href="{{ v }}">x</a>') == ["incomplete_link"]
            assert codes(frame(v=[words]), html_body='<a href="{{ v }}">x</a>') == []


@pytest.mark.parametrize(
    ("start", "scheme"), [("//cdn.acme.example/", "https:"), ("www.acme.example/", "https://")]
)
def test_a_long_url_is_not_shortened_in_the_suggestion(start, scheme):
    """A shortened URL would be a different one."""
    [detail] = compose(frame(), html_body=f'<a href="{start}{"a" * 60}">x</a>').problems()["detail"]
    assert detail.endswith(f"has no scheme; write {scheme} in front of it")


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="data:image/png;base64,AAAA">',
        '<a data-href="javascript:x">',
        '<a href="{{{ pm:unsubscribe }}}">',
        "<p>href or src: nothing</p>",
        "<p>write src = here</p>",
    ],
)
def test_text_that_is_not_a_link_is_ignored(markup):
    """An inline image is accepted."""
    assert not LinkReader().read(markup).unsafe


def test_problems_of_links_come_in_their_order_in_the_body():
    """Also if one link is the beginning of another; not in the order of a set of texts."""
    urls = [f"x{number}(" + more for number in range(20, 40) for more in ("(", "")]
    faults = LinkReader().read("".join([f"<a href={url}" for url in urls])).incomplete
    assert [fault.url for fault in faults] == urls


def test_unescaped_data_is_checked_in_upper_and_lower_case():
    """An unescaped cell can have any attribute name."""
    df = frame(v=['<a HREF="javascript:x">'])
    assert "unsafe_link" in codes(df, html_body="{{ v | safe }}")
    assert "unsafe_link" in codes(df, html_body=lambda d: d["v"])
    assert "unsafe_link" in codes(df, html_body=mf.Letter(html_body=df["v"]).html_body)


@given(st.text("<>/!-[]=\"' \n{}%#ahrefsycriptl&;", max_size=60))
def test_the_lint_never_breaks(source):
    """It accepts or refuses any markup, and always ends."""
    try:
        lint_html(source + "{{ v }}", name="html_body")
    except mf.errors.LetterError as error:
        assert str(error).startswith("html_body, line ")  # noqa: PT017 - either outcome is right
