"""The words of mailframe: plain English, the field's terms, and names that say what they hold."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = sorted((ROOT / "mailframe").rglob("*.py"))
TEXTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
    *PACKAGE,
    *sorted((ROOT / "mailframe").rglob("*.jinja")),
]
REPLACED = {
    "fix": r"\bmend(s|ed|ing)?\b",
    "blocked": r"\b(held|holds?|holding) (\w+ ){0,2}back\b",
    "unconfirmed": r"\bin doubt\b|\bdoubtful\b",
    "missing value": r"\ba gap\b|\bgaps\b(?!\s*:)",
    "no duplicate sends": r"\bnobody twice\b|\bnobody forgotten\b",
    "status of each row": r"\bbecame of (a|each|every|the) (row|message|batch)\b",
    "edge cases": r"\brows that matter\b",
    "explicit confirmation": r"\b(your|a person's|without a) word\b",
    "exact, identical": r"\bthe very (bytes|same|json|mail|messages?)\b",
    "desktop": r"\bon a desk\b",
    "preflight check": r"\binspections?\b",
    "summary line": r"\bheadline\b",
    "test emails": r"\btrial\b",
    "send session": r"\bforgetful\b",
    "not a valid email address": r"\bis no address\b",
}
"""What to write, and what was written in its place."""
MEANINGLESS = {"found", "said", "known", "here", "told"}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_texts_use_the_terms_of_the_field(path):
    """Docs, docstrings, messages and screens have one term for one thing."""
    text = " ".join(path.read_text(encoding="utf-8").split())
    wrong = {
        match.group(0): term
        for term, pattern in REPLACED.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    }
    assert not wrong


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_variables_say_what_they_hold(path):
    """``found`` or ``said`` could be anything."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
    assert not {name for name in names if name.strip("_") in MEANINGLESS}
