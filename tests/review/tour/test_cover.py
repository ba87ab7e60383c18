"""The chosen rows take everything that any row takes, and none of them is superfluous."""

from __future__ import annotations

import itertools
from functools import reduce
from operator import or_

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.message.binding import bind
from mailframe.review.tour.cover import MAX_PROVED, Candidate, alone, cover
from mailframe.review.tour.groups import BranchGroups
from tests.composing import cells, frame
from tests.review.tour.looking import bits_of_rows, letter, look


def everything(rows: list[int]) -> int:
    """All bits that any of them has."""
    return reduce(or_, rows, 0)


def candidates(max_bits: int = 8, max_rows: int = 12) -> st.SearchStrategy[list[Candidate]]:
    """Rows with random branches, some of them with errors."""
    kinds = st.tuples(st.integers(0, 2**max_bits - 1), st.booleans())
    return st.lists(kinds, max_size=max_rows).map(
        lambda rows: [
            Candidate(bits, position, clean=clean) for position, (bits, clean) in enumerate(rows)
        ]
    )


@settings(deadline=None)
@given(candidates(max_bits=30, max_rows=60))
def test_the_cover_is_complete_and_no_row_of_it_superfluous(rows: list[Candidate]):
    """Without any one of them a branch is lost."""
    chosen = [row.bits for row in cover(rows).chosen]
    assert everything(chosen) == everything([row.bits for row in rows])
    for left_out in range(len(chosen)):
        assert everything(chosen[:left_out] + chosen[left_out + 1 :]) != everything(chosen)


@settings(deadline=None)
@given(candidates(max_bits=7, max_rows=9))
def test_what_is_called_the_fewest_is_the_fewest(rows: list[Candidate]):
    """Against every choice of clean rows; among those with errors only what no clean row takes is wanted."""
    rows = [Candidate(row.bits, row.position) for row in rows]
    found = cover(rows)
    wanted = everything([row.bits for row in rows])
    sizes = (
        n
        for n in range(10)
        for some in itertools.combinations(rows, n)
        if everything([r.bits for r in some]) == wanted
    )
    assert found.fewest
    assert len(found.chosen) == next(sizes)


@settings(deadline=None)
@given(candidates())
def test_a_row_with_an_error_is_there_for_what_no_clean_row_takes(rows: list[Candidate]):
    """Each such row alone takes a branch that no clean row takes."""
    chosen = cover(rows).chosen
    clean = everything([row.bits for row in rows if row.clean])
    for row, own in zip(chosen, alone(chosen), strict=True):
        assert row.clean or own & ~clean


@settings(deadline=None)
@given(candidates(), st.randoms())
def test_the_order_in_which_rows_are_given_does_not_matter(rows: list[Candidate], dice):
    """Their positions decide."""
    shuffled = rows.copy()
    dice.shuffle(shuffled)
    assert cover(shuffled) == cover(rows)


def test_of_equal_rows_the_earliest_is_chosen():
    """And a clean one before an earlier one with an error."""
    rows = [Candidate(0b11, 0, clean=False), Candidate(0b11, 1), Candidate(0b11, 2)]
    assert [row.position for row in cover(rows).chosen] == [1]


def test_greed_is_mended_where_it_takes_a_row_too_many():
    """The row that shows most is not among the fewest."""
    rows = [Candidate(0b011110, 0), Candidate(0b000111, 1), Candidate(0b111000, 2)]
    assert sorted(row.position for row in cover(rows).chosen) == [1, 2]


def test_a_greedy_choice_of_many_kinds_has_no_superfluous_row():
    """Where there are too many kinds to prove anything, what greed took too much is left out again."""
    few = [0b011110, 0b000111, 0b111000]
    many = [kind << 6 for kind in range(1, 2**11)]
    assert len(many) > MAX_PROVED
    found = cover(Candidate(bits, position) for position, bits in enumerate([*few, *many]))
    assert not found.fewest
    assert {row.bits for row in found.chosen} == {few[1], few[2], many[-1]}


def test_no_rows_need_no_cover():
    """Nor do rows without a branch."""
    assert cover([]).chosen == cover([Candidate(0, 0)]).chosen == ()


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2**10 - 1), st.booleans()), max_size=80), st.integers(10, 20)
)
def test_few_kinds_are_kept_and_nothing_is_lost_by_it(rows: list[tuple[int, bool]], max_kinds: int):
    """The cover is complete, and each branch is counted over all rows."""
    groups = BranchGroups(max_kinds=max_kinds)
    for row, (bits, clean) in enumerate(rows):
        groups.add(bits, row, clean=clean)
        assert groups.kinds <= max_kinds
    assert everything([row.bits for row in groups.cover().chosen]) == everything(
        [bits for bits, _ in rows]
    )
    counts = groups.rows_by_branch()
    assert all(counts[place] == sum(bits >> place & 1 for bits, _ in rows) for place in range(10))


def test_dropped_kinds_make_no_claim_of_the_fewest():
    """What was dropped could have been better."""
    groups = BranchGroups(max_kinds=10)
    for row in range(11):
        groups.add(1 << row, row, clean=True)
    assert not groups.cover().fewest


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
    return pd.DataFrame({"email": pd.Series(emails, dtype="str"), **named})


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_a_tour_takes_every_branch_that_a_row_takes_and_needs_each_of_its_rows(rows: list[tuple]):
    """Over a real letter, rows with errors among them."""
    df = framed(rows)
    bits = bits_of_rows(bind(letter(text_body=BODY), df))
    found = look(df, text_body=BODY)
    chosen = [bits[stop.position] for stop in found.stops[: found.covering]]
    assert everything(chosen) == everything(bits)
    assert len(found.branches) == everything(bits).bit_count()
    for left_out in range(len(chosen)):
        assert everything(chosen[:left_out] + chosen[left_out + 1 :]) != everything(bits)


@settings(deadline=None, max_examples=40)
@given(ROWS, st.randoms())
def test_the_order_of_the_frame_changes_neither_the_branches_nor_the_fewest_rows(
    rows: list[tuple], dice
):
    """Which rows those are may change: the earlier one is preferred; so may how many, where nothing is claimed."""
    df = framed(rows)
    order = list(range(len(df)))
    dice.shuffle(order)
    one, other = look(df, text_body=BODY), look(df.iloc[order], text_body=BODY)
    assert (one.branches, one.untaken) == (other.branches, other.untaken)
    if one.fewest and other.fewest:
        assert one.covering == other.covering
    without_errors = df[
        df["n"] > 0
    ]  # where rows have errors, the fewest are claimed only when a bound shows it
    assert look(without_errors, text_body=BODY).fewest


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_rows_of_one_kind_are_one_stop(rows: int):
    """The first of them."""
    found = look(frame(a=["x"] * rows, email=["a@example.com"] * rows), text_body="{{ a or 'y' }}")
    assert found.positions == (0,)
