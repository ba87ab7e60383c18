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
    from collections.abc import Sequence

    from mailframe.message.columnar.chunk import Chunk
    from mailframe.message.columnar.parts import Part

Segment = bytes | list[bytes]
"""A part of each message as JSON: the same in every row, or one for each row."""


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

    def read(self, chunk: Chunk) -> tuple[list[str], list[tuple[str, ...]]]:
        """For each row its mailboxes as one text, and their identities; faulty rows are left."""
        columns = [self._boxes(part.texts(chunk), chunk) for part in self._parts]
        if len(columns) == 1:
            boxes = columns[0]
        else:
            boxes = [
                (
                    ", ".join([text for text, _ in row if text]),
                    tuple(i for _, ids in row for i in ids),
                )
                for row in zip(*columns, strict=True)
            ]
        return [text for text, _ in boxes], [identities for _, identities in boxes]

    def _boxes(self, texts: Sequence[str], chunk: Chunk) -> list[tuple[str, tuple[str, ...]]]:
        """The mailbox of each text as it is written, and its identity."""
        different = set(texts)
        if len(different) * 2 > len(texts):
            boxes = list(map(self._box, texts))
        else:
            read = {text: self._box(text) for text in different}
            boxes = [read[text] for text in texts]
        return without_gaps(boxes, chunk, range(chunk.rows), _NO_BOX)

    def _box(self, text: str) -> tuple[str, tuple[str, ...]] | None:
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
        return None if "\ufffd" in written else (written, (box.identity,))


_NO_BOX: Final = ("", ())


def identities_of(fields: Sequence[list[tuple[str, ...]]], chunk: Chunk) -> list[str]:
    """The identity of each row's first recipient; rows with a wrong set of recipients are left.

    Args:
        fields: for each of To, Cc and Bcc that the letter has, the identities in each row.
        chunk: the chunk.
    """
    rows = fields[0] if len(fields) == 1 else [sum(row, ()) for row in zip(*fields, strict=True)]
    wrong = [
        row
        for row, identities in enumerate(rows)
        if len(identities) != 1
        and not 0 < len(set(identities)) == len(identities) <= limits.MAX_RECIPIENTS
    ]
    if wrong:
        chunk.leave(wrong)
    return [identities[0] if identities else "" for identities in rows]
