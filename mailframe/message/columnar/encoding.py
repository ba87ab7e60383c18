"""Texts of a column as JSON, many at a time, and what may not be decided from one text alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson
from markupsafe import escape

from mailframe.letter.lint.escaped_markup import ELEMENTS
from mailframe.message.checks import GARBLED

if TYPE_CHECKING:
    from collections.abc import Sequence

_ESCAPED: Final = re.compile("[&<>'\"]")
"""The characters that ``markupsafe.escape`` changes."""
_SEPARATOR: Final = "\x1f"
_SEPARATOR_IN_JSON: Final = b"\\u001f"


def json_texts(texts: Sequence[str]) -> list[bytes | None]:
    r"""Each text as JSON writes it between the quotes; None for one that UTF-8 cannot encode.

    >>> json_texts(['say "hi"', "Zoë", "\ud800"])
    [b'say \\"hi\\"', b'Zo\xc3\xab', None]
    """
    if not texts:
        return []
    try:
        parts: list[bytes | None] = list(
            orjson.dumps(_SEPARATOR.join(texts))[1:-1].split(_SEPARATOR_IN_JSON)
        )
    except orjson.JSONEncodeError:
        return [_json_text(text) for text in texts]
    # a text that contains the separator, in any form, makes more parts
    return parts if len(parts) == len(texts) else [_json_text(text) for text in texts]


def decoded(json: bytes) -> str:
    r"""The text that JSON writes so between the quotes.

    >>> decoded(b"two\\nlines")
    'two\nlines'
    """
    text: str = orjson.loads(b'"' + json + b'"')
    return text


def _json_text(text: str) -> bytes | None:
    try:
        return orjson.dumps(text)[1:-1]
    except orjson.JSONEncodeError:
        return None


def escaped_texts(texts: Sequence[str]) -> Sequence[str]:
    """Each text with the characters of HTML escaped, as ``{{ … }}`` prints it in an HTML body.

    >>> escaped_texts(["Smith & Sons"])
    ['Smith &amp; Sons']
    """
    if not texts:
        return texts
    parts = str(escape(_SEPARATOR.join(texts))).split(_SEPARATOR)
    return parts if len(parts) == len(texts) else [str(escape(text)) for text in texts]


def is_unescaped(texts: Sequence[str | None]) -> bool:
    """Whether no text has a character of HTML that is escaped.

    >>> is_unescaped(["Smith", None]), is_unescaped(["Smith & Sons"])
    (True, False)
    """
    return _ESCAPED.search("".join(filter(None, texts))) is None


def is_garbled(text: str) -> bool:
    r"""Whether a text has a character that a check of the row-by-row path may report.

    >>> is_garbled("two\nlines"), is_garbled("a\x00b"), is_garbled("\ufffd")
    (False, True, True)
    """
    if text.isprintable() and "\ufffd" not in text:
        return False
    return GARBLED.search(text) is not None


def garbled_places(texts: Sequence[str]) -> list[int]:
    """The places of texts with such a character."""
    whole = "".join(texts)
    if whole.isprintable() and "\ufffd" not in whole:
        return []
    return [place for place, text in enumerate(texts) if is_garbled(text)]


_ENTITY: Final = re.compile("&(?:lt|amp);", re.IGNORECASE)  # of {{ … | upper }}
_HARMLESS: Final = re.compile(
    rf"&lt;/?(?!(?:{ELEMENTS})(?![a-z0-9]))(?:[a-z][a-z0-9]*)?(?=[^a-z0-9!/])"
    r"|&amp;(?=[^#a-z]|#x?[0-9a-f]*[^0-9a-f;x]|[a-z][a-z0-9]*[^a-z0-9;])",
    re.IGNORECASE,
)
"""An entity that is not the start of escaped markup, whatever stands before and after the text."""
_CUT_ENTITY: Final = re.compile(r"&(?:l|lt|a|am|amp)?\Z", re.IGNORECASE)


def may_show_markup(text: str) -> bool:
    """Whether a piece of HTML may be, or be a part of, markup that is shown as it is written.

    ``EscapedMarkup`` decides it for a whole body; a piece is harmless only if no other text before
    or after it can make it markup.

    >>> may_show_markup("Smith &amp; Sons"), may_show_markup("&lt;b&gt;"), may_show_markup("&lt;")
    (False, True, True)
    """
    if "&" not in text:
        return False
    if _CUT_ENTITY.search(text):
        return True
    if _ENTITY.search(text) is None:
        return False
    return _ENTITY.search(_HARMLESS.sub("", text)) is not None
