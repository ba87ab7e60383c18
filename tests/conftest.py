"""What holds for every test: the ledger of the person who runs the tests is never touched."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

settings.register_profile("mailframe", deadline=None)  # a busy machine fails no test
settings.load_profile("mailframe")

VARIABLE = "MAILFRAME_LEDGER"


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
