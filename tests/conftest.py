"""Fixtures for every test: none of them touches the ledger of the user who runs the tests."""

from __future__ import annotations

import signal
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("mailframe", deadline=None)  # a busy machine fails no test
settings.load_profile("mailframe")

BROWSER = Path(__file__).parent / "browser"

VARIABLE = "MAILFRAME_LEDGER"
NUMBERS = count()


def pytest_collection_modifyitems(items):
    """Every test in ``tests/browser`` needs Chromium, and many a JupyterLab: all are slow."""
    for item in items:
        if item.path.is_relative_to(BROWSER):
            item.add_marker("slow")


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


@pytest.fixture(scope="session", autouse=True)
def _default_sigint():
    """A shell starts its background jobs with SIGINT ignored; some tests send that signal."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
