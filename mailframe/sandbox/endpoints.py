"""One request and what the server knows → one answer, in the order of checks of Postmark. Pure.

The order: route (404, 405) → token (401) → headers (415) → size (413) → JSON (402) → types (403) → count
(410) → each message (see ``message_checks.py``). The first fault found is the one reported.
"""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mailframe.sandbox import (
    message_checks,
    page,
    request_json,
    search_query,
    search_results,
    texts,
)
from mailframe.sandbox.accepted_message import Posted
from mailframe.sandbox.account import TEST_TOKEN
from mailframe.sandbox.texts import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from mailframe.sandbox.account import Account
    from mailframe.sandbox.message_checks import Checked
    from mailframe.sandbox.search_query import Search
    from mailframe.sandbox.search_results import SearchResult

# Postmark does not say whether a megabyte is 10**6 or 2**20 bytes; what passes the smaller passes under both.
MAX_SINGLE_BYTES = 10_000_000
MAX_BATCH_BYTES = 50_000_000
SINGLE, BATCH = "/email", "/email/batch"
SERVER, SEARCH = "/server", "/messages/outbound"
DETAILS, DUMP = "/messages/outbound/{id}/details", "/messages/outbound/{id}/dump"
OF_ONE_MESSAGE = re.compile(r"^/(messages/outbound/|inbox/)[^/]+(|/details|/dump)$")
INBOX, INBOX_MESSAGE = "/", "/inbox/{id}"
LOOPBACK_V4, LOOPBACK_V6 = ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_address("::1")
POSTMARKS_HOST = (
    "api.postmarkapp.com"  # what a client asks for that was given a transport and no base URL
)
JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived.

    Attributes:
        method: in upper case.
        path: without the query.
        headers: by name in lower case.
        body: its bytes; of one that is far too large, no more than shows that it is.
        number: of the POST to ``/email`` or ``/email/batch``, counted from 1; None for any other request.
        query: what stands behind the ``?``, as it was sent.
        first: how many of its matches a search knows, the oldest first; None is all.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    number: int | None = None
    query: str = ""
    first: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it leaves."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say of one request.

    Attributes:
        reply: the answer.
        accepted: what Postmark took, in the order of the request.
        messages: how many the request held; 0 when it was refused before they were counted.
    """

    reply: Reply
    accepted: tuple[Posted, ...] = ()
    messages: int = 0


class ServerState(Protocol):
    """What the rules may ask the server."""

    @property
    def account(self) -> Account: ...  # noqa: D102

    def suppressed(self, stream: str) -> AbstractSet[str]: ...  # noqa: D102

    def mint(self) -> tuple[str, str]: ...  # noqa: D102

    def posted(self) -> Sequence[Posted]: ...  # noqa: D102

    def find(self, search: Search, *, first: int | None) -> SearchResult: ...  # noqa: D102

    def shown(self, message_id: str) -> Posted | None: ...  # noqa: D102

    def bounces_of(self, message_id: str) -> Mapping[str, int]: ...  # noqa: D102


def rule(request: Request, state: ServerState) -> Ruling:
    """Answer *request*.

    Args:
        request: as it arrived.
        state: what the server knows; it is asked and never changed.
    """
    try:
        return route(request)(request, state)
    except CheckFailed as refused:
        return Ruling(envelope(refused))


def route(request: Request) -> Callable[[Request, ServerState], Ruling]:
    """What answers this path, ignoring case, and this method; 404 or 405 when nothing does."""
    path = route_of(request.path)
    if path is None:
        raise CheckFailed(404, texts.NO_ROUTE, http_status=404)
    methods = ROUTES[path]
    if request.method not in methods:
        raise CheckFailed(405, texts.WRONG_METHOD, http_status=405)
    return methods[request.method]


def route_of(path: str) -> str | None:
    """The endpoint that *path* names, ignoring case and with ``{id}`` for an id; None when there is none.

    >>> route_of("/Messages/outbound/4bba52b4/Details"), route_of("/nowhere")
    ('/messages/outbound/{id}/details', None)
    """
    found = OF_ONE_MESSAGE.sub(r"/\1{id}\2", path.lower())
    return found if found in ROUTES else None


def is_send(method: str, path: str) -> bool:
    """Whether this is a POST that carries messages, the requests that are numbered and that faults hit.

    >>> is_send("POST", "/Email/Batch"), is_send("GET", "/email")
    (True, False)
    """
    return method == "POST" and path.lower() in (SINGLE, BATCH)


def as_json(value: Any, status: int = 200) -> Reply:
    """*value* as an answer."""
    return Reply(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def envelope(refused: CheckFailed) -> Reply:
    """A refusal of a whole request, with the header that repeats its code."""
    reply = as_json({"ErrorCode": refused.error_code, "Message": refused.text}, refused.http_status)
    return Reply(
        reply.status, reply.body, headers=(("X-PM-ApiErrorCode", str(refused.error_code)),)
    )


def check_token(request: Request, state: ServerState) -> bool:
    """Whether the token is the test token; 401 when there is none, or not a right one."""
    token = request.headers.get("x-postmark-server-token")
    if token is None and "x-postmark-account-token" not in request.headers:
        raise CheckFailed(10, texts.NO_CREDENTIALS, http_status=401)
    given = (token or "").strip().lower()
    if given == TEST_TOKEN.lower():
        return True
    known = state.account.tokens
    if not given or (known is not None and given not in known):
        raise CheckFailed(10, texts.WRONG_CREDENTIALS, http_status=401)
    return False


def check_json_headers(request: Request) -> None:
    """415 unless Accept and Content-Type both name JSON; ``*/*`` does not, which may be too strict."""
    for name in ("accept", "content-type"):
        _check_names_json(request, name)


def check_size(request: Request, max_bytes: int) -> None:
    """413; the body carries 300, because ErrorCode 413 means something else."""
    if len(request.body) > max_bytes:
        text = texts.TOO_LARGE.format(limit_mb=max_bytes // 1_000_000)
        raise CheckFailed(300, text, http_status=413)


def check_reading(request: Request, state: ServerState) -> None:
    """401 for the test token too, which is an assumption: it has no server and keeps nothing to read."""
    _check_host(request, also=POSTMARKS_HOST)
    if check_token(request, state):
        raise CheckFailed(10, texts.WRONG_CREDENTIALS, http_status=401)
    _check_names_json(request, "accept")


def send_single(request: Request, state: ServerState) -> Ruling:
    """``POST /email``: one message, whose refusal is the refusal of the request."""
    is_test = _check_request(request, state, MAX_SINGLE_BYTES)
    messages = request_json.one_message(request_json.parse(request.body))
    try:
        posted, item = _take(
            messages[0], request, state, is_test=is_test, text=texts.ALL_INACTIVE_SINGLE
        )
    except CheckFailed as refused:
        return Ruling(envelope(refused), messages=1)
    return Ruling(as_json(item), () if is_test else (posted,), messages=1)


def send_batch(request: Request, state: ServerState) -> Ruling:
    """``POST /email/batch``: HTTP 200 even if every message failed; such an item has a code and a text."""
    is_test = _check_request(request, state, MAX_BATCH_BYTES)
    messages = request_json.many_messages(request_json.parse(request.body))
    accepted, items = [], []
    for message in messages:
        try:
            if len(request.body) > MAX_SINGLE_BYTES:  # only then can one of its messages be
                _check_item_size(message)
            posted, item = _take(
                message, request, state, is_test=is_test, text=texts.ALL_INACTIVE_ITEM
            )
        except CheckFailed as refused:
            item = {"ErrorCode": refused.error_code, "Message": refused.text}
        else:
            accepted.append(posted)
        items.append(item)
    return Ruling(as_json(items), () if is_test else tuple(accepted), messages=len(messages))


def show_server(request: Request, state: ServerState) -> Ruling:
    """``GET /server``: what the token belongs to. The answer holds tokens."""
    check_reading(request, state)
    return Ruling(as_json(state.account.as_server()))


def search_messages(request: Request, state: ServerState) -> Ruling:
    """``GET /messages/outbound``: what was accepted and is indexed, newest first."""
    check_reading(request, state)
    search = search_query.read(request.query, streams=state.account.streams)
    found = state.find(search, first=request.first)
    return Ruling(Reply(200, search_results.page(found, is_sandboxed=state.account.is_sandboxed)))


def show_details(request: Request, state: ServerState) -> Ruling:
    """``GET /messages/outbound/{id}/details``: one message with its bodies and events."""
    check_reading(request, state)
    posted = _one_message(request, state)
    bounce_ids = state.bounces_of(posted.message_id)
    return Ruling(
        as_json(search_results.details(posted, bounce_ids, is_sandboxed=state.account.is_sandboxed))
    )


def show_dump(request: Request, state: ServerState) -> Ruling:
    """``GET /messages/outbound/{id}/dump``: the source of one message."""
    check_reading(request, state)
    return Ruling(as_json({"Body": search_results.source(_one_message(request, state))}))


def show_page(request: Request, state: ServerState) -> Ruling:
    """``GET /``: the inbox for a person, a page of it."""
    _check_host(request)
    url, any_token = f"http://{request.headers['host']}", state.account.tokens is None
    return _as_page(
        page.inbox(state.posted(), query=request.query, url=url, takes_any_token=any_token)
    )


def show_message_page(request: Request, state: ServerState) -> Ruling:
    """``GET /inbox/{id}``: one message for a person, also one that no search shows yet."""
    _check_host(request)
    posted = state.posted()
    place = page.place_of(request.path.split("/")[2], posted)
    if place is None:
        return _as_page(page.missing(), 404)
    return _as_page(page.message(posted, place, query=request.query))


def show_messages(request: Request, state: ServerState) -> Ruling:
    """``GET /_sandbox/messages``: what arrived, as JSON, oldest first."""
    _check_host(request)
    return Ruling(as_json([posted.as_row() for posted in state.posted()]))


ROUTES: dict[str, dict[str, Callable[[Request, ServerState], Ruling]]] = {
    SINGLE: {"POST": send_single},
    BATCH: {"POST": send_batch},
    SERVER: {"GET": show_server},
    SEARCH: {"GET": search_messages},
    DETAILS: {"GET": show_details},
    DUMP: {"GET": show_dump},
    INBOX: {"GET": show_page},
    INBOX_MESSAGE: {"GET": show_message_page},
    "/_sandbox/messages": {"GET": show_messages},
}
POSTMARKS_ROUTES = (SINGLE, BATCH, SERVER, SEARCH, DETAILS, DUMP)


def _as_page(html: str, status: int = 200) -> Ruling:
    return Ruling(Reply(status, html.encode(), HTML_TYPE, page.SECURITY_HEADERS))


def _check_request(request: Request, state: ServerState, max_bytes: int) -> bool:
    is_test = check_token(request, state)
    check_json_headers(request)
    check_size(request, max_bytes)
    return is_test


def _check_names_json(request: Request, header: str) -> None:
    kinds = [
        part.partition(";")[0].strip().lower()
        for part in request.headers.get(header, "").split(",")
    ]
    if "application/json" not in kinds:
        raise CheckFailed(409, texts.NO_JSON_HEADERS, http_status=415)


def _one_message(request: Request, state: ServerState) -> Posted:
    """The message whose id stands in the path; one that no search shows yet is unknown here too (assumed)."""
    posted = state.shown(request.path.split("/")[3])
    if posted is None:
        raise CheckFailed(701, texts.NO_MESSAGE)
    return posted


def _check_item_size(message: dict[str, Any]) -> None:
    if len(as_json(message).body) > MAX_SINGLE_BYTES:
        raise CheckFailed(message_checks.VALIDATION, texts.MESSAGE_TOO_LARGE)


def _take(
    message: dict[str, Any], request: Request, state: ServerState, *, is_test: bool, text: str
) -> tuple[Posted, dict[str, Any]]:
    """Check one message and give it its id; the second value is its item in the answer."""
    if is_test:
        checked = message_checks.check_offline(message, account=state.account)
    else:
        checked = message_checks.check(
            message, account=state.account, suppressed=state.suppressed, inactive_text=text
        )
    message_id, submitted_at = state.mint()
    item: dict[str, Any] = {"To": message["To"]} if message.get("To") else {}
    item |= {"SubmittedAt": submitted_at, "MessageID": message_id, "ErrorCode": 0}
    item["Message"] = texts.TEST_JOB if is_test else _success_text(checked)
    kind = state.account.streams[checked.stream]
    posted = Posted.of(
        message,
        message_id=message_id,
        submitted_at=submitted_at,
        stream=checked.stream,
        kind=kind,
        request=request.number or 0,
    )
    return posted, item


def _success_text(checked: Checked) -> str:
    if not checked.inactive:
        return texts.OK
    return texts.PARTLY_INACTIVE.format(addresses=", ".join(checked.inactive))


def loopback_name(host: object) -> str | None:
    """The plain spelling of a name or address of this machine; None for any other.

    Upper case, the dot at the end of a full name and the brackets around an IPv6 address do not matter.

    >>> loopback_name("LOCALHOST."), loopback_name("[::1]"), loopback_name("127.0.0.2"), loopback_name("acme.example")
    ('localhost', '::1', '127.0.0.2', None)
    """
    name = host.lower() if isinstance(host, str) else ""
    if name in ("localhost", "localhost."):
        return "localhost"
    try:
        address = ipaddress.ip_address(
            name[1:-1] if name.startswith("[") and name.endswith("]") else name
        )
    except ValueError:
        return None
    return str(address) if address in LOOPBACK_V4 or address == LOOPBACK_V6 else None


def _check_host(request: Request, *, also: str = "") -> None:
    """A web page whose name was pointed at 127.0.0.1 must not read the mail: Host names this machine or is *also*."""
    host = request.headers.get("host", "")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if loopback_name(name) is None and not (also and name == also):
        raise CheckFailed(404, texts.NO_ROUTE, http_status=404)
