"""What delays searches: an index delay, a pause, a fault; and their speed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from mailframe.errors import SandboxError
from mailframe.sandbox import Arrival, Fault, FaultName, LocalPostmark, SearchFaultName
from mailframe.sandbox.api.search_query import SearchQuery
from mailframe.sandbox.state.accepted_message import AcceptedMessage
from mailframe.sandbox.state.account import DEFAULT_STREAMS
from mailframe.sandbox.state.message_index import MessageIndex
from tests.sandbox.sandbox_mail import client, mail, post
from tests.sandbox.sandbox_reads import PAGE, SEARCH, accept, eventually, found, get

LONG_S = 60.0
ALL = SearchQuery(500, 0)


def index_of(*times_s, index_delay_s=0.0):
    """An index with one message accepted at each of *times_s*; their ids are 0, 1, …."""
    index = MessageIndex()
    index.index_delay_s = index_delay_s
    for place, now_s in enumerate(times_s):
        options = {
            "submitted_at": "s",
            "stream": "outbound",
            "kind": DEFAULT_STREAMS["outbound"],
            "request": 1,
        }
        index.add(AcceptedMessage.of(mail(), message_id=str(place), **options), now_s=now_s)
    return index


@pytest.mark.parametrize(
    ("now_s", "total"), [(9.99, 0), (10.0, 1), (10.99, 1), (11.0, 2), (99.0, 2)]
)
def test_a_message_is_indexed_when_its_delay_has_passed(now_s, total):
    """At the boundary and beside it, with a given clock."""
    index = index_of(0.0, 1.0, index_delay_s=10.0)
    assert index.find(ALL, now_s=now_s).total == total
    assert (index.get("1", now_s=now_s) is not None) == (total == 2)


def test_an_index_delay_hides_new_messages(either):
    """With a real clock; ``messages()`` has it from the start."""
    either.index_delay_s = 0.2
    before = time.monotonic()
    (message_id,) = accept(either, "a")
    accepted = time.monotonic()
    assert len(either.messages()) == 1
    seen = found(either)
    assert seen == [] or time.monotonic() - before >= 0.2
    assert eventually(lambda: found(either) == ["a"])
    assert time.monotonic() - before >= 0.2
    assert get(either, f"{SEARCH}/{message_id}/details").status_code == 200
    assert accepted >= before


def test_a_delay_can_be_changed_at_any_time_and_a_reset_restores_it():
    """It also applies to earlier messages, and to details and source."""
    with LocalPostmark(in_process=True, index_delay_s=LONG_S) as sandbox:
        (message_id,) = accept(sandbox, "a")
        assert found(sandbox) == []
        for tail in ("details", "dump"):
            assert get(sandbox, f"{SEARCH}/{message_id}/{tail}").json()["ErrorCode"] == 701
        sandbox.index_delay_s = 0.0
        assert found(sandbox) == ["a"]
        sandbox.reset()
        assert sandbox.index_delay_s == LONG_S


@pytest.mark.parametrize("seconds", [-0.001, float("nan"), float("inf")])
def test_a_delay_is_a_number_of_seconds(sandbox, seconds):
    """This includes the argument of the constructor."""
    with pytest.raises(SandboxError, match="0 or more; found"):
        sandbox.index_delay_s = seconds
    with pytest.raises(SandboxError, match="0 or more; found"):
        LocalPostmark(in_process=True, index_delay_s=seconds)


def test_a_paused_account_accepts_messages_and_hides_them_until_it_is_resumed(either):
    """Time does not matter; messages from before the pause stay visible."""
    accept(either, "before")
    either.pause()
    either.pause()
    (message_id,) = accept(either, "during")
    assert either.paused
    assert either.messages()["To"].tolist() == ["before@example.com", "during@example.com"]
    assert found(either) == ["before"]
    assert get(either, f"{SEARCH}/{message_id}/details").json()["ErrorCode"] == 701
    either.resume()
    accept(either, "after")
    assert found(either) == ["after", "during", "before"]
    assert not either.paused


def test_a_pause_stays_after_clear_and_ends_with_reset(sandbox):
    """``clear`` removes messages, ``reset`` restores the initial state."""
    sandbox.pause()
    accept(sandbox, "a")
    sandbox.clear()
    accept(sandbox, "b")
    assert found(sandbox) == []
    sandbox.reset()
    accept(sandbox, "c")
    assert found(sandbox) == ["c"]
    with LocalPostmark(in_process=True, paused=True) as paused:
        accept(paused, "a")
        paused.resume()
        assert found(paused) == ["a"]
        paused.reset()
        assert paused.paused


@pytest.mark.parametrize(("first", "total"), [(0, 0), (1, 1), (3, 3), (4, 3)])
def test_a_partial_search_finds_only_the_oldest_matches(sandbox, first, total):
    """Half a batch is indexed, in the count and in every page; the next search is complete."""
    accept(sandbox, "other")
    accept(sandbox, "a", "b", "c", Metadata={"batch": "7"})
    sandbox.fault("partial", first=first, times=2)
    body = get(sandbox, count=500, offset=0, metadata_batch="7").json()
    assert body["TotalCount"] == total
    assert [message["Recipients"][0][0] for message in body["Messages"]] == ["a", "b", "c"][:total][
        ::-1
    ]
    assert len(get(sandbox, count=500, offset=1, metadata_batch="7").json()["Messages"]) == max(
        0, total - 1
    )
    assert found(sandbox, metadata_batch="7") == ["c", "b", "a"]
    assert sandbox.requests()["fault"].dropna().tolist() == ["partial", "partial"]


SEEN = {
    "http_429": 429,
    "http_429_retry_after": 429,
    "http_500_lost": 500,
    "http_500_accepted": 500,
    "http_503_json": 503,
    "http_503_html_lost": 503,
    "http_503_html_accepted": 503,
    "http_504_accepted": 504,
    "http_413_html": 413,
    "http_307": 307,
    "slow": 200,
    "close_accepted": httpx.RemoteProtocolError,
    "reset_accepted": httpx.ReadError,
    "half_answer_accepted": httpx.RemoteProtocolError,
    "hang_accepted": httpx.ReadTimeout,
    "part_accepted": httpx.RemoteProtocolError,
    "late_accepted": httpx.ReadTimeout,
    "hang_lost": httpx.ReadTimeout,
    "close_before_body": httpx.RemoteProtocolError,
    "close_lost": httpx.RemoteProtocolError,
    "short_reply": 200,
    "long_reply": 200,
    "shuffled_reply": 200,
    "html_reply": 200,
    "object_reply": 200,
    "delayed_reply": 200,
    "partial": 200,
}


def outcome(sandbox, path=SEARCH, *, timeout_s=10.0):
    """The status of a GET, or the class of the exception of httpx."""
    try:
        return get(sandbox, path, timeout_s=timeout_s, **PAGE).status_code
    except httpx.HTTPError as error:
        return type(error)


def test_every_fault_has_a_case():
    """A fault without a case would not be tested."""
    assert set(SEEN) == {*FaultName, *SearchFaultName}


@pytest.mark.parametrize("name", SEEN)
def test_a_fault_hits_only_its_search(either, name):
    """Other sends and the next search are not affected."""
    expected = SEEN[name]
    waits = expected is httpx.ReadTimeout
    either.fault(name, path=SEARCH, delay_s=LONG_S if waits else 0.02 if name == "slow" else None)
    accept(either, "a", "b")
    assert outcome(either, timeout_s=0.1 if waits else 10.0) == expected
    accept(either, "c")
    assert found(either) == ["c", "b", "a"]
    assert either.requests()["fault"].fillna("").tolist() == ["", name, "", ""]


def test_a_search_can_have_an_invalid_reply(sandbox):
    """200 with an HTML page, 200 with an unrelated object."""
    sandbox.fault("html_reply", path=SEARCH)
    sandbox.fault("object_reply", path=SEARCH)
    assert get(sandbox, **PAGE).text.startswith("<html>")
    assert get(sandbox, **PAGE).json() == {"status": "ok"}


def test_requests_are_counted_by_endpoint(sandbox):
    """The second search, the first GET of the server, and the second send."""
    sandbox.fault("http_500_lost", path=SEARCH, request=2)
    sandbox.fault("http_503_json", path="/Server")
    sandbox.fault("http_429", request=2)
    assert [outcome(sandbox) for _ in range(3)] == [200, 500, 200]
    assert [outcome(sandbox, "/server") for _ in range(2)] == [503, 200]
    assert [post(sandbox, [mail()]).status_code for _ in range(3)] == [200, 429, 200]
    sandbox.fault("http_500_lost", path=f"{SEARCH}/{{id}}/details")
    assert [outcome(sandbox, f"{SEARCH}/x/details") for _ in range(2)] == [500, 422]


def test_a_fault_without_a_path_hits_no_get(sandbox):
    """A fault of sends does not affect searches."""
    sandbox.fault("http_429", times=None)
    sandbox.fault(lambda arrival: "http_429")
    assert [outcome(sandbox), outcome(sandbox, "/server")] == [200, 200]
    assert post(sandbox, [mail()]).status_code == 429


def test_a_rule_can_be_for_searches(sandbox):
    """It gets the arrivals of its endpoint, counted from 1, without their query."""
    arrivals = []

    def rule(arrival):
        arrivals.append(arrival)
        return "http_500_lost" if arrival.number == 2 else None

    sandbox.fault(rule, path=SEARCH)
    accept(sandbox, "a")
    assert [outcome(sandbox), outcome(sandbox, "/server"), outcome(sandbox)] == [200, 200, 500]
    assert arrivals == [Arrival(1, "GET", SEARCH, 0), Arrival(2, "GET", SEARCH, 0)]


def test_an_invalid_path_of_a_fault_is_refused(sandbox):
    """The error lists the paths; the pages of the sandbox are not among them."""
    for path in ("/message/outbound", "/", "/_sandbox/messages"):
        with pytest.raises(
            SandboxError, match=r"the paths are /email, /email/batch, /server, /messages/outbound, "
        ):
            sandbox.fault("slow", path=path)
    with pytest.raises(SandboxError, match="only a search can be partial"):
        sandbox.fault("partial", path="/server")
    with pytest.raises(SandboxError, match="found first=-1"):
        Fault("partial", first=-1)
    with pytest.raises(SandboxError, match="no fault can hit the path '/nowhere'"):
        sandbox.fault(lambda arrival: None, path="/nowhere")


def test_searches_during_sends_find_complete_batches(either):
    """With four senders and four searchers at once, a count only grows up to all messages."""

    def send(worker):
        for turn in range(10):
            accept(
                either, *(f"w{worker}t{turn}m{i}" for i in range(5)), Metadata={"w": str(worker)}
            )

    def search(worker):
        with client(either) as http:
            query = PAGE | {"metadata_w": str(worker)}
            return [http.get(SEARCH, params=query).json()["TotalCount"] for _ in range(20)]

    with ThreadPoolExecutor(8) as pool:
        sends = [pool.submit(send, worker) for worker in range(4)]
        counts = list(pool.map(search, range(4)))
        for done in sends:
            done.result()
    assert all(seen == sorted(seen) and not any(total % 5 for total in seen) for seen in counts)
    assert [len(found(either, metadata_w=str(worker))) for worker in range(4)] == [50] * 4


def test_a_search_by_metadata_does_not_scan():
    """With 36,000 messages, a page of 500 takes less than 0.1 ms per message."""
    index = MessageIndex()
    options = {
        "submitted_at": "s",
        "stream": "outbound",
        "kind": DEFAULT_STREAMS["outbound"],
        "request": 1,
    }
    one = {
        str(batch): AcceptedMessage.of(mail(Metadata={"b": str(batch)}), message_id="i", **options)
        for batch in range(72)
    }
    for place in range(36_000):
        index.add(one[str(place // 500)], now_s=0.0)
    start = time.process_time()
    pages = [
        index.find(SearchQuery(500, 0, metadata=("b", str(batch % 72))), now_s=0.0)
        for batch in range(300)
    ]
    assert (time.process_time() - start) / 300 < 0.01
    assert {(page.total, len(page.page)) for page in pages} == {(500, 500)}
