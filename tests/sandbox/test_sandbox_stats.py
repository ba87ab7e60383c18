"""``/stats/outbound``: counts by day, which agree with the events."""

from __future__ import annotations

from collections import Counter, defaultdict
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.state.messages.sums import COLUMNS, Sums
from tests.sandbox.kept_messages import SERVER, empty_store, keep
from tests.sandbox.lives import campaign
from tests.sandbox.sandbox_mail import client, mail, post
from tests.sandbox.sandbox_reads import get

EASTERN = ZoneInfo("America/New_York")
OVERVIEW = [  # O 2017, in this order
    "Sent",
    "Bounced",
    "SMTPApiErrors",
    "BounceRate",
    "SpamComplaints",
    "SpamComplaintsRate",
    "Tracked",
    "Opens",
    "UniqueOpens",
    "TotalClicks",
    "UniqueLinksClicked",
    "WithClientRecorded",
    "WithPlatformRecorded",
    "WithReadTimeRecorded",
    "WithLinkTracking",
    "WithOpenTracking",
    "TotalTrackedLinksSent",
]
SERIES = [
    "sends",
    "bounces",
    "spam",
    "tracked",
    "opens",
    "opens/platforms",
    "opens/emailClients",
    "opens/readTimes",
    "clicks",
    "clicks/browserFamilies",
    "clicks/platforms",
    "clicks/location",
]


def stats(sandbox, path="", **query):
    """The answer of one endpoint."""
    with client(sandbox) as http:
        return http.get(f"/stats/outbound{path and '/' + path}", params=query).json()


def by_day(rows):
    """``Days`` and totals of (day, name) pairs, as Postmark shows them."""
    days, total = defaultdict(Counter), Counter()
    for day, name in rows:
        days[day][name] += 1
        total[name] += 1
    return {"Days": [{"Date": day} | days[day] for day in sorted(days)]} | total


def expected(sandbox, tag):
    """What each series shows, counted from ``events()``, ``bounces()`` and ``messages()``."""
    events = sandbox.events().query("Tag == @tag")
    days = events["At"].dt.tz_convert(EASTERN).dt.strftime("%Y-%m-%d")
    rows = list(zip(days, events["RecordType"], events["Details"], strict=True))
    opens = [(day, details) for day, kind, details in rows if kind == "Open"]
    unique = [(day, details) for day, details in opens if details["FirstOpen"]]
    types = sandbox.bounces().set_index("ID")["Type"]
    bounced = [
        (day, types[details["BounceID"]])
        for day, kind, details in rows
        if kind in ("Bounce", "SpamComplaint")
    ]
    seconds = [(day, details["ReadSeconds"]) for day, details in unique]
    return {
        "opens": by_day(
            [(day, "Opens") for day, _ in opens] + [(day, "Unique") for day, _ in unique]
        ),
        "opens/platforms": by_day([(day, details["Platform"]) for day, details in unique]),
        "opens/emailClients": by_day(
            [(day, details["Client"]["Name"]) for day, details in unique if details["Client"]]
        ),
        "opens/readTimes": by_day(
            [(day, "20s+" if count >= 20 else f"{count}s") for day, count in seconds]
        ),
        "bounces": by_day([row for row in bounced if row[1] != "SpamComplaint"]),
        "spam": by_day([row for row in bounced if row[1] == "SpamComplaint"]),
    }


@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(),
    count=st.integers(0, 40),
    over=st.sampled_from([None, "9d"]),
    rates=st.fixed_dictionaries(
        {
            "opens": st.floats(0, 1),
            "clicks": st.floats(0, 1),
            "bounces": st.floats(0, 1),
            "complaints": st.floats(0, 0.5),
        }
    ),
)
def test_the_statistics_agree_with_the_events(seed, count, over, rates):
    """Whatever happens, every series is the count of its events, and the totals are the sums."""
    with LocalPostmark(in_process=True) as sandbox:
        campaign(sandbox, count, Tag="a")
        campaign(sandbox, 5, Tag="b")
        sandbox.simulate(**rates, seed=seed, over=over)
        sandbox.advance("4d")
        for path, counts in expected(sandbox, "a").items():
            assert stats(sandbox, path, tag="a") == counts, path
        overview = stats(sandbox, tag="a")
        clicks = stats(sandbox, "clicks", tag="a")
        assert overview["Sent"] == stats(sandbox, "sends", tag="a").get("Sent", 0) == count
        assert overview["TotalClicks"] == clicks.get("Clicks", 0)
        assert overview["UniqueLinksClicked"] == clicks.get("Unique", 0)
        for path in ("clicks/location", "clicks/platforms", "clicks/browserfamilies"):
            answer = stats(sandbox, path, tag="a")
            assert sum(answer[name] for name in answer if name != "Days") == clicks.get("Unique", 0)


def test_the_overview_has_every_key_and_counts_recipients(sandbox):
    """Two recipients of one message are two; an inactive one is none."""
    assert list(stats(sandbox)) == OVERVIEW
    assert set(stats(sandbox).values()) == {0}
    sandbox.suppress("cc@example.com")
    html = '<a href="https://acme.example">A</a><a data-pm-no-track href="https://b.example">B</a>'
    tracked = {"TrackOpens": True, "TrackLinks": "HtmlOnly", "HtmlBody": html}
    post(sandbox, mail(Cc="cc@example.com", Bcc="bcc@example.com", **tracked))
    post(sandbox, mail(To="softbounce@bounce-testing.postmarkapp.com"))
    counts = stats(sandbox)
    assert (counts["Sent"], counts["Bounced"], counts["BounceRate"]) == (3, 1, 33.333)
    assert (counts["Tracked"], counts["WithOpenTracking"], counts["WithLinkTracking"]) == (2, 2, 2)
    assert counts["TotalTrackedLinksSent"] == 2


def test_the_settings_of_a_server_track_its_messages(sandbox):
    """Opens of every message if the server says so; links of those that do not say otherwise."""
    sandbox._store.database.run(
        "update servers set settings ="
        " json_set(settings, '$.TrackOpens', json('true'), '$.TrackLinks', 'HtmlAndText')"
    )
    campaign(sandbox, 1, TrackOpens=False, TrackLinks=None)
    campaign(sandbox, 1, TrackOpens=None, TrackLinks="None")
    counts = stats(sandbox)
    assert (counts["WithOpenTracking"], counts["WithLinkTracking"]) == (2, 1)
    path = "/messages/outbound"
    items = get(sandbox, path, count=2, offset=0).json()["Messages"]
    assert [(item["TrackOpens"], item["TrackLinks"]) for item in items] == [
        (True, "None"),
        (True, "HtmlAndText"),
    ]


@pytest.mark.parametrize("path", SERIES)
def test_an_empty_series_has_no_day_and_no_total(path, sandbox):
    """As recorded; the case of a path does not matter."""
    assert stats(sandbox, path) == {"Days": []}
    assert stats(sandbox, path.upper()) == {"Days": []}


def test_a_day_is_one_in_new_york():
    """Both hours around midnight there, in winter and in summer."""
    store = empty_store()
    for stamp in (1_735_707_599, 1_735_707_600, 1_751_342_399, 1_751_342_400):
        keep(store, mail(), at_ns=stamp * 10**9)
    rows = store.sums.by_hour(SERVER, ["sent"], "true", [])
    with LocalPostmark(in_process=True, server_id=SERVER) as sandbox:
        sandbox._store.sums = store.sums
        days = [day["Date"] for day in stats(sandbox, "sends")["Days"]]
    assert len(rows) == 4
    assert days == ["2024-12-31", "2025-01-01", "2025-06-30", "2025-07-01"]


def test_filters_choose_days_tags_and_streams(sandbox):
    """All streams without one; both dates are included; postmark.js writes days without zeros."""
    campaign(sandbox, 3, Tag="a")
    campaign(sandbox, 2, Tag="b", MessageStream="broadcast")
    day = stats(sandbox, "sends")["Days"][0]["Date"]
    unpadded = "-".join(str(int(part)) for part in day.split("-"))
    assert stats(sandbox, "sends")["Sent"] == 5
    assert stats(sandbox, "sends", tag="a")["Sent"] == 3
    assert stats(sandbox, "sends", messagestream="broadcast")["Sent"] == 2
    assert stats(sandbox, "sends", fromDate=unpadded, toDate=unpadded)["Sent"] == 5
    assert stats(sandbox, "sends", todate="2020-01-01") == {"Days": []}
    assert stats(sandbox, "tracked", fromdate="2999-1-1") == {"Days": []}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"fromdate": "yesterday"}, 900),
        ({"todate": "2026-02-30"}, 900),
        ({"fromdate": "2026-03-02", "todate": "2026-03-01"}, 1502),
        ({"messagestream": "none"}, 1226),
    ],
)
def test_a_wrong_filter_is_refused(query, code, sandbox):
    """With the documented code."""
    response = get(sandbox, "/stats/outbound/opens", **query)
    assert (response.status_code, response.json()["ErrorCode"]) == (422, code)


def test_counts_follow_messages_that_come_and_go():
    """Sums are kept by pack, and are counted again when a pack changes."""
    with LocalPostmark(in_process=True, keep=7) as sandbox:
        campaign(sandbox, 3, batch=3)
        assert stats(sandbox, "sends")["Sent"] == 3
        assert stats(sandbox)["TotalTrackedLinksSent"] == 6
        campaign(sandbox, 6, batch=3, first=3)
        assert stats(sandbox)["Sent"] == 7
        store = sandbox._store
        store.messages.remove(store.messages.at([9])[0])
        assert stats(sandbox)["Sent"] == 6
        assert stats(sandbox)["TotalTrackedLinksSent"] == 12
        sandbox.clear()
        assert stats(sandbox)["Sent"] == 0


SENT = st.builds(
    mail,
    To=st.sampled_from(
        ["ann@example.com", "ann@example.com, bob@example.com", "Ann <a@b.example>"]
    ),
    Cc=st.sampled_from([None, "", "c@example.com"]),
    Tag=st.sampled_from([None, "a", "b"]),
    TrackOpens=st.sampled_from([None, True, False]),
    TrackLinks=st.sampled_from([None, None, "None", "HtmlOnly"]),
    InactiveRecipients=st.sampled_from([None, None, ["ann@example.com"]]),
)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(SENT, min_size=1, max_size=4), max_size=3), st.data())
def test_sums_are_those_of_every_message(batches, data):
    """Packs whose messages have one recipient each are counted without a look at every message."""
    store = empty_store()
    ids = [one for batch in batches for one in keep(store, *batch)]
    if ids:
        store.remove_message(store.messages.get(data.draw(st.sampled_from(ids))))
    (row,) = store.sums.by_hour(SERVER, COLUMNS, "true", []) or [dict.fromkeys(COLUMNS, 0)]
    expected = Sums()
    for message in store.messages.all():
        expected.add(message)
    assert [row[name] for name in COLUMNS] == list(expected.row(with_links=True))
