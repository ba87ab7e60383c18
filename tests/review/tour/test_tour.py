"""The tour: reasons, extreme rows, labels of any index, samples, and safe pages."""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import mailframe as mf
from mailframe.message.binding import bind
from mailframe.pages.environment import Html
from mailframe.pandas_versions import text_column
from mailframe.review.tour import Branch, Stop, Tour, tour
from mailframe.review.tour.edge_cases import evenly_spaced
from mailframe.review.tour.extremes import MAX_NEW_ROWS
from tests.composing import cells, frame
from tests.frames import INDEXES, ZOO
from tests.review.tour.tours import letter, tour_of

PLAN = "{% if plan %}{{ plan }}{% else %}none{% endif %}"


def reasons(edge_cases: Tour) -> dict[int, tuple[str, ...]]:
    """The reasons of each stop, by position."""
    return {stop.position: stop.reasons for stop in edge_cases}


def mails(*texts: str) -> pd.DataFrame:
    """One row per text, with addresses of equal length."""
    return frame(t=text_column(texts))


# --- reasons -------------------------------------------------------------------------------------


def test_a_row_with_a_missing_value_says_so():
    """If it takes a default, the ``else`` of an ``if``, or an ``is missing``."""
    df = frame(plan=cells("team", None, "team"))
    for body in (
        PLAN,
        "{{ plan | default('none') }}",
        "{% if plan is missing %}x{% else %}y{% endif %}",
    ):
        assert reasons(tour_of(df, text_body=body))[1][0] == "plan missing · 1 row"


def test_several_rows_with_missing_values_say_so():
    """The number of rows is that of the branch."""
    df = frame(plan=cells(*["team"] * 5, None, None))
    assert reasons(tour_of(df, text_body=PLAN))[5][0] == "plan missing · 2 rows"


def test_an_empty_text_is_not_called_missing():
    """It is a value. Also if another row with the same branch has none."""
    df = frame(plan=cells("team", "", "team"))
    assert reasons(tour_of(df, text_body=PLAN))[1][0] == "plan is empty · 1 row"
    df = frame(plan=cells("team", "", None))
    assert reasons(tour_of(df, text_body=PLAN))[1][0] == "plan is empty or missing · 2 rows"


def test_a_branch_is_not_called_missing_if_another_row_without_a_value_does_not_take_it():
    """Two rows have no plan, and one of them takes the ``else``."""
    df = frame(plan=cells("team", None, None), n=[0, 0, 1])
    edge_cases = tour_of(df, text_body="{% if n %}x{% elif plan %}y{% else %}z{% endif %}")
    assert reasons(edge_cases)[1][0] == "n is 0 and plan missing · 1 row"


@pytest.mark.parametrize(("count", "rows"), [(1, "1 row"), (2, "2 rows")])
def test_a_reason_is_the_branch_in_plain_english_and_the_number_of_rows(count: int, rows: str):
    """The template and the line are those of ``branches_frame()``."""
    df = frame(n=[0] * (20 - count) + [1] * count)
    edge_cases = tour_of(df, text_body="Hi\n{% if n %}x{% endif %}")
    assert reasons(edge_cases)[20 - count][0] == f"n is not 0 · {rows}"


def test_the_rarest_branch_of_a_stop_comes_first():
    """It is the main reason for the row."""
    df = frame(n=[0] * 30 + [1, 1, 2])
    edge_cases = tour_of(df, text_body="{% if n %}x{% endif %}{% if n == 2 %}y{% endif %}")
    assert reasons(edge_cases)[32][:2] == ("n = 2 · 1 row", "n is not 0 · 3 rows")


def test_equal_branches_of_two_parts_are_one_reason():
    """The HTML part and the text part usually have the same conditions."""
    edge_cases = tour_of(
        frame(n=[0, 1]), text_body="{% if n %}x{% endif %}", html_body="{% if n %}x{% endif %}"
    )
    assert [reason for reason in reasons(edge_cases)[1] if reason.startswith("n ")] == [
        "n is not 0 · 1 row"
    ]


def test_equal_tags_in_different_branches_are_different_reasons():
    """They are told apart by the conditions of the outer branches."""
    inner = "{% if m %}x{% endif %}"
    edge_cases = tour_of(
        frame(n=[0, 1, 2, 0], m=[0, 0, 1, 1]),
        text_body=f"{{% if n %}}\n{inner}{{% else %}}\n{inner}{{% endif %}}",
    )
    assert reasons(edge_cases)[2][0] == "m is not 0 when n is not 0 · 1 row"
    assert reasons(edge_cases)[3][0] == "m is not 0 when n is 0 · 1 row"


def test_rows_that_take_the_same_branches_say_so():
    """A branch that every row takes is not a reason."""
    df = frame(a=["x"] * 3)
    assert reasons(tour_of(df, text_body="{{ a or 'y' }}")) == {
        0: ("all 3 rows take the same branches",)
    }
    assert reasons(tour_of(df.head(1), text_body="{{ a or 'y' }}")) == {0: ("the only row",)}


def test_a_stop_for_branches_that_only_rows_with_errors_take_says_so():
    """It comes after the others."""
    df = frame(a=cells(0, 0, 1))
    edge_cases = tour_of(df, text_body="{% if a %}{{ 1 // 0 }}{% endif %}")
    assert [stop.reasons[-1] for stop in edge_cases] == [
        "a is 0 · 2 rows",
        "only rows with errors take these branches",
    ]


def test_a_stop_lists_every_branch_that_not_all_rows_take():
    """Also those that it shares with other stops, after those for which it was picked."""
    df = frame(a=[0, 1, 2, 3], b=[1, 1, 1, 0])
    body = "{% if a == 1 %}x{% elif a == 2 %}y{% endif %}{% if b %}z{% endif %}"
    shared = "b is not 0 · 3 rows"
    of_branches = {
        position: [text for text in texts if " · " in text]
        for position, texts in reasons(tour_of(df, text_body=body)).items()
    }
    assert of_branches[1] == ["a = 1 · 1 row", shared]
    assert of_branches[2] == ["a = 2 · 1 row", shared]
    assert of_branches[3] == ["b is 0 · 1 row", "a is not 1 or 2 · 2 rows"]


def test_a_nested_branch_that_all_rows_take_which_reach_it_is_no_reason():
    """It tells nothing that the outer branch does not tell."""
    df = frame(n=[0, 1], m=[1, 1])
    stops = tour_of(df, text_body="{% if n %}{% if m %}x{% endif %}{% endif %}")
    assert [reason for stop in stops for reason in stop.reasons if "m is" in reason] == []


def test_branches_have_their_place_number_of_rows_and_stops():
    """Those that no row takes are last, with 0 rows."""
    df = frame(n=[1, 0, 0]).set_axis(["a", "b", "c"])
    edge_cases = tour_of(df, text_body="Hi\n{% if n == 1 %}x{% elif n == 7 %}y{% endif %}")
    assert edge_cases.branches_frame().to_dict("list") == {
        "template": ["text_body"] * 3,
        "line": [2, 2, 2],
        "branch": ["{% if n == 1 %}", "no branch of {% if n == 1 %}", "{% elif n == 7 %}"],
        "plain": ["n = 1", "n is not 1 or 7", "n = 7"],
        "rows": [1, 2, 0],
        "stops": [["a"], ["b"], []],
    }


def test_a_tour_draws_no_picture():
    """Its branches do not depend on what is drawn; the alternative text is that of the row."""
    drawn: list[object] = []
    df = frame(n=[0, 1]).assign(chart=mf.image(drawn.append, alt=lambda row: f"chart {row['n']}"))
    body = "{% if n %}{{ chart }}{% endif %}"
    stops = tour_of(df, html_body=body, text_body=body).stops
    assert "longest body: 7 characters" in stops[1].reasons
    assert drawn == []


def test_a_clean_row_is_preferred_to_an_earlier_one_with_an_error():
    """The error is in another part."""
    df = frame(a=cells(1, 1), b=cells(None, "x"))
    assert tour_of(df, text_body="{% if a %}x{% endif %}", subject="{{ b }}").positions[0] == 1


def test_a_missing_path_of_an_optional_attachment_is_no_error():
    """The first row is picked, not the second."""
    df = frame(a=cells(1, 1), path=cells(None, "x.pdf"))
    files = [mf.Attachment("{{ path }}", optional=True)]
    assert tour_of(df, text_body="{% if a %}x{% endif %}", attachments=files).positions[0] == 0


# --- extreme rows --------------------------------------------------------------------------------


def test_the_longest_and_shortest_subject_and_body_are_stops():
    """Of equal ones the first. One row may have several reasons."""
    df = mails("abc", "ab", "abcd", "ab", "abcd")
    assert reasons(tour_of(df, subject="{{ t }}", text_body="-{{ t }}")) == {
        2: ("longest subject: 4 characters", "longest body: 5 characters"),
        1: ("shortest subject: 2 characters", "shortest body: 3 characters"),
    }


def test_texts_of_equal_length_are_not_extreme():
    """Without branches and extreme rows, a tour is empty."""
    edge_cases = tour_of(mails("ab", "cd"), subject="{{ t }}")
    assert (len(edge_cases), edge_cases.positions) == (0, ())
    assert repr(edge_cases) == "<Tour: no branches and no extreme rows>"


def test_the_html_part_is_the_body_where_there_is_no_text():
    """Its length is that of the HTML source."""
    edge_cases = tour_of(mails("<", "ab"), text_body=None, html_body="{{ t }}")
    assert reasons(edge_cases) == {
        0: ("longest body: 4 characters",),
        1: ("shortest body: 2 characters",),
    }


def test_a_message_with_an_error_is_not_extreme():
    """It cannot be sent."""
    df = frame(t=["abcdef", "abc", "ab"], a=cells(None, 1, 1))
    assert (
        "longest subject: 3 characters"
        in reasons(tour_of(df, subject="{{ t }}", text_body="{{ a }}"))[1]
    )


def test_the_row_with_the_most_missing_values_is_extreme():
    """Only columns that the letter uses are counted."""
    df = frame(a=cells("x", None, "x"), b=cells("y", None, None), unused=cells(None, "z", None))
    edge_cases = tour_of(df, text_body="{{ a | d('x') }}{{ b | d('y') }}")
    assert "most missing values: 2 of 3 columns" in reasons(edge_cases)[1]


@pytest.mark.parametrize("values", [[None, None], ["x", "x"]])
def test_rows_with_equally_many_missing_values_are_not_extreme(values: list[str | None]):
    """Whether all or none are missing."""
    edge_cases = tour_of(frame(a=cells(*values)), text_body="{{ a | d('x') }}")
    assert not any(
        "most missing" in text for texts in reasons(edge_cases).values() for text in texts
    )


@pytest.mark.parametrize("dtype", ["str", "object", "category", "string[pyarrow]"])
@pytest.mark.parametrize(("longest", "is_extreme"), [(13, False), (14, True), (15, True)])
def test_the_longest_text_of_a_column_is_extreme_if_it_is_clearly_longer(
    longest: int, is_extreme: bool, dtype: str
):
    """The median is four characters; fourteen are ten more, and over twice as long."""
    df = frame(t=pd.Series(["Anna", "Olga", None, "x" * longest, "Zora"]).astype(dtype))
    texts = reasons(
        tour_of(df, subject="Hi", text_body="{{ t | truncate(3, true, '') if t }}x")
    ).get(3, ())
    assert (f"longest t: {longest} characters" in texts) is is_extreme


def test_a_tour_has_few_rows_that_are_only_extreme():
    """After the sixth, extremes are only added to rows that are shown anyway."""
    names = [f"c{i}" for i in range(12)]
    table = np.full((60, 12), "abcd", dtype=object)
    for i in range(12):
        table[i * 5, i] = "x" * 40
    body = "".join(f"{{{{ {name} }}}}" for name in names)
    edge_cases = tour_of(
        frame(**{name: cells(*table[:, i]) for i, name in enumerate(names)}), text_body=body
    )
    assert len(edge_cases) == MAX_NEW_ROWS
    assert edge_cases.covering == 0


def test_an_extreme_row_that_is_shown_anyway_gets_one_more_reason():
    """No other row is added."""
    df = frame(plan=cells("team", None, "team"), t=text_column(["abc", "a", "abc"]))
    edge_cases = tour_of(df, subject="{{ t }}", text_body=f"{PLAN}")
    assert len(edge_cases) == 2
    assert {"plan missing · 1 row", "shortest subject: 1 character"} <= set(reasons(edge_cases)[1])


# --- the frame -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(INDEXES))
def test_labels_are_those_of_the_frame(name: str):
    """Also if they are repeated, missing or in several levels."""
    df = ZOO[name]()
    edge_cases = tour_of(df, text_body="{% if n == 1 %}x{% endif %}")
    made = edge_cases.frame()
    assert made.columns.tolist() == ["row", "reason"]
    index = df.index[list(edge_cases.positions)]
    assert made.index.equals(index)
    assert (made.index.names, made.index.dtype) == (index.names, index.dtype)
    labels = index.tolist()
    assert all(
        row == label or (pd.isna(row) and pd.isna(label))
        for row, label in zip(made["row"], labels, strict=True)
    )
    assert "<table>" in edge_cases._repr_html_()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", sorted(ZOO))
def test_every_frame_of_the_zoo_has_a_tour(name: str):
    """Also a frame without rows or columns."""
    df = ZOO[name]()
    edge_cases = tour_of(
        df,
        to="p@example.com",
        text_body="{{ 'x' if row }}{{ row | length }}" if df.columns.is_unique else "x",
    )
    assert edge_cases.rows == edge_cases.looked_at == len(df)
    assert len(edge_cases.frame()) == len(edge_cases)
    assert repr(edge_cases).startswith("<Tour: ")


def test_an_empty_frame_has_an_empty_tour():
    """Without rows, no branch is reported as untaken."""
    edge_cases = tour_of(frame(a=["x"]).head(0), text_body="{{ a or 'y' }}")
    assert (edge_cases.stops, edge_cases.untaken, edge_cases.branches) == ((), (), ())
    assert repr(edge_cases) == "<Tour: no rows>"
    assert edge_cases.frame().empty
    assert edge_cases.untaken_frame().empty


def test_untaken_branches_are_a_frame_too():
    """With the template, the line and the source of each branch."""
    made = tour_of(frame(a=[1]), text_body="x\n{% if a == 2 %}y{% endif %}").untaken_frame()
    assert made.to_dict("list") == {
        "template": ["text_body"],
        "line": [2],
        "branch": ["{% if a == 2 %}"],
    }
    assert str(made["line"].dtype) == "Int64"


def test_an_index_of_another_length_is_refused():
    """Otherwise the labels would be those of other rows."""
    df = frame(2)
    with pytest.raises(ValueError, match="3 labels for 2 rows"):
        tour(bind(letter(), df), pd.RangeIndex(3), progress=False)


def test_the_callback_gets_each_row_once_and_in_order():
    """By its position."""
    df, seen = frame(5), []
    tour(bind(letter(), df), df.index, progress=False, watch=seen.append)
    assert seen == [0, 1, 2, 3, 4]


def test_two_tours_of_a_letter_are_equal():
    """The first does not change the letter."""
    df = frame(a=cells(1, 0))
    bound = bind(letter(text_body="{% if a %}x{% endif %}"), df)
    one, other = (tour(bound, df.index, progress=False) for _ in range(2))
    assert (one.stops, one.branches) == (other.stops, other.branches)


# --- samples -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "sampled"), [(4, False), (5, False), (6, True)])
def test_a_frame_above_the_limit_is_sampled(rows: int, sampled: bool):
    """At the limit, all rows are rendered."""
    edge_cases = tour_of(frame(rows, a=["x"] * rows), text_body="{{ a or 'y' }}", max_rows=5)
    assert edge_cases.sampled is sampled
    assert edge_cases.looked_at == min(rows, 5)
    assert ("sample of 5 evenly spaced rows" in repr(edge_cases)) is sampled


@pytest.mark.parametrize(("rows", "most"), [(10, 2), (10, 3), (11, 10), (1_000_001, 1_000), (2, 1)])
def test_a_sample_is_evenly_spaced_from_the_first_row_to_the_last(rows: int, most: int):
    """Steps between positions differ by one at most, and each call gives the same positions."""
    chosen = list(evenly_spaced(rows, most))
    assert len(set(chosen)) == most
    assert chosen[0] == 0
    assert chosen[-1] == (rows - 1 if most > 1 else 0)
    steps = {after - before for before, after in pairwise(chosen)}
    assert not steps or max(steps) - min(steps) <= 1
    assert chosen == list(evenly_spaced(rows, most))


def test_stops_of_a_sample_are_positions_of_the_frame():
    """Counts in the reasons are those of the sample."""
    df = frame(a=cells(*["x"] * 10, None)).set_axis([f"r{n}" for n in range(11)])
    seen: list[int] = []
    bound = bind(letter(text_body="{{ a | d('y') }}"), df)
    edge_cases = tour(bound, df.index, progress=False, max_rows=3, watch=seen.append)
    assert seen == [0, 5, 10]
    assert edge_cases.frame().query("row == 'r10'").index.tolist() == ["r10"]
    assert reasons(edge_cases)[10][0] == "a missing · 1 of 3 sampled rows"


def test_a_tour_of_no_rows_is_refused():
    """``max_rows`` is at least one."""
    with pytest.raises(ValueError, match="max_rows is 0"):
        tour_of(frame(1), max_rows=0)


# --- display -------------------------------------------------------------------------------------


def test_the_repr_is_one_line():
    """With the numbers of rows, of branches, and of branches that no row takes."""
    df = frame(n=[0, 1, 1])
    edge_cases = tour_of(df, text_body="{% if n %}x{% endif %}{% if n == 7 %}y{% endif %}")
    assert (
        repr(edge_cases)
        == "<Tour: 2 of 3 rows take all 3 branches that any row takes; 1 branch is taken by no row>"
    )


def test_labels_and_sources_are_escaped_in_a_notebook():
    """MathJax ignores them too."""
    evil = "<script>alert(1)</script>$x$"
    branch = Branch(evil, 1, evil, plain=evil)
    edge_cases = Tour((Stop(0, (evil,)),), (), 1, 1, pd.Index([evil]), (branch,), (1,), 1)
    page = edge_cases._repr_html_()
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 5
    assert '<div class="mf mf-tour tex2jax_ignore mathjax_ignore">' in page


def test_a_stop_with_many_reasons_shows_the_first():
    """And the number of the others."""
    stop = Stop(0, tuple("abcdef"))
    assert stop.reason == "a; b; and 4 more"
    page = Tour((stop,), (), 1, 1, pd.RangeIndex(1))._repr_html_()
    assert "a; b; c; d; and 2 more" in Html(page).striptags()


def test_a_tour_needs_no_stderr(monkeypatch: pytest.MonkeyPatch):
    """A Windows program without a console has none."""
    monkeypatch.setattr(sys, "stderr", None)
    df = frame(3)
    assert tour(bind(letter(), df), df.index, progress=True).looked_at == 3
