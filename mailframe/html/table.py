"""Tables of cells that are HTML already, with their alignment in each cell.

A notebook that is not trusted drops style sheets, and the one of JupyterLab itself puts text to the right.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEFT: Final = 'style="text-align:left;vertical-align:top"'
"""What each cell says of itself."""


def line(cells: Sequence[str], *, kind: str = "") -> str:
    """A row whose first cell is its head.

    Args:
        cells: HTML.
        kind: the class of the row.

    >>> line(["To", "ann@example.com"]).count("text-align:left")
    2
    """
    said = f' class="{kind}"' if kind else ""
    first, *others = cells
    rest = "".join(f"<td {LEFT}>{cell}</td>" for cell in others)
    return f"<tr{said}><th {LEFT} scope=row>{first}</th>{rest}</tr>"


def table(lines: Iterable[str], *, head: Sequence[str] = (), kind: str = "") -> str:
    """Rows of ``line`` under a head.

    Args:
        lines: the rows.
        head: plain words, one per column.
        kind: the class of the table.
    """
    names = "".join(f"<th {LEFT} scope=col>{html.escape(name)}</th>" for name in head)
    top = f"<thead><tr>{names}</tr></thead>" if head else ""
    said = f' class="{kind}"' if kind else ""
    return f"<table{said}>{top}<tbody>{''.join(lines)}</tbody></table>"
