"""Spark: the same messages as one process."""

from __future__ import annotations

import datetime as dt
import os
import sys

import pandas as pd
import pytest

import mailframe as mf
from mailframe.datasets import sources
from tests.datasets.test_datasets import LETTER, planted, same_as_composed
from tests.datasets.test_engines import written_with_a_kill

sql = pytest.importorskip("pyspark.sql", reason="the extra spark is not installed")

pytestmark = [
    pytest.mark.slow,
    # Spark recommends an earlier pandas; mailframe asks it for Arrow
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    # PySpark 4.0 leaves the sockets of its `collect` to the garbage collector; 4.3 closes them
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
    ),
]


@pytest.fixture(scope="module")
def session():
    """Spark on two cores of this machine, where a task is tried up to four times, as elsewhere."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        sql.SparkSession.builder.master("local[2,4]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.mark.parametrize("source", ["pandas", "Spark"])
def test_spark_renders_the_same_dataset(tmp_path, session, source):
    """Frames of pandas by its tasks, and its own frames; numbers with missing values stay whole."""
    frame = planted(200)
    given = frame
    if source == "Spark":
        cells = frame.astype(object).where(frame.notna(), None)
        cells["since"] = pd.Series([dt.datetime(2026, 11, 22)] * len(frame), dtype=object)  # noqa: DTZ001 - as in the frame
        whole = [None if one is None else int(one) for one in cells["seats"]]
        cells["seats"] = pd.Series(whole, dtype=object)
        rows = list(cells.itertuples(index=False, name=None))
        given = session.createDataFrame(
            rows, "id string, email string, name string, seats long, since timestamp_ntz"
        ).coalesce(1)
        given = given.unionByName(given.limit(0))
    path = mf.write_messages(
        given, LETTER, tmp_path / "m", key="id", executor=None if source == "Spark" else session
    )
    same_as_composed(path, frame, "id")


def test_a_killed_task_costs_time_alone(tmp_path, monkeypatch, session):
    """Spark runs it again; its part is whole, and no row is there twice."""
    monkeypatch.setattr(sources, "PARTITION_ROWS", 50)
    written_with_a_kill(tmp_path, session)


SCHEMA = (
    "id string, mf_body binary, mf_to string, mf_stream string, mf_person binary, "
    "mf_content binary, mf_mail binary, mf_size bigint, mf_problems string, "
    "mf_live_problems string, mf_job string"
)


def test_render_partition_by_map_in_pandas(tmp_path, session):
    """A table of messages for a pipeline of one's own, which is a dataset when it is written."""
    frame = planted(60).drop(columns=["since", "seats"])
    letter = mf.Letter(sender="a@acme.example", to="{{ email }}", subject="x",
        text_body="{{ name | default('you') }}")  # fmt: skip
    facts = mf.survey(frame, letter)
    spark = session.createDataFrame(frame.astype(object).where(frame.notna(), None)).coalesce(1)

    def render(parts):
        for part in parts:
            yield mf.render_partition(part, letter, "id", facts)

    made = spark.mapInPandas(render, SCHEMA)
    made.write.parquet(str(tmp_path / "m"))
    dataset = mf.messages(tmp_path / "m", name="n")
    assert dataset.fingerprint == frame.mail.compose(letter, name="n", key="id").fingerprint
    expected = mf.render_partition(frame, letter, "id", facts)
    read = pd.read_parquet(tmp_path / "m")
    assert read["mf_body"].tolist() == expected["mf_body"].tolist()
