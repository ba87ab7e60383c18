"""Names of campaigns: NFC, NFD and surrounding spaces make no difference."""

from __future__ import annotations

import sqlite3
import unicodedata
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailframe as mf
from mailframe import errors
from mailframe.message.campaign_name import plain_name
from mailframe.paths import default_path
from mailframe.send.ledger import Ledger
from mailframe.send.ledger.encoding import tag_of
from tests.campaigns import LETTER, people, send_with
from tests.send.ledger.older_ledgers import made_old
from tests.send.ledger.test_runs import unconfirmed

NAME = "Fr\u00fchling"
SPELLINGS = {
    "decomposed": "Fru\u0308hling",
    "space after it": f"{NAME} ",
    "tab and line end": f"\t{NAME}\n",
    "no-break space": f"\u00a0{NAME}\u202f",
    "ideographic space, decomposed": "\u3000Fru\u0308hling",
}
EACH = pytest.mark.parametrize("name", SPELLINGS.values(), ids=SPELLINGS.keys())


@pytest.fixture
def sandbox():
    """A Postmark without a socket."""
    with mf.Sandbox(in_process=True) as opened:
        yield opened


def named(name: str, rows: int = 3) -> mf.Campaign:
    """A campaign of that name."""
    return people(rows).mail.compose(LETTER, name=name)


@EACH
def test_a_name_in_another_spelling_is_the_same_campaign(sandbox, name):
    """People who have the email under one spelling do not get it under another, in any version."""
    send_with(named(NAME), sandbox.server)
    composed = named(name)
    assert composed.name == NAME
    assert set(send_with(composed, sandbox.server)["reason"]) == {"already_sent"}
    with pytest.raises(errors.LetterChanged):
        send_with(people(4).mail.compose(LETTER, subject="Edited", name=name), sandbox.server)
    assert len(sandbox.messages()) == 3
    assert mf.history()["campaign"].tolist() == [NAME]


@EACH
def test_a_campaign_made_by_replace_has_the_plain_name_too(name):
    """However a campaign is made."""
    assert replace(named("other"), name=name).name == NAME


@EACH
def test_every_tool_that_takes_a_name_takes_each_spelling(sandbox, name):
    """``reconcile``, ``audit``, ``adopt`` and ``resolve``."""
    unconfirmed(sandbox, rows=3)
    with closing(sqlite3.connect(default_path())) as file, file:
        file.execute("UPDATE campaign SET name = ?, tag = ?", (NAME, tag_of(NAME)))
    assert len(mf.reconcile(name, sandbox.server)) == 1
    assert len(mf.audit(name, sandbox.server)) == 3
    assert mf.adopt(name, sandbox.server) == 0
    assert mf.resolve(name, sandbox.server, as_="accepted", reason="a test") == 3
    assert mf.history()["campaign"].tolist() == [NAME]


@EACH
def test_a_name_that_an_older_mailframe_recorded_as_typed_is_found(sandbox, name):
    """The campaign goes on under its plain name, with the tag that its messages carry."""
    send_with(named(NAME, 3), sandbox.server)
    made_old(default_path(), {NAME: name})
    results = send_with(named(name, 4), sandbox.server)
    assert results["status"].tolist() == ["skipped"] * 3 + ["accepted"]
    assert set(send_with(named(NAME, 4), sandbox.server)["reason"]) == {"already_sent"}
    with Ledger(default_path()) as ledger:
        noted = [(one.name, one.tag) for one, _ in ledger.campaigns()]
    assert noted == [(NAME, tag_of(name))]


def test_two_spellings_in_an_older_ledger_become_one_campaign_without_duplicates(
    sandbox,
):
    """Accepted and unknown messages of either spelling stay so; planned ones are sent once."""
    send_with(named("first", 5), sandbox.server, limit=3)  # p0 to p2 accepted, p3 and p4 planned
    sandbox.fault("close_lost", request=2)
    others = people(8).iloc[2:].mail.compose(LETTER, name="second")
    send_with(
        others, sandbox.server, limit=4, allow_repeat=True
    )  # p2 to p5 unknown, p6 and p7 planned
    made_old(default_path(), {"first": NAME, "second": SPELLINGS["decomposed"]})
    results = send_with(named(NAME, 8), sandbox.server)
    assert results["status"].tolist() == ["skipped"] * 3 + ["unknown"] * 3 + ["accepted"] * 2
    assert mf.history()[["campaign", "accepted", "unknown"]].iloc[0].tolist() == [NAME, 5, 3]
    assert len(mf.history()) == 1
    assert mf.reconcile(NAME, sandbox.server)["unknown"].tolist() == [3]


SCHEMA = {
    "meta": "name value",
    "campaign": "id scope name tag letter key created_at",
    "attempt": "id uid campaign number messages streams state why started_at ended_at version "
    "closed_after boot clock_s runs",
    "decision": "id campaign made_at what messages reason",
    "pack": "id campaign addresses contents keys",
    "outcome": "pack states message_ids",
    "exceptional": "message code message_id",
}


def test_the_tables_of_a_ledger_are_these(sandbox):
    """Version 3: another table or column needs another version and a migration."""
    send_with(named(NAME), sandbox.server)
    with Ledger(default_path()) as ledger:
        tables = {
            name: " ".join(row[1] for row in ledger.db.all(f"PRAGMA table_info({name})"))
            for (name,) in ledger.db.all(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid"
            )
        }
        assert ledger.db.one("PRAGMA user_version") == (3,)
    assert tables == SCHEMA


def test_a_ledger_of_an_older_mailframe_is_read_and_left_as_it_was(sandbox):
    """Opened read-only it is upgraded in memory; no byte of the file changes."""
    unconfirmed(sandbox, rows=3)
    made_old(default_path(), {"numbers": SPELLINGS["decomposed"]})
    before = default_path().read_bytes()
    with Ledger(default_path(), read_only=True) as ledger:
        (campaign, _), *others = ledger.campaigns()
        assert (campaign.name, others) == (NAME, [])
        assert [attempt.messages for attempt in ledger.unconfirmed_attempts(campaign)] == [3]
    assert default_path().read_bytes() == before


@pytest.mark.parametrize("name", ["", "   ", "\u00a0\n", "two\nlines", "zero\u200bwidth", 7])
def test_a_name_that_is_no_line_of_text_is_refused(name):
    """Surrounding spaces are dropped; a line break or an invisible character is an error."""
    with pytest.raises(errors.MailframeError, match="line of text"):
        named(name)


@pytest.mark.parametrize("name", ["", "two\nlines", 7])
def test_replace_refuses_what_compose_refuses(name):
    """The rule is the campaign's own."""
    with pytest.raises(errors.MailframeError, match="line of text"):
        replace(named("other"), name=name)


@pytest.mark.parametrize("verb", [mf.reconcile, mf.audit, mf.adopt])
def test_a_tool_refuses_a_name_that_is_not_text(sandbox, verb):
    """A campaign in the place of its name, for example."""
    with pytest.raises(errors.LedgerError, match="is not the name of a campaign"):
        verb(named(NAME), sandbox.server)


@given(st.text(max_size=12))
def test_a_plain_name_is_its_own_plain_name(name):
    """Normalizing twice changes nothing, and each normalization of a name gives the same one."""
    plain = plain_name(name)
    assert (
        plain_name(plain)
        == plain
        == plain_name(unicodedata.normalize("NFD", name))
        == plain_name(f" {name}\u00a0")
    )


def test_what_is_inside_a_name_stays():
    """Only NFC and surrounding spaces: case, inner spaces and compatibility characters matter."""
    for name in (
        "Spring  2026",
        "SPRING",
        "spring",
        "\ufb01nal",
        unicodedata.normalize("NFC", "Ångström"),
    ):
        assert named(name).name == name
