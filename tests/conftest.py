"""What holds for every test: the ledger of the person who runs the tests is never touched."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _ledger_of_its_own(tmp_path_factory, monkeypatch):
    """Each test has an empty ledger of its own, also in the processes that it starts."""
    monkeypatch.setenv("MAILFRAME_LEDGER", str(tmp_path_factory.mktemp("ledger") / "ledger.sqlite3"))
