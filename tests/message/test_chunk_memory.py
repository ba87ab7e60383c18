"""A check holds few messages at a time, however large they are."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import mailframe as mf
from benchmarks.peak import forget_peak, peak, resident
from mailframe.message.checked_bodies import VARIABLE
from mailframe.message.checked_rows import checked_messages
from mailframe.message.columnar import chunks, pieces
from mailframe.message.columnar.chunks import ChunkPreparer

if TYPE_CHECKING:
    from collections.abc import Iterator

MEGABYTE = 1_000_000
LETTER = {"sender": "me@acme.example", "to": "{{ email }}", "subject": "Hi {{ n }}"}


def people(rows: int) -> pd.DataFrame:
    """People with an address and a number."""
    return pd.DataFrame({"email": [f"p{n}@acme.example" for n in range(rows)], "n": range(rows)})


@contextmanager
def at_most(megabytes: float) -> Iterator[None]:
    """Fail if the resident memory of this process grows by more."""
    gc.collect()
    if not forget_peak():
        pytest.skip("the peak of this process cannot be reset on this system")
    before = resident()
    yield
    grown = peak() - before
    assert grown < megabytes * MEGABYTE, f"{grown / MEGABYTE:.0f} MB"


FILES = {
    "one file": lambda _: mf.Attachment("a.pdf", b"x" * MEGABYTE),
    "a file for each row": lambda frame: mf.Attachment(
        "a.pdf", lambda _: [b"%d" % n + b"x" * MEGABYTE for n in range(len(frame))]
    ),
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("where", ["disk", "memory", "again"])
def test_a_check_and_a_send_hold_few_messages_with_large_files(kind, where, monkeypatch):
    """Two hundred messages of 1.3 MB take 266 MB."""
    monkeypatch.setenv(VARIABLE, where)
    frame = people(200)
    composed = frame.mail.compose(**LETTER, text_body="Hi", attachments=FILES[kind](frame))
    with at_most(120):
        assert composed.problems().empty
    preflight = composed._composed.preflight()
    with at_most(120):
        sizes = [len(one.body) for one in checked_messages(composed._composed.bound, preflight)]
    assert len(sizes) == 200
    assert min(sizes) > 1.3 * MEGABYTE


@pytest.mark.sampled(2)
@pytest.mark.parametrize("body", ["{{ n }}" + "x" * MEGABYTE, "{{ n }}{{ 'x' * 900_000 }}"])
def test_chunks_of_the_columnar_way_have_fewer_rows_for_large_bodies(body):
    """Whether the letter or its values are large."""
    bound = people(200).mail.compose(**LETTER, text_body=body)._composed.bound
    preparer = ChunkPreparer(bound, min_rows=0)
    with at_most(140):
        rows = [len(chunk.bodies) for chunk in preparer.chunks()]
    assert sum(rows) == 200
    assert preparer.plain_rows == (200 if body.endswith("x") else 0)
    assert max(rows[1:]) <= 20


@pytest.mark.sampled(2)
@pytest.mark.parametrize("field", ["text_body", "html_body"])
def test_long_cells_are_read_a_chunk_at_a_time(field):
    """Cells of 150 MB, which in HTML may be links, take 250 MB or more if all are held."""
    frame = people(2_500)
    frame["long"] = frame["n"].astype("str") + "x" * 60_000 + " (a)"
    fields = {"text_body": "Hi", field: "<p>{{ long }}</p>"}
    composed = frame.mail.compose(**LETTER, **fields)
    with at_most(170):
        assert composed.problems().empty


@pytest.mark.parametrize("most", [1, 700, 5_000, 100_000])
@pytest.mark.parametrize("plain", [False, True])
def test_the_size_of_chunks_changes_no_message(most, plain, monkeypatch):
    """Every row is in one chunk, in its order."""
    monkeypatch.setenv(chunks.PLAIN, str(int(plain)))
    frame = people(1_200)
    frame.loc[frame.n % 7 == 3, "email"] = None
    bound = frame.mail.compose(**LETTER, text_body="{{ n }} {{ 'x' * (n % 13) * 9 }}")
    bound = bound._composed.bound
    expected = [body for chunk in ChunkPreparer(bound).chunks() for body in chunk.bodies]
    monkeypatch.setattr(chunks, "_CHUNK_BYTES", most)
    made = list(ChunkPreparer(bound).chunks())
    assert [body for chunk in made for body in chunk.bodies] == expected
    assert [chunk.first for chunk in made][1:] == [
        chunk.first + len(chunk.sizes) for chunk in made
    ][:-1]
    wanted = [n % 5 == 0 for n in range(1_200)]
    some = {
        chunk.first + row: body
        for chunk in ChunkPreparer(bound).chunks(only=wanted)
        for row, body in enumerate(chunk.bodies)
    }
    assert [some[n] for n in range(0, 1_200, 5)] == expected[::5]


def test_results_of_all_pieces_share_one_limit(monkeypatch):
    """Twenty pieces keep no more than one."""
    monkeypatch.setattr(pieces, "_MAX_CHARACTERS", 2 * MEGABYTE)
    body = "".join([f"{{{{ n * {factor} }}}}" for factor in range(2, 22)])
    bound = people(8_000).mail.compose(**LETTER, text_body=body)._composed.bound
    bound = bound.take([n % 4_000 for n in range(8_000)])
    with at_most(25):
        assert sum(len(chunk.sizes) for chunk in ChunkPreparer(bound).chunks()) == 8_000


@pytest.mark.parametrize("value", ["true", "2", "yes"])
def test_another_value_of_the_variable_for_the_plain_way_is_refused(value, monkeypatch):
    """It would be ignored without a word."""
    monkeypatch.setenv(chunks.PLAIN, value)
    with pytest.raises(mf.errors.MailframeError, match=f"MAILFRAME_PLAIN is '{value}'; write 1"):
        people(1).mail.compose(**LETTER, text_body="a").problems()
