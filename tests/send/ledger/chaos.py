"""Senders that are killed with SIGKILL during faults: ``python -m tests.send.ledger.chaos``.

Each campaign is sent by real processes to a sandbox over real sockets. About 40 % of the requests
meet a fault, a search can lag or fail, and the senders are killed: half of them at named points,
half at random times. Then they run again until nothing is left to send. The judge is the sandbox's
own list of accepted messages.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import mailframe as mf
from mailframe.sandbox import Fault, FaultName
from mailframe.send.ledger import MessageState
from tests.campaigns import people
from tests.postgres import PostgresServer
from tests.send.ledger.child import POINTS, Job, finish, report, start
from tests.send.ledger.judging import Judgement, age, judged

if TYPE_CHECKING:
    from mailframe.sandbox.faults.schedule import Arrival

FAULTS = (
    FaultName.CLOSE_ACCEPTED,
    FaultName.RESET_ACCEPTED,
    FaultName.HALF_ANSWER_ACCEPTED,
    FaultName.HANG_ACCEPTED,
    FaultName.LATE_ACCEPTED,
    FaultName.HANG_LOST,
    FaultName.CLOSE_BEFORE_BODY,
    FaultName.CLOSE_LOST,
    FaultName.PART_ACCEPTED,
    FaultName.HTTP_429,
    FaultName.HTTP_429_RETRY_AFTER,
    FaultName.HTTP_503_JSON,
    FaultName.HTTP_503_HTML_ACCEPTED,
    FaultName.HTTP_503_HTML_LOST,
    FaultName.HTTP_500_LOST,
    FaultName.HTTP_500_ACCEPTED,
    FaultName.HTTP_504_ACCEPTED,
    FaultName.HTML_REPLY,
    FaultName.SHORT_REPLY,
    FaultName.LONG_REPLY,
    FaultName.SHUFFLED_REPLY,
    FaultName.OBJECT_REPLY,
    FaultName.HTTP_307,
)
SEARCH_FAULTS = ("http_500_lost", "http_503_json", "close_lost", "html_reply", "partial")
SEARCH = "/messages/outbound"
GOOD = 0.6
SEARCH_FAILS = 0.1
TIMEOUT_S = 0.6
HANG_S = 1.2
"""Longer than the client waits, so that it gives up first."""
SMALL = 40
"""Messages in a batch that has been halved down to what the server takes."""
MAX_RUNS = 120


@dataclass
class Weather:
    """What goes wrong, request by request: the same for the same seed and the same requests.

    Attributes:
        seed: of the campaign.
        max_bytes: a longer request is answered with 413, so that batches are halved; 0 accepts all.
        calm: nothing goes wrong any more.
        met: how often each fault was met.
    """

    seed: int
    max_bytes: int
    calm: bool = False
    met: Counter[str] = field(default_factory=Counter)

    def send(self, arrival: Arrival) -> Fault | None:
        """The fault of a request that sends."""
        if self.max_bytes and arrival.bytes > self.max_bytes:
            return Fault(FaultName.HTTP_413_HTML)
        chance = random.Random(f"{self.seed}/{arrival.number}")
        self.met["requests"] += 1
        if self.calm or chance.random() < GOOD:
            return None
        name = chance.choice(FAULTS)
        self.met[name] += 1
        waits = name in (FaultName.HANG_ACCEPTED, FaultName.HANG_LOST, FaultName.LATE_ACCEPTED)
        return Fault(name, delay_s=HANG_S if waits else None, retry_after_s=0)

    def search(self, arrival: Arrival) -> Fault | None:
        """The fault of a search."""
        chance = random.Random(f"{self.seed}/search/{arrival.number}")
        if self.calm or chance.random() >= SEARCH_FAILS:
            return None
        return Fault(chance.choice(SEARCH_FAULTS), path=SEARCH)


@dataclass
class Figures:
    """What one campaign or all of them came to."""

    campaigns: int = 0
    rows: int = 0
    runs: int = 0
    requests: int = 0
    faulted: int = 0
    kills_at_points: int = 0
    kills_at_random: int = 0
    twice: int = 0
    accepted_not_there: int = 0
    denied_but_there: int = 0
    missing: int = 0
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    unknown_really_accepted: int = 0
    found_by_reconcile: int = 0
    released: int = 0
    end_accepted: int = 0
    end_rejected: int = 0
    end_wrong: int = 0

    @property
    def kills(self) -> int:
        """Senders that were killed."""
        return self.kills_at_points + self.kills_at_random

    @property
    def is_clean(self) -> bool:
        """Whether no row was sent twice, lied or lost, and in the end each was accepted once."""
        wrong = (
            self.twice
            + self.accepted_not_there
            + self.denied_but_there
            + self.missing
            + self.end_wrong
        )
        return wrong == 0 and self.end_accepted + self.end_rejected == self.rows

    def add(self, other: Figures) -> None:
        """Take the figures of another in."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def lines(self) -> list[str]:
        """One figure a line."""
        return [f"{name.replace('_', ' '):>24}: {value:,}" for name, value in vars(self).items()]


class Chaos:
    """One campaign in bad weather."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int,
        rows: int,
        kills: int,
        max_bytes: int,
        ledger: str | None = None,
    ) -> None:
        self.seed, self.rows, self.kills = seed, rows, kills
        self.chance = random.Random(seed)
        self.frame = people(rows)
        self.ledger = ledger or str(folder / f"ledger-{seed}.sqlite3")
        self.folder = folder
        self.weather = Weather(seed, max_bytes)
        self.figures = Figures(campaigns=1, rows=rows)
        self.gone = self.chance.sample(self.frame["email"].tolist(), max(1, rows // 100))

    def run(self) -> Figures:
        """Send in bad weather, judge, settle, release, send the rest, judge again."""
        lag_s = self.chance.choice([0.0, self.chance.random()])
        with mf.Sandbox(suppressions=self.gone, index_delay_s=lag_s, seed=self.seed) as sandbox:
            sandbox.fault(self.weather.send)
            sandbox.fault(self.weather.search, path=SEARCH)
            self._send_until_done(sandbox)
            time.sleep(HANG_S)  # what is taken late has been taken now
            self._note(judged(self.frame, self.ledger, sandbox))
            sandbox.index_delay_s = 0.0
            self.weather.calm = True
            self._settle(sandbox)
            self._judge_the_end(sandbox)
        self.figures.requests = self.weather.met.pop("requests")
        self.figures.faulted = self.weather.met.total()
        return self.figures

    def _job(self, **options) -> Job:
        path = self.folder / f"report-{self.seed}"
        return Job(
            self.frame,
            options.pop("url"),
            self.ledger,
            str(path),
            timeout_s=TIMEOUT_S,
            **options,
        )

    def _send_until_done(self, sandbox: mf.Sandbox) -> None:
        for _ in range(MAX_RUNS):
            self.figures.runs += 1
            if self.figures.kills < self.kills:
                done = self._killed_run(sandbox)
            else:
                job = self._job(url=sandbox.url)
                done = self._is_done(*finish(start(job), job))
            if done:
                return
        raise AssertionError(f"seed {self.seed}: not done after {MAX_RUNS} runs")

    def _is_done(self, error: str, results) -> bool:
        return (
            error != "killed" and results is not None and not (results["status"] == "unsent").any()
        )

    def _killed_run(self, sandbox: mf.Sandbox) -> bool:
        """A run that is to be killed; whether it came to the end all the same."""
        at_point = self.chance.random() < 0.5
        point = self.chance.choice(POINTS) if at_point else ""
        nth = 1 if point == "after_plan" else self.chance.randint(1, 4)
        job = self._job(
            url=sandbox.url, point=point, nth=nth, small=SMALL if self.weather.max_bytes else 500
        )
        process = start(job)
        if not at_point:
            self._wait_until_begun(job, process)
        process.join(None if at_point else self.chance.uniform(0.0, 0.3))
        process.kill()
        process.join()
        if process.exitcode < 0 and at_point:
            self.figures.kills_at_points += 1
        elif process.exitcode < 0:
            self.figures.kills_at_random += 1
        return self._is_done(*report(job))

    def _wait_until_begun(self, job: Job, process) -> None:
        """Most random kills come after the first batch of a size that the server takes."""
        if self.chance.random() < 0.2:
            return
        begun = Path(f"{job.report}-begun")
        while process.is_alive() and not begun.exists():
            time.sleep(0.002)

    def _note(self, judgement: Judgement) -> None:
        figures, states = self.figures, judgement.states
        figures.twice += len(judgement.twice)
        figures.accepted_not_there += len(judgement.accepted_not_there)
        figures.denied_but_there += len(judgement.denied_but_there)
        figures.missing += len(judgement.missing)
        figures.accepted += states[MessageState.ACCEPTED]
        figures.rejected += states[MessageState.REJECTED]
        figures.unknown += states[MessageState.UNKNOWN] + states[MessageState.SENDING]
        figures.unknown_really_accepted += judgement.really_accepted

    def _settle(self, sandbox: mf.Sandbox) -> None:
        """Ask, decide with a fence in sight, and send the rest."""
        asked = mf.reconcile("numbers", sandbox.server, ledger=self.ledger)
        self.figures.found_by_reconcile += int(asked["found"].sum())
        age(self.ledger)
        fence = Job(
            people(1).assign(email="fence@example.org"),
            sandbox.url,
            self.ledger,
            str(self.folder / f"fence-{self.seed}"),
        )
        fence = Job(**{**vars(fence), "name": "fence"})
        finish(start(fence), fence)
        self.figures.released += mf.resolve(
            "numbers",
            sandbox.server,
            as_="unsent",
            reason="chaos: a long time has passed",
            ledger=self.ledger,
        )
        job = self._job(url=sandbox.url)
        finish(start(job), job)

    def _judge_the_end(self, sandbox: mf.Sandbox) -> None:
        judgement = judged(self.frame, self.ledger, sandbox)
        self.figures.end_accepted += judgement.states[MessageState.ACCEPTED]
        self.figures.end_rejected += judgement.states[MessageState.REJECTED]
        copies = Counter(sandbox.messages()["To"])
        copies.pop("fence@example.org", None)
        expected = Counter(set(self.frame["email"]) - set(self.gone))
        self.figures.end_wrong += len((copies - expected) + (expected - copies))
        self.figures.end_wrong += sum(
            map(len, (judgement.accepted_not_there, judgement.denied_but_there, judgement.missing))
        )


def chaos(
    folder: Path, *, seed: int, rows: int, kills: int, max_bytes: int, ledger: str | None = None
) -> Figures:
    """One campaign; the same seed makes the same weather and the same plan of kills.

    Args:
        folder: for the ledger and what the senders report.
        seed: printed by the caller.
        rows: of the campaign.
        kills: senders to kill at most.
        max_bytes: of a request; 0 for the real batches of 500 messages.
        ledger: URL of a ledger; None for a file.
    """
    return Chaos(
        folder, seed=seed, rows=rows, kills=kills, max_bytes=max_bytes, ledger=ledger
    ).run()


def write(line: str) -> None:
    """Print one line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Run campaigns and print the figures; returns 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.send.ledger.chaos", description=__doc__)
    parser.add_argument("--campaigns", type=int, default=24)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=12, help="of each campaign, at most")
    parser.add_argument(
        "--seed", type=int, default=1, help="of the first campaign; the next ones follow"
    )
    parser.add_argument(
        "--max-bytes", type=int, default=15_000, help="of a request; 0: real batches of 500"
    )
    parser.add_argument("--ledger", choices=("sqlite", "postgres"), default="sqlite")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        server = None
        if options.ledger == "postgres":
            server = stack.enter_context(PostgresServer())
        return _run_all(options, server)


def _run_all(options: argparse.Namespace, server: PostgresServer | None) -> int:
    total = Figures()
    began = time.monotonic()
    for seed in range(options.seed, options.seed + options.campaigns):
        with tempfile.TemporaryDirectory() as folder:
            judgement = chaos(
                Path(folder),
                seed=seed,
                rows=options.rows,
                kills=options.kills,
                max_bytes=options.max_bytes,
                ledger=server and server.url(),
            )
        total.add(judgement)
        verdict = "clean" if judgement.is_clean else "WRONG " + ", ".join(judgement.lines())
        write(f"seed {seed}: {judgement.runs} runs, {judgement.kills} kills: {verdict}")
    write("\n".join([*total.lines(), f"{time.monotonic() - began:,.0f} s"]))
    return 0 if total.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
