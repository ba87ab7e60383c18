"""What holds for every test: the ledger of the person who runs the tests is never touched."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

BROWSER = Path(__file__).parent / "browser"

VARIABLE = "MAILFRAME_LEDGER"


def pytest_collection_modifyitems(items):
    """Every test in ``tests/browser`` needs Chromium, and many a JupyterLab: all are slow."""
    for item in items:
        if item.path.is_relative_to(BROWSER):
            item.add_marker("slow")


@pytest.fixture(scope="session", autouse=True)
def _no_ledger_of_a_person(tmp_path_factory):
    """For fixtures that outlive a test, and for the processes that they start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(tmp_path_factory.mktemp("ledger") / "ledger.sqlite3"))
        yield


@pytest.fixture(autouse=True)
def _ledger_of_its_own(tmp_path_factory, monkeypatch, _no_ledger_of_a_person):
    """Each test has an empty ledger of its own, also in the processes that it starts."""
    monkeypatch.setenv(VARIABLE, str(tmp_path_factory.mktemp("ledger") / "ledger.sqlite3"))


@pytest.fixture(scope="session", autouse=True)
def _the_button_is_heard():
    """Tests that run in the background of a shell inherit that SIGINT is ignored; several press the button."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
