"""The files of a dataset: parts in Parquet and a manifest in JSON, each written whole or not."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, Final

from mailframe.datasets.job import FORMAT
from mailframe.errors import MailframeError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANIFEST: Final = "manifest.json"
JOB: Final = "job.json"
NOTE: Final = b"mailframe:part"
_PRIVATE: Final = 0o600
_CHECKSUM: Final = "sha256"


def part_name(number: int) -> str:
    """The name of the file of a part, counted from 0.

    >>> part_name(7)
    'part-00007.parquet'
    """
    return f"part-{number:05d}.parquet"


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears under its name when it is complete and on the disk; only you can read it.

    Raises:
        MailframeError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, _PRIVATE)
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise MailframeError(f"{path} could not be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink()


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_note(path: Path, note: dict[str, Any]) -> None:
    """Write a small file in JSON, with a checksum."""
    content = {"format": FORMAT, **note}
    with whole_file(path) as file:
        file.write(json.dumps({**content, _CHECKSUM: _digest(content)}, indent=1).encode())


def read_note(path: Path) -> dict[str, Any] | None:
    """A file that ``write_note`` wrote; None if there is none.

    Raises:
        MailframeError: it cannot be read, is damaged, or of a newer mailframe.
    """
    try:
        note = json.loads(path.read_bytes())
        is_newer = note["format"] > FORMAT
        checksum = note.pop(_CHECKSUM)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise MailframeError(
            f"{path} cannot be read ({error!r}); write the messages to a new folder"
        ) from None
    if is_newer:
        raise MailframeError(f"{path} is of a newer mailframe; update mailframe to read it")
    if _digest(note) != checksum:
        raise MailframeError(f"{path} is damaged; write the messages to a new folder")
    content: dict[str, Any] = note
    return content


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def parquet() -> tuple[Any, Any]:
    """The modules ``pyarrow`` and ``pyarrow.parquet``.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise MissingExtra("mf.write_messages", "parquet") from error
    return pa, pq
