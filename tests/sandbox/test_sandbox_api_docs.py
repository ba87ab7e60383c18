"""The table of endpoints in ``docs/sandbox-api.md`` is that of the routes."""

from __future__ import annotations

import httpx
import pytest

from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.api.routes import POSTMARK_ROUTES
from tests.sandbox.api_docs import endpoint, table
from tests.sandbox.sandbox_mail import client

CLIENTS = {"postmarker", "postmark-python", "pystmark", "anymail", "postmark.js"}
MISSING = [row for row in table() if not row.is_supported]


def test_the_table_has_each_endpoint_of_the_sandbox_once():
    """An endpoint that is added or removed changes the table."""
    rows = [row.key for row in table() if row.is_supported]
    existing = {endpoint(method, path) for path, each in POSTMARK_ROUTES.items() for method in each}
    assert (set(rows), len(rows)) == (existing, len(set(rows)))


def test_the_table_names_clients_that_are_tested():
    """Each has tests in ``tests/sandbox/clients``."""
    assert {name for row in table() for name in row.clients} == CLIENTS


@pytest.mark.parametrize("row", MISSING, ids=lambda row: row.key)
def test_an_endpoint_that_the_sandbox_does_not_have_answers_404(row):
    """In the shape of Postmark."""
    with LocalPostmark(in_process=True) as sandbox, client(sandbox) as http:
        response = http.request(row.method, row.path.replace("{", "").replace("}", ""))
    assert response.status_code == httpx.codes.NOT_FOUND
    assert response.json()["ErrorCode"] == 404
