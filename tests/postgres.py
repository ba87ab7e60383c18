"""A PostgreSQL server of the tests: its own folder and socket, ended with the tests.

It is PostgreSQL from Debian. The server refuses to run as root, so that it runs as ``postgres``
or ``nobody`` where the tests run as root.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Self

import psycopg
import pytest

FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
MISSING = "" if FOLDERS else "PostgreSQL is not installed (apt-get install postgresql)"
"""Why there is no server; "" if there is one."""
PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
PASSWORD = "s3cret-pass/word"
SUPERUSER = "root_of_tests"
_NUMBERS = count(1)
_WATCH = """
cat > /dev/null
if read -r server < "$1"; then
    kill -QUIT "$server"
    while kill -0 "$server"; do sleep 0.02; done
fi 2> /dev/null
rm -rf "$2"
"""
"""Stops a server and removes its folder when the tests close its input, or end in any other way."""
on_files = pytest.mark.parametrize("on_both", ["sqlite"], indirect=True)
"""Marks a test of the file itself in a module whose tests run on both kinds of ledgers."""


def _user() -> str | None:
    """The user that runs the server; None for the user that runs the tests."""
    if os.getuid():
        return None
    import pwd  # noqa: PLC0415 - Windows has none

    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class PostgresServer:
    """A server with fsync, on a socket of its own and on a port of 127.0.0.1 with a password."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mf-pg-"))
        self.data = self.folder / "data"
        self.user = _user()
        if self.user:
            shutil.chown(self.folder, self.user)
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "sh", self.data / "postmaster.pid", self.folder],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        password = self.folder / "password"
        password.write_text(PASSWORD)
        self._run(
            *("initdb", "-D", self.data, "-U", SUPERUSER, "-E", "UTF8", "--locale=C"),
            *("--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256"),
            f"--pwfile={password}",
        )
        self.start()

    def _run(self, program: str, *arguments: object) -> None:
        done = subprocess.run(
            [FOLDERS[0] / program, *map(str, arguments)],
            user=self.user,
            cwd=self.folder,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )
        assert done.returncode == 0, done.stdout.decode()

    def pooler(self, mode: str) -> Pooler:
        """PgBouncer in front of this server, with one session for all clients of a user."""
        return Pooler(self, mode)

    def start(self, **settings: str) -> None:
        """Start the server, with settings for this start, and wait until it answers."""
        wanted = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "max_connections": "60",
            "shared_buffers": "16MB",
            **settings,
        }
        options = " ".join(f"-c {name}={value}" for name, value in wanted.items())
        log = self.folder / "log"
        self._run("pg_ctl", "-D", self.data, "-l", log, "-w", "-s", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; ``immediate`` is a crash, after which it recovers when it is started."""
        with contextlib.suppress(AssertionError):  # it is not running
            self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "-s", "stop")

    def close(self) -> None:
        """Stop it and remove its folder."""
        self._watcher.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # --- its URLs ------------------------------------------------------------------------------

    def url(
        self, schema: str | None = None, *, user: str = SUPERUSER, database: str = "postgres"
    ) -> str:
        """The URL of a ledger by the socket; each has a schema of its own unless one is named."""
        schema = schema or f"ledger_{next(_NUMBERS)}"
        return (
            f"postgresql://{user}@/{database}?host={self.folder}&port={self.port}&schema={schema}"
        )

    def tcp_url(
        self,
        schema: str | None = None,
        *,
        user: str = SUPERUSER,
        port: int | None = None,
        database: str = "postgres",
    ) -> str:
        """The URL by 127.0.0.1, with a password."""
        schema = schema or f"ledger_{next(_NUMBERS)}"
        password = PASSWORD.replace("/", "%2F")
        where = f"127.0.0.1:{port or self.port}/{database}"
        return f"postgresql://{user}:{password}@{where}?schema={schema}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection of the superuser."""
        return psycopg.connect(
            host=str(self.folder),
            port=self.port,
            user=SUPERUSER,
            dbname=database,
            autocommit=True,
        )

    def run(self, *statements: str, database: str = "postgres") -> list[tuple]:
        """Run statements as the superuser; the rows of the last one."""
        with self.connect(database) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def senders(self) -> list[int]:
        """The processes that serve ledgers now."""
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'mailframe'"
        return [pid for (pid,) in self.run(query)]

    def end_senders(self) -> None:
        """End all connections of ledgers, as an administrator can, and wait until they are gone."""
        for pid in self.senders():
            self.run(f"SELECT pg_terminate_backend({pid})")
        self.wait_until_alone()

    def wait_until_alone(self) -> None:
        """Wait until no ledger is connected."""
        until = time.monotonic() + 30
        while self.senders():
            assert time.monotonic() < until, "a ledger is still connected"
            time.sleep(0.01)


class Pooler:
    """PgBouncer in front of a server.

    Args:
        server: to which it leads.
        mode: its ``pool_mode``.
    """

    def __init__(self, server: PostgresServer, mode: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        folder = Path(tempfile.mkdtemp(dir=server.folder))
        users = folder / "users.txt"
        users.write_text(f'"{SUPERUSER}" "{PASSWORD}"\n')
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = host={server.folder} port={server.port}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = plain\nauth_file = {users}\npool_mode = {mode}\n"
            "default_pool_size = 4\n"
        )
        for path in (folder, users, settings):
            if server.user:
                shutil.chown(path, server.user)
        self._process = subprocess.Popen(
            [PGBOUNCER or "", "-q", str(settings)], user=server.user, cwd=folder
        )
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.02)
        raise AssertionError("PgBouncer does not answer")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        self._process.wait()
