"""Events are posted to webhooks on this machine, and retried as Postmark does."""

from __future__ import annotations

import base64
import gc
import subprocess
import sys
import threading
from collections import Counter
from datetime import timedelta

import pytest

from mailframe.errors import SandboxError
from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.state.events.events import Event, EventKind
from tests.sandbox.receiver import HUGE, Receiver
from tests.sandbox.sandbox_calls import Calls
from tests.sandbox.sandbox_mail import mail, post
from tests.sandbox.sandbox_reads import eventually

BOUNCING = "hardbounce@bounce-testing.postmarkapp.com"


def hook(sandbox, url, *triggers, **fields):
    """Create a webhook with some triggers on; the default is Delivery."""
    on = {name: {"Enabled": True} for name in triggers or ("Delivery",)}
    return Calls(sandbox).ok("POST", "/webhooks", {"Url": url, "Triggers": on} | fields)


def pass_time(sandbox, *, minutes):
    """Move the clock of the sandbox."""
    sandbox.advance(timedelta(minutes=minutes))
    assert sandbox.wait_for_webhooks()


def statuses(sandbox):
    """Status, attempts and last HTTP status of each delivery."""
    frame = sandbox.webhook_deliveries()
    columns = (frame["Status"], frame["Attempts"], frame["HttpStatus"].astype(object))
    return [
        tuple(None if cell is None else cell for cell in row) for row in zip(*columns, strict=True)
    ]


@pytest.fixture
def receiver():
    """A receiver that answers 200."""
    with Receiver() as receiver:
        yield receiver


def test_a_delivery_is_posted_as_postmark_does(either, receiver):
    """With the documented keys, the headers, and the query and user of its URL."""
    url = receiver.url("/hook?x=1").replace("//", "//us%40er:pa%3Ass@")
    hook(either, url, HttpHeaders=[{"Name": "X-Mine", "Value": "1"}])
    message = mail(To="Ann <Ann@example.com>", Tag="t", Metadata={"n": 7})
    answer = post(either, message).json()
    assert either.wait_for_webhooks()
    (arrived,) = receiver.posts
    assert arrived.path == "/hook?x=1"
    assert arrived.json.pop("DeliveredAt") == answer["SubmittedAt"]
    assert arrived.json == {
        "RecordType": "Delivery",
        "ServerID": either.server_id,
        "MessageStream": "outbound",
        "MessageID": answer["MessageID"],
        "Recipient": "Ann@example.com",
        "Tag": "t",
        "Details": "smtp;250 2.0.0 OK",
        "Metadata": {"n": "7"},
    }
    headers = arrived.headers
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    assert (headers["content-type"], headers["user-agent"]) == ("application/json", "Postmark")
    assert (headers["x-pm-retries-remaining"], headers["x-mine"]) == ("9", "1")
    assert headers["authorization"] == f"Basic {base64.b64encode(b'us@er:pa:ss').decode()}"
    (row,) = either.webhook_deliveries().to_dict("records")
    assert (row["Status"], row["Attempts"], row["HttpStatus"]) == ("delivered", 1, 200)
    assert row["TraceID"] == headers["x-pm-webhook-trace-id"]
    assert row["Url"] == receiver.url("/hook?x=1")


def test_a_hard_bounce_is_a_bounce_and_a_change_of_the_subscription(sandbox, receiver):
    """And no delivery; the keys are those of Postmark's pages."""
    hook(sandbox, receiver.url(), "Delivery", "Bounce", "SubscriptionChange")
    message_id = post(sandbox, mail(To=BOUNCING, Tag="t", Metadata={"a": "b"})).json()["MessageID"]
    assert sandbox.wait_for_webhooks()
    assert receiver.kinds() == ["Bounce", "SubscriptionChange"]
    bounce, change = (post.json for post in receiver.posts)
    assert (
        bounce.items()
        >= {
            "Type": "HardBounce",
            "TypeCode": 1,
            "Email": BOUNCING,
            "From": "hello@example.com",
            "Subject": "Hi",
            "MessageID": message_id,
            "Inactive": True,
            "CanActivate": True,
            "DumpAvailable": True,
            "ServerID": sandbox.server_id,
        }.items()
    )
    assert bounce["Metadata"] == {"a": "b"}
    assert "Content" not in bounce
    assert change.pop("ChangedAt") == bounce["BouncedAt"]
    assert change == {
        "RecordType": "SubscriptionChange",
        "MessageID": message_id,
        "ServerID": sandbox.server_id,
        "MessageStream": "outbound",
        "Recipient": BOUNCING,
        "Origin": "Recipient",
        "SuppressSending": True,
        "SuppressionReason": "HardBounce",
        "Tag": "t",
        "Metadata": {"a": "b"},
    }


READER = {
    "UserAgent": "Mozilla/5.0",
    "Platform": "Desktop",
    "Client": {"Name": "Thunderbird", "Company": "Mozilla Foundation", "Family": "Thunderbird"},
    "OS": {"Name": "Linux", "Company": "Linux", "Family": "Linux"},
    "Geo": {},
}


def happened(sandbox, kind, message_id, **details):
    """Record an event of a message."""
    store = sandbox._store
    message = store.messages.get(message_id)
    reader = READER if kind in (EventKind.OPEN, EventKind.CLICK) else {}
    store.events.add(
        Event(
            kind,
            message.server,
            message.stream,
            "ann@example.com",
            store.clock.now_ns(),
            message.position,
            message_id,
            message.head.get("Tag") or "",
            reader,
            details,
        )
    )


def test_opens_and_clicks_have_their_reader(sandbox, receiver):
    """And no ServerID, as on Postmark's pages."""
    hook(sandbox, receiver.url(), "Open", "Click")
    message_id = post(sandbox, mail(Tag="t", Metadata={"a": "b"})).json()["MessageID"]
    happened(sandbox, EventKind.OPEN, message_id, FirstOpen=True, ReadSeconds=7)
    link = {"ClickLocation": "Text", "OriginalLink": "https://acme.example/"}
    happened(sandbox, EventKind.CLICK, message_id, **link)
    assert sandbox.wait_for_webhooks()
    opened, clicked = (post.json for post in receiver.posts)
    assert opened.pop("ReceivedAt") <= clicked.pop("ReceivedAt")
    common = {
        "MessageStream": "outbound",
        "MessageID": message_id,
        "Recipient": "ann@example.com",
        "Tag": "t",
        "Metadata": {"a": "b"},
        **READER,
    }
    assert opened == {"RecordType": "Open", "FirstOpen": True, "ReadSeconds": 7, **common}
    assert clicked == {"RecordType": "Click", **link, **common}


def test_a_webhook_may_want_first_opens_only(sandbox, receiver):
    """The other gets each open."""
    hook(sandbox, receiver.url("/each"), "Open")
    first_only = {"Open": {"Enabled": True, "PostFirstOpenOnly": True}}
    hook(sandbox, receiver.url("/first"), Triggers=first_only)
    message_id = post(sandbox, mail()).json()["MessageID"]
    for is_first in (True, False):
        happened(sandbox, EventKind.OPEN, message_id, FirstOpen=is_first)
    assert sandbox.wait_for_webhooks()
    assert sorted(post.path for post in receiver.posts) == ["/each", "/each", "/first"]


def test_an_event_of_a_message_that_has_gone_is_not_posted(receiver):
    """The cap has removed it, so its metadata are unknown; the next is posted."""
    with LocalPostmark(in_process=True, keep=1) as sandbox:
        gone, kept = (item["MessageID"] for item in post(sandbox, [mail(), mail()]).json())
        webhook = hook(sandbox, receiver.url(), "Open")
        position = sandbox._store.messages.next_position - 2
        event = Event(EventKind.OPEN, sandbox.server_id, "outbound", "a@b.test", 1, position, gone)
        sandbox._store.events.add(event)
        happened(sandbox, EventKind.OPEN, kept)
        assert sandbox.wait_for_webhooks()
        assert [post.json["MessageID"] for post in receiver.posts] == [kept]
        assert webhook["Status"] == "verified"


def test_only_the_last_deliveries_are_kept(sandbox, receiver):
    """10,000 of those that ended, with their attempts; what waits is kept."""
    hook(sandbox, receiver.url())
    database = sandbox._store.database
    row = (1, 1, "Open", "", "", "", b"{}", "delivered", 1, 1, None)
    columns = (
        "webhook, server, kind, message_id, url, trace_id, body, status, attempts, created_ns,"
        " next_ns"
    )
    places = ", ".join("?" * len(row))
    sql = f"insert into webhook_deliveries ({columns}) values ({places})"  # noqa: S608 - constants
    database.run(sql, *row[:7], "waiting", 1, 1, 2**62)
    database.run_many(sql, [row] * 10_005)
    database.run("insert into webhook_attempts values (2, 1, 1, '', 200, null, '', 1)")
    post(sandbox, mail())
    assert sandbox.wait_for_webhooks()
    frame = sandbox.webhook_deliveries()
    assert len(frame) == 10_001
    assert database.value("select min(id) from webhook_deliveries where status = 'waiting'") == 1
    assert database.value("select count(*) from webhook_deliveries") == 10_001
    assert receiver.kinds() == ["Delivery"]


def test_a_simulated_life_is_posted(sandbox, receiver):
    """Each event and each delivery once, at once or when the clock reaches it."""
    hook(sandbox, receiver.url(), *(str(kind) for kind in EventKind))
    message = mail(HtmlBody='<a href="https://acme.example/">Shop</a>', TrackLinks="HtmlOnly")
    messages = [message | {"To": f"p{number}@example.com"} for number in range(60)]
    rates = {"opens": 0.5, "clicks": 0.3, "bounces": 0.1, "complaints": 0.1}
    sandbox.simulate(**rates, over="1d", upcoming=True, seed=1)
    post(sandbox, messages)
    assert sandbox.wait_for_webhooks()
    arrived = Counter(receiver.kinds())
    assert arrived.keys() == {"Delivery"}
    sandbox.advance("10d")
    assert sandbox.wait_for_webhooks()
    events = sandbox.events()
    expected = Counter(events["RecordType"])
    assert {"Bounce", "Open", "Click", "SpamComplaint", "SubscriptionChange"} <= expected.keys()
    expected["Delivery"] = 60 - expected["Bounce"]
    assert Counter(receiver.kinds()) == expected
    complaint = next(p.json for p in receiver.posts if p.json["RecordType"] == "SpamComplaint")
    assert (complaint["TypeCode"], complaint["CanActivate"]) == (100001, False)


def test_a_queued_message_is_delivered_when_it_is_sent(sandbox, receiver):
    """Also one of a paused account, after ``resume``."""
    hook(sandbox, receiver.url())
    sandbox.simulate(queued="1h", upcoming=True)
    post(sandbox, mail(Tag="queued"))
    assert sandbox.wait_for_webhooks()
    assert receiver.posts == []
    sandbox.advance("1h")
    assert sandbox.wait_for_webhooks()
    sandbox.simulate(upcoming=True)
    sandbox.pause()
    post(sandbox, mail(Tag="paused"))
    assert sandbox.wait_for_webhooks()
    assert [post.json["Tag"] for post in receiver.posts] == ["queued"]
    sandbox.resume()
    assert sandbox.wait_for_webhooks()
    assert [post.json["Tag"] for post in receiver.posts] == ["queued", "paused"]


def test_a_bounce_has_its_source_if_the_webhook_wants_it(sandbox, receiver):
    """Content, the same as the dump; by trigger, or by the setting of the server."""
    with_content = {"Bounce": {"Enabled": True, "IncludeContent": True}}
    hook(sandbox, receiver.url(), Triggers=with_content)
    settings = {"BounceHookUrl": receiver.url(), "IncludeBounceContentInHook": True}
    Calls(sandbox).ok("PUT", "/server", settings)
    post(sandbox, mail(To=BOUNCING))
    assert sandbox.wait_for_webhooks()
    dump = Calls(sandbox).ok("GET", f"/bounces/{receiver.posts[0].json['ID']}/dump")["Body"]
    assert [post.json["Content"] for post in receiver.posts] == [dump, dump]


def test_a_suppression_is_posted(sandbox, receiver):
    """By the method of the sandbox, too."""
    hook(sandbox, receiver.url(), "SubscriptionChange")
    sandbox.suppress("a@example.com", reason="SpamComplaint")
    assert sandbox.wait_for_webhooks()
    assert receiver.posts[0].json["SuppressionReason"] == "SpamComplaint"


def test_a_suppression_by_the_api_has_no_message(sandbox, receiver):
    """Its MessageID and Tag are null, and a reactivation has no reason."""
    hook(sandbox, receiver.url(), "SubscriptionChange")
    body = {"Suppressions": [{"EmailAddress": "a@example.com"}]}
    path = "/message-streams/outbound/suppressions"
    Calls(sandbox).ok("POST", path, body)
    Calls(sandbox).ok("POST", f"{path}/delete", body)
    assert sandbox.wait_for_webhooks()
    keys = ("MessageID", "Tag", "Origin", "SuppressSending", "SuppressionReason", "Metadata")
    assert [[post.json[key] for key in keys] for post in receiver.posts] == [
        [None, None, "Customer", True, "ManualSuppression", {}],
        [None, None, "Customer", False, None, {}],
    ]


def test_each_webhook_gets_what_it_wants(sandbox, receiver):
    """Of its own server, its own stream and its own triggers, once each."""
    calls = Calls(sandbox)
    other = calls.ok("POST", "/servers", {"Name": "Other"})["ApiTokens"][0]
    hook(sandbox, receiver.url("/deliveries"))
    hook(sandbox, receiver.url("/bounces"), "Bounce")
    hook(sandbox, receiver.url("/news"), MessageStream="broadcast")
    hook(sandbox, receiver.url("/off"), "Delivery", Verify=False)
    Calls(sandbox, token=other).ok("POST", "/email", mail())
    post(sandbox, [mail(), mail(To=BOUNCING), mail(MessageStream="broadcast")])
    assert sandbox.wait_for_webhooks()
    assert sorted(post.path for post in receiver.posts) == ["/bounces", "/deliveries", "/news"]


def test_a_webhook_gets_nothing_from_before_its_creation(sandbox, receiver):
    """Neither deliveries nor events; it gets what happens after that."""
    hook(sandbox, "http://127.0.0.1:9/")  # one that exists before
    post(sandbox, [mail(), mail(To=BOUNCING)])
    hook(sandbox, receiver.url(), "Delivery", "Bounce")
    assert sandbox.wait_for_webhooks()
    assert receiver.posts == []
    post(sandbox, mail(Tag="after"))
    assert sandbox.wait_for_webhooks()
    assert [post.json["Tag"] for post in receiver.posts] == ["after"]


def test_the_hook_urls_of_a_server_work_as_webhooks(sandbox, receiver):
    """Of every stream; without its URL, one gets nothing more."""
    calls = Calls(sandbox)
    urls = {f"{kind}HookUrl": receiver.url(f"/{kind}") for kind in ("Bounce", "Delivery", "Open")}
    calls.ok("PUT", "/server", urls)
    post(sandbox, [mail(MessageStream="broadcast"), mail(To=BOUNCING)])
    assert sandbox.wait_for_webhooks()
    assert sorted((post.path, post.json["RecordType"]) for post in receiver.posts) == [
        ("/Bounce", "Bounce"),
        ("/Delivery", "Delivery"),
    ]
    assert calls.ok("GET", "/webhooks")["Webhooks"] == []
    calls.ok("PUT", "/server", {"DeliveryHookUrl": "", "BounceHookUrl": receiver.url("/new")})
    post(sandbox, [mail(), mail(To="other-" + BOUNCING)])
    assert sandbox.wait_for_webhooks()
    assert [post.path for post in receiver.posts[2:]] == ["/new"]


def test_a_failed_delivery_is_retried_on_the_clock_of_the_sandbox(sandbox):
    """Nine times (D), with the same trace ID and body; then it failed."""
    with Receiver([500] * 10) as receiver:
        hook(sandbox, receiver.url())
        post(sandbox, mail())
        assert sandbox.wait_for_webhooks()
        assert statuses(sandbox) == [("waiting", 1, 500)]
        for number, minutes in enumerate((1, 5, 15, 1, 5, 10, 10, 10, 15), 2):
            pass_time(sandbox, minutes=minutes - 0.5)
            assert len(receiver.posts) == number - 1
            pass_time(sandbox, minutes=0.5)
            assert len(receiver.posts) == number
        assert statuses(sandbox) == [("failed", 10, 500)]
        pass_time(sandbox, minutes=60)
        left = [post.headers["x-pm-retries-remaining"] for post in receiver.posts]
        assert left == ["9", "8", "7", "6", "5", "4", "3", "2", "1", "0"]
        assert len({post.headers["x-pm-webhook-trace-id"] for post in receiver.posts}) == 1
        assert len({str(post.json) for post in receiver.posts}) == 1


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (204, [("delivered", 1, 204)]),
        (304, [("delivered", 2, 200)]),
        (400, [("dropped", 1, 400)]),
        (403, [("dropped", 1, 403)]),
        (408, [("delivered", 2, 200)]),
        (429, [("delivered", 2, 200)]),
        (503, [("delivered", 2, 200)]),
        ("huge", [("delivered", 1, 200)]),
        ("close", [("delivered", 2, 200)]),
    ],
)
def test_an_answer_decides_whether_it_is_retried(sandbox, first, expected):
    """408, 429, 3xx, 5xx and no answer; any other 4xx is dropped."""
    with Receiver([first]) as receiver:
        hook(sandbox, receiver.url())
        post(sandbox, mail())
        assert sandbox.wait_for_webhooks()
        pass_time(sandbox, minutes=1)
        assert statuses(sandbox) == expected
        assert len(receiver.posts) == expected[0][1]


def test_a_redirect_is_not_followed(sandbox, receiver):
    """Not even to this machine: the next one could lead to another."""
    with Receiver([receiver.url("/target")]) as first:
        hook(sandbox, first.url())
        post(sandbox, mail())
        assert sandbox.wait_for_webhooks()
        assert statuses(sandbox) == [("waiting", 1, 302)]
        assert receiver.posts == []


def test_a_receiver_that_hangs_delays_no_other(sandbox, receiver):
    """And holds up no request: the lock is free while the network is waited for."""
    with Receiver(["hang"]) as hanging:
        hook(sandbox, hanging.url())
        hook(sandbox, receiver.url())
        post(sandbox, [mail(), mail(), mail()])
        assert eventually(lambda: len(receiver.posts) == 3 and len(hanging.posts) == 1)
        assert Calls(sandbox).ok("GET", "/server")


def test_an_attempt_without_an_answer_is_given_up(sandbox):
    """After the time limit, with a reason; the start of each answer is kept."""
    sandbox.set_webhook_times(timeout_s=0.05)
    with Receiver(["hang"]) as hanging, Receiver(["huge"]) as huge:
        webhook = hook(sandbox, hanging.url())
        post(sandbox, mail())
        assert sandbox.wait_for_webhooks()
        assert sandbox.webhook_deliveries()["Error"].tolist() == ["no answer within 0.05 s"]
        sandbox.set_webhook_times(timeout_s=10)
        Calls(sandbox).ok("PUT", f"/webhooks/{webhook['ID']}", {"Url": huge.url()})
        pass_time(sandbox, minutes=1)
    shown = Calls(sandbox).ok("GET", "/_sandbox/webhooks/deliveries/1")
    assert shown["Body"]["RecordType"] == "Delivery"
    log = [(one["Number"], one["HttpStatus"], one["Error"]) for one in shown["Log"]]
    assert log == [(1, None, "no answer within 0.05 s"), (2, 200, None)]
    assert set(shown["Log"][1]["Answer"]) == {"x"}
    assert len(shown["Log"][1]["Answer"]) < HUGE


def test_a_closed_port_is_retried(sandbox, receiver):
    """A receiver may start later; ``localhost`` is tried on both of its addresses."""
    closed = Receiver()
    port = closed.port
    closed._server.server_close()
    hook(sandbox, f"http://localhost:{port}/")
    post(sandbox, mail())
    assert sandbox.wait_for_webhooks()
    assert statuses(sandbox)[0][:2] == ("waiting", 1)
    assert "connection attempts failed" in sandbox.webhook_deliveries()["Error"][0]
    hook(sandbox, f"http://localhost:{receiver.port}/")
    post(sandbox, mail())
    assert sandbox.wait_for_webhooks()
    assert len(receiver.posts) == 1


@pytest.mark.parametrize(
    ("method", "changes"),
    [
        ("DELETE", None),
        ("PUT", {"Url": "http://www.example.com/"}),
        ("PUT", {"Verify": False}),
    ],
)
def test_a_webhook_that_ends_gets_nothing_more(sandbox, method, changes):
    """It is removed, or leads to another machine: the retry that waits for it is over."""
    with Receiver([500]) as receiver:
        webhook = hook(sandbox, receiver.url())
        post(sandbox, mail())
        assert sandbox.wait_for_webhooks()
        Calls(sandbox).ok(method, f"/webhooks/{webhook['ID']}", changes)
        assert statuses(sandbox) == [("removed", 1, 500)]
        hook(sandbox, "http://127.0.0.1:9/", "Open")  # the thread goes on
        pass_time(sandbox, minutes=60)
        assert len(receiver.posts) == 1


def test_a_removed_server_posts_nothing_more(sandbox):
    """Its webhooks are removed with it."""
    with Receiver([500]) as receiver:
        server = Calls(sandbox).ok("POST", "/servers", {"Name": "Shop"})
        shop = Calls(sandbox, token=server["ApiTokens"][0])
        shop.ok("PUT", "/server", {"DeliveryHookUrl": receiver.url()})
        shop.ok("POST", "/email", mail())
        assert sandbox.wait_for_webhooks()
        Calls(sandbox).ok("DELETE", f"/servers/{server['ID']}")
        assert statuses(sandbox) == [("removed", 1, 500)]
        assert Calls(sandbox).ok("GET", "/_sandbox/webhooks")["Webhooks"] == []


def test_a_retry_goes_to_the_new_url(sandbox, receiver):
    """If the webhook was changed in the meantime."""
    with Receiver([500]) as first:
        webhook = hook(sandbox, first.url())
        post(sandbox, mail())
        assert sandbox.wait_for_webhooks()
        Calls(sandbox).ok("PUT", f"/webhooks/{webhook['ID']}", {"Url": receiver.url()})
        pass_time(sandbox, minutes=1)
        assert (len(first.posts), len(receiver.posts)) == (1, 1)


def test_retries_can_be_shortened(sandbox):
    """And there can be none at all."""
    sandbox.set_webhook_times(retries_s=[0, 0])
    with Receiver([500, 500, 500, 500]) as receiver:
        hook(sandbox, receiver.url())
        post(sandbox, mail())
        assert sandbox.wait_for_webhooks()
        assert statuses(sandbox) == [("failed", 3, 500)]
        sandbox.set_webhook_times(retries_s=[])
        post(sandbox, mail())
        assert sandbox.wait_for_webhooks()
        assert statuses(sandbox)[1] == ("failed", 1, 500)
        assert receiver.posts[-1].headers["x-pm-retries-remaining"] == "0"


@pytest.mark.parametrize(
    "times", [{"retries_s": [-1]}, {"timeout_s": float("nan")}, {"timeout_s": True}]
)
def test_a_wrong_time_is_refused(sandbox, times):
    """Seconds from 0 on."""
    with pytest.raises(SandboxError, match="is a number of seconds from 0"):
        sandbox.set_webhook_times(**times)


def test_what_waits_survives_a_restart(tmp_path):
    """And nothing is posted twice: neither what was delivered, nor what came before."""
    path = tmp_path / "sandbox.db"
    with Receiver([200, 500]) as receiver:
        with LocalPostmark(in_process=True, db=path) as sandbox:
            hook(sandbox, receiver.url())
            post(sandbox, [mail(Tag="first"), mail(Tag="second")])
            assert sandbox.wait_for_webhooks()
        with LocalPostmark(in_process=True, db=path) as sandbox:
            pass_time(sandbox, minutes=1)
            post(sandbox, mail(Tag="third"))
            assert sandbox.wait_for_webhooks()
            assert statuses(sandbox) == [
                ("delivered", 1, 200),
                ("delivered", 2, 200),
                ("delivered", 1, 200),
            ]
        tags = [post.json["Tag"] for post in receiver.posts]
        assert tags == ["first", "second", "second", "third"]


def test_an_attempt_that_the_end_cut_off_is_a_retry(tmp_path):
    """Whether the receiver got it is unknown, so it is posted again, as one attempt fewer."""
    path = tmp_path / "sandbox.db"
    with Receiver(["hang"]) as receiver:
        with LocalPostmark(in_process=True, db=path) as sandbox:
            hook(sandbox, receiver.url())
            post(sandbox, mail())
            assert eventually(lambda: bool(receiver.posts))
        with LocalPostmark(in_process=True, db=path) as sandbox:
            assert sandbox.webhook_deliveries()["Error"].tolist() == [
                "the sandbox was closed during this attempt"
            ]
            pass_time(sandbox, minutes=1)
            assert statuses(sandbox) == [("delivered", 2, 200)]
        left = [post.headers["x-pm-retries-remaining"] for post in receiver.posts]
        assert left == ["9", "8"]


def test_clear_and_reset_end_what_waits(sandbox):
    """Messages that follow are posted; after a reset there is no webhook."""
    with Receiver([500]) as receiver:
        hook(sandbox, receiver.url())
        post(sandbox, mail())
        assert sandbox.wait_for_webhooks()
        sandbox.clear()
        pass_time(sandbox, minutes=60)
        assert sandbox.webhook_deliveries().empty
        post(sandbox, mail())
        assert sandbox.wait_for_webhooks()
        assert len(receiver.posts) == 2
        sandbox.reset()
        post(sandbox, mail())
        assert sandbox.wait_for_webhooks()
        assert len(receiver.posts) == 2


def test_positions_that_begin_anew_lose_no_delivery(tmp_path, receiver):
    """After ``clear`` and a restart, messages count from 1 again."""
    path = tmp_path / "sandbox.db"
    with LocalPostmark(in_process=True, db=path) as sandbox:
        post(sandbox, [mail()] * 5)
        hook(sandbox, receiver.url())
        post(sandbox, mail())
        assert sandbox.wait_for_webhooks()
        sandbox.clear()
    with LocalPostmark(in_process=True, db=path) as sandbox:
        post(sandbox, mail(Tag="again"))
        assert sandbox.wait_for_webhooks()
    assert [post.json["Tag"] for post in receiver.posts] == ["", "again"]


def test_a_sandbox_without_a_webhook_has_no_thread(receiver):
    """One starts with the first, and ends with ``close``; it starts again with the sandbox."""

    def threads():
        return [one for one in threading.enumerate() if one.name == "mailframe-webhooks"]

    sandbox = LocalPostmark(in_process=True)
    for round_number in (1, 2):
        with sandbox:
            post(sandbox, mail())
            assert len(threads()) == round_number - 1
            hook(sandbox, receiver.url())
            post(sandbox, mail())
            assert sandbox.wait_for_webhooks()
            assert len(threads()) == 1
        sandbox.wait_for_webhooks()
        assert threads() == []
    assert len(receiver.posts) == 1 + 1 + 2


def test_the_thread_of_a_sandbox_that_nobody_closed_ends(receiver):
    """When the sandbox is no longer used."""
    sandbox = LocalPostmark(in_process=True)
    hook(sandbox, receiver.url())
    thread = sandbox._webhooks._thread
    del sandbox
    assert eventually(lambda: gc.collect() >= 0 and not thread.is_alive())


def test_a_process_can_end_in_the_middle_of_its_deliveries(receiver):
    """Also if nobody closes its sandbox: the thread has ended before the interpreter does."""
    program = (
        "import sys, httpx; from mailframe.sandbox import LocalPostmark\n"
        "sandbox = LocalPostmark(in_process=True)\n"
        "headers = {'X-Postmark-Server-Token': 't', 'Accept': 'application/json'}\n"
        "where = {'transport': sandbox.transport(), 'base_url': sandbox.url}\n"
        "http = httpx.Client(headers=headers, **where)\n"
        "triggers = {'Delivery': {'Enabled': True}}\n"
        "http.post('/webhooks', json={'Url': sys.argv[1], 'Triggers': triggers})\n"
        "mail = {'From': 'a@b.test', 'To': 'c@d.test', 'TextBody': 'Hi'}\n"
        "http.post('/email/batch', json=[mail] * 500)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, receiver.url()], capture_output=True, check=True
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_wait_ends_with_its_time_or_with_the_sandbox():
    """False: something is still due."""
    with Receiver(["hang"]) as receiver:
        with LocalPostmark(in_process=True) as sandbox:
            hook(sandbox, receiver.url())
            post(sandbox, [mail(), mail()])
            assert not sandbox.wait_for_webhooks(timeout_s=0)
        assert not sandbox.wait_for_webhooks()


def test_the_log_is_paged_and_has_no_password(sandbox, receiver):
    """Newest first; another ID than a kept one is 404."""
    calls = Calls(sandbox)
    url = receiver.url().replace("//", "//user:secret@")
    hook(sandbox, url, HttpAuth={"Username": "user", "Password": "secret"})
    post(sandbox, [mail(Tag=str(number)) for number in range(3)])
    assert sandbox.wait_for_webhooks()
    page = calls.ok("GET", "/_sandbox/webhooks/deliveries", count=2, before=3)
    assert ([one["ID"] for one in page["Deliveries"]], page["Idle"]) == ([2, 1], True)
    assert "secret" not in str(page) + str(calls.ok("GET", "/_sandbox/webhooks"))
    assert calls("GET", "/_sandbox/webhooks/deliveries/9")[0] == 404
