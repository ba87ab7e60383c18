"""The tables of the sandbox's pages are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailframe.command.sandbox_arguments import OPTIONS
from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.serving.routes import ALL_ROUTES

DOCS = Path(__file__).parents[2] / "docs"
SANDBOX = (DOCS / "sandbox.md").read_text(encoding="utf-8")
FRAMES = re.findall(
    r"^\| (`sandbox\.\w+\(\w*\)`(?:, `sandbox\.\w+\(\w*\)`)*) \| ([^|:]*)",
    SANDBOX,
    re.MULTILINE,
)


@pytest.mark.parametrize(("methods", "columns"), FRAMES)
def test_a_dataframe_has_the_columns_that_the_page_lists(methods, columns):
    """In their order."""
    with LocalPostmark(in_process=True) as sandbox:
        for method in re.findall(r"\.(\w+)\(", methods):
            frame = getattr(sandbox, method)()
            assert list(frame.columns) == re.findall(r"`(\w+)`", columns)


def test_the_page_lists_each_option_of_the_command():
    """No more and no fewer."""
    table = re.findall(r"^\| (`--.*) \|", SANDBOX, re.MULTILINE)
    listed = [name for row in table for name in re.findall(r"--([a-z-]+)", row.split(" | ")[0])]
    assert sorted(listed) == sorted(option.name for option in OPTIONS)


def test_the_page_lists_each_endpoint_of_the_sandbox_itself():
    """Those under ``/_sandbox/``, but not the links that are in messages."""
    page = (DOCS / "sandbox-http.md").read_text(encoding="utf-8")
    listed = re.findall(r"`(GET|PUT|POST|DELETE) (/_sandbox/[^`?]*)[^`]*`", page)
    routes = [
        (method, path)
        for path, methods in ALL_ROUTES.items()
        for method in methods
        if path.startswith("/_sandbox/") and "/unsubscribe/" not in path
    ]
    assert set(listed) == set(routes)
