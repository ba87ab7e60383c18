"""A source is a frame of any kind that ``compose`` takes, too."""

from __future__ import annotations

import pyarrow as pa
import pytest

import mailframe as mf
from tests.frame_kinds import KINDS

BIG = 1152921504606846977
LETTER = mf.Letter(
    sender="me@acme.example",
    to="{{ email }}",
    subject="Hi",
    text_body="{{ id }} {{ seats | default('-') }} {{ tags | default([]) | join('+') }}",
)
ROWS = pa.table(
    {
        "email": ["a@acme.example", "b@acme.example", "c@acme.example"],
        "id": [BIG, BIG + 1, None],
        "seats": [5.0, None, 7.0],
        "tags": [["a", "b"], [], None],
    }
).slice(0, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_dataset_of_any_kind_is_the_composed_campaign(kind, tmp_path):
    """Byte by byte; a reader, which gives its rows once, is read once."""
    source = KINDS[kind](ROWS)
    composed = mf.compose(KINDS[kind](ROWS), LETTER, name="kinds", key="id")
    folder = mf.write_messages(source, LETTER, tmp_path / "messages", key="id")
    campaign = mf.messages(folder, name="kinds")
    assert campaign.problems().empty
    assert campaign.fingerprint == composed.fingerprint
    assert [campaign.message(row).body for row in range(2)] == [
        message.body for batch in composed.batches() for message in batch
    ]
    assert mf.survey(KINDS[kind](ROWS), LETTER).columns["seats"].is_whole
