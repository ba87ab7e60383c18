"""Masked output contains no cell: no mail, no page, no saved notebook."""

from __future__ import annotations

import base64
import html
import re
from datetime import date
from decimal import Decimal
from urllib.parse import quote

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe.review.preview.masking import masked
from mailframe.review.preview.row_view import RowView
from tests.composing import cells, compose, frame
from tests.expressions import col
from tests.review.preview.reading import composed_of, plain, widget_texts

SHAPES = {
    "plain": "{{ a }}",
    "after text": "Dear {{ a }}, welcome",
    "filters": (
        "{{ a | upper }}{{ a | lower }}{{ a | title }}{{ a | capitalize }}{{ a | trim }"
        "}{{ a | reverse }}"
    ),
    "center": (
        "{{ a | center(40) }}{{ a | indent(2) }}{{ a | truncate(3, true, '') }}{{ a | "
        "wordwrap(2) }}"
    ),
    "urlencode": "{{ a | urlencode }}",
    "safe": "{{ a | safe }}",
    "escape": "{{ a | e }}{{ a | escape | safe }}{{ a | forceescape }}",
    "tojson": "{{ a | tojson }}{{ items_ | tojson }}{{ {'k': a} | tojson }}",
    "join": "{{ items_ | join(', ') }}{{ ', '.join(items_) }}{{ [a, b] | join(a) }}",
    "list": "{% for one in items_ %}{{ loop.index }}. {{ one }}{% endfor %}",
    "loop of letters": "{% for one in a %}{{ a }}{% endfor %}",
    "cycle": "{% for one in items_ %}{{ loop.cycle(a, b) }}{% endfor %}",
    "previous": (
        "{% for one in items_ %}{{ loop.previtem | default('') }}{{ loop.nextitem | "
        "default('') }}{% endfor %}"
    ),
    "recursive": "{% for one in [items_, items_] recursive %}"
    "{% if one is string %}{{ one }}{% else %}{{ loop(one) }}{% endif %}{% endfor %}",
    "first": "{{ items_ | first }}{{ items_ | last }}{{ items_ | sort | first }}{{ items_[0] }}",
    "slices": "{{ a[0:] }}{{ a[:4] }}",
    "batch": "{% for part in items_ | batch(1) %}{{ part | join }}{% endfor %}",
    "map": (
        "{{ items_ | map('upper') | join }}{{ items_ | unique | join }}{{ items_ | select | join }}"
    ),
    "groupby": (
        "{% for key, group in [{'k': a}] | groupby('k') %}{{ key }}{{ group[0].k }}{% endfor %}"
    ),
    "concatenation": "{{ 'x' ~ a ~ b }}{{ a + b }}{{ 'x' + a }}",
    "percent": "{{ '%s and %s' % (a, b) }}{{ '%(k)s' % {'k': a} }}",
    "format": "{{ '%s' | format(a) }}{{ 'Hi {}'.format(a) }}{{ 'Hi {k}'.format(k=a) }}",
    "replace": "{{ 'Hi NAME' | replace('NAME', a) }}{{ 'Hi NAME'.replace('NAME', a) }}",
    "default": "{{ nothing_ | default(a) }}{{ '' | default(a, true) }}",
    "condition": "{{ a if b else a }}{{ a or b }}{{ '' or a }}",
    "set": "{% set text = a %}{{ text }}{% set ns = namespace(k=a) %}{{ ns.k }}",
    "set block": "{% set text %}Dear {{ a }}{% endset %}{{ text }}{{ text | upper }}",
    "set filter": "{% set text | upper %}Dear {{ a }}{% endset %}{{ text }}",
    "with": "{% with text = a %}{{ text }}{% endwith %}",
    "macro": "{% macro m(x) %}Dear {{ x }}{% endmacro %}{{ m(a) }}{{ m(a) | upper }}{{ m(a) ~ b }}",
    "macro with a default": (
        "{% macro m(x=a) %}{{ x }}{{ varargs | join }}{% endmacro %}{{ m() }}{{ m(a, b) }}"
    ),
    "macro plus": "{% macro m() %}Hi {% endmacro %}{{ m() + a }}{{ a + m() }}",
    "macro percent": "{% macro m() %}Hi %s{% endmacro %}{{ m() % a }}{{ m() | format(a) }}",
    "macro format": "{% macro m() %}Hi {}{% endmacro %}{{ m().format(a) }}",
    "macro replace": (
        "{% macro m() %}Hi NAME{% endmacro %}{{ m().replace('NAME', a) }}{{ m() "
        "| replace('NAME', a) }}"
    ),
    "macro join": "{% macro m() %}-{% endmacro %}{{ [a, b] | join(m()) }}{{ m().join([a, b]) }}",
    "macro in a macro": (
        "{% macro n(x) %}{{ x }}{% endmacro %}{% macro m(x) %}{{ n(x) + x }}{%"
        " endmacro %}{{ m(a) }}"
    ),
    "call block": "{% macro m() %}<i>{{ caller(a) }}</i>{{ caller('') + a }}{% endmacro %}"
    "{% call(x) m() %}Dear {{ x }}{{ b }}{% endcall %}",
    "filter block": "{% filter upper %}Dear {{ a }}{% endfilter %}",
    "filter block with a value": "{% filter replace('NAME', a) %}Hi NAME{% endfilter %}",
    "filter block of nothing": "{% filter default(a, true) %}{% endfilter %}",
    "filter block in a macro": (
        "{% macro m() %}{% filter replace('N', a) %}N{% endfilter %}{% endmacro %}{{ m() }}"
    ),
    "filter blocks": (
        "{% filter upper %}{% filter replace('N', a) %}N{% endfilter %}{% endfilter %}"
    ),
    "block": "{% block one %}Dear {{ a }}{% endblock %}{{ self.one() }}{{ self.one() + a }}",
    "block replaced": "{% block one %}NAME{% endblock %}{{ self.one().replace('NAME', a) }}",
    "autoescape off": "{% autoescape false %}{{ a }}{% macro m() %}N{% endmacro %}{{ "
    "m().replace('N', a) }}"
    "{% endautoescape %}",
    "autoescape on": (
        "{% autoescape true %}{{ a }}{% macro m() %}N{% endmacro %}{{ m() + a }}{% endautoescape %}"
    ),
    "raw": "{% raw %}{{ a }}{% endraw %}{{ a }}",
    "row": (
        "{{ row['a'] }}{{ row.a }}{% for name, one in row | dictsort if one is string %}{{ "
        "one }}{% endfor %}"
    ),
    "items": (
        "{% for key, value in {'k': a}.items() %}{{ value }}{% endfor %}{% for k in {a: "
        "1} %}{{ k }}{% endfor %}"
    ),
    "number": (
        "{{ n }}{{ n | money }}{{ n | number(2) }}{{ '%.2f' % n }}{{ n + 1 - 1 }}{{ '{:,"
        "}'.format(n) }}"
    ),
    "date": (
        "{{ d }}{{ d | date }}{{ d | date('%d%m%Y') }}{{ d.year }}{{ d.isoformat() }}{{ "
        "d.strftime('%Y%m%d') }}"
    ),
    "link": '<a href="https://acme.example/{{ a | urlencode }}?q={{ b }}">{{ a }}</a>'
    '<img alt="{{ a }}" src="https://acme.example/{{ b }}.png">',
    "attributes": '<p title="{{ a }}" style="color:{{ a }}">{{ b }}</p><!-- {{ a }} -->',
}
WHOLE = {
    "sender": "{{ a }} <{{ b | lower | urlencode }}@acme.example>",
    "to": "{{ a }} <{{ email }}>",
    "cc": ["{{ b }} <cc@example.com>"],
    "bcc": "bcc.{{ n }}@example.com",
    "reply_to": "{{ a }} <re@example.com>",
    "subject": "{{ a }} and {{ b }}",
    "tag": "{{ a }}",
    "metadata": {"k": "{{ a }}", "n": "{{ n }}"},
    "headers": {"X-K": "{{ b }}"},
    "attachments": [mf.Attachment("{{ a }}.txt", b"{{ a }}")],
    "text_body": "{{ a }} {{ b }} {{ items_ | join }} {{ n }} {{ d }}",
}
VALUE = st.text("qzjwQZJWäßÄЖж李雷7", min_size=4, max_size=9).filter(
    lambda text: re.search(r"[^\d]", text)
)


def people(a: str, b: str, *, rows: int = 2) -> pd.DataFrame:
    """The same person in every row, so that any row contains the values."""
    return pd.DataFrame(
        {
            "email": [f"{base64.b32encode(a.encode()).decode().rstrip('=').lower()}@example.com"]
            * rows,
            "a": cells(*[a] * rows),
            "b": cells(*[b] * rows),
            "items_": cells(*[[a, b]] * rows),
            "n": cells(*[73519] * rows),
            "d": cells(*[date(1973, 5, 19)] * rows),
            "x": cells(*[Decimal("84.26")] * rows),
        }
    ).set_axis(pd.MultiIndex.from_tuples([(a, b)] * rows))


def forms(*values: str) -> set[str]:
    """Each way in which a value could be written."""
    made = set()
    for value in values:
        for one in (
            value,
            value.lower(),
            value.upper(),
            value.title(),
            value.casefold(),
            value[::-1],
        ):
            made |= {
                one,
                html.escape(one),
                quote(one),
                repr(one)[1:-1],
                ascii(one)[1:-1],
                str(one.encode())[2:-1],
            }
            made.add(base64.b64encode(one.encode()).decode().rstrip("=")[:-1])
    return {form for form in made if masked(form) != form}


def leaks(text: str, secrets: set[str]) -> list[str]:
    """The forms that a text contains, also without its escapes."""
    opened = plain(text)
    return sorted(form for form in secrets if form in text or form in opened)


def of(df: pd.DataFrame) -> set[str]:
    """The forms of every value of the first row."""
    first = df.iloc[0]
    return forms(
        *(str(first[name]) for name in ("email", "a", "b", "n", "d", "x")),
        "73,519",
        "19 May 1973",
        "1973",
        "84.26",
    )


@pytest.mark.parametrize("part", ["html_body", "text_body"])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_shape_of_a_letter_lets_a_value_through(shape, part):
    """Through every construct of Jinja."""
    df = people("Wolfram", "Żółć-Jaźń")
    fields = {} if "nothing_" not in SHAPES[shape] else {"nothing_": None}
    made = compose(df.assign(**fields), **{"text_body": "Hi", part: SHAPES[shape]})
    real, shown = RowView(composed_of(made)).mail(0), RowView(composed_of(made), mask=True).mail(0)
    body = {"html_body": "html", "text_body": "text"}[part]
    assert leaks(repr(real), of(df)), "the control: without a mask it is there"
    assert [note.code for note in real.problems if note.is_error] == []
    assert getattr(shown, body), "a masked mail still has its body"
    assert leaks(repr(shown), of(df)) == []


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(a=VALUE, b=VALUE, shape=st.sampled_from(sorted(SHAPES)))
def test_no_value_is_in_anything_that_is_masked(a, b, shape, tmp_path):
    """The mail, the reprs, the saved fallback of a widget, the gallery and the approval page."""
    assume("xxx" not in (a + b).lower())
    df = people(a, b)
    if "nothing_" in SHAPES[shape]:
        df["nothing_"] = None
    made = compose(df, **WHOLE, html_body=SHAPES[shape], name="spring")
    secrets = of(df)
    assert leaks(repr(RowView(composed_of(made)).mail(0)), secrets)
    static = made.preview(mask=True, static=True)
    widget = made.preview(static=False)
    kept = widget._repr_mimebundle_()
    masked_widget = made.preview(mask=True, static=False)
    masked_widget._controls.view.value = "Data"
    gallery = made.gallery(mask=True)
    shown = {
        "repr": made._repr_html_(),
        "static": static._repr_html_() + repr(static),
        "kept": kept["text/html"] + kept["text/plain"],
        "widget": "".join(widget_texts(masked_widget)),
        "gallery": gallery.html + repr(gallery),
        "page": static.save(tmp_path / "page.html").read_text(encoding="utf-8"),
        **{
            view: repr(RowView(composed_of(made), mask=True).mail(position))
            for position, view in enumerate(("one", "two"))
        },
    }
    widget.close()
    masked_widget.close()
    assert {name: leaked for name, text in shown.items() if (leaked := leaks(text, secrets))} == {}


@pytest.mark.parametrize(
    "part",
    [
        "sender",
        "to",
        "cc",
        "subject",
        "tag",
        "html_body",
        "text_body",
        "metadata",
        "headers",
        "attachments",
    ],
)
def test_what_comes_from_the_frame_past_every_template_is_masked(part):
    """A callable, a Series and pd.col give a field as it is."""
    df = people("Wolfram", "Wolfram")
    address = part in ("sender", "to", "cc")
    df["v"] = [f"Wolfram <{mail}>" for mail in df["email"]] if address else df["a"]
    for value in (lambda given: given["v"], df["v"], col("v")):
        whole = {
            "metadata": {"k": value},
            "headers": {"X-K": value},
            "attachments": [mf.Attachment(value, b"Wolfram")],
        }
        if part == "attachments":
            df["v"] = "Wolfram.txt"
        made = compose(df, **{part: whole.get(part, value)})
        assert leaks(repr(RowView(composed_of(made)).mail(0)), forms("Wolfram"))
        assert leaks(repr(RowView(composed_of(made), mask=True).mail(0)), of(df)) == []


def test_the_branches_are_those_of_the_real_values():
    """Conditions, loops and defaults use the cells, not their shapes."""
    body = (
        "{% if a == 'Wolfram' %}EQUAL{% else %}OTHER{% endif %} {% if n > 70000 %}MANY{% endif %} "
        "{% for one in items_ %}ITEM{% endfor %} {% if a is defined %}HAS{% endif %} "
        "{% if d.year == 1973 %}YEAR{% endif %}"
    )
    mail = RowView(composed_of(compose(people("Wolfram", "b"), text_body=body)), mask=True).mail(0)
    assert mail.text == "EQUAL MANY ITEMITEM HAS YEAR"


def test_the_letters_own_words_stay():
    """Around the values, in macros, blocks, loops and filters alike."""
    body = (
        "Dear {{ a }}! {% macro m(x) %}Your plan: {{ x }}.{% endmacro %}{{ m(b) }} "
        "{% for one in [[a]] recursive %}{% if one is string %}Item {{ one }}{% else %}{{ "
        "loop(one) }}{% endif %}"
        "{% endfor %} {% block last %}Regards{% endblock %} {{ self.last() }}"
    )
    for part in ("html_body", "text_body"):
        made = compose(people("Wolfram", "Gold"), **{"text_body": "Hi", part: body})
        mail = RowView(composed_of(made), mask=True).mail(0)
        text = mail.html if part == "html_body" else mail.text
        assert text == "Dear Xxxxxxx! Your plan: Xxxx. Item Xxxxxxx Regards Regards"


def test_postmarks_own_link_stays():
    """It is not a value."""
    mail = RowView(
        composed_of(
            compose(
                people("a", "b"),
                html_body='<a href="{{ unsubscribe_url }}">x</a>{{{ pm:unsubscribe }}}',
            )
        ),
        mask=True,
    ).mail(0)
    assert mail.html == '<a href="{{{ pm:unsubscribe }}}">x</a>{{{ pm:unsubscribe }}}'


@pytest.mark.parametrize(
    "label", [482913, 4829.13, pd.Timestamp("1973-05-19"), "Wolfram", ("Wolfram", 482913)], ids=str
)
def test_the_label_is_masked_whatever_it_is(label):
    """A customer number or a date of birth identifies people as well as a name."""
    index = pd.MultiIndex.from_tuples([label]) if isinstance(label, tuple) else pd.Index([label])
    shows = RowView(composed_of(compose(frame().set_axis(index))), mask=True)
    assert shows.label(0) == "row at position 0"


def test_what_is_wrong_is_said_without_the_value():
    """The code and the field are shown, because they explain the problem."""
    mail = RowView(
        composed_of(compose(frame(x=cells("Wolfram Zwei")), to="{{ x }}")), mask=True
    ).mail(0)
    [note] = mail.problems
    assert (note.field, note.code, "Wolfram" in note.detail) == ("to", "invalid_address", False)


def test_a_switch_from_the_frame_stays_a_switch():
    """Yes and no have no shape."""
    made = compose(frame(x=cells(True)), track_opens=lambda given: given["x"])
    assert '"TrackOpens": true' in RowView(composed_of(made), mask=True).mail(0).payload


@given(text=st.text())
def test_a_shape_has_no_letter_and_no_digit_of_its_text(text):
    """Each letter is an x, each digit a 0, and the rest stays where it is."""
    shape = masked(text)
    assert len(shape) == len(text)
    for before, after in zip(text, shape, strict=True):
        assert after == before if not before.isalnum() else after in "xX0"
    assert masked(shape) == shape
