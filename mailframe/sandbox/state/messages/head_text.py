"""Which packs can have a text in their heads: a condition of SQL that leaves most packs unread."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailframe.sandbox.state.messages.columns import MARK

if TYPE_CHECKING:
    from collections.abc import Iterable

_IN_TRAITS: Final = "traits like ? escape '\\' or length(traits) <> length(cast(traits as blob))"
"""SQLite ignores the case of ASCII only; a pack with other letters may have a match, too."""
_IN_HEADS: Final = (
    "cast(heads as text) like ? escape '\\' or length(heads) <> length(cast(heads as text))"
)
_PLAIN: Final = re.compile(r"[A-Za-z0-9@._+ -]+", re.ASCII)
"""Texts that JSON and patterns of SQL write as they are, but for ``_``."""


def has_text(text: str, fields: Iterable[str] = ("",)) -> tuple[str, tuple[str, ...]]:
    r"""The condition, and its values, of each pack that has *text* in a head, ignoring case.

    It is empty for a text that may be written in another way: then every pack can have it.

    Args:
        text: the text.
        fields: the names of the fields, or the start of all names; other fields may have it, too.

    >>> has_text("ann_1@example.com", ["To"])[1]
    ('%ann\\_1@example.com%', '%"*To%', '%ann\\_1@example.com%')
    >>> has_text("Grüße")
    ('', ())
    """
    if not _PLAIN.fullmatch(text):
        return "", ()
    pattern = "%" + text.replace("_", "\\_") + "%"
    names = [f'%"{MARK}{name}%' for name in fields]
    has_other = " or ".join(["traits like ?"] * len(names))
    return f"({_IN_TRAITS} or (({has_other}) and ({_IN_HEADS})))", (pattern, *names, pattern)
