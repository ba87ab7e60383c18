"""The tables of the sandbox's pages are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailframe.sandbox import LocalPostmark

DOCS = Path(__file__).parents[2] / "docs"
FRAMES = re.findall(
    r"^\| (`sandbox\.\w+\(\w*\)`(?:, `sandbox\.\w+\(\w*\)`)*) \| ([^|:]*)",
    (DOCS / "sandbox.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


@pytest.mark.parametrize(("methods", "columns"), FRAMES)
def test_a_dataframe_has_the_columns_that_the_page_lists(methods, columns):
    """In their order."""
    with LocalPostmark(in_process=True) as sandbox:
        for method in re.findall(r"\.(\w+)\(", methods):
            frame = getattr(sandbox, method)()
            assert list(frame.columns) == re.findall(r"`(\w+)`", columns)
