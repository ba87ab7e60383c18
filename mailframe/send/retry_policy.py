"""How long a run waits for a server that is busy, out of reach or silent."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailframe.postmark.responses import Verdict

if TYPE_CHECKING:
    from mailframe.postmark.responses import Answer


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long a server may be busy or out of reach before the run ends.

    Attributes:
        busy_tries: of one batch that is answered by 429 or 503.
        reach_tries: of one batch that could not be handed over.
        first_wait_s: seconds before the second try; doubled before each further one.
        longest_wait_s: what a ``Retry-After`` may ask for; a longer one ends the run.
        search_s: how long Postmark is asked for a batch that got no clear answer.
    """

    busy_tries: int = 7
    reach_tries: int = 4
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    search_s: float = 20.0

    def wait_s(self, tries: int, answer: Answer) -> float | None:
        """Seconds to wait after so many tries; None when it is enough."""
        if tries >= (self.busy_tries if answer.verdict is Verdict.BUSY else self.reach_tries):
            return None
        asked = answer.retry_after_s
        if asked is not None:
            return asked if asked <= self.longest_wait_s else None
        return self.first_wait_s * 2.0 ** (tries - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - so that two senders part


DEFAULT_RETRY_POLICY: Final = RetryPolicy()
