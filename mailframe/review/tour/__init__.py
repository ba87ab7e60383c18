"""The tour: the fewest rows that cover every branch of a letter, and the extreme rows."""

from __future__ import annotations

from mailframe.review.tour.branches import Branch
from mailframe.review.tour.edge_cases import MAX_ROWS, evenly_spaced, tour
from mailframe.review.tour.stops import Stop, Tour, joined_tour

__all__ = ["MAX_ROWS", "Branch", "Stop", "Tour", "evenly_spaced", "joined_tour", "tour"]
