"""The sandbox as an object: its addresses, its frames, its start and end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pandas as pd
import pytest

import mailframe as mf
from mailframe.errors import SandboxError
from mailframe.pandas_versions import text_dtype
from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.local.frames import (
    BOUNCE_DTYPES,
    MESSAGE_DTYPES,
    REQUEST_DTYPES,
    SUPPRESSION_DTYPES,
)
from tests.campaigns import campaign
from tests.sandbox.sandbox_mail import client, mail, post

FILE = {"Name": "a.txt", "Content": "aGk=", "ContentType": "text/plain"}
FULL = mail(
    Cc="b@example.com",
    Bcc="c@example.com",
    Tag="t",
    HtmlBody="<p>",
    ReplyTo="d@example.com",
    Metadata={"a": 1, "b": True},
    Headers=[{"Name": "X-A", "Value": "b"}],
    Attachments=[FILE],
    MessageStream="broadcast",
)


def sandbox_threads():
    """The running threads of sandboxes."""
    return [
        thread for thread in threading.enumerate() if thread.name.startswith("mailframe-sandbox")
    ]


def test_messages_show_what_was_posted(either):
    """One row with every field by Postmark's name; numbers in the metadata are text."""
    answer = post(either, FULL).json()
    row = either.messages().iloc[0].to_dict()
    stamp = row.pop("SubmittedAt")
    assert stamp == pd.Timestamp(answer["SubmittedAt"])
    assert stamp.isoformat(timespec="nanoseconds").startswith(answer["SubmittedAt"][:-1])
    expected = FULL | {"MessageID": answer["MessageID"], "Metadata": {"a": "1", "b": "true"}}
    place = {"ServerID": either.server_id, "request": 1}
    assert row == expected | place | {"Attachments": ["a.txt"]}


@pytest.mark.parametrize("count", [0, 1])
def test_frames_have_the_same_columns_and_dtypes_when_empty(sandbox, count):
    """So the next cell of a notebook also works without messages."""
    if count:
        post(sandbox, mail(To="hardbounce@bounce-testing.postmarkapp.com"))
    for frame, dtypes in [
        (sandbox.messages(), MESSAGE_DTYPES),
        (sandbox.delivered(), MESSAGE_DTYPES),
        (sandbox.requests(), REQUEST_DTYPES),
        (sandbox.suppressions(), SUPPRESSION_DTYPES),
        (sandbox.bounces(), BOUNCE_DTYPES),
    ]:
        text = {name: text_dtype() for name, dtype in dtypes.items() if dtype == "str"}
        assert frame.dtypes.to_dict() == dtypes | text
        assert len(frame) == count


def test_a_frame_is_a_copy(sandbox):
    """A change of the frame does not change the sandbox."""
    post(sandbox, FULL)
    sandbox.messages().loc[0, "Metadata"]["a"] = "changed"
    frame = sandbox.messages()
    frame["To"] = "changed"
    assert sandbox.messages()["Metadata"][0]["a"] == "1"
    assert sandbox.messages()["To"][0] == "ann@example.com"


def test_requests_show_every_request(either):
    """Requests without messages have no number."""
    post(either, [mail(), mail(To="abc")])
    with client(either) as http:
        http.get("/nowhere")
    post(either, mail(To="abc"))
    frame = either.requests()
    assert frame["number"].tolist() == [1, pd.NA, 2]
    assert frame[["method", "path", "messages", "http_status", "accepted"]].to_numpy().tolist() == [
        ["POST", "/email/batch", 2, 200, 1],
        ["GET", "/nowhere", 0, 404, 0],
        ["POST", "/email", 1, 422, 0],
    ]
    assert frame["bytes"].gt(0).tolist() == [True, False, True]
    assert frame["fault"].isna().all()


def test_requests_of_eight_threads_are_recorded_once_each(either):
    """With 160 requests of two messages, all messages, ids and numbers are unique."""

    def send(worker):
        with client(either) as http:
            for turn in range(20):
                messages = [mail(To=f"w{worker}.t{turn}.m{i}@example.com") for i in range(2)]
                items = http.post("/email/batch", json=messages).json()
                yield from (item["MessageID"] for item in items)

    with ThreadPoolExecutor(8) as pool:
        answered = [
            message_id
            for ids in pool.map(lambda worker: list(send(worker)), range(8))
            for message_id in ids
        ]
    frame = either.messages()
    assert sorted(frame["MessageID"]) == sorted(answered)
    assert frame["MessageID"].is_unique
    assert frame["To"].is_unique
    assert len(frame) == 320
    assert sorted(either.requests()["number"]) == list(range(1, 161))
    assert frame.groupby("request").size().eq(2).all()


def test_a_seed_repeats_the_ids():
    """They are UUIDs of version 4."""

    def ids(seed):
        with LocalPostmark(in_process=True, seed=seed) as sandbox:
            return [item["MessageID"] for item in post(sandbox, [mail()] * 3).json()]

    assert ids(1) == ids(1)
    assert ids(1) != ids(2)
    assert {text[14] for text in ids(1)} == {"4"}


def test_closing_frees_the_port_and_ends_the_thread():
    """The port is free at once, messages can still be read, and both calls can be repeated."""
    sandbox = LocalPostmark()
    assert sandbox.start() is sandbox.start()
    port = sandbox.port
    assert f"mailframe-sandbox-{port}" in [thread.name for thread in sandbox_threads()]
    post(sandbox, mail())
    sandbox.close()
    sandbox.close()
    assert f"mailframe-sandbox-{port}" not in [thread.name for thread in sandbox_threads()]
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    assert len(sandbox.messages()) == 1
    assert (sandbox.port, sandbox.url) == (0, "http://127.0.0.1:0")


def test_a_sandbox_can_be_opened_again():
    """It still has its messages."""
    sandbox = LocalPostmark()
    for count in (1, 2):
        with sandbox:
            post(sandbox, mail())
            assert len(sandbox.messages()) == count


def test_an_open_connection_does_not_keep_the_sandbox_from_closing():
    """One client keeps its connection alive, another has sent half a head."""
    with LocalPostmark() as sandbox, client(sandbox) as http:
        http.post("/email", json=mail())
        half = socket.create_connection(("127.0.0.1", sandbox.port))
        half.sendall(b"POST /email HTTP/1.1\r\nHost: ")
        http.post("/email", json=mail())
    with (
        half,
        contextlib.suppress(ConnectionResetError),
    ):  # its bytes may still be unread: then the end is a reset
        assert half.recv(1) == b""


def test_two_sandboxes_can_run_at_the_same_time():
    """Each has its own port, messages and faults."""
    with LocalPostmark() as one, LocalPostmark(faults=["http_429"]) as two:
        assert one.port != two.port
        assert (post(one, mail()).status_code, post(two, mail()).status_code) == (200, 429)
        assert (len(one.messages()), len(two.messages())) == (1, 0)


def test_it_works_in_a_running_event_loop():
    """A notebook has such a loop in the main thread."""

    async def cell():
        with LocalPostmark() as sandbox:
            post(sandbox, mail())
            return len(sandbox.messages())

    assert asyncio.run(cell()) == 1


def test_a_taken_port_is_an_error_that_says_what_to_do(listening):
    """It is raised in the thread of the caller."""
    with pytest.raises(
        SandboxError,
        match=rf"cannot listen on 127\.0\.0\.1:{listening.port}: .*takes a free one",
    ):
        LocalPostmark(port=listening.port).start()


def test_the_port_is_the_given_one():
    """0 takes a free one; another number is used."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with LocalPostmark(port=port) as sandbox:
        assert sandbox.url == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "", "::"])
def test_a_host_that_other_machines_can_reach_is_refused(host):
    """The sandbox stores personal data and accepts any token."""
    with pytest.raises(SandboxError, match="is not loopback"):
        LocalPostmark(host=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.9.9.9", "::1"])
def test_a_loopback_host_is_accepted(host):
    """It is a name, an IPv4 or an IPv6 address."""
    assert LocalPostmark(host=host).url == "http://127.0.0.1:0"


def test_in_process_has_no_thread_and_a_url_without_a_server(sandbox):
    """A client without the transport cannot connect."""
    before = len(sandbox_threads())
    with (
        httpx.Client(transport=httpx.HTTPTransport(verify=False)) as http,
        pytest.raises(httpx.ConnectError),
    ):
        http.post(sandbox.url + "/email", json=mail())
    assert len(sandbox_threads()) == before
    assert sandbox.port == 0


def test_a_closed_sandbox_is_unreachable_in_process():
    """This is the same as over a socket."""
    with LocalPostmark(in_process=True) as sandbox:
        http = client(sandbox)
    with http, pytest.raises(httpx.ConnectError):
        http.post("/email", json=mail())


def test_the_transport_of_a_listening_sandbox_has_the_same_inbox(listening):
    """Messages from both are in one inbox."""
    post(listening, mail())
    with httpx.Client(transport=listening.transport(), base_url=listening.url) as http:
        assert len(http.get("/_sandbox/messages").json()["Messages"]) == 1


def test_clear_removes_messages_and_reset_everything_that_was_added():
    """The reset restores the suppressions and faults of the constructor."""
    with LocalPostmark(
        in_process=True, suppressions=["ann@example.com"], faults=["http_429"]
    ) as sandbox:
        assert post(sandbox, mail()).status_code == 429
        sandbox.suppress("bob@example.com")
        sandbox.fault("http_413_html")
        sandbox.clear()
        assert (len(sandbox.requests()), len(sandbox.suppressions())) == (0, 2)
        assert post(sandbox, mail()).status_code == 413
        assert sandbox.requests()["number"].tolist() == [1]
        sandbox.reset()
        assert sandbox.suppressions()["EmailAddress"].tolist() == ["ann@example.com"]
        assert post(sandbox, mail()).status_code == 429


def test_suppressions_are_given_for_all_streams_or_by_stream():
    """A list is for every stream that can send."""
    with LocalPostmark(in_process=True, suppressions=["a@example.com"]) as sandbox:
        assert [
            len(sandbox.suppressions(stream)) for stream in ("outbound", "broadcast", "inbound")
        ] == [
            1,
            1,
            0,
        ]
    with LocalPostmark(in_process=True, suppressions={"broadcast": ["a@example.com"]}) as sandbox:
        assert [len(sandbox.suppressions(stream)) for stream in ("outbound", "broadcast")] == [0, 1]


def test_given_streams_replace_the_default_streams():
    """They are given by id and type."""
    with LocalPostmark(in_process=True, streams={"news": "broadcast"}) as sandbox:
        assert post(sandbox, mail()).json()["ErrorCode"] == 1235
        assert post(sandbox, mail(MessageStream="news")).json()["ErrorCode"] == 0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"streams": {"a": "bulk"}}, "a stream is one of transactional, broadcast, inbound"),
        ({"approval": "maybe"}, "approval is one of approved, pending, refused; found 'maybe'"),
        ({"senders": "example.com"}, r"write \['example.com'\]"),
        (
            {"suppressions": {"nowhere": ["a@example.com"]}},
            "no sending stream 'nowhere' in this sandbox; it has outbound",
        ),
        ({"faults": ["http_418"]}, "there is no fault 'http_418'"),
    ],
)
def test_the_error_for_a_wrong_option_has_the_valid_ones(options, text):
    """It is raised before a socket is opened."""
    with pytest.raises(SandboxError, match=text):
        LocalPostmark(**options)


def test_a_suppression_has_one_of_postmarks_reasons(sandbox):
    """Postmark has three reasons; the last has another origin."""
    sandbox.suppress("a@example.com", reason="ManualSuppression")
    assert sandbox.suppressions()[["SuppressionReason", "Origin"]].to_numpy().tolist() == [
        ["ManualSuppression", "Customer"]
    ]
    with pytest.raises(SandboxError, match="HardBounce, SpamComplaint, ManualSuppression"):
        sandbox.suppress("a@example.com", reason="Boredom")


def test_the_default_token_is_valid():
    """It is the first of the given tokens; no repr shows it."""
    with LocalPostmark(in_process=True, tokens=["first-token", "second"]) as sandbox:
        assert sandbox.token == "first-token"
        assert post(sandbox, mail()).status_code == 200
        assert repr(sandbox) == "<LocalPostmark without a socket, 1 messages>"


def test_a_subclass_works():
    """Its repr and its context manager have the type of the subclass."""

    class Sandbox(LocalPostmark):
        @property
        def server(self):
            return self.url

    with Sandbox(in_process=True) as sandbox:
        assert sandbox.server == sandbox.url
        assert repr(sandbox).startswith("<Sandbox ")


def test_every_answer_can_be_delayed():
    """``delay_s`` is for each request; simultaneous requests wait at the same time."""
    arrived: list[float] = []
    answered: list[float] = []

    def request(_):
        took_s = post(sandbox, mail()).elapsed.total_seconds()
        answered.append(time.monotonic())
        return took_s

    with LocalPostmark(delay_s=1.0) as sandbox, ThreadPoolExecutor(4) as pool:
        sandbox.listen(lambda _: arrived.append(time.monotonic()))
        assert min(pool.map(request, range(4))) >= 1.0
    assert max(arrived) < min(answered)


LOOPBACK_HOSTS = [
    "127.0.0.2",
    "LOCALHOST",
    "localhost.",
    "Localhost.",
    "::1",
    "[::1]",
    "0:0:0:0:0:0:0:1",
]


@pytest.mark.parametrize("host", LOOPBACK_HOSTS)
def test_the_sandbox_can_listen_on_every_name_of_this_machine(host):
    """The inbox and searches work, and a campaign with a ledger is sent through it."""
    with mf.Sandbox(host=host) as sandbox:
        results = campaign(2).send(sandbox.server, progress=False)
        with client(sandbox) as http:
            assert http.get("/").status_code == 200
            assert len(http.get("/_sandbox/messages").json()["Messages"]) == 2
    assert results["status"].tolist() == ["accepted", "accepted"]


@pytest.mark.parametrize(
    "name", ["LOCALHOST", "localhost.", "127.0.0.9", "[::1]", "[0:0:0:0:0:0:0:1]"]
)
def test_a_client_can_use_every_name_of_this_machine(listening, name):
    """The Host header of a browser is as typed in the address bar."""
    with client(listening) as http:
        assert http.get("/", headers={"Host": f"{name}:{listening.port}"}).status_code == 200
        assert http.get("/", headers={"Host": name}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "192.168.0.1",
        "localhost.acme.example",
        "localhost..",
        "127.0.0.1:8025",
        "::1%lo",
        "127.1",
        None,
        1,
    ],
)
def test_another_host_is_refused_with_what_to_write(host):
    """The error has the host and says what to write."""
    with pytest.raises(
        SandboxError, match=r"is not loopback.*write host='127\.0\.0\.1', '::1' or 'localhost'"
    ):
        LocalPostmark(host=host)


@pytest.mark.parametrize("in_process", [True, False])
@pytest.mark.parametrize("is_closed", [True, False])
def test_an_error_of_the_listener_changes_no_answer(in_process, is_closed, caplog):
    """It is logged once, and raised by ``close`` or at the end of ``with``, once."""
    paths = []

    def listener(record):
        paths.append(record.path)
        raise ValueError(record.path)

    sandbox = LocalPostmark(in_process=in_process)

    def used():
        with sandbox:
            sandbox.listen(listener)
            assert post(sandbox, mail()).json()["Message"] == "OK"
            assert post(sandbox, [mail()]).status_code == 200
            assert post(sandbox, mail(To="nobody")).status_code == 422
            if is_closed:
                sandbox.close()

    with pytest.raises(SandboxError, match="raised ValueError: /email") as raised:
        used()
    assert isinstance(raised.value.__cause__, ValueError)
    assert paths == ["/email", "/email/batch", "/email"]
    assert [record.name for record in caplog.records] == ["mailframe.sandbox"]
    assert len(sandbox.messages()) == 2
    sandbox.close()


@pytest.mark.parametrize("in_process", [True, False])
def test_the_function_of_listen_can_close_the_sandbox(tmp_path, in_process):
    """The request is answered; then the port and the file are free."""
    path = tmp_path / "kept.db"
    sandbox = LocalPostmark(db=path, in_process=in_process).start()
    port = sandbox.port
    threads = [one for one in threading.enumerate() if one.name == f"mailframe-sandbox-{port}"]
    sandbox.listen(lambda _: sandbox.close())
    assert post(sandbox, mail()).json()["Message"] == "OK"
    for thread in threads:
        thread.join(10)
    with LocalPostmark(db=path, in_process=in_process, port=port) as other:
        assert len(other.messages()) == 1
    sandbox.close()


def test_an_error_of_the_block_is_not_replaced_by_one_of_the_listener(caplog):
    """Which is in the log."""

    def used():
        with LocalPostmark(in_process=True) as sandbox:
            sandbox.listen(lambda _: 1 / 0)
            post(sandbox, mail())
            raise KeyError

    with pytest.raises(KeyError):
        used()
    assert "division by zero" in caplog.text
