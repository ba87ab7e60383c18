"""Which pack has a message with a value of metadata: a search reads only these packs."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.state.messages.search_query import MANY
from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MOST_VALUES: Final = 4
_SOME: Final = 10


class PackMetadata(Table):
    """The metadata of the messages of each pack."""

    SCHEMA = """
    create table if not exists pack_metadata (
        server integer not null,
        stream text not null,
        key text not null,
        value text not null,
        pack integer not null references packs on delete cascade,
        primary key (server, stream, key, value, pack)
    ) without rowid;
    create index if not exists metadata_of_pack on pack_metadata (pack);
    """

    def add(self, server: int, stream: str, heads: Iterable[dict[str, Any]], *, pack: int) -> None:
        """Note the metadata of the messages of a new pack.

        Args:
            server: the ID of their server.
            stream: the ID of their stream.
            heads: the heads of the messages.
            pack: the position of the first message of the pack.
        """
        values: defaultdict[str, set[str]] = defaultdict(set)
        fields = [head["Metadata"] for head in heads if head.get("Metadata")]
        for keys, run in groupby(fields, key=tuple):
            rows = list(run)
            for key in keys:
                of_key = values[key.lower()]
                of_key.update([row[key] for row in rows[:_SOME]])
                if len(of_key) <= _MOST_VALUES:  # else it has many, whatever the rest is
                    of_key.update([row[key] for row in rows])
        self._database.run_many(
            "insert into pack_metadata values (?, ?, ?, ?, ?)",
            [(server, stream, key, value, pack) for key, value in _few(values)],
        )

    def replace(
        self, server: int, stream: str, heads: Iterable[dict[str, Any]], *, pack: int
    ) -> None:
        """Note the metadata of the messages that are left of a pack; see ``add``."""
        self._database.run("delete from pack_metadata where pack = ?", pack)
        self.add(server, stream, heads, pack=pack)


def _few(values: dict[str, set[str]]) -> Iterator[tuple[str, str]]:
    """The values of each key; only MANY for a key with many."""
    for key, of_key in values.items():
        for value in of_key if len(of_key) <= _MOST_VALUES else (MANY,):
            yield key, value
