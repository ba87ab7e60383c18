"""A refused run: each row has the most that is known of it, and nothing that is not known."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pandas as pd
import pytest

import mailframe as mf
from mailframe import errors
from mailframe.paths import default_path
from mailframe.sandbox import Fault
from mailframe.send.ledger import Ledger
from mailframe.send.retry_policy import RetryPolicy
from tests.campaigns import LETTER, campaign, people, send_with
from tests.send.interrupting import interrupted_at
from tests.send.ledger.child import Job, finish, start

HASTE = RetryPolicy(first_wait_s=0.01, search_s=3.0, reach_tries=2)


def half_sent(sandbox: mf.Sandbox, rows: int = 4) -> pd.DataFrame:
    """A frame of which the first half was accepted, in the ledger of this test."""
    frame = people(rows).assign(id=range(100, 100 + rows))
    first = send_with(frame.mail.compose(LETTER, name="numbers"), sandbox.server, limit=rows // 2)
    assert first["status"].tolist() == ["accepted"] * (rows // 2) + ["unsent"] * (rows - rows // 2)
    return frame


def refused(composed: mf.Campaign, server: mf.Postmark, **options) -> pd.DataFrame:
    """The results that the error of a refused run carries."""
    with pytest.raises(errors.MailframeError) as caught:
        send_with(composed, server, retry_policy=HASTE, **options)
    results: pd.DataFrame = caught.value.results
    return results


@pytest.fixture
def sandbox():
    """A Postmark on a socket."""
    with mf.Sandbox() as opened:
        yield opened


SENT_HALF = ["skipped", "skipped", "unsent", "unsent"]


# --- ``unknown`` without the history -------------------------------------------------------------


def test_another_key_under_the_same_name_shows_what_the_recipients_have(sandbox):
    """The keys say nothing; the identical message to the same recipient does."""
    frame = half_sent(sandbox)
    results = refused(frame.mail.compose(LETTER, name="numbers", key="id"), sandbox.server)
    assert results["status"].tolist() == SENT_HALF
    assert results["MessageID"].notna().tolist() == [True, True, False, False]


def test_another_key_and_another_letter_leave_only_new_recipients_unsent(sandbox):
    """Which row it was is not known: recorded people are unknown, the others are unsent."""
    frame = half_sent(sandbox)
    more = pd.concat(
        [frame, pd.DataFrame({"email": ["new@example.com"], "n": [9], "id": [9]})],
        ignore_index=True,
    )
    results = refused(
        more.mail.compose(LETTER, name="numbers", key="id", subject="Edited"), sandbox.server
    )
    assert results["status"].tolist() == ["unknown"] * 4 + ["unsent"]
    assert results["reason"].str.contains("another key").tolist()[:4] == [True] * 4


def test_rows_are_unknown_if_a_page_of_the_ledger_is_damaged(sandbox):
    """What cannot be read is unknown, with the reason; never unsent."""
    frame = half_sent(sandbox, rows=400)
    path = default_path()
    whole = bytearray(path.read_bytes())
    with Ledger(path) as ledger:
        root = ledger.db.one("SELECT rootpage FROM sqlite_master WHERE name = 'pack'")[0]
        size = ledger.db.one("PRAGMA page_size")[0]
    whole[(root - 1) * size : root * size] = b"\xff" * size
    path.write_bytes(whole)
    results = refused(frame.mail.compose(LETTER, name="numbers"), sandbox.server)
    assert set(results["status"]) == {"unknown"}
    assert results["reason"].str.contains("history could not be read").all()


@pytest.mark.parametrize(
    ("lock", "statuses"),
    [
        pytest.param("BEGIN EXCLUSIVE", ["unknown"] * 4, id="not readable"),
        pytest.param("BEGIN; SELECT * FROM meta", SENT_HALF, id="not writable"),
    ],
)
def test_rows_are_unknown_if_a_lock_kept_the_ledger_from_being_read(lock, statuses):
    """Locked after it could be opened; in a process of its own, which waits less for the lock."""
    script = """
        import sqlite3, sys
        import mailframe as mf
        from mailframe.paths import default_path
        from mailframe.send.ledger import file
        from tests.campaigns import campaign, send_with
        from tests.send.ledger.test_refused_runs import HASTE
        file._opened.__kwdefaults__["timeout_s"] = 0.2
        holder = sqlite3.connect(default_path(), isolation_level=None, check_same_thread=False)

        def lock(arrival):
            if not holder.in_transaction:
                for statement in sys.argv[1].split("; "):
                    holder.execute(statement).fetchone()

        with mf.Sandbox() as sandbox:
            send_with(campaign(4), sandbox.server, limit=2)
            sandbox.fault(lock, path="/server")
            try:
                send_with(campaign(4), sandbox.server, retry_policy=HASTE)
            except mf.errors.LedgerError as error:
                print(error.results["status"].tolist())
            holder.close()
            print(len(sandbox.messages()))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), lock],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stdout.splitlines() == [str(statuses), "2"], done.stderr


@pytest.mark.parametrize("why", ["invalid", "approved", "down"])
@pytest.mark.parametrize("server", ["the same", "a new one"])
def test_a_refusal_while_the_server_is_down_has_the_statuses_of_the_ledger(why, server):
    """Invalid rows and a wrong approval are refused without a server; the ledger has the rest."""
    with mf.Sandbox() as sandbox:
        frame = half_sent(sandbox)
        there = sandbox.server
    if server == "a new one":
        there = mf.Postmark("sandbox-token", base_url=there.base_url, timeout=1.0)
    options = {"approved": "0000-0000-0000-0000-0000"} if why == "approved" else {}
    if why == "invalid":
        frame.loc[3, "email"] = "nobody"
    results = refused(frame.mail.compose(LETTER, name="numbers"), there, **options)
    expected = [*SENT_HALF[:3], "invalid"] if why == "invalid" else SENT_HALF
    assert results["status"].tolist() == expected
    assert results["MessageID"].notna().tolist() == [True, True, False, False]


def test_rows_are_unknown_if_it_is_not_known_which_server_it_is():
    """Two servers have the campaign; the one that is down does not say which it is."""
    with mf.Sandbox() as one, mf.Sandbox() as other:
        half_sent(one)
        frame = people(4)
        send_with(frame.mail.compose(LETTER, name="numbers"), other.server, limit=3)
        url = other.server.base_url
    down = mf.Postmark("sandbox-token", base_url=url, timeout=1.0)
    results = refused(frame.mail.compose(LETTER, name="numbers"), down)
    assert results["status"].tolist() == ["unknown", "unknown", "unknown", "unsent"]
    assert results["reason"].iloc[0].count("2 servers") == 1


def test_a_server_that_answered_before_has_its_own_campaign_while_it_is_down():
    """Another server has a campaign of the same name, with one row more."""
    composed = people(4).mail.compose(LETTER, name="numbers")
    with mf.Sandbox() as one, mf.Sandbox() as other:
        server = one.server
        send_with(composed, server, limit=2)
        send_with(composed, other.server, limit=3)
    assert refused(composed, server)["status"].tolist() == SENT_HALF


def test_messages_of_the_test_token_do_not_count_for_a_server_that_is_down():
    """They were sent to nobody."""
    frame = people(4)
    with mf.Sandbox() as sandbox:
        tests = mf.Postmark("POSTMARK_API_TEST", base_url=sandbox.url)
        send_with(frame.mail.compose(LETTER, name="numbers"), tests, limit=2)
        down = mf.Postmark("sandbox-token", base_url=sandbox.url, timeout=1.0)
    results = refused(frame.mail.compose(LETTER, name="numbers"), down)
    assert results["status"].tolist() == ["unsent"] * 4


def test_messages_of_a_sandbox_do_not_count_for_a_live_server_that_is_down(monkeypatch):
    """The sandbox accepted it, no live server did, and the live server does not answer."""
    letter = LETTER.replace(sender="hello@acme-letters.com")
    frame = people(4).assign(email=[f"p{n}@acme-letters.com" for n in range(4)])
    with mf.Sandbox() as sandbox:
        send_with(frame.mail.compose(letter, name="numbers"), sandbox.server, limit=2)
        down = mf.Postmark("live-token", base_url=sandbox.server.base_url, timeout=1.0)
    monkeypatch.setattr(mf.Postmark, "is_live", property(lambda server: server is down))
    results = refused(frame.mail.compose(letter, name="numbers"), down)
    assert results["status"].tolist() == ["unknown", "unknown", "unsent", "unsent"]
    assert results.summary_line.endswith("Next: run send again when the server answers.")


def test_rows_are_unknown_after_an_interrupt_during_the_check_of_a_later_run(sandbox):
    """Its rows were not checked, and some of them were accepted."""
    frame = half_sent(sandbox)
    with interrupted_at("watch") as called:
        results = send_with(frame.mail.compose(LETTER, name="numbers"), sandbox.server)
    assert called
    assert set(results["status"]) == {"unknown"}
    assert results["reason"].str.contains("interrupted").all()


# --- ``unsent`` for what was not sent ------------------------------------------------------------


def test_a_typing_error_in_resend_leaves_the_rows_as_they_are(sandbox):
    """The ledger knows each of them."""
    frame = half_sent(sandbox)
    results = refused(
        frame.mail.compose(LETTER, name="numbers"), sandbox.server, resend=["nobody@example.com"]
    )
    assert results["status"].tolist() == SENT_HALF
    assert results["reason"].tolist()[0] == "already_sent"
    assert "resend" in results["reason"].tolist()[2]


def test_a_typing_error_in_resend_of_a_new_campaign_is_unsent(sandbox):
    """Nothing was ever sent."""
    results = refused(campaign(3), sandbox.server, resend=["nobody@example.com"])
    assert results["status"].tolist() == ["unsent"] * 3


@pytest.mark.skipif(os.name != "posix", reason="limits of the size of a file are POSIX")
def test_a_full_disk_under_a_new_ledger_is_unsent(tmp_path):
    """Nothing could be noted, so nothing left, and there is no history."""
    with mf.Sandbox() as sandbox:
        for kib in (0, 1, 4, 8, 20):
            ledger, report = str(tmp_path / f"{kib}.sqlite3"), str(tmp_path / "report")
            job = Job(people(3), sandbox.url, ledger, report, fsize=kib * 1024)
            error, results = finish(start(job), job)
            assert error == "LedgerError"
            assert results["status"].tolist() == ["unsent"] * 3
        assert sandbox.messages().empty


def test_a_ledger_that_is_behind_asks_which_rows_postmark_holds(sandbox):
    """The deleted ledger knows nothing; Postmark is asked, and the advice in the error works."""
    frame = half_sent(sandbox)
    default_path().unlink()
    composed = frame.mail.compose(LETTER, name="numbers")
    with pytest.raises(errors.LedgerBehind, match=r"mf\.adopt\('numbers', server") as caught:
        send_with(composed, sandbox.server)
    assert caught.value.results["status"].tolist() == SENT_HALF
    held = dict(sandbox.messages()[["To", "MessageID"]].itertuples(index=False))
    assert caught.value.results["MessageID"].dropna().tolist() == [
        held["p0@example.com"],
        held["p1@example.com"],
    ]
    mf.adopt("numbers", sandbox.server)
    assert send_with(composed, sandbox.server)["status"].tolist() == [
        "skipped",
        "skipped",
        "accepted",
        "accepted",
    ]


def test_rows_are_unknown_if_the_ledger_is_behind_and_the_search_ends(sandbox):
    """Postmark counts two and then does not say which: neither row may be called unsent."""
    frame = half_sent(sandbox)
    default_path().unlink()
    sandbox.fault(
        lambda arrival: "http_500_lost" if arrival.number > 4 else None, path="/messages/outbound"
    )
    results = refused(frame.mail.compose(LETTER, name="numbers"), sandbox.server)
    assert set(results["status"]) == {"unknown"}
    assert results["reason"].str.contains("adopt").all()


@pytest.mark.parametrize("path", ["/server", "/messages/outbound"])
def test_a_server_that_does_not_answer_leaves_new_rows_unsent_and_known_ones_known(sandbox, path):
    """GET /server or the search fails: the ledger's rows have their status, the rest is unsent."""
    frame = half_sent(sandbox)
    sandbox.fault(Fault("http_503_html_lost", times=None, path=path))
    results = refused(frame.mail.compose(LETTER, name="numbers"), sandbox.server)
    assert results["status"].tolist() == SENT_HALF
    fresh = refused(people(2).mail.compose(LETTER, name="fresh"), sandbox.server)
    assert fresh["status"].tolist() == ["unsent"] * 2


def test_a_changed_letter_names_itself_as_the_reason(sandbox):
    """The rows that did not leave say why, in the words of the refusal."""
    frame = half_sent(sandbox)
    results = refused(frame.mail.compose(LETTER, name="numbers", subject="Edited"), sandbox.server)
    assert results["status"].tolist() == SENT_HALF
    assert "earlier letter" in results["reason"].tolist()[2]


def test_a_rejected_row_that_was_to_be_tried_again_is_unsent_if_the_server_is_busy():
    """The account is approved now, so the status of the earlier run is not that of this one."""
    composed = campaign(2, sender="me@acme.example")
    with mf.Sandbox(server_id=7, approval="pending") as pending:
        assert set(refused(composed, pending.server)["status"]) == {"rejected"}
    with mf.Sandbox(server_id=7) as approved:
        approved.fault(Fault("http_429", times=None, path="/email/batch"))
        results = refused(composed, approved.server)
    assert results["status"].tolist() == ["unsent"] * 2
    assert results["reason"].str.startswith("stopped: ").all()
