"""The endpoints: one request and the state of the server → one answer. Pure.

Checks run in the order of Postmark: path and method (404, 405) → token (401) → headers (415) → size
(413) → JSON (402) → types (403) → count (410) → each message (see ``message_checks.py``). The first
error is the one reported.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailframe.sandbox.api import search_query, search_results
from mailframe.sandbox.checks import message_checks, request_json, texts
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.accepted_message import AcceptedMessage
from mailframe.sandbox.state.account import TEST_TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailframe.sandbox.checks.message_checks import CheckedMessage
    from mailframe.sandbox.state.store import Store

    Endpoint = Callable[["Request", Store], "EndpointResult | Reply"]

# Postmark does not say whether a megabyte is 10**6 or 2**20 bytes; the smaller is safe under both.
MAX_SINGLE_BYTES = 10_000_000
MAX_BATCH_BYTES = 50_000_000
SINGLE, BATCH = "/email", "/email/batch"
SERVER, SEARCH = "/server", "/messages/outbound"
DETAILS, DUMP = "/messages/outbound/{id}/details", "/messages/outbound/{id}/dump"
ONE_MESSAGE = re.compile(r"^/(messages/outbound/|inbox/)[^/]+(|/details|/dump)$")
INBOX, INBOX_MESSAGE = "/", "/inbox/{id}"
JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived.

    Attributes:
        method: the method in upper case.
        path: the path without the query.
        headers: the headers, by name in lower case.
        body: the bytes of the body; of one that is too large, only the start.
        number: the number of the POST to ``/email`` or ``/email/batch``, from 1; None for others.
        query: the part after the ``?``, as it was sent.
        first: the number of matches that a search finds, the oldest first; None is all.
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
    """An HTTP response."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class EndpointResult:
    """The result of one request.

    Attributes:
        reply: the answer.
        accepted: the accepted messages, in the order of the request.
        messages: the number of messages in the request; 0 if it was refused before the count.
    """

    reply: Reply
    accepted: tuple[AcceptedMessage, ...] = ()
    messages: int = 0


def answer(request: Request, store: Store) -> EndpointResult:
    """Answer *request*.

    Args:
        request: the request as it arrived.
        store: the state of the server; it is only read.
    """
    try:
        result = _endpoint(request)(request, store)
    except CheckFailed as error:
        result = error_reply(error)
    return EndpointResult(result) if isinstance(result, Reply) else result


def _endpoint(request: Request) -> Endpoint:
    """The function for this path, ignoring case, and this method; 404 or 405 if there is none."""
    endpoint = endpoint_of(request.path)
    if endpoint is None:
        raise CheckFailed(404, texts.NO_ROUTE, http_status=404)
    methods = METHODS[endpoint]
    if request.method not in methods:
        raise CheckFailed(405, texts.WRONG_METHOD, http_status=405)
    return methods[request.method]


def endpoint_of(path: str) -> str | None:
    """The endpoint of *path*, ignoring case and with ``{id}`` for an id; None if there is none.

    >>> endpoint_of("/Messages/outbound/4bba52b4/Details"), endpoint_of("/nowhere")
    ('/messages/outbound/{id}/details', None)
    """
    endpoint = ONE_MESSAGE.sub(r"/\1{id}\2", path.lower())
    return endpoint if endpoint in METHODS else None


def is_send(method: str, path: str) -> bool:
    """Whether this is a POST of messages; these requests are numbered and hit by faults.

    >>> is_send("POST", "/Email/Batch"), is_send("GET", "/email")
    (True, False)
    """
    return method == "POST" and path.lower() in (SINGLE, BATCH)


def as_json(value: Any, status: int = 200) -> Reply:
    """*value* as an answer."""
    return Reply(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def error_reply(error: CheckFailed) -> Reply:
    """The answer to a refused request, with the header that repeats its code."""
    reply = as_json(error.as_item(), error.http_status)
    return Reply(reply.status, reply.body, headers=(("X-PM-ApiErrorCode", str(error.error_code)),))


def _check_token(request: Request, store: Store) -> bool:
    """Whether the token is the test token; 401 if there is none, or a wrong one."""
    token = request.headers.get("x-postmark-server-token")
    if token is None and "x-postmark-account-token" not in request.headers:
        raise CheckFailed(10, texts.NO_CREDENTIALS, http_status=401)
    given = (token or "").strip().lower()
    if given == TEST_TOKEN.lower():
        return True
    valid = store.account.tokens
    if not given or (valid is not None and given not in valid):
        raise CheckFailed(10, texts.WRONG_CREDENTIALS, http_status=401)
    return False


def _check_size(request: Request, max_bytes: int) -> None:
    """413; its body has ErrorCode 300, because ErrorCode 413 means something else."""
    if len(request.body) > max_bytes:
        text = texts.TOO_LARGE.format(limit_mb=max_bytes // 1_000_000)
        raise CheckFailed(300, text, http_status=413)


def _check_get(request: Request, store: Store) -> None:
    """401 for the test token too; this is an assumption: it has no server and stores nothing."""
    if _check_token(request, store):
        raise CheckFailed(10, texts.WRONG_CREDENTIALS, http_status=401)
    _check_names_json(request, "accept")


def send_single(request: Request, store: Store) -> EndpointResult:
    """``POST /email``: one message; if it is refused, so is the request."""
    is_test = _check_post(request, store, MAX_SINGLE_BYTES)
    message = request_json.one_message(request_json.parse(request.body))
    try:
        accepted, item = _accept(
            message, request, store, is_test=is_test, text=texts.ALL_INACTIVE_SINGLE
        )
    except CheckFailed as error:
        return EndpointResult(error_reply(error), messages=1)
    return EndpointResult(as_json(item), () if is_test else (accepted,), messages=1)


def send_batch(request: Request, store: Store) -> EndpointResult:
    """``POST /email/batch``: HTTP 200 even if every message is refused."""
    is_test = _check_post(request, store, MAX_BATCH_BYTES)
    messages = request_json.many_messages(request_json.parse(request.body))
    all_accepted, items = [], []
    for message in messages:
        try:
            if len(request.body) > MAX_SINGLE_BYTES:  # otherwise no message can be too large
                _check_item_size(message)
            accepted, item = _accept(
                message, request, store, is_test=is_test, text=texts.ALL_INACTIVE_ITEM
            )
        except CheckFailed as error:
            item = error.as_item()
        else:
            all_accepted.append(accepted)
        items.append(item)
    return EndpointResult(
        as_json(items), () if is_test else tuple(all_accepted), messages=len(messages)
    )


def show_server(request: Request, store: Store) -> Reply:
    """``GET /server``: the server of the token. The answer contains tokens."""
    _check_get(request, store)
    return as_json(store.account.as_server())


def search_messages(request: Request, store: Store) -> Reply:
    """``GET /messages/outbound``: the indexed messages that match, newest first."""
    _check_get(request, store)
    query = search_query.parse(request.query, streams=store.account.streams)
    result = store.find(query, first=request.first)
    return Reply(200, search_results.page(result, is_sandboxed=store.account.is_sandboxed))


def show_details(request: Request, store: Store) -> Reply:
    """``GET /messages/outbound/{id}/details``: one message with its bodies and events."""
    _check_get(request, store)
    message = _one_message(request, store)
    bounce_ids = store.bounces_of(message.message_id)
    is_sandboxed = store.account.is_sandboxed
    return as_json(search_results.details(message, bounce_ids, is_sandboxed=is_sandboxed))


def show_dump(request: Request, store: Store) -> Reply:
    """``GET /messages/outbound/{id}/dump``: the source of one message."""
    _check_get(request, store)
    return as_json({"Body": search_results.source(_one_message(request, store))})


def show_page(request: Request, store: Store) -> Reply:
    """``GET /``: the inbox as a web page."""
    from mailframe.sandbox.inbox import page  # noqa: PLC0415 - a send needs no HTML parser

    url, any_token = f"http://{request.headers['host']}", store.account.tokens is None
    return _html_reply(
        page.inbox(store.messages(), query=request.query, url=url, takes_any_token=any_token)
    )


def show_message_page(request: Request, store: Store) -> Reply:
    """``GET /inbox/{id}``: one message as a web page, also one that is not indexed yet."""
    from mailframe.sandbox.inbox import page  # noqa: PLC0415 - as above

    messages = store.messages()
    place = page.place_of(request.path.split("/")[2], messages)
    if place is None:
        return _html_reply(page.missing(), 404)
    return _html_reply(page.message(messages, place, query=request.query))


def show_messages(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/messages``: the accepted messages as JSON, oldest first."""
    del request
    return as_json([message.as_row() for message in store.messages()])


METHODS: dict[str, dict[str, Endpoint]] = {
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
"""The functions by endpoint and method."""
POSTMARK_ENDPOINTS = (SINGLE, BATCH, SERVER, SEARCH, DETAILS, DUMP)


def _html_reply(html: str, status: int = 200) -> Reply:
    from mailframe.sandbox.inbox.page import SECURITY_HEADERS  # noqa: PLC0415 - as above

    return Reply(status, html.encode(), HTML_TYPE, SECURITY_HEADERS)


def _check_post(request: Request, store: Store, max_bytes: int) -> bool:
    """Whether the token is the test token, of a request that passes the checks before its JSON."""
    is_test = _check_token(request, store)
    _check_names_json(request, "accept")
    _check_names_json(request, "content-type")
    _check_size(request, max_bytes)
    return is_test


def _check_names_json(request: Request, header: str) -> None:
    """415 unless the header names JSON; ``*/*`` does not, which may be too strict."""
    kinds = [
        part.partition(";")[0].strip().lower()
        for part in request.headers.get(header, "").split(",")
    ]
    if "application/json" not in kinds:
        raise CheckFailed(409, texts.NO_JSON_HEADERS, http_status=415)


def _one_message(request: Request, store: Store) -> AcceptedMessage:
    """The message whose id is in the path; one that is not indexed yet is unknown (assumed)."""
    message = store.indexed_message(request.path.split("/")[3])
    if message is None:
        raise CheckFailed(701, texts.NO_MESSAGE)
    return message


def _check_item_size(message: dict[str, Any]) -> None:
    if len(as_json(message).body) > MAX_SINGLE_BYTES:
        raise CheckFailed(message_checks.VALIDATION, texts.MESSAGE_TOO_LARGE)


def _accept(
    message: dict[str, Any], request: Request, store: Store, *, is_test: bool, text: str
) -> tuple[AcceptedMessage, dict[str, Any]]:
    """Check one message and assign its id; the second value is its item in the answer."""
    if is_test:
        checked = message_checks.check_offline(message, account=store.account)
    else:
        checked = message_checks.check(
            message, account=store.account, suppressed=store.suppressed, inactive_text=text
        )
    message_id, submitted_at = store.new_id_and_time()
    item: dict[str, Any] = {"To": message["To"]} if message.get("To") else {}
    item |= {"SubmittedAt": submitted_at, "MessageID": message_id, "ErrorCode": 0}
    item["Message"] = texts.TEST_JOB if is_test else _success_text(checked)
    kind = store.account.streams[checked.stream]
    accepted = AcceptedMessage.of(
        message,
        message_id=message_id,
        submitted_at=submitted_at,
        stream=checked.stream,
        kind=kind,
        request=request.number or 0,
    )
    return accepted, item


def _success_text(checked: CheckedMessage) -> str:
    if not checked.inactive:
        return texts.OK
    return texts.PARTLY_INACTIVE.format(addresses=", ".join(checked.inactive))
