"""The pages of the requests and the tools: what a client asked for, and what it was answered."""

from __future__ import annotations

import html
import re

import httpx
import pytest

from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.inbox.calls import PAGE
from mailframe.sandbox.state.exchanges import MOST_BYTES, MOST_OF_ONE, MOST_REQUESTS
from tests.sandbox.sandbox_mail import client, mail, post
from tests.sandbox.sandbox_reads import get

SECRET = "my-own-secret-token"


def lines(page):
    """The words of each request of a list."""
    rows = re.findall(r"<tr data-id=.*?</tr>", page, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", " ", row)).split() for row in rows]


def text_of(sandbox, request):
    """The page of one request as text."""
    answer = get(sandbox, f"/inbox/requests/{request}")
    assert answer.status_code == 200
    return html.unescape(answer.text)


def test_a_line_says_what_was_asked_and_answered(either):
    """Method, path, error text, status, ErrorCode, accepted messages, bytes, time and fault."""
    post(either, [mail(), mail(To="nobody")])
    post(either, mail(To="nobody"))
    either.fault("close_lost")
    with pytest.raises(httpx.HTTPError):
        post(either, mail())
    lost, refused, batch = lines(get(either, "/inbox/requests").text)
    assert [word for word in batch if not re.fullmatch(r"[\d.:]+|AM|PM", word)] == [
        *("POST", "/email/batch", "of"),
    ]
    assert batch[batch.index("of") - 1 : batch.index("of") + 2] == ["1", "of", "2"]
    text = " ".join(refused)
    assert "POST /email Error parsing 'To': Illegal email address 'nobody'." in text
    assert "422 300 0 of 1" in text
    assert "no answer 0 of 1" in " ".join(lost)
    assert lost[-1] == "close_lost"
    only_errors = lines(get(either, "/inbox/requests?errors").text)
    assert len(only_errors) == 2


def test_a_request_leads_to_its_messages_and_a_message_to_its_request(sandbox):
    """By the number of requests that send, which is not the number of all requests."""
    with client(sandbox) as http:
        http.get("/server")
        http.post("/email", json=mail(Subject="one"))
        http.get("/server")
        message_id = http.post("/email", json=mail(Subject="two")).json()["MessageID"]
        page = http.get("/inbox/requests/4").text
        results = http.get(html.unescape(re.search(r'href="(/\?q=request[^"]*)"', page)[1])).text
        assert re.findall(r'class="subject"><bdi>(.*?)</bdi>', results) == ["two"]
        message = http.get(f"/inbox/{message_id}").text
        address = re.search(r'href="(/inbox/requests\?number=[^"]*)"', message)[1]
        assert re.findall(r'<tr data-id="(\d+)"', http.get(address).text) == ["4"]
        for number in ("0", "9", "9" * 15):
            assert "No request is like that" in http.get(f"/inbox/requests?number={number}").text


def test_the_pages_of_requests_have_each_once(sandbox):
    """100 on a page; Newer leads back, and a request has its neighbors."""
    with client(sandbox) as http:
        for _ in range(2 * PAGE + 5):
            http.get("/server")
        seen, address, page = [], "/inbox/requests", ""
        while address:
            page = http.get(address).text
            seen += re.findall(r'<tr data-id="(\d+)"', page)
            older = re.search(r'href="([^"]*)" rel="next"', page)
            address = older and html.unescape(older[1])
        assert seen == [str(number) for number in range(2 * PAGE + 5, 0, -1)]
        newer = html.unescape(re.search(r'href="([^"]*)" rel="prev"', page)[1])
        back = re.findall(r'<tr data-id="(\d+)"', http.get(newer).text)
        assert back == seen[PAGE : 2 * PAGE]
        middle = http.get("/inbox/requests/50").text
        assert '"/inbox/requests/51" data-key="k"' in middle
        assert '"/inbox/requests/49" data-key="j"' in middle
        for name in ("0", "999", "x", "²", "-1"):
            assert http.get(f"/inbox/requests/{name}").status_code == 404


def test_a_request_has_the_bodies_of_both_sides(either):
    """JSON is indented, and a link leads to its messages."""
    post(either, mail(Subject="Grüße"))
    get(either, "/messages/outbound", count=1, offset=0)
    page = text_of(either, 1)
    assert '"Subject": "Grüße",\n  "TextBody"' in page
    assert '"Message": "OK"' in page
    assert 'href="/?q=request:1"' in page
    assert "/messages/outbound?count=1&offset=0" in text_of(either, 2)
    assert "The request has no body" in text_of(either, 2)


def test_a_body_that_is_no_json_is_shown_as_it_is(sandbox):
    """Also bytes that are not text; a request without an answer says so."""
    with client(sandbox) as http:
        http.post("/email", content=b"\xff{not json")
        sandbox.fault("hang_lost", delay_s=0.01)
        with pytest.raises(httpx.HTTPError):
            http.post("/email", json=mail())
    assert "\ufffd{not json" in text_of(sandbox, 1)
    assert "There is no answer" in text_of(sandbox, 2)


def test_of_a_long_body_the_start_is_kept(sandbox):
    """64 kB of each, and it is shown as it is."""
    post(sandbox, mail(TextBody="x" * 200_000))
    page = text_of(sandbox, 1)
    assert "The first 65.5 kB of 200.1 kB." in page
    assert len(page) < MOST_OF_ONE + 20_000


def test_no_token_is_shown_anywhere():
    """Not in headers, nor in answers with the tokens of servers or the password of a webhook."""
    with LocalPostmark(in_process=True, tokens=[SECRET]) as sandbox, client(sandbox) as http:
        http.get("/server", headers={"X-Postmark-Account-Token": SECRET, "Cookie": f"a={SECRET}"})
        http.post(
            "/webhooks",
            json={
                "Url": "http://127.0.0.1:9/",
                "HttpAuth": {"Username": "u", "Password": SECRET},
            },
        )
        http.get("/webhooks")
        requests = http.get("/_sandbox/requests").json()["Requests"]
        assert len(requests) == 3
        shown = [http.get("/inbox/requests").text]
        for call in requests:
            shown.append(http.get(f"/inbox/requests/{call['ID']}").text)
            shown.append(http.get(f"/_sandbox/requests/{call['ID']}").text)
    assert not [text for text in shown if SECRET in text]
    assert sum(text.count("[hidden]") for text in shown) > 10


def test_the_memory_for_bodies_is_limited(sandbox):
    """The last 1,000 requests and 16 MB; of older ones the line stays."""
    with client(sandbox) as http:
        for _ in range(MOST_BYTES // MOST_OF_ONE + 3):
            http.post("/email", content=b"x" * MOST_OF_ONE)
        kept = sandbox._store.exchanges
        assert sum(one.kept_bytes for one in kept._kept.values()) == kept._bytes <= MOST_BYTES
        assert kept.get(1) is None
        assert "or its body is no longer kept" in text_of(sandbox, 1)
        for _ in range(MOST_REQUESTS + 1):
            http.get("/server")
    assert len(kept._kept) == MOST_REQUESTS
    sandbox.clear()
    assert kept._bytes == len(kept._kept) == 0


def test_the_tools_show_the_faults_to_come(sandbox):
    """Their endpoint, how many requests they hit, and rules, which only ``reset`` removes."""
    page = get(sandbox, "/inbox/tools").text
    assert "No faults are set." in page
    sandbox.fault("http_429", request=3, times=2)
    sandbox.fault("http_500_lost", path="/server", times=None)
    sandbox.fault(lambda _: None)
    page = get(sandbox, "/inbox/tools").text
    words = html.unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))
    assert "http_429 the endpoints that send 2 requests from number 3 on 0 Remove" in words
    assert "http_500_lost /server every request 0 Remove" in words
    assert "a rule the endpoints that send as the function decides" in words
    assert page.count('data-action="remove-fault"') == 2
    assert '<option value="partial"' in page
