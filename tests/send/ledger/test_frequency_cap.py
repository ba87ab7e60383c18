"""What counts for ``send(at_most=…)``: on a file and on PostgreSQL, and after each ledger tool."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

import mailframe as mf
from benchmarks.answering import accepted_item, answer_to, recipients
from mailframe.errors import LedgerError
from mailframe.paths import default_path
from mailframe.send.ledger import Ledger
from tests.campaigns import LETTER, people, send_with
from tests.send.ledger.judging import age, lose

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

pytestmark = pytest.mark.usefixtures("on_both")

ME = "me@acme.example"
NUMBERS = itertools.count(1)
"""Of MessageIDs: no two messages have the same one."""


@pytest.fixture
def sandbox():
    """A Postmark without a socket."""
    with mf.Sandbox(in_process=True) as opened:
        yield opened


def news(name: str, rows: pd.DataFrame, **fields) -> mf.Campaign:
    """A campaign whose messages are all different."""
    letter = LETTER.replace(subject=name + " {{ n }}", **fields)
    return rows.mail.compose(letter, name=name, key="n")


def capped(sandbox: mf.Sandbox, rows: pd.DataFrame, at_most: str = "1 per day") -> list[int]:
    """Who has enough emails for another campaign, as its plan and its dry run say."""
    last, options = news("last", rows), {"dry_run": True, "progress": False}
    results = last.send(sandbox.server, at_most=at_most, **options)
    who = results.loc[results["reason"] == "frequency_cap", "n"].tolist()
    plan = last.plan(sandbox.server, at_most=at_most)
    assert plan.skipped == ({"frequency_cap": len(who)} if who else {})
    assert plan.messages == (results["reason"] == "dry run").sum()
    return who


def answering(number: int, kind: str, on_post: Callable[[], object] = lambda: None) -> mf.Postmark:
    """A server of Postmark that accepts everything, and calls a function before it answers."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            described = {"/server": {"ID": number, "DeliveryType": kind}}
            return httpx.Response(
                200, json=described.get(request.url.path, answer_to(request.url.path))
            )
        on_post()
        to = recipients([request.content])
        items = [accepted_item(one, next(NUMBERS)) for one in to]
        return httpx.Response(200, content=b"[" + b",".join(items) + b"]")

    return mf.Postmark("token", transport=httpx.MockTransport(answer))


def test_emails_count_from_the_first_moment_of_the_span(sandbox):
    """To the microsecond, and by the clock of the ledger, which a closed one does not have."""
    rows = people(3)
    assert capped(sandbox, rows, "1 per hour") == []  # there is no ledger yet
    send_with(news("first", rows.head(2)), sandbox.server)
    age(default_path(), 59)
    assert capped(sandbox, rows, "1 per hour") == [0, 1]
    age(default_path(), 2)
    assert capped(sandbox, rows, "1 per hour") == []
    with Ledger(default_path()) as ledger:
        scope = ledger.campaigns()[0][0].scope
        started = datetime.fromisoformat(ledger.db.one("SELECT started_at FROM attempt")[0])
        for microseconds, number in ((-1, 2), (0, 2), (1, 0)):
            first = (started + timedelta(microseconds=microseconds)).isoformat(
                timespec="microseconds"
            )
            assert len(ledger.requests.started_since(first, scope=scope)) == number
    if str(default_path()).startswith("postgresql"):
        with pytest.raises(LedgerError):
            ledger.db.now()


@pytest.mark.filterwarnings("ignore:Postmark has this server in sandbox mode")
def test_the_emails_of_all_live_servers_count_for_each_of_them(sandbox):
    """Those of a server that delivers nothing count for itself alone, and none for a test token."""
    rows = people(2).assign(email=["a@acme.org", "b@acme.org"])
    servers = [answering(5, "Live"), answering(6, "Live"), answering(7, "Sandbox"), sandbox.server]
    one, last = (news(name, rows, sender="me@acme.org") for name in ("one", "last"))
    before, after = [], []
    for server in servers:
        before.append(last.plan(server, at_most="1 per day").messages)
        send_with(one, server, limit=1, recount=False)
        after.append(last.plan(server, at_most="1 per day").messages)
        assert last.plan(server, at_most="99999999999999999999 per 522 weeks").messages == 2
    assert (before, after) == ([2, 1, 2, 2], [1, 1, 1, 1])
    assert last.plan(mf.Postmark("POSTMARK_API_TEST"), at_most="1/day").messages == 2


@pytest.mark.filterwarnings("ignore:Postmark has this server in sandbox mode")
@pytest.mark.parametrize(
    ("number", "kind", "at_most", "is_ended"),
    [
        (5, "Live", "1 per day", True),
        (6, "Live", "1 per day", True),  # another server of the same people
        (7, "Sandbox", "1 per day", False),
        (5, "Live", "2 per day", False),
    ],
)
def test_what_another_campaign_sends_during_a_send_counts(number, kind, at_most, is_ended):
    """The send ends before somebody gets too many emails, and the next call leaves them out."""
    rows = people(3).assign(email=["a@acme.org", "b@acme.org", "c@acme.org"])
    last = news("last", rows, sender="me@acme.org")
    others = [news("other", rows.iloc[1:2], sender="me@acme.org")]

    def interfere() -> None:
        if others:
            send_with(others.pop(), answering(number, kind), recount=False)

    def send(server: mf.Postmark) -> pd.DataFrame:
        return last.send(
            server, rate="1/s", limit=2, at_most=at_most, progress=False, recount=False
        )

    if not is_ended:
        assert send(answering(5, "Live", interfere))["status"].tolist()[:2] == ["accepted"] * 2
        return
    with pytest.raises(mf.errors.CapReached, match=r"1 person of .* 'other' meanwhile") as caught:
        send(answering(5, "Live", interfere))
    assert caught.value.results["status"].tolist() == ["accepted", "unsent", "unsent"]
    again = send(answering(5, "Live"))
    assert again["reason"].fillna("").tolist() == ["already_sent", "frequency_cap", ""]


def test_each_ledger_tool_leaves_what_the_person_has(sandbox):
    """Who may have the email counts until it is decided; adopted and forgotten ones do not."""
    rows = people(4).assign(email=["P0@Example.com", "Ann <p1@example.com>", "p2@example.com", ""])
    rows.loc[3, "email"] = "p3@b\u00fccher.example"
    sandbox.fault("close_lost")
    assert set(send_with(news("lost", rows.head(1)), sandbox.server)["status"]) == {"unknown"}
    sandbox.fault("close_accepted")
    send_with(news("held", rows.iloc[1:2]), sandbox.server)
    send_with(news("plain", rows.iloc[2:]), sandbox.server)
    again = rows.assign(email=["p0@example.com", "P1@EXAMPLE.com", "p2@example.com", rows.email[3]])
    again.loc[3, "email"] = "P3@xn--bcher-kva.example"
    assert capped(sandbox, again) == [0, 1, 2, 3]
    mf.reconcile("lost", sandbox.server)
    mf.reconcile("held", sandbox.server)
    assert capped(sandbox, again) == [0, 1, 2, 3]
    age(default_path())
    assert mf.resolve("lost", sandbox.server, as_="unsent", reason="asked", control=ME) == 1
    assert capped(sandbox, again) == [1, 2, 3]
    mf.forget("p2@example.com")
    assert capped(sandbox, again) == [1, 3]
    lose(default_path())
    for name in ("held", "plain"):
        mf.adopt(name, sandbox.server)
    assert capped(sandbox, again) == []


def test_what_is_sent_again_counts_once_more_and_what_is_not_sent_does_not(sandbox):
    """Also before it was sent again; a rejection is no email, nor is a row that stays rejected."""
    rows = people(4).assign(email=["a@example.com"] * 2 + ["b@example.com"] * 2)
    first, server, last = news("first", rows), sandbox.server, rows.tail(2)
    two = {"at_most": "2 per day", "progress": False}
    unasked = {"check_suppressed": False, "progress": False}
    first.send(server, exclude=[1, 3], **two)
    again = first.send(server, resend=[0], exclude=[2, 3], **two)
    assert again["reason"].fillna("").tolist() == ["", "frequency_cap", "already_sent", "excluded"]
    assert capped(sandbox, rows, "2 per day") == [0, 1, 3]
    assert capped(sandbox, rows, "3 per day") == [1]
    first.send(server, resend=[2], limit=0, exclude=[1, 3], progress=False)
    assert capped(sandbox, last) == [2, 3]
    sandbox.suppress("b@example.com")
    rejected = first.send(server, exclude=[1, 3], **unasked)
    assert rejected["status"].tolist()[2] == "rejected"
    rejected = news("next", last).send(server, limit=1, at_most="2 per day", **unasked)
    assert rejected["status"].tolist() == ["rejected", "skipped"]
    assert news("next", last).plan(server, at_most="2 per day").skipped == {"suppressed": 2}
    item = {"Suppressions": [{"EmailAddress": "b@example.com"}]}
    server.change("/message-streams/outbound/suppressions/delete", item)
    assert (capped(sandbox, last), capped(sandbox, last, "2 per day")) == ([2, 3], [3])
    plan = news("next", last).plan(server, at_most="2 per day")
    assert (plan.messages, plan.skipped, plan.earlier) == (1, {}, {"rejected": 1})
    assert plan.blocked_rows == 0
    assert "; 1 rejected earlier" in str(plan)
    assert "not sent again: 1 rejected" in repr(plan)
    assert "rejected earlier" in plan._repr_html_()
    results = news("next", last).send(server, **two)
    assert results["status"].tolist() == ["rejected", "accepted"]
