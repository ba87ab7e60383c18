"""``/messages/inbound`` and ``/triggers/inboundrules``; ``/_sandbox/inbound`` posts a mail in."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe.sandbox.api import search_query
from mailframe.sandbox.api.credentials import server_of
from mailframe.sandbox.api.inbound_payload import inbound_item, raw_email, spam_score
from mailframe.sandbox.checks import field_types, mailboxes, texts_server
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.account import StreamType
from mailframe.sandbox.state.webhook_delivery import INBOUND, NewDelivery
from mailframe.sandbox.state.webhooks import INBOUND as INBOUND_SETTING
from mailframe.sandbox.wire.exchange import as_json
from mailframe.sandbox.wire.loopback import without_user

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.state.inbound import InboundMessage
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

BAD_QUERY, NO_MESSAGE = 700, 701
MAX_REACH: Final = 10_000  # D
STATUSES: Final = ("blocked", "processed", "queued", "failed", "scheduled")
_CONTENTS: Final = ("TextBody", "HtmlBody", "StrippedTextReply", "Headers", "Bcc", "BccFull")


def search(request: Request, store: Store) -> Reply:
    """``GET /messages/inbound``: the messages that match, newest first."""
    server = server_of(request, store)
    count, offset = field_types.paging(request.values, code=BAD_QUERY)
    if count + offset > MAX_REACH:
        raise CheckFailed(BAD_QUERY, texts_server.BAD_PAGING)
    given = {name: value for name, value in request.values.items() if value}
    if given.get("status", "processed").lower() not in STATUSES:
        raise CheckFailed(BAD_QUERY, texts_server.BAD_PAGING)
    times = [
        search_query.bound(given[name], name, is_end=name == "todate") if name in given else None
        for name in ("fromdate", "todate")
    ]
    matches = [
        message
        for message in store.inbound.all(server)
        if _matches(message, given) and _is_between(message.received_ns, *times)
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


def _is_between(received_ns: int, since_ns: int | None, until_ns: int | None) -> bool:
    return (since_ns or 0) <= received_ns and (until_ns is None or received_ns < until_ns)


def show_details(request: Request, store: Store) -> Reply:
    """``GET /messages/inbound/{id}/details``: one message with its bodies and headers."""
    server = server_of(request, store)
    message = _message_of(request, store, server, texts_server.NO_INBOUND)
    item = _list_item(message)
    contents = {name: message.item[name] for name in ("TextBody", "HtmlBody", "Headers")}
    return as_json(item | contents | {"BlockedReason": message.blocked or None})


def bypass(request: Request, store: Store) -> Reply:
    """``PUT /messages/inbound/{id}/bypass``: post a blocked message to the inbound hook."""
    server = server_of(request, store)
    message = _message_of(request, store, server, texts_server.NO_BYPASS)
    if message.status != "Blocked":
        raise CheckFailed(NO_MESSAGE, texts_server.NO_BYPASS)
    deliver(store, server, message.item)
    return _done(texts_server.BYPASSED.format(id=message.item["MessageID"]))


def retry(request: Request, store: Store) -> Reply:
    """``PUT /messages/inbound/{id}/retry``: post a failed message to the inbound hook again."""
    server = server_of(request, store)
    message = _message_of(request, store, server, texts_server.NO_RETRY)
    if message.status != "Failed":
        raise CheckFailed(NO_MESSAGE, texts_server.NO_RETRY)
    deliver(store, server, message.item)
    return _done(texts_server.RETRIED.format(id=message.item["MessageID"]))


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


# --- mail that comes in ----------------------------------------------------------------------


def receive_mail(request: Request, store: Store) -> Reply:
    """``POST /_sandbox/inbound``: a mail comes in, with the fields of a message for ``/email``."""
    return as_json(receive(store, request.fields()))


def receive(store: Store, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Take in a mail: block it by rule or spam score, or post it to the inbound hook.

    Args:
        store: the state of the sandbox.
        fields: the fields of the mail, by name in lower case; see ``inbound_payload``. Without
            ``To``, it comes in at the address of the first server.

    Returns:
        MessageID, Status and, if it is blocked, BlockedReason.

    Raises:
        CheckFailed: 422 / 300 or 403 for a field that is not right.
    """
    server, recipient = _addressee(store, fields)
    stream = next(
        (name for name, kind in store.streams.kinds(server).items() if kind is StreamType.INBOUND),
        "inbound",
    )
    item = inbound_item(
        fields,
        message_id=str(uuid.uuid4()),
        recipient=recipient,
        stream=stream,
        received=datetime.fromtimestamp(store.clock.now_ns() // 1_000_000_000, UTC),
    )
    blocked = _why_blocked(store, server, item["From"], spam_score(fields))
    with store.database.transaction():
        store.inbound.add(server, item, blocked=blocked)
        if not blocked:
            deliver(store, server, item)
    message = store.inbound.get(server, item["MessageID"])
    status = "Processed" if message is None else message.status
    return {"MessageID": item["MessageID"], "Status": status, "BlockedReason": blocked or None}


def _addressee(store: Store, fields: Mapping[str, Any]) -> tuple[int, str]:
    """The server that receives the mail, and the address that it came in at."""
    to = mailboxes.parse("To", field_types.text(fields, "To"))
    for server in store.servers.ids():
        item = store.servers.as_item(server)
        for mailbox in to:
            local, _, domain = mailbox.address.lower().partition("@")
            is_hash = local.partition("+")[0] == item["InboundHash"]
            if is_hash or (item["InboundDomain"] and domain == item["InboundDomain"]):
                return server, mailbox.address
    if to:
        raise CheckFailed(300, texts_server.NO_INBOUND_ADDRESS)
    return store.first_server, store.servers.as_item(store.first_server)["InboundAddress"]


def _why_blocked(store: Store, server: int, sender: str, score: float) -> str:
    names = {sender.lower(), sender.lower().rpartition("@")[2]}
    for rule in store.inbound.rules(server):
        if rule["Rule"].lower() in names:
            return f"Blocked by the inbound rule {rule['Rule']}"
    if score > store.servers.settings(server)["InboundSpamThreshold"]:
        return "The spam score is above the threshold of the server"
    return ""


def deliver(store: Store, server: int, item: Mapping[str, Any]) -> None:
    """Queue a message for the inbound hook of its server; without one, it is processed (A)."""
    webhook = store.webhooks.of_setting(server, INBOUND_SETTING)
    delivery = None
    if webhook is not None and webhook.is_verified:
        if store.servers.settings(server)["RawEmailEnabled"]:
            item = {**item, "RawEmail": raw_email(item)}
        delivery = store.webhook_queue.add(
            NewDelivery(
                webhook.id,
                server,
                INBOUND,
                item["MessageID"],
                without_user(webhook.url),
                orjson.dumps(item),
                store.clock.now_ns(),
            )
        )
    store.inbound.deliver(item["MessageID"], delivery)


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
    rule = (field_types.text(request.fields(), "Rule") or "").strip()
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
            return _done(texts_server.RULE_REMOVED.format(rule=rule["Rule"]))
    raise CheckFailed(812, texts_server.NO_RULE)


def _done(message: str) -> Reply:
    return as_json({"ErrorCode": 0, "Message": message})


ROUTES: Final = {
    "/messages/inbound": {"GET": search},
    "/messages/inbound/{id}/details": {"GET": show_details},
    "/messages/inbound/{id}/bypass": {"PUT": bypass},
    "/messages/inbound/{id}/retry": {"PUT": retry},
    "/triggers/inboundrules": {"GET": list_rules, "POST": create_rule},
    "/triggers/inboundrules/{id}": {"DELETE": delete_rule},
}
CONTROL: Final = {"/_sandbox/inbound": {"POST": receive_mail}}
