"""``python -m benchmarks peers``: correctness under faults first, then CPU time and memory."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.peers.child import Cost
from benchmarks.peers.clients import CLIENTS, LOOP
from benchmarks.peers.outcomes import FAULTS, Counted, counted
from benchmarks.report import environment
from benchmarks.server import answering
from benchmarks.timing import Spread, times_faster

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.peers.clients import Client

TIMEOUT_S: Final = 2.0
_ROOT: Final = Path(__file__).parent.parent.parent
_CHILD_TIMEOUT_S: Final = 1_800.0
_MOST_RUNS: Final = 3


@dataclass(frozen=True, slots=True)
class Relative:
    """The costs of one client at one size, and relative to the loop.

    Attributes:
        client: its name.
        rows: of the frame.
        cpu_us: microseconds of CPU time a message.
        memory_mb: megabytes of peak memory beyond the frame.
        cpu: times the CPU time of the loop in the same round.
        memory: times the memory of the loop in the same round.
    """

    client: str
    rows: int
    cpu_us: Spread
    memory_mb: Spread
    cpu: Spread
    memory: Spread


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that was measured, and with which versions."""

    versions: Mapping[str, str]
    outcomes: tuple[Counted, ...]
    costs: tuple[Relative, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


ALL: Final = tuple(CLIENTS.values())


def absent(clients: Sequence[Client] = ALL) -> list[str]:
    """The packages of the clients that are not installed."""
    return [each.package for each in clients if each.package and _version(each.package) is None]


def compare(
    clients: Sequence[Client] = ALL, *, rows: int, sizes: Sequence[int], repeat: int
) -> Comparison:
    """Measure every client.

    Args:
        clients: the contestants; one is the loop.
        rows: of the frame under faults.
        sizes: rows of the frames whose costs are measured.
        repeat: rounds of each size; at most 3.

    Raises:
        ModuleNotFoundError: a package is not installed; the message has the command.
    """
    if missing := absent(clients):
        raise ModuleNotFoundError(
            f"the peers need {', '.join(missing)}: run pip install -e '.[peers]'"
        )
    outcomes = tuple(
        counted(client, fault, rows=rows, timeout_s=TIMEOUT_S)
        for fault in FAULTS
        for client in clients
    )
    costs = tuple(cost for size in sizes for cost in relative(clients, rows=size, repeat=repeat))
    return Comparison(_versions(), outcomes, costs)


def relative(clients: Sequence[Client], *, rows: int, repeat: int) -> list[Relative]:
    """The costs of every client, each in a process of its own, in turns (A B C, A B C, …)."""
    rounds = min(repeat, _MOST_RUNS)
    taken: dict[str, list[Cost]] = {each.name: [] for each in clients}
    with answering() as url:
        for _ in range(rounds):
            for name, costs in taken.items():
                costs.append(in_child(name, rows=rows, url=url))
    loop = taken[LOOP]
    return [
        Relative(
            name,
            rows,
            Spread.of([cost.cpu_s * 1e6 / rows for cost in costs]),
            Spread.of([cost.memory / 1e6 for cost in costs]),
            times_faster([cost.cpu_s for cost in costs], [cost.cpu_s for cost in loop]),
            times_faster([cost.memory for cost in costs], [max(1, cost.memory) for cost in loop]),
        )
        for name, costs in taken.items()
    ]


def in_child(client: str, *, rows: int, url: str) -> Cost:
    """The costs of one send in a process of its own.

    Raises:
        subprocess.CalledProcessError: the child failed; its error is on stderr.
    """
    command = [sys.executable, "-m", "benchmarks.peers.child"]
    command += ["--client", client, "--rows", str(rows), "--url", url]
    done = subprocess.run(  # noqa: S603 - ourselves
        command, check=True, stdout=subprocess.PIPE, timeout=_CHILD_TIMEOUT_S, cwd=_ROOT
    )
    return Cost(**json.loads(done.stdout))


def _versions() -> dict[str, str]:
    """Of the peers, and of what the figures depend on."""
    packages = [client.package for client in CLIENTS.values() if client.package]
    return environment() | {
        name: _version(name) or "absent" for name in [*packages, "requests", "django", "pydantic"]
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
