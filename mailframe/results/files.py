"""Files of results: written whole or not at all, compressed as the ending of their name says."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import re
import secrets
import shutil
import struct
import tempfile
import zipfile
import zlib
from contextlib import contextmanager, suppress
from itertools import count
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from mailframe.errors import ResultsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path


_BLOCK_BYTES: Final = 1 << 20
_GZIP_HEADER_BYTES: Final = 10


def write_files(*files: tuple[Path, Callable[[IO[bytes]], object]]) -> None:
    """Write files so that each one appears whole or not at all.

    Each is written under another name in the same folder and then renamed. If a write fails, the
    files that existed before stay as they were. If the first one is open in a program that keeps
    it, as Excel does on Windows, the new files get names that are free.

    Args:
        files: each path with a function that writes the content. The second file describes the
            first: after a crash it may be absent, but it is never one that describes another file.

    Raises:
        ResultsError: a file cannot be written, or not under its name.
    """
    parts = [_part_beside(path) for path, _ in files]
    try:
        for part, (_, write) in zip(parts, files, strict=True):
            with part.open("x+b") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
        _put(parts, [path for path, _ in files])
    except OSError as error:
        raise ResultsError(
            f"{files[0][0].name} could not be written ({error.strerror}); "
            "give the path of a file in a folder that exists and that you may write to"
        ) from error
    finally:
        for part in parts:
            with suppress(OSError):
                part.unlink()


def _part_beside(path: Path) -> Path:
    return path.with_name(f".{secrets.token_hex(8)}.tmp")


def _put(parts: Sequence[Path], paths: Sequence[Path]) -> None:
    """Rename the parts to their paths.

    Raises:
        ResultsError: the first path is a file that cannot be replaced; the parts have other names.
        OSError: nothing was renamed.
    """
    first, *others = paths
    try:
        with _moved_away(others):
            parts[0].replace(first)
    except PermissionError as error:
        if not first.is_file():
            raise
        kept = _free(first)
        for part, path in zip(parts, paths, strict=True):
            part.replace(kept.with_name(path.name.replace(first.name, kept.name, 1)))
        raise ResultsError(
            f"{first.name} could not be replaced ({error.strerror}): on Windows no program can "
            f"replace a file that Excel has open. The results are in {kept.name}; close "
            f"{first.name}, and rename it or write again"
        ) from error
    for part, path in zip(parts[1:], others, strict=True):
        part.replace(path)


@contextmanager
def _moved_away(paths: Sequence[Path]) -> Iterator[None]:
    """Remove files, and restore them if what follows fails."""
    moved = [(path, _part_beside(path)) for path in paths if os.path.lexists(path)]
    if any(path.is_dir() for path, _ in moved):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    for path, aside in moved:
        path.replace(aside)
    try:
        yield
    except OSError:
        for path, aside in moved:
            aside.replace(path)
        raise
    for _, aside in moved:
        aside.unlink()


def _free(path: Path) -> Path:
    """The path with a number before its ending, which no file and no metadata file has."""
    stem, dot, ending = path.name.partition(".")
    names = {name.name for name in path.parent.iterdir()}
    return next(
        path.with_name(name)
        for number in count(2)
        if not any(one.startswith(name := f"{stem}-{number}{dot}{ending}") for one in names)
    )


def _zip(content: IO[bytes], file: IO[bytes], name: str) -> None:
    # A ZipInfo without a time makes the same bytes of the same content.
    info = zipfile.ZipInfo(name[: -len(".zip")])
    info.compress_type = zipfile.ZIP_DEFLATED
    info.file_size = content.seek(0, os.SEEK_END)
    content.seek(0)
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(info, "w") as part,
    ):
        shutil.copyfileobj(content, part, _BLOCK_BYTES)


def _gzip(content: IO[bytes], file: IO[bytes], _name: str) -> None:
    # as gzip.compress with mtime=0, which is no time
    header, packer = (
        gzip.compress(b"", mtime=0)[:_GZIP_HEADER_BYTES],
        zlib.compressobj(9, wbits=-15),
    )
    checksum, size = 0, 0
    file.write(header)
    for block in _blocks(content):
        checksum, size = zlib.crc32(block, checksum), size + len(block)
        file.write(packer.compress(block))
    file.write(packer.flush())
    file.write(struct.pack("<LL", checksum, size & 0xFFFFFFFF))


def _bz2(content: IO[bytes], file: IO[bytes], _name: str) -> None:
    _compress(bz2.BZ2Compressor(), content, file)


def _xz(content: IO[bytes], file: IO[bytes], _name: str) -> None:
    _compress(lzma.LZMACompressor(), content, file)


def _compress(
    packer: bz2.BZ2Compressor | lzma.LZMACompressor, content: IO[bytes], file: IO[bytes]
) -> None:
    for block in _blocks(content):
        file.write(packer.compress(block))
    file.write(packer.flush())


def _blocks(content: IO[bytes]) -> Iterator[bytes]:
    while block := content.read(_BLOCK_BYTES):
        yield block


def _unzip(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        if len(names) != 1:
            raise ResultsError(f"the archive holds {len(names)} files; one is needed")
        return archive.read(names[0])


class _Compression(NamedTuple):
    """One compression.

    Attributes:
        magic: the first bytes of such a file.
        pack: writes the packed content to a file.
        unpack: the content of packed bytes.
        open: such a file, opened to read its content.
    """

    magic: bytes
    pack: Callable[[IO[bytes], IO[bytes], str], None]
    unpack: Callable[[bytes], bytes]
    open: Callable[[Path], Any] | None = None


_COMPRESSIONS: Final[Mapping[str, _Compression]] = {
    ".gz": _Compression(b"\x1f\x8b", _gzip, gzip.decompress, gzip.open),
    ".bz2": _Compression(b"BZh", _bz2, bz2.decompress, bz2.open),
    ".xz": _Compression(b"\xfd7zXZ\x00", _xz, lzma.decompress, lzma.open),
    ".zip": _Compression(b"PK", _zip, _unzip),
}
"""The endings of pandas."""
_OTHER_ENDINGS: Final = re.compile(r"\.(tar(\.(gz|bz2|xz))?|zst)\Z", re.IGNORECASE)
DAMAGED_ARCHIVE: Final = (
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


def write_packed(write: Callable[[IO[bytes]], object], file: IO[bytes], path: Path) -> None:
    """Write content to a file that is compressed as its name says.

    The same content makes the same bytes.

    Args:
        write: a function that writes the content to a file that it is given.
        file: the file, opened to read and write.
        path: the path that the file will have.

    >>> from pathlib import Path
    >>> with tempfile.TemporaryFile() as file:
    ...     write_packed(lambda part: part.write(b"a,b"), file, Path("r.csv.gz"))
    ...     _ = file.seek(0)
    ...     unpacked(file.read(), "r.csv.gz")
    b'a,b'
    """
    ending = _ending(path.name)
    if ending is None:
        write(file)
        return
    with tempfile.TemporaryFile(dir=path.parent) as content:
        write(content)
        content.seek(0)
        _COMPRESSIONS[ending].pack(content, file, path.name)


def opened(path: Path) -> IO[bytes]:
    """A file that ``write_packed`` wrote, opened to read its content a part at a time.

    Raises:
        OSError, ResultsError: it cannot be opened, or it is an archive, which ``unpacked`` reads.
    """
    ending = _ending(path.name)
    file = path.open("rb")
    magic, _, _, open_packed = _COMPRESSIONS[ending] if ending else (b"", None, None, None)
    if ending is None or file.read(len(magic)) != magic:
        file.seek(0)
        return file
    file.close()
    if open_packed is None:
        raise ResultsError("an archive is read at once")
    unpacked_file: IO[bytes] = open_packed(path)
    return unpacked_file


def unpacked(content: bytes, name: str) -> bytes:
    """The content of a file of this name; content that is not compressed is returned as it is.

    Raises:
        ResultsError: it is damaged, or an archive of several files.
    """
    ending = _ending(name)
    if ending is None:
        return content
    compression = _COMPRESSIONS[ending]
    if not content.startswith(
        compression.magic
    ):  # earlier versions wrote plain files under such names
        return content
    try:
        return compression.unpack(content)
    except DAMAGED_ARCHIVE as error:
        raise ResultsError(
            f"its {ending} cannot be unpacked ({error}); was it cut short? Write the results again"
        ) from error


def _ending(name: str) -> str | None:
    return next((ending for ending in _COMPRESSIONS if name.lower().endswith(ending)), None)
