"""The statistics of a server as DataFrames. Postmark counts recipients, not messages."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.errors import AccountError
from mailframe.postmark.account.lists import query_of
from mailframe.postmark.account.questions import items_of, object_of
from mailframe.postmark.account.times import days

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.postmark.account.times import When
    from mailframe.postmark.client import Postmark

_MOST: Final = 1 << 53
_DATE: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_PATH: Final = "/stats/outbound"
_DAILY: Final[Mapping[str, Mapping[str, str]]] = {
    "sends": {"Sent": "Sent"},
    "bounces": {"HardBounce": "HardBounce", "SoftBounce": "SoftBounce", "Transient": "Transient"},
    "spam": {"SpamComplaint": "SpamComplaint"},
    "tracked": {"Tracked": "Tracked"},
    "opens": {"Opens": "Opens", "Unique": "UniqueOpens"},
    "clicks": {"Clicks": "Clicks", "Unique": "UniqueClicks"},
}
"""The endpoints with counts of each day, and the columns that each always has, by Postmark's name;
other types of bounces follow when there are any."""
_KINDS: Final[Mapping[str, Mapping[str, str]]] = {
    "platform": {"opens/platforms": "UniqueOpens", "clicks/platforms": "UniqueClicks"},
    "client": {"opens/emailclients": "UniqueOpens"},
    "browser": {"clicks/browserfamilies": "UniqueClicks"},
    "location": {"clicks/location": "UniqueClicks"},
}
"""By value of *by*: the endpoints, and the columns of their totals."""


def stats(
    server: Postmark,
    by: str | None,
    *,
    stream: str | None,
    tag: str | None,
    since: When,
    until: When,
) -> pd.DataFrame:
    """The statistics of *server*; see ``Postmark.stats``."""
    query = query_of({"messagestream": stream, "tag": tag}) | days(since, until)
    if by is None:
        counts = _counts(object_of(server, _PATH, query))
        if not counts:
            raise AccountError(f"GET {_PATH}: the answer has no numbers")
        return pd.DataFrame([counts])
    if by == "day":
        return _by_day(server, query)
    if by in _KINDS:
        return _by_kind(server, query, by)
    choices = ", ".join(repr(one) for one in ("day", *_KINDS))
    raise AccountError(f"by={by!r} is none of {choices}")


def _by_day(server: Postmark, query: Mapping[str, str]) -> pd.DataFrame:
    """One row per day with any count, the oldest first; Postmark leaves out a count of 0."""
    by_date: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
    for endpoint, names in _DAILY.items():
        path = f"{_PATH}/{endpoint}"
        for day in items_of(object_of(server, path, query), "Days", what=f"GET {path}"):
            counts = {names.get(name, name): count for name, count in _counts(day).items()}
            date = day.get("Date")
            if not (isinstance(date, str) and _DATE.fullmatch(date)):
                raise AccountError(f"GET {path}: the answer has a day without a Date")
            by_date[date] |= counts
    frame = pd.DataFrame(list(by_date.values()), index=list(by_date))  # also of no counts
    always = [column for names in _DAILY.values() for column in names.values()]
    frame = frame.reindex(columns=[*always, *frame.columns.difference(always)])
    frame.index = pd.to_datetime(frame.index, format="%Y-%m-%d")
    return frame.fillna(0).astype("int64").sort_index().rename_axis("Date").reset_index()


def _by_kind(server: Postmark, query: Mapping[str, str], by: str) -> pd.DataFrame:
    """One row per platform, client and so on, the most frequent first."""
    columns = {
        column: _counts(object_of(server, f"{_PATH}/{endpoint}", query))
        for endpoint, column in _KINDS[by].items()
    }
    whole = pd.DataFrame(columns).fillna(0).astype("int64").rename_axis(by).reset_index()
    return whole.sort_values(list(columns), ascending=False, kind="stable", ignore_index=True)


def _counts(value: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of an answer: its totals, or those of a day."""
    numbers = {name: one for name, one in value.items() if type(one) in (int, float)}
    return {name: one for name, one in numbers.items() if abs(one) < _MOST}
