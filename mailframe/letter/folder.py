"""Reads the files of a letter's folder, and nothing outside it."""

from __future__ import annotations

import stat
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from jinja2 import BaseLoader, TemplateNotFound

from mailframe.errors import LetterError
from mailframe.letter.suggestions import did_you_mean, nearest
from mailframe.paths import other_form

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MOST_FILES: Final = 1_000
"""Files of a folder that are searched for similar names."""


def read_text(path: Path, *, root: Path) -> str:
    """The text of a file, without its byte order mark.

    Args:
        path: the path of the file, which may be a symbolic link.
        root: the folder of the file once all links are resolved.

    Raises:
        LetterError: the file is outside the folder, not a regular file, not readable or not UTF-8.
    """
    try:
        real = path.resolve()
        if not real.is_relative_to(root.resolve()):
            raise LetterError(
                f"{path} is outside the letter's folder {root}; copy the file into the folder"
            )
        if not stat.S_ISREG(real.stat().st_mode):
            raise LetterError(f"{path} is not a regular file")
        return real.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise LetterError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise LetterError(f"{path}: {error.strerror}") from None


class FolderLoader(BaseLoader):
    """Loads templates of a letter: no ``..``, no absolute path, no link to a file outside.

    Args:
        roots: the folders of templates; the first that has a template is used.
    """

    def __init__(self, *roots: Path) -> None:
        self._roots = roots

    def get_source(self, environment: Any, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Read a template for jinja2.

        Raises:
            LetterError: see ``read_text``.
            TemplateNotFound: the file does not exist, or the name is not a plain relative path.
        """
        del environment  # jinja2's signature
        parts = template.split("/")
        if ".." in parts or "\\" in template or "\x00" in template or template.startswith("/"):
            raise TemplateNotFound(
                template, f"{template!r} is outside the letter's folder {self._roots[0]}"
            )
        paths = [root.joinpath(*parts) for root in self._roots]
        for root, path in zip(self._roots, paths, strict=True):
            if path.exists():
                return read_text(path, root=root), str(path), lambda: True
        raise TemplateNotFound(template, self._not_found(template, paths))

    def _not_found(self, template: str, paths: list[Path]) -> str:
        folders = " and not in the shared folder ".join(map(str, self._roots))
        hint = "".join(map(other_form, paths)) or did_you_mean(self._similar(template))
        if not hint and len(self._roots) == 1:
            hint = "; files of several letters are in a second folder: shared='letters/_shared'"
        return f"there is no template {template!r} in the letter's folder {folders}{hint}"

    def _similar(self, template: str) -> list[str]:
        """The files with this name in another folder, or with a similar name."""
        files = {
            path.relative_to(root).as_posix(): None
            for root in self._roots
            for path in islice(root.rglob("*"), _MOST_FILES)
            if path.is_file()
        }
        name = template.rpartition("/")[2]
        same = [file for file in files if file.rpartition("/")[2] == name]
        return same[:2] or nearest(template, files)
