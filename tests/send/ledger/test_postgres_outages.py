"""A ledger on PostgreSQL whose server, connection or lock is lost during a send."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

import mailframe as mf
from mailframe import errors
from mailframe.paths import ledger_path
from mailframe.send.ledger import Ledger
from mailframe.send.ledger.postgres.connection import connect
from mailframe.send.pacing.pace import read_pacing
from mailframe.send.states import MessageState
from tests.campaigns import campaign, judge, people, send_with
from tests.postgres import MISSING
from tests.proxy import Proxy
from tests.send.interrupting import acting_at
from tests.send.ledger.child import Job, finish, start, wait_for
from tests.send.ledger.digests import random_digests
from tests.send.ledger.judging import age, judged

POSIX = pytest.mark.skipif(os.name != "posix", reason="os.kill would end the process on Windows")
ROWS = 900
"""Two batches."""


@pytest.fixture
def sandbox():
    """A Postmark over real sockets."""
    with mf.Sandbox() as opened:
        yield opened


def posts(sandbox: mf.Sandbox) -> int:
    """How many batches arrived."""
    return int((sandbox.requests()["path"] == "/email/batch").sum())


def end(server, sandbox, proxy) -> None:
    """An administrator ends the connection."""
    server.end_senders()


def cut(server, sandbox, proxy) -> None:
    """The network ends it."""
    proxy.cut()


def crash(server, sandbox, proxy) -> None:
    """The server crashes, and is started again after the run."""
    server.stop("immediate")


@pytest.mark.parametrize("lose", [end, cut, crash])
@pytest.mark.parametrize("request_number", [1, 2])
def test_a_connection_that_is_lost_during_a_request_ends_the_run_truly(
    request, sandbox, lose, request_number
):
    """The answer is in the results, the rest is unsent, and the next run makes no duplicate."""
    server = request.getfixturevalue("own_server" if lose is crash else "postgres")
    with Proxy(server.port) as proxy:
        url = server.tcp_url(port=proxy.port)

        def during(arrival):
            if posts(sandbox) + 1 >= request_number:
                lose(server, sandbox, proxy)

        sandbox.fault(during, path="/email/batch")
        with pytest.raises(errors.LedgerStopped, match="Run send again when the database") as stop:
            send_with(campaign(ROWS), sandbox.server, ledger=url)
        judge(stop.value.results, sandbox)
        accepted = (stop.value.results["status"] == "accepted").sum()
        assert accepted == len(sandbox.messages()) == (500 if request_number == 1 else ROWS)
        if lose is crash:
            server.start()
        sandbox._handler.schedule.clear()
        again = send_with(campaign(ROWS), sandbox.server, ledger=url)
        assert set(again["status"]) <= {"accepted", "skipped"}
        assert judged(people(ROWS), url, sandbox).fault == ""
    assert sandbox.messages()["To"].is_unique
    assert len(sandbox.messages()) == ROWS


@pytest.mark.parametrize("lose", [end, cut])
def test_a_connection_that_is_lost_in_a_wait_ends_the_run_when_the_next_batch_is_due(
    postgres, sandbox, lose
):
    """That batch is not posted; the next run sends it."""
    with Proxy(postgres.port) as proxy:
        url = postgres.tcp_url(port=proxy.port)
        paced = {"pacing": read_pacing(rate="2/s"), "ledger": url}
        with (
            acting_at(
                "wait", lambda: lose(postgres, sandbox, proxy), file="interrupts.py"
            ) as waited,
            pytest.raises(errors.LedgerStopped, match="was lost") as stop,
        ):
            send_with(campaign(4), sandbox.server, **paced)
        assert waited
        judge(stop.value.results, sandbox)
        assert stop.value.results["status"].tolist() == ["accepted"] * 2 + ["unsent"] * 2
        again = send_with(campaign(4), sandbox.server, **paced)
        assert again["status"].tolist() == ["skipped"] * 2 + ["accepted"] * 2
    assert sandbox.messages()["To"].is_unique


def test_a_commit_whose_answer_is_lost_posts_nothing(postgres, sandbox):
    """The claim may be on the disk: its rows are unknown, and not sent before they are released."""
    commits = [0]

    def watch(part: bytes) -> bytes:
        if b"COMMIT\0" in part:
            commits[0] += 1
            if commits[0] == 8:  # a test, tables, campaign, recovery, plan, key, letter, the claim
                proxy.cut_answers = True
        return part

    def answer(part: bytes) -> bytes:
        if proxy.cut_answers:
            proxy.cut()
            raise OSError
        return part

    with Proxy(postgres.port, questions=watch, answers=answer) as proxy:
        proxy.cut_answers = False
        url = postgres.tcp_url(port=proxy.port)
        with pytest.raises(errors.LedgerStopped) as stop:
            send_with(campaign(ROWS), sandbox.server, ledger=url)
        assert posts(sandbox) == 0
        assert set(stop.value.results["status"]) == {"unsent"}
        proxy.cut_answers = False
        again = send_with(campaign(ROWS), sandbox.server, ledger=url)
        states = again["status"].value_counts().to_dict()
        assert states == {"unknown": 500, "accepted": 400}
        age(url)
        mf.resolve(
            *("numbers", sandbox.server),
            as_="unsent",
            reason="a test",
            control="a@acme.example",
            ledger=url,
        )
        send_with(campaign(ROWS), sandbox.server, ledger=url)
        copies = sandbox.messages()["To"].value_counts()
        assert copies.drop("a@acme.example").eq(1).all()
        assert len(copies) == ROWS + 1


def held(url, sandbox, folder, point: str) -> tuple:
    """A sender of another process that waits at a point, and its job."""
    job = Job(
        people(ROWS),
        sandbox.url,
        url,
        str(folder / "report"),
        point=point,
        hold=str(folder),
        timeout_s=30.0,
    )
    child = start(job)
    wait_for(folder / "held")
    return child, job


def test_a_killed_sender_loses_its_lock_and_another_machine_goes_on(postgres, sandbox, tmp_path):
    """While it lives the campaign is busy; after SIGKILL its batch is found at Postmark."""
    url = postgres.url()
    child, job = held(url, sandbox, tmp_path, "before_t2")
    before = posts(sandbox)
    for call in (
        lambda: send_with(campaign(ROWS), sandbox.server, ledger=url),
        lambda: mf.reconcile("numbers", sandbox.server, ledger=url),
    ):
        with pytest.raises(errors.CampaignBusy):
            call()
    assert posts(sandbox) == before == 1
    assert mf.history(ledger=url)["sending"].tolist() == [500]
    os.kill(child.pid, signal.SIGKILL)
    assert finish(child, job) == ("killed", None)
    postgres.wait_until_alone()
    results = send_with(campaign(ROWS), sandbox.server, ledger=url)
    assert results["status"].value_counts().to_dict() == {"skipped": 500, "accepted": 400}
    assert judged(people(ROWS), url, sandbox).fault == ""


def test_a_sender_whose_session_was_ended_cannot_claim_although_it_still_runs(
    postgres, sandbox, tmp_path
):
    """Its lock is another's now: it posts no further batch, and the other makes no duplicate."""
    url = postgres.url()
    child, job = held(url, sandbox, tmp_path, "after_post")
    postgres.end_senders()
    results = send_with(campaign(ROWS), sandbox.server, ledger=url)
    (tmp_path / "go").touch()
    error, theirs = finish(child, job)
    assert error == "LedgerStopped"
    assert theirs["status"].value_counts().to_dict() == {"accepted": 500, "unsent": 400}
    assert set(results["status"]) == {"skipped", "accepted"}
    assert sandbox.messages()["To"].is_unique


def _claims(url: str, statement: int) -> None:
    """Plan, claim, record and claim; killed before that statement."""
    left = [statement]
    with Ledger(ledger_path(url)) as ledger:
        execute = ledger.db._connection.execute

        def counted(*arguments, **options):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return execute(*arguments, **options)

        ledger.db._connection.execute = counted
        record = ledger.campaign("test", "numbers")
        with ledger.lock_campaign(record):
            ids = ledger.plan(record, random_digests(6))
            first = ledger.claim(record, ids[:2], number=1, streams=["outbound"])
            ledger.record_and_claim(
                partial(ledger.record_unknown, first, "no reply"),
                partial(ledger.claim, record, ids[2:4], number=2, streams=["outbound"]),
            )
    os._exit(7)


STEPS = [
    ([], []),
    ([0] * 6, []),
    ([1, 1, 0, 0, 0, 0], ["sending"]),
    ([4, 4, 1, 1, 0, 0], ["unknown", "sending"]),
]


@pytest.mark.slow
def test_a_kill_between_any_two_statements_leaves_one_of_the_recorded_steps(postgres):
    """Never half of a transaction, and each later kill leaves the same step or a later one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.send.ledger.test_postgres_outages"])
    reached = []
    for statement in range(random.choice([1, 2]), 200, 2):  # the other half in another run
        url = postgres.url()
        Ledger(ledger_path(url)).close()
        child = context.Process(target=_claims, args=(url, statement))
        child.start()
        child.join(60)
        postgres.wait_until_alone()
        with Ledger(ledger_path(url)) as ledger:
            parts = [ledger.recorded_messages(record) for record, _ in ledger.campaigns()]
            states = [state for part in parts for state in part.states.tolist()]
            requests = [row[0] for row in ledger.db.all("SELECT state FROM attempt ORDER BY id")]
            reached.append(STEPS.index((states, requests)))
            for record, _ in ledger.campaigns():
                with ledger.lock_campaign(record):
                    ledger.recover(record)
                assert MessageState.SENDING not in ledger.counts(record)
        if child.exitcode == 7:
            break
        assert child.exitcode == -signal.SIGKILL
    assert reached == sorted(reached)
    assert set(reached) == set(range(len(STEPS)))


@pytest.mark.parametrize("level", ["read committed", "serializable"])
def test_openers_at_the_same_instant_create_the_tables_once(postgres, level):
    """Threads of one process, as machines would, whatever isolation the role has."""
    role = level.replace(" ", "_")
    postgres.run(
        f"CREATE ROLE {role} LOGIN SUPERUSER",
        f"ALTER ROLE {role} SET default_transaction_isolation = '{level}'",
    )
    url = ledger_path(postgres.url(user=role))
    with ThreadPoolExecutor(6) as pool:
        salts = list(pool.map(_salt, [url] * 6))
    assert len(set(salts)) == 1


@pytest.mark.parametrize("query", [b"has_database_privilege", b"relpersistence"])
def test_a_ledger_that_is_made_between_two_questions_can_be_used(postgres, query):
    """Its schema was looked for before it was there, and its tables after that."""
    schema = ledger_path(postgres.url()).schema

    def ask(part: bytes) -> bytes:
        if query in part and postgres.run(f"SELECT to_regnamespace('{schema}')") == [(None,)]:
            Ledger(ledger_path(postgres.url(schema))).close()
        return part

    with Proxy(postgres.port, questions=ask) as proxy:
        Ledger(ledger_path(postgres.tcp_url(schema, port=proxy.port))).close()


def _salt(url) -> bytes:
    with Ledger(url) as ledger:
        return ledger._salt


def test_a_lock_that_another_client_of_the_session_released_is_noticed(postgres):
    """As by a pooler that was not recognized: the claim is refused."""
    with Ledger(ledger_path(postgres.url())) as ledger:
        record = ledger.campaign("test", "numbers")
        ids = ledger.plan(record, random_digests(2))
        with ledger.lock_campaign(record):
            ledger.db.run("SELECT pg_advisory_unlock_all()")
            with pytest.raises(errors.LedgerError, match="pooler"):
                ledger.claim(record, ids, number=1, streams=["outbound"])
        assert ledger.counts(record) == {MessageState.PLANNED: 2}


def test_a_server_that_falls_silent_is_lost(postgres):
    """Its connection stays open, as by a tunnel or a proxy whose own network is gone."""
    goes_on = threading.Event()
    goes_on.set()

    def answer(part: bytes) -> bytes:
        goes_on.wait()
        return part

    with Proxy(postgres.port, answers=answer) as proxy:
        url = ledger_path(postgres.tcp_url(port=proxy.port))
        with Ledger(url) as ledger:
            record = ledger.campaign("test", "numbers")
            ids = ledger.plan(record, random_digests(2))
            ledger.db._connection.silence_s = 0.3
            with ledger.lock_campaign(record):
                goes_on.clear()
                with pytest.raises(
                    errors.LedgerError, match=r"lost \(no answer for 0\.3 seconds\)"
                ):
                    ledger.claim(record, ids, number=1, streams=["outbound"])
                goes_on.set()
                with pytest.raises(errors.LedgerError, match="was lost"):
                    ledger.claim(record, ids, number=1, streams=["outbound"])
    with Ledger(ledger_path(postgres.url(url.schema))) as ledger:
        assert ledger.counts(record) == {MessageState.PLANNED: 2}


def test_a_writer_that_waits_too_long_says_that_the_ledger_is_locked(postgres):
    """As SQLite: after 30 seconds; here the other way, by a session that waits for less."""
    url = ledger_path(postgres.url())
    with Ledger(url) as first, Ledger(url) as second:
        second.db.run("SET lock_timeout = '50ms'")
        with (
            first.db.transaction(),
            pytest.raises(errors.LedgerError, match="is locked"),
            second.db.transaction(),
        ):
            pass
        record = second.campaign("test", "numbers")
    assert record.name == "numbers"


@POSIX
def test_an_interrupt_while_a_writer_waits_leaves_the_connection_usable(postgres):
    """Ctrl-C ends the query on the server, and the transaction is undone."""
    url = ledger_path(postgres.url())
    with Ledger(url) as first, Ledger(url) as second:
        with first.db.transaction():
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
            with pytest.raises(KeyboardInterrupt):
                second.campaign("test", "numbers")
        assert second.campaigns() == []
        assert second.campaign("test", "numbers").name == "numbers"


def test_the_settings_of_the_session_are_those_of_a_ledger(postgres):
    """A role with time limits does not end a send, and a machine that is gone loses its lock."""
    postgres.run(
        "CREATE ROLE limited LOGIN SUPERUSER",
        "ALTER ROLE limited SET statement_timeout = '1s'",
        "ALTER ROLE limited SET idle_session_timeout = '1s'",
        "ALTER ROLE limited SET idle_in_transaction_session_timeout = '1s'",
    )
    url = ledger_path(postgres.tcp_url())
    with connect(url) as connection:
        for name in ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count"):
            [value] = connection.execute(f"SHOW {name}").fetchone()
            assert 0 < int(value) <= 30
    limited = ledger_path(postgres.url(user="limited"))
    with connect(limited) as connection:
        connection.execute("SELECT pg_sleep(1.2)")
    with Ledger(limited) as ledger:
        record = ledger.campaign("test", "numbers")
        with ledger.lock_campaign(record):
            time.sleep(1.2)
            ledger.recover(record)


@POSIX
def test_the_server_of_tests_that_were_killed_ends():
    """And its folder is removed."""
    if MISSING:
        pytest.skip(MISSING)
    code = (
        "import os, signal\nfrom tests.postgres import PostgresServer\nserver = PostgresServer()\n"
        "print(server.folder, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGKILL
    folder = Path(done.stdout.decode().strip())
    until = time.monotonic() + 30
    while folder.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
