"""The messages of results: who got which, when, and what Postmark still stores of them."""

from __future__ import annotations

import hashlib
from array import array
from email.utils import getaddresses
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import ResultsError
from mailframe.outcomes.message_index import MessageIndex, pieces
from mailframe.postmark.timestamps import NO_STAMP
from mailframe.results.frame import last_column, results_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailframe.outcomes.message_index import Array

_FIELDS: Final = ("To", "Cc", "Bcc")


class Sent:
    """The messages of the rows that have a MessageID, each once; a message is named by its place.

    Args:
        results: a results frame.

    Attributes:
        index: the messages of the rows.
        submitted_ns: when Postmark accepted each, in nanoseconds since 1970; NO_STAMP if it is not
            known.
        has_recipient: whether the recipients of each are known.
        is_stored: whether Postmark still stores each message, and so all of its events.
        is_tracked: for ``opens`` and ``clicks``, whether Postmark records them for each message.

    Raises:
        ResultsError: *results* is not a results frame, or has no times where they belong.
    """

    def __init__(self, results: pd.DataFrame) -> None:
        labels = results_columns(results)
        self._ids = last_column(results, labels["MessageID"])
        self.index = MessageIndex(self._ids)
        self._to = last_column(results, labels["To"]).iloc[self.index.first]
        self._listed_to: dict[int, str] = {}
        stamps = last_column(results, labels["SubmittedAt"]).iloc[self.index.first]
        try:
            times = pd.to_datetime(stamps, format="ISO8601", utc=True).dt.as_unit("ns")
        except (TypeError, ValueError) as error:
            raise ResultsError(
                f"column {labels['SubmittedAt']!r} has no times ({error}); use what send() or "
                "read_results() returned"
            ) from None
        self.submitted_ns: Array = times.to_numpy("datetime64[ns]").view("i8").copy()
        self.has_recipient: Array = self._to.notna().to_numpy(dtype=bool, copy=True)
        self.is_stored: Array = np.ones(len(self), dtype=bool)
        self.is_tracked = {name: self.is_stored.copy() for name in ("opens", "clicks")}

    def __len__(self) -> int:
        return len(self.index)

    def message_id(self, place: int) -> str:
        """The MessageID of a message."""
        return str(self._ids.iloc[self.index.first[place]])

    @property
    def first_ns(self) -> int | None:
        """When the first message was accepted; None if that is not known of all."""
        first = int(self.submitted_ns.min(initial=np.iinfo(np.int64).max))
        return None if first == NO_STAMP else first

    def of_rows(self, values: Array) -> Array:
        """The value of the message of each row; False for a row without one."""
        return np.append(values, False)[self.index.row]

    def recipients(self) -> list[str | None]:
        """The recipients of each message as text; None if they are not known."""
        texts = [one if isinstance(one, str) else None for one in self._to.tolist()]
        for place, text in self._listed_to.items():
            texts[place] = text
        return texts

    def note(self, items: Sequence[Mapping[str, Any]], times: Array) -> None:
        """Take time, recipients and tracking of messages from Postmark's list of them."""
        places = self.index.find([item.get("MessageID") for item in items])
        for place, item, time in zip(places.tolist(), items, times.tolist(), strict=True):
            if place < 0:
                continue
            self.is_stored[place] = self.has_recipient[place] = True
            if self.submitted_ns[place] == NO_STAMP:
                self.submitted_ns[place] = time
            self._listed_to[place] = _recipients(item)
            self.is_tracked["opens"][place] = item.get("TrackOpens") is not False
            self.is_tracked["clicks"][place] = item.get("TrackLinks") != "None"

    def addresses(self) -> Addresses:
        """The messages by address."""
        return Addresses(self._to, self._listed_to)


class Addresses:
    """The places of messages by the address of a recipient, in 16 bytes for each.

    Args:
        to: the recipients of each message as text.
        listed: the recipients of some in its place.
    """

    def __init__(self, to: pd.Series[Any], listed: Mapping[int, str]) -> None:
        digests, places = array("Q"), array("q")
        place = 0
        for texts in pieces(to):
            for text in texts:
                for address in _addresses(listed.get(place, text)):
                    digests.append(_digest(address))
                    places.append(place)
                place += 1
        unordered = np.frombuffer(digests, dtype=np.uint64)
        order = np.argsort(unordered, kind="stable")
        self._digests = unordered[order]
        self._places = np.frombuffer(places, dtype=np.int64)[order]

    def of(self, address: str) -> list[int]:
        """The places of the messages to an address, in their order."""
        digest = np.uint64(_digest(address.strip().lower()))
        start = np.searchsorted(self._digests, digest, side="left")
        end = np.searchsorted(self._digests, digest, side="right")
        places: list[int] = self._places[start:end].tolist()
        return places


def _digest(address: str) -> int:
    return int.from_bytes(hashlib.blake2b(address.encode(), digest_size=8).digest(), "little")


def _recipients(item: Mapping[str, Any]) -> str:
    """The addresses of a message in a list of Postmark."""
    people = [one for name in _FIELDS for one in item.get(name) or [] if isinstance(one, dict)]
    return ", ".join(str(one.get("Email") or "") for one in people)


def _addresses(text: object) -> list[str]:
    if not isinstance(text, str):
        return []
    if not set(text) & set('<",('):
        return [text.strip().lower()]
    return [address.strip().lower() for _, address in getaddresses([text]) if address]
