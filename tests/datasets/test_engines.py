"""Dask and killed workers: the same messages as one process, and nothing twice."""

from __future__ import annotations

import hashlib
import os
import signal

import pandas as pd
import pytest

import mailframe as mf
from mailframe.datasets import sources
from tests.datasets.test_datasets import LETTER, planted, same_as_composed

dask = pytest.importorskip("dask.dataframe", reason="the extra dask is not installed")
distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")


@pytest.fixture
def client():
    """A Dask cluster of threads of this process.

    Its HTTP server takes a free port: where port 8787 is taken, Dask warns, and a warning is an
    error here.
    """
    with distributed.Client(
        processes=False, n_workers=1, threads_per_worker=2, dashboard_address="127.0.0.1:0"
    ) as client:
        yield client


@pytest.mark.parametrize("source", ["pandas", "dask", "dask without a client"])
def test_dask_renders_the_same_dataset(tmp_path, monkeypatch, client, source):
    """Frames of pandas and Dask, by a client or by the scheduler of Dask."""
    monkeypatch.setattr(sources, "PARTITION_ROWS", 50)
    frame = planted(200)
    given = frame if source == "pandas" else dask.from_pandas(frame, npartitions=3, sort=False)
    executor = None if source.endswith("client") else client
    path = mf.write_messages(given, LETTER, tmp_path / "m", key="id", executor=executor)
    same_as_composed(path, frame, "id")


def text_or_end(row) -> str:
    """The text of a row; its first call for row 150 kills the process."""
    if row["n"] == 150 and not os.path.exists(row["mark"]):  # noqa: PTH110 - in a worker
        os.close(os.open(row["mark"], os.O_CREAT))
        os.kill(os.getpid(), signal.SIGKILL)
    return f"You are {row['n']}."


def written_with_a_kill(folder, executor):
    """A dataset of 200 rows whose third part kills its worker once; that of one process is equal.

    Args:
        folder: a folder for the datasets and the mark of the kill.
        executor: for ``write_messages``.
    """
    frame = pd.DataFrame({"n": range(200), "mark": str(folder / "mark")})
    letter = mf.Letter(sender="a@acme.example", to="p{{ n }}@acme.dev", subject="x",
        text_body=mf.each(text_or_end))  # fmt: skip
    path = mf.write_messages(frame, letter, folder / "m", executor=executor)
    assert (folder / "mark").exists()
    assert mf.messages(path).fingerprint == mf.compose(frame, letter).fingerprint
    assert digests(path) == digests(mf.write_messages(frame, letter, folder / "here"))


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["processes", "dask"])
def test_a_killed_worker_costs_time_alone(tmp_path, monkeypatch, executor):
    """Its part is made again by another one, and is whole."""
    monkeypatch.setattr(sources, "PARTITION_ROWS", 50)
    if executor == "processes":
        written_with_a_kill(tmp_path, executor)
        return
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster) as dask_client,
    ):
        written_with_a_kill(tmp_path, dask_client)


def digests(folder) -> list[str]:
    """A digest of each part."""
    return [
        hashlib.sha256(one.read_bytes()).hexdigest() for one in sorted(folder.glob("*.parquet"))
    ]
