"""Dask and killed workers: the same messages as one process, and nothing twice."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

import mailframe as mf
from mailframe.datasets import sources
from tests.datasets.test_datasets import LETTER, planted, same_as_composed
from tests.systems import IS_POSIX

MISSING = "the extra dask is not installed"


@pytest.fixture
def dask():
    """The module, which only the worker imports that needs it: it takes a second."""
    return pytest.importorskip("dask.dataframe", reason=MISSING)


@pytest.fixture
def distributed():
    """The module, as ``dask``."""
    return pytest.importorskip("distributed", reason=MISSING)


@pytest.fixture
def client(distributed):
    """A Dask cluster of threads of this process.

    Its HTTP server takes a free port: where port 8787 is taken, Dask warns, and a warning is an
    error here.
    """
    with distributed.Client(
        processes=False, n_workers=1, threads_per_worker=2, dashboard_address="127.0.0.1:0"
    ) as client:
        yield client


@pytest.mark.parametrize("source", ["pandas", "dask", "dask without a client"])
def test_dask_renders_the_same_dataset(tmp_path, monkeypatch, dask, client, source):
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
@pytest.mark.sampled(2)
@pytest.mark.parametrize("executor", ["processes", "dask"])
def test_a_killed_worker_costs_time_alone(tmp_path, monkeypatch, request, executor):
    """Its part is made again by another one, and is whole."""
    monkeypatch.setattr(sources, "PARTITION_ROWS", 50)
    if executor == "processes":
        written_with_a_kill(tmp_path, executor)
        return
    distributed = request.getfixturevalue("distributed")
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


LONELY = """
import os, sys, time
from pathlib import Path
import pandas as pd
import mailframe as mf

def wait(row):
    (Path(row["folder"]) / f"{os.getpid()}.worker").touch()
    time.sleep(60)
    return "x"

if __name__ == "__main__":
    frame = pd.DataFrame({"n": range(3), "folder": sys.argv[1]})
    letter = mf.Letter(sender="a@acme.example", to="p{{ n }}@acme.dev", subject="x",
        text_body=mf.each(wait))
    mf.write_messages(frame, letter, Path(sys.argv[1]) / "m", executor="processes")
"""


@pytest.mark.skipif(not IS_POSIX, reason="SIGKILL")
@pytest.mark.slow
def test_workers_end_when_the_process_that_started_them_is_killed(tmp_path):
    """They would wait for tasks forever, each with the memory of a partition."""
    script = tmp_path / "lonely.py"
    script.write_text(LONELY, encoding="utf-8")
    with subprocess.Popen([sys.executable, script, tmp_path]) as process:
        until(lambda: list(tmp_path.glob("*.worker")))
        process.kill()
    workers = [int(path.stem) for path in tmp_path.glob("*.worker")]
    until(lambda: not any(map(is_alive, workers)))


def until(is_so) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_alive(number: int) -> bool:
    """Whether a process runs."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_level_of_an_index_is_no_column(tmp_path, dask):
    """Of pandas and Dask, where a frame that was grouped has several."""
    frame = pd.DataFrame({"email": ["a@acme.dev", "b@acme.dev"], "g": ["x", "y"], "n": [1, 2]})
    grouped = dask.from_pandas(frame, npartitions=2).groupby(["g", "n"]).agg({"email": "first"})
    letter = LETTER.replace(to="{{ email }}", subject="x", html_body=None, text_body="x",
        metadata=None, message_stream=None)  # fmt: skip
    for source in (frame.set_index(["g", "n"]), grouped):
        with pytest.raises(mf.errors.FrameError, match=r"level of the index: df.reset_index\(\)"):
            mf.write_messages(source, letter, tmp_path / "m", key="n")
        with pytest.raises(mf.errors.LetterError, match=r"level of the index; make it a column"):
            mf.survey(source, letter.replace(subject="{{ n }}"))
    path = mf.write_messages(grouped.reset_index(), letter, tmp_path / "m", key=["g", "n"])
    assert mf.messages(path).frame.to_numpy().tolist() == [["x", 1], ["y", 2]]
