"""The unsubscribe link of a message, which leads to the sandbox."""

from __future__ import annotations

import re

import httpx
import pytest

from mailframe.sandbox import LocalPostmark
from tests.sandbox.lives import HTML, campaign
from tests.sandbox.sandbox_mail import mail, post
from tests.sandbox.sandbox_reads import get, unsubscribe_url

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def browser(sandbox):
    """A client like a mail program: no token, no JSON headers."""
    transport = httpx.HTTPTransport() if sandbox.port else sandbox.transport()
    return httpx.Client(transport=transport)


def broadcast(sandbox, **fields):
    """Send one message on the broadcast stream; returns its MessageID."""
    return post(sandbox, mail(MessageStream="broadcast", Tag="t", **fields)).json()["MessageID"]


def test_the_link_of_a_header_unsubscribes_by_one_click(either):
    """RFC 8058: a POST without a question; Origin, reason and event are those of a recipient."""
    message_id = broadcast(either)
    headers = {item["Name"]: item["Value"] for item in either.delivered()["Headers"][0]}
    url = headers["List-Unsubscribe"].strip("<>")
    assert url.startswith(f"{either.url}/")
    with browser(either) as http:
        answer = http.post(url, data=ONE_CLICK)
        again = http.post(url, data=ONE_CLICK)
    assert (answer.status_code, again.status_code) == (200, 200)
    assert "You are unsubscribed" in answer.text
    rows = either.suppressions("broadcast")[["EmailAddress", "SuppressionReason", "Origin"]]
    assert rows.to_numpy().tolist() == [["ann@example.com", "ManualSuppression", "Recipient"]]
    assert either.suppressions("outbound").empty
    (event,) = either.events().to_dict("records")
    assert (event["RecordType"], event["MessageID"], event["Tag"]) == (
        "SubscriptionChange",
        message_id,
        "t",
    )
    assert post(either, mail(MessageStream="broadcast")).json()["ErrorCode"] == 406


def test_a_get_asks_and_changes_nothing(either):
    """Scanners of mail follow every link; only the button of the page unsubscribes."""
    url = unsubscribe_url(either, broadcast(either))
    with browser(either) as http:
        page = http.get(url)
        assert either.suppressions("broadcast").empty
        assert http.head(url).status_code in (200, 405)
        (name, value) = re.search(r'<button name="([^"]+)" value="([^"]+)"', page.text).groups()
        http.post(url, data={name: value})
    assert page.status_code == 200
    assert "ann@example.com" in page.text
    assert len(either.suppressions("broadcast")) == 1


def test_the_page_subscribes_again_unless_the_reason_is_another(sandbox):
    """As Postmark's page offers; a complaint stays."""
    url = unsubscribe_url(sandbox, broadcast(sandbox))
    with browser(sandbox) as http:
        http.post(url, data=ONE_CLICK)
        assert "Subscribe again" in http.get(url).text
        assert "subscribed again" in http.post(url, data={"Subscribe": "Again"}).text
        assert sandbox.suppressions("broadcast").empty
        sandbox.suppress("ann@example.com", stream="broadcast", reason="SpamComplaint")
        http.post(url, data={"Subscribe": "Again"})
    assert len(sandbox.suppressions("broadcast")) == 1
    changes = [details["SuppressSending"] for details in sandbox.events()["Details"]]
    assert changes == [True, False, True]


def test_each_recipient_has_a_link_of_its_own_without_the_address(sandbox):
    """One link leads to no other, and another message has other links."""
    first = broadcast(sandbox, Cc="cc@example.com")
    second = broadcast(sandbox)
    urls = [
        unsubscribe_url(sandbox, first),
        unsubscribe_url(sandbox, first, to="CC@example.com"),
        unsubscribe_url(sandbox, second),
    ]
    codes = [url.rpartition("/")[2] for url in urls]
    assert len(set(codes)) == 3
    assert not any("example.com" in url or "ann" in url for url in urls)
    with browser(sandbox) as http:
        http.post(urls[1], data=ONE_CLICK)
        mixed = urls[2].replace(codes[2], codes[0])
        assert http.post(mixed, data=ONE_CLICK).status_code == 404
    assert sandbox.suppressions("broadcast")["EmailAddress"].tolist() == ["cc@example.com"]


@pytest.mark.parametrize("body", [b"", b"List-Unsubscribe=Two", b"\xff=\xff", b"x" * 9999])
def test_a_post_without_the_field_of_the_rfc_changes_nothing(body, sandbox):
    """It gets the page with its question."""
    url = unsubscribe_url(sandbox, broadcast(sandbox))
    with browser(sandbox) as http:
        answer = http.post(url, content=body)
    assert (answer.status_code, "Unsubscribe?" in answer.text) == (400, True)
    assert sandbox.suppressions("broadcast").empty


def test_a_form_of_many_parts_unsubscribes_too(sandbox):
    """RFC 8058 allows both encodings."""
    url = unsubscribe_url(sandbox, broadcast(sandbox))
    with browser(sandbox) as http:
        http.post(url, files={"List-Unsubscribe": (None, "One-Click")})
    assert len(sandbox.suppressions("broadcast")) == 1


@pytest.mark.parametrize("path", ["none/none", "00000000-0000-4000-8000-000000000000/0", "é/é"])
def test_an_unknown_link_is_a_page_with_404(path, sandbox):
    """Nothing is told about messages."""
    broadcast(sandbox)
    with browser(sandbox) as http:
        for answer in (
            http.get(f"{sandbox.url}/_sandbox/unsubscribe/{path}"),
            http.post(f"{sandbox.url}/_sandbox/unsubscribe/{path}", data=ONE_CLICK),
        ):
            assert (answer.status_code, "not valid" in answer.text) == (404, True)


def test_an_address_with_markup_is_text_on_the_page(sandbox):
    """The page runs and loads nothing; its form has an Origin, which a socket checks."""
    message_id = broadcast(sandbox, To='"<script>alert(1)</script>" <a\'&b@example.com>')
    with browser(sandbox) as http:
        page = http.get(unsubscribe_url(sandbox, message_id))
    assert "a&#39;&amp;b@example.com" in page.text
    assert "<script" not in page.text
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_a_link_of_a_transactional_message_unsubscribes_from_its_stream(sandbox):
    """There is one only for a placeholder."""
    (message_id,) = campaign(sandbox, 1)
    html = get(sandbox, f"/messages/outbound/{message_id}/details").json()["HtmlBody"]
    url = unsubscribe_url(sandbox, message_id)
    assert f'<a href="{url}">E</a>' in html
    with browser(sandbox) as http:
        http.post(url, data=ONE_CLICK)
    assert sandbox.suppressions("outbound")["Origin"].tolist() == ["Recipient"]


def test_links_survive_a_restart_and_end_with_a_clear(tmp_path):
    """The key of the links is in the database."""
    path = tmp_path / "sandbox.db"
    with LocalPostmark(in_process=True, db=path) as sandbox:
        message_id = broadcast(sandbox, HtmlBody=HTML)
        url = unsubscribe_url(sandbox, message_id)
    with LocalPostmark(in_process=True, db=path) as sandbox:
        assert unsubscribe_url(sandbox, message_id) == url
        sandbox.clear()
        with browser(sandbox) as http:
            assert http.post(url, data=ONE_CLICK).status_code == 404
