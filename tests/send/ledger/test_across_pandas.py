"""Another pandas is no other campaign: the same keys, the same messages, the same ledger."""

from __future__ import annotations

import gzip
import json

import pytest

import mailframe as mf
from mailframe.paths import default_path
from tests.frames import ZOO
from tests.send.ledger.across_pandas import DIGESTS, DONE, FILES, campaign, recorded_of, send_to

RECORDED = json.loads(DIGESTS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_a_frame_has_the_digests_that_another_pandas_recorded(name):
    """Of keys and messages of every frame of the zoo, and the problems of its rows."""
    assert recorded_of(ZOO[name]()) == RECORDED[name]


@pytest.mark.parametrize("ledger", sorted(FILES.glob("pandas-*.gz")), ids=lambda path: path.name)
def test_a_campaign_that_another_pandas_began_goes_on(ledger):
    """Whose message was accepted gets no other one, and none of them has changed."""
    default_path().parent.mkdir(parents=True, exist_ok=True)
    default_path().write_bytes(gzip.decompress(ledger.read_bytes()))
    default_path().chmod(0o600)
    with mf.Sandbox(in_process=True, server_id=7, delivery_type="Sandbox") as sandbox:
        results = send_to(sandbox, 5, default_path())
        assert results["reason"].tolist()[:DONE] == ["already_sent"] * DONE
        assert not results["changed"].any()
        assert results["status"].tolist()[DONE:] == ["accepted"] * (len(results) - DONE)
        assert sandbox.messages()["To"].tolist() == campaign(5).messages()["To"].tolist()[DONE:]
