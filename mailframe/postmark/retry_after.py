"""The ``Retry-After`` header of a reply."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of ``Retry-After``; None without a valid one.

    A date is compared with the ``Date`` of the reply, or else with the local clock.

    >>> retry_after_s({"Retry-After": "7"}), retry_after_s({"Retry-After": "soon"})
    (7.0, None)
    """
    values = {name.lower(): value.strip() for name, value in headers.items()}
    text = values.get("retry-after", "")
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text):
        return float(text)
    until = _http_date(text)
    if until is None:
        return None
    wait_s = (until - (_http_date(values.get("date", "")) or datetime.now(UTC))).total_seconds()
    return max(0.0, wait_s) if math.isfinite(wait_s) else None


def _http_date(text: str) -> datetime | None:
    """Return an HTTP date; None for anything else."""
    try:
        date = parsedate_to_datetime(text)
    except Exception:  # noqa: BLE001 - it raises several classes for invalid dates
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
