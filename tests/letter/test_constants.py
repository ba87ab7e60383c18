"""Constants of a letter: the same in each row, in every template, and no data."""

from __future__ import annotations

import copy
import datetime as dt
import pickle

import pandas as pd
import pytest

import mailframe as mf
from mailframe.errors import LetterError
from tests.composing import compose, frame, payloads
from tests.message.columnar.both_ways import assert_same


def pickled(letter):
    """A letter after a round trip."""
    return pickle.loads(pickle.dumps(letter))  # noqa: S301 - our own


def test_constants_are_variables_of_every_part():
    """Address, subject, bodies, metadata."""
    [payload] = payloads(
        frame(),
        constants={"company": "Smith & Sons", "year": 2026, "until": dt.date(2026, 12, 31)},
        sender="{{ company }} <me@acme.example>",
        subject="{{ company }} {{ year }}",
        html_body="<p>{{ company }} {{ until | date }}</p>",
        metadata={"year": "{{ year }}"},
    )
    assert payload["From"] == "Smith & Sons <me@acme.example>"
    assert payload["Subject"] == "Smith & Sons 2026"
    assert payload["HtmlBody"] == "<p>Smith &amp; Sons 31 December 2026</p>"
    assert payload["Metadata"] == {"year": "2026"}


def test_constants_can_stand_where_values_cannot(tmp_path):
    """Inside style, as a name of an attribute, in an imported macro without context."""
    (tmp_path / "m.html").write_text(
        "{% macro dot() %}<i style=color:{{ brand }}>.</i>{% endmacro %}"
    )
    [payload] = payloads(
        frame(),
        html_body="{% import 'm.html' as m %}<style>a{color:{{ brand }}}</style>{{ m.dot() }}",
        constants={"brand": "#0b5"},
        folder=tmp_path,
    )
    assert payload["HtmlBody"] == "<style>a{color:#0b5}</style><i style=color:#0b5>.</i>"


def test_a_constant_with_quotes_in_a_style_is_refused_with_what_to_write():
    """It would be printed as an entity, which CSS does not read."""
    constants = {"font": "'Helvetica Neue', sans-serif"}
    with pytest.raises(LetterError, match=r"write \{\{ … \| safe \}\}"):
        compose(frame(), html_body="<style>p{font:{{ font }}}</style>", constants=constants)
    campaign = compose(
        frame(), html_body="<style>p{font:{{ font | safe }}}</style>", constants=constants
    )
    assert "font:'Helvetica Neue'" in campaign.messages()["HtmlBody"].iloc[0]
    assert campaign.problems().empty


@pytest.mark.parametrize(
    "template",
    [
        "{{ colors.team }}",
        "{{ colors['team'] }}",
        "{{ colors.get(plan, '#000') }}",
        "{% for name, color in colors.items() %}{{ color }}{% endfor %}",
        "{{ names | join(', ') }}{{ names[0] | upper }}",
        "{% if names %}{{ names | length }}{% endif %}",
    ],
)
def test_lists_and_dicts_are_constants_too(template):
    """In text and in HTML, on both paths."""
    constants = {"colors": {"team": "#0b5"}, "names": ["Ann & Co", "Bob"]}
    campaign = compose(
        frame(plan=["team"] * 1200), html_body=template, subject=template, constants=constants
    )
    assert campaign.problems().empty
    assert assert_same(campaign._composed.bound) == 0


@pytest.mark.parametrize(
    "template",
    [
        "{% set brand = '#000' %}{{ brand }}",
        "{% for brand in [1] %}{{ brand }}{% endfor %}",
        "{% macro brand() %}{% endmacro %}",
        "{% import 'm.html' as brand %}",
        "{% from 'm.html' import x as brand %}",
        "{% set brand %}x{% endset %}",
        "{% with brand = 1 %}{% endwith %}",
    ],
)
def test_a_template_cannot_set_the_name_of_a_constant(tmp_path, template):
    """It would mean two things."""
    (tmp_path / "m.html").write_text("{% macro x() %}{% endmacro %}")
    with pytest.raises(LetterError, match="html_body, line 1 sets 'brand', which is a constant"):
        compose(frame(), html_body=template, constants={"brand": "#0b5"}, folder=tmp_path)


def test_a_parameter_of_a_macro_can_have_the_name_of_a_constant():
    """Inside the macro it is the parameter."""
    [payload] = payloads(
        frame(),
        html_body="{% macro m(brand) %}{{ brand }}{% endmacro %}{{ m('a') }}",
        constants={"brand": "#0b5"},
    )
    assert payload["HtmlBody"] == "a"


def test_a_column_with_the_name_of_a_constant_is_refused():
    """The template could mean either."""
    with pytest.raises(LetterError, match="'company': both a constant of the letter and a column"):
        compose(frame(company=["x"]), constants={"company": "Acme"})


@pytest.mark.parametrize(
    "value", [None, float("nan"), pd.NaT, b"x", {1, 2}, object(), pd.DataFrame()]
)
def test_a_constant_that_templates_cannot_use_is_refused(value):
    """With its name."""
    with pytest.raises(LetterError, match="the constant 'x' is"):
        compose(frame(), constants={"x": value})


@pytest.mark.parametrize(
    ("constants", "error"),
    [
        ({"my brand": 1}, "'my brand' is not a name"),
        ({"_x": 1}, "'_x' is not a name"),
        ({"class-name": 1}, "is not a name"),
        ([1], "constants is a list; give a dict"),
        ({"row": 1}, "'row' is a name of Jinja or mailframe"),
        ({"loop": 1}, "'loop' is a name of Jinja or mailframe"),
        ({"unsubscribe_url": 1}, "'unsubscribe_url' is a name of Jinja or mailframe"),
        ({"true": 1}, "'true' is a name of Jinja or mailframe"),
        ({"gettext": 1}, "'gettext' is a name of Jinja or mailframe"),
    ],
)
def test_names_that_cannot_be_constants_are_refused(constants, error):
    """When the letter is made or bound."""
    with pytest.raises(LetterError, match=error):
        compose(frame(), constants=constants)


def test_constants_of_a_folder_are_a_table_of_letter_toml(tmp_path):
    """Text, numbers, dates, lists and tables of TOML."""
    (tmp_path / "body.txt").write_text("{{ company }} {{ since | date }} {{ sizes | join('-') }}")
    (tmp_path / "letter.toml").write_text(
        'sender = "me@acme.example"\nto = "{{ email }}"\nsubject = "x"\n'
        "[constants]\ncompany = 'Acme'\nsince = 1999-05-01\nsizes = [1, 2]\n"
    )
    letter = mf.Letter.load(tmp_path)
    assert payloads(frame(), letter=letter)[0]["TextBody"] == "Acme 1 May 1999 1-2"


def test_a_letter_with_constants_is_copied_and_pickled():
    """And cannot be changed."""
    letter = mf.Letter(text_body="{{ x.a }}", constants={"x": {"a": 1}})
    for made in (copy.copy(letter), copy.deepcopy(letter), pickled(letter)):
        assert dict(made.constants) == {"x": {"a": 1}}
        with pytest.raises(TypeError):
            made.constants["y"] = 1


def test_another_constant_is_another_campaign():
    """Its fingerprint differs; without constants, it is that of before."""
    made = {
        value: compose(frame(), subject="{{ c }}", constants={"c": value}).fingerprint
        for value in ("a", "b", 1, "1")
    }
    assert len(set(made.values())) == len(made)


def test_a_masked_preview_shows_constants():
    """They are text of the letter, and no data."""
    campaign = compose(
        frame(name=["Zoë"]), subject="{{ company }}: {{ name }}", constants={"company": "Acme"}
    )
    page = campaign.preview(static=True, mask=True)._repr_html_()
    assert "Acme: Xxx" in page
