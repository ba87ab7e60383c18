"""Numbers of list items in the text part, where a loop or a branch decides how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

    from mailframe.letter.markdown.marks import Marked

NAME: Final = "mailframe_item"
"""The start of the names that count; each list has one of its own."""


def count_items(tokens: Sequence[Token], marked: Marked) -> None:
    """Give each ordered list with statements between its items the marks that count them.

    ``meta["counter"]`` of the list becomes two texts: what stands before it, and what stands before
    each item and prints its number.
    """
    lists: list[Token] = []
    for token in tokens:
        if token.type in ("ordered_list_open", "bullet_list_open", "list_item_open"):
            lists.append(token)
        elif token.type in ("ordered_list_close", "bullet_list_close", "list_item_close"):
            lists.pop()
        elif token.type == "jinja" and lists and lists[-1].type == "ordered_list_open":
            _count(lists[-1], marked)


def _count(ordered: Token, marked: Marked) -> None:
    if "counter" in ordered.meta:
        return
    name = f"{NAME}_{len(marked.units)}"
    before = int(ordered.attrs.get("start", 1)) - 1
    ordered.meta = {
        "counter": (
            marked.added(f"{{% set {name} = namespace(n={before}) %}}", line=0),
            marked.added(f"{{% set {name}.n = {name}.n + 1 %}}", line=0)
            + marked.added(f"{{{{ {name}.n }}}}", line=0, kind="variable_begin"),
        )
    }
