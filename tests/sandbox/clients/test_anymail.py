"""django-anymail: its Postmark backend sends by each endpoint that it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from anymail.backends.postmark import EmailBackend
from anymail.exceptions import AnymailAPIError, AnymailRecipientsRefused
from anymail.message import AnymailMessage
from django.conf import settings

from tests.sandbox.api_docs import endpoints_of
from tests.sandbox.clients.seeded import BOUNCING, RECIPIENT, SENDER, Seeded, seeded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.sandbox import LocalPostmark


@pytest.fixture(scope="module")
def seed() -> Iterator[Seeded]:
    """A sandbox; Django needs settings, and none of them is used."""
    if not settings.configured:
        # Without it, an object of Django raises when a test looks at all objects.
        settings.configure(STATIC_URL="static/")
    with seeded() as seed:
        yield seed


def send(seed: Seeded, *, backend: dict[str, Any] | None = None, **fields: Any) -> AnymailMessage:
    """Send a message through a connection of its own."""
    options = {"server_token": seed.sandbox.token, "api_url": seed.sandbox.url} | (backend or {})
    connection = EmailBackend(**options)
    fields = {"subject": "Hi", "body": "Hi Ann", "from_email": SENDER, "to": [RECIPIENT]} | fields
    message = AnymailMessage(**fields, connection=connection)
    message.send()
    return message


def template_of(seed: Seeded) -> dict[str, str]:
    """The fields of a message that uses a new template."""
    alias = seed.name("welcome")
    fields = {"Name": alias, "Alias": alias, "Subject": "Hi", "TextBody": "{{name}}"}
    seed.http.post("/templates", json=fields).raise_for_status()
    return {"template_id": alias, "subject": "", "body": ""}


def arrived(sandbox: LocalPostmark, message: AnymailMessage) -> dict[str, Any]:
    """The row of the newest message of those that were sent."""
    frame = sandbox.messages()
    return frame[frame["MessageID"] == message.anymail_status.message_id].iloc[0].to_dict()


def test_a_message_is_sent(seed: Seeded):
    """`POST /email`."""
    status = send(seed).anymail_status
    assert status.recipients[RECIPIENT].status == "sent"


def test_all_fields_of_a_message_arrive(seed: Seeded):
    """A name with a comma, a number in the metadata, List-Unsubscribe headers and a stream."""
    message = send(
        seed,
        from_email=f'"Acme, Inc." <{SENDER}>',
        cc=["Carol <carol@example.com>"],
        bcc=["dave@example.com"],
        reply_to=["reply@example.com"],
        headers={"List-Unsubscribe": "<mailto:leave@example.com>", "X-Number": "7"},
        metadata={"customer": 7},
        tags=["welcome"],
        track_opens=True,
        track_clicks=True,
        attachments=[("a.txt", "text", "text/plain")],
        esp_extra={"MessageStream": "broadcast"},
    )
    row = arrived(seed.sandbox, message)
    assert row["From"] == f'"Acme, Inc." <{SENDER}>'
    assert (row["Tag"], row["MessageStream"]) == ("welcome", "broadcast")


def test_a_batch_is_sent(seed: Seeded):
    """`POST /email/batch`, with metadata for each recipient."""
    to, metadata = [RECIPIENT, "bob@example.com"], {RECIPIENT: {"customer": "1"}}
    status = send(seed, to=to, merge_metadata=metadata).anymail_status
    assert {recipient.status for recipient in status.recipients.values()} == {"sent"}
    assert len(status.message_id) == 2


@pytest.mark.parametrize("merge_data", [None, {RECIPIENT: {"name": "Ann"}}])
def test_a_template_is_sent(seed: Seeded, merge_data: dict[str, Any] | None):
    """`POST /email/withTemplate/`, and with data for each recipient `/email/batchWithTemplates`."""
    message = send(seed, **template_of(seed), merge_data=merge_data)
    assert message.anymail_status.status == {"sent"}


def test_a_bulk_request_is_accepted(seed: Seeded):
    """`POST /email/bulk`; the client makes an ID for each recipient, because Postmark has none."""
    backend = {"use_bulk_api": True, "message_stream": "broadcast"}
    status = send(seed, backend=backend, to=[RECIPIENT, "bob@example.com"]).anymail_status
    assert status.status == {"queued"}


def test_an_inactive_recipient_is_rejected(seed: Seeded):
    """406: the client finds the address in the text."""
    with pytest.raises(AnymailRecipientsRefused):
        send(seed, to=[BOUNCING])


def test_one_inactive_recipient_of_two_is_not_noticed(seed: Seeded):
    """200: a defect of the client, which looks for the text that Postmark had until 2016."""
    status = send(seed, to=[RECIPIENT, BOUNCING]).anymail_status
    assert {one.status for one in status.recipients.values()} == {"sent"}


def test_an_invalid_recipient_is_refused(seed: Seeded):
    """300: the client finds the address in the text."""
    with pytest.raises(AnymailRecipientsRefused):
        send(seed, to=["invalid@localhost"])


def test_an_invalid_sender_is_an_error(seed: Seeded):
    """300 with the text that the client's own live test expects."""
    with pytest.raises(AnymailAPIError, match="Invalid 'From' address") as caught:
        send(seed, from_email="webmaster@localhost")
    assert caught.value.status_code == 422


def test_a_wrong_token_is_an_error(seed: Seeded):
    """401 with a text that the client's own live test expects."""
    with pytest.raises(AnymailAPIError, match=r"valid.*token"):
        send(seed, backend={"server_token": "wrong"})


def test_the_docs_name_the_endpoints_that_the_client_calls(seed: Seeded):
    """No more and no fewer."""
    to, merged = [RECIPIENT, "bob@example.com"], {RECIPIENT: {"name": "Ann"}}
    template = template_of(seed)
    send(seed)
    send(seed, to=to, merge_metadata={RECIPIENT: {"customer": "1"}})
    send(seed, **template)
    send(seed, **template, to=to, merge_data=merged)
    send(seed, backend={"use_bulk_api": True, "message_stream": "broadcast"})
    assert seed.endpoints() == endpoints_of("anymail")
