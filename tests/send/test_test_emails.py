"""Test emails: the messages of some rows to one's own address only, marked, without a ledger."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from email.utils import getaddresses

import httpx
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe import errors, limits
from mailframe.limits import utf16_units
from mailframe.paths import ledger_path
from mailframe.results.frame import COLUMNS
from mailframe.sandbox import Fault
from mailframe.send.test_emails import MAX_TEST_EMAILS, send_test
from tests.campaigns import LETTER, campaign, people, send_with
from tests.send.interrupting import Button

ME = "me@example.org"
NOT_DOCUMENTATION = "me@example.dev"


def trial(
    composed: mf.Campaign, server: mf.Postmark, positions=(0,), *, to: str = ME
) -> pd.DataFrame:
    """Test mails of a campaign."""
    return send_test(composed._composed, server, to=to, positions=positions)


class Recorder:
    """A live server that takes everything and delivers nothing; ``posted`` has the messages."""

    def __init__(self, *answers: tuple[int, dict]) -> None:
        self.posted: list[dict] = []
        self.paths: list[str] = []
        self._answers = list(answers)
        self.server = mf.Postmark("not-a-token", transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        self.posted.append(json.loads(request.content))
        accepted = {
            "ErrorCode": 0,
            "Message": "OK",
            "MessageID": f"id-{len(self.posted)}",
            "To": NOT_DOCUMENTATION,
        }
        status, message = self._answers.pop(0) if self._answers else (200, accepted)
        return httpx.Response(status, json=message)


def test_each_chosen_row_is_one_mail_to_me():
    """One request each, in the order given, and the results are those rows of the frame."""
    df = people(6).set_index(pd.Index([7, 7, 8, 8, 9, 9], name="who"))
    composed = df.mail.compose(LETTER, name="numbers")
    with mf.Sandbox() as sandbox:
        results = trial(composed, sandbox.server, [4, 0, 3])
        arrived = sandbox.messages()
        assert sandbox.requests()["path"].tolist() == ["/email"] * 3
    assert arrived["To"].tolist() == [ME] * 3
    assert arrived["Subject"].tolist() == [
        f"[Test row {df.index[n]} (position {n})] Number {n}" for n in (4, 0, 3)
    ]
    assert arrived["TextBody"].tolist() == [f"You are number {n}." for n in (4, 0, 3)]
    pd.testing.assert_frame_equal(results[["email", "n"]], df.iloc[[4, 0, 3]])
    assert results.columns.tolist() == ["email", "n", *COLUMNS]
    assert results["status"].tolist() == ["accepted"] * 3
    assert results["MessageID"].tolist() == arrived["MessageID"].tolist()
    assert results["To"].tolist() == [ME] * 3
    assert results["batch"].isna().all()


def test_the_results_begin_with_a_sentence_for_test_mails():
    """How many, to whom, with which status; and that there were no other recipients."""
    df = people(3)
    df.loc[1, "email"] = "nobody"
    composed = df.mail.compose(LETTER, name="numbers")
    with mf.Sandbox(in_process=True) as sandbox:
        three = trial(composed, sandbox.server, [0, 1, 2])
        one = trial(composed, sandbox.server, [0], to=f"Me <{ME}>")
        none = trial(composed, sandbox.server, [])
    assert repr(three).startswith(
        f"3 test emails to {ME}: 2 accepted · 1 invalid. Nothing was sent to anyone else.\n"
    )
    assert (
        one.summary_line
        == f"1 test email to Me <{ME}>: 1 accepted. Nothing was sent to anyone else."
    )
    assert none.summary_line == f"0 test emails to {ME}. Nothing was sent to anyone else."
    assert len(none) == 0
    assert set(COLUMNS) <= set(none.columns)


# --- recipients ----------------------------------------------------------------------------------

addresses = st.lists(
    st.sampled_from(["p@example.com", "Q <q@example.net>", '"R, S" <r@example.com>']), max_size=4
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(to=addresses, cc=addresses, bcc=addresses, named=st.booleans())
def test_my_address_is_the_only_recipient(to, cc, bcc, named):
    """For any recipients of a letter, each address in To, Cc and Bcc of a test email is mine."""
    if not to + cc + bcc:
        return
    composed = people(2).mail.compose(
        sender="me@acme.example",
        to=to or None,
        cc=cc or None,
        bcc=bcc or None,
        reply_to="answers@example.com",
        subject="Hi",
        text_body="{{ n }}",
        name="lists",
    )
    with mf.Sandbox(in_process=True) as sandbox:
        results = trial(composed, sandbox.server, [0, 1], to=f"Me <{ME}>" if named else ME)
        arrived = sandbox.messages()
    assert (results["status"] == "accepted").all()
    assert len(arrived) == 2
    for field, before in (("To", ["always"]), ("Cc", cc), ("Bcc", bcc)):
        expected = [ME] if before else []
        for text in arrived[field]:
            assert [
                address for _, address in getaddresses([text] if isinstance(text, str) else [])
            ] == expected
    assert set(arrived["ReplyTo"]) == {"answers@example.com"}


def test_all_but_recipients_subject_and_metadata_is_what_the_row_would_get(tmp_path):
    """Body, sender, headers, files, tracking, stream: the identical JSON."""
    (tmp_path / "logo.png").write_bytes(b"PNG")
    composed = people(3).mail.compose(
        sender="Zoë <me@acme.example>",
        cc=["{{ email }}", "boss@example.com"],
        reply_to="{{ email }}",
        subject="Größe {{ n }} 🎉",
        html_body='<p>{{ n }}</p><img src="cid:logo.png">',
        text_body="{{ n }}",
        tag="t",
        headers={"X-Kind": "{{ n }}"},
        track_opens=False,
        track_links="HtmlOnly",
        message_stream="broadcast",
        metadata={"n": "{{ n }}"},
        attachments=[
            mf.Attachment(str(tmp_path / "logo.png"), content_id="logo.png"),
            mf.Attachment("a.txt", b"a"),
        ],
        name="all",
    )
    live = Recorder()
    results = trial(composed, live.server, [2], to=NOT_DOCUMENTATION)
    assert (results["status"] == "accepted").all()
    expected = composed.message(2).payload
    expected |= {
        "To": NOT_DOCUMENTATION,
        "Cc": NOT_DOCUMENTATION,
        "Subject": "[Test row 2] Größe 2 🎉",
    }
    expected["Metadata"] = {"n": "2", "mf-test": "row 2 of all"}
    assert live.posted == [expected]
    assert live.paths == ["/email"]


def test_a_frame_of_documentation_domains_can_be_tried_on_a_live_server():
    """Sample people cannot be mailed there, and one's own address can."""
    live = Recorder()
    assert trial(campaign(1), live.server, to=NOT_DOCUMENTATION)["status"].tolist() == ["accepted"]
    assert [message["To"] for message in live.posted] == [NOT_DOCUMENTATION]


@pytest.mark.parametrize(
    ("to", "message"),
    [
        (None, "to is a NoneType; give one address"),
        (["me@example.org"], "to is a list; give one address"),
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("me@example.org, you@example.org", "several addresses"),
        ("me@example.org you@example.org", "several addresses"),
        ("me@example.org\nBcc: you@example.org", "control character"),
        (" me@example.org", "white space around"),
        ("{{ email }}", "is a template"),
        ("{{email}}@example.org", "is a template"),
        ("{% if n %}me{% endif %}@example.org", "is a template"),
        ("me", "not a valid email address"),
        ("me@ex\u0430mple.com", "mixes"),
    ],
)
def test_to_is_exactly_one_address(to, message):
    """Anything else is an error before anything leaves."""
    live = Recorder()
    with pytest.raises(errors.MailframeError, match=message):
        trial(campaign(1), live.server, to=to)
    assert not live.posted


def test_a_live_server_refuses_an_address_on_a_documentation_domain():
    """As for rows: such a domain receives no mail."""
    live = Recorder()
    with pytest.raises(errors.MailframeError, match="documentation"):
        trial(campaign(1), live.server, to=ME)
    assert not live.posted


# --- the mark ------------------------------------------------------------------------------------


def test_without_a_subject_the_mark_is_the_subject():
    """It never looks like the real mail."""
    composed = people(1).mail.compose(
        sender="a@acme.example", to="{{ email }}", text_body="x", allow_empty_subject=True
    )
    with mf.Sandbox(in_process=True) as sandbox:
        trial(composed, sandbox.server)
        assert sandbox.messages()["Subject"].tolist() == ["[Test row 0]"]
        assert sandbox.messages()["Metadata"].tolist() == [{"mf-test": "row 0"}]


@pytest.mark.parametrize("over", [-1, 0, 1, 13])
@pytest.mark.parametrize("letter", ["x", "🎉"])
def test_a_long_subject_is_cut_at_its_end(letter, over):
    """The mark stays, the limit holds, no emoji is cut in two, and what fits is not cut."""
    room = limits.MAX_SUBJECT_UNITS - len("[Test row 0] ")
    wide = utf16_units(letter)
    subject = "y" * (room % wide) + letter * (room // wide) + "z" * max(over, 0)
    subject = subject[: len(subject) + min(over, 0)]
    composed = people(1).mail.compose(LETTER.replace(subject=subject), name="long")
    assert composed.problems().empty
    with mf.Sandbox(in_process=True) as sandbox:
        assert trial(composed, sandbox.server)["status"].tolist() == ["accepted"]
        (arrived,) = sandbox.messages()["Subject"]
    whole = f"[Test row 0] {subject}"
    assert utf16_units(arrived) <= limits.MAX_SUBJECT_UNITS
    if over <= 0:
        assert arrived == whole
    else:
        assert arrived.endswith("…")
        assert whole.startswith(arrived[:-1])
        assert limits.MAX_SUBJECT_UNITS - utf16_units(arrived) < wide


@pytest.mark.parametrize("length", [67, 68, 69, 200])
def test_a_long_name_is_cut_in_the_metadata(length):
    """Postmark accepts 80 characters; "row 0 of " has 9. Seven fields of the letter fit, too."""
    name, fields = "n" * (length + 3), {f"k{n}": "v" for n in range(7)}
    composed = people(1).mail.compose(LETTER.replace(metadata=fields), name=name)
    with mf.Sandbox(in_process=True) as sandbox:
        assert trial(composed, sandbox.server)["status"].tolist() == ["accepted"]
        (metadata,) = sandbox.messages()["Metadata"]
    mark = metadata.pop("mf-test")
    assert metadata == fields
    assert mark == (f"row 0 of {name}" if length + 3 <= 71 else f"row 0 of {'n' * 70}…")


def test_a_message_that_the_mark_makes_too_large_is_invalid():
    """At the last bytes of Postmark's limit there is no room for a mark, and the row says so."""
    name = "ü" * 80  # two bytes each, so that the mark is longer than what the ledger would add
    composed = people(1).mail.compose(LETTER, name=name)
    rest = limits.MAX_MESSAGE_BYTES - len(composed.message(0).body) - 200
    large = LETTER.replace(attachments=[mf.Attachment("a.dat", b"x" * (rest // 4 * 3))])
    composed = people(1).mail.compose(large, name=name)
    room = limits.MAX_MESSAGE_BYTES - 110 - len(composed.message(0).body)
    composed = people(1).mail.compose(
        large.replace(text_body="y" * (room + len("You are number 0."))), name=name
    )
    assert len(composed.message(0).body) == limits.MAX_MESSAGE_BYTES - 110
    live = Recorder()
    results = trial(composed, live.server, to=NOT_DOCUMENTATION)
    assert results["status"].tolist() == ["invalid"]
    assert results["reason"].tolist() == ["message_too_large"]
    assert not live.posted


# --- outside the ledger --------------------------------------------------------------------------


def test_a_test_email_is_in_no_ledger():
    """Neither read nor made."""
    with mf.Sandbox(in_process=True) as sandbox:
        trial(campaign(3), sandbox.server, [0, 1, 2])
        assert set(sandbox.requests()["method"]) == {"POST"}
    assert not ledger_path("default").exists()


def test_test_emails_before_and_after_a_send_change_nothing():
    """The check before a send, reconcile, audit and adopt do not count test emails."""
    with mf.Sandbox() as sandbox:
        trial(campaign(3), sandbox.server, [0, 1, 2])
        half = send_with(campaign(3), sandbox.server, limit=2)
        trial(campaign(3), sandbox.server, [0, 1, 2])
        whole = send_with(campaign(3), sandbox.server)
        trial(campaign(3), sandbox.server, [2], to="p2@example.com")
        again = send_with(campaign(3), sandbox.server)
        assert mf.reconcile("numbers", sandbox.server).empty
        audit = mf.audit("numbers", sandbox.server)
        assert (
            mf.adopt(
                "numbers", sandbox.server, ledger=ledger_path("default").with_name("other.sqlite3")
            )
            == 3
        )
        arrived = sandbox.messages()
    assert half["status"].tolist() == ["accepted", "accepted", "unsent"]
    assert whole["status"].tolist() == ["skipped", "skipped", "accepted"]
    assert set(again["reason"]) == {"already_sent"}
    assert audit["finding"].tolist() == ["agreed"] * 3
    assert mf.history()["accepted"].tolist() == [3]
    marks = [{key for key in metadata if key.startswith("mf-")} for metadata in arrived["Metadata"]]
    assert marks.count({"mf-test"}) == 7
    assert marks.count({"mf-c", "mf-b", "mf-m"}) == 3


# --- rows ----------------------------------------------------------------------------------------


def test_rows_with_errors_are_not_sent():
    """They are invalid with their codes; if all are, no request is made."""
    df = people(3)
    df.loc[[0, 2], "email"] = ["nobody", "a@example.com, b@example.com"]
    composed = df.mail.compose(LETTER, name="numbers")
    with mf.Sandbox(in_process=True) as sandbox:
        none = trial(composed, sandbox.server, [0, 2])
        assert sandbox.requests().empty
        some = trial(composed, sandbox.server, [2, 1])
    assert none["status"].tolist() == ["invalid", "invalid"]
    assert none["reason"].tolist() == ["invalid_address", "several_addresses"]
    assert some["status"].tolist() == ["invalid", "accepted"]


@pytest.mark.parametrize(("count", "taken"), [(49, True), (50, True), (51, False)])
def test_a_call_sends_at_most_fifty_test_emails(count, taken):
    """More is a campaign to oneself; the message says what to do instead."""
    assert MAX_TEST_EMAILS == 50
    with mf.Sandbox(in_process=True) as sandbox:
        if taken:
            assert len(trial(campaign(60), sandbox.server, range(count))) == count
        else:
            with pytest.raises(
                errors.MailframeError, match=r"51 test emails.*at most 50.*sandbox\.messages\(\)"
            ):
                trial(campaign(60), sandbox.server, range(count))
        assert len(sandbox.messages()) == (count if taken else 0)


def test_a_row_that_is_named_twice_is_one_mail():
    """A tour may name a row for two reasons."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = trial(campaign(3), sandbox.server, pd.Series([2, 0, 2], dtype="Int64"))
        assert len(sandbox.messages()) == 2
    assert results["n"].tolist() == [2, 0]


@pytest.mark.parametrize("position", [-1, 3, 10**9])
def test_a_row_that_is_not_there_is_an_index_error(position):
    """Nothing leaves, not even for the rows before it; -1 is not the last row."""
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(IndexError, match=f"there is no row {position}; the frame has 3"):
            trial(campaign(3), sandbox.server, [0, position])
        assert sandbox.requests().empty


@pytest.mark.parametrize(
    "positions", [None, 0, "01", ["0"], [0.0], [True, False, True], [None], [[0]]], ids=repr
)
def test_what_is_no_position_is_refused(positions):
    """For a mask, a text or a label, the error says what a position is."""
    with (
        mf.Sandbox(in_process=True) as sandbox,
        pytest.raises(errors.MailframeError, match=r"not a list of rows|not a position of a row"),
    ):
        trial(campaign(3), sandbox.server, positions)


def test_a_server_that_is_no_server_is_refused_with_a_hint():
    """For the sandbox itself, the error names its .server."""
    with (
        mf.Sandbox(in_process=True) as sandbox,
        pytest.raises(errors.MailframeError, match=r"send_test needs.*\.server"),
    ):
        trial(campaign(1), sandbox)


# --- errors --------------------------------------------------------------------------------------


def test_a_wrong_token_stops_at_once():
    """One request, and every row unsent in the results that the error carries."""
    with mf.Sandbox(tokens=["right"]) as sandbox:
        with pytest.raises(errors.TokenRefused, match=r"row 2.*401") as caught:
            trial(campaign(3), mf.Postmark("wrong", base_url=sandbox.url), [2, 1])
        assert len(sandbox.requests()) == 1
    assert caught.value.results["status"].tolist() == ["unsent", "unsent"]
    assert caught.value.results["n"].tolist() == [2, 1]
    assert "2 unsent" in caught.value.results.summary_line


def test_nothing_listening_leaves_every_row_unsent():
    """A connection that cannot be made is not tried for long."""
    with mf.Sandbox() as sandbox:
        server = sandbox.server
    with pytest.raises(errors.ServerUnreachable, match="ConnectError") as caught:
        trial(campaign(2), server, [0, 1])
    assert caught.value.results["status"].tolist() == ["unsent", "unsent"]


@pytest.mark.parametrize("name", ["http_429", "http_429_retry_after", "http_503_json"])
def test_a_busy_server_ends_the_call_with_the_results_so_far(name):
    """Nothing is repeated: the rest is unsent."""
    with mf.Sandbox(faults=[Fault(name, request=2, times=None)]) as sandbox:
        with pytest.raises(errors.ServerBusy, match="row 1") as caught:
            trial(campaign(3), sandbox.server, range(3))
        assert len(sandbox.requests()) == 2
    assert caught.value.results["status"].tolist() == ["accepted", "unsent", "unsent"]
    assert caught.value.results["MessageID"].notna().tolist() == [True, False, False]


@pytest.mark.parametrize("name", ["close_accepted", "close_lost", "http_500_lost", "html_reply"])
def test_an_email_without_a_clear_answer_is_unknown_and_the_last(name):
    """What may be wrong with the next one too is not tried; no error, as in send."""
    with mf.Sandbox(faults=[Fault(name, request=2)]) as sandbox:
        results = trial(campaign(3), sandbox.server, range(3))
        assert len(sandbox.requests()) == 2
    assert results["status"].tolist() == ["accepted", "unknown", "unsent"]
    assert results["reason"].iloc[2] == "stopped: the test email of row 1 is unknown"
    assert "Unconfirmed: row 1." in results.summary_line


def test_a_silent_server_is_given_up_after_its_timeout():
    """The row is unknown, the next unsent."""
    with mf.Sandbox(faults=[Fault("hang_lost", delay_s=60)]) as sandbox:
        server = mf.Postmark(sandbox.token, base_url=sandbox.url, timeout=2.0)
        assert trial(campaign(2), server, [0, 1])["status"].tolist() == ["unknown", "unsent"]


def test_a_message_that_is_too_large_does_not_stop_the_next():
    """413 is about this message alone."""
    with mf.Sandbox(faults=[Fault("http_413_html", request=1)]) as sandbox:
        results = trial(campaign(2), sandbox.server, [0, 1])
    assert results["status"].tolist() == ["rejected", "accepted"]
    assert results["reason"].iloc[0] == "message_too_large"


def test_a_rejection_that_concerns_every_message_stops_at_the_first():
    """An unknown stream is not asked for three times; the error tells Postmark's reason."""
    with mf.Sandbox() as sandbox:
        with pytest.raises(errors.EveryoneRejected, match=r"row 1 was rejected.*1235") as caught:
            trial(campaign(3, message_stream="nowhere"), sandbox.server, [1, 0])
        assert len(sandbox.requests()) == 1
    assert caught.value.results["status"].tolist() == ["rejected", "unsent"]
    assert caught.value.results["ErrorCode"].iloc[0] == 1235


def test_a_rejection_of_my_address_stops_at_the_first():
    """All test emails go to it, so all would be rejected."""
    with (
        mf.Sandbox(suppressions=[ME]) as sandbox,
        pytest.raises(errors.EveryoneRejected, match="406"),
    ):
        trial(campaign(3), sandbox.server, [0, 1])


@pytest.mark.parametrize(("code", "first"), [(300, True), (411, True), (1235, False)])
def test_a_rejection_of_one_row_does_not_stop_the_next(code, first):
    """What Postmark says of one message, or after it took another, is a row's own."""
    no = (422, {"ErrorCode": code, "Message": "no"})
    yes = (200, {"ErrorCode": 0, "Message": "OK", "MessageID": "a", "To": NOT_DOCUMENTATION})
    live = Recorder(*([no] if first else [yes, no]))
    results = trial(campaign(3), live.server, range(3), to=NOT_DOCUMENTATION)
    statuses = (
        ["rejected", "accepted", "accepted"] if first else ["accepted", "rejected", "accepted"]
    )
    assert results["status"].tolist() == statuses


def test_a_message_that_cannot_be_made_loses_nothing():
    """What was taken before is in the results that the error carries."""

    class Odd:
        @property
        def __class__(self):
            raise RuntimeError("odd")

    df = people(3).assign(odd=pd.Series([1, 1, Odd()], dtype="object"))
    composed = df.mail.compose(LETTER.replace(text_body="{{ odd }}"), name="odd")
    with (
        mf.Sandbox(in_process=True) as sandbox,
        pytest.raises(errors.SendError, match="row 2 could not be made") as caught,
    ):
        trial(composed, sandbox.server, [0, 2, 1])
    assert caught.value.results["status"].tolist() == ["accepted", "unsent", "unsent"]


def test_an_interrupt_returns_the_results_so_far():
    """The one in flight is unknown, the rest unsent, and a silent server is not waited for."""
    button = Button(2, fault=Fault("hang_lost", delay_s=100))
    with mf.Sandbox() as sandbox:
        sandbox.fault(button)
        began = time.monotonic()
        results = trial(campaign(4), sandbox.server, range(4))
        took = time.monotonic() - began
        button.join()
    assert results["status"].tolist() == ["accepted", "unknown", "unsent", "unsent"]
    assert results["reason"].tolist()[1:] == [
        "interrupted before the answer came",
        "interrupted",
        "interrupted",
    ]
    assert took < 90


# --- where it runs -------------------------------------------------------------------------------


def test_it_works_in_a_running_event_loop_and_outside_the_main_thread():
    """As a notebook has one; and as a web application calls it."""

    async def cell(server):
        return trial(campaign(2), server, [0, 1])

    results_of_both = []
    with mf.Sandbox() as sandbox:
        results_of_both.append(asyncio.run(cell(sandbox.server)))
        worker = threading.Thread(
            target=lambda: results_of_both.append(trial(campaign(2), sandbox.server, [0, 1]))
        )
        worker.start()
        worker.join()
    assert [results["status"].tolist() for results in results_of_both] == [
        ["accepted", "accepted"]
    ] * 2


def test_postmarks_test_token_takes_test_mails():
    """It validates and delivers nothing."""
    with mf.Sandbox() as sandbox:
        server = mf.Postmark("POSTMARK_API_TEST", base_url=sandbox.url)
        assert trial(campaign(2), server, [0, 1])["status"].tolist() == ["accepted", "accepted"]
        assert sandbox.messages().empty
