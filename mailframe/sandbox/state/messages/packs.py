"""The accepted messages: each request stores those of a stream as one row, a pack.

A row for each message would cost a third of the time of a send. In a pack, ``traits`` and ``heads``
have what lists and searches read, ``contents`` the rest, which one message is asked for (see
``columns.py``). Positions count the messages of all servers from 1, in the order of acceptance.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.checks.account import StreamType
from mailframe.sandbox.state.messages.columns import (
    MARK,
    Traits,
    packed,
    packed_columns,
    unpacked,
    unpacked_columns,
)
from mailframe.sandbox.state.messages.matches import Matches
from mailframe.sandbox.state.messages.message_ids import position_of
from mailframe.sandbox.state.messages.pack_metadata import PackMetadata
from mailframe.sandbox.state.messages.stored_message import CONTENTS, StoredMessage
from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from mailframe.sandbox.state.clock import Clock
    from mailframe.sandbox.state.database import Database
    from mailframe.sandbox.state.messages.acceptance import Acceptance
    from mailframe.sandbox.state.messages.attachments import AttachmentTable
    from mailframe.sandbox.state.messages.search_query import SearchQuery
    from mailframe.sandbox.state.messages.unsubscribe_links import UnsubscribeLinks

_UNLISTED: Final = ("HtmlBody", "TextBody", "Headers", "TemplateModel")
"""The fields that lists do not read; of attachments, they have the names."""
_MOST_IN_PACK: Final = 500
"""Messages in one pack: a bulk request has more, and one message is read with its pack."""
_ID_LENGTH: Final = 36
_WITHOUT_CONTENT: Final = (
    "first, count, server, stream, kind, accepted_ns, sent_ns, request, traits, ids, heads"
)


class PackTable(Table):
    """The packs of all servers.

    Args:
        attachments: the bytes of attachments.
        links: the unsubscribe links of the messages.
        keep: the number of messages that are kept; older ones are removed.
    """

    SCHEMA = """
    create table if not exists packs (
        first integer primary key,
        count integer not null,
        kept integer not null,
        server integer not null,
        stream text not null,
        kind text not null,
        accepted_ns integer not null,
        sent_ns integer not null,
        request integer not null,
        traits text not null,
        ids text not null,
        heads blob not null,
        contents blob not null
    );
    create index if not exists packs_of_stream
        on packs (server, stream, first, count, kept, accepted_ns, sent_ns, traits);
    create index if not exists packs_queued on packs (sent_ns) where sent_ns > accepted_ns;
    create index if not exists packs_with_holes on packs (count - kept) where kept < count;
    """
    CLEARED = ("packs",)

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        attachments: AttachmentTable,
        links: UnsubscribeLinks,
        keep: int,
    ) -> None:
        super().__init__(database, clock)
        self._attachments, self._links, self._keep = attachments, links, keep
        self._metadata = PackMetadata(database, clock)
        self.oldest = 1  # what an earlier start with a smaller cap has not kept comes before it

    def restart(self, *, without: int = 1) -> None:
        """Count on after the messages of the database; from *without* on if there are none."""
        last = self._database.value("select max(first + count) from packs")
        self.next_position: int = last or without
        self._without = without

    def read_again(self) -> None:
        """Forget the messages of a transaction that was undone."""
        self.restart(without=self._without)

    def was_cleared(self) -> None:
        """Count on, though all messages were removed."""
        self._without = self.next_position

    @property
    def first_position(self) -> int:
        """The position of the oldest message that the cap allows."""
        return max(self.oldest, self.next_position - self._keep)

    def add(
        self,
        server: int,
        accepted: Sequence[Acceptance],
        *,
        accepted_ns: int,
        request: int,
        sent_ns: int | None = None,
    ) -> None:
        """Store messages of one request at the next positions, and remove the oldest.

        Args:
            server: the ID of the server.
            accepted: the messages.
            accepted_ns: the time of acceptance.
            request: the number of the request.
            sent_ns: the time until which they are queued; None sends them at once.
        """
        times = accepted_ns, accepted_ns if sent_ns is None else sent_ns
        read: dict[str, tuple[str, int]] = {}
        with self._database.transaction():
            for (stream, kind), run in groupby(accepted, key=attrgetter("stream", "kind")):
                pack, messages = (server, stream, str(kind), *times, request), list(run)
                for first in range(0, len(messages), _MOST_IN_PACK):
                    self._add_pack(pack, messages[first : first + _MOST_IN_PACK], read)
            digests = {digest for digest, _ in read.values()}
            self._attachments.use(digests, position=self.next_position - 1)
            self.remove_oldest()

    def _add_pack(
        self, pack: tuple[Any, ...], run: list[Acceptance], read: dict[str, tuple[str, int]]
    ) -> None:
        messages = [one.message for one in run]
        for message in messages:
            if message.get("Attachments"):
                files = message["Attachments"]
                message["Attachments"] = [self._attachments.add(file, read=read) for file in files]
        traits, heads = packed([_with_names(message) for message in messages], without=_UNLISTED)
        self._database.run(
            "insert into packs values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            self.next_position,
            len(run),
            len(run),
            *pack,
            traits,
            "".join([one.message_id for one in run]),
            heads,
            packed_columns(messages, CONTENTS),
        )
        self._metadata.add(pack[0], pack[1], messages, pack=self.next_position)
        self.next_position += len(run)

    def remove_oldest(self) -> None:
        """Remove what the cap does not allow."""
        if self.first_position > 1:
            sql = "delete from packs where first < ?1 and first + count <= ?1"  # the first by key
            self._database.run(sql, self.first_position)
            self._attachments.remove_before(self.first_position)

    def count(self, server: int | None = None) -> int:
        """How many messages of *server* are kept; None is all servers."""
        oldest = self.first_position
        later = self._database.value(
            "select sum(kept) from packs where server = ifnull(?, server) and first > ?",
            server,
            oldest,
        )
        around = self._pack_around(oldest)
        return (later or 0) + sum(server in (None, message.server) for message in around)

    def all(self, server: int | None = None) -> Iterator[StoredMessage]:
        """Every message of *server* with its content, oldest first."""
        firsts = self._database.rows(
            "select first from packs where server = ifnull(?, server) order by first", server
        )
        for (first,) in firsts:
            row = self._database.row("select * from packs where first = ?", first)
            if row is not None:
                yield from self._opened(row, with_content=True)

    def find(
        self,
        server: int,
        query: SearchQuery,
        *,
        until: int,
        first: int | None = None,
        now_ns: int = 0,
    ) -> tuple[int, list[StoredMessage]]:
        """The number of matches before the position *until*, and the page, newest first.

        Args:
            server: the ID of the server.
            query: what to find.
            until: the first position that is not searched.
            first: how many matches there are at most, from the oldest on; None is all.
            now_ns: the time, to tell queued messages from sent ones.
        """
        matches = Matches(self._database, server, query, now_ns=now_ns)
        matches.search(self.first_position, until)
        total = matches.total if first is None else min(matches.total, first)
        end = max(0, total - query.offset)
        return total, self.at(matches.between(max(0, end - query.count), end))

    def get(self, message_id: str) -> StoredMessage | None:
        """The message of that ID, ignoring case, with its content; None if there is none."""
        wanted = message_id.lower()
        position = position_of(wanted)
        page = [] if position is None else self.at([position], with_content=True)
        return page[0] if page and page[0].message_id == wanted else None

    def at(self, positions: Sequence[int], *, with_content: bool = False) -> list[StoredMessage]:
        """The messages at *positions*, in their order, without those that are not kept."""
        messages: dict[int, StoredMessage] = {}
        rest = sorted(set(positions))
        while rest:
            row = self._row_around(rest[0], with_content=with_content)
            if row is None:
                del rest[0]
                continue
            end = bisect_left(rest, row["first"] + row["count"])
            places = [position - row["first"] for position in rest[:end]]
            for message in self._opened(row, places, with_content=with_content):
                messages[message.position] = message
            del rest[:end]
        return [messages[position] for position in positions if position in messages]

    def _row_around(self, position: int, *, with_content: bool = False) -> sqlite3.Row | None:
        """The row of the pack with the message at *position*; None if it is not kept."""
        if not self.first_position <= position < self.next_position:
            return None
        columns = "*" if with_content else _WITHOUT_CONTENT
        sql = f"select {columns} from packs where first <= ? order by first desc limit 1"  # noqa: S608 - constants
        row = self._database.row(sql, position)
        return row if row is not None and position < row["first"] + row["count"] else None

    def _pack_around(self, position: int, *, with_content: bool = False) -> list[StoredMessage]:
        row = self._row_around(position, with_content=with_content)
        return list(self._opened(row, with_content=with_content)) if row else []

    def _opened(
        self, row: sqlite3.Row, places: Sequence[int] | None = None, *, with_content: bool
    ) -> Iterator[StoredMessage]:
        """The kept messages of a pack.

        Args:
            row: the row of the pack.
            places: the places of the messages in the pack, from 0; None is all.
            with_content: whether the row has the contents.
        """
        first, ids, kind = row["first"], row["ids"], StreamType(row["kind"])
        places = range(row["count"]) if places is None else places
        heads = unpacked(Traits.of(row["traits"], row["count"]), row["heads"], places=places)
        contents: list[dict[str, Any]] = [{}] * len(heads)
        if with_content:
            contents = unpacked_columns(row["contents"], row["count"], places=places)
        for index, head, content in zip(places, heads, contents, strict=True):
            if head and first + index >= self.first_position:
                at = index * _ID_LENGTH
                yield StoredMessage(
                    first + index,
                    ids[at : at + _ID_LENGTH],
                    row["server"],
                    row["stream"],
                    kind,
                    row["accepted_ns"],
                    row["request"],
                    head,
                    content,
                    row["sent_ns"],
                    self._links,
                )

    def next_pack(self, position: int) -> list[StoredMessage]:
        """The messages after *position* of the first pack that has one, without their content."""
        rows = self._database.each(
            f"select {_WITHOUT_CONTENT} from packs where first + count > ?"  # noqa: S608 - constants
            " and first >= ifnull((select max(first) from packs where first <= ?), 0)"
            " order by first",
            position + 1,
            position + 1,
        )
        packs = (self._opened(row, with_content=False) for row in rows)
        later = ([one for one in pack if one.position > position] for pack in packs)
        return next(filter(None, later), [])  # the rest of a pack may have been removed

    def pack_of(self, position: int) -> int:
        """The position of the first message of the pack with the message at *position*."""
        first: int = self._database.value(
            "select first from packs where first <= ? order by first desc limit 1", position
        )
        return first

    def of_pack(self, first: int, *, with_content: bool = False) -> list[StoredMessage]:
        """The kept messages of the pack that begins at *first*, the oldest first."""
        kept = max(first, self.first_position)
        return self._pack_around(kept, with_content=with_content)

    def remove(self, message: StoredMessage) -> None:
        """Remove one message; the last pack stays without it, so that no position is used twice."""
        with self._database.transaction():
            row = self._database.row(
                "select * from packs where first <= ? order by first desc limit 1", message.position
            )
            if row is None or row["first"] + row["count"] <= message.position:
                return
            index = message.position - row["first"]
            heads = unpacked(Traits.of(row["traits"], row["count"]), row["heads"])
            contents = unpacked_columns(row["contents"], len(heads))
            heads[index], contents[index] = {}, {}
            self._database.run(
                "update packs set kept = kept - 1, traits = ?, heads = ?, contents = ?"
                " where first = ?",
                *packed(heads),
                packed_columns(contents, CONTENTS),
                row["first"],
            )
            place = row["server"], row["stream"]
            self._metadata.replace(*place, heads, pack=row["first"])
            if row["kept"] == 1 and row["first"] + row["count"] < self.next_position:
                self._database.run("delete from packs where first = ?", row["first"])
            for file in message.attachments:
                if not self._has_file(file.digest):
                    self._attachments.remove(file.digest)

    def _has_file(self, digest: str) -> bool:
        """Whether a message has an attachment of these bytes."""
        sql = "select 1 from packs where instr(traits, ?) and instr(contents, ?) limit 1"
        return bool(self._database.value(sql, f'"{MARK}Attachments"', digest.encode()))

    def sent_until(self, now_ns: int) -> int:
        """The position of the first message that is queued at *now_ns*; the next one without."""
        queued = self._database.value(
            "select min(first) from packs where sent_ns > accepted_ns and sent_ns > ?", now_ns
        )
        return self.next_position if queued is None else queued

    def between(
        self,
        low: int,
        high: int,
        *,
        conditions: Sequence[str] = (),
        values: Sequence[Any] = (),
        is_upward: bool,
        with_content: bool = False,
    ) -> Iterator[StoredMessage]:
        """The messages at the positions *low* to *high*, of packs that meet *conditions* of SQL."""
        start = self._database.value(
            "select first from packs where first <= ? order by first desc limit 1", low
        )
        where = " and ".join(["first between ? and ?", *conditions])
        columns = "first" if with_content else _WITHOUT_CONTENT
        rows = self._database.rows(
            f"select {columns} from packs where {where} order by first"  # noqa: S608 - constants
            f" {'asc' if is_upward else 'desc'}",
            low if start is None else start,
            high,
            *values,
        )
        for row in rows:
            pack: sqlite3.Row | None = row
            if with_content:
                pack = self._database.row("select * from packs where first = ?", row["first"])
            messages = list(self._opened(pack, with_content=with_content)) if pack else []
            for message in messages if is_upward else messages[::-1]:
                if low <= message.position <= high:
                    yield message

    def indexed_until(self, accepted_ns: int) -> int:
        """The position after the last message that was accepted until *accepted_ns*."""
        last = self._database.value(
            "select first + count from packs where accepted_ns <= ? order by first desc limit 1",
            accepted_ns,
        )
        return last or 1


def _with_names(message: dict[str, Any]) -> dict[str, Any]:
    """A message with the names of its files for lists."""
    files = message.get("Attachments")
    return message | {"Attachments": [file["Name"] for file in files]} if files else message
