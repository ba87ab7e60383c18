"""SQL as text: names in quotes, values in place of ``?``."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.paths import LedgerUrl

_MAX_NAME_BYTES: Final = 63
"""PostgreSQL cuts a longer name."""


def quoted(name: str) -> str:
    """A name that stays as it is, whatever it holds.

    >>> print(quoted('a "b" c'))
    "a ""b"" c"
    """
    return '"' + name.replace('"', '""') + '"'


def refuse_name(url: LedgerUrl) -> None:
    """Refuse the name of a schema that PostgreSQL would change or that is its own.

    Raises:
        LedgerError: with the rule.
    """
    name = url.schema
    size = len(name.encode("utf-8", "replace"))
    if not 0 < size <= _MAX_NAME_BYTES or not name.isprintable():
        why = f"is not a name of 1 to {_MAX_NAME_BYTES} bytes"
    elif name.startswith("pg_") or name == "information_schema":
        why = "belongs to PostgreSQL"
    else:
        return
    raise LedgerError(f"schema={name!r} {why}; nothing was sent")


@cache
def with_places(statement: str) -> str:
    """A statement of ``Database`` as psycopg takes it; no text in it has a ``?`` or ``%``.

    >>> with_places("UPDATE pack SET keys = ? WHERE id = ?")
    'UPDATE pack SET keys = %s WHERE id = %s'
    """
    return statement.replace("?", "%s")


def storable(values: Sequence[Any]) -> list[Any]:
    """Values of a statement; PostgreSQL stores no NUL in a text, and an answer must be recorded.

    >>> storable(["a", 1])
    ['a', 1]
    """
    return [
        value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
        for value in values
    ]
