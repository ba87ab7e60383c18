"""The rows of a cover take every branch that any row takes, and none of them is redundant."""

from __future__ import annotations

import itertools
from functools import reduce
from operator import or_

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.message.binding import bind
from mailframe.pandas_versions import text_column
from mailframe.review.tour.cover import (
    MAX_COMPARED,
    Candidate,
    CandidateRows,
    smallest_cover,
    unique_bits,
)
from tests.composing import cells, frame
from tests.review.tour.tours import bits_of_rows, letter, tour_of


def everything(rows: list[int]) -> int:
    """The bits that any of the rows has."""
    return reduce(or_, rows, 0)


def candidates(max_bits: int = 8, max_rows: int = 12) -> st.SearchStrategy[list[Candidate]]:
    """Rows with random branches; some of them have errors."""
    kinds = st.tuples(st.integers(0, 2**max_bits - 1), st.booleans())
    return st.lists(kinds, max_size=max_rows).map(
        lambda rows: [
            Candidate(bits, position, clean=clean) for position, (bits, clean) in enumerate(rows)
        ]
    )


@settings(deadline=None)
@given(candidates(max_bits=30, max_rows=60))
def test_a_cover_is_complete_and_has_no_redundant_row(rows: list[Candidate]):
    """If any of its rows is left out, a branch is lost."""
    chosen = [row.bits for row in smallest_cover(rows).rows]
    assert everything(chosen) == everything([row.bits for row in rows])
    for left_out in range(len(chosen)):
        assert everything(chosen[:left_out] + chosen[left_out + 1 :]) != everything(chosen)


@settings(deadline=None)
@given(candidates(max_bits=7, max_rows=9))
def test_a_cover_with_fewest_is_the_smallest(rows: list[Candidate]):
    """It is compared with every combination of rows without errors."""
    rows = [Candidate(row.bits, row.row) for row in rows]
    cover = smallest_cover(rows)
    wanted = everything([row.bits for row in rows])
    sizes = (
        n
        for n in range(10)
        for some in itertools.combinations(rows, n)
        if everything([r.bits for r in some]) == wanted
    )
    assert cover.fewest
    assert len(cover.rows) == next(sizes)


@settings(deadline=None)
@given(candidates())
def test_a_row_with_an_error_takes_a_branch_that_no_clean_row_takes(rows: list[Candidate]):
    """And that no other row of the cover takes."""
    cover = smallest_cover(rows).rows
    clean = everything([row.bits for row in rows if row.clean])
    for row, bits in zip(cover, unique_bits(cover), strict=True):
        assert row.clean or bits & ~clean


@settings(deadline=None)
@given(candidates(), st.randoms())
def test_the_order_of_the_candidates_does_not_matter(rows: list[Candidate], dice):
    """Only their positions in the frame do."""
    shuffled = rows.copy()
    dice.shuffle(shuffled)
    assert smallest_cover(shuffled) == smallest_cover(rows)


def test_of_equal_rows_the_first_without_errors_is_used():
    """Also if an earlier row has an error."""
    rows = [Candidate(0b11, 0, clean=False), Candidate(0b11, 1), Candidate(0b11, 2)]
    assert [row.row for row in smallest_cover(rows).rows] == [1]


def test_a_greedy_cover_is_replaced_by_a_smaller_one():
    """The row with most branches is not part of the smallest cover."""
    rows = [Candidate(0b011110, 0), Candidate(0b000111, 1), Candidate(0b111000, 2)]
    assert sorted(row.row for row in smallest_cover(rows).rows) == [1, 2]


def test_a_greedy_cover_of_many_candidates_has_no_redundant_row():
    """With too many candidates for a proof, redundant rows are still removed."""
    small = [0b011110, 0b000111, 0b111000]
    many = [bits << 6 for bits in range(1, 2**11)]
    assert len(many) > MAX_COMPARED
    cover = smallest_cover(Candidate(bits, row) for row, bits in enumerate([*small, *many]))
    assert not cover.fewest
    assert {row.bits for row in cover.rows} == {small[1], small[2], many[-1]}


def test_without_rows_the_cover_is_empty():
    """And without branches."""
    assert smallest_cover([]).rows == smallest_cover([Candidate(0, 0)]).rows == ()


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2**10 - 1), st.booleans()), max_size=80), st.integers(10, 20)
)
def test_few_candidates_are_kept_and_no_branch_is_lost(rows: list[tuple[int, bool]], max_kept: int):
    """The cover is complete, and all rows are counted for each branch."""
    kept = CandidateRows(max_kept=max_kept)
    for row, (bits, clean) in enumerate(rows):
        kept.add(bits, row, clean=clean)
        assert len(kept) <= max_kept
    assert everything([row.bits for row in kept.cover().rows]) == everything(
        [bits for bits, _ in rows]
    )
    counts = kept.counts_by_branch()
    assert all(counts[place] == sum(bits >> place & 1 for bits, _ in rows) for place in range(10))


def test_after_candidates_were_dropped_the_cover_is_not_called_the_fewest():
    """A dropped candidate might have been better."""
    kept = CandidateRows(max_kept=10)
    for row in range(11):
        kept.add(1 << row, row, clean=True)
    assert not kept.cover().fewest


BODY = (
    "{% if a %}x{% elif b %}y{% endif %}{{ b | default('z') }}"
    "{% for x in xs %}{{ x }}{% if x == b %}!{% endif %}{% endfor %}"
    "{{ a or b or 'none' }}{{ 10 // n }}{{ 'p' if n > 2 else 'q' }}"
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["", "x", None]),
        st.sampled_from(["", "y", None, 1]),
        st.integers(0, 3),
        st.lists(st.integers(0, 2), max_size=3),
    ),
    max_size=12,
)


def framed(rows: list[tuple]) -> pd.DataFrame:
    """The rows as a frame with the columns of ``BODY``."""
    columns = zip(*rows, strict=True) if rows else [()] * 4
    emails = [f"p{n}@acme.example" for n in range(len(rows))]
    named = {
        name: cells(*column) for name, column in zip(("a", "b", "n", "xs"), columns, strict=True)
    }
    return pd.DataFrame({"email": text_column(emails), **named})


@settings(deadline=None, max_examples=15)
@given(ROWS)
def test_a_tour_takes_every_branch_that_a_row_takes_and_needs_each_of_its_rows(rows: list[tuple]):
    """Of a real letter; some rows have errors."""
    df = framed(rows)
    bits = bits_of_rows(bind(letter(text_body=BODY), df))
    tour = tour_of(df, text_body=BODY)
    chosen = [bits[stop.position] for stop in tour.stops[: tour.covering]]
    assert everything(chosen) == everything(bits)
    assert len(tour.branches) == everything(bits).bit_count()
    for left_out in range(len(chosen)):
        assert everything(chosen[:left_out] + chosen[left_out + 1 :]) != everything(bits)


@settings(deadline=None, max_examples=20)
@given(ROWS, st.randoms())
def test_the_order_of_the_frame_changes_neither_the_branches_nor_the_fewest_rows(
    rows: list[tuple], dice
):
    """It may change which rows they are, and their number if it is not proven."""
    df = framed(rows)
    order = list(range(len(df)))
    dice.shuffle(order)
    one, other = tour_of(df, text_body=BODY), tour_of(df.iloc[order], text_body=BODY)
    assert (one.branches, one.untaken) == (other.branches, other.untaken)
    if one.fewest and other.fewest:
        assert one.covering == other.covering
    without_errors = df[df["n"] > 0]  # of rows with errors, it is only sometimes proven
    assert tour_of(without_errors, text_body=BODY).fewest


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_of_rows_with_the_same_branches_the_first_is_a_stop(rows: int):
    """There are no others."""
    tour = tour_of(
        frame(a=["x"] * rows, email=["a@example.com"] * rows), text_body="{{ a or 'y' }}"
    )
    assert tour.positions == (0,)
