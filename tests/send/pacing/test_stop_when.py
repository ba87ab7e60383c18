"""A send that ends early: too many messages are rejected, bounce or are marked as spam."""

from __future__ import annotations

import time
import uuid

import pytest

import mailframe as mf
from mailframe.postmark.replies import GetResult
from mailframe.postmark.responses import Answer, Outcome, Verdict
from mailframe.send.pacing.bounce_watch import BounceWatch
from mailframe.send.pacing.pace import Pacing
from mailframe.send.pacing.rate import Rate
from mailframe.send.pacing.stop_rule import StopRule, StopWatch
from tests.campaigns import LETTER, judge, people, send_with

FAST = Rate(500, "s")
"""Batches of 500 messages, one a second."""


def campaign_with(some: list[str], rows: int = 1_100) -> mf.Campaign:
    """A campaign whose first rows have these addresses."""
    frame = people(rows)
    frame.loc[: len(some) - 1, "email"] = some
    return frame.mail.compose(LETTER, name="numbers", key="n")


@pytest.mark.parametrize(("inactive", "is_ended"), [(49, False), (50, False), (51, True)])
def test_a_send_ends_when_more_than_the_share_is_rejected(inactive, is_ended):
    """What is exactly the share does not end it; no other batch is posted, and it is unsent."""
    suppressed = [f"p{n}@example.com" for n in range(inactive)]
    composed = campaign_with([], 1_600)
    with mf.Sandbox(in_process=True, suppressions=suppressed) as sandbox:
        options = {"pacing": Pacing(stop=StopRule.read({"rejected": "10%"}))}
        if not is_ended:
            results = send_with(composed, sandbox.server, **options)
            assert results["status"].value_counts()["accepted"] == 1_600 - inactive
            return
        with pytest.raises(mf.errors.ShareExceeded, match="51 of 500 messages were") as e:
            send_with(composed, sandbox.server, **options)
        results = e.value.results
        judge(results, sandbox)
        counts = results["status"].value_counts()
        assert counts["rejected"] == 51
        assert counts["unsent"] == 1_100
        reasons = set(results.query("status == 'unsent'")["reason"])
        assert reasons == {
            "stopped: stop_when: 51 of 500 messages were rejected (10.20 %), more than 10 %"
        }
        rest = send_with(composed, sandbox.server)
        assert rest["status"].value_counts().to_dict() == {
            "skipped": 1_600 - 51 - counts["unsent"],
            "accepted": counts["unsent"],
            "rejected": 51,
        }


@pytest.mark.parametrize(("rejected", "rows"), [(99, 99), (100, 100)])
def test_fewer_than_100_messages_and_a_send_without_a_rest_are_no_share(rejected, rows):
    """If nothing is left to send, nothing is to be ended."""
    suppressed = [f"p{n}@example.com" for n in range(rejected)]
    with mf.Sandbox(in_process=True, suppressions=suppressed) as sandbox:
        rule = Pacing(Rate(99, "s"), stop=StopRule({"rejected": 0.0}))
        results = send_with(campaign_with([], rows), sandbox.server, pacing=rule)
    assert results["status"].value_counts().to_dict() == {"rejected": rows}


@pytest.mark.parametrize(
    ("address", "event", "is_ended"),
    [
        ("SoftBounce@bounce-testing.postmarkapp.com", "bounced", True),
        ("AutoResponder@bounce-testing.postmarkapp.com", "bounced", False),
    ],
)
def test_bounces_are_asked_for_while_the_send_goes_on(address, event, is_ended):
    """Those of another campaign do not count; few questions are asked."""
    with mf.Sandbox(in_process=True) as sandbox:
        others = people(20).assign(email="SoftBounce@bounce-testing.postmarkapp.com")
        other = others.mail.compose(LETTER, name="other", key="n")
        other.send(sandbox.server, progress=False, allow_repeat=True)
        rule = StopRule({event: 0.01}, poll_s=0.0)  # else a quick first batch is not asked for
        composed = campaign_with([address] * 6)
        options = {"pacing": Pacing(FAST, stop=rule), "allow_repeat": True}
        if is_ended:
            with pytest.raises(mf.errors.ShareExceeded, match="6 of 500 messages bounced") as e:
                send_with(composed, sandbox.server, **options)
            results = e.value.results
            assert results["status"].value_counts().to_dict() == {"accepted": 500, "unsent": 600}
        else:
            results = send_with(composed, sandbox.server, **options)
            assert results["status"].eq("accepted").all()
        asked = (sandbox.requests()["path"] == "/bounces").sum()
    assert 1 <= asked < 60


class Answers:
    """A server that lists these bounces."""

    is_test_token = False

    def __init__(self, *bounces: tuple[str, str]) -> None:
        self.items = [
            {"ID": number, "Type": kind, "MessageID": message_id}
            for number, (kind, message_id) in enumerate(bounces)
        ]

    def ask(self, path, query=None):
        """The whole list, each time."""
        content = {"TotalCount": len(self.items), "Bounces": self.items}
        return GetResult(200, content, "")


def test_each_message_of_the_run_counts_once_by_its_kind():
    """Bounces of others do not count, and a complaint is no bounce."""
    ids = [str(uuid.UUID(int=number << 64)) for number in range(4)]
    server = Answers(
        *(("HardBounce", ids[1]), ("SoftBounce", ids[1]), ("SpamComplaint", ids[2].upper())),
        *(("Transient", ids[3]), ("HardBounce", str(uuid.UUID(int=9 << 64)))),
        *(("Blocked", "no-uuid"), ("Blocked", None)),
    )
    watch = BounceWatch(server, poll_s=0.0)
    watch.add([*ids, "no-uuid"])
    until = time.monotonic() + 60
    while not watch.complained and time.monotonic() < until:
        watch.poll()
    watch.poll()
    assert (watch.bounced, watch.complained) == (2, 1)


def test_bounces_that_cannot_be_asked_for_end_the_send():
    """After three failures in a row; a rule that is not checked is no rule."""
    with mf.Sandbox(in_process=True) as sandbox:
        sandbox.fault("object_reply", path="/bounces", times=None)
        rule = Pacing(Rate(100, "s"), stop=StopRule({"bounced": 0.5}, poll_s=0.05))
        with pytest.raises(mf.errors.SendError, match="could not be checked: GET /bounces") as e:
            send_with(campaign_with([]), sandbox.server, pacing=rule)
        assert set(e.value.results["status"]) == {"accepted", "unsent"}


def test_a_rule_that_cannot_be_checked_ends_the_send_whenever_it_is_asked():
    """The first one who asks may only want to know whether another batch may go."""
    asked = []

    class WithoutList(Answers):
        def ask(self, path, query=None):
            asked.append(path)
            return GetResult(200, {}, "")

    watch = StopWatch(StopRule({"complained": 0.5}, poll_s=0.0), WithoutList())
    watch.add(Answer(Verdict.ANSWERED, (Outcome(0, "OK", str(uuid.UUID(int=1))),)))
    until = time.monotonic() + 60
    while (failure := watch.failure()) is None:
        assert time.monotonic() < until
    assert str(failure) == str(watch.failure())
    assert "could not be checked: GET /bounces: the answer has no TotalCount" in str(failure)
    assert asked == ["/bounces"] * 3


def test_the_test_token_has_no_bounces():
    """Nothing is asked for, and the send does not end."""
    with mf.Sandbox(in_process=True) as sandbox:
        server = mf.Postmark(
            "POSTMARK_API_TEST", base_url="https://a.example", transport=sandbox.transport()
        )
        rule = Pacing(Rate(100, "s"), stop=StopRule({"bounced": 0.5}, poll_s=0.0))
        results = send_with(campaign_with([], 210), server, pacing=rule)
        assert results["status"].eq("accepted").all()
        assert set(sandbox.requests()["path"]) == {"/email/batch"}


@pytest.mark.parametrize(
    "stop_when",
    [
        *({}, [], "5%", 0.05, {"opened": 0.1}, {"rejected": 1}, {"rejected": -0.1}, {1: 0.1}),
        *({"rejected": True}, {"rejected": "0.05"}, {"rejected": "100%"}, {"rejected": None}),
        *({"rejected": float("nan")}, {"rejected": "5 percent"}, {"bounced": "1,5%"}),
    ],
    ids=str,
)
def test_a_wrong_rule_is_refused_with_its_value(stop_when):
    """Nothing is sent."""
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(mf.errors.MailframeError, match=r"stop_when.*; nothing was sent"):
            campaign_with([], 1).send(sandbox.server, stop_when=stop_when, progress=False)
        assert sandbox.requests().empty


def test_messages_that_a_search_finds_are_counted():
    """Their request had no answer, and they bounce like others."""
    frame = people(500)
    frame.loc[:9, "email"] = "SoftBounce@bounce-testing.postmarkapp.com"
    composed = frame.mail.compose(LETTER, name="numbers", key="n")
    rule = StopRule({"bounced": 0.02}, poll_s=0.1)
    with mf.Sandbox(in_process=True) as sandbox:
        sandbox.fault("close_accepted", request=1)
        with pytest.raises(mf.errors.ShareExceeded, match=r"10 of [12]00 messages bounced"):
            send_with(
                composed,
                sandbox.server,
                pacing=Pacing(Rate.read("100/s"), stop=rule),
                allow_repeat=True,
            )


@pytest.mark.parametrize(("refused", "is_ended"), [(250, False), (499, False), (500, True)])
def test_a_paced_send_ends_when_as_many_are_refused_as_an_unpaced_one_posts(refused, is_ended):
    """One row with a sender that is not confirmed does not keep the others from being sent."""
    frame = people(600).assign(
        sender=["bob@acme.example"] * refused + ["me@acme.example"] * (600 - refused)
    )
    composed = frame.mail.compose(LETTER.replace(sender="{{ sender }}"), name="numbers", key="n")
    with mf.Sandbox(in_process=True, senders=["me@acme.example"]) as sandbox:
        if is_ended:
            with pytest.raises(mf.errors.EveryoneRejected) as caught:
                send_with(composed, sandbox.server, pacing=Pacing(Rate(250, "s")))
            results = caught.value.results
        else:
            results = send_with(composed, sandbox.server, pacing=Pacing(Rate(250, "s")))
    counts = results["status"].value_counts().to_dict()
    others = "unsent" if is_ended else "accepted"
    assert counts == {"rejected": refused, others: 600 - refused}
