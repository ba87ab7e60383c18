"""Timestamps as ``pd.Timestamp.isoformat`` writes them, but many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from mailframe.results.csv_kinds import Texts

Moments: TypeAlias = "np.ndarray[Any, np.dtype[np.datetime64]]"

_FIRST, _LAST = np.datetime64("0001-01-01"), np.datetime64("9999-12-31")
_PRECISIONS: Final[tuple[Literal["s", "us", "ns"], ...]] = ("s", "us", "ns")
"""Timestamps are written with the fewest digits: none, 6 or 9."""


def moments_of(column: pd.Series) -> Moments | None:
    """The timestamps of a column without a zone or in UTC.

    Returns:
        None for a column of anything else, for one without a timestamp, and for one with years that
        do not have four digits.
    """
    zone = getattr(column.dtype, "tz", None)
    is_stamps = isinstance(column.dtype, np.dtype | pd.DatetimeTZDtype) and column.dtype.kind == "M"
    if not is_stamps or str(zone) not in {"None", "UTC"} or column.isna().all():
        return None
    moments: Moments = (column if zone is None else column.dt.tz_convert(None)).to_numpy()
    seconds = moments[~np.isnat(moments)].astype("datetime64[s]")
    return None if seconds.min() < _FIRST or seconds.max() > _LAST else moments


def in_fewest_digits(moments: Moments) -> Moments | None:
    """The timestamps in the unit in which they are written; None if they need several."""
    present = ~np.isnat(moments)
    fits_before = np.zeros(len(moments), dtype=bool)
    for unit in _PRECISIONS:
        cut = moments.astype(f"datetime64[{unit}]")
        fits = (cut == moments) & present
        if (fits == present).all():
            return None if fits_before.any() else cut
        fits_before |= fits
    return None


def stamp_texts(column: pd.Series) -> tuple[Texts, str] | None:
    """The texts of a column of timestamps, and their letters; None as in ``moments_of``."""
    moments = moments_of(column)
    if moments is None:
        return None
    left = np.flatnonzero(~np.isnat(moments))
    texts = np.full(len(moments), None, dtype=object)
    for unit in _PRECISIONS:
        cut = moments[left].astype(f"datetime64[{unit}]")
        fits = cut == moments[left]
        texts[left[fits]] = np.datetime_as_string(cut[fits], unit=unit)
        left = left[~fits]
    ending = "+00:00" if isinstance(column.dtype, pd.DatetimeTZDtype) else ""
    filled = [None if text is None else f"{text}{ending}" for text in texts.tolist()]
    letters = "".join(["0" if text is None else "P" for text in filled])
    return filled, letters if None in filled else "P"
