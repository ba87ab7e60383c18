"""An object in a few lines: its name, large numbers, what it has, and the next steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailframe.pages.environment import Html, render

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Summary:
    """What is shown of an object; the template escapes every text.

    Attributes:
        title: its name.
        about: what it is, beside the name.
        counts: the large numbers, each with its noun and its kind: ``error``, or empty.
        chips: words with a color, each with its kind: ``error``, ``warning``, ``good`` or empty.
        lines: what it has: a name and a text each.
        parts: long texts, which open by a click.
        mail: the HTML part of a message in its frames.
        folded: the title and the HTML of a part that opens by a click.
        note: a sentence below.
        link: the address and the text of a link.
        steps: what to call next, each with what it does.
    """

    title: str
    about: str = ""
    counts: Sequence[tuple[str, str, str]] = ()
    chips: Sequence[tuple[str, str]] = ()
    lines: Sequence[tuple[str, str]] = ()
    parts: Sequence[tuple[str, str]] = ()
    mail: Html | None = None
    folded: tuple[str, Html] | None = None
    note: str = ""
    link: tuple[str, str] | None = None
    steps: Sequence[tuple[str, str]] = ()

    def html(self) -> str:
        """The summary as HTML, which is a table and text without its styles."""
        return str(render("summary", shown=self))
