"""``/senders``: the sender signatures of the account; ``/data-removals``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.account_items import AccountItems, check_not_public, renewed, subdomains
from mailframe.sandbox.api.answers import done
from mailframe.sandbox.api.credentials import check_account
from mailframe.sandbox.checks import field_types, request_json, texts_server
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.account.senders import new_sender
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

MAX_NOTE: Final = 400  # D
MAX_LENGTH: Final = 255  # A
SENDERS: Final = AccountItems(
    "senders",
    "SenderSignatures",
    listed=("Domain", "EmailAddress", "ReplyToEmailAddress", "Name", "Confirmed", "ID"),
    missing=(501, texts_server.NO_SENDER),
)


def list_senders(request: Request, store: Store) -> Reply:
    """``GET /senders``: the signatures, the oldest first."""
    return SENDERS.page(request, store)


def show_sender(request: Request, store: Store) -> Reply:
    """``GET /senders/{id}``: one signature with its DNS records."""
    return as_json(SENDERS.of(request, store))


def create_sender(request: Request, store: Store) -> Reply:
    """``POST /senders``: add a signature, which its owner has to confirm."""
    check_account(request, store)
    fields = request_json.fields(request.body)
    if not fields:
        raise CheckFailed(502, texts_server.NO_SENDER_DATA)
    address = _short(fields, "FromEmail") or ""
    if not address:
        raise CheckFailed(520, texts_server.NO_FROM)
    if not field_types.is_address(address):
        raise _bad("FromEmail", address)
    domain = address.rpartition("@")[2]
    check_not_public(domain)
    name = _short(fields, "Name")
    if not name:
        raise CheckFailed(520, texts_server.NO_SENDER_NAME)
    if store.senders.of_name(SENDERS.table, address) is not None:
        raise CheckFailed(504, texts_server.SENDER_EXISTS)
    item = new_sender(
        address, name=name, reply_to=_reply_to(fields) or "", note=_note(fields) or ""
    )
    records = store.senders.new_records(domain) | subdomains(fields, domain)
    return as_json(store.senders.add(SENDERS.table, address, item | records))


def edit_sender(request: Request, store: Store) -> Reply:
    """``PUT /senders/{id}``: change a signature; null and what is not sent stay (A)."""
    item = SENDERS.of(request, store)
    fields = {
        name: value
        for name, value in request_json.fields(request.body).items()
        if value is not None
    }
    if not fields:
        raise CheckFailed(502, texts_server.NO_SENDER_DATA)
    given = {
        "Name": _short(fields, "Name") or None,
        "ReplyToEmailAddress": _reply_to(fields),
        "ConfirmationPersonalNote": _note(fields),
    }
    changes = {name: value for name, value in given.items() if value is not None}
    return SENDERS.changed(item | changes | subdomains(fields, item["Domain"]), store)


def delete_sender(request: Request, store: Store) -> Reply:
    """``DELETE /senders/{id}``: remove a signature."""
    item = SENDERS.of(request, store)
    store.senders.remove(SENDERS.table, item["ID"])
    return done(texts_server.SENDER_REMOVED.format(address=item["EmailAddress"]))


def resend(request: Request, store: Store) -> Reply:
    """``POST /senders/{id}/resend``: the mail for its owner again; the sandbox sends none."""
    item = SENDERS.of(request, store)
    if item["Confirmed"]:
        raise CheckFailed(506, texts_server.CONFIRMED)
    return done(texts_server.RESENT.format(address=item["EmailAddress"]))


def verify_spf(request: Request, store: Store) -> Reply:
    """``POST /senders/{id}/verifyspf``: always verified (S: gem); deprecated by Postmark."""
    return SENDERS.changed(SENDERS.of(request, store) | {"SPFVerified": True}, store)


def request_new_dkim(request: Request, store: Store) -> Reply:
    """``POST /senders/{id}/requestnewdkim``: a new key, unless one waits to be verified (505)."""
    return SENDERS.changed(renewed(SENDERS.of(request, store), store, "Domain"), store)


def create_removal(request: Request, store: Store) -> Reply:
    """``POST /data-removals``: request that a person's data are removed; nothing is removed."""
    check_account(request, store)
    fields = request_json.fields(request.body)
    if not fields:
        raise CheckFailed(1300, texts_server.NO_REMOVAL_DATA)
    for field in ("RequestedBy", "RequestedFor"):
        if not field_types.is_address(field_types.text(fields, field) or ""):
            raise CheckFailed(1300, texts_server.BAD_REMOVAL_ADDRESS.format(field=field))
    field_types.flag(fields, "NotifyWhenCompleted")
    return as_json({"ID": store.senders.add_removal(), "Status": "Pending"})


def show_removal(request: Request, store: Store) -> Reply:
    """``GET /data-removals/{id}``: the status of a request."""
    check_account(request, store)
    number = field_types.whole_id(request.params["id"])
    status = store.senders.removal_status(number)
    if status is None:
        raise CheckFailed(1301, texts_server.NO_REMOVAL)
    return as_json({"ID": number, "Status": status})


def _short(fields: Mapping[str, Any], field: str, most: int = MAX_LENGTH) -> str | None:
    value = field_types.text(fields, field)
    if value is not None and len(value) > most:
        raise CheckFailed(521, texts_server.FIELD_TOO_LONG.format(field=field))
    return value


def _note(fields: Mapping[str, Any]) -> str | None:
    return _short(fields, "ConfirmationPersonalNote", MAX_NOTE)


def _reply_to(fields: Mapping[str, Any]) -> str | None:
    value = _short(fields, "ReplyToEmail")
    if value and not field_types.is_address(value):
        raise _bad("ReplyToEmail", value)
    return value


def _bad(field: str, value: str) -> CheckFailed:
    return CheckFailed(522, texts_server.BAD_SENDER_VALUE.format(field=field, value=value))


ROUTES: Final = {
    "/senders": {"GET": list_senders, "POST": create_sender},
    "/senders/{id}": {"GET": show_sender, "PUT": edit_sender, "DELETE": delete_sender},
    "/senders/{id}/resend": {"POST": resend},
    "/senders/{id}/verifyspf": {"POST": verify_spf},
    "/senders/{id}/requestnewdkim": {"POST": request_new_dkim},
    "/data-removals": {"POST": create_removal},
    "/data-removals/{id}": {"GET": show_removal},
}
