"""Expressions for letters, with every pandas that mailframe supports."""

from __future__ import annotations

from typing import Any

import pandas as pd

from mailframe.pandas_versions import HAS_EXPRESSIONS


def col(name: str) -> Any:
    """``pd.col``, or the function that is written where pandas has none."""
    return pd.col(name) if HAS_EXPRESSIONS else lambda frame: frame[name]
