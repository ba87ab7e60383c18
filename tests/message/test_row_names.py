"""Rows are named by their index label, and by their key if the campaign has one."""

from __future__ import annotations

import datetime as dt
import html

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe import errors
from mailframe.message.key_lookup import key_positions
from mailframe.message.problem_frame import problems_frame
from mailframe.message.row_names import RowNames
from mailframe.message.row_selection import row_positions
from mailframe.problems import Code, Problem, shown
from tests.composing import cells, compose, frame

INDEXES = {
    "turned": pd.Index([3, 2, 1, 0]),
    "range": pd.RangeIndex(4),
    "small": pd.Index([3, 2, 1, 0], dtype="uint8"),
    "beyond floats": pd.Index([2**62 + 1, 2**62, 2, 3]),
    "nullable": pd.Index([4, 3, 2, 1], dtype="Int64"),
    "doubled": pd.Index(["a", "b", "a", "b"]),
    "texts": pd.Index(["1", "2 ", "3", "ß"], name="who"),
    "arrow": pd.Index(["a", "b", "c", "d"], dtype="string[pyarrow]"),
    "mixed": pd.Index(["a", 1, None, ("b", 2)], dtype=object, tupleize_cols=False),
    "floats": pd.Index([0.5, 1.0, 0.5, 2.0]),
    "truth": pd.Index([True, False, True, True]),
    "days": pd.date_range("2026-03-28", periods=4),
    "stamps": pd.date_range("2026-03-28", periods=4, tz="Europe/Berlin"),
    "months": pd.period_range("2026-01", periods=4, freq="M"),
    "spans": pd.timedelta_range("1h", periods=4),
    "intervals": pd.interval_range(0, 4),
    "categories": pd.CategoricalIndex(["x", "y", "x", "z"]),
    "dates": pd.Index([dt.date(2026, 1, 1), dt.date(2026, 1, 2)] * 2, dtype=object),
    "levels": pd.MultiIndex.from_tuples(
        [("a", 1), ("b", 2), ("a", 2), ("c", 1)], names=["k", None]
    ),
    "doubled levels": pd.MultiIndex.from_tuples([("a", 1), ("b", 2), ("a", 1), ("c", 1)]),
    "levels with stamps": pd.MultiIndex.from_product(
        [["a", "b"], pd.date_range("2026-01-01", periods=2)]
    ),
}
every_index = pytest.mark.parametrize("name", INDEXES)


def people(name: str) -> pd.DataFrame:
    """Of four rows the second has two problems and the third has one; the letter has a warning."""
    df = frame(
        4, n=[0, 1, 2, 3], first=cells("Ann", None, None, "Mia"), plan=cells("a", None, "b", "c")
    )
    return df.set_axis(INDEXES[name])


def letter() -> dict[str, object]:
    """A subject and a text that need values, and an HTML part with a warning for all rows."""
    return {
        "subject": "Number {{ n }} {{ first }}",
        "text_body": "{{ plan }}",
        "html_body": "{{ n | safe }}",
    }


def same_label(index: pd.Index, wanted: tuple[int, ...]) -> list[int]:
    """The positions of all rows that have the label of one of these."""
    labels = index.tolist()
    return [
        place for place, label in enumerate(labels) if any(label == labels[one] for one in wanted)
    ]


@every_index
def test_the_rows_of_problems_open_those_rows(name):
    """Each once, all rows of a repeated label, and none for the letter as a whole."""
    df = people(name)
    campaign = compose(df, **letter())
    rows = campaign.problems()["row"]
    assert campaign.problems()["position"].tolist() == [pd.NA, 1, 1, 2]
    opened = [position for position, _ in campaign.preview(rows, static=True).stops]
    assert sorted(opened) == same_label(df.index, (1, 2))
    assert len(repr(campaign.gallery(rows)).splitlines()) == 1 + len(opened)
    assert sorted(row_positions(df.index, list(rows))) == sorted(opened)


@every_index
def test_problems_join_the_frame_in_one_line(name):
    """For any index; columns with the same name get a suffix."""
    df = people(name).assign(value=7, position=9)
    campaign = compose(df, **letter())
    problems = campaign.problems()
    joined = problems.merge(
        campaign.frame.reset_index(drop=True),
        how="left",
        left_on="position",
        right_index=True,
        suffixes=("", "_frame"),
    )
    assert joined.index.equals(problems.index)
    assert joined["n"].astype(object).where(joined["n"].notna(), None).tolist() == [None, 1, 1, 2]
    assert problems["position"].tolist() == [pd.NA, 1, 1, 2]
    pd.testing.assert_frame_equal(df.iloc[problems["position"].dropna()], df.iloc[[1, 1, 2]])


@every_index
def test_labels_in_problems_are_those_of_the_frame(name):
    """Of the index's dtype if it can hold missing values; labels of a MultiIndex are tuples."""
    index = INDEXES[name]
    rows = problems_frame(
        [
            Problem(None, "to", Code.SAFE_FILTER, ""),
            *(Problem(n, "to", Code.EMPTY_ADDRESS, "") for n in range(4)),
        ],
        RowNames(pd.DataFrame(index=index)),
    )["row"]
    assert pd.isna(rows[0])
    assert list(map(repr, rows[1:].tolist())) == [
        repr(label)
        if name != "intervals"
        else repr(pd.Interval(float(label.left), float(label.right)))
        for label in index.tolist()
    ]
    if name in ("texts", "arrow", "floats", "days", "stamps", "months", "spans", "categories"):
        assert rows.dtype == index.dtype
    if name in ("turned", "range", "small", "beyond floats", "nullable"):
        assert str(rows.dtype) == str(index.dtype).replace("uint", "UInt").replace("int", "Int")


def test_a_test_email_of_a_row_with_a_problem_is_of_that_row():
    """Also if the index counts backwards."""
    df = frame(4, n=[0, 1, 2, 3], note=["", "ann@example.com", "", ""]).set_axis([3, 2, 1, 0])
    campaign = compose(df, subject="Number {{ n }}", metadata={"note": "{{ note }}"})
    rows = campaign.problems()["row"]
    assert rows.tolist() == [2]
    with mf.Sandbox(in_process=True) as sandbox:
        results = campaign.send_test(sandbox.server, "me@acme.example", rows)
        assert sandbox.messages()["Subject"].tolist() == ["[Test row 2] Number 1"]
    assert results["n"].tolist() == [1]


@settings(deadline=None)  # the first index of a kind imports half of pandas
@given(
    labels=st.lists(st.sampled_from(["a", "b", "c", 1, 2]), min_size=1, max_size=8),
    data=st.data(),
)
def test_labels_lead_back_to_their_rows(labels, data):
    """Exactly the rows with the label of a row that has a problem are opened."""
    blamed = data.draw(st.lists(st.one_of(st.none(), st.integers(0, len(labels) - 1)), max_size=8))
    index = data.draw(
        st.sampled_from([pd.Index(labels, dtype=object), pd.Index(list(map(str, labels)))])
    )
    rows = RowNames(pd.DataFrame(index=index)).labels(blamed)
    expected = same_label(index, tuple(place for place in blamed if place is not None))
    assert (
        sorted(row_positions(index, rows)) == sorted(row_positions(index, list(rows))) == expected
    )


def test_a_message_is_named_by_its_label():
    """``message(0)`` is the row with the label 0, at any position."""
    campaign = compose(frame(3, n=[0, 1, 2]).set_axis([2, 1, 0]), subject="Number {{ n }}")
    assert campaign.message(0).payload["Subject"] == "Number 2"
    assert campaign.message(0).position == 2


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("label", ["2026-03-29", dt.date(2026, 3, 29)])
def test_a_date_is_the_label_of_its_midnight(label, zone):
    """As text and as a date; it is not all times of that day."""
    hours = pd.date_range("2026-03-28", periods=4, freq="12h", tz=zone)
    assert row_positions(hours, [label]) == (2,)
    with pytest.raises(errors.FrameError, match="there is no row 2026-03-30"):
        row_positions(hours, [dt.date(2026, 3, 30)])


ORDERS = frame(4, n=[0, 1, 2, 3], id=["C-1", "C-2", "C-3", "C-4"]).set_axis(["a", "b", "a", "c"])


def test_rows_are_named_by_key_too():
    """In every method that takes rows."""
    campaign = compose(ORDERS, key="id", subject="Number {{ n }}")
    assert campaign.message(key="C-3").payload["Subject"] == "Number 2"
    assert [
        position for position, _ in campaign.preview(key=["C-3", "C-1"], static=True).stops
    ] == [2, 0]
    assert "id C-3: Number 2" in repr(campaign.gallery(key="C-3"))
    assert "id C-1 and id C-3" in repr(campaign.diff(key=("C-1", "C-3")))
    with mf.Sandbox(in_process=True) as sandbox:
        campaign.send_test(sandbox.server, "me@acme.example", key="C-2")
        assert sandbox.messages()["Subject"].tolist() == ["[Test id C-2] Number 1"]


@pytest.mark.parametrize(
    "wanted", [3, "3", 3.0, np.int64(3), [3], pd.Series([3, None]), np.array([3]), ("3", pd.NA)]
)
@pytest.mark.parametrize(
    "column", [[1, 2, 3], ["1", "2", "3"], [1.0, 2.0, 3.0], pd.array([1, 2, 3], dtype="Int64")]
)
def test_a_key_is_the_same_in_every_spelling(column, wanted):
    """As in the ledger; a missing key names no row."""
    assert key_positions(pd.DataFrame({"id": column}), ["id"], wanted) == (2,)


def test_a_key_of_several_columns_is_a_tuple():
    """One, or a list of them."""
    df = pd.DataFrame({"a": ["x", "x"], "b": [1, 2]})
    assert key_positions(df, ["a", "b"], ("x", 2)) == (1,)
    assert key_positions(df, ["a", "b"], [("x", 2), ("x", "1")]) == (1, 0)
    with pytest.raises(errors.FrameError, match="a key is a tuple of the values of a, b"):
        key_positions(df, ["a", "b"], "x")


def test_the_keys_of_several_columns_are_those_of_their_rows():
    """This includes the first row, and a problem without a row."""
    names = RowNames(pd.DataFrame({"a": ["x", "y", "z"], "b": [1, 2, 3]}), ["a", "b"])
    assert names.keys([2, None, 0]).tolist() == [("z", 3), None, ("x", 1)]


def test_the_key_in_problems_opens_exactly_those_rows():
    """Also where labels repeat; its dtype is the column's."""
    df = ORDERS.assign(first=["Ann", "Bob", None, "Mia"], id=[10, 20, 30, 40])
    campaign = compose(df, key="id", text_body="Dear {{ first }}", html_body="{{ n | safe }}")
    problems = campaign.problems()
    assert problems.columns.tolist()[:3] == ["row", "key", "field"]
    assert problems["key"].tolist() == [pd.NA, 30]
    assert [
        position for position, _ in campaign.preview(key=problems["key"], static=True).stops
    ] == [2]
    assert sorted(
        position for position, _ in campaign.preview(problems["row"], static=True).stops
    ) == [0, 2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda campaign: campaign.message("a"),
            r"the label 'a' names 2 rows, at the positions 0, 2; .*key='C-1' or ",
        ),
        (
            lambda campaign: campaign.message("C-1"),
            r"there is no row 'C-1' in .*; it is a key: write key='C-1'",
        ),
        (
            lambda campaign: campaign.message(0),
            r"there is no row 0 in the frame's index; its first label is 'a'; .*key=",
        ),
        (lambda campaign: campaign.message(key="C-9"), r"no row has the key 'C-9' \(id\)"),
        (lambda campaign: campaign.message(key=["C-1", "C-2"]), r"a key is one value of id"),
        (lambda campaign: campaign.message(key=1.5), r"key=1.5: "),
        (
            lambda campaign: campaign.message(key=pd.NA),
            r"key=<NA> is a missing value; give the value of id",
        ),
        (lambda campaign: campaign.message(), r"name one row: by its label .*, or by key="),
        (lambda campaign: campaign.message("c", key="C-4"), r"name one row"),
        (lambda campaign: campaign.preview(["C-1"], static=True), r"it is a key: write key='C-1'"),
        (
            lambda campaign: campaign.preview(["c"], key="C-1", static=True),
            r"rows= and key= both name rows",
        ),
        (lambda campaign: campaign.gallery(key={"C-1": 1}), r"key= is a dict"),
        (lambda campaign: campaign.gallery(campaign.problems()), r"write rows=problems\[\"row\"\]"),
        (
            lambda campaign: campaign.gallery(campaign.problems().index),
            r"write rows=problems\[\"row\"\]",
        ),
        (
            lambda campaign: campaign.diff("b", key=("C-1", "C-2")),
            r"diff takes two labels of rows, two keys",
        ),
        (
            lambda campaign: campaign.diff(campaign, key=("C-1", "C-2")),
            r"diff takes two labels of rows, two keys",
        ),
        (lambda campaign: campaign.diff(key="C-1"), r"diff takes two labels of rows, two keys"),
    ],
)
def test_a_wrong_name_of_a_row_is_an_error_that_says_what_to_write(call, message):
    """A repeated label, a key in place of a label, a key that no row has."""
    with pytest.raises(errors.MailframeError, match=message):
        call(compose(ORDERS, key="id"))


def test_without_a_key_a_repeated_label_has_to_be_made_unique():
    """A key is refused if the campaign has none."""
    campaign = compose(ORDERS)
    with pytest.raises(
        errors.FrameError,
        match=r"names 2 rows, at the positions 0, 2; give the frame a unique index",
    ):
        campaign.message("a")
    with pytest.raises(
        errors.FrameError, match=r"the campaign has no key; write compose\(…, key=…\)"
    ):
        campaign.preview(key="C-1", static=True)


def test_error_texts_name_labels_and_keys():
    """Of the row, and of the other row."""
    df = frame(3, id=["x", "y", "x"], note=cells("a", None, "c")).set_axis([30, 20, 10])
    df.loc[10, "email"] = df.loc[30, "email"]
    plain = compose(df, text_body="{{ note }}")
    repeated = plain.problems().query("code == 'duplicate_recipient'")
    assert repeated["detail"].str.startswith("the same recipient as row 30; drop one").tolist() == [
        True
    ]
    with (
        mf.Sandbox(in_process=True) as sandbox,
        pytest.raises(errors.InvalidRows, match="row 20, text_body") as caught,
    ):
        plain.send(sandbox.server, ledger=None)
    assert caught.value.problems["row"].tolist() == [20, 10]
    with pytest.raises(errors.LetterError, match="row 20 cannot be sent"):
        plain.message(20)
    failing = compose(df, text_body=mf.each(lambda _: getattr(object, "\x1b")))
    with pytest.raises(errors.LetterError, match=r"no attribute .⟨U\+001B⟩"):
        failing.message(20)
    keyed = compose(df, key="id").problems().query("code == 'duplicate_key'").iloc[0]
    assert keyed["detail"].startswith("row 30 and row 10 have the same id")
    assert (keyed["row"], keyed["key"], keyed["value"]) == (10, "x", "'x'")


def test_rows_with_one_label_are_told_apart_in_texts():
    """By their key, or by their position without a key."""
    df = pd.DataFrame({"id": [5, 6]}, index=["a", "a"])
    assert [RowNames(df).of(1), RowNames(df, ["id"]).of(1)] == [
        "row 'a' (position 1)",
        "id 6",
    ]
    assert RowNames(df.assign(id=[5, None]), ["id"]).of(1) == "row 'a' (position 1)"


def test_the_value_that_broke_the_rule_is_in_problems():
    """As a repr, so that spaces and invisible characters are visible; missing if there is none."""
    df = frame(
        5,
        email=["bob@", "ann@example.com ", "a\u200b@example.com", "c@example.com", "c@example.com"],
    )
    df = df.assign(first=["Ann", "Bob", None, "Zoë", "Mia"])
    problems = compose(df, text_body="{{ first }}").problems()
    values = dict(
        zip(problems["code"] + problems["row"].astype(str), problems["value"], strict=True)
    )
    assert values["invalid_address0"] == "'bob@'"
    assert values["invalid_address1"] == "'ann@example.com '"
    assert values["invalid_address2"] == r"'a\u200b@example.com'"
    assert values["duplicate_recipient4"] == "'c@example.com'"
    assert pd.isna(values["missing_value2"])


class Spiteful:
    """An object whose repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


TEXTS = ["x" * 10**6, "\ud800\x00\u202e\n", b"\x00" * 1_000]
OBJECTS = [["a"] * 1_000, 10**5_000, Spiteful(), [Spiteful()], np.arange(99)]


@pytest.mark.parametrize("value", [*TEXTS, *OBJECTS], ids=lambda value: type(value).__name__)
def test_any_value_is_shown_short_and_printable(value):
    """For any cell; it never raises."""
    text = shown(value, most=40)
    assert text.isprintable()
    assert len(text) <= 100
    assert Problem(0, "to", Code.INVALID_VALUE, "", value=value).value == shown(value)


def test_a_difference_of_campaigns_names_labels_and_keys():
    """``old_row`` and ``new_row`` are labels; ``key`` is added if the rows are matched by it."""
    old = frame(3, n=[0, 1, 2], id=["x", "y", "z"]).set_axis(["r0", "r1", "r2"])
    new = old.assign(n=[0, 9, 2]).iloc[[1, 0]].set_axis(["s1", "s0"])
    fields = {"key": "id", "subject": "{{ n }}"}
    table = compose(old, **fields).diff(compose(new, **fields), progress=False).frame()
    assert table[["change", "key"]].to_numpy().tolist() == [["changed", "y"], ["removed", "z"]]
    assert table["old_row"].tolist() == ["r1", "r2"]
    assert table["new_row"].isna().tolist() == [False, True]
    assert table["new_row"].iloc[0] == "s1"


def test_a_tour_names_labels_and_keys():
    """Its index has labels; positions are an attribute."""
    tour = compose(ORDERS, key="id", text_body="{% if n == 2 %}x{% endif %}").tour(progress=False)
    assert tour.frame().columns.tolist() == ["row", "key", "reason"]
    assert tour.frame().loc[tour.frame()["key"] == "C-3", "row"].tolist() == ["a"]
    assert "C-3" in ORDERS.iloc[list(tour.positions)]["id"].tolist()
    assert "id C-3" in html.unescape(tour._repr_html_())


def test_whole_numbers_beside_a_missing_label_stay_whole():
    """Of a MultiIndex; one row has the same name alone and among others."""
    index = pd.MultiIndex.from_tuples([(0, "a"), (np.nan, "b"), (7, None)])
    names = RowNames(pd.DataFrame({"x": [1, 2, 3]}, index=index))
    assert names.many([0, 1, 2]) == [names.of(position) for position in range(3)]
    assert names.many([2, 0]) == ["row (7, <NA>)", "row (0, 'a')"]
