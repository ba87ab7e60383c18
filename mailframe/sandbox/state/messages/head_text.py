"""Which packs can have a text in their heads: a condition of SQL that leaves most packs unread."""

from __future__ import annotations

import re
from typing import Final

_HAS_TEXT: Final = (
    "(cast(heads as text) like ? escape '\\' or length(heads) <> length(cast(heads as text)))"
)
"""SQLite ignores the case of ASCII only; a pack with other letters may have a match, too."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9@._+ -]+", re.ASCII)
"""Texts that JSON and patterns of SQL write as they are, but for ``_``."""


def has_text(text: str) -> tuple[str, tuple[str, ...]]:
    r"""The condition, and its values, of each pack that has *text* in a head, ignoring case.

    It is empty for a text that may be written in another way: then every pack can have it.

    >>> has_text("ann_1@example.com")[1], has_text("Grüße")
    (('%ann\\_1@example.com%',), ('', ()))
    """
    if not _PLAIN.fullmatch(text):
        return "", ()
    return _HAS_TEXT, ("%" + text.replace("_", "\\_") + "%",)
