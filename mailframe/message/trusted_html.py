"""Trusted HTML: markup that is printed as it is, with a text for the parts that are no HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from mailframe.letter.jinja.values import PrintedHtml


@dataclass(frozen=True, slots=True)
class TrustedHtml:
    """HTML that is printed as it is in HTML parts, with a text for all other parts.

    ``mf.html`` makes it. Called with a frame, it is the column that has it in each row, as
    ``DataFrame.assign`` expects.

    Attributes:
        html: the markup.
        text: what text parts print.
    """

    html: str
    text: str

    def __call__(self, frame: pd.DataFrame) -> pd.Series[Any]:
        """The column of a frame."""
        return pd.Series([self] * len(frame), index=frame.index, dtype=object)

    def __html__(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"<trusted HTML: {self.text[:40]!r}>"

    def printed(self) -> PrintedHtml:
        """The value of a template."""
        return PrintedHtml(self.text, html=self.html)
