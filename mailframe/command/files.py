"""The files that commands write: refused before the work, and never in place of another."""

from __future__ import annotations

import os
import re
import tempfile
from typing import TYPE_CHECKING, Final

from mailframe.errors import MailframeError
from mailframe.paths import local_path

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

METADATA: Final = "-metadata.json"
"""The end of the name of the file beside a results CSV."""
CSV: Final = re.compile(r"\.csv(\.(gz|bz2|xz|zip))?\Z", re.IGNORECASE)
PLAIN_CSV: Final = re.compile(r"\.csv\Z", re.IGNORECASE)
HTML: Final = re.compile(r"\.html?\Z", re.IGNORECASE)


def free_path(chosen: argparse.Namespace, *, ending: re.Pattern[str], example: str) -> Path | None:
    """The path of ``--out``, if the file can be written; None without one.

    Args:
        chosen: the arguments ``out`` and ``overwrite``.
        ending: how the name has to end.
        example: a name for error texts.

    Raises:
        MailframeError: there is such a file, no such folder, or no right to write.
    """
    if chosen.out is None:
        return None
    path = local_path(chosen.out, what="--out", example=example)
    folder = path.absolute().parent
    if path.is_dir():
        raise MailframeError(f"--out {path} is a folder; name a file: --out {path / example}")
    if not ending.search(path.name):
        raise MailframeError(f"--out {path}: the name does not end as in --out {example}")
    if not folder.is_dir():
        raise MailframeError(f"--out {path}: there is no folder {folder}; make it first")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise MailframeError(
            f"--out {path}: no file can be written in {folder} ({error.strerror}); name another one"
        ) from None
    if not chosen.overwrite and (existing := taken(path)) is not None:
        raise MailframeError(
            f"--out {path}: {existing.name} exists; name another file, or add --overwrite"
        )
    return path


def taken(path: Path) -> Path | None:
    """The file that exists at a path, or is the metadata file of it."""
    paths = (path, path.with_name(f"{path.name}{METADATA}"))
    return next((one for one in paths if os.path.lexists(one)), None)


def untaken(path: Path) -> Path:
    """The path, or one with a number before its ending if another program has written there.

    >>> from pathlib import Path
    >>> untaken(Path("absent.csv")).name
    'absent.csv'
    """
    stem, dot, ending = path.name.partition(".")
    candidate, number = path, 1
    while taken(candidate) is not None:
        number += 1
        candidate = path.with_name(f"{stem}-{number}{dot}{ending}")
    return candidate
