"""``survey`` and ``write_messages``: a source is read in partitions, by any engine."""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe._version import __version__
from mailframe.datasets.engines import PROCESSES, run
from mailframe.datasets.files import JOB, MANIFEST, parquet, part_name, read_note, write_note
from mailframe.datasets.job import Job
from mailframe.datasets.parts import PartRecord, write_part
from mailframe.datasets.sources import kind_of, readable
from mailframe.errors import LetterError, MailframeError
from mailframe.letter.letter import Letter
from mailframe.message.arrow_columns import with_usable_columns
from mailframe.message.binding import bind
from mailframe.message.frame_facts import FrameFacts
from mailframe.message.keys import key_columns
from mailframe.paths import local_path

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

_FOLDER: Final = "messages"


def survey(source: Any, letter: Letter, *, executor: Any = None) -> FrameFacts:
    """The facts that have to be decided over all rows, in one pass that renders nothing.

    Args:
        source: as for ``write_messages``.
        letter: the templates, which are checked against the columns.
        executor: as for ``write_messages``.

    Raises:
        LetterError, FrameError: as ``compose``.

    >>> people = pd.DataFrame({"email": ["ann@acme.test"], "seats": [5.0]})
    >>> letter = mf.Letter(sender="me@acme.test", to="{{ email }}", text_body="{{ seats }} seats")
    >>> facts = mf.survey(people, letter.replace(subject="Hi"))
    >>> facts.columns["seats"].is_whole
    True
    """
    if not isinstance(letter, Letter):
        raise LetterError(f"survey takes an mf.Letter, not a {type(letter).__name__}")
    source = readable(source)
    if isinstance(executor, str) and executor == PROCESSES and kind_of(source) != "dask":
        executor = None  # the pass takes less time than starting processes
    results = run(_facts, source, executor)
    facts = functools.reduce(operator.add, results) if results else FrameFacts(0)
    bind(letter, _empty_frame(source, facts), facts=facts)
    return facts


def _empty_frame(source: Any, facts: FrameFacts) -> pd.DataFrame:
    """No rows of a source; errors say what is a level of its index, and so no column."""
    frame = facts.empty_frame()
    index = getattr(getattr(source, "_meta", source), "index", None)  # _meta is of Dask
    names = [name for name in getattr(index, "names", ()) if name is not None]
    if names:
        frame.index = pd.MultiIndex.from_arrays([[] for _ in names], names=names)
    return frame


def _facts(frame: pd.DataFrame, number: int) -> FrameFacts:
    del number
    return FrameFacts.of(with_usable_columns(frame))


def write_messages(
    source: Any,
    letter: Letter,
    path: str | os.PathLike[str],
    *,
    key: str | Sequence[str] | None = None,
    executor: Any = None,
    facts: FrameFacts | None = None,
) -> Path:
    """Render every row of a source and write the messages to a folder, for ``mf.messages``.

    Parts are written whole or not at all. If the call is interrupted or a worker is killed, the
    same call continues, and keeps the parts that are there.

    Args:
        source: a DataFrame of pandas, Dask or Spark, another frame that ``compose`` takes, or the
            path of a Parquet file or of a folder of them, which are read in the order of their
            names.
        letter: the templates. A value that varies by row is a template or ``mf.each(…)``.
        path: the folder; only you can read its files. All workers need to reach it.
        key: the column, or columns, that identify a row; by default the address.
        executor: None for this process, ``"processes"`` for one per core, a
            ``dask.distributed.Client`` or a ``SparkSession``.
        facts: what ``survey`` returned for this source, to save the pass.

    Returns:
        The folder.

    Raises:
        LetterError, FrameError: as ``compose``; or a value of the letter needs the whole frame.
        MailframeError: the folder has messages of another letter or source, or is damaged.
        NotPicklable: a function of the letter cannot reach the workers.
    """
    parquet()
    folder = local_path(path, what="write_messages", example=_FOLDER)
    source = readable(source)  # once, because a query or a stream gives its rows once
    facts = survey(source, letter, executor=executor) if facts is None else facts
    empty = _empty_frame(source, facts)
    columns = key_columns(empty, list(key) if isinstance(key, tuple) else key)
    job = Job.of(letter, columns, facts)
    _open(folder, job)
    write = functools.partial(_write, job=job, folder=folder.resolve())
    records = run(write, source, executor)
    _close(folder, job, records)
    return folder


def _write(frame: pd.DataFrame, number: int, *, job: Job, folder: Path) -> PartRecord:
    return write_part(with_usable_columns(frame), job, folder / part_name(number), number=number)


def _open(folder: Path, job: Job) -> None:
    """Make the folder, or continue in one with the same job.

    Raises:
        MailframeError: it has messages of another job, or other files.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = read_note(folder / JOB)
    if before is None:
        others = [one.name for one in folder.iterdir() if not one.name.startswith(".")]
        if others:
            raise MailframeError(
                f"{folder} has other files, such as {others[0]}; give a new folder"
            )
        write_note(folder / JOB, {"job": job.identity, "mailframe": __version__})
    elif before["job"] != job.identity:
        raise MailframeError(
            f"{folder} has messages of another letter, key or source; give a new folder, or delete "
            "this one"
        )


def _close(folder: Path, job: Job, records: Sequence[PartRecord]) -> None:
    rows = sum(record["rows"] for record in records)
    if rows != job.facts.rows:
        raise MailframeError(
            f"the source has {rows:,} rows, and had {job.facts.rows:,} in the survey; it changed. "
            "Write the messages to a new folder"
        )
    problems = [one["letter_problems"] for one in records if one["rows"]]
    kept = [{name: one[name] for name in _KEPT} for one in records]
    note = {
        **job.note(),
        "mailframe": __version__,
        "facts": job.facts.to_json(),
        "letter_problems": problems[0] if problems else None,
        "parts": kept,
    }
    write_note(folder / MANIFEST, note)


_KEPT: Final = ("number", "rows", "size", "streams")
