"""The messages of results: who got which, when, and what Postmark still stores of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import getaddresses
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.postmark.timestamps import NO_STAMP
from mailframe.results.frame import last_column, results_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailframe.outcomes.columns import Array

_FIELDS: Final = ("To", "Cc", "Bcc")


@dataclass(slots=True)
class Sent:
    """The messages of the rows that have a MessageID; each once, in the order of the rows.

    Attributes:
        ids: their MessageIDs in lower case.
        row: the place in *ids* of the message of each row; -1 without one.
        submitted_ns: when Postmark accepted each, in nanoseconds since 1970; NO_STAMP if it is not
            known.
        to: the recipients of each as text; None if they are not known.
        is_stored: whether Postmark still stores each message, and so all of its events.
        is_tracked: for ``opens`` and ``clicks``, whether Postmark records them for each message.
    """

    ids: pd.Index[Any]
    row: Array
    submitted_ns: Array
    to: list[str | None]
    is_stored: Array = field(init=False)
    is_tracked: dict[str, Array] = field(init=False)

    def __post_init__(self) -> None:
        self.is_stored = np.ones(len(self.ids), dtype=bool)
        self.is_tracked = {name: self.is_stored.copy() for name in ("opens", "clicks")}

    @classmethod
    def of(cls, results: pd.DataFrame) -> Sent:
        """The messages of *results*.

        Raises:
            ResultsError: *results* is not a results frame.
        """
        labels = results_columns(results)
        cells = {name: last_column(results, labels[name]) for name in ("MessageID", "To")}
        texts = [one.lower() if isinstance(one, str) else None for one in cells["MessageID"]]
        row, ids = pd.factorize(np.array([*texts, None], dtype=object)[:-1])
        last_first = np.flatnonzero(row >= 0)[::-1]
        first = np.zeros(len(ids), dtype=np.int64)
        first[row[last_first]] = last_first
        stamps = pd.to_datetime(last_column(results, labels["SubmittedAt"]), utc=True)
        whole = stamps.dt.as_unit("ns").to_numpy("datetime64[ns]").view("i8")
        to = cells["To"].tolist()
        people = [to[at] if isinstance(to[at], str) else None for at in first.tolist()]
        return cls(pd.Index(ids, dtype=object), row, whole[first], people)

    def places(self, message_ids: Sequence[Any]) -> Array:
        """The place of each MessageID; -1 for a message of others."""
        texts = [one.lower() if isinstance(one, str) else None for one in message_ids]
        places: Array = self.ids.get_indexer(pd.Index([*texts, None], dtype=object)[:-1])
        return places

    @property
    def first_ns(self) -> int | None:
        """When the first message was accepted; None if that is not known of all."""
        first = int(self.submitted_ns.min(initial=np.iinfo(np.int64).max))
        return None if first == NO_STAMP else first

    def of_rows(self, values: Array) -> Array:
        """The value of the message of each row; False for a row without one."""
        return np.append(values, False)[self.row]

    def note(self, items: Sequence[Mapping[str, Any]], times: Array) -> None:
        """Take time, recipients and tracking of messages from Postmark's list of them."""
        places = self.places([item.get("MessageID") for item in items])
        for place, item, time in zip(places.tolist(), items, times.tolist(), strict=True):
            if place < 0:
                continue
            self.is_stored[place] = True
            if self.submitted_ns[place] == NO_STAMP:
                self.submitted_ns[place] = time
            self.to[place] = _recipients(item)
            self.is_tracked["opens"][place] = item.get("TrackOpens") is not False
            self.is_tracked["clicks"][place] = item.get("TrackLinks") != "None"

    def by_address(self) -> dict[str, list[int]]:
        """The places of the messages of each recipient, by address in lower case."""
        places: dict[str, list[int]] = {}
        for place, text in enumerate(self.to):
            for address in _addresses(text):
                places.setdefault(address, []).append(place)
        return places


def _recipients(item: Mapping[str, Any]) -> str:
    """The addresses of a message in a list of Postmark."""
    people = [one for name in _FIELDS for one in item.get(name) or [] if isinstance(one, dict)]
    return ", ".join(str(one.get("Email") or "") for one in people)


def _addresses(text: str | None) -> list[str]:
    if text is None:
        return []
    if not set(text) & set('<",('):
        return [text.strip().lower()]
    return [address.strip().lower() for _, address in getaddresses([text]) if address]
