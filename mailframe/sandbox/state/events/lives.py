"""Which messages have a life already, and how often the same mail was sent to the same address."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Final

from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailframe.sandbox.state.clock import Clock
    from mailframe.sandbox.state.database import Database

_MOST_VALUES: Final = 500


class LifeTable(Table):
    """What a simulation has to remember.

    Attributes:
        rules: the rules for messages to come as JSON, the newest first.
        turn: held by the one simulation that gives lives; take it before the lock of the state.
    """

    SCHEMA = """
    create table if not exists lives (
        pack integer primary key references packs on delete cascade,
        done blob not null
    );
    create table if not exists repeats (
        identity integer primary key,
        times integer not null
    );
    create table if not exists life_rules (
        number integer primary key,
        rule text not null
    );
    """
    CLEARED = ("repeats",)

    def __init__(self, database: Database, clock: Clock) -> None:
        self.turn = database.turn()
        super().__init__(database, clock)

    def restart(self) -> None:
        """Read the rules of the database; call it after any change."""
        rows = self._database.rows("select rule from life_rules order by number desc")
        self.rules = tuple(row["rule"] for row in rows)

    def done(self, pack: int) -> int:
        """The messages of a *pack* that have a life: bit 0 is its first message."""
        done: bytes | None = self._database.value("select done from lives where pack = ?", pack)
        return 0 if done is None else int.from_bytes(done, "little")

    def set_done(self, pack: int, done: int) -> None:
        """Remember the messages of a *pack* that have a life."""
        self._database.run(
            "insert or replace into lives values (?, ?)",
            pack,
            done.to_bytes((done.bit_length() + 7) // 8, "little"),
        )

    def repeats(self, identities: Sequence[bytes]) -> list[int]:
        """How often each identity came before, earlier in the list included; and count them."""
        keys = [
            int.from_bytes(hashlib.blake2b(one, digest_size=8).digest(), signed=True)
            for one in identities
        ]
        times = Counter(self._times(set(keys)))
        repeats = []
        for key in keys:
            repeats.append(times[key])
            times[key] += 1
        self._database.run_many("insert or replace into repeats values (?, ?)", times.items())
        return repeats

    def _times(self, keys: Iterable[int]) -> dict[int, int]:
        rest, times = list(keys), {}
        while rest:
            some, rest = rest[:_MOST_VALUES], rest[_MOST_VALUES:]
            marks = ", ".join("?" * len(some))
            rows = self._database.rows(
                f"select identity, times from repeats where identity in ({marks})",  # noqa: S608 - question marks
                *some,
            )
            times.update(dict(map(tuple, rows)))
        return times

    def add_rule(self, rule: str) -> None:
        """Keep a *rule* for messages to come."""
        self._database.run("insert into life_rules (rule) values (?)", rule)
        self.restart()
