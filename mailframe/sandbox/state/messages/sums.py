"""How many messages were sent, by pack and tag: computed when statistics are first asked for.

To count when messages are accepted would slow every send; to count them again for every question
would read all packs. So each pack is counted once, later.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe.sandbox.state.clock import HOUR_NS
from mailframe.sandbox.state.messages.body_links import html_links, text_links
from mailframe.sandbox.state.messages.columns import Traits
from mailframe.sandbox.state.messages.stored_message import INACTIVE
from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from mailframe.sandbox.state.clock import Clock
    from mailframe.sandbox.state.database import Database
    from mailframe.sandbox.state.messages.packs import PackTable
    from mailframe.sandbox.state.messages.stored_message import StoredMessage

COLUMNS: Final = ("sent", "tracked", "opens", "links", "tracked_links")
_STALE: Final = (
    "select first, kept from packs where server = ? and first + count > ? and (first < ? or not"
    " exists (select 1 from sums where sums.pack = first and sums.kept = packs.kept"
    " and (? or tracked_links is not null)))"
)
_MORE: Final = frozenset({"Cc", "Bcc", "TrackLinks", INACTIVE})
"""Fields that a message with one recipient and no tracked links does not need."""
_READ: Final = _MORE | {"Tag", "TrackOpens"}


@dataclass(slots=True)
class Sums:
    """Counts of recipients, in the order of the columns.

    Attributes:
        sent: recipients to whom a message was sent.
        tracked: those whose opens or links are tracked.
        opens: those whose opens are tracked.
        links: those whose links are tracked.
        tracked_links: their links that are tracked, if the bodies were read.
    """

    sent: int = 0
    tracked: int = 0
    opens: int = 0
    links: int = 0
    tracked_links: int = 0

    def add(self, message: StoredMessage) -> None:
        """Count the recipients of *message* that were active, and its links if it has bodies."""
        recipients = _recipients(message)
        opens, links = _tracks(message)
        self.sent += recipients
        self.tracked += recipients * (opens or links)
        self.opens += recipients * opens
        self.links += recipients * links
        if links and message.content:
            self.tracked_links += recipients * len(tracked_links(message))

    def add_counts(self, *, sent: int, tracked: int, opens: int) -> None:
        """Add the counts of messages whose links are not tracked."""
        self.sent += sent
        self.tracked += tracked
        self.opens += opens

    def row(self, *, with_links: bool) -> tuple[int | None, ...]:
        """The columns; the tracked links are null if they were not counted."""
        counts = astuple(self)
        return counts if with_links or not self.links else (*counts[:-1], None)


class SumTable(Table):
    """The counts of all servers.

    Args:
        packs: the packs that are counted.
    """

    SCHEMA = """
    create table if not exists sums (
        pack integer not null references packs on delete cascade,
        tag text not null,
        kept integer not null,
        sent integer not null,
        tracked integer not null,
        opens integer not null,
        links integer not null,
        tracked_links integer,
        primary key (pack, tag)
    ) without rowid;
    """

    def __init__(self, database: Database, clock: Clock, *, packs: PackTable) -> None:
        super().__init__(database, clock)
        self._packs = packs

    def by_hour(
        self, server: int, columns: Sequence[str], where: str, values: list[Any]
    ) -> list[sqlite3.Row]:
        """The sums of each hour since 1970, UTC, as ``hour`` and the columns.

        Args:
            server: the ID of the server.
            columns: some of COLUMNS; only ``tracked_links`` needs the bodies of messages.
            where: a condition on ``stream``, ``tag`` and ``at_ns``, with a ``?`` for each value.
            values: its values.
        """
        with self._database.transaction():
            self._count_new(server, with_links="tracked_links" in columns)
            totals = ", ".join(f"sum({name}) as {name}" for name in columns)
            return self._database.rows(
                f"select at_ns / {HOUR_NS} as hour, {totals} from (select sums.*, server, stream,"  # noqa: S608 - constants
                " sent_ns as at_ns from sums join packs on first = pack)"
                f" where server = ? and {where} group by hour order by hour",
                server,
                *values,
            )

    def remove_of(self, pack: int) -> None:
        """Count the pack that begins at the position *pack* again when it is asked for."""
        self._database.run("delete from sums where pack = ?", pack)

    def _count_new(self, server: int, *, with_links: bool) -> None:
        """Count the packs of *server* that are new or have changed since they were counted."""
        oldest = self._packs.first_position
        for first, kept in self._database.rows(_STALE, server, oldest, oldest, not with_links):
            by_tag = self._of_usual(first) if first >= oldest else None
            if by_tag is None:
                by_tag = defaultdict(Sums)
                for message in self._messages(first, with_links=with_links):
                    by_tag[message.head.get("Tag") or ""].add(message)
            self.remove_of(first)
            self._database.run_many(
                "insert into sums values (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (first, tag, kept, *sums.row(with_links=with_links))
                    for tag, sums in by_tag.items()
                ],
            )

    def _of_usual(self, first: int) -> defaultdict[str, Sums] | None:
        """The sums of a pack if each of its messages has one recipient and no tracked links."""
        row = self._database.row(
            "select count, traits, heads from packs where first = ? and count = kept", first
        )
        if row is None:
            return None
        traits = Traits.of(row["traits"], row["count"])
        if traits.many & _READ or traits.few.keys() & _MORE:
            return None
        people = traits.column("To") if "To" in traits.few else orjson.loads(row["heads"])["To"]
        if any("," in (to or ",") for to in people):
            return None
        by_tag: defaultdict[str, Sums] = defaultdict(Sums)
        pairs = zip(traits.column("Tag"), traits.column("TrackOpens"), strict=True)
        for (tag, opens), count in Counter(pairs).items():
            tracked = count * bool(opens)
            by_tag[tag or ""].add_counts(sent=count, tracked=tracked, opens=tracked)
        return by_tag

    def _messages(self, first: int, *, with_links: bool) -> list[StoredMessage]:
        """The messages of a pack, with their content if it is needed to count links."""
        messages = self._packs.of_pack(first)
        if with_links and any(_tracks(message)[1] for message in messages):
            return self._packs.of_pack(first, with_content=True)
        return messages


def tracked_links(message: StoredMessage) -> list[tuple[str, str]]:
    """The part and the address of each link that Postmark tracks in a message with its content."""
    which = message.head.get("TrackLinks")
    links = []
    if which in ("HtmlAndText", "HtmlOnly"):
        links += [("HTML", link) for link in html_links(message.content.get("HtmlBody") or "")]
    if which in ("HtmlAndText", "TextOnly"):
        links += [("Text", link) for link in text_links(message.content.get("TextBody") or "")]
    return links


def _tracks(message: StoredMessage) -> tuple[bool, bool]:
    opens = bool(message.head.get("TrackOpens"))
    return opens, (message.head.get("TrackLinks") or "None") != "None"


def _recipients(message: StoredMessage) -> int:
    head = message.head
    if head.get("Cc") or head.get("Bcc") or "," in (head.get("To") or "") or INACTIVE in head:
        inactive = message.inactive
        return sum(one.address.lower() not in inactive for one in message.recipients)
    return 1
