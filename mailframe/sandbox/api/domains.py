"""``/domains``: the domains of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.sandbox.api.account_items import AccountItems, check_not_public, renewed, subdomains
from mailframe.sandbox.api.answers import done
from mailframe.sandbox.api.credentials import check_account
from mailframe.sandbox.checks import field_types, request_json, texts_server
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.account import dns_records
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

MAX_NAME: Final = 255  # D
DOMAINS: Final = AccountItems(
    "domains",
    "Domains",
    listed=(
        "Name",
        "SPFVerified",
        "DKIMVerified",
        "WeakDKIM",
        "ReturnPathDomainVerified",
        "CustomTrackingVerified",
        "ID",
    ),
    missing=(510, texts_server.NO_DOMAIN),
)


def list_domains(request: Request, store: Store) -> Reply:
    """``GET /domains``: the domains with what is verified, the oldest first."""
    return DOMAINS.page(request, store)


def show_domain(request: Request, store: Store) -> Reply:
    """``GET /domains/{id}``: one domain with its DNS records."""
    return as_json(DOMAINS.of(request, store))


def create_domain(request: Request, store: Store) -> Reply:
    """``POST /domains``: add a domain, whose key is not verified yet."""
    check_account(request, store)
    fields = request_json.fields(request.body)
    name = field_types.text(fields, "Name")
    if not name:
        raise CheckFailed(514, texts_server.NO_DOMAIN_NAME)
    if len(name) > MAX_NAME:
        raise CheckFailed(515, texts_server.DOMAIN_TOO_LONG)
    if not field_types.is_domain(name):
        raise CheckFailed(516, texts_server.BAD_DOMAIN)
    check_not_public(name)
    if store.senders.of_name(DOMAINS.table, name) is not None:
        raise CheckFailed(512, texts_server.DOMAIN_EXISTS)
    item = {"Name": name} | store.senders.new_records(name) | subdomains(fields, name)
    return as_json(store.senders.add(DOMAINS.table, name, item))


def edit_domain(request: Request, store: Store) -> Reply:
    """``PUT /domains/{id}``: change its return path or tracking domain; null clears it (S)."""
    item = DOMAINS.of(request, store)
    return DOMAINS.changed(
        item | subdomains(request_json.fields(request.body), item["Name"]), store
    )


def delete_domain(request: Request, store: Store) -> Reply:
    """``DELETE /domains/{id}``: remove a domain."""
    item = DOMAINS.of(request, store)
    store.senders.remove(DOMAINS.table, item["ID"])
    return done(texts_server.DOMAIN_REMOVED.format(name=item["Name"]))


def verify_dkim(request: Request, store: Store) -> Reply:
    """``PUT /domains/{id}/verifydkim``: the pending key is verified; senders may use the domain."""
    return DOMAINS.changed(dns_records.with_verified_key(DOMAINS.of(request, store)), store)


def verify_return_path(request: Request, store: Store) -> Reply:
    """``PUT /domains/{id}/verifyreturnpath``: verified, if there is a return path."""
    item = DOMAINS.of(request, store)
    return DOMAINS.changed(
        item | {"ReturnPathDomainVerified": bool(item["ReturnPathDomain"])}, store
    )


def verify_tracking(request: Request, store: Store) -> Reply:
    """``PUT /domains/{id}/verifycustomtracking``: verified, if there is a tracking domain."""
    item = DOMAINS.of(request, store)
    return DOMAINS.changed(
        item | {"CustomTrackingVerified": bool(item["CustomTrackingDomain"])}, store
    )


def verify_spf(request: Request, store: Store) -> Reply:
    """``POST /domains/{id}/verifyspf``: always verified (S: gem); deprecated by Postmark."""
    item = DOMAINS.of(request, store) | {"SPFVerified": True}
    store.senders.replace(DOMAINS.table, item)
    return as_json({key: item[key] for key in ("SPFHost", "SPFVerified", "SPFTextValue")})


def rotate_dkim(request: Request, store: Store) -> Reply:
    """``POST /domains/{id}/rotatedkim``: a new key, unless one waits to be verified (505)."""
    return DOMAINS.changed(renewed(DOMAINS.of(request, store), store, "Name"), store)


ROUTES: Final = {
    "/domains": {"GET": list_domains, "POST": create_domain},
    "/domains/{id}": {"GET": show_domain, "PUT": edit_domain, "DELETE": delete_domain},
    "/domains/{id}/verifydkim": {"PUT": verify_dkim},
    "/domains/{id}/verifyreturnpath": {"PUT": verify_return_path},
    "/domains/{id}/verifycustomtracking": {"PUT": verify_tracking},
    "/domains/{id}/verifyspf": {"POST": verify_spf},
    "/domains/{id}/rotatedkim": {"POST": rotate_dkim},
}
