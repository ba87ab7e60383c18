"""Each mutant of the ledger causes a duplicate or a false status; the real ledger does not."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

import mailframe as mf
from mailframe.sandbox import Fault
from tests.campaigns import people
from tests.send.ledger.child import Job, finish, start, wait_for
from tests.send.ledger.judging import judged

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 3


@dataclass
class Scene:
    """A sandbox, a ledger, and children that send through them.

    Attributes:
        sandbox: over real sockets.
        folder: for the ledger and what the children say.
        mutants: that the children have.
        said: statuses that children gave to rows that the sandbox denies or has.
    """

    sandbox: mf.Sandbox
    folder: Path
    mutants: tuple[str, ...]
    rows: int = ROWS
    lies: list[str] = field(default_factory=list)

    @property
    def ledger(self) -> str:
        """The path of the ledger."""
        return str(self.folder / "ledger.sqlite3")

    def job(self, name: str, **options) -> Job:
        """A child's job with this scene's mutants."""
        return Job(
            people(self.rows),
            self.sandbox.url,
            self.ledger,
            str(self.folder / name),
            mutants=self.mutants,
            **options,
        )

    def send(self, name: str, **options) -> str:
        """One child from its start to its end; its error or ""."""
        job = self.job(name, **options)
        return self.ended(start(job), job)

    def ended(self, process, job: Job) -> str:
        """Wait for a child; its results are held against the sandbox."""
        error, results = finish(process, job)
        if results is not None:
            there = set(self.sandbox.messages()["To"])
            unsent = results.loc[results["status"].isin(["unsent", "rejected"]), "email"]
            self.lies += [
                f"{email} is said to be unsent and is there" for email in unsent if email in there
            ]
        return error

    @property
    def faults(self) -> str:
        """What is wrong now."""
        fault = judged(people(self.rows), self.ledger, self.sandbox).fault
        return "; ".join(filter(None, [fault, *self.lies[:1]]))

    @property
    def copies(self) -> Counter[str]:
        """How many mails each person has."""
        return Counter(self.sandbox.messages()["To"])


def killed_after_the_request(scene: Scene) -> None:
    """A sender dies before it records the answer; another sends, and no search shows it yet."""
    scene.sandbox.pause()
    assert scene.send("one", point="after_post") == "killed"
    scene.send("two")


def no_answer_in_time(scene: Scene) -> None:
    """The server takes the first batch and says nothing."""
    scene.sandbox.pause()
    scene.sandbox.fault(Fault("hang_accepted", request=1, delay_s=60.0))
    scene.send("one", timeout_s=2.0)


def lost_without_a_clear_answer(scene: Scene) -> None:
    """The server takes nothing and does not say so."""
    scene.sandbox.fault(Fault("http_500_lost", request=1))
    scene.send("one")


def two_at_once(scene: Scene) -> None:
    """While one sender waits for its first answer, another process sends the same campaign."""
    scene.rows = 501
    (scene.folder / "hold").mkdir()
    job = scene.job("one", point="before_post", hold=str(scene.folder / "hold"))
    process = start(job)
    wait_for(scene.folder / "hold" / "held")
    scene.send("two")
    (scene.folder / "hold" / "go").touch()
    scene.ended(process, job)


def overtaken_before_the_note(scene: Scene) -> None:
    """Before one notes its batch, another process sends the same rows."""
    (scene.folder / "hold").mkdir()
    job = scene.job("one", point="before_t1", hold=str(scene.folder / "hold"))
    process = start(job)
    wait_for(scene.folder / "hold" / "held")
    scene.send("two")
    (scene.folder / "hold" / "go").touch()
    scene.ended(process, job)
    scene.lies.clear()  # what one says of rows that two took is another scene's business


def begun_while_another_is_sending(scene: Scene) -> None:
    """Without the lock, a second sender begins while the first batch of the first is in flight."""
    (scene.folder / "hold").mkdir()
    (scene.folder / "begin").mkdir()
    late = scene.job("two", point="after_recover", hold=str(scene.folder / "begin"))
    second = start(late)
    wait_for(scene.folder / "begin" / "held")
    job = scene.job("one", point="before_post", hold=str(scene.folder / "hold"))
    first = start(job)
    wait_for(scene.folder / "hold" / "held")
    (scene.folder / "begin" / "go").touch()
    scene.ended(second, late)
    (scene.folder / "hold" / "go").touch()
    scene.ended(first, job)


TABLE = (
    (("recover to planned",), (), killed_after_the_request, "3 twice"),
    (("no T1",), (), killed_after_the_request, "3 twice"),
    (("timeout is unsent",), (), no_answer_in_time, "3 twice"),
    (("accepted before the answer",), (), lost_without_a_clear_answer, "3 accepted_not_there"),
    (("campaign lock off",), (), two_at_once, "is said to be unsent and is there"),
    (
        ("campaign lock off", "claim count unchecked"),
        ("campaign lock off",),
        overtaken_before_the_note,
        "3 twice",
    ),
)


@contextmanager
def staged(folder: Path, mutants: tuple[str, ...]):
    """A scene with a sandbox of its own."""
    folder.mkdir()
    with mf.Sandbox() as sandbox:
        yield Scene(sandbox, folder, mutants)


@pytest.mark.parametrize(
    ("mutants", "sound", "scenario", "seen"), TABLE, ids=[" + ".join(row[0]) for row in TABLE]
)
def test_a_mutant_is_seen_and_without_it_nothing_is_wrong(tmp_path, mutants, sound, scenario, seen):
    """The same scenario twice: once with the mutant, once without it."""
    with staged(tmp_path / "mutant", mutants) as scene:
        scenario(scene)
        assert seen in scene.faults
    with staged(tmp_path / "sound", sound) as scene:
        scenario(scene)
        assert scene.faults == ""
        assert max(scene.copies.values(), default=0) <= 1


def test_messages_in_flight_of_another_sender_are_unconfirmed_without_the_campaign_lock(tmp_path):
    """A second protection: messages that are sending are not planned again by another run."""
    with staged(tmp_path / "scene", ("campaign lock off",)) as scene:
        begun_while_another_is_sending(scene)
        assert scene.faults == ""
        assert scene.copies == {f"p{n}@example.com": 1 for n in range(ROWS)}
