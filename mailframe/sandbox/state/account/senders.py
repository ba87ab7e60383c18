"""The domains and sender signatures of the account, and its data removals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.state.account import dns_records
from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_REMOVAL_NS: Final = 60 * 1_000_000_000  # A: how long a data removal takes


class SenderTable(Table):
    """Domains and sender signatures; each item has the keys that Postmark shows."""

    SCHEMA = """
    create table if not exists domains (
        id integer primary key autoincrement,
        name text not null unique,
        item text not null
    );
    create table if not exists senders (
        id integer primary key autoincrement,
        name text not null unique,
        item text not null
    );
    create table if not exists data_removals (
        id integer primary key autoincrement,
        requested_ns integer not null
    );
    """

    def restart(self) -> None:
        """Read who may send; call it after any change."""
        senders, domains = self.all("senders"), self.all("domains")
        confirmed = {item["EmailAddress"] for item in senders if item["Confirmed"]}
        waiting = {item["EmailAddress"] for item in senders if not item["Confirmed"]}
        verified = {item["Name"] for item in domains if item["DKIMVerified"]}
        self.confirmed = frozenset(name.lower() for name in confirmed | verified)
        """The confirmed addresses and the domains with a verified key, in lower case (A)."""
        self.unconfirmed = frozenset(address.lower() for address in waiting)
        """The addresses of signatures that are not confirmed yet, in lower case."""

    def replace_confirmed(self, names: Iterable[str], *, before: Iterable[str]) -> list[str]:
        """Confirm the addresses and domains of the options in place of those of the last start.

        Args:
            names: the addresses and domains, in lower case.
            before: those that the options of the last start had added.

        Returns:
            Those that the options have added, and not the API.
        """
        added = set(before)
        for name in sorted(added - set(names)):
            item = self.of_name(_table(name), name)
            if item is not None:
                self.remove(_table(name), item["ID"])
        for name in sorted(names):
            item = self.of_name(_table(name), name)
            if item is None:
                self.add(_table(name), name, self._confirmed(name))
                added.add(name)
            elif not item.get("Confirmed", item["DKIMVerified"]):
                verified = dns_records.with_verified_key(item)
                confirmed = {"Confirmed": True} if "@" in name else {}
                self.replace(_table(name), verified | confirmed)
        return sorted(added & set(names))

    def _confirmed(self, name: str) -> dict[str, Any]:
        """The keys of an address or a domain of the options."""
        records = dns_records.with_verified_key(self.new_records(name.rpartition("@")[2]))
        if "@" not in name:
            return {"Name": name} | records
        return new_sender(name, name=name) | records | {"Confirmed": True}

    def new_records(self, domain: str) -> dict[str, Any]:
        """The DNS records of a new *domain*."""
        return dns_records.new_records(domain, now_ns=self._clock.now_ns())

    def add(self, table: str, name: str, item: Mapping[str, Any]) -> dict[str, Any]:
        """Add a domain or a signature; returns it with its ID.

        Args:
            table: ``domains`` or ``senders``.
            name: the domain, or the address.
            item: the keys that Postmark shows, without ID.
        """
        sql = f"insert into {table} (name, item) values (?, ?)"  # noqa: S608 - one of two constants
        number = self._database.insert(sql, name.lower(), json.dumps(item))
        self.restart()
        return {**item, "ID": number}

    def replace(self, table: str, item: Mapping[str, Any]) -> None:
        """Store a changed domain or signature."""
        sql = f"update {table} set item = ? where id = ?"  # noqa: S608 - one of two constants
        kept = {name: value for name, value in item.items() if name != "ID"}
        self._database.run(sql, json.dumps(kept), item["ID"])
        self.restart()

    def remove(self, table: str, number: int) -> None:
        """Remove a domain or a signature."""
        self._database.run(f"delete from {table} where id = ?", number)  # noqa: S608 - as above
        self.restart()

    def get(self, table: str, number: int) -> dict[str, Any] | None:
        """The domain or signature of that ID."""
        return next(iter(self._items(table, "id = ?", number)), None)

    def of_name(self, table: str, name: str) -> dict[str, Any] | None:
        """The domain of that name, or the signature of that address, ignoring case."""
        return next(iter(self._items(table, "name = ?", name.lower())), None)

    def all(self, table: str) -> list[dict[str, Any]]:
        """All domains or signatures, in the order of creation."""
        return self._items(table, "1 = 1")

    def _items(self, table: str, where: str, *values: Any) -> list[dict[str, Any]]:
        sql = f"select id, item from {table} where {where} order by id"  # noqa: S608 - constants
        rows = self._database.rows(sql, *values)
        return [json.loads(row["item"]) | {"ID": row["id"]} for row in rows]

    # --- data removals -----------------------------------------------------------------------

    def add_removal(self) -> int:
        """Request the removal of a person's data; returns its ID. Nothing is removed (A)."""
        return self._database.insert(
            "insert into data_removals (requested_ns) values (?)", self._clock.now_ns()
        )

    def removal_status(self, number: int) -> str | None:
        """``Pending`` for a minute of the sandbox's clock, then ``Done``; None if unknown."""
        requested_ns = self._database.value(
            "select requested_ns from data_removals where id = ?", number
        )
        if requested_ns is None:
            return None
        is_done = self._clock.now_ns() - requested_ns >= _REMOVAL_NS
        return "Done" if is_done else "Pending"


def _table(name: str) -> str:
    return "senders" if "@" in name else "domains"


def new_sender(address: str, *, name: str, reply_to: str = "", note: str = "") -> dict[str, Any]:
    """The keys of a new signature beside its DNS records."""
    return {
        "Domain": address.rpartition("@")[2],
        "EmailAddress": address,
        "ReplyToEmailAddress": reply_to,
        "Name": name,
        "Confirmed": False,
        "ConfirmationPersonalNote": note,
    }
