"""The messages of a campaign as files that mail programs open, one per row."""

from __future__ import annotations

import os
import re
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import MailframeError
from mailframe.message.message import Message
from mailframe.message.row_selection import row_positions
from mailframe.notebook import rows_bar
from mailframe.pandas_versions import text_column
from mailframe.paths import local_path

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mailframe.message.composed import Composed
    from mailframe.message.row_selection import Rows

_MIN_DIGITS: Final = 4
_MAX_NAME: Final = 60
"""Characters of a file name after its number; ASCII, so that they are bytes everywhere."""
_OTHERS: Final = re.compile("[^A-Za-z0-9]+")
_MODE: Final = 0o600
"""Messages have personal data: only their owner reads the files."""


class EmlFolder:
    """A folder for the files of messages.

    Args:
        folder: the folder as the caller gave it; it is made if there is none.
        date: the time of the header ``Date``; None for no such header.
        overwrite: whether to replace files that have other messages.

    Raises:
        MailframeError: *folder* is not a path.
    """

    def __init__(self, folder: object, *, date: dt.datetime | None, overwrite: bool) -> None:
        self._root = local_path(folder, what="to_eml", example="mails")
        self._date, self._overwrite = date, overwrite

    def write(self, message: Message, name: str) -> str:
        """Write a message, and return the path of its file.

        Raises:
            MailframeError: it cannot be written, or the file has another message.
        """
        path = self._root / name
        _write(path, message.to_eml(date=self._date), overwrite=self._overwrite)
        return str(path)


def write_eml_files(
    composed: Composed, folder: EmlFolder, rows: Rows | None, *, progress: bool
) -> pd.Series[Any]:
    """Write one file for each message that can be sent; see ``Campaign.to_eml``.

    Args:
        composed: the campaign.
        folder: the folder.
        rows: the rows as for ``Campaign.preview``; None for all.
        progress: whether to show a progress bar.

    Returns:
        The path of each file, with the labels of the rows; missing for a blocked row.

    Raises:
        MailframeError: a file cannot be written, or has another message.
    """
    positions = _positions(composed, rows)
    wanted = np.zeros(len(composed.frame), dtype=bool)
    wanted[list(positions)] = True
    wanted &= composed.preflight().sendable
    paths: dict[int, str] = {}
    with rows_bar("Writing files", int(wanted.sum()), shown=progress) as bar:
        for message in _messages(composed, wanted):
            paths[message.position] = folder.write(message, _file_name(composed, message))
            bar.update()
    labels = composed.frame.index.take(positions)
    return text_column(map(paths.get, positions), labels, "eml")


def _positions(composed: Composed, rows: Rows | None) -> Sequence[int]:
    if rows is None:
        return range(len(composed.frame))
    return row_positions(composed.frame.index, rows)


def _messages(composed: Composed, wanted: Any) -> Iterator[Message]:
    """The messages of these rows.

    Raises:
        MailframeError: one is not the message that was checked.
    """
    for item in composed.messages(composed.preflight(), live=False, wanted=wanted):
        if not isinstance(item, Message):
            name = composed.names.of(item.row or 0)
            raise MailframeError(f"to_eml stopped: {name}: {item.detail}")
        yield item


# --- names ----------------------------------------------------------------------------------------


def _file_name(composed: Composed, message: Message) -> str:
    """The number of the row, counted from 1, and a word that people know it by.

    The number makes it unique, also where case is ignored, and no name of Windows begins with one.
    """
    digits = max(_MIN_DIGITS, len(str(len(composed.frame))))
    word = _word(composed, message)
    return f"{message.position + 1:0{digits}}{'-' if word else ''}{word}.eml"


def _word(composed: Composed, message: Message) -> str:
    """The key of a row, its label, or the name in front of the @ where rows are only counted."""
    frame = composed.frame
    if composed.key:  # a whole row could have other dtypes than its columns
        cells = [frame[column].iloc[message.position] for column in composed.key]
        return cleaned("-".join(map(str, cells)))
    if not isinstance(frame.index, pd.RangeIndex):
        label = frame.index[message.position]
        return cleaned("-".join(map(str, label)) if isinstance(label, tuple) else str(label))
    address = (message.to or "").partition(", ")[0].rpartition("<")[2]
    return cleaned(address.partition("@")[0])


def cleaned(text: str) -> str:
    """A text as a part of a file name that every system takes: letters, digits and dashes.

    >>> cleaned("Zoë Müller <zoe@example.com>"), cleaned("../../etc"), cleaned("日本")
    ('Zoe-Muller-zoe-example-com', 'etc', '')
    """
    plain = unicodedata.normalize("NFKD", text[: _MAX_NAME * 4]).encode("ascii", "ignore").decode()
    return _OTHERS.sub("-", plain).strip("-")[:_MAX_NAME].rstrip("-")


# --- files ----------------------------------------------------------------------------------------


def _write(path: Path, content: bytes, *, overwrite: bool) -> None:
    """Write a file whole or not at all; one that has this content already stays.

    Raises:
        MailframeError: it cannot be written, or another file has the name.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(path):
            if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
                return
            if not overwrite:
                raise MailframeError(
                    f"{path} exists and has something else; write into an empty folder, or "
                    "overwrite=True to replace it"
                )
        _replace(path, content)
    except OSError as error:
        raise MailframeError(f"{path} cannot be written: {error}") from error


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with suppress(FileNotFoundError):
        part.unlink()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(part, flags, _MODE), "wb") as file:
            file.write(content)
        part.replace(path)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
