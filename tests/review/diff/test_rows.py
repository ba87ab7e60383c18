"""Two rows of a campaign: which fields and columns differ, for any frame."""

from __future__ import annotations

import pandas as pd
import pytest

import mailframe as mf
from mailframe.review.diff.rows import rows_difference
from tests.composing import cells, compose, frame
from tests.frames import ZOO


def rows(campaign: mf.Campaign, a: int, b: int):
    """The difference of two rows."""
    return rows_difference(campaign._composed, a, b)


def fields(difference) -> list[str]:
    """The fields of the message that differ."""
    return [change.field for change in difference.fields]


def test_fields_and_columns_that_differ_are_listed_and_the_others_counted():
    """Values are written as a template prints them: 1230, not np.int64(1230)."""
    df = frame(seats=[1230, 1231], plan=["team", "team"], due=pd.to_datetime(["2026-11-22", None]))
    diff = rows(
        compose(
            df, subject="{{ seats }} seats", metadata={"seats": "{{ seats }}", "plan": "{{ plan }}"}
        ),
        0,
        1,
    )
    assert fields(diff) == ["To", "Subject", "Metadata.seats"]
    assert diff.same_fields == 3  # From, TextBody, Metadata.plan
    assert diff.cells == (
        ("email", "p0@acme.example", "p1@acme.example"),
        ("seats", "1230", "1231"),
        ("due", "2026-11-22", None),
    )
    assert diff.same_cells == 1


def test_the_frame_has_a_row_for_each_field_and_column():
    """A field that a message does not have is missing, not an empty text."""
    diff = rows(
        compose(
            frame(n=cells("x", None)),
            cc=["{{ n | default('') }}@acme.example"],
            tag="{{ n|default('') }}",
        ),
        0,
        1,
    )
    table = diff.frame()
    assert table.columns.tolist() == ["kind", "field", "old", "new"]
    assert len(diff) == len(table)
    tag = table.query("field == 'Tag'").iloc[0]
    assert (tag["kind"], tag["old"]) == ("message", "x")
    assert pd.isna(tag["new"])
    assert pd.isna(table.query("kind == 'cell' and field == 'n'")["new"].iloc[0])


def test_a_row_does_not_differ_from_itself():
    """The difference is false."""
    diff = rows(compose(frame(rows=2)), 1, 1)
    assert not diff
    assert len(diff) == 0
    assert "no field and no column differs" in repr(diff)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ZOO)
def test_any_two_rows_of_any_frame_can_be_compared(name):
    """Rows are taken by position, so labels may be repeated or missing."""
    df = ZOO[name]()
    if len(df) < 2:
        return
    address = df.columns.get_loc("email") if "email" in df.columns else None
    to = "{{ email }}" if address is not None else "all@acme.example"
    diff = rows(compose(df, to=to, subject="Hi", text_body="Hi"), 0, len(df) - 1)
    assert set(fields(diff)) == ({"To"} if address is not None else set())
    assert len(diff.cells) + diff.same_cells == df.shape[1]
    assert len(diff.frame()) == len(diff)
    assert repr(diff)
    assert diff._repr_html_()


def test_of_a_row_with_an_error_the_fields_that_could_be_made_are_compared():
    """Its problems are shown with their codes. A field with an error has no text."""
    diff = rows(compose(frame(name=cells("Ann", None)), subject="Hi {{ name }}"), 0, 1)
    subject = next(change for change in diff.fields if change.field == "Subject")
    assert (subject.old, subject.new) == ("Hi Ann", None)
    assert [problem.code for problem in diff.new.problems] == ["missing_value"]
    assert diff.old.problems == ()


def test_problems_of_the_preflight_check_are_shown_if_it_was_run():
    """Comparing two rows does not run it."""
    campaign = compose(pd.DataFrame({"email": ["a@acme.example"] * 2}))
    assert rows(campaign, 0, 1).new.problems == ()
    campaign.problems()
    assert [problem.code for problem in rows(campaign, 0, 1).new.problems] == [
        "duplicate_recipient"
    ]


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ((b"one", b"one"), None),
        ((b"one", b"three"), ("a.txt (text/plain, 3 bytes)", "a.txt (text/plain, 5 bytes)")),
        (
            (b"one", b"two"),
            ("a.txt (text/plain, 3 bytes), content ", "a.txt (text/plain, 3 bytes), content "),
        ),
    ],
)
def test_attachments_differ_by_name_type_size_and_content(contents, expected):
    """Files with the same name and size may differ in content."""
    df = frame(file=cells(*contents))
    letter = {"attachments": [mf.Attachment("a.txt", lambda df: df["file"])]}
    change = [
        change
        for change in rows(compose(df, **letter), 0, 1).fields
        if change.field == "Attachments"
    ]
    assert bool(change) == (expected is not None)
    if expected:
        assert change[0].old != change[0].new
        assert change[0].old.startswith(expected[0])
        assert change[0].new.startswith(expected[1])


def test_attachments_with_one_name_in_another_order_differ():
    """The digests of their contents show the order."""
    df = frame(a=cells(b"one", b"two"), b=cells(b"two", b"one"))
    files = [mf.Attachment("x.txt", lambda df, name=name: df[name]) for name in "ab"]
    [change] = [
        change
        for change in rows(compose(df, attachments=files), 0, 1).fields
        if change.field == "Attachments"
    ]
    assert change.old.count(", content ") == change.new.count(", content ") == 2
    assert sorted(change.old.split("\n")) == sorted(change.new.split("\n"))
    assert change.old != change.new


HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e</bdi></td><img src=x onerror=y>"


def test_hostile_values_are_escaped_everywhere():
    """In cells, column names, labels, names of recipients, headers and error texts."""
    df = frame(**{"x": [HOSTILE, f"{HOSTILE}2"], HOSTILE: ["a", "b"]}).set_axis(
        [HOSTILE, f"{HOSTILE}3"]
    )
    fields = {
        "text_body": "{{ x }}",
        "html_body": "{{ x | safe }}",
        "headers": {"X-A": "{{ x }}"},
        "subject": "{{ x }}",
    }
    diff = rows(compose(df, **fields), 0, 1)
    page = diff._repr_html_()
    assert "<script" not in page.replace("<style", "")
    assert "<img" not in page
    assert page.count("<td") == page.count("</td>")
    for text in (page, repr(diff)):
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_a_lone_surrogate_can_be_compared():
    """UTF-8 has no lone surrogates, so a pandas column of texts has none."""
    diff = rows(compose(frame(x=cells("\ud800", "b")), subject="{{ x }}"), 0, 1)
    assert diff.frame().query("kind == 'message' and field == 'Subject'")["old"].tolist() == ["?"]
    assert diff._repr_html_().encode()


def test_a_huge_number_can_be_compared():
    """Python does not print it, and neither does a template."""
    diff = rows(compose(frame(n=cells(10**5_000, 1))), 0, 1)
    assert ("n", "(a number with too many digits)", "1") in diff.cells


def test_a_huge_body_does_not_make_a_huge_page():
    """Changed texts are shortened, and unchanged texts to what is next to a change."""
    df = frame(x=["a" * 1_000_000, "b " * 500_000])
    page = rows(compose(df, text_body="{{ x }}"), 0, 1)._repr_html_()
    assert "more characters" in page
    assert len(page) < 60_000
