"""The fields of the payloads of a chunk, as segments of JSON.

Each field is written as ``payload.py`` writes it and checked as ``payload.py`` and ``checks.py``
check it, with one difference: a row that may have any problem falls back to the row-by-row path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from mailframe import limits
from mailframe.message.address_errors import AddressError
from mailframe.message.addresses import (
    CONTROLS,
    is_documentation_domain,
    plain_addresses,
    read_mailbox,
)
from mailframe.message.columnar.encoding import json_texts
from mailframe.message.columnar.pieces import fill_missing
from mailframe.problems import Code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.message.columnar.chunk import Chunk
    from mailframe.message.columnar.parts import Part

Segment = bytes | list[bytes]
"""A part of each message as JSON: the same in every row, or one for each row."""


def json_column(texts: list[str], chunk: Chunk) -> list[bytes]:
    """Texts as JSON; rows whose text cannot be encoded fall back."""
    return fill_missing(list(json_texts(texts)), chunk, range(chunk.rows), b"")


def optional(
    name: str, texts: list[str], chunk: Chunk, *, is_constant: bool = False
) -> list[Segment]:
    """The segments of a field that is left out where its text is empty.

    Args:
        name: the name of the field in Postmark.
        texts: the text of each row.
        chunk: the chunk.
        is_constant: whether all texts are the same.
    """
    start = b"," + orjson.dumps(name) + b':"'
    column = json_column(texts, chunk)
    if is_constant:
        return [start + column[0] + b'"'] if column[0] else []
    return written_if_any(start, column, b'"')


def written_if_any(start: bytes, column: list[bytes], end: bytes) -> list[Segment]:
    """Segments that write *start* and *end* around each text of a column that is not empty."""
    if all(column):
        return [start, column, end]
    return [[start + text + end if text else b"" for text in column]]


def fall_back_for_control_characters(texts: Sequence[str], chunk: Chunk) -> None:
    """Let rows fall back whose text is not one line."""
    if "".join(texts).isprintable():
        return
    chunk.fall_back([row for row, text in enumerate(texts) if CONTROLS.search(text)])


def fall_back_for_long(texts: Sequence[str], most_units: int, chunk: Chunk) -> None:
    """Let rows fall back whose text may have more UTF-16 units than Postmark accepts."""
    if max(map(len, texts)) * 2 > most_units:
        chunk.fall_back(
            [row for row, text in enumerate(texts) if limits.utf16_units(text) > most_units]
        )


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

    def read(self, chunk: Chunk) -> tuple[list[str], list[list[str]]]:
        """The mailboxes of each row as one text, and a column of identities for each part.

        Faulty rows fall back. The identity of an empty mailbox is empty.
        """
        columns = [self._boxes(part.texts(chunk), chunk) for part in self._parts]
        texts = [texts for texts, _ in columns]
        identities = [identities for _, identities in columns]
        if len(texts) == 1:
            return texts[0], identities
        return [", ".join(filter(None, row)) for row in zip(*texts, strict=True)], identities

    def _boxes(self, texts: list[str], chunk: Chunk) -> tuple[list[str], list[str]]:
        """The mailbox of each text as it is written, and its identity."""
        addresses = plain_addresses(texts)
        if self._live:
            addresses = ["" if is_documentation_domain(one) else one for one in addresses]
        identities = list(map(str.lower, addresses))
        if all(addresses):
            return texts, identities
        read = {
            text: self._box(text)
            for text, address in zip(texts, addresses, strict=True)
            if not address
        }
        boxes = fill_missing(
            [
                (text, identity) if identity else read[text]
                for text, identity in zip(texts, identities, strict=True)
            ],
            chunk,
            range(chunk.rows),
            _NO_BOX,
        )
        return [text for text, _ in boxes], [identity for _, identity in boxes]

    def _box(self, text: str) -> tuple[str, str] | None:
        if not text and self._may_be_empty:
            return _NO_BOX
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


_NO_BOX: Final = ("", "")


def identities_of(columns: Sequence[list[str]], chunk: Chunk) -> list[str]:
    """The identity of each row's first recipient; rows with a wrong set of recipients fall back.

    Args:
        columns: for each part of To, Cc and Bcc, in this order, the identity in each row; empty
            where there is none.
        chunk: the chunk.
    """
    if len(columns) == 1:
        [identities] = columns
        if not all(identities):
            chunk.fall_back([row for row, identity in enumerate(identities) if not identity])
        return identities
    rows = [list(filter(None, row)) for row in zip(*columns, strict=True)]
    wrong = [
        row
        for row, identities in enumerate(rows)
        if not 0 < len(set(identities)) == len(identities) <= limits.MAX_RECIPIENTS
    ]
    if wrong:
        chunk.fall_back(wrong)
    return [identities[0] if identities else "" for identities in rows]
