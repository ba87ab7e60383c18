"""``/_sandbox/``: what a developer asks the sandbox to do, under a path that Postmark does not use.

What changes something takes JSON, so no form of a web page can send it; ``wire/access.py`` refuses
the scripts of pages of other machines.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import SandboxError
from mailframe.sandbox.api import receiving
from mailframe.sandbox.api.answers import done
from mailframe.sandbox.api.routes import POSTMARK_ROUTES, endpoint_of
from mailframe.sandbox.api.senders import SENDERS
from mailframe.sandbox.checks import field_types
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.control import fields
from mailframe.sandbox.control.fields import (
    DURATION,
    FLAG,
    SECONDS,
    SHARE,
    TEXT,
    Kind,
    body_of,
    one_of,
    query_of,
    whole,
    wrong,
)
from mailframe.sandbox.control.places import server_kind, stream_kind
from mailframe.sandbox.faults.names import ALL_NAMES
from mailframe.sandbox.faults.schedule import SEARCH, Fault, Schedule
from mailframe.sandbox.life import arguments
from mailframe.sandbox.life.rule import ARGUMENTS
from mailframe.sandbox.state.bounce_types import TYPES
from mailframe.sandbox.state.events import suppressing
from mailframe.sandbox.state.events.suppressions import REASONS
from mailframe.sandbox.wire import texts as wire_texts
from mailframe.sandbox.wire.access import refused
from mailframe.sandbox.wire.exchange import Reply, as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Request

MAX_RETRY_AFTER_S: Final = 86_400
_BOUNCES: Final = [name for name, about in TYPES.items() if about.is_testable]
_FAULT_OPTIONS: Final = {
    "Name": "name",
    "Path": "path",
    "Request": "request",
    "Times": "times",
    "Delay": "delay_s",
    "RetryAfter": "retry_after_s",
    "First": "first",
}
_FAULT: Final = {
    "Name": one_of(ALL_NAMES),
    "Path": Kind(
        f"a path of Postmark's API, such as {SEARCH}",
        lambda value: isinstance(value, str) and endpoint_of(value) is not None,
        can_be_null=True,
    ),
    "Request": whole(1, can_be_null=True),
    "Times": whole(1, can_be_null=True),
    "Delay": Kind(SECONDS.rule, SECONDS.is_right, can_be_null=True),
    "RetryAfter": whole(0, MAX_RETRY_AFTER_S),
    "First": whole(0),
}
_INBOUND: Final = {
    **dict.fromkeys(
        ("From", "To", "Cc", "Bcc", "ReplyTo", "Subject", "TextBody", "HtmlBody", "Tag"), TEXT
    ),
    "SpamScore": Kind("a number", lambda value: type(value) in (int, float)),
    "Headers": Kind(
        "a list of objects with Name and Value, both texts",
        lambda value: _is_list_of_texts(value, ("Name", "Value")),
    ),
    "Attachments": Kind(
        "a list of objects with Name, Content, ContentType and ContentID, all texts",
        lambda value: _is_list_of_texts(value, ("Name", "Content", "ContentType", "ContentID")),
    ),
}


def clear(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/clear``: remove messages, requests and bounces."""
    body_of(request, {})
    store.clear()
    return done("Messages, requests and bounces are removed.")


def reset(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/reset``: restore the state that the sandbox started with."""
    body_of(request, {})
    try:
        store.reset()
    except SandboxError as error:
        raise wrong(str(error)) from error
    return done("The sandbox was reset.")


def list_faults(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/faults``: the faults to come, and the names of all."""
    query_of(request, {})
    names = [{"Name": str(name), "Description": name.effect.about} for name in ALL_NAMES]
    faults = store.attached(Schedule).as_items()
    return as_json({"Faults": faults, "Names": names, "Paths": list(POSTMARK_ROUTES)})


def add_fault(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/faults``: add a fault."""
    given = body_of(request, _FAULT, required=("Name",))
    try:
        fault = Fault(**{_FAULT_OPTIONS[name]: value for name, value in given.items()})
    except SandboxError:  # the only rule for two fields
        raise wrong(f"Path is {SEARCH} for the fault {given['Name']}, or is left out.") from None
    schedule = store.attached(Schedule)
    schedule.add(fault)
    return done("Fault added.", Faults=schedule.as_items())


def remove_faults(request: Request, store: Store) -> Reply:
    """``DELETE /_sandbox/faults``: remove all faults and rules."""
    body_of(request, {})
    store.attached(Schedule).clear()
    return done("All faults are removed.")


def remove_fault(request: Request, store: Store) -> Reply:
    """``DELETE /_sandbox/faults/{id}``: remove one fault."""
    body_of(request, {})
    if not store.attached(Schedule).remove(field_types.whole_id(request.params["id"])):
        raise CheckFailed(404, "This fault was not found.", http_status=404)
    return done("Fault removed.")


def suppress(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/suppress``: make an address inactive on a stream."""
    kinds = {
        "EmailAddress": Kind(
            "an email address", lambda value: isinstance(value, str) and _is_address(value)
        ),
        "Stream": TEXT,
        "Reason": one_of(REASONS),
        "ServerID": server_kind(store),
    }
    given = body_of(request, kinds, required=("EmailAddress",))
    address, reason = given["EmailAddress"].strip(), given.get("Reason", REASONS[0])
    server, stream = given.get("ServerID", store.first_server), given.get("Stream", "outbound")
    streams = stream_kind(store, server=server, sends=True)
    if not streams.is_right(stream):
        raise fields.not_right("Stream", streams, stream)
    suppressing.suppress(store, address, stream=stream, reason=reason, server=server)
    return done(f"{address} is suppressed on {stream}.")


def simulate(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/simulate``: recipients open, click, bounce, complain and unsubscribe."""
    kinds = {
        **dict.fromkeys(("Opens", "Clicks"), SHARE),
        "Bounces": Kind(
            "a share from 0 to 1, or an object with the share of each type, 1 or less together; "
            f"the types are {', '.join(_BOUNCES)}",
            lambda value: SHARE.is_right(value) or _is_shares(value),
        ),
        **dict.fromkeys(("Complaints", "Unsubscribes"), SHARE),
        "Seed": whole(0),
        "Over": DURATION,
        "Tag": TEXT,
        "Stream": stream_kind(store),
        "To": TEXT,
        "Upcoming": FLAG,
        "Queued": DURATION,
        "Tracked": FLAG,
        "ServerID": server_kind(store),
    }
    given = body_of(request, kinds)
    server = {"server": given.pop("ServerID")} if "ServerID" in given else {}
    values = {name.lower(): value for name, value in given.items()}
    with _refusing():
        run = arguments.simulation(store, values | server)

    def work() -> Reply:
        aftermath = run(store.closing.is_set)
        counts = {
            "".join(word.capitalize() for word in name.split("_")): count
            for name, count in aftermath.as_dict().items()
        }
        return done(str(aftermath).partition("\n")[0], **counts)

    return Reply(200, later=lambda: _worked(work))


def advance(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/advance``: move the clock forward, such as by ``{"By": "2h"}``."""
    by = body_of(request, {"By": DURATION}, required=("By",))["By"]
    with _refusing():
        run = arguments.advance(store, by)

    def work() -> Reply:
        return done("The clock was moved forward.", Events=run(store.closing.is_set))

    return Reply(200, later=lambda: _worked(work))


@contextmanager
def _refusing() -> Iterator[None]:
    """An argument that is refused inside is an error of the request."""
    try:
        yield
    except SandboxError as error:
        text = str(error)
        raise wrong(f"{text[0].upper()}{text[1:]}.") from None


def _worked(work: Callable[[], Reply]) -> Reply:
    """The answer after *work*, or what the database could not store of it."""
    try:
        return work()
    except sqlite3.OperationalError as error:
        return refused(503, wire_texts.NOT_STORED.format(why=error))


def receive_mail(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/inbound``: a mail comes in, with the fields of a message for ``/email``."""
    given = body_of(request, _INBOUND, required=("From",))
    return as_json(receiving.receive(store, {name.lower(): given[name] for name in given}))


def confirm_sender(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/senders/{id}/confirm``: what the link in Postmark's mail does."""
    body_of(request, {})
    return SENDERS.changed(SENDERS.get(request, store) | {"Confirmed": True}, store)


def _is_address(value: str) -> bool:
    return field_types.is_address(value.strip())


def _is_shares(value: object) -> bool:
    """Whether *value* is an object with the share of each type of bounce."""
    try:
        return isinstance(value, dict) and ARGUMENTS["bounces"]("", value) is not None
    except SandboxError:
        return False


def _is_list_of_texts(value: Any, names: tuple[str, ...]) -> bool:
    """Whether *value* is a list of objects whose fields are texts or null and have *names*."""
    lowered = {name.lower() for name in names}
    return isinstance(value, list) and all(
        isinstance(entry, dict)
        and {name.lower() for name in entry} <= lowered
        and all(isinstance(text, str | None) for text in entry.values())
        for entry in value
    )


ROUTES: Final = {
    "/_sandbox/clear": {"POST": clear},
    "/_sandbox/reset": {"POST": reset},
    "/_sandbox/faults": {"GET": list_faults, "POST": add_fault, "DELETE": remove_faults},
    "/_sandbox/faults/{id}": {"DELETE": remove_fault},
    "/_sandbox/suppress": {"POST": suppress},
    "/_sandbox/simulate": {"POST": simulate},
    "/_sandbox/advance": {"POST": advance},
    "/_sandbox/senders/{id}/confirm": {"POST": confirm_sender},
}
