"""``/stats/outbound``: counts by day, in Postmark's time zone, each recipient counted.

A day or a total of zero is left out, as Postmark's recorded answers do; only the overview has every
key.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from mailframe.sandbox.api import search_parameters
from mailframe.sandbox.api.credentials import server_of
from mailframe.sandbox.checks import texts
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.events.events import EventKind
from mailframe.sandbox.state.messages.sums import COLUMNS
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

    Counts = Iterable[tuple[int, str, int]]
    """The hour since 1970, what is counted, and how many."""

NO_DATE, WRONG_ORDER = 900, 1502
_FIRST: Final = "case when is_first then 1 else 0 end"


class Scope:
    """The server, and the condition of the query on ``tag``, ``stream`` and ``at_ns``.

    Args:
        request: the request.
        store: the state of the sandbox.

    Raises:
        CheckFailed: 422 / 900 for a wrong date, 1502 for the wrong order, 1226 for the stream.
    """

    def __init__(self, request: Request, store: Store) -> None:
        self.server = server_of(request, store)
        self.store = store
        given = {name: value for name, value in request.values.items() if value}
        since_ns, end_ns = search_parameters.bounds(given, code=NO_DATE, text=texts.BAD_DATE)
        if since_ns >= end_ns and {"fromdate", "todate"} <= given.keys():
            raise CheckFailed(WRONG_ORDER, texts.WRONG_ORDER)
        end_ns = min(end_ns, store.clock.now_ns() + 1)  # a queued message is not sent yet
        self.where, self.values = "at_ns >= ? and at_ns < ?", list[Any]((since_ns, end_ns))
        if "tag" in given:
            self.where += " and tag = ?"
            self.values.append(given["tag"])
        if "messagestream" in given:  # without one, all streams (D)
            stream = given["messagestream"]
            if store.streams.get(self.server, stream) is None:
                raise CheckFailed(search_parameters.NO_SUCH_STREAM, texts.NO_SUCH_STREAM)
            self.where += " and stream = ?"
            self.values.append(stream)

    def sums(self, *columns: str) -> Counts:
        """The sums of sent messages in these columns."""
        for row in self.store.sums.by_hour(self.server, columns, self.where, self.values):
            for column in columns:
                yield row["hour"], column, row[column]

    def events(self, kind: EventKind, what: str, *, only_first: bool = False) -> Counts:
        """The events of one *kind*, counted by the SQL expression *what*; null is left out."""
        where = f"{self.where} and is_first" if only_first else self.where
        return self.store.events.by_hour(self.server, kind, what, where, self.values)

    def bounces(self) -> Counts:
        """The bounces by type; a complaint is one of them."""
        return self.store.bounces.by_hour(
            self.server, self.where.replace("at_ns", "bounced_ns"), self.values
        )


@lru_cache(maxsize=4096)
def _day(hour: int) -> str:
    """The date of an hour since 1970 in Postmark's time zone, whose offsets are whole hours."""
    moment = datetime.fromtimestamp(hour * 3600, UTC)
    return moment.astimezone(ZoneInfo(search_parameters.POSTMARK_ZONE)).date().isoformat()


def _series(counts: Counts, names: dict[str, str] | None = None) -> Reply:
    """The answer with the days in order and the totals.

    Args:
        counts: what is counted.
        names: Postmark's name for each counted thing; None is the same.
    """
    days: defaultdict[str, Counter[str]] = defaultdict(Counter)
    total: Counter[str] = Counter()
    for hour, what, count in counts:
        if count:
            name = what if names is None else names[what]
            days[_day(hour)][name] += count
            total[name] += count
    shown = [{"Date": day, **dict(sorted(days[day].items()))} for day in sorted(days)]
    return as_json({"Days": shown, **dict(sorted(total.items()))})


def show_sends(request: Request, store: Store) -> Reply:
    """``GET /stats/outbound/sends``: the recipients to whom messages were sent."""
    return _series(Scope(request, store).sums("sent"), {"sent": "Sent"})


def show_tracked(request: Request, store: Store) -> Reply:
    """``GET /stats/outbound/tracked``: those whose opens or links are tracked."""
    return _series(Scope(request, store).sums("tracked"), {"tracked": "Tracked"})


def show_bounces(request: Request, store: Store) -> Reply:
    """``GET /stats/outbound/bounces``: the bounces by type."""
    bounces = Scope(request, store).bounces()
    return _series(row for row in bounces if row[1] != EventKind.SPAM_COMPLAINT)


def show_spam(request: Request, store: Store) -> Reply:
    """``GET /stats/outbound/spam``: the complaints."""
    bounces = Scope(request, store).bounces()
    return _series(row for row in bounces if row[1] == EventKind.SPAM_COMPLAINT)


def show_opens(request: Request, store: Store) -> Reply:
    """``GET /stats/outbound/opens``: all opens, and the first of each recipient."""
    return _all_and_first(Scope(request, store), EventKind.OPEN, "Opens")


def show_clicks(request: Request, store: Store) -> Reply:
    """``GET /stats/outbound/clicks``: all clicks, and the first of each recipient on each link."""
    return _all_and_first(Scope(request, store), EventKind.CLICK, "Clicks")


def _all_and_first(scope: Scope, kind: EventKind, name: str) -> Reply:
    both = [
        *scope.events(kind, "'all'"),
        *scope.events(kind, "'first'", only_first=True),
    ]
    return _series(both, {"all": name, "first": "Unique"})


def _by(kind: EventKind, what: str) -> Callable[[Request, Store], Reply]:
    """An endpoint that counts first opens or clicks by the SQL expression *what*."""

    def show(request: Request, store: Store) -> Reply:
        return _series(Scope(request, store).events(kind, what, only_first=True))

    return show


_PLATFORM: Final = "ifnull(json_extract(about, '$.Platform'), 'Unknown')"
_CLIENT: Final = "nullif(json_extract(about, '$.Client.Name'), '')"
_FAMILY: Final = "nullif(json_extract(about, '$.Client.Family'), '')"
_LOCATION: Final = "ifnull(json_extract(details, '$.ClickLocation'), 'HTML')"
_SECONDS: Final = "json_extract(details, '$.ReadSeconds')"
_READ_TIME: Final = (
    f"case when {_SECONDS} is null then 'unknown' when {_SECONDS} >= 20 then '20s+'"
    f" else {_SECONDS} || 's' end"
)


def show_overview(request: Request, store: Store) -> Reply:
    """``GET /stats/outbound``: every total; the rates are percent."""
    scope = Scope(request, store)
    sums = _totals(scope.sums(*COLUMNS))
    bounces = _totals(scope.bounces())
    complaints, refused = bounces.pop("SpamComplaint", 0), bounces.pop("SMTPApiError", 0)
    bounced = sum(bounces.values())
    opens = _totals(scope.events(EventKind.OPEN, _FIRST))
    clicks = _totals(scope.events(EventKind.CLICK, _FIRST))
    clients, platforms, times = (
        sum(_totals(scope.events(EventKind.OPEN, what, only_first=True)).values())
        for what in (_CLIENT, "json_extract(about, '$.Platform')", _SECONDS)
    )
    return as_json(
        {
            "Sent": sums["sent"],
            "Bounced": bounced,
            "SMTPApiErrors": refused,
            "BounceRate": _percent(bounced, sums["sent"]),
            "SpamComplaints": complaints,
            "SpamComplaintsRate": _percent(complaints, sums["sent"]),
            "Tracked": sums["tracked"],
            "Opens": opens.total(),
            "UniqueOpens": opens[1],
            "TotalClicks": clicks.total(),
            "UniqueLinksClicked": clicks[1],
            "WithClientRecorded": clients,
            "WithPlatformRecorded": platforms,
            "WithReadTimeRecorded": times,
            "WithLinkTracking": sums["links"],
            "WithOpenTracking": sums["opens"],
            "TotalTrackedLinksSent": sums["tracked_links"],
        }
    )


def _totals(counts: Counts) -> Counter[Any]:
    total: Counter[Any] = Counter()
    for _, what, count in counts:
        total[what] += count
    return total


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 3) if whole else 0.0


ROUTES: Final[dict[str, dict[str, Callable[[Request, Store], Reply]]]] = {
    "/stats/outbound": {"GET": show_overview},
    "/stats/outbound/sends": {"GET": show_sends},
    "/stats/outbound/tracked": {"GET": show_tracked},
    "/stats/outbound/bounces": {"GET": show_bounces},
    "/stats/outbound/spam": {"GET": show_spam},
    "/stats/outbound/opens": {"GET": show_opens},
    "/stats/outbound/opens/platforms": {"GET": _by(EventKind.OPEN, _PLATFORM)},
    "/stats/outbound/opens/emailclients": {"GET": _by(EventKind.OPEN, _CLIENT)},
    "/stats/outbound/opens/readtimes": {"GET": _by(EventKind.OPEN, _READ_TIME)},
    "/stats/outbound/clicks": {"GET": show_clicks},
    "/stats/outbound/clicks/browserfamilies": {"GET": _by(EventKind.CLICK, _FAMILY)},
    "/stats/outbound/clicks/platforms": {"GET": _by(EventKind.CLICK, _PLATFORM)},
    "/stats/outbound/clicks/location": {"GET": _by(EventKind.CLICK, _LOCATION)},
}
