"""Who gets no message on purpose: consent, suppressions, the frequency cap and the holdout."""

from __future__ import annotations

import copy
import json
import pickle
from collections import Counter
from functools import partial

import httpx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailframe as mf
from benchmarks.answering import NOTHING_FOUND, STREAMS
from mailframe.errors import FrameError, LetterError, MailframeError, NotPicklable, StreamRefused
from mailframe.send.retry_policy import RetryPolicy

PEOPLE = pd.DataFrame(
    {
        "id": [f"{number:03}" for number in range(40)],
        "email": [f"p{number}@example.com" for number in range(40)],
        "opted_in": [True, False, None, True] * 10,
    }
)
LETTER = mf.Letter(sender="me@acme.example", to="{{ email }}", subject="Hi", text_body="Hi")
QUIET = {"progress": False}


def campaign(people: pd.DataFrame = PEOPLE, **options) -> mf.Campaign:
    """A campaign with one message per row."""
    letter = options.pop("letter", LETTER)
    return mf.compose(people, letter, **({"name": "spring", "key": "id"} | options))


def reasons(results: pd.DataFrame) -> dict:
    """The number of rows of each reason."""
    return dict(Counter(results["reason"].dropna()))


@pytest.fixture
def sandbox():
    """A local Postmark in this process."""
    with mf.Sandbox(in_process=True) as local:
        yield local


def ids(sandbox: mf.Sandbox) -> set:
    """Who has got a message."""
    return set(sandbox.messages()["To"].tolist())


# --- consent -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "consent",
    [
        "opted_in",
        PEOPLE["opted_in"],
        PEOPLE["opted_in"].astype("boolean"),
        PEOPLE["opted_in"].map({True: 1.0, False: 0.0}),
        PEOPLE["opted_in"].map({True: 1, False: 0}).astype("Int64"),
        lambda people: people["opted_in"].eq(True),
        PEOPLE["opted_in"].astype("boolean").astype(pd.ArrowDtype(__import__("pyarrow").bool_())),
        pd.Series(["TRUE ", "", " \t", "true"] * 10),
    ],
)
def test_only_who_has_consented_gets_the_message(sandbox, tmp_path, consent):
    """A missing value is no consent, and the errors of the others stop nothing."""
    people = PEOPLE.assign(email=PEOPLE["email"].where(PEOPLE["opted_in"].eq(True), "no address"))
    chosen = campaign(people, consent=consent)
    assert "20 no_consent" in str(chosen.plan())
    assert chosen.problems().empty
    assert sum(len(batch) for batch in chosen.batches()) == 20
    results = chosen.send(sandbox.server, ledger=tmp_path / "l", **QUIET)
    assert reasons(results) == {"no_consent": 20}
    assert ids(sandbox) == set(PEOPLE.loc[PEOPLE["opted_in"].eq(True), "email"])
    copied = copy.deepcopy(campaign(consent="opted_in"))
    assert copied.plan().skipped == {"no_consent": 20}


@pytest.mark.parametrize(
    ("consent", "error", "text"),
    [
        ("agreed", FrameError, "consent='agreed': no such column"),
        ("email", FrameError, "consent: id 000 has 'p0@example.com', which is neither True nor Fa"),
        (PEOPLE["opted_in"].map({True: "yes", False: "no"}), FrameError, "'yes', which is neither"),
        (PEOPLE["opted_in"].map({True: 2, False: 0}), FrameError, "has 2.0"),
        (pd.Series([pd.Timestamp("2026-01-01")] * 40), FrameError, r"or consent=df\['a'\].notna"),
        (True, FrameError, "consent=True: no such column"),
        (np.array([True] * 40), FrameError, "consent takes a column or .*, not a ndarray"),
        (PEOPLE[["opted_in"]], FrameError, "not a DataFrame"),
        (PEOPLE["opted_in"].iloc[::-1].reset_index(drop=True).iloc[:5], LetterError, "index"),
        (lambda people: people["nothing"], LetterError, "could not be taken from the frame"),
    ],
)
def test_what_is_no_truth_value_is_refused(consent, error, text):
    """A text such as "no" would be true in Python."""
    with pytest.raises(error, match=text):
        campaign(consent=consent)


# --- the holdout ---------------------------------------------------------------------------------


MANY = pd.DataFrame(
    {
        "id": np.arange(4_000),
        "email": [f"p{number}@example.com" for number in range(4_000)],
    }
)


def held(people: pd.DataFrame, share: object = 0.25, seed: object = "a") -> set:
    """The keys of the holdout."""
    chosen = campaign(people, holdout=share, seed=seed)
    return set(people["id"][chosen._composed.groups.holdout].tolist())


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_the_holdout_depends_on_key_and_seed_alone(data):
    """Not on the order of the rows, on other rows, or on the dtype of the key."""
    rows = data.draw(st.lists(st.integers(0, 399), unique=True, max_size=60), label="rows")
    few = MANY.iloc[rows]
    assert held(few) == held(MANY.head(400)) & set(few["id"].tolist())
    as_text = few.assign(id=few["id"].astype("str"))
    assert {int(one) for one in held(as_text)} == held(few)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.99])
def test_shares_are_as_asked(share):
    """Within five standard deviations, and seeds are independent of each other."""
    first, second = held(MANY, share, "a"), held(MANY, share, "b")
    spread = 5 * (len(MANY) * share * (1 - share)) ** 0.5
    assert abs(len(first) - len(MANY) * share) < spread
    both = len(MANY) * share**2
    assert abs(len(first & second) - both) < 5 * (both * (1 - share**2)) ** 0.5 + 1
    assert held(MANY, share, 7) == held(MANY, share, "7") != first


def test_a_share_of_zero_holds_nobody_and_a_known_seed_holds_these():
    """The assignment is recorded in results of earlier releases, so it must not change."""
    assert held(MANY, 0) == set()
    assert sorted(held(MANY.head(60), 0.1, "spring")) == KNOWN


KNOWN = [3, 14, 27, 30]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"holdout": 1}, "neither a share"),
        ({"holdout": -0.1}, "neither a share"),
        ({"holdout": True}, "neither a share"),
        ({"holdout": float("nan")}, "neither a share"),
        ({"holdout": [0.1]}, "neither a share"),
        ({"holdout": 10**400}, "neither a share"),
        ({"holdout": 0.1, "key": None}, "name its column with key="),
        ({"holdout": 0.1, "name": None}, "needs seed="),
        ({"holdout": 0.1, "seed": 1.5}, "seed=1.5 is neither text nor"),
        ({"holdout": "opted_in"}, "None, which is neither|nan, which is neither"),
        ({"holdout": lambda people: people["id"].where(people["id"] < "0", "")}, "has ''"),
    ],
)
def test_a_wrong_holdout_is_refused(options, text):
    """Before anything is rendered."""
    with pytest.raises(MailframeError, match=text):
        campaign(**options)


def test_the_cap_is_the_same_whoever_is_held_out(sandbox, tmp_path):
    """Else those who are compared would differ in more than the email."""
    people = PEOPLE.head(3).assign(
        email=["a@example.com"] * 2 + ["b@example.com"], subject=range(3)
    )
    for held in ([True, False, False], [False, False, True], [False, True, False]):
        options = {"ledger": tmp_path / f"{held}", "at_most": "1 per day"}
        chosen = campaign(people.assign(held=held), holdout="held")
        plan = chosen.plan(sandbox.server, **options)
        results = chosen.send(sandbox.server, dry_run=True, allow_repeat=True, **options, **QUIET)
        assert results["reason"][1] == "frequency_cap"
        assert plan.skipped == reasons(results[results["status"] == "skipped"])


def test_the_holdout_is_taken_of_those_who_would_get_the_message(sandbox, tmp_path):
    """Each row has the first of its reasons, and blocked rows are no comparison."""
    people = PEOPLE.assign(held=True).assign(held=lambda frame: frame.index < 8)
    sandbox.server.suppress(["p4@example.com", "p20@example.com"])
    chosen = campaign(people, consent="opted_in", holdout="held")
    options = {"exclude": ["000", "024"], "ledger": tmp_path / "ledger"}
    assert chosen.plan(sandbox.server, exclude=options["exclude"]).skipped == {
        "no_consent": 20,
        "excluded": 2,
        "suppressed": 2,
        "holdout": 2,
    }
    first = chosen.send(sandbox.server, limit=5, **options, **QUIET)
    results = chosen.send(sandbox.server, **options, **QUIET)
    assert reasons(first) == {
        "no_consent": 20,
        "excluded": 2,
        "suppressed": 2,
        "holdout": 2,
        "limit": 9,
    }
    assert reasons(results) | {"limit": 9} == reasons(first) | {"already_sent": 5}
    held_rows = results["reason"] == "holdout"
    assert results.loc[held_rows, "id"].tolist() == ["003", "007"]
    assert len(ids(sandbox)) == 14


def test_an_approval_is_of_the_people_who_get_the_message():
    """Another consent or holdout is another campaign; without any it is the one of before."""
    prints = {
        campaign(**options).fingerprint
        for options in ({}, {"consent": "opted_in"}, {"holdout": 0.2}, {"holdout": 0.3})
    }
    assert len(prints) == 4
    assert campaign(seed="unused").fingerprint == campaign().fingerprint


# --- suppressions --------------------------------------------------------------------------------


@pytest.mark.parametrize("ledger", [None, "ledger.db"])
def test_suppressed_people_are_skipped_before_anything_is_sent(sandbox, tmp_path, ledger):
    """In the stream that the message uses, in any case of the address."""
    server = sandbox.server
    server.suppress(["P1@Example.com", "p2@example.com", "nobody@example.com"])
    server.suppress(["p3@example.com"], "broadcast")
    place = None if ledger is None else tmp_path / ledger
    assert "2 suppressed" in str(campaign().plan(server))
    results = campaign().send(server, ledger=place, **QUIET)
    assert results.loc[results["reason"] == "suppressed", "id"].tolist() == ["001", "002"]
    assert len(ids(sandbox)) == 38
    unasked = campaign(name="summer").send(
        server, ledger=place, check_suppressed=False, allow_repeat=True, **QUIET
    )
    assert unasked.loc[unasked["ErrorCode"] == 406, "id"].tolist() == ["001", "002"]


def test_each_message_has_the_suppressions_of_its_stream_and_of_all_its_recipients(sandbox):
    """A message that some of its people get is sent."""
    server = sandbox.server
    server.suppress(["p0@example.com", "p1@example.com", "p2@example.com", "z@example.com"])
    people = PEOPLE.head(4).assign(
        stream=["outbound", "broadcast", "outbound", "outbound"],
        other=["z@example.com", "z@example.com", "y@example.com", "z@example.com"],
    )
    letter = LETTER.replace(to=["{{ email }}", "{{ other }}"], message_stream="{{ stream }}")
    results = campaign(people, letter=letter).send(server, ledger=None, **QUIET)
    assert results["reason"].fillna("").tolist() == ["suppressed", "", "", ""]


def test_suppressed_people_are_recognized_however_they_are_written(sandbox):
    """Names with commas, punycode, case; and in each letter of an experiment."""
    written = [
        "p1@b\u00fccher.example",
        'Lee, "P" <P2@Example.com>',
        "p3@example.com",
        "p4@example.com",
    ]
    people = PEOPLE.head(4).assign(email=written, other=["x@example.com", "P3@EXAMPLE.COM"] * 2)
    for address in ("P1@xn--bcher-kva.example", "p2@example.com", "p3@example.com"):
        sandbox.suppress(address)
    fields = {"name": "news", "variants": {"a": {}, "b": {"subject": "b"}}}
    results = campaign(people, **fields).send(sandbox.server, ledger=None, **QUIET)
    assert results["reason"].fillna("").tolist() == ["suppressed"] * 3 + [""]
    letter = LETTER.replace(to=["{{ email }}", "Lee, (other) <{{ other }}>"])
    both = campaign(people, letter=letter)
    assert both.plan(sandbox.server).skipped == {"suppressed": 1}
    sandbox.suppress("x@example.com")
    results = both.send(sandbox.server, ledger=None, **QUIET)
    assert results["reason"].fillna("").tolist() == ["suppressed"] * 3 + [""]


def test_many_suppressions_are_compared_while_they_arrive(sandbox):
    """Also those that come after the first five thousand."""
    addresses = [f"s{number}@example.com" for number in range(10_050)]
    for start in range(0, len(addresses), 50):
        sandbox.server.suppress(addresses[start : start + 50])
    people = MANY.head(3).assign(email=["s0@example.com", "s10049@example.com", "a@example.com"])
    assert campaign(people).plan(sandbox.server).skipped == {"suppressed": 2}


@pytest.mark.parametrize("stream", ["newsletter", "inbound", "old"])
def test_a_stream_that_takes_no_messages_refuses_the_run(sandbox, tmp_path, stream):
    """Before the first request, with the streams that do; the rows are unsent."""
    sandbox.server.change("/message-streams", OLD)
    sandbox.advance("2d")
    sandbox.server.change("/message-streams/old/archive", {})
    chosen = campaign(letter=LETTER.replace(message_stream=stream))
    with pytest.raises(StreamRefused, match=f"{stream!r} (does not exist|is an inbound|is archi)"):
        chosen.plan(sandbox.server)
    with pytest.raises(StreamRefused) as caught:
        chosen.send(sandbox.server, ledger=tmp_path / "l", **QUIET)
    assert set(caught.value.results["status"]) == {"unsent"}
    assert sandbox.messages().empty
    of_last = PEOPLE["id"].eq("039").map({True: stream, False: "outbound"})
    mixed = campaign(letter=LETTER.replace(message_stream=of_last))
    with pytest.raises(StreamRefused):
        mixed.send(sandbox.server, ledger=None, exclude=["000"], **QUIET)
    results = mixed.send(sandbox.server, ledger=None, exclude=["039"], **QUIET)
    assert Counter(results["status"]) == {"accepted": 39, "skipped": 1}


OLD = {"ID": "old", "Name": "Old", "MessageStreamType": "Broadcasts"}


# --- the frequency cap ---------------------------------------------------------------------------


def test_the_cap_counts_what_each_person_got_over_all_campaigns(sandbox, tmp_path):
    """Also under another key, and of several rows with one recipient those before."""
    server, ledger = sandbox.server, tmp_path / "ledger"
    people = PEOPLE.head(6)

    def send(name, frame=people, subject="Hi", **options):
        letter = LETTER.replace(subject=subject + name)
        chosen = campaign(frame, name=name, letter=letter)
        return chosen.send(server, ledger=ledger, **QUIET, **options)

    send("one", people.head(2))
    second = send("two", at_most="1 per 7 days")
    assert second["reason"].fillna("").tolist() == ["frequency_cap"] * 2 + [""] * 4
    again = send("two", at_most="1 per 7 days")
    assert reasons(again) == {"frequency_cap": 2, "already_sent": 4}
    twice = people.assign(id=people["id"] + "b")
    both = pd.concat([people, twice])
    third = send("three", both, subject="{{ id }}", at_most="2 / week")
    assert third["reason"].fillna("").tolist() == [""] * 6 + ["frequency_cap"] * 6
    assert campaign(both, name="four").plan(server, ledger=ledger, at_most="3 per day").skipped == {
        "frequency_cap": 6
    }
    assert reasons(send("four", both, subject="{{ id }}", at_most="99 per hour")) == {}


@pytest.mark.parametrize(
    "at_most",
    [
        "",
        "1",
        "1 per month",
        "0 per day",
        "1 per 0 days",
        1,
        "-1 per day",
        "1 per 99999 weeks",
        "1_ per day",
    ],
)
def test_a_wrong_cap_is_refused(sandbox, at_most):
    """With what may be written."""
    with pytest.raises(MailframeError, match="is not such as '1 per 7 days'"):
        campaign().send(sandbox.server, at_most=at_most, **QUIET)
    with pytest.raises(MailframeError, match=r"at_most='9+\.\.\.9* per day' is not such as"):
        campaign().send(sandbox.server, at_most="9" * 5_000 + " per day", **QUIET)
    with pytest.raises(MailframeError, match="so it needs one"):
        campaign().send(sandbox.server, at_most="1 per day", ledger=None, **QUIET)


@pytest.mark.parametrize(("kind", "delivers"), [("Live", True), ("Sandbox", False)])
def test_a_server_says_whether_it_delivers(tmp_path, kind, delivers):
    """A server of Postmark can be in sandbox mode; nobody would get the mail."""

    def answer(request):
        if request.method == "POST":
            items = [{"ErrorCode": 400, "Message": "no"} for _ in json.loads(request.content)]
            return httpx.Response(200, json=items)
        answers = {"/server": {"ID": 5, "DeliveryType": kind}, "/message-streams": STREAMS}
        return httpx.Response(200, json=answers.get(request.url.path, NOTHING_FOUND))

    server = mf.Postmark("token", transport=httpx.MockTransport(answer))
    people = PEOPLE.head(2).assign(email=["a@acme.org", "b@acme.org"])
    chosen = campaign(people, letter=LETTER.replace(sender="me@acme.org"))
    plan = chosen.plan(server)
    assert plan.delivers is delivers
    assert ("it delivers emails" if delivers else "it delivers nothing") in repr(plan)
    assert "delivers" in plan._repr_html_()
    with pytest.raises(MailframeError) as caught:  # each message is rejected
        chosen.send(server, ledger=tmp_path / "l", **QUIET)
    notes = getattr(caught.value, "__notes__", [])
    assert any("sandbox mode" in note for note in notes) is not delivers


# --- rows that share a key or a recipient --------------------------------------------------------


TWICE = pd.DataFrame(
    {
        "id": [1, 1, 2],
        "email": ["a@example.com", "A@example.com", "b@example.com"],
        "n": range(3),
        "both": [True, True, False],
        "second": [False, True, False],
    }
)


@pytest.mark.parametrize("key", ["id", None])
def test_no_row_takes_the_place_of_one_that_is_held_out(sandbox, key):
    """Of rows with one key or recipient each is held out or not, in any order."""
    both = campaign(TWICE, key=key, holdout="both")
    assert both.plan(sandbox.server).skipped == {"holdout": 2}
    assert sum(len(batch) for batch in both.batches()) == 1
    results = both.send(sandbox.server, ledger=None, **QUIET)
    assert results["reason"].fillna("").tolist() == ["holdout", "holdout", ""]
    second = campaign(TWICE, key=key, holdout="second")
    results = second.send(sandbox.server, ledger=None, **QUIET)
    assert results["reason"].fillna("").tolist() == ["", "holdout", ""]


def test_no_row_takes_the_place_of_one_that_is_suppressed_or_capped(sandbox, tmp_path):
    """A row that repeats one without a key was blocked, and then sent."""
    server, options = sandbox.server, {"on_invalid": "skip", "ledger": tmp_path / "l"} | QUIET
    letter = LETTER.replace(subject="{{ n }}")
    server.suppress(["a@example.com"])
    first = campaign(TWICE, key=None, letter=letter).send(server, **options)
    assert first["reason"].fillna("").tolist() == ["suppressed", "suppressed", ""]
    capped = TWICE.assign(email=["b@example.com", "B@example.com", "c@example.com"], n=9)
    again = campaign(capped, key=None, letter=letter, name="next")
    assert again.plan(server, ledger=tmp_path / "l", at_most="1 per day").skipped == {
        "frequency_cap": 2
    }
    second = again.send(server, at_most="1 per day", **options)
    assert second["reason"].fillna("").tolist() == ["frequency_cap", "frequency_cap", ""]
    blocked = campaign(capped.assign(n=8), key=None, letter=letter, name="third")
    third = blocked.send(server, at_most="9 per day", **options)
    assert third["reason"].fillna("").tolist() == ["", "duplicate_recipient", ""]


@pytest.mark.parametrize("left_out", [0, 1])
def test_a_key_to_resend_names_the_row_that_is_left(sandbox, tmp_path, left_out):
    """Two rows share it, of which one is left out."""
    server, options = sandbox.server, {"ledger": tmp_path / "l"} | QUIET
    campaign(TWICE.iloc[[0, 2]]).send(server, **options)
    excluded = TWICE.index == left_out
    results = campaign(TWICE).send(server, exclude=excluded, resend=[1], **options)
    expected = {left_out: "skipped", 1 - left_out: "accepted", 2: "skipped"}
    assert results["status"].to_dict() == expected


def test_a_campaign_with_a_function_is_copied_and_says_why_it_cannot_be_pickled():
    """As one whose letter has a function."""
    chosen = campaign(consent=lambda people: people["opted_in"].eq(True))
    assert copy.deepcopy(chosen).plan().skipped == {"no_consent": 20}
    with pytest.raises(NotPicklable, match="consent is a lambda"):
        pickle.dumps(chosen)
    assert copy.copy(campaign(holdout=0.5)).fingerprint == campaign(holdout=0.5).fingerprint


def test_a_plan_asks_again_when_postmark_is_busy(sandbox):
    """As a send does."""
    sandbox.fault("http_429", path="/message-streams", times=1)
    assert campaign().plan(sandbox.server).skipped == {}


FAILURES = {  # the error of a send, and how often the question is asked
    "http_500_lost": (mf.errors.ServerBusy, 4),
    "http_503_json": (mf.errors.ServerBusy, 4),
    "http_429": (mf.errors.ServerBusy, 4),
    "close_lost": (mf.errors.ServerUnreachable, 4),
    "html_reply": (mf.errors.AccountError, 4),
    "http_307": (mf.errors.AccountError, 4),
    "http_413_html": (mf.errors.RequestRefused, 1),
}


@pytest.mark.parametrize("case", ["plan: suppressions", "send: suppressions", "send: streams"])
@pytest.mark.parametrize("fault", FAILURES)
def test_without_an_answer_nothing_is_sent(sandbox, tmp_path, monkeypatch, fault, case):
    """A refusal is not repeated; anything else may pass."""
    monkeypatch.setattr(RetryPolicy, "pause_s", lambda *_: 0.0)
    kind, tries = FAILURES[fault]
    way, _, question = case.partition(": ")
    path = "/message-streams" + "/outbound/suppressions/dump" * (question == "suppressions")
    sandbox.fault(fault, path=path, times=tries)
    chosen = campaign()
    call = chosen.plan if way == "plan" else partial(chosen.send, ledger=tmp_path / "l", **QUIET)
    with pytest.raises(kind if way == "send" else mf.errors.AccountError) as caught:
        call(sandbox.server)
    requests = sandbox.requests()
    assert (requests["path"] == path).sum() == tries
    assert not (requests["method"] == "POST").any()
    if way == "send":
        assert set(caught.value.results["status"]) == {"unsent"}
        assert set(call(sandbox.server)["status"]) == {"accepted"}


@pytest.mark.parametrize("path", ["/server", "/message-streams/outbound/suppressions/dump"])
def test_half_an_answer_is_none(monkeypatch, tmp_path, path):
    """Its status is 200; the rest may come at the next try, or tomorrow."""
    monkeypatch.setattr(RetryPolicy, "pause_s", lambda *_: 0.0)
    with mf.Sandbox() as sandbox:
        sandbox.fault("half_answer_accepted", path=path, times=4)
        with pytest.raises(mf.errors.ServerUnreachable):
            campaign().send(sandbox.server, ledger=tmp_path / "l", **QUIET)
        again = campaign().send(sandbox.server, ledger=tmp_path / "l", **QUIET)
        assert set(again["status"]) == {"accepted"}


def test_the_words_of_postmark_are_in_the_error(sandbox, monkeypatch):
    """A refusal says why; the error has its number."""
    monkeypatch.setattr(RetryPolicy, "pause_s", lambda *_: 0.0)
    sandbox.fault("http_503_json", path="/message-streams", times=4)
    with pytest.raises(mf.errors.AccountError, match=r"HTTP 503, ErrorCode 100: .*maint") as caught:
        campaign().plan(sandbox.server)
    assert (caught.value.status, caught.value.error_code) == (503, 100)
