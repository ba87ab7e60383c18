"""What a campaign's memory adds to each message, and that it adds it once."""

from __future__ import annotations

import json

import pytest

import mailframe as mf
from mailframe.limits import METADATA_BYTES_FOR_MAILFRAME, METADATA_FIELD_BYTES
from tests.campaigns import LETTER, people


@pytest.mark.parametrize(
    "fields",
    [
        {"metadata": {}},
        {"metadata": {"n": "{{ n }}"}},
        {"metadata": {"gap": "{{ '' }}"}},
        {"metadata": {"n": "}}"}, "track_opens": True},
        {
            "metadata": {"n": "{{ n }}"},
            "attachments": mf.Attachment("a.txt", b"x"),
            "message_stream": "broadcast",
        },
        {"metadata": {}, "headers": {"X-Braces": "}}"}, "text_body": "ends in {{ '}}' }}"},
        {"metadata": {}, "track_opens": False},
    ],
)
def test_each_message_carries_our_three_marks_once(fields):
    """They join the metadata of the letter, within the bytes that batches count."""
    composed = people(2).mail.compose(LETTER.replace(**fields), name="marks")
    plain = [json.loads(message.body) for batch in composed.batches() for message in batch]
    with mf.Sandbox(in_process=True) as sandbox:
        results = composed.send(sandbox.server, progress=False)
        arrived = sandbox.messages()["Metadata"].tolist()
    assert (results["status"] == "accepted").all()
    for metadata, message in zip(arrived, plain, strict=True):
        ours = {key: metadata.pop(key) for key in ("mf-c", "mf-b", "mf-m")}
        assert metadata == message.get("Metadata", {})
        added = len(json.dumps({"Metadata": ours}, separators=(",", ":"))) - 1
        assert added == METADATA_BYTES_FOR_MAILFRAME == 123
        assert 123 - len(json.dumps(ours, separators=(",", ":"))) + 1 == METADATA_FIELD_BYTES
