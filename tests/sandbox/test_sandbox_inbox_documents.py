"""HTML parts that take long to show: some are refused, and none keeps other clients waiting."""

from __future__ import annotations

import re
import select
import socket
from contextlib import ExitStack

import pytest

from mailframe.pages.tree import MAX_TAGS
from mailframe.sandbox import LocalPostmark
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


def test_a_sandbox_closes_while_slow_mails_are_shown(capfd):
    """Nobody waits for the pages, and nothing is logged; one that nobody reads is not made."""
    with LocalPostmark() as sandbox, ExitStack() as stack:
        message_id = sent(sandbox, SLOW)
        for number in range(40):
            with ExitStack() if number % 2 else stack as lives:
                asked(sandbox, f"/inbox/{message_id}/frame?{number}", lives)
        assert post(sandbox, mail()).status_code == 200
    assert capfd.readouterr().err == ""
