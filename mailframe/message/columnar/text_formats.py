"""The formats of the texts of a part: JSON of HTML, JSON of text, or a short text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from mailframe.letter.lint.escaped_markup import EscapedMarkup
from mailframe.message.checks import GARBLED
from mailframe.message.columnar.chunk import NotColumnar, filled
from mailframe.message.columnar.encoding import (
    escaped_texts,
    garbled_places,
    is_garbled,
    json_texts,
    may_show_markup,
)

if TYPE_CHECKING:
    from mailframe.message.columnar.chunk import CellColumn


class TextFormat(ABC):
    """How the texts of a part are written: as JSON for bodies, or as text for short fields.

    Attributes:
        empty: the empty text.
        join: the function that makes one text of several.
    """

    empty: Any
    join: Any

    @abstractmethod
    def constant(self, text: str) -> Any:
        """A text of the template.

        Raises:
            NotColumnar: it may be a problem in each row.
        """

    @abstractmethod
    def printed(self, column: CellColumn) -> list[Any]:
        """The texts of a printed column; None for an uncertain one."""

    @abstractmethod
    def encoded(self, texts: list[str | None]) -> list[Any]:
        """Texts that were evaluated; None for an uncertain one."""

    def of_plain_values(self) -> TextFormat:
        """The format for texts that were evaluated where nothing is escaped."""
        return self


class ShortText(TextFormat):
    """A short field: its texts are checked and encoded when they are complete."""

    empty = ""
    join = staticmethod("".join)

    def constant(self, text: str) -> str:
        """The text as it is."""
        return text

    def printed(self, column: CellColumn) -> list[str | None]:
        """The texts as they are."""
        return column.texts

    def encoded(self, texts: list[str | None]) -> list[str | None]:
        """The texts as they are."""
        return texts


class TextBody(TextFormat):
    """A text body, as JSON.

    Args:
        source: the templates of the body; their own characters are not a problem of a row.
    """

    empty = b""
    join = staticmethod(b"".join)

    def __init__(self, source: str) -> None:
        self._written = frozenset(GARBLED.findall(source)) - {"\x00"}

    def constant(self, text: str) -> bytes:
        """The text as JSON."""
        if not set(GARBLED.findall(text)) <= self._written:
            raise NotColumnar
        [encoded] = json_texts([text])
        if encoded is None:
            raise NotColumnar
        return encoded

    def printed(self, column: CellColumn) -> list[bytes | None]:
        """The texts as JSON; None for one with an uncertain character."""
        return _without(column.json, column.garbled)

    def encoded(self, texts: list[str | None]) -> list[bytes | None]:
        """The texts as JSON; None for one with an uncertain character."""
        places = garbled_places([text or "" for text in texts])
        return _without(filled(texts, json_texts), places)


class HtmlBody(TextBody):
    """An HTML body, as JSON.

    Args:
        source: the templates of the body; their own characters and markup are not a problem of a
            row.
    """

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._shown = EscapedMarkup(source)

    def constant(self, text: str) -> bytes:
        """The markup as JSON."""
        if may_show_markup(self._shown.without_own(text)):
            raise NotColumnar
        return super().constant(text)

    def printed(self, column: CellColumn) -> list[bytes | None]:
        """The escaped texts as JSON; None for one with an uncertain character or markup."""
        return _without(column.escaped_json, column.garbled | column.showing_markup)

    def encoded(self, texts: list[str | None]) -> list[bytes | None]:
        """The markup as JSON; None for one that is uncertain."""
        uncertain = [
            place
            for place, text in enumerate(texts)
            if text and (is_garbled(text) or may_show_markup(self._shown.without_own(text)))
        ]
        return _without(filled(texts, json_texts), uncertain)

    def of_plain_values(self) -> TextBody:
        """The format that escapes its texts."""
        return _Escaped(self)


class _Escaped(TextBody):
    """HTML of texts that are not escaped yet."""

    def __init__(self, text_format: HtmlBody) -> None:
        self._of_html = text_format

    def encoded(self, texts: list[str | None]) -> list[bytes | None]:
        """The escaped texts as JSON."""
        return self._of_html.encoded(filled(texts, escaped_texts))


def _without(texts: list[Any], places: Any) -> list[Any]:
    if not places:
        return texts
    kept = list(texts)
    for place in places:
        kept[place] = None
    return kept
