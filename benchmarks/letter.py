"""The letter of the benchmarks, and a campaign: all contestants read the same templates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import mailframe as mf

if TYPE_CHECKING:
    import pandas as pd

LETTER: Final = mf.Letter.load(Path(__file__).parent / "letter")
"""HTML, text, subject, a recipient with a name, a tag, one metadata field, the broadcast stream."""
KEY: Final = "customer_id"
USED_COLUMNS: Final = (
    *("customer_id", "email", "first_name", "last_name", "company", "plan", "seats", "credit"),
    *("renews_on", "is_annual"),
)


def compose(frame: pd.DataFrame) -> mf.Campaign:
    """A new campaign over *frame*; nothing is rendered yet."""
    return mf.compose(frame, LETTER, name="benchmark", key=KEY)
