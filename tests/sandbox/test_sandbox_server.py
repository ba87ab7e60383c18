"""``GET /server``: the identity of a sandbox."""

from __future__ import annotations

import pytest

from mailframe.errors import SandboxError
from mailframe.sandbox import LocalPostmark
from tests.sandbox.sandbox_reads import get


def server_of(**options):
    """The reply of a sandbox with *options*."""
    with LocalPostmark(in_process=True, **options) as sandbox:
        answer = get(sandbox, "/server").json()
        assert answer["ID"] == sandbox.server_id
    return answer


def test_two_sandboxes_are_two_servers():
    """Otherwise a ledger would confuse them."""
    ids = {LocalPostmark(in_process=True).server_id for _ in range(50)}
    assert len(ids) == 50
    assert all(0 < server_id < 2**31 for server_id in ids)


def test_a_seed_does_not_repeat_the_id():
    """A ledger would assume that messages of the first were sent to the second."""
    assert server_of(seed=1)["ID"] != server_of(seed=1)["ID"]


def test_a_given_id_is_used(listening):
    """It is used with a seed too, and after a reset."""
    assert server_of(server_id=77, seed=1)["ID"] == 77
    before = listening.server_id
    listening.reset()
    assert get(listening, "/server").json()["ID"] == before


@pytest.mark.parametrize("delivery_type", ["Live", "Sandbox"])
def test_the_delivery_type_is_the_given_one(delivery_type):
    """The default is Sandbox."""
    assert server_of(delivery_type=delivery_type)["DeliveryType"] == delivery_type
    assert server_of()["DeliveryType"] == "Sandbox"


def test_an_unknown_delivery_type_is_refused():
    """The error lists both types."""
    with pytest.raises(SandboxError, match="one of Live, Sandbox; found 'live'"):
        LocalPostmark(in_process=True, delivery_type="live")


def test_the_tokens_are_the_given_ones():
    """They are as written; a sandbox that accepts any token shows its default."""
    assert server_of(tokens=["One", "two"])["ApiTokens"] == ["One", "two"]
    assert server_of()["ApiTokens"] == ["sandbox-token"]
