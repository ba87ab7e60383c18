"""Branches in plain English: conditions, the values of a column, and what stays source."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from tests.composing import cells, frame
from tests.review.tour.tours import tour_of

TWO_ITEMS = [["x", "y"]]


def plain(template: str, **columns: Any) -> set[str]:
    """The branches that the rows take, in plain English."""
    return {branch.plain for branch in tour_of(frame(**columns), text_body=template).branches}


@pytest.mark.parametrize(
    ("condition", "true", "false"),
    [
        ("plan == 'team'", "plan = team", "plan is not team"),
        ("'team' == plan", "plan = team", "plan is not team"),
        ("plan != 'team'", "plan is not team", "plan = team"),
        ("not plan == 'team'", "plan is not team", "plan = team"),
        ("plan == ''", "plan is empty", "plan is not empty"),
        ("plan == 'a; b'", "plan = 'a; b'", "plan is not 'a; b'"),
        ("plan in ['a', 'b', 'c']", "plan is a, b or c", "plan is not a, b or c"),
        ("plan not in ('a', 'b')", "plan is not a or b", "plan is a or b"),
        ("'x' in plan", "plan contains x", "plan does not contain x"),
        ("seats > 5", "seats > 5", "seats <= 5"),
        ("5 > seats", "seats < 5", "seats >= 5"),
        ("seats * 2 >= 10", "seats * 2 >= 10", "seats * 2 < 10"),
        ("plan | length > 3", "length of plan > 3", "length of plan <= 3"),
        ("plan is missing", "plan missing", "plan has a value"),
        ("plan is defined", "plan has a value", "plan missing"),
        ("seats is even", "seats is even", "seats is not even"),
        ("seats is divisibleby 3", "seats is divisibleby 3", "seats is not divisibleby 3"),
        ("row['last name'] == 'B'", "last name = B", "last name is not B"),
        ("annual == true", "annual = true", "annual is not true"),
        ("seats > 1 and annual", "seats > 1 and annual is true", "seats <= 1 or annual is false"),
        ("seats > 1 or annual", "seats > 1 or annual is true", "seats <= 1 and annual is false"),
        ("plan.startswith('t')", "plan.startswith(t)", "not plan.startswith(t)"),
    ],
)
def test_a_condition_and_its_opposite_are_in_plain_english(condition: str, true: str, false: str):
    """In the words of the template, whichever arm a row takes."""
    columns = {"plan": cells("team"), "seats": [5], "annual": [True], "last name": cells("B")}
    taken = plain(f"{{% if {condition} %}}x{{% endif %}}", **columns)
    opposite = plain(f"{{% if not ({condition}) %}}x{{% endif %}}", **columns)
    assert taken == opposite
    assert taken <= {true, false}
    untaken = tour_of(frame(**columns), text_body=f"{{% if {condition} %}}x{{% endif %}}").untaken
    assert taken | {branch.plain for branch in untaken} == {true, false}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([True, False], {"c is true", "c is false"}),
        ([1, 0], {"c is not 0", "c is 0"}),
        ([1.5, 0.0, None], {"c is not 0", "c is 0 or missing"}),
        ([1, None], {"c has a value", "c missing"}),
        (["x", ""], {"c has a value", "c is empty"}),
        (["x", "", None], {"c has a value", "c is empty or missing"}),
        (["x", None], {"c has a value", "c missing"}),
        ([["x"], []], {"c has items", "c has no items"}),
        ([pd.Timestamp("2026-11-27"), None], {"c has a value", "c missing"}),
        (cells(0, "x", ""), {"c has a value", "c has no value"}),
        (pd.Categorical(["x", ""]), {"c has a value", "c is empty"}),
    ],
)
def test_a_bare_name_is_described_by_the_values_of_its_column(values: Any, expected: set[str]):
    """``{% if c %}`` tests truth, a number, a text or a list."""
    series = pd.Series(values)
    assert plain("{% if c %}x{% else %}y{% endif %}", c=series) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ a | default('x') }}", "a has a value"),
        ("{{ e | default('x') }}", "e is not missing"),
        ("{{ b | default('x') }}", "b missing"),
        ("{{ b or 'x' }}", "b missing"),
        ("{{ a if a else 'x' }}", "a has a value"),
        ("{% for x in items %}{{ x }}{% endfor %}", "items has several items"),
        ("{% macro m() %}x{% endmacro %}{{ m() }}", "macro m is used"),
    ],
)
def test_defaults_loops_and_macros_are_in_plain_english_too(template: str, expected: str):
    """They are branches like the arms of a condition."""
    assert expected in plain(template, a=cells("x"), b=cells(None), e=cells(""), items=TWO_ITEMS)


@pytest.mark.parametrize(
    "source",
    [
        "{% if 1 < n < 5 %}",
        "{% if n > 1 and n < 9 or n == 7 %}",
        "{% if (n ~ 'x') == '2x' %}",
        "{% if n | round(0) == 2 %}",
        f"{{% if {' or '.join(f'n == {i}' for i in range(1, 12))} %}}",
    ],
)
def test_a_condition_that_is_too_complex_is_shown_as_it_is_written(source: str):
    """Long ones, and those that plain words would leave open to doubt."""
    (branch,) = tour_of(frame(n=[2]), text_body=f"{source}x{{% endif %}}").branches
    assert branch.plain == branch.text


def test_a_name_that_the_template_assigns_is_no_column():
    """The column ``c`` has numbers; the ``c`` of the loop has texts."""
    template = "{% for c in items %}{% if c %}x{% endif %}{% endfor %}"
    assert "c has a value" in plain(template, c=[1], items=TWO_ITEMS)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{% if a == 1 %}{% elif b == 1 %}x{% endif %}", "a is not 1 and b = 1 · 2 rows"),
        ("{% if a == 1 %}{% elif a == 2 %}x{% endif %}", "a = 2 · 1 row"),
        ("{% if a in [1, 3] %}{% elif a == 2 %}x{% endif %}", "a = 2 · 1 row"),
        ("{% if not a %}{% elif a == 2 %}x{% endif %}", "a = 2 · 1 row"),
        (
            "{% if a > 1 %}{% if b %}{% if a < 3 %}x{% endif %}{% endif %}{% endif %}",
            "a < 3 when a > 1 and b is not 0 · 1 row",
        ),
        ("{% if a and not (a == 2 and b) %}x{% endif %}", "{% if a and not (a == 2 and b) %}"),
        ("{% if a ~ '' == '1' %}{% if b %}x{% endif %}{% endif %}", "b is not 0 in line 1 · 1 row"),
        ("{% if s %}{% if s == 'x' %}y{% endif %}{% endif %}", "s = x · 1 row"),
        (
            (
                "{% macro m() %}{{ caller() }}{% endmacro %}"
                "{% if b %}{% call m() %}{% if a > 1 %}x{% endif %}{% endcall %}{% endif %}"
            ),
            "a > 1 when b is not 0 · 2 rows",
        ),
        ("{% if a == 1 %}{% elif (s | length) == 2 %}{% endif %}", "missing value for length in"),
    ],
)
def test_a_reason_is_true_of_as_many_rows_of_the_frame_as_it_counts(template: str, expected: str):
    """Rows that do not reach a branch are not left in its words; or it has its line."""
    rows = frame(a=[1, 2, 3, 1, 5], b=[1, 1, 0, 0, 1], s=cells("x", "xx", None, None, None))
    reasons = [reason for stop in tour_of(rows, text_body=template) for reason in stop.reasons]
    assert any(reason.startswith(expected) for reason in reasons)
