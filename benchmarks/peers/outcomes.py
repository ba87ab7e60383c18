"""What each client does and says when one request goes wrong, counted at the server."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import mailframe as mf
from benchmarks.frame import people
from benchmarks.peers.clients import Client, Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

STREAM: Final = "broadcast"
_FINAL: Final = ("accepted", "rejected")
_SLOW: Final = 2.5
"""Times the timeout: mailframe waits for the head of an answer for twice its timeout."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong once, in the request with the row in the middle.

    Attributes:
        name: in the table.
        fault: of the sandbox; None suppresses the recipient of that row instead.
    """

    name: str
    fault: str | None


FAULTS: Final = (
    Fault("429", "http_429_retry_after"),
    Fault("500 after accepting", "http_500_accepted"),
    Fault("reset after accepting", "reset_accepted"),
    Fault("late answer", "slow"),
    Fault("406 for one row", None),
)


@dataclass(frozen=True, slots=True)
class Counted:
    """One client under one fault.

    Attributes:
        fault: its name.
        client: its name.
        rows: of the frame.
        requests: that arrived in the first run.
        duplicates: copies that the server accepted beyond the first of each row, first run.
        known: rows whose outcome the caller has, and it is the right one.
        unknown: rows of which the caller has no outcome.
        wrong: rows with a wrong outcome, or the MessageID of another message.
        duplicates_again: duplicates after a second run.
        never_sent: rows that no run has sent, although nothing is wrong with them.
    """

    fault: str
    client: str
    rows: int
    requests: int
    duplicates: int
    known: int
    unknown: int
    wrong: int
    duplicates_again: int
    never_sent: int


def counted(client: Client, fault: Fault, *, rows: int, timeout_s: float) -> Counted:
    """Send once under the fault, then again as people do, and count at the server.

    The second run gets the rows that have no outcome or were not sent; a client that remembers its
    first run gets all rows.

    Args:
        client: the contestant.
        fault: it hits the request with the row in the middle.
        rows: of the frame.
        timeout_s: of the client.
    """
    frame = people(rows)
    rejected = set() if fault.fault else {frame["email"].iloc[rows // 2]}
    with (
        _faulty(client, fault, frame, timeout_s=timeout_s) as sandbox,
        TemporaryDirectory() as folder,
    ):
        server = Server(sandbox.url, sandbox.token, Path(folder), timeout_s)
        results = client.send(frame, server)
        requests, first = _sends(sandbox), _accepted(sandbox)
        again = frame if client.remembers else frame[~results["outcome"].isin(_FINAL)]
        if len(again):
            client.send(again, server)
        second = _accepted(sandbox)
    judged = Counter(_judged(results, first, rejected))
    return Counted(
        fault=fault.name,
        client=client.name,
        rows=rows,
        requests=requests,
        duplicates=_duplicates(first),
        known=judged["right"],
        unknown=judged["unknown"],
        wrong=judged["wrong"],
        duplicates_again=_duplicates(second),
        never_sent=len(set(frame["email"]) - rejected - set(second)),
    )


@contextmanager
def _faulty(
    client: Client, fault: Fault, frame: pd.DataFrame, *, timeout_s: float
) -> Iterator[mf.Sandbox]:
    """A sandbox with real sockets in which that fault waits for its request."""
    middle = len(frame) // 2
    suppressed = [] if fault.fault else [frame["email"].iloc[middle]]
    with mf.Sandbox(suppressions={STREAM: suppressed}) as sandbox:
        if fault.fault:
            request = middle // client.messages_a_request + 1
            delay_s = _SLOW * timeout_s if fault.fault == "slow" else None
            sandbox.fault(fault.fault, request=request, delay_s=delay_s)
        yield sandbox


def _sends(sandbox: mf.Sandbox) -> int:
    """The requests that send; mailframe asks about the server, too."""
    return int(sandbox.requests()["method"].eq("POST").sum())


def _accepted(sandbox: mf.Sandbox) -> dict[str, list[str]]:
    """Address → the MessageIDs of the messages that the server accepted for it."""
    found: dict[str, list[str]] = {}
    messages = sandbox.messages()
    for to, message_id in zip(messages["To"], messages["MessageID"], strict=True):
        found.setdefault(_address(to), []).append(message_id)
    return found


def _address(to: str) -> str:
    return to.rpartition("<")[2].rstrip(">")


def _duplicates(accepted: Mapping[str, list[str]]) -> int:
    return sum(len(ids) - 1 for ids in accepted.values())


def _judged(
    results: pd.DataFrame, accepted: Mapping[str, list[str]], rejected: set[Any]
) -> Iterator[str]:
    """For each row: whether what the caller holds is right, wrong or nothing."""
    rows = zip(results["email"], results["outcome"], results["MessageID"], strict=True)
    for email, outcome, message_id in rows:
        ids = accepted.get(email, [])
        if outcome == "unknown":
            yield "unknown"
        elif outcome == "accepted":
            yield "right" if message_id in ids else "wrong"
        else:
            true = "rejected" if email in rejected else "unsent"
            yield "right" if not ids and outcome == true else "wrong"
