"""Problems are kept in a few bytes each, and read as the objects that they were."""

from __future__ import annotations

import tracemalloc
from array import array
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailframe.message.plan import Plan
from mailframe.message.preflight import Preflight
from mailframe.message.problem_frame import problems_frame
from mailframe.message.problem_list import ProblemCollector, problem_list
from mailframe.message.row_names import RowNames
from mailframe.pandas_versions import text_column
from mailframe.problems import Code, Problem, Severity
from tests.campaigns import people

ROWS = 12
PROBLEMS = st.lists(
    st.builds(
        Problem,
        st.none() | st.integers(0, ROWS - 1),
        st.sampled_from(["to", "subject", "metadata.plan"]),
        st.sampled_from(
            [
                Code.INVALID_ADDRESS,
                Code.NO_TEXT_PART,
                Code.MISSING_VALUE,
                Code.DUPLICATE_KEY,
                Code.NEAR_COLUMN,
            ]
        ),
        st.sampled_from(["there is no @", "it is missing"]) | st.text(max_size=3),
        value=st.none() | st.sampled_from(["x", "'x'", 7, 1.5]) | st.text(max_size=3),
    ),
    max_size=20,
)


def row_of(problem: Problem) -> int:
    """What problems are ordered by."""
    return -1 if problem.row is None else problem.row


def preflight_of(problems) -> Preflight:
    """A check of an empty frame that found these problems."""
    return Preflight(
        problem_list(problems),
        sendable=np.zeros(0, dtype=bool),
        sizes=array("I"),
        **dict.fromkeys(["digests", "keys", "spellings", "people", "streams"]),
    )


@given(problems=PROBLEMS, cut=st.slices(20))
def test_problems_are_a_sequence_of_what_was_put_in(problems, cut):
    """Ordered by row, within a row as they came; values are not shortened or quoted twice."""
    kept, plain = problem_list(problems), sorted(problems, key=row_of)
    assert list(kept) == plain
    assert len(kept) == len(plain)
    assert bool(kept) == bool(plain)
    assert [kept[place] for place in range(-len(plain), len(plain))] == plain * 2
    assert list(kept[cut]) == plain[cut]
    assert all(problem in kept for problem in plain)
    assert [problem.value for problem in kept] == [problem.value for problem in plain]


@given(problems=PROBLEMS)
def test_a_preflight_check_reads_its_problems_as_one_by_one(problems):
    """Errors, refusals, rows, reasons and the problems of a row."""
    preflight, plain = preflight_of(problems), sorted(problems, key=row_of)
    errors = [problem for problem in plain if problem.severity is Severity.ERROR]
    assert list(preflight.errors) == errors
    assert list(preflight.refusals) == [one for one in plain if one.code.stops_everything]
    for position in range(ROWS):
        assert preflight.of_row(position) == [one for one in plain if one.row == position]
    assert preflight.rows_with_problems() == sorted({one.row for one in plain} - {None})
    reasons: dict[int, dict[str, None]] = {}
    for one in errors:
        if one.row is not None:
            reasons.setdefault(one.row, {})[one.code.value] = None
    assert preflight.reasons() == {row: ", ".join(codes) for row, codes in reasons.items()}


@given(problems=PROBLEMS)
def test_a_plan_counts_problems_as_one_by_one(problems):
    """Also the order of codes that have the same number of rows."""
    preflight, plain = preflight_of(problems), sorted(problems, key=row_of)
    plan = Plan.of(None, preflight)
    rows = {(one.row, one.code.value) for one in plain if one.severity is Severity.ERROR}
    blocked = Counter(code for _, code in sorted(rows, key=str)).most_common()
    warnings = Counter(
        one.code.value for one in plain if one.severity is Severity.WARNING
    ).most_common()
    assert list(plan.blocked.items()) == blocked
    assert list(plan.warnings.items()) == warnings


@pytest.mark.parametrize("storage", ["pyarrow", "python"])
@given(problems=PROBLEMS)
def test_the_frame_of_problems_has_each_value(storage, problems):
    """In both ways in which pandas keeps text."""
    plain = sorted(problems, key=row_of)
    names = RowNames(people(ROWS))
    with pd.option_context("mode.string_storage", storage):
        made = problems_frame(problem_list(problems), names)
        for name, values in {
            "field": [one.field for one in plain],
            "code": [one.code.value for one in plain],
            "severity": [one.severity.value for one in plain],
            "detail": [one.detail for one in plain],
            "value": [one.value for one in plain],
        }.items():
            expected = text_column(values, made.index, name)
            pd.testing.assert_series_equal(made[name], expected)
        positions = pd.Series([one.row for one in plain], dtype="Int64", name="position")
        pd.testing.assert_series_equal(made["position"], positions, check_index=False)
        labels = pd.Series([one.row for one in plain], dtype="Int64", name="row")
        pd.testing.assert_series_equal(made["row"], labels, check_index=False)


def test_a_problem_that_repeats_takes_16_bytes():
    """The detail of an empty column is the same in every row."""
    rows = 20_000
    tracemalloc.start()
    problems = ProblemCollector()
    problems += (
        Problem(row, "subject", Code.MISSING_VALUE, f"`{'x' * 200}` is missing")
        for row in range(rows)
    )
    kept = problems.ordered()
    del problems
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 18 * rows
    assert len(kept) == rows
