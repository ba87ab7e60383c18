"""Bodies with nothing in the content of their layout, although the layout itself has text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from jinja2 import nodes as ast

if TYPE_CHECKING:
    from mailframe.message.binding import BoundLetter

_CELL: Final = "mf-content"
"""The class of the cell around the content; see ``layouts/parts/page.html``."""
_EMPTY: Final = re.compile(rf'<td class="(?:mf-card )?{_CELL}"[^>]*>\s*</td>')


def content_may_be_empty(bound: BoundLetter) -> bool:
    """Whether a row can leave the content of the layout empty.

    A letter with text in the block ``content``, outside of branches and loops, cannot.
    """
    source = bound.letter.html_body
    if not isinstance(source, str) or not any(
        f'{_CELL}"' in template for template in bound.templates.get("html_body", ())
    ):
        return False
    blocks = bound.html.parse(source).find_all(ast.Block)
    content = next((block for block in blocks if block.name == "content"), None)
    return content is None or not any(
        isinstance(part, ast.TemplateData) and part.data.strip()
        for node in content.body
        if isinstance(node, ast.Output)
        for part in node.nodes
    )


def has_empty_content(html: str) -> bool:
    """Whether nothing is in the content of a body with a layout of mailframe."""
    return _EMPTY.search(html) is not None
