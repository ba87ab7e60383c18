"""What ends a send early: a share of its messages that is rejected, bounces or complains."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailframe import errors
from mailframe.send.pacing.bounce_watch import BounceWatch
from mailframe.send.states import NO_RESULTS_YET

if TYPE_CHECKING:
    from mailframe.postmark.responses import Answer
    from mailframe.postmark.search import Queryable

MIN_MESSAGES: Final = 100
"""Fewer messages have no share: one of three is not a third."""
POLL_S: Final = 30.0
EVENTS: Final[Mapping[str, str]] = {
    "rejected": "were rejected",
    "bounced": "bounced",
    "complained": "were marked as spam",
}
_LISTED: Final = ("bounced", "complained")
_PERCENTAGE: Final = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,6})?)\s*%")


@dataclass(frozen=True, slots=True)
class StopRule:
    """The largest shares with which a send goes on.

    Attributes:
        shares: the share of the messages of this call by event, from 0 to below 1.
        poll_s: the seconds between two questions for bounces.
    """

    shares: Mapping[str, float]
    poll_s: float = POLL_S

    @classmethod
    def read(cls, stop_when: object) -> StopRule:
        """The rule that the argument of ``send`` says.

        Args:
            stop_when: shares by event; each is a number or a text such as ``5%``.

        Raises:
            MailframeError: it says something else.

        >>> StopRule.read({"rejected": "5%", "bounced": 0.02}).shares
        {'rejected': 0.05, 'bounced': 0.02}
        """
        if not isinstance(stop_when, Mapping) or not stop_when or not set(stop_when) <= set(EVENTS):
            raise errors.MailframeError(
                f"stop_when={stop_when!r} does not name shares such as {{'rejected': 0.05}}; it "
                f"takes {', '.join(EVENTS)}; nothing was sent"
            )
        return cls({event: _share(event, share) for event, share in stop_when.items()})

    def exceeded(self, event: str, count: int, *, messages: int) -> str | None:
        """The text of the error if a share is exceeded.

        >>> StopRule({"bounced": 0.02}).exceeded("bounced", 3, messages=100)
        'stop_when: 3 of 100 messages bounced (3.00 %), more than 2 %'
        """
        share = self.shares.get(event)
        if share is None or messages < MIN_MESSAGES or count <= round(share * messages, 6):
            return None
        return (
            f"stop_when: {count:,} of {messages:,} messages {EVENTS[event]} "
            f"({100 * count / messages:.2f} %), more than {share * 100:g} %"
        )


class StopWatch:
    """Counts the messages of one run, and says when it is to end.

    Args:
        rule: the rule.
        server: the server that is asked for bounces.
    """

    def __init__(self, rule: StopRule, server: Queryable) -> None:
        self._rule, self._accepted, self._rejected = rule, 0, 0
        # of the test token nothing is delivered, and Postmark has no list
        is_listed = not server.is_test_token and any(one in rule.shares for one in _LISTED)
        self._bounces = BounceWatch(server, poll_s=rule.poll_s) if is_listed else None

    def add(self, answer: Answer) -> None:
        """Count the outcomes of an answer."""
        accepted = [one.message_id for one in answer.outcomes if one.message_id is not None]
        self._rejected += len(answer.outcomes) - len(accepted)
        self.add_accepted(accepted)

    def add_accepted(self, message_ids: list[str]) -> None:
        """Count messages that Postmark has accepted."""
        self._accepted += len(message_ids)
        if self._bounces is not None:
            self._bounces.add(message_ids)

    def failure(self) -> errors.SendError | None:
        """The error that ends the run: a share is exceeded, or cannot be checked."""
        counts = {"rejected": (self._rejected, self._accepted + self._rejected)}
        if self._bounces is not None:
            try:
                self._bounces.poll()
            except errors.AccountError as error:
                return errors.SendError(
                    f"stop_when could not be checked: {error}", results=NO_RESULTS_YET
                )
            counts["bounced"] = (self._bounces.bounced, self._accepted)
            counts["complained"] = (self._bounces.complained, self._accepted)
        for event, (count, messages) in counts.items():
            text = self._rule.exceeded(event, count, messages=messages)
            if text is not None:
                return errors.ShareExceeded(text, results=NO_RESULTS_YET)
        return None


def _share(event: str, value: object) -> float:
    share = value
    match = _PERCENTAGE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is not None:
        share = float(match[1]) / 100
    if isinstance(share, bool) or not isinstance(share, float | int) or not 0 <= share < 1:
        raise errors.MailframeError(
            f"stop_when has {event}={value!r}, which is not a share: a number from 0 to below 1, "
            "or a text such as '5%'; nothing was sent"
        )
    return float(share)
