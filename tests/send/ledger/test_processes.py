"""Several processes and one campaign: one sends, the others are refused, and so is a fork."""

from __future__ import annotations

import os

import pytest

import mailframe as mf
from mailframe import errors
from mailframe.paths import default_path
from mailframe.send.ledger import Ledger
from tests.campaigns import campaign, people, send_with
from tests.send.ledger.child import Job, finish, start, wait_for
from tests.send.ledger.judging import judged
from tests.systems import KILL


def test_of_processes_that_start_together_one_sends_and_the_others_get_an_error(tmp_path):
    """Four at once, several rounds: the others find it busy or sent, and there is no duplicate."""
    busy = 0
    with mf.Sandbox(delay_s=0.5) as sandbox:
        for number in range(3):
            name, ledger = f"round {number}", str(tmp_path / "ledger.sqlite3")
            jobs = [
                Job(
                    people(60),
                    sandbox.url,
                    ledger,
                    str(tmp_path / f"{number}-{child}"),
                    name=name,
                    options=REPEAT,
                )
                for child in range(4)
            ]
            ended = [finish(process, job) for process, job in [(start(job), job) for job in jobs]]
            busy += sum(error == "CampaignBusy" for error, _ in ended)
            assert {error for error, _ in ended} <= {"", "CampaignBusy"}
            assert sum(results["status"].eq("accepted").any() for _, results in ended) == 1
            assert sandbox.messages()["To"].value_counts().to_dict() == {
                f"p{n}@example.com": 1 for n in range(60)
            }
            sandbox.clear()
    assert busy >= 1


REPEAT = {"allow_repeat": True}


def test_without_the_campaign_lock_the_claim_still_keeps_them_apart(tmp_path):
    """Four processes without the campaign lock: a batch is sent once, the others get an error."""
    with mf.Sandbox(delay_s=0.05) as sandbox:
        ledger = str(tmp_path / "ledger.sqlite3")
        jobs = [
            Job(
                people(1_200),
                sandbox.url,
                ledger,
                str(tmp_path / f"{child}"),
                mutants=("campaign lock off",),
            )
            for child in range(4)
        ]
        for process, job in [(start(job), job) for job in jobs]:
            finish(process, job)
        record = judged(people(1_200), ledger, sandbox)
        assert record.twice == []
        assert record.accepted_not_there == []
        assert record.denied_but_there == []


def test_a_second_run_while_one_is_under_way_is_busy_and_one_after_it_is_not(tmp_path):
    """The lock is dropped with the process that held it, also when that one is killed."""
    ledger, hold = str(tmp_path / "ledger.sqlite3"), tmp_path / "hold"
    hold.mkdir()
    with mf.Sandbox() as sandbox:
        job = Job(
            people(3),
            sandbox.url,
            ledger,
            str(tmp_path / "report"),
            point="after_post",
            hold=str(hold),
            name="numbers",
        )
        process = start(job)
        wait_for(hold / "held")
        with pytest.raises(errors.CampaignBusy, match="'numbers' is being sent by another"):
            send_with(campaign(3), sandbox.server, ledger=ledger)
        with pytest.raises(errors.CampaignBusy):
            mf.reconcile("numbers", sandbox.server, ledger=ledger)
        os.kill(process.pid, KILL)
        process.join()
        assert set(send_with(campaign(3), sandbox.server, ledger=ledger)["reason"]) == {
            "already_sent"
        }
        assert len(sandbox.messages()) == 3


def test_two_names_of_one_ledger_are_one_lock(tmp_path):
    """A symbolic link to the ledger has the same lock."""
    real, link = tmp_path / "real" / "ledger.sqlite3", tmp_path / "link.sqlite3"
    with Ledger(real) as first:
        link.symlink_to(real)
        record = first.campaign("test", "numbers")
        with (
            first.lock_campaign(record),
            Ledger(link) as second,
            pytest.raises(errors.CampaignBusy),
            second.lock_campaign(record),
        ):
            pass


def test_a_campaign_lock_that_cannot_be_taken_is_not_called_busy(tmp_path):
    """A lock file that is damaged is an error of the ledger, not another notebook."""
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        record = ledger.campaign("test", "numbers")
        locks = tmp_path / "ledger.sqlite3-locks"
        locks.mkdir()
        (locks / "1.sqlite3").write_bytes(b"no database" * 100)
        with (
            pytest.raises(errors.LedgerError, match="cannot be locked") as caught,
            ledger.lock_campaign(record),
        ):
            pass
    assert not isinstance(caught.value, errors.CampaignBusy)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_ledger_is_refused_in_a_forked_child():
    """The child would share the connection and the locks of its parent."""
    with Ledger(default_path()) as ledger:
        record = ledger.campaign("test", "numbers")
        child = os.fork()
        if child == 0:
            try:
                ledger.recover(record)
            except errors.LedgerError as error:
                os._exit(0 if "fork" in str(error) else 2)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert ledger.recover(record) == 0


class LateLedger(Ledger):
    """Its first lookup finds nothing, as if another process recorded the campaign just after it."""

    looked = False

    def find_campaign(self, scope, name):
        """Nothing at the first lookup."""
        record, self.looked = (super().find_campaign(scope, name) if self.looked else None), True
        return record


def test_a_new_campaign_is_recorded_once_by_several_senders(tmp_path):
    """The second to record it finds the row of the first, and no error is raised."""
    path = tmp_path / "ledger.sqlite3"
    with Ledger(path) as first, LateLedger(path) as second:
        assert first.campaign("scope", "name").id == second.campaign("scope", "name").id
