"""Filters of the user in a letter: plain values in and out, escaped, limited, deterministic."""

from __future__ import annotations

import datetime as dt
import itertools
import pickle
from decimal import Decimal

import pandas as pd
import pytest
from jinja2 import pass_environment
from markupsafe import Markup

import mailframe as mf
from mailframe.errors import LetterError, MailframeError
from tests.composing import MISSING, cells, compose, frame, payloads
from tests.message.columnar.both_ways import assert_same


def printed(template, filters, part="text_body", **columns):
    """What a template prints for one row, with these filters."""
    df = frame(**{name: cells(value) for name, value in columns.items()})
    field = {"text_body": "TextBody", "html_body": "HtmlBody"}[part]
    [payload] = payloads(df, filters=filters, **{part: template})
    return payload[field]


def problem(template, filters, **columns):
    """The code and the detail of the one problem of one row."""
    df = frame(**{name: cells(value) for name, value in columns.items()})
    [row] = compose(df, text_body=template, filters=filters).problems().to_dict("records")
    return row["code"], row["detail"]


def test_a_filter_gets_the_value_and_its_arguments():
    """Positional and keyword arguments, constants and values."""

    def between(value, before, *, after="!"):
        return f"{before}{value}{after}"

    text = printed("{{ n | between('<', after=name) }}", {"between": between}, n=5, name="Z")
    assert text == "<5Z"


@pytest.mark.parametrize(
    ("returned", "shown"),
    [
        (5.0, "5"),
        (True, "yes"),
        (Decimal("1.10"), "1.10"),
        (dt.date(2026, 11, 2), "2026-11-02"),
        (pd.Timestamp("2026-11-02 09:30"), "2026-11-02 09:30"),
        ("text", "text"),
    ],
)
def test_what_a_filter_returns_is_printed_like_a_cell(returned, shown):
    """Plain values of every type, also those of pandas."""
    assert printed("{{ n | made }}", {"made": lambda _: returned}, n=1) == shown


@pytest.mark.parametrize("text", ["<b>x</b>", Markup("<b>x</b>")])
def test_what_a_filter_returns_is_escaped(text):
    """Also Markup: data is data."""
    made = printed("<p>{{ n | made }}</p>", {"made": lambda _: text}, part="html_body", n=1)
    assert made == "<p>&lt;b&gt;x&lt;/b&gt;</p>"


def test_a_filter_cannot_change_a_cell():
    """It gets a copy of a list."""

    def emptied(items):
        items.clear()
        return len(items)

    text = printed("{{ items | emptied }}{{ items | length }}", {"emptied": emptied}, items=[1, 2])
    assert text == "02"


def test_a_list_that_a_filter_returns_can_be_looped_over():
    """As a cell can."""
    filters = {"halves": lambda text: text.split("-")}
    assert printed("{% for x in v | halves %}{{ x }};{% endfor %}", filters, v="a-b") == "a;b;"


@pytest.mark.parametrize("value", MISSING.values(), ids=MISSING)
def test_a_missing_value_does_not_reach_a_filter(value):
    """It is the error that it always is."""
    code, detail = problem("{{ v | shout }}", {"shout": lambda _: "never"}, v=value)
    assert code == "missing_value"
    assert "column 'v' has no value" in detail


@pytest.mark.parametrize("value", MISSING.values(), ids=MISSING)
def test_a_missing_value_that_a_filter_returns_can_have_a_default(value):
    """Without one it is an error that names the filter."""
    filters = {"none": lambda _: value}
    assert printed("{{ v | none | default('d') }}", filters, v=1) == "d"
    code, detail = problem("{{ v | none }}", filters, v=1)
    assert code == "missing_value"
    assert "filter 'none' returned no value" in detail


def test_a_missing_value_in_a_list_is_none_for_a_filter():
    """So that Python code can test it."""
    filters = {"count": lambda items: sum(item is None for item in items)}
    assert printed("{{ v | count }}", filters, v=["a", None, float("nan")]) == "2"


def test_an_error_in_a_filter_is_a_problem_of_its_row():
    """With the name of the error and the line."""
    df = frame(n=[1, 0, 2])
    campaign = compose(df, text_body="a\n{{ n | inverse }}", filters={"inverse": lambda n: 1 / n})
    [row] = campaign.problems().to_dict("records")
    assert (row["row"], row["code"]) == (1, "template_error")
    assert row["detail"].startswith("line 2: ZeroDivisionError")


def test_an_object_that_a_filter_returns_is_an_error():
    """It names the filter and the type."""
    code, detail = problem("{{ n | framed }}", {"framed": lambda n: pd.DataFrame([n])}, n=1)
    assert code == "template_error"
    assert "the filter 'framed' returned a DataFrame" in detail


def test_a_filter_that_is_not_deterministic_is_refused():
    """Two calls with the same value differ."""
    numbers = itertools.count()
    code, detail = problem("{{ n | counted }}", {"counted": lambda _: next(numbers)}, n=1)
    assert code == "unsafe_template"
    assert "the filter 'counted' gave 0 and then 1" in detail


def test_what_a_filter_builds_counts_towards_the_limits():
    """20 million characters for a row."""
    code, _ = problem("{{ n | long }}", {"long": lambda _: "x" * 20_000_001}, n=1)
    assert code == "template_limit"


def test_a_filter_can_replace_one_of_mailframe_or_jinja():
    """The letter's authors know what they want."""
    assert printed("{{ n | money }}", {"money": lambda n: f"{n} coins"}, n=3) == "3 coins"


@pytest.mark.parametrize(
    ("filters", "error"),
    [
        ({"safe": str}, "'safe' has a fixed meaning"),
        ({"default": str}, "'default' has a fixed meaning"),
        ({"my filter": str}, "'my filter' is not a name"),
        ({"_hidden": str}, "'_hidden' is not a name"),
        ({"a-b": str}, "'a-b' is not a name"),
        ({1: str}, "1 is not a name"),
        ({"x": "text"}, "'x' is a str; give a function"),
        (["x"], "filters is a list; give a dict"),
        ({"x": pass_environment(lambda env, value: value)}, "asks Jinja for its context"),
    ],
)
def test_filters_that_cannot_work_are_refused(filters, error):
    """When the letter is made, with the name."""
    with pytest.raises(LetterError, match=error.replace("(", r"\(")):
        mf.Letter(filters=filters)


def test_an_unknown_filter_suggests_one_of_the_letter():
    """The letter's own filters are in the list of names."""
    with pytest.raises(LetterError, match="did you mean shout"):
        compose(frame(), text_body="{{ email | shuot }}", filters={"shout": str.upper})


def test_filters_of_a_folder_are_in_a_python_file(tmp_path):
    """What it imports, and names with an underscore, are no filters."""
    (tmp_path / "body.txt").write_text("{{ email | shout }}")
    (tmp_path / "letter.toml").write_text(
        'sender = "me@acme.example"\nto = "{{ email }}"\nsubject = "x"\nfilters = "filters.py"\n'
    )
    (tmp_path / "filters.py").write_text(
        "from textwrap import dedent\n\ndef _mark(): return '!'\n\n"
        "def shout(value): return value.upper() + _mark()\n"
    )
    letter = mf.Letter.load(tmp_path)
    assert list(letter.filters) == ["shout"]
    again = pickle.loads(pickle.dumps(letter))  # noqa: S301 - our own
    for one in (letter, again):
        assert payloads(frame(), letter=one)[0]["TextBody"] == "P0@ACME.EXAMPLE!"


@pytest.mark.parametrize(
    ("setting", "source", "error"),
    [
        ("'filters.py'", "1 / 0", "ZeroDivisionError"),
        ("'filters.py'", "def broken(:", "SyntaxError"),
        ("'filters.py'", "x = 1", "defines no function"),
        ("'../filters.py'", "def f(v): return v", "outside the letter's folder"),
        ("'filters.txt'", "", "write the name of a Python file"),
        ("['shout']", "", "write the name of a Python file"),
        ("'other.py'", "", "No such file"),
    ],
)
def test_a_python_file_that_has_no_filters_is_refused(tmp_path, setting, source, error):
    """With the path and the reason."""
    folder = tmp_path / "letter"
    folder.mkdir()
    (folder / "body.txt").write_text("x")
    (folder / "letter.toml").write_text(f"filters = {setting}\n")
    (folder / "filters.py").write_text(source)
    (tmp_path / "filters.py").write_text(source)
    with pytest.raises(LetterError, match=error):
        mf.Letter.load(folder)


def test_a_lambda_cannot_be_pickled_and_the_error_names_the_filter():
    """As for other functions of a letter."""
    letter = mf.Letter(text_body="x", filters={"shout": lambda value: value})
    with pytest.raises(MailframeError, match=r"filters\.shout"):
        pickle.dumps(letter)


@pytest.mark.parametrize("values", [["a", "b"] * 600, [f"v{n}" for n in range(1200)]])
def test_filters_make_the_same_messages_on_the_columnar_path(values):
    """Whether values repeat or not."""
    filters = {"shout": str.upper, "twice": lambda value: [value, value]}
    campaign = compose(
        frame(v=values),
        html_body="<p>{{ v | shout }}{% for x in v | twice %}{{ x }}{% endfor %}</p>",
        subject="{{ v | shout }}",
        filters=filters,
    )
    assert assert_same(campaign._composed.bound) == 0


@pytest.mark.parametrize(
    "template",
    [
        "{{ items | map(attribute='name') | listed }}",
        "{{ items | selectattr('n', '>', 0) | map(attribute='name') | listed('and') }}",
        "{{ items | map(attribute='name') | list | listed }}",
    ],
)
def test_a_filter_gets_what_map_and_select_made_as_a_list(template):
    """The first calls are made twice, and a generator can be read once."""

    def listed(names, word="and"):
        *first, last = names
        return f"{', '.join(first)} {word} {last}"

    items = [{"name": "tea", "n": 1}, {"name": "cup", "n": 2}, {"name": "pot", "n": 3}]
    assert printed(template, {"listed": listed}, items=items) == "tea, cup and pot"
