"""``/messages/inbound`` and ``/triggers/inboundrules``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api import search_parameters
from mailframe.sandbox.api.answers import done
from mailframe.sandbox.api.credentials import server_of
from mailframe.sandbox.api.receiving import deliver
from mailframe.sandbox.checks import field_types, request_json, texts, texts_server
from mailframe.sandbox.checks.field_types import MAX_REACH
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.state.messages.inbound import InboundMessage
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

BAD_QUERY, NO_MESSAGE = 700, 701
STATUSES: Final = ("blocked", "processed", "queued", "failed", "scheduled")
_CONTENTS: Final = ("TextBody", "HtmlBody", "StrippedTextReply", "Headers", "Bcc", "BccFull")


def search(request: Request, store: Store) -> Reply:
    """``GET /messages/inbound``: the messages that match, newest first."""
    server = server_of(request, store)
    count, offset = field_types.paging(request.values, code=BAD_QUERY, max_reach=MAX_REACH)
    given = {name: value for name, value in request.values.items() if value}
    if given.get("status", "processed").lower() not in STATUSES:
        raise CheckFailed(BAD_QUERY, texts_server.BAD_PAGING)
    since_ns, end_ns = search_parameters.bounds(given)
    matches = [
        message
        for message in store.inbound.all(server)
        if since_ns <= message.received_ns < end_ns and _matches(message, given)
    ]
    page = [_list_item(message) for message in matches[offset : offset + count]]
    return as_json({"TotalCount": len(matches), "InboundMessages": page})


def _matches(message: InboundMessage, given: Mapping[str, str]) -> bool:
    item = message.item
    equal = {
        "fromemail": item["From"],
        "mailboxhash": item["MailboxHash"],
        "tag": item["Tag"],
        "status": message.status,
    }
    parts = {"recipient": item["OriginalRecipient"], "subject": item["Subject"]}
    return all(
        given[name].lower() == value.lower() for name, value in equal.items() if name in given
    ) and all(
        given[name].lower() in value.lower() for name, value in parts.items() if name in given
    )


def show_details(request: Request, store: Store) -> Reply:
    """``GET /messages/inbound/{id}/details``: one message with its bodies and headers."""
    server = server_of(request, store)
    message = _message_of(request, store, server, texts.NO_MESSAGE)
    item = _list_item(message)
    contents = {name: message.item[name] for name in ("TextBody", "HtmlBody", "Headers")}
    return as_json(item | contents | {"BlockedReason": message.blocked or None})


def bypass(request: Request, store: Store) -> Reply:
    """``PUT /messages/inbound/{id}/bypass``: post a blocked message to the inbound hook."""
    bypassed, refused = texts_server.BYPASSED, texts_server.NO_BYPASS
    return _deliver_again(request, store, status="Blocked", text=bypassed, refused=refused)


def retry(request: Request, store: Store) -> Reply:
    """``PUT /messages/inbound/{id}/retry``: post a failed message to the inbound hook again."""
    retried, refused = texts_server.RETRIED, texts_server.NO_RETRY
    return _deliver_again(request, store, status="Failed", text=retried, refused=refused)


def _deliver_again(
    request: Request, store: Store, *, status: str, text: str, refused: str
) -> Reply:
    server = server_of(request, store)
    message = _message_of(request, store, server, refused)
    if message.status != status:
        raise CheckFailed(NO_MESSAGE, refused)
    deliver(store, server, message.item)
    return done(text.format(id=message.item["MessageID"]))


def _message_of(request: Request, store: Store, server: int, text: str) -> InboundMessage:
    message = store.inbound.get(server, request.params["id"])
    if message is None:
        raise CheckFailed(NO_MESSAGE, text)
    return message


def _list_item(message: InboundMessage) -> dict[str, Any]:
    item = {name: value for name, value in message.item.items() if name not in _CONTENTS}
    item["Attachments"] = [
        {name: value for name, value in file.items() if name != "Content"}
        for file in item["Attachments"]
    ]
    return item | {"Status": message.status}


# --- rules -----------------------------------------------------------------------------------


def list_rules(request: Request, store: Store) -> Reply:
    """``GET /triggers/inboundrules``: the rules, the oldest first."""
    server = server_of(request, store)
    count, offset = field_types.paging(request.values, code=800)
    rules = store.inbound.rules(server)
    page = rules[offset : offset + count]
    return as_json({"TotalCount": len(rules), "InboundRules": page})


def create_rule(request: Request, store: Store) -> Reply:
    """``POST /triggers/inboundrules``: block an address or a domain."""
    server = server_of(request, store)
    rule = (field_types.text(request_json.fields(request.body), "Rule") or "").strip()
    if not rule:
        raise CheckFailed(809, texts_server.NO_RULE_DATA)
    if not field_types.is_address(rule) and not field_types.is_domain(rule):
        raise CheckFailed(809, texts_server.BAD_RULE)
    if any(one["Rule"].lower() == rule.lower() for one in store.inbound.rules(server)):
        raise CheckFailed(810, texts_server.RULE_EXISTS)
    return as_json({"ID": store.inbound.add_rule(server, rule), "Rule": rule})


def delete_rule(request: Request, store: Store) -> Reply:
    """``DELETE /triggers/inboundrules/{id}``: remove a rule."""
    server = server_of(request, store)
    number = field_types.whole_id(request.params["id"])
    for rule in store.inbound.rules(server):
        if rule["ID"] == number:
            store.inbound.remove_rule(number)
            return done(texts_server.RULE_REMOVED.format(rule=rule["Rule"]))
    raise CheckFailed(812, texts_server.NO_RULE)


ROUTES: Final = {
    "/messages/inbound": {"GET": search},
    "/messages/inbound/{id}/details": {"GET": show_details},
    "/messages/inbound/{id}/bypass": {"PUT": bypass},
    "/messages/inbound/{id}/retry": {"PUT": retry},
    "/triggers/inboundrules": {"GET": list_rules, "POST": create_rule},
    "/triggers/inboundrules/{id}": {"DELETE": delete_rule},
}
