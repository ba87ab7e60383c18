"""The commands: what they print and write, and the exit code of each ending."""

from __future__ import annotations

import json
import os

import pytest

import mailframe as mf
from mailframe.command import refusals
from mailframe.command.arguments import make_parser
from mailframe.command.output import Output, plain
from mailframe.command.running import report
from mailframe.demo import sample_data
from mailframe.limits import STREAMS
from tests.command.commands import BAD_PEOPLE, PEOPLE, desk, facts, in_process

CAMPAIGN = ("letter", "people.csv", "--name", "spring", "--key", "id")


@pytest.fixture
def sandbox():
    """A local Postmark on a socket."""
    with mf.Sandbox() as local:
        yield local


def live(sandbox) -> tuple[str, ...]:
    """The options that post to a sandbox."""
    return ("--live", "--base-url", sandbox.url)


# --- send ----------------------------------------------------------------------------------------


def test_without_live_nothing_is_posted_or_written(tmp_path, sandbox):
    """It counts what would be posted, and shows the fingerprint; ``--out`` is not written."""
    folder = desk(tmp_path)
    arguments = ("send", *CAMPAIGN, "--base-url", sandbox.url, "--out", "results.csv")
    done = in_process(*arguments, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Dry run of spring: nothing was sent. --live would post 2 messages in 1 batch." in (
        done.stdout
    )
    members = facts(*arguments, cwd=folder)
    assert (members["dry_run"], members["messages"], members["out"]) == (True, 2, None)
    assert members["fingerprint"] in done.stdout
    assert {path.name for path in folder.iterdir()} == {"letter", "people.csv"}
    assert len(sandbox.messages()) == 0


def test_a_dry_run_without_a_token_asks_nobody(tmp_path, monkeypatch):
    """The checks are those of a live server, and a warning says what was not asked."""
    monkeypatch.delenv("POSTMARK_SERVER_TOKEN", raising=False)
    folder = desk(
        tmp_path, "id,email,zip,seats,name\n1,ann@gmail.com,1,2,Ann\n2,b@x.example,1,2,B\n"
    )
    done = in_process("send", *CAMPAIGN, "--on-invalid", "skip", cwd=folder)
    assert "no token in POSTMARK_SERVER_TOKEN, so Postmark and the ledger were not asked" in (
        done.stderr
    )
    assert "would post 1 message in 1 batch" in done.stdout
    assert "documentation_domain" in done.stdout
    assert done.returncode == 1


def test_live_posts_once_and_the_same_command_again_posts_nothing(tmp_path, sandbox):
    """The ledger is used; the results have the rows of the file."""
    folder = desk(tmp_path)
    first = facts("send", *CAMPAIGN, *live(sandbox), "--out", "results.csv", cwd=folder)
    assert (first["exit_code"], first["statuses"]["accepted"]) == (0, 2)
    results = mf.read_results(folder / "results.csv")
    assert results.index.tolist() == [0, 1]
    assert results["zip"].tolist() == ["02101", "10115"]
    assert "Zip 02101, 3 seats." in sandbox.messages()["TextBody"].iloc[0]
    second = in_process("send", *CAMPAIGN, *live(sandbox), cwd=folder)
    assert second.returncode == 0
    assert "already_sent" in second.stdout
    assert len(sandbox.messages()) == 2


def test_the_members_of_the_object_are_documented(tmp_path, sandbox):
    """And there is nothing else on standard output."""
    folder = desk(tmp_path)
    members = set(facts("send", *CAMPAIGN, *live(sandbox), cwd=folder))
    members |= set(facts("send", *CAMPAIGN, "--base-url", sandbox.url, cwd=folder))
    for name in ("problems", "plan", "preview"):
        members |= set(facts(name, *CAMPAIGN, cwd=folder))
    page = (sample_data().parent / "docs" / "command-line.md").read_text(encoding="utf-8")
    assert not {member for member in members if f"`{member}`" not in page}


def test_rows_with_errors_end_with_1(tmp_path, sandbox):
    """``raise`` sends nothing, ``skip`` the others; both say which row and what to do."""
    folder = desk(tmp_path, BAD_PEOPLE)
    options = (*live(sandbox), "--out", "r.csv", "--overwrite")
    done = in_process("send", *CAMPAIGN, *options, cwd=folder)
    assert done.returncode == 1
    assert "id A3, to: invalid_address" in done.stderr
    assert "--on-invalid skip sends the other rows" in done.stderr
    assert mf.read_results(folder / "r.csv")["status"].tolist() == ["unsent", "unsent", "invalid"]
    skipped = facts("send", *CAMPAIGN, *options, "--on-invalid", "skip", cwd=folder)
    assert (skipped["exit_code"], skipped["statuses"]["accepted"]) == (1, 2)
    assert len(sandbox.messages()) == 2


def test_a_limit_leaves_rows_on_purpose(tmp_path, sandbox):
    """So the exit code is 0; the next run goes on."""
    folder = desk(tmp_path)
    for already in (0, 1):
        done = facts("send", *CAMPAIGN, *live(sandbox), "--limit", "1", cwd=folder)
        assert (done["exit_code"], done["statuses"]["skipped"]) == (0, already)
    assert len(sandbox.messages()) == 2


def test_an_existing_file_is_refused_before_anything_is_sent(tmp_path, sandbox):
    """``--overwrite`` replaces it; the metadata file beside it counts too."""
    folder = desk(tmp_path)
    (folder / "results.csv-metadata.json").write_text("mine")
    options = (*live(sandbox), "--out", "results.csv")
    done = in_process("send", *CAMPAIGN, *options, cwd=folder)
    assert done.returncode == 3
    assert "results.csv-metadata.json exists; name another file, or add --overwrite" in done.stderr
    assert len(sandbox.messages()) == 0
    assert in_process("send", *CAMPAIGN, *options, "--overwrite", cwd=folder).returncode == 0


REFUSED_OUT = {
    "nowhere/r.csv": "there is no folder",
    "letter": f"is a folder; name a file: --out letter{os.sep}results.csv",
    "r.xlsx": "does not end as in --out results.csv",
    "people.jsonl": "does not end as in",
}


@pytest.mark.parametrize(("out", "text"), REFUSED_OUT.items())
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_read(out, text, tmp_path):
    """The letter of this command does not even exist."""
    desk(tmp_path)
    done = in_process("send", "absent", "absent", "--name", "x", "--out", out, cwd=tmp_path)
    assert done.returncode == 3
    assert text in done.stderr


def test_results_never_replace_those_of_another_run(tmp_path, sandbox):
    """A file that appears during the send stays; the results get a number."""
    folder = desk(tmp_path)

    def interfere(_record: object) -> None:
        (folder / "r.csv").write_text("theirs")

    sandbox.listen(interfere)
    done = facts("send", *CAMPAIGN, *live(sandbox), "--out", "r.csv", cwd=folder)
    assert (done["exit_code"], done["out"]) == (0, "r-2.csv")
    assert (folder / "r.csv").read_text() == "theirs"
    assert len(mf.read_results(folder / "r-2.csv")) == 2


def test_live_needs_a_token_and_no_argument_takes_one(tmp_path, monkeypatch):
    """An argument would be in the list of processes and in the history of the shell."""
    monkeypatch.delenv("POSTMARK_SERVER_TOKEN", raising=False)
    done = in_process("send", *CAMPAIGN, "--live", cwd=desk(tmp_path))
    assert (done.returncode, done.stdout) == (3, "")
    assert "put the token of your Postmark server into the environment variable" in done.stderr
    assert "--token" not in in_process("send", "--help", cwd=tmp_path).stdout


@pytest.mark.parametrize("url", ["https://evil.example", "http://[::1", "127.0.0.1:8025", ""])
def test_a_base_url_is_on_this_machine(url, tmp_path):
    """Another host would get the messages."""
    done = in_process("send", *CAMPAIGN, "--live", f"--base-url={url}", cwd=desk(tmp_path))
    assert done.returncode == 3
    assert "is not a sandbox on this machine" in done.stderr


def test_a_sandbox_never_gets_the_token(tmp_path, sandbox, monkeypatch):
    """Whatever listens on the port, the token stays in its variable; it is in no output."""
    monkeypatch.setenv("POSTMARK_SERVER_TOKEN", "0a1b2c3d-0000-0000-0000-secret")
    with mf.Sandbox(tokens=["sandbox"]) as strict:
        done = in_process("send", *CAMPAIGN, *live(strict), "--json", cwd=desk(tmp_path))
    assert done.returncode == 0
    assert "secret" not in done.stdout + done.stderr


def test_an_approval_is_checked(tmp_path, sandbox):
    """The fingerprint of the page is that of plan and of the dry run."""
    folder = desk(tmp_path)
    approved = facts("preview", *CAMPAIGN, cwd=folder)["fingerprint"]
    assert approved == facts("plan", *CAMPAIGN, cwd=folder)["fingerprint"]
    options = (*live(sandbox), "--approved", approved)
    (folder / "letter" / "subject.txt").write_text("Other")
    done = in_process("send", *CAMPAIGN, *options, cwd=folder)
    assert done.returncode == 3
    assert "write a new page with `mailframe preview`" in done.stderr
    (folder / "letter" / "subject.txt").write_text("Hello {{ name | default('there') }}")
    assert in_process("send", *CAMPAIGN, *options, cwd=folder).returncode == 0


def test_a_changed_letter_and_a_repeat_say_which_option_allows_them(tmp_path, sandbox):
    """Each names its option of the command line."""
    folder = desk(tmp_path)
    assert in_process("send", *CAMPAIGN, *live(sandbox), "--limit", "1", cwd=folder).returncode == 0
    again = in_process("send", *CAMPAIGN, "--name", "other", *live(sandbox), cwd=folder)
    assert (again.returncode, "add --allow-repeat" in again.stderr) == (3, True)
    (folder / "letter" / "body.txt").write_text("Changed {{ zip }} {{ seats | default(1) }}")
    changed = in_process("send", *CAMPAIGN, *live(sandbox), cwd=folder)
    assert (changed.returncode, "--allow-changed" in changed.stderr) == (3, True)
    done = in_process("send", *CAMPAIGN, *live(sandbox), "--allow-changed", cwd=folder)
    assert done.returncode == 0
    assert "mailframe: warning: 1 person has an earlier version" in done.stderr
    assert len(facts("send", *CAMPAIGN, *live(sandbox), cwd=folder)["warnings"]) == 1


@pytest.mark.parametrize(
    ("options", "asked"), [((), 0), (("--recount",), 1), (("--no-recount",), 0)]
)
def test_recount_asks_before_each_batch(tmp_path, sandbox, options, asked):
    """A sandbox is asked on demand; the questions at the start are one for each stream."""
    done = in_process("send", *CAMPAIGN, *live(sandbox), *options, cwd=desk(tmp_path))
    questions = (sandbox.requests()["path"] == "/messages/outbound").sum()
    assert (done.returncode, questions) == (0, len(STREAMS) + asked)


def test_a_busy_server_and_rejected_rows_end_with_1_and_results(tmp_path):
    """The results are written however the send ends."""
    folder = desk(tmp_path)
    options = ("--out", "r.csv", "--overwrite", "--no-suppression-check")
    with mf.Sandbox(suppressions=["bob@example.com"]) as sandbox:
        done = in_process("send", *CAMPAIGN, *live(sandbox), *options, cwd=folder)
        assert done.returncode == 1
        assert mf.read_results(folder / "r.csv")["status"].tolist() == ["accepted", "rejected"]
    nobody = ("--live", "--base-url", "http://127.0.0.1:9")
    done = in_process("send", *CAMPAIGN, *nobody, *options, "--name", "x", cwd=folder)
    assert (done.returncode, "run the command again later" in done.stderr) == (1, True)
    assert set(mf.read_results(folder / "r.csv")["status"]) == {"unsent"}


def test_results_that_cannot_be_written_do_not_hide_the_send(tmp_path, sandbox):
    """A folder that goes during the send: the counts are printed, and the exit code is 3."""
    folder, out = desk(tmp_path), tmp_path / "out"
    out.mkdir()
    sandbox.listen(lambda _record: out.is_dir() and out.rmdir())
    done = in_process("send", *CAMPAIGN, *live(sandbox), "--out", out / "r.csv", cwd=folder)
    assert done.returncode == 3
    assert "the ledger has the status of each row: run the command again" in done.stderr
    assert "accepted" in done.stdout


def test_test_emails_go_to_one_address(tmp_path, sandbox):
    """Without ``--live`` they are counted; the ledger is not used."""
    folder = desk(tmp_path)
    test = ("send", *CAMPAIGN, "--to-test", "me@acme.example", "--base-url", sandbox.url)
    done = in_process(*test, cwd=folder)
    assert (done.returncode, len(sandbox.messages())) == (0, 0)
    assert "would send 2 test emails to me@acme.example" in done.stdout
    assert in_process(*test, "--out", "r.csv", cwd=folder).returncode == 3
    assert in_process(*test, "--live", cwd=folder).returncode == 0
    assert set(sandbox.messages()["To"]) == {"me@acme.example"}
    for part in ("subject", "body"):
        (folder / "letter" / f"{part}.txt").write_text("Hello\n")
    (folder / "people.csv").write_text("id,email\nA1,ann@example.com\n")
    assert "would send 1 test email to" in in_process(*test, cwd=folder).stdout
    assert facts("send", *CAMPAIGN, *live(sandbox), cwd=folder)["statuses"]["accepted"] == 1


# --- problems, plan, preview, results ------------------------------------------------------------


def test_problems_are_listed_by_code_and_row(tmp_path):
    """All of them in ``--out`` and in JSON."""
    folder = desk(tmp_path, BAD_PEOPLE)
    done = in_process("problems", *CAMPAIGN, "--out", "problems.csv", cwd=folder)
    assert done.returncode == 1
    assert "1 error, 0 warnings\n\nerror invalid_address: 1 problem\n" in done.stdout
    assert "error  4  A3  to  invalid_address  'cy@'" in done.stdout
    members = facts("problems", *CAMPAIGN, cwd=folder)
    [problem] = members["problems"]
    assert (problem["row"], problem["key"], problem["code"]) == (4, "A3", "invalid_address")
    assert (folder / "problems.csv").read_text().count("\n") == 2
    assert in_process("problems", "letter", "people.csv", "--most", "1", cwd=folder).returncode == 1


def test_a_plan_counts(tmp_path):
    """Messages, batches, blocked rows."""
    folder = desk(tmp_path, BAD_PEOPLE)
    members = facts("plan", *CAMPAIGN, cwd=folder)
    assert (members["exit_code"], members["messages"], members["blocked"]) == (
        1,
        2,
        {"invalid_address": 1},
    )
    assert "3 rows: 2 messages, 1 batch" in in_process("plan", *CAMPAIGN, cwd=folder).stdout


def test_a_preview_writes_one_page(tmp_path):
    """For approval, or of some rows; an existing page stays."""
    folder = desk(tmp_path, BAD_PEOPLE)
    done = in_process("preview", *CAMPAIGN, "--mask", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    page = (folder / "preview.html").read_text(encoding="utf-8")
    assert "ann@example.com" not in page
    assert facts("plan", *CAMPAIGN, cwd=folder)["fingerprint"] in page
    assert in_process("preview", *CAMPAIGN, cwd=folder).returncode == 3
    rows = ("--rows", "2", "3", "--out", "rows.html")
    assert in_process("preview", *CAMPAIGN, *rows, cwd=folder).returncode == 0
    wrong = ("--rows", "1", "--out", "rows.html", "--overwrite")
    assert in_process("preview", *CAMPAIGN, *wrong, cwd=folder).returncode == 3


def test_results_are_counted(tmp_path, sandbox):
    """With the exit code that the send had."""
    folder = desk(tmp_path)
    in_process("send", *CAMPAIGN, *live(sandbox), "--out", "r.csv.gz", cwd=folder)
    members = facts("results", "r.csv.gz", cwd=folder)
    assert (members["exit_code"], members["statuses"]["accepted"]) == (0, 2)
    wrong = facts("results", "people.csv", cwd=folder)
    assert (wrong["exit_code"], wrong["error"]["type"]) == (3, "ResultsError")


# --- arguments and errors ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("send", "letter", "people.csv"),
        ("send", *CAMPAIGN, "--liv"),
        ("send", *CAMPAIGN, "--limit", "-1"),
        ("send", *CAMPAIGN, "--dtype", "zip"),
        ("send", *CAMPAIGN, "--dtype", "zip=int8"),
        ("send", *CAMPAIGN, "--sep", ";;"),
        ("preview", *CAMPAIGN, "--rows", "x"),
        ("fly",),
    ],
)
def test_wrong_arguments_end_with_2(arguments, tmp_path):
    """A part of ``--live`` is not ``--live``."""
    done = in_process(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: mailframe" in done.stderr


def test_columns_of_people_can_have_the_names_of_results(tmp_path, sandbox):
    """``reason`` and ``batch`` of the file are not those of the send."""
    header, *rows = PEOPLE.splitlines()
    text = "\n".join(
        [f"{header},status,reason,batch,row,index", *(f"{row},a,b,c,d,e" for row in rows)]
    )
    folder = desk(tmp_path, text)
    assert facts("send", *CAMPAIGN, "--base-url", sandbox.url, cwd=folder)["messages"] == 2
    done = facts("send", *CAMPAIGN, *live(sandbox), "--out", "r.csv", cwd=folder)
    assert done["statuses"]["accepted"] == 2
    assert facts("results", "r.csv", cwd=folder)["statuses"]["accepted"] == 2
    assert facts("problems", *CAMPAIGN, cwd=folder)["error_count"] == 0


def test_an_empty_campaign_is_done(tmp_path, sandbox):
    """A scheduled job on a day without anybody."""
    folder = desk(tmp_path, "id,email,name,zip,seats\n")
    done = in_process("send", *CAMPAIGN, *live(sandbox), "--out", "r.csv", cwd=folder)
    assert (done.returncode, "no rows" in done.stdout) == (0, True)


def test_a_letter_that_cannot_be_used_ends_with_3(tmp_path):
    """A folder that is not there, a column that is not there, a template that does not compile."""
    folder = desk(tmp_path)
    assert in_process("plan", "absent", "people.csv", "--name", "x", cwd=folder).returncode == 3
    assert in_process("plan", *CAMPAIGN, "--key", "nope", cwd=folder).returncode == 3
    (folder / "letter" / "body.txt").write_text("{{ nope }}")
    assert facts("plan", *CAMPAIGN, cwd=folder)["error"]["type"] == "LetterError"
    (folder / "letter" / "body.txt").write_text("{% if %}")
    assert in_process("plan", *CAMPAIGN, cwd=folder).returncode == 3


def test_every_error_has_an_exit_code():
    """1 if rows or another run are the way out, else 3; the advice is of the command line."""
    output = Output(make_parser().parse_args(["plan", "a", "b", "--name", "x"]))
    for name, kind in vars(mf.errors).items():
        if isinstance(kind, type) and issubclass(kind, mf.errors.MailframeError):
            error = kind.__new__(kind)
            assert report(error, output) in (1, 3), name
            assert "(" not in (refusals.advice_of(error) or ""), "a call of Python"


def test_values_of_frames_are_plain_in_json():
    """Missing values are null, whatever kind they are of."""
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    values = [pd.NA, pd.NaT, np.nan, None, np.int64(3), np.bool_(True), 0.5, float("inf"), ("a",)]
    assert plain(values) == [None, None, None, None, 3, True, 0.5, "inf", ["a"]]
    assert json.dumps(plain({1: pd.Timestamp(0)})) == '{"1": "1970-01-01 00:00:00"}'
