"""Variants: each row gets one of several letters."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe.errors import FrameError, LetterChanged, LetterError

LETTER = mf.Letter(
    sender="me@acme.example", to="{{ email }}", subject="Hi {{ name }}", text_body="Hi {{ name }}"
)
VARIANTS = {"plain": {}, "bold": {"html_body": "<b>Hi {{ name }}</b>", "text_body": "Hello"}}


def people(rows: int) -> pd.DataFrame:
    """Rows with whole numbers as keys."""
    numbers = range(rows)
    return pd.DataFrame(
        {
            "id": numbers,
            "email": [f"p{number}@example.com" for number in numbers],
            "name": [f"N{number}" for number in numbers],
        },
        index=[f"r{number}" for number in numbers],
    )


def campaign(frame: pd.DataFrame, **options) -> mf.Campaign:
    """A campaign with two variants."""
    return mf.compose(
        frame, LETTER, **({"name": "spring", "key": "id", "variants": VARIANTS} | options)
    )


def assigned(frame: pd.DataFrame, **options) -> dict:
    """The variant of each key."""
    groups = campaign(frame, **options)._composed.groups
    names = np.array(groups.variants, dtype=object)[groups.variant]
    return dict(zip(frame["id"].tolist(), names, strict=True))


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_variant_depends_on_key_seed_and_weights_alone(data):
    """On no other row, no order and no dtype; the order of the variants is that of the weights."""
    rows = data.draw(st.lists(st.integers(0, 199), unique=True, max_size=40), label="rows")
    whole, few = people(200), people(200).iloc[rows]
    options = {"weights": {"bold": 1, "plain": 3}, "seed": "s"}
    everyone = assigned(whole, **options)
    assert assigned(few, **options) == {key: everyone[key] for key in rows}
    text = few.assign(id=few["id"].astype("str"))
    assert {int(key): one for key, one in assigned(text, **options).items()} == {
        key: everyone[key] for key in rows
    }


@pytest.mark.parametrize("weights", [None, [1, 1], [3, 1], {"bold": 0.2, "plain": 0.8}, (9, 1)])
def test_shares_are_those_of_the_weights_and_independent_of_the_holdout(weights):
    """Within five standard deviations."""
    rows = 4_000
    share = {None: 0.5}.get(weights) if weights is None else None
    if share is None:
        values = [weights["plain"], weights["bold"]] if isinstance(weights, dict) else weights
        share = values[0] / sum(values)
    chosen = campaign(people(rows), weights=weights, holdout=0.5)._composed.groups
    is_plain = chosen.variant == 0
    spread = 5 * (rows * share * (1 - share)) ** 0.5
    assert abs(is_plain.sum() - rows * share) < spread
    assert abs((is_plain & chosen.holdout).sum() - rows * share / 2) < spread
    assert assigned(people(50)) != assigned(people(50), seed="other")


def test_each_row_has_the_message_of_its_variant():
    """In messages(), message(), problems(), batches, previews, and what arrives."""
    frame = people(40).assign(
        name=lambda rows: rows["name"].where(rows["id"] != 7),
        email=lambda rows: rows["email"].where(rows["id"] != 9, "no address"),
    )
    chosen = campaign(frame)
    variants = assigned(frame)
    messages = chosen.messages()
    assert list(messages.columns) == ["From", "To", "Subject", "HtmlBody", "TextBody", "size"]
    assert messages.index.equals(frame.index)
    for key, row in zip(frame["id"], messages.itertuples(), strict=True):
        is_bold = variants[key] == "bold"
        if key not in (7, 9):
            assert (row.TextBody == "Hello") == is_bold
            assert pd.notna(row.HtmlBody) == is_bold
            assert f"N{key}" in row.Subject
            assert ("HtmlBody" in chosen.message(key=key).payload) == is_bold
    pd.testing.assert_frame_equal(pd.concat(chosen.messages(chunk_rows=7)), messages)
    problems = chosen.problems()
    errors = problems[problems["severity"] == "error"]
    assert errors["row"].tolist()[-1] == "r9"
    assert set(errors["key"]) == {7, 9}
    assert dict(zip(errors["key"], errors["variant"], strict=True)) == {
        key: variants[key] for key in (7, 9)
    }
    positions = [position for batch in chosen.batches() for position in batch.positions]
    assert positions == [at for at in range(40) if at not in (7, 9)]
    with mf.Sandbox(in_process=True) as sandbox:
        results = chosen.send(sandbox.server, progress=False, on_invalid="skip")
        again = campaign(frame.iloc[::-1]).send(sandbox.server, progress=False, on_invalid="skip")
        arrived = sandbox.messages().set_index("To")["HtmlBody"].notna()
    assert results["variant"].tolist() == [variants[key] for key in frame["id"]]
    assert Counter(again["status"]) == {"skipped": 38, "invalid": 2}
    assert again["variant"].tolist() == results["variant"].tolist()[::-1]
    accepted = results[results["status"] == "accepted"]
    assert arrived.to_dict() == dict(
        zip(accepted["email"], accepted["variant"] == "bold", strict=True)
    )


def test_the_tour_the_previews_and_the_difference_know_variants(tmp_path):
    """The tour covers the branches of each letter; a page shows the letter of the row."""
    frame = people(60)
    branching = {"bold": {"text_body": "{% if id > 30 %}late{% else %}early{% endif %}"}}
    chosen = campaign(frame, variants=VARIANTS | branching)
    variants = assigned(frame)
    tour = chosen.tour(progress=False)
    texts = tour.frame()
    assert any("bold: " in reason for reason in texts["reason"])
    bold = [stop for stop in tour if variants[stop.position] == "bold"]
    assert {stop.position > 30 for stop in bold} == {True, False}
    assert chosen.preview(static=True, save=False) is not None
    assert "late" in str(chosen.gallery(tour)._repr_html_())
    assert "variants plain, bold" in repr(chosen)
    assert "subject" in chosen._repr_html_()
    same = chosen.diff(campaign(frame, variants=VARIANTS | branching), progress=False)
    assert len(same.frame()) == 0
    other = chosen.diff(campaign(frame), progress=False)
    assert len(other.frame()) == sum(one == "bold" for one in variants.values())
    keys = [next(key for key, one in variants.items() if one == name) for name in VARIANTS]
    assert "TextBody" in chosen.diff(key=tuple(keys)).frame()["field"].tolist()
    paths = chosen.to_eml(tmp_path / "eml", progress=False)
    written = {key: Path(path).read_bytes() for key, path in enumerate(paths)}
    assert {key for key, text in written.items() if b"late" in text or b"early" in text} == {
        key for key, one in variants.items() if one == "bold"
    }
    with mf.Sandbox(in_process=True) as sandbox:
        tests = chosen.send_test(sandbox.server, "me@example.com", key=keys)
    assert len(tests) == 2


def test_an_approval_is_of_the_assignment_and_the_letters():
    """Another seed, weight, name or text is another campaign; a copy is the same."""
    frame = people(30)
    options = [
        {},
        {"seed": "x"},
        {"weights": [1, 4]},
        {"variants": {"a": {}, "bold": VARIANTS["bold"]}},
        {"variants": VARIANTS | {"plain": {"text_body": "Good day"}}},
        {"variants": None},
    ]
    prints = [campaign(frame, **one).fingerprint for one in options]
    assert len(set(prints)) == len(prints)
    assert copy.deepcopy(campaign(frame)).fingerprint == prints[0]


def test_a_column_says_the_variant():
    """The results do not repeat it if it is called so."""
    frame = people(4).assign(variant=["bold", "plain", "bold", "bold"], arm=["plain"] * 4)
    with mf.Sandbox(in_process=True) as sandbox:
        results = campaign(frame, variant="variant").send(sandbox.server, progress=False)
        other = campaign(frame, variant="arm", name="summer")
        others = other.send(sandbox.server, progress=False, allow_repeat=True)
    assert list(results.columns).count("variant") == 1
    assert "mail_variant" not in results.columns
    assert others["mail_variant"].tolist() == ["plain"] * 4


def test_a_letter_without_rows_and_repeats_are_no_trouble():
    """A variant that no row has, rows of one recipient in two variants, and no row at all."""
    frame = people(3).assign(arm="plain", email="a@example.com")
    chosen = campaign(frame, variant="arm")
    assert chosen.plan().messages == 3
    assert chosen.problems()["code"].tolist().count("repeated_recipient") == 2
    assert campaign(frame.iloc[:0]).messages().empty
    twice = frame.assign(arm=["plain", "bold", "bold"], id=1)
    assert campaign(twice, variant="arm").plan().blocked["duplicate_key"] == 2


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"variants": {"only": {}}}, LetterError, "two letters or more"),
        ({"variants": ["a", "b"]}, LetterError, "two letters or more"),
        ({"variants": {"a": {}, "": {}}}, LetterError, "not a printable text"),
        ({"variants": {"a": {}, 7: {}}}, LetterError, "not a printable text"),
        ({"variants": {"a": {}, "b": "text"}}, LetterError, "has a str for 'b'"),
        ({"variants": {"a": {}, "b": {"body": "x"}}}, LetterError, "body"),
        ({"weights": [1]}, LetterError, "not one number above 0 for each"),
        ({"weights": [1, 0]}, LetterError, "not one number above 0 for each"),
        ({"weights": {"a": 1, "bold": 1}}, LetterError, "the variants are"),
        ({"weights": 3}, LetterError, "not one number above 0 for each"),
        ({"weights": {1, 2}}, LetterError, "weights is a set, whose order does not say"),
        ({"weights": b"\x01\x02"}, LetterError, "weights is a bytes, whose order"),
        (
            {"weights": pd.Series([1, 2, 3], ["plain", "plain", "bold"])},
            LetterError,
            "a name twice",
        ),
        ({"weights": [1, 1], "variant": "name"}, LetterError, "leave out weights"),
        ({"variant": "name"}, FrameError, "has 'N0', and the variants are"),
        ({"variants": None, "weights": [1, 2]}, LetterError, "weights= needs variants="),
        ({"weights": [10**400, 1]}, LetterError, "not one number above 0 for each"),
        ({"variant": pd.Series([["a"]] * 3)}, LetterError, "index"),
        ({"variant": lambda rows: rows["id"].map(lambda _: ["a"])}, FrameError, r"has \['a'\]"),
        ({"key": None}, LetterError, "name its column with key="),
        ({"variants": {"a": {}, "b": {"text_body": "{{ nme }}"}}}, LetterError, "nme"),
    ],
)
def test_wrong_variants_are_refused(options, error, text):
    """Before anything is rendered, with what is wrong."""
    with pytest.raises(error, match=text):
        campaign(people(3), **options)


@pytest.mark.parametrize("weights", [[1e308, 1e308], [5e-324, 5e-324], pd.Series([7, 7])])
def test_weights_of_any_size_are_shares(weights):
    """Only their ratio counts; a Series is read by its labels."""
    assert assigned(people(40), weights=weights) == assigned(people(40))
    by_label = pd.Series({"bold": 1, "plain": 3})
    assert assigned(people(40), weights=by_label) == assigned(people(40), weights=[3, 1])


@pytest.mark.parametrize(
    "change",
    [{"weights": [9, 1]}, {"seed": "x"}, {"variants": dict(reversed(VARIANTS.items()))}],
)
def test_nobody_changes_the_letter_between_two_batches(tmp_path, change):
    """Other people would get another letter, and results would say it of those who have theirs."""
    options = {"ledger": tmp_path / "l", "progress": False}
    with mf.Sandbox(in_process=True) as sandbox:
        campaign(people(9)).send(sandbox.server, limit=4, **options)
        with pytest.raises(LetterChanged, match="4 people have campaign 'spring'"):
            campaign(people(9), **change).send(sandbox.server, **options)
        rest = campaign(people(9), seed="spring", weights=[2, 2]).send(sandbox.server, **options)
    assert rest["MessageID"].notna().all()
