"""Tests that run on both kinds of ledgers, and a PostgreSQL server that a test may stop."""

from __future__ import annotations

import pytest

from tests.postgres import MISSING, PostgresServer


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.sampled(2))])
def on_both(request, monkeypatch, _ledger_of_its_own):
    """The default ledger of the test is a file, and then, in every second run, on PostgreSQL."""
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        monkeypatch.setenv("MAILFRAME_LEDGER", server.url())
    return request.param


@pytest.fixture
def own_server():
    """A server of this test, which it may stop."""
    if MISSING:
        pytest.skip(MISSING)
    with PostgresServer() as server:
        yield server
