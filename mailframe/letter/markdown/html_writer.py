"""Writes the tokens of Markdown as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML

from mailframe.letter.markdown.marks import as_text
from mailframe.letter.markdown.parsing import options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markdown_it.token import Token
    from markdown_it.utils import OptionsDict


def as_html(tokens: Sequence[Token]) -> str:
    """The HTML of tokens, with marks."""
    return _Writer().render(tokens, options(), {})


_TABLE: Final = '<table class="mf-data" width="100%" border="0" cellpadding="0" cellspacing="0">\n'


class _Writer(RendererHTML):
    """markdown-it calls each method for the tokens of that type."""

    def jinja(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return tokens[idx].content + "\n"

    def text(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return escapeHtml(as_text(tokens[idx].content))

    def code_inline(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return f"<code>{escapeHtml(as_text(tokens[idx].content))}</code>"

    def fence(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return f"<pre><code>{escapeHtml(as_text(tokens[idx].content))}</code></pre>\n"

    code_block = fence  # type: ignore[assignment]  # with the same arguments

    def table_open(self, *_: Any) -> str:
        return _TABLE

    def paragraph_close(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Mapping[str, Any]
    ) -> str:
        del env
        if tokens[idx].meta.get("is_bare"):
            return "\n"
        return self.renderToken(tokens, idx, options, {})
