"""``results.mail.refresh``: each cell is what the sandbox knows, or missing."""

from __future__ import annotations

import httpx
import numpy as np
import pandas as pd
import pytest

import mailframe as mf
from mailframe.errors import AccountError, MailframeError, MailframeWarning, ResultsError
from mailframe.outcomes.refresh_state import KEY
from mailframe.outcomes.refreshing import refresh
from tests import frames
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
from tests.wire import TOKEN

pytestmark = pytest.mark.filterwarnings("error::mailframe.errors.MailframeWarning")
COUNTS = ["opens", "clicks"]


@pytest.fixture
def sandbox():
    """A sandbox without a socket."""
    with mf.Sandbox(in_process=True) as started:
        yield started


def paths(sandbox: mf.Sandbox, before: int) -> list[str]:
    """The paths of the requests after the first *before*."""
    return sandbox.requests()["path"].tolist()[before:]


def test_each_cell_is_what_the_sandbox_knows(sandbox, tmp_path):
    """After a day, after an hour more, and at the end; another campaign changes nothing.

    A further refresh asks five questions for what is new, and without news changes nothing.
    """
    results = sent(sandbox, tmp_path)
    campaign(LETTER.replace(subject="Other", tag="other"), name="other").send(
        sandbox.server, ledger=None, progress=False
    )
    sandbox.simulate(**RATES, over="2d")
    before = results.copy()
    for step, most in (("1d", 13), ("1h", 5), ("1d", 5)):
        sandbox.advance(step)
        asked = len(sandbox.requests())
        results = results.mail.refresh(sandbox.server, progress=False)
        assert_true(results, sandbox)
        assert len(paths(sandbox, asked)) <= most
        pd.testing.assert_frame_equal(results[before.columns], before)
    assert results["opens"].sum() > 100 > results["clicks"].sum() > 50
    assert set(results["outcome"]) == {
        *("accepted", "opened", "clicked", "bounced", "complained", "unsubscribed")
    }
    again = results.mail.refresh(sandbox.server, progress=False)
    pd.testing.assert_frame_equal(again, results)
    assert type(results) is mf.Results


def test_a_part_a_file_and_a_second_send_have_the_same_outcomes(sandbox, tmp_path):
    """A file has no state, so all is read again; rows of an earlier run have no time and no To."""
    results = sent(sandbox, tmp_path)
    sandbox.simulate(**RATES, over="2d")
    sandbox.advance("1d")
    results = results.mail.refresh(sandbox.server, progress=False)
    results.mail.to_csv(tmp_path / "results.csv")
    part = results.query("plan == 'pro'").sample(frac=1, random_state=1)
    sandbox.advance("1d")
    results = results.mail.refresh(sandbox.server, progress=False)
    assert_true(results, sandbox)
    part = part.mail.refresh(sandbox.server, progress=False)
    pd.testing.assert_frame_equal(part, pd.DataFrame(results).loc[part.index])
    file = mf.read_results(tmp_path / "results.csv")
    assert KEY not in file.attrs
    file = file.mail.refresh(sandbox.server, progress=False)
    pd.testing.assert_frame_equal(file[COLUMNS], pd.DataFrame(results[COLUMNS]))
    later = sent(sandbox, tmp_path)
    assert set(later["reason"]) == {"already_sent"}
    for _ in range(2):
        later = later.mail.refresh(sandbox.server, progress=False)
        assert_true(later, sandbox)


def test_streams_and_tags_can_differ_by_row(sandbox, tmp_path):
    """Without one tag for all, no tag filters; without a ledger there is no mark."""
    letter = LETTER.replace(
        tag="{{ plan }}",
        message_stream=lambda frame: frame["plan"].map({"free": "outbound", "pro": "broadcast"}),
    )
    results = sent(sandbox, tmp_path, letter)
    other = campaign(LETTER.replace(subject="Other"), rows=30, name="o")
    without = other.send(sandbox.server, ledger=None, progress=False)
    sandbox.simulate(**RATES)
    for one, streams in ((results, 2), (without, 1)):
        refreshed = one.mail.refresh(sandbox.server, progress=False)
        assert_true(refreshed, sandbox)
        asked = len(sandbox.requests())
        assert_true(refreshed.mail.refresh(sandbox.server, progress=False), sandbox)
        assert len(paths(sandbox, asked)) == 1 + 4 * streams  # the server, and four lists of each


def test_only_accepted_rows_have_outcomes():
    """A skipped, a rejected and an invalid row have none; without any, nothing is asked."""
    with mf.Sandbox(in_process=True, suppressions=["p1@example.com"]) as sandbox:
        three = frames.people(3).assign(email=["p0@example.com", "p1@example.com", "p@"])
        results = three.mail.compose(LETTER).send(
            sandbox.server, ledger=None, progress=False, on_invalid="skip"
        )
        refreshed = results.mail.refresh(sandbox.server, progress=False)
        assert refreshed["outcome"].isna().tolist() == [False, True, True]
        assert refreshed.loc[1:, COLUMNS].isna().all(axis=None)
        asked = len(sandbox.requests())
        none = results.mail.failed().mail.refresh(sandbox.server, progress=False)
        assert none[COLUMNS].isna().all(axis=None)
        assert len(sandbox.requests()) == asked


def test_no_tracking_is_missing_and_not_zero(sandbox, tmp_path):
    """Until there is an open after all, as of a server that tracks all of them."""
    letter = LETTER.replace(track_opens=False)
    results = sent(sandbox, tmp_path, letter, rows=30).mail.refresh(sandbox.server, progress=False)
    assert results["opens"].isna().all()
    assert (results["clicks"] == 0).all()
    results = results.mail.refresh(sandbox.server, progress=False)
    assert results["opens"].isna().all()
    sandbox.simulate(opens=0.5, seed=1)
    assert_true(results.mail.refresh(sandbox.server, progress=False), sandbox)


def test_an_unsubscribe_belongs_to_the_messages_before_it(sandbox, tmp_path):
    """At the same time or later; addresses ignore case and names; of others nothing is kept."""
    letter = LETTER.replace(to="Ann Lee <{{ email }}>")
    results = sent(sandbox, tmp_path, letter, rows=3)
    times = results["SubmittedAt"] + pd.to_timedelta([-1, 0, 1], "us")
    listed = dict(zip(["p0@example.com", "P1@Example.com", "p2@example.com"], times, strict=True))
    listed["stranger@example.com"] = times.iloc[2]
    items = [
        {"EmailAddress": address, "CreatedAt": at.isoformat()} for address, at in listed.items()
    ]

    def see(request: httpx.Request, _number: int) -> httpx.Response | None:
        is_dump = request.url.path == "/message-streams/broadcast/suppressions/dump"
        return httpx.Response(200, json={"Suppressions": items}) if is_dump else None

    refreshed = refresh(results, through(sandbox, see), progress=False)
    assert refreshed["outcome"].tolist() == ["accepted", "unsubscribed", "unsubscribed"]
    assert refreshed["unsubscribed_at"].tolist() == [pd.NaT, *times.iloc[1:]]


def test_details_say_when_a_message_was_delivered(sandbox, tmp_path):
    """So many rows, the first that are not delivered; never those that bounced."""
    results = sent(sandbox, tmp_path, rows=30)
    sandbox.simulate(bounces=0.5, seed=1)
    asked = len(sandbox.requests())
    refreshed = results.mail.refresh(sandbox.server, details=5, progress=False)
    delivered = refreshed["delivered_at"].notna()
    arrived = refreshed["bounce_type"].isna()
    assert delivered.tolist() == (arrived & (arrived.cumsum() <= 5)).tolist()
    assert (refreshed.loc[delivered, "outcome"] == "delivered").all()
    details = [path for path in paths(sandbox, asked) if path.endswith("details")]
    assert len(details) == 2 + 5  # the oldest and the newest tell the campaign
    refreshed = refreshed.mail.refresh(sandbox.server, details=100, progress=False)
    assert refreshed["delivered_at"].notna().tolist() == arrived.tolist()


# --- what goes wrong -----------------------------------------------------------------------------


def test_a_busy_server_changes_nothing(sandbox, tmp_path):
    """After 429 with a wait, and after a reply that broke off."""
    results = sent(sandbox, tmp_path, rows=60)
    sandbox.simulate(**RATES)
    for path in ("/server", "/messages/outbound/opens", "/bounces"):
        sandbox.fault("http_429_retry_after", path=path, retry_after_s=0)
    sandbox.fault("half_answer_accepted", path="/message-streams/{id}/suppressions/dump")
    assert_true(results.mail.refresh(sandbox.server, progress=False), sandbox)


LATER = "/messages/outbound/clicks"


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("is_error", [True, False])
def test_what_was_read_before_an_end_is_there(sandbox, tmp_path, is_first, is_error):
    """An error has the results, an interrupt returns them with a warning; the next run goes on."""
    results = sent(sandbox, tmp_path)
    sandbox.simulate(**RATES, over="2d")
    if not is_first:
        sandbox.advance("1d")
        results = results.mail.refresh(sandbox.server, progress=False)
    sandbox.advance("1h")
    before = results

    def see(request: httpx.Request, _number: int) -> httpx.Response | None:
        if request.url.path != LATER:
            return None
        if is_error:
            return httpx.Response(200, json={"status": "ok"})
        raise KeyboardInterrupt

    server = through(sandbox, see)
    if is_error:
        with pytest.raises(AccountError, match="no TotalCount") as caught:
            refresh(results, server, progress=False)
        results = caught.value.results
    else:
        with pytest.warns(MailframeWarning, match="interrupted"):
            results = refresh(results, server, progress=False)
    wanted = before.mail.refresh(sandbox.server, progress=False)
    pd.testing.assert_series_equal(results["opens"], wanted["opens"])
    if is_first:
        assert results["clicks"].isna().all()
    else:
        pd.testing.assert_series_equal(results["clicks"], before["clicks"])
    sandbox.advance("2d")
    assert_true(results.mail.refresh(sandbox.server, progress=False), sandbox)


def test_a_refresh_that_asks_nothing_changes_nothing(sandbox, tmp_path):
    """An interrupt of the first question keeps the state."""
    results = sent(sandbox, tmp_path, rows=30)
    sandbox.simulate(**RATES)
    results = results.mail.refresh(sandbox.server, progress=False)

    def see(_request: httpx.Request, _number: int) -> None:
        raise KeyboardInterrupt

    with pytest.warns(MailframeWarning, match="interrupted"):
        again = refresh(results, through(sandbox, see), progress=False)
    pd.testing.assert_frame_equal(again, results)
    assert again.attrs == results.attrs != {}


def test_an_index_that_lags_makes_counts_missing_and_not_wrong(tmp_path):
    """No search shows the messages yet; the next refresh knows all."""
    with mf.Sandbox(in_process=True, index_delay_s=3600) as sandbox:
        results = sent(sandbox, tmp_path, rows=60)
        sandbox.simulate(**RATES)
        early = results.mail.refresh(sandbox.server, progress=False)
        assert early[COUNTS].isna().all(axis=None)
        sandbox.advance("2h")
        whole = early.mail.refresh(sandbox.server, progress=False)
        assert_true(whole, sandbox)
        assert early["unsubscribed_at"].isna().all()  # of which stream, no search shows yet
        same = [one for one in COLUMNS if one not in (*COUNTS, "unsubscribed_at", "outcome")]
        pd.testing.assert_frame_equal(early[same], whole[same])


def later(sandbox: mf.Sandbox, rows: int) -> None:
    """So many messages of another campaign, for which the sandbox deletes the oldest."""
    others = people(33).iloc[:rows].mail.compose(LETTER.replace(message_stream="outbound"))
    others.send(sandbox.server, ledger=None, progress=False)


@pytest.mark.parametrize("kept", [0, 1, 10, 29, 30])
def test_what_postmark_has_deleted_stays_missing(kept):
    """It deletes the oldest: rows whose message is gone have no counts, the others have."""
    with mf.Sandbox(in_process=True, keep=30) as sandbox:
        whole = campaign(rows=30)
        parts = [
            part.mail.compose(LETTER).send(sandbox.server, ledger=None, progress=False)
            for part in (whole.frame.iloc[at : at + 10] for at in (0, 10, 20))
        ]
        results = pd.concat(parts)
        sandbox.simulate(**RATES)
        known = results.mail.refresh(sandbox.server, progress=False)
        assert_true(known, sandbox)
        later(sandbox, 30 - kept)
        late = results.mail.refresh(sandbox.server, progress=False)
        assert late["opens"].isna().tolist() == [True] * (30 - kept) + [False] * kept
        gone = late.iloc[: 30 - kept]
        assert gone[["opened_at", "clicked_at", "clicks"]].isna().all(axis=None)
        pd.testing.assert_frame_equal(late.iloc[30 - kept :], known.iloc[30 - kept :])
        again = known.mail.refresh(sandbox.server, progress=False)
        pd.testing.assert_frame_equal(again[COLUMNS], known[COLUMNS])


@pytest.mark.parametrize(
    ("days", "kept", "is_missing"), [(6, 0, False), (8, 1, False), (8, 0, True)]
)
def test_a_gap_in_which_events_were_deleted_is_noticed(tmp_path, days, kept, is_missing):
    """Postmark keeps them for 7 days at least; later a message from before the gap proves it."""
    with mf.Sandbox(in_process=True, keep=31) as sandbox:
        results = sent(sandbox, tmp_path, rows=30)
        results = results.mail.refresh(sandbox.server, progress=False)
        sandbox.simulate(clicks=1.0, seed=1)
        later(sandbox, 31 - kept)
        state = results.attrs[KEY]
        state["asked"] -= days * 86_400 * 10**9
        click = {"MessageID": results["MessageID"].iloc[0], "Recipient": "p0@example.com"}
        click |= {"ReceivedAt": "2100-01-01T00:00:00Z", "OriginalLink": "https://acme.example/a"}

        def see(request: httpx.Request, _number: int) -> httpx.Response | httpx.Request | None:
            if request.url.path == LATER:
                return httpx.Response(200, json={"TotalCount": 1, "Clicks": [click]})
            if request.url.path != "/messages/outbound" or days == 6:
                return None
            assert "todate" in request.url.params  # the messages of the sandbox are newer
            url = request.url.copy_remove_param("todate")
            return httpx.Request(request.method, url, headers=request.headers)

        late = refresh(results, through(sandbox, see), progress=False)
        assert late["clicks"].isna().tolist() == [is_missing] + [False] * 29
        assert late["outcome"].iloc[0] == "clicked"
        assert (late.attrs[KEY]["lacked"] is None) is not is_missing


def opens_of(
    ids: list[str], numbers: range, *, first: str = "2100-01-01T00:00:00.001Z"
) -> list[dict[str, object]]:
    """One open per message, a hundred in each second, the newest first."""
    start = pd.Timestamp(first)
    return [
        {
            "MessageID": ids[number % len(ids)],
            "Recipient": f"r{number}@example.com",
            "ReceivedAt": (start + pd.Timedelta(number / 100, "s")).isoformat(),
        }
        for number in reversed(numbers)
    ]


@pytest.mark.parametrize("stamp", [None, "2100-01-01T00:00:00Z"])
def test_events_that_no_time_can_tell_apart(sandbox, tmp_path, stamp):
    """More than 10,000 without a time, or in one second: the counts are missing."""
    results = sent(sandbox, tmp_path, rows=30)
    message_id = results["MessageID"].iloc[0]
    page = [{"MessageID": message_id, "Recipient": "x@example.com", "ReceivedAt": stamp}] * 500
    asked = []

    def see(request: httpx.Request, _number: int) -> httpx.Response | None:
        if request.url.path != "/messages/outbound/opens":
            return None
        asked.append(request.url)
        return httpx.Response(200, json={"TotalCount": 10_001, "Opens": page})

    with pytest.warns(MailframeWarning, match="did not list all opens"):
        refreshed = refresh(results, through(sandbox, see), progress=False)
    assert refreshed["opens"].isna().all()
    assert len(asked) <= 40


def test_messages_that_no_time_can_tell_apart(sandbox, tmp_path):
    """More than 10,000 in one second, to which the rows of an earlier run may belong."""
    results = sent(sandbox, tmp_path, rows=30).assign(SubmittedAt=pd.NaT)
    page = [{"MessageID": f"other-{n}", "ReceivedAt": "2026-11-27T00:00:00Z"} for n in range(500)]
    asked = []

    def see(request: httpx.Request, _number: int) -> httpx.Response | None:
        if request.url.path != "/messages/outbound":
            return None
        asked.append(request.url)
        return httpx.Response(200, json={"TotalCount": 10_001, "Messages": page})

    with pytest.warns(MailframeWarning, match="did not list all messages"):
        refreshed = refresh(results, through(sandbox, see), progress=False)
    assert refreshed["opens"].isna().all()
    assert len(asked) <= 2 * 41  # in both streams


@pytest.mark.parametrize(
    ("has_dates", "first"),
    [
        (True, "2035-11-03T05:59:00.001Z"),
        (True, "2035-11-04T05:59:00.001Z"),
        (False, "2035-11-03T05:59:00.001Z"),
    ],
)
def test_more_events_than_postmark_lists_at_once(sandbox, tmp_path, has_dates, first):
    """By their time if the server reads ``todate``; else the counts of older rows are missing.

    In the hour that US Eastern has twice, no time can tell them apart.
    """
    results = sent(sandbox, tmp_path, rows=30)
    items = opens_of(results["MessageID"].tolist(), range(10_730), first=first)
    asked = []

    def see(request: httpx.Request, _number: int) -> httpx.Response | None:
        if request.url.path != "/messages/outbound/opens":
            return None
        query = dict(request.url.params)
        asked.append(query)
        rest = items
        if has_dates and "todate" in query:
            end = pd.Timestamp(query["todate"], tz="America/New_York") + pd.Timedelta("1s")
            rest = [one for one in items if pd.Timestamp(one["ReceivedAt"]) < end]
        start = int(query["offset"])
        assert start + int(query["count"]) <= 10_000
        page = rest[start : start + int(query["count"])]
        return httpx.Response(200, json={"TotalCount": len(rest), "Opens": page})

    server = through(sandbox, see)
    if has_dates and "-03T" in first:
        refreshed = refresh(results, server, progress=False)
        assert refreshed["opens"].tolist() == [358] * 20 + [357] * 10
        assert len(asked) == 20 + 2
        return
    with pytest.warns(MailframeWarning, match="did not list all opens of broadcast"):
        refreshed = refresh(results, server, progress=False)
    assert refreshed["opens"].isna().all()
    assert (refreshed["outcome"] == "opened").all()
    assert (refreshed["clicks"] == 0).all() or refreshed["clicks"].isna().all()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"source": None}, MailframeError, "takes a server, such as sandbox.server"),
        ({"details": -1}, MailframeError, "details=-1 is not a number"),
        ({"details": True}, MailframeError, "details=True is not a number"),
        ({"source": mf.Postmark("POSTMARK_API_TEST")}, AccountError, "test token has no outcomes"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, text):
    """Before anything is asked."""
    given = {"source": mf.Postmark(TOKEN), "progress": False} | arguments
    with pytest.raises(error, match=text):
        refresh(frames.people(1), **given)


def test_a_frame_without_results_is_refused(sandbox):
    """The text says what is missing."""
    with pytest.raises(ResultsError, match="not a results DataFrame"):
        frames.people(1).mail.refresh(sandbox.server)
    results = campaign(rows=3).send(sandbox.server, ledger=None, progress=False)
    with pytest.raises(ResultsError, match="'SubmittedAt' has no times"):
        results.assign(SubmittedAt="soon").mail.refresh(sandbox.server)


@pytest.mark.parametrize("state", [None, 7, {}, {"server": "x"}, {"server": 1, "streams": []}])
def test_a_state_that_cannot_be_read_is_none(sandbox, tmp_path, state):
    """Then everything is read again."""
    results = sent(sandbox, tmp_path, rows=30)
    sandbox.simulate(**RATES)
    results = results.mail.refresh(sandbox.server, progress=False)
    results.attrs[KEY] = state
    assert_true(results.mail.refresh(sandbox.server, progress=False), sandbox)


def test_rows_that_were_never_refreshed_are_read_from_the_start(sandbox, tmp_path):
    """Also if the state of other rows came with them."""
    results = sent(sandbox, tmp_path, rows=60)
    sandbox.simulate(**RATES)
    half = results.iloc[:30].mail.refresh(sandbox.server, progress=False)
    whole = pd.concat([half, results.iloc[30:]])
    whole.attrs = half.attrs
    assert_true(whole.mail.refresh(sandbox.server, progress=False), sandbox)
    assert np.array_equal(whole["email"], results["email"])
