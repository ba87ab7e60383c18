"""``send(at_most="1 per 7 days")``: who has so many emails of late that they get no further one."""

from __future__ import annotations

import re
import reprlib
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from mailframe.counting import counted
from mailframe.errors import CapReached, MailframeError
from mailframe.send.ledger import packs
from mailframe.send.ledger.digest_index import DigestIndex
from mailframe.send.ledger.recent import LIVE, recent_recipients
from mailframe.send.ledger.recorded_statuses import rows_sent_now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeAlias

    from mailframe.message.preflight import Mask, Preflight
    from mailframe.send.excluded_rows import DigestRows
    from mailframe.send.ledger import CampaignRecord, Ledger
    from mailframe.send.ledger.packs import Ids, Rows

    Emails: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"

_NUMBER: Final = "[0-9]{1,3}(?:[_,][0-9]{3}){1,9}|[0-9]{1,30}"
_TEXT: Final = re.compile(
    rf"\s*(?P<count>{_NUMBER})\s*(?:per|in|/)\s*(?:(?P<units>{_NUMBER})\s*)?"
    r"(?P<unit>hour|day|week)s?\s*",
    re.IGNORECASE,
)
_UNITS: Final = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_LONGEST: Final = timedelta(days=3_660)


@dataclass(frozen=True, slots=True)
class FrequencyCap:
    """How many emails a person may have.

    Attributes:
        count: the largest number.
        span: the time until now in which they count.
    """

    count: int
    span: timedelta


def read_frequency_cap(at_most: object) -> FrequencyCap | None:
    """The cap that a text such as ``1 per 7 days`` says; None for None.

    Raises:
        MailframeError: it is something else.

    >>> read_frequency_cap("2 per week")
    FrequencyCap(count=2, span=datetime.timedelta(days=7))
    """
    if at_most is None:
        return None
    match = _TEXT.fullmatch(at_most) if isinstance(at_most, str) else None
    if match is not None:
        count, units = (_number(match[part] or "1") for part in ("count", "units"))
        unit = _UNITS[match["unit"].lower()]
        if count and units and units <= _LONGEST / unit:
            return FrequencyCap(count, units * unit)
    raise MailframeError(
        f"at_most={reprlib.repr(at_most)} is not such as '1 per 7 days' or '3 per week'; a unit "
        "is hour, day or week"
    )


def _number(digits: str) -> int:
    return int(digits.replace("_", "").replace(",", ""))


def emails_of_rows(
    ledger: Ledger,
    campaign: CampaignRecord,
    preflight: Preflight,
    *,
    cap: FrequencyCap,
    resend: Mask | None = None,
) -> Emails:
    """How many emails the recipient of each row has when it is its turn; ``cap.count`` is too many.

    Emails of all campaigns in the ledger count that were accepted or may have been, and of several
    rows with one recipient those before it that a send posts. The holdout counts as if it got the
    email, so that the cap leaves out the same rows whoever is held out.

    Args:
        ledger: the ledger.
        campaign: the campaign that is sent.
        preflight: the check of the rows that would be sent.
        cap: how many emails a person may have.
        resend: one per row, whether it is sent again although it was answered; None for no row.

    Returns:
        One per row; 0 for a row that is not sent, or without a recipient.
    """
    rows = np.flatnonzero(preflight.sound)  # also a row that repeats one that is capped
    people = preflight.people.halves()[rows]
    counts = recent_recipients(ledger, campaign.scope, since=cap.span)
    earlier = counts.of(_addresses(ledger, people))
    is_new = rows_sent_now(preflight, ledger.recorded_messages(campaign), resend=resend)[rows]
    frame = pd.DataFrame(people[is_new], columns=["a", "b"])
    before = np.zeros(len(rows), dtype=np.int64)
    before[is_new] = frame.groupby(["a", "b"], sort=False).cumcount().to_numpy()
    emails = np.zeros(len(preflight.sendable), dtype=np.int64)
    emails[rows] = np.where(people.any(axis=1), earlier + before, 0)
    return emails


class CapGuard:
    """The cap during a send: what other campaigns send meanwhile counts, too.

    Args:
        ledger: the ledger.
        campaign: the campaign that is sent.
        preflight: the check of its rows.
        cap: how many emails a person may have.
        emails: how many the recipient of each row has; see ``emails_of_rows``. It counts on there.
        since: the id of the newest request before they were counted.
    """

    def __init__(
        self,
        ledger: Ledger,
        campaign: CampaignRecord,
        preflight: Preflight,
        *,
        cap: FrequencyCap,
        emails: Emails,
        since: int,
    ) -> None:
        self._ledger, self._campaign, self._preflight = ledger, campaign, preflight
        self._cap, self._emails, self._seen = cap, emails, since
        self._scope = None if campaign.scope.endswith(LIVE) else campaign.scope
        self._other = ""

    def refuse(self, _ids: Ids, positions: Sequence[int]) -> None:
        """Refuse a batch with people who got too many emails of other campaigns meanwhile.

        Called within the transaction that claims it. Each later request is read once.

        Args:
            _ids: the ids of its messages.
            positions: the positions of its rows.

        Raises:
            CapReached: there are such people.
        """
        requests = self._ledger.requests.since(
            self._seen, other_than=self._campaign, scope=self._scope
        )
        for request, name, messages in requests:
            theirs = self._ledger.messages.of_ids(messages).addresses
            rows, _ = self._recipients.pairs(theirs[packs.has_any(theirs)])
            np.add.at(self._emails, rows, 1)
            self._seen, self._other = request, name
        over = int((self._emails[list(positions)] >= self._cap.count).sum())
        if over and self._other:
            raise CapReached(
                f"at_most: {counted(over, 'person', 'people')} of the next batch got, or may have "
                f"got, an email of {self._other!r} meanwhile; nothing more was sent, and the same "
                "call leaves them out"
            )

    @cached_property
    def _recipients(self) -> DigestIndex:
        """The recipient of each row; made only if another campaign is sent."""
        return DigestIndex(_addresses(self._ledger, self._preflight.people.halves()))


def _addresses(ledger: Ledger, people: DigestRows) -> Rows:
    return ledger.address_digests(np.ascontiguousarray(people).view("u1"))
