"""The size of the HTML part, of which Gmail hides the end if it is too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes as ast

from mailframe import limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.message.binding import BoundLetter


def most_html_bytes(bound: BoundLetter) -> int:
    """The bytes of an HTML part that a row can have without a warning of its own."""
    is_reported = fixed_html_bytes(bound) > limits.GMAIL_CLIPS_ABOVE_BYTES
    return limits.MAX_BODY_BYTES if is_reported else limits.GMAIL_CLIPS_ABOVE_BYTES


def clipped(size: int, *, what: str) -> str:
    """The detail for an HTML part that is too long for Gmail."""
    return (
        f"{what} {size:,} bytes; above about {limits.GMAIL_CLIPS_ABOVE_BYTES:,} Gmail hides the "
        "end of the mail. Shorten it, or link to the rest"
    )


def fixed_html_bytes(bound: BoundLetter) -> int:
    """The bytes of the HTML that every row has at least: the text outside of all branches."""
    source = bound.html.sources.get("html_body")
    if source is None or len(source) * 4 <= limits.GMAIL_CLIPS_ABOVE_BYTES:
        return 0
    return sum(len(text.encode("utf-8", "replace")) for text in _fixed(bound.html.parse(source)))


def _fixed(node: ast.Node) -> Iterator[str]:
    for child in node.iter_child_nodes():
        if isinstance(child, ast.TemplateData):
            yield child.data
        elif isinstance(child, ast.Output | ast.Block):
            yield from _fixed(child)
