"""What the sandbox posts to webhooks is read by the clients that read Postmark's webhooks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from anymail.signals import inbound, tracking
from anymail.webhooks.postmark import PostmarkInboundWebhookView, PostmarkTrackingWebhookView
from django.conf import settings
from django.test import RequestFactory, override_settings
from postmarker.core import PostmarkClient
from postmarker.models.emails import Delivery

from mailframe.sandbox import LocalPostmark
from tests.sandbox.receiver import Receiver
from tests.sandbox.sandbox_mail import client, mail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anymail.signals import AnymailInboundEvent, AnymailTrackingEvent

    from tests.sandbox.receiver import Post

SECRET = "hook:secret"
TRIGGERS = ("Open", "Click", "Delivery", "Bounce", "SpamComplaint", "SubscriptionChange")
OFFER = mail(
    HtmlBody='<a href="https://acme.example/offer">Offer</a>',
    Tag="welcome",
    Metadata={"customer": "7"},
    TrackOpens=True,
    TrackLinks="HtmlAndText",
)


@pytest.fixture(scope="module")
def posted() -> Iterator[dict[str, Post]]:
    """The request of each webhook by RecordType, and that of the inbound hook."""
    if not settings.configured:
        # Without it, an object of Django raises when a test looks at all objects.
        settings.configure(STATIC_URL="static/")
    with Receiver() as receiver, LocalPostmark() as sandbox, client(sandbox) as http:
        triggers = {name: {"Enabled": True} for name in TRIGGERS}
        login = {"Username": "hook", "Password": "secret"}
        hook = {"Url": receiver.url(), "Triggers": triggers, "HttpAuth": login}
        http.post("/webhooks", json=hook).raise_for_status()
        inbound_hook = receiver.url("/inbound").replace("//", f"//{SECRET}@")
        http.put("/server", json={"InboundHookUrl": inbound_hook}).raise_for_status()
        http.post("/email", json=OFFER)
        sandbox.simulate(opens=1, clicks=1, complaints=1, seed=1)
        http.post("/email", json=mail(To="hardbounce@bounce-testing.postmarkapp.com"))
        sandbox.receive(From="Bob <bob@example.com>", Subject="A question", TextBody="Hi Acme")
        assert sandbox.wait_for_webhooks()
        yield {post.json.get("RecordType", "Inbound"): post for post in receiver.posts}


@override_settings(ANYMAIL={"WEBHOOK_SECRET": SECRET})
def seen_by_anymail(view: type, signal: Any, post: Post) -> Any:
    """The event of anymail's signal for the request, whose login *view* checks."""
    events: list[Any] = []

    def receive(sender: Any, event: Any, **_: Any) -> None:
        events.append(event)

    signal.connect(receive)
    headers = {"authorization": post.headers["authorization"]}
    request = RequestFactory().post(
        "/", json.dumps(post.json), content_type="application/json", headers=headers
    )
    response = view.as_view()(request)
    signal.disconnect(receive)
    assert response.status_code == 200
    (event,) = events
    return event


@pytest.mark.parametrize(
    ("record", "event_type", "recipient"),
    [
        ("Delivery", "delivered", "ann@example.com"),
        ("Open", "opened", "ann@example.com"),
        ("Click", "clicked", "ann@example.com"),
        ("SpamComplaint", "complained", "ann@example.com"),
        ("Bounce", "bounced", "hardbounce@bounce-testing.postmarkapp.com"),
    ],
)
def test_anymail_reads_an_event(posted, record: str, event_type: str, recipient: str):
    """Its kind, recipient, message and time."""
    event: AnymailTrackingEvent
    event = seen_by_anymail(PostmarkTrackingWebhookView, tracking, posted[record])
    assert (event.event_type, event.recipient) == (event_type, recipient)
    assert event.message_id == posted[record].json["MessageID"]
    assert event.timestamp.tzinfo is not None


def test_anymail_reads_the_link_the_tag_and_the_metadata_of_a_click(posted):
    """They are those of the message."""
    event = seen_by_anymail(PostmarkTrackingWebhookView, tracking, posted["Click"])
    assert event.click_url == "https://acme.example/offer"
    assert (event.tags, event.metadata) == (["welcome"], {"customer": "7"})


def test_anymail_reads_a_change_of_the_subscription(posted):
    """A hard bounce or a complaint suppresses the address."""
    event = seen_by_anymail(PostmarkTrackingWebhookView, tracking, posted["SubscriptionChange"])
    assert event.event_type in {"bounced", "complained"}


def test_anymail_reads_a_mail_that_came_in(posted):
    """Its sender, subject and text."""
    event: AnymailInboundEvent
    event = seen_by_anymail(PostmarkInboundWebhookView, inbound, posted["Inbound"])
    message = event.message
    assert (str(message.from_email), message.subject) == ("Bob <bob@example.com>", "A question")
    assert message.text == "Hi Acme"


def test_postmarker_reads_each_body_that_it_has_a_model_for(posted):
    """It makes its models from the JSON of a webhook."""
    reader = PostmarkClient(server_token="any")
    models = {
        "Bounce": reader.bounces.Bounce,
        "Open": reader.messages.outbound.opens.Open,
        "Delivery": Delivery.from_json,
        "Inbound": reader.messages.inbound.InboundMessage,
    }
    names = {record: str(read(json.dumps(posted[record].json))) for record, read in models.items()}
    assert names == {
        "Bounce": f"Bounce: {posted['Bounce'].json['ID']}",
        "Open": "Open from ann@example.com",
        "Delivery": "Delivery to ann@example.com",
        "Inbound": "None message from bob@example.com",
    }
