"""What the endpoints of domains and of sender signatures share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.credentials import check_account
from mailframe.sandbox.checks import field_types, texts_server
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.account import dns_records
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

# A, but example.com (S: dotnet) and gmail.com: mail providers, and names that are reserved
PUBLIC: Final = frozenset(
    """
    example.com example.net example.org gmail.com googlemail.com yahoo.com hotmail.com outlook.com
    live.com msn.com aol.com icloud.com me.com gmx.com gmx.de gmx.net mail.com mail.ru proton.me
    protonmail.com yandex.ru
    """.split()  # noqa: SIM905 - a list of one word a line is harder to read
)


@dataclass(frozen=True, slots=True)
class AccountItems:
    """The domains, or the sender signatures.

    Attributes:
        table: their table of ``store.senders``.
        name: the key of their list.
        listed: the keys that the list shows of each.
        missing: the code and the text of the error for an unknown ID.
    """

    table: str
    name: str
    listed: tuple[str, ...]
    missing: tuple[int, str]

    def page(self, request: Request, store: Store) -> Reply:
        """A page of all, the oldest first, for a valid account token."""
        check_account(request, store)
        count, offset = field_types.paging(request.values, code=500)
        items = store.senders.all(self.table)
        page = [{key: item[key] for key in self.listed} for item in items[offset:][:count]]
        return as_json({"TotalCount": len(items), self.name: page})

    def of(self, request: Request, store: Store) -> dict[str, Any]:
        """The one whose ID is in the path, for a valid account token."""
        check_account(request, store)
        return self.get(request, store)

    def get(self, request: Request, store: Store) -> dict[str, Any]:
        """The one whose ID is in the path.

        Raises:
            CheckFailed: 422 with the code of *missing*.
        """
        item = store.senders.get(self.table, field_types.whole_id(request.params["id"]))
        if item is None:
            raise CheckFailed(*self.missing)
        return item

    def changed(self, item: dict[str, Any], store: Store) -> Reply:
        """Store one that has changed, and show it."""
        store.senders.replace(self.table, item)
        return as_json(item)


def renewed(item: dict[str, Any], store: Store, name: str) -> dict[str, Any]:
    """*item* with a new key for the domain in its key *name*.

    Raises:
        CheckFailed: 422 / 505 if a key waits to be verified.
    """
    if dns_records.is_renewing(item):
        raise CheckFailed(505, texts_server.DKIM_PENDING)
    return dns_records.with_new_key(item, item[name], now_ns=store.clock.now_ns())


def check_not_public(domain: str) -> None:
    """Refuse the domain of a mail provider.

    Raises:
        CheckFailed: 422 / 503.
    """
    if domain.lower() in PUBLIC:
        raise CheckFailed(503, texts_server.PUBLIC_DOMAIN)


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
            text = texts_server.BAD_SUBDOMAIN.format(field=field, domain=domain)
            raise CheckFailed(522, text)
        changes |= {field: value, verified: False}
    if "CustomTrackingDomain" in changes:
        is_set = bool(changes["CustomTrackingDomain"])
        changes["CustomTrackingDomainCNAMEValue"] = dns_records.TRACKING_HOST if is_set else ""
    return changes
