"""``mailframe send`` with a rate, a window and a rule that stops it."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

import mailframe as mf
from tests.command.commands import PEOPLE, desk, facts, in_process
from tests.send.interrupting import interrupted_at

CAMPAIGN = ("letter", "people.csv", "--name", "spring", "--key", "id")


def test_a_dry_run_says_how_long_the_send_takes(tmp_path):
    """With the batches of the rate."""
    header, row, _ = PEOPLE.splitlines()
    rows = [row.replace("A1", f"A{n}").replace("ann", f"a{n}") for n in range(250)]
    folder = desk(tmp_path, "\n".join([header, *rows]))
    with mf.Sandbox() as sandbox:
        options = ("--base-url", sandbox.url, "--rate", "5,000/h")
        done = in_process("send", *CAMPAIGN, *options, cwd=folder)
    plan = in_process("plan", *CAMPAIGN, "--rate", "600/h", cwd=folder)
    assert "250 messages, 21 batches, 28.9 kB, at 600/h: 24 min; 0 blocked" in plan.stdout
    assert "would post 250 messages in 3 batches, at 5,000/h: 2 min." in done.stdout


def test_the_words_of_python_are_those_of_the_command_line(tmp_path):
    """A send at one message a second, in a window that is open, with a rule."""
    folder, now = desk(tmp_path), datetime.now(ZoneInfo("Europe/Vienna"))
    window = "-".join(f"{now + timedelta(hours=hours):%H:%M}" for hours in (-1, 1))
    with mf.Sandbox() as sandbox:
        done = facts(
            *("send", *CAMPAIGN, "--live", "--base-url", sandbox.url, "--rate", "1/s"),
            *("--window", window, "--tz", "Europe/Vienna"),
            *("--stop-when", "rejected=5%", "--stop-when", "bounced=0.02"),
            cwd=folder,
        )
        assert (done["exit_code"], done["statuses"]["accepted"]) == (0, 2)
        assert sandbox.messages()["request"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (("--rate", "fast"), "rate='fast' is not a rate"),
        (("--window", "9-18", "--tz", "UTC"), "window=('9', '18') is not two times"),
        (("--window", "09:00-18:00"), "window needs tz"),
        (("--tz", "UTC"), "the time zone of window, which is missing"),
        (("--stop-when", "opened=5%"), "it takes rejected, bounced, complained"),
        (("--stop-when", "bounced"), "bounced='', which is not a share"),
        (("--stop-when", "bounced=1"), "bounced=1.0, which is not a share"),
        (("--stop-when", "bounced=nan"), "bounced=nan, which is not a share"),
        (("--stop-when", "bounced=2%", "--stop-when", "bounced=5%"), "bounced is there twice"),
    ],
)
def test_a_wrong_option_is_refused_before_people_is_read(options, rule, tmp_path):
    """The file is not there."""
    done = in_process("send", *CAMPAIGN, *options, cwd=tmp_path)
    assert done.returncode == 3
    assert rule in done.stderr


def test_an_interrupt_while_the_results_are_written_does_not_prevent_them(tmp_path):
    """As a second Ctrl-C, when the first one has ended a wait."""
    folder = desk(tmp_path)
    with mf.Sandbox() as sandbox, interrupted_at("write_csv") as called:
        options = ("--live", "--base-url", sandbox.url, "--out", "r.csv")
        done = facts("send", *CAMPAIGN, *options, cwd=folder)
    assert called
    assert (done["exit_code"], done["statuses"]["accepted"], done["out"]) == (0, 2, "r.csv")
    assert (folder / "r.csv").read_text().count("accepted") == 2


def test_a_send_that_a_rule_has_stopped_ends_with_1_and_goes_on_next_time(tmp_path):
    """The advice says so."""
    header, row, _ = PEOPLE.splitlines()
    rows = [row.replace("A1", f"A{n}").replace("ann", f"a{n}") for n in range(150)]
    folder = desk(tmp_path, "\n".join([header, *rows]))
    with mf.Sandbox(suppressions=[f"a{n}@example.com" for n in range(6)]) as sandbox:
        options = ("--live", "--base-url", sandbox.url, "--no-suppression-check")
        options += ("--rate", "100/s", "--stop-when")
        done = in_process("send", *CAMPAIGN, *options, "rejected=5%", cwd=folder)
        assert done.returncode == 1
        assert "6 of 100 messages were rejected (6.00 %), more than 5 %" in done.stderr
        assert "the command goes on with those that are unsent" in done.stderr
        done = facts("send", *CAMPAIGN, *options, "rejected=7%", cwd=folder)
        assert done["statuses"]["accepted"] == 50
