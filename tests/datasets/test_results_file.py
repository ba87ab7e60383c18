"""``send(…, results=…)``: the status of each row in a Parquet file, and not in a frame."""

from __future__ import annotations

import pandas as pd
import pyarrow.parquet as pq
import pytest

import mailframe as mf
from mailframe.datasets import sources
from mailframe.results import parquet_parts
from mailframe.results.frame import COLUMNS
from tests.datasets.test_datasets import LETTER, planted


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of 30 rows and partitions of 50, so that few rows are many of both."""
    monkeypatch.setattr(parquet_parts, "_BLOCK_ROWS", 30)
    monkeypatch.setattr(sources, "PARTITION_ROWS", 50)


@pytest.fixture(params=["composed", "dataset"])
def campaign(request, tmp_path):
    """200 rows with planted problems, as a campaign of either kind."""
    frame = planted(200, is_stopped=False)
    if request.param == "composed":
        return frame.mail.compose(LETTER, name="n", key="id")
    return mf.messages(mf.write_messages(frame, LETTER, tmp_path / "m", key="id"), name="n")


def test_the_file_has_the_results_of_the_frame(campaign, tmp_path):
    """A part is sent, then the rest: keys, statuses, IDs, times and batches of both runs."""
    path, ledger = tmp_path / "results.parquet", tmp_path / "ledger.sqlite3"
    options = {"ledger": ledger, "on_invalid": "skip", "progress": False}
    with mf.Sandbox(in_process=True) as sandbox:
        for limit in (70, None):
            counts = campaign.send(sandbox.server, limit=limit, results=path, **options)
            read = mf.read_results(path)
            assert list(read) == ["id", *COLUMNS]
            pd.testing.assert_frame_equal(counts, read.mail.summary())
        arrived = sandbox.messages()
        frame = campaign.send(sandbox.server, **options)
    ids = dict(zip((one["id"] for one in arrived["Metadata"]), arrived["MessageID"], strict=True))
    sent = read[read["status"].isin(["accepted", "skipped"])]
    assert dict(zip(sent["id"], sent["MessageID"], strict=True)) == ids
    assert read["status"].value_counts()["skipped"] == 70
    assert read["id"].tolist() == campaign.frame["id"].tolist()
    same = ["id", "MessageID", "changed"]
    pd.testing.assert_frame_equal(read[same], pd.DataFrame(frame[same]))
    accepted = read[read["status"] == "accepted"]
    assert accepted["To"].tolist() == frame.loc[accepted.index, "id"].map(
        dict(zip(ids, arrived["To"], strict=True))
    ).tolist()  # fmt: skip
    assert accepted["SubmittedAt"].notna().all()
    assert pq.ParquetFile(path).num_row_groups > 6


def test_a_refused_send_writes_the_file(campaign, tmp_path):
    """And its error has the counts; a frame of keys is not kept in memory for it."""
    path = tmp_path / "results.parquet"
    path.write_text("old")
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(mf.errors.InvalidRows) as refused:
            campaign.send(sandbox.server, results=path, progress=False)
        assert sandbox.messages().empty
    read = mf.read_results(path)
    assert read["status"].value_counts().to_dict() == {"unsent": 198, "invalid": 2}
    assert refused.value.results["rows"].tolist() == [1, 1, 198]


@pytest.mark.parametrize("name", ["results.csv", "none/results.parquet", "folder.parquet", 7])
def test_a_path_that_cannot_be_written_sends_nothing(campaign, tmp_path, name):
    """Another ending, a folder that does not exist, a folder, and no path."""
    (tmp_path / "folder.parquet").mkdir()
    path = tmp_path / name if isinstance(name, str) else name
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(mf.errors.ResultsError, match="results="):
            campaign.send(sandbox.server, on_invalid="skip", results=path, progress=False)
        assert not len(sandbox.requests())
    assert not list(tmp_path.glob(".*.tmp"))


class _Blocks(mf.Postmark):
    """A server; when it answers, a folder has taken the place of the file."""

    path = None

    def send_batch(self, batch, **options):
        """Post the batch."""
        self.path.mkdir(exist_ok=True)
        return super().send_batch(batch, **options)


def test_a_file_that_cannot_be_written_afterwards_is_an_error_with_the_counts(campaign, tmp_path):
    """The messages were sent, and the next call gives the file."""
    path, ledger = tmp_path / "results.parquet", tmp_path / "ledger.sqlite3"
    options = {"ledger": ledger, "on_invalid": "skip", "progress": False, "results": path}
    with mf.Sandbox(in_process=True) as sandbox:
        server = _Blocks(
            sandbox.token, transport=sandbox.transport(), base_url="http://127.0.0.1:1"
        )
        server.path = path
        with pytest.raises(mf.errors.ResultsError, match=r"results.parquet could not") as failed:
            campaign.send(server, **options)
        assert failed.value.results["status"].tolist() == ["accepted", "invalid", "invalid"]
        assert "the same call sends only what is left" in failed.value.__notes__[0]
        path.rmdir()
        counts = campaign.send(sandbox.server, **options)
        assert len(sandbox.messages()) == 198
    assert counts["status"].tolist() == ["invalid", "invalid", "skipped"]
    assert mf.read_results(path)["MessageID"].notna().sum() == 198


def test_keys_with_the_names_of_results_and_no_key(tmp_path):
    """The columns of results get other names, as in a frame; without a key they are alone."""
    people = pd.DataFrame({"status": [2**60 + 1, 7], "To": ["a@acme.dev", "b@acme.dev"]})
    letter = LETTER.replace(
        to="{{ To }}", subject="x", html_body=None, text_body="x", metadata=None,
        message_stream=None,
    )  # fmt: skip
    path = tmp_path / "results.parquet"
    with mf.Sandbox(in_process=True) as sandbox:
        for key in (["status", "To"], None):
            campaign = people.mail.compose(letter, name=f"n{key}", key=key)
            campaign.send(sandbox.server, results=path, dry_run=True, progress=False)
            read = mf.read_results(path)
            assert list(read)[: len(key or ())] == (key or [])
            assert read.mail.summary()["rows"].tolist() == [2]
    campaign = people.mail.compose(letter, name="n", key="status")
    with mf.Sandbox(in_process=True) as sandbox:
        campaign.send(sandbox.server, results=path, dry_run=True, progress=False)
    assert mf.read_results(path)["status"].tolist() == [2**60 + 1, 7]


def test_keys_beside_a_missing_one_stay_whole_numbers(tmp_path):
    """In the file of a send, which such a row refuses; pandas alone would make floats of them."""
    people = pd.DataFrame(
        {
            "email": ["a@acme.dev", "b@acme.dev", "c@acme.dev"],
            "id": pd.array([2**60 + 1, None, 7], dtype="Int64"),
        }
    )
    letter = mf.Letter(sender="me@acme.dev", to="{{ email }}", subject="x", text_body="x")
    folder = mf.write_messages(people, letter, tmp_path / "m", key="id")
    composed = people.mail.compose(letter, name="composed", key="id")
    for place, campaign in enumerate([mf.messages(folder, name="dataset"), composed]):
        path = tmp_path / f"results{place}.parquet"
        with mf.Sandbox(in_process=True) as sandbox, pytest.raises(mf.errors.InvalidRows):
            campaign.send(sandbox.server, results=path, progress=False)
        assert mf.read_results(path)["id"].tolist() == [2**60 + 1, pd.NA, 7]
