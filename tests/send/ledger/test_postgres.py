"""A ledger on PostgreSQL: its tables, its rights, what it refuses, and that its URL is a secret."""

from __future__ import annotations

import copy
import io
import logging
import os
import pickle
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console
from rich.traceback import Traceback

import mailframe as mf
from mailframe import errors
from mailframe.paths import LedgerUrl, ledger_path
from mailframe.send.ledger import Ledger
from mailframe.send.ledger.postgres import schema
from mailframe.send.ledger.postgres.connection import connect
from tests.campaigns import campaign, judge, people, send_with
from tests.postgres import PASSWORD, PGBOUNCER, SUPERUSER
from tests.proxy import Proxy
from tests.send.ledger.judging import judged

TABLES = (*schema.READ, *schema.WRITTEN)


@pytest.fixture
def sandbox():
    """A Postmark without a socket."""
    with mf.Sandbox(in_process=True) as opened:
        yield opened


def contents(server, name: str, database: str = "postgres") -> dict[str, list[tuple]]:
    """All rows of a ledger."""
    return {
        table: server.run(f'SELECT * FROM "{name}".{table} ORDER BY 1', database=database)  # noqa: S608
        for table in TABLES
    }


def refused(url: str, sandbox: mf.Sandbox, match: str) -> errors.MailframeError:
    """The error of a send, which posts nothing and has a status for each row."""
    with pytest.raises(errors.MailframeError, match=match) as caught:
        send_with(campaign(3), sandbox.server, ledger=url)
    assert len(sandbox.messages()) == 0
    assert len(caught.value.results) == 3
    return caught.value


# --- schemas and tables --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mailframe", "team_1", 'Team "A"', "équipe; DROP", "select"])
def test_a_schema_is_created_with_the_tables_of_the_file(postgres, tmp_path, sandbox, name):
    """Whatever its name: the tables and columns of the SQLite file, and the version beside them."""
    quoted = name.replace("%", "%25").replace(" ", "%20").replace('"', "%22").replace(";", "%3B")
    url = postgres.url(quoted)
    send_with(campaign(3), sandbox.server, ledger=url)
    with closing(sqlite3.connect(tmp_path / "a")) as file:
        Ledger(tmp_path / "a").close()
        in_file = {
            (table, row[1])
            for table in TABLES
            for row in file.execute(f"PRAGMA table_info({table})")
        }
    query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema ="
    there = {row for row in postgres.run(f"{query} '{name}'") if row[0] != "version"}
    assert there == in_file
    assert mf.history(ledger=url)["accepted"].tolist() == [3]
    postgres.run('DROP SCHEMA "' + name.replace('"', '""') + '" CASCADE')


def test_two_teams_share_a_database_and_no_campaign(postgres, sandbox):
    """Each schema is a ledger: the same campaign was sent in one of them alone."""
    one, other = postgres.url(), postgres.url()
    with Ledger(ledger_path(one)) as first, Ledger(ledger_path(other)) as second:
        record = first.campaign("test", "numbers")
        with first.lock_campaign(record), second.lock_campaign(second.campaign("test", "numbers")):
            pass
    send_with(campaign(2), sandbox.server, ledger=one)
    with pytest.raises(errors.LedgerBehind, match=r"2 messages.*ledger='postgresql://…/postgres"):
        send_with(campaign(2), sandbox.server, ledger=other)


def test_a_newer_ledger_is_refused_and_an_older_one_upgraded_once(postgres, sandbox):
    """By the first opener; a reader says who can do it."""
    url = ledger_path(postgres.url())
    Ledger(url).close()
    steps = [*schema.STEPS, "CREATE TABLE added (id int)"]
    for _ in range(2):
        with connect(url) as connection:
            schema.create_or_upgrade(connection, url, steps=steps)
    refused(url, sandbox, rf"of a newer mailframe \(version {len(steps)}, not {len(steps) - 1}\)")
    postgres.run(f"UPDATE {url.schema}.version SET number = 0")  # noqa: S608 - our own name
    with pytest.raises(errors.LedgerError, match="of an older mailframe"):
        Ledger(url, copied=True)


def test_a_schema_with_something_else_is_refused(postgres, sandbox):
    """Other tables, and tables that a crash would empty."""
    postgres.run("CREATE SCHEMA shop", "CREATE TABLE shop.campaign (id int)")
    refused(postgres.url("shop"), sandbox, "has tables, but not those of a ledger")
    url = ledger_path(postgres.url())
    Ledger(url).close()
    postgres.run(f"ALTER TABLE {url.schema}.exceptional SET UNLOGGED")
    refused(url, sandbox, "exceptional is UNLOGGED")


@pytest.mark.parametrize("name", ["pg_team", "information_schema", "a" * 64, ""])
def test_a_name_that_is_no_schema_of_ones_own_is_refused(postgres, sandbox, name):
    """PostgreSQL would cut it, or it is its own."""
    url = f"postgresql:///postgres?host={postgres.folder}&port={postgres.port}&schema={name}"
    refused(url, sandbox, "schema='")


@pytest.mark.parametrize(
    ("there", "named"), [("Team_b", "team_b"), ("caf\u00e9", "cafe\u0301"), ("team_c", "TEAM_C")]
)
def test_a_schema_that_differs_by_case_or_unicode_form_is_no_second_ledger(
    postgres, sandbox, there, named
):
    """Until somebody makes it; a reader would see an empty history."""
    Ledger(ledger_path(postgres.url(there))).close()
    url = postgres.url(named)
    error = refused(url, sandbox, "which is another one")
    with pytest.raises(errors.LedgerError, match="which is another one"):
        mf.history(ledger=url)
    statement = str(error).partition("run: ")[2].removesuffix("; nothing was sent")
    postgres.run(statement)
    assert mf.history(ledger=url).empty
    Ledger(ledger_path(url)).close()


# --- roles ---------------------------------------------------------------------------------------


def test_a_sender_needs_no_more_than_the_grants_and_a_reader_reads(postgres, sandbox):
    """The errors name the statements; with them it works."""
    postgres.run("DROP DATABASE IF EXISTS roles", "CREATE DATABASE roles")
    for role in ("owner_1", "sender_1", "reader_1"):
        postgres.run(f"CREATE ROLE {role} LOGIN")
    owner, sender, reader = (
        postgres.url("team", user=role, database="roles")
        for role in ("owner_1", "sender_1", "reader_1")
    )
    granted = []
    while len(granted) < 5:
        try:
            send_with(campaign(3), sandbox.server, ledger=sender if granted else owner)
        except errors.LedgerError as error:
            statements = str(error).partition("can run: ")[2].removesuffix("; nothing was sent")
            granted += statements.split("; ")
            postgres.run(*statements.split("; "), database="roles")
            Ledger(ledger_path(owner)).close()
        else:
            break
    assert granted[0] == 'CREATE SCHEMA "team" AUTHORIZATION "owner_1"'
    assert [re.split(" ON | TO ", one)[0] for one in granted[1:]] == [
        "GRANT USAGE",
        "GRANT SELECT",
        "GRANT INSERT, UPDATE, DELETE",
    ]
    with pytest.raises(errors.LedgerError, match="GRANT SELECT ON ALL TABLES") as caught:
        mf.history(ledger=reader)
    statements = str(caught.value).partition("can run: ")[2].removesuffix("; nothing was sent")
    assert "INSERT" not in statements
    postgres.run(*statements.split("; "), database="roles")
    before = contents(postgres, "team", "roles")
    assert mf.history(ledger=reader)["accepted"].tolist() == [3]
    assert set(mf.audit("numbers", sandbox.server, ledger=reader)["finding"]) == {"agreed"}
    with pytest.raises(errors.LedgerError, match="GRANT INSERT, UPDATE, DELETE"):
        send_with(campaign(3), sandbox.server, ledger=reader)
    with pytest.raises(errors.LedgerError, match="lacks rights"):
        mf.reconcile("numbers", sandbox.server, ledger=reader)
    assert contents(postgres, "team", "roles") == before


# --- the server ----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_an_encoding_that_cannot_hold_every_name_is_refused(postgres, sandbox, encoding):
    """Texts would be bytes without a meaning, or could not be recorded after an answer."""
    database = encoding.lower()
    postgres.run(f"CREATE DATABASE {database} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    refused(postgres.url(database=database), sandbox, f"is {encoding}; a ledger needs UTF8")


@pytest.mark.parametrize("level", ["off", "local", "remote_write"])
def test_a_commit_waits_for_the_disk_whatever_the_role_says(postgres, sandbox, level):
    """The session sets it; a database that sets it back within a transaction is refused."""
    postgres.run(
        f"CREATE ROLE hasty_{level} LOGIN SUPERUSER",
        f"ALTER ROLE hasty_{level} SET synchronous_commit = {level}",
    )
    url = ledger_path(postgres.url(user=f"hasty_{level}"))
    assert set(send_with(campaign(3), sandbox.server, ledger=url)["status"]) == {"accepted"}
    postgres.run(
        f"CREATE FUNCTION {url.schema}.hurry() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$BEGIN PERFORM set_config('synchronous_commit', '{level}', true); RETURN NEW; END$$",
        f"CREATE TRIGGER hurry BEFORE INSERT ON {url.schema}.attempt "
        f"FOR EACH ROW EXECUTE FUNCTION {url.schema}.hurry()",
    )
    with pytest.raises(errors.LedgerStopped, match=f"set synchronous_commit to {level}"):
        send_with(campaign(4), sandbox.server, ledger=url)
    assert len(sandbox.messages()) == 3


def test_a_server_that_may_lose_commits_or_only_reads_is_refused(own_server, sandbox):
    """Fsync is off, the role only reads, or it is a standby; a reader may use the last two."""
    server = own_server
    url = ledger_path(server.url())
    Ledger(url).close()
    server.run(
        "CREATE ROLE careful LOGIN SUPERUSER",
        "ALTER ROLE careful SET default_transaction_read_only = on",
    )
    careful = server.url(url.schema, user="careful")
    refused(careful, sandbox, "allows only reading")
    assert mf.history(ledger=careful).empty
    server.stop("fast")
    server.start(fsync="off")
    refused(url, sandbox, "fsync=off")
    server.stop("fast")
    (server.data / "standby.signal").touch()
    server.start()
    refused(url, sandbox, "is a standby")
    assert mf.history(ledger=url).empty


def test_an_old_server_is_refused_with_its_version(postgres, sandbox):
    """A proxy changes the version that the server reports."""
    [[version]] = postgres.run("SHOW server_version")
    old = ("12" + version[2:]).encode()
    with Proxy(postgres.port, answers=lambda part: part.replace(version.encode(), old)) as proxy:
        refused(postgres.tcp_url(port=proxy.port), sandbox, r"PostgreSQL 12\.\d+; .* needs 13")


@pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")
@pytest.mark.parametrize(
    ("mode", "is_refused"), [("session", False), ("transaction", True), ("statement", True)]
)
def test_a_pooler_that_breaks_the_locks_of_a_session_is_refused(
    postgres, sandbox, mode, is_refused
):
    """Two clients would get the same session, with the lock of the other."""
    with postgres.pooler(mode) as pooler:
        url = postgres.tcp_url(port=pooler.port)
        if is_refused:
            for _ in range(3):
                refused(url, sandbox, "pooler|transaction" if mode == "statement" else "pooler")
        else:
            for _ in range(2):
                results = send_with(campaign(3), sandbox.server, ledger=url)
            assert set(results["reason"]) == {"already_sent"}


# --- the URL is a secret -------------------------------------------------------------------------


def shown(error: BaseException) -> str:
    """The error with its traceback and the local variables of all frames but those of the test."""
    while error.__traceback__ and error.__traceback__.tb_frame.f_code.co_filename == __file__:
        error.__traceback__ = error.__traceback__.tb_next  # the test has the URL itself
    out = io.StringIO()
    console = Console(file=out, width=300)
    trace = Traceback.from_exception(
        type(error), error, error.__traceback__, show_locals=True, locals_max_string=None
    )
    console.print(trace)
    return out.getvalue() + str(error) + repr(error)


BREAKS = {
    "another password": lambda url: url.replace("s3cret-pass%2Fword", "s3cret-other"),
    "no server": lambda url: re.sub(r":\d+/", ":1/", url),
    "no such database": lambda url: url.replace("/postgres?", "/s3cretless?"),
    "malformed": lambda url: url.replace("%2F", "%2"),
    "a wrong parameter": lambda url: url + "&nonsense=s3cret-value",
    "as libpq": lambda url: "host=127.0.0.1 dbname=postgres password=s3cret-value",
    "as Java": lambda url: "jdbc:" + url,
    "a slash too few": lambda url: url.replace("//", "/"),
    "as it is shown": lambda url: str(LedgerUrl(url)),
    "no name of a schema": lambda url: re.sub("schema=.*", "schema=pg_a", url),
}


@pytest.mark.parametrize("kind", BREAKS)
def test_no_error_shows_the_password(postgres, sandbox, caplog, kind, monkeypatch):
    """Nor the user and the URL; also not in a traceback with local variables, nor in a log."""
    caplog.set_level(logging.DEBUG)
    url = BREAKS[kind](postgres.tcp_url())
    calls = (
        lambda: mf.history(ledger=url),
        lambda: mf.reconcile("numbers", sandbox.server, ledger=url),
        lambda: mf.resolve("a", sandbox.server, as_="unsent", reason="b", ledger=url),
        lambda: mf.adopt("numbers", sandbox.server, ledger=url),
        lambda: mf.audit("numbers", sandbox.server, ledger=url),
        lambda: mf.forget("a@example.com", ledger=url),
        lambda: mf.prune(ledger=url),
        lambda: campaign(3).send(sandbox.server, progress=False, ledger=url),
        lambda: campaign(3).send(sandbox.server, progress=False),
    )
    monkeypatch.setenv("MAILFRAME_LEDGER", url)
    for call in calls if kind == "another password" else calls[-2:]:
        with pytest.raises(errors.LedgerError) as caught:
            call()
        assert caught.value.__context__ is caught.value.__cause__ is None  # psycopg's own error
        text = shown(caught.value) + caplog.text
        assert "s3cret-" not in text
        assert "•••@" not in text
    assert "nothing was sent" in text or "cannot be reached" in text or "complete one" in text


def test_the_error_without_psycopg_has_the_command_that_installs_it():
    """Nothing is sent, and the rows have a status."""
    code = (
        "import sys\nsys.modules['psycopg'] = None\nimport mailframe as mf\n"
        "from tests.campaigns import campaign\n"
        "with mf.Sandbox(in_process=True) as sandbox:\n"
        "    for call in (lambda: mf.history(ledger='postgresql://a:s3cret-@b/c'),\n"
        "        lambda: campaign(2).send(sandbox.server, ledger='postgresql://a:s3cret-@b/c')):\n"
        "        try:\n            call()\n"
        "        except mf.errors.MissingExtra as error:\n            print(error)\n"
        "    print(len(sandbox.messages()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    line = 'a ledger on PostgreSQL needs the extra "postgres": pip install "mailframe[postgres]"'
    assert done.stdout.splitlines() == [line, line, "0"]


def test_nothing_that_is_kept_shows_the_url(postgres, sandbox, monkeypatch):
    """Results, summary lines, the URL object, the advice; a copy is the object, a pickle none."""
    url = postgres.tcp_url()
    sandbox.fault("close_lost")
    results = send_with(campaign(3), sandbox.server, ledger=url)
    place = ledger_path(url)
    schema_name = place.schema
    assert str(place) == f"postgresql://…/postgres?schema={schema_name}"
    assert f"mf.reconcile('numbers', server, ledger={str(place)!r})" in results.summary_line
    text = repr(results) + results._repr_html_() + str(pickle.dumps(results)) + repr([place])
    for secret in (PASSWORD, "s3cret", SUPERUSER, "127.0.0.1"):
        assert secret not in text
    assert copy.deepcopy(place) is place
    with pytest.raises(errors.NotPicklable):
        pickle.dumps(place)
    monkeypatch.setenv("MAILFRAME_LEDGER", url)
    again = campaign(3).send(sandbox.server, progress=False)
    assert "mf.reconcile('numbers', server) asks" in again.summary_line


def test_a_url_of_sqlalchemy_and_variables_of_libpq_work(postgres, monkeypatch):
    """``postgresql+psycopg://``, PGPASSWORD in place of a password, and ``postgres://``."""
    url = postgres.tcp_url("spellings")
    Ledger(ledger_path(url)).close()
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    for one in (
        url.replace("postgresql:", "postgresql+psycopg:"),
        url.replace("postgresql:", "postgres:"),
        re.sub(":s3cret.*@", "@", url),
    ):
        assert mf.history(ledger=one).empty
    with pytest.raises(errors.LedgerError, match="not a URL of PostgreSQL"):
        mf.history(ledger=Path(url))  # it has lost a slash


# --- dry runs, tools, texts ----------------------------------------------------------------------


def test_a_dry_run_changes_nothing_and_sees_a_sender(postgres, sandbox):
    """Neither before the first send, when it creates nothing, nor after it."""
    url = ledger_path(postgres.url())
    for _ in range(2):
        dry = send_with(campaign(4), sandbox.server, ledger=url, dry_run=True)
        assert set(dry["reason"]) == {"dry run"}
    assert postgres.run(f"SELECT to_regnamespace('{url.schema}')") == [(None,)]
    send_with(campaign(4), sandbox.server, ledger=url, limit=2)
    before = contents(postgres, url.schema)
    dry = send_with(campaign(4), sandbox.server, ledger=url, dry_run=True)
    assert dry["status"].tolist() == ["skipped", "skipped", "unsent", "unsent"]
    assert contents(postgres, url.schema) == before
    with (
        Ledger(url) as ledger,
        ledger.lock_campaign(ledger.campaigns()[0][0]),
        pytest.raises(errors.CampaignBusy),
    ):
        send_with(campaign(4), sandbox.server, ledger=url, dry_run=True)


def test_what_is_forgotten_is_gone_from_the_disk_after_vacuum_full(postgres, sandbox):
    """Until then the digest is in a row that no query shows, as docs/teams.md says."""
    url = ledger_path(postgres.url())
    send_with(campaign(3), sandbox.server, ledger=url)
    with Ledger(url) as ledger:
        [(record, _)] = ledger.campaigns()
        digest = ledger.recorded_messages(record).addresses[1].tobytes()

    def is_on_disk() -> bool:
        postgres.run("CHECKPOINT")
        base = postgres.data / "base"
        return any(digest in path.read_bytes() for path in base.rglob("*") if path.is_file())

    assert is_on_disk()
    assert mf.forget("p1@example.com", ledger=url) == 1
    with Ledger(url) as ledger:
        assert not ledger.recorded_messages(record).addresses[1].any()
    assert is_on_disk()
    names = ", ".join(f"{url.schema}.{name}" for name in ("pack", "outcome", "exceptional"))
    postgres.run(f"VACUUM FULL {names}")
    assert not is_on_disk()


def test_a_text_with_a_nul_is_recorded(postgres, sandbox):
    """PostgreSQL stores none; what follows an answer must not fail."""
    url = ledger_path(postgres.url())
    with Ledger(url) as ledger:
        record = ledger.campaign("test", "numbers")
        with ledger.db.transaction():
            ledger.record_decision(record, "adopt", 1, "a\0b")
        assert ledger.db.one("SELECT reason FROM decision") == ("a\N{REPLACEMENT CHARACTER}b",)
        with pytest.raises(errors.LedgerError, match="could not be"), ledger.db.transaction():
            ledger.db.run("UPDATE campaign SET key = ? WHERE id = ?", (people, record.id))


def test_a_failed_statement_that_is_caught_does_not_commit_the_rest(postgres):
    """PostgreSQL would answer COMMIT with ROLLBACK, which looks like a success."""
    url = ledger_path(postgres.url())
    with Ledger(url) as ledger:
        record = ledger.campaign("test", "numbers")

        def write():
            with ledger.db.transaction():
                ledger.record_decision(record, "adopt", 1, "kept?")
                ledger.db.run("SELECT 1 / 0")  # sent with the next one
                with pytest.raises(errors.LedgerError, match="division by zero"):
                    ledger.db.all("SELECT * FROM decision")

        with pytest.raises(errors.LedgerError, match="current transaction is aborted"):
            write()
        assert ledger.db.all("SELECT * FROM decision") == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore")
def test_a_ledger_is_refused_in_a_forked_child_and_stays_open_in_its_parent(postgres):
    """The child would share the connection and the locks of its parent."""
    with Ledger(ledger_path(postgres.url())) as ledger:
        record = ledger.campaign("test", "numbers")
        child = os.fork()
        if child == 0:
            try:
                with ledger:
                    ledger.recover(record)
            except errors.LedgerError as error:
                os._exit(0 if "fork" in str(error) else 2)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert ledger.recover(record) == 0


def test_a_batch_takes_eight_round_trips(postgres, sandbox):
    """The record of an answer and the claim of the next batch, in one transaction."""
    trips, seen = [0], []

    def count(part: bytes) -> bytes:
        trips[0] += part.count(b"Z\0\0\0\5T")  # the server is ready, within a transaction
        trips[0] += part.count(b"Z\0\0\0\5I")
        return part

    sandbox.fault(lambda _: seen.append(trips[0]), path="/email/batch")
    with Proxy(postgres.port, answers=count) as proxy:
        send_with(campaign(1_600), sandbox.server, ledger=postgres.tcp_url(port=proxy.port))
    _, second, third, fourth = seen
    assert third - second == fourth - third == 8


def test_the_whole_of_a_campaign_is_as_on_a_file(postgres, sandbox):
    """A lost answer, a second run, and the tools."""
    url = postgres.url()
    sandbox.fault("close_accepted", request=2)
    first = send_with(campaign(1_200), sandbox.server, ledger=url)
    judge(first, sandbox)
    again = send_with(campaign(1_200), sandbox.server, ledger=url)
    assert set(again["reason"]) == {"already_sent"}
    assert again["MessageID"].tolist() == first["MessageID"].tolist()
    assert judged(people(1_200), url, sandbox).fault == ""
    assert mf.prune("1 days", ledger=url) == 0
