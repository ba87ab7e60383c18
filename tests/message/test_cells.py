"""Cells in templates: any missing value is missing, and values are printed in plain form."""

from __future__ import annotations

import datetime as dt
import enum
import math
import uuid
from decimal import Decimal
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailframe.letter.jinja.printing import as_printed
from mailframe.letter.jinja.values import Missing, RoundedFloat, Unsupported
from mailframe.message.cells import Column, rows
from mailframe.message.plain_values import MAX_NESTING, plain
from mailframe.pandas_versions import text_column
from tests.composing import (
    MISSING,
    cells,
    code_of,
    codes,
    compose,
    frame,
    payloads,
    row_problems,
    text_of,
)
from tests.frames import ZOO

GAPPED = {
    "float64": pd.Series([1.5, None]),
    "float64_whole": pd.Series([5.0, None]),
    "float32": pd.Series([0.1, None], dtype="float32"),
    "Float32": pd.array([0.1, None], dtype="Float32"),
    "Float64": pd.array([5.0, None], dtype="Float64"),
    "Int64": pd.array([2**53 + 1, None], dtype="Int64"),
    "UInt8": pd.array([5, None], dtype="UInt8"),
    "boolean": pd.array([True, None], dtype="boolean"),
    "str": text_column(["x", None]),
    "string": pd.array(["x", None], dtype="string"),
    "string_python": pd.array(["x", None], dtype="string[python]"),
    "category": pd.Categorical(["x", None]),
    "category_of_numbers": pd.Categorical([5, None]),
    "category_of_stamps": pd.Categorical(pd.to_datetime(["2026-01-02", None])),
    "datetime": pd.to_datetime(["2026-01-02", None]),
    "datetime_tz": pd.to_datetime(["2026-01-02", None]).tz_localize("Europe/Berlin"),
    "timedelta": pd.to_timedelta(["1h", None]),
    "period": pd.PeriodIndex(["2026-01", None], freq="M"),
    "sparse": pd.arrays.SparseArray([1.5, np.nan]),
    "arrow_int": pd.array([1, None], dtype=pd.ArrowDtype(pa.int64())),
    "arrow_float": pd.array([0.1, None], dtype=pd.ArrowDtype(pa.float32())),
    "arrow_double": pd.array([5.0, None], dtype=pd.ArrowDtype(pa.float64())),
    "arrow_text": pd.array(["x", None], dtype=pd.ArrowDtype(pa.string())),
    "arrow_bool": pd.array([True, None], dtype=pd.ArrowDtype(pa.bool_())),
    "arrow_decimal": pd.array([Decimal("1.10"), None], dtype=pd.ArrowDtype(pa.decimal128(10, 2))),
    "arrow_date": pd.array([dt.date(2026, 1, 2), None], dtype=pd.ArrowDtype(pa.date32())),
    "arrow_stamp": pd.array(
        [pd.Timestamp("2026-01-02"), None], dtype=pd.ArrowDtype(pa.timestamp("us"))
    ),
    "arrow_list": pd.array([[1], None], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    "arrow_null": pd.array([None, None], dtype=pd.ArrowDtype(pa.null())),
    "object_None": cells("x", None),
    "object_NaN": cells("x", float("nan")),
    "object_np_nan": cells(np.float64(1), np.float64("nan")),
    "object_NaT": cells(dt.date(2026, 1, 2), pd.NaT),
    "object_np_nat": cells(np.datetime64("2026-01-02"), np.datetime64("NaT", "D")),
    "object_NA": cells(1, pd.NA),
    "object_decimal_nan": cells(Decimal(1), Decimal("NaN")),
    "all_gaps": [None, None],
}
FILTERS = """
    upper lower title capitalize trim string escape e forceescape striptags urlencode center indent
    wordcount wordwrap truncate(3) replace('a','b') length count list reverse round abs int float
    date number money filesizeformat dictsort join max sum unique tojson items batch(2) slice(2)
""".split()  # noqa: SIM905 - a list of one word a line hides what it says
NOT_PRINTED = ("nan", "None", "NaT", "<NA>", "NaN")

PLACES = {  # the name of a missing value in each field, and the code
    "text_body": ("{}", "text_body", "missing_value"),
    "html_body": ('<p title="{}">', "html_body", "missing_value"),
    "subject": ("x {}", "subject", "missing_value"),
    "headers": ({"X-V": "{}"}, "headers.X-V", "missing_value"),
    "metadata": ({"v": "{}"}, "metadata.v", "missing_value"),
    "tag": ("{}", "tag", "missing_value"),
    "to": ("{} <a@acme.com>", "to", "missing_recipient"),
    "cc": (["{} <a@acme.com>"], "cc[0]", "missing_value"),
    "reply_to": ("{} <a@acme.com>", "reply_to", "missing_value"),
    "track_links": ("{}", "track_links", "missing_value"),
}


def _filled(fields, expression):
    """The fields with the expression in place of each {}."""
    if isinstance(fields, str):
        return fields.replace("{}", expression)
    if isinstance(fields, list):
        return [_filled(item, expression) for item in fields]
    return {key: _filled(value, expression) for key, value in fields.items()}


@pytest.mark.parametrize("values", GAPPED.values(), ids=GAPPED.keys())
def test_a_printed_missing_value_is_a_problem_of_its_row(values):
    """For each kind of missing value and each dtype, in every field."""
    fields = {field: _filled(place, "{{ v }}") for field, (place, _, _) in PLACES.items()}
    expected = {(1, blamed, code) for _, blamed, code in PLACES.values()}
    assert expected <= set(row_problems(frame(v=values), **fields))


TESTED = (
    "{{ v | default('-') }}",
    "{{ v | d('-', true) }}",
    "{{ v or '-' }}",
    "{% if v %}yes{% else %}-{% endif %}",
    "{{ 'yes' if v else '-' }}",
    "{{ '-' if not v }}",
    "{{ '-' if v is none }}{{ 'x' if v is not none }}",
    "{{ '-' if v == none }}{{ 'x' if v != none }}",
    "{{ '-' if none == v }}",
    "{{ '-' if v is missing }}",
    "{{ '-' if v is undefined }}{{ 'x' if v is defined }}",
    "{{ 'x' if v == 'nan' or v == 0 or v == '' }}-",
    "{{ '-' if v in [none] }}",
    "{% set w = v | default('-') %}{{ w }}",
    "{{ row['v'] | default('-') }}{{ row.get('v') or '' }}",
    "{{ [v, 'x'] | select | reject('eq', 'x') | list | length or '-' }}",
    "{% macro m(x) %}{{ x | default('-') }}{% endmacro %}{{ m(v) }}",
    "{% set v = v | default('-') %}{{ v }}",
)
"""Tests of a missing value; each must print "-". The last one sets the name, so it is last."""


@pytest.mark.parametrize("values", GAPPED.values(), ids=GAPPED.keys())
def test_a_tested_missing_value_is_missing(values):
    """Every test of a missing value agrees."""
    [_, text] = compose(frame(v=values), text_body="\n".join(TESTED)).messages()["TextBody"]
    assert dict(zip(TESTED, text.split("\n"), strict=True)) == dict.fromkeys(TESTED, "-")


@pytest.mark.parametrize(
    "template",
    [
        "{{ v }}",
        "{{ 'x' ~ v }}",
        "{{ 'x' + v }}",
        "{{ v + 1 }}",
        "{{ -v }}",
        "{{ v * 2 }}",
        "{{ v // 2 }}",
        "{{ v % 2 }}",
        "{{ v > 1 }}",
        "{{ 1 < v }}",
        "{{ 'x' in v }}",
        "{{ ['x', v] | join(', ') }}",
        "{{ ', '.join(['x', v]) }}",
        "{{ [{'a': v}] | join(', ', attribute='a') }}",
        "{{ '%s' | format(v) }}",
        "{{ '%s' % v }}",
        "{{ '%d' % v }}",
        "{{ '{}'.format(v) }}",
        "{{ '{:>5}'.format(v) }}",
        "{{ v | tojson }}",
        "{{ [v] | tojson }}",
        "{{ [v, 1] | sum }}",
        "{{ [v, 1] | sort | join }}",
        "{{ [v, 1] | map('string') | join }}",
        "{{ v | first }}",
        "{{ v[0] }}",
        "{{ v.x }}",
        "{{ v() }}",
        "{{ v.strftime('%d') }}",
        "{% for x in v %}{% endfor %}x",
        "{% for x in [1, v] %}{{ x }}{% endfor %}",
        "{% set w = v %}{{ w }}",
        "{% set w %}{{ v }}{% endset %}x",
        "{% filter upper %}{{ v }}{% endfilter %}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(v) }}",
        "{{ [1, 2][v] }}",
        "{{ v is even }}",
        *(f"{{{{ v | {name} }}}}" for name in FILTERS),
    ],
)
def test_nothing_makes_text_of_a_missing_value(template):
    """Every filter, operator and method reports any kind of missing value."""
    lazy = (
        "{{ v | batch(2) }}",
        "{{ v | slice(2) }}",
        "{{ v | unique }}",
    )  # they loop when they are looped over
    if template in lazy:
        template = template.replace(" }}", " | list | join }}")
    assert codes(frame(v=cells(*MISSING.values())), text_body=template) == ["missing_value"] * len(
        MISSING
    )


@pytest.mark.parametrize("missing", MISSING.values(), ids=MISSING.keys())
def test_a_missing_value_in_a_list_or_dict_is_missing_too(missing):
    """Also deep inside, and the error names the way there."""
    assert text_of("{{ v.a[0] | default('-') }}", v={"a": [missing]}) == "-"
    problems = compose(frame(v=cells({"a": {"b": missing}})), text_body="{{ v.a.b }}").problems()
    assert "column 'v' has no value at 'a.b'" in problems["detail"][0]


@pytest.mark.parametrize(
    "expression",
    [
        "none | upper",
        "none | string",
        "none | trim",
        "none ~ ''",
        "[none] | join",
        "'%s' % none",
        "'%s' | format(none)",
        "'{}'.format(none)",
        "{'a': 1}.get('b')",
        "{'a': 1}.get('b') | title",
        "'%s' % ((none,))",
        "'%(a)s' % {'a': none}",
        "[{'a': none}] | join(attribute='a')",
        "','.join([none])",
    ],
)
def test_none_of_a_templates_own_is_not_printed_either(expression):
    """It is an error in every field."""
    assert code_of(f"{{{{ {expression} }}}}", v=1) == "unprintable_value"


@pytest.mark.parametrize("make", ZOO.values(), ids=ZOO.keys())
def test_no_cell_of_the_zoo_prints_a_missing_value(make):
    """A row has a problem, or its text has no spelling of a missing value that its cells lack."""
    df = make()
    if not df.columns.is_unique or "email" not in df.columns:
        return
    body = "{% for name in row %}[{{ row[name] }}]{% endfor %}"
    campaign = compose(df, to="p@acme.example", subject="Hi", text_body=body)
    texts = [text for column in df.columns for text in df[column] if isinstance(text, str)]
    for body in campaign.messages()["TextBody"].dropna():
        spellings = [piece for piece in body.strip("[]").split("][") if piece in NOT_PRINTED]
        assert all(piece in texts for piece in spellings)


# --- values ---------------------------------------------------------------------------------------


class Colour(enum.StrEnum):
    RED = "red"


class Rank(enum.IntEnum):
    TOP = 1


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (True, "yes"),
        (np.bool_(False), "no"),
        (5, "5"),
        (np.uint8(5), "5"),
        (2**80, str(2**80)),
        (5.0, "5"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (1234567890123456.0, "1234567890123456"),
        (float(2**53), "9007199254740992"),
        (-float(2**53), "-9007199254740992"),
        (12345678901234.56, "12345678901234.56"),
        (2251799813685249.5, "2251799813685249.5"),
        (1e-7, "0.0000001"),
        (np.float32(0.1), "0.1"),
        (np.float64(2.5), "2.5"),
        (np.float16(0.1), "0.1"),
        (Decimal("1.10"), "1.10"),
        (Decimal("-0.00"), "0.00"),
        (Decimal("1E+3"), "1000"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.datetime(2026, 1, 2), "2026-01-02"),  # noqa: DTZ001 - naive on purpose, as below
        (dt.datetime(2026, 1, 2, 3, 4, 5, 6), "2026-01-02 03:04:05"),  # noqa: DTZ001
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "2026-01-02 00:00 UTC"),
        (pd.Timestamp("2026-01-02 03:04", tz="Europe/Berlin"), "2026-01-02 03:04 CET"),
        (np.datetime64("2026-01-02T03:04"), "2026-01-02 03:04"),
        (dt.time(3, 4), "03:04"),
        (dt.time(3, 4, 5), "03:04:05"),
        (pd.Timedelta("1D 02:03:04"), "1 day 2:03:04"),
        (dt.timedelta(days=2), "2 days"),
        (dt.timedelta(0), "0:00:00"),
        (-dt.timedelta(seconds=1), "-0:00:01"),
        (np.timedelta64(90, "s"), "0:01:30"),
        ("Zoë", "Zoë"),
        (np.str_("x"), "x"),
        (Colour.RED, "red"),
        (Rank.TOP, "1"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("nan", "nan"),
        ("None", "None"),
        ("", ""),
    ],
    ids=repr,
)
def test_a_value_is_printed_in_plain_form(value, printed):
    """In the same way by each way of printing."""
    ways = (
        "v",
        "'' ~ v",
        "[v] | join",
        "v | string",
        "'%s' % v",
        "'{}'.format(v)",
        "'%s' | format(v)",
        "''.join([v])",
    )
    assert text_of("|".join(f"{{{{ {way} }}}}" for way in ways), v=value) == "|".join(
        [printed] * len(ways)
    )


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ([1], "unprintable_value"),
        ((1,), "unprintable_value"),
        ({"a": 1}, "unprintable_value"),
        (math.inf, "unprintable_value"),
        (-math.inf, "unprintable_value"),
        (Decimal("Infinity"), "unprintable_value"),
        (1e22, "unprintable_value"),
        (1e300, "unprintable_value"),
        (Decimal("1e61"), "unsupported_value"),
        (Decimal("1e-61"), "unsupported_value"),
    ],
    ids=repr,
)
def test_a_value_without_a_plain_form_is_an_error(value, code):
    """It says what to write instead."""
    assert code_of("{{ v }}", v=value) == code


@pytest.mark.parametrize(
    "value",
    [
        b"x",
        PurePosixPath("a"),
        {1},
        object(),
        1j,
        pd.Period("2026"),
        pd.Series([1]),
        range(3),
        print,
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_foreign_object_never_reaches_a_template(value):
    """It becomes Unsupported, which names the type."""
    assert type(plain(value, column="v")) is Unsupported
    assert code_of("{{ v }}", v=value) == "unsupported_value"
    assert code_of("{{ v.a }}", v={"a": value}) == "unsupported_value"


def test_whole_numbers_stay_whole_in_a_column_with_missing_values():
    """Also beyond what a float can count."""
    assert payloads(frame(v=pd.array([2**53 + 1, None], dtype="Int64")), text_body="{{ v }}")[0][
        "TextBody"
    ] == str(2**53 + 1)
    assert Column.of("v", pd.Series([5.0, np.nan])).cells(0, 1) == [5]
    assert Column.of("v", pd.Series([5.0, 0.5])).cells(0, 2) == [5.0, 0.5]
    assert type(Column.of("v", pd.Series([5.0, 1e300])).cells(0, 1)[0]) is float


def test_a_list_that_holds_itself_is_unsupported():
    """Lists can be nested twenty deep."""
    endless: list = []
    endless.append(endless)
    deep = plain(endless, column="v")
    for _ in range(MAX_NESTING - 1):
        deep = deep[0]
    assert isinstance(deep[0], Unsupported)


def test_lists_and_dicts_are_copies():
    """A template never gets the objects of the frame."""
    original = {"a": [1, {"b": 2}]}
    copy = plain(original, column="v")
    assert copy == original
    assert copy is not original
    assert copy["a"] is not original["a"]
    assert copy["a"][1] is not original["a"][1]


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.integers(),
            st.floats(),
            st.text(),
            st.dates(),
            st.decimals(),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_every_cell_is_plain_or_missing(values):
    """For any object column, by any slice."""
    column = Column.of("v", cells(*values))
    got = column.cells(0, len(values))
    assert len(got) == len(values)
    kinds = (str, int, float, RoundedFloat, bool, Decimal, dt.date, Missing, Unsupported)
    assert all(type(value) in kinds for value in got)
    assert [repr(v) for v in got] == [
        repr(v) for n in range(len(values)) for v in column.cells(n, n + 1)
    ]


@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15).filter(
        lambda x: not 0 < abs(x) < 1e-40
    )
)
def test_a_printed_float_is_the_float_to_fifteen_digits(value):
    """Without an exponent, and without .0."""
    text = as_printed(value)
    assert "e" not in text
    assert not text.endswith(".0")
    assert float(text) == pytest.approx(value, rel=1e-14, abs=1e-59)


@given(
    st.integers()
    | st.text()
    | st.booleans()
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.timedeltas()
)
def test_everything_plain_can_be_printed(value):
    """As one line without Python's words."""
    assert as_printed(value) not in NOT_PRINTED or isinstance(value, str)


def test_each_row_has_a_dict_of_its_own():
    """One row cannot change the cells of another."""
    first, second = rows([Column.of("v", pd.Series([1, 2]))], 0, 2)
    first["v"] = 3
    assert second == {"v": 2}
    assert list(rows([], 0, 2)) == [{}, {}]


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_a_stamp_that_python_cannot_hold_is_a_problem_of_its_row(unit):
    """Coarse units reach the year 20000; the other row is sent."""
    stamps = np.array(["20000-01-01", "2026-01-02"], dtype=f"datetime64[{unit}]")
    for values in (stamps, np.array([10**14, 60], dtype="timedelta64[s]")):
        assert row_problems(frame(v=values), text_body="{{ v }}") == [
            (0, "text_body", "unsupported_value")
        ]
