"""Which rejected rows the next ``send`` retries, by ErrorCode."""

from __future__ import annotations

import httpx
import orjson
import pytest

import mailframe as mf
from mailframe import errors
from mailframe.paths import default_path
from mailframe.postmark.error_codes import (
    CONCERNS_MESSAGE,
    CONCERNS_REQUEST,
    ERROR_CODES,
    TOO_LARGE,
    Concerns,
    rejection_reason,
    tried_again,
)
from mailframe.sandbox import FaultName
from tests.campaigns import LETTER, campaign, judge, people, send_with

SENDER = "hello@acme.example"
TRIED_AGAIN = [
    10,
    11,
    12,
    13,
    14,
    100,
    400,
    401,
    402,
    403,
    405,
    409,
    410,
    412,
    413,
    422,
    429,
    1101,
    1235,
    1236,
    1480,
    4711,
]
NOT_TRIED_AGAIN = [101, 300, 406, 411, 1120, 1122, 1123]
BROKEN = {  # options of the sandbox, and the code that they cause
    "an unknown sender": ({"senders": ["other@acme.example"]}, {}, 400),
    "a pending account": ({"approval": "pending"}, {}, 412),
    "a refused account": ({"approval": "refused"}, {}, 413),
    "an unknown stream": ({}, {"message_stream": "news"}, 1235),
    "an inbound stream": (
        {"streams": {"outbound": "transactional", "news": "inbound"}},
        {"message_stream": "news"},
        1236,
    ),
}
FIXED = {"streams": {"outbound": "transactional", "broadcast": "broadcast", "news": "broadcast"}}


class Refusing(httpx.BaseTransport):
    """The sandbox, except that it rejects each message of a batch with *code* while it is set."""

    def __init__(self, sandbox, code, *, status=200):
        self.sandbox, self.code, self.status, self.posts = sandbox.transport(), code, status, 0
        self.server = mf.Postmark(sandbox.token, base_url="http://127.0.0.1:9", transport=self)

    def handle_request(self, request):
        """Reject a batch with the code; pass on other requests."""
        if request.url.path != "/email/batch":
            return self.sandbox.handle_request(request)
        self.posts += 1
        messages = orjson.loads(request.read())
        if self.code is None:
            return self.sandbox.handle_request(request)
        item = {"ErrorCode": self.code, "Message": "No."}
        return httpx.Response(
            self.status, json=item if self.status != 200 else [item] * len(messages)
        )


@pytest.fixture
def sandbox():
    """A sandbox without a socket."""
    with mf.Sandbox(in_process=True, server_id=7) as made:
        yield made


def rejected(composed, server, **options):
    """The results of a send in which every message is rejected."""
    try:
        results = send_with(composed, server, **options)
    except errors.EveryoneRejected as error:
        results = error.results
    assert set(results["status"]) == {"rejected"}
    return results


@pytest.mark.parametrize("fault", BROKEN)
def test_after_the_account_is_fixed_the_next_send_sends_every_row_once(fault):
    """With real sockets: the same server, first with the error and then without it."""
    options, fields, code = BROKEN[fault]
    composed = people(3).mail.compose(LETTER.replace(**fields), name="numbers")
    with mf.Sandbox(server_id=7, **options) as broken:
        first = rejected(composed, broken.server)
        assert set(first["ErrorCode"]) == {code}
        assert set(rejected(composed, broken.server)["ErrorCode"]) == {code}
        assert (broken.requests()["path"] == "/email/batch").sum() == 2
    with mf.Sandbox(server_id=7, **FIXED) as fixed:
        second = send_with(composed, fixed.server)
        assert set(second["status"]) == {"accepted"}
        judge(second, fixed)
        assert set(send_with(composed, fixed.server)["reason"]) == {"already_sent"}
        assert len(fixed.messages()) == 3


@pytest.mark.parametrize("code", TRIED_AGAIN)
def test_a_code_that_is_not_about_the_message_is_retried(sandbox, code):
    """This includes undocumented codes: no message was accepted, so there is no duplicate."""
    wire = Refusing(sandbox, code)
    first = rejected(campaign(3), wire.server)
    assert set(first["ErrorCode"]) == {code}
    wire.code = None
    assert set(send_with(campaign(3), wire.server)["status"]) == {"accepted"}
    assert set(send_with(campaign(3), wire.server)["reason"]) == {"already_sent"}
    assert sandbox.messages()["To"].tolist() == [f"p{n}@example.com" for n in range(3)]
    assert mf.history()[["accepted", "rejected"]].to_numpy().tolist() == [[3, 0]]


@pytest.mark.parametrize("code", NOT_TRIED_AGAIN)
def test_a_code_about_the_message_is_not_retried(sandbox, code):
    """The same message would be rejected again; with 101 it may have been processed."""
    wire = Refusing(sandbox, code)
    rejected(campaign(3), wire.server)
    wire.code = None
    again = rejected(campaign(3), wire.server)
    assert set(again["ErrorCode"]) == {code}
    assert wire.posts == 1
    results = send_with(campaign(3), wire.server, resend=["p0@example.com"])
    assert results["status"].tolist() == ["accepted", "rejected", "rejected"]


@pytest.mark.parametrize(
    ("code", "status"), [(300, "accepted"), (411, "accepted"), (406, "rejected")]
)
def test_new_content_is_retried_if_the_content_was_refused(sandbox, code, status):
    """An inactive recipient stays inactive, whatever the message."""
    wire = Refusing(sandbox, code)
    rejected(campaign(3), wire.server)
    wire.code = None
    assert set(send_with(campaign(3, subject="New"), wire.server)["status"]) == {status}


def test_of_a_batch_with_both_only_the_refused_messages_are_retried():
    """A pending account sends to its own domain, an approved one to the others, each once."""
    frame = people(4).assign(
        email=["a@acme.example", "b@example.com", "c@acme.example", "d@example.com"]
    )
    composed = frame.mail.compose(LETTER, name="numbers")
    with mf.Sandbox(server_id=7, approval="pending", in_process=True) as pending:
        first = send_with(composed, pending.server)
    assert first["status"].tolist() == ["accepted", "rejected", "accepted", "rejected"]
    with mf.Sandbox(server_id=7, in_process=True) as approved:
        second = send_with(composed, approved.server)
        assert approved.messages()["To"].tolist() == ["b@example.com", "d@example.com"]
    assert second["status"].tolist() == ["skipped", "accepted", "skipped", "accepted"]


def test_a_refused_row_beyond_the_limit_is_unsent(sandbox):
    """It is retried later; this send did not reach it."""
    wire = Refusing(sandbox, 412)
    rejected(campaign(3), wire.server)
    wire.code = None
    results = send_with(campaign(3), wire.server, limit=1)
    assert results["status"].tolist() == ["accepted", "unsent", "unsent"]
    assert set(send_with(campaign(3), wire.server)["status"]) == {"skipped", "accepted"}


def test_a_refused_send_still_shows_that_the_rows_were_rejected(sandbox):
    """Nothing was sent, so each row keeps its status."""
    wire = Refusing(sandbox, 412)
    rejected(campaign(2), wire.server)
    composed = (
        people(3)
        .assign(email=["p0@example.com", "p1@example.com", "p2@"])
        .mail.compose(LETTER, name="numbers")
    )
    with pytest.raises(errors.InvalidRows) as caught:
        send_with(composed, wire.server)
    assert caught.value.results["status"].tolist() == ["rejected", "rejected", "invalid"]
    assert caught.value.results["ErrorCode"].tolist()[:2] == [412, 412]


@pytest.mark.parametrize("code", [code for code in TRIED_AGAIN if code not in {429, 413}])
def test_rows_of_a_refused_request_are_unsent_and_the_next_send_sends_them(sandbox, code):
    """The whole request was refused, so nothing was processed."""
    wire = Refusing(sandbox, code, status=422)
    with pytest.raises(errors.RequestRefused) as caught:
        send_with(campaign(3), wire.server)
    assert set(caught.value.results["status"]) == {"unsent"}
    wire.code = None
    assert set(send_with(campaign(3), wire.server)["status"]) == {"accepted"}


@pytest.mark.parametrize("code", TRIED_AGAIN)
def test_a_batch_that_is_rejected_completely_with_such_a_code_stops_the_send(sandbox, code):
    """Every further batch would be refused for the same reason."""
    with pytest.raises(errors.EveryoneRejected):
        send_with(campaign(501), Refusing(sandbox, code).server)


def test_the_table_is_closed_and_has_a_reason_for_each_code():
    """The tests above use each code; a reason is one word, for filters of the column."""
    assert {*TRIED_AGAIN, *NOT_TRIED_AGAIN} == {*ERROR_CODES, 4711}
    assert {line.concerns for line in ERROR_CODES.values()} == set(Concerns)
    assert all(
        line.reason.replace("_", "").isalpha() and line.reason.islower()
        for line in ERROR_CODES.values()
    )
    assert not CONCERNS_MESSAGE & CONCERNS_REQUEST
    assert (rejection_reason(406), rejection_reason(4711)) == ("inactive_recipient", "error_4711")
    assert rejection_reason(None) == TOO_LARGE == mf.Code.MESSAGE_TOO_LARGE.value


@pytest.mark.parametrize("changed", [False, True])
def test_what_a_code_is_about_decides_about_the_retry(changed):
    """Content is retried if it changed, a recipient or a message that may be processed is not."""
    for code in (*ERROR_CODES, 4711, None):
        concerns = (
            ERROR_CODES[code].concerns
            if code in ERROR_CODES
            else "content"
            if code is None
            else None
        )
        expected = {"content": changed, "recipient": False}.get(concerns, code != 101)
        assert tried_again(code, changed=changed) is expected, code


# --- HTTP 413 -------------------------------------------------------------------------------------

LARGE_BYTES = 5_000


def large_in_the_middle(**fields):
    """Three rows, of which the second has a message that is too large for the server."""
    frame = people(3).assign(text=["short", "x" * LARGE_BYTES, "short"])
    return frame.mail.compose(LETTER.replace(text_body="{{ text }}", **fields), name="numbers")


def refuse_large(sandbox):
    """Reply with HTTP 413 to each request with a long body."""
    sandbox.fault(lambda arrival: FaultName.HTTP_413_HTML if arrival.bytes > LARGE_BYTES else None)
    return sandbox.server


@pytest.mark.parametrize("ledger", ["default", None])
def test_a_message_that_is_too_large_for_the_server_has_no_error_code(ledger, tmp_path):
    """An HTTP status is not an ErrorCode; the reason has it, also after a CSV round trip."""
    with mf.Sandbox() as sandbox:
        results = send_with(large_in_the_middle(), refuse_large(sandbox), ledger=ledger)
    assert results["status"].tolist() == ["accepted", "rejected", "accepted"]
    assert results["reason"].iloc[1] == "message_too_large"
    assert results["ErrorCode"].isna().tolist() == [False, True, False]
    assert results["Message"].iloc[1] == "HTTP 413: the request was too large"
    line = results.mail.summary().query("status == 'rejected'")
    assert line[["reason", "rows"]].to_numpy().tolist() == [["message_too_large", 1]]
    results.mail.to_csv(tmp_path / "r.csv")
    assert mf.read_results(tmp_path / "r.csv")["ErrorCode"].isna().tolist() == [False, True, False]


def test_a_message_that_was_too_large_is_retried_if_its_content_changed():
    """The ledger has it without a code; the same message is not posted again."""
    with mf.Sandbox() as sandbox:
        server = refuse_large(sandbox)
        send_with(large_in_the_middle(), server)
        again = send_with(large_in_the_middle(), server)
        assert again["status"].tolist() == ["skipped", "rejected", "skipped"]
        assert again["reason"].iloc[1] == "message_too_large"
        assert again["ErrorCode"].isna().all()
        shorter = people(3).assign(text=["short", "now short", "short"])
        composed = shorter.mail.compose(LETTER.replace(text_body="{{ text }}"), name="numbers")
        assert send_with(composed, server)["status"].tolist() == ["skipped", "accepted", "skipped"]
        assert len(sandbox.messages()) == 3


def test_a_message_that_was_too_large_can_be_sent_again_by_resend():
    """The limit of a proxy may have been raised."""
    with mf.Sandbox() as sandbox:
        server = refuse_large(sandbox)
        send_with(large_in_the_middle(), server)
        sandbox.reset()
        results = send_with(large_in_the_middle(), sandbox.server, resend=["p1@example.com"])
    assert results["status"].tolist() == ["skipped", "accepted", "skipped"]


def test_a_test_email_that_is_too_large_has_no_error_code_either():
    """The other endpoint has the same reply."""
    with mf.Sandbox(faults=["http_413_html"]) as sandbox:
        results = campaign(1).send_test(sandbox.server, to="me@example.com", rows=[0])
    assert results["reason"].tolist() == ["message_too_large"]
    assert results["ErrorCode"].isna().all()


def test_a_row_of_an_old_ledger_with_413_for_a_status_is_retried():
    """Older versions stored the status as a code; it is ambiguous, and a retry is harmless."""
    with mf.Sandbox(server_id=7, approval="refused") as broken:
        rejected(campaign(1), broken.server)
    assert default_path().exists()
    with mf.Sandbox(server_id=7) as fixed:
        fixed.fault("http_413_html")
        results = send_with(campaign(1), fixed.server)
        assert results["reason"].tolist() == ["message_too_large"]
        assert results["ErrorCode"].isna().all()
