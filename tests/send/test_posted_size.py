"""The limit of a message counts the bytes that are posted, with the ledger's metadata."""

from __future__ import annotations

import re
from functools import cache

import httpx
import pytest

import mailframe as mf
from mailframe import errors, limits
from tests.campaigns import LETTER, people, send_with

OURS = {"no metadata": 123, "metadata of its own": 110}
"""What the ledger adds: three marks, and the field itself where there is none."""
METADATA = {"no metadata": {}, "metadata of its own": {"n": "{{ n }}"}}
FILE = mf.Attachment("a.dat", b"x" * 7_480_000)  # most of a message; a template is short


@cache
def bare_bytes(kind: str) -> int:
    """Bytes of the message with an empty text, without what the ledger adds."""
    return len(of_text(1, kind).message(0).body) - 1


def of_text(length: int, kind: str, *, name: str = "large") -> mf.Campaign:
    """One message with a text of as many bytes."""
    letter = LETTER.replace(text_body="y" * length, attachments=[FILE], metadata=METADATA[kind])
    return people(1).mail.compose(letter, name=name)


def of_bytes(size: int, kind: str) -> mf.Campaign:
    """One message of as many bytes as posted with a ledger."""
    return of_text(size - OURS[kind] - bare_bytes(kind), kind)


@pytest.mark.parametrize("kind", METADATA)
@pytest.mark.parametrize("over", [-1, 0, 1])
def test_with_a_ledger_a_message_of_ten_million_bytes_is_the_last_that_goes_out(over, kind):
    """To the byte of what arrives, less the brackets of the batch."""
    composed = of_bytes(limits.MAX_MESSAGE_BYTES + over, kind)
    with mf.Sandbox(in_process=True) as sandbox:
        results = send_with(composed, sandbox.server, on_invalid="skip")
        posted = sandbox.requests().query("path == '/email/batch'")["bytes"].tolist()
    if over > 0:
        assert (results["status"].tolist(), results["reason"].tolist()) == (
            ["invalid"],
            ["message_too_large"],
        )
        assert posted == []
    else:
        assert results["status"].tolist() == ["accepted"]
        assert posted == [limits.MAX_MESSAGE_BYTES + over + 2]


@pytest.mark.parametrize("kind", METADATA)
def test_the_detail_gives_the_figures(kind):
    """What the message has, what the ledger adds, and what is possible."""
    [detail] = of_bytes(limits.MAX_MESSAGE_BYTES + 7, kind).problems()["detail"]
    assert detail == (
        f"10,000,007 bytes as posted, with attachments in base64 and {OURS[kind]} bytes of "
        "metadata that the ledger adds; 10,000,000 are possible (Postmark). Send a link instead"
    )


@pytest.mark.parametrize("kind", METADATA)
def test_the_rule_is_the_same_with_and_without_a_ledger(kind):
    """Problems do not depend on the ledger; without a ledger nothing is added."""
    largest, larger = (
        of_bytes(limits.MAX_MESSAGE_BYTES, kind),
        of_bytes(limits.MAX_MESSAGE_BYTES + 1, kind),
    )
    with mf.Sandbox(in_process=True) as sandbox:
        assert send_with(largest, sandbox.server, ledger=None)["status"].tolist() == ["accepted"]
        posted = sandbox.requests().query("method == 'POST'")
        assert posted["bytes"].tolist() == [limits.MAX_MESSAGE_BYTES - OURS[kind] + 2]
        refused = send_with(larger, sandbox.server, ledger=None, on_invalid="skip")
        assert refused["reason"].tolist() == ["message_too_large"]


@pytest.mark.parametrize("kind", METADATA)
def test_one_message_by_itself_follows_the_same_rule(kind):
    """The largest one goes through ``server.send_email``; a larger one is not made."""
    with mf.Sandbox() as sandbox:
        message = of_bytes(limits.MAX_MESSAGE_BYTES, kind).message(0)
        [outcome] = sandbox.server.send_email(message).outcomes
        assert outcome.accepted
        assert sandbox.requests()["bytes"].tolist() == [limits.MAX_MESSAGE_BYTES - OURS[kind]]
    with pytest.raises(errors.LetterError, match="10,000,001 bytes as posted"):
        of_bytes(limits.MAX_MESSAGE_BYTES + 1, kind).message(0)


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_a_test_mail_is_counted_with_its_own_mark(over):
    """It carries no mark of the ledger, and one of its own in the subject and the metadata."""
    kind, name = (
        "metadata of its own",
        "ü" * 80,
    )  # a mark that is longer than what the ledger would add
    with mf.Sandbox() as sandbox:
        of_text(1, kind, name=name).send_test(sandbox.server, to="me@example.com", rows=[0])
        [small] = sandbox.requests()["bytes"]
        length = limits.MAX_MESSAGE_BYTES - small + 1 + over
        results = of_text(length, kind, name=name).send_test(
            sandbox.server, to="me@example.com", rows=[0]
        )
        posted = sandbox.requests()["bytes"].tolist()[1:]
    if over > 0:
        assert results["reason"].tolist() == ["message_too_large"]
        assert posted == []
    else:
        assert results["status"].tolist() == ["accepted"]
        assert posted == [limits.MAX_MESSAGE_BYTES + over]


@pytest.mark.parametrize(("over", "batches"), [(-1, [5, 1]), (0, [5, 1]), (1, [4, 2])])
def test_a_batch_of_fifty_million_bytes_is_counted_as_posted(over, batches):
    """To the byte, and as plan() and batches() say before."""
    size, kind = limits.MAX_BATCH_BYTES // 5, "no metadata"
    posted_bytes = [size - 1] * 4 + [size - 2 + over, 1_000 + bare_bytes(kind)]
    frame = people(6).assign(
        text=["y" * (count - OURS[kind] - bare_bytes(kind)) for count in posted_bytes]
    )
    letter = LETTER.replace(text_body="{{ text }}", attachments=[FILE], metadata={})
    composed = frame.mail.compose(letter, name="full")
    with mf.Sandbox(in_process=True) as sandbox:
        results = composed.send(sandbox.server, progress=False)
        posted = sandbox.requests().query("path == '/email/batch'")
    assert set(results["status"]) == {"accepted"}
    assert posted["messages"].tolist() == batches == [len(batch) for batch in composed.batches()]
    assert composed.plan().batches == 2
    if over <= 0:
        assert posted["bytes"].iloc[0] == limits.MAX_BATCH_BYTES + over


# --- the bytes on the wire -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "written"), [(None, ""), ({"n": "{{ n }}"}, '"n":"0",')], ids=METADATA
)
def test_the_posted_bytes_of_a_batch_are_these(own, written):
    """Byte for byte; only the identifier of the request is another one each time."""
    bodies = []
    with mf.Sandbox(in_process=True) as sandbox:
        inner = sandbox.transport()

        def keep(request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                bodies.append(request.read().decode())
            return inner.handle_request(request)

        server = mf.Postmark(
            "any", base_url="http://127.0.0.1", transport=httpx.MockTransport(keep)
        )
        send_with(people(1).mail.compose(LETTER.replace(metadata=own), name="numbers"), server)
    [body] = bodies
    assert re.sub(r'"mf-b":"[0-9a-f]{24}"', '"mf-b":"REQUEST"', body) == (
        '[{"From":"Acme <hello@acme.example>","To":"p0@example.com","Subject":"Number 0",'
        f'"TextBody":"You are number 0.","Metadata":{{{written}'
        '"mf-c":"4a587ed48f050bdfd8ee1c9b","mf-b":"REQUEST",'
        '"mf-m":"058ea45f1a231758cb43d2bfa94bd439"}}]'
    )
