"""A part of a frame, rendered with the facts of the whole, has the messages of the whole."""

from __future__ import annotations

import functools
import itertools
import json
import operator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailframe as mf
from mailframe.datasets.partition import render_partition
from mailframe.message.frame_facts import FrameFacts
from tests.campaigns import LETTER, people

CELLS = {
    "whole or not": st.sampled_from([1.0, 2.5, np.nan, 3.0, 2.0**53, 2.0**60, -0.0]),
    "objects": st.sampled_from(["a", 1, 1.0, None, True, [{"x": 1}], [], "<b>", mf.html("<i>")]),
    "texts": st.sampled_from(["Zoë", "", " x ", None, "\x07", "&"]),
    "address": st.sampled_from(
        ["a@acme.dev", "b@example.com", "c@", None, "A@acme.dev", "d@example.dev"]
    ),
}
MIXED = mf.Letter(
    sender="a@acme.dev",
    to="{{ address }}",
    subject="{{ texts | default('none') }}",
    html_body="<p>{{ row['whole or not'] | default('-') }} {{ objects | default('-') }}</p>",
    text_body=mf.each(lambda row: f"{row['texts']}"),
    reply_to="{{ 'r@example.org' if texts == '&' }}",
)


@st.composite
def frames(draw):
    """Frames of a few rows, with the places where they are divided."""
    rows = draw(st.integers(1, 8))
    frame = pd.DataFrame(
        {name: draw(st.lists(cell, min_size=rows, max_size=rows)) for name, cell in CELLS.items()}
    ).astype({"whole or not": draw(st.sampled_from(["float64", "Float64", "category"]))})
    cuts = sorted(draw(st.sets(st.integers(0, rows), max_size=3)) | {0, rows})
    return frame, list(itertools.pairwise(cuts))


@given(frames(), st.randoms())
def test_partitions_have_the_messages_and_problems_of_the_whole(drawn, random):
    """Divided anywhere and rendered in any order: the same bytes, digests, sizes and problems."""
    frame, spans = drawn
    parts = [frame.iloc[first:last] for first, last in spans]
    facts = functools.reduce(operator.add, map(FrameFacts.of, parts))
    assert facts == FrameFacts.of(frame)
    assert FrameFacts.from_json(facts.to_json()) == facts
    order = random.sample(parts, len(parts))
    rendered = pd.concat([render_partition(part, MIXED, None, facts) for part in order])
    rendered = rendered.sort_index()
    for live, column in ((False, "mf_problems"), (True, "mf_live_problems")):
        composed = mf.compose(frame, MIXED)._composed
        preflight = composed.preflight(live=live)
        ours = rendered["mf_problems"]
        if live:
            ours = rendered[column].where(rendered[column].notna(), ours)
        text = [problems(preflight, row) for row in range(len(frame))]
        assert [normal(one) for one in ours] == text
    bodies = composed.preflight().bodies.chunk(0)[1]
    assert rendered["mf_body"].tolist() == bodies
    assert rendered["mf_size"].tolist() == [len(body or b"") for body in bodies]
    contents = composed.preflight().contents
    assert [one or bytes(16) for one in rendered["mf_content"]] == list(
        map(contents.at, range(len(frame)))
    )


def problems(preflight, row):
    """The problems of a row, without those that need all rows."""
    return [
        [one.field, one.code.value, one.detail, one.value]
        for one in preflight.of_row(row)
        if "duplicate" not in one.code.value
    ]


def normal(text):
    """The problems that a rendered row has."""
    return json.loads(text) if isinstance(text, str) else []


@pytest.mark.parametrize(
    ("halves", "is_refused"),
    [
        (([1], [2.0, None]), False),
        (([1], [2.5]), True),
        (([1.0], [2.5]), False),
        ((["1"], [2.5]), True),
        (([True], [None, "x"]), False),
    ],
)
def test_partitions_with_other_dtypes_are_joined_or_refused(halves, is_refused):
    """A column of whole numbers may be int here and float there; a number and a text may not."""
    parts = [people(len(half)).assign(n=half) for half in halves]
    facts = functools.reduce(operator.add, map(FrameFacts.of, parts))
    if is_refused:
        with pytest.raises(mf.errors.FrameError, match="'n' has the dtypes"):
            render_partition(parts[0], LETTER, None, facts)
    else:
        render_partition(parts[0], LETTER, None, facts)


@pytest.mark.parametrize(
    "value", [lambda df: df["email"], pd.Series(["x", "y"])], ids=["function", "Series"]
)
def test_a_value_of_the_whole_frame_is_refused(value):
    """A rank or a mean would be that of the partition."""
    letter = LETTER.replace(tag=value)
    with pytest.raises(mf.errors.LetterError, match=r"^tag: .* need the whole frame"):
        render_partition(people(2), letter, None, FrameFacts.of(people(2)))


def test_other_columns_and_damaged_facts_are_refused():
    """The letter would be checked against other columns than those of the whole."""
    facts = FrameFacts.of(people(2))
    with pytest.raises(mf.errors.FrameError, match="a partition has the columns email"):
        render_partition(people(2)[["email"]], LETTER.replace(subject="x", text_body="x",
            metadata=None), None, facts)  # fmt: skip
    with pytest.raises(mf.errors.FrameError, match="rename it"):
        render_partition(people(1).assign(mf_id=1), LETTER, "mf_id",
            FrameFacts.of(people(1).assign(mf_id=1)))  # fmt: skip
    for text, reason in [
        ("{", "cannot be read"),
        (facts.to_json().replace('"version": 1', '"version": 2'), "of another mailframe"),
    ]:
        with pytest.raises(mf.errors.MailframeError, match=reason):
            FrameFacts.from_json(text)
