"""The tour: reasons that tell, ends of things, labels of any index, samples that say so, and safe pages."""

from __future__ import annotations

import io
import sys
import time
from contextlib import redirect_stderr
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import mailframe as mf
from mailframe.message.binding import bind
from mailframe.notebook import BAR_AFTER_S
from mailframe.review.tour import Branch, Stop, Tour, tour
from mailframe.review.tour.extremes import MAX_NEW_ROWS
from mailframe.review.tour.walking import sample
from tests.composing import cells, frame
from tests.frames import INDEXES, ZOO
from tests.review.tour.looking import letter, look

PLAN = "{% if plan %}{{ plan }}{% else %}none{% endif %}"


def reasons(found: Tour) -> dict[int, tuple[str, ...]]:
    """Of each stop."""
    return {stop.position: stop.reasons for stop in found}


def mails(*texts: str) -> pd.DataFrame:
    """A row for each text, with addresses of one length."""
    return frame(t=pd.array(texts, dtype="str"))


# --- reasons -----------------------------------------------------------------------------------------------


def test_the_only_row_without_a_value_is_called_so():
    """Whether by default, by if or by a test."""
    df = frame(plan=cells("team", None, "team"))
    for body in (
        PLAN,
        "{{ plan | default('none') }}",
        "{% if plan is missing %}x{% else %}y{% endif %}",
    ):
        assert reasons(look(df, text_body=body))[1][0] == "the only row without a plan"


def test_an_empty_text_is_not_called_a_gap():
    """It has a value, which is empty."""
    df = frame(plan=cells("team", "", "team"))
    assert reasons(look(df, text_body=PLAN))[1][0] == "the only row: else of if plan"


def test_a_row_is_not_the_only_one_without_a_value_when_another_gap_goes_elsewhere():
    """Two rows have no plan; only one of them comes to the else."""
    df = frame(plan=cells("team", None, None), n=[0, 0, 1])
    found = look(df, text_body="{% if n %}x{% elif plan %}y{% else %}z{% endif %}")
    assert reasons(found)[1][0] == "the only row: else of if n"


@pytest.mark.parametrize(
    ("rare", "said"),
    [(2, "if n (2 rows)"), (1, "the only row: if n")],
)
def test_counts_are_told_over_twenty_rows(rare: int, said: str):
    """One row is the only one; from one in ten on, the branch comes before its number."""
    df = frame(n=[0] * (20 - rare) + [1] * rare)
    assert said in {
        reason
        for each in reasons(look(df, text_body="{% if n %}x{% endif %}")).values()
        for reason in each
    }


def test_a_rare_branch_begins_with_its_share():
    """Two of twenty-one rows are fewer than one in ten."""
    df = frame(n=[0] * 19 + [1] * 2)
    assert reasons(look(df, text_body="{% if n %}x{% endif %}"))[19][0] == "2 of 21 rows: if n"


def test_the_rarest_branch_of_a_stop_comes_first():
    """It is why the row is worth a look."""
    df = frame(n=[0] * 30 + [1, 1, 2])
    found = look(df, text_body="{% if n %}x{% endif %}{% if n == 2 %}y{% endif %}")
    assert reasons(found)[32][:2] == ("the only row: if n == 2", "3 of 33 rows: if n")


def test_two_parts_that_say_the_same_give_one_reason():
    """The HTML and the text part usually have the same choices."""
    found = look(
        frame(n=[0, 1]), text_body="{% if n %}x{% endif %}", html_body="{% if n %}x{% endif %}"
    )
    assert [reason for reason in reasons(found)[1] if "if n" in reason] == ["the only row: if n"]


def test_a_reason_names_what_the_branch_stands_in():
    """The same words may stand in several places."""
    found = look(
        frame(n=[0, 1, 2], m=[1, 1, 0]), text_body="{% if n %}{% if m %}x{% endif %}{% endif %}"
    )
    assert reasons(found)[1][0] == "the only row: if m inside if n"


def test_rows_that_all_do_the_same_say_so():
    """What every row does is no reason."""
    df = frame(a=["x"] * 3)
    assert reasons(look(df, text_body="{{ a or 'y' }}")) == {
        0: ("all 3 rows take the same branches",)
    }
    assert reasons(look(df.head(1), text_body="{{ a or 'y' }}")) == {0: ("the only row",)}


def test_a_stop_that_only_rows_with_errors_can_show_says_so():
    """And it comes after the others."""
    df = frame(a=cells(0, 0, 1))
    found = look(df, text_body="{% if a %}{{ 1 // 0 }}{% endif %}")
    assert [stop.reasons[-1] for stop in found] == [
        "not if a (2 rows)",
        "no row without an error does this",
    ]


def test_a_clean_row_is_preferred_to_an_earlier_one_with_an_error():
    """The error is in another part."""
    df = frame(a=cells(1, 1), b=cells(None, "x"))
    assert look(df, text_body="{% if a %}x{% endif %}", subject="{{ b }}").positions[0] == 1


def test_a_file_that_may_be_absent_is_no_error():
    """The first row is as good as the second."""
    df = frame(a=cells(1, 1), path=cells(None, "x.pdf"))
    files = [mf.Attachment("{{ path }}", optional=True)]
    assert look(df, text_body="{% if a %}x{% endif %}", attachments=files).positions[0] == 0


# --- ends --------------------------------------------------------------------------------------------------


def test_the_longest_and_shortest_subject_and_body_are_stops():
    """Of equal ones the first; a row may be several ends."""
    df = mails("abc", "ab", "abcd", "ab", "abcd")
    assert reasons(look(df, subject="{{ t }}", text_body="-{{ t }}")) == {
        2: ("the longest subject: 4 characters", "the longest body: 5 characters"),
        1: ("the shortest subject: 2 characters", "the shortest body: 3 characters"),
    }


def test_texts_of_one_length_have_no_ends():
    """A letter without branches and ends has an empty tour."""
    found = look(mails("ab", "cd"), subject="{{ t }}")
    assert (len(found), found.positions) == (0, ())
    assert repr(found) == "<Tour: nothing to tell one row from another>"


def test_the_html_part_is_the_body_where_there_is_no_text():
    """Its length is that of the markup."""
    found = look(mails("<", "ab"), text_body=None, html_body="{{ t }}")
    assert reasons(found) == {
        0: ("the longest body: 4 characters",),
        1: ("the shortest body: 2 characters",),
    }


def test_a_mail_with_an_error_is_no_end():
    """Nobody gets it."""
    df = frame(t=["abcdef", "abc", "ab"], a=cells(None, 1, 1))
    assert (
        "the longest subject: 3 characters"
        in reasons(look(df, subject="{{ t }}", text_body="{{ a }}"))[1]
    )


def test_the_emptiest_row_has_the_most_gaps_in_the_columns_that_the_letter_uses():
    """Other columns do not count."""
    df = frame(a=cells("x", None, "x"), b=cells("y", None, None), unused=cells(None, "z", None))
    found = look(df, text_body="{{ a | d('x') }}{{ b | d('y') }}")
    assert "emptiest: 2 of 3 columns have no value" in reasons(found)[1]


@pytest.mark.parametrize("gaps", [[None, None], ["x", "x"]])
def test_rows_with_as_many_gaps_have_no_emptiest(gaps: list[str | None]):
    """None stands out."""
    found = look(frame(a=cells(*gaps)), text_body="{{ a | d('x') }}")
    assert not any("emptiest" in reason for each in reasons(found).values() for reason in each)


@pytest.mark.parametrize("dtype", ["str", "object", "category", "string[pyarrow]"])
@pytest.mark.parametrize(("longest", "told"), [(13, False), (14, True), (15, True)])
def test_a_columns_longest_text_is_told_when_it_is_clearly_longer(
    longest: int, told: bool, dtype: str
):
    """Four characters are usual; from fourteen on it is ten longer, and over twice as long."""
    df = frame(t=pd.Series(["Anna", "Olga", None, "x" * longest, "Zora"]).astype(dtype))
    said = reasons(look(df, subject="Hi", text_body="{{ t | truncate(3, true, '') if t }}x")).get(
        3, ()
    )
    assert (f"the longest t: {longest} characters" in said) is told


def test_the_tour_stays_short_however_many_ends_there_are():
    """Ends beyond the sixth new row are shown only where a row is shown already."""
    names = [f"c{i}" for i in range(12)]
    table = np.full((60, 12), "abcd", dtype=object)
    for i in range(12):
        table[i * 5, i] = "x" * 40
    body = "".join(f"{{{{ {name} }}}}" for name in names)
    found = look(
        frame(**{name: cells(*table[:, i]) for i, name in enumerate(names)}), text_body=body
    )
    assert len(found) == MAX_NEW_ROWS
    assert found.covering == 0


def test_an_end_that_a_stop_already_is_adds_its_reason_to_it():
    """No further row is needed."""
    df = frame(plan=cells("team", None, "team"), t=pd.array(["abc", "a", "abc"], dtype="str"))
    found = look(df, subject="{{ t }}", text_body=f"{PLAN}")
    assert len(found) == 2
    assert {"the only row without a plan", "the shortest subject: 1 character"} <= set(
        reasons(found)[1]
    )


# --- the frame ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(INDEXES))
def test_labels_are_those_of_the_frame(name: str):
    """Doubled, in several levels, with gaps: the index of the tour is taken from that of the frame by position."""
    df = ZOO[name]()
    found = look(df, text_body="{% if n == 1 %}x{% endif %}")
    made = found.frame()
    assert made.columns.tolist() == ["row", "reason"]
    pd.testing.assert_index_equal(
        made.index, df.index[list(found.positions)], exact="equiv", check_freq=False
    )
    labels = df.index[list(found.positions)].tolist()
    assert all(
        row == label or (pd.isna(row) and pd.isna(label))
        for row, label in zip(made["row"], labels, strict=True)
    )
    assert "<table>" in found._repr_html_()


@pytest.mark.parametrize("name", sorted(ZOO))
def test_every_frame_of_the_zoo_has_a_tour(name: str):
    """Also one without rows or columns."""
    df = ZOO[name]()
    found = look(
        df,
        to="p@example.com",
        text_body="{{ 'x' if row }}{{ row | length }}" if df.columns.is_unique else "x",
    )
    assert found.rows == found.looked_at == len(df)
    assert len(found.frame()) == len(found)
    assert repr(found).startswith("<Tour: ")


def test_an_empty_frame_has_an_empty_tour():
    """And nothing is reported of branches that there was no row to take."""
    found = look(frame(a=["x"]).head(0), text_body="{{ a or 'y' }}")
    assert (found.stops, found.untaken, found.branches) == ((), (), ())
    assert repr(found) == "<Tour: no rows>"
    assert found.frame().empty
    assert found.untaken_frame().empty


def test_what_is_untaken_is_a_frame_too():
    """Template, line and the branch in the template's words."""
    made = look(frame(a=[1]), text_body="x\n{% if a == 2 %}y{% endif %}").untaken_frame()
    assert made.to_dict("list") == {"template": ["text_body"], "line": [2], "branch": ["if a == 2"]}
    assert str(made["line"].dtype) == "Int64"


def test_an_index_of_another_length_is_refused():
    """Labels would be those of other rows."""
    df = frame(2)
    with pytest.raises(ValueError, match="3 labels for 2 rows"):
        tour(bind(letter(), df), pd.RangeIndex(3), progress=False)


def test_each_row_is_announced_once_and_in_order():
    """To whoever watches."""
    df, seen = frame(5), []
    tour(bind(letter(), df), df.index, progress=False, watch=seen.append)
    assert seen == [0, 1, 2, 3, 4]


def test_two_tours_know_nothing_of_each_other():
    """The second gives what the first gave, and the letter itself renders as before."""
    df = frame(a=cells(1, 0))
    bound = bind(letter(text_body="{% if a %}x{% endif %}"), df)
    one, other = (tour(bound, df.index, progress=False) for _ in range(2))
    assert (one.stops, one.branches) == (other.stops, other.branches)


# --- samples -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "sampled"), [(4, False), (5, False), (6, True)])
def test_a_frame_above_the_limit_is_sampled_and_says_so(rows: int, sampled: bool):
    """At the limit all rows are looked at."""
    found = look(frame(rows, a=["x"] * rows), text_body="{{ a or 'y' }}", max_rows=5)
    assert found.sampled is sampled
    assert found.looked_at == min(rows, 5)
    assert ("5 rows, evenly spread, were looked at" in repr(found)) is sampled


@pytest.mark.parametrize(("rows", "most"), [(10, 2), (10, 3), (11, 10), (1_000_001, 1_000), (2, 1)])
def test_a_sample_is_evenly_spread_from_the_first_row_to_the_last(rows: int, most: int):
    """Each position once, gaps between them equal but for one, the same at each call."""
    chosen = list(sample(rows, most))
    assert len(set(chosen)) == most
    assert chosen[0] == 0
    assert chosen[-1] == (rows - 1 if most > 1 else 0)
    steps = {after - before for before, after in pairwise(chosen)}
    assert not steps or max(steps) - min(steps) <= 1
    assert chosen == list(sample(rows, most))


def test_stops_of_a_sample_are_positions_of_the_frame():
    """The label too; and what is told of one row is told of the rows that were looked at."""
    df = frame(a=cells(*["x"] * 10, None)).set_axis([f"r{n}" for n in range(11)])
    seen: list[int] = []
    bound = bind(letter(text_body="{{ a | d('y') }}"), df)
    found = tour(bound, df.index, progress=False, max_rows=3, watch=seen.append)
    assert seen == [0, 5, 10]
    assert found.frame().query("row == 'r10'").index.tolist() == ["r10"]
    assert reasons(found)[10][0] == "the only one of 3 rows looked at without an a"


def test_a_look_at_no_row_is_refused():
    """One is the least."""
    with pytest.raises(ValueError, match="max_rows is 0"):
        look(frame(1), max_rows=0)


# --- how it is shown ---------------------------------------------------------------------------------------


def test_one_line_says_it_all():
    """How many rows, how many branches, how many nobody takes."""
    df = frame(n=[0, 1, 1])
    found = look(df, text_body="{% if n %}x{% endif %}{% if n == 7 %}y{% endif %}")
    assert (
        repr(found)
        == "<Tour: 2 of 3 rows take all 3 branches that any row takes; 1 branch is taken by no row>"
    )


def test_nothing_of_a_frame_or_a_template_is_markup_in_a_notebook():
    """Labels, texts of branches and names of templates are data; MathJax leaves them alone."""
    evil = "<script>alert(1)</script>$x$"
    branch = Branch(evil, 1, evil)
    found = Tour((Stop(0, (evil,)),), (branch,), 1, 1, pd.Index([evil]), (branch,), 1)
    page = found._repr_html_()
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 4
    assert page.startswith('<div class="tex2jax_ignore mathjax_ignore">')


def test_a_stop_with_many_reasons_shows_few():
    """And says how many more there are."""
    stop = Stop(0, tuple("abcdef"))
    assert stop.reason == "a; b"
    assert "a; b; c; d; and 2 more" in Tour((stop,), (), 1, 1, pd.RangeIndex(1))._repr_html_()


@pytest.mark.parametrize(
    ("progress", "seconds", "shown"),
    [(True, BAR_AFTER_S, True), (True, 0.0, False), (False, BAR_AFTER_S, False)],
)
def test_a_bar_is_shown_if_it_takes_long_and_is_wanted(
    progress: bool, seconds: float, shown: bool, monkeypatch: pytest.MonkeyPatch
):
    """On stderr, in rows, and it leaves no line behind."""
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    df = frame(2)
    with redirect_stderr(io.StringIO()) as printed:
        tour(bind(letter(), df), df.index, progress=progress, watch=lambda _: time.sleep(seconds))
    assert ("row/s" in printed.getvalue() or "s/ row" in printed.getvalue()) is shown
    assert "\n" not in printed.getvalue()


def test_a_tour_needs_no_stderr(monkeypatch: pytest.MonkeyPatch):
    """A window without a console has none."""
    monkeypatch.setattr(sys, "stderr", None)
    df = frame(3)
    assert tour(bind(letter(), df), df.index, progress=True).looked_at == 3
