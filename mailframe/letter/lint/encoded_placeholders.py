"""Placeholders such as ``%7B%7B name %7D%7D``, which a CSS inliner or an editor has encoded."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import unquote

from mailframe.errors import LetterError
from mailframe.letter.jinja.source_positions import place, readable

if TYPE_CHECKING:
    from collections.abc import Sequence

_BRACE: Final = r"(?:%(?:25)*7b|&#123;|&#x7b;|&lbrace;|&lcub;|\{)"
ENCODED: Final = re.compile(rf"(?=[%&]|\{{[%&]){_BRACE}(?:{_BRACE}|%25)", re.IGNORECASE)
_END_BRACE: Final = r"(?:%(?:25)*7d|&#125;|&#x7d;|&rbrace;|&rcub;|\})"
_ENCODED_END: Final = re.compile(rf"{_END_BRACE}{{2,3}}|%(?:25)+{_END_BRACE}", re.IGNORECASE)


def lint_text(source: str, *, name: str, lines: Sequence[int] = ()) -> None:
    """Refuse a percent-encoded placeholder in a text template.

    Raises:
        LetterError: with the placeholder.

    >>> lint_text("https://acme.example/%7B%7B%20id%20%7D%7D", name="text_body")
    Traceback (most recent call last):
        ...
    mailframe.errors.LetterError: text_body, line 1: '%7B%7B%20id%20%7D%7D' is an encoded \
placeholder, which is not replaced; write {{ id }}
    """
    text = readable(source)
    for match in ENCODED.finditer(text):
        if "%" in match[0]:
            why = encoded_placeholder(text, match.start())
            refuse(text, name, match.start(), why, lines=lines)


def refuse(text: str, name: str, offset: int, why: str, *, lines: Sequence[int] = ()) -> NoReturn:
    """Raise the error of a place in a template.

    Args:
        text: the text of the template.
        name: the name of the part.
        offset: the place.
        why: the rule, and what to write instead.
        lines: the lines to name; see ``place``.

    Raises:
        LetterError: always.
    """
    where, near = place(text, offset, lines)
    raise LetterError(
        f"{name}, {where}: {why}" + (f" (near {near!r})" if "column" in where else "")
    )


def encoded_placeholder(text: str, offset: int) -> str:
    """The error text for an encoded placeholder at a place of a text."""
    end = _ENCODED_END.search(text, offset, offset + 300)
    placeholder = text[offset : end.end() if end else offset + 12]
    plain = html.unescape(placeholder)
    for _ in range(3):
        plain = unquote(plain)
    decoded = " ".join(plain.split()) if end else "{{ … }}"
    return f"{placeholder[:60]!r} is an encoded placeholder, which is not replaced; write {decoded}"
