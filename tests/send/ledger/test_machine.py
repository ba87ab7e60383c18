"""Any sequence of calls: no duplicate without a confirmation, and a ledger that is true."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import httpx
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import mailframe as mf
from mailframe.errors import MailframeWarning
from mailframe.message.digests import digest
from mailframe.paths import ledger_path
from mailframe.sandbox import Fault
from mailframe.send.ledger import Ledger, MessageState
from mailframe.send.retry_policy import RetryPolicy
from tests.campaigns import LETTER, send_with
from tests.send.ledger.judging import age, states

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.postgres import PostgresServer

CONTROL = "me@acme.example"
HASTE = RetryPolicy(busy_tries=2, reach_tries=2, first_wait_s=0.001, search_s=0.0)
FAULTS = (
    "close_accepted",
    "close_lost",
    "part_accepted",
    "half_answer_accepted",
    "http_500_lost",
    "http_500_accepted",
    "http_503_json",
    "http_429",
    "short_reply",
    "shuffled_reply",
    "html_reply",
)
MAX_BYTES = 1_300
"""A longer request is answered by 413, so that a handful of rows makes several batches."""
SEARCH = "/messages/outbound"


class Wire(httpx.BaseTransport):
    """A transport to the sandbox that can break: from then on nothing arrives, as after a crash.

    Args:
        inner: to the sandbox.
        crash: called at that moment.
    """

    def __init__(self, inner: httpx.BaseTransport, crash: Callable[[], None]) -> None:
        self._inner, self._crash = inner, crash
        self.is_broken = False
        self.left: int | None = None
        self.delivered = False
        self.posts = 0

    def crash_at(self, request: int | None, *, delivered: bool) -> None:
        """Break at that POST; *delivered* says whether the server still gets it."""
        self.left, self.delivered = request, delivered
        self.is_broken = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request, unless the way is broken."""
        if self.is_broken:
            raise httpx.ConnectError("crashed", request=request)
        if request.method == "POST":
            self._post(request)
        return self._inner.handle_request(request)

    def _post(self, request: httpx.Request) -> None:
        if self.left is not None:
            self.left -= 1
        if self.left == 0:
            if self.delivered:
                self._inner.handle_request(request)
            self.is_broken = True
            self._crash()
            raise httpx.ConnectError("crashed", request=request)
        self.posts += 1


class Campaign(RuleBasedStateMachine):
    """One campaign, its frame, its ledger and a server."""

    @initialize(rows=st.integers(1, 7))
    def begin(self, rows):
        """An empty ledger and a frame of a few rows."""
        self.folder = Path(tempfile.mkdtemp())
        self.ledger = self.new_ledger()
        self.sandbox = mf.Sandbox(in_process=True, suppressions=["p3@example.com"]).start()
        self.sandbox.fault(lambda arrival: "http_413_html" if arrival.bytes > MAX_BYTES else None)
        self.wire = Wire(self.sandbox.transport(), self.crash)
        self.server = mf.Postmark("token", base_url="http://127.0.0.1", transport=self.wire)
        self.order = [f"p{n}@example.com" for n in range(rows)]
        self.next = rows
        self.version = 1
        self.words: Counter[str] = Counter()
        self.planned: set[str] = set()
        self.fences = 0

    def new_ledger(self):
        """The place of the ledger."""
        return self.folder / "ledger.sqlite3"

    def crash(self):
        """The file is copied: the copy is what a crash would have left."""
        shutil.copyfile(self.ledger, self.folder / "at-the-crash")

    def recover(self):
        """From now on the ledger is as the crash left it."""
        (self.folder / "at-the-crash").replace(self.ledger)
        self.ledger.chmod(0o600)

    def teardown(self):
        """Leave nothing behind."""
        if hasattr(self, "folder"):
            self.sandbox.close()
            shutil.rmtree(self.folder)

    # --- the frame and the letter ----------------------------------------------------------------

    @rule(many=st.integers(1, 3))
    def add_rows(self, many):
        """New people come in."""
        self.order += [f"p{n}@example.com" for n in range(self.next, self.next + many)]
        self.next += many

    @precondition(lambda self: len(self.order) > 1)
    @rule(data=st.data())
    def drop_a_row(self, data):
        """Somebody goes."""
        self.order.remove(data.draw(st.sampled_from(self.order)))

    @rule(data=st.data())
    def reorder(self, data):
        """The frame comes in another order."""
        self.order = data.draw(st.permutations(self.order))

    @rule()
    def edit_the_letter(self):
        """Another text from now on."""
        self.version += 1

    # --- runs ------------------------------------------------------------------------------------

    @rule(changed=st.booleans(), limit=st.none() | st.integers(0, 4))
    def send(self, changed, limit):
        """A run in good weather."""
        self._send(allow_changed=changed, limit=limit)

    @rule(name=st.sampled_from(FAULTS), request=st.integers(1, 6))
    def send_with_a_fault(self, name, request):
        """A run in which one request goes wrong."""
        self._send(allow_changed=True, fault=Fault(name, request=self.wire.posts + request))

    @rule(name=st.sampled_from(["http_500_lost", "html_reply"]))
    def send_while_searches_fail(self, name):
        """A run that cannot ask anything."""
        self.sandbox.fault(Fault(name, path=SEARCH, times=3))
        self._send(allow_changed=True)

    @rule(request=st.integers(1, 5), delivered=st.booleans(), hidden=st.booleans())
    def send_and_crash(self, request, delivered, hidden):
        """A run that dies within a request; afterwards the file is as it was at that moment."""
        if hidden:
            self.sandbox.pause()
        self.wire.crash_at(request, delivered=delivered)
        try:
            self._send(allow_changed=True, judged=False)
        finally:
            crashed = self.wire.is_broken
            self.wire.crash_at(None, delivered=False)
            if crashed:
                self.recover()

    @precondition(lambda self: self.planned)
    @rule(data=st.data())
    def resend(self, data):
        """A person asks for one row to go out again."""
        who = data.draw(st.sampled_from(self.order))
        before = self._said()
        self._send(allow_changed=True, resend=[who])
        self.words[who] += self._said() - before

    # --- unconfirmed requests --------------------------------------------------------------------

    @rule()
    def reconcile(self):
        """Reconcile unconfirmed requests."""
        if self.planned:
            mf.reconcile("numbers", self.server, ledger=self.ledger)

    @rule(young=st.booleans(), control=st.sampled_from([None, CONTROL]))
    def resolve(self, young, control):
        """Decide that unknown messages were not accepted; refused without age and proof."""
        if not self.planned:
            return
        if not young:
            age(self.ledger)
        try:
            mf.resolve(
                *("numbers", self.server),
                as_="unsent",
                reason="a test",
                control=control,
                timeout=0,
                ledger=self.ledger,
            )
        except mf.errors.LedgerError:
            return
        assert not young or MessageState.UNKNOWN not in self._states().values()

    @rule()
    def send_something_else(self):
        """Another campaign, whose messages can be the proof that the search is up to date."""
        self.fences += 1
        frame = pd.DataFrame({"email": ["fence@example.org"], "n": [self.fences]})
        send_with(
            frame.mail.compose(LETTER, name=f"fence {self.fences}"),
            self.server,
            ledger=self.ledger,
            retry_policy=HASTE,
        )

    @rule()
    def pause_or_resume(self):
        """What is accepted from now on is hidden from searches, or shown again."""
        if self.sandbox.paused:
            self.sandbox.resume()
        else:
            self.sandbox.pause()

    # --- invariants ------------------------------------------------------------------------------

    @invariant()
    def nobody_has_two_without_a_word(self):
        """One copy, and one more for each time that a person asked for it."""
        if hasattr(self, "words"):
            for who, copies in self._copies().items():
                assert copies <= 1 + self.words[who], who

    @invariant()
    def the_ledger_says_what_is(self):
        """Accepted rows are at the server with that id; planned and rejected ones are not."""
        if not hasattr(self, "planned"):
            return
        arrived = self.sandbox.messages()
        ids = dict(zip(arrived["MessageID"], arrived["To"], strict=True))
        copies = self._copies()
        recorded = states(self.ledger)
        for who in self.planned:
            state, message_id = recorded[digest(who)]
            if state is MessageState.ACCEPTED:
                assert ids[message_id] == who
            elif state is not MessageState.UNKNOWN and state is not MessageState.SENDING:
                assert copies[who] <= self.words[who], f"{who} is {state.name} and is there"

    def _send(self, *, judged=True, fault=None, **options) -> None:
        frame = pd.DataFrame(
            {"email": self.order, "n": range(len(self.order))}, index=[0] * len(self.order)
        )
        composed = frame.drop(columns="n").mail.compose(
            LETTER.replace(subject=f"Version {self.version}", text_body="You.", metadata={}),
            name="numbers",
        )
        if fault is not None:
            self.sandbox.fault(fault)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MailframeWarning)
            try:
                results = send_with(
                    composed, self.server, ledger=self.ledger, retry_policy=HASTE, **options
                )
            except mf.errors.LedgerBehind:
                raise
            except mf.errors.MailframeError as error:
                results = error.results
        self._forget_faults()
        recorded = states(self.ledger)
        self.planned |= {who for who in self.order if digest(who) in recorded}
        if judged and results is not None:
            self._judge(results)

    def _judge(self, results):
        """Every row one status, in the caller's order, and none of them a lie."""
        assert results["email"].tolist() == self.order
        assert results.index.tolist() == [0] * len(self.order)
        copies = self._copies()
        for who, status in zip(results["email"], results["status"], strict=True):
            assert status in set(mf.Status)
            if status in ("unsent", "invalid", "rejected"):
                assert copies[who] <= self.words[who], f"{who} is {status} and is there"

    def _forget_faults(self):
        self.sandbox._handler.schedule.clear()
        self.sandbox.fault(lambda arrival: "http_413_html" if arrival.bytes > MAX_BYTES else None)

    def _copies(self) -> Counter[str]:
        copies = Counter(self.sandbox.messages()["To"])
        copies.pop("fence@example.org", None)
        copies.pop(CONTROL, None)
        return copies

    def _said(self) -> int:
        """How often a person asked for a row again, as the ledger has noted it."""
        with Ledger(ledger_path(self.ledger)) as ledger:
            return ledger.db.one(
                "SELECT count(*) FROM decision WHERE what = 'resend' AND messages = 1"
            )[0]

    def _states(self):
        return {key: state for key, (state, _) in states(self.ledger).items()}


class SharedCampaign(Campaign):
    """The same on PostgreSQL; a crash ends the connection of the sender."""

    postgres: ClassVar[PostgresServer]

    def new_ledger(self):
        """A schema of its own."""
        return self.postgres.url()

    def crash(self):
        """What is committed stays, and nothing is written any more."""
        self.postgres.end_senders()

    def recover(self):
        """The next connection finds it."""


Campaign.TestCase.settings = settings(
    max_examples=int(os.environ.get("MAILFRAME_TEST_EXAMPLES", "15")),  # other ones in each run
    stateful_step_count=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate]
    if "MAILFRAME_TEST_UNSHRUNK" in os.environ
    else tuple(Phase),
    suppress_health_check=list(HealthCheck),
)


class TestCampaign(Campaign.TestCase):
    """The machine, as pytest finds it."""


SharedCampaign.TestCase.settings = settings(
    Campaign.TestCase.settings,
    max_examples=int(os.environ.get("MAILFRAME_TEST_EXAMPLES", "4")),
)


class TestSharedCampaign(SharedCampaign.TestCase):
    """The machine on PostgreSQL."""

    @pytest.fixture(autouse=True)
    def _server(self, postgres):
        SharedCampaign.postgres = postgres
