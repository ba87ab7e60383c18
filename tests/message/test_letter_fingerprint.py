"""The fingerprint of a letter is the same in every version of Python."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pandas as pd
import pytest

import mailframe as mf
from mailframe import errors
from mailframe.message.fingerprint import letter_fingerprint
from mailframe.paths import default_path
from tests.campaigns import LETTER, campaign, people, send_with
from tests.expressions import col

NEW_CHARACTERS = "\U0001fae8 \u2ffc \U0001fadc \U000323b0 \u0897"
"""Of Unicode 15.0, 15.1 and 16.0; in Python 3.11 ``repr`` writes them as escapes."""


def rich_letter() -> mf.Letter:
    """A letter with every field."""
    return mf.Letter(
        sender=f"Zoë {NEW_CHARACTERS[0]} <a@acme.example>",
        to=["{{ email }}", lambda df: df["email"].str.replace("@", "+2@")],
        cc=pd.Series(["c@example.com"] * 2),
        subject=f"{NEW_CHARACTERS} {{{{ n }}}}",
        html_body="<p>{{ n }} 'single' \"double\" \\ \x7f\x85\u2028 é</p>",
        text_body=lambda df: df["n"].astype(str),
        headers={"X-One": "{{ n }}", "X-Two": NEW_CHARACTERS},
        metadata={"n": "{{ n }}", "year": 2026, "share": 0.1},
        attachments=[
            mf.Attachment(f"{NEW_CHARACTERS[2]}.rtf", b"\x00\xff", content_id=None),
            mf.Attachment(
                "logo.webp", b"logo", content_type="image/webp", content_id="logo", optional=True
            ),
            mf.Attachment("list-{{ n }}.csv", lambda df: df["email"].str.encode("utf-8")),
        ],
        track_opens=True,
        allow_idn_mixed=True,
    )


def of_letter(letter: mf.Letter) -> bytes:
    """The fingerprint that the ledger records."""
    campaign = people(2).mail.compose(letter, name="rich", key="n")
    return letter_fingerprint(campaign._composed.bound)


def test_the_fingerprint_of_a_letter_is_the_same_bytes_everywhere():
    """If it differs in another Python, campaigns that were begun there raise LetterChanged."""
    assert of_letter(rich_letter()).hex() == "02e82fdea5a18809d46082da812ddc84c2"


CHANGES = {
    "the subject": {"subject": "Other"},
    "a new character": {"subject": f"{NEW_CHARACTERS[:-1]}\u0898 {{{{ n }}}}"},
    "the order of two headers": {"headers": {"X-Two": NEW_CHARACTERS, "X-One": "{{ n }}"}},
    "text that moves from one part to the next": {
        "headers": {"X-One": "{{ n }}X-Two", "X": NEW_CHARACTERS}
    },
    "a constant": {"metadata": {"n": "{{ n }}", "year": 2027, "share": 0.1}},
    "a column in place of a constant": {
        "metadata": {"n": "{{ n }}", "year": col("n"), "share": 0.1}
    },
    "a file's content": {"attachments": [mf.Attachment("a.rtf", b"\x00\xfe")]},
    "a file's name": {"attachments": [mf.Attachment("b.rtf", b"\x00\xfe")]},
    "a file's type": {
        "attachments": [mf.Attachment("b.rtf", b"\x00\xfe", content_type="text/plain")]
    },
    "the tracking": {"track_opens": False},
    "a setting": {"allow_idn_mixed": False},
}


def test_each_change_of_a_letter_gives_another_fingerprint():
    """No two changes give the same one."""
    fingerprints = {of_letter(rich_letter().replace(**change)) for change in CHANGES.values()}
    assert len({*fingerprints, of_letter(rich_letter())}) == len(CHANGES) + 1


def test_the_type_that_a_file_name_is_taken_for_does_not_count(monkeypatch):
    """The tables of types differ between versions of Python."""
    letter = LETTER.replace(attachments=[mf.Attachment("scan.jxl", b"x")])
    before = of_letter(letter)
    from mailframe.letter import attachment_files  # noqa: PLC0415

    monkeypatch.setitem(attachment_files._TYPES.types_map[True], ".jxl", "image/jxl")
    assert of_letter(letter) == before


def letter_in_ledger(*, becomes: bytes | None = None) -> bytes:
    """The fingerprint in the ledger, after it was replaced by *becomes* if given."""
    with closing(sqlite3.connect(default_path())) as ledger, ledger:
        if becomes is not None:
            ledger.execute("UPDATE campaign SET letter = ?", (becomes,))
        return ledger.execute("SELECT letter FROM campaign").fetchone()[0]


@pytest.mark.parametrize(
    "before", [bytes(range(16)), b"\x03" + bytes(16), b""], ids=["16 bytes", "newer", "empty"]
)
def test_a_campaign_that_another_version_began_goes_on(before):
    """Its letter cannot be compared; no row is sent twice, and a later change is noticed."""
    with mf.Sandbox(in_process=True) as sandbox:
        send_with(campaign(4), sandbox.server, limit=2)
        now = letter_in_ledger()
        letter_in_ledger(becomes=before)
        results = send_with(campaign(4), sandbox.server, limit=1)
        assert results["status"].tolist() == ["skipped", "skipped", "accepted", "unsent"]
        assert letter_in_ledger() == now
        with pytest.raises(errors.LetterChanged):
            send_with(campaign(4, subject="New"), sandbox.server)


def test_messages_show_a_change_if_letters_cannot_be_compared():
    """A warning has the number of rows with an earlier message; there are no duplicate sends."""
    with mf.Sandbox(in_process=True) as sandbox:
        send_with(campaign(4), sandbox.server, limit=2)
        letter_in_ledger(becomes=bytes(range(16)))
        with pytest.warns(UserWarning, match="2 people have an earlier version"):
            results = send_with(campaign(4, subject="New"), sandbox.server)
        assert results["changed"].tolist() == [True, True, False, False]
        assert sandbox.messages()["To"].is_unique
