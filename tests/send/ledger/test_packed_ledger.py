"""Packs in a file: their boundaries, two campaigns at once, damage, and what is erased."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import zlib
from contextlib import closing
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import mailframe as mf
from mailframe import errors
from mailframe.errors import LedgerError
from mailframe.message.digests import digest
from mailframe.paths import default_path
from mailframe.send.ledger import Ledger, packs
from mailframe.send.ledger.packs import PACK_MESSAGES
from mailframe.send.ledger.repeats import SentMeanwhile
from mailframe.send.states import MessageState
from tests.campaigns import campaign, send_with
from tests.send.ledger.digests import random_digests

SIZES = (0, 1, PACK_MESSAGES - 1, PACK_MESSAGES, PACK_MESSAGES + 1, 3 * PACK_MESSAGES)


@pytest.fixture
def ledger(tmp_path):
    """An empty ledger."""
    with Ledger(tmp_path / "ledger.sqlite3") as opened:
        yield opened


def sizes_of_packs(ledger: Ledger) -> list[int]:
    """How many messages each pack has."""
    return [len(blob) - 4 for (blob,) in ledger.db.all("SELECT states FROM outcome ORDER BY pack")]


def outcomes(ids, state=MessageState.ACCEPTED):
    """The same outcome for each message."""
    return [(row, state, None, 406) for row in ids.tolist()]


@pytest.mark.parametrize("messages", SIZES)
def test_a_campaign_of_any_size_is_planned_sent_and_read(ledger, messages):
    """None, one, and one message fewer and more than a pack has."""
    record = ledger.campaign("test", "numbers")
    new = random_digests(messages)
    ids = ledger.plan(record, new)
    assert len(np.unique(ids)) == messages
    assert sizes_of_packs(ledger) == [
        min(PACK_MESSAGES, messages - start) for start in range(0, messages, PACK_MESSAGES)
    ]
    attempt = ledger.claim(record, ids, number=1, streams=["outbound"])
    ledger.record_outcomes(attempt, outcomes(ids))
    recorded = ledger.recorded_messages(record)
    for name in ("keys", "contents", "addresses"):
        np.testing.assert_array_equal(getattr(recorded, name), getattr(new, name))
    assert (recorded.states == MessageState.ACCEPTED).all()
    assert ledger.counts(record) == ({MessageState.ACCEPTED: messages} if messages else {})
    np.testing.assert_array_equal(ledger.plan(record, new), ids)


def test_a_campaign_that_grows_fills_its_last_pack_first(ledger):
    """A row a day makes one pack, not one a day; the ids of before stay."""
    record = ledger.campaign("test", "numbers")
    new = random_digests(PACK_MESSAGES + 300)
    ids = []
    for start, end in ((0, 1), (1, 2), (2, 200), (200, PACK_MESSAGES), (PACK_MESSAGES, 4_396)):
        ids.append(ledger.plan(record, new.take(slice(start, end))))
    assert sizes_of_packs(ledger) == [PACK_MESSAGES, 300]
    recorded = ledger.recorded_messages(record)
    np.testing.assert_array_equal(recorded.keys, new.keys)
    np.testing.assert_array_equal(recorded.ids, np.concatenate(ids))


def test_two_campaigns_that_are_planned_in_turns_share_no_pack(ledger):
    """Each finds its own messages, and a claim of one leaves the other alone."""
    records = [ledger.campaign("test", name) for name in ("one", "other")]
    new = [random_digests(6_000, seed=seed) for seed in (1, 2)]
    for start in range(0, 6_000, 1_500):
        for record, rows in zip(records, new, strict=True):
            ledger.plan(record, rows.take(slice(start, start + 1_500)))
    one, other = (ledger.recorded_messages(record) for record in records)
    np.testing.assert_array_equal(one.keys, new[0].keys)
    np.testing.assert_array_equal(other.keys, new[1].keys)
    assert not set((one.ids // PACK_MESSAGES).tolist()) & set((other.ids // PACK_MESSAGES).tolist())
    ledger.claim(records[0], one.ids, number=1, streams=["outbound"])
    assert ledger.counts(records[1]) == {MessageState.PLANNED: 6_000}


def test_a_batch_in_any_order_over_many_packs_is_claimed_and_recorded(ledger):
    """As after the frame was sorted in another way: each message has its own outcome."""
    record = ledger.campaign("test", "numbers")
    ids = np.random.default_rng(1).permutation(ledger.plan(record, random_digests(20_000)))[:500]
    attempt = ledger.claim(record, ids, number=1, streams=["outbound"])
    texts = {row: f"00000000-0000-0000-0000-{row:012x}" for row in ids.tolist()}
    ledger.record_outcomes(
        attempt, [(row, MessageState.ACCEPTED, text, 0) for row, text in texts.items()]
    )
    recorded = ledger.recorded_messages(record)
    recorded = recorded.take(recorded.states == MessageState.ACCEPTED)
    shown = recorded.message_id_texts(np.arange(500))
    assert dict(zip(recorded.ids.tolist(), shown, strict=True)) == texts


@pytest.mark.parametrize("wrong", [0, 1, PACK_MESSAGES + 3, 99 * PACK_MESSAGES])
def test_an_id_that_is_in_no_pack_cannot_be_claimed(ledger, wrong):
    """Neither an id of no pack nor a place beyond the end of one; nothing is recorded."""
    record = ledger.campaign("test", "numbers")
    ids = ledger.plan(record, random_digests(3))
    with pytest.raises(LedgerError, match="1 of 4 messages were claimed by another sender"):
        ledger.claim(record, [*ids, wrong], number=1, streams=["outbound"])
    assert ledger.counts(record) == {MessageState.PLANNED: 3}
    assert ledger.requests.newest() == 0


def test_a_message_that_is_twice_in_a_batch_is_not_claimed(ledger):
    """It would be sent twice."""
    record = ledger.campaign("test", "numbers")
    ids = ledger.plan(record, random_digests(2))
    with pytest.raises(LedgerError, match="1 of 3 messages"):
        ledger.claim(record, [*ids, ids[0]], number=1, streams=["outbound"])


def test_two_messages_with_one_key_are_not_planned(ledger):
    """The key decides who has a message already."""
    record = ledger.campaign("test", "numbers")
    with pytest.raises(LedgerError, match="the same key; nothing was sent"):
        ledger.plan(record, random_digests(3).take(np.array([0, 1, 0])))
    assert ledger.counts(record) == {}


def test_a_reader_sees_whole_packs_while_another_connection_fills_them(tmp_path):
    """A pack is several values; all of them are read from one state of the file."""
    path = tmp_path / "ledger.sqlite3"
    rows = random_digests(1_200)
    with Ledger(path) as ledger:
        record = ledger.campaign("test", "numbers")

    def fill() -> None:
        with Ledger(path) as writer:
            for start in range(0, 1_200, 20):
                ids = writer.plan(record, rows.take(slice(start, start + 20)))
                attempt = writer.claim(record, ids, number=1, streams=["outbound"])
                writer.record_outcomes(attempt, outcomes(ids))

    writing = threading.Thread(target=fill)
    writing.start()
    sizes = [0]
    with Ledger(path, read_only=True) as reader:
        while writing.is_alive():
            recorded = reader.recorded_messages(record)
            sizes.append(len(recorded))
            np.testing.assert_array_equal(recorded.keys, rows.keys[: len(recorded)])
            assert (recorded.states[: len(recorded) - 20] == MessageState.ACCEPTED).all()
        writing.join()
        assert len(reader.recorded_messages(record)) == 1_200
    assert sizes == sorted(sizes)


def test_what_another_campaign_took_back_meanwhile_is_no_reason_to_stop(ledger):
    """Its request was not received, so the identical message is planned there, not sent."""
    rows = random_digests(4)
    ours, other = (ledger.campaign("test", name) for name in ("ours", "other"))
    ids, other_ids = ledger.plan(ours, rows), ledger.plan(other, rows)
    meanwhile = SentMeanwhile(ledger, ours, ledger.requests.newest())
    attempt = ledger.claim(other, other_ids[:3], number=1, streams=["outbound"])

    def claim(ids):
        check = partial(meanwhile.refuse, ids, [])
        return ledger.claim(ours, ids, number=1, streams=["outbound"], check=check)

    with pytest.raises(errors.AlreadySentElsewhere, match="2 as 'other'"):
        claim(ids[1:])
    assert ledger.counts(ours) == {MessageState.PLANNED: 4}
    claim(ids[3:])
    ledger.record_unsent(attempt, "a test")
    claim(ids[:1])
    ledger.claim(other, other_ids[1:2], number=2, streams=["outbound"])
    with pytest.raises(errors.AlreadySentElsewhere, match="1 as 'other'"):
        claim(ids[1:3])
    claim(ids[2:3])


# --- damage --------------------------------------------------------------------------------------

BLOBS = {
    "keys": "pack",
    "contents": "pack",
    "addresses": "pack",
    "states": "outcome",
    "message_ids": "outcome",
    "runs": "attempt",
}


def sealed(raw: bytes) -> bytes:
    """With a checksum that fits."""
    return raw + zlib.crc32(raw).to_bytes(4, "little")


DAMAGE = {
    "shorter": lambda blob: sealed(blob[:-5]),
    "longer": lambda blob: sealed(blob[:-4] + b"\1"),
    "cut": lambda blob: blob[:-1],
    "one bit": lambda blob: bytes([blob[0] ^ 1]) + blob[1:],
    "other text": lambda _: b"nonsense",
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("column", BLOBS)
def test_a_damaged_blob_makes_no_duplicate_and_no_false_status(column, damage):
    """A run raises an error that names the file; every row is unknown, none unsent or accepted."""
    with mf.Sandbox(in_process=True) as sandbox:
        sandbox.fault("close_lost", request=2)
        send_with(campaign(8), sandbox.server, limit=3)
        send_with(campaign(8), sandbox.server, limit=2)  # two rows are unknown
        table = BLOBS[column]
        with closing(sqlite3.connect(default_path())) as file, file:
            query = f"SELECT rowid, {column} FROM {table} ORDER BY 1 DESC"  # noqa: S608
            [[row, blob], *_] = file.execute(query)
            update = f"UPDATE {table} SET {column} = ? WHERE rowid = ?"  # noqa: S608
            file.execute(update, (DAMAGE[damage](blob), row))
        with pytest.raises(errors.MailframeError) as caught:
            send_with(campaign(8), sandbox.server)
        assert isinstance(caught.value, LedgerError)
        assert str(default_path()) in str(caught.value)
        assert "is damaged" in str(caught.value)
        assert set(caught.value.results["status"]) <= {"unknown", "skipped"}
        assert len(sandbox.messages()) == 3


@pytest.mark.parametrize("table", ["outcome", "pack"])
def test_a_missing_line_of_a_pack_is_an_error(table):
    """Half of a pack is no pack."""
    with mf.Sandbox(in_process=True) as sandbox:
        send_with(campaign(3), sandbox.server)
        with closing(sqlite3.connect(default_path())) as file, file:
            file.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant
        if table == "outcome":
            with pytest.raises(LedgerError, match="pack 1 is damaged"):
                send_with(campaign(3), sandbox.server)
        else:  # Postmark has them, and the ledger has no message
            with pytest.raises(errors.LedgerBehind):
                send_with(campaign(3), sandbox.server)
        assert len(sandbox.messages()) == 3


# --- erasure -------------------------------------------------------------------------------------


def test_forget_finds_a_person_in_every_campaign_and_pack(ledger):
    """Also an unusual MessageID goes; the others stay, byte for byte."""
    records = [ledger.campaign("test", name) for name in ("one", "other")]
    rows = random_digests(5_000)
    addresses = rows.addresses.copy()
    addresses[[7, 4_500]] = addresses[3]
    rows = replace(rows, addresses=addresses)
    for record in records:
        ids = ledger.plan(record, rows)
        attempt = ledger.claim(record, ids, number=1, streams=["outbound"])
        ledger.record_outcomes(
            attempt, [(row, MessageState.ACCEPTED, f"odd id {row}", 0) for row in ids[:10].tolist()]
        )
    [erased] = [rows.addresses[3].tobytes()]
    parts = [part for record in records for part in ledger.messages.packs_of(record.id)]
    ids = np.concatenate([p.ids[(p.addresses == rows.addresses[3]).all(axis=1)] for p in parts])
    assert len(ids) == 6
    with ledger.db.transaction():
        assert ledger.messages.erase(ids) == 6
    raw = ledger.place.read_bytes()
    assert erased not in raw
    for row in ids.tolist():
        assert f"odd id {row}\0".encode() not in raw
        assert ledger.messages.exceptional(records[0].id).get(row) is None
    for record in records:
        recorded = ledger.recorded_messages(record)
        assert (~packs.has_any(recorded.addresses)).sum() == 3
        assert recorded.message_id_texts(np.arange(10)).count(None) == 2


def test_a_pruned_ledger_is_smaller_inside_and_grows_again():
    """Its pages are free for the next campaign; a pruned campaign can go on."""
    with mf.Sandbox(in_process=True) as sandbox:
        send_with(campaign(600), sandbox.server)
        with Ledger(default_path()) as ledger, ledger.db.transaction():
            ledger.db.run("UPDATE campaign SET created_at = '2020-01-01T00:00:00.000000+00:00'")
        assert mf.prune("1 day") == 600
        assert mf.prune("1 day") == 0
        with Ledger(default_path()) as ledger:
            assert ledger.db.one("PRAGMA freelist_count")[0] >= 600 * 28 // 4096
            assert ledger.db.one("SELECT length(addresses) FROM pack") == (0,)
            assert ledger.db.one("SELECT length(message_ids) FROM outcome") == (0,)
        results = send_with(campaign(602), sandbox.server)
        assert results["status"].tolist() == ["skipped"] * 600 + ["accepted"] * 2
        again = send_with(campaign(602), sandbox.server)
        assert again["MessageID"].isna().tolist() == [True] * 600 + [False] * 2


def test_the_address_digest_of_a_person_is_that_of_an_older_mailframe(ledger):
    """Otherwise an identical message would not be recognized."""
    [[salt]] = ledger.db.all("SELECT value FROM meta WHERE name = 'salt'")
    person = digest("ann@example.com")
    expected = hashlib.blake2b(person, digest_size=12, key=salt).digest()
    rows = packs.rows_of(person * 2, "keys")
    assert ledger.address_digests(rows).tobytes() == expected * 2
