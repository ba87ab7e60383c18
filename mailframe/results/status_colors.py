"""One color for each status: in tables, and in charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.results.row_results import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUS_COLORS: Final[Mapping[Status, str]] = {
    Status.ACCEPTED: "#1fa66e",
    Status.REJECTED: "#b0322b",
    Status.INVALID: "#bd8618",
    Status.SKIPPED: "#5e6165",
    Status.UNSENT: "#3a6393",
    Status.UNKNOWN: "#c566eb",
}
"""Each has a contrast of at least 3 to white and to #111 (WCAG 2.2, 1.4.11).

Any two differ by at least 25 in CIELAB, also for people with red-green color blindness, as Machado,
Oliveira and Fernandes simulate it (2009, doi.org/10.1109/TVCG.2009.113).
"""
