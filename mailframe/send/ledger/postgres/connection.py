"""The connection to a PostgreSQL database, and the checks of its server.

What the ledger relies on is set for the session and read back: a commit is on the disk when it
returns, no time limit of a role ends a transaction, and a machine that is gone loses its locks.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import psycopg
from psycopg import conninfo, errors

from mailframe.errors import LedgerError
from mailframe.paths import EXAMPLE_URL
from mailframe.send.ledger.postgres import sql

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from mailframe.paths import LedgerUrl

T = TypeVar("T")

OLDEST_SERVER: Final = 130_000
"""PostgreSQL 13; older ones have had no fixes since November 2025."""
LOCK_TIMEOUT_S: Final = 30
"""Seconds that a transaction waits for those of other senders."""
_SILENCE_S: Final = 60.0
"""Seconds without a byte from the server after which the connection is lost; more than the wait for
other senders. A tunnel or a proxy keeps its side of a connection open when the network is gone."""
_CONNECT_TIMEOUT_S: Final = 10
_CLIENT: Final = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""A server that is gone is noticed after a minute; a URL may say otherwise."""
_SESSION: Final = {
    "lock_timeout": f"{LOCK_TIMEOUT_S}s",
    "statement_timeout": "0",
    "transaction_timeout": "0",
    # a sender that waits for Postmark keeps its session; one that stops in a transaction does not
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "10min",
    # the server notices after a minute that this machine is gone, and drops its locks
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60s",
    # an error in place of a part of the rows
    "row_security": "off",
    # after a wait for another sender, its rows are seen
    "default_transaction_isolation": "read committed",
}
_SET: Final = (
    "SELECT set_config(wanted.name, wanted.value, false) FROM "
    "unnest(%s::text[], %s::text[]) AS wanted(name, value) "
    "WHERE EXISTS (SELECT FROM pg_settings s WHERE s.name = wanted.name)"
)
"""Sets what this version of PostgreSQL has."""
_FACTS: Final = (
    "SELECT current_setting('server_encoding'), current_setting('fsync'), "
    "current_setting('synchronous_commit'), pg_is_in_recovery(), "
    "current_setting('transaction_read_only'), current_setting('search_path')"
)
DURABLE: Final = ("on", "remote_apply")
"""Values of ``synchronous_commit`` with which a commit waits for the disk, and for each standby
that the server names."""


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that is lost if its server is silent for too long while an answer is awaited.

    Attributes:
        silence_s: the number of seconds.
    """

    silence_s: float = _SILENCE_S

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **options: Any) -> T:
        """Wait for an answer; psycopg calls it for each statement.

        Raises:
            OperationalError: the server is silent.
        """
        return super().wait(self._while_heard(gen), *args, **options)

    def _while_heard(self, answer: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        """The same generator of psycopg, which gets 0 each time that it has waited in vain."""
        until = time.monotonic() + self.silence_s
        try:
            wanted = next(answer)
            while True:
                ready = yield wanted
                if ready:
                    until = time.monotonic() + self.silence_s
                elif time.monotonic() > until:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer for {self.silence_s:g} seconds")
                wanted = answer.send(ready)
        except StopIteration as end:
            result: T = end.value
            return result


@contextmanager
def named_errors(url: LedgerUrl, what: str) -> Iterator[None]:
    """An error of the database becomes a ``LedgerError`` without the secrets of the URL."""
    try:
        yield
    except psycopg.Error as error:
        raise_alone(LedgerError(f"{url}: {what} ({_cause(url, error)})"))


def raise_alone(error: LedgerError) -> NoReturn:
    """Raise an error without the one that is handled, whose connection has the password."""
    try:
        raise error
    finally:
        error.__context__ = None


def _cause(url: LedgerUrl, error: psycopg.Error) -> str:
    if isinstance(error, errors.LockNotAvailable):
        return f"it is locked: another sender has been writing for {LOCK_TIMEOUT_S} seconds"
    text = error.diag.message_primary or str(error).strip().partition("\n")[0]
    return url.hide_in(text)


def connect(url: LedgerUrl) -> Connection:
    """A connection with the settings of a ledger.

    Raises:
        LedgerError: there is none, or the server is too old.
    """
    connection = _connected(url)
    try:
        _refuse_old(url, connection.info.server_version)
        with named_errors(url, "the ledger cannot be used"):
            connection.execute("SET statement_timeout = 0")  # the settings take some milliseconds
            settings = _SESSION | {"search_path": f"{sql.quoted(url.schema)}, pg_temp"}
            level = connection.execute("SELECT current_setting('synchronous_commit')").fetchone()
            if level != ("remote_apply",):
                settings["synchronous_commit"] = "on"
            connection.execute(_SET, (list(settings), list(settings.values())))
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_old(url: LedgerUrl, version: int) -> None:
    if version < OLDEST_SERVER:
        raise LedgerError(
            f"{url}: the server is PostgreSQL {version // 10_000}.{version % 10_000}; a ledger "
            f"needs {OLDEST_SERVER // 10_000} or newer; nothing was sent"
        )


def _connected(url: LedgerUrl) -> Connection:
    if url.is_shortened:
        raise LedgerError(
            f"{url}: this is how the URL of a ledger is shown, without its user, password and "
            "host; give the complete one with ledger= or MAILFRAME_LEDGER"
        )
    sql.refuse_name(url)
    given = _parameters(url)
    defaults: dict[str, Any] = {name: value for name, value in _CLIENT.items() if name not in given}
    if "connect_timeout" not in given and "PGCONNECT_TIMEOUT" not in os.environ:
        defaults["connect_timeout"] = _CONNECT_TIMEOUT_S
    with named_errors(url, "the database cannot be reached"):
        return Connection.connect(
            url.conninfo(),
            autocommit=True,
            prepare_threshold=None,
            fallback_application_name="mailframe",
            client_encoding="utf8",
            **defaults,
        )


def _parameters(url: LedgerUrl) -> set[str]:
    """The names of the parameters of a URL; libpq's error would quote a part of it."""
    with suppress(psycopg.Error, ValueError):
        if url.is_url:
            return set(conninfo.conninfo_to_dict(url.conninfo()))
    raise LedgerError(
        f"{url}: not a URL of PostgreSQL; write {EXAMPLE_URL}, with %-codes for special characters "
        "in its parts; nothing was sent"
    )


def refuse_server(connection: Connection, url: LedgerUrl, *, read_only: bool = False) -> None:
    """Refuse a server that cannot hold a ledger, or on which a commit could be lost.

    Args:
        connection: the connection.
        url: the URL of the ledger.
        read_only: whether the ledger is only read.

    Raises:
        LedgerError: with the setting.
    """
    with named_errors(url, "the ledger cannot be used"):
        row = connection.execute(_FACTS).fetchone()
    encoding, fsync, level, is_standby, is_read_only, path = row or ("",) * 6
    why = ""
    if path != f"{sql.quoted(url.schema)}, pg_temp":
        why = "the session does not keep its search_path"
    elif encoding != "UTF8":
        why = f"the encoding of the database is {encoding}; a ledger needs UTF8"
    elif read_only:
        return
    elif is_standby:
        why = "the server is a standby, which can only be read; give the URL of the primary"
    elif is_read_only != "off":
        why = "the role or the server allows only reading (default_transaction_read_only)"
    elif fsync != "on":
        why = f"the server has fsync={fsync}, so a crash can lose what was recorded"
    elif level not in DURABLE:
        why = f"synchronous_commit is {level} and cannot be set to on, so a crash can lose records"
    if why:
        raise LedgerError(f"{url}: {why}; nothing was sent")
