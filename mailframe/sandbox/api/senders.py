"""``/senders``: the sender signatures of the account; ``/data-removals``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.answers import done
from mailframe.sandbox.api.credentials import check_account
from mailframe.sandbox.api.domains import check_not_public, renewed, subdomains
from mailframe.sandbox.checks import field_types, request_json, texts_account
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.account.senders import new_sender
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

TABLE: Final = "senders"
LISTED: Final = ("Domain", "EmailAddress", "ReplyToEmailAddress", "Name", "Confirmed", "ID")
MAX_NOTE: Final = 400  # D
MAX_LENGTH: Final = 255  # A


def list_senders(request: Request, store: Store) -> Reply:
    """``GET /senders``: the signatures, the oldest first."""
    check_account(request, store)
    count, offset = field_types.paging(request.values, code=500)
    senders = store.senders.all(TABLE)
    page = [{key: item[key] for key in LISTED} for item in senders[offset : offset + count]]
    return as_json({"TotalCount": len(senders), "SenderSignatures": page})


def show_sender(request: Request, store: Store) -> Reply:
    """``GET /senders/{id}``: one signature with its DNS records."""
    check_account(request, store)
    return as_json(sender_of(request, store))


def create_sender(request: Request, store: Store) -> Reply:
    """``POST /senders``: add a signature, which its owner has to confirm."""
    check_account(request, store)
    fields = request_json.fields(request.body)
    if not fields:
        raise CheckFailed(502, texts_account.NO_SENDER_DATA)
    address = _short(fields, "FromEmail") or ""
    if not address:
        raise CheckFailed(520, texts_account.NO_FROM)
    if not field_types.is_address(address):
        raise _bad("FromEmail", address)
    domain = address.rpartition("@")[2]
    check_not_public(domain)
    name = _short(fields, "Name")
    if not name:
        raise CheckFailed(520, texts_account.NO_SENDER_NAME)
    if store.senders.of_name(TABLE, address) is not None:
        raise CheckFailed(504, texts_account.SENDER_EXISTS)
    item = new_sender(
        address, name=name, reply_to=_reply_to(fields) or "", note=_note(fields) or ""
    )
    records = store.senders.new_records(domain) | subdomains(fields, domain)
    return as_json(store.senders.add(TABLE, address, item | records))


def edit_sender(request: Request, store: Store) -> Reply:
    """``PUT /senders/{id}``: change a signature; null and what is not sent stay (A)."""
    check_account(request, store)
    item = sender_of(request, store)
    fields = {
        name: value
        for name, value in request_json.fields(request.body).items()
        if value is not None
    }
    if not fields:
        raise CheckFailed(502, texts_account.NO_SENDER_DATA)
    given = {
        "Name": _short(fields, "Name") or None,
        "ReplyToEmailAddress": _reply_to(fields),
        "ConfirmationPersonalNote": _note(fields),
    }
    changes = {name: value for name, value in given.items() if value is not None}
    return changed(store, item | changes | subdomains(fields, item["Domain"]))


def delete_sender(request: Request, store: Store) -> Reply:
    """``DELETE /senders/{id}``: remove a signature."""
    check_account(request, store)
    item = sender_of(request, store)
    store.senders.remove(TABLE, item["ID"])
    return done(texts_account.SENDER_REMOVED.format(address=item["EmailAddress"]))


def resend(request: Request, store: Store) -> Reply:
    """``POST /senders/{id}/resend``: the mail for its owner again; the sandbox sends none."""
    check_account(request, store)
    item = sender_of(request, store)
    if item["Confirmed"]:
        raise CheckFailed(506, texts_account.CONFIRMED)
    return done(texts_account.RESENT.format(address=item["EmailAddress"]))


def verify_spf(request: Request, store: Store) -> Reply:
    """``POST /senders/{id}/verifyspf``: always verified (S: gem); deprecated by Postmark."""
    check_account(request, store)
    return changed(store, sender_of(request, store) | {"SPFVerified": True})


def request_new_dkim(request: Request, store: Store) -> Reply:
    """``POST /senders/{id}/requestnewdkim``: a new key, unless one waits to be verified (505)."""
    check_account(request, store)
    return changed(store, renewed(sender_of(request, store), store, "Domain"))


def create_removal(request: Request, store: Store) -> Reply:
    """``POST /data-removals``: request that a person's data are removed; nothing is removed."""
    check_account(request, store)
    fields = request_json.fields(request.body)
    if not fields:
        raise CheckFailed(1300, texts_account.NO_REMOVAL_DATA)
    for field in ("RequestedBy", "RequestedFor"):
        if not field_types.is_address(field_types.text(fields, field) or ""):
            raise CheckFailed(1300, texts_account.BAD_REMOVAL_ADDRESS.format(field=field))
    field_types.flag(fields, "NotifyWhenCompleted")
    return as_json({"ID": store.senders.add_removal(), "Status": "Pending"})


def show_removal(request: Request, store: Store) -> Reply:
    """``GET /data-removals/{id}``: the status of a request."""
    check_account(request, store)
    number = field_types.whole_id(request.params["id"])
    status = store.senders.removal_status(number)
    if status is None:
        raise CheckFailed(1301, texts_account.NO_REMOVAL)
    return as_json({"ID": number, "Status": status})


def sender_of(request: Request, store: Store) -> dict[str, Any]:
    """The signature whose ID is in the path.

    Raises:
        CheckFailed: 422 / 501 if there is none.
    """
    item = store.senders.get(TABLE, field_types.whole_id(request.params["id"]))
    if item is None:
        raise CheckFailed(501, texts_account.NO_SENDER)
    return item


def _short(fields: Mapping[str, Any], field: str, most: int = MAX_LENGTH) -> str | None:
    value = field_types.text(fields, field)
    if value is not None and len(value) > most:
        raise CheckFailed(521, texts_account.FIELD_TOO_LONG.format(field=field))
    return value


def _note(fields: Mapping[str, Any]) -> str | None:
    return _short(fields, "ConfirmationPersonalNote", MAX_NOTE)


def _reply_to(fields: Mapping[str, Any]) -> str | None:
    value = _short(fields, "ReplyToEmail")
    if value and not field_types.is_address(value):
        raise _bad("ReplyToEmail", value)
    return value


def _bad(field: str, value: str) -> CheckFailed:
    return CheckFailed(522, texts_account.BAD_SENDER_VALUE.format(field=field, value=value))


def changed(store: Store, item: dict[str, Any]) -> Reply:
    """Store a signature that has changed, and show it."""
    store.senders.replace(TABLE, item)
    return as_json(item)


ROUTES: Final = {
    "/senders": {"GET": list_senders, "POST": create_sender},
    "/senders/{id}": {"GET": show_sender, "PUT": edit_sender, "DELETE": delete_sender},
    "/senders/{id}/resend": {"POST": resend},
    "/senders/{id}/verifyspf": {"POST": verify_spf},
    "/senders/{id}/requestnewdkim": {"POST": request_new_dkim},
    "/data-removals": {"POST": create_removal},
    "/data-removals/{id}": {"GET": show_removal},
}
