"""The parts of a dataset: a partition is rendered into one Parquet file, or found there already."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypedDict

from mailframe.datasets import rendering
from mailframe.datasets.files import NOTE, parquet, whole_file
from mailframe.datasets.job import input_digest
from mailframe.errors import FrameError, MailframeError
from mailframe.message.preflight import letter_problems

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from mailframe.datasets.job import Job
    from mailframe.message.binding import BoundLetter

_LEVEL: Final = 3
"""Of zstd: a third of the bytes of level 1 on letters that differ in names, in the same time."""


class PartRecord(TypedDict):
    """What the manifest has of a part.

    Attributes:
        number: its number, counted from 0, in the order of the rows.
        rows: its number of rows.
        size: the bytes of its file.
        streams: the message streams of its messages.
        letter_problems: the problems of the letter as a whole, in JSON.
    """

    number: int
    rows: int
    size: int
    streams: list[str]
    letter_problems: str | None


def write_part(frame: pd.DataFrame, job: Job, path: Path, *, number: int) -> PartRecord:
    """Render a partition into the file of a part; a part of the same job and rows is kept.

    Raises:
        MailframeError: the folder has this part of another job or other rows.
    """
    frame = frame.reset_index(drop=True)
    note = {"job": job.identity, "number": number, "rows": len(frame), "input": input_digest(frame)}
    before = read_part_note(path)
    if before is None:
        bound = rendering.bound_part(job.letter, frame, job.key, job.facts)
        problems = rendering.problems_json(letter_problems(bound, frame.columns))
        streams = _write(path, frame, job, bound, note | {"letter_problems": problems})
        return _record(path, note | {"letter_problems": problems}, streams)
    if any(before.get(name) != value for name, value in note.items()):
        raise MailframeError(
            f"{path} was made from another letter or other rows; write to a new folder, or delete "
            "this one"
        )
    return _record(path, before, None)


def _record(path: Path, note: dict[str, Any], streams: set[str] | None) -> PartRecord:
    if streams is None:
        _, pq = parquet()
        column = pq.read_table(path, columns=[rendering.STREAM]).column(0)
        streams = set(column.unique().drop_null().to_pylist())
    return PartRecord(
        number=note["number"],
        rows=note["rows"],
        size=path.stat().st_size,
        streams=sorted(streams),
        letter_problems=note["letter_problems"] if note["rows"] else None,
    )


def read_part_note(path: Path) -> dict[str, Any] | None:
    """What a part says of itself; None if there is no such file.

    Raises:
        MailframeError: it is no part of a dataset, or it is damaged.
    """
    pa, pq = parquet()
    try:
        with path.open("rb") as file:
            metadata = pq.read_schema(file).metadata or {}
        note: dict[str, Any] = json.loads(metadata[NOTE])
    except FileNotFoundError:
        return None
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise MailframeError(
            f"{path} is damaged or not of mailframe ({error}); delete it and write the messages "
            "again, which keeps the other parts"
        ) from None
    return note


def _write(
    path: Path, frame: pd.DataFrame, job: Job, bound: BoundLetter, note: dict[str, Any]
) -> set[str]:
    """Write the chunks of a partition as row groups; the message streams."""
    pa, pq = parquet()
    keys = _key_table(frame, job.key)
    schema = arrow_schema(keys.schema).with_metadata({NOTE: json.dumps(note).encode()})
    streams: set[str] = set()
    with (
        whole_file(path) as file,
        pq.ParquetWriter(
            file,
            schema,
            compression="zstd",
            compression_level=_LEVEL,
            use_dictionary=[rendering.STREAM],
            write_statistics=False,
            write_page_checksum=True,
        ) as writer,
    ):
        for first, made in rendering.rendered_chunks(bound):
            arrays = [
                *keys.slice(first, len(made)).combine_chunks().columns,
                *(
                    pa.array(made[name].tolist(), type=schema.field(name).type)
                    for name in rendering.COLUMNS
                ),
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            streams.update(one for one in made[rendering.STREAM] if one is not None)
    return streams


def _key_table(frame: pd.DataFrame, key: tuple[str, ...]) -> Any:
    pa, _ = parquet()
    try:
        return pa.Table.from_arrays(
            [pa.array(frame[column], from_pandas=True) for column in key], names=list(key)
        )
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise FrameError(
            f"the key {' + '.join(key)} has values that Parquet cannot hold in one column "
            f"({error}); make it text, or whole numbers"
        ) from None


def arrow_schema(keys: Any) -> Any:
    """The columns of a part: those of the key, and ours."""
    pa, _ = parquet()
    return pa.schema(
        [
            *keys,
            (rendering.BODY, pa.binary()),
            (rendering.TO, pa.string()),
            (rendering.STREAM, pa.string()),
            (rendering.PERSON, pa.binary(16)),
            (rendering.CONTENT, pa.binary(16)),
            (rendering.MAIL, pa.binary(8)),
            (rendering.SIZE, pa.int64()),
            (rendering.PROBLEMS, pa.string()),
            (rendering.LIVE_PROBLEMS, pa.string()),
        ]
    )
