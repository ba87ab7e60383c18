"""Where a reader is: stepping through sets of rows, never out of any."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mailframe.review.preview.walk import Among, Walk

ASCENDING = st.lists(st.integers(0, 19), max_size=20, unique=True).map(sorted)


class Reader(RuleBasedStateMachine):
    """Somebody who does everything in any order."""

    @initialize(rows=st.integers(0, 20), tour=st.lists(st.integers(0, 19), max_size=5, unique=True))
    def opens(self, rows, tour):
        """A preview on a frame of some rows."""
        self.rows = rows
        self.walk = Walk(rows, tour=[place for place in tour if place < rows])

    def _within(self, members):
        return [member for member in members if member < self.rows]

    @rule(by=st.integers(-25, 25))
    def steps(self, by):
        """Goes in the asked direction as far as there are members, and never leaves them."""
        before, inside = self.walk.place, self.walk.is_in
        members = list(self.walk.members)
        position = self.walk.step(by)
        if members and inside:
            assert position == members[min(max(before + by, 0), len(members) - 1)]

    @rule(position=st.integers(-5, 30))
    def goes(self, position):
        """A row that is asked for is the one that is shown; outside of the set all rows are stepped through."""
        members = list(self.walk.members)
        came = self.walk.go(position)
        if self.rows:
            assert came == min(max(position, 0), self.rows - 1)
            assert came in members or self.walk.among is Among.ALL

    @rule(members=ASCENDING, among=st.sampled_from([Among.FOUND, Among.PROBLEMS]))
    def finds(self, members, among):
        """A new set is stood in if it has members, at the first that is not behind."""
        known, before = self._within(members), self.walk.position
        came = self.walk.choose(among, known)
        if known:
            assert self.walk.among is among
            assert came == min([place for place in known if place >= before] or known)
        else:
            assert came == before

    @rule(among=st.sampled_from(Among))
    def chooses(self, among):
        """A set that was there before."""
        has = bool(self.walk.sets.get(among))
        self.walk.choose(among)
        assert (self.walk.among is among) or not has

    @rule(members=ASCENDING)
    def goes_to_the_next(self, members):
        """The next of some rows, after the last the first."""
        known, before = self._within(members), self.walk.position
        came = self.walk.after(known)
        assert came == min([place for place in known if place > before] or known or [before])

    @invariant()
    def is_somewhere(self):
        """In the frame, in a set that has members, and its place tells where."""
        walk = self.walk
        if not self.rows:
            assert (walk.position, walk.among) == (-1, Among.ALL)
            return
        assert 0 <= walk.position < self.rows
        assert walk.members
        assert walk.is_in == (walk.position in list(walk.members))
        assert walk.is_in
        assert walk.members[walk.place] == walk.position


TestReader = Reader.TestCase
TestReader.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@given(tour=st.lists(st.integers(0, 50), min_size=1, max_size=20, unique=True))
def test_stepping_visits_each_stop_once_in_the_order_of_the_tour(tour):
    """The tour has an order of its own, which is not that of the frame."""
    walk = Walk(51, tour=tour)
    assert [walk.position, *(walk.step(1) for _ in tour[1:])] == tour
    assert [walk.position, *(walk.step(-1) for _ in tour[1:])] == tour[::-1]


@given(members=ASCENDING.filter(bool), start=st.integers(0, 19))
def test_stepping_visits_each_row_that_was_found_once(members, start):
    """From wherever the reader stood, back to the first and then on to the last."""
    walk = Walk(20)
    walk.go(start)
    walk.choose(Among.FOUND, members)
    walk.step(-20)
    assert [walk.position, *(walk.step(1) for _ in members[1:])] == members
    assert walk.step(1) == members[-1]


def test_a_set_that_loses_its_members_is_left():
    """Nobody stands in a set without rows."""
    walk = Walk(5)
    walk.choose(Among.FOUND, [3])
    walk.choose(Among.FOUND, [])
    assert (walk.among, walk.position) == (Among.ALL, 3)


def test_a_frame_without_rows_has_no_position():
    """Nothing that a person does there raises."""
    walk = Walk(0)
    assert {walk.step(1), walk.step(-1), walk.go(3), walk.after([]), walk.choose(Among.TOUR)} == {
        -1
    }
    assert walk.place == 0


def test_a_step_through_a_million_hits_reads_none_of_them():
    """Ten thousand steps through a million rows take well under a second; reading them would take hours."""
    walk = Walk(2_000_000)
    walk.choose(Among.FOUND, list(range(0, 2_000_000, 2)))
    walk.go(1_999_998)
    for _ in range(10_000):
        walk.step(-1)
    assert walk.place == 999_999 - 10_000
