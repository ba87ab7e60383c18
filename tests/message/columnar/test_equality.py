"""The columnar way makes the same messages and problems as the plain way, or leaves rows to it."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe.message.binding import bind
from mailframe.message.columnar.chunks import PLAIN
from tests.composing import cells, frame
from tests.message.columnar.both_ways import assert_same
from tests.message.columnar.fuzz import compare_one


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.randoms(use_true_random=False))
def test_random_letters_over_random_frames(random):
    """Whatever a letter does and whatever a frame holds; ``python -m tests.message.columnar.fuzz`` runs more."""
    with tempfile.TemporaryDirectory() as folder:
        compare_one(random, Path(folder))


def left(
    files: dict[str, str] | None = None,
    *,
    chunk_rows: int = 1,
    live: bool = False,
    columns: dict[str, Any] | None = None,
    **fields: Any,
) -> int:
    """The number of rows that are left to the plain way, once both ways were compared."""
    columns = {"plan": ["free", "team"], "name": ["Ann", "Bob"], **(columns or {})}
    rows = max(map(len, columns.values()))
    columns = {
        name: (list(values) * rows)[:rows] if len(values) < rows else values
        for name, values in columns.items()
    }
    letter = {"sender": "me@acme.example", "to": "{{ email }}", "subject": "Hi {{ plan }}"}
    letter |= {"text_body": "Hi"} if "html_body" not in fields else {}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (files or {}).items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        bound = bind(mf.Letter(folder=Path(folder), **(letter | fields)), frame(**columns))
        return assert_same(bound, live=live, chunk_rows=chunk_rows)


EQUAL = cells(1, True, 1.0, Decimal("1.1"), Decimal("1.10"), 0.0, -0.0, Decimal("-0.0"), "1", False)


@pytest.mark.parametrize("rows", [1, 2, 3, 10])
@pytest.mark.parametrize(
    "template", ["{{ x | default('') }}", "{{ x ~ plan }}", "{{ row['x'] ~ '' }}"]
)
def test_equal_values_of_different_types_are_not_the_same(template, rows):
    """``1 == True == 1.0``; in one chunk of an object column, and in different ones."""
    assert left(text_body=f"a{template}", columns={"x": EQUAL}, chunk_rows=rows) == 0


@pytest.mark.parametrize(
    "dtype", ["Int64", "float64", "float32", "category", "object", "int64[pyarrow]"]
)
def test_numbers_of_each_dtype(dtype):
    """Each dtype has keys of its own."""
    x = pd.Series([0, 1, 0, 1, 2, 2], dtype="Int64").astype(dtype)
    assert left(text_body="a{{ x | string }}", columns={"x": x}, chunk_rows=2) == 0


def test_two_hours_of_a_fold_differ():
    """The same wall clock, before and after the clock is set back."""
    stamps = pd.to_datetime(["2026-10-25 00:30", "2026-10-25 01:30"]).tz_localize("UTC")
    columns = {"x": stamps.tz_convert("Europe/Berlin")}
    assert left(text_body="a{{ x | string }}", columns=columns) == 0


@pytest.mark.parametrize("body", ["\n{{ x }}\n", "{{ x }}", " {% if x %}{{ x }}{% endif %}"])
@pytest.mark.parametrize("part", ["html_body", "text_body"])
def test_a_blank_body(part, body):
    """White space of the template is no text."""
    assert left(columns={"x": ["", "y"]}, **{part: body}) == 1


OWN = [
    "{{ mailframe_row | upper }}",
    "{% if mailframe_row is defined %}1{% else %}2{% endif %}{{ name | upper }}",
    "{% if mailframe_rows is defined and name %}1{% else %}2{% endif %}",
]


@pytest.mark.parametrize("body", OWN)
@pytest.mark.parametrize(
    "columns", [{}, {"mailframe_row": ["a", "b"]}, {"mailframe_rows": ["a", "b"]}]
)
def test_the_names_of_the_loop_over_the_rows_are_no_names_of_a_letter(body, columns):
    """A column may have such a name, or a template may test it."""
    if "mailframe_row " in body and "is defined" not in body and "mailframe_row" not in columns:
        return
    left(text_body=f"a{body}", columns=columns)


PLACES = {
    "a loop before a set": "{% for i in [1] %}{{ plan | default('u') }}{% endfor %}{% set plan = name %}",
    "a macro before a set": "{% macro m() %}{{ plan | default('u') }}{% endmacro %}{{ m() }}{% set plan = name %}",
    "a set of a block before a macro": "{% macro m() %}{{ v | default('u') }}{% endmacro %}"
    "{% block a %}{% set v = name %}{{ v }}{{ m() }}{% endblock %}",
    "an inner set hides an outer one": "{% set v = name %}{% with %}{% for i in [1] %}{{ v | default('u') }}"
    "{% endfor %}{% set v = 2 %}{% endwith %}",
    "a block hides a set": "{% set v = name %}{% block a %}{% for i in [1] %}{{ v | default('u') }}{% endfor %}"
    "{% set v = 2 %}{% endblock %}",
    "a name before its set": "{{ plan }}{% set plan = name %}{{ plan }}",
    "a set in a branch": "{% if name == 'Ann' %}{% set plan = name %}{% endif %}{{ plan }}",
    "a set in autoescape": "{% autoescape true %}{% set v = name %}{% endautoescape %}{{ v | default('u') }}",
    "an iterator": "{% set v = ['a', 'b'] | map('upper') %}{{ v | join }}|{{ v | join }}{{ name }}",
    "an iterator in a list": "{% set v = [['a'] | map('upper')] | list %}{{ v[0] | join }}|{{ v[0] | join }}",
    "a namespace": "{% set ns = namespace(n=0) %}{% for i in [1] %}{% set ns.n = 1 %}{% endfor %}{{ ns.n }}",
    "two parts of a loop": "{% for i in [1, 2] %}{{ loop.index }}{{ name }}{% endfor %}",
    "a loop variable like a column": "{% for plan in [1] %}{{ plan }}{% endfor %}{{ plan }}",
    "a parameter like a column": "{% macro m(plan) %}{{ plan }}{% endmacro %}{{ m(1) }}{{ plan }}",
    "a macro like a column": "{% macro plan() %}{{ name }}{% endmacro %}{{ plan() }}",
}


@pytest.mark.parametrize("body", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("part", ["text_body", "html_body"])
def test_what_a_name_means_depends_on_its_place(part, body):
    """As jinja2 decides it for the whole template."""
    assert left(**{part: f"a{body}"}) == 0


FOLDERS = {
    "a namespace of a library": (
        "{% import 'lib' as l %}{{ l.count(name) }}{{ l.count(name) }}",
        "{% set ns = namespace(n=0) %}"
        "{% macro count(x) %}{% set ns.n = ns.n + 1 %}{{ ns.n }}{{ x }}{% endmacro %}",
    ),
    "an iterator of a library": (
        "{% import 'lib' as l %}{{ l.v | join(name) }}{{ l.v | join(name) }}|",
        "{% set v = ['a', 'b'] | map('upper') %}",
    ),
    "row in an included template": (
        "{% include 'lib' %}{{ row.get('plan') }}",
        "{% set z = 1 %}{% if row is defined %}R{% else %}N{% endif %}{{ name }}",
    ),
    "a column of row in an included template": (
        "{% include 'lib' %}",
        "{% set z = 1 %}{{ row['plan'] }}",
    ),
    "a set of the parent": (
        "{% extends 'lib' %}{% set v = plan %}{% macro m() %}{{ v }}{% endmacro %}"
        "{% block a %}{{ m() }}{{ v }}{% endblock %}",
        "a{% set v = name %}{% block a %}{% endblock %}",
    ),
    "a set after an import": (
        "{% import 'lib' as l with context %}{% set plan = name %}{{ l.greet() }}",
        "{% macro greet() %}{{ plan }}{% endmacro %}",
    ),
}


@pytest.mark.parametrize(("body", "library"), FOLDERS.values(), ids=FOLDERS)
def test_templates_of_a_folder(body, library):
    """A template sees what it sees in the plain way."""
    assert left({"lib": library}, text_body=f"{body} " if "extends" in body else f"a{body}") == 0


@pytest.mark.parametrize("units", [-1, 0, 1])
def test_limits_of_a_text_in_two_pieces(units):
    """2,000 of a subject, 1,000 of a tag and 80 of metadata, in UTF-16."""
    for field, most in (("subject", 2_000), ("tag", 1_000)):
        columns = {"x": ["x" * (most + units - 2)] * 2}
        assert left(columns=columns, **{field: "😀{{ x }}"}) == (2 if units > 0 else 0)
    columns = {"x": ["x" * (80 + units - 2)] * 2}
    assert left(columns=columns, metadata={"a": "😀{{ x }}"}) == (2 if units > 0 else 0)


CUTS = {
    "an entity": ("<p>x{{ x | safe }}{{ y }}", ["&", "&l", "&lt;"], ["lt;b>", "t;b>", "b>"]),
    "a scheme": (
        "<a href='{{ x }}{{ y }}'>z</a>",
        ["javascript", "https", "java"],
        [":x", "://a.example", ":y"],
    ),
    "a tag": (
        "<p>x{{ x | safe }}{{ y | safe }}",
        ["<a hre", "b", "c"],
        ["f='javascript:x'>", "d", "e"],
    ),
    "a surrogate pair": ("<p>x{{ x }}{{ y }}", ["\ud83d", "a", "b"], ["\ude00", "c", "d"]),
}


@pytest.mark.parametrize(("body", "x", "y"), CUTS.values(), ids=CUTS)
def test_what_is_wrong_only_together(body, x, y):
    """Two pieces, each of which is harmless."""
    columns = {"x": cells(*x), "y": cells(*y)}
    left(columns=columns, html_body=body, metadata={"a": "{{ plan }}"})


def test_an_extra_that_no_row_needs_is_not_asked_for():
    """The row fails before; in the plain way it never gets to the filter that needs Babel."""
    columns = {"x": cells(None, None), "day": ["2026-01-01"] * 2}
    assert left(columns=columns, text_body="{{ x }}{{ day | date(locale='xx') }}") == 2


def test_each_row_has_its_own_limits():
    """A chunk may take more steps than one row."""
    columns = {"x": range(400)}
    body = "a{% for i in range(600) %}{% if loop.last %}{{ x }}{% endif %}{% endfor %}"
    assert left(columns=columns, text_body=body, chunk_rows=50) == 0


def test_the_plain_way_can_be_forced(monkeypatch):
    """Then every row goes it."""
    monkeypatch.setenv(PLAIN, "1")
    assert left(text_body="{{ name }}", chunk_rows=2) == 2
