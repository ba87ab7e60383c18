"""Results are shown with failures first and the columns of results before the others."""

from __future__ import annotations

import copy
import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe.pages.environment import css
from mailframe.pages.text_table import width_of
from mailframe.postmark.responses import Outcome
from mailframe.results.frame import results_frame, standard_name
from mailframe.results.row_results import RowResults
from mailframe.results.status_colors import STATUS_COLORS
from mailframe.results.summary_line import About, with_summary_line
from tests import frames

STATUSES = list(mf.Status)
FIRST = ["rejected", "invalid", "unknown", "unsent"]
IDS = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def message_id(position: int) -> str:
    """A MessageID that is another one for each row."""
    return f"0a129aee-e1cd-480d-b08d-4f48548{position:05d}"


def shown(frame: pd.DataFrame, statuses: list[mf.Status], key: tuple[str, ...] = ()) -> mf.Results:
    """The results of a frame; accepted rows have an answer, others a reason."""
    rows = RowResults(len(frame))
    for position in range(len(frame)):
        status = statuses[position % len(statuses)]
        answer = Outcome(0, "OK", message_id(position), "2026-11-26T21:51:11.1234567Z")
        is_accepted = status is mf.Status.ACCEPTED
        rows.settle(
            position,
            status,
            reason=None if is_accepted else "why",
            outcome=answer if is_accepted else None,
            to=f"p{position}@example.com",
            batch=1,
        )
    return with_summary_line(results_frame(frame, rows), About(key=key))


def table(results: pd.DataFrame) -> list[str]:
    """The lines of the table below the summary line."""
    return repr(results).split("\n\n")[1].splitlines()


def header(results: pd.DataFrame) -> list[str]:
    """The labels of the columns that are shown."""
    return table(results)[0].split()


def test_the_columns_of_results_come_first():
    """After the key; the data keep their order."""
    results = shown(frames.people(3), [mf.Status.REJECTED], key=("n",))
    assert header(results) == ["n", "status", "reason", "To", "batch", "email", "first_name"]
    assert results.columns[:3].tolist() == ["email", "first_name", "n"]


def test_failures_come_first_in_the_order_of_the_data():
    """Rejected, invalid, unknown, unsent; then the rest as it is."""
    results = shown(frames.people(12), STATUSES)
    positions = [int(line.split()[0]) for line in table(results)[1:13]]
    statuses = [results["status"].iloc[place] for place in positions]
    assert statuses == [
        *(word for word in FIRST for _ in range(2)),
        *["accepted", "skipped"] * 2,
    ]
    assert positions == [1, 7, 2, 8, 5, 11, 4, 10, 0, 3, 6, 9]
    assert repr(results).endswith("\n\n12 rows, failures first; 6 more columns.")
    assert results["status"].tolist()[:2] == ["accepted", "rejected"]


def test_nothing_is_noted_if_all_is_shown_in_its_order():
    """A note that says nothing is none."""
    results = shown(frames.people(2).drop(columns=["first_name", "n"]), [mf.Status.UNSENT])
    assert repr(results).splitlines()[-1].startswith("1")
    assert "first" not in results._repr_html_().partition("</style>")[2]


def test_a_long_frame_shows_as_many_rows_as_pandas():
    """And says so, also without failures; the options of pandas decide."""
    results = shown(frames.people(100), [mf.Status.ACCEPTED])
    assert repr(results).splitlines()[-1].startswith("10 of 100 rows; ")
    with pd.option_context("display.max_rows", 20, "display.min_rows", 4):
        assert len(IDS.findall(repr(results))) == 4
        assert len(set(IDS.findall(results._repr_html_()))) == 4
    with pd.option_context("display.max_rows", None):
        assert len(IDS.findall(repr(results))) == 100
    failed = shown(
        frames.people(100), [*[mf.Status.ACCEPTED] * 98, mf.Status.UNKNOWN, mf.Status.INVALID]
    )
    assert table(failed)[1].split()[:2] == ["99", "invalid"]
    assert "10 of 100 rows, failures first; " in repr(failed)
    assert "10 of 100 rows, failures first" in failed._repr_html_()


def test_max_columns_and_width_are_those_of_pandas():
    """Of the text and of the HTML."""
    results = shown(frames.people(3), [mf.Status.REJECTED])
    with pd.option_context("display.max_columns", 2):
        assert header(results) == ["status", "reason"]
        assert results._repr_html_().count("scope=col") == 2
        assert "5 more columns" in results._repr_html_()
    with pd.option_context("display.width", 20):
        assert header(results) == ["status", "reason"]
        assert max(map(len, table(results))) <= 20
    with pd.option_context("display.notebook_repr_html", False):
        assert results._repr_html_() is None


def test_a_message_id_is_whole_or_not_there():
    """However little an option allows."""
    results = shown(frames.people(2), [mf.Status.ACCEPTED])
    with pd.option_context("display.max_colwidth", 10):
        assert IDS.findall(repr(results)) == [message_id(0), message_id(1)]
        assert set(IDS.findall(results._repr_html_())) == {message_id(0), message_id(1)}
    for width in range(20, 90):
        with pd.option_context("display.width", width):
            text = repr(results)
            assert len(IDS.findall(text)) in (0, 2)
            assert ("0a129aee" in text) == bool(IDS.findall(text))


def test_empty_columns_are_left_out_and_not_counted():
    """A column of the caller without any value, and one of results."""
    frame = frames.people(3).assign(void=frames._cells(None, None, None))
    results = shown(frame, [mf.Status.REJECTED])
    with pd.option_context("display.width", 500):
        assert "void" not in repr(results)
        assert "more" not in repr(results)
    assert "void" not in results._repr_html_()
    late = shown(frame.assign(void=frames._cells(None, None, "x")), [mf.Status.ACCEPTED])
    with pd.option_context("display.width", 500, "display.max_rows", 2, "display.min_rows", 2):
        assert "void" in repr(late)


def test_a_column_is_cut_to_fit():
    """A long text at the end of the line is better than nothing."""
    frame = pd.DataFrame({"id": [1], "words": ["long " * 30]})
    results = shown(frame, [mf.Status.SKIPPED], key=("words",))
    first = table(results)
    assert first[0].split()[:2] == ["words", "status"]
    assert "…" in first[1]
    assert max(map(len, first)) <= 80


def test_labels_and_cells_are_text_on_the_page():
    """Markup, formulas, controls and line breaks of a cell, a label or the index."""
    evil = "<script>$x$\x1b[31m\u202e\n</td>"
    frame = pd.DataFrame({evil: [evil], "y": [evil]}, index=pd.Index([evil], name=evil))
    results = shown(frame, [mf.Status.REJECTED], key=(evil,))
    page = results._repr_html_()
    assert "<script>" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert page.count("<tr>") == 2
    assert 'class="mf mf-results tex2jax_ignore mathjax_ignore"' in page
    assert "\x1b" not in repr(results)
    assert len(table(results)) == 2


def test_the_status_is_a_chip_with_its_word():
    """Color is not the only sign."""
    page = shown(frames.people(6), STATUSES)._repr_html_()
    for status in STATUSES:
        assert f'<span class="mf-chip mf-dot mf-is-{status}">{status}</span>' in page
        assert f".mf-is-{status} {{ --mf-status: {STATUS_COLORS[status]}; }}" in css("results")


def test_a_key_that_was_renamed_is_left_out():
    """The frame belongs to the caller."""
    results = shown(frames.people(2), [mf.Status.UNSENT], key=("n", "first_name"))
    results.columns = ["number" if label == "n" else label for label in results.columns]
    assert header(results)[:2] == ["first_name", "status"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", sorted(frames.ZOO))
def test_every_frame_of_the_zoo_is_shown(name):
    """Without an error or a warning, in both forms, and the data stay as they are."""
    frame = frames.ZOO[name]()
    results = shown(frame, [mf.Status.ACCEPTED, mf.Status.REJECTED, mf.Status.INVALID])
    before = copy.deepcopy(pd.DataFrame(results))
    text, page = repr(results), results._repr_html_()
    assert results.summary_line.partition(". ")[0] in text
    if len(frame):
        assert page.count("<tr>") == len(frame) + 1
    pd.testing.assert_frame_equal(pd.DataFrame(results), before)
    assert type(results.head()) is pd.DataFrame


@settings(max_examples=40, deadline=None)
@given(frame=frames.frames(min_rows=1), data=st.data())
def test_any_results_are_shown(frame, data):
    """Lines fit, no accepted row hides a failure, and each shown MessageID is one of the data."""
    statuses = data.draw(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=8))
    most = data.draw(st.integers(1, 12))
    width = data.draw(st.integers(60, 200))
    results = shown(frame.reset_index(drop=True), statuses)
    with pd.option_context(
        *("display.max_rows", most, "display.min_rows", most), *("display.width", width)
    ):
        text, page = repr(results), results._repr_html_()
    assert max(map(width_of, text.split("\n\n")[1].splitlines())) <= width
    words = re.findall(r'<span class="mf-chip mf-dot mf-is-\w+">(\w+)</span>', page)
    label = [label for label in results.columns if standard_name(label) == "status"][-1]
    expected = sorted(
        results[label].tolist(), key=lambda word: FIRST.index(word) if word in FIRST else 9
    )
    assert words == expected[: len(words)]
    assert len(words) == min(most, len(frame))
    assert set(IDS.findall(text)) <= {message_id(place) for place in range(len(frame))}


@pytest.mark.parametrize("most", [0, 1, 2])
def test_cells_may_be_cut_to_nothing(most):
    """The option of pandas may be 0."""
    with pd.option_context("display.max_colwidth", most):
        results = shown(frames.people(2), STATUSES)
        assert "rejected" in results.mail.summary()["status"].tolist()
        assert repr(results)
        assert results._repr_html_()


@pytest.mark.parametrize(
    "cells", ["2026-01-01", 1, None, pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-01").date()]
)
def test_a_column_of_results_that_was_overwritten_is_shown(cells):
    """Whoever writes texts into SubmittedAt can still see the results."""
    results = shown(frames.people(3), STATUSES)
    results["SubmittedAt"] = cells
    assert isinstance(results, mf.Results)
    with pd.option_context("display.width", 500):
        assert "rejected" in repr(results)
        assert "rejected" in results._repr_html_()


@pytest.mark.parametrize("rows", [0, 3])
def test_the_summary_line_and_empty_results_have_no_controls(rows):
    """A reason may be of Postmark or of a file, and a label of anyone."""
    hostile = "a\x1b[31m\n\u202eb"
    frame = frames.people(rows).assign(**{hostile: 1})
    results = RowResults(rows)
    for position in range(rows):
        results.settle(position, mf.Status.UNKNOWN, reason=hostile, batch=1)
    shown_part = with_summary_line(results_frame(frame, results), About(name=hostile))
    for text in (shown_part.summary_line, repr(shown_part), shown_part._repr_html_()):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "\n" not in shown_part.summary_line
