"""postmarker 1.0: each of its calls gets the answer that it reads."""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from postmarker.core import PostmarkClient
from postmarker.exceptions import ClientError
from postmarker.models.base import ModelManager

from tests.sandbox.api_docs import endpoints_of
from tests.sandbox.clients.postmarker_calls import (
    CALLS,
    DEPRECATED,
    MAIL,
    NO_ROUTE,
    NOT_OURS,
    REMOVED,
    RENEWED,
    Postmarker,
    refusal,
)
from tests.sandbox.clients.seeded import ACCOUNT_TOKEN, seeded

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def postmarker() -> Iterator[Postmarker]:
    """The client of one sandbox."""
    with seeded() as seed:
        client = PostmarkClient(
            server_token=seed.sandbox.token,
            account_token=ACCOUNT_TOKEN,
            root_api_url=f"{seed.sandbox.url}/",
        )
        yield Postmarker(client, seed)
        client.session.close()


@pytest.mark.parametrize("name", CALLS)
def test_a_call_gets_the_answer_that_it_reads(postmarker: Postmarker, name: str):
    """Its arguments arrive, and its model holds the answer."""
    assert CALLS[name].ask(postmarker) == CALLS[name].expected


def test_the_client_turns_the_link_tracking_of_its_server_off(postmarker: Postmarker):
    """A defect of the client: it sends ``TrackLinks: "None"`` with every message."""
    postmarker.client.server.edit(TrackLinks="HtmlOnly")
    sent = postmarker.client.emails.send(**MAIL)
    assert postmarker.client.messages.outbound.get(sent["MessageID"]).TrackLinks == "None"
    postmarker.client.server.edit(TrackLinks="None")


def test_a_wrong_token_is_refused(postmarker: Postmarker):
    """401, which the client raises like every error of the API."""
    client = PostmarkClient(server_token="wrong", root_api_url=postmarker.client.root_api_url)
    code, text = refusal(client.server.get)
    assert (code, text) == (10, "[10] Request does not contain a valid Server token.")
    client.session.close()


@pytest.mark.parametrize("name", DEPRECATED)
def test_a_new_dkim_key_is_refused_while_one_is_pending(postmarker: Postmarker, name: str):
    """The client warns that its own call is deprecated."""
    with pytest.warns(DeprecationWarning, match="deprecated"), pytest.raises(ClientError) as caught:
        DEPRECATED[name](postmarker)
    assert (caught.value.error_code, str(caught.value)) == RENEWED


@pytest.mark.parametrize("name", REMOVED)
def test_a_call_of_a_removed_endpoint_is_refused_with_404(postmarker: Postmarker, name: str):
    """As at Postmark, which has no triggers for tags any more."""
    assert refusal(REMOVED[name], postmarker.client.triggers.tags) == NO_ROUTE


@pytest.mark.filterwarnings("ignore:This method has been deprecated")
def test_the_docs_name_the_endpoints_that_the_client_calls(postmarker: Postmarker):
    """No more and no fewer."""
    for ask in [*(call.ask for call in CALLS.values()), *DEPRECATED.values()]:
        with suppress(ClientError):
            ask(postmarker)
    assert postmarker.seed.endpoints() == endpoints_of("postmarker")


def test_each_call_of_the_client_is_in_a_table(postmarker: Postmarker):
    """A new version with another call fails here."""
    tables = CALLS.keys() | DEPRECATED.keys() | REMOVED.keys()
    assert set(_calls(postmarker.client)) - tables == set()


def _calls(holder, path: str = "") -> Iterator[str]:
    """The public calls of the managers in *holder*, and of their models."""
    for manager_class in holder._managers:
        if manager_class.name in NOT_OURS:
            continue
        manager = getattr(holder, manager_class.name)
        place = f"{path}{manager_class.name}"
        yield from (f"{place}.{name}" for name in _public(manager_class) if name[0].islower())
        if manager_class.model is not None and manager_class.model.__name__ not in NOT_OURS:
            yield from (
                f"{manager_class.model.__name__}.{name}"
                for name in _public(manager_class.model)
                if name != "as_dict"
            )
        if hasattr(manager, "_managers"):
            yield from _calls(manager, f"{place}.")


def _public(kind: type) -> list[str]:
    """The names of the methods and properties that its own classes define."""
    inherited = dir(ModelManager) if issubclass(kind, ModelManager) else []
    members = inspect.getmembers(
        kind, lambda member: inspect.isfunction(member) or isinstance(member, property)
    )
    return [name for name, _ in members if not name.startswith("_") and name not in inherited]
