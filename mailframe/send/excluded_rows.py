"""Which rows ``send(exclude=…)`` leaves out, and who of these is in a copy of another message."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from mailframe.errors import MailframeError
from mailframe.message.digests import are_among, digest, digests_of
from mailframe.message.key_spelling import loose_texts
from mailframe.message.keys import in_one
from mailframe.message.message import Message
from mailframe.send.ledger.digest_index import DigestIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mailframe.message.preflight import Mask, Preflight
    from mailframe.message.row_names import RowNames
    from mailframe.send.sendable import Sendable

DigestRows: TypeAlias = "np.ndarray[Any, np.dtype[np.uint64]]"
"""One digest per row, as two numbers."""
_RECIPIENTS: Final = ("To", "Cc", "Bcc")
_ADDRESSES: Final = re.compile(r"[^\s<>,\"]+@[^\s<>,\"]+")
"""Addresses in a field of a message, which has written them; perhaps also one in a name."""


def no_digests() -> DigestRows:
    """An array of no digests."""
    return np.empty((0, 2), dtype="<u8")


@dataclass(frozen=True, slots=True)
class ExcludedRows:
    """What names the rows that are left out.

    Attributes:
        count: how many addresses and keys were given, missing ones included.
        mask: one per row of the campaign, whether it is left out; None without a mask.
        people: the digests of addresses.
        keys: the digests of keys.
        parts: the canonical keys, as one list per column of the key.
        not_addresses: the error of a text with an at-sign that is not an address, by its
            digest as a key.
        only: the text, if *exclude* is one text.
    """

    count: int = 0
    mask: Mask | None = None
    people: DigestRows = field(default_factory=no_digests)
    keys: DigestRows = field(default_factory=no_digests)
    parts: Sequence[list[str]] = ()
    not_addresses: Mapping[bytes, MailframeError] = field(default_factory=dict)
    only: str = ""

    def of(self, preflight: Preflight, names: RowNames) -> Mask:
        """One per row, whether it is left out.

        Args:
            preflight: the preflight check of the campaign.
            names: the names of the rows, for an error.

        Raises:
            MailframeError: a row has a key that is written differently in *exclude*, or a text is
                neither an address nor a key.
        """
        if self.mask is not None:
            return self.mask
        rows = _are_among(preflight.people.halves(), self.people)
        blocked = preflight.blocked_people
        rows[list(compress(blocked, _are_among(rows_of(blocked.values()), self.people)))] = True
        if len(self.keys):
            keys = preflight.keys.halves()
            rows |= _are_among(keys, self.keys)
            is_key = _are_among(rows_of(self.not_addresses), keys)
            for error in compress(self.not_addresses.values(), ~is_key):
                raise error
            absent = ~_are_among(self.keys, keys)
            parts = [list(compress(part, absent)) for part in self.parts]
            _refuse_spellings(parts, preflight.spellings, rows, names)
        if self.only and not len(self.people) and not rows.any():
            raise MailframeError(
                f"exclude={self.only!r} is not an address, a key of a row, or a .csv or .parquet "
                "file; nothing was sent"
            )
        return rows

    def __len__(self) -> int:
        """How many addresses and keys were given."""
        return self.count


def rows_of(digests: Iterable[bytes | None]) -> DigestRows:
    """Digests as rows of two numbers; None is left out."""
    return np.frombuffer(b"".join(filter(None, digests)), dtype="<u8").reshape(-1, 2)


def _are_among(these: DigestRows, those: DigestRows) -> Mask:
    """Whether each of *these* digests is one of *those*."""
    among: Mask = DigestIndex(those.view("u1")).find(these.view("u1")) >= 0
    return among


def _refuse_spellings(
    absent: Sequence[list[str]],
    spellings: np.ndarray[Any, Any],
    rows: Mask,
    names: RowNames,
) -> None:
    """Refuse "007" in place of 7: the row would get mail although it is meant.

    Args:
        absent: the parts of the keys that no row has.
        spellings: the spellings of the rows; see ``Preflight``.
        rows: the rows that are left out.
        names: the names of the rows, for the error.
    """
    halves = rows_of(digests_of(in_one(list(map(loose_texts, absent)))))[:, 0]
    alike = np.flatnonzero(are_among(spellings, np.sort(halves)) & (spellings != 0) & ~rows)
    if len(alike):
        place = int(np.flatnonzero(halves == spellings[alike[0]])[0])
        parts = tuple(part[place] for part in absent)
        raise MailframeError(
            f"exclude has the key {parts[0] if len(parts) == 1 else parts!r}, and the frame has "
            f"it in another spelling ({names.of(int(alike[0]))}): leading zeros, case, spaces or a "
            "time of midnight. Write it as the frame does; nothing was sent"
        )


def refuse_copies(
    composed: Sendable,
    preflight: Preflight,
    excluded: ExcludedRows,
    *,
    live: bool = False,
    watch: Callable[[int], None] | None = None,
) -> None:
    """Refuse an excluded address that is in Cc, in Bcc or a further one in To of another row.

    Args:
        composed: the campaign.
        preflight: its check without the rows that are left out.
        excluded: what names those.
        live: the value of *live* in the check.
        watch: a function called with the position of each row; it may raise to stop.

    Raises:
        MailframeError: there is one.
    """
    if not len(excluded.people) or not composed.has_copies:
        return
    people = set(map(bytes, excluded.people))
    for message in composed.messages(preflight, live=live, wanted=preflight.sendable):
        if not isinstance(message, Message):
            continue
        if watch is not None:
            watch(message.position)
        payload = message.payload
        for name in _RECIPIENTS:
            for address in _ADDRESSES.findall(str(payload.get(name, ""))):
                if digest(address.lower()) in people:
                    row = composed.names.of(message.position)
                    raise MailframeError(
                        f"exclude has {address!r}, which is in {name} of {row}; leave that row "
                        f"out, too, or take the address out of {name}; nothing was sent"
                    )
