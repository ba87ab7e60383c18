"""Messages whose key cannot be compared: adopted, or recorded by an older mailframe."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

import mailframe as mf
from mailframe import errors
from mailframe.paths import default_path
from tests.campaigns import LETTER, people, send_with
from tests.postgres import on_files
from tests.send.ledger.judging import lose
from tests.send.ledger.older_ledgers import made_old

pytestmark = pytest.mark.usefixtures("on_both")

PRINTS_ID = LETTER.replace(text_body="Customer {{ id }}.", metadata={"customer": "{{ id }}"})
PLAIN = LETTER.replace(metadata=None)


@pytest.fixture
def sandbox():
    """A Postmark without a socket."""
    with mf.Sandbox(in_process=True) as opened:
        yield opened


def members(
    ids, letter: mf.Letter = PRINTS_ID, *, name: str = "plans", key: str | None = "id"
) -> mf.Campaign:
    """A campaign of as many people."""
    return people(len(ids)).assign(id=ids).mail.compose(letter, name=name, key=key)


def refused(composed: mf.Campaign, sandbox: mf.Sandbox, **options) -> errors.MailframeError:
    """The error of a run that posts nothing."""
    before = len(sandbox.messages())
    with pytest.raises(errors.LedgerError) as caught:
        send_with(composed, sandbox.server, **options)
    assert len(sandbox.messages()) == before
    return caught.value


TEXT, NUMBERS = ["007", "008", "009"], [7, 8, 9]


@pytest.mark.parametrize(
    "other", [members(NUMBERS), members(TEXT, key=None)], ids=["spelling", "key"]
)
def test_a_second_machine_that_reads_the_key_otherwise_makes_no_duplicate(sandbox, other):
    """Before and after ``adopt``; the key as it was goes on, and a frame that grows is sent."""
    send_with(members(TEXT), sandbox.server)
    lose(default_path())
    behind = refused(other, sandbox)
    assert isinstance(behind, errors.LedgerBehind)
    assert behind.results["status"].eq("unknown").all()
    assert mf.adopt("plans", sandbox.server) == 3
    error = refused(other, sandbox)
    assert isinstance(error, errors.AlreadySentElsewhere)
    assert "3 people were mailed in this campaign under a key that is not in this frame" in str(
        error
    )
    assert error.results["status"].eq("unknown").all()
    grown = send_with(members([*TEXT, "010"]), sandbox.server)
    assert grown["status"].tolist() == ["skipped"] * 3 + ["accepted"]


def test_further_messages_to_people_whose_messages_were_adopted_are_sent_when_allowed(sandbox):
    """Several invoices for one person: next month's frame does not hold those of this month."""
    send_with(members(TEXT), sandbox.server)
    lose(default_path())
    mf.adopt("plans", sandbox.server)
    assert "allow_repeat=True" in str(refused(members(["A", "B", "C"]), sandbox))
    assert (
        send_with(members(["A", "B", "C"]), sandbox.server, allow_repeat=True)["status"]
        .eq("accepted")
        .all()
    )


def test_a_first_run_that_was_refused_does_not_decide_the_key(sandbox):
    """Nothing was planned, so another key makes no duplicate."""
    send_with(members(TEXT, PLAIN, name="first"), sandbox.server)
    refused(members(TEXT, PLAIN, name="second", key=None), sandbox)
    results = send_with(members(TEXT, PLAIN, name="second"), sandbox.server, allow_repeat=True)
    assert results["status"].eq("accepted").all()


@on_files
@pytest.mark.parametrize(
    "again",
    [members(TEXT, PLAIN, name="other"), members(NUMBERS, PLAIN), members(NUMBERS)],
    ids=["name", "key", "key in the text"],
)
def test_what_an_older_mailframe_sent_is_not_sent_again_under_another_name_or_key(sandbox, again):
    """It recorded a digest of the whole message alone, without the key."""
    send_with(
        members(TEXT, PRINTS_ID if "id" in str(again.letter.text_body) else PLAIN), sandbox.server
    )
    made_old(default_path())
    with closing(sqlite3.connect(default_path())) as file, file:
        file.execute(
            "UPDATE message SET content = CAST(zeroblob(8) || substr(content, 9, 8) AS BLOB)"
        )
    assert isinstance(refused(again, sandbox), errors.AlreadySentElsewhere)
