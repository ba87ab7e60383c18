"""The words of mailframe: plain English, the field's terms, and names that say what they hold."""

from __future__ import annotations

import re
from pathlib import Path

from tests.sources import source

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


ANY = re.compile("|".join(REPLACED.values()), re.IGNORECASE)


def test_texts_use_the_terms_of_the_field():
    """Docs, docstrings, messages and screens have one term for one thing."""
    assert {path: terms for path in TEXTS if (terms := replaced_in(path))} == {}


def replaced_in(path: Path) -> dict[str, str]:
    """The words of a file that have a better term, each with that term."""
    text = " ".join(path.read_text(encoding="utf-8").split())
    if not ANY.search(text):
        return {}
    return {
        match.group(0): term
        for term, pattern in REPLACED.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    }


def test_variables_say_what_they_hold():
    """``found`` or ``said`` could be anything."""
    names = {path: {name.strip("_") for name in source(path).variables} for path in PACKAGE}
    assert {path: bad for path in PACKAGE if (bad := names[path] & MEANINGLESS)} == {}
