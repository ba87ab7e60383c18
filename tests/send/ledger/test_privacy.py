"""The ledger holds no address, name, subject or text, and other users cannot read it."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

import httpx
import pandas as pd
import pytest

import mailframe as mf
from mailframe.message.digests import digest
from mailframe.paths import default_path
from mailframe.send.ledger import Ledger, packs
from mailframe.send.retry_policy import RetryPolicy
from tests.campaigns import send_with
from tests.send.ledger.child import Job, finish, start

WORDS = ("Quartermaine", "Xylophone", "Zanzibar", "hollyhock", "marzipan")
"""Of the sender, the addresses, the names, the subjects and the texts."""
TOKEN = "a-token-that-must-not-be-there"


def secret_campaign(rows: int = 30) -> mf.Campaign:
    """A campaign full of words that are easily found again."""
    frame = pd.DataFrame(
        {
            "email": [f"hollyhock.{n}@zanzibar.example" for n in range(rows)],
            "name": [f"Xylophone{n}" for n in range(rows)],
        }
    )
    letter = mf.Letter(
        sender="Quartermaine <hello@acme.example>",
        to="{{ name }} <{{ email }}>",
        subject="Marzipan for {{ name }}",
        text_body="Dear {{ name }}, marzipan.",
        metadata={"who": "{{ name }}"},
    )
    return frame.mail.compose(letter, name="sweets")


def written() -> bytes:
    """Every byte beside the ledger, in lower case."""
    folder = default_path().parent
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file()).lower()


def address_digest(ledger: Ledger, address: str) -> bytes:
    """The digest of an address in a ledger."""
    return ledger.address_digests(packs.rows_of(digest(address), "keys")).tobytes()


def assert_nothing_of_ours(raw: bytes) -> None:
    """No word, no address, no token."""
    for word in (*WORDS, "hello@", ".example", TOKEN):
        assert word.lower().encode() not in raw, word


class Journal(httpx.BaseTransport):
    """Reads the folder of the ledger while a request is under way."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner, self.raw = inner, b""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        self.raw += written()
        return self._inner.handle_request(request)


@pytest.mark.parametrize("fault", [None, "close_lost", "http_500_lost", "shuffled_reply"])
def test_no_address_name_subject_text_or_token_is_in_the_file(fault):
    """Neither during a send nor after it, with any fault."""
    with mf.Sandbox(in_process=True, tokens=[TOKEN]) as sandbox:
        if fault is not None:
            sandbox.fault(fault)
        wire = Journal(sandbox.transport())
        server = mf.Postmark(TOKEN, base_url="http://127.0.0.1", transport=wire)
        send_with(secret_campaign(), server)
        send_with(secret_campaign(), server)
    assert_nothing_of_ours(wire.raw)
    assert_nothing_of_ours(written())


@pytest.mark.parametrize("status", [422, 500, 503])
def test_what_a_refusal_quotes_is_not_kept(status):
    """Postmark's words can hold an address; the ledger keeps the status and the code alone."""
    body = {"ErrorCode": 300, "Message": "Invalid 'To' address: 'hollyhock.0@zanzibar.example'."}

    def answer(request):
        if request.url.path == "/server":
            return httpx.Response(200, json={"ID": 5, "DeliveryType": "Live"})
        if request.method == "GET":
            return httpx.Response(200, json={"TotalCount": 0, "Messages": []})
        return httpx.Response(status, json=body)

    server = mf.Postmark(TOKEN, base_url="http://127.0.0.1", transport=httpx.MockTransport(answer))
    with suppress(mf.errors.SendError):
        send_with(secret_campaign(), server, retry_policy=RetryPolicy(busy_tries=1, search_s=0.0))
    assert_nothing_of_ours(written())
    with Ledger(default_path()) as ledger:
        reasons = {row[0] for row in ledger.db.all("SELECT why FROM attempt")}
    assert reasons == {f"HTTP {status}, ErrorCode 300"}


def test_a_journal_that_a_killed_sender_left_holds_nothing_either(tmp_path):
    """The journal of an open transaction has the mode of the ledger and no text of a message."""
    ledger = default_path()
    frame = pd.DataFrame(
        {"email": [f"hollyhock.{n}@zanzibar.example" for n in range(300)], "n": range(300)}
    )
    with mf.Sandbox() as sandbox:
        job = Job(frame, sandbox.url, str(ledger), str(tmp_path / "report"), point="within_t2")
        assert finish(start(job), job)[0] == "killed"
    journal = Path(f"{ledger}-journal")
    assert journal.stat().st_size > 0
    if os.name == "posix":
        assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    assert b"zanzibar" not in written()


@pytest.mark.skipif(os.name != "posix", reason="the modes of files are POSIX")
def test_the_file_is_0600_and_a_folder_that_is_made_for_it_0700(tmp_path):
    """From its first byte on, and also when it was there with another mode."""
    ledger = tmp_path / "new" / "ledger.sqlite3"
    before = os.umask(0)
    try:
        with Ledger(ledger) as opened, opened.lock_campaign(opened.campaign("test", "numbers")):
            assert stat.S_IMODE(ledger.stat().st_mode) == 0o600
            assert stat.S_IMODE(ledger.parent.stat().st_mode) == 0o700
            assert stat.S_IMODE((ledger.parent / "ledger.sqlite3-locks").stat().st_mode) == 0o700
        ledger.chmod(0o644)
        Ledger(ledger).close()
        assert stat.S_IMODE(ledger.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_forget_drops_what_stands_for_an_address_and_keeps_the_person_safe():
    """Its bytes are gone from the file, also from freed pages; no duplicate is sent."""
    with mf.Sandbox(in_process=True) as sandbox:
        send_with(secret_campaign(300), sandbox.server)
        with Ledger(default_path()) as ledger:
            stands_for = address_digest(ledger, "hollyhock.7@zanzibar.example")
        ids = dict(
            zip(
                sandbox.messages()["Metadata"].str["who"],
                sandbox.messages()["MessageID"],
                strict=True,
            )
        )
        message_id = bytes.fromhex(ids["Xylophone7"].replace("-", ""))
        raw = default_path().read_bytes()
        assert stands_for in raw
        assert message_id in raw
        assert mf.forget("Somebody <Hollyhock.7@Zanzibar.example>") == 1
        assert mf.forget("hollyhock.7@zanzibar.example") == 0
        raw = default_path().read_bytes()
        assert stands_for not in raw
        assert message_id not in raw
        again = send_with(secret_campaign(300), sandbox.server)
        assert set(again["reason"]) == {"already_sent"}
        assert again["MessageID"].isna().tolist() == [n == 7 for n in range(300)]
        assert len(sandbox.messages()) == 300


def test_prune_drops_ids_and_addresses_of_old_campaigns_alone():
    """A young campaign keeps them; an old one keeps its keys, so no duplicate is sent."""
    with mf.Sandbox(in_process=True) as sandbox:
        send_with(secret_campaign(), sandbox.server)
        assert mf.prune("1 day") == 0
        with Ledger(default_path()) as ledger, ledger.db.transaction():
            ledger.db.run("UPDATE campaign SET created_at = '2020-01-01T00:00:00.000000+00:00'")
        assert mf.prune("1 day") == 30
        with Ledger(default_path()) as ledger:
            [(campaign, _)] = ledger.campaigns()
            recorded = ledger.recorded_messages(campaign)
        assert not recorded.addresses.any()
        assert not recorded.message_ids.any()
        assert packs.has_any(recorded.keys).sum() == 30
        assert set(send_with(secret_campaign(), sandbox.server)["reason"]) == {"already_sent"}
    for age in ("a while", "", "nat"):
        with pytest.raises(mf.errors.LedgerError, match="not an age"):
            mf.prune(age)
    assert_nothing_of_ours(written())


def test_two_ledgers_say_different_things_of_one_address(tmp_path):
    """Each ledger has its own salt, so an address digest cannot be looked up in a list."""
    digests = set()
    for number in range(2):
        with Ledger(tmp_path / f"{number}.sqlite3") as ledger:
            digests.add(address_digest(ledger, "ann@example.com"))
    assert len(digests) == 2
