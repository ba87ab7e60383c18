"""Messages that take long to show: some HTML is refused, and none keeps other clients waiting."""

from __future__ import annotations

import re
import select
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from mailframe.pages.tree import MAX_TAGS
from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.serving.routes import answer
from mailframe.sandbox.wire.exchange import Request
from tests.sandbox.sandbox_mail import client, mail, post
from tests.sandbox.sandbox_reads import get

SLOW = "<p>" * MAX_TAGS
"""It takes a second or more to read."""


def sent(sandbox, html):
    """Post one message; returns its ID."""
    answer = post(sandbox, mail(HtmlBody=html))
    assert answer.status_code == 200
    return answer.json()["MessageID"]


def asked(sandbox, path, stack):
    """A connection on which a page was asked for."""
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", sandbox.port)))
    connection.settimeout(120)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return connection


def is_answered(connection):
    """Whether anything has arrived on a connection."""
    return bool(select.select([connection], [], [], 0)[0])


@pytest.mark.parametrize("extra", [-1, 0, 1])
@pytest.mark.parametrize(
    "html", ["<" * MAX_TAGS, "&" * MAX_TAGS, "<i>" * (MAX_TAGS // 2) + "&" * (MAX_TAGS // 2)]
)
def test_html_with_too_many_tags_is_not_shown(sandbox, html, extra):
    """Tags and character references count; the page says how many there are and what to read."""
    html = html[: len(html) + min(extra, 0)] + "&" * max(extra, 0)
    message_id = sent(sandbox, html)
    page = get(sandbox, f"/inbox/{message_id}?whole").text
    links = get(sandbox, f"/inbox/{message_id}?part=links").text
    assert ("<iframe" in page) == (extra <= 0)
    for shown in (page, links):
        assert ("100,000 together can be read" in shown) == (extra > 0)
    if extra > 0:
        for part in ("source", "text"):
            address = re.search(rf'<a href="(/inbox/[^"]*part={part}[^"]*)">', page)[1]
            assert get(sandbox, address.replace("&amp;", "&")).status_code == 200
        for document in ("frame", "measure"):
            answer = get(sandbox, f"/inbox/{message_id}/{document}")
            assert answer.status_code == 422
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_other_clients_are_answered_while_slow_mails_are_shown(listening):
    """Sends that are begun after ten slow documents were asked for are answered before the last."""
    mails = [sent(listening, f"<p>{number}{SLOW[3:]}") for number in range(10)]
    with client(listening) as http, ExitStack() as stack:
        assert http.get("/").status_code == 200
        slow = [asked(listening, f"/inbox/{mail_id}/frame", stack) for mail_id in mails]
        for _ in range(4):
            assert http.post("/email", json=mail()).status_code == 200
        assert not is_answered(slow[-1])
        assert slow[0].recv(100).startswith(b"HTTP/1.1 200")
        assert len(listening.messages()) == 14


@pytest.mark.parametrize(
    "path",
    [
        *(f"/inbox/{{}}/parts/{part}" for part in ("raw", "json", "source", "text")),
        "/inbox/{}?part=headers",
        "/_sandbox/messages/{}",
        "/_sandbox/messages/{}/parts/raw",
        "/messages/outbound/{}/dump",
        "/messages/outbound/{}/details",
    ],
)
def test_what_is_long_of_a_message_is_made_while_others_use_the_state(path):
    """Its source, its JSON and its links: the answer is whole while another thread has the lock."""
    page = {"Name": "a.txt", "ContentType": "text/plain", "Content": "YWJj" * 100_000}
    with LocalPostmark(in_process=True) as sandbox:
        posted = mail(MessageStream="broadcast", HtmlBody="<b>ö</b>", Attachments=[page])
        message_id = post(sandbox, posted).json()["MessageID"]
        path, _, query = path.format(message_id).partition("?")
        headers = {"x-postmark-server-token": sandbox.token, "accept": "application/json"}
        with ThreadPoolExecutor(1) as other, sandbox._store.lock:
            reply = answer(Request("GET", path, headers, query=query), sandbox._store).reply
            made = other.submit(reply.made).result(60)
        assert reply.later is not None
        assert (made.status, "b" in made.body.decode()) == (200, True)


@pytest.mark.parametrize("fault", ["short_reply", "delayed_reply", "half_answer_accepted"])
def test_a_fault_hits_an_answer_that_is_made_later(listening, fault):
    """What changes a list leaves it as it is; half of it is half of the whole."""
    message_id = sent(listening, "<p>")
    path = f"/messages/outbound/{message_id}/dump"
    with client(listening) as http:
        whole = http.get(path)
        listening.fault(fault, path="/messages/outbound/{id}/dump")
        if fault != "half_answer_accepted":
            assert http.get(path).content == whole.content
            return
        with pytest.raises(httpx.RemoteProtocolError, match=f"expected {len(whole.content)}"):
            http.get(path)


def test_a_sandbox_closes_while_slow_mails_are_shown(capfd):
    """Nobody waits for the pages, and nothing is logged; one that nobody reads is not made."""
    with LocalPostmark() as sandbox, ExitStack() as stack:
        message_id = sent(sandbox, SLOW)
        for number in range(40):
            with ExitStack() if number % 2 else stack as lives:
                asked(sandbox, f"/inbox/{message_id}/frame?{number}", lives)
        assert post(sandbox, mail()).status_code == 200
    assert capfd.readouterr().err == ""
