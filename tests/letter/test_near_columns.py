"""Tested names that are spelled almost like a column."""

from __future__ import annotations

import unicodedata

import pytest

from tests.composing import codes, compose, frame


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "column", ["First Name", "FIRST_NAME", "first-name", " first_name ", "FirstName", "First.Name"]
)
@pytest.mark.parametrize(
    "template",
    [
        "{% if first_name is defined %}Dear {{ first_name }}{% endif %}x",
        "{{ first_name if first_name is defined else 'you' }}",
        "{% if first_name is undefined %}x{% endif %}y",
        "{% if first_name is not defined %}x{% endif %}y",
        "{{ first_name | default('you') if first_name is defined }}x",
        "{{ row.get('first_name') or 'you' }}",
        "{% if 'first_name' in row %}x{% endif %}y",
        "{% if 'first_name' not in row %}x{% endif %}y",
    ],
)
def test_a_tested_name_that_is_almost_a_column_is_a_warning(column, template):
    """The warning has both names and what to write; without it every mail would be wrong."""
    df = frame(**{column: ["Ann"]})
    for part in ("text_body", "subject", "html_body"):
        problems = compose(df, **{part: template}).problems()
        assert problems[["code", "severity", "field"]].to_numpy().tolist() == [
            ["near_column", "warning", part]
        ]
        detail = problems["detail"][0]
        assert "'first_name'" in detail
        assert repr(column) in detail
        assert f"{part}, line 1: " in detail


@pytest.mark.parametrize(
    "template",
    [
        "{% if coupon is defined %}{{ coupon }}{% endif %}x",
        "{% if email is defined %}{{ email }}{% endif %}x",
        (
            "{% set first_name = row['First Name'] %}{% if first_name is defined %}"
            "{{ first_name }}{% endif %}"
        ),
        (
            "{% for first_name in ['x'] %}{% if first_name is defined %}{{ first_name }}"
            "{% endif %}{% endfor %}"
        ),
        (
            "{% macro m(first_name) %}{% if first_name is defined %}x{% endif %}{% endmacro %}"
            "{{ m(1) }}"
        ),
        "{% macro first_name() %}x{% endmacro %}{% if first_name is defined %}x{% endif %}",
        (
            "{% macro m() %}{% if caller is defined %}{{ caller() }}{% endif %}{% endmacro %}"
            "{{ m() }}x"
        ),
        "{{ row.get('First Name') }}{{ row.get('coupon') or '' }}",
        "{{ row['First Name'] }}",
    ],
)
def test_a_name_that_is_unlike_every_column_or_set_by_the_template_is_no_warning(template):
    """An optional column can be missing, and a template can rename a column."""
    assert codes(frame(**{"First Name": ["Ann"], "Caller": ["x"]}), text_body=template) == []


def test_a_name_in_another_unicode_form_is_a_warning():
    """Both names look the same."""
    df = frame(**{unicodedata.normalize("NFD", "größe"): ["x"]})
    name = unicodedata.normalize("NFC", "größe")
    assert codes(df, text_body=f"{{{{ row.get('{name}') or '' }}}}x") == ["near_column"]


def test_the_suggestion_of_the_warning_works():
    """The name of the column can be a Python name or not."""
    for column, way in (("Plan", "Plan"), ("Plan Name", "row['Plan Name']")):
        df = frame(**{column: ["team"]})
        name = column.lower().replace(" ", "_")
        [detail] = compose(df, text_body=f"{{{{ {name} if {name} is defined }}}}x").problems()[
            "detail"
        ]
        assert f"Write {way}," in detail
        assert compose(df, text_body=f"{{{{ {way} }}}}").messages()["TextBody"][0] == "team"
