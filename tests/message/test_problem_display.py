"""``problems()`` is shown by code, errors first, with one line how to fix each."""

from __future__ import annotations

import copy
import pickle
import re

import numpy as np
import pandas as pd
import pytest

import mailframe as mf
from mailframe.message.problem_display import Checked, shown_problems
from mailframe.message.problem_fixes import FIXES
from mailframe.message.problem_frame import problems_frame
from mailframe.message.row_names import RowNames
from mailframe.pages.text_table import width_of
from mailframe.problems import Problem
from tests import frames
from tests.composing import compose
from tests.message.test_problem_fixes import table

PEOPLE = pd.DataFrame(
    {
        "id": ["C-1", "C-2", "C-3", "C-4"],
        "email": ["ann@example.com", "bob@", None, "ann@example.com"],
        "name": ["Ann", None, None, "Ann"],
    },
    index=["a", "b", "b", "d"],
)
BODY = "Dear {{ name }}"


def problems(**fields) -> pd.DataFrame:
    """The problems of four people: two without a name, two wrong addresses, and one twice."""
    return compose(PEOPLE, key="id", text_body=BODY, **fields).problems()


def rows_of(page: str) -> list[str]:
    """The text of each row of the table on a page."""
    rows = re.findall(r"<tr.*?</tr>", page.partition("</style>")[2], re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]


def test_problems_are_shown_by_code_with_the_fix():
    """Errors first, the most frequent first; rows with the same problem are one line."""
    assert repr(problems()).splitlines() == [
        "5 problems in 3 of 4 rows: 4 errors, 1 warning. The errors block 2 rows.",
        "",
        "error missing_value: 2 problems",
        "  fix: Print another text, {{ name | default('there') }}, or drop the rows,",
        '  df.dropna(subset=["name"]).',
        "  row   key       field      detail",
        "  b, b  C-2, C-3  text_body  line 1: column 'name' has no value in this row;",
        "                             write {{ name | default('…') }} or test it",
        "",
        *repr(problems()).splitlines()[9:],
    ]
    codes = re.findall(r"^(error|warning) (\w+)", repr(problems()), re.MULTILINE)
    assert codes == [
        ("error", "missing_value"),
        ("error", "invalid_address"),
        ("error", "missing_recipient"),
        ("warning", "repeated_recipient"),
    ]


def test_the_page_has_the_same_with_the_values():
    """As a table, which a notebook that is not trusted shows, too."""
    page = problems()._repr_html_()
    rows = rows_of(page)
    assert rows[0] == "row key field value detail"
    assert rows[1].startswith("error missing_value · 2 problems Fix: Print another text,")
    assert rows[2].startswith(
        "b, b C-2, C-3 text_body \N{EN DASH} line 1: column &#39;name&#39; has no"
    )
    assert "<code>{{ name | default(&#39;there&#39;) }}</code>" in page
    assert any(row.startswith("b C-2 to &#39;bob@&#39; &#39;bob@&#39; is not") for row in rows)
    assert "scope=rowgroup" in page


def test_without_problems_there_is_one_line():
    """With the number of rows that were checked."""
    fine = compose(PEOPLE.iloc[:1], text_body="Hi").problems()
    assert repr(fine) == "No problems in 1 row."
    assert "<b>No problems in 1 row.</b>" in fine._repr_html_()
    assert "<table" not in fine._repr_html_()


@pytest.mark.parametrize(
    ("derived", "lead"),
    [
        (
            lambda df: df.query("severity == 'warning'"),
            "1 of 5 problems in 1 of 4 rows: 1 warning.",
        ),
        (lambda df: df.head(1), "1 of 5 problems in 1 of 4 rows: 1 error. The error blocks 1 row."),
        (lambda df: df[df["key"] == "none"], "0 of 5 problems."),
        (lambda df: df.sort_values("value"), "5 problems in 3 of 4 rows: 4 errors, 1 warning."),
        (lambda df: pickle.loads(pickle.dumps(df)), "5 problems in 3 of 4 rows: 4 errors"),  # noqa: S301 - ours
        (copy.deepcopy, "5 problems in 3 of 4 rows: 4 errors, 1 warning."),
        (
            lambda df: df.tail(1).reset_index(drop=True),
            "1 of 5 problems in 1 of 4 rows: 1 warning.",
        ),
        (lambda df: df.drop(columns="key"), "5 problems in 3 of 4 rows: 4 errors, 1 warning."),
    ],
    ids=["query", "head", "none", "sorted", "pickled", "copied", "numbered again", "no key"],
)
def test_a_part_of_the_problems_is_shown_as_they_are(derived, lead):
    """And says of how many; it is never "no problems" because of a filter."""
    part = derived(problems())
    assert repr(part).startswith(lead)
    assert lead.partition(". ")[0] in part._repr_html_()


@pytest.mark.parametrize(
    "derived",
    [
        lambda df: df[["row", "code"]],
        lambda df: df.assign(more=1),
        lambda df: df.reset_index(),
        lambda df: df.set_index("row"),
        lambda df: df.assign(code="own_code"),
        lambda df: df.assign(code=None),
        lambda df: df.assign(code=[[]] * len(df)),
        lambda df: df.rename(columns={"key": pd.NA}),
        lambda df: df.groupby("code").agg(list),
        lambda df: df.T,
        lambda df: pd.concat([df, df]),
        lambda df: pd.concat({"a": df}, names=["campaign"]),
    ],
)
def test_another_frame_is_shown_as_pandas_shows_it(derived):
    """Whoever chooses or adds columns, or joins campaigns, wants to see these."""
    frame = derived(problems())
    assert repr(frame) == repr(pd.DataFrame(frame))
    assert "mf-problem-list" not in frame._repr_html_()
    is_plain = type(frame) is pd.DataFrame  # pandas 2 aggregates to one
    assert is_plain or "tex2jax_ignore" in frame._repr_html_()


def test_a_long_frame_shows_as_many_lines_as_pandas():
    """Of each code at least three, and how to see the others."""
    df = pd.DataFrame({"email": [f"p{n}@" for n in range(300)], "name": [None] * 300})
    frame = compose(df, text_body=BODY).problems()
    text = repr(frame)
    assert "0, 1, 2, 3, 4 and 295 more" in text
    assert """and 241 more: .query("code == 'invalid_address'")""" in text
    assert len(rows_of(frame._repr_html_())) == 1 + 2 + 60 + 1
    alone = repr(frame.query("code == 'invalid_address'"))
    assert alone.endswith('and 240 more; .to_csv("problems.csv") writes all')
    with pd.option_context("display.max_rows", 2):
        assert """and 297 more: .query("code == 'invalid_address'")""" in repr(frame)
    with pd.option_context("display.max_rows", None):
        assert ".query" not in repr(frame)
    with pd.option_context("display.notebook_repr_html", False):
        assert frame._repr_html_() is None


def test_of_very_many_problems_only_the_first_are_compared():
    """The numbers at the top stay exact."""
    found = [Problem(row, "to", mf.Code.EMPTY_ADDRESS, "it is empty") for row in range(10_001)]
    text = repr(problems_frame(found, RowNames(frames.people(10_001))))
    assert text.startswith("10,001 problems in 10,001 of 10,001 rows: 10,001 errors.")
    assert "0, 1, 2, 3, 4, …" in text


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_lines_are_as_long_as_those_of_pandas(width):
    """A detail stands below its row if there is no room beside it; nothing of it is lost."""
    with pd.option_context("display.width", width):
        text = repr(problems())
    if width >= 40:
        assert max(map(width_of, text.splitlines()[1:])) <= width
    assert "column 'name' has no value" in " ".join(text.split())


def test_labels_values_and_details_are_text():
    """Markup, formulas, controls and line breaks of a cell, a label or a key."""
    evil = "<script>$x$\x1b[31m\u202e\n</td>"
    df = pd.DataFrame({"email": [f"{evil}@"], "k": [evil]}, index=[evil])
    frame = compose(df, key="k", text_body="Hi").problems()
    for shown in (frame, frame[["row", "key", "value"]]):
        text, page = repr(shown), shown._repr_html_()
        assert "<script>" not in page
        for sign in ("\x1b", "\u202e"):
            assert sign not in page + text
        assert "tex2jax_ignore mathjax_ignore" in page


def test_the_letter_and_a_missing_label_are_not_confused():
    """A problem of the letter as a whole has no position."""
    df = pd.DataFrame({"email": ["?"]}, index=pd.Index([None], dtype="object"))
    found = [
        Problem(0, "to", mf.Code.INVALID_ADDRESS, "no @"),
        Problem(None, "html_body", mf.Code.UNSAFE_TEMPLATE, "no"),
    ]
    frame = problems_frame(found, RowNames(df))
    text = repr(frame)
    assert re.search(r"^  <NA> +to", text, re.MULTILINE)
    assert re.search(r"^  letter +html_body", text, re.MULTILINE)
    assert text.splitlines()[0].endswith("unsafe_template stops every row.")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", sorted(frames.ZOO))
def test_the_problems_of_every_frame_of_the_zoo_are_shown(name):
    """Also those of a MultiIndex and of labels that repeat; the data stay as they are."""
    df = frames.ZOO[name]()
    found = [
        Problem(row, "to", mf.Code.INVALID_ADDRESS, "no @", value="?") for row in range(len(df))
    ]
    frame = problems_frame(
        found, RowNames(df, list(df.columns[:2]) if df.columns.is_unique else ())
    )
    before = pd.DataFrame(copy.deepcopy(frame))
    assert repr(frame)
    assert frame._repr_html_()
    assert shown_problems(frame, Checked(len(df), len(df))) is not None
    pd.testing.assert_frame_equal(pd.DataFrame(frame), before)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("city", "city"),
        ("gr\u00f6\u00dfe", "gr\u00f6\u00dfe"),
        ("0", "name"),
        ("x.y", "name"),
        ("First Name", "name"),
    ],
)
def test_the_fix_of_a_missing_value_names_its_column(name, shown):
    """If templates write it as a name; else the example stays."""
    people = pd.DataFrame({"email": ["a@example.com"], name: [None]})
    fields = {"sender": "me@acme.example", "to": "{{ email }}", "subject": "Hi"}
    problems = people.mail.compose(**fields, text_body=f"{{{{ row[{name!r}] }}}}").problems()
    text = " ".join(repr(problems).split())
    assert f"Print another text, {{{{ {shown} | default('there') }}}}" in text
    assert f'df.dropna(subset=["{shown}"])' in text


def test_each_code_has_a_fix_of_the_page():
    """One line, and its code is code of ``docs/problems.md``, which is tried out."""
    page = table()
    assert list(FIXES) == list(mf.Code)
    for code, fix in FIXES.items():
        cell = page[code.value]["how to fix"]
        assert len(fix) < 160
        assert fix.endswith(".")
        for source in re.findall(r"`([^`]+)`", fix):
            assert source == "str.replace" or f"`{source}`" in cell, (code, source)


def test_positions_that_do_not_fit_are_not_counted():
    """Whoever overwrites them sees no wrong number of rows."""
    frame = problems()
    frame["position"] = np.arange(len(frame)) * 1_000_000
    assert repr(frame).startswith("5 problems: 4 errors, 1 warning.\n")
