"""A rate such as ``5000/h``: how large a batch is, and when the next one may go."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailframe.errors import MailframeError
from mailframe.limits import MAX_BATCH_MESSAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNITS: Final = {"s": 1.0, "min": 60.0, "h": 3_600.0, "day": 86_400.0}
"""Seconds of each unit."""
_BATCHES: Final = {"s": 1, "min": 10, "h": 50, "day": 1_000}
"""In how many batches the messages of a unit go; in more if they would have over 500 messages.

Few enough that questions to Postmark before each batch are rare, and divisors of round numbers.
"""
_FORM: Final = re.compile(r"([0-9]{1,3}(?:([,_\s])[0-9]{3})(?:\2[0-9]{3})*|[0-9]+)\s*/\s*([a-z]+)")
_MAX_COUNT: Final = 1_000_000_000
_SEPARATORS: Final = re.compile(r"[,_\s]")


@dataclass(frozen=True, slots=True)
class Posted:
    """Messages that were posted in one request.

    Attributes:
        at_s: when, in seconds of a clock that cannot be set.
        messages: how many.
    """

    at_s: float
    messages: int


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many messages in any period of one unit.

    They are spread over the unit: there is no burst at its beginning, and none after a pause.

    Attributes:
        count: the number of messages in a unit.
        unit: the unit: ``s``, ``min``, ``h`` or ``day``.
    """

    count: int
    unit: str

    @classmethod
    def read(cls, text: object) -> Rate:
        """The rate that *text* says.

        Args:
            text: a whole number, ``/`` and a unit; groups of three digits may be separated by
                commas, underscores or spaces.

        Raises:
            MailframeError: it says something else.

        >>> Rate.read("5,000/h")
        Rate(count=5000, unit='h')
        """
        match = _FORM.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is not None and match[3] in _UNITS:
            digits = _SEPARATORS.sub("", match[1]).lstrip("0")
            if 0 < len(digits) <= len(str(_MAX_COUNT)) and int(digits) <= _MAX_COUNT:
                return cls(int(digits), match[3])
        raise MailframeError(
            f"rate={text!r} is not a rate such as '5000/h': a whole number from 1 to "
            f"{_MAX_COUNT:,}, and /s, /min, /h or /day; nothing was sent"
        )

    @property
    def unit_s(self) -> float:
        """Seconds of the unit."""
        return _UNITS[self.unit]

    @property
    def batch_messages(self) -> int:
        """The maximum number of messages of a batch.

        Of the sizes down to half of a usual batch the one with which most of the rate is used.

        >>> [Rate(count, "h").batch_messages for count in (600, 5_000, 100_000, 7)]
        [12, 100, 500, 1]
        """
        usual = min(max(self.count // _BATCHES[self.unit], 1), MAX_BATCH_MESSAGES)
        sizes = range((usual + 1) // 2, usual + 1)
        return max(sizes, key=lambda size: (self.count // size * size, size))

    @property
    def gap_s(self) -> float:
        """Seconds from one full batch to the next."""
        return self._gap_s(self.batch_messages)

    def _gap_s(self, messages: int) -> float:
        return self.unit_s * messages / self.count

    def wait_s(self, posted: Sequence[Posted], *, now_s: float, messages: int) -> float:
        """Seconds until the next batch may go; 0 for now.

        Args:
            posted: what was posted before, oldest first; what is older than a unit does not count.
            now_s: the current time of their clock.
            messages: the number of messages of the batch, at most ``batch_messages``.

        >>> Rate(600, "h").wait_s([Posted(0.0, 12)], now_s=2.0, messages=12)
        70.0
        """
        if not posted:
            return 0.0
        last = posted[-1]
        until = last.at_s + self._gap_s(min(last.messages, self.batch_messages))
        over = messages - self.count
        for one in reversed(posted):
            over += one.messages
            if over > 0:
                until = max(until, one.at_s + self.unit_s)
                break
        return max(0.0, until - now_s)

    def lasts_s(self, messages: int) -> float:
        """Seconds from the first batch of so many messages to the last one.

        >>> Rate(5_000, "h").lasts_s(12_340)
        8856.0
        """
        return max(0, self.batches(messages) - 1) * self.gap_s

    def batches(self, messages: int) -> int:
        """In how many batches so many messages go."""
        return -(-messages // self.batch_messages)

    def __str__(self) -> str:
        return f"{self.count:,}/{self.unit}"
