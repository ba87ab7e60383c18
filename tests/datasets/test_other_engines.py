"""Tables of ``render_partition`` that another engine wrote as Parquet are a dataset, or refused."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import mailframe as mf
from tests.datasets.test_datasets import LETTER, planted, same_as_composed

CUTS = [(0, 60), (60, 60), (60, 130), (130, 200)]  # the second partition has no rows


def parts_of(frame: pd.DataFrame, *, key="id", letter=LETTER, facts=None) -> list[pd.DataFrame]:
    """The tables of four partitions."""
    facts = mf.survey(frame, letter) if facts is None else facts
    return [mf.render_partition(frame[a:b], letter, key, facts) for a, b in CUTS]


def by_pandas(part, path):
    """Types are those of each partition: a column that is missing throughout has none."""
    part.to_parquet(path)


def by_polars(part, path):
    """Text and bytes are large types, and no pandas metadata is there."""
    pl.from_pandas(part).write_parquet(path)


def by_rows(part, path):
    """As engines that know rows: every column nullable, sizes as floats, small row groups."""
    table = pa.Table.from_pylist(
        [
            {
                name: value if isinstance(value, str | bytes | int) else None
                for name, value in row.items()
            }
            for row in part.to_dict("records")
        ],
        schema=pa.schema(
            [("id", pa.string())]
            + [
                (name, pa.float64() if name == "mf_size" else kind)
                for name, kind in (
                    (name, pa.binary() if name in BINARY else pa.string())
                    for name in part.columns[1:]
                )
            ]
        ),
    )
    pq.write_table(table, path, row_group_size=7)


BINARY = {"mf_body", "mf_person", "mf_content", "mf_mail"}


@pytest.mark.parametrize("write", [by_pandas, by_polars, by_rows])
def test_the_files_of_another_engine_are_the_composed_campaign(tmp_path, write):
    """Whatever types its Parquet has; also where Spark left a file of a task that did not end."""
    frame = planted(200)
    for number, part in enumerate(parts_of(frame)):
        write(part, tmp_path / f"part-{number}-c0ffee.snappy.parquet")
    left = tmp_path / "_temporary" / "0"
    left.mkdir(parents=True)
    shutil.copy(tmp_path / "part-0-c0ffee.snappy.parquet", left / "part-1.parquet")
    (tmp_path / "_SUCCESS").touch()
    same_as_composed(tmp_path, frame, "id")


def test_one_file_and_no_key(tmp_path):
    """The address is the key; the send of the file is the send of the campaign."""
    frame = planted(200)
    by_pandas(pd.concat(parts_of(frame, key=None)), tmp_path / "all.parquet")
    same_as_composed(tmp_path / "all.parquet", frame, None)


def without(column):
    """A file with one column less."""
    return lambda path: by_pandas(pd.read_parquet(path).drop(columns=column), path)


def with_job(path, **changes):
    """A file whose rows are of another job."""
    part = pd.read_parquet(path)
    part["mf_job"] = json.dumps(json.loads(part["mf_job"].iloc[0]) | changes)
    by_pandas(part, path)


def other(path, **arguments):
    """A partition that was rendered with other arguments."""
    frame = planted(200, is_stopped=False)
    by_pandas(parts_of(frame, **arguments)[2], path)


FIRST_PART = planted(200, is_stopped=False)[:60]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda path: path.unlink(), "has 130 rows, and the survey had 200: a partition is miss"),
        (lambda path: shutil.copy(path, path.with_name("4.parquet")), "270 rows.*is there twice"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "2.parquet is damaged"),
        (lambda path: path.write_bytes(b""), "2.parquet is damaged"),
        (lambda path: other(path, letter=LETTER.replace(subject="x")), "with different letters"),
        (lambda path: other(path, facts=mf.survey(FIRST_PART, LETTER)), "letters, keys, facts or"),
        (lambda path: other(path, key="email"), "letters, keys, facts"),
        (lambda path: by_pandas(FIRST_PART, path), "2.parquet is no file of messages: it has no"),
        (without("mf_body"), "it has no column mf_body; write all"),
        (without("mf_job"), "it has no column mf_job"),
        (without("id"), "the key is id; write all columns"),
        (lambda path: with_job(path, format=2), "different letters, keys"),
        (lambda path: [with_job(one, format=2) for one in path.parent.glob("[023].*")], "newer"),
        (lambda path: [with_job(one, job=7) for one in path.parent.glob("[02].*")], "different"),
        (lambda path: [one.unlink() for one in path.parent.glob("[023].*")], "have no rows"),
        (lambda path: [one.unlink() for one in path.parent.glob("*")], "has no manifest.json"),
        (lambda path: by_pandas(pd.read_parquet(path).assign(mf_content=b"x"), path), "is damaged"),
        (lambda path: by_pandas(pd.read_parquet(path).assign(mf_content=None), path), "no digest"),
        (lambda path: by_pandas(pd.read_parquet(path).assign(mf_problems="x"), path), "is damaged"),
    ],
)
def test_files_that_do_not_fit_each_other_are_refused(tmp_path, harm, reason):
    """A missing one, one twice, half of one, another letter, survey or key, and foreign files."""
    frame = planted(200, is_stopped=False)
    for number, part in enumerate(parts_of(frame)):
        by_pandas(part, tmp_path / f"{number}.parquet")
    harm(tmp_path / "2.parquet")
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(mf.errors.MailframeError, match=reason):
            mf.messages(tmp_path, name="n").send(sandbox.server, on_invalid="skip", progress=False)
        assert not len(sandbox.requests())


@pytest.mark.parametrize("key", ["id", None])
def test_a_partition_in_the_place_of_another_one_sends_nothing(tmp_path, key):
    """The number of rows is right; keys or recipients are there twice."""
    frame = planted(200, is_stopped=False)
    parts = parts_of(frame, key=key)
    for number, part in enumerate([parts[0], parts[2], parts[2]]):
        by_pandas(part, tmp_path / f"{number}.parquet")
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(mf.errors.InvalidRows):
            mf.messages(tmp_path, name="n").send(sandbox.server, progress=False)
        assert sandbox.messages().empty


def test_a_source_leaves_out_the_files_of_tasks_that_did_not_end(tmp_path):
    """Otherwise its rows would be there twice."""
    frame = planted(200)
    source = tmp_path / "people"
    (source / "_temporary").mkdir(parents=True)
    frame.to_parquet(source / "part-0.parquet")
    frame.to_parquet(source / "_temporary" / "part-0.parquet")
    frame.to_parquet(source / ".hidden.parquet")
    assert mf.survey(source, LETTER).rows == 200
