"""What a preview is where no widget lives: static HTML that a notebook shows and a file keeps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailframe.errors import MailframeError
from mailframe.page.document import document

if TYPE_CHECKING:
    import os


@dataclass(frozen=True, slots=True)
class Page:
    """Static HTML with a line of text for where no HTML is shown.

    Attributes:
        title: of the page, when it is saved.
        html: made by ``page/``: everything in it is escaped or in its frames.
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
        MailframeError: the path is a folder.
    """
    target = Path(path).expanduser().resolve()
    if target.is_dir():
        raise MailframeError(f"save({str(path)!r}): that is a folder; name a file, such as preview.html")
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return Path(path)
