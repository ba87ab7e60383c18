"""The text part of a mail, made from its HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.pages.text_flow import calls_of, written_text
from mailframe.pages.text_program import program_of, structure_of
from mailframe.pages.tree import refuse_many_tags

if TYPE_CHECKING:
    from mailframe.pages.text_flow import Call
    from mailframe.pages.tokens import Tag

_MAX_KEPT: Final = 4_000_000
"""Characters of structures whose programs are kept; they take ten times as many bytes."""


class TextPart:
    r"""Makes the text of mails; the tags of mails that have the same ones are read once.

    >>> TextPart().of('<h1>Hi</h1><p>See <a href="https://acme.example/7">your order</a>.</p>')
    'Hi\n\nSee your order (https://acme.example/7).'
    """

    def __init__(self) -> None:
        self._programs: dict[str, list[Call]] = {}
        self._tags: dict[str, Tag] = {}
        self._kept = 0

    def of(self, html: str) -> str:
        """The text of a mail, as a reader sees it in a browser.

        Raises:
            HtmlFault: the HTML cannot be read.
        """
        refuse_many_tags(html)
        structure, words = structure_of(html, self._tags)
        calls = self._programs.get(structure)
        if calls is None:
            calls = calls_of(program_of(structure))
            self._keep(structure, calls)
        return written_text(calls, words)

    def _keep(self, structure: str, calls: list[Call]) -> None:
        self._kept += len(structure)
        if self._kept > _MAX_KEPT:
            self._programs, self._kept = {}, len(structure)
        self._programs[structure] = calls
