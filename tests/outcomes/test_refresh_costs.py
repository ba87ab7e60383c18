"""``results.mail.refresh``: what it asks, of which rows, and what comes late."""

from __future__ import annotations

import random
from collections import Counter

import httpx
import pandas as pd
import pytest

import mailframe as mf
from mailframe.errors import MailframeWarning
from mailframe.outcomes.refresh_state import KEY
from mailframe.outcomes.refreshing import refresh
from tests.outcomes.campaigns import (
    COLUMNS,
    LETTER,
    RATES,
    assert_true,
    campaign,
    people,
    sent,
    through,
)
from tests.outcomes.test_refresh import COUNTS, opens_of, paths

pytestmark = pytest.mark.filterwarnings("error::mailframe.errors.MailframeWarning")


@pytest.fixture
def sandbox():
    """A sandbox without a socket."""
    with mf.Sandbox(in_process=True) as started:
        yield started


def test_rows_of_an_earlier_run_are_listed_once(sandbox, tmp_path):
    """Postmark tells their recipients and times, which results and files keep from then on."""
    first = sent(sandbox, tmp_path)
    sandbox.simulate(**RATES, over="2d")
    sandbox.advance("1d")
    people = campaign().frame.iloc[:200]
    later = pd.concat([people, people.iloc[:1].assign(email="new@example.com")])
    ledger = str(tmp_path / "ledger.sqlite")
    later = later.mail.compose(LETTER, name="autumn").send(
        sandbox.server, ledger=ledger, progress=False
    )
    assert later["SubmittedAt"].notna().sum() == 1
    results = later.mail.refresh(sandbox.server, progress=False)
    assert_true(results, sandbox)
    assert results["To"].tolist() == [*first["To"].iloc[:200], "new@example.com"]
    late = results["SubmittedAt"].iloc[:200].array - first["SubmittedAt"].iloc[:200].array
    assert (abs(late) < pd.Timedelta("5s")).all()
    kept = [name for name in later if name not in ("To", "SubmittedAt")]
    pd.testing.assert_frame_equal(pd.DataFrame(results[kept]), pd.DataFrame(later[kept]))
    assert results[later.columns].dtypes.equals(later.dtypes)
    results.mail.to_csv(tmp_path / "results.csv")
    sandbox.advance("1d")
    asked = len(sandbox.requests())
    assert_true(results.mail.refresh(sandbox.server, progress=False), sandbox)
    assert len(paths(sandbox, asked)) == 5
    by_name = mf.outcomes("autumn", sandbox.server, ledger=ledger, progress=False)
    asked = len(sandbox.requests())
    by_name.mail.refresh(sandbox.server, progress=False)
    assert len(paths(sandbox, asked)) == 5
    file = mf.read_results(tmp_path / "results.csv").mail.refresh(sandbox.server, progress=False)
    assert_true(file, sandbox)


def test_a_column_that_does_not_take_them_stays(sandbox, tmp_path):
    """Recipients and times of an earlier run, in columns of other dtypes."""
    sent(sandbox, tmp_path, rows=30)
    later = sent(sandbox, tmp_path, rows=30)
    times = later["SubmittedAt"]
    for to, stamps, are_times in (
        ("float", times.dt.tz_localize(None), False),
        (object, times.astype(object), False),
        ("string", times.astype("datetime64[us, UTC]"), True),
    ):
        given = later.assign(To=later["To"].astype(to), SubmittedAt=stamps)
        results = given.mail.refresh(sandbox.server, progress=False)
        assert results[later.columns].dtypes.equals(given.dtypes)
        assert (results["outcome"] == "accepted").all()
        assert results["To"].notna().all() == (to != "float")
        assert results["SubmittedAt"].notna().all() == are_times
        before = len(sandbox.requests())
        again = results.mail.refresh(sandbox.server, progress=False)
        pd.testing.assert_frame_equal(again, results)
        assert (len(paths(sandbox, before)) == 5) is are_times  # else they are listed again


def test_campaigns_and_servers_in_one_frame(sandbox, tmp_path):
    """Each campaign is found by its mark; what the server does not have is missing, and never 0.

    The halves of both have as many rows as the first one has messages.
    """
    halves = []
    for name in ("spring", "autumn"):
        letter = LETTER.replace(
            tag=name, message_stream="broadcast" if name == "spring" else "outbound"
        )
        ledger = str(tmp_path / f"{name}.sqlite")
        whole = (
            people(60)
            .mail.compose(letter, name=name)
            .send(sandbox.server, ledger=ledger, progress=False)
        )
        halves.append(whole.query("plan == 'pro'").iloc[:30])
    sandbox.simulate(**RATES, over="2d")
    sandbox.advance("1d")
    results = pd.concat(halves).mail.refresh(sandbox.server, progress=False)
    assert_true(results, sandbox)
    sandbox.advance("1d")
    asked = len(sandbox.requests())
    results = results.mail.refresh(sandbox.server, progress=False)
    assert_true(results, sandbox)
    assert len(paths(sandbox, asked)) == 1 + 4 * 2
    with mf.Sandbox(in_process=True) as other:
        foreign = campaign(rows=30).send(other.server, ledger=None, progress=False)
        both = pd.concat([halves[0], foreign, halves[1]])
        refreshed = both.mail.refresh(sandbox.server, progress=False)
        is_foreign = both["MessageID"].isin(foreign["MessageID"]).to_numpy()
        assert refreshed[COUNTS].isna().all(axis=1).tolist() == is_foreign.tolist()
        assert (refreshed.loc[is_foreign, "outcome"] == "accepted").all()
        whole = refreshed.mail.refresh(other.server, progress=False)
        assert whole[COUNTS].notna().all(axis=None)
        pd.testing.assert_frame_equal(
            pd.DataFrame(whole[~is_foreign][COLUMNS]), pd.DataFrame(refreshed[~is_foreign][COLUMNS])
        )


def test_an_event_that_is_listed_late_is_counted(sandbox, tmp_path):
    """Also one from long before the last refresh: the number of older events shows it."""
    results = sent(sandbox, tmp_path, rows=30)
    ids = results["MessageID"].tolist()
    items = opens_of(ids, range(700))
    late = items.pop(650)
    asked = []

    def see(request: httpx.Request, _number: int) -> httpx.Response | None:
        if request.url.path != "/messages/outbound/opens":
            return None
        start = int(request.url.params["offset"])
        asked.append(start)
        page = items[start : start + 500]
        return httpx.Response(200, json={"TotalCount": len(items), "Opens": page})

    server = through(sandbox, see)
    hour = pd.Timedelta("1h")
    for item in items[:100]:  # so that the others are older than the overlap
        item["ReceivedAt"] = (pd.Timestamp(item["ReceivedAt"]) + hour).isoformat()
    results = refresh(results, server, progress=False)
    assert results["opens"].sum() == 699
    asked.clear()
    results = refresh(results, server, progress=False)
    assert (results["opens"].sum(), asked) == (699, [0])
    items.insert(650, late)
    for _ in range(2):
        results = refresh(results, server, progress=False)
        assert results["opens"].sum() == 700
    assert asked == [0, 0, 0, 500, 0]
    del items[-10:]  # Postmark deletes the oldest
    results = refresh(results, server, progress=False)
    assert (results["opens"].sum(), asked[-1]) == (700, 0)


def test_what_is_not_stored_costs_nothing_more(tmp_path):
    """After a day, rows without a message do not make a refresh begin anew, and get no 0."""
    with mf.Sandbox(in_process=True, keep=20) as sandbox:
        asked: list[str] = []
        server = through(sandbox, lambda request, _number: asked.append(request.url.path))
        results = refresh(sent(sandbox, tmp_path, rows=30), server, progress=False)
        for days, begins_anew in ((0, True), (2, False), (0, False)):
            results.attrs[KEY]["lacked"] -= days * 86_400 * 10**9
            sandbox.simulate(opens=1.0, seed=1)
            asked.clear()
            results = refresh(results, server, progress=False)
            assert ("/messages/outbound" in asked) is begins_anew
            assert results["opens"].isna().tolist() == [True] * 10 + [False] * 20
            assert (results["opens"].iloc[10:] == 1).all()
            assert len(asked) == 1 + 3 * 2 + 1 or begins_anew  # the lists of two streams


def test_rows_of_a_later_refresh_are_not_counted_twice(sandbox, tmp_path):
    """Nor are events left out: rows that another refresh has replaced are read from the start."""
    results = sent(sandbox, tmp_path, rows=90)
    sandbox.simulate(**RATES, over="2d")
    sandbox.advance("6h")
    early = results.mail.refresh(sandbox.server, progress=False)
    sandbox.advance("12h")
    late = early.mail.refresh(sandbox.server, progress=False)
    sandbox.advance("12h")
    is_pro = (early["plan"] == "pro").to_numpy()
    for frame, other in ((early, late), (late, early)):
        mixed = frame.copy()
        mixed.loc[is_pro] = other[is_pro]
        assert mixed.attrs == frame.attrs != other.attrs
        assert_true(mixed.mail.refresh(sandbox.server, progress=False), sandbox)
    part = early.copy()
    part.loc[is_pro] = late[is_pro]
    assert_true(part.iloc[30:].mail.refresh(sandbox.server, progress=False), sandbox)


def test_a_page_with_fewer_events_than_its_total_says(sandbox, tmp_path):
    """Which are lacking is unknown, so no count is; a warning names the list."""
    results = sent(sandbox, tmp_path, rows=30)
    items = opens_of(results["MessageID"].tolist(), range(30))

    def see(request: httpx.Request, _number: int) -> httpx.Response | None:
        is_list = request.url.path == "/messages/outbound/opens"
        return httpx.Response(200, json={"TotalCount": 31, "Opens": items}) if is_list else None

    with pytest.warns(MailframeWarning, match="did not list all opens of broadcast"):
        refreshed = refresh(results, through(sandbox, see), progress=False)
    assert refreshed["opens"].isna().all()
    assert (refreshed["outcome"] == "opened").all()
    assert (refreshed["clicks"] == 0).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_list_may_change_while_it_is_read(sandbox, tmp_path, seed):
    """New clicks move the others to later pages, and some appear among older ones."""
    results = sent(sandbox, tmp_path, rows=30)
    ids, start = results["MessageID"].tolist(), results["SubmittedAt"].max().value
    draw = random.Random(seed)
    clicks: list[tuple[int, str, str]] = []

    def add(number: int, *, is_late: bool) -> None:
        newest = max(clicks, default=(start,))[0]
        for _ in range(number):
            newest += draw.choice([0, 10**9, 60 * 10**9])
            at = draw.randint(start, newest) if is_late else newest
            clicks.append((at, draw.choice(ids), f"{len(clicks)}@example.com"))
        clicks.sort(reverse=True)

    def see(request: httpx.Request, _number: int) -> httpx.Response | None:
        if request.url.path != "/messages/outbound/clicks":
            return None
        if is_open and draw.random() < 0.5:
            add(draw.choice([1, 3, 501]), is_late=draw.random() < 0.3)
        offset = int(request.url.params["offset"])
        items = [
            {"MessageID": one, "Recipient": who, "ReceivedAt": f"{pd.Timestamp(at, tz='UTC')}"}
            for at, one, who in clicks[offset : offset + 500]
        ]
        return httpx.Response(200, json={"TotalCount": len(clicks), "Clicks": items})

    server, is_open = through(sandbox, see), True
    for number in (501, 1, 500, 0):
        add(number, is_late=draw.random() < 0.5)
        is_open = number > 0
        results = refresh(results, server, progress=False)
    counts = Counter(one for _, one, _ in clicks)
    assert results["clicks"].tolist() == [counts[one] for one in ids]
