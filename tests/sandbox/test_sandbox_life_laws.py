"""Simulations: the numbers of an aftermath add up, and other requests are answered meanwhile."""

from __future__ import annotations

import contextlib
import threading

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.sandbox import LocalPostmark
from tests.sandbox.lives import campaign, outcome
from tests.sandbox.sandbox_mail import client, mail, post

TESTED = "{}@bounce-testing.postmarkapp.com"
PEOPLE = st.lists(
    st.sampled_from(
        ["ann@example.com", "bob@example.com", "SUP@example.com", TESTED.format("hardbounce")]
    ),
    min_size=1,
    max_size=3,
    unique=True,
)
RATES = st.fixed_dictionaries(
    {
        name: st.sampled_from([0.0, 0.3, 1.0])
        for name in ("opens", "clicks", "bounces", "complaints", "unsubscribes")
    }
)


@settings(deadline=None, max_examples=40)
@given(st.lists(PEOPLE, max_size=8), RATES, st.booleans())
def test_the_numbers_add_up(people, rates, is_spread):
    """Each recipient of a message with a life was delivered or bounced, and only once."""
    with LocalPostmark(in_process=True, suppressions=["sup@example.com"]) as sandbox:
        messages = [
            mail(To=", ".join(some), HtmlBody="<a href='https://a.example/'>A") for some in people
        ]
        if messages:
            post(sandbox, messages)
        first = sandbox.simulate(**rates, over="1h" if is_spread else None, to="ann@*")
        after = [first, sandbox.simulate(**rates, over="1h" if is_spread else None)]
        events = sandbox.events()
        again = sandbox.simulate(**rates)
    for one in after:
        assert one.messages <= one.recipients == one.delivered + one.bounced
        assert one.clicked <= one.opened <= one.delivered
        assert max(one.complained, one.unsubscribed) <= one.delivered
    assert first.messages == first.recipients == sum("ann@example.com" in some for some in people)
    alive = [set(some) & {"ann@example.com", "bob@example.com"} for some in people]
    others = [some for some in alive if some and "ann@example.com" not in some]
    assert after[1].messages == len(others)
    assert after[1].recipients == sum(map(len, others))
    assert (again.messages, again.recipients) == (0, 0)
    if not is_spread:
        simulated = events[~events["Recipient"].str.startswith("hardbounce")]
        counts = simulated["RecordType"].value_counts()
        assert not simulated.duplicated(["RecordType", "MessageID", "Recipient", "At"]).any()
        assert counts.get("Bounce", 0) == first.bounced + after[1].bounced


REQUESTS = [
    ("POST", "/email", mail(To="late@example.com")),
    ("GET", "/messages/outbound?count=1&offset=0", None),
    ("GET", "/", None),
]


def steps(sandbox, calls, answers):
    """Append what each call of ``/_sandbox/`` answers, until the sandbox is closed."""
    with contextlib.suppress(httpx.TransportError), client(sandbox, timeout_s=120) as http:
        for path, options in calls:
            answers.append(http.post(f"/_sandbox/{path}", json=options).raise_for_status().json())


@pytest.mark.parametrize("path", ["simulate", "advance"])
def test_other_requests_are_answered_while_messages_get_lives(path):
    """A send, a search and a page; the outcome is that of a sandbox without other requests."""
    rates = {"Opens": 1, "Clicks": 0.5, "Bounces": 0.1, "Seed": 3, "Tag": "autumn"}
    calls = [("simulate", rates)]
    if path == "advance":
        calls = [("simulate", rates | {"Over": "1h"}), ("advance", {"By": "1d"})]
    outcomes = []
    for is_busy in (True, False):
        with LocalPostmark(seed=1) as sandbox, client(sandbox, timeout_s=60) as http:
            campaign(sandbox, 2_000, batch=100)
            answers, answered = [], 0
            steps(sandbox, calls[:-1], answers)
            thread = threading.Thread(target=steps, args=[sandbox, calls[-1:], answers])
            thread.start()
            while is_busy and thread.is_alive():
                method, asked, body = REQUESTS[answered % len(REQUESTS)]
                assert http.request(method, asked, json=body).is_success
                answered += thread.is_alive()
            thread.join()
            assert answered > 1 or not is_busy
            others = [one for one in outcome(sandbox) if one[1] != "late@example.com"]
            outcomes.append((answers[0] | {"Later": None, "Message": ""}, others))
    assert outcomes[0] == outcomes[1]


def test_a_simulation_ends_when_the_sandbox_is_closed(tmp_path):
    """The file is free, and what has no life yet gets one after the next start."""
    path = tmp_path / "sandbox.db"
    with LocalPostmark(db=path) as sandbox, client(sandbox) as http:
        campaign(sandbox, 3_000, batch=100)
        thread = threading.Thread(target=steps, args=[sandbox, [("simulate", {"Opens": 1})], []])
        thread.start()
        while not http.get("/messages/outbound/opens?count=1&offset=0").json()["TotalCount"]:
            pass
    with LocalPostmark(db=path) as again:
        rest = again.simulate(opens=1)
        assert 0 < rest.messages < 3_000
        assert again.events()["MessageID"].nunique() == 3_000
    thread.join()
