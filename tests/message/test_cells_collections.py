"""Lists and dicts in cells: parquet values keep their form, and keys are not methods."""

from __future__ import annotations

import datetime as dt
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe.letter.jinja.rewriting import DICT_METHODS
from mailframe.pandas_versions import text_column
from tests.composing import cells, code_of, codes, compose, frame, row_problems, text_of

JOINED = "{% for x in v %}[{{ x }}]{% endfor %}"


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (np.array([1, 2]), "[1][2]"),
        (np.array(["a", "b"], dtype=object), "[a][b]"),
        (np.array(["a", "b"]), "[a][b]"),
        (np.array([0.1, 2.5], dtype="float32"), "[0.1][2.5]"),
        (np.array([True, False]), "[yes][no]"),
        (np.array(["2026-01-02"], dtype="datetime64[ns]"), "[2026-01-02]"),
        (np.array([1, "a", dt.date(2026, 1, 2)], dtype=object), "[1][a][2026-01-02]"),
        (np.ma.array([1, 2], mask=[False, False]), "[1][2]"),
        (pa.scalar(["a", "b"]), "[a][b]"),
        (text_column(["a", "b"]).array, "[a][b]"),
        (pd.array([1, 2], dtype="Int64"), "[1][2]"),
        (pd.Categorical(["a", "b"]), "[a][b]"),
        ((1, 2), "[1][2]"),
    ],
    ids=repr,
)
def test_an_array_in_a_cell_is_a_list(value, printed):
    """Of plain values, for each dtype."""
    assert text_of(JOINED, v=value) == printed
    assert text_of("{{ v | length }}{{ v[0] | default('') | length > 99 }}", v=["x", "y"]) == "2no"


def test_an_array_of_several_dimensions_is_a_list_of_lists():
    """As parquet gives a list of lists."""
    assert (
        text_of(
            "{% for row_ in v %}{{ row_ | join(',') }};{% endfor %}", v=np.array([[1, 2], [3, 4]])
        )
        == "1,2;3,4;"
    )
    assert text_of("{{ v }}", v=np.array(5)) == "5"


def test_what_unique_gives_for_each_group_is_a_list():
    """For text, pandas returns an array of its own, not one of numpy."""
    orders = pd.DataFrame(
        {"email": ["a@acme.example"] * 3, "sku": ["tea", "cup", "tea"], "cost": [1, 2, 1]}
    )
    unique = orders.groupby("email", as_index=False).agg({"sku": "unique", "cost": "unique"})
    campaign = compose(unique, text_body="{{ sku | join(',') }} {{ cost | sum }}")
    assert campaign.messages()["TextBody"].tolist() == ["tea,cup 3"]


def test_an_empty_array_is_an_empty_list():
    """It is false, has no turn, and is not a missing value."""
    assert (
        text_of(
            "{{ 'some' if v else 'none' }}{% for x in v %}x{% else %}-{% endfor %}", v=np.array([])
        )
        == "none-"
    )


def test_a_missing_value_in_an_array_is_missing():
    """NaN, NaT and a masked value alike."""
    values = [
        np.array([np.nan]),
        np.array(["NaT"], dtype="datetime64[s]"),
        np.ma.array([1], mask=[True]),
    ]
    assert codes(frame(v=cells(*values)), text_body="{{ v[0] }}") == ["missing_value"] * 3
    assert codes(frame(v=cells(*values)), text_body="{{ v[0] | default('-') }}") == []


def test_an_array_that_is_printed_says_that_it_is_a_list():
    """With what to write instead."""
    assert code_of("{{ v }}", v=np.array([1])) == "unprintable_value"


def test_a_frame_prints_the_same_after_parquet():
    """Lists, lists of dicts, dicts, and lists of lists."""
    before = frame(
        tags=[["a", "b"], ["c"]],
        orders=[[{"name": "tea", "cost": 1.5}], []],
        plan=[{"name": "team", "seats": [1, 2]}, {"name": "free", "seats": []}],
        grid=[[[1, 2], [3]], [[4]]],
    )
    stored = io.BytesIO()
    before.to_parquet(stored)
    after = pd.read_parquet(stored)
    assert isinstance(after["tags"][0], np.ndarray)
    template = (
        "{{ tags | join(',') }} "
        "{% for order in orders %}{{ order.name }} {{ order.cost | money }}{% endfor %} "
        "{{ plan.name }} {{ plan.seats | sum }} "
        "{% for line in grid %}{{ line | join(',') }};{% endfor %}"
    )
    texts = [
        compose(df, text_body=template).messages()["TextBody"].tolist() for df in (before, after)
    ]
    assert texts[0] == texts[1] == ["a,b tea €1.50 team 3 1,2;3;", "c  free 0 4;"]


def test_a_set_is_refused_because_its_order_is_not_fixed():
    """Another process would print the same row in another order."""
    problems = compose(frame(v=cells({"a", "b"})), text_body="{{ v | join }}").problems()
    assert problems["code"].tolist() == ["unsupported_value"]
    assert "sorted" in problems["detail"][0]


@pytest.mark.parametrize(
    "value", [object(), {"a"}, [object()], None, {"a": object()}, np.array([1 + 2j])]
)
@pytest.mark.parametrize("field", ["cc", "tag", "subject"])
def test_the_hidden_name_of_a_callables_values_never_shows(field, value):
    """An error names the field."""
    given_ = {field: lambda df: pd.Series(cells(value, value), index=df.index)}
    problems = compose(frame(2), **given_).problems()
    assert len(problems) == 2
    for detail in problems["detail"]:
        assert "x00" not in detail
        assert "\x00" not in detail


def test_the_hidden_name_does_not_show_when_a_callable_fails():
    """Also in what pandas says."""
    with pytest.raises(mf.errors.LetterError, match="cc") as caught:
        compose(frame(2, v=[1, 2]), cc=lambda df: df[["email", "v"]])
    assert "x00" not in str(caught.value)
    assert "\x00" not in str(caught.value)


METHODS = sorted(DICT_METHODS)


@pytest.mark.parametrize("key", METHODS)
def test_a_key_with_the_name_of_a_method_is_the_key(key):
    """With a dot, in brackets, in a filter and in a list."""
    ways = (
        f"{{{{ v.{key} }}}}{{{{ v['{key}'] }}}}{{{{ [v] | map(attribute='{key}') | join }}}}"
        f"{{{{ v | attr('{key}') }}}}"
    )
    assert text_of(ways, v={key: 5}) == "5555"
    assert text_of(ways, part="html_body", v={key: 5}) == "5555"


@pytest.mark.parametrize("key", METHODS)
def test_a_key_that_one_row_lacks_is_a_problem_of_that_row_alone(key):
    """Also if dicts have a method of that name that templates cannot call."""
    df = frame(v=cells({key: "here"}, {}))
    assert row_problems(df, text_body=f"{{{{ v['{key}'] }}}}") == [
        (1, "text_body", "undefined_name")
    ]
    [(row, _, code)] = row_problems(df, text_body=f"{{{{ v.{key} }}}}")
    assert row == 1
    assert not mf.Code(code).stops_everything
    assert text_of(f"{{{{ v['{key}'] | default('-') }}}}", v={}) == "-"


def test_a_method_of_a_dict_is_called_whatever_keys_it_has():
    """Values cannot be called, so ``order.items()`` is the method."""
    order = {"items": ["tea"], "values": 1, "keys": 2, "get": 3}
    assert (
        text_of("{% for k, v in order.items() %}{{ k }}{% endfor %}", order=order)
        == "itemsvalueskeysget"
    )
    assert (
        text_of(
            "{{ order.get('get') }}{{ order.keys() | length }}{{ order.values() | last }}",
            order=order,
        )
        == "343"
    )
    assert text_of("{% for x in order.items %}{{ x }}{% endfor %}", order=order) == "tea"
    assert text_of("{% set look = order.get %}{{ look('a') }}", order={"a": 1}) == "1"


@pytest.mark.parametrize("name", ["items", "values", "update", "get"])
def test_a_column_with_the_name_of_a_method_is_the_column(name):
    """``row.items`` is the column, ``row.items()`` is every column."""
    assert (
        text_of(f"{{{{ row.{name} }}}}{{{{ row['{name}'] }}}}{{{{ {name} }}}}", **{name: "x"})
        == "xxx"
    )
    assert (
        text_of("{% for k, v in row.items() %}{{ k }},{% endfor %}", **{name: "x"})
        == f"email,{name},"
    )
    with pytest.raises(mf.errors.LetterError, match=f"no such column: '{name}'"):
        compose(frame(), text_body=f"{{{{ row.{name} }}}}")


@pytest.mark.parametrize("key", ["_id", "__typename", "__class__", "__dict__", "__init__", "_"])
def test_a_key_that_begins_with_an_underscore_is_reached_in_brackets(key):
    """A row whose cell is of another kind is a problem of that row alone."""
    df = frame(v=cells({key: "here"}, {}, "text", 5, ["a"]))
    expected = [(row, "text_body", "undefined_name") for row in (1, 2, 3, 4)]
    assert row_problems(df, text_body=f"{{{{ v['{key}'] }}}}") == expected
    assert row_problems(df, text_body=f"{{% set key = '{key}' %}}{{{{ v[key] }}}}") == expected
    assert text_of(f"{{{{ v['{key}'] }}}}", v={key: "here"}) == "here"


def test_a_private_name_after_a_dot_says_how_to_write_the_key():
    """``__typename`` is no name of Python's, and works."""
    assert text_of("{{ v._id }}{{ v.__typename }}", v={"_id": 1, "__typename": "Order"}) == "1Order"
    with pytest.raises(mf.errors.LetterError, match=r"write \['__class__'\]"):
        compose(frame(), text_body="{{ email.__class__ }}")


def test_methods_that_change_a_dict_stay_refused():
    """No template changes a cell."""
    for call in (
        "pop('a')",
        "clear()",
        "update(b=1)",
        "setdefault('b', 1)",
        "popitem()",
        "copy()",
        "fromkeys([1])",
    ):
        assert code_of(f"{{{{ v.{call} }}}}", v={"a": 1}) == "unsafe_template"


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*METHODS, "_id", "__class__", "a"]), st.integers(0, 9)))
def test_every_key_is_what_its_dict_holds(value):
    """For any name."""
    template = "".join(f"{{{{ v['{key}'] }}}}," for key in value)
    assert text_of(template + "-", v=value) == "".join(f"{item}," for item in value.values()) + "-"
