"""Where a value must not stand in HTML, and where a link must not lead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailframe as mf
from mailframe.templating.links import link_faults
from mailframe.templating.lint import lint_html

from .composing import codes, compose, frame

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
    "tel:+1",
    "sms:+1",
    "#top",
    "/path:with/colon",
    "?a=b:c",
    "//acme.example",
    "",
    "a/b",
]
MARKUP = ["&#106;avascript:x", "&#x6A;avascript:x", "java&Tab;script:x", "javascript&colon;x", "java&#10;script:x"]


@pytest.mark.parametrize("url", UNSAFE)
@pytest.mark.parametrize("quote", ['"', "'"])
def test_an_unsafe_link_from_a_cell_is_a_problem_of_its_row(url, quote):
    """However it is spelled, in each attribute that a mail follows."""
    body = f"<a HREF={quote}{{{{ v }}}}{quote}>x</a>"
    df = frame(v=[url, "https://acme.example"])
    assert compose(df, html_body=body).problems()[["row", "code"]].to_numpy().tolist() == [[0, "unsafe_link"]]


@pytest.mark.parametrize(
    "attribute", ["href", "src", "xlink:href", "action", "formaction", "background", "poster", "HrEf"]
)
@pytest.mark.parametrize("markup", [*UNSAFE, *MARKUP])
def test_every_attribute_is_looked_at(attribute, markup):
    """Also where the letter itself brings the address, with entities that a browser would read."""
    assert list(link_faults(f'<x a="b" {attribute} = "{markup}">'))
    if " " not in markup and "\n" not in markup and "\t" not in markup and ">" not in markup:
        assert list(link_faults(f"<x {attribute}={markup}>"))


@pytest.mark.parametrize("url", SAFE)
def test_a_safe_link_passes(url):
    """No scheme, or one of the mail's own."""
    assert codes(frame(v=[url]), html_body='<a href="{{ v }}">x</a><img src="{{ v }}">') == []


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
def test_what_is_no_link_is_not_looked_at(markup):
    """Nor is an inline picture refused."""
    assert not list(link_faults(markup))


def test_unescaped_data_is_looked_at_in_any_case_of_its_letters():
    """Where a cell may bring its own markup, no attribute name of the template can be relied on."""
    df = frame(v=['<a HREF="javascript:x">'])
    assert "unsafe_link" in codes(df, html_body="{{ v | safe }}")
    assert "unsafe_link" in codes(df, html_body=lambda d: d["v"])
    assert "unsafe_link" in codes(df, html_body=mf.Letter(html_body=df["v"]).html_body)


@given(st.text("<>/!-[]=\"' \n{}%#ahrefsycriptl&;", max_size=60))
def test_the_lint_never_breaks(source):
    """It accepts or refuses; whatever the markup, it ends."""
    try:
        lint_html(source + "{{ v }}", name="html_body")
    except mf.errors.LetterError as error:
        assert str(error).startswith("html_body, line ")  # noqa: PT017 - either outcome is right
