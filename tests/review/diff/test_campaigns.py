"""Two campaigns: which rows changed, and which changes are the same edit."""

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
    from mailframe.review.diff.change_list import CampaignsDifference

NAMES = ["Ann", "Zoë", "Bob & Co", "Li Wei", "Smith, John", "<b>"]


def difference(old: mf.Campaign, new: mf.Campaign) -> CampaignsDifference:
    """The difference, without a bar."""
    return campaigns_difference(old._composed, new._composed, progress=False)


def edited(df: pd.DataFrame, old: dict, new: dict) -> CampaignsDifference:
    """The difference that an edit of the letter makes."""
    return difference(compose(df, **old), compose(df, **new))


def words(found: CampaignsDifference) -> list[tuple[int, list[tuple[str, str, str]]]]:
    """Of each edit how many rows have it, and per change the field, what went and what came."""
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
        for edit in found.edits
    ]


def test_the_same_words_changed_is_one_edit():
    """The names beside them are not part of it."""
    found = edited(frame(name=NAMES), {"subject": "Hi {{ name }}"}, {"subject": "Hello {{ name }}"})
    assert words(found) == [(6, [("Subject", "Hi", "Hello")])]


@pytest.mark.parametrize("part", ["subject", "text_body", "html_body"])
def test_a_personal_value_inside_the_changed_words_is_its_column(part):
    """Also where the value is escaped, has several words or looks like markup."""
    found = edited(
        frame(name=NAMES),
        {part: "Your file {{ name }} 1 is gone"},
        {part: "Your new {{ name }} {{ name }} is gone"},
    )
    [edit] = found.edits
    assert edit.rows == 6
    assert "{{ name }}" in str(edit)
    assert not any(name in str(edit) for name in NAMES[:2])


def test_a_value_inside_a_link_does_not_part_the_rows():
    """Neither as it is nor through a filter."""
    html = "<a href='/x?id={{ n }}&m={{ email | urlencode }}&utm=%s'>go</a>"
    found = edited(frame(n=[5, 6, 7]), {"html_body": html % "a"}, {"html_body": html % "b"})
    assert words(found) == [(3, [("HtmlBody", "a", "b")])]


def test_a_constant_that_happens_to_be_a_value_of_some_rows_parts_nobody():
    """5 days became 6 for all; the customers with 5 seats, or with 6, are no others."""
    df = frame(seats=[5, 6, 7, 5, 8])
    found = edited(df, {"text_body": "5 days, {{ seats }}"}, {"text_body": "6 days, {{ seats }}"})
    assert words(found) == [(5, [("TextBody", "5", "6")])]


def test_two_columns_that_sometimes_agree_part_nobody():
    """The column that fits every row is named."""
    df = frame(a=["x", "y", "z"], b=["x", "q", "z"])
    found = edited(df, {"subject": "{{ a }}"}, {"subject": "{{ b }} {{ a }} now"})
    assert sum(edit.rows for edit in found.edits) == 3
    df = frame(a=["x", "q", "r", "s"], b=["x", "y", "z", "s"])
    found = edited(
        df,
        {"subject": "Hi", "text_body": "{{ a }}{{ b }}"},
        {"subject": "{{ b }}!", "text_body": "{{ a }}{{ b }}"},
    )
    assert words(found) == [(4, [("Subject", "Hi", "{{ b }}!")])]


def test_different_edits_are_different_groups_and_the_largest_comes_first():
    """An edit in one branch reaches the rows that take it."""
    body = "{%% if plan == 'team' %%}%s{%% else %%}%s{%% endif %%}"
    df = frame(plan=["team", "free", "free", "free"])
    found = edited(df, {"text_body": body % ("one", "two")}, {"text_body": body % ("ONE", "TWO")})
    assert words(found) == [(3, [("TextBody", "two", "TWO")]), (1, [("TextBody", "one", "ONE")])]
    assert [edit.positions.tolist() for edit in found.edits] == [[1, 2, 3], [0]]
    assert found.frame()["group"].tolist() == [2, 1, 1, 1]


def test_an_edit_that_reaches_one_row_leaves_the_others_unchanged():
    """And the frame lists that row alone, under the caller's label."""
    df = frame(n=[1, 2, 3]).set_axis(["a", "b", "c"])
    body = "{%% if n == 2 %%}%s{%% endif %%}Hi"
    found = edited(df, {"text_body": body % "x"}, {"text_body": body % "y"})
    assert found.counts == {
        "changed": 1,
        "unchanged": 2,
        "added": 0,
        "removed": 0,
        "became sendable": 0,
        "became held back": 0,
    }
    assert found.frame().index.tolist() == ["b"]
    assert found.frame()["old_row"].tolist() == ["b"]


def test_no_edit_makes_no_difference():
    """It is false, and its frame is empty with all its columns."""
    campaign = compose(frame(name=NAMES), subject="Hi {{ name }}")
    for found in (
        difference(campaign, campaign),
        difference(campaign, compose(frame(name=NAMES), subject="Hi {{ name }}")),
    ):
        assert not found
        assert "no message differs" in repr(found)
        assert found.frame().empty
        assert "edit" in found.frame()
        assert "no message differs" in found._repr_html_()


def test_an_edit_of_the_data_is_one_edit_too():
    """The value before and the value now are told apart; a change never hides behind its column's name."""
    old, new = frame(n=[1, 2, 3]), frame(n=[2, 3, 4])
    found = difference(compose(old, subject="{{ n }} seats"), compose(new, subject="{{ n }} seats"))
    assert words(found) == [(3, [("Subject", "{{ n }} before", "{{ n }} now")])]


def test_rows_that_become_sendable_or_held_back_are_listed_with_their_codes():
    """Also those whose message did not change."""
    df = frame(name=cells("Ann", None, "Bob"))
    found = edited(df, {"subject": "Hi {{ name }}"}, {"subject": "Hi {{ name | default('you') }}"})
    table = found.frame()
    assert table["became"].tolist() == ["sendable"]
    assert table["old_reason"].tolist() == ["missing_value"]
    assert words(found) == [(1, [("Subject", "", "Hi you")])]
    doubled = pd.DataFrame(
        {"email": ["a@acme.example", "b@acme.example", "c@acme.example"], "id": [1, 2, 3]}
    )
    found = difference(compose(doubled, key="id"), compose(doubled.assign(id=[1, 1, 3]), key="id"))
    assert found.frame()[["change", "became", "new_reason"]].to_numpy().tolist() == [
        ["same", "held_back", "duplicate_key"]
    ]


def test_a_row_held_back_on_both_sides_is_compared_all_the_same():
    """Its other fields are."""
    df = frame(name=cells(None, "Ann"))
    found = edited(df, {"cc": "{{ name }}", "subject": "a"}, {"cc": "{{ name }}", "subject": "b"})
    assert words(found) == [(2, [("Subject", "a", "b")])]
    assert not edited(df, {"cc": "{{ name }}"}, {"cc": "{{ name }}"})


def test_settings_headers_and_files_are_compared():
    """Nothing of a message is left out."""
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
    found = edited(frame(rows=3), old, new)
    [edit] = found.edits
    assert {change.field for change in edit.changes} == {
        "TrackOpens",
        "Headers.X-A",
        "Headers.X-B",
        "Attachments",
        "Tag",
    }
    assert edit.rows == 3


def test_rows_are_matched_by_label_when_the_indexes_differ():
    """Added and removed rows are listed; the order of the frames does not matter."""
    df = frame(n=[0, 1, 2, 3]).set_axis(["a", "b", "c", "d"])
    found = difference(
        compose(df.iloc[:3], subject="{{ n }}"), compose(df.iloc[[3, 2, 1]], subject="{{ n }}")
    )
    assert found.match.by == "label"
    assert found.frame()["change"].to_dict() == {"d": "added", "a": "removed"}
    assert found.frame()[["old_row", "new_row"]].astype(object).where(
        lambda x: x.notna(), None
    ).to_numpy().tolist() == [
        [None, "d"],
        ["a", None],
    ]
    assert found.counts["unchanged"] == 2


def test_rows_are_matched_by_key_when_labels_are_doubled():
    """A key that changed its dtype is the same key."""
    df = frame(id=[10, 11, 12])
    old = df.set_axis([7, 7, 7])
    new = df.iloc[::-1].assign(id=["12", "11", "10"]).set_axis([1, 1, 2])
    found = difference(compose(old, key="id", subject="a"), compose(new, key="id", subject="b"))
    assert found.match.by == "key"
    assert (found.match.old.tolist(), found.match.new.tolist()) == ([2, 1, 0], [0, 1, 2])
    assert words(found) == [(3, [("Subject", "a", "b")])]


def test_the_key_counts_before_the_labels():
    """Sorted and numbered anew, a row has another label and is still the same person."""
    df = frame(id=[10, 11, 12], n=["a", "b", "c"])
    turned = df.iloc[::-1].reset_index(drop=True)
    found = difference(
        compose(df, key="id", subject="{{ n }}"), compose(turned, key="id", subject="{{ n }}")
    )
    assert found.match.by == "key"
    assert found.counts["unchanged"] == 3


@pytest.mark.parametrize("key", [None, "id"])
def test_rows_that_nothing_tells_apart_are_an_error_that_says_what_to_do(key):
    """Doubled labels and no key, or a doubled key."""
    df = frame(id=[1, 1, 2]).set_axis([7, 7, 8])
    with pytest.raises(mf.errors.MailframeError, match="unique index"):
        difference(compose(df, key=key), compose(df.iloc[:2], key=key))


def test_columns_that_came_or_went_are_no_change_of_the_message():
    """Only what a letter says counts."""
    df = frame(name=NAMES)
    assert not difference(compose(df.assign(x=1)), compose(df.drop(columns="name").assign(y=2)))
    found = difference(
        compose(df.assign(x=range(6)), subject="{{ x }}!"), compose(df, subject="{{ name }}!")
    )
    assert words(found) == [(6, [("Subject", "{{ x }}", "{{ name }}")])]


@pytest.mark.parametrize("name", ZOO)
def test_any_frame_can_be_compared_with_itself_and_with_an_edit(name):
    """The index of the list is the caller's, whatever it is, also when rows are gone."""
    df = ZOO[name]()
    to = "{{ email }}" if "email" in df.columns else "all@acme.example"
    old, new = (compose(df, to=to, subject=subject) for subject in ("Hi", "Hello"))
    assert not difference(old, old)
    found = difference(old, new)
    pd.testing.assert_index_equal(found.frame().index, df.index)
    assert words(found) == ([(len(df), [("Subject", "Hi", "Hello")])] if len(df) else [])
    assert len(found) == len(found.frame()) == len(df)
    assert repr(found)
    assert found._repr_html_()
    if df.index.is_unique and len(df) > 1:
        fewer = difference(old, compose(df.iloc[1:], to=to, subject="Hi"))
        assert fewer.match.by == "label"
        assert fewer.counts["removed"] == 1
        gone = fewer.frame().query("change == 'removed'")
        assert str(gone.index[0]) == str(df.index[0])


@settings(max_examples=40, deadline=None)
@given(frames(max_rows=12), st.sampled_from(["Hi {{ x }}", "{{ x }}, hi {{ email }}", "Hi"]))
def test_every_row_is_counted_once(df, subject):
    """Changed, unchanged, added and removed rows are all rows; the groups are all changed rows."""
    df = df.assign(x=[f"v{n % 3}" for n in range(len(df))])
    found = edited(df, {"subject": "{{ x }}"}, {"subject": subject})
    counts = found.counts
    assert counts["changed"] + counts["unchanged"] + counts["added"] == len(df)
    assert sum(edit.rows for edit in found.edits) == counts["changed"] == len(df)
    assert sorted(p for edit in found.edits for p in edit.positions.tolist()) == list(
        range(len(df))
    )
    assert len(found.edits) <= 1


def test_hostile_values_stay_text():
    """In values, signs of our own included, campaign names and labels."""
    hostile = [
        "<script>1</script>\x1b[0m\u202e",
        "\U000f0000\U00100001",
        "{{ name }}",
        "\ufffd",
        "a" * 300,
    ]
    df = frame(name=hostile).set_axis(hostile)
    old = {"text_body": "{{ name }} x", "html_body": "{{ name }} x"}
    found = edited(df, old, {"text_body": "y {{ name }}", "html_body": "y {{ name|safe }}"})
    assert found.counts["changed"] == len(hostile)
    page = found._repr_html_()
    assert "<script" not in page
    assert not any(letter in text for text in (page, repr(found)) for letter in "\x1b\u202e")


def test_a_body_written_anew_for_everybody_is_one_edit():
    """What is longer than a few pages is not compared word by word to find groups."""
    df = frame(n=range(5))
    old, new = ("".join(f"{word}{n} {{{{ n }}}} " for n in range(4_000)) for word in "xy")
    found = edited(df, {"text_body": old}, {"text_body": new})
    assert [edit.rows for edit in found.edits] == [5]
    assert len(found._repr_html_()) < 100_000


def test_many_edits_are_told_in_part():
    """A hundred edits have words; the frame numbers all of them."""
    df = frame(n=range(130)).assign(word=[f"w{n}" for n in range(130)])
    found = edited(df, {"subject": "Hi"}, {"subject": "Hi {{ word | upper }}"})
    assert len(found.edits) == 100
    assert found.frame()["group"].nunique() == 130
    assert found.frame()["edit"].isna().sum() == 30
    assert "120 more edits" in repr(found)


def test_the_bar_is_drawn_and_can_be_left_out(capsys):
    """Of what takes longer than half a second; it leaves no line behind."""
    slow = "{% for _ in range(30000) %}{{ loop.index }}{% endfor %}"
    old, new = compose(frame(rows=60), text_body=slow), compose(frame(rows=3), subject="b")
    campaigns_difference(new._composed, new._composed, progress=False)
    assert capsys.readouterr().err == ""
    campaigns_difference(old._composed, new._composed, progress=True)
    drawn = capsys.readouterr().err
    assert "diff" in drawn
    assert not drawn.rpartition("\r")[2].strip()


def test_a_value_inside_a_longer_word_is_no_value():
    """The customer An is not in the word Can."""
    found = edited(
        frame(name=["an", "Bo"]), {"text_body": "Can {{ name }}"}, {"text_body": "Pan {{ name }}"}
    )
    assert words(found) == [(2, [("TextBody", "Can", "Pan")])]


def test_the_values_of_two_columns_are_two_edits():
    """In one branch the first name came, in the other the last name."""
    df = frame(
        plan=["team", "free"] * 2,
        first=["Ann", "Zoë", "Bob", "Eva"],
        last=["Ash", "Oak", "Elm", "Fir"],
    )
    new = "Hi {% if plan == 'team' %}{{ first }}{% else %}{{ last }}{% endif %}"
    found = edited(df, {"text_body": "Hi"}, {"text_body": new})
    assert words(found) == [
        (2, [("TextBody", "", " {{ first }}")]),
        (2, [("TextBody", "", " {{ last }}")]),
    ]


def test_a_row_without_a_key_leaves_the_others_matched_by_theirs():
    """It is another row than any; the frame was sorted anew."""
    df = frame(rows=6).assign(k=["a", "b", None, "d", "e", "f"], n=range(6))
    turned = df.iloc[::-1].reset_index(drop=True)
    found = difference(
        compose(df, key="k", subject="{{ n }}"), compose(turned, key="k", subject="{{ n }}")
    )
    assert found.match.by == "key"
    assert found.counts["unchanged"] == 5
    assert sorted(found.frame()["change"]) == ["added", "removed"]


@pytest.mark.parametrize("given", [(0,), (None, 1, 2)])
def test_diff_takes_two_labels_or_a_campaign(given):
    """Half a question is refused, and so is a label beside a campaign."""
    made = compose(frame(rows=3), subject="a")
    with pytest.raises(
        mf.errors.MailframeError, match=r"two labels of rows, two keys .* or another campaign alone"
    ):
        made.diff(made if given[0] is None else 0, *given[1:2])


@pytest.mark.parametrize("keys", [["1", None, "3"], [None, None, None]])
def test_a_campaign_does_not_differ_from_itself_whatever_its_keys(keys):
    """A row without a key is the row without a key in its place."""
    made = compose(frame(rows=3).assign(k=keys), key="k", subject="a")
    assert difference(made, made).counts["unchanged"] == 3
