"""The DataFrame that ``messages()`` returns: one row per row of the frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.letter.letter import field_of
from mailframe.message.addresses import LONE_SURROGATE
from mailframe.message.payload import BOOLEAN_FIELDS, POSTMARK_NAMES
from mailframe.message.pipeline import prepare

if TYPE_CHECKING:
    from mailframe.message.binding import BoundLetter
    from mailframe.message.pipeline import Prepared

_DTYPES: Final = {
    **{POSTMARK_NAMES[field]: "boolean" for field in BOOLEAN_FIELDS},
    **dict.fromkeys(("Headers", "Metadata", "Attachments"), "object"),
}
"""Of the columns that are not text."""


def messages_frame(bound: BoundLetter, index: pd.Index[Any]) -> pd.DataFrame:
    """Every message of a bound letter, with the caller's index.

    Returns:
        One column per field of the letter. ``Headers`` and ``Metadata`` are dicts, ``Attachments``
        is a list of file names. ``size`` (Int64) is in bytes, and missing for a row that has an
        error.
    """
    roots = set(map(field_of, bound.sources))
    fields = [name for part, name in POSTMARK_NAMES.items() if part in roots]
    columns: dict[str, list[Any]] = {name: [] for name in fields}
    sizes: list[int | None] = []
    for prepared in prepare(bound):
        for name, values in columns.items():
            values.append(_cell(name, prepared))
        sizes.append(len(prepared.message.body) if prepared.message else None)
    series = {
        name: pd.Series(values, dtype=_DTYPES.get(name, "str")) for name, values in columns.items()
    }
    series["size"] = pd.Series(sizes, dtype="Int64")
    return pd.DataFrame(series, copy=False).set_axis(index, axis=0)


def _cell(name: str, prepared: Prepared) -> Any:
    value = prepared.fields.get(name)
    if prepared.message is None and isinstance(value, str) and LONE_SURROGATE.search(value):
        return None  # pandas keeps text in Arrow, as UTF-8
    if name == "Headers" and value is not None:
        return {pair["Name"]: pair["Value"] for pair in value}
    if name == "Attachments":
        return list(prepared.attachments)
    return value
