"""The letter of every benchmark, and its campaign: one folder of templates that all contestants read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import mailframe as mf

if TYPE_CHECKING:
    import pandas as pd

LETTER: Final = mf.Letter.load(Path(__file__).parent / "letter")
"""HTML, text, subject, a recipient with a name, a tag, one metadata field, the broadcast stream."""
KEY: Final = "customer_id"


def compose(frame: pd.DataFrame) -> mf.Campaign:
    """A fresh campaign over *frame*; nothing of it is rendered yet."""
    return mf.compose(frame, LETTER, name="benchmark", key=KEY)
