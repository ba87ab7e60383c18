"""A MessageID proves that one message was accepted; a repeated or invalid one proves nothing."""

from __future__ import annotations

import json
import random
import uuid

import httpx
import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailframe as mf
from mailframe import errors
from mailframe.message.message import ATTEMPT_KEY, CAMPAIGN_KEY, MESSAGE_KEY
from mailframe.postmark import search
from mailframe.postmark.message_ids import (
    TakenIds,
    first_repeat,
    normalized_id,
    normalized_ids,
    uuid_bytes,
)
from mailframe.postmark.responses import Verdict, read_batch, read_single
from tests.campaigns import campaign, judge, send_with


class Rewriting(httpx.BaseTransport):
    """The sandbox, with the items of each reply changed."""

    def __init__(self, sandbox):
        self.sandbox = sandbox.transport()
        self.server = mf.Postmark(sandbox.token, base_url="http://127.0.0.1:9", transport=self)
        self.first_ids = []
        self.batch = self.search = lambda items, number: items
        self.batches = 0
        self.posted = []

    def handle_request(self, request):
        """Pass it on, and change the reply."""
        answer = self.sandbox.handle_request(request)
        if request.url.path == "/email/batch":
            self.batches += 1
            self.posted.append(len(orjson.loads(request.read())))
            items = answer.json()
            self.first_ids = self.first_ids or [item.get("MessageID") for item in items]
            return httpx.Response(answer.status_code, json=self.batch(items, self.batches))
        content = answer.json()
        if request.url.path == "/messages/outbound" and "Messages" in content:
            content["Messages"] = self.search(content["Messages"], self.batches)
        return httpx.Response(answer.status_code, json=content)

    def repeats_the_first_batch(self, items, number):
        """From the second batch on, replies have the ids of the first."""
        return [
            item | {"MessageID": first_id}
            for item, first_id in zip(items, self.first_ids, strict=False)
        ]


@pytest.fixture
def sandbox():
    """A sandbox without a socket."""
    with mf.Sandbox(in_process=True) as made:
        yield made


def test_an_id_is_taken_once_however_many_there_are():
    """UUIDs of the ledger, of this run and other texts; of a refused reply nothing is kept."""
    taken, numbers = TakenIds(), random.Random(14)
    uuids = [str(uuid.UUID(int=numbers.getrandbits(128))) for _ in range(80_000)]
    sequential = [str(uuid.UUID(int=number)) for number in range(1, 2_001)]
    held, rest = uuids[:10_000], [*uuids[10_000:], *sequential, *map("id-{}".format, range(500))]
    lines = np.frombuffer(b"".join(normalized_ids(held)), dtype=np.uint8).reshape(-1, 16)
    taken.hold(np.concatenate([lines, np.zeros((3, 16), dtype=np.uint8)]))
    batches = [rest[first : first + 500] for first in range(0, len(rest), 500)]
    for place, batch in enumerate(batches):
        earlier = rest[numbers.randrange(place * 500)] if place % 4 else numbers.choice(held)
        assert not taken.take([*batch[:2], earlier.upper()])
        assert taken.take(batch)
    assert not any(taken.take([one]) for one in numbers.sample(held + rest, 2_000))
    assert taken.take([str(uuid.UUID(int=0)), "id-500"])


def test_a_batch_that_repeats_the_ids_of_an_earlier_one_is_unknown(sandbox):
    """Without a ledger there is no search, so the later batch stays unknown."""
    wire = Rewriting(sandbox)
    wire.batch = wire.repeats_the_first_batch
    results = send_with(campaign(1_000), wire.server, ledger=None)
    assert results["status"].value_counts().to_dict() == {"accepted": 500, "unknown": 500}
    assert set(results["reason"].dropna()) == {
        "HTTP 200, but it repeats a MessageID of an earlier answer"
    }
    judge(results, sandbox)


def test_with_a_ledger_the_search_decides_about_a_batch_that_repeats_ids(sandbox):
    """The search returns the id of each message."""
    wire = Rewriting(sandbox)
    wire.batch = wire.repeats_the_first_batch
    results = send_with(campaign(1_000), wire.server)
    assert set(results["status"]) == {"accepted"}
    judge(results, sandbox)


def test_an_id_of_the_ledger_is_no_proof_in_the_next_send(sandbox):
    """A cache could return the same reply; the search decides, and its ids are unique."""
    wire = Rewriting(sandbox)
    send_with(campaign(4), wire.server, limit=2)
    wire.batch = wire.repeats_the_first_batch
    results = send_with(campaign(4), wire.server)
    assert results["MessageID"].nunique() == 4
    assert results["status"].tolist() == ["skipped", "skipped", "accepted", "accepted"]
    assert (
        sandbox.messages().set_index("To")["MessageID"].to_dict()
        == results.set_index("email")["MessageID"].to_dict()
    )


def test_a_test_email_that_repeats_the_id_of_an_earlier_one_is_unknown():
    """The same rule holds for messages that are posted one by one."""

    def answer(request):
        to = orjson.loads(request.read())["To"]
        return httpx.Response(
            200, json={"To": to, "ErrorCode": 0, "Message": "OK", "MessageID": "same"}
        )

    server = mf.Postmark(
        "any", base_url="http://127.0.0.1:9", transport=httpx.MockTransport(answer)
    )
    results = campaign(3).send_test(server, to="me@example.com", rows=[0, 1, 2])
    assert results["status"].tolist() == ["accepted", "unknown", "unsent"]
    assert results["reason"].iloc[1] == "HTTP 200, but it repeats a MessageID of an earlier answer"


SEARCHES = {
    "all share one id": lambda items, number: [
        item | {"MessageID": items[0]["MessageID"]} for item in items
    ],
    "the ids are empty": lambda items, number: [item | {"MessageID": ""} for item in items],
    "the ids are blank": lambda items, number: [item | {"MessageID": "  "} for item in items],
    "the ids hold a line end": lambda items, number: [
        item | {"MessageID": f"{n}\nx"} for n, item in enumerate(items)
    ],
    "the ids are endless": lambda items, number: [
        item | {"MessageID": str(n) * 101} for n, item in enumerate(items)
    ],
    "one id in two spellings": lambda items, number: [
        item | {"MessageID": [str.upper, str.lower, "{{{}}}".format][n % 3](items[0]["MessageID"])}
        for n, item in enumerate(items)
    ],
}


@pytest.mark.parametrize("search", SEARCHES)
def test_rows_stay_unknown_if_the_ids_of_a_search_are_no_proof(sandbox, search):
    """A batch without a reply, and a search with the same id for all messages."""
    wire = Rewriting(sandbox)
    wire.search = SEARCHES[search]
    sandbox.fault("close_accepted", request=1)
    results = send_with(campaign(3), wire.server)
    assert set(results["status"]) == {"unknown"}
    wire.search = lambda items, number: items
    again = send_with(campaign(3), wire.server)
    assert set(again["reason"]) == {"already_sent"}
    assert wire.batches == 0
    judge(again.assign(status="accepted"), sandbox)


def test_of_a_search_only_the_rows_whose_id_is_shared_stay_unknown(sandbox):
    """The third row has a unique id."""
    wire = Rewriting(sandbox)
    wire.search = lambda items, number: [
        item
        | (
            {}
            if item["To"][0]["Email"] == "p2@example.com"
            else {"MessageID": items[-1]["MessageID"]}
        )
        for item in items
    ]
    sandbox.fault("close_accepted", request=1)
    results = send_with(campaign(3), wire.server)
    assert results["status"].tolist() == ["unknown", "unknown", "accepted"]


def test_an_id_of_the_ledger_is_no_proof_in_a_search(sandbox):
    """This holds for a send and for reconcile."""
    wire = Rewriting(sandbox)
    send_with(campaign(4), wire.server, limit=1)
    held = wire.first_ids[0]
    wire.search = lambda items, number: [item | {"MessageID": held} for item in items]
    sandbox.fault("close_accepted", request=2)
    results = send_with(campaign(4), wire.server, limit=1)
    assert results["status"].tolist() == ["skipped", "unknown", "unsent", "unsent"]
    assert mf.reconcile("numbers", wire.server)[["found", "unknown"]].to_numpy().tolist() == [
        [0, 1]
    ]
    wire.search = lambda items, number: items
    assert mf.reconcile("numbers", wire.server)[["found", "unknown"]].to_numpy().tolist() == [
        [1, 0]
    ]


def test_an_id_that_a_search_found_is_no_proof_in_a_later_batch(sandbox):
    """The first batch has no reply, and the reply to the second one repeats an id of the first."""
    wire = Rewriting(sandbox)
    wire.batch = lambda items, number: [
        item | {"MessageID": stored}
        for item, stored in zip(items, sandbox.messages()["MessageID"], strict=False)
    ]
    sandbox.fault("close_accepted", request=1)
    results = send_with(campaign(501), wire.server)
    assert set(results["status"]) == {"accepted"}
    assert results["MessageID"].nunique() == 501
    judge(results, sandbox)


def test_adopt_refuses_a_search_with_one_id_for_two_messages(sandbox, monkeypatch, tmp_path):
    """One of the two would be missing in the new ledger and sent again."""
    wire = Rewriting(sandbox)
    send_with(campaign(3), wire.server)
    wire.search = SEARCHES["all share one id"]
    with pytest.raises(errors.LedgerError, match="one MessageID"):
        mf.adopt("numbers", wire.server, ledger=tmp_path / "new.sqlite3")
    wire.search = lambda items, number: items
    assert mf.adopt("numbers", wire.server, ledger=tmp_path / "new.sqlite3") == 3


def test_adopt_closes_the_request_whose_messages_it_found(sandbox):
    """Nothing is left to reconcile then."""
    wire = Rewriting(sandbox)
    wire.search = lambda items, number: []
    sandbox.fault("close_accepted", request=1)
    assert set(send_with(campaign(3), wire.server)["status"]) == {"unknown"}
    wire.search = lambda items, number: items
    assert mf.adopt("numbers", wire.server) == 3
    assert mf.reconcile("numbers", wire.server).empty


def test_a_message_that_a_search_shows_on_two_pages_counts_once(sandbox):
    """The pages move while new messages arrive."""
    wire = Rewriting(sandbox)
    wire.search = lambda items, number: [*items, *items]
    sandbox.fault("close_accepted", request=1)
    assert set(send_with(campaign(3), wire.server)["status"]) == {"accepted"}


@pytest.mark.parametrize("empty", [[], None, "", [None]], ids=repr)
@pytest.mark.parametrize("field", ["To", "Cc", "Bcc"])
def test_the_recipient_of_a_stored_message_is_the_first_of_its_first_field(field, empty):
    """Postmark lists To, Cc and Bcc apart; a message can have Cc or Bcc alone."""
    person = [{"Email": "Ann@Example.com", "Name": "Ann"}, {"Email": "b@example.com", "Name": ""}]
    stored = {"To": empty, "Cc": empty, "Bcc": empty, field: person, "MessageID": "id-1"}
    stored["Metadata"] = {CAMPAIGN_KEY: "c", ATTEMPT_KEY: "a", MESSAGE_KEY: "00ff"}
    page = {"TotalCount": 1, "Messages": [stored]}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=page))
    server = mf.Postmark("any", base_url="http://127.0.0.1:9", transport=transport)
    [message] = search.MessageSearch(server, CAMPAIGN_KEY, "c", "outbound").newest()
    assert (message.key, message.person) == (b"\x00\xff", "ann@example.com")


ODD = ["id\n1", "id\x001", "x" * 101, "é", "id 1", " id-1", "id-1\t", "\u2028x", "id\u200b1"]


@pytest.mark.parametrize("message_id", ODD)
def test_a_text_that_cannot_be_a_message_id_makes_the_answer_unknown(message_id):
    """An id has 1 to 100 printable ASCII characters without spaces; Postmark's have 36."""
    item = {"To": "ann@example.com", "ErrorCode": 0, "Message": "OK", "MessageID": message_id}
    for answer in (
        read_batch(
            status=200,
            headers={},
            body=json.dumps([item]).encode(),
            expected_to=["ann@example.com"],
        ),
        read_single(
            status=200, headers={}, body=json.dumps(item).encode(), expected_to="ann@example.com"
        ),
    ):
        assert answer.verdict is Verdict.UNKNOWN
        assert answer.reason.endswith("has an invalid MessageID")


@pytest.mark.parametrize(
    "spelled",
    [str.upper, "{{{}}}".format, "urn:uuid:{}".format, lambda spelling: spelling.replace("-", "")],
)
def test_one_id_in_two_spellings_is_one_id(spelled):
    """Case, hyphens and braces of a UUID do not matter."""
    message_id = str(uuid.uuid4())
    items = [{"ErrorCode": 0, "MessageID": text} for text in (message_id, spelled(message_id))]
    answer = read_batch(
        status=200, headers={}, body=json.dumps(items).encode(), expected_to=[None, None]
    )
    assert answer.reason == "HTTP 200, but item 2 of 2 repeats the MessageID of an earlier item"


@given(st.lists(st.uuids(), min_size=2, max_size=6), st.data())
def test_unique_ids_are_accepted_and_a_repeated_one_is_not(ids, data):
    """The ids and the position of the repeated one do not matter."""
    distinct = [str(message_id) for message_id in dict.fromkeys(ids)]

    def verdict(texts):
        items = [{"ErrorCode": 0, "MessageID": text} for text in texts]
        body = json.dumps(items).encode()
        return read_batch(
            status=200, headers={}, body=body, expected_to=[None] * len(texts)
        ).verdict

    assert verdict(distinct) is Verdict.ANSWERED
    repeated = data.draw(st.sampled_from(distinct))
    at = data.draw(st.integers(0, len(distinct)))
    assert verdict([*distinct[:at], repeated, *distinct[at:]]) is Verdict.UNKNOWN


def by_uuid(text: str) -> bytes:
    """The normalized id by ``uuid.UUID`` alone, one by one."""
    try:
        return uuid.UUID(text).bytes
    except ValueError:
        return text.casefold().encode("utf-8", "surrogatepass")


usual = st.uuids().map(str)
spellings = st.sampled_from(
    [
        str,
        str.upper,
        "{{{}}}".format,
        "urn:uuid:{}".format,
        "{{urn:uuid:{}}}".format,
        lambda text: text.replace("-", ""),
        lambda text: text[1:] + text[0],
        lambda text: text[:-1],
        lambda text: text + "0",
        lambda text: text[:-1] + "g",
        lambda text: text[:-1] + "-",
        lambda text: text[:2] + "  " + text[4:],
        lambda text: text[:9] + " " + text[10:],
        lambda text: text[:1] + "_" + text[2:],
        lambda text: text[:1] + "٣" + text[2:],
        lambda text: text.replace("-", " "),
        lambda text: text.replace("-", "_"),
        lambda text: "00000000-0000-0000-0000-000000000000",
        lambda text: "",
    ]
)
spelled_ids = st.builds(lambda spelled, text: spelled(text), spellings, usual)
few_ids = st.sampled_from(["b7bc2f4a-e38e-4336-af7d-e6c392c2f817", "id-1"])


@given(st.lists(usual | spelled_ids | st.text(max_size=40), max_size=6))
def test_ids_that_are_read_together_are_those_read_one_by_one(texts):
    """In any spelling, and with any text between them."""
    assert normalized_ids(texts) == [by_uuid(text) for text in texts]
    assert [normalized_id(text) for text in texts] == [by_uuid(text) for text in texts]


@given(st.lists(usual | spelled_ids, max_size=6))
def test_only_uuids_in_their_usual_spelling_are_read_as_bytes(texts):
    """The texts can be made from the bytes again; zeros stand for a missing id."""
    raw = uuid_bytes(texts)
    is_usual = [text == str(uuid.UUID(bytes=by_uuid(text)[:16].ljust(16))) for text in texts]
    if all(is_usual) and not any(by_uuid(text) == bytes(16) for text in texts):
        assert raw == b"".join(by_uuid(text) for text in texts)
    else:
        assert raw is None


@given(st.lists(st.none() | few_ids | st.builds(lambda s, t: s(t), spellings, few_ids)))
def test_the_first_repeat_is_the_first_id_that_is_equal_to_an_earlier_one(texts):
    """In any spelling; a missing id repeats nothing."""
    ids = [None if text is None else by_uuid(text) for text in texts]
    repeats = [place for place, one in enumerate(ids) if one is not None and one in ids[:place]]
    assert first_repeat(texts) == (repeats[0] if repeats else None)


@pytest.mark.parametrize("faulty", [1, 2])
def test_of_a_repeat_and_another_fault_the_first_item_is_named(faulty):
    """Items are numbered from 1."""
    items = [{"ErrorCode": 0, "MessageID": one} for one in ("id-1", "ID-1", "id-2")]
    items[faulty] = {"ErrorCode": 0}
    answer = read_batch(
        status=200, headers={}, body=json.dumps(items).encode(), expected_to=[None] * 3
    )
    assert answer.reason == (
        "HTTP 200, but item 2 of 3 has no ErrorCode other than 0 and no MessageID"
        if faulty == 1
        else "HTTP 200, but item 2 of 3 repeats the MessageID of an earlier item"
    )
