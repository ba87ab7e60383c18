"""The messages of results: who got which, when, and what Postmark still stores of them."""

from __future__ import annotations

import hashlib
from array import array
from email.utils import getaddresses
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import ResultsError
from mailframe.message.digests import are_among
from mailframe.outcomes.message_index import PIECE_ROWS, MessageIndex
from mailframe.pandas_versions import text_column
from mailframe.postmark.timestamps import NO_STAMP, as_stamps
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
        is_unknown: whether the time or the recipient of each is not known.
        is_listed: whether Postmark still stores each message, and so all of its events.
        streams: which messages are in a stream, by its ID; in none if that is not known.
        is_tracked: for ``opens`` and ``clicks``, whether Postmark records them for each message.

    Raises:
        ResultsError: *results* is not a results frame, or has no times where they belong.
    """

    def __init__(self, results: pd.DataFrame) -> None:
        self._labels = results_columns(results)
        self._ids = last_column(results, self._labels["MessageID"])
        self.index = MessageIndex(self._ids)
        self._to = last_column(results, self._labels["To"])
        self._listed_to: Array | None = None
        stamps = last_column(results, self._labels["SubmittedAt"]).iloc[self.index.first]
        try:
            times = pd.to_datetime(stamps, format="ISO8601", utc=True).dt.as_unit("ns")
        except (TypeError, ValueError) as error:
            raise ResultsError(
                f"column {self._labels['SubmittedAt']!r} has no times ({error}); use what send() "
                "or read_results() returned"
            ) from None
        self.submitted_ns: Array = times.to_numpy("datetime64[ns]").view("i8").copy()
        has_no_to = self._to.isna().to_numpy(dtype=bool)[self.index.first]
        self.is_unknown: Array = has_no_to | (self.submitted_ns == NO_STAMP)
        self.is_listed: Array = np.zeros(len(self), dtype=bool)
        self.streams: dict[str, Array] = {}
        self.is_tracked = {"opens": ~self.is_listed, "clicks": ~self.is_listed}

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

    def note_all(self, stream: str) -> None:
        """Note that all messages are in one stream, and that Postmark stores them."""
        self.streams[stream] = np.ones(len(self), dtype=bool)
        self.is_listed[:] = True

    def note(self, items: Sequence[Mapping[str, Any]], times: Array, *, stream: str) -> Array:
        """Take time, recipients and tracking of messages from Postmark's list of a stream.

        Returns:
            Which of *items* are messages of the rows.
        """
        places = self.index.find([item.get("MessageID") for item in items])
        is_ours = places >= 0
        ours = places[is_ours]
        self.is_listed[ours] = True
        self.streams.setdefault(stream, np.zeros(len(self), dtype=bool))[ours] = True
        self.submitted_ns[ours] = np.where(
            self.submitted_ns[ours] == NO_STAMP, times[is_ours], self.submitted_ns[ours]
        )
        for place, at in zip(ours.tolist(), np.flatnonzero(is_ours).tolist(), strict=True):
            item = items[at]
            if self.is_unknown[place]:
                if self._listed_to is None:
                    self._listed_to = np.full(len(self), None, dtype=object)
                self._listed_to[place] = _recipients(item)
            self.is_tracked["opens"][place] = item.get("TrackOpens") is not False
            self.is_tracked["clicks"][place] = item.get("TrackLinks") != "None"
        return is_ours

    def members(self) -> dict[str, str]:
        """The digests of the messages of each stream, in hexadecimal; not of the largest one.

        Those whose stream is not known have the name "".
        """
        if not self.streams:
            return {"": ""}
        largest = max(self.streams, key=lambda name: int(self.streams[name].sum()))
        others = {name: one for name, one in self.streams.items() if name != largest}
        others[""] = ~np.any([*self.streams.values()], axis=0)
        digests = {name: self.index.digests(one.nonzero()[0]) for name, one in others.items()}
        return {largest: ""} | {
            name: one.astype(">u8").tobytes().hex() for name, one in digests.items() if len(one)
        }

    def note_members(self, members: Mapping[str, str]) -> None:
        """Take the stream of each message from what ``members`` returned."""
        digests = self.index.digests(np.arange(len(self)))
        largest, *others = members
        rest = np.ones(len(self), dtype=bool)
        for name in others:
            one = np.frombuffer(bytes.fromhex(members[name]), dtype=">u8")
            self.streams[name] = are_among(digests, np.sort(one.astype("u8")))
            rest &= ~self.streams[name]
        self.streams[largest] = rest

    def lacks(self) -> bool:
        """Whether the time or the recipient of a message in a known stream is not known."""
        return any((one & self.is_unknown).any() for name, one in self.streams.items() if name)

    def fill(self, results: pd.DataFrame) -> None:
        """Set ``To`` and ``SubmittedAt`` where they are missing, for messages of an earlier run.

        A column of another dtype, which does not take them, stays as it is.
        """
        if self._listed_to is None:
            return
        is_listed = self.of_rows(self._listed_to != None)  # noqa: E711 - of each
        for name in ("To", "SubmittedAt"):
            cells: Any = last_column(results, self._labels[name]).copy()
            rows = np.flatnonzero(is_listed & cells.isna().to_numpy(dtype=bool))
            places = self.index.row[rows]
            values: Any = pd.Series(as_stamps(self.submitted_ns[places]))
            if name == "To":
                values = text_column(text or None for text in self._listed_to[places])
            elif not pd.api.types.is_datetime64_any_dtype(cells.dtype):
                continue
            try:
                cells.iloc[rows] = values.astype(cells.dtype).array
            except (TypeError, ValueError):
                continue
            labels = results.columns.tolist()
            results.isetitem(len(labels) - 1 - labels[::-1].index(self._labels[name]), cells)

    def addresses(self) -> Addresses:
        """The messages by address."""
        return Addresses(self._to, self.index.first, self._listed_to)


class Addresses:
    """The places of messages by the address of a recipient, in 16 bytes for each.

    Args:
        to: the recipients of each row as text.
        first: the first row of each message.
        listed: the recipients of some messages in its place, and None for the others.
    """

    def __init__(self, to: pd.Series[Any], first: Array, listed: Array | None) -> None:
        digests, places = array("Q"), array("q")
        place = 0
        for start in range(0, len(first), PIECE_ROWS):
            for text in to.iloc[first[start : start + PIECE_ROWS]].tolist():
                other = None if listed is None else listed[place]
                for address in _addresses(text if other is None else other):
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
    """The addresses of a message in a list of Postmark: of To, or without one of Cc or Bcc."""
    for name in _FIELDS:
        value = item.get(name)
        people = [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
        if people:
            return ", ".join(str(one.get("Email") or "") for one in people)
    return ""


def _addresses(text: object) -> list[str]:
    if not isinstance(text, str):
        return []
    if not set(text) & set('<",('):
        return [text.strip().lower()]
    return [address.strip().lower() for _, address in getaddresses([text]) if address]
