"""What delays searches: an index delay, a pause, a fault; and their speed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from mailframe.errors import SandboxError
from mailframe.sandbox import Arrival, Fault, FaultName, LocalPostmark, SearchFaultName
from tests.sandbox.kept_messages import ALL, SERVER, count_of, empty_store, keep
from tests.sandbox.sandbox_mail import client, mail, post
from tests.sandbox.sandbox_reads import PAGE, SEARCH, accept, eventually, found, get

LONG_S = 60.0


@pytest.mark.parametrize(
    ("now_ns", "total"), [(-1, 0), (0, 1), (1, 1), (99, 1), (100, 2), (10**18, 2)]
)
def test_messages_are_indexed_up_to_a_time(now_ns, total):
    """At the boundary and beside it."""
    store = empty_store()
    keep(store, mail(), at_ns=0)
    keep(store, mail(), at_ns=100)
    until = store.messages.indexed_until(now_ns)
    assert store.messages.find(SERVER, ALL, until=until)[0] == total


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
    with pytest.raises(
        SandboxError, match=r"index_delay_s is a number of seconds from 0 to 1,000,000,000; found"
    ):
        sandbox.index_delay_s = seconds
    with pytest.raises(
        SandboxError, match=r"index_delay_s is a number of seconds from 0 to 1,000,000,000; found"
    ):
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
            SandboxError, match=r"the paths are /email, /email/batch, .*, /messages/outbound, "
        ):
            sandbox.fault("slow", path=path)
    with pytest.raises(SandboxError, match="only a search can be partial"):
        sandbox.fault("partial", path="/server")
    with pytest.raises(SandboxError, match="first is a whole number, 0 or more; found -1"):
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


def test_a_search_by_metadata_reads_only_the_requests_that_have_it():
    """With 72 requests of 500 messages; a key with many values in a request is searched, too."""
    store = empty_store()
    for batch in range(72):
        fields = [{"b": str(batch), "row": f"{batch}-{row}"} for row in range(500)]
        keep(store, *(mail(Metadata=metadata) for metadata in fields))
    packs = store.database.rows(
        "select key, value, count(*) from pack_metadata group by key, value"
    )
    assert [tuple(row) for row in packs if row[0] == "row"] == [("row", "\0", 72)]
    assert {row[2] for row in packs if row[0] == "b"} == {1}
    assert count_of(store, "count=500&offset=0&metadata_b=71") == 500
    assert count_of(store, "count=500&offset=0&metadata_row=71-499") == 1
    assert count_of(store, "count=500&offset=0&metadata_row=71-500") == 0
