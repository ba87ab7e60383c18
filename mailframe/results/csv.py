r"""A results frame to a CSV file and back, exactly.

The CSV is plain: UTF-8, one header line, "\n" between the rows, so that ``pandas.read_csv`` and any
spreadsheet read it. What a CSV cannot say stands beside it in ``<path>-metadata.json``, the place that
W3C's CSV on the Web gives it (https://www.w3.org/TR/tabular-data-model/, section 5.3): the dtype of each
column, the index, the labels, and which text stands for a gap. Without that file ``read_results`` goes by the
plain rule of ``csv_plain.py``.

What does not come back as it was: lists, dicts, bytes, arrays, complex numbers, periods and intervals are
text afterwards; a stamp in an object column keeps its offset and forgets the name of its zone; ``attrs``, a
subclass of DataFrame and several levels of columns are not written.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.errors import ResultsError
from mailframe.paths import local_path, other_form
from mailframe.results.compression import packed, refuse_ending, unpacked
from mailframe.results.csv_cells import DTYPE, TEXTS, from_cells, gapped, shield, shielded, to_cells
from mailframe.results.csv_plain import assembled, plain_frame
from mailframe.results.frame import results_columns
from mailframe.results.summary import with_headline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from mailframe.results.csv_cells import Cells, Note

_INDEX: Final = "mailframe:index"
_AXIS: Final = "mailframe:columns"
_SHAPE: Final = "mailframe:shape"
_RANGE: Final = "mailframe:range"
_FREQ: Final = "mailframe:freq"
_NAMES: Final = "mailframe:names"
_LABELS: Final = "mailframe:labels"
_ROWS: Final = "mailframe:rows"
_AUTHOR: Final = "mailframe:author"
_DIGEST: Final = "mailframe:sha256"
_SAFE: Final = "mailframe:excel-safe"

_WITHOUT: Final = "move it away to read the CSV by the plain rule"
_BOM: Final = "\ufeff"
_QUOTED: Final = re.compile(r'[",\r\n\ufeff]')
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def write_csv(
    results: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    excel_safe: bool = False,
    author: str | None = None,
) -> None:
    """Writes a results frame as CSV and its metadata beside it; ``read_results`` restores the same frame.

    Each of the two files appears whole or not at all: it is written under another name in the same folder and
    then renamed.

    Args:
        results: a results frame.
        path: of the CSV; a file that is there is replaced. ``.gz``, ``.bz2``, ``.xz`` and ``.zip`` compress it, as
            in pandas.
        excel_safe: whether a person will open it in a spreadsheet. Then the file starts with a byte order
            mark, and text that would run as a formula gets a ``'`` in front, in cells, headers and index
            labels. Numbers stay as they are.
        author: a name that ``wrote`` asks for later.

    Raises:
        ResultsError: *results* is no results frame, a text holds half a surrogate pair, which UTF-8 cannot
            write, or the file cannot be written.

    Examples:
        >>> import tempfile
        >>> from mailframe.results.frame import RowResults, results_frame
        >>> results = results_frame(pd.DataFrame({"zip": ["0150"]}), RowResults(1))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_csv(results, f"{folder}/results.csv")
        ...     read_results(f"{folder}/results.csv").equals(results)
        True
    """
    results_columns(results)
    target = local_path(path, what="to_csv", error=ResultsError).resolve()
    refuse_ending(target.name)
    index, level_cells = _index_note(results.index)
    columns = [
        *level_cells,
        *(to_cells(results.iloc[:, place]) for place in range(results.shape[1])),
    ]
    labels = _labels_note(results.columns)
    header = [text or "" for text in [*index[_NAMES][TEXTS][: len(level_cells)], *labels[TEXTS]]]
    if excel_safe:
        header, columns = (
            [shield(text) for text in header],
            [shielded(column) for column in columns],
        )
    nulls = [_null(column.texts) for column in columns]
    axis = {
        _LABELS: labels,
        _NAMES: _labels_note([results.columns.name]),
        DTYPE: str(results.columns.dtype),
    }
    about = {_INDEX: index, _AXIS: axis, _ROWS: len(results), _SAFE: excel_safe}
    table = (_BOM if excel_safe else "") + _csv(header, columns, nulls)
    _refuse_surrogates(table)
    content = packed(table.encode(), target.name)
    if author is not None:
        about |= {_AUTHOR: author, _DIGEST: hashlib.sha256(content).hexdigest()}
    metadata = json.dumps(
        _csvw(target.name, header, columns, nulls) | about, ensure_ascii=False, indent=1
    )
    _write_both(target, content, metadata.encode())


def wrote(author: str, path: Path) -> bool:
    """Whether the CSV at *path* is the one that ``write_csv(author=…)`` wrote, byte for byte."""
    try:
        metadata = json.loads(_metadata_path(path.resolve()).read_bytes())
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError):
        return False
    return isinstance(metadata, dict) and (metadata.get(_AUTHOR), metadata.get(_DIGEST)) == (
        author,
        digest,
    )


def is_free(path: Path) -> bool:
    """Whether neither the CSV nor its metadata file is there; a link that leads nowhere is there."""
    return not any(
        os.path.lexists(each)
        for each in (path, _metadata_path(path), _metadata_path(path.resolve()))
    )


def read_results(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Reads the results frame that ``write_csv`` or ``results.to_csv(path)`` wrote.

    With the metadata file of ``write_csv`` the frame is exactly the one that was written; without it, the
    rule of ``csv_plain.py`` says what each column becomes.

    Args:
        path: of the CSV.

    Raises:
        ResultsError: there is no such file, it is a folder, empty, not UTF-8, no CSV or not of results, or
            its metadata does not fit.

    Examples:
        >>> read_results("absent.csv")
        Traceback (most recent call last):
        mailframe.errors.ResultsError: absent.csv: there is no such file; ...
    """
    source = local_path(path, what="read_results", error=ResultsError).resolve()
    try:
        text = _read_text(source)
        header, columns = _parse(text.removeprefix(_BOM))
        metadata = _read_metadata(source)
        if metadata is None:
            frame = plain_frame(header, columns, unshielded=text.startswith(_BOM))
        else:
            frame = _noted_frame(header, columns, metadata)
        results = with_headline(frame)
    except ResultsError as error:
        raise ResultsError(f"{source.name}: {error}") from error
    return results


def _index_note(index: pd.Index) -> tuple[Note, list[Cells]]:
    note: Note = {_NAMES: _labels_note(index.names)}
    if isinstance(index, pd.RangeIndex):
        return note | {
            _SHAPE: "range",
            _RANGE: {"start": index.start, "stop": index.stop, "step": index.step},
        }, []
    levels = [to_cells(pd.Series(index.get_level_values(level))) for level in range(index.nlevels)]
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        note[_FREQ] = index.freqstr
    return note | {_SHAPE: "levels" if isinstance(index, pd.MultiIndex) else "one"}, levels


def _labels_note(labels: Iterable[object]) -> Note:
    cells = to_cells(pd.Series(list(labels), dtype=object), each=True)
    return cells.note | {TEXTS: cells.texts}


def _labels(note: Mapping[str, Any]) -> list[Any]:
    return from_cells(note[TEXTS], note).tolist()


def _null(texts: Sequence[str | None]) -> str:
    if "" not in texts:
        return ""
    taken, marker = set(texts), "<NA>"
    while marker in taken:
        marker = f"<{marker}>"
    return marker


def _csvw(name: str, header: Sequence[str], columns: Sequence[Cells], nulls: Sequence[str]) -> Note:
    described = zip(header, columns, nulls, strict=True)
    return {
        "@context": "http://www.w3.org/ns/csvw",
        "url": name,
        "dialect": {"encoding": "utf-8", "lineTerminators": ["\n"]},
        "tableSchema": {
            "columns": [
                {
                    "name": f"column{number}",
                    "titles": title,
                    "datatype": column.datatype,
                    "null": null,
                    **column.note,
                }
                for number, (title, column, null) in enumerate(described, start=1)
            ]
        },
    }


def _csv(header: Sequence[str], columns: Sequence[Cells], nulls: Sequence[str]) -> str:
    quoted = [
        [_quote(null if text is None else text) for text in column.texts]
        for column, null in zip(columns, nulls, strict=True)
    ]
    lines = (",".join(row) for row in zip(*quoted, strict=True))
    return "\n".join([",".join(map(_quote, header)), *lines, ""])


def _quote(text: str) -> str:
    # The csv module of Python 3.11 leaves a lone "\r" bare, which its own reader then takes for a line's end.
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def _write_both(target: Path, content: bytes, metadata: bytes) -> None:
    csv_file, metadata_file = (target.with_name(f".{secrets.token_hex(8)}.tmp") for _ in range(2))
    try:
        _write(csv_file, content)
        _write(metadata_file, metadata)
        # A crash between these steps leaves a CSV without metadata, never one with another's.
        _metadata_path(target).unlink(missing_ok=True)
        csv_file.replace(target)
        metadata_file.replace(_metadata_path(target))
    except OSError as error:
        raise ResultsError(
            f"{target.name} could not be written ({error.strerror}); "
            "give the path of a file in a folder that exists and that you may write to"
        ) from error
    finally:
        for left in (csv_file, metadata_file):
            with suppress(OSError):
                left.unlink()


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _refuse_surrogates(table: str) -> None:
    found = _SURROGATE.search(table)
    if found:
        around = table[max(0, found.start() - 20) : found.end() + 20]
        raise ResultsError(
            f"a text holds half a surrogate pair, which UTF-8 cannot write: {around!a}; replace it, "
            'for example with text.encode("utf-8", "replace").decode()'
        )


def _metadata_path(path: Path) -> Path:
    return path.with_name(f"{path.name}-metadata.json")


def _read_text(path: Path) -> str:
    try:
        text = unpacked(path.read_bytes(), path.name).decode("utf-8")
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
    if not text.removeprefix(_BOM).strip():
        raise ResultsError("the file is empty; write the results again")
    return text


def _parse(text: str) -> tuple[list[str], list[Sequence[str]]]:
    limit = csv.field_size_limit(
        max(csv.field_size_limit(), len(text) + 1)
    )  # a cell may hold a whole mail
    try:
        header, *rows = (
            row for row in csv.reader(io.StringIO(text, newline="\n"), strict=True) if row
        )
    except csv.Error as error:
        raise ResultsError(
            f"it is no CSV file ({error}); was it cut short? Write the results again"
        ) from error
    finally:
        csv.field_size_limit(limit)
    for number, row in enumerate(rows):
        if len(row) != len(header):
            raise ResultsError(
                f"row {number} has {len(row)} cells and the header has {len(header)}; "
                "was the file cut short or saved with another separator? Write the results again"
            )
    return header, list(zip(*rows, strict=True)) if rows else [()] * len(header)


def _read_metadata(path: Path) -> Note | None:
    beside = _metadata_path(path)
    try:
        metadata = json.loads(beside.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ResultsError(f"{beside.name} cannot be read ({error}); {_WITHOUT}") from error
    if not isinstance(metadata, dict) or _INDEX not in metadata:
        raise ResultsError(f"{beside.name} was not written by mailframe; {_WITHOUT}")
    return metadata


def _noted_frame(
    header: Sequence[str], columns: Sequence[Sequence[str]], metadata: Mapping[str, Any]
) -> pd.DataFrame:
    try:
        notes = metadata["tableSchema"]["columns"]
        _refuse_misfit(header, [note["titles"] for note in notes], columns, metadata[_ROWS])
        series = [
            _named(title, gapped(texts, null=note["null"], unshielded=metadata[_SAFE]), note)
            for title, texts, note in zip(header, columns, notes, strict=True)
        ]
        axis, index = metadata[_AXIS], metadata[_INDEX]
        levels = len(series) - len(axis[_LABELS][TEXTS])
        dtype = "str" if axis[DTYPE] == "str" else "object"
        (name,) = _labels(axis[_NAMES])
        labels = pd.Index(_labels(axis[_LABELS]), dtype=dtype, name=name, tupleize_cols=False)
        return assembled(series[levels:], labels, _index(index, series[:levels]))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ResultsError(
            f"its metadata file is damaged ({type(error).__name__}: {error}); {_WITHOUT}"
        ) from error


def _refuse_misfit(
    header: Sequence[str], titles: Sequence[str], columns: Sequence[Sequence[str]], rows: int
) -> None:
    if list(header) != list(titles):
        lost = [title for title in titles if title not in header]
        new = [title for title in header if title not in titles]
        raise ResultsError(
            f"its metadata file does not fit: the CSV lacks the columns {lost} and has the columns {new}, "
            f"or they stand in another order; {_WITHOUT}"
        )
    if len(columns[0]) != rows:
        raise ResultsError(
            f"its metadata file does not fit: it was written for {rows:,} rows and the CSV "
            f"has {len(columns[0]):,}; {_WITHOUT}"
        )


def _named(title: str, texts: Sequence[str | None], note: Mapping[str, Any]) -> pd.Series:
    try:
        return from_cells(texts, note)
    except ResultsError as error:
        raise ResultsError(
            f"in column {title!r} {error}; correct the cell, or {_WITHOUT}"
        ) from error


def _index(note: Mapping[str, Any], levels: Sequence[pd.Series]) -> pd.Index:
    names = _labels(note[_NAMES])
    if note[_SHAPE] == "range":
        return pd.RangeIndex(**note[_RANGE], name=names[0])
    indexes = [pd.Index(level, dtype=level.dtype, tupleize_cols=False) for level in levels]
    if note[_SHAPE] == "levels":
        return pd.MultiIndex.from_arrays(indexes, names=names)
    index = indexes[0].rename(names[0])
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        return type(index)(index, freq=note[_FREQ])
    return index
