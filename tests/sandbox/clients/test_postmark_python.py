"""postmark-python 0.4, synchronous and asynchronous: each call gets the answer that it reads."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import postmark
import postmark.sync
import pytest
from postmark.exceptions import (
    InactiveRecipientException,
    InvalidAPIKeyException,
    PostmarkAPIException,
)
from pydantic import ValidationError

from tests.sandbox.api_docs import endpoints_of
from tests.sandbox.clients.postmark_python_calls import CALLS, MAIL, Official
from tests.sandbox.clients.seeded import ACCOUNT_TOKEN, BOUNCING, RECIPIENT, SENDER, seeded

if TYPE_CHECKING:
    from collections.abc import Iterator

REFUSED = MAIL | {"To": "nobody"}
BULK = {"From": SENDER, "Subject": "Hi", "TextBody": "Hi", "Messages": [{"To": RECIPIENT}]}
# call → what it does, and the field that its model requires and Postmark's answer does not have
DEFECTS = {
    "outbound.send_batch of a refused message": (
        lambda o: o.client.outbound.send_batch([MAIL, REFUSED]),
        "MessageID",
    ),
    "outbound.send_bulk": (lambda o: o.client.outbound.send_bulk(BULK), "ID"),
    "bounces.get_delivery_stats": (lambda o: o.client.bounces.get_delivery_stats(), "Type"),
    "stats.bounce_counts": (lambda o: o.client.stats.bounce_counts(), "SoftBounce"),
    "stats.platform_usage": (lambda o: o.client.stats.platform_usage(), "Unknown"),
    "stats.browser_platform_usage": (lambda o: o.client.stats.browser_platform_usage(), "Unknown"),
    "stats.click_location": (lambda o: o.client.stats.click_location(), "Text"),
}


class Awaited:
    """The asynchronous client, whose calls are awaited in one event loop."""

    def __init__(self, wrapped: Any, runner: asyncio.Runner) -> None:
        self._wrapped, self._runner = wrapped, runner

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._wrapped, name)
        if inspect.isasyncgenfunction(value):
            return lambda *args, **options: self._runner.run(_collected(value(*args, **options)))
        if inspect.iscoroutinefunction(value):
            return lambda *args, **options: self._runner.run(value(*args, **options))
        return Awaited(value, self._runner)


async def _collected(items: Any) -> list[Any]:
    return [item async for item in items]


@pytest.fixture(scope="module", params=["synchronous", "asynchronous"])
def official(request: pytest.FixtureRequest) -> Iterator[Official]:
    """The clients of one sandbox; a retry would hide an error."""
    with seeded() as seed, ExitStack() as opened:
        where = {"retries": 0, "base_url": seed.sandbox.url}
        tokens = seed.sandbox.token, ACCOUNT_TOKEN
        if request.param == "synchronous":
            kinds = postmark.sync.ServerClient, postmark.sync.AccountClient
            made = [
                opened.enter_context(kind(token, **where))
                for kind, token in zip(kinds, tokens, strict=True)
            ]
        else:
            runner = opened.enter_context(asyncio.Runner())
            kinds = postmark.ServerClient, postmark.AccountClient
            made = [
                Awaited(kind(token, **where), runner)
                for kind, token in zip(kinds, tokens, strict=True)
            ]
            for awaited in made:
                opened.callback(awaited.close)
        yield Official(*made, seed)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_gets_the_answer_that_it_reads(official: Official, name: str):
    """Its arguments arrive, and its model holds the answer."""
    assert CALLS[name].ask(official) == CALLS[name].expected


def test_the_client_finds_the_inactive_address(official: Official):
    """In the text of 406."""
    with pytest.raises(InactiveRecipientException) as caught:
        official.client.outbound.send(MAIL | {"To": BOUNCING})
    assert caught.value.inactive_recipients == [BOUNCING]


def test_a_wrong_token_is_refused(official: Official):
    """401."""
    with (
        postmark.sync.ServerClient(
            "wrong", retries=0, base_url=official.seed.sandbox.url
        ) as client,
        pytest.raises(InvalidAPIKeyException, match="valid Server token"),
    ):
        client.server.get()


@pytest.mark.parametrize("name", DEFECTS)
def test_the_client_fails_where_postmark_leaves_a_field_out(official: Official, name: str):
    """A defect of the client: with Postmark's own answer it fails in the same way."""
    call, field = DEFECTS[name]
    with pytest.raises(ValidationError) as caught:
        call(official)
    assert field in {part for error in caught.value.errors() for part in error["loc"]}


def test_the_docs_name_the_endpoints_that_the_client_calls(official: Official):
    """No more and no fewer."""
    for ask in [*(call.ask for call in CALLS.values()), *(call for call, _ in DEFECTS.values())]:
        with suppress(PostmarkAPIException, ValidationError):
            ask(official)
    assert official.seed.endpoints() == endpoints_of("postmark-python")


def test_each_call_of_the_client_is_in_a_table():
    """A new version with another call fails here."""
    tables = CALLS.keys() | {name.partition(" ")[0] for name in DEFECTS}
    calls = set(_calls(postmark.ServerClient("any"), "")) | set(
        _calls(postmark.AccountClient("any"), "account.")
    )
    assert calls - tables == set()


def _calls(client: Any, start: str) -> Iterator[str]:
    for name, manager in vars(client).items():
        if type(manager).__name__.endswith("Manager"):
            methods = inspect.getmembers(type(manager), inspect.isfunction)
            yield from (f"{start}{name}.{method}" for method, _ in methods if method[0] != "_")
