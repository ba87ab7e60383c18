"""Clicks by link: which messages had how many, kept in ``attrs`` of the results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import ResultsError
from mailframe.message.digests import are_among
from mailframe.outcomes.message_index import MessageIndex
from mailframe.pandas_versions import text_column
from mailframe.results.frame import last_column, results_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailframe.outcomes.tally import Array, Tally

KEY: Final = "mailframe.links"
"""The name in ``attrs``. Its value is one text, because pandas copies ``attrs`` with each frame."""
_COUNT_BITS: Final = np.uint64(16)
_MOST: Final = (1 << 16) - 1


def links(results: pd.DataFrame) -> pd.DataFrame:
    """Clicks by link, for the rows of *results*; see ``MailAccessor.links``."""
    index = MessageIndex(last_column(results, results_columns(results)["MessageID"]))
    try:
        counts = _read(results.attrs[KEY])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ResultsError(
            "no links are stored with these results; results.mail.refresh(server) reads them. A "
            "file does not keep them"
        ) from None
    ours = np.sort(index.digests(np.arange(len(index))))
    counts = {link: cells[are_among(cells >> _COUNT_BITS, ours)] for link, cells in counts.items()}
    table = pd.DataFrame(
        [
            (link, int((cells & _MOST).sum()), len(cells))
            for link, cells in counts.items()
            if len(cells)
        ],
        columns=["link", "clicks", "rows"],
    ).sort_values("link")
    table = table.sort_values("clicks", ascending=False, kind="stable", ignore_index=True)
    return pd.DataFrame(
        {
            "link": text_column(table["link"].tolist()),
            "clicks": table["clicks"].to_numpy("int64"),
            "rows": table["rows"].to_numpy("int64"),
            "share": table["rows"].to_numpy("int64") / max(1, len(index)),
        }
    )


def with_links(attrs: Mapping[Any, Any], index: MessageIndex, tally: Tally) -> dict[Any, Any]:
    """The ``attrs`` of results with the clicks of a tally."""
    try:
        counts = _read(attrs[KEY])
    except (AttributeError, KeyError, TypeError, ValueError):
        counts = {}
    for clicks, join in ((tally.clicks, np.maximum), (tally.new_clicks, np.add)):
        for link, parts in clicks.items():
            before = counts.get(link, np.zeros(0, dtype="u8"))
            counts[link] = _joined(before, index.digests(np.concatenate(parts)), join)
    return {**attrs, KEY: json.dumps({link: _text(cells) for link, cells in counts.items()})}


def _joined(cells: Array, digests: Array, join: Callable[[Array, Array], Array]) -> Array:
    """The cells of a link after clicks on it, one digest for each."""
    clicked, number = np.unique(digests, return_counts=True)
    keys = np.union1d(cells >> _COUNT_BITS, clicked)
    counts = np.zeros(len(keys), dtype="u8")
    counts[np.searchsorted(keys, cells >> _COUNT_BITS)] = cells & _MOST
    places = np.searchsorted(keys, clicked)
    counts[places] = join(counts[places], number.astype("u8"))
    return keys << _COUNT_BITS | np.minimum(counts, _MOST)


def _text(cells: Array) -> str:
    return cells.astype(">u8").tobytes().hex()


def _read(text: str) -> dict[str, Array]:
    """By link one number for each message: its digest of 48 bits, and its clicks in 16."""
    return {
        link: np.frombuffer(bytes.fromhex(cells), dtype=">u8").astype("u8")
        for link, cells in json.loads(text).items()
    }
