"""Checks the links and inline images of the HTML bodies of a chunk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe.letter.attachment_files import plain_content_id
from mailframe.letter.lint.body_links import LinkReader
from mailframe.letter.lint.template_links import static_content_ids, written_links
from mailframe.message.columnar.chunk import NotColumnar
from mailframe.message.columnar.encoding import decoded
from mailframe.message.columnar.pieces import Constant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.message.binding import BoundLetter
    from mailframe.message.columnar.chunk import Chunk
    from mailframe.message.columnar.parts import Part

_MAX_KEPT: Final = 5_000
"""Answers that are kept; then it begins again."""
_MAX_KEPT_BYTES: Final = 2_000
"""Of the values of an answer that is kept; longer ones hardly repeat."""


@dataclass(frozen=True, slots=True, eq=False)
class _Tag:
    """The markup from one ``<`` of the template to the next, with values in it.

    Attributes:
        parts: its constant texts, and the place of each other piece.
        is_text: whether all values are after the end of the tag, and nothing there is a link.
        has_entities: whether its constant texts have ``&``.
    """

    parts: tuple[bytes | int, ...]
    is_text: bool
    has_entities: bool


class Links:
    """The links of the HTML bodies; a row with an uncertain one falls back.

    Args:
        bound: the letter and its frame.
        body: the HTML part; None without one.

    Attributes:
        need_whole_body: whether ``check`` needs the body of each row.

    Raises:
        NotColumnar: the inline images are wrong in each row.
    """

    def __init__(self, bound: BoundLetter, body: Part | None) -> None:
        pieces = [piece for _, piece in bound.attachments if piece is not None]
        self._inline = frozenset(
            plain_content_id(piece.content_id) for piece in pieces if piece.content_id
        )
        self._reader = LinkReader(written_links(bound.html.sources).has)
        # None if values can be links: then tags with values are checked, or whole bodies
        self._ids: dict[bytes, str] | None = {} if body is None else _settled_ids(bound)
        self._tags: list[_Tag] | None = []  # None if whole bodies are checked
        self._kept: dict[tuple[_Tag, tuple[bytes, ...]], bool] = {}
        written = [] if body is None else body.constant_texts
        if self._ids is None and body is not None:
            self._tags = None if self._inline else _varying_tags(body, self._reader)
            self.need_whole_body = self._tags is None
            return
        ids = self._ids or {}
        self.need_whole_body = not all(any(url in text for text in written) for url in ids)
        if not self.need_whole_body and set(ids.values()) != self._inline:
            raise NotColumnar

    def check(self, bodies: Sequence[bytes], chunk: Chunk) -> None:
        """Let rows fall back whose links or inline images may be wrong."""
        if self.need_whole_body or self._ids is None:
            is_right = self._is_right if self._ids is None else self._has_inline
            chunk.fall_back([row for row, body in enumerate(bodies) if not is_right(body)])

    def check_pieces(self, pieces: Sequence[Any], chunk: Chunk) -> None:
        """Let rows fall back whose links may be wrong.

        Args:
            pieces: the segments of the body.
            chunk: the chunk.
        """
        for tag in self._tags or ():
            columns = [pieces[part] for part in tag.parts if isinstance(part, int)]
            if tag.is_text and not _may_link(columns, has_entities=tag.has_entities):
                continue
            chunk.fall_back(
                [
                    row
                    for row, values in enumerate(zip(*columns, strict=True))
                    if not self._is_right_tag(tag, values)
                ]
            )

    def _is_right_tag(self, tag: _Tag, values: tuple[bytes, ...]) -> bool:
        kept = self._kept.get((tag, values))
        if kept is not None:
            return kept
        is_right = self._has_right_links(tag, values)
        if sum(map(len, values)) <= _MAX_KEPT_BYTES:
            if len(self._kept) > _MAX_KEPT:
                self._kept.clear()
            self._kept[tag, values] = is_right
        return is_right

    def _has_right_links(self, tag: _Tag, values: tuple[bytes, ...]) -> bool:
        following = iter(values)
        text = b"".join([next(following) if isinstance(part, int) else part for part in tag.parts])
        return self._has_no_fault(decoded(text))

    def _has_no_fault(self, markup: str) -> bool:
        """Whether a piece of markup from after a ``<`` has no link that is a fault."""
        links = self._reader.read("<" + markup)
        return not (links.has_fault or links.content_ids)

    def _is_right(self, body: bytes) -> bool:
        links = self._reader.read(decoded(body))
        return not links.has_fault and links.content_ids == self._inline

    def _has_inline(self, body: bytes) -> bool:
        return {name for url, name in (self._ids or {}).items() if url in body} == self._inline


def _settled_ids(bound: BoundLetter) -> dict[bytes, str] | None:
    """The content id of each URL of an inline image; None if rows can change the links."""
    if bound.values_add_links or not bound.templates.get("html_body"):
        return None
    ids = static_content_ids(bound.html.sources.values())
    if ids is None or not all(url.lower().startswith("cid:") for url in ids):
        return None
    return {orjson.dumps(url)[1:-1]: name for url, name in ids.items()}


def _varying_tags(body: Part, reader: LinkReader) -> list[_Tag] | None:
    """The tags with values; None if what is the same in each row may have a fault, or comments."""
    tags: list[list[bytes | int]] = [[]]
    for place, piece in enumerate(body.pieces):
        if not isinstance(piece, Constant):
            tags[-1].append(place)
            continue
        first, *others = piece.text.split(b"<")
        tags[-1].append(first)
        tags += [[text] for text in others]
    varying = [
        _Tag(tuple(tag), _is_text(tag), b"&" in _without_values(tag))
        for tag in tags
        if not _is_constant(tag)
    ]
    # a value after a tag, without a sign of a link, changes nothing about the links of the tag
    unchanged = [*filter(_is_constant, tags), *[tag.parts for tag in varying if tag.is_text]]
    constant = "<".join([decoded(_without_values(tag)) for tag in unchanged])
    links = reader.read("<" + constant)
    if links.has_fault or links.content_ids or "<!--" in constant:
        return None
    return varying


def _is_constant(tag: Sequence[bytes | int]) -> bool:
    return not any(isinstance(part, int) for part in tag)


def _without_values(tag: Sequence[bytes | int]) -> bytes:
    return b"".join([part for part in tag if isinstance(part, bytes)])


def _is_text(tag: Sequence[bytes | int]) -> bool:
    """Whether values are only in the text after a tag, in which nothing can be a link."""
    if not isinstance(tag[0], bytes):
        return False
    constants = [decoded(part) for part in tag if isinstance(part, bytes)]
    name, end, text = constants[0].partition(">")
    is_style = name.lower().startswith("style") or "(" in name
    is_plain = not any(map(_SIGNS.search, [text, *constants[1:]]))
    return bool(end) and not is_style and is_plain


_SIGNS: Final = re.compile(r"[=(@<\\]")
"""The signs without which ``LinkReader`` sees no link in the text after a tag; and escapes."""
_MAY_LINK: Final = re.compile(rb"[=(<]|\\\\|@(?:[iI\n\x80-\xff]|\Z)")
"""The same in JSON, with an ``@`` only where ``@import`` can begin; with a dotless i, too."""


def _may_link(columns: Sequence[Sequence[bytes]], *, has_entities: bool) -> bool:
    """Whether one of these values, in the text after a tag, may be or begin a link.

    ``LinkReader`` reads entities in a text with an ``@``.
    """
    joined = [b"\n".join(texts) for texts in columns]
    if any(map(_MAY_LINK.search, joined)):
        return True
    may_have_entities = has_entities or any(b"&" in texts for texts in joined)
    return may_have_entities and any(b"@" in texts for texts in joined)
