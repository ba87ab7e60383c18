"""The lines that the sandbox prints for each client are those of the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailframe.sandbox.inbox.client_settings import CURL, SETTINGS

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox-clients.md").read_text(encoding="utf-8")
PRINTED = {
    "url": "http://127.0.0.1:8025",
    "token": "sandbox-token",
    "host": "127.0.0.1",
    "port": "8025",
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_documentation_has_the_line_of_each_client(name):
    """With the values that the command prints without an option."""
    assert SETTINGS[name].format(**PRINTED) in PAGE


def test_the_documentation_has_the_command_that_sends_an_email():
    """The tests of the documentation run it."""
    assert f"```bash\n{CURL.format(**PRINTED)}```" in PAGE
