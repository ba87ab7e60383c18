"""The files of one letter's folder, and nothing outside it."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

from jinja2 import BaseLoader, TemplateNotFound

from mailframe.errors import LetterError
from mailframe.paths import other_form

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def read_text(path: Path, *, root: Path) -> str:
    """The text of a file, without its byte order mark.

    Args:
        path: of the file, which may be a link within *root*.
        root: the folder that the file must not lie outside of, once all links are followed.

    Raises:
        LetterError: it leads out of the folder, is no regular file, may not be read, or is not UTF-8.
    """
    try:
        real = path.resolve()
        if not real.is_relative_to(root.resolve()):
            raise LetterError(
                f"{path} leads out of the letter's folder {root}; copy the file into it"
            )
        if not stat.S_ISREG(real.stat().st_mode):
            raise LetterError(f"{path} is no regular file")
        return real.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise LetterError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise LetterError(f"{path}: {error.strerror}") from None


class FolderLoader(BaseLoader):
    """Templates of one folder, and nothing outside it: no ``..``, no absolute path, no link that leads out."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get_source(self, environment: Any, template: str) -> tuple[str, str, Callable[[], bool]]:
        """What jinja2 calls to read a template.

        Raises:
            LetterError: see ``read_text``.
            TemplateNotFound: there is no such file in the folder, or the name is no plain relative path.
        """
        del environment  # jinja2's signature
        parts = template.split("/")
        if ".." in parts or "\\" in template or "\x00" in template or template.startswith("/"):
            raise TemplateNotFound(
                template, f"{template!r} leads out of the letter's folder {self.root}"
            )
        path = self.root.joinpath(*parts)
        if not path.exists():
            hint = other_form(path)
            said = (
                f"there is no template {template!r} in the letter's folder{hint}" if hint else None
            )
            raise TemplateNotFound(template, said)
        return read_text(path, root=self.root), str(path), lambda: True
