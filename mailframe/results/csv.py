r"""A results frame to a CSV file and back, exactly.

The CSV is plain: UTF-8, one header line, "\n" between the rows, so that ``pandas.read_csv`` and any
spreadsheet read it. What a CSV cannot say is stored beside it in ``<path>-metadata.json``, the name
that W3C's CSV on the Web specifies (https://www.w3.org/TR/tabular-data-model/, section 5.3).
Without that file ``read_results`` follows the plain rule of ``csv_plain.py``.

What does not come back as it was: lists, dicts, bytes, arrays, complex numbers, periods and
intervals are text afterwards; a timestamp in an object column keeps its offset and loses the name
of its zone; ``attrs``, a subclass of DataFrame and several levels of columns are not written.

The cells are written and read as Python's ``csv`` does it (``csv_lines.py``): the reader of pandas
fills a row that is too short with empty cells, without an error. Where pandas keeps text in Arrow,
pyarrow writes and reads what it does in the same way (``csv_arrow_lines.py``, ``csv_blocks.py``).
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import itertools
import json
import os
from contextlib import closing, suppress
from functools import partial
from typing import IO, TYPE_CHECKING, Any, Final, cast

from mailframe.errors import ResultsError
from mailframe.pandas_versions import text_storage
from mailframe.paths import local_path, other_form
from mailframe.results.csv_lines import as_lines, rows_of
from mailframe.results.csv_plain import plain_frame
from mailframe.results.csv_table import INDEX, WITHOUT_METADATA, Table, frame_of
from mailframe.results.csv_texts import CHUNK_ROWS
from mailframe.results.files import (
    DAMAGED_ARCHIVE,
    opened,
    refuse_ending,
    unpacked,
    write_files,
    write_packed,
)
from mailframe.results.frame import results_columns
from mailframe.results.parquet import is_parquet, read_parquet
from mailframe.results.summary_line import About, with_summary_line

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    import pandas as pd

_AUTHOR: Final = "mailframe:author"
_DIGEST: Final = "mailframe:sha256"
_BOM: Final = "\ufeff"
_DAMAGED: Final = (KeyError, TypeError, ValueError, IndexError, AttributeError)
_ANYTHING_WRONG: Final = (
    *(ResultsError, StopIteration, csv.Error, ImportError),
    *(*_DAMAGED, *DAMAGED_ARCHIVE),
)


def write_csv(
    results: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    excel_safe: bool = False,
    author: str | None = None,
) -> None:
    """Write a results frame as CSV and its metadata beside it.

    Each of the two files appears whole or not at all.

    Args:
        results: a results frame.
        path: the path of the CSV; an existing file is replaced. ``.gz``, ``.bz2``, ``.xz`` and
            ``.zip`` compress it, as in pandas.
        excel_safe: whether the file will be opened in a spreadsheet. Then it starts with a byte
            order mark, and text that would run as a formula gets a ``'`` in front, in cells,
            headers and index labels. Numbers stay as they are.
        author: a name that ``wrote`` asks for later.

    Raises:
        ResultsError: *results* is not a results frame, a text has half a surrogate pair, which
            UTF-8 cannot write, or the file cannot be written.

    Examples:
        >>> import tempfile
        >>> import pandas as pd
        >>> from mailframe.results.frame import results_frame
        >>> from mailframe.results.row_results import RowResults
        >>> results = results_frame(pd.DataFrame({"zip": ["0150"]}), RowResults(1))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_csv(results, f"{folder}/results.csv")
        ...     read_results(f"{folder}/results.csv").equals(results)
        True
    """
    results_columns(results)
    target = local_path(path, what="to_csv", error=ResultsError).resolve()
    refuse_ending(target.name)
    table = Table(results, excel_safe=excel_safe)
    about: dict[str, Any] = {"url": target.name}

    def write_table(file: IO[bytes]) -> None:
        write_packed(partial(_write_table, table, bom=excel_safe), file, target)
        if author is not None:
            file.seek(0)
            digest = hashlib.file_digest(cast("io.BufferedRandom", file), "sha256")
            about.update({_AUTHOR: author, _DIGEST: digest.hexdigest()})

    def write_metadata(file: IO[bytes]) -> None:
        metadata = table.metadata() | about
        file.write(json.dumps(metadata, ensure_ascii=False, indent=1).encode())

    write_files((target, write_table), (_metadata_path(target), write_metadata))


def wrote(author: str, path: Path) -> bool:
    """Whether the CSV at *path* is the one that ``write_csv(author=…)`` wrote, byte for byte."""
    try:
        metadata = json.loads(_metadata_path(path.resolve()).read_bytes())
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return (metadata[_AUTHOR], metadata[_DIGEST]) == (author, digest)
    except (OSError, ValueError, TypeError, KeyError):
        return False


def is_free(path: Path) -> bool:
    """Whether neither the CSV nor its metadata file exists; a broken link exists."""
    paths = (path, _metadata_path(path), _metadata_path(path.resolve()))
    return not any(map(os.path.lexists, paths))


def read_results(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read the results frame that ``results.mail.to_csv`` or ``.to_parquet`` wrote, or pandas.

    With the metadata file of ``results.mail.to_csv`` the frame is exactly the one that was written.
    Without it, the columns of results have their dtypes, and another column is read as numbers or
    truth values only if every value would be written back the same.

    Args:
        path: the path of the CSV, or of a ``.parquet`` file.

    Raises:
        MissingExtra: pyarrow, which reads Parquet, is not installed.
        ResultsError: there is no such file, it is a folder, empty, not UTF-8, not a CSV or not of
            results, or its metadata does not fit.

    Examples:
        >>> read_results("absent.csv")
        Traceback (most recent call last):
        mailframe.errors.ResultsError: absent.csv: there is no such file; ...
    """
    source = local_path(path, what="read_results", error=ResultsError).resolve()
    try:
        if is_parquet(source):
            return with_summary_line(read_parquet(source), About())
        frame = _read_in_chunks(source)
        return with_summary_line(_read_whole(source) if frame is None else frame, About())
    except ResultsError as error:
        raise ResultsError(f"{source.name}: {error}") from error


def _read_in_chunks(source: Path) -> pd.DataFrame | None:
    """The frame of a CSV with metadata, read some rows at a time in little memory.

    Returns:
        None if there is anything wrong, which ``_read_whole`` then names, or no metadata.
    """
    try:
        metadata = _read_metadata(_metadata_path(source))
        if metadata is None:
            return None
    except ResultsError:
        return None
    for read in (_read_by_arrow, _read_by_csv):
        with suppress(*_ANYTHING_WRONG):
            return read(source, metadata)
    return None


def _read_by_arrow(source: Path, metadata: dict[str, Any]) -> pd.DataFrame:
    """The frame of a regular CSV, where pandas keeps text in Arrow; see ``csv_blocks.py``."""
    if text_storage() != "pyarrow":
        raise ValueError("pandas keeps text as Python strings")
    from mailframe.results.csv_blocks import (  # noqa: PLC0415 - it imports pyarrow
        header_and_chunks,
    )

    with opened(source) as file:
        columns = len(metadata["tableSchema"]["columns"])
        return frame_of(*header_and_chunks(file, columns=columns), metadata)


def _read_by_csv(source: Path, metadata: dict[str, Any]) -> pd.DataFrame:
    most_chars = source.stat().st_size
    with opened(source) as file, closing(_csv_rows(file, most_chars=most_chars)) as rows:
        header = next(rows)
        return frame_of(header, _chunks(header, rows), metadata)


def _chunks(header: Sequence[str], rows: Iterator[list[str]]) -> Iterator[list[tuple[str, ...]]]:
    """The cells of each column, of some rows at a time; at least one chunk.

    Raises:
        ValueError: a row is shorter or longer than another.
    """
    some = list(itertools.islice(rows, CHUNK_ROWS))
    if not some:
        yield [()] * len(header)
    while some:
        yield list(zip(*some, strict=True))
        some = list(itertools.islice(rows, CHUNK_ROWS))


def _read_whole(source: Path) -> pd.DataFrame:
    """The frame of a CSV, read at once.

    Raises:
        ResultsError: see ``read_results``.
    """
    content = _read(source)
    header, columns = _parsed(content)
    metadata = _read_metadata(_metadata_path(source))
    if metadata is None:
        is_safe = content.startswith(codecs.BOM_UTF8)
        return plain_frame(header, columns, excel_safe=is_safe)
    return _noted_frame(header, columns, metadata)


def _noted_frame(
    header: Sequence[str], columns: Sequence[tuple[str, ...]], metadata: dict[str, Any]
) -> pd.DataFrame:
    try:
        return frame_of(header, [columns], metadata, rows=len(columns[0]))
    except _DAMAGED as error:
        raise ResultsError(
            f"its metadata file is damaged ({type(error).__name__}: {error}); {WITHOUT_METADATA}"
        ) from error


def _write_table(table: Table, file: IO[bytes], *, bom: bool) -> None:
    all_quoted = table.header[0].startswith(_BOM)
    for content in _contents(table, all_quoted=all_quoted, bom=bom):
        if b"\r" in content and not all_quoted:
            # Python 3.11 leaves a lone "\r" bare, which its own reader then takes for a line's end.
            file.seek(0)
            file.truncate()
            file.writelines(_contents(table, all_quoted=True, bom=bom))
            return
        file.write(content)


def _contents(table: Table, *, all_quoted: bool, bom: bool) -> Iterator[bytes]:
    """The header, then some rows at a time."""
    header = as_lines([[title] for title in table.header], all_quoted=all_quoted)
    yield _encoded(header, "utf-8-sig" if bom else "utf-8")
    if all_quoted or text_storage() != "pyarrow":
        for columns in table.chunks():
            yield _encoded(as_lines(columns, all_quoted=all_quoted), "utf-8")
        return
    from mailframe.results import csv_arrow_lines  # noqa: PLC0415 - it imports pyarrow

    for cells in table.chunks(cells_of=csv_arrow_lines.cells_of):
        content = csv_arrow_lines.lines(cells)
        yield content or _encoded(as_lines(csv_arrow_lines.as_texts(cells)), "utf-8")


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        before = text[max(0, error.start - 20) : error.start].rpartition("\n")[2]
        around = before + text[error.start : error.end + 20].partition("\n")[0]
        raise ResultsError(
            f"a text has half a surrogate pair, which UTF-8 cannot write: {around!a}; replace it, "
            'for example with text.encode("utf-8", "replace").decode()'
        ) from None


def _metadata_path(path: Path) -> Path:
    return path.with_name(f"{path.name}-metadata.json")


def _read(path: Path) -> bytes:
    try:
        content = unpacked(path.read_bytes(), path.name)
        is_empty = not content.decode("utf-8-sig").strip()
    except FileNotFoundError:
        hint = other_form(path) or "; give the path that to_csv wrote"
        raise ResultsError(f"there is no such file{hint}") from None
    except UnicodeDecodeError as error:
        raise ResultsError(
            f'it is not UTF-8 (byte {error.start}); save it as "CSV UTF-8"'
        ) from error
    except OSError as error:
        raise ResultsError(
            f"it cannot be read ({error.strerror}); give the path of a CSV file"
        ) from error
    if is_empty:
        raise ResultsError("the file is empty; write the results again")
    return content


def _parsed(content: bytes) -> tuple[list[str], list[tuple[str, ...]]]:
    """The header and the cells of each column."""
    try:
        header, *rows = _csv_rows(io.BytesIO(content), most_chars=len(content))
    except csv.Error as error:
        raise ResultsError(
            f"it is not a CSV file ({error}); was it cut short? Write the results again"
        ) from error
    for number, row in enumerate(rows):
        if len(row) != len(header):
            raise ResultsError(
                f"row {number} has {len(row)} cells and the header has {len(header)}; was the file "
                "cut short or saved with another separator? Write the results again"
            )
    return header, list(zip(*rows, strict=True)) if rows else [()] * len(header)


def _csv_rows(file: IO[bytes], *, most_chars: int) -> Generator[list[str], None, None]:
    """The rows of a CSV that are not blank, the header first."""
    limit = csv.field_size_limit(max(csv.field_size_limit(), most_chars + 1))
    try:
        with io.TextIOWrapper(file, encoding="utf-8-sig", newline="\n") as text:
            yield from rows_of(text)
    finally:
        csv.field_size_limit(limit)


def _read_metadata(path: Path) -> dict[str, Any] | None:
    try:
        metadata = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path.name} cannot be read ({error}); {WITHOUT_METADATA}") from error
    if not isinstance(metadata, dict) or INDEX not in metadata:
        raise ResultsError(f"{path.name} was not written by mailframe; {WITHOUT_METADATA}")
    return metadata
