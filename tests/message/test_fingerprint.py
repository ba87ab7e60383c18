"""The fingerprint of a campaign, and ``send(approved=…)``, which refuses any other one."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe import errors
from mailframe.message.fingerprint import read_fingerprint
from mailframe.message.preflight import run_preflight
from mailframe.pandas_versions import text_dtype
from mailframe.paths import ledger_path
from tests.campaigns import LETTER, campaign, judge, people, send_with
from tests.expressions import col

WRITTEN = re.compile(r"[0-9a-f]{4}(-[0-9a-f]{4}){4}")
FILE = mf.Attachment("terms.txt", b"Pay in 30 days")
ANOTHER = "3f2a-91bc-77d0-e4a1-0c5d"


def fingerprint(composed: mf.Campaign) -> str:
    """The fingerprint of a campaign."""
    return composed._composed.fingerprint()


def frame() -> pd.DataFrame:
    """Four people; every column but ``note`` is used."""
    return people(4).assign(
        code=[f"c{n}" for n in range(4)], plan=["pro", "pro", "free", None], note="x"
    )


def made(
    df: pd.DataFrame | None = None, *, name: str = "spring", key: str | None = "code", **fields
) -> mf.Campaign:
    """A campaign with one of each field; *fields* replace those of its letter."""
    letter = LETTER.replace(
        text_body="Hi {{ n }}{% if plan == 'team' %} team{% endif %}.",
        html_body="<p>Hi {{ n }}</p>",
        tag="renewal",
        headers={"X-Kind": "renewal"},
        track_opens=True,
        attachments=[FILE],
    )
    return (frame() if df is None else df).mail.compose(
        letter.replace(**fields), name=name, key=key
    )


def without_a_row() -> mf.Campaign:
    """One row less."""
    return made(frame().drop(index=1))


def with_a_cell(column: str, value: object) -> mf.Campaign:
    """Another value in row 2."""
    df = frame()
    df.loc[2, column] = value
    return made(df)


EDITS = {
    "one character of a template": lambda: made(
        text_body="Hi {{ n }}{% if plan == 'team' %} team{% endif %}!"
    ),
    "a branch that no row takes": lambda: made(
        text_body="Hi {{ n }}{% if plan == 'team' %} tEam{% endif %}."
    ),
    "the subject": lambda: made(subject="number {{ n }}"),
    "the sender": lambda: made(sender="Acme <hallo@acme.example>"),
    "another recipient in Bcc": lambda: made(bcc="boss@example.com"),
    "the tag": lambda: made(tag="renewals"),
    "a header": lambda: made(headers={"X-Kind": "renewals"}),
    "tracking": lambda: made(track_opens=False),
    "the stream": lambda: made(message_stream="broadcast"),
    "metadata": lambda: made(metadata={"m": "{{ n }}"}),
    "mixed scripts allowed": lambda: made(allow_idn_mixed=True),
    "one byte of an attachment": lambda: made(
        attachments=[mf.Attachment("terms.txt", b"Pay in 31 days")]
    ),
    "an attachment's name": lambda: made(
        attachments=[mf.Attachment("rules.txt", b"Pay in 30 days")]
    ),
    "an attachment's type": lambda: made(
        attachments=[mf.Attachment("terms.txt", FILE.content, content_type="a/b")]
    ),
    "a second attachment": lambda: made(attachments=[FILE, FILE]),
    "a cell": lambda: with_a_cell("n", 7),
    "a recipient": lambda: with_a_cell("email", "q2@example.com"),
    "a cell of the key alone": lambda: with_a_cell("code", "c7"),
    "a row that is now blocked": lambda: with_a_cell("email", "nobody"),
    "a row less": without_a_row,
    "two rows swapped": lambda: made(frame().iloc[[0, 2, 1, 3]]),
    "a row more": lambda: made(
        pd.concat([frame(), people(5).tail(1).assign(code="c4", plan="pro")])
    ),
    "the name": lambda: made(name="Spring"),
    "another key": lambda: made(key="n"),
    "no key": lambda: made(key=None),
}


def test_it_is_twenty_digits_in_fours():
    """It is short enough to read aloud, and the same each time."""
    assert WRITTEN.fullmatch(fingerprint(made()))
    assert fingerprint(made()) == fingerprint(made())


def test_it_is_the_same_from_one_version_to_the_next():
    """If this fails, approvals from before the change are no longer valid."""
    assert fingerprint(campaign(2)) == "ab11-0512-c670-df2c-ac1b"


@pytest.mark.parametrize("edit", EDITS)
def test_any_edit_gives_another_one(edit):
    """Any change of what is sent, or could be sent, changes the fingerprint."""
    assert fingerprint(EDITS[edit]()) != fingerprint(made())


def test_no_two_edits_give_the_same_one():
    """Each edit has a fingerprint of its own."""
    assert len({fingerprint(edit()) for edit in EDITS.values()}) == len(EDITS)


@pytest.mark.parametrize(
    "same",
    [
        lambda df: df.assign(note="another", more=1),
        lambda df: df.drop(columns="note"),
        lambda df: df[df.columns[::-1]],
        lambda df: df.set_index(pd.Index(["a", "a", "b", "c"])),
        lambda df: df.astype({"n": "Int64", "email": "object", "code": "category"}),
        lambda df: df.astype(
            {"n": "int64[pyarrow]", "email": "string[pyarrow]", "plan": "category"}
        ),
        lambda df: df.astype({"n": "float64"}),
    ],
    ids=[
        "unused values",
        "unused column gone",
        "column order",
        "index",
        "dtypes",
        "arrow",
        "whole floats",
    ],
)
def test_what_no_message_and_no_key_uses_does_not_matter(same):
    """The same messages with the same keys in the same order are the same campaign."""
    assert fingerprint(made(same(frame()))) == fingerprint(made())


row = st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"))


@settings(max_examples=30, deadline=None)
@given(one=st.lists(row, max_size=3), other=st.lists(row, max_size=3))
def test_two_campaigns_share_it_exactly_when_they_send_the_same(one, other):
    """Equal rows in equal order have the same fingerprint, and only those."""

    def of(rows):
        df = pd.DataFrame(
            {"email": [f"{a}@example.com" for a, _ in rows], "word": [b for _, b in rows]},
            dtype=text_dtype(),
        )
        return fingerprint(
            df.mail.compose(
                sender="me@acme.example", to="{{ email }}", subject="Hi", text_body="{{ word }}"
            )
        )

    def sent(rows):
        seen = set()
        return [None if a in seen else seen.add(a) or (a, b) for a, b in rows]

    if sent(one) == sent(other) and one == other:
        assert of(one) == of(other)
    if sent(one) != sent(other):
        assert of(one) != of(other)


def test_neither_the_process_nor_the_folder_matters(tmp_path):
    """Processes with different hash seeds, and different folders, make the same fingerprint."""
    script = "import sys, tests.message.test_fingerprint as t; print(t.made_in(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "there")],
        env={**os.environ, "PYTHONHASHSEED": "1"},  # that of this process is random
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent.parent,
        check=False,
    )
    assert WRITTEN.fullmatch(done.stdout.strip()), done.stderr
    assert made_in(tmp_path / "here") == done.stdout.strip()


def made_in(folder):
    """The fingerprint of a campaign whose letter and files are in *folder*."""
    root = Path(folder) / "letter"
    root.mkdir(parents=True)
    (root / "body.txt").write_text("Hi {% include 'part.txt' %} 🫩")
    (root / "part.txt").write_text("{{ a }}{{ b }}{{ c }}")
    (root / "terms.txt").write_text("Pay in 30 days")
    letter = mf.Letter.load(root).replace(
        sender="me@acme.example",
        to="{{ email }}",
        subject="Hi",
        metadata={"a": "{{ a }}", "b": "{{ b }}"},
        attachments=["terms.txt", str(root / "terms.txt")],
    )
    df = pd.DataFrame({"email": ["p@example.com"], "a": [1], "b": [2], "c": [3]})
    return fingerprint(df.mail.compose(letter, name="hash"))


def test_a_file_on_the_disk_counts_by_its_content(tmp_path):
    """One changed byte in an attached file is another campaign."""
    path = tmp_path / "terms.txt"
    path.write_text("Pay in 30 days")
    before = fingerprint(made(attachments=[str(path)]))
    by_row = fingerprint(
        made(frame().assign(path=str(path)), attachments=[mf.Attachment(col("path"))])
    )
    path.write_text("Pay in 31 days")
    assert fingerprint(made(attachments=[str(path)])) != before
    assert (
        fingerprint(made(frame().assign(path=str(path)), attachments=[mf.Attachment(col("path"))]))
        != by_row
    )


def test_an_empty_campaign_has_a_fingerprint_too():
    """No rows, no name, no key."""
    assert WRITTEN.fullmatch(fingerprint(people(0).mail.compose(LETTER)))


# --- send(approved=…) -----------------------------------------------------------------------------


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_campaign_is_refused_before_anything_happens(edit):
    """Nothing is posted or recorded; the text has both fingerprints and says what to do."""
    approved, edited = fingerprint(made()), EDITS[edit]()
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(errors.NotApproved) as caught:
            send_with(edited, sandbox.server, approved=approved)
        assert sandbox.requests().empty
    for part in (approved, fingerprint(edited), "nothing was sent", "campaign.preview()"):
        assert part in str(caught.value)
    assert isinstance(caught.value, errors.SendError)
    held = [
        position == 2 and edit == "a row that is now blocked"
        for position in range(len(edited.frame))
    ]
    assert caught.value.results["status"].tolist() == [
        "invalid" if one else "unsent" for one in held
    ]
    assert caught.value.results.index.equals(edited.frame.index)
    assert not ledger_path("default").exists()


@pytest.mark.parametrize(
    "write", [str, str.upper, lambda text: text.replace("-", " \u2013 "), " {}\n".format]
)
def test_the_approved_campaign_is_sent(write):
    """In any notation of the fingerprint; a second run sends no duplicates."""
    approved = write(fingerprint(made()))
    with mf.Sandbox(in_process=True) as sandbox:
        results = send_with(made(), sandbox.server, approved=approved)
        judge(results, sandbox)
        assert (results["status"] == "accepted").all()
        again = send_with(made(), sandbox.server, approved=approved)
        assert set(again["reason"]) == {"already_sent"}


def test_rows_that_were_blocked_when_it_was_approved_stay_blocked():
    """The fingerprint covers blocked rows, so skipping them was approved too."""
    bad = with_a_cell("email", "nobody")
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(errors.InvalidRows):
            send_with(bad, sandbox.server, approved=fingerprint(bad))
        results = send_with(bad, sandbox.server, approved=fingerprint(bad), on_invalid="skip")
    assert results["status"].tolist() == ["accepted", "accepted", "invalid", "accepted"]


def test_a_refusal_has_the_known_statuses_and_records_nothing():
    """Rows that were sent are not ``unsent``, and the ledger is unchanged, for any server."""
    with mf.Sandbox(in_process=True) as sandbox, mf.Sandbox(in_process=True) as other:
        send_with(made(), sandbox.server, limit=2)
        before, tables = mf.history(), dump()
        with pytest.raises(errors.NotApproved) as caught:
            send_with(made(subject="Another"), sandbox.server, approved=ANOTHER)
        with pytest.raises(errors.NotApproved) as elsewhere:
            send_with(made(subject="Another"), other.server, approved=ANOTHER)
        assert len(sandbox.messages()) == 2
    assert caught.value.results["status"].tolist() == ["skipped", "skipped", "unsent", "unsent"]
    assert (elsewhere.value.results["status"] == "unsent").all()
    pd.testing.assert_frame_equal(mf.history(), before)
    assert dump() == tables


def dump() -> str:
    """A digest of the whole ledger."""
    import sqlite3  # noqa: PLC0415 - here alone

    connection = sqlite3.connect(ledger_path("default"))
    try:
        return hashlib.sha256("\n".join(connection.iterdump()).encode()).hexdigest()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "approved",
    [
        "",
        "-",
        "yes",
        ANOTHER[:-1],
        f"{ANOTHER}0",
        ANOTHER.replace("f", "g"),
        True,
        5,
        b"3f2a91bc77d0e4a10c5d",
        [ANOTHER],
    ],
    ids=repr,
)
def test_a_text_that_is_not_a_fingerprint_is_refused_at_once(approved):
    """Also an empty or a shortened one; nothing is rendered."""
    composed = made()
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(
            errors.MailframeError, match=r"approved=.* is not a fingerprint.*20 digits"
        ) as caught:
            send_with(composed, sandbox.server, approved=approved)
        assert sandbox.requests().empty
    assert not isinstance(caught.value, errors.SendError)
    assert composed._composed.kept_preflight is None


@given(
    separators=st.lists(st.text("- \t\n\u2011\u2013", max_size=2), min_size=20, max_size=20),
    shout=st.booleans(),
)
def test_case_blanks_and_dashes_do_not_matter(separators, shout):
    """As in chats, emails and speech."""
    digits = ANOTHER.replace("-", "")
    text = "".join(map("".join, zip(digits, separators, strict=True)))
    assert read_fingerprint(text.upper() if shout else text) == ANOTHER


def test_without_approved_nothing_is_different():
    """The rows are checked once."""
    composed = made()
    with mf.Sandbox(in_process=True) as sandbox:
        assert (send_with(composed, sandbox.server, approved=None)["status"] == "accepted").all()
    assert composed._composed.kept_preflight
    assert not composed._composed._live_preflight


# --- a live server --------------------------------------------------------------------------------


def live() -> mf.Postmark:
    """A server with Postmark's host, which must get no request."""

    def nothing_may_arrive(request):
        raise AssertionError(request.url.path)

    return mf.Postmark("not-a-token", transport=httpx.MockTransport(nothing_may_arrive))


def test_the_fingerprint_is_the_same_for_a_live_server():
    """The rules for every server decide it, not the stricter ones for live servers."""
    composed = made()
    with pytest.raises(errors.InvalidRows, match="documentation_domain"):
        send_with(composed, live(), approved=fingerprint(composed))
    with pytest.raises(errors.NotApproved):
        send_with(composed, live(), approved=ANOTHER)
    assert composed._composed.kept_preflight
    assert composed._composed._live_preflight


def test_a_live_send_without_approved_checks_once():
    """A second preflight check is only needed for an approval."""
    composed = made()
    with pytest.raises(errors.InvalidRows):
        send_with(composed, live())
    assert not composed._composed.kept_preflight
    assert composed._composed._live_preflight


def test_the_messages_that_would_be_sent_decide():
    """A file that changed between two checks is not sent with the approval of the first."""
    composed = made()
    stricter = run_preflight(composed._composed.bound, composed.frame, composed.key)
    stricter.sendable[1] = False  # as for a documentation domain on a live server
    same = composed._composed.fingerprint(sending=stricter)
    assert same == fingerprint(composed)
    for position, differs in ((1, False), (2, True)):
        changed = copy.deepcopy(stricter)
        changed.contents.put_bytes(position, bytes(16))
        now = composed._composed.fingerprint(sending=changed)
        assert (now != same) is differs


@pytest.mark.parametrize("changed", [False, True])
def test_a_live_send_uses_the_files_as_they_are_now(tmp_path, changed):
    """The approved file is sent; a changed file with the same path is refused."""
    path, posted = tmp_path / "terms.txt", []
    path.write_text("Pay in 30 days")
    df = pd.DataFrame({"email": ["p@example.dev"], "n": [1], "path": [str(path)]})
    composed = df.mail.compose(
        LETTER.replace(attachments=[mf.Attachment(col("path"))]), name="files"
    )
    approved = fingerprint(composed)
    if changed:
        path.write_text("Pay in 31 days")
    composed._composed.bound.files._kept.clear()  # as if the files did not fit the cache

    def take(request):
        posted.append(request.url.path)
        return httpx.Response(
            200, json=[{"ErrorCode": 0, "Message": "OK", "MessageID": "a", "To": "p@example.dev"}]
        )

    server = mf.Postmark("not-a-token", transport=httpx.MockTransport(take))
    if changed:
        with pytest.raises(errors.NotApproved):
            send_with(composed, server, approved=approved, ledger=None)
        assert not posted
    else:
        assert send_with(composed, server, approved=approved, ledger=None)["status"].tolist() == [
            "accepted"
        ]
        assert posted == ["/email/batch"]


def test_a_cell_that_changed_since_the_approval_is_refused():
    """A send with an approval checks every row again, and sends nothing."""
    df = frame().assign(items=[[f"tea {n}"] for n in range(len(frame()))])
    composed = made(df, text_body="{{ items[0] }}")
    approved = composed.fingerprint
    df["items"].iloc[0][0] = "CHAMPAGNE"
    with mf.Sandbox() as sandbox:
        with pytest.raises(errors.NotApproved):
            composed.send(sandbox.server, approved=approved, progress=False)
        assert len(sandbox.messages()) == 0


def test_a_replaced_part_of_a_campaign_is_another_campaign():
    """``dataclasses.replace`` binds the letter again."""
    composed = made()
    turned = dataclasses.replace(composed, frame=composed.frame.iloc[::-1])
    assert turned.fingerprint != composed.fingerprint
    assert turned.messages()["To"].tolist() == composed.messages()["To"].tolist()[::-1]
    other = dataclasses.replace(composed, letter=composed.letter.replace(subject="Another"))
    assert other.messages()["Subject"].unique().tolist() == ["Another"]
