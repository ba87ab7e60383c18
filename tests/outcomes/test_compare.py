"""Comparisons of variants and of the holdout: which rows, which outcomes, and what is said."""

from __future__ import annotations

import subprocess
import sys
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import mailframe as mf
from mailframe.errors import FrameError, MailframeError, MailframeWarning, ResultsError
from mailframe.results.frame import results_frame
from mailframe.results.row_results import RowResults
from tests.outcomes.campaigns import LETTER

ROWS = 1200


def made(statuses: list[tuple[str, str | None]], **columns: object) -> pd.DataFrame:
    """Results with these statuses and reasons, and columns after them."""
    frame = pd.DataFrame({"n": range(len(statuses))}, index=np.arange(len(statuses))[::-1] * 3)
    results = results_frame(frame, RowResults(len(statuses)))
    words, reasons = zip(*statuses, strict=True)
    results = results.assign(status=list(words), reason=list(reasons), **columns)
    return results.astype({"reason": object})


def halves(yes: tuple[int, int], of: tuple[int, int] = (100, 100), **columns: object):
    """Accepted results with the variants a and b, and how many of each bought."""
    variant = np.repeat(["a", "b"], of)
    bought = np.concatenate([np.arange(size) < count for count, size in zip(yes, of, strict=True)])
    return made([("accepted", None)] * sum(of), variant=variant, bought=bought, **columns)


@pytest.fixture(scope="module")
def campaign():
    """Refreshed results of two variants and a holdout."""
    people = pd.DataFrame({"id": range(ROWS), "email": [f"p{n}@example.com" for n in range(ROWS)]})
    people["country"] = pd.Categorical(np.where(people["id"] % 3 == 0, "AT", "DE"))
    people["opted_in"] = people["id"] % 10 != 0
    with mf.Sandbox(in_process=True, suppressions={"broadcast": ["p5@example.com"]}) as sandbox:
        composed = people.mail.compose(
            LETTER,
            name="compare",
            key="id",
            consent="opted_in",
            holdout=0.2,
            variants={"plain": {}, "bold": {"subject": "NOW"}},
            weights={"plain": 3, "bold": 1},
        )
        results = composed.send(sandbox.server, progress=False)
        sandbox.simulate(opens=0.5, clicks=0.2, seed=4)
        results = results.mail.refresh(sandbox.server, progress=False)
    return results.assign(bought=results["id"] % 7 == 0)


def test_a_campaign_is_compared_as_it_was_assigned(campaign):
    """The groups are the rows that got each letter and the holdout, and no others."""
    table = campaign.mail.compare("bought")
    got = campaign[campaign["status"] == "accepted"]
    held = campaign[campaign["reason"] == "holdout"]
    groups = [
        ("variant", "bold", got[got["variant"] == "bold"]),
        ("variant", "plain", got[got["variant"] == "plain"]),
        ("holdout", "holdout", held),
        ("holdout", "mailed", got),
    ]
    assert table.index.tolist() == [(kind, name) for kind, name, _ in groups]
    assert table.index.names == ["comparison", "group"]
    for kind, name, rows in groups:
        line = table.loc[(kind, name)]
        assert line["n"] == len(rows)
        assert line["successes"] == rows["bought"].sum()
        assert line["rate"] == pytest.approx(rows["bought"].mean())
    shares = table["expected"] / table.groupby(level="comparison")["n"].transform("sum")
    np.testing.assert_allclose(shares, [0.25, 0.75, 0.2, 0.8])
    first = table["difference"].isna().tolist()
    assert first == [True, False, True, False]
    named = campaign.mail.compare("bought", baseline="plain").loc["variant"]
    assert named.index.tolist() == ["plain", "bold"]
    assert named.loc["bold", "difference"] == -table.loc[("variant", "plain"), "difference"]
    pd.testing.assert_frame_equal(
        campaign.sample(frac=1, random_state=1).mail.compare("bought"), table
    )
    of_one = campaign[campaign["variant"] == "bold"].mail.compare("bought")
    assert of_one.index.tolist() == [("holdout", "holdout"), ("holdout", "mailed")]


def test_what_happens_to_emails_only_variants_have(campaign):
    """The holdout got none; opens are said to be unreliable."""
    opened = campaign.mail.compare("opened", by="country")
    assert opened.index.get_level_values("comparison").unique().tolist() == ["variant"]
    funnel = campaign.mail.funnel("variant")["rows"].xs("opened", level="stage")
    assert opened.loc["variant", "successes"].to_dict() == funnel.to_dict()
    assert "Opens are unreliable" in repr(opened)
    assert "adjusted for country" in repr(opened)
    clicked = campaign.mail.compare("clicked")
    assert "Opens" not in repr(clicked)
    some = [
        (campaign["clicks"].fillna(0) > 0, False),
        (lambda frame: frame["clicked_at"].notna(), False),
        (campaign["outcome"].isin(["clicked"]), False),
        (campaign["opens"], True),
        (campaign["outcome"] == "opened", True),
    ]
    for outcome, is_of_opens in some:
        table = campaign.mail.compare(outcome)
        assert ("Opens" in repr(table)) == is_of_opens
        assert table.index.equals(clicked.index)
    pd.testing.assert_frame_equal(campaign.mail.compare(some[0][0]), clicked)
    with pytest.raises(ResultsError, match="the holdout got none"):
        campaign[campaign["variant"] == "bold"].mail.compare("clicked")
    times = {"clicks": "clicked_at", "opens": "opened_at"}
    names = [*times, *times.values()]
    untracked = campaign.assign(
        **{name: campaign[name].where(campaign["id"] < 0) for name in names}
    )
    for word in ("clicked", "clicks", "opened", "opens"):
        time = times.get(word, f"{word}_at")
        why = rf"{word}: the value is missing in .* run refresh again.*results\['{time}'\]\.notna"
        with pytest.raises(FrameError, match=why):
            untracked.mail.compare(word)


def test_a_message_that_was_not_accepted_has_no_clicks(campaign):
    """It counts for its variant, with no; of an accepted one it is not known."""
    row = campaign.index[campaign["clicks"] > 0][0]
    for status, reason in (("rejected", "inactive_recipient"), ("unknown", "no answer")):
        lost = campaign.copy()
        lost.loc[row, ["clicks", "clicked_at"]] = None
        with pytest.raises(FrameError, match="missing in 1 compared row"):
            lost.mail.compare("clicks")
        lost.loc[row, ["status", "reason"]] = [status, reason]
        change = campaign.mail.compare("clicked") - lost.mail.compare("clicked")
        assert change["n"].tolist() == [0, 0]
        assert change["successes"].sum() == 1


def test_without_attrs_variants_are_expected_equally_often(campaign):
    """A merge and a file lose them; weights= and holdout= give them again."""
    merged = campaign.copy()
    merged.attrs = {}
    with pytest.warns(MailframeWarning, match=r"not as assigned: bold has .*give them: weights="):
        table = merged.mail.compare("bought")
    assert "not as assigned" in repr(table)
    assert table.loc["holdout", "expected"].isna().all()
    given = merged.mail.compare("bought", weights={"bold": 0.25, "plain": 0.75}, holdout=0.2)
    pd.testing.assert_frame_equal(given, campaign.mail.compare("bought"))
    with pytest.warns(MailframeWarning, match="give them: holdout="):
        campaign.mail.compare("bought", holdout=0.5)
    by_column = campaign.copy()
    by_column.attrs["mailframe.shares"] = "{}"  # as of variant="column"
    assert by_column.mail.compare("bought")["expected"].isna().all()


HELD = ("skipped", "holdout")


@pytest.mark.parametrize(
    ("status", "is_compared"),
    [
        (("accepted", None), True),
        (("rejected", "inactive_recipient"), True),
        (("unknown", "no answer"), True),
        (("skipped", "already_sent"), True),
        (HELD, True),
        (("skipped", "suppressed"), False),
        (("skipped", "no_consent"), False),
        (("skipped", "excluded"), False),
        (("skipped", "frequency_cap"), False),
        (("invalid", "missing_value"), False),
        (("unsent", "limit"), False),
    ],
)
@pytest.mark.filterwarnings("ignore:1 row unsent")
def test_rows_that_would_have_got_the_message_are_compared(status, is_compared):
    """Whatever Postmark answered; a missing outcome of another row does not matter."""
    is_held = status == HELD
    results = made(
        [("accepted", None), HELD, status],
        holdout=[False, True, is_held],
        bought=[1, 0, 1 if is_compared else None],
    )
    n = results.mail.compare("bought")["n"].tolist()
    assert n == [1 + is_held, 2 - is_held] if is_compared else n == [1, 1]


def test_who_was_assigned_to_the_holdout_counts_for_it():
    """Also a row that got the message in an earlier run; a column of the caller is none of it."""
    rows = [("accepted", None), HELD, ("skipped", "already_sent")]
    table = made(rows, holdout=[False, True, True], bought=1).mail.compare("bought")
    assert table["n"].tolist() == [2, 1]
    assert "1 row of the holdout got the message in an earlier run" in repr(table)
    own = made(rows, holdout=["no", "yes", "yes"], mail_holdout=[False, True, False], bought=1)
    assert own.mail.compare("bought")["n"].tolist() == [1, 2]


def test_what_makes_groups_less_comparable_is_said():
    """Unsent rows, changed messages, and a letter with more errors."""
    rows = [("accepted", None), HELD, ("unsent", "limit")] * 2
    with pytest.warns(MailframeWarning, match="2 rows unsent: the holdout is of all rows"):
        table = made(rows, holdout=[False, True, False] * 2, bought=1).mail.compare("bought")
    assert "2 rows unsent" in repr(table)
    begun = [("accepted", None)] * 100 + [HELD] * 90 + [("unsent", "limit")] * 710
    held = np.repeat([False, True, False], [100, 90, 710])
    with pytest.warns(MailframeWarning) as seen:  # 90 of 190 are not as assigned, for this reason
        made(begun, holdout=held, bought=1).mail.compare("bought", holdout=0.1)
    assert [str(one.message).partition(":")[0] for one in seen] == ["710 rows unsent"]
    changed = halves((5, 9)).assign(changed=True)
    assert "200 rows got an earlier version" in repr(changed.mail.compare("bought"))
    for invalid, is_said in (((0, 20), True), ((10, 10), False)):
        status = ["accepted"] * (200 - sum(invalid)) + ["invalid"] * sum(invalid)
        variant = np.repeat(["a", "b", "a", "b"], [100 - invalid[0], 100 - invalid[1], *invalid])
        table = made([(one, None) for one in status], variant=variant, bought=1).mail.compare(
            "bought"
        )
        assert ("more invalid rows" in repr(table)) == is_said


VALUES = {
    "bool": [True, False, False, True],
    "objects": np.array([True, 0, "false", "TRUE "], dtype=object),
    "numpy": np.array([np.True_, np.float64(0), Decimal(0), np.int8(1)], dtype=object),
    "boolean": pd.array([True, False, False, True], dtype="boolean"),
    "Int64": pd.array([1, 0, 0, 1], dtype="Int64"),
    "float32": np.array([1, 0, 0, 1], dtype="float32"),
    "categories": pd.Categorical([True, False, False, True]),
    "arrow bool": pd.array([True, False, False, True], dtype="bool[pyarrow]"),
    "arrow int": pd.array([1, 0, 0, 1], dtype="uint8[pyarrow]"),
    "sparse": pd.arrays.SparseArray([1, 0, 0, 1]),
    "text": ["true", "False", "FALSE", "True"],
}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_yes_and_no_in_any_dtype(values):
    """As pandas, spreadsheets and CSV files have them."""
    results = made([("accepted", None)] * 4, variant=["a", "a", "b", "b"], bought=values)
    for outcome in ("bought", results["bought"], lambda frame: frame["bought"]):
        assert results.mail.compare(outcome)["successes"].tolist() == [1, 1]


@pytest.mark.parametrize(
    "values",
    [
        [2.5, 0, 1, 3],
        pd.array([2.5, 0, 1, 3], dtype="Float64"),
        pd.array([2.5, 0, 1, 3], dtype="double[pyarrow]"),
        np.array([Decimal("2.5"), 0, True, 3.0], dtype=object),
    ],
    ids=["float", "Float64", "arrow", "objects"],
)
def test_other_numbers_are_compared_by_their_means(values):
    """Both comparisons, even if the values of one are 0 and 1."""
    results = made([("accepted", None)] * 4, variant=["a", "b", "a", "b"], revenue=values)
    table = results.mail.compare("revenue")
    assert table.columns.tolist() == [
        *("n", "expected", "total", "mean", "difference", "low", "high", "p_value")
    ]
    assert table["mean"].tolist() == [1.75, 1.5]
    held = made(
        [("accepted", None)] * 4 + [HELD] * 2,
        variant=["a", "b", "a", "b", "a", "b"],
        holdout=[False] * 4 + [True] * 2,
        orders=[1, 0, 0, 1, 2, 0],
    )
    assert held.mail.compare("orders")["total"].tolist() == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ([1, None, 0, 1], "bought: the value is missing in 1 compared row, first row 6; .*fillna"),
        (pd.array([True, None, None, True], dtype="boolean"), "missing in 2 compared rows"),
        (["yes", "no", "no", "yes"], r"bought: row 9 has 'yes', which is neither .*== 'pro'"),
        ([1, np.inf, 0, 1], "row 6 has inf"),
        ([1, 2 + 1j, 0, 1], "neither a number"),
        (pd.to_datetime(["2026-01-01"] * 4), r"\.notna\(\)"),
        ([[1], 0, 0, 1], r"row 9 has \[1\]"),
        (np.array([Decimal("1e400"), 0, 0, 1], dtype=object), "neither a number"),
    ],
)
def test_a_value_that_is_missing_or_no_number_is_refused(values, refusal):
    """Missing is not no; the text names the row and what to write."""
    results = made([("accepted", None)] * 4, variant=["a", "b"] * 2, bought=values)
    with pytest.raises(FrameError, match=refusal):
        results.mail.compare("bought")


RESULTS = halves((5, 9))


def test_a_missing_value_is_filled_where_it_was_given():
    """In the column, whatever its label is, or in the values."""
    numbered = RESULTS.rename(columns={"bought": 7}).assign(**{"7": 1}).mask(lambda df: df == 9)
    numbered[7] = None
    with pytest.raises(FrameError, match=r"write results\[7\]\.fillna\(0\)"):
        numbered.mail.compare(7)
    with pytest.raises(FrameError, match=r"write the outcome\.fillna\(0\)"):
        RESULTS.mail.compare(pd.Series(np.nan, index=RESULTS.index))


def test_several_rows_of_one_message_are_refused(campaign):
    """As a merge with orders makes them; each would count as a person of its own."""
    orders = pd.DataFrame({"id": [7, 7, 8, 9], "revenue": [10, 20, 5, 1.5]})
    merged = campaign.merge(orders, on="id", how="left").fillna({"revenue": 0})
    with pytest.raises(ResultsError, match=r"1 row repeat.* first row 8: .*\.sum\(\)"):
        merged.mail.compare("revenue", weights={"plain": 3, "bold": 1})
    summed = orders.groupby("id", as_index=False)["revenue"].sum()
    whole = campaign.merge(summed, on="id", how="left").fillna({"revenue": 0})
    table = whole.mail.compare("revenue", weights={"plain": 3, "bold": 1}, holdout=0.2)
    assert table["n"].tolist() == campaign.mail.compare("bought")["n"].tolist()


@pytest.mark.parametrize(
    ("outcome", "options", "refusal"),
    [
        ("nope", {}, (FrameError, "no column 'nope'")),
        ("clicked", {}, (ResultsError, "refresh")),
        (lambda frame: frame["nope"], {}, (FrameError, "KeyError")),
        (lambda frame: "text", {}, (FrameError, "returned one text")),
        (RESULTS["bought"].reset_index(drop=True), {}, (FrameError, "another index")),
        ("bought", {"by": "nope"}, (FrameError, "no column 'nope'")),
        ("bought", {"by": "n"}, (FrameError, "by='n': 100 has 0 rows of 'a'.* needs 1 or more")),
        ("n", {"by": ["n"]}, (FrameError, "'n' is what is compared")),
        ("bought", {"by": "bought"}, (FrameError, "known before the send")),
        (np.str_("n"), {"by": "n"}, (FrameError, "is what is compared")),
        ("n", {"by": [np.str_("n")]}, (FrameError, "is what is compared")),
        ("bought", {"by": RESULTS["n"]}, (FrameError, "no column")),
        ("bought", {"by": pd.NA}, (FrameError, "no column")),
        (RESULTS["n"], {"by": "n"}, (FrameError, "needs 2 or more")),
        ("bought", {"baseline": "c"}, (ResultsError, r"the variants are \['a', 'b'\]")),
        ("bought", {"level": 95}, (MailframeError, "level=95 is not between")),
        ("bought", {"level": True}, (MailframeError, "level=True")),
        ("bought", {"holdout": 0}, (MailframeError, "holdout=0 is not a share")),
        ("bought", {"weights": [1, 2]}, (MailframeError, "by the name of each variant")),
        ("bought", {"weights": {"a": 1}}, (MailframeError, r"the variants are \['a', 'b'\]")),
        ("bought", {"weights": {"a": 1, "b": 0}}, (MailframeError, "a number above 0")),
    ],
)
def test_wrong_arguments_are_refused(outcome, options, refusal):
    """The text says what to write."""
    with pytest.raises(refusal[0], match=refusal[1]):
        RESULTS.mail.compare(outcome, **options)


def test_without_two_groups_there_is_nothing_to_compare():
    """No variants and no holdout, one variant, no row, no results."""
    for results in (RESULTS.drop(columns="variant"), RESULTS.iloc[:9], RESULTS.iloc[:0]):
        with pytest.raises(ResultsError, match="no two groups"):
            results.mail.compare("bought")
    with pytest.raises(ResultsError, match="these rows have no variants"):
        RESULTS.drop(columns="variant").mail.compare("bought", baseline="a")
    lists = RESULTS.assign(variant=[["a"]] * len(RESULTS))
    with pytest.raises(ResultsError, match="has a cell that is no name"):
        lists.mail.compare("bought")
    with pytest.raises(ResultsError, match="has no variant"):
        RESULTS.assign(variant=None).mail.compare("bought")
    with pytest.raises(ResultsError, match="not a results DataFrame"):
        RESULTS[["variant", "bought"]].mail.compare("bought")


@pytest.mark.parametrize(("less", "is_warned"), [(104, False), (105, True)])
def test_the_sizes_of_groups_are_checked(less, is_warned):
    """The chi-square test at 0.001, which is 10.83 for two groups: 10.82 and 11.03."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        table = halves((50, 60), (2000 - less, 2000 + less)).mail.compare("bought")
    assert len(seen) == is_warned
    assert ("not as assigned" in repr(table)) == is_warned


def test_several_variants_hold_together():
    """Wider intervals and larger p values, by Bonferroni; the text says so."""
    table = halves((20, 35)).mail.compare("bought")
    variant = np.repeat(["a", "b", "c"], 100)
    bought = np.concatenate([np.arange(100) < count for count in (20, 35, 20)])
    three = made([("accepted", None)] * 300, variant=variant, bought=bought)
    both = three.mail.compare("bought")
    assert both["n"].tolist() == [100] * 3
    one, of_two = table.loc[("variant", "b")], both.loc[("variant", "b")]
    assert of_two["p_value"] == pytest.approx(2 * one["p_value"])
    level = halves((20, 35)).mail.compare("bought", level=0.975).loc[("variant", "b")]
    assert of_two[["low", "high"]].tolist() == level[["low", "high"]].tolist()
    assert "95% interval (all 2 together)" in repr(both)


@pytest.mark.parametrize(
    ("results", "outcome", "sentence"),
    [
        (
            halves((36, 41), (1000, 1000)),
            "bought",
            "bought: b 4.1% against a 3.6%: +0.5 percentage points, 95% interval -1.2 to +2.2; no",
        ),
        (halves((60, 20)), "bought", "b 20.0% against a 60.0%: -40.0 percentage points, "),
        (halves((60, 20)), "bought", "; b is lower."),
        (halves((5000, 4998), (10_000, 10_000)), "bought", ": +0.0 percentage points, 95%"),
        (halves((20, 60)), "bought", "; b is higher."),
        (halves((7, 7)), "bought", ": +0.0 percentage points, 95% interval -7.6 to +7.6; no clear"),
        (
            halves((5, 5)),
            lambda frame: frame["bought"] * 3 + 9,
            "bought: b 9.15 against a 9.15 on av",
        ),
        (
            halves((5, 5)),
            lambda frame: frame["bought"] * 0 + 9,
            ": +0.00; too few rows or equal values, so there is no interval.",
        ),
    ],
)
def test_a_difference_is_a_sentence(results, outcome, sentence):
    """Plain words, with as many decimals as the interval is exact."""
    assert sentence in repr(results.mail.compare(outcome)).splitlines()[0]


def test_the_page_has_the_sentences_and_no_markup_of_values():
    """Names are escaped; a part of the table is a plain DataFrame."""
    results = halves((5, 9)).replace({"variant": {"b": "<b>x\n"}})
    table = results.mail.compare("bought")
    page = table._repr_html_()
    assert "<p>bought: a 5.0% against &lt;b&gt;x" in page
    assert "<b>x" not in page
    assert type(table.head(1)) is pd.DataFrame
    with pd.option_context("display.notebook_repr_html", False):
        assert table._repr_html_() is None


def test_a_name_from_right_to_left_takes_no_number_along():
    """Isolated in the page; plain text has no invisible characters."""
    table = halves((5, 9)).replace({"variant": {"b": "\u05e2\u202e"}}).mail.compare("bought")
    assert "against a" in table._repr_html_()
    assert "<bdi>\u05e2\u27e8U+202E\u27e9</bdi> 9.0%" in table._repr_html_()
    assert "bought: \u05e2\u27e8U+202E\u27e9 9.0% against a" in repr(table)
    assert "<bdi>" not in halves((5, 9)).mail.compare("bought")._repr_html_()


@pytest.mark.parametrize(
    ("results", "cells"),
    [
        (halves((5, 9)), ["0.0900", "0.0400", "-0.0346", "0.1177", "0.27"]),
        (halves((1, 2), (50_000, 50_000)), ["0.00004", "0.00002", "-0.00008", "0.00013", "0.57"]),
        (halves((0, 1), (1, 1)).assign(bought=[2.5, 3]), ["3.00", "0.50", "NaN", "NaN", "NaN"]),
        (
            halves((5, 9)).assign(bought=lambda df: df["bought"] * 1e6),
            ["90,000.0", "40,000.0", "-31,326.2", "111,326.2", "0.27"],
        ),
    ],
)
def test_the_table_has_as_many_decimals_as_the_interval_is_exact(results, cells):
    """The same in text and in a page, where a missing number is an empty cell."""
    table = results.mail.compare("bought")
    assert repr(table).split()[-5:] == cells
    page = table._repr_html_()
    assert all(f"<td>{'' if cell == 'NaN' else cell}</td>" in page for cell in cells)


WITHOUT_SCIPY = """
import sys; sys.modules["scipy"] = None
import mailframe as mf
from mailframe.outcomes.intervals import sample_ratio
try:
    sample_ratio([9, 9], [0.5, 0.5])
except mf.errors.MissingExtra as error:
    print(error)
"""


def test_without_scipy_the_extra_is_named():
    """In a process of its own."""
    command = [sys.executable, "-c", WITHOUT_SCIPY]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == (
        'results.mail.compare needs the extra "stats": pip install "mailframe[stats]"\n'
    )
