"""pystmark 0.5: each of its calls gets the answer that it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pystmark
import pytest

from tests.sandbox.api_docs import endpoints_of
from tests.sandbox.clients.seeded import BOUNCING, RECIPIENT, SENDER, Call, Seeded, seeded

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "POSTMARK_API_URL_SECURE"  # the only way to choose another server


class Pystmark:
    """The module with the token of the sandbox, and what it finds."""

    def __init__(self, seed: Seeded) -> None:
        self.seed = seed

    def __getattr__(self, name: str) -> Any:
        token = self.seed.sandbox.token
        return lambda *args, **options: getattr(pystmark, name)(*args, api_key=token, **options)

    def templated(self):
        """A message that uses a new template."""
        fields = {"Name": self.seed.name("T"), "Subject": "Hi", "TextBody": "{{name}}"}
        template = self.seed.http.post("/templates", json=fields).json()
        model = {"name": "Ann"}
        return message(subject=None, template_id=template["TemplateId"], template_model=model)


@pytest.fixture(scope="module")
def module() -> Iterator[Pystmark]:
    """The client of one sandbox."""
    with seeded() as seed, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pystmark, URL, f"{seed.sandbox.url}/")
        yield Pystmark(seed)


def message(**fields):
    """A message."""
    return pystmark.Message(**{"sender": SENDER, "to": RECIPIENT, "subject": "Hi"} | fields)


CALLS = {
    "send": Call(lambda p: p.send(message(text="Hi")).message.message, "OK"),
    "send_batch": Call(
        lambda p: [
            sent.error_code
            for sent in p.send_batch([message(text="Hi"), message(text=None)]).messages
        ],
        [0, 300],
    ),
    "send_with_template": Call(lambda p: p.send_with_template(p.templated()).message.error_code, 0),
    "send_batch_with_templates": Call(
        lambda p: [
            sent.message for sent in p.send_batch_with_templates([p.templated()] * 2).messages
        ],
        ["OK", "OK"],
    ),
    "get_outbound_message_details": Call(
        lambda p: p.get_outbound_message_details(p.seed.message_id).message_details["TextBody"],
        "Hi Ann",
    ),
    "get_bounces": Call(
        lambda p: {bounce.type for bounce in p.get_bounces(count=10, offset=0).bounces},
        {"HardBounce"},
    ),
    "get_bounce": Call(lambda p: p.get_bounce(p.seed.bounce_id).bounce.type_code, 1),
    "get_bounce_dump": Call(lambda p: BOUNCING in p.get_bounce_dump(p.seed.bounce_id).dump, True),
    "get_bounce_tags": Call(lambda p: p.get_bounce_tags().tags, []),
    "get_delivery_stats": Call(lambda p: p.get_delivery_stats().total >= 1, True),
    "activate_bounce": Call(lambda p: p.activate_bounce(p.seed.bounce()).bounce.inactive, False),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_gets_the_answer_that_it_reads(module: Pystmark, name: str):
    """Its arguments arrive, and its wrapper holds the answer."""
    assert CALLS[name].ask(module) == CALLS[name].expected


def test_a_refusal_raises_the_error_of_422(module: Pystmark):
    """It has the text of the answer."""
    refused = module.send(message(text=None))
    with pytest.raises(pystmark.UnprocessableEntityError, match="Provide either email TextBody"):
        refused.raise_for_status()


def test_a_wrong_token_raises_the_error_of_401(module: Pystmark):
    """It has the text of the answer."""
    refused = pystmark.send(message(text="Hi"), api_key="wrong")
    with pytest.raises(pystmark.UnauthorizedError, match="valid Server token"):
        refused.raise_for_status()


def test_the_docs_name_the_endpoints_that_the_client_calls(module: Pystmark):
    """No more and no fewer."""
    for call in CALLS.values():
        call.ask(module)
    assert module.seed.endpoints() == endpoints_of("pystmark")


def test_each_call_of_the_client_is_in_the_table():
    """A new version with another call fails here."""
    calls = {name for name in dir(pystmark) if name.startswith(("send", "get_", "activate"))}
    assert calls == set(CALLS)
