"""Files of results: written whole or not at all, compressed as the ending of their name says."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import secrets
import zipfile
import zlib
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final

from mailframe.errors import ResultsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def write_files(*files: tuple[Path, Callable[[IO[bytes]], object]]) -> None:
    """Write files so that each one appears whole or not at all.

    Each is written under another name in the same folder and then renamed. If a write fails, the
    files that existed before stay as they were.

    Args:
        files: each path with a function that writes the content. The second file describes the
            first: after a crash it may be absent, but it is never one that describes another file.

    Raises:
        ResultsError: a file cannot be written.
    """
    parts = [path.with_name(f".{secrets.token_hex(8)}.tmp") for path, _ in files]
    try:
        for part, (_, write) in zip(parts, files, strict=True):
            with part.open("xb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
        for path, _ in files[1:]:
            path.unlink(missing_ok=True)
        for part, (path, _) in zip(parts, files, strict=True):
            part.replace(path)
    except OSError as error:
        raise ResultsError(
            f"{files[0][0].name} could not be written ({error.strerror}); "
            "give the path of a file in a folder that exists and that you may write to"
        ) from error
    finally:
        for part in parts:
            with suppress(OSError):
                part.unlink()


def _zip(content: bytes, name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        # A ZipInfo without a time makes the same bytes of the same content.
        archive.writestr(zipfile.ZipInfo(name[: -len(".zip")]), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _unzip(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        if len(names) != 1:
            raise ResultsError(f"the archive holds {len(names)} files; one is needed")
        return archive.read(names[0])


_COMPRESSIONS: Final[Mapping[str, tuple[bytes, Callable[..., bytes], Callable[..., bytes]]]] = {
    ".gz": (b"\x1f\x8b", lambda content, _: gzip.compress(content, mtime=0), gzip.decompress),
    ".bz2": (b"BZh", lambda content, _: bz2.compress(content), bz2.decompress),
    ".xz": (b"\xfd7zXZ\x00", lambda content, _: lzma.compress(content), lzma.decompress),
    ".zip": (b"PK", _zip, _unzip),
}
"""The endings of pandas: the first bytes of such a file, how to compress it and how to read it."""
_OTHER_ENDINGS: Final = re.compile(r"\.(tar(\.(gz|bz2|xz))?|zst)\Z", re.IGNORECASE)
_DAMAGED: Final = (
    *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile),
)


def refuse_ending(name: str) -> None:
    """Refuse the name of an Excel file and a compression of pandas that is not supported here.

    Raises:
        ResultsError: with the endings that are supported.
    """
    if name.lower().endswith(".xlsx"):
        raise ResultsError(f"{name}: to_csv writes CSV; to_excel writes .xlsx files")
    ending = _OTHER_ENDINGS.search(name)
    if ending:
        raise ResultsError(
            f"{name}: {ending.group()} is not supported; "
            f"use {', '.join(_COMPRESSIONS)} or plain .csv"
        )


def packed(content: bytes, name: str) -> bytes:
    """The bytes of a file of this name; the same content makes the same bytes.

    >>> unpacked(packed(b"a,b", "r.csv.gz"), "r.csv.gz"), packed(b"a,b", "r.csv")
    (b'a,b', b'a,b')
    """
    ending = _ending(name)
    if ending is None:
        return content
    _, pack, _ = _COMPRESSIONS[ending]
    return pack(content, name)


def unpacked(content: bytes, name: str) -> bytes:
    """The content of a file of this name; content that is not compressed is returned as it is.

    Raises:
        ResultsError: it is damaged, or an archive of several files.
    """
    ending = _ending(name)
    if ending is None:
        return content
    magic, _, unpack = _COMPRESSIONS[ending]
    if not content.startswith(magic):  # earlier versions wrote plain files under such names
        return content
    try:
        return unpack(content)
    except _DAMAGED as error:
        raise ResultsError(
            f"its {ending} cannot be unpacked ({error}); was it cut short? Write the results again"
        ) from error


def _ending(name: str) -> str | None:
    return next((ending for ending in _COMPRESSIONS if name.lower().endswith(ending)), None)
