"""The templates of each server."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Self

from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    import sqlite3


STANDARD: Final = "Standard"
LAYOUT: Final = "Layout"
_SELECT: Final = (
    "select templates.*, layouts.alias as layout_alias from templates"
    " left join templates as layouts on layouts.id = templates.layout"
)


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """One template.

    Attributes:
        id: its ID, which no other template of any server has.
        server: the ID of its server.
        name: its name.
        alias: its alias; None without one.
        kind: ``Standard`` or ``Layout``.
        layout: the ID of its layout; None without one.
        subject: the source of the subject; None for a layout.
        html_body: the source of the HTML; None without one.
        text_body: the source of the text; None without one.
        active: whether it was not deleted.
        layout_alias: the alias of its layout.
    """

    id: int
    server: int
    name: str
    alias: str | None
    kind: str
    layout: int | None
    subject: str | None
    html_body: str | None
    text_body: str | None
    active: bool
    layout_alias: str | None

    @classmethod
    def of(cls, row: sqlite3.Row) -> Self:
        """The template of a row of _SELECT."""
        values = {field.name: row[field.name] for field in fields(cls)}
        return cls(**values | {"active": bool(row["active"])})

    @property
    def is_layout(self) -> bool:
        """Whether other templates can stand in it."""
        return self.kind == LAYOUT

    @property
    def contents(self) -> dict[str, str]:
        """The sources by Postmark's names, without those that it does not have."""
        sources = {
            "Subject": self.subject,
            "HtmlBody": self.html_body,
            "TextBody": self.text_body,
        }
        return {name: source for name, source in sources.items() if source is not None}


class TemplateTable(Table):
    """The templates of all servers; a deleted one can still be read by its ID (S)."""

    SCHEMA = """
    create table if not exists templates (
        id integer primary key autoincrement,
        server integer not null,
        name text not null,
        alias text,
        kind text not null,
        layout integer references templates,
        subject text,
        html_body text,
        text_body text,
        active integer not null default 1
    );
    create index if not exists templates_of_server on templates (server, active);
    create unique index if not exists template_aliases
        on templates (server, alias collate nocase) where active;
    """

    def add(self, server: int, *, kind: str, values: dict[str, Any]) -> StoredTemplate:
        """Create a template; a layout without an alias gets one (S), as others name it by that.

        Args:
            server: the ID of its server.
            kind: ``Standard`` or ``Layout``.
            values: name, alias, layout, subject, html_body and text_body.
        """
        number = self._database.insert(
            "insert into templates (server, name, alias, kind, layout, subject, html_body,"
            " text_body) values (?, ?, ?, ?, ?, ?, ?, ?)",
            server,
            values["name"],
            values.get("alias"),
            kind,
            values.get("layout"),
            values.get("subject"),
            values.get("html_body"),
            values.get("text_body"),
        )
        if kind == LAYOUT and values.get("alias") is None:
            self.change(number, {"alias": self._free_alias(server, f"layout-{number}")})
        return self._at(number)

    def _free_alias(self, server: int, alias: str) -> str:
        while self.of_alias(server, alias, ignore_case=True) is not None:
            alias += "-1"
        return alias

    def change(self, number: int, values: dict[str, Any]) -> StoredTemplate:
        """Change columns of a template; returns it."""
        for column, value in values.items():
            self._database.run(
                f"update templates set {column} = ? where id = ?",  # noqa: S608 - our own columns
                value,
                number,
            )
        return self._at(number)

    def _at(self, number: int) -> StoredTemplate:
        row = self._database.row(f"{_SELECT} where templates.id = ?", number)
        assert row is not None  # noqa: S101 - it was just written
        return StoredTemplate.of(row)

    def get(self, server: int, number: int) -> StoredTemplate | None:
        """The template of that ID, also if it was deleted."""
        row = self._database.row(
            f"{_SELECT} where templates.server = ? and templates.id = ?", server, number
        )
        return None if row is None else StoredTemplate.of(row)

    def of_alias(
        self, server: int, alias: str, *, ignore_case: bool = False
    ) -> StoredTemplate | None:
        """The template of that alias."""
        collation = "nocase" if ignore_case else "binary"
        row = self._database.row(
            f"{_SELECT} where templates.server = ? and templates.active"
            f" and templates.alias = ? collate {collation}",
            server,
            alias,
        )
        return None if row is None else StoredTemplate.of(row)

    def listed(self, server: int) -> list[StoredTemplate]:
        """The templates of *server* that were not deleted, by name.

        So the PHP client's live test can delete them in the order of the list, each before the
        layout that it stands in (S); the order itself is an assumption.
        """
        rows = self._database.rows(
            f"{_SELECT} where templates.server = ? and templates.active"
            " order by templates.name collate nocase, templates.id",
            server,
        )
        return [StoredTemplate.of(row) for row in rows]

    def count(self, server: int) -> int:
        """How many templates of *server* were not deleted."""
        number: int = self._database.value(
            "select count(*) from templates where server = ? and active", server
        )
        return number

    def uses(self, layout: int) -> bool:
        """Whether a template that was not deleted stands in that layout."""
        sql = "select 1 from templates where layout = ? and active"
        return self._database.row(sql, layout) is not None
