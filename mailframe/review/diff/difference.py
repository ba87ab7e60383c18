"""What every difference can do, of two rows or of two campaigns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from mailframe.pages.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from mailframe.pages.changes import Change


class Difference(ABC):
    """The result of ``campaign.diff(…)``; false if nothing differs."""

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


def changes_text(changes: Sequence[Change], *, most: int = 300) -> str:
    """Changes as one line, such as ``Subject: Hi -> Hello; TextBody: + now``."""
    text = "; ".join(f"{change.field}: {', '.join(_pieces(change))}" for change in changes)
    return one_line(text, most=most)


def _pieces(change: Change) -> list[str]:
    pieces = []
    for kind, old, new in change.segments:
        before, after = (one_line(text, most=60) or "(blank)" for text in (old, new))
        if kind != "same":
            pieces.append(
                f"{before} -> {after}" if old and new else f"- {before}" if old else f"+ {after}"
            )
    return pieces
