"""The identical message to the same recipient under another key or name is refused."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

import mailframe as mf
from mailframe import errors
from mailframe.sandbox import Fault
from tests.campaigns import LETTER, campaign, people, send_with
from tests.send.ledger.child import Job, finish, start, wait_for
from tests.send.ledger.respelling import one_round

pytestmark = pytest.mark.usefixtures("on_both")

WITH_ID = LETTER.replace(
    subject="Your plan", text_body="It renews.", metadata={"customer": "{{ id }}"}
)
PRINTS_ID = WITH_ID.replace(text_body="Customer {{ id }}: it renews.")
PLAIN = WITH_ID.replace(metadata=None)
UUID = "b7bc2f4a-e38e-4336-af7d-e6c392c2f81"


def members(ids, letter: mf.Letter = PLAIN, *, emails=None, dtype=None) -> mf.Campaign:
    """A campaign whose key is the column ``id``."""
    frame = pd.DataFrame({"id": pd.Series(ids, dtype=dtype)})
    frame["email"] = [f"p{n}@example.com" for n in range(len(frame))] if emails is None else emails
    return frame.mail.compose(letter, name="plans", key="id")


@pytest.fixture
def sandbox():
    """A Postmark without a socket."""
    with mf.Sandbox(in_process=True) as opened:
        yield opened


# --- two spellings of a key ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "letter", [PLAIN, WITH_ID, PRINTS_ID], ids=["plain", "key in metadata", "key in the text"]
)
def test_a_key_read_as_text_and_later_as_a_number_makes_no_duplicate(sandbox, tmp_path, letter):
    """``00042`` became ``42`` in a plain ``read_csv``: rows look new, and none is sent again."""
    path = tmp_path / "members.csv"
    pd.DataFrame(
        {
            "id": [f"{n:05}" for n in range(1, 301)],
            "email": [f"p{n}@example.com" for n in range(300)],
        }
    ).to_csv(path, index=False)
    today = pd.read_csv(path, dtype={"id": str}).mail.compose(letter, name="plans", key="id")
    assert send_with(today, sandbox.server)["status"].eq("accepted").all()
    tomorrow = pd.read_csv(path).mail.compose(letter, name="plans", key="id")
    with pytest.raises(errors.AlreadySentElsewhere, match=r"300.*is id \d") as caught:
        send_with(tomorrow, sandbox.server)
    assert len(sandbox.messages()) == 300
    expected = (
        "unknown" if letter is PRINTS_ID else "skipped"
    )  # the identical message, or one that cannot be compared
    assert caught.value.results["status"].eq(expected).all()
    allowed = send_with(tomorrow, sandbox.server, allow_repeat=True)
    assert allowed["status"].eq("accepted").all()


@pytest.mark.parametrize(
    ("today", "tomorrow"),
    [
        (["42", "43"], ["00042", "00043"]),
        (["42", "43"], ["0000000042", "043"]),
        (["AB-1", "AB-2"], ["ab-1", "ab-2"]),
        (["AB-1", "AB-2"], ["AB-1 ", " AB-2"]),
        (["strasse-1", "x"], ["Straße-1", "X"]),
        (["x1", "x2"], ["x\uff11", "x2 "]),
        (["1,001", "1,002"], [1001, 1002]),
        (["2026-11-22", "2026-11-23"], pd.to_datetime(["2026-11-22", "2026-11-23"])),
        (
            pd.to_datetime(["2026-11-22", "2026-11-23"]),
            pd.to_datetime(["2026-11-22", "2026-11-23"], utc=True),
        ),
        ([f"{UUID}1", f"{UUID}2"], [f"{UUID}1".replace("-", ""), f"{{{UUID}2}}".upper()]),
    ],
    ids=[
        "zeros",
        "widths",
        "case",
        "spaces",
        "folding",
        "width of digits",
        "thousands",
        "midnight",
        "zone",
        "UUID",
    ],
)
def test_any_two_spellings_of_a_key_are_noticed(sandbox, today, tomorrow):
    """What a second reading changes, also if the email shows the key and so differs."""
    send_with(members(today, PRINTS_ID), sandbox.server)
    with pytest.raises(errors.AlreadySentElsewhere):
        send_with(members(tomorrow, PRINTS_ID), sandbox.server)
    assert len(sandbox.messages()) == 2


def test_a_new_invoice_for_the_same_person_is_no_repeat(sandbox):
    """One person, several rows: another key and another text go out, as before."""
    letter = LETTER.replace(subject="Invoice {{ id }}", text_body="Invoice {{ id }}", metadata=None)
    send_with(members(["2026-1", "2026-2"], letter, emails=["a@example.com"] * 2), sandbox.server)
    more = members(["2026-3", "2026-4"], letter, emails=["a@example.com"] * 2)
    assert send_with(more, sandbox.server)["status"].eq("accepted").all()


def test_the_identical_message_twice_in_one_frame_is_refused_unless_allowed(sandbox):
    """Two keys, one person, one text: a row that a join doubled."""
    doubled = members(
        ["1", "2", "3"], WITH_ID, emails=["a@example.com", "b@example.com", "A@example.com"]
    )
    with pytest.raises(errors.AlreadySentElsewhere, match=r"1 rows hold.*first is id 3") as caught:
        send_with(doubled, sandbox.server)
    assert caught.value.results["status"].eq("unsent").all()
    assert sandbox.messages().empty
    assert send_with(doubled, sandbox.server, allow_repeat=True)["status"].eq("accepted").all()


def test_a_row_that_was_planned_and_went_out_under_another_name_is_not_sent_again(sandbox):
    """Planned as ``numbers`` and sent as ``other``: ``numbers`` does not send them again."""
    send_with(campaign(4), sandbox.server, limit=2)
    later = people(4).iloc[2:].mail.compose(LETTER, name="other")
    send_with(later, sandbox.server)
    with pytest.raises(errors.AlreadySentElsewhere, match="2 as 'other'"):
        send_with(campaign(4), sandbox.server)
    assert sandbox.messages()["To"].is_unique


def test_the_same_text_to_another_group_of_recipients_is_no_repeat(sandbox):
    """The first of them is one person, the whole is not."""
    frame = pd.DataFrame(
        {"id": ["1", "2"], "one": ["a@example.com"] * 2, "two": ["b@example.com", "c@example.com"]}
    )
    groups = frame.mail.compose(PLAIN, to=["{{ one }}", "{{ two }}"], name="plans", key="id")
    assert send_with(groups, sandbox.server)["status"].eq("accepted").all()
    again = frame.assign(id=["3", "4"], two=["d@example.com", "b@example.com"])
    with pytest.raises(errors.AlreadySentElsewhere, match="1 under another key"):
        send_with(
            again.mail.compose(PLAIN, to=["{{ one }}", "{{ two }}"], name="plans", key="id"),
            sandbox.server,
        )


def test_resend_is_an_explicit_confirmation_and_no_repeat(sandbox):
    """A row that is named is confirmed."""
    send_with(members(["1", "2"]), sandbox.server)
    results = send_with(members(["1", "2"]), sandbox.server, resend=["2"])
    assert results["status"].tolist() == ["skipped", "accepted"]


@pytest.mark.parametrize(
    ("keys", "dtype"),
    [
        ([1.0, 2.0**53 + 2], "float64"),
        ([1.0, -(2.0**53) - 2], "float64"),
        ([1.0, 1e300], "float64"),
        ([1.0, 2.0**53 + 2], "Float64"),
        ([1.0, 2.0**53 + 2], "double[pyarrow]"),
        ([1.0, 2.0**53 + 2], object),
        ([1.0, 2.0**24 + 2], "float32"),
        ([1.0, 2.0**24 + 2], "Float32"),
        ([np.float32(1.0), np.float32(2.0**24 + 2)], object),
        ([1.0, 2.0**11 + 2], "float16"),
    ],
)
def test_a_float_that_represents_several_integers_is_not_a_key(keys, dtype):
    """Beyond 2**53 a float64 represents several integers; a float32 does beyond 2**24."""
    problems = members(keys, dtype=dtype).problems()
    assert problems["code"].tolist() == ["missing_key"]
    assert "Int64" in problems["detail"].iloc[0]


@pytest.mark.parametrize(
    ("keys", "dtype"), [([2.0**53, 1.0], "float64"), ([2**62 + 1, 1], "int64")]
)
def test_whole_numbers_that_are_exact_stay_keys(keys, dtype):
    """Up to 2**53 as a float, and any integer."""
    assert members(keys, dtype=dtype).problems().empty


# --- two names -----------------------------------------------------------------------------------


def test_the_identical_mail_is_refused_while_the_first_is_unknown(sandbox):
    """It may have been accepted under the other name, so it is not sent before that is known."""
    sandbox.fault(Fault("http_500_accepted"))
    sandbox.index_delay_s = 3_600.0
    assert send_with(campaign(3), sandbox.server)["status"].eq("unknown").all()
    with pytest.raises(errors.AlreadySentElsewhere, match="3 as 'numbers'"):
        send_with(people(3).mail.compose(LETTER, name="other"), sandbox.server)


def test_two_processes_under_two_names_make_no_duplicate(tmp_path):
    """The second starts 0.3 s after the first, whose requests are still under way."""
    ledger = str(tmp_path / "ledger.sqlite3")
    with mf.Sandbox(delay_s=0.5) as sandbox:
        jobs = [
            Job(people(1_500), sandbox.url, ledger, str(tmp_path / name), name=name, timeout_s=10.0)
            for name in ("first", "second")
        ]
        processes = []
        for job in jobs:
            processes.append(start(job))
            time.sleep(0.3)
        ended = [finish(process, job) for process, job in zip(processes, jobs, strict=True)]
        assert sandbox.messages()["To"].is_unique
        assert len(sandbox.messages()) == 1_500
    assert [error for error, _ in ended] in (
        ["", "AlreadySentElsewhere"],
        ["AlreadySentElsewhere", ""],
    )


def test_two_senders_that_planned_before_either_posted_make_no_duplicate(tmp_path):
    """The first is stopped between its plan and its first request until the second has ended."""
    ledger, hold = str(tmp_path / "ledger.sqlite3"), tmp_path / "hold"
    hold.mkdir()
    with mf.Sandbox() as sandbox:
        job = Job(
            people(700),
            sandbox.url,
            ledger,
            str(tmp_path / "report"),
            point="after_plan",
            hold=str(hold),
            name="first",
        )
        process = start(job)
        wait_for(hold / "held")
        second = send_with(
            people(700).mail.compose(LETTER, name="second"), sandbox.server, ledger=ledger
        )
        assert second["status"].eq("accepted").all()
        (hold / "go").touch()
        error, results = finish(process, job)
        assert sandbox.messages()["To"].is_unique
    assert error == "AlreadySentElsewhere"
    assert results["status"].eq("unsent").all()


def test_a_confirmed_resend_is_not_stopped_by_what_another_campaign_sent_long_before(tmp_path):
    """Only what was sent since the plan is checked again; a third campaign posts in between."""
    ledger, hold = str(tmp_path / "ledger.sqlite3"), tmp_path / "hold"
    hold.mkdir()
    with mf.Sandbox() as sandbox:
        for name in ("numbers", "long before"):
            send_with(
                people(2).mail.compose(LETTER, name=name),
                sandbox.server,
                ledger=ledger,
                allow_repeat=True,
            )
        again = {"resend": ["p0@example.com"]}
        report = str(tmp_path / "report")
        job = Job(
            people(2),
            sandbox.url,
            ledger,
            report,
            point="after_plan",
            hold=str(hold),
            options=again,
        )
        process = start(job)
        wait_for(hold / "held")
        send_with(
            people(1).mail.compose(LETTER, name="third", subject="Other"),
            sandbox.server,
            ledger=ledger,
        )
        (hold / "go").touch()
        error, results = finish(process, job)
    assert error == ""
    assert results["status"].tolist() == ["accepted", "skipped"]


def test_messages_that_were_only_planned_under_another_name_do_not_count(sandbox):
    """A run that was stopped before its first request is no reason to refuse another name."""
    send_with(campaign(3), sandbox.server, limit=0)
    assert mf.history()["planned"].tolist() == [3]
    results = send_with(people(3).mail.compose(LETTER, name="other"), sandbox.server)
    assert results["status"].eq("accepted").all()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_people_who_are_sent_again_in_other_readings_of_their_table_have_one_mail_each(seed):
    """The short form of ``python -m tests.send.ledger.respelling``."""
    assert one_round(seed, 30)["people mailed"] > 0
