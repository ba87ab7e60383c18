"""The tour: the few rows of a frame that show all that a letter can say."""

from __future__ import annotations

from mailframe.review.tour.branches import Branch
from mailframe.review.tour.stops import Stop, Tour
from mailframe.review.tour.walking import MAX_ROWS, sample, tour

__all__ = ["MAX_ROWS", "Branch", "Stop", "Tour", "sample", "tour"]
