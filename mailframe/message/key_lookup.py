"""The positions of the rows that have given keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

import pandas as pd

from mailframe.errors import FrameError
from mailframe.message.keys import KeyFault, canonical, joined
from mailframe.message.row_names import is_missing_label, label_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_SHOWN: Final = 5
"""Keys that an error text lists."""


def key_positions(frame: pd.DataFrame, columns: Sequence[str], keys: object) -> tuple[int, ...]:
    """The positions of the rows that have these keys, each once, in the order of the keys.

    Args:
        frame: the frame of the campaign.
        columns: the columns of its key.
        keys: one key, or several in a list, a Series or another iterable; a key of several columns
            is a tuple. ``1``, ``1.0`` and ``"1"`` are one key, as in the ledger. A missing key has
            no row.

    Raises:
        FrameError: the campaign has no key, or no row has one of the keys.

    >>> key_positions(pd.DataFrame({"id": [1, 2, 3]}), ["id"], ["3", 1])
    (2, 0)
    """
    if not columns:
        raise FrameError(
            "the campaign has no key; write compose(…, key=…), or name rows by their index label"
        )
    wanted = {
        _key_text(key, columns): key
        for key in list_of_keys(keys, columns)
        if not is_missing_label(key)
    }
    positions: dict[str, list[int]] = {text: [] for text in wanted}
    cells = zip(*(frame[column].tolist() for column in columns), strict=True)
    for position, values in enumerate(cells):
        try:
            text = joined([canonical(value) for value in values])
        except KeyFault:
            continue
        if text in positions:
            positions[text].append(position)
    absent = [label_text(wanted[text]) for text, rows in positions.items() if not rows]
    if absent:
        more = f" and {len(absent) - _MAX_SHOWN:,} more" if len(absent) > _MAX_SHOWN else ""
        names = " + ".join(map(str, columns))
        raise FrameError(f"no row has the key {', '.join(absent[:_MAX_SHOWN])}{more} ({names})")
    return tuple(position for rows in positions.values() for position in rows)


def list_of_keys(keys: object, columns: Sequence[str]) -> list[object]:
    """One key or an iterable of keys, as a list; for a key of several columns a tuple is one key.

    Raises:
        FrameError: *keys* is a DataFrame or a mapping.
    """
    if isinstance(keys, pd.DataFrame | Mapping):
        raise FrameError(f"key= is a {type(keys).__name__}; give one key, or a list of keys")
    if isinstance(keys, str | bytes) or not isinstance(keys, Iterable):
        return [keys]
    is_one_key = isinstance(keys, tuple) and len(columns) > 1
    if is_one_key and not any(isinstance(part, tuple | list) for part in keys):
        return [keys]
    return list(keys)


def _key_text(key: object, columns: Sequence[str]) -> str:
    """The canonical text of a key; see ``canonical``."""
    parts = key if isinstance(key, tuple | list) else (key,)
    if len(parts) != len(columns):
        names = ", ".join(map(str, columns))
        kind = f"one value of {names}" if len(columns) == 1 else f"a tuple of the values of {names}"
        raise FrameError(f"key={label_text(key)}: a key is {kind}")
    try:
        return joined([canonical(part) for part in parts])
    except KeyFault as fault:
        raise FrameError(f"key={label_text(key)}: {fault}") from None
