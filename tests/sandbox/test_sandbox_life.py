"""``sandbox.simulate`` and ``sandbox.advance``: what becomes of messages."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter

import pytest

from mailframe.errors import SandboxError
from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.life.arguments import simulation
from mailframe.sandbox.life.simulation import never
from tests.sandbox.lives import HTML, campaign, outcome
from tests.sandbox.receiver import Receiver
from tests.sandbox.sandbox_calls import Calls
from tests.sandbox.sandbox_mail import client, mail, post
from tests.sandbox.sandbox_reads import PAGE, get

RATES = {"opens": 0.4, "clicks": 0.1, "bounces": 0.02, "complaints": 0.01, "unsubscribes": 0.03}


def kinds(sandbox):
    """How many events of each kind there are."""
    return sandbox.events()["RecordType"].value_counts().to_dict()


def test_one_line_makes_the_aftermath_of_a_campaign(sandbox):
    """The numbers are near the rates; the aftermath counts what the events show."""
    campaign(sandbox, 1000)
    result = sandbox.simulate(**RATES, seed=1)
    events = sandbox.events()
    first = events[events["Details"].str.get("FirstOpen").isin([True])]
    assert (result.messages, result.recipients, result.later) == (1000, 1000, 0)
    assert (result.opened, result.bounced) == (len(first), kinds(sandbox)["Bounce"])
    assert result.complained == kinds(sandbox)["SpamComplaint"]
    counts = (
        (result.opened, 0.4),
        (result.clicked, 0.1),
        (result.bounced, 0.02),
        (result.complained, 0.01),
        (result.unsubscribed, 0.03),
    )
    for count, share in counts:
        assert abs(count - 1000 * share) < 5 * math.sqrt(1000 * share)


def test_who_clicks_has_opened_and_a_bounced_message_was_not_read(sandbox):
    """A bounce excludes everything else, and a complaint needs a delivery."""
    campaign(sandbox, 400)
    sandbox.simulate(opens=0.3, clicks=0.3, bounces=0.3, complaints=0.3, seed=3)
    events = sandbox.events().groupby("RecordType")["Recipient"].agg(set)
    assert events["Click"] == events["Open"]
    assert not events["Bounce"] & (events["Open"] | events["SpamComplaint"])
    assert events["SpamComplaint"] - events["Open"]


def test_a_click_is_on_a_real_link_of_the_message(sandbox):
    """Of the HTML part if there is one: no anchor, no mail address, no unsubscribe link."""
    campaign(sandbox, 30, TextBody="See https://acme.example/text.")
    campaign(sandbox, 30, first=30, HtmlBody=None, TextBody="See https://acme.example/text.")
    campaign(sandbox, 30, first=60, HtmlBody="<p>no link</p>")
    result = sandbox.simulate(clicks=1.0)
    details = sandbox.events().query("RecordType == 'Click'")["Details"]
    assert {(each["ClickLocation"], each["OriginalLink"]) for each in details} == {
        ("HTML", "https://acme.example/a"),
        ("HTML", "https://acme.example/b?x=1&y=2"),
        ("Text", "https://acme.example/text"),
    }
    assert (result.opened, result.clicked, result.without_link) == (90, 60, 30)
    assert "30 did not click" in repr(result)


@pytest.mark.parametrize("batch", [1, 7, 100])
def test_a_seed_repeats_the_outcome_whatever_the_batches(batch, sandbox):
    """Neither batches nor the order of sending or of simulating change who does what."""
    campaign(sandbox, 100, batch=500, Tag="a")
    sandbox.simulate(**RATES, seed=5)
    with LocalPostmark(in_process=True) as other:
        campaign(other, 50, first=50, batch=batch, Tag="a")
        other.simulate(**RATES, seed=5, to="user7*")
        campaign(other, 50, batch=batch, Tag="a")
        other.simulate(**RATES, seed=5)
        assert outcome(other) == outcome(sandbox)


def test_messages_that_were_posted_alone_get_lives_many_at_once(sandbox):
    """A transaction and a pause for each had taken 2 ms: minutes for 100,000 messages."""
    for number in range(201):
        post(sandbox, mail(To=f"p{number}@example.com"))
    commits = []
    connection = sandbox._store.database.connection
    connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "commit" else None)
    assert sandbox.simulate(opens=1).opened == 201
    connection.set_trace_callback(None)
    assert len(commits) <= 5


def test_another_seed_chooses_other_recipients():
    """Each seed is an independent draw."""
    outcomes = []
    for seed in (0, 1, -1, 10**30):
        with LocalPostmark(in_process=True) as sandbox:
            campaign(sandbox, 40)
            sandbox.simulate(opens=0.5, seed=seed)
            outcomes.append(str(outcome(sandbox)))
    assert len(set(outcomes)) == 4


def test_the_same_mail_to_the_same_address_has_a_fate_each_time(sandbox):
    """A load test with one address opens about as often as a campaign."""
    post(sandbox, [mail(HtmlBody=HTML) for _ in range(400)])
    result = sandbox.simulate(opens=0.5)
    assert 140 < result.opened < 260


def test_a_message_gets_one_life(sandbox):
    """A second call gives one only to the messages that have none."""
    campaign(sandbox, 50)
    sandbox.simulate(opens=1.0)
    before = outcome(sandbox)
    assert sandbox.simulate(opens=1.0, seed=2).messages == 0
    assert outcome(sandbox) == before
    campaign(sandbox, 20, first=50)
    assert sandbox.simulate(opens=1.0).opened == 20


def test_filters_choose_messages_and_recipients(sandbox):
    """Tag, stream and a pattern of addresses, ignoring case; the rest can get a life later."""
    campaign(sandbox, 3)
    campaign(sandbox, 3, first=3, Tag="winter")
    campaign(sandbox, 3, first=6, MessageStream="broadcast")
    post(sandbox, mail(To="Ann@ACME.example, bob@example.com", HtmlBody=HTML))
    assert sandbox.simulate(opens=1.0, tag="winter").recipients == 3
    assert sandbox.simulate(opens=1.0, stream="broadcast").recipients == 3
    assert sandbox.simulate(opens=1.0, to="*@acme.example").recipients == 1
    assert sandbox.simulate(opens=1.0, tag="").recipients == 0
    assert sandbox.simulate(opens=1.0).recipients == 3
    assert "Ann@ACME.example" in set(sandbox.events()["Recipient"])


def test_a_duration_spreads_the_times_and_the_clock_makes_them_happen(sandbox):
    """Most happens soon after the send; nothing happens before its time."""
    campaign(sandbox, 300)
    result = sandbox.simulate(opens=0.5, over="2d", seed=1)
    assert result.later > 150
    soon, rest = sandbox.advance("8h"), sandbox.advance(dt.timedelta(days=2))
    assert soon["Open"] > rest["Open"] > 0
    assert soon["Open"] + rest["Open"] == result.later
    assert sandbox.advance("2d") == {}
    events, sent = sandbox.events(), sandbox.messages().set_index("MessageID")["SubmittedAt"]
    waits = events["At"] - events["MessageID"].map(sent)
    assert (waits >= dt.timedelta()).all()
    assert (waits <= dt.timedelta(days=2)).all()
    assert events["At"].is_monotonic_increasing


def test_a_spread_outcome_is_the_outcome_at_once(sandbox):
    """Only the times differ."""
    campaign(sandbox, 200, MessageStream="broadcast")
    sandbox.simulate(**RATES, seed=1, over="1d")
    sandbox.advance("1d")
    with LocalPostmark(in_process=True) as other:
        campaign(other, 200, MessageStream="broadcast")
        other.simulate(**RATES, seed=1)
        assert outcome(other) == outcome(sandbox)


def test_later_messages_get_a_life_as_they_are_accepted(sandbox):
    """By the newest rule that fits; the outcome is that of a call afterwards."""
    assert sandbox.simulate(**RATES, seed=1, upcoming=True).messages == 0
    sandbox.simulate(opens=1.0, tag="all", upcoming=True)
    campaign(sandbox, 100, batch=9)
    assert sandbox.simulate(opens=1.0).messages == 0
    with LocalPostmark(in_process=True) as other:
        campaign(other, 100)
        other.simulate(**RATES, seed=1)
        assert outcome(other) == outcome(sandbox)
    campaign(sandbox, 5, first=100, Tag="all")
    opened = sandbox.events().query("Tag == 'all' and RecordType == 'Open'")["Recipient"]
    assert opened.nunique() == 5


def test_a_queued_message_is_sent_when_its_time_has_come(sandbox):
    """Its status is Queued and it has no event; then it is delivered and read."""
    sandbox.simulate(opens=1.0, queued="10m", upcoming=True)
    (message_id,) = campaign(sandbox, 1)
    queued = get(sandbox, **PAGE, status="queued").json()
    assert [item["Status"] for item in queued["Messages"]] == ["Queued"]
    assert get(sandbox, **PAGE, status="sent").json()["TotalCount"] == 0
    assert get(sandbox, "/stats/outbound").json()["Sent"] == 0
    path = f"/messages/outbound/{message_id}/details"
    assert (get(sandbox, path).json()["Status"], get(sandbox, path).json()["MessageEvents"]) == (
        "Queued",
        [],
    )
    sandbox.advance("10m")
    details = get(sandbox, path).json()
    assert details["Status"] == "Sent"
    assert [event["Type"] for event in details["MessageEvents"]][:2] == ["Delivered", "Opened"]
    assert get(sandbox, **PAGE, status="queued").json()["TotalCount"] == 0
    assert get(sandbox, **PAGE, status="processed").json()["TotalCount"] == 1
    assert get(sandbox, "/stats/outbound").json()["Sent"] == 1


def test_only_tracked_messages_can_be_asked_for(sandbox):
    """As at Postmark: opens need TrackOpens and an HTML part, clicks need TrackLinks."""
    campaign(sandbox, 10)
    campaign(sandbox, 10, first=10, TrackOpens=False, TrackLinks="None")
    campaign(sandbox, 10, first=20, HtmlBody=None, TextBody="https://acme.example")
    campaign(sandbox, 10, first=30, TrackLinks="TextOnly")
    result = sandbox.simulate(clicks=1.0, tracked=True)
    assert (result.opened, result.clicked, result.untracked) == (20, 20, 0)
    with LocalPostmark(in_process=True) as other:
        campaign(other, 10, TrackOpens=False)
        assert other.simulate(opens=1.0).untracked == 10


def test_a_bounce_and_a_complaint_suppress_and_an_unsubscription_needs_a_link(sandbox):
    """Reasons and origins are Postmark's; a soft bounce suppresses nothing."""
    campaign(sandbox, 1, MessageStream="broadcast", HtmlBody="<p>Hi</p>")
    campaign(sandbox, 1, HtmlBody="<p>Hi</p>")
    result = sandbox.simulate(unsubscribes=1.0)
    assert (result.unsubscribed, result.without_unsubscribe) == (1, 1)
    rows = sandbox.suppressions("broadcast")[["EmailAddress", "SuppressionReason", "Origin"]]
    assert rows.to_numpy().tolist() == [["user0@example.com", "ManualSuppression", "Recipient"]]
    campaign(sandbox, 2, first=1)
    sandbox.simulate(bounces={"HardBounce": 1.0}, to="user1@*")
    sandbox.simulate(complaints=1.0, to="user2@*")
    assert sandbox.suppressions()["SuppressionReason"].tolist() == ["HardBounce", "SpamComplaint"]
    campaign(sandbox, 1, first=5)
    sandbox.simulate(bounces={"SoftBounce": 1.0})
    assert len(sandbox.suppressions()) == 2
    assert sandbox.bounces()["Type"].tolist() == ["HardBounce", "SpamComplaint", "SoftBounce"]


def test_inactive_and_bounced_recipients_have_no_further_life(sandbox):
    """Who got nothing reads nothing."""
    sandbox.suppress("cc@example.com")
    post(sandbox, mail(Cc="cc@example.com", HtmlBody=HTML))
    post(sandbox, mail(To="softbounce@bounce-testing.postmarkapp.com", HtmlBody=HTML))
    result = sandbox.simulate(opens=1.0)
    assert (result.recipients, result.opened) == (1, 1)
    message_id = sandbox.messages()["MessageID"][0]
    events = get(sandbox, f"/messages/outbound/{message_id}/details").json()["MessageEvents"]
    assert {event["Recipient"] for event in events} == {"ann@example.com"}


def test_lives_survive_a_restart(tmp_path):
    """Events to come, rules, the clock and what has a life are in the database."""
    path = tmp_path / "sandbox.db"
    with LocalPostmark(in_process=True, db=path) as sandbox:
        sandbox.simulate(opens=1.0, over="1d", upcoming=True)
        campaign(sandbox, 5)
        sandbox.advance("3h")
        before = len(sandbox.events())
    with LocalPostmark(in_process=True, db=path) as sandbox:
        assert len(sandbox.events()) == before
        assert sandbox.simulate(opens=1.0).messages == 0
        campaign(sandbox, 1, first=5)
        submitted = sandbox.messages()["SubmittedAt"]
        assert submitted.iloc[-1] - submitted.iloc[0] > dt.timedelta(hours=3)
        sandbox.advance("1d")
        assert sandbox.events()["Recipient"].nunique() == 6


def test_clear_forgets_the_events_and_reset_the_rules_and_the_clock(sandbox):
    """After a clear, the same campaign has the same outcome."""
    sandbox.simulate(opens=0.5, over="1d", upcoming=True)
    campaign(sandbox, 30)
    sandbox.advance("1d")
    before = outcome(sandbox)
    sandbox.clear()
    assert sandbox.events().empty
    campaign(sandbox, 30)
    sandbox.advance("1d")
    assert outcome(sandbox) == before
    sandbox.reset()
    campaign(sandbox, 30)
    assert sandbox.advance("1d") == {}
    with LocalPostmark(in_process=True) as other:
        assert abs(sandbox._store.clock.now_ns() - other._store.clock.now_ns()) < 2 * 86400 * 10**9


def test_the_cap_on_messages_also_removes_their_events():
    """What belongs to no kept message is not kept."""
    with LocalPostmark(in_process=True, keep=10) as sandbox:
        sandbox.simulate(opens=1.0, over="1d", upcoming=True)
        campaign(sandbox, 25, batch=5)
        sandbox.advance("1d")
        campaign(sandbox, 5, first=25)
        kept = set(sandbox.messages()["MessageID"])
        assert set(sandbox.events()["MessageID"]) < kept


def test_the_first_suppressions_are_no_events_and_later_ones_are():
    """``events()`` has what happened since the start."""
    with LocalPostmark(in_process=True, suppressions=["ann@example.com"]) as sandbox:
        assert sandbox.events().empty
        sandbox.suppress("bob@example.com")
        assert sandbox.events()["Recipient"].tolist() == ["bob@example.com"]


def test_paused_messages_have_no_life_before_they_are_sent(sandbox):
    """A pause keeps them from being sent."""
    sandbox.pause()
    campaign(sandbox, 3)
    assert sandbox.simulate(opens=1.0).messages == 0
    assert sandbox._store.deliveries.after(0) == ([], 0)
    sandbox.resume()
    assert sandbox.simulate(opens=1.0).opened == 3
    assert len(sandbox._store.deliveries.after(0)[0]) == 3


@pytest.mark.parametrize("removed", [(2, 3), (1, 2, 3), (1, 2)])
def test_deliveries_go_on_after_removed_messages(sandbox, removed):
    """Of the end of a request, of its start, and of all of it."""
    sandbox.pause()
    campaign(sandbox, 3)
    campaign(sandbox, 1, first=3)
    store = sandbox._store
    for position in removed:
        store.remove_message(store.messages.at([position])[0])
    sandbox.resume()
    positions, at = [], 0
    while len(positions) < 4 - len(removed):
        events, after = store.deliveries.after(at)
        assert after > at
        positions, at = [*positions, *(event.position for event in events)], after
    assert positions == [position for position in (1, 2, 3, 4) if position not in removed]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"opens": 1.1}, "opens is a share between 0 and 1, such as 0.02; found 1.1"),
        ({"clicks": -0.1}, "clicks is a share"),
        ({"complaints": "0.1"}, "complaints is a share between 0 and 1, such as 0.02; found '0.1'"),
        ({"unsubscribes": True}, "unsubscribes is a share"),
        ({"opens": math.nan}, "opens is a share"),
        ({"opens": 40}, "opens is a share"),
        ({"bounces": {"Hard": 0.1}}, "bounces has no type 'Hard'; the types are HardBounce,"),
        ({"bounces": {"SpamComplaint": 0.1}}, "bounces has no type 'SpamComplaint'"),
        ({"bounces": {"HardBounce": 2}}, "bounces['HardBounce'] is a share"),
        ({"bounces": {"HardBounce": 0.6, "SoftBounce": 0.6}}, "1 or less together; found 1.2"),
        ({"seed": 1.5}, "seed is a whole number; found 1.5"),
        ({"over": 3}, 'over is a timedelta or a text such as "2h"'),
        ({"over": "2 weeks"}, "over is a timedelta or a text"),
        ({"over": "-2h"}, "over is a timedelta or a text"),
        ({"over": dt.timedelta(-1)}, "over is between zero and ten years"),
        ({"over": "9999d"}, "over is between zero and ten years"),
        ({"tag": 7}, "tag is a text, or None for any; found 7"),
        ({"stream": "none"}, "no stream 'none'; it has outbound, broadcast, inbound"),
        ({"server": 12}, "the sandbox has no server 12"),
        ({"tracked": 1}, "tracked is True or False; found 1"),
        ({"upcoming": "yes"}, "upcoming is True or False; found 'yes'"),
        ({"queued": "1m"}, "it needs upcoming, and"),
        ({"queued": "1m", "upcoming": True, "tag": "x"}, "no tag, stream, to or server"),
        ({"open": 0.4}, "simulate has no 'open'; it has bounces,"),
    ],
)
def test_a_wrong_argument_is_refused_and_nothing_happens(arguments, text, sandbox):
    """The error names the argument and what was found."""
    campaign(sandbox, 2)
    with pytest.raises(SandboxError) as caught:
        simulation(sandbox._store, arguments)(never)
    assert text in str(caught.value)
    assert sandbox.simulate(opens=1.0).messages == 2


@pytest.mark.parametrize("by", ["", "soon", 5, "-1h", None, "4000d"])
def test_a_clock_moves_only_forward_and_by_a_duration(by, sandbox):
    """Ten years at most, in total."""
    with pytest.raises(SandboxError, match="by is"):
        sandbox.advance(by)


def test_the_clock_stays_within_ten_years(sandbox):
    """Further on, times have no place in the database."""
    sandbox.advance("3650d")
    with pytest.raises(SandboxError, match="at most ten years ahead"):
        sandbox.advance("11d")
    assert Calls(sandbox).code("POST", "/_sandbox/advance", {"By": "11d"}) == 300


def test_an_aftermath_is_shown_as_text_frame_and_html(sandbox):
    """Its frame has one row for each outcome."""
    campaign(sandbox, 10)
    result = sandbox.simulate(opens=1.0)
    assert repr(result).startswith("10 messages: 10 delivered, 0 bounced, 10 opened")
    frame = result.frame()
    assert frame.loc["opened"].tolist() == [10, 1.0]
    assert frame.index.name == "outcome"
    assert "opened" in result._repr_html_()
    assert result.as_dict()["messages"] == 10


def test_every_server_has_lives():
    """A rule holds for all of them, or for one."""
    with LocalPostmark(in_process=True, servers={"other": "two"}) as sandbox:
        campaign(sandbox, 2)
        with client(sandbox) as http:
            http.headers["X-Postmark-Server-Token"] = "two"
            http.post("/email", json=mail(HtmlBody=HTML))
        ids = sandbox._store.servers.ids()
        assert simulation(sandbox._store, {"opens": 1.0, "server": ids[1]})(never).messages == 1
        assert sandbox.simulate(opens=1.0).messages == 2


def test_webhooks_get_what_happens_when_it_happens(sandbox):
    """A bounced message has no Delivery; the rest comes as the clock moves."""
    kinds_of_events = ["Delivery", "Bounce", "SpamComplaint", "Open", "Click", "SubscriptionChange"]
    triggers = {kind: {"Enabled": True} for kind in kinds_of_events}
    fields = {"MessageStream": "broadcast", "Triggers": triggers}
    sandbox.simulate(
        clicks=0.5, bounces=0.3, complaints=0.2, unsubscribes=0.2, over="1d", upcoming=True
    )
    with Receiver() as receiver, client(sandbox) as http:
        assert http.post("/webhooks", json={"Url": receiver.url(), **fields}).status_code == 200
        campaign(sandbox, 30, MessageStream="broadcast")
        assert sandbox.wait_for_webhooks()
        assert not {"Open", "Click"} & set(receiver.kinds())
        sandbox.advance("1d")
        assert sandbox.wait_for_webhooks()
        posted = Counter(receiver.kinds())
    deliveries = posted.pop("Delivery")
    assert posted == kinds(sandbox)
    assert deliveries == 30 - posted["Bounce"]
    assert min(posted.values()) > 0


def test_webhooks_get_a_queued_delivery_once_it_is_sent(sandbox):
    """Until then nothing waits."""
    sandbox.simulate(queued="1h", upcoming=True)
    with Receiver() as receiver, client(sandbox) as http:
        on = {"Delivery": {"Enabled": True}}
        http.post("/webhooks", json={"Url": receiver.url(), "Triggers": on})
        campaign(sandbox, 2)
        assert sandbox.wait_for_webhooks()
        assert receiver.posts == []
        sandbox.advance("1h")
        assert sandbox.wait_for_webhooks()
        assert receiver.kinds() == ["Delivery", "Delivery"]
