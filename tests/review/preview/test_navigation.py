"""The current row: steps through sets of rows never leave a set."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mailframe.review.preview.navigation import Navigation, RowSet

ASCENDING = st.lists(st.integers(0, 19), max_size=20, unique=True).map(sorted)


class Reader(RuleBasedStateMachine):
    """A reader who uses all methods in any order."""

    @initialize(rows=st.integers(0, 20), tour=st.lists(st.integers(0, 19), max_size=5, unique=True))
    def opens(self, rows, tour):
        """A preview on a frame of some rows."""
        self.rows = rows
        self.navigation = Navigation(rows, tour=[place for place in tour if place < rows])

    def _within(self, members):
        return [member for member in members if member < self.rows]

    @rule(by=st.integers(-25, 25))
    def steps(self, by):
        """Moves in that direction among the members, and never leaves them."""
        before, inside = self.navigation.place, self.navigation.is_member
        members = list(self.navigation.members)
        position = self.navigation.step(by)
        if members and inside:
            assert position == members[min(max(before + by, 0), len(members) - 1)]

    @rule(position=st.integers(-5, 30))
    def goes(self, position):
        """A chosen row is shown; if it is not in the set, all rows become the set."""
        members = list(self.navigation.members)
        came = self.navigation.go(position)
        if self.rows:
            assert came == min(max(position, 0), self.rows - 1)
            assert came in members or self.navigation.current is RowSet.ALL

    @rule(members=ASCENDING, row_set=st.sampled_from([RowSet.MATCHES, RowSet.PROBLEMS]))
    def finds(self, members, row_set):
        """A new set with members becomes the current one, at its first row not before this one."""
        within, before = self._within(members), self.navigation.position
        came = self.navigation.choose(row_set, within)
        if within:
            assert self.navigation.current is row_set
            assert came == min([place for place in within if place >= before] or within)
        else:
            assert came == before

    @rule(row_set=st.sampled_from(RowSet))
    def chooses(self, row_set):
        """A set that exists already."""
        has = bool(self.navigation.sets.get(row_set))
        self.navigation.choose(row_set)
        assert (self.navigation.current is row_set) or not has

    @rule(members=ASCENDING)
    def goes_to_the_next(self, members):
        """The next of some rows, after the last the first."""
        within, before = self._within(members), self.navigation.position
        came = self.navigation.after(within)
        assert came == min([place for place in within if place > before] or within or [before])

    @invariant()
    def is_somewhere(self):
        """The row is in the frame and in a set with members, at its place."""
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
TestReader.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)


@given(tour=st.lists(st.integers(0, 50), min_size=1, max_size=20, unique=True))
def test_stepping_visits_each_stop_once_in_the_order_of_the_tour(tour):
    """The tour has an order of its own, which is not that of the frame."""
    navigation = Navigation(51, tour=tour)
    assert [navigation.position, *(navigation.step(1) for _ in tour[1:])] == tour
    assert [navigation.position, *(navigation.step(-1) for _ in tour[1:])] == tour[::-1]


@given(members=ASCENDING.filter(bool), start=st.integers(0, 19))
def test_stepping_visits_each_row_that_was_found_once(members, start):
    """From any row back to the first one, and on to the last."""
    navigation = Navigation(20)
    navigation.go(start)
    navigation.choose(RowSet.MATCHES, members)
    navigation.step(-20)
    assert [navigation.position, *(navigation.step(1) for _ in members[1:])] == members
    assert navigation.step(1) == members[-1]


def test_a_set_that_loses_its_members_is_left():
    """A set without rows is never the current one."""
    navigation = Navigation(5)
    navigation.choose(RowSet.MATCHES, [3])
    navigation.choose(RowSet.MATCHES, [])
    assert (navigation.current, navigation.position) == (RowSet.ALL, 3)


def test_a_frame_without_rows_has_no_position():
    """No method raises an error."""
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
    """Ten thousand steps through a million rows take less than a second."""
    navigation = Navigation(2_000_000)
    navigation.choose(RowSet.MATCHES, list(range(0, 2_000_000, 2)))
    navigation.go(1_999_998)
    for _ in range(10_000):
        navigation.step(-1)
    assert navigation.place == 999_999 - 10_000
