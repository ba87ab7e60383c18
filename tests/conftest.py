"""Fixtures for every test: none of them touches the ledger of the user who runs the tests."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
from collections import defaultdict, deque
from itertools import chain, count
from pathlib import Path

import pytest
from hypothesis import settings

sys.modules.setdefault("rfc3987_syntax", None)  # jsonschema's check of IRIs, 1.3 s of each worker
# a busy machine fails no test; each run of CI tries other examples, so that fewer are enough
settings.register_profile("mailframe", deadline=None, max_examples=25)
settings.load_profile("mailframe")

BROWSER = Path(__file__).parent / "browser"

collect_ignore = [
    "message/test_chunk_memory.py",
    "sandbox/test_sandbox_processes.py",
    "send/test_progress.py",
    "test_benchmarks.py",
    "test_monthly_report.py",
    "test_peers.py",
]
"""Tests that fork, read the memory of a process (module resource) or draw in a terminal (pty)."""
if os.name == "posix":
    collect_ignore = []

VARIABLE = "MAILFRAME_LEDGER"
NUMBERS = count()


def pytest_configure():
    """No collected test becomes garbage; looking for garbage takes a quarter of the time."""
    gc.disable()


def pytest_collection_modifyitems(config, items):
    """Every test in ``tests/browser`` is slow: it needs Chromium, and many a JupyterLab."""
    for item in items:
        if item.path.is_relative_to(BROWSER):
            item.add_marker("slow")
    is_chosen = any("::" in arg for arg in config.args)  # what is named on the command line, runs
    others = set() if is_chosen else of_other_runs(items, os.environ.get("PYTEST_XDIST_TESTRUNUID"))
    config.hook.pytest_deselected(items=[item for item in items if item in others])
    kept = [item for item in items if item not in others]
    items[:] = slow_first(kept, getattr(config, "workerinput", {}).get("workercount", 1))


def of_other_runs(items, run):
    """The tests marked ``sampled(n)`` that this run leaves to others.

    A run by several workers takes one case in n of each function, or the only one with a
    probability of 1 in n; all workers take the same. Without workers all tests run.
    """
    functions = defaultdict(list)
    for item in items if run else ():
        if mark := item.get_closest_marker("sampled"):
            functions[item.nodeid.partition("[")[0], *mark.args].append(item)
    others = set()
    for (name, every), cases in functions.items():
        first = random.Random(f"{run} {name}").randrange(every)
        ordered = sorted(cases, key=lambda item: item.nodeid)
        others |= {*cases} - {*ordered[first::every]}
    return others


def slow_first(items, workers):
    """The tests in another order: slow ones at the start of each worker's share.

    A worker that started one last would keep the others waiting. The slow tests of one file stay
    together, as do those of all files with a JupyterLab: one worker starts a browser and a lab.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    fast = deque(item for item in items if not item.get_closest_marker("slow"))
    with_lab = {item.path for item in slow if "lab" in item.fixturenames}
    groups = defaultdict(list)
    for item in slow:
        groups["lab" if item.path in with_lab else item.path].append(item)
    ordered = []
    for number in range(workers):  # xdist gives each as many tests, in order
        ordered += chain(*[*groups.values()][number::workers])
        end = len(items) * (number + 1) // workers
        ordered += [fast.popleft() for _ in range(min(end - len(ordered), len(fast)))]
    return [*ordered, *fast]


def pytest_collection_finish():
    """The collected tests live to the end: without them a garbage collection takes no time.

    One for every 700 new objects would still take a tenth of the time of the tests.
    """
    gc.enable()
    gc.freeze()
    gc.set_threshold(7_000)


@pytest.fixture(scope="session", autouse=True)
def _ledgers(tmp_path_factory):
    """A folder for ledgers; one in it serves fixtures that outlive a test, and their processes."""
    folder = tmp_path_factory.mktemp("ledgers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(folder / "session.sqlite3"))
        yield folder


@pytest.fixture(autouse=True)
def _ledger_of_its_own(_ledgers, monkeypatch):
    """Each test has an empty ledger of its own, also in the processes that it starts."""
    folder = _ledgers / str(next(NUMBERS))  # mktemp would read the names of all before it
    folder.mkdir()
    monkeypatch.setenv(VARIABLE, str(folder / "ledger.sqlite3"))


@pytest.fixture(autouse=True)
def _interrupts_arrive():
    """Hypothesis times garbage collections in a callback, in which Python drops an interrupt."""
    gc.callbacks.clear()


@pytest.fixture(scope="session", autouse=True)
def _default_sigint():
    """A shell starts its background jobs with SIGINT ignored; some tests send that signal."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server of this worker; the test is skipped where it is not installed."""
    from tests.postgres import MISSING, PostgresServer  # noqa: PLC0415 - psycopg takes time

    if MISSING:
        pytest.skip(MISSING)
    with PostgresServer() as server:
        yield server
