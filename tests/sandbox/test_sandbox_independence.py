"""The sandbox is independent of the rest of mailframe."""

from __future__ import annotations

import ast
from pathlib import Path

import mailframe.sandbox
from tests.sources import source

FILES = sorted(Path(mailframe.sandbox.__file__).parent.rglob("*.py"))
OWN = "mailframe.sandbox"


def roots(path: Path) -> set[str]:
    """The packages that a file imports, also inside functions."""
    return {name.split(".")[0] for name in source(path).imports}


def test_the_sandbox_imports_of_mailframe_only_what_knows_nothing_of_postmark():
    """If both sides shared code, one misreading of Postmark would pass on both."""
    shared = ("mailframe.errors", "mailframe.pages.", "mailframe.pandas_versions.", OWN)
    assert {
        (path.name, name)
        for path in FILES
        for name in source(path).imports
        if name.startswith(("mailframe", ".")) and not name.startswith(shared)
    } == set()


PURE = (
    "access",
    "account",
    "exchange",
    "names",
    "schedule",
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


IMPURE = {"httpx", "socket", "asyncio", "threading", "time", "pandas", "uvicorn"}


def named(name: str) -> Path:
    """The file of that name."""
    return next(path for path in FILES if path.stem == name)


def test_a_pure_module_uses_no_network_no_clock_and_no_frame():
    """Its results depend only on its arguments."""
    impure = IMPURE | {"datetime"}
    assert {name: bad for name in PURE if (bad := roots(named(name)) & impure)} == {}


def test_parsing_a_query_uses_dates_and_no_clock():
    """It converts Eastern dates to UTC and never reads the clock."""
    path = named("search_query")
    assert roots(path) & IMPURE == set()
    assert not {"now", "utcnow", "today"} & {
        node.attr
        for node in ast.walk(ast.parse(source(path).text))
        if isinstance(node, ast.Attribute)
    }
