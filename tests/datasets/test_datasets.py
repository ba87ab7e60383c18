"""A dataset of messages is sent as the campaign that is composed of the same rows."""

from __future__ import annotations

import datetime as dt
import json
import stat
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import mailframe as mf
from mailframe.datasets import sources
from mailframe.datasets.files import write_note
from tests.datasets.test_frame_kinds import is_of_parquet
from tests.systems import IS_POSIX

LETTER = mf.Letter(
    sender="Acme <hello@acme.example>",
    to="{{ email }}",
    subject="{{ name | default('you') }}: {{ seats | default('no') }} seats",
    html_body="<p>{{ name }} {{ seats | default('-') }}</p>",
    text_body="{{ name }} {{ seats | default('-') }} {{ since | date }}",
    metadata={"id": "{{ id }}"},
    message_stream="{{ 'broadcast' if seats == 3 else 'outbound' }}",
)


def planted(rows: int, *, is_stopped: bool = True) -> pd.DataFrame:
    """People of whom some have a problem: keys, addresses and cells, far from each other.

    Args:
        rows: the number of rows.
        is_stopped: whether a key is missing, and one is there twice, which stops every row.
    """
    frame = pd.DataFrame(
        {
            "id": [f"C-{n}" for n in range(rows)],
            "email": [f"p{n}@acme.dev" for n in range(rows)],
            "name": [f"Zo\u00eb {n}" for n in range(rows)],
            "seats": np.arange(rows, dtype=float) % 7,
            "since": pd.Timestamp("2026-11-22"),
        }
    )
    frame.loc[rows // 2, "seats"] = np.nan
    frame.loc[[3, rows - 2], "id"] = ["007", "7"]
    frame.loc[rows - 3, "email"] = frame.loc[1, "email"]
    frame.loc[5, "email"] = "p5@"
    frame.loc[rows - 5, "email"] = "zoe@example.com"
    frame.loc[rows - 6, "name"] = None
    if is_stopped:
        frame.loc[rows - 1, ["id", "email"]] = frame.loc[0, ["id", "email"]].to_numpy()
        frame.loc[7, "id"] = None
    return frame


@pytest.fixture
def small_partitions(monkeypatch):
    """Partitions of 50 rows, so that few rows are many parts."""
    monkeypatch.setattr(sources, "PARTITION_ROWS", 50)


@pytest.fixture
def written(tmp_path, small_partitions):
    """200 rows with planted problems, as a frame and as a dataset of 4 parts."""
    frame = planted(200, is_stopped=False)
    return frame, mf.write_messages(frame, LETTER, tmp_path / "messages", key="id")


def same_as_composed(path, frame: pd.DataFrame, key: str | None) -> None:
    """Fail unless the dataset has the problems, digests, bodies and fingerprint of the campaign."""
    composed = frame.mail.compose(LETTER, name="n", key=key)
    dataset = mf.messages(path, name="n")
    both = [
        one.astype(object).where(one.notna(), None)
        for one in map(pd.DataFrame, (dataset.problems(), composed.problems()))
    ]
    pd.testing.assert_frame_equal(*both)
    assert dataset.fingerprint == composed.fingerprint
    assert dataset.plan() == composed.plan()
    for live in (False, True):
        ours = dataset._dataset.preflight(live=live)
        theirs = composed._composed.preflight(live=live)
        assert list(ours.problems) == list(theirs.problems)
        assert ours.sizes == theirs.sizes
        assert (ours.sendable == theirs.sendable).all()
        assert (ours.keys.halves() == theirs.keys.halves()).all()
        assert (ours.people.halves() == theirs.people.halves()).all()
        assert (ours.spellings == theirs.spellings).all()
        sendable = theirs.sendable
        assert (ours.mails[sendable] == theirs.mails[sendable]).all()
        assert (ours.contents.halves() == theirs.contents.halves()).all()
        messages = [
            list(one.messages(check, live=live, wanted=check.sendable))
            for one, check in ((dataset._dataset, ours), (composed._composed, theirs))
        ]
        assert messages[0] == messages[1]


@pytest.mark.parametrize("key", ["id", None])
def test_a_dataset_is_the_composed_campaign(tmp_path, small_partitions, key):
    """Problems, also over all rows, sizes, digests, the exact bytes and the fingerprint."""
    frame = planted(200)
    same_as_composed(mf.write_messages(frame, LETTER, tmp_path / "m", key=key), frame, key)


UNUSUAL = {
    "Int64": pd.Series([2**60 + 1, 2**60 + 2, None, 7] * 30, dtype="Int64"),
    "uint64": pd.Series([2**63 + 1, 2**64 - 1, 0] * 40, dtype="uint64"),
    "decimal": pd.Series([Decimal("1.10"), Decimal("1E+3"), None] * 40, dtype=object),
    "lists": pd.Series([["a", "b"], [], None, ["<x>"]] * 30, dtype=object),
    "dates": pd.Series([dt.date(2026, 1, 2), None, dt.date(1600, 1, 1)] * 40, dtype=object),
    "category": pd.Series(pd.Categorical([1.0] * 119 + [2.5])),
    "late half": pd.Series([3.0] * 119 + [2.5]),
    "missing": pd.Series([None, np.nan, pd.NA, pd.NaT, "x", 1] * 20, dtype=object),
    "arrow": pd.Series([Decimal("1.10"), None] * 60, dtype=pd.ArrowDtype(pa.decimal128(10, 2))),
    "arrow lists": pd.Series([["a"], None, []] * 40, dtype=pd.ArrowDtype(pa.list_(pa.string()))),
}


@pytest.mark.parametrize("kind", UNUSUAL)
def test_unusual_cells_are_printed_as_in_the_whole_frame(tmp_path, small_partitions, kind):
    """Exact numbers, decimals, lists, dates, categories, and each kind of missing value."""
    frame = pd.DataFrame({"n": range(120), "cell": UNUSUAL[kind]})
    letter = mf.Letter(sender="a@acme.dev", to="p{{ n }}@acme.dev", subject="x",
        text_body="{{ cell | default('-') }} {% for one in cell %}{{ one }},{% endfor %}",
        html_body="{{ cell | default('-') }}")  # fmt: skip
    composed = frame.mail.compose(letter, name="n", key="n")
    dataset = mf.messages(mf.write_messages(frame, letter, tmp_path / "m", key="n"), name="n")
    assert dataset.fingerprint == composed.fingerprint
    assert dataset.problems()["code"].tolist() == composed.problems()["code"].tolist()


@pytest.mark.parametrize("kind", ["Int64", "uint64", "decimal", "dates", "missing", "arrow"])
def test_unusual_keys_are_those_of_the_frame(tmp_path, small_partitions, kind):
    """Also beyond 2**53 beside a missing one, which Arrow would give back as a rounded float."""
    frame = pd.DataFrame({"n": range(120), "cell": UNUSUAL[kind]})
    letter = LETTER.replace(to="p{{ n }}@acme.dev", subject="x", html_body=None, text_body="x",
        metadata=None, message_stream=None)  # fmt: skip
    if kind == "missing":
        with pytest.raises(mf.errors.FrameError, match="Parquet cannot hold in one column"):
            mf.write_messages(frame, letter, tmp_path / "m", key="cell")
        return
    composed = frame.mail.compose(letter, name="n", key="cell")
    dataset = mf.messages(mf.write_messages(frame, letter, tmp_path / "m", key="cell"), name="n")
    keys = [one._sendable.preflight().keys.halves() for one in (composed, dataset)]
    assert (keys[0] == keys[1]).all()
    assert dataset.problems()["code"].tolist() == composed.problems()["code"].tolist()


def test_parquet_is_read_as_one_frame(tmp_path, small_partitions):
    """A whole column of ints in one file, and one with a missing value in the other."""
    frame = planted(200)
    source = tmp_path / "people"
    source.mkdir()
    seats = frame["seats"].astype("Int64")
    for number, part in enumerate((frame[:80], frame[80:])):
        table = pa.Table.from_pandas(part.assign(seats=seats), preserve_index=False)
        pq.write_table(table, source / f"{number}.parquet", row_group_size=60)
    same_as_composed(mf.write_messages(source, LETTER, tmp_path / "m", key="id"), frame, "id")


def test_cells_of_parquet_are_exact(tmp_path, small_partitions):
    """Lists of whole numbers beside a missing one, and views of text."""
    names = pa.array(["Zo\u00eb", "x"] * 30, pa.string_view())
    cells = {
        "n": range(60),
        "numbers": pa.array([[2**60 + 1, 5], [7, None], []] * 20),
        "name": names if is_of_parquet(names) else names.cast(pa.string()),
    }
    pq.write_table(pa.table(cells), tmp_path / "people.parquet", row_group_size=25)
    letter = mf.Letter(sender="a@acme.dev", to="p{{ n }}@acme.dev", subject="{{ name }}",
        text_body="{% for one in numbers %}{{ one | default('-') }} {% endfor %}.")  # fmt: skip
    path = mf.write_messages(tmp_path / "people.parquet", letter, tmp_path / "m")
    texts = [mf.messages(path).message(row).payload["TextBody"] for row in range(3)]
    assert texts == ["1152921504606846977 5 .", "7 - .", "."]


@pytest.mark.parametrize("first", ["composed", "dataset"])
def test_each_continues_the_send_of_the_other(written, tmp_path, first):
    """The same ledger records: nobody gets two copies, whoever began."""
    frame, path = written
    ledger = tmp_path / "ledger.sqlite3"
    composed = frame.mail.compose(LETTER, name="n", key="id")
    dataset = mf.messages(path, name="n")
    order = [composed, dataset] if first == "composed" else [dataset, composed]
    with mf.Sandbox(in_process=True) as sandbox:
        options = {"ledger": ledger, "on_invalid": "skip", "progress": False}
        order[0].send(sandbox.server, limit=70, **options)
        results = order[1].send(sandbox.server, approved=order[0].fingerprint, **options)
        again = order[0].send(sandbox.server, **options)
        status = results["status"].value_counts().to_dict()
        assert status["skipped"] == 70
        assert again["status"].isin(["skipped", "invalid"]).all()
        arrived = [fields["id"] for fields in sandbox.messages()["Metadata"]]
        assert len(arrived) == len(set(arrived)) == status["accepted"] + 70
    assert results["id"].tolist() == frame["id"].tolist()


def test_the_same_call_keeps_the_parts_that_are_there(written):
    """A part that is missing is made again; the others are not written again."""
    frame, path = written
    stamps = {one.name: one.stat().st_mtime_ns for one in path.glob("*.parquet")}
    (path / "part-00003.parquet").unlink()
    with pytest.raises(mf.errors.MailframeError, match=r"part-00003.parquet is missing"):
        mf.messages(path)
    (path / "manifest.json").unlink()
    with pytest.raises(mf.errors.MailframeError, match=r"no manifest.json"):
        mf.messages(path)
    mf.write_messages(frame, LETTER, path, key="id")
    after = {one.name: one.stat().st_mtime_ns for one in path.glob("*.parquet")}
    assert {name for name, stamp in after.items() if stamps[name] != stamp} == {
        "part-00003.parquet"
    }
    if IS_POSIX:
        assert {stat.S_IMODE(one.stat().st_mode) for one in path.iterdir()} == {0o600}
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert len(list(path.iterdir())) == 4 + 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda frame: (frame, LETTER.replace(subject="x"), "id"), "another letter"),
        (lambda frame: (frame, LETTER, None), "another letter, key"),
        (lambda frame: (frame.assign(name=frame["name"].iloc[::-1].array), LETTER, "id"), "rows"),
        (lambda frame: (frame.iloc[:-1], LETTER, "id"), "another letter, key or source"),
        (lambda frame: (frame.drop(columns="name"), LETTER, "id"), "no such column"),
    ],
)
def test_another_letter_key_or_source_in_the_folder_is_an_error(written, change, reason):
    """Nothing is mixed: the folder stays as it was."""
    frame, path = written
    before = {one.name: one.read_bytes() for one in path.iterdir()}
    source, letter, key = change(frame)
    with pytest.raises(mf.errors.MailframeError, match=reason):
        mf.write_messages(source, letter, path, key=key)
    assert {one.name: one.read_bytes() for one in path.iterdir()} == before


def other_function(row) -> str:
    """The first version of a function."""
    return f"{row['n']}"


def test_a_changed_function_is_another_letter(tmp_path):
    """The fingerprint of a letter has the name of a function, and not what it does."""
    frame = pd.DataFrame({"n": [1, 2]})
    base = LETTER.replace(
        to="p{{ n }}@acme.dev", subject="x", html_body=None, metadata=None, message_stream=None
    )
    mf.write_messages(frame, base.replace(text_body=mf.each(other_function)), tmp_path / "m")
    changed = mf.each(lambda row: f"{row['n']}!")
    with pytest.raises(mf.errors.MailframeError, match="another letter"):
        mf.write_messages(frame, base.replace(text_body=changed), tmp_path / "m")


def damage(path, at: int) -> None:
    """Change a byte of a file."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda path: (path / "manifest.json").write_text("{}"), "cannot be read"),
        (lambda path: damage(path / "manifest.json", 40), "manifest.json"),
        (
            lambda path: (path / "manifest.json").write_text(
                json.dumps(json.loads((path / "manifest.json").read_text()) | {"format": 2})
            ),
            "of a newer mailframe",
        ),
        (lambda path: (path / "part-00002.parquet").write_bytes(b"PAR1"), "is damaged"),
        (lambda path: (path / "part-00002.parquet").write_bytes(b""), "is damaged"),
        (
            lambda path: (path / "part-00002.parquet").write_bytes(
                (path / "part-00001.parquet").read_bytes()
            ),
            "is of other messages",
        ),
        (lambda path: damage(path / "part-00002.parquet", 30), None),
    ],
)
def test_a_damaged_dataset_sends_nothing(written, harm, reason):
    """Or, where only a message is damaged, the run ends before that message."""
    _, path = written
    harm(path)
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(mf.errors.MailframeError, match=reason or "damaged"):
            mf.messages(path, name="n").send(sandbox.server, on_invalid="skip", progress=False)
        if reason is not None:
            assert sandbox.messages().empty


def test_a_message_that_does_not_fit_its_digest_is_invalid(written):
    """A part that was written with another body: its digest is that of the checked message."""
    _, path = written
    part = path / "part-00002.parquet"
    table = pq.read_table(part)
    bodies = table["mf_body"].to_pylist()
    bodies[4] = bodies[4].replace(b"Acme", b"Evil")
    place = table.schema.get_field_index("mf_body")
    table = table.set_column(place, "mf_body", pa.array(bodies, type=pa.binary()))
    pq.write_table(table, part, compression="zstd")
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["parts"][2]["size"] = part.stat().st_size
    manifest.pop("sha256")
    manifest.pop("format")
    write_note(path / "manifest.json", manifest)
    with mf.Sandbox(in_process=True) as sandbox:
        results = mf.messages(path, name="n").send(
            sandbox.server, on_invalid="skip", progress=False
        )
    assert results.loc[104, ["status", "reason"]].tolist() == ["invalid", "changed_since_check"]
    assert results.loc[106, "status"] == "accepted"


def test_processes_render_the_same_dataset(tmp_path, small_partitions):
    """The letter travels by pickle; each part is in the place of its rows."""
    frame = planted(200)
    path = mf.write_messages(frame, LETTER, tmp_path / "m", key="id", executor="processes")
    same_as_composed(path, frame, "id")


def test_what_cannot_travel_says_so(tmp_path):
    """A lambda cannot be pickled; in this process it need not be."""
    frame = pd.DataFrame({"n": [1, 2]})
    letter = mf.Letter(sender="a@acme.dev", to="p{{ n }}@acme.dev", subject="x",
        text_body="{{ n | own }}", filters={"own": lambda value: f"{value}"})  # fmt: skip
    mf.write_messages(frame, letter, tmp_path / "here")
    with pytest.raises(mf.errors.NotPicklable, match=r"filters.own is a lambda"):
        mf.write_messages(frame, letter, tmp_path / "there", executor="processes")


def test_the_verbs_of_a_dataset(written):
    """A message by key, and a dry run."""
    frame, path = written
    dataset = mf.messages(path, name="n")
    composed = frame.mail.compose(LETTER, name="n", key="id")
    assert dataset.message(key="C-60") == composed.message(key="C-60")
    assert dataset.message(60) == composed.message(60)
    with pytest.raises(mf.errors.LetterError, match=r"^id C-5 cannot be sent: to: "):
        dataset.message(key="C-5")
    with mf.Sandbox(in_process=True) as sandbox:
        results = dataset.send(sandbox.server, on_invalid="skip", dry_run=True, progress=False)
        assert sandbox.messages().empty
        assert set(results["status"]) == {"unsent", "invalid"}
        with pytest.raises(mf.errors.InvalidRows):
            dataset.send(sandbox.server, progress=False)


@pytest.mark.parametrize("source", [[1], 7, pa.array([1])], ids=["list", "int", "array"])
def test_a_source_or_an_executor_of_another_kind_is_refused(tmp_path, source):
    """With the kinds that there are."""
    with pytest.raises(mf.errors.NotAFrame, match="a source is a DataFrame of pandas, polars"):
        mf.write_messages(source, LETTER, tmp_path / "m")
    for executor in ("threads", 4, object()):
        with pytest.raises(mf.errors.MailframeError, match="'processes', a dask"):
            mf.write_messages(planted(20), LETTER, tmp_path / "m", executor=executor)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "other.txt").write_text("x")
    with pytest.raises(mf.errors.MailframeError, match="has other files"):
        mf.write_messages(planted(20), LETTER, tmp_path / "full")


def test_no_rows_are_a_dataset(tmp_path):
    """A campaign of nobody."""
    path = mf.write_messages(planted(20).iloc[:0], LETTER, tmp_path / "m", key="id")
    assert len(mf.messages(path).problems()) == 0
    assert mf.messages(path).plan().messages == 0
