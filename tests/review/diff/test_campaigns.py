"""Two campaigns: which rows changed, and by which edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe.review.diff.campaigns import campaigns_difference
from tests.composing import cells, compose, frame
from tests.frames import ZOO, frames

if TYPE_CHECKING:
    from mailframe.review.diff.campaigns_difference import CampaignsDifference

NAMES = ["Ann", "Zoë", "Bob & Co", "Li Wei", "Smith, John", "<b>"]


def difference(old: mf.Campaign, new: mf.Campaign) -> CampaignsDifference:
    """The difference, without a progress bar."""
    return campaigns_difference(old._composed, new._composed, progress=False)


def edited(df: pd.DataFrame, old: dict, new: dict) -> CampaignsDifference:
    """The difference after an edit of the letter."""
    return difference(compose(df, **old), compose(df, **new))


def words(diff: CampaignsDifference) -> list[tuple[int, list[tuple[str, str, str]]]]:
    """The number of rows of each edit, and the field, old and new text of each change."""
    return [
        (
            edit.rows,
            [
                (c.field, old, new)
                for c in edit.changes
                for kind, old, new in c.segments
                if kind != "same"
            ],
        )
        for edit in diff.edits
    ]


def test_rows_with_the_same_changed_words_have_one_edit():
    """Names beside the changed words do not matter."""
    diff = edited(frame(name=NAMES), {"subject": "Hi {{ name }}"}, {"subject": "Hello {{ name }}"})
    assert words(diff) == [(6, [("Subject", "Hi", "Hello")])]


@pytest.mark.parametrize("part", ["subject", "text_body", "html_body"])
def test_a_value_inside_the_changed_words_is_replaced_by_its_column(part):
    """Also if the value is escaped, has several words or looks like markup."""
    diff = edited(
        frame(name=NAMES),
        {part: "Your file {{ name }} 1 is gone"},
        {part: "Your new {{ name }} {{ name }} is gone"},
    )
    [edit] = diff.edits
    assert edit.rows == 6
    assert "{{ name }}" in str(edit)
    assert not any(name in str(edit) for name in NAMES[:2])


def test_a_value_inside_a_link_does_not_make_another_edit():
    """With or without a filter."""
    html = "<a href='/x?id={{ n }}&m={{ email | urlencode }}&utm=%s'>go</a>"
    diff = edited(frame(n=[5, 6, 7]), {"html_body": html % "a"}, {"html_body": html % "b"})
    assert words(diff) == [(3, [("HtmlBody", "a", "b")])]


def test_a_constant_that_is_a_value_of_some_rows_does_not_make_another_edit():
    """If "5 days" is changed to "6 days", customers with 5 or 6 seats have the same edit."""
    df = frame(seats=[5, 6, 7, 5, 8])
    diff = edited(df, {"text_body": "5 days, {{ seats }}"}, {"text_body": "6 days, {{ seats }}"})
    assert words(diff) == [(5, [("TextBody", "5", "6")])]


def test_two_columns_that_are_sometimes_equal_do_not_make_another_edit():
    """The edit has the column that fits every row."""
    df = frame(a=["x", "y", "z"], b=["x", "q", "z"])
    diff = edited(df, {"subject": "{{ a }}"}, {"subject": "{{ b }} {{ a }} now"})
    assert sum(edit.rows for edit in diff.edits) == 3
    df = frame(a=["x", "q", "r", "s"], b=["x", "y", "z", "s"])
    diff = edited(
        df,
        {"subject": "Hi", "text_body": "{{ a }}{{ b }}"},
        {"subject": "{{ b }}!", "text_body": "{{ a }}{{ b }}"},
    )
    assert words(diff) == [(4, [("Subject", "Hi", "{{ b }}!")])]


def test_different_edits_are_separate_and_the_one_with_most_rows_is_first():
    """An edit in a branch changes the rows that take the branch."""
    body = "{%% if plan == 'team' %%}%s{%% else %%}%s{%% endif %%}"
    df = frame(plan=["team", "free", "free", "free"])
    diff = edited(df, {"text_body": body % ("one", "two")}, {"text_body": body % ("ONE", "TWO")})
    assert words(diff) == [(3, [("TextBody", "two", "TWO")]), (1, [("TextBody", "one", "ONE")])]
    assert [edit.positions.tolist() for edit in diff.edits] == [[1, 2, 3], [0]]
    assert diff.frame()["group"].tolist() == [2, 1, 1, 1]


def test_an_edit_of_one_row_leaves_the_others_unchanged():
    """The frame has only that row, with the caller's label."""
    df = frame(n=[1, 2, 3]).set_axis(["a", "b", "c"])
    body = "{%% if n == 2 %%}%s{%% endif %%}Hi"
    diff = edited(df, {"text_body": body % "x"}, {"text_body": body % "y"})
    assert diff.counts == {
        "changed": 1,
        "unchanged": 2,
        "added": 0,
        "removed": 0,
        "became sendable": 0,
        "became blocked": 0,
    }
    assert diff.frame().index.tolist() == ["b"]
    assert diff.frame()["old_row"].tolist() == ["b"]


def test_without_an_edit_the_difference_is_false():
    """Its frame is empty and has all columns."""
    campaign = compose(frame(name=NAMES), subject="Hi {{ name }}")
    for diff in (
        difference(campaign, campaign),
        difference(campaign, compose(frame(name=NAMES), subject="Hi {{ name }}")),
    ):
        assert not diff
        assert "no message differs" in repr(diff)
        assert diff.frame().empty
        assert "edit" in diff.frame()
        assert "no message differs" in diff._repr_html_()


def test_an_edit_of_the_data_is_one_edit_too():
    """The old and the new value of a column are named differently."""
    old, new = frame(n=[1, 2, 3]), frame(n=[2, 3, 4])
    diff = difference(compose(old, subject="{{ n }} seats"), compose(new, subject="{{ n }} seats"))
    assert words(diff) == [(3, [("Subject", "{{ n }} before", "{{ n }} now")])]


def test_rows_that_become_sendable_or_blocked_are_listed_with_their_codes():
    """Also if their message did not change."""
    df = frame(name=cells("Ann", None, "Bob"))
    diff = edited(df, {"subject": "Hi {{ name }}"}, {"subject": "Hi {{ name | default('you') }}"})
    table = diff.frame()
    assert table["became"].tolist() == ["sendable"]
    assert table["old_reason"].tolist() == ["missing_value"]
    assert words(diff) == [(1, [("Subject", "", "Hi you")])]
    doubled = pd.DataFrame(
        {"email": ["a@acme.example", "b@acme.example", "c@acme.example"], "id": [1, 2, 3]}
    )
    diff = difference(compose(doubled, key="id"), compose(doubled.assign(id=[1, 1, 3]), key="id"))
    assert diff.frame()[["change", "became", "new_reason"]].to_numpy().tolist() == [
        ["same", "blocked", "duplicate_key"]
    ]


def test_a_row_that_is_blocked_in_both_campaigns_is_compared_too():
    """The fields that could be diff are compared."""
    df = frame(name=cells(None, "Ann"))
    diff = edited(df, {"cc": "{{ name }}", "subject": "a"}, {"cc": "{{ name }}", "subject": "b"})
    assert words(diff) == [(2, [("Subject", "a", "b")])]
    assert not edited(df, {"cc": "{{ name }}"}, {"cc": "{{ name }}"})


def test_settings_headers_and_attachments_are_compared():
    """Every field of a message is."""
    old = {
        "track_opens": True,
        "headers": {"X-A": "1"},
        "attachments": [mf.Attachment("a.txt", b"one")],
    }
    new = {
        "track_opens": False,
        "headers": {"X-B": "1"},
        "attachments": [mf.Attachment("a.txt", b"two")],
        "tag": "t",
    }
    diff = edited(frame(rows=3), old, new)
    [edit] = diff.edits
    assert {change.field for change in edit.changes} == {
        "TrackOpens",
        "Headers.X-A",
        "Headers.X-B",
        "Attachments",
        "Tag",
    }
    assert edit.rows == 3


def test_rows_are_matched_by_label_when_the_indexes_differ():
    """Added and removed rows are listed. The order of the frames does not matter."""
    df = frame(n=[0, 1, 2, 3]).set_axis(["a", "b", "c", "d"])
    diff = difference(
        compose(df.iloc[:3], subject="{{ n }}"), compose(df.iloc[[3, 2, 1]], subject="{{ n }}")
    )
    assert diff.matches.by == "label"
    assert diff.frame()["change"].to_dict() == {"d": "added", "a": "removed"}
    assert diff.frame()[["old_row", "new_row"]].astype(object).where(
        lambda x: x.notna(), None
    ).to_numpy().tolist() == [
        [None, "d"],
        ["a", None],
    ]
    assert diff.counts["unchanged"] == 2


def test_rows_are_matched_by_key_when_labels_are_repeated():
    """The dtype of the key does not matter."""
    df = frame(id=[10, 11, 12])
    old = df.set_axis([7, 7, 7])
    new = df.iloc[::-1].assign(id=["12", "11", "10"]).set_axis([1, 1, 2])
    diff = difference(compose(old, key="id", subject="a"), compose(new, key="id", subject="b"))
    assert diff.matches.by == "key"
    assert (diff.matches.old.tolist(), diff.matches.new.tolist()) == ([2, 1, 0], [0, 1, 2])
    assert words(diff) == [(3, [("Subject", "a", "b")])]


def test_the_key_has_precedence_over_the_labels():
    """A frame that was sorted and got a new index has the same keys."""
    df = frame(id=[10, 11, 12], n=["a", "b", "c"])
    turned = df.iloc[::-1].reset_index(drop=True)
    diff = difference(
        compose(df, key="id", subject="{{ n }}"), compose(turned, key="id", subject="{{ n }}")
    )
    assert diff.matches.by == "key"
    assert diff.counts["unchanged"] == 3


@pytest.mark.parametrize("key", [None, "id"])
def test_rows_that_cannot_be_matched_are_an_error_that_says_what_to_do(key):
    """Repeated labels without a key, or with repeated keys."""
    df = frame(id=[1, 1, 2]).set_axis([7, 7, 8])
    with pytest.raises(mf.errors.MailframeError, match="unique index"):
        difference(compose(df, key=key), compose(df.iloc[:2], key=key))


def test_added_and_removed_columns_are_not_compared():
    """Only messages are."""
    df = frame(name=NAMES)
    assert not difference(compose(df.assign(x=1)), compose(df.drop(columns="name").assign(y=2)))
    diff = difference(
        compose(df.assign(x=range(6)), subject="{{ x }}!"), compose(df, subject="{{ name }}!")
    )
    assert words(diff) == [(6, [("Subject", "{{ x }}", "{{ name }}")])]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ZOO)
def test_any_frame_can_be_compared_with_itself_and_with_an_edit(name):
    """The index of the frame is the caller's, of any kind, also if rows were removed."""
    df = ZOO[name]()
    to = "{{ email }}" if "email" in df.columns else "all@acme.example"
    old, new = (compose(df, to=to, subject=subject) for subject in ("Hi", "Hello"))
    assert not difference(old, old)
    diff = difference(old, new)
    pd.testing.assert_index_equal(diff.frame().index, df.index)
    assert words(diff) == ([(len(df), [("Subject", "Hi", "Hello")])] if len(df) else [])
    assert len(diff) == len(diff.frame()) == len(df)
    assert repr(diff)
    assert diff._repr_html_()
    if df.index.is_unique and len(df) > 1:
        fewer = difference(old, compose(df.iloc[1:], to=to, subject="Hi"))
        assert fewer.matches.by == "label"
        assert fewer.counts["removed"] == 1
        gone = fewer.frame().query("change == 'removed'")
        assert str(gone.index[0]) == str(df.index[0])


@settings(max_examples=40, deadline=None)
@given(frames(max_rows=12), st.sampled_from(["Hi {{ x }}", "{{ x }}, hi {{ email }}", "Hi"]))
def test_every_row_is_counted_once(df, subject):
    """As changed, unchanged, added or removed. Each changed row has one edit."""
    df = df.assign(x=[f"v{n % 3}" for n in range(len(df))])
    diff = edited(df, {"subject": "{{ x }}"}, {"subject": subject})
    counts = diff.counts
    assert counts["changed"] + counts["unchanged"] + counts["added"] == len(df)
    assert sum(edit.rows for edit in diff.edits) == counts["changed"] == len(df)
    assert sorted(p for edit in diff.edits for p in edit.positions.tolist()) == list(range(len(df)))
    assert len(diff.edits) <= 1


def test_hostile_values_are_escaped():
    """Values, also with characters that are used as placeholders, and labels."""
    hostile = [
        "<script>1</script>\x1b[0m\u202e",
        "\U000f0000\U00100001",
        "{{ name }}",
        "\ufffd",
        "a" * 300,
    ]
    df = frame(name=hostile).set_axis(hostile)
    old = {"text_body": "{{ name }} x", "html_body": "{{ name }} x"}
    diff = edited(df, old, {"text_body": "y {{ name }}", "html_body": "y {{ name|safe }}"})
    assert diff.counts["changed"] == len(hostile)
    page = diff._repr_html_()
    assert "<script" not in page
    assert not any(letter in text for text in (page, repr(diff)) for letter in "\x1b\u202e")


def test_a_long_body_that_was_rewritten_is_one_edit():
    """It is not compared word by word."""
    df = frame(n=range(5))
    old, new = ("".join(f"{word}{n} {{{{ n }}}} " for n in range(4_000)) for word in "xy")
    diff = edited(df, {"text_body": old}, {"text_body": new})
    assert [edit.rows for edit in diff.edits] == [5]
    assert len(diff._repr_html_()) < 100_000


def test_of_many_edits_a_hundred_are_shown():
    """The frame has the numbers of all."""
    df = frame(n=range(130)).assign(word=[f"w{n}" for n in range(130)])
    diff = edited(df, {"subject": "Hi"}, {"subject": "Hi {{ word | upper }}"})
    assert len(diff.edits) == 100
    assert diff.frame()["group"].nunique() == 130
    assert diff.frame()["edit"].isna().sum() == 30
    assert "120 more edits" in repr(diff)


def test_a_value_inside_a_longer_word_is_not_replaced():
    """The name "an" is not in the word "Can"."""
    diff = edited(
        frame(name=["an", "Bo"]), {"text_body": "Can {{ name }}"}, {"text_body": "Pan {{ name }}"}
    )
    assert words(diff) == [(2, [("TextBody", "Can", "Pan")])]


def test_values_of_two_columns_are_two_edits():
    """One branch adds the first name, the other one the last name."""
    df = frame(
        plan=["team", "free"] * 2,
        first=["Ann", "Zoë", "Bob", "Eva"],
        last=["Ash", "Oak", "Elm", "Fir"],
    )
    new = "Hi {% if plan == 'team' %}{{ first }}{% else %}{{ last }}{% endif %}"
    diff = edited(df, {"text_body": "Hi"}, {"text_body": new})
    assert words(diff) == [
        (2, [("TextBody", "", " {{ first }}")]),
        (2, [("TextBody", "", " {{ last }}")]),
    ]


def test_rows_with_a_key_are_matched_by_it_if_another_row_has_none():
    """In a sorted frame, the row without a key is not matched."""
    df = frame(rows=6).assign(k=["a", "b", None, "d", "e", "f"], n=range(6))
    turned = df.iloc[::-1].reset_index(drop=True)
    diff = difference(
        compose(df, key="k", subject="{{ n }}"), compose(turned, key="k", subject="{{ n }}")
    )
    assert diff.matches.by == "key"
    assert diff.counts["unchanged"] == 5
    assert sorted(diff.frame()["change"]) == ["added", "removed"]


@pytest.mark.parametrize("given", [(0,), (None, 1, 2)])
def test_diff_takes_two_labels_or_a_campaign(given):
    """One label, or a label and a campaign, are refused."""
    diff = compose(frame(rows=3), subject="a")
    with pytest.raises(
        mf.errors.MailframeError, match=r"two labels of rows, two keys .* or another campaign alone"
    ):
        diff.diff(diff if given[0] is None else 0, *given[1:2])


@pytest.mark.parametrize("keys", [["1", None, "3"], [None, None, None]])
def test_a_campaign_does_not_differ_from_itself(keys):
    """Rows without a key are matched by position."""
    diff = compose(frame(rows=3).assign(k=keys), key="k", subject="a")
    assert difference(diff, diff).counts["unchanged"] == 3
