"""Long texts: bodies, sources and JSON, of which a page shows the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SHOWN: Final = 200_000
"""Characters of a text that a page shows; a line of 5 MB keeps a browser busy for seconds."""


@dataclass(frozen=True, slots=True)
class LongText:
    """A text of which a page shows the start.

    Attributes:
        start: what is shown.
        length: the length of the whole in bytes.
        is_cut: whether there is more.
    """

    start: str
    length: int
    is_cut: bool = False

    @classmethod
    def of(cls, text: str) -> LongText | None:
        """The start of *text*; None if it is empty.

        >>> LongText.of("x" * 3_000_000).size
        '3.0 MB'
        """
        if not text:
            return None
        length = len(text.encode("utf-8", "replace"))
        return cls(text[:SHOWN], length, len(text) > SHOWN)

    @property
    def size(self) -> str:
        """The length of the whole for people."""
        return size(self.length)

    @property
    def shown(self) -> str:
        """The length of what is shown for people."""
        return size(len(self.start))


def size(count: int) -> str:
    """A number of bytes for people.

    >>> size(9), size(2_450), size(7_300_000)
    ('9 bytes', '2.5 kB', '7.3 MB')
    """
    kilobytes = count / 1_000
    if kilobytes < 1:
        return f"{count} byte{'' if count == 1 else 's'}"
    return f"{kilobytes:.1f} kB" if kilobytes < 1_000 else f"{kilobytes / 1_000:.1f} MB"  # noqa: PLR2004
