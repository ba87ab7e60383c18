"""A template of text and variables only, such as ``{{ first_name }} <{{ email }}>``.

Most parts of most letters are such templates. They are rendered without the context of jinja2,
which takes longer than the rendering itself; the result is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jinja2 import nodes as ast

from mailframe.letter.jinja.printing import as_printed
from mailframe.letter.jinja.template_marks import show_placeholders

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True)
class SimpleTemplate:
    """A template of text and variables only.

    Attributes:
        pieces: pairs in order: whether the piece is a variable, and its text or column name.
        lines: the line numbers in the template, one per piece.
    """

    pieces: tuple[tuple[bool, str], ...]
    lines: tuple[int, ...] = ()

    @classmethod
    def of(cls, tree: ast.Template, *, reserved: Collection[str]) -> SimpleTemplate | None:
        """The simple template of a syntax tree; None if the template has anything else.

        Args:
            tree: the syntax tree from jinja2.
            reserved: names that are not columns.
        """
        pieces: list[tuple[bool, str]] = []
        lines: list[int] = []
        for output in tree.body:
            if not isinstance(output, ast.Output):
                return None
            for node in output.nodes:
                if isinstance(node, ast.TemplateData):
                    pieces.append((False, show_placeholders(node.data)))
                elif isinstance(node, ast.Name) and node.name not in reserved:
                    pieces.append((True, node.name))
                else:
                    return None
                lines.append(node.lineno)
        return cls(tuple(pieces), tuple(lines))

    @property
    def varies(self) -> bool:
        """Whether it has any variable."""
        return any(is_variable for is_variable, _ in self.pieces)

    def place_of_fault(self, cells: dict[Any, Any]) -> str:
        """The line of the first value that cannot be printed, as a prefix of the detail."""
        for (is_variable, piece), line in zip(self.pieces, self.lines, strict=True):
            try:
                if is_variable:
                    str(as_printed(cells[piece]))
            except Exception:  # noqa: BLE001 - the caller has it already, and asks only for the line
                return f"line {line}: "
        return ""

    def render(self, cells: dict[Any, Any]) -> str:
        """Render it for one row; raises if a value is missing or cannot be printed.

        >>> SimpleTemplate(((False, "Hi "), (True, "name"))).render({"name": "Zoë"})
        'Hi Zoë'
        """
        return "".join(
            [
                str(as_printed(cells[piece])) if is_variable else piece
                for is_variable, piece in self.pieces
            ]
        )
