"""One attack: its body, how a person must touch it, and the mark by which its success is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Click: TypeAlias = Literal["", "left", "middle", "control", "enter"]
Mark: TypeAlias = str
"""``script`` ran; ``frame`` or ``page`` navigated; ``popup``; ``download``; a requested path."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One body.

    Attributes:
        name: of the attack, and of its address.
        mark: how its success is seen.
        html: with ``{u}`` and ``{ran}``.
        click: how a person must touch it; empty for not at all.
        way: in which unprotected way of showing it works; see WAYS.
        is_image: where remote images are wanted it asks for one, and for nothing else.
    """

    name: str
    mark: Mark
    html: str
    click: Click = ""
    way: str = "frame"
    is_image: bool = False

    def body(self, url: str) -> str:
        """The HTML with its address."""
        return (
            self.html.replace("{ran}", f"console.log(/ran:{self.name}/)")
            .replace("{u}", url)
            .replace("{host}", url.removeprefix("http://"))
        )


PIXEL: Final = "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="
MAP: Final = f'<img src="{PIXEL}" usemap="#m" width=90 height=40><map name=m>'
