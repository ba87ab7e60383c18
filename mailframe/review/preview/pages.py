"""What a preview is where no widget lives: static HTML that a notebook shows and a file keeps."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailframe.errors import MailframeError
from mailframe.html.document import document
from mailframe.paths import local_path

if TYPE_CHECKING:
    import os


@dataclass(frozen=True, slots=True)
class Page:
    """Static HTML with a line of text for where no HTML is shown.

    Attributes:
        title: of the page, when it is saved.
        html: made by ``html/``: everything in it is escaped or in its frames.
        said: what stands for it in a terminal.
    """

    title: str
    html: str
    said: str

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it as a file that stands alone, and return its path."""
        return write(path, document(self.title, self.html))

    def __repr__(self) -> str:
        return self.said

    def _repr_html_(self) -> str:
        return self.html


def write(path: str | os.PathLike[str], text: str) -> Path:
    """Write a file in UTF-8; what stood there is replaced as a whole or not at all.

    Raises:
        MailframeError: the path is a folder or no path of a file, or the file cannot be written.
    """
    target = local_path(path, what="save", example="preview.html").resolve()
    if target.is_dir():
        raise MailframeError(
            f"save({str(path)!r}): that is a folder; name a file, such as preview.html"
        )
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(target)
    except BaseException as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            said = f"save({str(path)!r}): {error.strerror}; give the path of a file in a folder that exists"
            raise MailframeError(said) from None
        raise
    return Path(path)
