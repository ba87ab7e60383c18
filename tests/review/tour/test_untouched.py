"""A traced template renders exactly what the plain one renders, with the same problems."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mailframe.message.binding import bind
from tests import campaigns
from tests.composing import cells, frame
from tests.frames import ZOO
from tests.review.tour.tours import bits_of_rows, drafts, letter, tour_of, traced

VALUES = st.sampled_from(
    [
        "a",
        "b",
        "n",
        "xs",
        "row['a']",
        "row.n",
        "'<&'",
        "0",
        "2",
        "[a, b]",
        "xs[0]",
        "n.x",
        "[1, [2]]",
    ]
)
FILTERS = [
    "| upper",
    "| default('-')",
    "| d('-', true)",
    "| default(b, boolean=n)",
    "| length",
    "| first",
    "| join(',')",
    "| default([]) | list",
    "| int + 1",
    "| tojson",
    "is none",
    "is defined",
    "== 'x'",
    "~ n",
    "in xs",
]


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions made of smaller ones."""
    return st.one_of(
        st.builds("({} or {})".format, inner, inner),
        st.builds("({} and {})".format, inner, inner),
        st.builds("(not {})".format, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("({} if {})".format, inner, inner),
        st.builds("({} {})".format, inner, st.sampled_from(FILTERS)),
    )


EXPRESSIONS = st.recursive(VALUES, grown, max_leaves=5)


def composed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Statements around smaller pieces of a template, on several lines."""
    pieces = [
        st.builds("{}\n{}".format, inner, inner),
        st.builds("{{% if {} %}}\n{}{{% endif %}}".format, EXPRESSIONS, inner),
        st.builds(
            "{{% if {} %}}{}{{% elif {} %}}\n{}{{% else %}}{}{{% endif %}}\n".format,
            *[EXPRESSIONS, inner] * 2,
            inner,
        ),
        st.builds("{{% for x in {} %}}{{{{ x }}}}\n{}{{% endfor %}}".format, EXPRESSIONS, inner),
        st.builds(
            "{{% for x in {} if x %}}{}\n{{% else %}}{}{{% endfor %}}".format,
            EXPRESSIONS,
            inner,
            inner,
        ),
        st.builds(
            "{{% for x in {} %}}{{{{ loop.last }}}}{{{{ loop.length }}}}{}{{% endfor %}}".format,
            EXPRESSIONS,
            inner,
        ),
        st.builds(
            (
                "{{% for x in {} recursive %}}{{{{ loop(x) if x is iterable }}}}{}{{% endfor %}}"
            ).format,
            VALUES,
            inner,
        ),
        st.builds("{{% set a = {} %}}{}".format, EXPRESSIONS, inner),
        st.builds("{{% set b %}}{}{{% endset %}}{{{{ b }}}}\n{}".format, inner, inner),
        st.builds("{{% filter upper %}}{}{{% endfilter %}}".format, inner),
        st.builds("{{% with a = {} %}}{}{{% endwith %}}".format, EXPRESSIONS, inner),
        st.builds(
            "{{% macro m(z={}) %}}{{{{ z }}}}{}{{% endmacro %}}{{{{ m() }}}}".format,
            EXPRESSIONS,
            inner,
        ),
        st.builds(
            (
                "{{% macro m(z) %}}[{{{{ caller() }}}}]{}{{% endmacro %}}"
                "{{% call m({}) %}}{}{{% endcall %}}"
            ).format,
            inner,
            EXPRESSIONS,
            inner,
        ),
    ]
    return st.one_of(pieces)


PIECES = st.builds("{{{{ {} }}}}".format, EXPRESSIONS) | st.sampled_from(
    ["text ", "\n", "{{{ pm:unsubscribe }}}"]
)
TEMPLATES = st.recursive(PIECES, composed, max_leaves=6)
CELL = st.sampled_from(
    ["", "x", "<b>", 0, 1, 2.5, None, True, [], ["x"], [1, [2, 3]], {"x": 1}, b"raw"]
)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(
    text=TEMPLATES,
    html=TEMPLATES,
    values=st.lists(st.tuples(CELL, CELL, CELL, CELL), min_size=1, max_size=4),
)
@example(
    text="",
    html="{% for x in b if x %}{{ a }}\n{{ a }}\n"
    "{% else %}{% with a = (a | upper) %}{{ a }}{% endwith %}{% endfor %}",
    values=[(None, "", "", "")],
)
def test_random_templates_give_the_same_drafts_with_marks(
    text: str, html: str, values: list[tuple[Any, ...]]
):
    """The texts are the same, and so are the problems with their lines."""
    columns = {
        name: cells(*column)
        for name, column in zip(("a", "b", "n", "xs"), zip(*values, strict=True), strict=True)
    }
    bound = bind(letter(subject="{{ a }}", text_body=text, html_body=html), frame(**columns))
    assert drafts(traced(bound)) == drafts(bound)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", sorted(ZOO))
def test_every_frame_of_the_zoo_gives_the_same_drafts_with_marks(name: str):
    """Missing values, awkward dtypes and labels, and rows that cannot be rendered."""
    df = ZOO[name]()
    columns = [
        f"row[{label!r}]"
        for label in df.columns
        if isinstance(label, str | int) and (df.columns == label).sum() == 1
    ]
    body = "".join(
        f"{{{{ {each} or 'none' }}}}{{% if {each} %}}{{{{ {each} }}}}{{% endif %}}\n"
        for each in columns
    )
    bound = bind(letter(to="p@example.com", text_body=f"{body}.", subject="{{ 1 }}"), df)
    assert repr(drafts(traced(bound))) == repr(
        drafts(bound)
    )  # a NaN in a list equals nothing, itself included


def test_the_letter_of_the_campaigns_gives_the_same_drafts_with_marks():
    """It consists of text and names, and has no branch."""
    bound = bind(campaigns.LETTER, campaigns.people(3))
    assert drafts(traced(bound)) == drafts(bound)
    assert bits_of_rows(bound) == [0, 0, 0]


def test_the_line_of_an_error_is_the_same_with_marks():
    """In the compiled template, the marks of loops and arms are on separate lines."""
    template = (
        "{% for x in xs %}\n{% if x %}\n\n{{ 1 // (x - 1) }}\n{% endif %}\n{% endfor %}\n{{ a }}"
    )
    df = frame(xs=cells([1], [0]), a=cells("x", None))
    bound = bind(letter(text_body=template), df)
    details = [problem.detail for _, _, problems in drafts(bound) for problem in problems]
    assert [detail.partition(":")[0] for detail in details] == ["line 4", "line 7"]
    assert drafts(traced(bound)) == drafts(bound)


def test_marks_take_no_name_of_a_template():
    """They are filters, whose names do not hide columns."""
    df = frame(_take=cells("x"), _item=cells("y"))
    assert (
        tour_of(df, text_body="{{ _take or _item }}").branches[0].text
        == "value 1 of {{ _take or _item }}"
    )
