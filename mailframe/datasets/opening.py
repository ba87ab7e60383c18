"""A folder of messages is opened: its files fit each other, and none is missing or there twice.

Either ``write_messages`` wrote it, with a manifest, or another engine wrote the tables of
``render_partition``, each row of which says what it is a part of.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mailframe.counting import counted
from mailframe.datasets import rendering
from mailframe.datasets.files import JOB, MANIFEST, NOTE, parquet, part_name, read_note
from mailframe.datasets.job import FORMAT
from mailframe.datasets.parts import read_part_note
from mailframe.datasets.sources import parquet_files
from mailframe.datasets.stored_part import AGAIN, StoredPart, reading
from mailframe.errors import MailframeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_RENDER: Final = "render all partitions again with mf.render_partition and the same arguments"


def open_folder(folder: Path) -> tuple[dict[str, Any], list[StoredPart]]:
    """What is the same for all parts of a folder, and the parts in the order of their rows.

    Raises:
        MailframeError: the folder is not complete, damaged, or of a newer mailframe.
    """
    note = read_note(folder / MANIFEST) if folder.is_dir() else None
    if note is not None:
        return note, list(_listed(folder, note))
    files = [] if (folder / JOB).exists() else parquet_files(folder)
    if not files or _has_own(files):
        raise MailframeError(
            f"{folder} has no {MANIFEST}: no dataset of messages, or one that is not complete; "
            "call mf.write_messages again, which keeps the parts that are there"
        )
    return _of_other_engine(folder, files)


def _has_own(files: list[Path]) -> bool:
    """Whether a file is a part that ``write_messages`` wrote."""
    _, pq = parquet()
    with reading(files[0]):
        return NOTE in (pq.read_schema(files[0]).metadata or {})


def _listed(folder: Path, note: dict[str, Any]) -> Iterator[StoredPart]:
    """The parts of a manifest."""
    first = 0
    for part in note["parts"]:
        path = folder / part_name(part["number"])
        of_part = read_part_note(path)
        if of_part is None:
            raise MailframeError(f"{path} is missing; the same mf.write_messages makes it again")
        expected = (note["job"], part["number"], part["rows"])
        if (of_part["job"], of_part["number"], of_part["rows"]) != expected:
            raise MailframeError(f"{path} is of other messages; {AGAIN}")
        if path.stat().st_size != part["size"]:
            raise MailframeError(f"{path} is damaged: it has another size; {AGAIN}")
        yield StoredPart(path, part["rows"], tuple(part["streams"]), first)
        first += part["rows"]


def _of_other_engine(folder: Path, files: list[Path]) -> tuple[dict[str, Any], list[StoredPart]]:
    """The tables of ``render_partition``, which another engine wrote as Parquet.

    Raises:
        MailframeError: a file has other columns, the files are of different letters, keys or
            surveys, or the rows are not those of the survey.
    """
    parts: list[StoredPart] = []
    jobs: dict[str, Path] = {}
    first = 0
    for path in files:
        part, texts = _read_one(path, first)
        if not part.rows:
            continue
        for text in texts:
            jobs.setdefault(text, path)
        if len(jobs) > 1:
            raise MailframeError(
                f"{' and '.join(map(str, dict.fromkeys(jobs.values())))}: rendered with different "
                f"letters, keys, facts or versions of Python; {_RENDER}"
            )
        parts.append(part)
        first += part.rows
    if not jobs:
        raise MailframeError(f"{folder}: the files have no rows, and so no letter; {_RENDER}")
    note = _job_of(next(iter(jobs)), parts[0].path)
    _check_all(folder, note, parts)
    return note, parts


def _read_one(path: Path, first: int) -> tuple[StoredPart, list[str]]:
    """A file, and the jobs of its rows."""
    _, pq = parquet()
    with reading(path):
        with pq.ParquetFile(path) as file:
            names, rows = file.schema_arrow.names, file.metadata.num_rows
        missing = [name for name in (*rendering.COLUMNS, rendering.JOB) if name not in names]
        if missing:
            raise MailframeError(
                f"{path} is no file of messages: it has no column {', '.join(missing)}; write all "
                "columns of mf.render_partition"
            )
        columns = [rendering.JOB, rendering.STREAM]
        table = pq.read_table(path, columns=columns, page_checksum_verification=True)
        jobs, streams = (table.column(name).unique().to_pylist() for name in columns)
    of_part = StoredPart(path, rows, tuple(sorted(filter(None, streams))), first)
    if None in jobs:
        raise MailframeError(f"{path}: a row has no {rendering.JOB}; {_RENDER}")
    return of_part, jobs


def _job_of(text: str, path: Path) -> dict[str, Any]:
    """What the rows say that they are a part of."""
    try:
        note: dict[str, Any] = json.loads(text)
        is_newer = note["format"] > FORMAT
    except (ValueError, LookupError, TypeError) as error:
        raise MailframeError(
            f"{path}: its {rendering.JOB} cannot be read ({error!r}); {_RENDER}"
        ) from None
    if is_newer:
        raise MailframeError(f"{path} is of a newer mailframe; update mailframe to read it")
    return note


def _check_all(folder: Path, note: dict[str, Any], parts: list[StoredPart]) -> None:
    """Refuse parts without a column of the key, and another number of rows than in the survey."""
    _, pq = parquet()
    for part in parts:
        names = pq.read_schema(part.path).names
        if not set(note["key"]) <= set(names):
            raise MailframeError(
                f"{part.path} has the columns {', '.join(names)}, and the key is "
                f"{' + '.join(note['key'])}; write all columns of mf.render_partition"
            )
    rows = sum(part.rows for part in parts)
    if rows == note["rows"]:
        return
    is_missing = rows < note["rows"]
    what = "a partition is missing" if is_missing else "a partition is there twice"
    raise MailframeError(
        f"{folder} has {counted(rows, 'row')}, and the survey had {note['rows']:,}: {what}"
    )
