"""Running a campaign again: who gets what, who gets nothing more, and what is said about it."""

from __future__ import annotations

import re
import warnings
from contextlib import nullcontext

import pandas as pd
import pytest

import mailframe as mf
from mailframe import errors
from mailframe.errors import MailframeWarning
from mailframe.paths import default_path
from mailframe.sandbox import Fault
from tests.campaigns import LETTER, campaign, judge, people, send_with
from tests.postgres import on_files
from tests.send.ledger.judging import age, judged, lose

pytestmark = pytest.mark.usefixtures("on_both")

BATCH = "/email/batch"


def posts(sandbox: mf.Sandbox) -> int:
    """How many batches arrived."""
    return int((sandbox.requests()["path"] == BATCH).sum())


def keyed(keys, **fields) -> mf.Campaign:
    """A campaign whose key is the column ``id``; its addresses follow the rows."""
    frame = pd.DataFrame(
        {"id": pd.Series(keys, dtype=fields.pop("dtype", None)), "n": range(len(keys))}
    )
    frame["email"] = fields.pop("email", [f"k{n}@example.com" for n in range(len(keys))])
    return frame.mail.compose(LETTER.replace(**fields), name="numbers", key="id")


@pytest.fixture
def sandbox():
    """A Postmark without a socket."""
    with mf.Sandbox(in_process=True) as opened:
        yield opened


def test_a_cell_that_is_run_twice_posts_nothing_the_second_time():
    """Over real sockets: the second run posts no batch and returns the same ids."""
    with mf.Sandbox() as sandbox:
        first = campaign(700).send(sandbox.server, progress=False)
        before = posts(sandbox)
        second = campaign(700).send(sandbox.server, progress=False)
        assert posts(sandbox) == before == 2
    assert second["status"].tolist() == ["skipped"] * 700
    assert set(second["reason"]) == {"already_sent"}
    assert second["MessageID"].tolist() == first["MessageID"].tolist()


def test_a_ledger_deleted_half_way_is_noticed_and_adopt_brings_it_back():
    """Refused without a POST, with the way out; after adopt the rest goes out once."""
    with mf.Sandbox() as sandbox:
        first = campaign(900).send(sandbox.server, progress=False, limit=400)
        lose(default_path())
        before = posts(sandbox)
        with pytest.raises(
            errors.LedgerBehind, match=r"400 messages.*knows of 0.*mf\.adopt\('numbers'"
        ) as caught:
            campaign(900).send(sandbox.server, progress=False)
        assert posts(sandbox) == before
        assert len(caught.value.results) == 900
        assert mf.adopt("numbers", sandbox.server) == 400
        third = campaign(900).send(sandbox.server, progress=False)
        judge(third.query("status == 'accepted'"), sandbox)
        assert len(sandbox.messages()) == 900
    assert third["status"].tolist() == ["skipped"] * 400 + ["accepted"] * 500
    assert third["MessageID"].tolist()[:400] == first["MessageID"].tolist()[:400]


@on_files
def test_an_older_copy_of_the_ledger_is_noticed_too(sandbox):
    """A restored snapshot knows less than Postmark: refused, and adopt brings it up to date."""
    path = default_path()
    campaign(6).send(sandbox.server, progress=False, limit=2)
    snapshot = path.read_bytes()
    campaign(6).send(sandbox.server, progress=False, limit=2)
    path.write_bytes(snapshot)
    with pytest.raises(errors.LedgerBehind, match=r"4 messages.*knows of 2"):
        campaign(6).send(sandbox.server, progress=False)
    assert mf.adopt("numbers", sandbox.server) == 2
    campaign(6).send(sandbox.server, progress=False)
    assert judged(people(6), path, sandbox).fault == ""
    assert len(sandbox.messages()) == 6


@on_files
def test_adopt_replaces_a_rejected_row_of_an_old_snapshot(sandbox):
    """The old copy says rejected, Postmark holds the fixed message: adopt believes Postmark."""
    sandbox.suppress("k1@example.com")
    path = default_path()
    keyed([1, 2]).send(sandbox.server, progress=False)
    snapshot = path.read_bytes()
    fixed = keyed([1, 2], email=["k0@example.com", "fixed@example.com"])
    resent = send_with(fixed, sandbox.server, resend=[2])
    assert resent["status"].tolist() == ["skipped", "accepted"]
    path.write_bytes(snapshot)
    with pytest.raises(errors.LedgerBehind):
        send_with(fixed, sandbox.server)
    assert mf.adopt("numbers", sandbox.server) == 1
    assert send_with(fixed, sandbox.server)["status"].tolist() == ["skipped", "skipped"]


def test_a_lost_ledger_of_a_campaign_with_resent_rows_can_be_adopted(sandbox):
    """Postmark holds more copies than people; adopt notes that, and the campaign goes on."""
    send_with(campaign(4), sandbox.server, limit=3)
    send_with(campaign(4), sandbox.server, resend=["p0@example.com"], limit=1)
    lose(default_path())
    with pytest.raises(errors.LedgerBehind, match="holds 4"):
        send_with(campaign(4), sandbox.server)
    assert mf.adopt("numbers", sandbox.server) == 3
    assert send_with(campaign(4), sandbox.server)["status"].tolist() == ["skipped"] * 3 + [
        "accepted"
    ]
    assert len(sandbox.messages()) == 5


def test_a_custom_stream_is_named_in_the_way_out():
    """``adopt`` reads two streams by default; the refusal names the stream of the campaign."""
    streams = {"outbound": "transactional", "broadcast": "broadcast", "news": "broadcast"}
    with mf.Sandbox(in_process=True, streams=streams) as sandbox:
        composed = campaign(3, message_stream="news")
        send_with(composed, sandbox.server)
        lose(default_path())
        with pytest.raises(errors.LedgerBehind, match=r"streams=\['news'\]"):
            send_with(composed, sandbox.server)
        assert mf.adopt("numbers", sandbox.server, streams=["news"]) == 3
        assert set(send_with(composed, sandbox.server)["reason"]) == {"already_sent"}


@on_files
def test_more_than_ten_thousand_messages_are_adopted_by_windows_of_time():
    """Postmark's search returns 10,000; the time is halved until each part is below that."""
    rows = 10_600
    frame = pd.DataFrame({"email": [f"p{n}@example.com" for n in range(rows)]})
    composed = frame.mail.compose(
        sender="a@acme.example", to="{{ email }}", subject="Hi", text_body="x", name="numbers"
    )
    with mf.Sandbox(in_process=True, delay_s=0.05) as sandbox:
        send_with(composed, sandbox.server, limit=9_000)
        send_with(composed, sandbox.server)
        assert len(sandbox.messages()) == rows
        lose(default_path())
        sandbox._handler.delay_s = 0.0
        assert mf.adopt("numbers", sandbox.server) == rows
        audited = mf.audit("numbers", sandbox.server)
        assert len(audited) == rows
        assert set(audited["finding"]) == {"agreed"}


def test_an_edited_letter_needs_allow_changed(sandbox):
    """Half of the people have the old letter; allow_changed sends the new one to the others."""
    send_with(campaign(4), sandbox.server, limit=2)
    edited = campaign(4, subject="Edited")
    with pytest.raises(errors.LetterChanged, match="2 people have") as caught:
        send_with(edited, sandbox.server)
    assert caught.value.results["status"].tolist() == ["skipped", "skipped", "unsent", "unsent"]
    with pytest.warns(MailframeWarning, match="earlier version"):
        results = send_with(edited, sandbox.server, allow_changed=True)
    assert results["status"].tolist() == ["skipped", "skipped", "accepted", "accepted"]
    assert results["changed"].tolist() == [True, True, False, False]
    assert sandbox.messages()["Subject"].tolist() == ["Number 0", "Number 1", "Edited", "Edited"]


def test_a_changed_cell_is_shown_and_sends_nothing_again(sandbox):
    """The letter is the same, the data of one row are not: the column ``changed`` shows it."""
    frame = people(3)
    send_with(frame.mail.compose(LETTER, name="numbers"), sandbox.server)
    frame.loc[1, "n"] = 99
    with pytest.warns(MailframeWarning, match="1 person has an earlier version"):
        results = send_with(frame.mail.compose(LETTER, name="numbers"), sandbox.server)
    assert results["changed"].tolist() == [False, True, False]
    assert len(sandbox.messages()) == 3


def test_resend_goes_to_those_that_are_named_once_for_each_content(sandbox):
    """The cell that says resend may be run twice, too; another content needs another word."""
    who = ["p1@example.com"]
    for resend in (None, who, who, None):
        send_with(campaign(3), sandbox.server, resend=resend)
    assert sandbox.messages()["To"].value_counts().to_dict() == {
        who[0]: 2,
        "p0@example.com": 1,
        "p2@example.com": 1,
    }
    with pytest.warns(MailframeWarning, match="2 people have an earlier version"):
        send_with(campaign(3, subject="Edited"), sandbox.server, resend=who)
    assert sandbox.messages()["To"].value_counts().to_dict() == {
        who[0]: 3,
        "p0@example.com": 1,
        "p2@example.com": 1,
    }


def test_resend_of_a_key_that_no_row_has_sends_nothing(sandbox):
    """A typing error is refused before anything is sent."""
    with pytest.raises(errors.LedgerError, match="1 of the 1 keys to resend are in no row"):
        send_with(campaign(3), sandbox.server, resend=["p9@example.com"])
    assert sandbox.messages().empty


def test_the_same_mail_under_another_name_needs_allow_repeat(sandbox):
    """The renamed cell: the same content to the same people."""
    send_with(campaign(3), sandbox.server)
    renamed = people(5).mail.compose(LETTER, name="numbers again")
    with pytest.raises(errors.AlreadySentElsewhere, match="3 as 'numbers'"):
        send_with(renamed, sandbox.server)
    assert len(sandbox.messages()) == 3
    results = send_with(renamed, sandbox.server, allow_repeat=True)
    assert (results["status"] == "accepted").all()


@pytest.mark.parametrize(
    "again", [[1.0, 2.0, 3.0], ["1", "2", "3"], pd.array([1, 2, 3], dtype="Int8"), ["1.0", 2, "3"]]
)
def test_one_and_one_point_zero_and_text_one_are_the_same_person_in_the_next_run(sandbox, again):
    """A key that passed through a concat or a CSV is the same key, with any address."""
    send_with(keyed([1, 2]), sandbox.server)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MailframeWarning)
        results = send_with(
            keyed(again, email=[f"new{n}@example.com" for n in range(3)]), sandbox.server
        )
    assert results["status"].tolist() == ["skipped", "skipped", "accepted"]


def test_a_leading_zero_is_another_person(sandbox):
    """``001`` is not ``1``."""
    send_with(keyed(["1"]), sandbox.server)
    assert send_with(keyed(["001"], email=["other@example.com"]), sandbox.server)[
        "status"
    ].tolist() == ["accepted"]


def test_new_rows_join_and_a_new_order_changes_nothing(sandbox):
    """The frame grew and was shuffled: the new rows are sent, the others keep their ids."""
    first = send_with(campaign(4), sandbox.server)
    frame = people(7).sample(frac=1.0, random_state=3).set_index("n", drop=False)
    second = send_with(frame.mail.compose(LETTER, name="numbers"), sandbox.server)
    judge(second.query("status == 'accepted'"), sandbox)
    ids = dict(zip(first["email"], first["MessageID"], strict=True))
    for email, status, message_id in zip(
        second["email"], second["status"], second["MessageID"], strict=True
    ):
        assert (
            (status, message_id) == ("skipped", ids[email])
            if email in ids
            else status == "accepted"
        )
    assert second["n"].tolist() == frame["n"].tolist()
    assert len(sandbox.messages()) == 7


def test_rows_that_were_planned_and_are_gone_are_named(sandbox):
    """A frame that shrank between two runs causes a warning."""
    send_with(campaign(5), sandbox.server, limit=2)
    with pytest.warns(
        MailframeWarning,
        match="2 messages of 'numbers' were planned earlier and are not in this frame",
    ):
        send_with(people(5).iloc[[0, 1, 2]].mail.compose(LETTER, name="numbers"), sandbox.server)


def test_a_refused_run_has_the_status_of_each_row(sandbox):
    """Searches fail: nothing is sent, and accepted rows are not called unsent."""
    send_with(campaign(4), sandbox.server, limit=2)
    sandbox.fault(Fault("http_500_lost", path="/messages/outbound", times=None))
    with pytest.raises(errors.MailframeError, match="could not be searched") as caught:
        send_with(campaign(4), sandbox.server)
    assert caught.value.results["status"].tolist() == ["skipped", "skipped", "unsent", "unsent"]
    assert posts(sandbox) == 1


def test_a_message_that_shows_between_two_questions_is_no_lost_ledger(sandbox):
    """The index catches up while we ask: what was unknown is found, and nothing is refused."""
    sandbox.fault(Fault("close_accepted", request=1))
    sandbox.pause()
    assert set(send_with(campaign(3), sandbox.server)["status"]) == {"unknown"}

    def catches_up(arrival):
        if arrival.number == before + 2:
            sandbox.resume()

    before = int((sandbox.requests()["path"] == "/messages/outbound").sum())
    sandbox.fault(catches_up, path="/messages/outbound")
    results = send_with(campaign(3), sandbox.server)
    assert set(results["reason"]) == {"already_sent"}


def test_live_sandbox_and_test_token_share_no_memory():
    """One server ID with both delivery types, and the test token: three campaigns."""
    for kind in ("Live", "Sandbox"):
        with mf.Sandbox(in_process=True, server_id=7, delivery_type=kind) as sandbox:
            assert set(send_with(campaign(2), sandbox.server)["status"]) == {"accepted"}
            assert set(send_with(campaign(2), sandbox.server)["reason"]) == {"already_sent"}
            tried = mf.Postmark(
                "POSTMARK_API_TEST", base_url="http://127.0.0.1", transport=sandbox.transport()
            )
            expected = (
                "accepted" if kind == "Live" else "skipped"
            )  # the test token is one and the same everywhere
            assert set(send_with(campaign(2), tried)["status"]) == {expected}
            assert len(sandbox.messages()) == 2
    assert mf.history()["server"].tolist() == ["pm:7:live", "test", "pm:7:sandbox"]


def test_two_sandboxes_share_no_memory():
    """Each sandbox is a server of its own."""
    for _ in range(2):
        with mf.Sandbox(in_process=True) as sandbox:
            assert set(send_with(campaign(2), sandbox.server)["status"]) == {"accepted"}
    assert mf.history()["accepted"].tolist() == [2, 2]


def test_history_counts_every_state():
    """One row a campaign: planned, accepted, rejected and unknown."""
    with mf.Sandbox(in_process=True, suppressions=["p1@example.com"]) as sandbox:
        send_with(campaign(3), sandbox.server, limit=2)
        sandbox.fault(Fault("close_lost", request=2))
        send_with(campaign(5), sandbox.server, limit=1)
    shown = mf.history().iloc[0]
    assert shown["campaign"] == "numbers"
    counts = shown[["planned", "sending", "accepted", "rejected", "unknown"]].tolist()
    assert counts == [2, 0, 1, 1, 1]


# --- unconfirmed requests ------------------------------------------------------------------------


def unconfirmed(sandbox: mf.Sandbox, fault: str = "close_lost", rows: int = 4) -> None:
    """A campaign whose only batch got no answer."""
    sandbox.fault(Fault(fault))
    send_with(campaign(rows), sandbox.server)


def fence(sandbox: mf.Sandbox) -> None:
    """Something else that is accepted afterwards."""
    send_with(
        people(1).assign(email="fence@example.org").mail.compose(LETTER, name="fence"),
        sandbox.server,
    )


def test_rows_to_resend_that_are_unknown_name_the_calls_that_lead_out(sandbox):
    """Both run as they stand; the second is too early yet and says when to come back."""
    unconfirmed(sandbox, "close_lost")
    with pytest.raises(errors.LedgerError, match="may have been accepted") as caught:
        send_with(campaign(4), sandbox.server, resend=["p0@example.com"])
    for call, says in (("reconcile", ""), ("resolve", "Decide after 30 minutes")):
        written = re.search(rf"mf\.{call}\(.*?\)", str(caught.value)).group()
        with pytest.raises(errors.LedgerError, match=says) if says else nullcontext():
            eval(written, {"mf": mf, "server": sandbox.server})  # noqa: S307 - our own sentence


def test_reconcile_finds_a_part_and_leaves_the_rest_unknown(sandbox):
    """Half of the batch was accepted: that half gets its ids, the other stays unconfirmed."""
    sandbox.pause()
    unconfirmed(sandbox, "part_accepted")
    sandbox.resume()
    asked = mf.reconcile("numbers", sandbox.server)
    assert asked[["messages", "found", "unknown"]].iloc[0].tolist() == [4, 2, 2]
    results = send_with(campaign(4), sandbox.server)
    assert results["status"].tolist() == ["skipped", "skipped", "unknown", "unknown"]
    assert results["MessageID"].tolist()[:2] == sandbox.messages()["MessageID"].tolist()


def test_resolve_is_refused_while_the_request_is_young(sandbox):
    """Thirty minutes have to pass; nothing is changed before."""
    unconfirmed(sandbox)
    fence(sandbox)
    with pytest.raises(errors.LedgerError, match="Decide after 30 minutes"):
        mf.resolve("numbers", sandbox.server, as_="unsent", reason="asked support")
    age(default_path(), 29)
    with pytest.raises(errors.LedgerError, match="29 minutes ago"):
        mf.resolve("numbers", sandbox.server, as_="unsent", reason="asked support")
    assert set(send_with(campaign(4), sandbox.server)["status"]) == {"unknown"}


def test_resolve_is_refused_without_a_later_message_in_sight(sandbox):
    """A paused account shows nothing, so not proven that the search is up to date."""
    sandbox.pause()
    unconfirmed(sandbox, "close_accepted")
    fence(sandbox)
    age(default_path())
    with pytest.raises(errors.LedgerError, match="not proven that the search is up to date"):
        mf.resolve("numbers", sandbox.server, as_="unsent", reason="asked support")
    sandbox.resume()
    assert mf.resolve("numbers", sandbox.server, as_="unsent", reason="asked support") == 0
    assert set(send_with(campaign(4), sandbox.server)["reason"]) == {"already_sent"}
    assert len(sandbox.messages()) == 5


def test_a_later_message_of_another_stream_is_no_proof(sandbox):
    """Each stream has an index of its own to wait for."""
    unconfirmed(sandbox)
    age(default_path())
    other = people(1).mail.compose(LETTER.replace(message_stream="broadcast"), name="fence")
    send_with(other, sandbox.server)
    with pytest.raises(errors.LedgerError, match="no message of stream 'outbound'"):
        mf.resolve("numbers", sandbox.server, as_="unsent", reason="asked support")


def test_what_is_resolved_as_unsent_goes_out_with_the_next_run(sandbox):
    """Old enough, a later message shown, a reason given: only then is it sent again."""
    unconfirmed(sandbox)
    fence(sandbox)
    age(default_path())
    assert mf.resolve("numbers", sandbox.server, as_="unsent", reason="asked support") == 4
    assert set(send_with(campaign(4), sandbox.server)["status"]) == {"accepted"}
    assert judged(people(4), default_path(), sandbox).fault == ""


def test_what_is_resolved_as_accepted_is_left_alone(sandbox):
    """No id, no further mail."""
    unconfirmed(sandbox)
    assert mf.resolve("numbers", sandbox.server, as_="accepted", reason="the people say so") == 4
    results = send_with(campaign(4), sandbox.server)
    assert set(results["reason"]) == {"already_sent"}
    assert results["MessageID"].isna().all()
    assert sandbox.messages().empty


@pytest.mark.parametrize(
    ("as_", "reason"), [("unsent", ""), ("unsent", "  "), ("unsent", None), ("planned", "x")]
)
def test_resolve_needs_a_status_and_a_reason(sandbox, as_, reason):
    """A decision is written down with why."""
    with pytest.raises(errors.LedgerError, match="resolve needs"):
        mf.resolve("numbers", sandbox.server, as_=as_, reason=reason)


def test_audit_finds_a_second_copy_and_one_that_is_gone(sandbox):
    """Both sides beside each other, row for row."""
    send_with(campaign(3), sandbox.server)
    send_with(campaign(3), sandbox.server, resend=["p1@example.com"])
    audited = mf.audit("numbers", sandbox.server)
    assert sorted(audited["finding"]) == ["agreed", "agreed", "twice"]
    sandbox.clear()
    assert set(mf.audit("numbers", sandbox.server)["finding"]) == {"not_shown"}


def test_a_campaign_that_is_not_recorded_is_refused_by_name(sandbox):
    """Nothing is made up for a name that was typed wrong."""
    for verb in (mf.reconcile, mf.audit):
        with pytest.raises(errors.LedgerError, match="no campaign 'nubmers'"):
            verb("nubmers", sandbox.server)
