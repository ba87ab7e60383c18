"""Clicks by link: which messages had how many, kept in ``attrs`` of the results."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.errors import ResultsError
from mailframe.outcomes.events import EventKind
from mailframe.pandas_versions import text_column
from mailframe.results.frame import last_column, results_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY: Final = "mailframe.links"
"""The name in ``attrs``. Its value is one text, because pandas copies ``attrs`` with each frame."""
_ID_DIGITS: Final = 12
_COUNT_DIGITS: Final = 4
_MOST: Final = 16**_COUNT_DIGITS - 1
_NAMES: Final = ["link", "message"]


def links(results: pd.DataFrame) -> pd.DataFrame:
    """Clicks by link, for the rows of *results*; see ``MailAccessor.links``."""
    ids = last_column(results, results_columns(results)["MessageID"]).dropna()
    try:
        counts = _read(results.attrs[KEY])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ResultsError(
            "no links are stored with these results; results.mail.refresh(server) reads them. A "
            "file does not keep them"
        ) from None
    messages = {_digest(one) for one in ids}
    ours = counts[counts.index.get_level_values("message").isin(messages)]
    groups = ours.groupby(level="link", sort=False)
    table = groups.agg(["sum", "size"]).astype("int64")
    table = table.sort_index().sort_values("sum", ascending=False, kind="stable")
    return pd.DataFrame(
        {
            "link": text_column(table.index.tolist()),
            "clicks": table["sum"].to_numpy(),
            "rows": table["size"].to_numpy(),
            "share": table["size"].to_numpy() / max(1, len(messages)),
        }
    )


def with_links(attrs: Mapping[Any, Any], events: pd.DataFrame, *, are_new: bool) -> dict[Any, Any]:
    """The ``attrs`` of results with the clicks of *events*, each of which is given once."""
    clicks = events[(events["kind"] == EventKind.CLICKED.value) & events["link"].notna()]
    pairs = [clicks["link"].tolist(), [_digest(one) for one in clicks["MessageID"]]]
    index = pd.MultiIndex.from_arrays(pairs, names=_NAMES)
    counts = pd.Series(1, index=index, dtype="int64").groupby(level=_NAMES).sum()
    try:
        before = _read(attrs[KEY])
    except (AttributeError, KeyError, TypeError, ValueError):
        before = counts.iloc[:0]
    both = pd.concat([before, counts]).groupby(level=_NAMES)
    return {**attrs, KEY: _text(both.sum() if are_new else both.max())}


def _digest(message_id: object) -> str:
    text = str(message_id).lower().encode()
    return hashlib.blake2b(text, digest_size=_ID_DIGITS // 2).hexdigest()


def _text(counts: pd.Series[int]) -> str:
    by_link: dict[str, list[str]] = {}
    pairs: list[tuple[str, str]] = counts.index.tolist()
    for (link, message), count in zip(pairs, counts.tolist(), strict=True):
        by_link.setdefault(link, []).append(f"{message}{min(count, _MOST):0{_COUNT_DIGITS}x}")
    return json.dumps({link: "".join(pairs) for link, pairs in by_link.items()})


def _read(text: str) -> pd.Series[int]:
    """The number of clicks by link and digest of the message."""
    step = _ID_DIGITS + _COUNT_DIGITS
    cells = [
        (link, pairs[at : at + _ID_DIGITS], int(pairs[at + _ID_DIGITS : at + step], 16))
        for link, pairs in json.loads(text).items()
        for at in range(0, len(pairs), step)
    ]
    links, messages, counts = zip(*cells, strict=True) if cells else ((), (), ())
    index = pd.MultiIndex.from_arrays([list(links), list(messages)], names=_NAMES)
    return pd.Series(list(counts), index=index, dtype="int64")
