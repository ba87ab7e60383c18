"""Two ledgers that send one campaign at the same time: Postmark's count before each batch."""

from __future__ import annotations

import pytest

import mailframe as mf
from mailframe import errors
from mailframe.paths import LedgerUrl
from mailframe.send.options import SendOptions, with_recount
from tests.campaigns import campaign, judge, people, send_with
from tests.send.ledger.child import Job, finish, start, wait_for

ROWS = 1_600
"""Four batches."""
SEARCH = "/messages/outbound"


@pytest.mark.parametrize("is_recounted", [True, False])
def test_a_second_ledger_is_noticed_before_the_next_batch(tmp_path, is_recounted):
    """It sent while the search showed nothing; without the question everybody has two messages."""
    with mf.Sandbox() as sandbox:
        sandbox.pause()
        job = Job(
            people(ROWS),
            sandbox.url,
            str(tmp_path / "one.sqlite3"),
            str(tmp_path / "report"),
            point="after_t2",
            hold=str(tmp_path),
            timeout_s=30.0,
            options={"recount": is_recounted},
        )
        child = start(job)
        wait_for(tmp_path / "held")  # two batches, or one and the claim of the second
        send_with(campaign(ROWS), sandbox.server, ledger=str(tmp_path / "other.sqlite3"))
        sandbox.resume()
        (tmp_path / "go").touch()
        error, results = finish(child, job)
        copies = sandbox.messages()["To"].value_counts()
    assert len(copies) == ROWS
    twice = int((copies == 2).sum())
    if is_recounted:
        assert error == "LedgerBehind"
        assert twice <= 1_000
        assert set(results["status"]) == {"accepted", "unsent"}
    else:
        assert (error, twice) == ("", ROWS)


@pytest.mark.parametrize("fault", [None, "http_429", "http_413_html", "close_accepted"])
@pytest.mark.parametrize("is_tried_again", [False, True])
def test_what_this_ledger_sent_is_not_another(fault, is_tried_again):
    """Rejected, unknown, halved and resent messages, and a campaign that goes on."""
    with mf.Sandbox(suppressions=["p3@example.com"]) as sandbox:
        if is_tried_again:
            send_with(campaign(700), sandbox.server, limit=600)
        if fault:
            sandbox.fault(fault, request=2 if not is_tried_again else 4)
        results = send_with(campaign(1_200), sandbox.server, recount=True)
        assert set(results["status"]) <= {"accepted", "skipped", "rejected"}
        judge(results.query("status != 'skipped'"), sandbox)
        options = {"recount": True, "resend": ["p1@example.com"]}
        for counts in ({"skipped": 1_198, "accepted": 1}, {"skipped": 1_199}):
            again = send_with(campaign(1_200), sandbox.server, **options)
            assert again["status"].value_counts().to_dict() == {**counts, "rejected": 1}


def test_one_question_before_each_batch_and_none_without_the_option():
    """A search that fails stops nothing."""
    with mf.Sandbox(in_process=True) as sandbox:
        asked = {}
        for recount in (False, True):
            before = (sandbox.requests()["path"] == SEARCH).sum()
            frame = people(1_200).assign(n=int(recount))
            composed = frame.mail.compose(
                to="{{ email }}",
                sender="a@acme.example",
                subject="Hi",
                text_body="{{ n }}",
                name=f"numbers {recount}",
            )
            send_with(composed, sandbox.server, recount=recount)
            asked[recount] = int((sandbox.requests()["path"] == SEARCH).sum() - before)
    assert asked[True] - asked[False] == 3


def test_a_live_server_is_asked_and_a_sandbox_on_demand(tmp_path):
    """Also for a shared ledger: the other one may be a file, or another schema."""
    live, local = mf.Postmark("a-token"), mf.Postmark("a-token", base_url="http://127.0.0.1:1")
    file = SendOptions(ledger=tmp_path / "ledger")
    shared = SendOptions(ledger=LedgerUrl("postgresql://a/b"))
    servers = (live, local)
    recounts = [with_recount(one, server).recount for one in (file, shared) for server in servers]
    assert recounts == [True, False, True, False]
    assert with_recount(SendOptions(recount=False), live).recount is False


@pytest.mark.parametrize("value", ["yes", 2])
def test_another_value_is_refused(value):
    """Before anything is rendered."""
    with mf.Sandbox(in_process=True) as sandbox:
        send = campaign(1).send
        with pytest.raises(errors.MailframeError, match="recount="):
            send(sandbox.server, recount=value)
