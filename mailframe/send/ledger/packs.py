"""The packed form of messages: columns of fixed width, at most 4,096 messages to a pack.

==============  =====  =========================================================================
column          bytes  of each message
==============  =====  =========================================================================
``keys``           16  digest of its key
``contents``       24  what the recipient sees, the whole message, the key in any spelling; 8 each
``addresses``      12  digest of its recipient; zeros if there is none
``states``          1  a ``MessageState``, ``RESENT`` and ``NO_SPELLING``
``message_ids``    16  the UUID of its MessageID; zeros if there is none
==============  =====  =========================================================================

A blob is a column followed by its CRC-32, so that damage is noticed: a changed key would look like
a person who has no message yet. A column of zeros may be an empty blob. An ErrorCode, or a
MessageID that is not a UUID, does not fit in a column and is an ``Exceptional`` outcome beside the
packs.

The id of a message is 4,096 times the number of its pack, plus its place in the pack. The messages
of a request are stored as runs of consecutive ids.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeAlias

import numpy as np

from mailframe.postmark.message_ids import uuid_bytes
from mailframe.send.states import MessageState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mailframe.message.preflight import Mask

Rows: TypeAlias = "np.ndarray[tuple[int, int], np.dtype[np.uint8]]"
"""Digests of one width, one per line."""
Ids: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"
"""Ids of messages, or places in an array."""
States: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.uint8]]"

PACK_MESSAGES: Final = 4_096
WIDTHS: Final = {"keys": 16, "contents": 24, "addresses": 12, "states": 1, "message_ids": 16}
"""Bytes of each message in each column."""
RESENT: Final = 0x10
"""Flag in a state: the message was sent again by explicit confirmation."""
NO_SPELLING: Final = 0x20
"""Flag in a state: the content has no digest of the key in any spelling.

The message was adopted, or recorded by an older mailframe.
"""
FLAGS: Final = np.uint8(RESENT | NO_SPELLING)
ABSENT: Final = 0xFF
"""In place of the state of a message that is in no pack."""
_STATE: Final = np.uint8(0x07)
_IS_STORED_STATE: Final = np.isin(
    np.arange(256) & ~(RESENT | NO_SPELLING), [int(state) for state in MessageState]
)
_CHECK_BYTES: Final = 4
_RUN_BYTES: Final = 16
_ID_BYTES: Final = WIDTHS["message_ids"]
_COLUMNS: Final = ("ids", "keys", "contents", "addresses", "stored_states", "message_ids")


class DamagedError(ValueError):
    """A stored value that no mailframe wrote."""


class Exceptional(NamedTuple):
    """The part of an outcome that does not fit in a pack.

    Attributes:
        code: the ErrorCode; None if there is none.
        message_id: a MessageID that is not a UUID in its usual spelling; None if there is none.
    """

    code: int | None
    message_id: str | None


@dataclass(frozen=True, slots=True)
class MessageDigests:
    """The digests of messages, one line per message in each column.

    Attributes:
        keys: the digests of their keys, 16 bytes each.
        contents: the digests of their contents, 24 bytes each.
        addresses: the digests of their recipients, 12 bytes each.
    """

    keys: Rows
    contents: Rows
    addresses: Rows

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, lines: Mask | Ids | slice) -> Self:
        """Some of the messages."""
        if _is_all(lines):
            return self
        return type(self)(self.keys[lines], self.contents[lines], self.addresses[lines])


@dataclass(frozen=True, slots=True)
class RecordedMessages:
    """What is recorded of messages, in the order of their ids; one line per message.

    Attributes:
        ids: the ids.
        keys: the digests of their keys.
        contents: the digests of their contents; zeros for an adopted message.
        addresses: the digests of their recipients; zeros if there is none.
        stored_states: their states with the flags.
        message_ids: their MessageIDs; zeros if there is none, or if it is exceptional.
        exceptional: the exceptional outcomes by id.
    """

    ids: Ids
    keys: Rows
    contents: Rows
    addresses: Rows
    stored_states: States
    message_ids: Rows
    exceptional: Mapping[int, Exceptional]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def states(self) -> States:
        """The state of each message, a ``MessageState``."""
        return plain_states(self.stored_states)

    @property
    def is_resent(self) -> Mask:
        """Whether each message was sent again by explicit confirmation."""
        return has_flag(self.stored_states, RESENT)

    @property
    def has_spelling(self) -> Mask:
        """Whether the content of each message has a digest of the key in any spelling."""
        return ~has_flag(self.stored_states, NO_SPELLING)

    @property
    def has_content(self) -> Mask:
        """Whether the content of each message is known."""
        return has_any(self.contents)

    def take(self, lines: Mask | Ids) -> Self:
        """Some of the messages."""
        if _is_all(lines):
            return self
        return replace(self, **{name: column[lines] for name, column in self.columns().items()})

    def columns(self) -> dict[str, Any]:
        """The arrays by name, which all have one line per message."""
        return {name: getattr(self, name) for name in _COLUMNS}

    def code(self, line: int) -> int | None:
        """The ErrorCode of one message."""
        exceptional = self.exceptional.get(int(self.ids[line]))
        return None if exceptional is None else exceptional.code

    def message_id_texts(self, lines: Ids) -> list[str | None]:
        """The MessageIDs of some messages, as Postmark spelled them."""
        texts = id_texts(self.message_ids[lines])
        if self.exceptional:
            for place, row in enumerate(self.ids[lines].tolist()):
                if row in self.exceptional:
                    texts[place] = self.exceptional[row].message_id or texts[place]
        return texts


def _is_all(lines: object) -> bool:
    """Whether these lines are all, so that no copy is needed."""
    return isinstance(lines, np.ndarray) and lines.dtype == bool and bool(lines.all())


# --- columns -------------------------------------------------------------------------------------


def zeros(messages: int, name: str) -> Rows:
    """A column of zeros."""
    return np.zeros((messages, WIDTHS[name]), dtype="u1")


def write_column(column: Rows | States) -> bytes:
    """A column as it is stored."""
    return _sealed(column.tobytes())


def read_column(blob: bytes, name: str, *, messages: int) -> Rows:
    """A column of a pack.

    Raises:
        DamagedError: the blob is damaged, or not one of so many messages.
    """
    if not blob and name not in ("keys", "states"):
        return zeros(messages, name)
    raw, width = _unsealed(blob), WIDTHS[name]
    if len(raw) != width * messages or not 0 < messages <= PACK_MESSAGES:
        raise DamagedError(f"{len(raw):,} bytes of {name} for {messages:,} messages")
    return np.frombuffer(raw, "u1").reshape(-1, width)


def read_states(blob: bytes) -> States:
    """The states of a pack, with their flags; their number is the number of its messages.

    Raises:
        DamagedError: the blob is damaged, or a byte is not a state.
    """
    states = read_column(blob, "states", messages=max(len(blob) - _CHECK_BYTES, 0))[:, 0]
    if not _IS_STORED_STATE[states].all():
        raise DamagedError("a byte is not the state of a message")
    return states


def _sealed(raw: bytes) -> bytes:
    return raw + zlib.crc32(raw).to_bytes(_CHECK_BYTES, "little")


def _unsealed(blob: bytes) -> bytes:
    raw, check = blob[:-_CHECK_BYTES], blob[-_CHECK_BYTES:]
    if zlib.crc32(raw).to_bytes(_CHECK_BYTES, "little") != check:
        raise DamagedError("its checksum differs")
    return raw


def has_any(column: Rows) -> Mask:
    """Whether each line of a column has a byte that is not zero."""
    mask: Mask = np.bitwise_or.reduce(np.ascontiguousarray(column).view("<u4"), axis=1) > 0
    return mask


def plain_states(stored: States) -> States:
    """States without their flags."""
    return stored & _STATE


def has_flag(stored: States, flag: int) -> Mask:
    """Whether states have a flag."""
    return (stored & np.uint8(flag)).astype(bool)


def rows_of(digests: bytes | bytearray, name: str) -> Rows:
    """Digests that follow each other, as a column."""
    return np.frombuffer(digests, "u1").reshape(-1, WIDTHS[name])


# --- ids -----------------------------------------------------------------------------------------


def ids_of_pack(pack: int, messages: int, *, first: int = 0) -> Ids:
    """The ids of consecutive messages of a pack."""
    start = pack * PACK_MESSAGES + first
    return np.arange(start, start + messages, dtype="i8")


def by_pack(ids: Ids) -> Iterator[tuple[int, Ids, Ids]]:
    """Group ids by pack.

    Yields:
        The number of a pack, the indices in *ids* of its messages, and their places in the pack.
    """
    packs, places = np.divmod(ids, PACK_MESSAGES)
    if len(ids) and packs.min() == packs.max():
        yield int(packs[0]), np.arange(len(ids)), places
        return
    order = np.argsort(packs, kind="stable")
    bounds = np.flatnonzero(np.diff(packs[order])) + 1
    for group in np.split(order, bounds) if len(ids) else ():
        yield int(packs[group[0]]), group, places[group]


def write_runs(ids: Ids) -> bytes:
    """Ids as runs of consecutive ones: the first id and the length of each, 8 bytes each; a CRC-32.

    >>> np.frombuffer(write_runs(np.array([9, 7, 8, 20]))[:-4], "<i8").tolist()
    [7, 3, 20, 1]
    """
    ordered = np.sort(ids)
    starts = np.flatnonzero(np.diff(ordered, prepend=-1) != 1)
    lengths = np.diff(starts, append=len(ordered))
    return _sealed(np.stack([ordered[starts], lengths], axis=1).astype("<i8").tobytes())


def read_runs(blob: bytes, *, at_most: int) -> Ids:
    """Ids that were stored as runs, in ascending order.

    Args:
        blob: the result of ``write_runs``.
        at_most: the number of messages of the request.

    Raises:
        DamagedError: the blob is damaged, or of another request.

    >>> read_runs(write_runs(np.array([9, 7, 8, 20])), at_most=4).tolist()
    [7, 8, 9, 20]
    """
    raw = _unsealed(blob) if blob else blob  # a control message has no messages
    if len(raw) % _RUN_BYTES:
        raise DamagedError(f"{len(raw):,} bytes of runs of messages")
    firsts, lengths = np.frombuffer(raw, "<i8").reshape(-1, 2).T
    ends = firsts + lengths
    is_ordered = (lengths > 0).all() and (firsts[1:] > ends[:-1]).all() and (firsts > 0).all()
    if not is_ordered or (lengths > at_most).any() or lengths.sum() > at_most:
        raise DamagedError("runs of messages that are not in order")
    before = np.cumsum(lengths) - lengths
    return np.repeat(firsts - before, lengths) + np.arange(lengths.sum())


# --- MessageIDs ----------------------------------------------------------------------------------


def id_texts(message_ids: Rows) -> list[str | None]:
    """UUIDs in their usual spelling; None for zeros.

    >>> id_texts(zeros(1, "message_ids")), id_texts(np.full((1, 16), 171, "u1"))
    ([None], ['abababab-abab-abab-abab-abababababab'])
    """
    digits = message_ids.tobytes().hex()
    return [
        _hyphenated(digits, 2 * _ID_BYTES * line) if has_id else None
        for line, has_id in enumerate(has_any(message_ids).tolist())
    ]


def pack_ids(message_ids: Sequence[str | None]) -> tuple[Rows, dict[int, str]]:
    """MessageIDs as a column, and the others by their place: those that are not a UUID.

    It does not raise: nothing may fail between an answer and its record.

    >>> column, others = pack_ids(["b7bc2f4a-e38e-4336-af7d-e6c392c2f817", "ID 1", None])
    >>> column[0].tobytes().hex(), bool(column[1:].any()), others
    ('b7bc2f4ae38e4336af7de6c392c2f817', False, {1: 'ID 1'})
    """
    column, others = zeros(len(message_ids), "message_ids"), {}
    places = [place for place, one in enumerate(message_ids) if one]
    texts = [one for one in message_ids if one]
    uuids = _read_uuids(texts)
    if uuids is not None:
        column[places] = uuids
        return column, {}
    for place, text in zip(places, texts, strict=True):
        uuids = _read_uuids([text])
        if uuids is None:
            others[place] = text.encode("utf-8", "replace").decode()
        else:
            column[place] = uuids
    return column, others


def _read_uuids(texts: list[str]) -> Rows | None:
    """UUIDs as a column; None if one of the texts is not a UUID in its usual spelling, or zeros."""
    raw = uuid_bytes(texts)
    return None if raw is None else rows_of(raw, "message_ids")


def _hyphenated(digits: str, at: int) -> str:
    return (
        f"{digits[at : at + 8]}-{digits[at + 8 : at + 12]}-{digits[at + 12 : at + 16]}-"
        f"{digits[at + 16 : at + 20]}-{digits[at + 20 : at + 32]}"
    )
