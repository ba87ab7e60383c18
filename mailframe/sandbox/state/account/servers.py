"""The servers of the account, and their tokens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import SandboxError
from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence


# A: what a new server has
SETTINGS: Final[dict[str, Any]] = {
    "Color": "Blue",
    "SmtpApiActivated": True,
    "RawEmailEnabled": False,
    "InboundHookUrl": "",
    "BounceHookUrl": "",
    "OpenHookUrl": "",
    "DeliveryHookUrl": "",
    "ClickHookUrl": "",
    "PostFirstOpenOnly": False,
    "InboundDomain": "",
    "InboundSpamThreshold": 5,
    "TrackOpens": False,
    "TrackLinks": "None",
    "IncludeBounceContentInHook": False,
    "EnableSmtpApiErrorHooks": False,
}


class ServerTable(Table):
    """The servers, and which token belongs to which."""

    SCHEMA = """
    create table if not exists servers (
        id integer primary key,
        name text not null,
        delivery_type text not null,
        settings text not null,
        created_ns integer not null
    );
    create table if not exists server_tokens (
        token text primary key,
        server integer not null references servers on delete cascade,
        shown text not null
    );
    """

    def restart(self) -> None:
        """Read the tokens of the database; call it after any change of them."""
        rows = self._database.rows("select token, server from server_tokens")
        self._by_token = {row["token"]: int(row["server"]) for row in rows}

    def add(self, server: int, *, name: str, delivery_type: str, tokens: Sequence[str]) -> None:
        """Create a server with its *tokens*, which ignore case (D)."""
        with self._database.transaction():
            self._database.run(
                "insert into servers values (?, ?, ?, ?, ?)",
                server,
                name,
                delivery_type,
                json.dumps(SETTINGS),
                self._clock.now_ns(),
            )
            self.add_tokens(server, tokens)

    def add_tokens(self, server: int, tokens: Sequence[str]) -> None:
        """Give a server more tokens; those that exist stay with their server."""
        self._database.run_many(
            "insert or ignore into server_tokens values (?, ?, ?)",
            [(token.lower(), server, token) for token in tokens],
        )
        self.restart()

    def remove_tokens(self, tokens: Sequence[str]) -> None:
        """Remove tokens, which are in lower case."""
        self._database.run_many(
            "delete from server_tokens where token = ?", [(token,) for token in tokens]
        )
        self.restart()

    def set_delivery_type(self, server: int, delivery_type: str) -> None:
        """Change what ``GET /server`` shows; over the API it is fixed."""
        self._database.run(
            "update servers set delivery_type = ? where id = ?", delivery_type, server
        )

    def of_token(self, token: str) -> int | None:
        """The ID of the server of *token*, which is in lower case."""
        return self._by_token.get(token)

    def get(self, server: int) -> sqlite3.Row | None:
        """The server of that ID."""
        return self._database.row("select * from servers where id = ?", server)

    def tracking(self, server: int) -> tuple[bool, str]:
        """``TrackOpens`` and ``TrackLinks`` of a server, which hold for its messages."""
        row = self._database.row(
            "select json_extract(settings, '$.TrackOpens'), json_extract(settings, '$.TrackLinks')"
            " from servers where id = ?",
            server,
        )
        return (False, "None") if row is None else (bool(row[0]), row[1] or "None")

    def ids(self) -> list[int]:
        """The IDs of all servers, the oldest first."""
        return [row["id"] for row in self._rows()]

    def edit(self, server: int, *, name: str | None, changes: Mapping[str, Any]) -> None:
        """Change settings of a server, and its name unless it is None."""
        with self._database.transaction():
            self._database.run(
                "update servers set name = coalesce(?, name), settings = ? where id = ?",
                name,
                json.dumps(self.settings(server) | dict(changes)),
                server,
            )

    def remove(self, server: int) -> None:
        """Remove a server and its tokens."""
        self._database.run("delete from servers where id = ?", server)
        self.restart()

    def settings(self, server: int) -> dict[str, Any]:
        """The settings of a server, with the names of SETTINGS."""
        row = self.get(server)
        return {} if row is None else SETTINGS | json.loads(row["settings"])

    def of_name(self, name: str) -> int | None:
        """The ID of the server with that name, ignoring case."""
        return next(
            (row["id"] for row in self._rows() if row["name"].lower() == name.lower()), None
        )

    def of_inbound_domain(self, domain: str) -> int | None:
        """The ID of the server that receives the mail of that domain."""
        return next(
            (
                row["id"]
                for row in self._rows()
                if json.loads(row["settings"]).get("InboundDomain") == domain.lower()
            ),
            None,
        )

    def named(self, server: object) -> int:
        """The ID of the server with that ID, or that name ignoring case.

        Raises:
            SandboxError: there is none; the message lists all.
        """
        for one, name in self.names():
            if isinstance(server, str):
                is_it = name.lower() == server.lower()
            else:
                is_it = one == server and not isinstance(server, bool)
            if is_it:
                return one
        names = ", ".join(f"{name!r} ({one})" for one, name in self.names())
        raise SandboxError(f"the sandbox has no server {server!r}; it has {names}")

    def ids_named(self, part: str) -> list[int]:
        """The IDs of the servers with *part* in their name, ignoring case, the oldest first."""
        return [row["id"] for row in self._rows() if part.lower() in row["name"].lower()]

    def _rows(self) -> list[sqlite3.Row]:
        return self._database.rows("select * from servers order by created_ns, id")

    def names(self) -> list[tuple[int, str]]:
        """The ID and the name of each server, the oldest first."""
        rows = self._database.rows("select id, name from servers order by created_ns, id")
        return [(row["id"], row["name"]) for row in rows]

    def as_item(self, server: int) -> dict[str, Any]:
        """The server as ``GET /server`` shows it: every documented key."""
        row = self.get(server)
        if row is None:
            return {}
        settings = self.settings(server)
        inbound_hash = f"{server:032x}"
        tokens = self._database.rows("select shown from server_tokens where server = ?", server)
        return {
            "ID": server,
            "Name": row["name"],
            "ApiTokens": [token["shown"] for token in tokens],
            "Color": settings["Color"],
            "SmtpApiActivated": settings["SmtpApiActivated"],
            "RawEmailEnabled": settings["RawEmailEnabled"],
            "DeliveryType": row["delivery_type"],
            "ServerLink": f"https://postmarkapp.com/servers/{server}/streams",
            "InboundAddress": f"{inbound_hash}@inbound.postmarkapp.com",
            "InboundHash": inbound_hash,
            **settings,
        }
