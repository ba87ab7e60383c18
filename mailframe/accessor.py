"""``df.mail``: a door without state. pandas builds a new accessor at every access, so nothing can live here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from mailframe import campaign, export, results

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from mailframe.letter import Letter


class MailAccessor:
    """What a frame can do with mail: ``compose`` for any frame, the others for results frames."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    def compose(
        self,
        letter: Letter | None = None,
        *,
        name: str | None = None,
        key: str | Sequence[str] | None = None,
        **letter_fields: Any,
    ) -> campaign.Campaign:
        """A campaign over this frame; the same as ``mf.compose(df, …)``.

        >>> people = pd.DataFrame({"email": ["ann@example.com"]})
        >>> people.mail.compose(sender="me@acme.example", to="{{ email }}", subject="Hi", text_body="Hi", name="hello")
        <Campaign 'hello': 1 row, <Letter: sender, to, subject, text_body>>
        """
        return campaign.compose(self._frame, letter, name=name, key=key, **letter_fields)

    def summary(self) -> pd.DataFrame:
        """Of a results frame: how many rows came to which status, ErrorCode and reason.

        Raises:
            ResultsError: this frame is no results frame.
        """
        return results.summary(self._frame)

    def to_csv(self, path: str | os.PathLike[str], excel_safe: bool = False) -> None:  # noqa: FBT002 - fixed by product.md
        """Write a results frame so that ``mf.read_results`` gives the very same frame back.

        Args:
            path: of the CSV file; its column types go into ``<path>-metadata.json`` beside it (W3C CSVW).
            excel_safe: make cells harmless that a spreadsheet would run, such as ``=cmd|…``.

        Raises:
            ResultsError: this frame is no results frame, or cannot be written.
        """
        export.write_csv(self._frame, path, excel_safe=excel_safe)

    def __repr__(self) -> str:
        return f"<mail of a frame of {len(self._frame):,} rows: compose, summary, to_csv>"


def register() -> None:
    """Make ``df.mail`` known to pandas; a reload puts the new class in the place of the old one without a warning."""
    known = getattr(pd.DataFrame, "mail", None)
    if known is MailAccessor:
        return
    if isinstance(known, type) and (known.__module__, known.__qualname__) == (__name__, MailAccessor.__qualname__):
        delattr(pd.DataFrame, "mail")
    pd.api.extensions.register_dataframe_accessor("mail")(MailAccessor)
