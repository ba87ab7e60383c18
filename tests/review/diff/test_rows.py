"""Two rows of a campaign: which fields and columns differ, whatever the frame and whatever the row."""

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
    """Values are what a template would print: 1230, not np.int64(1230)."""
    df = frame(seats=[1230, 1231], plan=["team", "team"], due=pd.to_datetime(["2026-11-22", None]))
    found = rows(
        compose(
            df, subject="{{ seats }} seats", metadata={"seats": "{{ seats }}", "plan": "{{ plan }}"}
        ),
        0,
        1,
    )
    assert fields(found) == ["To", "Subject", "Metadata.seats"]
    assert found.same_fields == 3  # From, TextBody, Metadata.plan
    assert found.cells == (
        ("email", "p0@acme.example", "p1@acme.example"),
        ("seats", "1230", "1231"),
        ("due", "2026-11-22", None),
    )
    assert found.same_cells == 1


def test_the_frame_has_a_row_for_each_field_and_column():
    """What is not there is missing, not an empty text."""
    found = rows(
        compose(
            frame(n=cells("x", None)),
            cc=["{{ n | default('') }}@acme.example"],
            tag="{{ n|default('') }}",
        ),
        0,
        1,
    )
    table = found.frame()
    assert table.columns.tolist() == ["kind", "field", "old", "new"]
    assert len(found) == len(table)
    tag = table.query("field == 'Tag'").iloc[0]
    assert (tag["kind"], tag["old"]) == ("message", "x")
    assert pd.isna(tag["new"])
    assert pd.isna(table.query("kind == 'cell' and field == 'n'")["new"].iloc[0])


def test_a_row_is_no_different_from_itself():
    """And such a difference is false."""
    found = rows(compose(frame(rows=2)), 1, 1)
    assert not found
    assert len(found) == 0
    assert "no field and no column differs" in repr(found)


@pytest.mark.parametrize("name", ZOO)
def test_any_two_rows_of_any_frame_can_be_compared(name):
    """Doubled labels, several levels, gaps of each kind, columns of one name: rows are taken by position."""
    df = ZOO[name]()
    if len(df) < 2:
        return
    address = df.columns.get_loc("email") if "email" in df.columns else None
    to = "{{ email }}" if address is not None else "all@acme.example"
    found = rows(compose(df, to=to, subject="Hi", text_body="Hi"), 0, len(df) - 1)
    assert set(fields(found)) == ({"To"} if address is not None else set())
    assert len(found.cells) + found.same_cells == df.shape[1]
    assert len(found.frame()) == len(found)
    assert repr(found)
    assert found._repr_html_()


def test_a_row_with_an_error_is_compared_as_far_as_it_could_be_made():
    """Its problems stand beside it, with the code; the part that failed has no text."""
    found = rows(compose(frame(name=cells("Ann", None)), subject="Hi {{ name }}"), 0, 1)
    subject = next(change for change in found.fields if change.field == "Subject")
    assert (subject.old, subject.new) == ("Hi Ann", None)
    assert [note.code for note in found.new.problems] == ["missing_value"]
    assert found.old.problems == ()


def test_problems_that_only_a_look_at_all_rows_finds_are_told_when_somebody_looked():
    """Comparing two rows of a million looks at two."""
    campaign = compose(pd.DataFrame({"email": ["a@acme.example"] * 2}))
    assert rows(campaign, 0, 1).new.problems == ()
    campaign.problems()
    assert [note.code for note in rows(campaign, 0, 1).new.problems] == ["duplicate_recipient"]


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
    """Two files of one name and one size are not the same file."""
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


@pytest.mark.parametrize("position", [-1, 2, 10**9])
def test_there_is_no_row_outside_the_frame(position):
    """A negative one does not count from the end."""
    with pytest.raises(IndexError, match="the frame has 2"):
        rows(compose(frame(rows=2)), 0, position)


HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e</bdi></td><img src=x onerror=y>"


def test_hostile_values_stay_text_everywhere():
    """In cells, column names, labels, addresses' names, headers and error texts."""
    df = frame(**{"x": [HOSTILE, f"{HOSTILE}2"], HOSTILE: ["a", "b"]}).set_axis(
        [HOSTILE, f"{HOSTILE}3"]
    )
    fields = {
        "text_body": "{{ x }}",
        "html_body": "{{ x | safe }}",
        "headers": {"X-A": "{{ x }}"},
        "subject": "{{ x }}",
    }
    found = rows(compose(df, **fields), 0, 1)
    page = found._repr_html_()
    assert "<script" not in page.replace("<style", "")
    assert "<img" not in page
    assert page.count("<td") == page.count("</td>")
    for text in (page, repr(found)):
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_a_lone_surrogate_can_be_compared():
    """No UTF-8 text can hold it, so no frame of pandas can."""
    found = rows(compose(frame(x=cells("\ud800", "b")), subject="{{ x }}"), 0, 1)
    assert found.frame().query("kind == 'message' and field == 'Subject'")["old"].tolist() == ["?"]
    assert found._repr_html_().encode()


def test_a_huge_body_makes_no_huge_page():
    """What is unchanged is cut to what stands beside a change, and a changed piece is cut too."""
    df = frame(x=["a" * 1_000_000, "b " * 500_000])
    page = rows(compose(df, text_body="{{ x }}"), 0, 1)._repr_html_()
    assert "more characters" in page
    assert len(page) < 60_000
