"""``/_sandbox/``: what a developer asks the sandbox, under a path that Postmark does not use.

What changes something takes JSON, so no form of a web page can send it; ``wire/access.py`` refuses
the scripts of pages of other machines.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import SandboxError
from mailframe.sandbox.api import receiving
from mailframe.sandbox.api.answers import done
from mailframe.sandbox.api.routes import POSTMARK_ROUTES
from mailframe.sandbox.api.senders import SENDERS
from mailframe.sandbox.checks import field_types, request_json, texts
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.faults.names import ALL_NAMES
from mailframe.sandbox.faults.schedule import Fault, Schedule
from mailframe.sandbox.life import arguments
from mailframe.sandbox.state.events import suppressing
from mailframe.sandbox.wire import texts as wire_texts
from mailframe.sandbox.wire.access import refused
from mailframe.sandbox.wire.exchange import Reply, as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Request

NEEDS_JSON: Final = "The Content-Type of this request must be application/json."
_INVALID: Final = 300
_FAULT_OPTIONS: Final = {
    "Name": ("name", str),
    "Path": ("path", str),
    "Request": ("request", int),
    "Times": ("times", int),
    "Delay": ("delay_s", (int, float)),
    "RetryAfter": ("retry_after_s", int),
    "First": ("first", int),
}
_SIMULATED: Final = {name.capitalize(): name for name in arguments.NAMES if name != "server"} | {
    "ServerID": "server"
}
"""The fields of a simulation, and the arguments that they are."""
_MAX_SECONDS: Final = 3_600
"""Of a wait; a longer one would block a client for good."""


def clear(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/clear``: remove messages, requests and bounces."""
    changed(request)
    store.clear()
    return done("Messages, requests and bounces are removed.")


def reset(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/reset``: restore the state that the sandbox started with."""
    changed(request)
    store.reset()
    return done("The sandbox was reset.")


def list_faults(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/faults``: the faults to come, and the names of all."""
    del request
    names = [{"Name": str(name), "Description": name.effect.about} for name in ALL_NAMES]
    faults = store.attached(Schedule).as_items()
    return as_json({"Faults": faults, "Names": names, "Paths": list(POSTMARK_ROUTES)})


def add_fault(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/faults``: add a fault."""
    options = _options(changed(request), _FAULT_OPTIONS)
    if "name" not in options:
        raise _wrong("Name is missing.")
    if not 0 <= (options.get("delay_s") or 0) <= _MAX_SECONDS:
        raise _wrong(f"Delay is a number of seconds from 0 to {_MAX_SECONDS}.")
    schedule = store.attached(Schedule)
    _tried(lambda: schedule.add(Fault(**options)))
    return done("Fault added.", Faults=schedule.as_items())


def remove_faults(request: Request, store: Store) -> Reply:
    """``DELETE /_sandbox/faults``: remove all faults and rules."""
    changed(request)
    store.attached(Schedule).clear()
    return done("All faults are removed.")


def remove_fault(request: Request, store: Store) -> Reply:
    """``DELETE /_sandbox/faults/{id}``: remove one fault."""
    changed(request)
    if not store.attached(Schedule).remove(field_types.whole_id(request.params["id"])):
        raise CheckFailed(404, "This fault was not found.", http_status=404)
    return done("Fault removed.")


def suppress(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/suppress``: make an address inactive on a stream."""
    options = _options(
        changed(request),
        {
            "EmailAddress": ("address", str),
            "Stream": ("stream", str),
            "Reason": ("reason", str),
        },
    )
    address = options.get("address") or ""
    if "@" not in address:
        raise _wrong("EmailAddress is missing or not valid.")
    stream, reason = options.get("stream") or "outbound", options.get("reason") or "HardBounce"
    _tried(lambda: suppressing.suppress(store, address, stream=stream, reason=reason))
    return done(f"{address} is suppressed on {stream}.")


def list_suppressions(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/suppressions``: the inactive addresses of a stream."""
    stream = request.values.get("stream", "outbound")
    return as_json({"Suppressions": store.suppressions.listed(store.first_server, stream)})


def simulate(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/simulate``: recipients open, click, bounce, complain and unsubscribe."""
    fields = _named(changed(request), _SIMULATED)
    given = {_SIMULATED[name]: value for name, value in fields.items()}
    run = _tried(lambda: arguments.simulation(store, given))

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
    fields = _named(changed(request), ("By",))
    run = _tried(lambda: arguments.advance(store, fields.get("By")))

    def work() -> Reply:
        return done("The clock was moved forward.", Events=run(store.closing.is_set))

    return Reply(200, later=lambda: _worked(work))


def _worked(work: Callable[[], Reply]) -> Reply:
    """The answer after *work*, or what the database could not store of it."""
    try:
        return work()
    except sqlite3.OperationalError as error:
        return refused(503, wire_texts.NOT_STORED.format(why=error))


def receive_mail(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/inbound``: a mail comes in, with the fields of a message for ``/email``."""
    return as_json(receiving.receive(store, request_json.fields(request.body)))


def confirm_sender(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/senders/{id}/confirm``: what the link in Postmark's mail does."""
    return SENDERS.changed(SENDERS.get(request, store) | {"Confirmed": True}, store)


def changed(request: Request) -> dict[str, Any]:
    """The JSON object of a request that changes something.

    Raises:
        CheckFailed: its body is no JSON (415 / 409, 422 / 402).
    """
    if not request.body:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise CheckFailed(409, NEEDS_JSON, http_status=415)
    value = request_json.parse(request.body)
    if not isinstance(value, dict):
        raise CheckFailed(402, texts.MALFORMED)
    return value


def _options(value: dict[str, Any], names: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    """The arguments for the fields of a JSON object; null counts as given, other keys are errors.

    Raises:
        CheckFailed: a field is unknown, or its value has another type (422 / 300).
    """
    options = {}
    for name, given in _named(value, names).items():
        argument, kind = names[name]
        if given is not None and (isinstance(given, bool) or not isinstance(given, kind)):
            raise _wrong(f"{name} has a value of the wrong type.")
        options[argument] = given
    return options


def _named(value: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The fields under their *names*, which ignore case as the keys of Postmark's bodies do."""
    exact = {name.lower(): name for name in names}
    unknown = sorted(name for name in value if name.lower() not in exact)
    if unknown:
        raise _wrong(f"{unknown[0]!r} is not a field; there are {', '.join(names)}.")
    return {exact[name.lower()]: given for name, given in value.items()}


def _tried(change: Any) -> Any:
    """The result of *change*; a refusal of the sandbox becomes 422."""
    try:
        return change()
    except (SandboxError, ValueError, OverflowError) as error:
        raise _wrong(str(error)) from error


def _wrong(text: str) -> CheckFailed:
    return CheckFailed(_INVALID, text)


ROUTES: Final = {
    "/_sandbox/clear": {"POST": clear},
    "/_sandbox/reset": {"POST": reset},
    "/_sandbox/faults": {"GET": list_faults, "POST": add_fault, "DELETE": remove_faults},
    "/_sandbox/faults/{id}": {"DELETE": remove_fault},
    "/_sandbox/suppress": {"POST": suppress},
    "/_sandbox/suppressions": {"GET": list_suppressions},
    "/_sandbox/simulate": {"POST": simulate},
    "/_sandbox/advance": {"POST": advance},
    "/_sandbox/inbound": {"POST": receive_mail},
    "/_sandbox/senders/{id}/confirm": {"POST": confirm_sender},
}
