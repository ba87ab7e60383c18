"""The fields of the payloads of a chunk, as segments of JSON.

Each field is written as ``payload.py`` writes it and checked as ``payload.py`` and ``checks.py``
check it, with one difference: a row that may have any problem is left to the plain way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from mailframe import limits
from mailframe.message.address_errors import AddressError
from mailframe.message.addresses import CONTROLS, is_documentation_domain, read_mailbox
from mailframe.message.columnar.encoding import json_texts
from mailframe.message.columnar.pieces import without_gaps
from mailframe.problems import Code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailframe.message.columnar.chunk import Chunk
    from mailframe.message.columnar.parts import Part

Segment = bytes | list[bytes]
"""A part of each message as JSON: the same in every row, or one for each row."""
_MAX_KEPT: Final = 20_000


def json_column(texts: list[str], chunk: Chunk) -> list[bytes]:
    """Texts as JSON; rows whose text cannot be encoded are left."""
    return without_gaps(list(json_texts(texts)), chunk, range(chunk.rows), b"")


def optional(name: str, texts: list[str], chunk: Chunk) -> list[bytes]:
    """A field that is left out where its text is empty."""
    start = b"," + orjson.dumps(name) + b':"'
    return [start + text + b'"' if text else b"" for text in json_column(texts, chunk)]


def leave_control_characters(texts: Sequence[str], chunk: Chunk) -> None:
    """Leave the rows whose text is not one line."""
    if "".join(texts).isprintable():
        return
    chunk.leave([row for row, text in enumerate(texts) if CONTROLS.search(text)])


def leave_long(texts: Sequence[str], most_units: int, chunk: Chunk) -> None:
    """Leave the rows whose text may have more UTF-16 units than Postmark accepts."""
    long = [row for row, text in enumerate(texts) if len(text) * 2 > most_units]
    if long:
        chunk.leave([row for row in long if limits.utf16_units(texts[row]) > most_units])


class Mailboxes:
    """Reads the mailboxes of one field, each different text once.

    Args:
        parts: the parts of the field.
        may_be_empty: whether an empty text is no recipient; otherwise it is an error.
        live: whether addresses on domains for documentation are errors.
        mixed: whether domains that mix scripts are accepted.
    """

    def __init__(
        self, parts: Sequence[Part], *, may_be_empty: bool, live: bool, mixed: bool
    ) -> None:
        self._parts = parts
        self._may_be_empty, self._live, self._mixed = may_be_empty, live, mixed
        self._kept: dict[str, tuple[str, str] | None] = {}

    def read(self, chunk: Chunk) -> list[list[tuple[str, str]]]:
        """For each row its mailboxes, as written and as identity; rows with a fault are left."""
        columns = [part.texts(chunk) for part in self._parts]
        return [
            self._row(row, texts, chunk) for row, texts in enumerate(zip(*columns, strict=True))
        ]

    def _row(self, row: int, texts: Iterable[str], chunk: Chunk) -> list[tuple[str, str]]:
        boxes = []
        for text in texts:
            if not text and self._may_be_empty:
                continue
            box = self._box(text)
            if box is None:
                chunk.leave([row])
            else:
                boxes.append(box)
        return boxes

    def _box(self, text: str) -> tuple[str, str] | None:
        try:
            return self._kept[text]
        except KeyError:
            if len(self._kept) > _MAX_KEPT:
                self._kept.clear()
            box = self._kept[text] = self._made(text)
            return box

    def _made(self, text: str) -> tuple[str, str] | None:
        try:
            box = read_mailbox(text)
        except AddressError:
            return None
        for warning in box.warnings:
            if not (self._mixed and warning.code is Code.MIXED_SCRIPTS):
                return None
        if self._live and is_documentation_domain(box.address):
            return None
        written = str(box)
        return None if "\ufffd" in written else (written, box.identity)


def identities_of(mailboxes: Sequence[list[list[tuple[str, str]]]], chunk: Chunk) -> list[str]:
    """The identity of each row's first recipient; rows with a wrong set of recipients are left."""
    if len(mailboxes) == 1 and all(len(boxes) == 1 for boxes in mailboxes[0]):
        return [boxes[0][1] for boxes in mailboxes[0]]
    result = []
    for row, fields in enumerate(zip(*mailboxes, strict=True)):
        identities = [identity for boxes in fields for _, identity in boxes]
        is_right = len(set(identities)) == len(identities) <= limits.MAX_RECIPIENTS
        if not identities or not is_right:
            chunk.leave([row])
        result.append(identities[0] if identities else "")
    return result
