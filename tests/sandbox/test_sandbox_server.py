"""``GET /server``: what tells one sandbox from another."""

from __future__ import annotations

import pytest

from mailframe.errors import SandboxError
from mailframe.sandbox import LocalPostmark
from tests.sandbox.sandbox_reads import get


def server_of(**options):
    """The answer of a sandbox that is made with *options*."""
    with LocalPostmark(in_process=True, **options) as sandbox:
        answer = get(sandbox, "/server").json()
        assert answer["ID"] == sandbox.server_id
    return answer


def test_two_sandboxes_are_two_servers():
    """Else one would remember what was sent to the other."""
    ids = {LocalPostmark(in_process=True).server_id for _ in range(50)}
    assert len(ids) == 50
    assert all(0 < server_id < 2**31 for server_id in ids)


def test_a_seed_does_not_repeat_the_id():
    """A ledger would take what the first one was sent for sent to the second."""
    assert server_of(seed=1)["ID"] != server_of(seed=1)["ID"]


def test_a_given_id_wins(listening):
    """Over the seed too; a reset keeps it."""
    assert server_of(server_id=77, seed=1)["ID"] == 77
    before = listening.server_id
    listening.reset()
    assert get(listening, "/server").json()["ID"] == before


@pytest.mark.parametrize("delivery_type", ["Live", "Sandbox"])
def test_the_delivery_type_is_what_it_was_made_with(delivery_type):
    """And without one a sandbox says that it is one."""
    assert server_of(delivery_type=delivery_type)["DeliveryType"] == delivery_type
    assert server_of()["DeliveryType"] == "Sandbox"


def test_an_unknown_delivery_type_is_refused():
    """With the two that there are."""
    with pytest.raises(SandboxError, match="one of Live, Sandbox; found 'live'"):
        LocalPostmark(in_process=True, delivery_type="live")


def test_the_tokens_are_those_it_was_made_with():
    """As they were written; a sandbox that takes any shows its own."""
    assert server_of(tokens=["One", "two"])["ApiTokens"] == ["One", "two"]
    assert server_of()["ApiTokens"] == ["sandbox-token"]
