"""Decisions about unknown messages: one call, and no clock that can be set matters."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import httpx
import pytest

import mailframe as mf
from mailframe import errors
from mailframe.paths import default_path
from mailframe.sandbox import Fault
from mailframe.send.ledger import Ledger
from tests.campaigns import LETTER, campaign, people, send_with
from tests.postgres import on_files
from tests.send.ledger.judging import age
from tests.send.ledger.older_ledgers import made_old
from tests.send.ledger.test_runs import fence, unconfirmed

pytestmark = pytest.mark.usefixtures("on_both")

ME = "me@acme.example"


@pytest.fixture
def sandbox():
    """A Postmark without a socket."""
    with mf.Sandbox(in_process=True) as opened:
        yield opened


def decide(server: mf.Postmark, **options) -> int:
    """Decide that the unknown rows were not accepted."""
    return mf.resolve("numbers", server, as_="unsent", reason="asked support", **options)


def searches(sandbox: mf.Sandbox) -> int:
    """How many searches arrived."""
    return int((sandbox.requests()["path"] == "/messages/outbound").sum())


def turn_clock(*, minutes: int, which: str = "1 = 1") -> None:
    """Change the recorded start of requests, as by a clock that was so many minutes fast."""
    with Ledger(default_path()) as ledger, ledger.db.transaction():
        for row, started in ledger.db.all(f"SELECT id, started_at FROM attempt WHERE {which}"):  # noqa: S608
            wrong = (datetime.fromisoformat(started) + timedelta(minutes=minutes)).isoformat(
                timespec="microseconds"
            )
            ledger.db.run("UPDATE attempt SET started_at = ? WHERE id = ?", (wrong, row))


def restart_machine() -> None:
    """Let every request have begun before the machine was started the last time."""
    with Ledger(default_path()) as ledger, ledger.db.transaction():
        ledger.db.run("UPDATE attempt SET boot = 'an earlier start'")


# --- one call ------------------------------------------------------------------------------------


def test_a_user_with_one_campaign_gets_out_of_unknown_in_one_call(sandbox):
    """The only campaign is unknown: one control message to oneself, and no other message."""
    unconfirmed(sandbox)
    age(default_path())
    assert decide(sandbox.server, control=ME) == 4
    assert sandbox.messages()[["From", "To"]].to_numpy().tolist() == [[ME, ME]]
    assert set(send_with(campaign(4), sandbox.server)["status"]) == {"accepted"}
    assert sandbox.messages()["To"].value_counts().max() == 1
    assert mf.audit("numbers", sandbox.server)["finding"].eq("agreed").all()


@on_files
def test_the_error_without_a_later_message_shows_a_call_that_works(sandbox):
    """What the error says can be run as it stands, with an address of one's own."""
    unconfirmed(sandbox)
    age(default_path())
    ledger = str(default_path())
    with pytest.raises(
        errors.LedgerError, match="not proven that the search is up to date"
    ) as caught:
        decide(sandbox.server, ledger=ledger)
    call = str(caught.value).partition("mf.resolve(")[2].partition(")")[0]
    assert "control='you@your-domain.example'" in call
    call = call.replace("you@your-domain.example", ME)
    assert eval(f"mf.resolve({call})", {"mf": mf, "server": sandbox.server}) == 4  # noqa: S307 - it must run


def test_the_error_of_a_young_request_says_how_long_to_wait_and_posts_nothing(sandbox):
    """No control message goes out as long as the decision is refused for its age."""
    unconfirmed(sandbox)
    age(default_path(), 20)
    with pytest.raises(
        errors.LedgerError, match=r"20 minutes ago.*in 10 minutes.*mf\.resolve\('numbers'"
    ):
        decide(sandbox.server, control=ME)
    assert sandbox.messages().empty


def test_each_stream_gets_a_control_message_of_its_own(sandbox):
    """Each stream has an index of its own."""
    sandbox.fault(Fault("close_lost"))
    frame = people(2).assign(stream=["outbound", "broadcast"])
    composed = frame.mail.compose(LETTER, name="numbers", message_stream="{{ stream }}")
    send_with(composed, sandbox.server)
    age(default_path())
    assert decide(sandbox.server, control=ME) == 2
    assert sorted(sandbox.messages()["MessageStream"]) == ["broadcast", "outbound"]


def test_a_control_message_is_waited_for(sandbox):
    """The index lags by a second."""
    unconfirmed(sandbox)
    age(default_path())
    sandbox.index_delay_s = 1.0
    assert decide(sandbox.server, control=ME) == 4


def test_a_control_message_that_does_not_show_decides_nothing_and_counts_later(sandbox):
    """A paused account: refused within the timeout; once it is shown, no second one is needed."""
    unconfirmed(sandbox)
    age(default_path())
    sandbox.pause()
    with pytest.raises(
        errors.LedgerError, match=r"does not show it after 0\.3 seconds.*nothing was changed"
    ):
        decide(sandbox.server, control=ME, timeout=0.3)
    assert set(send_with(campaign(4), sandbox.server)["status"]) == {"unknown"}
    sandbox.resume()
    assert decide(sandbox.server, control=ME) == 4
    assert sandbox.messages()["To"].tolist() == [ME]


@pytest.mark.parametrize(
    ("control", "says"), [("", "one address"), ("a@b.example, c@d.example", "one address")]
)
def test_a_control_address_that_is_none_is_refused(sandbox, control, says):
    """One address of one's own; nothing is posted otherwise."""
    unconfirmed(sandbox)
    age(default_path())
    with pytest.raises(errors.LedgerError, match=says):
        decide(sandbox.server, control=control)
    assert sandbox.messages().empty


@pytest.mark.parametrize("fault", ["http_500_lost", "close_lost", "http_422"])
def test_a_control_message_that_is_not_accepted_decides_nothing(sandbox, fault):
    """Refused, lost or unanswered: the rows stay unknown, and the error says what to do."""
    unconfirmed(sandbox)
    age(default_path())
    if fault == "http_422":
        sandbox.suppress(ME)
    else:
        sandbox.fault(Fault(fault))
    with pytest.raises(errors.LedgerError, match=r"[nN]othing was changed"):
        decide(sandbox.server, control=ME, timeout=0.3)
    assert mf.history()["unknown"].tolist() == [4]


@pytest.mark.parametrize("control", [None, ME])
def test_a_batch_that_shows_together_with_the_later_message_is_accepted(sandbox, control):
    """The index catches up in the middle of the call: the batch is there, and is not sent again."""
    sandbox.pause()
    unconfirmed(sandbox, "close_accepted")
    if control is None:
        fence(sandbox)
    age(default_path())
    before = searches(sandbox)
    sandbox.fault(
        lambda arrival: sandbox.resume() if arrival.number > before + 1 else None,
        path="/messages/outbound",
    )
    assert decide(sandbox.server, **({} if control is None else {"control": control})) == 0
    assert set(send_with(campaign(4), sandbox.server)["reason"]) == {"already_sent"}


def test_the_test_token_needs_no_proof(sandbox):
    """It delivers nothing to anybody, and Postmark keeps nothing of it that could be searched."""
    server = mf.Postmark(
        "POSTMARK_API_TEST", base_url="http://127.0.0.1", transport=sandbox.transport()
    )
    sandbox.fault(Fault("close_lost"))
    assert set(send_with(campaign(4), server)["status"]) == {"unknown"}
    assert mf.reconcile("numbers", server)["unknown"].tolist() == [4]
    assert decide(server) == 4
    assert set(send_with(campaign(4), server)["status"]) == {"accepted"}


def test_a_message_that_was_accepted_shortly_after_the_batch_does_not_save_the_control_message(
    sandbox,
):
    """It shows how current the search was then; the control message shows how current it is now."""
    unconfirmed(sandbox)
    fence(sandbox)
    age(default_path())
    assert decide(sandbox.server, control=ME) == 4
    assert sandbox.messages()["To"].tolist() == ["fence@example.org", ME]


@pytest.mark.parametrize("timeout", [-1, float("nan"), "60", True, None, 10**9])
def test_a_timeout_that_is_no_time_is_refused_before_anything_is_posted(sandbox, timeout):
    """Seconds, from none to an hour."""
    unconfirmed(sandbox)
    age(default_path())
    with pytest.raises(errors.LedgerError, match="is not a number of seconds"):
        decide(sandbox.server, control=ME, timeout=timeout)
    assert sandbox.messages().empty


def test_a_control_address_may_have_a_name(sandbox):
    """As in the letter's sender."""
    unconfirmed(sandbox)
    age(default_path())
    assert decide(sandbox.server, control="Zoë, Acme <me@acme.example>") == 4
    assert sandbox.messages()["To"].str.contains(ME).all()


# --- clocks --------------------------------------------------------------------------------------


def test_an_earlier_request_of_a_clock_that_was_fast_is_not_a_later_message(sandbox):
    """It was sent first, although the clock said otherwise, and proves nothing."""
    fence(sandbox)
    turn_clock(minutes=60)
    sandbox.pause()
    unconfirmed(sandbox, "close_accepted")
    age(default_path(), 40)
    with pytest.raises(errors.LedgerError, match="not proven that the search is up to date"):
        decide(sandbox.server)
    sandbox.resume()
    assert set(send_with(campaign(4), sandbox.server)["reason"]) == {"already_sent"}


def test_a_later_request_of_a_clock_that_was_set_back_is_a_later_message(sandbox):
    """The ledger's own order counts."""
    unconfirmed(sandbox)
    fence(sandbox)
    turn_clock(minutes=-600, which="id = 2")
    age(default_path())
    assert decide(sandbox.server) == 4


def test_a_request_that_was_under_way_beside_the_unknown_one_is_no_later_message(sandbox):
    """It was recorded later and may have arrived earlier, so it proves nothing."""

    class Beside(httpx.BaseTransport):
        posts = 0

        def handle_request(self, request):
            if request.method == "POST":
                self.posts += 1
                if self.posts == 1:
                    fence(sandbox)
                    raise httpx.ReadError("no answer")
            return inner.handle_request(request)

    inner = sandbox.transport()
    send_with(campaign(4), mf.Postmark("any", base_url="http://127.0.0.1", transport=Beside()))
    assert mf.history()["unknown"].tolist() == [4, 0]
    age(default_path())
    with pytest.raises(errors.LedgerError, match="not proven that the search is up to date"):
        decide(sandbox.server)


def test_a_clock_that_was_set_forward_does_not_make_a_request_old(sandbox):
    """The clock says an hour; the time since the machine was started says seconds."""
    unconfirmed(sandbox)
    fence(sandbox)
    turn_clock(minutes=-60)
    with pytest.raises(errors.LedgerError, match="0 minutes ago"):
        decide(sandbox.server)


def test_a_clock_that_was_set_back_does_not_make_a_request_young_for_ever(sandbox):
    """It began tomorrow by the clock, and an hour ago by the time since the machine was started."""
    unconfirmed(sandbox)
    fence(sandbox)
    age(default_path())
    turn_clock(minutes=60 * 24)
    assert decide(sandbox.server) == 4


class Later(httpx.BaseTransport):
    """A Postmark whose clock can be put forward for the messages that arrive from then on."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner, self.minutes, self._ids = inner, 0, {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        answer = self._inner.handle_request(request)
        body = json.loads(answer.read())
        if request.url.path == "/email":
            self._ids[body.get("MessageID")] = self.minutes
        if request.url.path != "/messages/outbound":
            return httpx.Response(answer.status_code, json=body)
        for message in body["Messages"]:
            received = datetime.fromisoformat(message["ReceivedAt"])
            received += timedelta(minutes=self._ids.get(message["MessageID"], 0))
            message["ReceivedAt"] = received.isoformat()
        return httpx.Response(answer.status_code, json=body)


@pytest.mark.parametrize(
    ("minutes", "ahead"),
    [(0, 0), (60 * 24 * 365, 0), (0, 60)],
    ids=["right", "a year fast", "an hour slow"],
)
def test_after_a_restart_the_clock_of_postmark_shows_that_time_has_passed(sandbox, minutes, ahead):
    """Two control messages, half an hour apart by Postmark's clock, whatever the ledger's shows."""
    wire = Later(sandbox.transport())
    server = mf.Postmark("any", base_url="http://127.0.0.1", transport=wire)
    unconfirmed(sandbox)
    restart_machine()
    turn_clock(minutes=minutes)
    for passed in (0, 29):
        wire.minutes = ahead + passed
        with pytest.raises(
            errors.LedgerError, match=rf"in {30 - passed} minutes.*nothing was changed"
        ):
            decide(server, control=ME)
    wire.minutes = ahead + 31
    assert decide(server, control=ME) == 4
    assert set(sandbox.messages()["To"]) == {ME}


def test_after_a_restart_one_call_is_enough_when_the_batch_left_long_ago(sandbox):
    """It left an hour before the time at which Postmark received the control message."""
    unconfirmed(sandbox)
    age(default_path())
    restart_machine()
    assert decide(sandbox.server, control=ME) == 4


@on_files
def test_what_an_older_mailframe_left_unknown_has_the_same_way_out(sandbox):
    """Its ledger has the wall clock alone; Postmark's clock shows that time has passed."""
    unconfirmed(sandbox)
    fence(sandbox)
    made_old(default_path())
    with pytest.raises(errors.LedgerError, match="not proven that the search is up to date"):
        decide(sandbox.server)  # whether the other one was sent later is not known
    with pytest.raises(errors.LedgerError, match="in 30 minutes"):
        decide(sandbox.server, control=ME)
    age(default_path())
    assert decide(sandbox.server, control=ME) == 4
