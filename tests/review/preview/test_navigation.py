"""Where a reader is: stepping through sets of rows, never out of any."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mailframe.review.preview.navigation import Navigation, RowSet

ASCENDING = st.lists(st.integers(0, 19), max_size=20, unique=True).map(sorted)


class Reader(RuleBasedStateMachine):
    """Somebody who does everything in any order."""

    @initialize(rows=st.integers(0, 20), tour=st.lists(st.integers(0, 19), max_size=5, unique=True))
    def opens(self, rows, tour):
        """A preview on a frame of some rows."""
        self.rows = rows
        self.navigation = Navigation(rows, tour=[place for place in tour if place < rows])

    def _within(self, members):
        return [member for member in members if member < self.rows]

    @rule(by=st.integers(-25, 25))
    def steps(self, by):
        """Goes in the asked direction as far as there are members, and never leaves them."""
        before, inside = self.navigation.place, self.navigation.is_member
        members = list(self.navigation.members)
        position = self.navigation.step(by)
        if members and inside:
            assert position == members[min(max(before + by, 0), len(members) - 1)]

    @rule(position=st.integers(-5, 30))
    def goes(self, position):
        """A row that is asked for is the one that is shown; outside of the set all rows are stepped through."""
        members = list(self.navigation.members)
        came = self.navigation.go(position)
        if self.rows:
            assert came == min(max(position, 0), self.rows - 1)
            assert came in members or self.navigation.current is RowSet.ALL

    @rule(members=ASCENDING, row_set=st.sampled_from([RowSet.MATCHES, RowSet.PROBLEMS]))
    def finds(self, members, row_set):
        """A new set is stood in if it has members, at the first that is not behind."""
        known, before = self._within(members), self.navigation.position
        came = self.navigation.choose(row_set, known)
        if known:
            assert self.navigation.current is row_set
            assert came == min([place for place in known if place >= before] or known)
        else:
            assert came == before

    @rule(row_set=st.sampled_from(RowSet))
    def chooses(self, row_set):
        """A set that was there before."""
        has = bool(self.navigation.sets.get(row_set))
        self.navigation.choose(row_set)
        assert (self.navigation.current is row_set) or not has

    @rule(members=ASCENDING)
    def goes_to_the_next(self, members):
        """The next of some rows, after the last the first."""
        known, before = self._within(members), self.navigation.position
        came = self.navigation.after(known)
        assert came == min([place for place in known if place > before] or known or [before])

    @invariant()
    def is_somewhere(self):
        """In the frame, in a set that has members, and its place tells where."""
        navigation = self.navigation
        if not self.rows:
            assert (navigation.position, navigation.current) == (-1, RowSet.ALL)
            return
        assert 0 <= navigation.position < self.rows
        assert navigation.members
        assert navigation.is_member == (navigation.position in list(navigation.members))
        assert navigation.is_member
        assert navigation.members[navigation.place] == navigation.position


TestReader = Reader.TestCase
TestReader.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@given(tour=st.lists(st.integers(0, 50), min_size=1, max_size=20, unique=True))
def test_stepping_visits_each_stop_once_in_the_order_of_the_tour(tour):
    """The tour has an order of its own, which is not that of the frame."""
    navigation = Navigation(51, tour=tour)
    assert [navigation.position, *(navigation.step(1) for _ in tour[1:])] == tour
    assert [navigation.position, *(navigation.step(-1) for _ in tour[1:])] == tour[::-1]


@given(members=ASCENDING.filter(bool), start=st.integers(0, 19))
def test_stepping_visits_each_row_that_was_found_once(members, start):
    """From wherever the reader stood, back to the first and then on to the last."""
    navigation = Navigation(20)
    navigation.go(start)
    navigation.choose(RowSet.MATCHES, members)
    navigation.step(-20)
    assert [navigation.position, *(navigation.step(1) for _ in members[1:])] == members
    assert navigation.step(1) == members[-1]


def test_a_set_that_loses_its_members_is_left():
    """Nobody stands in a set without rows."""
    navigation = Navigation(5)
    navigation.choose(RowSet.MATCHES, [3])
    navigation.choose(RowSet.MATCHES, [])
    assert (navigation.current, navigation.position) == (RowSet.ALL, 3)


def test_a_frame_without_rows_has_no_position():
    """Nothing that a person does there raises."""
    navigation = Navigation(0)
    assert {
        navigation.step(1),
        navigation.step(-1),
        navigation.go(3),
        navigation.after([]),
        navigation.choose(RowSet.TOUR),
    } == {-1}
    assert navigation.place == 0


def test_a_step_through_a_million_hits_reads_none_of_them():
    """Ten thousand steps through a million rows take well under a second; reading them would take hours."""
    navigation = Navigation(2_000_000)
    navigation.choose(RowSet.MATCHES, list(range(0, 2_000_000, 2)))
    navigation.go(1_999_998)
    for _ in range(10_000):
        navigation.step(-1)
    assert navigation.place == 999_999 - 10_000
