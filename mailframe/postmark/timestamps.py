"""Postmark's timestamps as pandas columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pandas.api.extensions import ExtensionArray

    Nanoseconds: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"

STAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
NO_STAMP: Final = np.iinfo(np.int64).min  # NaT
_FIRST: Final = pd.Timestamp.min.tz_localize("UTC")
_LAST: Final = pd.Timestamp.max.tz_localize("UTC")


def stamps(texts: Sequence[str | None]) -> ExtensionArray:
    """Postmark's timestamps as ``datetime64[ns, UTC]`` with all seven digits.

    Args:
        texts: timestamps in ISO 8601 with an offset, ``2014-02-17T07:25:01.4178645-05:00`` or
            ``…Z``. Any other text becomes NaT: another format, no offset, or outside the years 1678
            to 2261 that nanoseconds can represent.
    """
    return as_stamps(nanoseconds(texts))


def as_stamps(since_1970: Nanoseconds) -> ExtensionArray:
    """Nanoseconds since 1970 as ``datetime64[ns, UTC]``; NO_STAMP is NaT."""
    # whole numbers, because pandas copies timestamps without a zone to give them one
    return pd.array(since_1970, dtype=pd.DatetimeTZDtype("ns", "UTC"), copy=False)


def nanoseconds(texts: Sequence[str | None]) -> Nanoseconds:
    """The nanoseconds since 1970 of each of *texts*, as for ``stamps``; NO_STAMP without one."""
    # pandas reads "now" and "today" as timestamps, so only this one format is passed on.
    shaped = [text if text and STAMP.fullmatch(text) else None for text in texts]
    read = pd.to_datetime(
        np.array(shaped, dtype=object), format="ISO8601", utc=True, errors="coerce"
    )
    try:
        exact = read.as_unit("ns")
    except pd.errors.OutOfBoundsDatetime:
        in_range = pd.DatetimeIndex(read.where((read >= _FIRST) & (read <= _LAST)))
        exact = in_range.as_unit("ns")
    return exact.asi8
