"""The filters plural, nl2br and urlize, and the statements do, break and continue."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mailframe.errors import LetterError
from tests.composing import MISSING, code_of, codes, compose, frame, text_of
from tests.message.columnar.both_ways import assert_same


@pytest.mark.parametrize(
    ("count", "word"),
    [
        (1, "seat"), (1.0, "seat"), ("1", "seat"), (Decimal("1.0"), "seat"), (-1, "seat"),
        (0, "seats"), (2, "seats"), (1.5, "seats"), (0.5, "seats"), ("1,5", None), (True, None),
    ],
)  # fmt: skip
def test_plural_is_the_word_for_a_count(count, word):
    """A text that is no number, and a boolean, are errors."""
    template = "{{ n | plural('seat') }}"
    if word is None:
        assert code_of(template, n=count) == "template_error"
    else:
        assert text_of(template, n=count) == word


def test_plural_takes_another_word():
    """For people and children."""
    assert text_of("{{ n }} {{ n | plural('child', 'children') }}", n=3) == "3 children"


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\rb"])
def test_nl2br_keeps_lines_in_html(text):
    """Whatever the line ends are; in text parts nothing changes."""
    assert text_of("<p>{{ v | nl2br }}</p>", part="html_body", v=text) == "<p>a<br>\nb</p>"
    assert text_of("{{ v | nl2br }}", v=text) == text


def test_nl2br_escapes_the_text():
    """Text that is escaped already is not escaped twice."""
    value = "<b>\n&"
    assert text_of("{{ v | nl2br }}", part="html_body", v=value) == "&lt;b&gt;<br>\n&amp;"
    assert text_of("{{ v | e | nl2br }}", part="html_body", v=value) == "&lt;b&gt;<br>\n&amp;"


def test_urlize_makes_links_in_html():
    """Of web and email addresses; in text parts nothing changes."""
    value = "see https://a.example/?x=1&y=2 or ann@example.com"
    html = text_of("{{ v | urlize(rel='noopener') }}", part="html_body", v=value)
    assert '<a href="https://a.example/?x=1&amp;y=2"' in html
    assert '<a href="mailto:ann@example.com">ann@example.com</a>' in html
    assert text_of("{{ v | urlize }}", v=value) == value


@pytest.mark.parametrize(
    "value",
    [
        "<script>alert(1)</script>",
        "https://a.example/\"onclick='x'",
        "javascript:alert(1)",
        "<a href='javascript:x'>y</a>",
        "http://a.example/<b>",
    ],
)
def test_urlize_adds_no_other_markup(value):
    """A cell cannot end the link."""
    html = text_of("{{ v | urlize }}", part="html_body", v=value)
    assert "<script" not in html
    assert "<b>" not in html
    assert 'href="javascript' not in html
    assert "'x'" not in html.replace("&#39;", "")


@pytest.mark.parametrize("name", ["nl2br", "urlize", "plural('x')"])
@pytest.mark.parametrize("value", MISSING.values(), ids=MISSING)
def test_a_missing_value_is_an_error(name, value):
    """In every filter."""
    assert code_of(f"{{{{ v | {name} }}}}", v=value) == "missing_value"
    assert code_of(f"{{{{ v | {name} }}}}", part="html_body", v=value) == "missing_value"


def test_links_of_urlize_are_checked():
    """A link that a cell makes is checked as one in the template is."""
    df = frame(v=["https://a.example", "www"] * 600)
    campaign = compose(
        df,
        html_body="<p>{{ v | urlize }}</p><a href='https://b.example'>x</a>",
        text_body="b.example",
    )
    assert campaign.problems().empty
    assert assert_same(campaign._composed.bound) == 0


def test_long_text_is_refused_by_urlize():
    """Its time grows faster than the text."""
    assert codes(frame(v=["x" * 250_001]), html_body="{{ v | urlize }}") == ["template_error"]


def test_break_and_continue_leave_a_loop():
    """As in Python."""
    template = (
        "{% for x in items %}{% if x == 2 %}{% continue %}{% endif %}"
        "{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}"
    )
    assert text_of(template, items=[1, 2, 3, 4, 5]) == "13"


@pytest.mark.parametrize(
    "tag",
    [
        "{% break %}",
        "{% continue %}",
        "{% if email %}{% break %}{% endif %}",
        "{% for x in [] %}{% else %}{% break %}{% endfor %}",
        "{% for x in [1] %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}",
        "{% for x in [1] %}{% block b %}{% continue %}{% endblock %}{% endfor %}",
    ],
)
def test_break_outside_of_a_loop_is_refused(tag):
    """With its line."""
    with pytest.raises(LetterError, match=r"text_body, line 2: \{% \w+ %\} is outside of a loop"):
        compose(frame(), text_body=f"a\n{tag}")


def test_do_evaluates_and_prints_nothing():
    """An error in it is an error of the row."""
    assert text_of("a{% do v | upper %}b", v="x") == "ab"
    assert code_of("{% do v | upper %}", v=None) == "missing_value"
