"""Every fault of the sandbox, over real sockets, in the first, a middle and the last batch."""

from __future__ import annotations

from dataclasses import replace

import pytest

import mailframe as mf
from mailframe import errors
from mailframe.sandbox import Fault, FaultName
from tests.campaigns import LETTER, QUICK, campaign, judge, send_with

ROWS = 1_001  # three batches: 500, 500, 1
TIMEOUT_S = 20.0
NEVER_TAKEN_THEN_REPEATED = {
    FaultName.HTTP_429,
    FaultName.HTTP_429_RETRY_AFTER,
    FaultName.HTTP_503_JSON,
    FaultName.HTTP_413_HTML,
}
HARMLESS = {FaultName.DELAYED_REPLY}
SLOW = {
    FaultName.SLOW: 0.3,
    FaultName.HANG_ACCEPTED: 60.0,
    FaultName.LATE_ACCEPTED: 60.0,
    FaultName.HANG_LOST: 60.0,
}
HANG_TIMEOUT_S = 5.0
PATIENT = replace(QUICK, search_s=120.0)
"""For what the second search finds, however busy the machine is."""
CLOSES_EARLY = {
    FaultName.CLOSE_BEFORE_BODY
}  # unsent and repeated, or unknown: as far as the bytes got


def timeout_s(name: FaultName) -> float:
    """Seconds to wait for an answer: few only where none comes, as the machine may be busy."""
    return HANG_TIMEOUT_S if SLOW.get(name, 0.0) > HANG_TIMEOUT_S else TIMEOUT_S


@pytest.mark.parametrize("request_number", [1, 2, 3])
@pytest.mark.parametrize("name", list(FaultName), ids=str)
def test_a_fault_makes_no_duplicate_no_wrong_id_and_no_false_status(name, request_number):
    """With any fault in one batch: no duplicate, a status for every row, no false ``unsent``."""
    fault = Fault(name, request=request_number, delay_s=SLOW.get(name))
    with mf.Sandbox(faults=[fault]) as sandbox:
        server = mf.Postmark(sandbox.token, base_url=sandbox.url, timeout=timeout_s(name))
        results = campaign(ROWS).send(server, progress=False, ledger=None)
        judge(results, sandbox)
        counts = results["status"].value_counts().to_dict()
    assert sum(counts.values()) == ROWS
    expected = _expected(name, request_number)
    if expected is not None:
        assert counts == expected


@pytest.mark.parametrize("name", list(FaultName), ids=str)
def test_with_a_ledger_accepted_messages_are_found_and_a_second_run_sends_the_rest(name):
    """Postmark is asked for unconfirmed messages; the next run sends the rest, no duplicate."""
    fault = Fault(name, request=2, delay_s=SLOW.get(name))
    with mf.Sandbox(faults=[fault]) as sandbox:
        server = mf.Postmark(sandbox.token, base_url=sandbox.url, timeout=timeout_s(name))
        first = send_with(campaign(1_001), server)
        judge(first, sandbox)
        if Fault(name).accepts and name is not FaultName.PART_ACCEPTED:
            assert (first["status"] == "accepted").all()
        second = send_with(campaign(1_001), server)
        judge(second.query("status != 'skipped'"), sandbox)
    counts = second["status"].value_counts().to_dict()
    assert set(counts) <= {"accepted", "skipped", "unknown"}
    assert counts.get("unknown", 0) <= 500
    took = first.query("status == 'accepted'")
    assert (second.loc[took.index, "MessageID"] == took["MessageID"]).all()


def _expected(name: FaultName, request_number: int) -> dict[str, int] | None:
    """Statuses after the fault; None where the timing decides."""
    if name in CLOSES_EARLY:
        return None
    alone = (
        request_number == 3
    )  # the last batch holds one message, which a shorter or shuffled list cannot hide
    if name in NEVER_TAKEN_THEN_REPEATED | HARMLESS or name is FaultName.SLOW:
        return (
            {"rejected": 1, "accepted": ROWS - 1}
            if name is FaultName.HTTP_413_HTML and alone
            else {"accepted": ROWS}
        )
    if name is FaultName.SHUFFLED_REPLY and alone:
        return {"accepted": ROWS}
    before = 500 * (request_number - 1)
    inside = 1 if alone else 500
    counts = {"accepted": before, "unknown": inside, "unsent": ROWS - before - inside}
    return {status: rows for status, rows in counts.items() if rows}


def test_a_batch_that_the_search_shows_bit_by_bit_does_not_end_the_run():
    """The first search shows a part and the second all of it; the next batch is sent."""
    lags = iter([Fault("partial", first=200)])
    with mf.Sandbox(faults=[Fault(FaultName.CLOSE_ACCEPTED, request=1)]) as sandbox:
        sandbox.fault(
            lambda _: next(lags, None) if len(sandbox.messages()) else None,
            path="/messages/outbound",
        )
        results = send_with(campaign(700), sandbox.server, retry_policy=PATIENT)
        judge(results, sandbox)
    assert results["status"].tolist() == ["accepted"] * 700


def test_what_is_unknown_is_never_repeated():
    """One request for the batch that got no answer, none for those after it."""
    with mf.Sandbox(faults=[Fault(FaultName.CLOSE_ACCEPTED, request=2)]) as sandbox:
        results = campaign(1_500).send(sandbox.server, progress=False, ledger=None)
        assert (sandbox.requests()["method"] == "POST").sum() == 2
    assert results["status"].tolist() == ["accepted"] * 500 + ["unknown"] * 500 + ["unsent"] * 500
    assert results["batch"].tolist() == [1] * 500 + [2] * 500 + [results["batch"].array[-1]] * 500
    assert results["reason"].iloc[-1] == "stopped: batch 2 is unknown"
    assert "after the request was sent" in results["reason"].iloc[500]


def test_the_unsent_rows_can_be_sent_again_and_then_everybody_has_one():
    """Sending the unsent rows, and only those, makes no duplicate."""
    with mf.Sandbox(faults=[Fault(FaultName.HTTP_500_LOST, request=2)]) as sandbox:
        first = campaign(1_500).send(sandbox.server, progress=False, ledger=None)
        rest = first.query("status == 'unsent'")[["email", "n"]]
        second = rest.mail.compose(LETTER, name="numbers").send(
            sandbox.server, progress=False, ledger=None
        )
        judge(second, sandbox)
        assert (second["status"] == "accepted").all()
        assert len(sandbox.messages()) == 1_000


def test_429_for_ever_ends_and_the_rows_are_unsent():
    """A server that is always busy ends the run; what was accepted before is in the results."""
    with mf.Sandbox(
        faults=[Fault(FaultName.HTTP_429_RETRY_AFTER, request=2, times=None, retry_after_s=0)]
    ) as sandbox:
        with pytest.raises(
            errors.ServerBusy, match="batch 2 was not accepted after 7 tries"
        ) as caught:
            campaign(1_000).send(sandbox.server, progress=False)
        judge(caught.value.results, sandbox)
    assert caught.value.results["status"].value_counts().to_dict() == {
        "accepted": 500,
        "unsent": 500,
    }


def test_a_retry_after_of_an_hour_ends_the_run_at_once():
    """An hour is too long to wait: the run ends with an error."""
    with mf.Sandbox(
        faults=[Fault(FaultName.HTTP_429_RETRY_AFTER, times=None, retry_after_s=3_600)]
    ) as sandbox:
        with pytest.raises(errors.ServerBusy, match="after 1 try:"):
            campaign(3).send(sandbox.server, progress=False)
        assert (sandbox.requests()["path"] == "/email/batch").sum() == 1


def test_a_wrong_token_stops_at_once():
    """One request, nothing sent, every row unsent."""
    with mf.Sandbox(tokens=["right"]) as sandbox:
        server = mf.Postmark("wrong", base_url=sandbox.url)
        with pytest.raises(errors.TokenRefused, match="401") as caught:
            campaign(1_200).send(server, progress=False)
        assert len(sandbox.requests()) == 1
        with pytest.raises(errors.TokenRefused, match="401"):
            campaign(2).plan(server)
        assert sandbox.messages().empty
    assert (caught.value.results["status"] == "unsent").all()


def test_nothing_listening_leaves_every_row_unsent():
    """A refused connection is tried again a few times; then the run ends with all rows unsent."""
    with mf.Sandbox() as sandbox:
        server = sandbox.server
    with pytest.raises(errors.ServerUnreachable, match="ConnectError") as caught:
        campaign(3).send(server, progress=False)
    assert (caught.value.results["status"] == "unsent").all()


def test_an_unknown_stream_stops_after_the_first_batch():
    """What would be refused for everybody is not asked five hundred times more."""
    with mf.Sandbox() as sandbox:
        chosen = campaign(1_200, message_stream="nowhere")
        with pytest.raises(errors.EveryoneRejected, match="1235") as caught:
            chosen.send(sandbox.server, progress=False, check_suppressed=False)
        assert (sandbox.requests()["path"] == "/email/batch").sum() == 1
    assert caught.value.results["status"].value_counts().to_dict() == {
        "unsent": 700,
        "rejected": 500,
    }


def test_a_batch_of_inactive_people_does_not_stop_the_next():
    """406 is about these people and says nothing about the others."""
    gone = [f"p{n}@example.com" for n in range(500)]
    with mf.Sandbox(suppressions=gone) as sandbox:
        results = campaign(700).send(sandbox.server, progress=False, check_suppressed=False)
        judge(results, sandbox)
    assert results["status"].value_counts().to_dict() == {"rejected": 500, "accepted": 200}
    assert set(results["reason"].dropna()) == {"inactive_recipient"}
    assert results["ErrorCode"].iloc[0] == 406


def test_several_workers_make_no_copy_either():
    """Four batches in flight at once, one of them lost: one is unconfirmed, no duplicate."""
    with mf.Sandbox(faults=[Fault(FaultName.CLOSE_ACCEPTED, request=3)], delay_s=0.05) as sandbox:
        results = campaign(2_001).send(sandbox.server, workers=4, progress=False, ledger=None)
        judge(results, sandbox)
    counts = results["status"].value_counts().to_dict()
    assert counts["unknown"] == 500
    assert sum(counts.values()) == 2_001


def test_413_is_halved_until_it_fits():
    """A server that accepts less than Postmark documents gets smaller batches."""

    def too_large(arrival):
        return FaultName.HTTP_413_HTML if arrival.bytes > 10_000 else None

    with mf.Sandbox() as sandbox:
        sandbox.fault(too_large, times=None)
        results = campaign(700).send(sandbox.server, progress=False)
        judge(results, sandbox)
    assert (results["status"] == "accepted").all()
