"""``/domains``: the domains of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.answers import done
from mailframe.sandbox.api.credentials import check_account
from mailframe.sandbox.checks import field_types, request_json, texts_account
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.account import dns_records
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

TABLE: Final = "domains"
MAX_NAME: Final = 255  # D
LISTED: Final = (
    "Name",
    "SPFVerified",
    "DKIMVerified",
    "WeakDKIM",
    "ReturnPathDomainVerified",
    "CustomTrackingVerified",
    "ID",
)
# A, but example.com (S: dotnet) and gmail.com: mail providers, and names that are reserved
PUBLIC: Final = frozenset(
    """
    example.com example.net example.org gmail.com googlemail.com yahoo.com hotmail.com outlook.com
    live.com msn.com aol.com icloud.com me.com gmx.com gmx.de gmx.net mail.com mail.ru proton.me
    protonmail.com yandex.ru
    """.split()  # noqa: SIM905 - a list of one word a line is harder to read
)


def list_domains(request: Request, store: Store) -> Reply:
    """``GET /domains``: the domains with what is verified, the oldest first."""
    check_account(request, store)
    count, offset = field_types.paging(request.values, code=500)
    domains = store.senders.all(TABLE)
    page = [{key: item[key] for key in LISTED} for item in domains[offset : offset + count]]
    return as_json({"TotalCount": len(domains), "Domains": page})


def show_domain(request: Request, store: Store) -> Reply:
    """``GET /domains/{id}``: one domain with its DNS records."""
    check_account(request, store)
    return as_json(_domain_of(request, store))


def create_domain(request: Request, store: Store) -> Reply:
    """``POST /domains``: add a domain, whose key is not verified yet."""
    check_account(request, store)
    fields = request_json.fields(request.body)
    name = field_types.text(fields, "Name")
    if not name:
        raise CheckFailed(514, texts_account.NO_DOMAIN_NAME)
    if len(name) > MAX_NAME:
        raise CheckFailed(515, texts_account.DOMAIN_TOO_LONG)
    if not field_types.is_domain(name):
        raise CheckFailed(516, texts_account.BAD_DOMAIN)
    check_not_public(name)
    if store.senders.of_name(TABLE, name) is not None:
        raise CheckFailed(512, texts_account.DOMAIN_EXISTS)
    item = {"Name": name} | store.senders.new_records(name) | subdomains(fields, name)
    return as_json(store.senders.add(TABLE, name, item))


def edit_domain(request: Request, store: Store) -> Reply:
    """``PUT /domains/{id}``: change its return path or tracking domain; null clears it (S)."""
    check_account(request, store)
    item = _domain_of(request, store)
    return _changed(store, item | subdomains(request_json.fields(request.body), item["Name"]))


def delete_domain(request: Request, store: Store) -> Reply:
    """``DELETE /domains/{id}``: remove a domain."""
    check_account(request, store)
    item = _domain_of(request, store)
    store.senders.remove(TABLE, item["ID"])
    return done(texts_account.DOMAIN_REMOVED.format(name=item["Name"]))


def verify_dkim(request: Request, store: Store) -> Reply:
    """``PUT /domains/{id}/verifydkim``: the pending key is verified; senders may use the domain."""
    check_account(request, store)
    return _changed(store, dns_records.with_verified_key(_domain_of(request, store)))


def verify_return_path(request: Request, store: Store) -> Reply:
    """``PUT /domains/{id}/verifyreturnpath``: verified, if there is a return path."""
    check_account(request, store)
    item = _domain_of(request, store)
    return _changed(store, item | {"ReturnPathDomainVerified": bool(item["ReturnPathDomain"])})


def verify_tracking(request: Request, store: Store) -> Reply:
    """``PUT /domains/{id}/verifycustomtracking``: verified, if there is a tracking domain."""
    check_account(request, store)
    item = _domain_of(request, store)
    return _changed(store, item | {"CustomTrackingVerified": bool(item["CustomTrackingDomain"])})


def verify_spf(request: Request, store: Store) -> Reply:
    """``POST /domains/{id}/verifyspf``: always verified (S: gem); deprecated by Postmark."""
    check_account(request, store)
    item = _domain_of(request, store) | {"SPFVerified": True}
    store.senders.replace(TABLE, item)
    return as_json({key: item[key] for key in ("SPFHost", "SPFVerified", "SPFTextValue")})


def rotate_dkim(request: Request, store: Store) -> Reply:
    """``POST /domains/{id}/rotatedkim``: a new key, unless one waits to be verified (505)."""
    check_account(request, store)
    return _changed(store, renewed(_domain_of(request, store), store, "Name"))


def renewed(item: dict[str, Any], store: Store, name: str) -> dict[str, Any]:
    """*item* with a new key for the domain in its key *name*.

    Raises:
        CheckFailed: 422 / 505 if a key waits to be verified.
    """
    if dns_records.is_renewing(item):
        raise CheckFailed(505, texts_account.DKIM_PENDING)
    return dns_records.with_new_key(item, item[name], now_ns=store.clock.now_ns())


def check_not_public(domain: str) -> None:
    """Refuse the domain of a mail provider.

    Raises:
        CheckFailed: 422 / 503.
    """
    if domain.lower() in PUBLIC:
        raise CheckFailed(503, texts_account.PUBLIC_DOMAIN)


def subdomains(fields: Mapping[str, Any], domain: str) -> dict[str, Any]:
    """The return path and the tracking domain that a body changes; null and empty clear them.

    Raises:
        CheckFailed: 422 / 522 for one that is not a subdomain of *domain*.
    """
    changes: dict[str, Any] = {}
    for field, verified in (
        ("ReturnPathDomain", "ReturnPathDomainVerified"),
        ("CustomTrackingDomain", "CustomTrackingVerified"),
    ):
        if field.lower() not in fields:
            continue
        value = field_types.text(fields, field) or ""
        is_below = value.lower().endswith(f".{domain.lower()}") and field_types.is_domain(value)
        if value and not is_below:
            text = texts_account.BAD_SUBDOMAIN.format(field=field, domain=domain)
            raise CheckFailed(522, text)
        changes |= {field: value, verified: False}
    if "CustomTrackingDomain" in changes:
        is_set = bool(changes["CustomTrackingDomain"])
        changes["CustomTrackingDomainCNAMEValue"] = dns_records.TRACKING_HOST if is_set else ""
    return changes


def _domain_of(request: Request, store: Store) -> dict[str, Any]:
    """The domain whose ID is in the path.

    Raises:
        CheckFailed: 422 / 510 if there is none.
    """
    item = store.senders.get(TABLE, field_types.whole_id(request.params["id"]))
    if item is None:
        raise CheckFailed(510, texts_account.NO_DOMAIN)
    return item


def _changed(store: Store, item: dict[str, Any]) -> Reply:
    store.senders.replace(TABLE, item)
    return as_json(item)


ROUTES: Final = {
    "/domains": {"GET": list_domains, "POST": create_domain},
    "/domains/{id}": {"GET": show_domain, "PUT": edit_domain, "DELETE": delete_domain},
    "/domains/{id}/verifydkim": {"PUT": verify_dkim},
    "/domains/{id}/verifyreturnpath": {"PUT": verify_return_path},
    "/domains/{id}/verifycustomtracking": {"PUT": verify_tracking},
    "/domains/{id}/verifyspf": {"POST": verify_spf},
    "/domains/{id}/rotatedkim": {"POST": rotate_dkim},
}
