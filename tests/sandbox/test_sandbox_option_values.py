"""Every number and text that the sandbox takes as an option: its limits, and what is no number."""

from __future__ import annotations

import numpy as np
import pytest

from mailframe.errors import SandboxError
from mailframe.sandbox import Fault, LocalPostmark

SECONDS = (0, 0.5, 1_000_000_000, np.float32(2), np.int64(3))
NO_SECONDS = (-0.001, 1_000_000_000.1, 10**400, float("nan"), float("inf"), True, "1", [1])
NO_WHOLE = (1.5, float("nan"), True, np.bool_(True), "1", "x", [1])


def made(**options):
    """A sandbox that needs no socket."""
    return LocalPostmark(in_process=True, **options)


def waited(timeout_s):
    """One second is enough, because nothing is due."""
    with made() as sandbox:
        sandbox.wait_for_webhooks(timeout_s)


def delayed(index_delay_s):
    """It can be changed."""
    with made() as sandbox:
        sandbox.index_delay_s = index_delay_s


TAKES_SECONDS = {
    "delay_s": lambda value: made(delay_s=value),
    "index_delay_s": lambda value: made(index_delay_s=value),
    "index_delay_s, set": delayed,
    "delay_s, of a fault": lambda value: Fault("slow", delay_s=value),
    "delay_s, of sandbox.fault": lambda value: made().fault("slow", delay_s=value),
    "timeout_s": waited,
    "retries_s": lambda value: made().set_webhook_times(retries_s=[value]),
    "timeout_s, of webhooks": lambda value: made().set_webhook_times(timeout_s=value),
}
# the function, the smallest and the largest number, and whether None is one
TAKES_WHOLE = {
    "port": (lambda value: LocalPostmark(port=value), 0, 65_535, False),
    "seed": (lambda value: made(seed=value), None, None, True),
    "server_id": (lambda value: made(server_id=value), 1, 2**63 - 1, True),
    "keep": (lambda value: made(keep=value), 1, 2**63 - 1, False),
    "request": (lambda value: Fault("slow", request=value), 1, None, True),
    "times": (lambda value: Fault("slow", times=value), 1, None, True),
    "first": (lambda value: Fault("partial", first=value), 0, None, False),
    "retry_after_s": (lambda value: made().fault("slow", retry_after_s=value), 0, None, False),
}


@pytest.mark.parametrize("option", TAKES_SECONDS)
def test_seconds_are_a_number_from_0_on(option):
    """The error has the name, the rule and the value."""
    take, name = TAKES_SECONDS[option], option.partition(",")[0]
    for value in SECONDS:
        take(value)
    for value in (*NO_SECONDS, *(() if "fault" in option or "of webhooks" in option else (None,))):
        with pytest.raises(SandboxError, match=f"{name} is a number of seconds from 0 to 1,000,"):
            take(value)


@pytest.mark.parametrize("name", TAKES_WHOLE)
def test_a_count_is_a_whole_number_within_its_limits(name):
    """The error has the name, the rule and the value."""
    take, low, high, can_be_none = TAKES_WHOLE[name]
    limits = [limit for limit in (low, high) if limit is not None]
    wrong = [*NO_WHOLE, *([low - 1] if limits else []), *([high + 1] if high else [])]
    for value in (*limits, np.int64(7), *([None] if can_be_none else [])):
        take(value)
    for value in (*wrong, *([] if can_be_none else [None])):
        with pytest.raises(SandboxError, match=f"{name} is a whole number") as refused:
            take(value)
        assert str(refused.value).endswith(f"found {value!r}")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"tokens": ["secret", 7]}, "tokens takes texts; found int"),
        ({"tokens": 7}, "tokens takes texts; found int"),
        ({"servers": {"shop": [None]}}, "servers takes texts; found NoneType"),
        ({"servers": {"shop": "a", "SHOP": "b"}}, "servers has a name twice"),
        ({"servers": {"Mailframe Sandbox": "a"}}, "servers has a name twice"),
        ({"tokens": ["A"], "servers": {"shop": "a"}}, "cannot have the same token"),
        ({"suppressions": [7]}, "suppressions takes texts; found int"),
        ({"suppressions": {"shop": {"news": ["a@x.test"]}}}, "the server 'shop'; the servers are"),
        (
            {"suppressions": {"mailframe sandbox": {"no": ["a@x.test"]}}},
            "no sending stream 'no' in",
        ),
        ({"suppressions": {"inbound": "a@x.test"}}, "it has outbound, broadcast"),
    ],
)
def test_texts_are_checked(options, why):
    """No error contains a token."""
    with pytest.raises(SandboxError, match=why) as refused:
        made(**options)
    assert "secret" not in str(refused.value)


def test_suppressions_are_for_every_server_or_for_one():
    """For every stream that sends, or one; one text is one address."""
    options = {
        None: "a@x.test",
        "broadcast": ["b@x.test"],
        "shop": {"outbound": ["c@x.test"]},
        "mailframe sandbox": {None: ["d@x.test"]},
    }
    with made(servers={"Shop": "s"}, suppressions=options) as sandbox:
        shop = sandbox._store.servers.of_name("shop")
        found = {
            (server == shop, stream): "".join(
                address[0]
                for address in sorted(sandbox._store.suppressions.addresses(server, stream))
            )
            for server in sandbox._store.servers.ids()
            for stream in ("outbound", "broadcast", "inbound")
        }
    assert found == {
        (False, "outbound"): "ad",
        (False, "broadcast"): "abd",
        (False, "inbound"): "",
        (True, "outbound"): "ac",
        (True, "broadcast"): "ab",
        (True, "inbound"): "",
    }
