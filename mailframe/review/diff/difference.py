"""What every difference can do, whatever was compared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from mailframe.html.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from mailframe.html.changes import Change


class Difference(ABC):
    """What ``campaign.diff(…)`` found: false when nothing differs, ``frame()`` for all of it."""

    __slots__ = ()

    @abstractmethod
    def frame(self) -> pd.DataFrame:
        """Everything that differs, one row each."""

    @abstractmethod
    def __len__(self) -> int:
        """How many rows ``frame()`` has."""

    @abstractmethod
    def _repr_html_(self) -> str:
        """What Jupyter shows."""


def told(changes: Sequence[Change], *, most: int = 300) -> str:
    """Changes as one line: ``Subject: Hi → Hello; TextBody: + now``."""
    said = "; ".join(f"{change.field}: {', '.join(_pieces(change))}" for change in changes)
    return one_line(said, most=most)


def _pieces(change: Change) -> list[str]:
    told = []
    for kind, old, new in change.segments:
        if kind == "same":
            continue
        before, after = (
            one_line(text, most=60) or "(blank)" if text else "" for text in (old, new)
        )
        told.append(
            f"{before} → {after}"
            if before and after
            else f"\N{MINUS SIGN} {before}"
            if before
            else f"+ {after}"
        )
    return told
