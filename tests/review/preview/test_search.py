"""The search equals a naive one over what each cell is as text."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.review.preview.search import rows_with_label, rows_with_text
from tests.composing import cells
from tests.frames import ZOO, frames
from tests.review.preview.reading import cells_of

WORDS = (
    *(
        "nan",
        "none",
        "nat",
        "na",
        "<na>",
        "null",
        "true",
        "false",
        "inf",
        "1",
        "-",
        "0.1",
        "2026",
        "a",
        ".",
        "e+22",
    ),
    *(
        "[",
        "(",
        "j",
        "\\",
        "*",
        "p1@",
        "P0@EXAMPLE",
        "é",
        "É",
        "🎉",
        "\u0301",
        "e\u0301",
        "\ud800",
        "\u200b",
        "-0",
    ),
)


def naive(frame: pd.DataFrame, text: str) -> list[int]:
    """Each cell of each row, one by one."""
    wanted = text.strip().lower()
    return [
        position
        for position in range(len(frame))
        if wanted and any(wanted in str(cell).lower() for cell in cells_of(frame, position))
    ]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ZOO)
def test_every_cell_and_label_of_the_zoo_is_found(name):
    """By its whole text and by each word; a missing value never matches."""
    frame = ZOO[name]()
    texts = {str(cell) for position in range(len(frame)) for cell in cells_of(frame, position)}
    for text in sorted({*WORDS, *texts}):
        assert rows_with_text(frame, text) == naive(frame, text), text


@settings(deadline=None)
@given(frame=frames(max_rows=6), data=st.data())
def test_a_random_frame_is_searched_as_a_naive_search_would(frame, data):
    """With pieces of its own cells, and with words that look like missing values."""
    texts = [str(cell) for position in range(len(frame)) for cell in cells_of(frame, position)]
    piece = st.sampled_from(texts).flatmap(
        lambda text: st.integers(0, len(text)).map(lambda at: text[at:])
    )
    text = data.draw(st.sampled_from(WORDS) | piece if texts else st.sampled_from(WORDS))
    if text.isascii():  # what a capital is elsewhere depends on how pandas keeps the column
        assert rows_with_text(frame, text) == naive(frame, text)


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT], ids=str)
@pytest.mark.parametrize("beside", ["x", 1, [1], pd.Timestamp("2026-01-01")], ids=str)
def test_a_missing_value_is_found_by_no_word(missing, beside):
    """Not by nan, none, nat or <na>, with any other values in the column."""
    frame = pd.DataFrame({"x": cells(beside, missing)})
    assert [
        word
        for word in ("nan", "none", "nat", "na", "<na>", "null")
        if 1 in rows_with_text(frame, word)
    ] == []


def test_equal_values_are_found_as_they_are_written():
    """In Python 1, 1.0 and True are equal, as are 0.0 and -0.0."""
    frame = pd.DataFrame({"x": cells(1, True, 1.0, "1", -0.0, 0.0)})
    assert (
        rows_with_text(frame, "true"),
        rows_with_text(frame, "1.0"),
        rows_with_text(frame, "-0"),
    ) == (
        [1],
        [2],
        [4],
    )


def test_a_pattern_is_only_text():
    """A dot is a dot, and an open bracket is no error."""
    frame = pd.DataFrame({"x": ["a.c", "abc", "a(c", "a\\c", "^abc$"]})
    assert [rows_with_text(frame, text) for text in ("a.c", "a(", "\\", "^a", ".*")] == [
        [0],
        [2],
        [3],
        [4],
        [],
    ]


def test_capitals_do_not_matter_in_any_kind_of_column():
    """Text, objects, categories and labels alike."""
    frame = pd.DataFrame(
        {"t": ["Zoë", "x"], "o": cells("x", "ZOË"), "c": pd.Categorical(["x", "x"])}
    )
    frame.index = pd.Index(["zoË", "y"])
    assert (
        rows_with_text(frame, "ZOË"),
        rows_with_text(frame, "zoë"),
        rows_with_text(frame, "Y"),
    ) == (
        [0, 1],
        [0, 1],
        [1],
    )


def test_blanks_around_what_is_searched_for_do_not_count_and_those_inside_do():
    """A copied name often ends with a blank."""
    frame = pd.DataFrame({"x": ["Ann Lee", "AnnLee"]})
    assert (
        rows_with_text(frame, " ann lee\t"),
        rows_with_text(frame, "n l"),
        rows_with_text(frame, "  "),
        rows_with_text(frame, ""),
    ) == ([0], [0], [], [])


def test_half_a_character_is_found_where_it_is_and_is_no_error_elsewhere():
    """Only a column of objects can contain a lone surrogate."""
    frame = pd.DataFrame({"t": ["a", "b"], "o": cells("x\ud800y", "z")})
    assert (
        rows_with_text(frame, "\ud800"),
        rows_with_text(frame, "X\ud800"),
        rows_with_text(frame, "\udfff"),
    ) == (
        [0],
        [0],
        [],
    )


def test_two_columns_of_one_name_are_both_searched():
    """Also in frames that compose refuses for letters that use them."""
    frame = pd.DataFrame([["a", "b"], ["b", "c"]], columns=["x", "x"])
    assert [rows_with_text(frame, text) for text in "abc"] == [[0], [0, 1], [1]]


def test_a_category_that_no_row_has_finds_nothing():
    """Categories are searched once each, and only rows count."""
    frame = pd.DataFrame({"plan": pd.Categorical(["gold", None], categories=["silver", "gold"])})
    assert (rows_with_text(frame, "silver"), rows_with_text(frame, "gold")) == ([], [0])


@pytest.mark.parametrize(
    ("index", "text", "places"),
    [
        (pd.date_range("2026-01-01", periods=3, tz="Europe/Berlin"), "2026-01-02", [1]),
        (pd.date_range("2026-01-01", periods=3), "2026-01-02 00:00", [1]),
        (pd.date_range("2026-01-01", periods=3), "2026-01", []),
        (pd.Index([1.0, 2.5, 3.0]), "3", [2]),
        (pd.Index(["a", "3"]), "3.0", []),
        (pd.Index([True, False]), "1", []),
        (pd.Index([1.0, 2.5]), "", []),
    ],
)
def test_the_row_box_reads_what_names_a_row_elsewhere(index, text, places):
    """A date means its midnight in any time zone, and 3 means 3.0."""
    assert rows_with_label(index, text) == places
