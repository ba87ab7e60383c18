"""The file of events: one JSON object per line, on the disk before it counts as stored."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final

from mailframe.errors import MailframeError
from mailframe.webhooks.event import event_of
from mailframe.webhooks.recent import RecentEvents

if TYPE_CHECKING:
    from pathlib import Path

MAX_EVENT_BYTES: Final = 20 * 1024 * 1024
"""A bounce may contain the message, which has at most 10 MB (A: Postmark names no limit)."""
READ_BACK_BYTES: Final = 1 << 30
"""How much of the end of a file is read at the start."""
_MODE: Final = 0o600
_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)


class EventFile:
    """A file of events to which one process appends.

    A last line that was cut off by a kill or a full disk is removed: its event was not answered,
    so Postmark repeats it. A file that was moved away is made anew.

    Args:
        path: the file; if it does not exist, it is made for its owner alone (mode 600).

    Raises:
        MailframeError: it cannot be opened, is no file of events, or another receiver has it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.recent = RecentEvents()
        self.removed_bytes = 0
        self._descriptor = -1
        self._whole_bytes: int | None = None
        self._open()

    def append(self, lines: bytes) -> None:
        """Append whole lines, and return when they are on the disk.

        If the file is moved away meanwhile, the new one gets them, too: who moved it may have read
        it before they were there. ``mf.read_events`` reads them once.

        Raises:
            OSError: they could not be stored; the file is as before.
            MailframeError: another file has taken its place.
        """
        for _ in range(2):
            if not self._is_in_place():
                self.close()
                self._open()
            self._append(lines)
            if self._is_in_place():
                return

    def _append(self, lines: bytes) -> None:
        self._remove_rest()
        size = os.fstat(self._descriptor).st_size
        try:
            _write(self._descriptor, lines)
            os.fsync(self._descriptor)
        except OSError:
            self._whole_bytes = size
            with suppress(OSError):  # tried again before the next event
                self._remove_rest()
            raise

    def close(self) -> None:
        """Close the file, and let another receiver have it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        try:
            self._descriptor = os.open(self._path, _FLAGS, _MODE)
        except OSError as error:
            raise self._refusal(f"it cannot be opened ({error.strerror})") from None
        try:
            self._check_and_read()
        except BaseException:
            self.close()
            raise

    def _check_and_read(self) -> None:
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            raise self._refusal("it is not a regular file")
        if not _is_locked(self._descriptor):
            raise self._refusal("another receiver writes to it; give each its own file")
        try:
            with os.fdopen(os.dup(self._descriptor), "rb") as file:
                self._check(file)
                last = self._read(file)
            self._end_line(last)
            os.fsync(self._descriptor)  # a line without its answer counts as stored from now on
            _sync_folder(self._path.absolute().parent)
        except OSError as error:
            raise self._refusal(f"it cannot be read and written ({error.strerror})") from None

    def _check(self, file: IO[bytes]) -> None:
        """Refuse a file whose first line is no event, unless it is the begin of one."""
        file.seek(0)
        first = file.readline(MAX_EVENT_BYTES)
        is_cut = not first.endswith(b"\n") and first.startswith(b"{") and not file.read(1)
        if first and event_of(first) is None and not is_cut:
            raise self._refusal(
                "its first line is not an event of Postmark, so it is another file; name a new one"
            )

    def _read(self, file: IO[bytes]) -> bytes:
        """Note the events of the file; returns the last line."""
        size, line = os.fstat(self._descriptor).st_size, b"\n"
        file.seek(max(0, size - READ_BACK_BYTES))
        for line in file:
            event = event_of(line)
            if event is not None:
                self.recent.add(event.identity)
        return line

    def _end_line(self, last: bytes) -> None:
        if last.endswith(b"\n"):
            return
        if event_of(last) is not None:
            _write(self._descriptor, b"\n")
            return
        self.removed_bytes = len(last)
        self._whole_bytes = os.fstat(self._descriptor).st_size - len(last)
        self._remove_rest()

    def _remove_rest(self) -> None:
        """Remove what a write that failed has left."""
        if self._whole_bytes is not None:
            os.ftruncate(self._descriptor, self._whole_bytes)
            self._whole_bytes = None

    def _is_in_place(self) -> bool:
        """Whether the path still names this file; a rotation of logs moves it away."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except OSError:
            return False

    def _refusal(self, why: str) -> MailframeError:
        return MailframeError(f"--out {self._path}: {why}")


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _is_locked(descriptor: int) -> bool:
    """Lock the file for this process; False if another one has it."""
    if sys.platform == "win32":
        return True  # its locks would keep others from reading
    import fcntl  # noqa: PLC0415 - Windows has none

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _sync_folder(folder: Path) -> None:
    """Bring the name of a new file to the disk; Windows opens no folder."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
