"""Many senders and one ledger: threads in processes, beside ``history`` and ``reconcile``.

``python -m tests.send.ledger.stress --seconds 60`` is the long form.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from random import Random
from typing import TYPE_CHECKING, Any

import pandas as pd

import mailframe as mf
from tests.campaigns import LETTER, send_with
from tests.postgres import PostgresServer
from tests.systems import fresh_processes

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

ROWS = (1, 3, 40, 120)
"""Sizes of the campaigns."""
LOST_ANSWERS = 0.1
"""Share of the batches that are accepted without an answer, so that some must be reconciled."""
_CONTEXT = fresh_processes("tests.campaigns")


@dataclass
class Outcome:
    """What a stress run came to.

    Attributes:
        seconds: that it took.
        campaigns: that were sent to their end.
        messages: that the sandbox holds.
        looks: calls of ``history`` and ``reconcile``.
        twice: people with two copies or more.
        unserved: people whom the sandbox or the ledger lacks.
        errors: what senders and readers raised.
        first_error_s: seconds until the first of them; None without one.
        integrity: what SQLite's own check of the file says.
    """

    seconds: float = 0.0
    campaigns: int = 0
    messages: int = 0
    looks: int = 0
    twice: list[str] = field(default_factory=list)
    unserved: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    first_error_s: float | None = None
    integrity: str = ""

    @property
    def is_clean(self) -> bool:
        """Each message was accepted exactly once, no sender failed, and the file is intact."""
        return self.integrity == "ok" and not (self.twice or self.unserved or self.errors)

    def __str__(self) -> str:
        when = "" if self.first_error_s is None else f", the first after {self.first_error_s:.1f} s"
        size = f"{self.campaigns:,} campaigns, {self.messages:,} messages, {self.looks:,} looks"
        faults = f"{len(self.twice)} duplicates, {len(self.unserved)} not served"
        lines = [
            f"{self.seconds:.0f} s: {size}",
            f"{faults}, {len(self.errors)} errors{when}",
            f"integrity_check: {self.integrity}",
            *(f"{count} times {error}" for error, count in Counter(self.errors).most_common(5)),
        ]
        return "\n".join(lines)


def stress(ledger: str, *, seconds: float, processes: int = 2, threads: int = 3) -> Outcome:
    """Send campaigns from each thread of each process into one ledger, and read it meanwhile.

    Args:
        ledger: its path or URL.
        seconds: during which new campaigns begin.
        processes: that send.
        threads: of each that send; one more of each calls ``history`` and ``reconcile``.
    """
    chance = Random(1)
    began = time.monotonic()
    with mf.Sandbox() as sandbox:
        sandbox.fault(lambda _: "close_accepted" if chance.random() < LOST_ANSWERS else None)
        reports: Queue[dict[str, Any]] = _CONTEXT.Queue()
        options = {"seconds": seconds, "threads": threads, "reports": reports}
        senders = [
            _CONTEXT.Process(
                target=run,
                args=(sandbox.url, ledger),
                kwargs={**options, "number": number},
                daemon=True,
            )
            for number in range(processes)
        ]
        for sender in senders:
            sender.start()
        ended = [_report(reports, timeout_s=seconds + 120) for _ in senders]
        for sender in senders:
            sender.join(30)
        outcome = Outcome(
            seconds=time.monotonic() - began,
            campaigns=sum(len(one["sent"]) for one in ended),
            looks=sum(one["looks"] for one in ended),
            errors=[error for one in ended for _, error in one["errors"]],
            first_error_s=min(
                (at - began for one in ended for at, _ in one["errors"]), default=None
            ),
            integrity=integrity(ledger),
        )
        copies = Counter(sandbox.messages()["To"])
    sent = {name: rows for one in ended for name, rows in one["sent"].items()}
    wanted = {to for name, rows in sent.items() for to in addresses(name, rows)}
    outcome.messages = sum(copies.values())
    outcome.twice = [to for to, count in copies.items() if count > 1]
    outcome.unserved = sorted(wanted - copies.keys()) + lacking(ledger, sent)
    return outcome


def integrity(ledger: str) -> str:
    """What SQLite's check says of the file, after everybody has closed it; of a server, ok."""
    if ledger.startswith("postgresql:"):
        return "ok"
    try:
        with closing(sqlite3.connect(ledger)) as connection:
            return "; ".join(row[0] for row in connection.execute("PRAGMA integrity_check(3)"))
    except sqlite3.Error as error:
        return str(error)


def lacking(ledger: str, sent: dict[str, int]) -> list[str]:
    """The campaigns of which the ledger does not say that all were accepted."""
    try:
        shown = mf.history(ledger=ledger).set_index("campaign")["accepted"].to_dict()
    except mf.errors.LedgerError as error:
        return [str(error)]
    return [
        f"{name}: {shown.get(name, 0)} of {rows}"
        for name, rows in sent.items()
        if shown.get(name, 0) != rows
    ]


def addresses(name: str, rows: int) -> list[str]:
    """The people of a campaign; no two campaigns have one in common."""
    return [f"{name}-{n}@example.com" for n in range(rows)]


def _report(reports: Queue[dict[str, Any]], *, timeout_s: float) -> dict[str, Any]:
    try:
        return reports.get(timeout=timeout_s)
    except Empty:
        return {"sent": {}, "looks": 0, "errors": [(time.monotonic(), "a process did not end")]}


# --- in a child process --------------------------------------------------------------------------


def run(
    url: str,
    ledger: str,
    *,
    seconds: float,
    number: int,
    threads: int,
    reports: Queue[dict[str, Any]],
) -> None:
    """The whole life of a process: threads that send and one that looks."""
    warnings.simplefilter("ignore")
    shared = _Shared(url, ledger, time.monotonic() + seconds)
    work = [
        threading.Thread(target=shared.keep, args=(shared.send, f"c{number}x{n}"))
        for n in range(threads)
    ]
    work.append(threading.Thread(target=shared.keep, args=(shared.look, f"look{number}")))
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    reports.put({"sent": shared.sent, "looks": shared.looks, "errors": shared.errors})


class _Shared:
    """What the threads of one process have in common."""

    def __init__(self, url: str, ledger: str, until: float) -> None:
        self.server = mf.Postmark("sandbox-token", base_url=url)
        self.ledger, self.until = ledger, until
        self.sent: dict[str, int] = {}
        self.looks = 0
        self.errors: list[tuple[float, str]] = []

    def keep(self, work: Any, name: str) -> None:
        """Do it again and again until the time is over; an error is noted and ends it."""
        chance, turn = Random(name), 0
        try:
            while time.monotonic() < self.until and not self.errors:
                turn += 1
                work(f"{name}x{turn}", chance)
        except Exception as error:  # noqa: BLE001 - any error is reported
            where = traceback.extract_tb(error.__traceback__)[-1].name
            self.errors.append(
                (time.monotonic(), f"{name[:4]} {where}: {type(error).__name__}: {error}"[:300])
            )

    def send(self, name: str, chance: Random) -> None:
        """One campaign to its end: sent, and sent again while a row is without a clear answer."""
        rows = chance.choice(ROWS)
        frame = pd.DataFrame({"email": addresses(name, rows), "n": range(rows)})
        composed = frame.mail.compose(LETTER, name=name)
        for _ in range(5):
            with suppress(mf.errors.CampaignBusy):  # while somebody reconciles it
                results = send_with(composed, self.server, ledger=self.ledger)
                if results["status"].isin(["accepted", "skipped"]).all():
                    break
        self.sent[name] = rows

    def look(self, name: str, chance: Random) -> None:
        """What everybody may do beside a sender."""
        del name
        shown = mf.history(ledger=self.ledger)
        if len(shown):
            with suppress(mf.errors.CampaignBusy):
                mf.reconcile(
                    chance.choice(shown["campaign"].tolist()), self.server, ledger=self.ledger
                )
        self.looks += 1


def main() -> None:
    """The long form, by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=3)
    parser.add_argument("--ledger", choices=("sqlite", "postgres"), default="sqlite")
    given = parser.parse_args()
    with ExitStack() as stack:
        if given.ledger == "postgres":
            ledger = stack.enter_context(PostgresServer()).url()
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            ledger = str(Path(folder) / "ledger.sqlite3")
        outcome = stress(
            ledger, seconds=given.seconds, processes=given.processes, threads=given.threads
        )
    sys.stdout.write(f"{given.processes} processes, {given.threads} threads each, {outcome}\n")
    sys.exit(0 if outcome.is_clean else 1)


if __name__ == "__main__":
    main()
