"""Single values that a database keeps, such as how far its clock was moved."""

from __future__ import annotations

from typing import Any

from mailframe.sandbox.state.table import Table


class KeptValues(Table):
    """Values by name."""

    SCHEMA = """
    create table if not exists kept_values (
        name text primary key,
        value not null
    ) without rowid;
    """

    def get(self, name: str) -> Any:
        """The value of that *name*; None if it was never set."""
        return self._database.value("select value from kept_values where name = ?", name)

    def set(self, name: str, value: Any) -> None:
        """Keep *value*."""
        self._database.run("insert or replace into kept_values values (?, ?)", name, value)
