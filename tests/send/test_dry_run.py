"""A dry run says what a send would do, refuses what a send refuses, and leaves no trace."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
import warnings
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe import errors
from mailframe.paths import default_path
from mailframe.sandbox import Fault
from mailframe.send.ledger import Ledger
from mailframe.send.retry_policy import RetryPolicy
from mailframe.send.run import Run
from tests.campaigns import LETTER, campaign, people, send_with

GONE = "p3@example.com"
NEXT = "Dry run: nothing was sent or recorded; send would post"


@pytest.fixture
def sandbox():
    """A Postmark without a socket, at which one address is inactive."""
    with mf.Sandbox(in_process=True, suppressions=[GONE]) as opened:
        yield opened


def files(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its content; None for a folder."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }


def posts(sandbox: mf.Sandbox) -> int:
    """The number of batches that arrived."""
    return int((sandbox.requests()["path"] == "/email/batch").sum())


def dry_run(composed: mf.Campaign, sandbox: mf.Sandbox, **options) -> pd.DataFrame:
    """A dry run that must leave no trace, however it ends."""
    folder = default_path().parent
    before, arrived = files(folder), posts(sandbox)
    try:
        return send_with(composed, sandbox.server, dry_run=True, **options)
    finally:
        assert files(folder) == before
        assert posts(sandbox) == arrived


def test_a_dry_run_of_a_new_campaign_creates_no_file(sandbox):
    """The public call: recipients and batches are there, and there is no ledger afterwards."""
    path = default_path()
    composed = campaign(700)
    options = {"dry_run": True, "progress": False, "check_suppressed": False}
    results = composed.send(sandbox.server, **options)
    assert not path.exists()
    assert not path.with_name(f"{path.name}-locks").exists()
    assert results["status"].eq("unsent").all()
    assert results["reason"].eq("dry run").all()
    assert results["To"].tolist() == composed.frame["email"].tolist()
    assert results["batch"].tolist() == [1] * 500 + [2] * 200
    assert results["MessageID"].isna().all()
    assert results.summary_line == f"{NEXT} 700 messages in 2 batches. 700 rows: 700 unsent."


def test_a_dry_run_without_a_ledger(sandbox):
    """Nothing is looked up, so all rows would be sent."""
    results = dry_run(campaign(2), sandbox, ledger=None)
    assert results.summary_line == f"{NEXT} 2 messages in 1 batch. 2 rows: 2 unsent."


def test_a_dry_run_in_the_middle_of_a_campaign(sandbox):
    """What was sent is skipped, a final rejection stays, a blocked row is invalid."""
    send_with(campaign(8), sandbox.server, limit=6)
    frame = people(9).assign(email=lambda frame: frame["email"].where(frame["n"] != 8, "no"))
    composed = frame.mail.compose(LETTER, name="numbers")
    results = dry_run(composed, sandbox, on_invalid="skip", limit=1)
    assert results["status"].tolist() == [
        *(["skipped"] * 3 + ["rejected"] + ["skipped"] * 2),
        *["unsent", "unsent", "invalid"],
    ]
    assert results["reason"].tolist()[5:] == ["already_sent", "dry run", "limit", "invalid_address"]
    assert results.summary_line.startswith(f"{NEXT} 1 message in 1 batch. 9 rows: 1 rejected")


def test_a_second_dry_run_says_the_same(sandbox):
    """The first one recorded nothing."""
    send_with(campaign(4), sandbox.server, limit=2)
    first, second = (dry_run(campaign(4), sandbox) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    send_with(campaign(4), sandbox.server)
    nothing = dry_run(campaign(2), sandbox)
    assert nothing.summary_line.startswith(f"{NEXT} 0 messages. 2 rows: 2 skipped")


def test_a_crashed_request_is_looked_up_but_not_recorded():
    """Postmark is asked as before a send; the ledger still has the batch as it was."""
    with mf.Sandbox(in_process=True, index_delay_s=2) as sandbox:
        sandbox.fault(Fault("close_accepted", path="/email/batch", times=1))
        sent = send_with(campaign(3), sandbox.server)
        assert sent["status"].eq("unknown").all()
        time.sleep(2)
        results = dry_run(campaign(3), sandbox)
        assert results["reason"].eq("already_sent").all()
        assert results["MessageID"].notna().all()


def refused_by_letter(sandbox):
    """Half of the people have another letter."""
    send_with(campaign(4), sandbox.server, limit=2)
    letter = LETTER.replace(subject="Another {{ n }}")
    return people(4).mail.compose(letter, name="numbers"), {}


def refused_by_key(sandbox):
    """The campaign has another key."""
    send_with(campaign(4), sandbox.server, limit=2)
    return people(4).mail.compose(LETTER, name="numbers", key="n"), {}


def refused_by_repeat(sandbox):
    """The same message was sent under another name."""
    send_with(campaign(4), sandbox.server)
    return people(4).mail.compose(LETTER, name="others"), {}


def refused_by_postmark(sandbox):
    """Postmark has more messages than the ledger."""
    send_with(campaign(4), sandbox.server)
    default_path().unlink()
    return campaign(4), {}


def refused_by_rows(sandbox):
    """A row has an error."""
    return people(2).assign(email="no").mail.compose(LETTER, name="numbers"), {}


def refused_by_approval(sandbox):
    """Another campaign was approved."""
    return campaign(2), {"approved": campaign(3).fingerprint}


def refused_by_resend(sandbox):
    """There is no such key."""
    return campaign(2), {"resend": ["absent"]}


def refused_by_file(sandbox):
    """The file is no ledger."""
    default_path().parent.mkdir(parents=True, exist_ok=True)
    default_path().write_bytes(b"email,n\n" * 200)
    return campaign(2), {}


def refused_by_version(sandbox):
    """The file is of a newer mailframe."""
    Ledger(default_path()).close()
    with closing(sqlite3.connect(default_path())) as other:
        other.execute("PRAGMA user_version = 4")
    return campaign(2), {}


def refused_by_two_names(sandbox):
    """The file has two names."""
    Ledger(default_path()).close()
    default_path().with_name("second").hardlink_to(default_path())
    return campaign(2), {}


@pytest.mark.parametrize(
    "refused",
    [scene for name, scene in list(globals().items()) if name.startswith("refused_by")],
    ids=lambda scene: scene.__name__.removeprefix("refused_by_"),
)
def test_a_dry_run_refuses_what_a_send_refuses(sandbox, refused):
    """The same error, text and results, before the send that shows them."""
    composed, options = refused(sandbox)
    caught = []
    for run in (dry_run, lambda *given, **more: send_with(given[0], given[1].server, **more)):
        with pytest.raises(errors.MailframeError) as error:
            run(composed, sandbox, **options)
        caught.append(error.value)
    assert type(caught[0]) is type(caught[1])
    assert str(caught[0]) == str(caught[1])
    pd.testing.assert_frame_equal(caught[0].results, caught[1].results)


def test_a_campaign_that_is_being_sent_is_busy(sandbox):
    """A dry run does not take the lock; it sees that a sender has it."""
    send_with(campaign(2), sandbox.server)
    with Ledger(default_path()) as ledger:
        [(record, _)] = ledger.campaigns()
        with ledger.lock_campaign(record), pytest.raises(errors.CampaignBusy):
            dry_run(campaign(2), sandbox)
        dry_run(campaign(2), sandbox)
        with ledger.lock_campaign(record):
            pass


def test_a_ledger_that_needs_a_repair_is_not_repaired(sandbox, tmp_path):
    """A send rolls the journal of a crash back; a dry run says that it cannot read the ledger."""
    send_with(campaign(4), sandbox.server, limit=2)
    path = default_path()
    with closing(sqlite3.connect(path, isolation_level=None)) as crashing:
        crashing.execute("PRAGMA cache_size = 1")
        crashing.execute("BEGIN IMMEDIATE")
        crashing.execute("CREATE TABLE crashed (x BLOB)")
        crashing.execute("INSERT INTO crashed VALUES (randomblob(500000))")
        for suffix in ("", "-journal"):
            shutil.copy(f"{path}{suffix}", tmp_path / f"crashed.sqlite3{suffix}")
        crashing.execute("ROLLBACK")
    crashed = tmp_path / "crashed.sqlite3"
    before = files(tmp_path)
    with pytest.raises(errors.LedgerError, match="cannot be read by a dry run") as caught:
        send_with(campaign(4), sandbox.server, ledger=crashed, dry_run=True)
    assert files(tmp_path) == before
    assert caught.value.results["reason"].str.contains("could not be read").all()
    assert "a send repairs it" in str(caught.value)
    assert send_with(campaign(4), sandbox.server, ledger=crashed)["status"].tolist() == [
        *["skipped", "skipped", "accepted", "rejected"]
    ]


def test_a_locked_ledger_is_refused(sandbox, monkeypatch):
    """Another program writes to it."""
    send_with(campaign(2), sandbox.server)
    monkeypatch.setitem(
        __import__("mailframe.send.ledger.file", fromlist=["_"])._opened.__kwdefaults__,
        *("timeout_s", 0.1),
    )
    with closing(sqlite3.connect(default_path())) as busy:
        busy.execute("BEGIN EXCLUSIVE")
        with pytest.raises(errors.LedgerError, match="is locked") as caught:
            send_with(campaign(2), sandbox.server, dry_run=True)
    assert caught.value.results["reason"].str.contains("the ledger was locked").all()


@pytest.mark.parametrize("word", [None, 0, 1, "yes", "no"])
def test_dry_run_is_true_or_false(sandbox, word):
    """Anything else could mean both."""
    with pytest.raises(errors.MailframeError, match="neither True nor False"):
        campaign(1).send(sandbox.server, dry_run=word)


def test_a_folder_that_cannot_be_written_is_refused(sandbox, tmp_path):
    """A send could not create a ledger there."""
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.LedgerError, match="cannot be used"):
        send_with(campaign(1), sandbox.server, dry_run=True, ledger=tmp_path / "file" / "l.sqlite3")


HASTE = RetryPolicy(first_wait_s=0.001, search_s=0.0)
EARLIER = st.lists(
    st.fixed_dictionaries(
        {
            "rows": st.integers(1, 8),
            "limit": st.none() | st.integers(0, 5),
            "fault": st.none()
            | st.sampled_from(["close_accepted", "close_lost", "half_answer_accepted"]),
            "letter": st.booleans(),
        }
    ),
    max_size=3,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(earlier=EARLIER, rows=st.integers(1, 9), limit=st.none() | st.integers(0, 9))
def test_a_send_does_what_the_dry_run_says(earlier, rows, limit):
    """After any history: the same recipients in the same batches, and the same other rows."""
    other = LETTER.replace(subject="Another {{ n }}")
    with (
        tempfile.TemporaryDirectory() as folder,
        mf.Sandbox(in_process=True, suppressions=[GONE]) as sandbox,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        ledger = Path(folder) / "ledger.sqlite3"
        options = {"ledger": ledger, "allow_changed": True, "retry_policy": HASTE}
        for run in earlier:
            if run["fault"]:
                sandbox.fault(Fault(run["fault"], path="/email/batch", times=1))
            composed = people(run["rows"]).mail.compose(
                other if run["letter"] else LETTER, name="numbers"
            )
            send_with(composed, sandbox.server, limit=run["limit"], **options)
        sandbox._handler.schedule.clear()
        before = files(Path(folder))
        dry = send_with(campaign(rows), sandbox.server, limit=limit, dry_run=True, **options)
        assert files(Path(folder)) == before
        sent = send_with(campaign(rows), sandbox.server, limit=limit, **options)
        posted = dry["reason"] == "dry run"
        assert sent.loc[posted, "status"].isin(["accepted", "rejected"]).all()
        pd.testing.assert_frame_equal(
            dry.loc[posted, ["To", "batch"]], sent.loc[posted, ["To", "batch"]]
        )
        pd.testing.assert_frame_equal(dry[~posted], sent[~posted])


@pytest.mark.parametrize("frame", [people(4), people(4).assign(email="no")], ids=["rows", "none"])
def test_a_ledger_in_wal_mode_is_not_touched(sandbox, tmp_path, frame):
    """There a reader writes files beside the ledger, also to look up the rows of a refused run."""
    ledger = tmp_path / "ledger.sqlite3"
    send_with(campaign(4), sandbox.server, limit=2, ledger=ledger)
    with closing(sqlite3.connect(ledger)) as other:
        other.execute("PRAGMA journal_mode = WAL")
    before = files(tmp_path)
    composed = frame.mail.compose(LETTER, name="numbers")
    with pytest.raises(errors.MailframeError, match=r"WAL|fix the problems"):
        send_with(composed, sandbox.server, ledger=ledger, dry_run=True)
    assert files(tmp_path) == before
    sent = send_with(campaign(4), sandbox.server, ledger=ledger)
    assert sent["status"].tolist() == ["skipped", "skipped", "accepted", "rejected"]


@pytest.mark.parametrize("scene", ["dangling link", "locks are a file"])
def test_a_path_that_a_send_cannot_use_is_refused(sandbox, tmp_path, scene):
    """A link into a folder that does not exist, and a file where the locks belong."""
    ledger = tmp_path / "ledger.sqlite3"
    if scene == "dangling link":
        ledger.symlink_to(tmp_path / "absent" / "ledger.sqlite3")
    else:
        ledger.with_name(f"{ledger.name}-locks").write_text("")
    for is_dry in (True, False):
        with pytest.raises(errors.LedgerError, match=r"cannot be (used|opened|created)"):
            send_with(campaign(1), sandbox.server, ledger=ledger, dry_run=is_dry)


def test_an_interrupted_dry_run_does_not_say_how_much_a_send_would_post(sandbox, monkeypatch):
    """It does not know; "0 messages" would be contradicted by the send."""
    note = Run._note_batches

    def interrupted(run, batches):
        run.interrupts.note()
        note(run, batches)

    monkeypatch.setattr(Run, "_note_batches", interrupted)
    results = dry_run(campaign(3), sandbox)
    assert results.summary_line == (
        "Dry run that did not reach its end: nothing was sent or recorded. 3 rows: 3 unsent."
    )


def test_a_refused_dry_run_does_not_say_how_much_a_send_would_post(sandbox):
    """The results of the error say that it did not reach its end."""
    with pytest.raises(errors.InvalidRows) as caught:
        dry_run(people(2).assign(email="no").mail.compose(LETTER, name="numbers"), sandbox)
    assert caught.value.results.summary_line.startswith("Dry run that did not reach its end: ")
