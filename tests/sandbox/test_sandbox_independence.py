"""The sandbox is independent of the rest of mailframe."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mailframe.sandbox

FILES = sorted(Path(mailframe.sandbox.__file__).parent.rglob("*.py"))
OWN = "mailframe.sandbox"


def imported(path: Path) -> set[str]:
    """Every module that a file imports, also inside functions."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            modules.add(node.module or "")
            modules |= {
                f"{node.module}.{alias.name}" for alias in node.names if node.module == "mailframe"
            }
    return modules


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_sandbox_imports_nothing_of_mailframe_but_errors_and_pages(path):
    """If both sides shared code, one misreading of Postmark would pass on both."""
    inside = {name for name in imported(path) if name.split(".")[0] == "mailframe"}
    shared = ("mailframe.errors", "mailframe.pages.")
    assert {name for name in inside if not name.startswith((*shared, OWN))} == set()


PURE = (
    "access",
    "account",
    "exchange",
    "faults",
    "limits",
    "loopback",
    "mailboxes",
    "message_source",
    "message_checks",
    "message_ids",
    "links",
    "request_json",
    "routes",
    "search_results",
    "stored_message",
    "texts",
    "tokens",
    "values",
    "template",
    "suggested_model",
    "template_fields",
    "templated_messages",
)


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_uses_no_network_no_clock_and_no_frame(name):
    """Its results depend only on its arguments."""
    path = next(path for path in FILES if path.stem == name)
    roots = {module.split(".")[0] for module in imported(path)}
    assert (
        roots & {"httpx", "socket", "asyncio", "threading", "time", "datetime", "pandas", "uvicorn"}
        == set()
    )


def test_parsing_a_query_uses_dates_and_no_clock():
    """It converts Eastern dates to UTC and never reads the clock."""
    path = next(path for path in FILES if path.stem == "search_query")
    roots = {module.split(".")[0] for module in imported(path)}
    assert roots & {"httpx", "socket", "asyncio", "threading", "time", "pandas", "uvicorn"} == set()
    assert not {"now", "utcnow", "today"} & {
        node.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
