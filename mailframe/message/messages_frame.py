"""The DataFrames that ``messages()`` returns: one row per row of the frame."""

from __future__ import annotations

import operator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import orjson
import pandas as pd

from mailframe.errors import MailframeError
from mailframe.letter.letter import field_of
from mailframe.message.addresses import LONE_SURROGATE
from mailframe.message.payload import BOOLEAN_FIELDS, POSTMARK_NAMES
from mailframe.message.pipeline import prepare
from mailframe.message.template_fields import FIELDS, ID_NAME, MODEL_NAME, names_of_fields
from mailframe.pandas_versions import text_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pandas.api.extensions import ExtensionArray

    from mailframe.message.binding import BoundLetter
    from mailframe.message.composed import Composed
    from mailframe.message.pipeline import Prepared

_DTYPES: Final = {
    **{POSTMARK_NAMES[field]: "boolean" for field in BOOLEAN_FIELDS},
    **dict.fromkeys(("Headers", "Metadata", "Attachments", MODEL_NAME), "object"),
    **dict.fromkeys((ID_NAME, "size"), "Int64"),
}
"""Of the columns that are not text."""
_PIECE_ROWS: Final = 1_000
"""Rows that are rendered before they become arrays: as Python strings they take 5 MB."""


def messages(composed: Composed, chunk_rows: int | None) -> Any:
    """Every message of a campaign, in the caller's kind of frame and with the caller's index.

    Args:
        composed: the campaign.
        chunk_rows: the number of rows of each frame of an iterator; the last one may have fewer.
            With None one frame has all rows.

    Returns:
        One column per field of the letter. ``Headers``, ``Metadata`` and ``TemplateModel`` are
        dicts, ``Attachments`` is a list of file names. ``size`` (Int64) is in bytes, and missing
        for a row that has an error. In a frame of another library ``TemplateModel`` is JSON text.
        An iterator returns frames of these columns and dtypes, in the order of the rows; one
        without rows if there is no row.

    Raises:
        MailframeError: *chunk_rows* is not a whole number of at least 1.
    """
    rows = max(1, composed.rows)
    if chunk_rows is None:
        return _as_given(composed, next(_frames(composed, rows)))
    chunks = _frames(composed, min(_checked_chunk_rows(chunk_rows), rows))
    return (_as_given(composed, chunk) for chunk in chunks)


def _as_given(composed: Composed, frame: pd.DataFrame) -> Any:
    """The messages in the caller's kind of frame; only pandas has cells of different dicts."""
    if composed.given.kind is not None and MODEL_NAME in frame:
        models = [
            orjson.dumps(one).decode() if isinstance(one, dict) else None
            for one in frame[MODEL_NAME]
        ]
        frame = frame.assign(**{MODEL_NAME: text_column(models)})
    return composed.given.made(frame)


def _frames(composed: Composed, chunk_rows: int) -> Iterator[pd.DataFrame]:
    names, prepared = _names(composed.bounds), _prepared(composed)
    for start in range(0, max(1, composed.rows), chunk_rows):
        part = composed.frame.index[start : start + chunk_rows]
        columns = _columns(islice(prepared, chunk_rows), names)
        yield pd.DataFrame(columns, copy=False).set_axis(part, axis=0)


def _prepared(composed: Composed) -> Iterator[Prepared]:
    """Each row in order; with variants each by its letter."""
    if not composed.variants:
        return prepare(composed.bound)
    of_variants = [prepare(one.bound) for one in composed.variants]
    places = composed.groups.variant
    return (next(of_variants[place]) for place in ([] if places is None else places.tolist()))


def _names(bounds: Sequence[BoundLetter]) -> list[str]:
    """The columns of the messages of one or more letters, in their order."""
    roots = {field_of(part) for bound in bounds for part in bound.sources} - set(FIELDS)
    names = [name for part, name in POSTMARK_NAMES.items() if part in roots]
    templates = [bound.sources["template"] for bound in bounds if "template" in bound.sources]
    return [*names_of_fields(templates), *names, "size"]


def _columns(messages: Iterator[Prepared], names: Sequence[str]) -> dict[str, ExtensionArray]:
    """The columns of some messages, which become arrays a thousand rows at a time."""
    pieces: dict[str, list[pd.Series[Any]]] = {name: [] for name in names}
    more = True
    while more:
        cells: dict[str, list[Any]] = {name: [] for name in names}
        for one in islice(messages, _PIECE_ROWS):
            for name, column in cells.items():
                column.append(_cell(name, one))
        for name, column in cells.items():
            is_text = name not in _DTYPES
            pieces[name].append(
                text_column(column) if is_text else pd.Series(column, dtype=_DTYPES[name])
            )
        more = len(cells["size"]) == _PIECE_ROWS
    return {name: pd.concat(pieces.pop(name)).array for name in names}


def _cell(name: str, prepared: Prepared) -> Any:
    if name == "size":
        return len(prepared.message.body) if prepared.message else None
    value = prepared.fields.get(name)
    if prepared.message is None and isinstance(value, str) and LONE_SURROGATE.search(value):
        return None  # pandas keeps text in Arrow, as UTF-8
    if name == "Headers" and value is not None:
        return {pair["Name"]: pair["Value"] for pair in value}
    if name == "Attachments":
        return list(prepared.attachments)
    return value


def _checked_chunk_rows(chunk_rows: object) -> int:
    try:
        rows = 0 if isinstance(chunk_rows, bool) else operator.index(chunk_rows)  # type: ignore[arg-type]
    except TypeError:
        rows = 0
    if rows < 1:
        raise MailframeError(
            f"chunk_rows={chunk_rows!r} is not a number of rows of at least 1; "
            "write messages(chunk_rows=10_000), or leave it out for one frame"
        )
    return int(rows)
