"""A static page: a notebook shows it, and ``save`` writes it to a file."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailframe.errors import MailframeError
from mailframe.pages.environment import Html
from mailframe.pages.standalone import standalone
from mailframe.paths import local_path

if TYPE_CHECKING:
    import os


@dataclass(frozen=True, slots=True)
class Page:
    """A static page, with lines of text for places that show no HTML.

    Attributes:
        title: the title of the saved file.
        html: the page; everything in it is escaped or isolated in frames.
        text: the text that a terminal shows.
    """

    title: str
    html: str
    text: str

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it as a file that needs no other, and return its path."""
        return write(path, standalone(self.title, Html(self.html)))

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return str(self.html)


def write(path: str | os.PathLike[str], text: str) -> Path:
    """Write a file in UTF-8; an existing file is replaced as a whole or not at all.

    Raises:
        MailframeError: the path is a folder or not a path of a file, or the file cannot be written.
    """
    target = local_path(path, what="save", example="preview.html").resolve()
    if target.is_dir():
        raise MailframeError(
            f"save({str(path)!r}): this is a folder; name a file, such as preview.html"
        )
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(target)
    except BaseException as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise MailframeError(
                f"save({str(path)!r}): {error.strerror}; "
                "give the path of a file in a folder that exists"
            ) from None
        raise
    return Path(path)
