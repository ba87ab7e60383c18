"""Detail rows for each person: df.mail.nest, and the filter table that prints them."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailframe as mf
from mailframe.errors import FrameError
from tests.composing import cells, code_of, compose, frame, text_of
from tests.message.columnar.both_ways import assert_same

PEOPLE = pd.DataFrame(
    {"id": [3, 1, 2], "email": ["c@acme.example", "a@acme.example", "b@acme.example"]}
)
ORDERS = pd.DataFrame(
    {"id": [1, 3, 1, 9], "item": ["tea", "cup", "pot", "lost"], "n": [1.0, 2, 3, None]}
)
TWICE = pd.concat([ORDERS, ORDERS], axis=1)


def test_each_person_has_the_own_records():
    """In the order of the details; nobody has those of an unknown person."""
    nested = PEOPLE.mail.nest(orders=ORDERS, on="id")
    assert nested["orders"].tolist() == [
        [{"item": "cup", "n": 2}],
        [{"item": "tea", "n": 1}, {"item": "pot", "n": 3}],
        [],
    ]
    pd.testing.assert_frame_equal(nested.drop(columns="orders"), PEOPLE)
    assert "orders" not in PEOPLE.columns


def test_several_frames_are_nested_at_once():
    """Each is a column."""
    visits = pd.DataFrame({"id": [2], "day": [pd.Timestamp("2026-11-22")]})
    nested = PEOPLE.mail.nest(orders=ORDERS, visits=visits, on="id")
    assert list(nested.columns) == ["id", "email", "orders", "visits"]
    [record] = nested["visits"].iloc[2]
    assert record["day"].isoformat() == "2026-11-22T00:00:00"
    assert nested["visits"].iloc[0] == []


@pytest.mark.parametrize("index", [[5, 5, 5], pd.MultiIndex.from_tuples([(1, 2), (1, 2), (0, 0)])])
def test_the_index_of_the_people_stays(index):
    """Whatever it is."""
    people = PEOPLE.set_index(pd.Index(index) if isinstance(index, list) else index)
    nested = people.mail.nest(orders=ORDERS.set_index("n"), on="id")
    assert nested.index.equals(people.index)
    assert [len(records) for records in nested["orders"]] == [1, 2, 0]


@pytest.mark.parametrize(
    "dtype", ["int64", "Int64", "float64", "str", "category", "object", "int64[pyarrow]"]
)
def test_keys_of_any_dtype_match(dtype):
    """Also with gaps, which match nobody."""
    people, orders = PEOPLE.astype({"id": dtype}), ORDERS.astype({"id": dtype})
    assert [len(one) for one in people.mail.nest(orders=orders, on="id")["orders"]] == [1, 2, 0]


def test_missing_keys_match_nobody():
    """Neither a person without a key nor details without one."""
    people = PEOPLE.assign(id=[3, None, 2])
    orders = ORDERS.assign(id=[None, 3, None, None])
    nested = people.mail.nest(orders=orders, on="id")
    assert [len(records) for records in nested["orders"]] == [1, 0, 0]


def test_people_with_the_same_key_get_the_same_records():
    """Two addresses of one customer."""
    nested = PEOPLE.assign(id=[1, 1, 2]).mail.nest(orders=ORDERS, on="id")
    assert [len(records) for records in nested["orders"]] == [2, 2, 0]


@pytest.mark.parametrize("people", [PEOPLE, PEOPLE.iloc[:0]])
@pytest.mark.parametrize("orders", [ORDERS.iloc[:0], ORDERS[["id"]]])
def test_empty_frames_give_empty_lists(people, orders):
    """No people, no details, no further columns."""
    nested = people.mail.nest(orders=orders, on="id")
    assert len(nested) == len(people)
    assert all(isinstance(records, list) for records in nested["orders"])


@pytest.mark.parametrize(
    ("made", "error"),
    [
        (lambda: PEOPLE.mail.nest(on="id"), "at least one frame of details"),
        (lambda: PEOPLE.mail.nest(orders=ORDERS, on="ID"), "the frame has no column 'ID'.*'id'"),
        (lambda: PEOPLE.mail.nest(orders=ORDERS, on="email"), "orders has no column 'email'"),
        (lambda: PEOPLE.mail.nest(email=ORDERS, on="id"), "has a column 'email' already"),
        (lambda: PEOPLE.mail.nest(orders=ORDERS.set_index("id"), on="id"), "reset_index"),
        (
            lambda: PEOPLE.mail.nest(orders=[{"id": 1}], on="id"),
            "orders is a list; give a DataFrame",
        ),
        (
            lambda: PEOPLE.mail.nest(orders=ORDERS.astype({"id": str}), on="id"),
            "give both the same type",
        ),
        (
            lambda: PEOPLE.mail.nest(orders=pd.concat([ORDERS, ORDERS], axis=1), on="id"),
            "more than one",
        ),
    ],
)
def test_what_cannot_be_nested_is_an_error(made, error):
    """It names the frame and the column."""
    with pytest.raises(FrameError, match=error):
        made()


@given(
    st.lists(st.integers(0, 6), max_size=8),
    st.lists(st.tuples(st.integers(0, 8), st.integers()), max_size=20),
)
def test_nesting_is_filtering_once_for_each_person(people, details):
    """The definition, which takes a pass over all details for each person."""
    left = pd.DataFrame({"id": pd.Series(people, dtype="int64")})
    right = pd.DataFrame(details, columns=["id", "n"]).astype({"id": "int64"})
    expected = [right[right["id"] == key]["n"].tolist() for key in people]
    if len(right) and people and not any(expected):
        with pytest.raises(FrameError, match="belongs to a row"):
            left.mail.nest(d=right, on="id")
        return
    nested = left.mail.nest(d=right, on="id")
    assert [[record["n"] for record in records] for records in nested["d"]] == expected


# --- the filter table -----------------------------------------------------------------------------

ROWS = [
    {"item": "tea & <b>", "amount": Decimal("1.50"), "n": 2},
    {"item": "李雷", "amount": Decimal("12.25"), "n": 10},
]


def test_a_table_in_text_is_aligned():
    """Numbers to the right, wide characters as wide as they are shown."""
    assert text_of("{{ orders | table }}", orders=ROWS) == (
        "Item       Amount   N\n---------  ------  --\ntea & <b>    1.50   2\n李雷        12.25  10"
    )


def test_a_table_in_html_is_escaped_and_aligned():
    """Each cell has its style inline; the class is for the dark mode of layouts."""
    html = text_of("{{ orders | table }}", part="html_body", orders=ROWS)
    assert "tea &amp; &lt;b&gt;</td>" in html
    assert '<th scope="col" align="right"' in html
    assert html.count("<tr") == 3
    assert html.count("class=") == html.count('<table class="mf-data"') == 1
    assert html.count('style="') == 1 + 9  # the table, and each cell


def test_a_table_is_as_wide_as_the_text_around_it():
    """Its cells have no padding outside, except with a background; there is space below it."""
    plain = text_of("{{ orders | table }}", part="html_body", orders=ROWS)
    assert plain.count("padding-left:0") == plain.count("padding-right:0") == 3
    assert "margin:0 0 20px" in plain
    striped = text_of("{{ orders | table(zebra=true) }}", part="html_body", orders=ROWS)
    assert "padding-left:0" not in striped


@pytest.mark.parametrize(
    ("text", "is_one_line"), [("22 Nov", 1), ("12345678", 1), ("123456789", 0)]
)
def test_short_values_stay_on_one_line(text, is_one_line):
    """A phone does not wrap a column of dates such as 22 Nov; eight characters are short."""
    html = text_of("{{ orders | table }}", part="html_body", orders=[{"a": "x"}, {"a": text}])
    assert ("nowrap" in html) == bool(is_one_line)


def test_columns_headers_formats_totals_and_a_caption_are_chosen():
    """In text and in HTML."""
    template = (
        "{{ orders | table(columns={'item': 'What', 'amount': 'Price'}, totals=['amount'], "
        "formats={'amount': ['money', 'USD']}, caption='Your order', zebra=true) }}"
    )
    assert text_of(template, orders=ROWS) == (
        "Your order\nWhat        Price\n---------  ------\ntea & <b>   $1.50\n李雷       $12.25\n"
        "---------  ------\nTotal      $13.75"
    )
    html = text_of(template, part="html_body", orders=ROWS)
    assert ">Your order</caption>" in html
    assert "$13.75</td>" in html
    assert html.count("background-color") == 1


@pytest.mark.parametrize(
    ("amounts", "total"),
    [
        ([0.1, 0.2], "0.3"),
        ([1, 2], "3"),
        ([1, 0.5], "1.5"),
        ([Decimal("0.1"), 0.2], "0.3"),
        ([2.0, 1.0], "3"),
    ],
)
def test_a_total_has_the_digits_that_people_expect(amounts, total):
    """Floats are added by their decimal digits."""
    rows = [{"a": "x", "n": amount} for amount in amounts]
    assert text_of("{{ orders | table(totals='n') }}", orders=rows).split()[-1] == total


def test_an_empty_list_prints_nothing_or_a_text():
    """In both parts."""
    assert text_of("[{{ orders | table }}]", orders=[]) == "[]"
    assert text_of("[{{ orders | table(empty='no orders') }}]", orders=[]) == "[no orders]"


def test_a_missing_value_in_a_record_is_an_error_or_a_text():
    """Missing means missing, also in a table."""
    rows = [{"item": "tea", "n": None}, {"item": None, "n": 1}]
    assert code_of("{{ orders | table }}", orders=rows) == "missing_value"
    assert text_of("{{ orders | table(missing='-') }}", orders=rows) == (
        "Item  N\n----  -\ntea   -\n-     1"
    )


@pytest.mark.parametrize(
    ("template", "rows", "text"),
    [
        ("{{ orders | table }}", "text", "table takes a list of records"),
        ("{{ orders | table }}", [1, 2], "table takes a list of records"),
        ("{{ orders | table }}", {"a": 1}, "table takes a list of records"),
        ("{{ orders | table(columns=['x']) }}", [{"a": 1}], "has no 'x'; it has a"),
        ("{{ orders | table }}", [{"a": 1}, {"b": 1}], "has no 'a'; it has b"),
        ("{{ orders | table(formats={'a': 'mony'}) }}", [{"a": 1}], "which is no filter"),
        ("{{ orders | table(formats={'a': '_read'}) }}", [{"a": 1}], "which is no filter"),
        ("{{ orders | table(totals=['a']) }}", [{"a": "x"}], "needs numbers"),
        ("{{ orders | table(totals=['a']) }}", [{"a": True}], "needs numbers"),
        ("{{ orders | table(columns=5) }}", [{"a": 1}], "columns is a list of keys"),
    ],
)
def test_what_table_cannot_print_is_an_error_of_the_row(template, rows, text):
    """With what it takes."""
    [row] = compose(frame(orders=cells(rows)), text_body=template).problems().to_dict("records")
    assert row["code"] == "template_error"
    assert text in row["detail"]


def test_a_table_counts_towards_the_limits():
    """Its cells are printed like others."""
    assert code_of("{{ orders | table }}", orders=[{"a": "x" * 3_000} for _ in range(8_000)]) == (
        "template_limit"
    )


def test_a_table_with_a_language_has_its_formats():
    """The locale of the row."""
    df = frame(orders=[[{"n": 1234.5}]])
    campaign = compose(df, language="de", text_body="{{ orders | table(formats={'n': 'number'}) }}")
    assert campaign.messages()["TextBody"].iloc[0].endswith("1.234,5")


def test_tables_are_the_same_on_both_paths():
    """Lists are evaluated in each row."""
    people = frame(id=range(1200))
    orders = pd.DataFrame(
        {"id": [n // 3 for n in range(3000)], "item": "tea <b>", "n": range(3000)}
    )
    template = "{{ orders | table(totals=['n'], empty='-') }}{{ orders | sum('n') }}"
    campaign = compose(
        people.mail.nest(orders=orders, on="id"), html_body=template, text_body=template
    )
    assert_same(campaign._composed.bound)
    body = campaign.message(1).payload["TextBody"]
    assert body.splitlines()[2:5] == ["tea <b>   3", "tea <b>   4", "tea <b>   5"]


def test_no_record_reaches_another_person():
    """A canary in each record."""
    people = frame(id=range(300))
    orders = pd.DataFrame({"id": [n % 300 for n in range(900)]})
    orders["item"] = [f"canary-{n}." for n in orders["id"]]
    made = compose(people.mail.nest(orders=orders, on="id"), text_body="{{ orders | table }}")
    for number, body in enumerate(made.messages()["TextBody"]):
        assert body.count(f"canary-{number}.") == 3
        assert body.count("canary-") == 3


def test_the_menu_has_the_names():
    """Fixed by product.md."""
    assert callable(mf.html)
    assert callable(mf.each)
    assert not isinstance(mf.html, type(pd))
