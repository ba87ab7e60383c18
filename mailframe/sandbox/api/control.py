"""``/_sandbox/``: what a developer asks the sandbox, under a path that Postmark does not use.

Lists are paged: ``count`` says how many, and the answer's ``Older`` and ``Newer`` are the values of
``before`` and ``after`` for the pages beside. What changes something takes JSON, and no web page of
another site can send it: its ``Origin`` must be this machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from mailframe.errors import SandboxError
from mailframe.sandbox.api.credentials import check_host
from mailframe.sandbox.checks import texts
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.wire.exchange import as_json
from mailframe.sandbox.wire.loopback import loopback_name

if TYPE_CHECKING:
    from mailframe.sandbox.state.controls import Controls
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

REFUSED_ORIGIN: Final = "This request comes from a page of another site."
NEEDS_JSON: Final = "The Content-Type of this request must be application/json."
_INVALID: Final = 300
_FAULT_OPTIONS: Final = {
    "Name": ("fault", str),
    "Path": ("path", str),
    "Request": ("request", int),
    "Times": ("times", int),
    "Delay": ("delay_s", (int, float)),
    "RetryAfter": ("retry_after_s", int),
    "First": ("first", int),
}
_SIMULATED: Final = {
    "Opens": ("opens", (int, float)),
    "Clicks": ("clicks", (int, float)),
    "Bounces": ("bounces", (int, float)),
    "Complaints": ("complaints", (int, float)),
    "Unsubscribes": ("unsubscribes", (int, float)),
    "Seed": ("seed", int),
}
_MAX_SECONDS: Final = 3_600
"""Of a wait; a longer one would block a client for good."""


def clear(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/clear``: remove messages, requests and bounces."""
    changed(request)
    _controls(store).clear()
    return _done("Messages, requests and bounces are removed.")


def reset(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/reset``: restore the state that the sandbox started with."""
    changed(request)
    _controls(store).reset()
    return _done("The sandbox was reset.")


def list_faults(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/faults``: the faults to come, and the names of all."""
    check_host(request)
    controls = _controls(store)
    names = [{"Name": name, "Description": about} for name, about in controls.fault_names()]
    return as_json({"Faults": controls.faults(), "Names": names, "Paths": controls.fault_paths()})


def add_fault(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/faults``: add a fault."""
    options = _options(changed(request), _FAULT_OPTIONS)
    if "fault" not in options:
        raise _wrong("Name is missing.")
    if not 0 <= (options.get("delay_s") or 0) <= _MAX_SECONDS:
        raise _wrong(f"Delay is a number of seconds from 0 to {_MAX_SECONDS}.")
    controls = _controls(store)
    _tried(lambda: controls.add_fault(options))
    return _done("Fault added.", Faults=controls.faults())


def remove_faults(request: Request, store: Store) -> Reply:
    """``DELETE /_sandbox/faults``: remove all faults and rules."""
    changed(request)
    _controls(store).clear_faults()
    return _done("All faults are removed.")


def remove_fault(request: Request, store: Store) -> Reply:
    """``DELETE /_sandbox/faults/{id}``: remove one fault."""
    changed(request)
    number = request.params["id"]
    is_number = number.isascii() and number.isdigit()
    if not is_number or not _controls(store).remove_fault(int(number[:15])):
        raise CheckFailed(404, "This fault was not found.", http_status=404)
    return _done("Fault removed.")


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
    _tried(lambda: _controls(store).suppress(address, stream=stream, reason=reason))
    return _done(f"{address} is suppressed on {stream}.")


def list_suppressions(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/suppressions``: the inactive addresses of a stream."""
    check_host(request)
    stream = request.values.get("stream", "outbound")
    return as_json({"Suppressions": store.suppressions.listed(store.first_server, stream)})


def simulate(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/simulate``: make an aftermath of the messages that have arrived."""
    options = _options(changed(request), _SIMULATED)
    counts = _tried(lambda: _controls(store).simulate(options))
    return _done("The aftermath was simulated.", **counts)


def changed(request: Request) -> dict[str, Any]:
    """The JSON object of a request that changes something.

    Raises:
        CheckFailed: it comes from a page of another site (403), or has no JSON object (415, 402).
    """
    check_host(request)
    origin = request.headers.get("origin")
    if origin is not None and not _is_local(origin, request.headers.get("host", "")):
        raise CheckFailed(403, REFUSED_ORIGIN, http_status=403)
    if not request.body:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise CheckFailed(409, NEEDS_JSON, http_status=415)
    value = request.json()
    if not isinstance(value, dict):
        raise CheckFailed(402, texts.MALFORMED)
    return value


def _is_local(origin: str, host: str) -> bool:
    """Whether an Origin is this server's own, or a page of this machine."""
    try:
        parts = urlsplit(origin)
        name = parts.hostname or ""
    except ValueError:
        return False
    is_own = parts.netloc.lower() == host.lower()
    return parts.scheme in ("http", "https") and (is_own or loopback_name(name) is not None)


def _options(value: dict[str, Any], names: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    """The arguments for the fields of a JSON object; null counts as given, other keys are errors.

    Raises:
        CheckFailed: a field is unknown, or its value has another type (422 / 300).
    """
    unknown = sorted(set(value) - set(names) - {"ServerID"})
    if unknown:
        raise _wrong(f"{unknown[0]!r} is not a field; there are {', '.join(names)}.")
    options = {}
    for name, given in value.items():
        if name not in names:
            continue
        argument, kind = names[name]
        if given is not None and (isinstance(given, bool) or not isinstance(given, kind)):
            raise _wrong(f"{name} has a value of the wrong type.")
        options[argument] = given
    return options


def _tried(change: Any) -> Any:
    """The result of *change*; a refusal of the sandbox becomes 422."""
    try:
        return change()
    except (SandboxError, ValueError, OverflowError) as error:
        raise _wrong(str(error)) from error


def _wrong(text: str) -> CheckFailed:
    return CheckFailed(_INVALID, text)


def _controls(store: Store) -> Controls:
    if store.controls is None:
        raise CheckFailed(404, texts.NO_ROUTE, http_status=404)
    return store.controls


def _done(text: str, **more: Any) -> Reply:
    return as_json({"ErrorCode": 0, "Message": text, **more})


ROUTES: Final = {
    "/_sandbox/clear": {"POST": clear},
    "/_sandbox/reset": {"POST": reset},
    "/_sandbox/faults": {"GET": list_faults, "POST": add_fault, "DELETE": remove_faults},
    "/_sandbox/faults/{id}": {"DELETE": remove_fault},
    "/_sandbox/suppress": {"POST": suppress},
    "/_sandbox/suppressions": {"GET": list_suppressions},
    "/_sandbox/simulate": {"POST": simulate},
}
