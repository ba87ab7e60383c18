"""A window of the day: over midnight, when clocks are set, and in a send."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import mailframe as mf
from mailframe.postmark.responses import Answer, Verdict
from mailframe.results.row_results import RowResults
from mailframe.send.batch_source import CampaignBatches
from mailframe.send.pacing.pace import Clock, Pace, Pacing, read_pacing
from mailframe.send.pacing.rate import Rate
from mailframe.send.pacing.window import Window
from tests.campaigns import campaign, judge
from tests.send.interrupting import interrupted_after, interrupted_at

VIENNA = "Europe/Vienna"
MINUTE = timedelta(minutes=1)
SETTINGS = [  # days around which clocks are set, or a day is skipped
    (VIENNA, datetime(2026, 3, 28, 12, tzinfo=UTC)),
    (VIENNA, datetime(2026, 10, 24, 12, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 10, 31, 20, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 6, tzinfo=UTC)),
    ("Africa/Casablanca", datetime(2026, 2, 14, 12, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 29, 20, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 5, 1, 12, tzinfo=UTC)),
]
quarters = st.integers(0, 95).map(lambda quarter: time_of_day(quarter // 4, quarter % 4 * 15))
ANSWERED = Answer(Verdict.ANSWERED)


class NoOffset(tzinfo):
    """A zone without an offset; ``tzinfo`` itself raises an error."""

    def utcoffset(self, _at):
        """None."""

    def dst(self, _at):
        """None."""


@given(st.sampled_from(SETTINGS), quarters, quarters, st.integers(0, 36 * 60))
def test_a_window_changes_when_the_clock_on_the_wall_says_so(setting, start, end, minutes):
    """The next change is the one that a look at the clock in each minute shows."""
    zone, noon = setting
    if start == end:
        return
    window, at = Window(start, end, ZoneInfo(zone)), noon + minutes * MINUTE

    def is_open(moment: datetime) -> bool:
        clock = moment.astimezone(ZoneInfo(zone)).time()
        return start <= clock < end if start < end else not end <= clock < start

    change = window.changes_at(at)
    assert is_open(change) is not is_open(at)
    steps = int((change - at) / MINUTE)
    assert change - at == steps * MINUTE
    assert {is_open(at + step * MINUTE) for step in range(0, steps, 5)} <= {is_open(at)}
    assert is_open(change - MINUTE) is is_open(at)


@pytest.mark.parametrize(
    ("window", "at", "opens"),
    [
        (("09:00", "18:00"), "2026-11-27T08:59:59+01:00", "2026-11-27T09:00:00+01:00"),
        (("09:00", "18:00"), "2026-11-27T09:00:00+01:00", None),
        (("09:00", "18:00"), "2026-11-27T17:59:59+01:00", None),
        (("09:00", "18:00"), "2026-11-27T18:00:00+01:00", "2026-11-28T09:00:00+01:00"),
        (("22:00", "06:00"), "2026-11-27T05:59:59+01:00", None),
        (("22:00", "06:00"), "2026-11-27T06:00:00+01:00", "2026-11-27T22:00:00+01:00"),
        (("9:00", "24:00"), "2026-11-27T23:59:59+01:00", None),
        (("9:00", "24:00"), "2026-11-28T00:00:00+01:00", "2026-11-28T09:00:00+01:00"),
        # 2:30 does not come: it is 3:00 when the clocks are set forward
        (("02:30", "04:00"), "2026-03-29T01:59:00+01:00", "2026-03-29T03:00:00+02:00"),
        (("02:00", "03:00"), "2026-03-29T01:59:00+01:00", "2026-03-30T02:00:00+02:00"),
        # 2:30 comes twice
        (("02:30", "04:00"), "2026-10-25T02:29:00+02:00", "2026-10-25T02:30:00+02:00"),
        (("02:30", "04:00"), "2026-10-25T02:10:00+01:00", "2026-10-25T02:30:00+01:00"),
    ],
)
def test_a_window_opens_at_its_first_time_and_closes_at_its_second(window, at, opens):
    """Also over midnight, at midnight, and when clocks are set."""
    moment = datetime.fromisoformat(at)
    expected = moment if opens is None else datetime.fromisoformat(opens)
    assert Window.read(window, VIENNA).opens_at(moment) == expected


@pytest.mark.parametrize(
    ("window", "tz", "rule"),
    [
        *((one, VIENNA, "not two times of a day") for one in ("09:00-18:00", ("09:00",), (9, 18))),
        *((one, VIENNA, "not two times of a day") for one in (("25:00", "26:00"), ("9", "18"), 9)),
        (("24:00", "09:00"), VIENNA, "from 00:00 to 23:59"),
        ((time_of_day(9, tzinfo=UTC), "18:00"), VIENNA, "not two times of a day"),
        (("09:00", "09:00"), VIENNA, "leave window out"),
        (("00:00", "24:00"), VIENNA, "leave window out"),
        (("09:00", "18:00"), None, "needs tz"),
        *((("09:00", "18:00"), tz, "not the name") for tz in ("CEST", "", "Europe", "../x", 1)),
        ((pd.NA, "18:00"), VIENNA, "not two times of a day"),
        *((("09:00", "18:00"), tz, "has no offset") for tz in (tzinfo(), NoOffset())),
        (None, VIENNA, "which is missing"),
    ],
)
def test_a_wrong_window_is_refused_with_its_value_and_the_rule(window, tz, rule):
    """Nothing is sent."""
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(mf.errors.MailframeError, match=rule):
            campaign(1).send(sandbox.server, window=window, tz=tz, progress=False)
        assert sandbox.requests().empty


@pytest.mark.parametrize(
    ("messages", "text"),
    [(0, ""), (12, r"at 2/h in the window: 1[12] days.*"), (900, ".*: more than two months")],
)
def test_a_window_makes_a_send_longer(messages, text):
    """One message a day, as the window is open for a minute."""
    pacing = read_pacing(rate="2/h", window=("09:00", "09:01"), tz=VIENNA)
    assert re.fullmatch(text, pacing.duration(messages))


@pytest.mark.parametrize(("day", "opens"), [("11-27", "08:00"), ("07-01", "07:00")])
def test_a_zone_of_pytz_is_the_zone_of_its_name(day, opens):
    """As the zone of a time it would be the mean time of the place, an hour and five minutes."""
    pytz = pytest.importorskip("pytz")
    window = Window.read(("09:00", "18:00"), pytz.timezone(VIENNA))
    at = datetime.fromisoformat(f"2026-{day}T00:00:00Z")
    assert window.opens_at(at) == datetime.fromisoformat(f"2026-{day}T{opens}:00Z")
    assert Window.read(("09:00", "18:00"), pytz.FixedOffset(60)).zone == pytz.FixedOffset(60)


def test_after_a_night_of_sleep_one_batch_goes_and_the_window_counts_by_the_wall_clock():
    """The clock that counts the rate has stood still; the machine wakes up within the window."""
    clocks = {"passed": 0.0, "wall": datetime(2026, 11, 27, 16, 59, 50, tzinfo=UTC).timestamp()}
    clock = Clock(lambda: clocks["passed"], lambda: clocks["wall"])
    window = Window.read(("09:00", "18:00"), VIENNA)
    pace = Pace(Pacing(Rate(600, "h"), window), 600, clock=clock)
    assert pace.wait_s(12) == 0
    pace.start("first", 12)
    pace.end("first", ANSWERED)
    assert pace.note() == "until 2026-11-28 09:57 Europe/Vienna"
    clocks["wall"] += 10
    assert pace.wait_s(12) == 15 * 3_600
    assert pace.note() == "waits until 2026-11-28 09:00 Europe/Vienna"
    clocks["wall"] += 16 * 3_600  # asleep
    assert pace.wait_s(12) == 72
    clocks["wall"] += 72
    clocks["passed"] += 72
    assert pace.wait_s(12) == 0
    pace.start("second", 12)
    assert pace.wait_s(12) == 72
    clocks["wall"] += 8 * 3_600  # within a second batch: the window has closed
    assert pace.wait_s(12) > 72


@given(st.integers(1, 50), st.integers(1, 100), st.integers(1, 200), quarters, quarters)
def test_the_end_is_that_of_a_run_that_posts_whenever_it_may(count, size, batches, start, end):
    """Also if the window is shorter than the time between two batches.

    The seconds avoid batches that are due exactly when the window closes.
    """
    rate, messages, end = Rate(count * size, "h"), size * batches, end.replace(second=7)
    clocks = {"passed": 0.0, "wall": datetime(2026, 10, 20, 3, 7, 11, tzinfo=UTC).timestamp()}
    clock = Clock(lambda: clocks["passed"], lambda: clocks["wall"])
    pace = Pace(Pacing(rate, Window(start, end, ZoneInfo(VIENNA))), messages, clock=clock)
    ends_at = pace.ends_at()
    assume(rate.count % rate.batch_messages == 0 and ends_at is not None)
    while pace.messages > 0:
        one = min(pace.messages, rate.batch_messages)
        while (wait_s := pace.wait_s(one)) > 0:
            clocks = {name: value + wait_s for name, value in clocks.items()}
        last = clock.at(0)
        assert pace.pacing.window.is_open(last)
        pace.start(pace.messages, one)
    assert abs((last - ends_at).total_seconds()) < 1


def test_a_send_waits_for_its_window_and_an_interrupt_ends_the_wait(capfd):
    """Nothing was posted; the log says how long; the next call sends all."""
    now = datetime.now(timezone(timedelta(hours=5)))
    window = ((now + timedelta(hours=2)).time(), (now + timedelta(hours=3)).time())
    with mf.Sandbox(in_process=True) as sandbox, interrupted_after():
        with interrupted_at("wait") as called:
            results = campaign(2).send(sandbox.server, window=window, tz=now.tzinfo)
        assert called
        assert results["reason"].tolist() == ["interrupted"] * 2
        around = ((now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time())
        results = campaign(2).send(sandbox.server, window=around, tz=now.tzinfo, progress=False)
        judge(results, sandbox)
    assert results["status"].tolist() == ["accepted"] * 2
    first = capfd.readouterr().err.splitlines()[0]
    assert re.fullmatch(r"sending numbers: waits until (\S+ )?\d\d:\d\d UTC\+05:00", first)


@pytest.mark.parametrize(("hours", "is_posted"), [(0, True), (1, False)])
def test_a_batch_is_not_posted_after_its_window_has_closed(hours, is_posted):
    """As after a suspension between the look at the clock and the request; it is tried again."""
    now = datetime.now(UTC) + timedelta(hours=hours)
    window = Window((now - timedelta(minutes=9)).time(), (now + timedelta(minutes=9)).time(), UTC)
    composed = campaign(3)._composed
    preflight = composed.preflight()
    with mf.Sandbox(in_process=True) as sandbox:
        source = CampaignBatches(
            *(composed, preflight, sandbox.server, RowResults(3)),
            eligible=preflight.sendable,
            limit=None,
            pacing=Pacing(window=window),
        )
        [batch] = source
        answer = source.post(batch, on_sent=lambda: None)
        assert answer.verdict is (Verdict.ANSWERED if is_posted else Verdict.UNSENT)
        assert len(sandbox.messages()) == (3 if is_posted else 0)


def test_a_send_begins_when_its_window_opens():
    """Here in about a second."""
    now = datetime.now(UTC)
    opens, closes = now + timedelta(seconds=1.2), now + timedelta(hours=1)
    began = time.time()
    with mf.Sandbox(in_process=True) as sandbox:
        campaign(1).send(
            sandbox.server, window=(opens.time(), closes.time()), tz="UTC", progress=False
        )
        assert sandbox.messages()["SubmittedAt"].iloc[0] >= opens
    assert time.time() - began > 1
    assert read_pacing() == Pacing()
