"""``mf.reconcile(…, events=)``: the events of webhooks prove that Postmark accepted a message."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import mailframe as mf
from mailframe.errors import LedgerError, MailframeError
from mailframe.paths import default_path
from tests.campaigns import campaign, send_with
from tests.send.ledger.judging import age
from tests.send.ledger.test_decisions import ME, searches

pytestmark = pytest.mark.usefixtures("on_both")

AT = "2026-11-27T12:00:00Z"


@pytest.fixture
def sandbox():
    """A Postmark without a socket, whose search shows no message yet."""
    with mf.Sandbox(in_process=True) as opened:
        opened.index_delay_s = 3_600
        yield opened


@pytest.fixture
def unknown(sandbox):
    """Four messages of a campaign, which Postmark accepted without an answer."""
    sandbox.fault("http_500_accepted", path="/email/batch")
    results = send_with(campaign(4), sandbox.server)
    assert results["status"].tolist() == ["unknown"] * 4
    return results


@pytest.fixture
def read(tmp_path):
    """``mf.read_events`` of a file with an event of each of these messages."""

    def of(messages, **more):
        path = tmp_path / "events.jsonl"
        fields = messages[["MessageID", "Metadata"]].to_dict("records")
        common = {"RecordType": "Delivery", "DeliveredAt": AT, **more}
        path.write_text("\n".join(json.dumps(common | one) for one in fields), encoding="utf-8")
        return mf.read_events(path)

    return of


def counts(table: pd.DataFrame) -> list[list[int]]:
    """The number of messages of each request that were shown, and that are still unknown."""
    return table[["found", "unknown"]].to_numpy().tolist()


def test_events_prove_what_the_search_does_not_show_yet(sandbox, unknown, read):
    """The next send returns the rows, whose events join, and sends nothing again."""
    arrived = sandbox.messages()
    events = read(arrived)
    assert counts(mf.reconcile("numbers", sandbox.server)) == [[0, 4]]
    before = searches(sandbox)
    assert counts(mf.reconcile("numbers", sandbox.server, events=events)) == [[4, 0]]
    assert mf.reconcile("numbers", sandbox.server, events=events).empty
    assert searches(sandbox) == before  # nothing is left to ask for
    again = send_with(campaign(4), sandbox.server)
    assert again["status"].tolist() == ["skipped"] * 4
    assert again["MessageID"].tolist() == arrived["MessageID"].tolist()
    assert again.mail.refresh(events)["outcome"].tolist() == ["delivered"] * 4
    assert len(sandbox.messages()) == 4


def test_a_part_is_proven_by_events_and_another_by_the_search(sandbox, unknown, read):
    """Both are asked; what neither shows stays unknown."""
    events = read(sandbox.messages().iloc[[2]])
    assert counts(mf.reconcile("numbers", sandbox.server, events=events)) == [[1, 3]]
    statuses = send_with(campaign(4), sandbox.server)["status"]
    assert statuses.tolist() == ["unknown", "unknown", "skipped", "unknown"]
    sandbox.index_delay_s = 0
    assert counts(mf.reconcile("numbers", sandbox.server, events=events)) == [[3, 0]]


def test_what_events_prove_is_kept_if_the_search_fails(sandbox, unknown, read):
    """Each is recorded on its own."""
    events = read(sandbox.messages().iloc[:3])
    is_down = [True]

    def rule(_):
        return "http_500" if is_down[0] else None

    sandbox.fault(rule, path="/messages/outbound", times=None)
    with pytest.raises(LedgerError, match="could not be searched"):
        mf.reconcile("numbers", sandbox.server, events=events)
    is_down[0] = False
    assert counts(mf.reconcile("numbers", sandbox.server)) == [[0, 1]]


def other_request(metadata):
    """The metadata of a message of another request, as after ``resend=``."""
    return metadata | {"mf-b": "0" * 24}


def other_row(metadata):
    """The metadata of a message of another row of that request."""
    return metadata | {"mf-m": "0" * 32}


@pytest.mark.parametrize(
    "change",
    [
        other_request,
        other_row,
        lambda metadata: {name: metadata[name] for name in ("n", "mf-c")},
        lambda metadata: metadata | {"mf-m": "no digits"},
        lambda metadata: metadata | {"mf-m": None},
        lambda metadata: None,
        lambda metadata: {},
    ],
)
def test_other_events_prove_nothing(sandbox, unknown, read, change):
    """Of messages that another request or another program sent, or damaged ones."""
    arrived = sandbox.messages()
    events = read(arrived.assign(Metadata=[change(one) for one in arrived["Metadata"]]))
    assert counts(mf.reconcile("numbers", sandbox.server, events=events)) == [[0, 4]]


@pytest.mark.parametrize("message_id", ["", " ", "id 1", None, 7, "x" * 1_000])
def test_an_event_without_a_message_id_proves_nothing(sandbox, unknown, read, message_id):
    """A row that is accepted has the MessageID that Postmark gave it."""
    events = read(sandbox.messages().assign(MessageID=message_id))
    assert counts(mf.reconcile("numbers", sandbox.server, events=events)) == [[0, 4]]


def test_one_message_id_of_two_rows_proves_neither(sandbox, unknown, read):
    """Nor one that another message of the campaign has."""
    arrived = sandbox.messages()
    first = arrived["MessageID"].iloc[0]
    same = arrived.assign(MessageID=[first, first.upper(), *arrived["MessageID"].iloc[2:]])
    assert counts(mf.reconcile("numbers", sandbox.server, events=read(same))) == [[2, 2]]
    taken = arrived.iloc[:1].assign(MessageID=arrived["MessageID"].iloc[3])
    assert counts(mf.reconcile("numbers", sandbox.server, events=read(taken))) == [[0, 2]]


def test_spelling_repeats_and_order_of_events_do_not_matter(sandbox, unknown, read):
    """Keys of metadata ignore case, and a message has many events."""
    arrived = sandbox.messages()
    spelled = arrived.assign(
        MessageID=arrived["MessageID"].str.upper(),
        Metadata=[{key.upper(): one[key] for key in one} for one in arrived["Metadata"]],
    )
    events = pd.concat([read(spelled), read(arrived, RecordType="Open", ReceivedAt=AT)])
    shuffled = events.sample(frac=2, replace=True, random_state=1)
    events = pd.concat([shuffled, events]).set_index("kind")
    assert counts(mf.reconcile("numbers", sandbox.server, events=events)) == [[4, 0]]


def test_a_message_that_was_sent_again_is_not_proven_by_the_first(sandbox, read):
    """Its metadata name the request, which is another one."""
    send_with(campaign(2), sandbox.server)
    first = read(sandbox.messages())
    sandbox.index_delay_s = 0
    sandbox.fault("close_lost", path="/email/batch")
    again = send_with(campaign(2), sandbox.server, resend=["p0@example.com"])
    assert again["status"].tolist() == ["unknown", "skipped"]
    assert counts(mf.reconcile("numbers", sandbox.server, events=first)) == [[0, 1]]


def test_events_of_another_campaign_prove_nothing(sandbox, unknown, read):
    """Its requests have other names."""
    other = campaign(4).frame.mail.compose(
        sender="a@acme.example", to="{{ email }}", subject="Hi", text_body="Hi", name="other"
    )
    send_with(other, sandbox.server)
    of_other = sandbox.messages().query("Subject == 'Hi'")
    assert len(of_other) == 4
    assert counts(mf.reconcile("numbers", sandbox.server, events=read(of_other))) == [[0, 4]]


def test_events_of_all_requests_are_recorded_before_a_search_fails(sandbox, read):
    """A search that fails for the first request keeps nothing from the others."""
    for rows in (2, 4):
        sandbox.fault("http_500_accepted", path="/email/batch")
        send_with(campaign(rows), sandbox.server)
    assert len(mf.reconcile("numbers", sandbox.server)) == 2
    is_down = [True]

    def rule(_):
        return "http_500" if is_down[0] else None

    sandbox.fault(rule, path="/messages/outbound", times=None)
    events = read(sandbox.messages().iloc[1:])
    with pytest.raises(LedgerError, match="could not be searched"):
        mf.reconcile("numbers", sandbox.server, events=events)
    is_down[0] = False
    assert counts(mf.reconcile("numbers", sandbox.server)) == [[0, 1]]


def test_a_decision_releases_nothing_that_an_event_proves(sandbox, unknown, read):
    """Not even if the search is up to date and Postmark does not show the message any more."""
    arrived = sandbox.messages()
    events = read(arrived.iloc[:3])
    age(default_path())
    sandbox.clear()
    sandbox.index_delay_s = 0
    decided = mf.resolve(
        "numbers", sandbox.server, as_="unsent", reason="asked", control=ME, events=events
    )
    assert decided == 1
    again = send_with(campaign(4), sandbox.server)
    assert again["status"].tolist() == ["skipped"] * 3 + ["accepted"]
    assert again["MessageID"].tolist()[:3] == arrived["MessageID"].tolist()[:3]


def test_a_frame_whose_metadata_became_text_is_refused(sandbox, unknown, read):
    """As after a CSV file: nothing would be proven, without a word."""
    events = read(sandbox.messages())
    for column in (events["Metadata"].astype("str"), [[] for _ in range(4)], [5.0] * 4):
        with pytest.raises(MailframeError, match="'Metadata' has no dict"):
            mf.reconcile("numbers", sandbox.server, events=events.assign(Metadata=column))
    nothing = events.assign(Metadata=None)
    assert counts(mf.reconcile("numbers", sandbox.server, events=nothing)) == [[0, 4]]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("events.jsonl", "takes what mf.read_events returned, not a str"),
        ([], "not a list"),
        (pd.DataFrame(), "not have 'MessageID' once"),
        (
            pd.DataFrame(columns=pd.Index([pd.NA, "MessageID"], dtype=object)),
            "not have 'Metadata' once",
        ),
        (pd.DataFrame({"MessageID": ["m1"]}), "not have 'Metadata' once"),
        (pd.DataFrame(columns=["MessageID"] * 2 + ["Metadata"]), "not have 'MessageID' once"),
    ],
)
def test_another_value_is_refused_before_anything_is_asked(sandbox, unknown, wrong, says):
    """With what to give in its place."""
    before = len(sandbox.requests())
    with pytest.raises(MailframeError, match=says):
        mf.reconcile("numbers", sandbox.server, events=wrong)
    assert len(sandbox.requests()) == before
