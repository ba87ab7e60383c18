"""The webhooks of each server, and the hook URLs in its settings, which work as webhooks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.checks.webhook_settings import TRIGGERS, Triggers
from mailframe.sandbox.state.table import Table
from mailframe.sandbox.wire.loopback import is_reachable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Mapping

    from mailframe.sandbox.state.clock import Clock
    from mailframe.sandbox.state.database import Database
    from mailframe.sandbox.state.events.events import Event

INBOUND: Final = "InboundHookUrl"
OF_SETTINGS: Final = {
    "BounceHookUrl": "Bounce",
    "OpenHookUrl": "Open",
    "DeliveryHookUrl": "Delivery",
    "ClickHookUrl": "Click",
    INBOUND: None,
}
"""The hook URLs in the settings of a server, each with its trigger."""
_NOT_WANTED: Final = 0
"""The column ``is_verified`` of a webhook that was stored with ``Verify: false``."""
_VERIFIED: Final = 1
_NOT_REACHED: Final = 2
"""The same of one whose host is neither this machine nor one of the options."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook.

    Attributes:
        id: its ID.
        server: the ID of its server.
        stream: the ID of its stream; None is every stream, for a URL in the settings of a server.
        setting: the name of that setting; None for a webhook of ``/webhooks``.
        url: where it posts to.
        auth: ``Username`` and ``Password``; empty without them.
        headers: its own headers, as Postmark names them.
        triggers: the options of each trigger.
        is_verified: whether it gets events: the sandbox contacts the host of its URL, and it was
            not created with ``Verify: false``.
        after_event: the number of the last event before it was created.
        after_position: the position of the last message before it was created.
    """

    id: int
    server: int
    stream: str | None
    setting: str | None
    url: str
    auth: dict[str, str]
    headers: list[dict[str, str]]
    triggers: Triggers
    is_verified: bool
    after_event: int
    after_position: int

    def wants(self, event: Event) -> bool:
        """Whether *event* is posted to it: an event of an unverified webhook is lost (D)."""
        options = self.triggers[str(event.kind)]
        is_later = (
            event.number > self.after_event
            if event.number
            else event.position > self.after_position
        )
        is_repeated = event.kind == "Open" and not event.details.get("FirstOpen", True)
        return (
            self.is_verified
            and options["Enabled"]
            and self.server == event.server
            and self.stream in (None, event.stream)
            and is_later
            and not (is_repeated and options["PostFirstOpenOnly"])
        )

    def as_item(self) -> dict[str, Any]:
        """The webhook as ``GET /webhooks/{id}`` shows it, with its password (S: php, dotnet)."""
        return {
            "ID": self.id,
            "Url": self.url,
            "MessageStream": self.stream,
            "HttpAuth": self.auth or None,
            "HttpHeaders": self.headers,
            "Triggers": self.triggers,
            "Status": "verified" if self.is_verified else "unverified",
        }


class WebhookTable(Table):
    """The webhooks of all servers.

    They are also in memory, because each event is compared with them.

    Args:
        ends: returns the number of the last event and the position of the last message.
        stop: is called with the ID of a webhook that gets nothing more.
        hosts: the hosts in lower case that are contacted besides this machine.
    """

    SCHEMA = """
    create table if not exists webhooks (
        id integer primary key autoincrement,
        server integer not null,
        stream text,
        setting text,
        url text not null,
        auth text not null,
        headers text not null,
        triggers text not null,
        is_verified integer not null,
        after_event integer not null,
        after_position integer not null
    );
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        ends: Callable[[], tuple[int, int]],
        stop: Callable[[int], None],
        hosts: Collection[str] = (),
    ) -> None:
        super().__init__(database, clock)
        self.hosts = hosts
        self._ends = ends
        self._stop = stop

    def restart(self) -> None:
        """Read the webhooks of the database."""
        rows = self._database.rows("select * from webhooks order by id")
        self._all = {row["id"]: _webhook(row) for row in rows}

    def start_again(self) -> None:
        """Begin anew: after ``clear`` and a restart, positions count from 1, and hosts may differ.

        One that is contacted from now on gets no events from before.
        """
        self._database.run(
            "update webhooks set after_event = min(after_event, ?),"
            " after_position = min(after_position, ?)",
            *self._ends(),
        )
        for row in self._database.rows("select * from webhooks where is_verified > 0"):
            status = self._status(row["url"], verify=True)
            if status != row["is_verified"]:
                self._database.run(
                    "update webhooks set is_verified = ?, after_event = ?, after_position = ?"
                    " where id = ?",
                    status,
                    *self._ends(),
                    row["id"],
                )
                self._stop(row["id"])
        self.restart()

    def _status(self, url: str, *, verify: bool) -> int:
        """The column ``is_verified``."""
        if not verify:
            return _NOT_WANTED
        return _VERIFIED if is_reachable(url, hosts=self.hosts) else _NOT_REACHED

    def all(self) -> list[Webhook]:
        """Every webhook, also those of settings, in the order of creation."""
        return list(self._all.values())

    def verified(self) -> list[Webhook]:
        """Those that get events."""
        return [webhook for webhook in self._all.values() if webhook.is_verified]

    def get(self, webhook: int) -> Webhook | None:
        """The webhook of that ID."""
        return self._all.get(webhook)

    def listed(self, server: int, *, stream: str = "") -> list[Webhook]:
        """The webhooks of ``/webhooks``; without a *stream*, those of every stream."""
        return [
            webhook
            for webhook in self._all.values()
            if webhook.server == server
            and webhook.setting is None
            and stream in ("", webhook.stream)
        ]

    def of_setting(self, server: int, setting: str) -> Webhook | None:
        """The webhook of a hook URL in the settings of *server*."""
        of_server = (webhook for webhook in self._all.values() if webhook.server == server)
        return next((webhook for webhook in of_server if webhook.setting == setting), None)

    def add(
        self,
        server: int,
        *,
        stream: str | None,
        url: str,
        auth: Mapping[str, str],
        headers: list[dict[str, str]],
        triggers: Triggers,
        verify: bool = True,
        setting: str | None = None,
    ) -> Webhook:
        """Create a webhook that gets the events from now on."""
        number = self._database.insert(
            "insert into webhooks (server, stream, setting, url, auth, headers, triggers,"
            " is_verified, after_event, after_position) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            server,
            stream,
            setting,
            url,
            json.dumps(auth),
            json.dumps(headers),
            json.dumps(triggers),
            self._status(url, verify=verify),
            *self._ends(),
        )
        self.restart()
        return self._all[number]

    def edit(
        self,
        webhook: Webhook,
        *,
        url: str,
        auth: Mapping[str, str],
        headers: list[dict[str, str]],
        triggers: Triggers,
        verify: bool = True,
    ) -> Webhook:
        """Change a webhook; what waits for it is posted to the new URL, if that is verified."""
        self._database.run(
            "update webhooks set url = ?, auth = ?, headers = ?, triggers = ?, is_verified = ?"
            " where id = ?",
            url,
            json.dumps(auth),
            json.dumps(headers),
            json.dumps(triggers),
            self._status(url, verify=verify),
            webhook.id,
        )
        self.restart()
        if not self._all[webhook.id].is_verified:
            self._stop(webhook.id)
        return self._all[webhook.id]

    def set_verified(self, webhook: Webhook, *, is_verified: bool) -> None:
        """Note how a check of *webhook* has ended; one that passed gets the events from now on.

        Nothing changes if it was removed, or leads to another URL, while the check went on.
        """
        is_elsewhere = not is_reachable(webhook.url, hosts=self.hosts)
        after = (webhook.after_event, webhook.after_position)
        self._database.run(
            "update webhooks set is_verified = ?, after_event = ?, after_position = ?"
            " where id = ? and url = ?",
            self._status(webhook.url, verify=is_verified or is_elsewhere),
            *(after if webhook.is_verified else self._ends()),
            webhook.id,
            webhook.url,
        )
        self.restart()
        if webhook.id in self._all and not self._all[webhook.id].is_verified:
            self._stop(webhook.id)

    def remove(self, webhook: int) -> None:
        """Remove a webhook; what waits for it is not posted."""
        self._database.run("delete from webhooks where id = ?", webhook)
        self._stop(webhook)
        self.restart()

    def follow_server(self, server: int, settings: Mapping[str, Any]) -> None:
        """Make the webhooks of the hook URLs what the *settings* of a server say."""
        for setting, trigger in OF_SETTINGS.items():
            webhook = self.of_setting(server, setting)
            url = settings.get(setting) or ""
            triggers = _triggers_of(trigger, settings)
            if url and webhook is None:
                self.add(
                    server,
                    stream=None,
                    url=url,
                    auth={},
                    headers=[],
                    triggers=triggers,
                    setting=setting,
                )
            elif webhook is not None and not url:
                self.remove(webhook.id)
            elif webhook is not None and (webhook.url, webhook.triggers) != (url, triggers):
                self.edit(webhook, url=url, auth={}, headers=[], triggers=triggers)

    def remove_all(self, server: int) -> None:
        """Remove every webhook of *server*."""
        for webhook in self.all():
            if webhook.server == server:
                self.remove(webhook.id)


def _triggers_of(trigger: str | None, settings: Mapping[str, Any]) -> Triggers:
    options = {
        "PostFirstOpenOnly": settings["PostFirstOpenOnly"],
        "IncludeContent": settings["IncludeBounceContentInHook"],
    }
    return {
        name: {
            option: name == trigger if option == "Enabled" else options[option]
            for option in defaults
        }
        for name, defaults in TRIGGERS.items()
    }


def _webhook(row: sqlite3.Row) -> Webhook:
    return Webhook(
        row["id"],
        row["server"],
        row["stream"],
        row["setting"],
        row["url"],
        json.loads(row["auth"]),
        json.loads(row["headers"]),
        json.loads(row["triggers"]),
        row["is_verified"] == _VERIFIED,
        row["after_event"],
        row["after_position"],
    )
