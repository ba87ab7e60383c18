"""A rate: how it is written, how large batches are, and how many messages any period has."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import mailframe as mf
from mailframe.postmark.responses import Answer, Verdict
from mailframe.send.pacing.pace import Clock, Pace, Pacing
from mailframe.send.pacing.rate import Rate
from tests.campaigns import people

ANSWERED = Answer(Verdict.ANSWERED)
UNITS = {"s": 1, "min": 60, "h": 3_600, "day": 86_400}
rates = st.builds(Rate, st.integers(1, 3_000), st.sampled_from(sorted(UNITS)))


@pytest.mark.parametrize(
    ("text", "count", "unit"),
    [
        ("5000/h", 5_000, "h"),
        ("100/min", 100, "min"),
        ("2/s", 2, "s"),
        ("50000/day", 50_000, "day"),
        (" 5,000 / h ", 5_000, "h"),
        ("1_000_000/day", 1_000_000, "day"),
        ("1 000\N{NO-BREAK SPACE}/min", 1_000, "min"),
        ("007/s", 7, "s"),
        ("1000000000/s", 1_000_000_000, "s"),
    ],
)
def test_a_rate_is_a_whole_number_and_a_unit(text, count, unit):
    """Spaces, underscores and commas are between groups of three digits."""
    assert Rate.read(text) == Rate(count, unit)


@pytest.mark.parametrize(
    "rate",
    [
        *("", "5000", "/h", "5000/", "5000/hour", "5000/H", "5000/m", "0/h", "-1/h", "+1/h"),
        *("1,5/s", "1.5/s", "1,00/h", "10,0000/h", "1_000,000/h", "1000000001/s", "5000/h/h"),
        *("9" * 5_000 + "/h", "5e3/h", "\N{ARABIC-INDIC DIGIT FIVE}/h", "5000/h\n1/s"),
        *(5_000, 1.5, True, ("5000", "h"), b"5000/h"),
    ],
    ids=lambda rate: str(rate)[:12],
)
def test_anything_else_is_refused_before_anything_is_rendered(rate):
    """The error has the value and the rule; the letter, which cannot be rendered, is not tried."""
    tried = mf.each(lambda row: pytest.fail("it was rendered"))
    slow = people(1).mail.compose(
        sender="a@b.example", to="{{ email }}", subject=tried, text_body="Hi", name="x"
    )
    with mf.Sandbox(in_process=True) as sandbox:
        with pytest.raises(
            mf.errors.MailframeError, match="is not a rate such as '5000/h'"
        ) as error:
            slow.send(sandbox.server, rate=rate, progress=False)
        assert sandbox.requests().empty
    assert repr(rate)[:20] in str(error.value)


@given(rates, st.integers(0, 4_000), st.data())
def test_no_period_of_a_unit_has_more_than_the_rate(rate, messages, data):
    """Whatever batches are cut to, whatever waits for answers, and whatever was posted before."""
    now, posted = 1_000_000.0, []
    earlier = data.draw(st.lists(st.integers(1, 500), max_size=5))
    pace = Pace(
        Pacing(rate),
        messages,
        [(now, one) for one in earlier],
        clock=Clock(lambda: now, lambda: now),
    )
    posted += [(now, one) for one in earlier]
    for number in range(60):
        size = data.draw(st.integers(1, rate.batch_messages))
        now += pace.wait_s(size)
        assert pace.wait_s(size) < 1e-6 * rate.unit_s
        pace.start(number, size)
        is_processed = data.draw(st.booleans())
        posted += [(now, size)] if is_processed else []
        pace.end(number, Answer(Verdict.ANSWERED if is_processed else Verdict.BUSY))
        now += data.draw(st.sampled_from([0.0, 0.01, rate.unit_s / 3, rate.unit_s * 2]))
    for at, _ in posted[len(earlier) :]:
        within = sum(n for t, n in posted if at - rate.unit_s + 1e-6 * rate.unit_s < t <= at)
        assert within <= rate.count


@given(rates)
def test_full_batches_are_spread_and_use_most_of_the_rate(rate):
    """Never two batches at once, also not after a pause; at least 90 % of the rate goes."""
    now = 0.0
    pace = Pace(Pacing(rate), 10_000, clock=Clock(lambda: now, lambda: now))
    times = []
    for number in range(30):
        now += pace.wait_s(rate.batch_messages) if number != 20 else rate.unit_s * 10
        times.append(now)
        pace.start(number, rate.batch_messages)
        pace.end(number, ANSWERED)
    gaps = [after - before for before, after in pairwise(times)]
    assert min(gaps) > rate.gap_s * 0.999
    per_unit = rate.count // rate.batch_messages * rate.batch_messages
    assert per_unit >= rate.count * 0.9


@given(
    st.integers(1, 50),
    st.integers(1, 100),
    st.integers(1, 200),
    st.lists(st.tuples(st.integers(0, 3_599), st.integers(1, 500)), max_size=6),
)
def test_the_end_that_is_shown_is_that_of_the_run(count, size, batches, earlier):
    """What an earlier call posted within the unit holds the last batches up."""
    rate, now = Rate(count * size, "h"), 1_000_000.0
    assume(rate.count % rate.batch_messages == 0)
    before = sorted((now - age, messages) for age, messages in earlier)
    clock = Clock(lambda: now, lambda: now)
    pace = Pace(Pacing(rate), rate.batch_messages * batches, before, clock=clock)
    ends_at = pace.ends_at().timestamp()
    while pace.messages > 0:
        one = min(pace.messages, rate.batch_messages)
        while (wait_s := pace.wait_s(one)) > 0:
            now += wait_s
        last = now
        pace.start(pace.messages, one)
    assert abs(last - ends_at) <= rate.gap_s + 1


@pytest.mark.parametrize(("messages", "end"), [(2_900_000, " 9966-"), (3_000_000, "")])
def test_an_end_that_no_date_can_be_is_not_shown(messages, end):
    """The send begins all the same."""
    at = 1_795_000_000.0
    pace = Pace(Pacing(Rate(1, "day")), messages, clock=Clock(lambda: at, lambda: at))
    assert end in pace.note()
    assert (pace.ends_at() is None) is (not end)


@pytest.mark.parametrize(
    ("rate", "size", "gap_s"),
    [
        ("600/h", 12, 72.0),
        ("5000/h", 100, 72.0),
        ("100/min", 10, 6.0),
        ("2/s", 2, 1.0),
        ("50000/day", 50, 86.4),
        ("1/day", 1, 86_400.0),
        ("25000/h", 500, 72.0),
        ("26000/h", 500, 69.23),
    ],
)
def test_a_batch_has_a_small_part_of_the_unit(rate, size, gap_s):
    """At most 500 messages, and one at least."""
    read = Rate.read(rate)
    assert (read.batch_messages, round(read.gap_s, 2)) == (size, gap_s)
