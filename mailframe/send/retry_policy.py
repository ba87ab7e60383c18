"""Retry policy: how often a request is tried, and how long a run waits in between."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mailframe.postmark.responses import Verdict

if TYPE_CHECKING:
    from mailframe.postmark.responses import Answer

_MAX_DOUBLINGS: Final = 30  # a float overflows after 1,023
_PATIENT_TRIES: Final = 10
"""They take about four minutes."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long a server may be busy or unreachable before the run ends.

    Attributes:
        busy_tries: the maximum number of tries for a batch that is answered with 429 or 503.
        reach_tries: the same for a batch that could not be delivered to the server.
        first_wait_s: the seconds before the second try; doubled before each next one (``pause_s``).
        longest_wait_s: the longest ``Retry-After``, in seconds; a longer one ends the run.
        search_s: the seconds for which Postmark is searched for a batch without a clear answer.
    """

    busy_tries: int = 7
    reach_tries: int = 4
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    search_s: float = 20.0

    def patient(self) -> RetryPolicy:
        """The policy of a send that waits: a laptop that was asleep has no network at first.

        >>> RetryPolicy().patient().reach_tries
        10
        """
        return replace(self, reach_tries=max(self.reach_tries, _PATIENT_TRIES))

    def wait_s(self, tries: int, answer: Answer) -> float | None:
        """Seconds to wait after so many posts of a batch; None to give up."""
        if tries >= (self.busy_tries if answer.verdict is Verdict.BUSY else self.reach_tries):
            return None
        retry_after_s = answer.retry_after_s
        if retry_after_s is not None:
            return retry_after_s if retry_after_s <= self.longest_wait_s else None
        return self.pause_s(tries)

    def pause_s(self, tries: int) -> float:
        """Seconds to wait after so many tries: doubled after each one, plus or minus 25 %."""
        doublings = min(tries - 1, _MAX_DOUBLINGS)
        jitter = random.uniform(0.75, 1.25)  # noqa: S311 - so that two senders do not stay in step
        return self.first_wait_s * 2.0**doublings * jitter


DEFAULT_RETRY_POLICY: Final = RetryPolicy()
SINGLE_TRY: Final = RetryPolicy(busy_tries=1, reach_tries=1)
"""For test emails: nothing is repeated, because running the cell again is easy."""
