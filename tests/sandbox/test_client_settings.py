"""The lines that the sandbox prints for each client are those of the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailframe.sandbox.client_settings import SETTINGS

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox-clients.md").read_text(encoding="utf-8")
PRINTED = {
    "url": "http://127.0.0.1:8025",
    "token": "sandbox-token",
    "host": "127.0.0.1",
    "port": "8025",
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_documentation_has_the_line_of_each_client(name):
    """In Python with the names of the sandbox, whose code the tests of the documentation run."""
    line = SETTINGS[name]
    in_python = line.replace('"{url}"', "sandbox.url").replace('"{token}"', "sandbox.token")
    expected = [text.format(**PRINTED) for text in (line, in_python)]
    assert any(text in PAGE for text in expected)
