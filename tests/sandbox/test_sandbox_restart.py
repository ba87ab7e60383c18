"""A second start with the same file and other options: what they replace, add and contradict."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys

import httpx
import pytest

from mailframe.errors import SandboxError
from mailframe.sandbox import LocalPostmark
from tests.sandbox.receiver import Receiver
from tests.sandbox.sandbox_calls import Calls
from tests.sandbox.sandbox_mail import HEADERS, mail

PAGE = {"count": 500, "offset": 0}
STREAM = {"ID": "news", "Name": "News", "MessageStreamType": "Broadcasts"}


@pytest.fixture
def started(tmp_path):
    """Starts a sandbox with the same file and other options."""
    path = tmp_path / "kept.db"
    return lambda **options: LocalPostmark(in_process=True, db=path, **options)


def test_tokens_are_those_of_the_last_start_and_of_the_api(started):
    """A server is the same one by its name, also after it was renamed over the API."""
    with started(tokens=["one"], servers={"shop": "a", "News": ["b", "c"]}) as sandbox:
        made = Calls(sandbox, token="one").ok("POST", "/servers", {"Name": "made"})
        token = made["ApiTokens"][0]
        ids = {one: Calls(sandbox, token=one).ok("GET", "/server")["ID"] for one in ("one", "a")}
        Calls(sandbox, token="b").ok("PUT", "/server", {"Name": "Letters"})
        news = Calls(sandbox, token="b").ok("POST", "/email", mail())["MessageID"]
    with started(tokens=["two"], servers={"NEWS": "a", "shop": ["d", "B"]}) as sandbox:
        assert Calls(sandbox, token="two").ok("GET", "/server")["ID"] == ids["one"]
        assert Calls(sandbox, token="d").ok("GET", "/server")["ID"] == ids["a"]
        assert Calls(sandbox, token="b").ok("GET", "/server")["ApiTokens"] == ["d", "B"]
        kept = Calls(sandbox, token="a").ok("GET", f"/messages/outbound/{news}/details")
        assert kept["MessageID"] == news
        assert Calls(sandbox, token=token).ok("GET", "/server") == made
        for gone in ("one", "c", "sandbox-token"):
            assert Calls(sandbox, token=gone)("GET", "/server")[0] == 401
    with started() as sandbox:  # any other text is a token of the first server
        for any_text in ("one", "d", "a"):
            assert Calls(sandbox, token=any_text).ok("GET", "/server")["ID"] == ids["one"]
        assert Calls(sandbox, token=token).ok("GET", "/server") == made
    for options in ({"servers": {"made": token}}, {}):  # it stays the API's, though both name it
        with started(**options) as sandbox:
            assert Calls(sandbox, token=token).ok("GET", "/server")["ID"] == made["ID"]
    with started(tokens=["one"], servers={"made": token}) as sandbox:
        assert Calls(sandbox, token=token).ok("GET", "/server")["ID"] == made["ID"]
        sandbox.reset()
        assert Calls(sandbox, token=token).ok("GET", "/server")["Name"] == "made"
        names = Calls(sandbox, token="one").ok("GET", "/servers", **PAGE)["Servers"]
        assert [server["Name"] for server in names] == ["mailframe sandbox", "made"]


def test_senders_are_those_of_the_last_start_and_of_the_api(started):
    """One that the API added stays, and one that nobody confirmed is confirmed by the options."""
    with started(senders=["a@acme.test", "b.test"]) as sandbox:
        Calls(sandbox).ok("POST", "/senders", {"FromEmail": "c@acme.test", "Name": "C"})
        assert Calls(sandbox).code("POST", "/email", mail(From="c@acme.test")) != 0
    with started(senders=["C@acme.test", "d.test"]) as sandbox:
        calls = Calls(sandbox)
        for sender in ("c@acme.test", "x@d.test"):
            calls.ok("POST", "/email", mail(From=sender))
        for sender in ("a@acme.test", "x@b.test"):
            assert calls.code("POST", "/email", mail(From=sender)) == 400
        listed = calls.ok("GET", "/senders", **PAGE)["SenderSignatures"]
        assert [one["EmailAddress"] for one in listed] == ["c@acme.test"]
        domains = calls.ok("GET", "/domains", **PAGE)["Domains"]
        assert [one["Name"] for one in domains] == ["d.test"]
    with started(senders=[]) as sandbox:
        assert Calls(sandbox).code("POST", "/email", mail(From="x@d.test")) == 400
        Calls(sandbox).ok("POST", "/email", mail(From="c@acme.test"))


def test_the_account_is_that_of_the_last_start(started):
    """Approval, Bulk API, delay, pause, faults and the delivery type, but not that of the API."""
    with started(
        approval="refused", bulk=False, delivery_type="Live", servers={"shop": "a"}, paused=True
    ) as sandbox:
        made = Calls(sandbox).ok("POST", "/servers", {"Name": "m", "DeliveryType": "Live"})
        assert Calls(sandbox).code("POST", "/email", mail()) == 413
    with started(faults=["http_429"], servers={"shop": "a"}, index_delay_s=60) as sandbox:
        calls = Calls(sandbox)
        assert calls("POST", "/email", mail())[0] == 429
        calls.ok("POST", "/email", mail())
        assert not sandbox.paused
        assert calls.ok("GET", "/messages/outbound", **PAGE)["TotalCount"] == 0
        types = {
            token: Calls(sandbox, token=token).ok("GET", "/server")["DeliveryType"]
            for token in ("any", "a", made["ApiTokens"][0])
        }
        assert list(types.values()) == ["Sandbox", "Sandbox", "Live"]
    with started() as sandbox:
        assert Calls(sandbox).ok("GET", "/messages/outbound", **PAGE)["TotalCount"] == 1


def test_streams_are_added_and_stay(started):
    """An archived one stays archived; without the option nothing is added."""
    with started(streams={"news": "broadcast"}, servers={"shop": "a"}) as sandbox:
        Calls(sandbox).ok("POST", "/message-streams/news/archive")
    with started(streams={"news": "broadcast", "in": "inbound"}, servers={"shop": "a"}) as sandbox:
        for token, ids in (("any", ["in"]), ("a", ["news", "in"])):
            listed = Calls(sandbox, token=token).ok("GET", "/message-streams")["MessageStreams"]
            assert [stream["ID"] for stream in listed] == ids
    with started(servers={"new": "b"}) as sandbox:
        for token, count in (("any", 1), ("b", 3)):
            listed = Calls(sandbox, token=token).ok("GET", "/message-streams")
            assert listed["TotalCount"] == count


def test_suppressions_are_added_and_stay(started):
    """One that was removed over the API is added again; nothing of this is an event."""
    every = "/message-streams/outbound/suppressions"
    with started(suppressions=["a@x.test", "b@x.test"]) as sandbox:
        remove = {"Suppressions": [{"EmailAddress": "a@x.test"}]}
        Calls(sandbox).ok("POST", f"{every}/delete", remove)
        count = len(sandbox.events())
    options = {"suppressions": ["A@x.test", "c@x.test"], "servers": {"shop": "a"}}
    with started(**options) as sandbox:
        for token, names in (("any", "bac"), ("a", "ac")):
            dump = Calls(sandbox, token=token).ok("GET", f"{every}/dump")["Suppressions"]
            assert [one["EmailAddress"][0] for one in dump] == list(names)
        assert len(sandbox.events()) == count


def test_webhooks_follow_the_hosts_of_the_last_start(started):
    """One that is reached from now on gets nothing from before; one that is not, nothing more."""
    with Receiver() as receiver:
        triggers = {"Delivery": {"Enabled": True}}
        hook = {"Url": f"http://127.1:{receiver.port}/hook", "Triggers": triggers}
        statuses = []
        for name, hosts in (("a", []), ("b", ["127.1"]), ("c", []), ("d", "127.1")):
            with started(webhook_hosts=hosts) as sandbox:
                if name == "a":
                    Calls(sandbox).ok("POST", "/webhooks", hook)
                    off = hook | {"Url": f"http://127.1:{receiver.port}/off"}
                    Calls(sandbox).ok("POST", "/webhooks", off, Verify="false")
                Calls(sandbox).ok("POST", "/email", mail(To=f"{name}@x.test"))
                assert sandbox.wait_for_webhooks()
                listed = Calls(sandbox).ok("GET", "/webhooks")["Webhooks"]
                statuses.append([one["Status"] for one in listed])
        assert [post.json["Recipient"] for post in receiver.posts] == ["b@x.test", "d@x.test"]
        assert statuses == [[one, "unverified"] for one in ("unverified", "verified") * 2]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"streams": {"news": "transactional"}}, "the stream 'news' of the server 'shop' is "),
        ({"server_id": 8}, r"kept.db has the ID 7, and server_id is 8; leave server_id out"),
        ({"tokens": ["TOKEN"]}, "to the server 'mailframe sandbox' belongs to 'made' in "),
        ({"servers": {"first": "x"}}, "'first' is the name of the first server"),
        ({"suppressions": {"none": ["a@x.test"]}}, "no sending stream 'none' in the database"),
        ({"faults": ["http_418"]}, "there is no fault"),
        ({"index_delay_s": "x"}, "index_delay_s is a number of seconds"),
    ],
)
def test_what_contradicts_the_file_is_refused_and_changes_nothing(started, tmp_path, options, why):
    """The error names the file and both values, and no token; the file is free afterwards."""
    with started(server_id=7, tokens=["one"]) as sandbox:
        calls = Calls(sandbox, token="one")
        made = calls.ok("POST", "/servers", {"Name": "made"})["ApiTokens"][0]
        if options.get("servers"):
            calls.ok("PUT", "/server", {"Name": "First"})
    with started(tokens=["one"], servers={"shop": "a"}) as sandbox:
        Calls(sandbox, token="a").ok("POST", "/message-streams", STREAM)
    wrong = options | ({"tokens": [made]} if "tokens" in options else {})
    with pytest.raises(SandboxError, match=why) as refused:
        started(**{"servers": {"shop": "b"}} | wrong)
    assert made not in str(refused.value)
    if "streams" in options:
        both = "is broadcast in the database .*kept.db, and transactional in the options"
        assert re.search(both, str(refused.value))
    with started(tokens=["one"], servers={"shop": "a"}) as sandbox:
        assert sandbox.server_id == 7
        assert Calls(sandbox, token="a").ok("GET", "/server")["ApiTokens"] == ["a"]


def test_a_reset_that_the_options_contradict_removes_nothing(started):
    """They fit the file, which has a stream that the API made, and not a new one."""
    with started(server_id=7) as sandbox:
        Calls(sandbox).ok("POST", "/message-streams", STREAM)
        Calls(sandbox).ok("POST", "/email", mail())
    with started(suppressions={"news": ["a@x.test"]}) as sandbox:
        calls, why = Calls(sandbox), "no sending stream 'news'"
        sandbox.fault("http_429", request=2)
        with pytest.raises(SandboxError, match=why):
            sandbox.reset()
        status, answer = calls("POST", "/_sandbox/reset")
        assert (status, answer["ErrorCode"]) == (422, 300)
        assert why in answer["Message"]
        assert sandbox.suppressions("news")["EmailAddress"].tolist() == ["a@x.test"]
        calls.ok("POST", "/email", mail(MessageStream="news", To="b@x.test"))
        assert sandbox.messages()["To"].tolist() == [mail()["To"], "b@x.test"]
        assert calls("POST", "/email", mail())[0] == 429


@pytest.mark.parametrize("keeps", [(9, 4, 9), (4, 9, 9), (9, 10, 3)])
def test_what_a_smaller_cap_removed_does_not_come_back(started, keeps):
    """The oldest of ten messages of one request go at the start, whatever comes later."""
    left = 10
    for turn, keep in enumerate(keeps):
        with started(keep=keep) as sandbox:
            if turn == 0:
                names = [mail(To=f"p{number}@x.test") for number in range(10)]
                Calls(sandbox).ok("POST", "/email/batch", names)
            left = min(left, keep)
            found = sandbox.messages()["To"].tolist()
            assert found == [f"p{number}@x.test" for number in range(10 - left, 10)]
            assert Calls(sandbox).ok("GET", "/messages/outbound", **PAGE)["TotalCount"] == left
    with started(keep=20) as sandbox:
        Calls(sandbox).ok("POST", "/email", mail())
        assert len(sandbox.messages()) == left + 1
        sandbox.clear()
    with started(keep=20) as sandbox:
        Calls(sandbox).ok("POST", "/email", mail())
        assert len(sandbox.messages()) == 1


def test_what_reads_a_closed_sandbox_frees_its_file_again(started):
    """A cell that had shown one kept the file in use: the cell before could not run again."""
    closed = started()
    with closed:
        Calls(closed).ok("POST", "/email", mail())
    for use in (repr, LocalPostmark._repr_html_, LocalPostmark.messages, LocalPostmark.simulate):
        assert use(closed) is not None
        with started() as second:
            Calls(second).ok("POST", "/email", mail())
    with started():
        assert repr(closed) == "<LocalPostmark closed>"
        with pytest.raises(SandboxError, match="is in use by another sandbox"):
            closed.start()
    with closed:  # goes on after what the others have added
        Calls(closed).ok("POST", "/email", mail(Subject="last"))
        with pytest.raises(SandboxError, match="is in use by another sandbox"):
            started()
    assert closed.messages()["Subject"].tolist() == [mail()["Subject"]] * 5 + ["last"]


@contextlib.contextmanager
def command(path, *options):
    """``mailframe sandbox`` with that file; it is killed at the end."""
    arguments = [sys.executable, "-m", "mailframe", "sandbox", "--port", "0", "--db", path]
    with subprocess.Popen([*arguments, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = re.search(r"http://[\d.:]+", process.stdout.readline())[0]
            with httpx.Client(base_url=url, headers=HEADERS) as http:
                yield lambda token, path: http.get(path, headers={"X-Postmark-Server-Token": token})
        finally:
            process.kill()


def test_the_command_line_is_started_again_with_other_options(tmp_path):
    """The first one is killed; the second replaces tokens, and adds streams and suppressions."""
    path = tmp_path / "kept.db"
    with command(path, "--token", "one", "--server", "shop=a", "--stream", "news=broadcast") as get:
        before = get("a", "/server").json()
    options = ["--token", "two", "--server", "shop=b", "--stream", "more=broadcast"]
    options += ["--suppress", "shop/news:ann@x.test", "--suppress", "more:bob@x.test"]
    options += ["--delivery-type", "Live", "--keep", "7"]
    with command(path, *options) as get:
        assert [get(token, "/server").status_code for token in ("one", "a")] == [401, 401]
        after = get("b", "/server").json()
        assert after == before | {"ApiTokens": ["b"], "DeliveryType": "Live"}
        dumps = {
            (token, stream): [
                one["EmailAddress"]
                for one in get(token, f"/message-streams/{stream}/suppressions/dump").json()[
                    "Suppressions"
                ]
            ]
            for token in ("two", "b")
            for stream in ("news", "more")
        }
    ann, bob = ["ann@x.test"], ["bob@x.test"]
    assert list(dumps.values()) == [[], bob, ann, bob]
    wrong = [sys.executable, "-m", "mailframe", "sandbox", "--db", path, "--port", "0"]
    done = subprocess.run(
        [*wrong, "--stream", "more=inbound"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "'more' of the server 'mailframe sandbox' is broadcast" in done.stderr
    assert f"in the database {path}, and inbound in the options" in done.stderr
