"""A file's bytes, compressed as the ending of its name says; the endings are those of pandas."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zipfile
import zlib
from typing import Final

from mailframe.errors import ResultsError

ENDINGS: Final = (".gz", ".bz2", ".xz", ".zip")
_OTHERS: Final = re.compile(r"\.(tar(\.(gz|bz2|xz))?|zst)\Z", re.IGNORECASE)
_MAGIC: Final = {".gz": b"\x1f\x8b", ".bz2": b"BZh", ".xz": b"\xfd7zXZ\x00", ".zip": b"PK"}


def refuse_ending(name: str) -> None:
    """Refuse a name whose ending pandas would compress by and which is not written here, and that of an Excel file.

    Raises:
        ResultsError: with the endings that work.
    """
    if name.lower().endswith(".xlsx"):
        raise ResultsError(f"{name}: to_csv writes CSV; to_excel writes .xlsx files")
    found = _OTHERS.search(name)
    if found:
        raise ResultsError(
            f"{name}: {found.group()} is not written here; use {', '.join(ENDINGS)} or plain .csv"
        )


def packed(content: bytes, name: str) -> bytes:
    """The bytes of a file that is called *name*; the same content makes the same bytes.

    >>> unpacked(packed(b"a,b", "r.csv.gz"), "r.csv.gz"), packed(b"a,b", "r.csv")
    (b'a,b', b'a,b')
    """
    ending = _ending(name)
    if ending == ".gz":
        return gzip.compress(content, mtime=0)
    if ending == ".bz2":
        return bz2.compress(content)
    if ending == ".xz":
        return lzma.compress(content)
    if ending == ".zip":
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(name[: -len(ending)]), content, zipfile.ZIP_DEFLATED)
        return file.getvalue()
    return content


def unpacked(content: bytes, name: str) -> bytes:
    """The content of a file that is called *name*; one that is not compressed is taken as it is.

    Raises:
        ResultsError: it is damaged, or an archive of several files.
    """
    ending = _ending(name)
    if ending is None or not content.startswith(_MAGIC[ending]):
        return content
    try:
        if ending == ".zip":
            return _only_member(content)
        return {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}[ending](
            content
        )
    except (
        OSError,
        EOFError,
        ValueError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise ResultsError(
            f"its {ending} cannot be unpacked ({error}); was it cut short? Write the results again"
        ) from error


def _only_member(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        if len(names) != 1:
            raise ResultsError(f"the archive holds {len(names)} files; one is needed")
        return archive.read(names[0])


def _ending(name: str) -> str | None:
    return next((ending for ending in ENDINGS if name.lower().endswith(ending)), None)
