"""The table of endpoints in ``docs/sandbox-api.md`` is that of the routes."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

import mailframe.sandbox
from mailframe.sandbox.api.routes import POSTMARK_ROUTES
from tests.sandbox.api_docs import PAGE, endpoint, table
from tests.sandbox.sandbox_mail import client

CLIENTS = {"postmarker", "py", "pystmark", "anymail", "js"}
SUITES = {"js", "gem", "php"}
SOURCES = Path(mailframe.sandbox.__file__).parent.rglob("*.py")


def test_the_table_has_each_endpoint_of_the_sandbox_once():
    """An endpoint that is added or removed changes the table."""
    rows = [row.key for row in table()]
    existing = {endpoint(method, path) for path, each in POSTMARK_ROUTES.items() for method in each}
    assert (set(rows), len(rows)) == (existing, len(set(rows)))


def test_the_table_names_clients_that_are_tested():
    """Each has tests in ``tests/sandbox/clients``; the suites are named above the table."""
    assert {name for row in table() for name in row.clients} == CLIENTS
    assert {name for row in table() for name in row.suites} == SUITES


def test_what_is_not_there_is_not_there(sandbox):
    """The path answers 404, and no file raises one of the codes."""
    section = PAGE.read_text(encoding="utf-8").partition("## What is not there")[2]
    first_cells = re.findall(r"^\| ([^|]+) \|", section.partition("\n## ")[0], re.MULTILINE)
    with client(sandbox) as http:
        assert http.get("/triggers/tags").status_code == httpx.codes.NOT_FOUND
    codes = {int(code) for cell in first_cells for code in re.findall(r"\b\d{3,4}\b", cell)}
    assert len(codes) > 25
    source = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    raised = {int(code) for code in re.findall(r"(?:CheckFailed\(|= )(\d{3,4})\b", source)}
    assert not codes & raised
