"""A template of text and bare names alone, such as ``{{ first_name }} <{{ email }}>``: most parts of most letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jinja2 import nodes as ast

from mailframe.letter.jinja.printing import present
from mailframe.letter.jinja.rewriting import shown

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True)
class SimpleTemplate:
    """Written without a context of jinja2's, which costs more than such a line itself; the result is the same.

    Attributes:
        pieces: in their order; text as it stands, or the name of a column.
        lines: of the template, one per piece.
    """

    pieces: tuple[tuple[bool, str], ...]
    lines: tuple[int, ...] = ()

    @classmethod
    def of(cls, tree: ast.Template, *, taken: Collection[str]) -> SimpleTemplate | None:
        """The line that a parsed template is; None when it is more than that.

        Args:
            tree: as jinja2 parsed it.
            taken: names that are no columns.
        """
        pieces: list[tuple[bool, str]] = []
        lines: list[int] = []
        for output in tree.body:
            if not isinstance(output, ast.Output):
                return None
            for node in output.nodes:
                if isinstance(node, ast.TemplateData):
                    pieces.append((False, shown(node.data)))
                elif isinstance(node, ast.Name) and node.name not in taken:
                    pieces.append((True, node.name))
                else:
                    return None
                lines.append(node.lineno)
        return cls(tuple(pieces), tuple(lines))

    def place_of_fault(self, cells: dict[Any, Any]) -> str:
        """Where the first value stands that cannot be printed, as it begins the detail of a problem."""
        for (named, piece), line in zip(self.pieces, self.lines, strict=True):
            try:
                if named:
                    str(present(cells[piece]))
            except Exception:  # noqa: BLE001 - it was raised before, and is told by whoever asks for its place
                return f"line {line}: "
        return ""

    def render(self, cells: dict[Any, Any]) -> str:
        """The line for one row; raises what a gap has to say.

        >>> SimpleTemplate(((True, "name"), (False, " <"), (True, "email"), (False, ">"))).render({"name": "Zoë", "email": "z@x"})
        'Zoë <z@x>'
        """
        return "".join(
            [str(present(cells[piece])) if named else piece for named, piece in self.pieces]
        )
