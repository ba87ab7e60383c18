"""Several processes and one campaign: one sends, the others are told; a fork is no second sender."""

from __future__ import annotations

import os
import signal

import pytest

import mailframe as mf
from mailframe import errors
from mailframe.paths import default_path
from mailframe.send.ledger import Ledger
from tests.campaigns import campaign, people, send_with
from tests.send.ledger.child import Job, finish, start, wait_for
from tests.send.ledger.judging import judged


def test_of_processes_that_start_together_one_sends_and_the_others_are_told(tmp_path):
    """Four at once, in several rounds: the others find the campaign busy or everything sent; nobody has two."""
    busy = 0
    with mf.Sandbox(delay_s=0.15) as sandbox:
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
            said = [finish(process, job) for process, job in [(start(job), job) for job in jobs]]
            busy += sum(error == "CampaignBusy" for error, _ in said)
            assert {error for error, _ in said} <= {"", "CampaignBusy"}
            assert sum(results["status"].eq("accepted").any() for _, results in said) == 1
            assert sandbox.messages()["To"].value_counts().to_dict() == {
                f"p{n}@example.com": 1 for n in range(60)
            }
            sandbox.clear()
    assert busy >= 3


REPEAT = {"allow_repeat": True}


def test_without_the_campaign_lock_the_claim_still_keeps_them_apart(tmp_path):
    """Four processes whose lock is switched off: a batch goes out once, and the others are told who took it."""
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
        found = judged(people(1_200), ledger, sandbox)
        assert found.twice == []
        assert found.accepted_not_there == []
        assert found.denied_but_there == []


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
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert set(send_with(campaign(3), sandbox.server, ledger=ledger)["reason"]) == {
            "already_sent"
        }
        assert len(sandbox.messages()) == 3


def test_two_names_of_one_ledger_are_one_lock(tmp_path):
    """A symbolic link to the ledger does not open a second door."""
    real, link = tmp_path / "real" / "ledger.sqlite3", tmp_path / "link.sqlite3"
    with Ledger(real) as first:
        link.symlink_to(real)
        found = first.campaign("test", "numbers")
        with (
            first.sender_of(found),
            Ledger(link) as second,
            pytest.raises(errors.CampaignBusy),
            second.sender_of(found),
        ):
            pass


def test_a_campaign_s_lock_that_nobody_can_take_is_not_called_busy(tmp_path):
    """A lock file that is damaged is an error of the ledger, not another notebook."""
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        found = ledger.campaign("test", "numbers")
        locks = tmp_path / "ledger.sqlite3-locks"
        locks.mkdir()
        (locks / "1.sqlite3").write_bytes(b"no database" * 100)
        with (
            pytest.raises(errors.LedgerError, match="cannot be locked") as caught,
            ledger.sender_of(found),
        ):
            pass
    assert not isinstance(caught.value, errors.CampaignBusy)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_ledger_is_refused_in_a_forked_child():
    """The child would share the connection and the locks of its parent."""
    with Ledger(default_path()) as ledger:
        found = ledger.campaign("test", "numbers")
        child = os.fork()
        if child == 0:
            try:
                ledger.recover(found)
            except errors.LedgerError as error:
                os._exit(0 if "fork" in str(error) else 2)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert ledger.recover(found) == 0


class LateLedger(Ledger):
    """Its first look finds nothing, as when another process notes the campaign just after it."""

    looked = False

    def find(self, scope, name):
        """Nothing at the first look."""
        found, self.looked = (super().find(scope, name) if self.looked else None), True
        return found


def test_a_new_campaign_is_noted_once_however_many_begin_it(tmp_path):
    """The second to note it meets the line of the first, and no error."""
    path = tmp_path / "ledger.sqlite3"
    with Ledger(path) as first, LateLedger(path) as second:
        assert first.campaign("scope", "name").id == second.campaign("scope", "name").id
