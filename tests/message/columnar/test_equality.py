"""The columnar path makes the same messages and problems as the row-by-row path, or leaves rows to it."""

from __future__ import annotations

import sys
import tempfile
import threading
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe.message.binding import bind
from mailframe.message.columnar import chunk
from mailframe.message.columnar.chunks import PLAIN, ChunkPreparer
from tests.composing import cells, frame
from tests.message.columnar.both_ways import assert_same, compare
from tests.message.columnar.fuzz import compare_one

if TYPE_CHECKING:
    from mailframe.message.binding import BoundLetter


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.randoms(use_true_random=False))
def test_random_letters_over_random_frames(random):
    """Whatever a letter does and whatever a frame holds; ``python -m tests.message.columnar.fuzz`` runs more."""
    with tempfile.TemporaryDirectory() as folder:
        compare_one(random, Path(folder))


def fallback_rows(
    files: dict[str, str] | None = None,
    *,
    chunk_rows: int = 1,
    live: bool = False,
    columns: dict[str, Any] | None = None,
    **fields: Any,
) -> int:
    """The number of rows that fall back to the row-by-row path, once both ways were compared."""
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
        comparison = compare(bound, live=live, chunk_rows=chunk_rows)
    assert comparison.columnar._columnar is not None, (
        "the letter as a whole takes the row-by-row path"
    )
    return comparison.columnar.plain_rows


EQUAL = cells(1, True, 1.0, Decimal("1.1"), Decimal("1.10"), 0.0, -0.0, Decimal("-0.0"), "1", False)


@pytest.mark.parametrize("rows", [1, 2, 3, 10])
@pytest.mark.parametrize(
    "template", ["{{ x | default('') }}", "{{ x ~ plan }}", "{{ row['x'] ~ '' }}"]
)
def test_equal_values_of_different_types_are_not_the_same(template, rows):
    """``1 == True == 1.0``; in one chunk of an object column, and in different ones."""
    assert fallback_rows(text_body=f"a{template}", columns={"x": EQUAL}, chunk_rows=rows) == 0


@pytest.mark.parametrize(
    "dtype", ["Int64", "float64", "float32", "category", "object", "int64[pyarrow]"]
)
def test_numbers_of_each_dtype(dtype):
    """Each dtype has keys of its own."""
    x = pd.Series([0, 1, 0, 1, 2, 2], dtype="Int64").astype(dtype)
    assert fallback_rows(text_body="a{{ x | string }}", columns={"x": x}, chunk_rows=2) == 0


def test_two_hours_of_a_fold_differ():
    """The same wall clock, before and after the clock is set back."""
    stamps = pd.to_datetime(["2026-10-25 00:30", "2026-10-25 01:30"]).tz_localize("UTC")
    columns = {"x": stamps.tz_convert("Europe/Berlin")}
    assert fallback_rows(text_body="a{{ x | string }}", columns=columns) == 0


@pytest.mark.parametrize("body", ["\n{{ x }}\n", "{{ x }}", " {% if x %}{{ x }}{% endif %}"])
@pytest.mark.parametrize("part", ["html_body", "text_body"])
def test_a_blank_body(part, body):
    """White space of the template is no text."""
    assert fallback_rows(columns={"x": ["", "y"]}, **{part: body}) == 1


OWN = [
    "{{ mailframe_row | upper }}",
    "{% if mailframe_row is defined %}1{% else %}2{% endif %}{{ name | upper }}",
    "{% if mailframe_rows is defined and name %}1{% else %}2{% endif %}",
]


ARMS = [
    ' class="vip"',
    "'",
    "<b>x</b>",
    "&amp;",
    "{{{ pm:unsubscribe }}}",
    "{{ '<' }}",
    "a\"{{ '<' }}",
]


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("part", ["html_body", "text_body", "subject"])
def test_the_templates_own_markup_in_a_branch_is_not_escaped(arm, part):
    """Only values are."""
    body = f"<p{{% if plan == 'free' %}}{arm}{{% endif %}}>{{{{ name }}}}"
    assert fallback_rows(**{"text_body": "a", part: body}, columns={"name": ["<Ann>", "Bob"]}) == 0


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        (body, {name: ["a", "b"] for name in names})
        for body in OWN
        for names in ([], ["mailframe_row"], ["mailframe_rows"])
        if "is defined" in body or names == ["mailframe_row"]
    ],
)
def test_the_names_of_the_loop_over_the_rows_are_no_names_of_a_letter(body, columns):
    """A column may have such a name, or a template may test it."""
    assert fallback_rows(text_body=f"a{body}", columns=columns) == 0


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
    assert fallback_rows(**{part: f"a{body}"}) == 0


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
    """A template sees what it sees on the row-by-row path."""
    assert (
        fallback_rows({"lib": library}, text_body=f"{body} " if "extends" in body else f"a{body}")
        == 0
    )


@pytest.mark.parametrize("units", [-1, 0, 1])
def test_limits_of_a_text_in_two_pieces(units):
    """2,000 of a subject, 1,000 of a tag and 80 of metadata, in UTF-16."""
    for field, most in (("subject", 2_000), ("tag", 1_000)):
        columns = {"x": ["x" * (most + units - 2)] * 2}
        assert fallback_rows(columns=columns, **{field: "😀{{ x }}"}) == (2 if units > 0 else 0)
    columns = {"x": ["x" * (80 + units - 2)] * 2}
    assert fallback_rows(columns=columns, metadata={"a": "😀{{ x }}"}) == (2 if units > 0 else 0)


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
    assert fallback_rows(columns=columns, html_body=body, metadata={"a": "{{ plan }}"}) >= 1


SPLIT = {
    "html_body": "<h1>{% block a %}{{ name }}{% endblock %}</h1>{% set v = name | upper %}{{ v }}"
    "{% if plan == 'free' %}<a href='https://a.example/{{ plan }}'>x</a>{% endif %}{% include 'lib' %}",
    "text_body": "{% for i in [1, 2] %}{{ i }}{{ name }}{% endfor %}{{ row['plan'] | default('-') }}",
}


def test_letters_of_every_day_are_split():
    """No part of them is rendered as a whole."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "lib").write_text("<p>{{ plan }}", encoding="utf-8")
        letter = mf.Letter(
            sender="me@acme.dev",
            to="{{ email }}",
            subject="{{ name }}",
            folder=Path(folder),
            **SPLIT,
        )
        bound = bind(letter, frame(plan=["free"], name=["Ann"]))
        columnar = ChunkPreparer(bound, min_rows=0)._columnar
    kinds = {type(piece).__name__ for part in columnar._parts.values() for piece in part.pieces}
    assert kinds == {"Constant", "Printed", "Evaluated", "Choice"}


def test_an_extra_that_no_row_needs_is_not_asked_for():
    """The row fails before; on the row-by-row path it never gets to the filter that needs Babel."""
    columns = {"x": cells(None, None), "day": ["2026-01-01"] * 2}
    assert fallback_rows(columns=columns, text_body="{{ x }}{{ day | date(locale='xx') }}") == 2


def test_each_row_has_its_own_limits(monkeypatch):
    """A chunk may take more steps than one row; a busy machine gets the time for it."""
    monkeypatch.setattr(chunk, "_LEAST_SECONDS", 60)
    columns = {"x": range(400)}
    body = "a{% for i in range(600) %}{% if loop.last %}{{ x }}{% endif %}{% endfor %}"
    assert fallback_rows(columns=columns, text_body=body, chunk_rows=50) == 0


LONG = "a{% set v = name | upper %}{% for i in range(n % 20) %}{{ v }}{% endfor %}{{ n | number }}{{ mixed | default('') }}"


def long_campaign(rows: int = 400) -> BoundLetter:
    """A letter with pieces of every kind, over rows whose values repeat."""
    columns = {"name": ["Ann", "Bob", "<Zoë>", "O'Hara"] * (rows // 4), "n": list(range(rows))}
    columns["mixed"] = cells(*[(1, True, 1.0, "1")[n * 7 % 4] for n in range(rows)])
    letter = mf.Letter(
        sender="me@acme.dev", to="{{ email }}", subject="{{ name }}", html_body=LONG, text_body=LONG
    )
    return bind(letter, frame(**columns))


def test_threads_share_a_letter():
    """Each thread has its own limits and results."""
    bound = long_campaign()
    equal: list[int] = []
    threads = [
        threading.Thread(target=lambda: equal.append(assert_same(bound, chunk_rows=20)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert equal == [0, 0, 0]


@pytest.mark.parametrize("lines", [50, 500, 5_000, 20_000])
def test_an_interrupt_in_the_middle_of_a_chunk(lines):
    """It is raised at once, at any line, and the letter can be prepared again."""
    bound = long_campaign()
    left_lines = lines

    def interrupt(*_: object) -> object:
        nonlocal left_lines
        left_lines -= 1
        if not left_lines:
            sys.settrace(None)
            raise KeyboardInterrupt
        return interrupt

    tracing = sys.gettrace()
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - the trace ends in any case
        try:
            sys.settrace(interrupt)
            list(ChunkPreparer(bound, min_rows=0).chunks())
        finally:
            sys.settrace(tracing)
    assert assert_same(bound) == 0


@pytest.mark.parametrize("size", [999_600, 999_700, 1_000_000, 5_000_000 - 1, 5_000_000, 5_000_001])
def test_large_bodies(size):
    """Near 1 MB, from which on a row is left, and near Postmark's limit."""
    columns = {"x": ["x" * size, "é" * (size // 2), "x"]}
    rows = fallback_rows(text_body="{{ x }}", columns=columns, chunk_rows=3)
    assert rows == (0 if size < 1_000_000 else 3)


@pytest.mark.parametrize("count", [49, 50, 51])
def test_the_limit_of_recipients(count):
    """In To and Cc together; a recipient in both is a problem."""
    to = [f"a{n}{{{{ plan }}}}@acme.dev" for n in range(count - 1)]
    assert fallback_rows(to=to, cc="{{ email }}") == (2 if count > 50 else 0)
    assert fallback_rows(to=to, cc="A0{{ plan }}@acme.dev") == 2


@pytest.mark.parametrize(
    "body", ["{{ ﬁ }}{{ row['fi'] }}", "{{ ﬁ | upper }}", "{% if ﬁ %}{{ row.fi }}{% endif %}"]
)
def test_a_name_that_python_reads_as_another(body):
    """jinja2 writes a template in Python, where the letters f and i and their ligature are one name."""
    assert fallback_rows(columns={"fi": ["a", "b"], "ﬁ": ["c", "d"]}, html_body=body) == 0


LOOP = "{{% for i in range({}) %}}{{% if loop.last %}}{{{{ {} }}}}{{% endif %}}{{% endfor %}}"


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("fixed", "varying"), [(60_000, 45_000), (500, 45_000), (0, 99_000), (0, 101_000)]
)
def test_all_pieces_together_keep_the_limit_of_steps(fixed, varying):
    """Also those that are evaluated once for all rows."""
    body = "a" + LOOP.format(fixed, "1") + LOOP.format(varying, "name")
    assert fallback_rows(text_body=body) == 2


@pytest.mark.parametrize("pieces", [126, 127, 128])
def test_a_part_with_many_pieces(pieces):
    """With too many, the part is rendered as a whole."""
    assert fallback_rows(text_body="a" + "{{ name | upper }}" * pieces, chunk_rows=2) == 0


def test_the_plain_way_can_be_forced(monkeypatch):
    """Then every row takes it."""
    monkeypatch.setenv(PLAIN, "1")
    assert assert_same(long_campaign(8)) == 8


@pytest.mark.parametrize("written", ['<img src="cid:logo">', '<img src="javascript:x">'])
@pytest.mark.parametrize("text", ["{{ plan }}", "", "{% if plan == 'team' %}{{ name }}{% endif %}"])
def test_links_beside_a_link_of_each_row(written, text):
    """What a template has itself is checked, too, whether or not a value follows it."""
    body = f'<a href="{{{{ url }}}}">x</a>{written}{text}'
    urls = ["https://acme.example/a", "https://acme.example/b?c=d"]
    assert fallback_rows(html_body=body, columns={"url": urls}, chunk_rows=2) == 2


@pytest.mark.parametrize(
    ("body", "x"),
    [
        ('<p style="x">{{ email }} {{ x | safe }}', "url&#40;javascript:x)"),
        ('<p style="x">{{ email }} url&#40;javascript:{{ x }})', "x"),
        ('<p style="x">{{ x }}', "@\u0131mport 'javascript:x'"),
        ('<p style="x">{{ x }}', "@\u0130mport 'javascript:x'"),
    ],
)
@pytest.mark.parametrize("link", ["", '<a href="{{ url }}">z</a>'])
def test_css_in_the_text_after_a_tag(body, x, link):
    """A check of the row-by-row path reads entities where any value of the tag has an ``@``."""
    columns = {"x": [x, "a"], "url": ["https://acme.example/a", "https://acme.example/b"]}
    assert fallback_rows(html_body=link + body, columns=columns, chunk_rows=2) >= bool(link)


UPPER = [
    "{% set v %}{{ name }}{% endset %}{{ v | upper }}",
    "{% filter upper %}{{ name }}{% endfilter %}",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(name) | upper }}",
    "{{ name | e | upper }}",
]


@pytest.mark.parametrize("body", UPPER)
@pytest.mark.parametrize("company", ["A & B", "A"])
def test_escaped_markup_in_upper_case(body, company):
    """Whether or not the body has an entity in lower case."""
    columns = {"name": ["<b>now</b>", "Bob"], "company": [company, "A"]}
    assert fallback_rows(html_body="<p>{{ company }}" + body, columns=columns, chunk_rows=2) == 1
