"""``send(at_most="1 per 7 days")``: who has so many emails of late that they get no further one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from mailframe.errors import MailframeError
from mailframe.send.ledger.recent import recent_recipients
from mailframe.send.ledger.recorded_statuses import rows_sent_now

if TYPE_CHECKING:
    from mailframe.message.preflight import Mask, Preflight
    from mailframe.send.ledger import CampaignRecord, Ledger

_TEXT: Final = re.compile(
    r"\s*(?P<count>[0-9][0-9_,]*)\s*(?:per|in|/)\s*(?:(?P<units>[0-9][0-9_,]*)\s*)?"
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
        f"at_most={at_most!r} is not such as '1 per 7 days' or '3 per week'; a unit is hour, day "
        "or week"
    )


def _number(digits: str) -> int:
    return int(digits.replace("_", "").replace(",", ""))


def capped_rows(
    ledger: Ledger,
    campaign: CampaignRecord,
    preflight: Preflight,
    *,
    cap: FrequencyCap,
    resend: Mask | None = None,
) -> Mask:
    """The rows whose recipient has as many emails as the cap allows.

    Emails of all campaigns in the ledger count that were accepted or may have been, and of several
    rows with one recipient those before it that a send posts. The holdout counts as if it got the
    email, so that the cap leaves out the same rows whoever is held out.

    Args:
        ledger: the ledger.
        campaign: the campaign that is sent.
        preflight: the check of the rows that would be sent.
        cap: how many emails a person may have.
        resend: one per row, whether it is sent again although it was answered; None for no row.
    """
    rows = np.flatnonzero(preflight.sound)  # also a row that repeats one that is capped
    people = preflight.people.halves()[rows]
    counts = recent_recipients(ledger, campaign.scope, since=cap.span)
    addresses = ledger.address_digests(np.ascontiguousarray(people).view("u1"))
    earlier = counts.of(addresses)
    is_new = rows_sent_now(preflight, ledger.recorded_messages(campaign), resend=resend)[rows]
    frame = pd.DataFrame(people[is_new], columns=["a", "b"])
    before = np.zeros(len(rows), dtype=np.int64)
    before[is_new] = frame.groupby(["a", "b"], sort=False).cumcount().to_numpy()
    is_person = people.any(axis=1)
    capped = np.zeros(len(preflight.sendable), dtype=bool)
    capped[rows[is_person & (earlier + before >= cap.count)]] = True
    return capped
