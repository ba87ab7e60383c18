"""An answer and the next claim in one transaction: one sync, and never less than before."""

from __future__ import annotations

import os
import signal
import uuid
from functools import partial
from pathlib import Path

import pytest

import mailframe as mf
from mailframe import errors
from mailframe.errors import LedgerError
from mailframe.message.batch import Batch
from mailframe.message.checked_rows import checked_messages
from mailframe.paths import default_path
from mailframe.postmark import search
from mailframe.postmark.responses import Answer, Outcome, Verdict
from mailframe.results.row_results import RowResults
from mailframe.send.ledger import Ledger
from mailframe.send.ledger.session import LedgerSession, SessionWithoutLedger
from mailframe.send.states import MessageState
from tests.campaigns import LETTER, campaign, people, send_with
from tests.postgres import on_files
from tests.send.ledger.child import limit_files
from tests.send.ledger.digests import random_digests
from tests.systems import KILL, KILLED, fresh_processes

pytestmark = pytest.mark.usefixtures("on_both")

PLANNED, SENDING, ACCEPTED, REJECTED, UNKNOWN = MessageState
ROWS = 6


class Options:
    """The options that a session reads."""

    allow_changed = allow_repeat = recount = False


@pytest.fixture
def sandbox():
    """A Postmark without a socket."""
    with mf.Sandbox(in_process=True) as opened:
        yield opened


class Sender:
    """A session with its batches of two messages, and the ledger of this test.

    Args:
        ledger: open.
        sandbox: that is asked before the plan.
        name: of the campaign.
    """

    def __init__(self, ledger: Ledger, sandbox: mf.Sandbox, name: str = "numbers") -> None:
        composed = people(ROWS).mail.compose(LETTER, name=name)._composed
        preflight = composed.preflight()
        self.ledger = ledger
        self.record = ledger.campaign(search.scope_of(sandbox.server), name)
        self.session = LedgerSession(
            ledger, self.record, composed, sandbox.server, Options(), is_resent=None
        )
        self.session.begin(preflight, RowResults(ROWS), wanted=preflight.sendable)
        messages = tuple(checked_messages(composed.bound, preflight))
        self.batches = [
            Batch(start // 2 + 1, messages[start : start + 2]) for start in range(0, ROWS, 2)
        ]

    def states(self) -> list[MessageState]:
        """The state of each row."""
        return [MessageState(one) for one in self.ledger.recorded_messages(self.record).states]


def answer() -> Answer:
    """Two messages are accepted."""
    outcomes = tuple(Outcome(0, "OK", str(uuid.uuid4())) for _ in range(2))
    return Answer(Verdict.ANSWERED, outcomes=outcomes)


ANSWERS = {
    "answered": (answer(), [ACCEPTED] * 2, "answered"),
    "unknown": (Answer(Verdict.UNKNOWN, reason="no reply"), [UNKNOWN] * 2, "unknown"),
    "unsent": (Answer(Verdict.BUSY, reason="HTTP 429"), [PLANNED] * 2, "unsent"),
}


@on_files
@pytest.mark.parametrize("kind", ANSWERS)
def test_the_answer_and_the_next_claim_are_one_transaction(sandbox, kind):
    """One BEGIN and one COMMIT, and both are recorded."""
    given, states, ended = ANSWERS[kind]
    with Ledger(default_path()) as ledger:
        sender = Sender(ledger, sandbox)
        first = sender.session.claim(sender.batches[0])
        statements: list[str] = []
        ledger.db._connection.set_trace_callback(statements.append)
        second = sender.session.claim(sender.batches[1], after=(first, given))
        ledger.db._connection.set_trace_callback(None)
        assert sender.states() == [*states, SENDING, SENDING, PLANNED, PLANNED]
        assert [row[0] for row in ledger.db.all("SELECT state FROM attempt")] == [ended, "sending"]
        assert second.batch.body.count(second.attempt.uid.encode()) == 2
    words = [statement.split()[0] for statement in statements]
    assert words[0] == "BEGIN"
    assert words[-1] == "COMMIT"
    assert words.count("BEGIN") == words.count("COMMIT") == 1


def test_an_answer_is_recorded_if_another_sender_has_taken_the_next_batch(sandbox):
    """The claim is refused; the answer of the batch before it is on the disk."""
    with Ledger(default_path()) as ledger, Ledger(default_path()) as other:
        sender = Sender(ledger, sandbox)
        first = sender.session.claim(sender.batches[0])
        ids = ledger.recorded_messages(sender.record).ids
        other.claim(sender.record, ids[3:4], number=9, streams=["outbound"])
        with pytest.raises(LedgerError, match="1 of 2 messages were claimed by another sender"):
            sender.session.claim(sender.batches[1], after=(first, answer()))
        assert sender.states() == [ACCEPTED, ACCEPTED, PLANNED, SENDING, PLANNED, PLANNED]


def test_an_answer_is_recorded_if_another_campaign_has_sent_the_next_messages(sandbox):
    """``AlreadySentElsewhere`` is raised after the record."""
    with Ledger(default_path()) as ledger:
        sender, elsewhere = Sender(ledger, sandbox), Sender(ledger, sandbox, name="elsewhere")
        first = sender.session.claim(sender.batches[0])
        elsewhere.session.claim(elsewhere.batches[1])
        with pytest.raises(errors.AlreadySentElsewhere, match="2 as 'elsewhere'"):
            sender.session.claim(sender.batches[1], after=(first, answer()))
        assert sender.states() == [ACCEPTED, ACCEPTED, *[PLANNED] * 4]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_answer_is_recorded_if_the_claim_is_interrupted(sandbox, error):
    """Whatever ends the claim, the record before it stays."""

    def interrupted():
        raise error

    with Ledger(default_path()) as ledger:
        sender = Sender(ledger, sandbox)
        first = sender.session.claim(sender.batches[0])
        with pytest.raises(error):
            ledger.record_and_claim(
                partial(sender.session.record_answer, first, answer()), interrupted
            )
        assert sender.states() == [ACCEPTED, ACCEPTED, *[PLANNED] * 4]


def test_messages_that_were_unsent_can_be_claimed_in_the_same_transaction(sandbox):
    """The batch itself is tried again at once."""
    with Ledger(default_path()) as ledger:
        sender = Sender(ledger, sandbox)
        first = sender.session.claim(sender.batches[0])
        busy = Answer(Verdict.BUSY, reason="HTTP 429")
        again = sender.session.claim(sender.batches[0], after=(first, busy))
        sender.session.record_answer(again, answer())
        assert sender.states() == [ACCEPTED, ACCEPTED, *[PLANNED] * 4]


@on_files
def test_a_session_without_a_ledger_takes_an_answer_too():
    """It records nothing."""
    batch = Batch(1, ())
    session = SessionWithoutLedger()
    claimed = session.claim(batch)
    assert session.claim(batch, after=(claimed, answer())).batch is batch


# --- kills and full disks ------------------------------------------------------------------------


def _work(path: str, statement: int) -> None:
    """Plan, claim, record, record and claim; killed when SQLite begins that statement."""
    left = [statement]

    def count(_statement: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), KILL)

    with Ledger(Path(path)) as ledger:
        # so that a transaction that was not committed has changed the file itself
        ledger.db.run("PRAGMA cache_size = 1")
        ledger.db._connection.set_trace_callback(count)
        record = ledger.campaign("test", "numbers")
        ids = ledger.plan(record, random_digests(ROWS))
        first = ledger.claim(record, ids[:2], number=1, streams=["outbound"])
        lines = [(row, ACCEPTED, str(uuid.uuid4()), 0) for row in ids[:1].tolist()]
        lines += [(row, REJECTED, None, 406) for row in ids[1:2].tolist()]
        second = ledger.record_and_claim(
            partial(ledger.record_outcomes, first, lines),
            partial(ledger.claim, record, ids[2:4], number=2, streams=["outbound"]),
        )
        ledger.record_and_claim(
            partial(ledger.record_unknown, second, "no reply"),
            partial(ledger.claim, record, ids[4:6], number=3, streams=["outbound"]),
        )
    os._exit(7)


STEPS = [
    ([], []),
    ([PLANNED] * 6, []),
    ([SENDING] * 2 + [PLANNED] * 4, ["sending"]),
    ([ACCEPTED, REJECTED, SENDING, SENDING, PLANNED, PLANNED], ["answered", "sending"]),
    ([ACCEPTED, REJECTED, UNKNOWN, UNKNOWN, SENDING, SENDING], ["answered", "unknown", "sending"]),
]
"""What the file may say: the states of the messages and of the requests after each transaction."""


@on_files
@pytest.mark.slow
def test_a_kill_between_any_two_statements_leaves_one_of_the_recorded_steps(tmp_path):
    """Never half of a transaction, and each later kill leaves the same step or a later one."""
    context = fresh_processes("tests.send.ledger.test_record_and_claim")
    reached = []
    for statement in range(1, 200):
        path = tmp_path / f"{statement}.sqlite3"
        Ledger(path).close()
        child = context.Process(target=_work, args=(str(path), statement))
        child.start()
        child.join(60)
        with Ledger(path) as ledger:
            found = [ledger.recorded_messages(record) for record, _ in ledger.campaigns()]
            states = [MessageState(one) for part in found for one in part.states.tolist()]
            requests = [row[0] for row in ledger.db.all("SELECT state FROM attempt ORDER BY id")]
            reached.append(STEPS.index((states, requests)))
            for record, _ in ledger.campaigns():
                ledger.recover(record)
                assert SENDING not in ledger.counts(record)
        if child.exitcode == 7:
            break
        assert child.exitcode == KILLED
    assert reached == sorted(reached)
    assert set(reached) == set(range(len(STEPS)))


def _work_on_a_full_disk(path: str, further_bytes: int, report: str) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write fails instead, as on a full disk
    with Ledger(Path(path)) as ledger:
        [(record, _)] = ledger.campaigns()
        ids = ledger.recorded_messages(record).ids
        first = ledger.claim(record, ids[:500], number=1, streams=["outbound"])
        size = Path(path).stat().st_size + further_bytes
        limit_files(size)
        lines = [(row, ACCEPTED, str(uuid.uuid4()), 0) for row in ids[:500].tolist()]
        # requests whose runs need further pages
        scattered = ids[500:4_000:2]
        try:
            ledger.record_and_claim(
                partial(ledger.record_outcomes, first, lines),
                partial(ledger.claim, record, scattered, number=2, streams=["outbound"]),
            )
        except LedgerError:
            Path(report).write_text("refused")
        else:
            Path(report).write_text("done")


@on_files
@pytest.mark.skipif(os.name != "posix", reason="limits of the size of a file are POSIX")
def test_an_answer_is_recorded_on_a_full_disk_that_has_no_room_for_the_next_claim(tmp_path):
    """The place of the MessageIDs was reserved by the plan; only the claim needs a further page."""
    context = fresh_processes()
    path, report = tmp_path / "ledger.sqlite3", tmp_path / "report"
    with Ledger(path) as ledger:
        record = ledger.campaign("test", "numbers")
        ledger.plan(record, random_digests(4_000))
    child = context.Process(target=_work_on_a_full_disk, args=(str(path), 0, str(report)))
    child.start()
    child.join(60)
    assert report.read_text() == "refused"
    with Ledger(path) as ledger:
        assert ledger.counts(record) == {ACCEPTED: 500, PLANNED: 3_500}


def test_a_run_whose_batches_are_recorded_this_way_is_true(sandbox):
    """From the first batch to the last: the answer of each with the claim of the next."""
    with Ledger(default_path()) as ledger:
        sender = Sender(ledger, sandbox)
        claimed = sender.session.claim(sender.batches[0])
        for batch in sender.batches[1:]:
            claimed = sender.session.claim(batch, after=(claimed, sandbox_answer(sandbox, claimed)))
        sender.session.record_answer(claimed, sandbox_answer(sandbox, claimed))
        assert sender.states() == [ACCEPTED] * ROWS
    assert sandbox.messages()["To"].is_unique
    assert set(send_with(campaign(ROWS), sandbox.server)["reason"]) == {"already_sent"}


def sandbox_answer(sandbox: mf.Sandbox, claimed) -> Answer:
    """The answer to a batch that is posted now."""
    return sandbox.server.send_batch(claimed.batch)
