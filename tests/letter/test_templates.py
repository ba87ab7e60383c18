"""Templates: their features, Postmark's placeholders, and the names that they use."""

from __future__ import annotations

import datetime as dt

import pytest

import mailframe as mf
from mailframe.errors import LetterError
from tests.composing import code_of, compose, frame, payloads, text_of


@pytest.mark.parametrize(
    ("template", "printed"),
    [
        ("{{ 'Order 12345 * {}'.format(5) }}", "Order 12345 * 5"),
        ("{{ '%.2f of %s' % (1.005, 3.0) }}", "1.00 of 3"),
        ("{{ '{:,.2f}'.format(12345.678) }}", "12,345.68"),
        ("{{ '{:>8}|{:%d.%m.}'.format('x', when) }}", "       x|02.01."),
        ("{{ '%05.1f'|format(3.14159) }}", "003.1"),
        ("{{ '{{}} {}'.format(1) }}", "{} 1"),
        ("{{ '100%%' % () }}{{ '50%' }}", "100%50%"),
        ("{{ when.strftime('%d %B') }} {{ when.year }}", "02 January 2026"),
        ("{{ when|date }}", "2 January 2026"),
        ("{{ when|date('%-d.%-m.%y, %#d %B, %-j, %%-d') }}", "2.1.26, 2 January, 2, %-d"),
        ("{{ (when + (when - when)).isoformat() }}", "2026-01-02T03:04:00"),
        ("{{ ', '.join(items) }} {{ items|join('-') }}", "p, q p-q"),
        ("{{ items|length }}{{ items[0] }}{{ items|last }}", "2pq"),
        ("{{ d.k }}{{ d['k'] }}{{ d.get('k') }}{{ d.get('x', 'y') }}", "111y"),
        ("{% for k, v in d.items() %}{{ k }}={{ v }}{% endfor %}", "k=1"),
        (
            (
                "{% for x in items %}{{ loop.index }}/{{ loop.length }}{{ loop.cycle('a', 'b') }}"
                "{% endfor %}"
            ),
            "1/2a2/2b",
        ),
        (
            (
                "{% for x in [1, [2, [3]]] recursive %}{{ loop(x) if x is iterable else x }}"
                "{% endfor %}"
            ),
            "123",
        ),
        (
            (
                "{% macro m(a, b=2) %}{{ a }}{{ b }}{{ caller() }}{% endmacro %}{% call m(1) %}!"
                "{% endcall %}"
            ),
            "12!",
        ),
        ("{% macro m() %}{{ varargs|join }}{{ kwargs.x }}{% endmacro %}{{ m(1, 2, x=3) }}", "123"),
        ("{% block a %}A{% endblock %}{{ self.a() }}", "AA"),
        (
            (
                "{% set ns = namespace(n=0) %}{% for i in range(5) %}{% set ns.n = ns.n + i %}"
                "{% endfor %}{{ ns.n }}"
            ),
            "10",
        ),
        (
            "{% set a, b = 1, 2 %}{{ a + b }}{{ 7 // 2 }}{{ 7 % 4 }}{{ 2 ** 8 }}{{ 7 / 2 }}",
            "3332563.5",
        ),
        (
            "{{ [3, 1, 2]|sort|join }}{{ [1, 1]|unique|join }}{{ [1, 2]|sum }}{{ [1, 2]|max }}",
            "123132",
        ),
        ("{{ [{'a': 1}, {'a': none}]|selectattr('a')|map(attribute='a')|join }}", "1"),
        (
            "{{ dict(a=1).a }}{{ {'a': [1, 2]}|tojson }}{{ true|tojson }}{{ none|tojson }}",
            '1{"a":[1,2]}truenull',
        ),
        ("{{ 'a b'|title|replace(' ', '') }}{{ ' x '|trim }}{{ 'x'|center(5)|length }}", "ABx5"),
        ("{{ true }} {{ false }} {{ 1 == 1 }} {{ not 1 }}", "yes no yes no"),
        ("{% raw %}{{ x }}{% endraw %}{# {{ x }} #}", "{{ x }}"),
        ("{% with a = 1 %}{{ a }}{% endwith %}{% filter upper %}x{% endfilter %}", "1X"),
        (
            "{{ 12345.678|number(1) }} {{ 3|money('USD') }} {{ 1234567|number }}",
            "12,345.7 $3.00 1,234,567",
        ),
        (
            (
                "{{ 'ß'.upper() }}{{ 'a,b'.split(',')|last }}{{ 'x'.zfill(3) }}"
                "{{ 'ab'.replace('a', 'b') }}"
            ),
            "SSb00xbb",
        ),
    ],
)
def test_a_valid_template_works(template, printed):
    """All features for writing letters work."""
    values = {"when": dt.datetime(2026, 1, 2, 3, 4), "items": ["p", "q"], "d": {"k": 1}}  # noqa: DTZ001 - naive as most are
    assert text_of(template, **values) == printed


@pytest.mark.sampled(3)
@pytest.mark.parametrize("holder", ["unsubscribe", "unsubscribe_url", " pm", "x y", "date"])
@pytest.mark.parametrize(
    "template",
    [
        "P",
        "P {{ v }}",
        "<a href='P'>{{ v }}</a>",
        '<a href="P">{{ v }}</a>',
        "<a href=P>{{ v }}</a>",
        "{% raw %}P{% endraw %}",
        "{{ 'P'|safe }}{{ v }}",
        "{% set l = 'P'|safe %}{{ l }}",
        "{% set l %}P{% endset %}{{ l }}",
        "{% macro m() %}P{% endmacro %}{{ m() }}",
        "{% macro m(x='P') %}{{ x|safe }}{% endmacro %}{{ m() }}",
        "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}P{% endcall %}",
        "{% block b %}P{% endblock %}",
        "{% if v %}P{% endif %}",
        "{% for x in [1] %}P{% endfor %}",
        "{% filter trim %}P{% endfilter %}",
        "{{ v ~ 'P'|safe }}",
        "{{ ['P'|safe, v]|join }}",
        "{{ {'P': 'P'|safe}['P'] }}",
        "{{ v if v == 'P' else 'P'|safe }}",
    ],
)
@pytest.mark.parametrize("part", ["html_body", "text_body"])
def test_every_placeholder_of_postmark_survives(template, holder, part):
    """It is not changed at any position."""
    placeholder = f"{{{{{{ pm:{holder} }}}}}}"
    assert placeholder in text_of(template.replace("P", placeholder), part=part, v="x")


def test_a_placeholder_survives_in_the_subject_and_in_every_spelling():
    """It has no spaces, another name, or Jinja's braces next to it; comments are removed."""
    source = "{{{pm:unsubscribe}}}{{{pm:x}}}{{ v }}{{{ pm:y }}}{# {{{ pm:z }}} #}"
    assert text_of(source, part="subject", v="-") == "{{{pm:unsubscribe}}}{{{pm:x}}}-{{{ pm:y }}}"
    assert (
        text_of("<a href='{{ unsubscribe_url }}'>", part="html_body")
        == "<a href='{{{ pm:unsubscribe }}}'>"
    )
    assert text_of("{{ unsubscribe_url }}", part="text_body") == "{{{ pm:unsubscribe }}}"


def test_the_marks_of_placeholders_are_data_in_a_cell():
    """The marks of placeholders are data in a cell, and refused in a template."""
    assert text_of("{{ v }}", v="\ufdd0 pm:x \ufdd1") == "\ufdd0 pm:x \ufdd1"
    with pytest.raises(mf.errors.LetterError, match="noncharacter"):
        compose(frame(), text_body="\ufdd0")


@pytest.mark.parametrize(
    ("template", "used"),
    [
        ("{% set name = name | default('x') %}{{ name }}", "Ann"),
        ("{% if name is defined %}{{ name }}{% endif %}", "Ann"),
        ("{% for name in [1] %}{% endfor %}{{ name }}", "Ann"),
        ("{% macro m(name) %}{% endmacro %}{{ name }}", "Ann"),
        ("{% if false %}{% set name = 'x' %}{% endif %}{{ name }}", "Ann"),
        ("{% for k, v in row.items() %}{{ v }}{% endfor %}", "p0@acme.exampleAnn"),
        ("{{ row.get('name') }}{{ row|length }}", "Ann2"),
        ("{% set key = 'name' %}{{ row[key] }}", "Ann"),
    ],
)
def test_a_column_is_used_even_if_the_template_sets_its_name(template, used):
    """Setting, testing or shadowing a name does not hide the column of that name."""
    assert text_of(template, name="Ann") == used


def test_a_column_that_may_be_missing_is_tested():
    """``is defined`` tests it; ``default`` alone does not, since a name may be misspelled."""
    assert text_of("{% if coupon is defined %}{{ coupon }}{% endif %}-") == "-"
    with pytest.raises(mf.errors.LetterError, match="no such column: 'coupon'"):
        compose(frame(), text_body="{{ coupon | default('x') }}")


def test_rendering_is_deterministic():
    """The same frame and letter have the same bytes."""
    df = frame(3, v=[{"b": 1, "a": 2}] * 3)
    body = "{{ v | tojson }}{% for k in v %}{{ k }}{% endfor %}{{ [3, 1] | unique | join }}"
    assert payloads(df, text_body=body) == payloads(df, text_body=body)


def test_an_error_has_its_line_and_its_file(tmp_path):
    """This includes an included file."""
    (tmp_path / "body.txt").write_text("one\n{% include 'part.txt' %}")
    (tmp_path / "part.txt").write_text("\n\n{{ v }}")
    (tmp_path / "letter.toml").write_text('sender = "me@acme.example"\nto = "{{ email }}"')
    df = frame(v=[None])
    problems = compose(
        df, letter=mf.Letter.load(tmp_path), text_body="{% include 'part.txt' %}"
    ).problems()
    assert problems["detail"][0].startswith("part.txt, line 3: column 'v' has no value")
    assert code_of("{{ v.strftime('%d').nope }}", v=dt.date(2026, 1, 1)) == "undefined_name"


@pytest.mark.parametrize(
    ("template", "printed"),
    [
        ("{% filter default(x, true) %}{% endfilter %}", "&lt;b onclick=x&gt;"),
        ("{% filter replace('N', x) %}<p>N</p>{% endfilter %}", "<p>&lt;b onclick=x&gt;</p>"),
        ("{% filter upper %}<i>{{ x }}</i>{% endfilter %}", "<I>&LT;B ONCLICK=X&GT;</I>"),
        ("{% set y | default(x, true) %}{% endset %}{{ y }}{{ x }}", "&lt;b onclick=x&gt;" * 2),
        ("{% set y %}<p>{{ x }}</p>{% endset %}{{ y }}", "<p>&lt;b onclick=x&gt;</p>"),
        (
            "{% macro m() %}<p>{{ caller() }}</p>{% endmacro %}{% call m() %}{{ x }}{% endcall %}",
            "<p>&lt;b onclick=x&gt;</p>",
        ),
    ],
)
def test_a_cell_is_escaped_in_every_block(template, printed):
    """jinja2 does not escape the results of filter blocks and filtered set blocks."""
    assert payloads(frame(x=["<b onclick=x>"]), html_body=template)[0]["HtmlBody"] == printed


def test_a_call_block_only_calls_macros():
    """The result of a method of a cell would not be escaped."""
    assert (
        code_of("{% call x.format() %}{% endcall %}", part="html_body", x="<b>") == "template_error"
    )


LIGATURE = {"fi": "one", "\ufb01": "two"}
"""Two columns; the second name is the ligature of f and i."""


@pytest.mark.parametrize(
    "template",
    [
        "{{ fi }}\n{{ \ufb01 }}",
        "{{ \ufb01 }}\n{% if fi %}x{% endif %}",
        "{% set \ufb01 = 1 %}\n{{ fi }}",
        "{% macro \ufb01() %}{% endmacro %}\n{{ fi }}",
        "{% macro m(\ufb01) %}{% endmacro %}\n{{ fi }}",
    ],
)
@pytest.mark.parametrize("part", ["html_body", "text_body", "subject"])
def test_two_names_that_python_reads_as_one_are_refused(template, part):
    """Without the check, one column prints the other's value."""
    with pytest.raises(LetterError) as caught:
        compose(frame().assign(**LIGATURE), **{part: template})
    line = f"{part}, line 2: "
    assert str(caught.value).startswith(line)
    assert str(caught.value).removeprefix(line) in {
        f"{one!r} and {other!r} are one name in Python; write row['\ufb01'] if it is a column, or "
        "choose another name"
        for one, other in [("fi", "\ufb01"), ("\ufb01", "fi")]
    }


@pytest.mark.parametrize(
    ("template", "printed"), [("{{ \ufb01 }}", "two"), ("{{ fi }} {{ row['\ufb01'] }}", "one two")]
)
def test_such_a_name_works_alone_and_in_row(template, printed):
    """A name alone cannot be taken for another, and ``row`` takes the exact name."""
    assert text_of(template, **LIGATURE) == printed


def test_a_name_that_only_a_filtered_set_block_has_is_a_clear_error():
    """In jinja2 it is an AssertionError."""
    with pytest.raises(mf.errors.LetterError, match=r"text_body.*'x'"):
        compose(frame(x=["a"]), text_body="{% set y | replace('N', x) %}N{% endset %}{{ y }}")


@pytest.mark.parametrize(
    ("template", "printed"),
    [
        ("{% set t | int %}{{ k }}{% endset %}{{ t * 2 }}", "6"),
        ("{% set t | int %}{{ k }}{% endset %}{% if t == 3 %}three{% endif %}", "three"),
        ("{% set t | length %}{% endset %}{% if t %}some{% else %}none{% endif %}", "none"),
        ("{% set t | list %}ab{% endset %}{{ t | join('-') }}", "a-b"),
    ],
)
def test_a_filtered_set_block_keeps_the_value_of_its_filter(template, printed):
    """A number stays a number if values are not escaped."""
    assert text_of(template, k=3) == printed


@pytest.mark.parametrize(
    ("template", "printed"),
    [
        ("{% filter wordwrap(76) %}<p>Dear {{ n }}</p>{% endfilter %}", "<p>Dear A &amp; B</p>"),
        (
            "{% filter wordwrap(9, wrapstring='<br>') %}{{ n }} C{% endfilter %}",
            "A &amp; B&lt;br&gt;C",
        ),
        ("{% filter title %}dear {{ n }}{% endfilter %}", "Dear A &amp; B"),
        ("{% filter indent(2) | trim %}<p>{{ n }}</p>{% endfilter %}", "<p>A &amp; B</p>"),
    ],
)
def test_html_that_a_filter_block_wraps_is_escaped_once(template, printed):
    """Text that is escaped inside is not escaped again."""
    made = payloads(frame(n=["A & B"]), html_body=template)[0]["HtmlBody"]
    assert made.replace("\n", " ").split() == printed.split()
