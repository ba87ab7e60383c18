"""Lists that change while they are read, and answers of another shape."""

from __future__ import annotations

import sys
import zoneinfo

import httpx
import pandas as pd
import pytest

from mailframe.errors import AccountError, MailframeError
from mailframe.postmark.account.times import bounds, eastern_zone
from tests.postmark.test_account import answering

SECOND = "2026-01-01T00:00:00"


def listing(ids, *, total=None, before=lambda _number: None):
    """A server that lists these ids, newest first and all of one second, and the requests.

    Args:
        ids: the ids, which *before* may change.
        total: the total that it answers; by default their number.
        before: is called with the number of each request.
    """

    def answer(request, number):
        before(number)
        params = request.url.params
        if not params.get("fromdate", "") <= SECOND <= params.get("todate", "9"):
            return httpx.Response(200, json={"TotalCount": 0, "Messages": []})
        offset = int(params["offset"])
        items = [{"MessageID": one} for one in ids[offset : offset + 500]]
        count = len(ids) if total is None else total
        return httpx.Response(200, json={"TotalCount": count, "Messages": items})

    return answering(answer)


@pytest.mark.parametrize(("count", "is_whole"), [(9_999, True), (10_000, True), (10_001, False)])
def test_more_of_one_second_than_postmark_lists_are_an_error(count, is_whole):
    """A part of a list is never returned as the whole."""
    server, requests = listing([str(one) for one in range(count)])
    if is_whole:
        assert len(server.messages()) == count
    else:
        with pytest.raises(AccountError, match="10,001 items have one second"):
            server.messages()
    assert len(requests) < 150
    few = len(requests)
    assert len(server.messages(limit=2)) == 2
    assert len(requests) == few + 1


def test_a_server_that_does_not_list_by_time_is_not_asked_without_end():
    """Each window would have as many items as the whole."""
    page = {"TotalCount": 12_000, "Messages": [{"MessageID": str(one)} for one in range(500)]}
    server, requests = answering(lambda _request, _number: httpx.Response(200, json=page))
    with pytest.raises(AccountError, match="12,000 items and does not list them by time"):
        server.messages()
    assert len(requests) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda ids: ids.insert(0, "new"),
        lambda ids: ids.pop(0),
        lambda ids: ids.__delitem__(slice(0, 600)),
        lambda ids: ids.pop(),
        lambda ids: (ids.pop(0), ids.insert(0, "new")),
    ],
)
@pytest.mark.parametrize("count", [999, 1_000, 1_001])
def test_a_list_may_change_while_it_is_read(change, count):
    """Whatever is in it all the time comes once."""
    ids = [str(one) for one in range(count)]
    server, _ = listing(ids, before=lambda number: number > 1 and len(ids) > 400 and change(ids))
    listed = server.messages()["MessageID"].tolist()
    assert len(listed) == len(set(listed))
    assert set(ids) - {"new"} <= set(listed)


@pytest.mark.parametrize(("count", "total"), [(499, 500), (0, 1), (700, 900), (1_000, 1_001)])
def test_a_page_with_fewer_items_than_its_total_is_an_error(count, total):
    """Whoever is missing in it would be taken for somebody who has no message."""
    server, _ = listing([str(one) for one in range(count)], total=total)
    with pytest.raises(AccountError, match=f"a TotalCount of {total:,}"):
        server.messages()


def test_objects_of_another_shape_leave_their_rows():
    """Names that are not ASCII are not encoded, and a name with a comma has quotes."""
    people = [{"Email": "a@x.example", "Name": "Jörg, Ä"}, {"Email": 7}, None, {"Email": "ö@x.de"}]
    items = [{"MessageID": [7], "To": people}, {"MessageID": [7], "To": {}}]
    server, _ = answering(lambda *_: httpx.Response(200, json={"TotalCount": 2, "Messages": items}))
    assert server.messages()["To"].tolist()[0] == '"Jörg, Ä" <a@x.example>, ö@x.de'
    streams = [{"ID": "a", "SubscriptionManagementConfiguration": 7}]
    server, _ = answering(lambda *_: httpx.Response(200, json={"MessageStreams": streams}))
    assert server.streams()["ID"].tolist() == ["a"]


@pytest.mark.parametrize("date", [None, 7, [], "soon", "2026-13-01"])
def test_a_day_without_a_date_is_an_error(date):
    """Its counts would be of no day; a count that is no number is left out."""
    days = {"Days": [{"Date": date, "Sent": 7}]}
    server, _ = answering(lambda *_: httpx.Response(200, json=days))
    with pytest.raises(AccountError, match="without a Date"):
        server.stats("day")
    days["Days"] = [{"Date": "2026-01-01", "Sent": 1 << 70, "HardBounce": "7"}]
    assert server.stats("day")["Sent"].tolist() == [0]


@pytest.mark.parametrize(
    ("time", "since", "until"),
    [
        ("2026-11-01 04:59:59Z", "00:59:59", "00:59:59"),
        ("2026-11-01 05:00:00Z", "00:59:59", "02:00:00"),
        ("2026-11-01 06:59:59Z", "00:59:59", "02:00:00"),
        ("2026-11-01 07:00:00Z", "02:00:00", "02:00:00"),
        ("2026-03-08 06:59:59Z", "01:59:59", "01:59:59"),
        ("2026-03-08 07:00:00Z", "03:00:00", "03:00:00"),
    ],
)
def test_no_time_is_lost_when_clocks_change(time, since, until):
    """An hour that US Eastern has twice is asked for as a whole."""
    given = bounds(pd.Timestamp(time), pd.Timestamp(time))
    assert [text[11:] for text in given.values()] == [since, until]


def test_a_machine_without_time_zones_is_told_what_to_install(monkeypatch):
    """As a small container is; Postmark's days are those of New York."""
    for name in [one for one in list(sys.modules) if one.startswith("tzdata.")]:
        monkeypatch.delitem(sys.modules, name)  # loaded by a test with a zone that does not exist
    monkeypatch.setitem(sys.modules, "tzdata", None)
    zoneinfo.reset_tzpath([])
    zoneinfo.ZoneInfo.clear_cache()
    try:
        with pytest.raises(MailframeError, match="pip install tzdata"):
            eastern_zone()
    finally:
        zoneinfo.reset_tzpath()
