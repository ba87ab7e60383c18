"""Makes the messages of a chunk of rows, column by column."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import orjson

from mailframe import limits
from mailframe.letter.letter import RECIPIENT_FIELDS, RECIPIENTS, field_of
from mailframe.message.columnar.chunk import Chunk, NotColumnar
from mailframe.message.columnar.encoding import decoded
from mailframe.message.columnar.evaluation import Evaluations
from mailframe.message.columnar.fields import (
    Mailboxes,
    Segment,
    fall_back_for_control_characters,
    fall_back_for_long,
    identities_of,
    json_column,
    optional,
    written_if_any,
)
from mailframe.message.columnar.links import Links
from mailframe.message.columnar.parts import Part, part_of
from mailframe.message.columnar.reading import ColumnReader
from mailframe.message.derived_parts import has_derived_parts
from mailframe.message.empty_content import content_may_be_empty, has_empty_content
from mailframe.message.html_size import most_html_bytes
from mailframe.message.payload import (
    BODY_FIELDS,
    BOOLEAN_FIELDS,
    CHOICE_FIELDS,
    POSTMARK_NAMES,
    fixed_sender,
    is_blank,
    truth_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailframe.message.binding import BoundLetter

Sizes: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"
_MAX_BODY_BYTES: Final = 1_000_000
"""A larger message takes the row-by-row path, so that every limit of a body is far away."""


@dataclass(frozen=True, slots=True)
class ChunkMessages:
    """The messages of a chunk.

    Attributes:
        sizes: the bytes of each message as it is posted; any number for a row that falls back.
        recipients: the ``To`` text of each row; None without one.
        identities: the identity of the first recipient of each row.
        streams: the message stream of each row.
        segments: the constants and columns that joined make the messages.
        fallback_rows: the rows, counted from 0, that fall back to the row-by-row path.
    """

    sizes: Sizes
    recipients: list[str | None]
    identities: list[str]
    streams: list[str]
    segments: list[Segment]
    fallback_rows: list[int]


class ColumnarPreparer:
    """Makes messages of any chunk of rows of a bound letter.

    Args:
        bound: the letter and its frame.
        live: whether the server is live; see ``Preparer``.
        context: the function that makes the context of a template from the cells of a row.

    Raises:
        NotColumnar: the whole letter takes the row-by-row path.
    """

    def __init__(
        self,
        bound: BoundLetter,
        *,
        live: bool,
        context: Callable[[dict[Any, Any]], dict[Any, Any]],
    ) -> None:
        self._columns = {column.name: ColumnReader(column) for column in bound.columns}
        self._letter = bound.letter
        self._translations = bound.plain.settings.translations
        parts = [name for name in bound.sources if not name.startswith("attachments")]
        evaluations = Evaluations()
        if bound.may_have_images:
            raise NotColumnar  # rows have attachments of their own
        if not {field_of(name) for name in parts} <= _FIELDS:
            raise NotColumnar  # a field that this file does not write
        if has_derived_parts(bound.letter):
            raise NotColumnar
        self._parts = {
            name: part_of(bound, name, context=context, evaluations=evaluations) for name in parts
        }
        self._start = self._sender(bound)
        self._mailboxes = self._of_recipients(bound, live=live)
        self._bodies = [
            (POSTMARK_NAMES[name], self._parts[name]) for name in BODY_FIELDS if name in self._parts
        ]
        self._has_text = any(
            text.strip() for _, part in self._bodies for text in map(decoded, part.constant_texts)
        )
        self._may_be_empty = content_may_be_empty(bound)
        self._headers = self._named("headers.")
        self._metadata = self._named("metadata.")
        self._links = Links(bound, self._parts.get("html_body"))
        self._most_html_bytes = most_html_bytes(bound)
        self._attachments = self._encoded_attachments(bound)

    # --- once for the letter ----------------------------------------------------------------------

    def _sender(self, bound: BoundLetter) -> bytes | None:
        sender = fixed_sender(bound)
        if sender is None:
            return None
        if "\ufffd" in sender:
            raise NotColumnar
        return b'{"From":' + orjson.dumps(sender)

    def _of_recipients(self, bound: BoundLetter, *, live: bool) -> dict[str, Mailboxes]:
        parts: dict[str, list[Part]] = {}
        for name, part in self._parts.items():
            field = field_of(name)
            if field in RECIPIENT_FIELDS or (field == "sender" and self._start is None):
                parts.setdefault(field, []).append(part)
        return {
            field: Mailboxes(
                of_field,
                may_be_empty=field not in ("sender", "to"),
                live=live and field != "sender",
                mixed=bound.letter.allow_idn_mixed,
            )
            for field, of_field in parts.items()
        }

    def _named(self, prefix: str) -> list[tuple[bytes, Part]]:
        return [
            (orjson.dumps(name.removeprefix(prefix)), part)
            for name, part in self._parts.items()
            if name.startswith(prefix)
        ]

    def _encoded_attachments(self, bound: BoundLetter) -> bytes:
        pieces = [piece for _, piece in bound.attachments]
        if any(
            attachment.optional and attachment.content_id for attachment, _ in bound.attachments
        ):
            raise NotColumnar
        if any(piece is None for piece in pieces):
            raise NotColumnar
        listed = b",".join([piece.json for piece in pieces if piece is not None])
        return b',"Attachments":[' + listed + b"]" if pieces else b""

    # --- once for each chunk ----------------------------------------------------------------------

    def messages(self, start: int, stop: int) -> tuple[ChunkMessages, Chunk]:
        """The messages of the rows from *start* to *stop*, and the chunk with their cells.

        Raises:
            NotColumnar: the chunk takes the row-by-row path.
        """
        chunk = Chunk(self._columns, start, stop)
        self._set_languages(chunk)
        segments: list[Segment] = []
        recipients, identities = self._add_mailboxes(segments, chunk)
        streams = self._add_lines(segments, chunk)
        html = self._add_bodies(segments, chunk)
        self._add_headers(segments, chunk)
        self._add_choices(segments, chunk)
        segments.append(self._attachments)
        self._add_metadata(segments, chunk)
        segments.append(b"}")
        segments = [segment for segment in segments if segment]
        sizes = self._sizes(segments, chunk)
        self._check_html_size(html, sizes, chunk)
        fallback_rows = sorted(chunk.fallback_rows)
        return ChunkMessages(sizes, recipients, identities, streams, segments, fallback_rows), chunk

    def _set_languages(self, chunk: Chunk) -> None:
        """The language of each row; a row whose language has no catalog falls back."""
        part = self._parts.get("language")
        if part is None or part.constant is not None:
            return
        self._translations.start(self._translations.constant)  # of no row before
        chunk.languages = part.texts(chunk)
        unknown = {
            text for text in set(chunk.languages) if not self._translations.catalogs.has(text)
        }
        if unknown:
            chunk.fall_back([row for row, text in enumerate(chunk.languages) if text in unknown])

    def _add_mailboxes(
        self, segments: list[Segment], chunk: Chunk
    ) -> tuple[list[str | None], list[str]]:
        to: list[str | None] = [None] * chunk.rows
        if self._start is not None:
            segments.append(self._start)
        identities: dict[str, list[list[str]]] = {}
        for field, mailboxes in self._mailboxes.items():
            texts, identities[field] = mailboxes.read(chunk)
            if field == "sender":
                chunk.fall_back([row for row, text in enumerate(texts) if not text])
                segments += [b'{"From":"', json_column(texts, chunk), b'"']
            else:
                segments += optional(POSTMARK_NAMES[field], texts, chunk)
            if field == "to":
                to = [text or None for text in texts]
        columns = [column for name in RECIPIENTS for column in identities.get(name, ())]
        return to, identities_of(columns, chunk)

    def _add_lines(self, segments: list[Segment], chunk: Chunk) -> list[str]:
        streams = [limits.DEFAULT_STREAM] * chunk.rows
        for name, most in _LINES.items():
            part = self._parts.get(name)
            texts = [""] * chunk.rows if part is None else part.texts(chunk)
            if name == "subject":
                self._check_subject(texts, chunk)
            if part is None:
                continue
            fall_back_for_control_characters(texts, chunk)
            if most:
                fall_back_for_long(texts, most, chunk)
            is_constant = part.constant is not None
            segments += optional(POSTMARK_NAMES[name], texts, chunk, is_constant=is_constant)
            if name == "message_stream":
                streams = [text or limits.DEFAULT_STREAM for text in texts]
        return streams

    def _check_subject(self, texts: Sequence[str], chunk: Chunk) -> None:
        if not self._letter.allow_empty_subject:
            chunk.fall_back(
                [row for row, text in enumerate(texts) if not text[:1].isalnum() and is_blank(text)]
            )
        if "\ufffd" in "".join(texts):
            chunk.fall_back([row for row, text in enumerate(texts) if "\ufffd" in text])

    def _add_bodies(self, segments: list[Segment], chunk: Chunk) -> list[Segment]:
        """Add both bodies.

        Returns:
            The segments of the HTML part.
        """
        texts: dict[str, list[bytes]] = {}
        html: list[Segment] = []
        for name, part in self._bodies:
            start = b"," + orjson.dumps(name) + b':"'
            needs_whole = name == "HtmlBody" and (self._links.need_whole_body or self._may_be_empty)
            # with constant text, the field is in every message, and its pieces need no join here
            if self._has_text and any(part.constant_texts) and not needs_whole:
                pieces = part.segments(chunk)
                segments += [start, *pieces, b'"']
                if name == "HtmlBody":
                    self._links.check_pieces(pieces, chunk)
                    html = [piece for piece in pieces if piece]
                continue
            texts[name] = part.texts(chunk)
            segments.append([start + text + b'"' if text else b"" for text in texts[name]])
        if not self._has_text:
            chunk.fall_back(
                row
                for row, of_row in enumerate(zip(*texts.values(), strict=True))
                if not any(decoded(text).strip() for text in of_row)
            )
        if "HtmlBody" in texts:
            if self._may_be_empty:
                bodies = map(decoded, texts["HtmlBody"])
                chunk.fall_back(row for row, text in enumerate(bodies) if has_empty_content(text))
            self._links.check(texts["HtmlBody"], chunk)
            html = [texts["HtmlBody"]]
        return html

    def _add_headers(self, segments: list[Segment], chunk: Chunk) -> None:
        if not self._headers:
            return
        columns = []
        for name, part in self._headers:
            texts = part.texts(chunk)
            fall_back_for_control_characters(texts, chunk)
            start = b'{"Name":' + name + b',"Value":"'
            columns.append(
                [start + text + b'"}' if text else b"" for text in json_column(texts, chunk)]
            )
        segments += [b',"Headers":[', _listed(columns), b"]"]

    def _add_choices(self, segments: list[Segment], chunk: Chunk) -> None:
        for name in BOOLEAN_FIELDS:
            source = self._parts.get(name)
            if source is not None:
                segments.append(self._truths(name, source, chunk))
        for name, choices in CHOICE_FIELDS.items():
            if name in self._parts:
                texts = self._parts[name].texts(chunk)
                chunk.fall_back(
                    [row for row, text in enumerate(texts) if text and text not in choices]
                )
                segments += optional(POSTMARK_NAMES[name], texts, chunk)

    def _truths(self, name: str, part: Part, chunk: Chunk) -> list[bytes]:
        start = b"," + orjson.dumps(POSTMARK_NAMES[name]) + b":"
        texts = part.texts(chunk)
        chunk.fall_back([row for row, text in enumerate(texts) if text and truth_of(text) is None])
        return [start + orjson.dumps(truth_of(text)) if text else b"" for text in texts]

    def _add_metadata(self, segments: list[Segment], chunk: Chunk) -> None:
        if not self._metadata:
            return
        columns = []
        for name, part in self._metadata:
            texts = part.texts(chunk)
            fall_back_for_control_characters(texts, chunk)
            fall_back_for_long(texts, limits.MAX_METADATA_VALUE_UNITS, chunk)
            if "@" in "".join(texts):
                chunk.fall_back([row for row, text in enumerate(texts) if "@" in text])
            columns.append((name + b':"', json_column(texts, chunk)))
        if len(columns) == 1:
            [(start, column)] = columns
            segments += written_if_any(b',"Metadata":{' + start, column, b'"}')
            return
        listed = _listed(
            [[start + text + b'"' if text else b"" for text in column] for start, column in columns]
        )
        segments += written_if_any(b',"Metadata":{', listed, b"}")

    def _sizes(self, segments: Sequence[Segment], chunk: Chunk) -> Sizes:
        """The sizes of the messages; rows with large ones fall back."""
        sizes = _total_sizes(segments, chunk.rows)
        chunk.fall_back(np.flatnonzero(sizes > self._most_bytes).tolist())
        return sizes

    def _check_html_size(self, html: Sequence[Segment], sizes: Sizes, chunk: Chunk) -> None:
        """Let rows fall back whose HTML may be too long for Gmail; as JSON it is never shorter."""
        if html and sizes.max(initial=0) - len(self._attachments) > self._most_html_bytes:
            is_long = _total_sizes(html, chunk.rows) > self._most_html_bytes
            chunk.fall_back(np.flatnonzero(is_long).tolist())

    @property
    def _most_bytes(self) -> int:
        room = limits.MAX_MESSAGE_BYTES - limits.METADATA_BYTES_FOR_MAILFRAME
        return min(_MAX_BODY_BYTES + len(self._attachments), room)


def _total_sizes(segments: Sequence[Segment], rows: int) -> Sizes:
    """The sum of the bytes of the segments in each row."""
    sizes = np.zeros(rows, dtype=np.int64)
    times = Counter(map(id, segments))
    for segment in {id(segment): segment for segment in segments}.values():
        lengths = (
            len(segment)
            if isinstance(segment, bytes)
            else np.fromiter(map(len, segment), dtype=np.int64, count=rows)
        )
        sizes += lengths * times[id(segment)]
    return sizes


def _listed(columns: Sequence[list[bytes]]) -> list[bytes]:
    """The values of each row with commas between those that are not empty."""
    if len(columns) == 1:
        return columns[0]
    return [b",".join(filter(None, values)) for values in zip(*columns, strict=True)]


_LINES: Final = {
    "subject": limits.MAX_SUBJECT_UNITS,
    "tag": limits.MAX_TAG_UNITS,
    "message_stream": 0,
}
"""Fields that are one line of text, with the UTF-16 units that they can have; 0 for any number."""
_FIELDS: Final = frozenset(
    ("sender", *RECIPIENT_FIELDS, *_LINES, *BODY_FIELDS, "headers", "metadata", "language")
) | frozenset((*BOOLEAN_FIELDS, *CHOICE_FIELDS))
"""The fields of a letter that are written here; attachments are encoded as a whole."""
