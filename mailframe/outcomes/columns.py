"""The columns of results that say what happened to each message after it was accepted.

``with_outcomes`` adds events to them. A row has the MessageID of one message, which may have
several recipients: a count is the sum over them, and a time the first of any.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import ResultsError
from mailframe.message.text_arrays import MISSING, repeated_texts, text_array
from mailframe.outcomes.events import EventKind, each_once
from mailframe.outcomes.links import with_links
from mailframe.outcomes.message_index import MessageIndex
from mailframe.outcomes.tally import LATEST, Tally, ranked
from mailframe.pandas_versions import as_dtype, own_copy
from mailframe.postmark.bounce_types import COMPLAINT, NO_FAILURE
from mailframe.postmark.timestamps import NO_STAMP, as_stamps
from mailframe.results.frame import beside, last_column, results_columns, standard_name
from mailframe.results.summary_line import Results, with_summary_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.outcomes.tally import Array, Bounce


class OutcomeWord(StrEnum):
    """The outcome of a message, a closed list in its order: the last word that holds is given."""

    ACCEPTED = "accepted"
    """Postmark accepted it, and nothing else is known."""
    DELIVERED = "delivered"
    """The mail server of a recipient took it."""
    BOUNCED = "bounced"
    """It could not be delivered to a recipient."""
    OPENED = "opened"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"


OUTCOME_DTYPES: Final[Mapping[str, str]] = {
    "outcome": "str",
    "delivered_at": "datetime64[ns, UTC]",
    "opened_at": "datetime64[ns, UTC]",
    "opens": "Int64",
    "clicked_at": "datetime64[ns, UTC]",
    "clicks": "Int64",
    "bounce_type": "str",
    "bounce_detail": "str",
    "unsubscribed_at": "datetime64[ns, UTC]",
}
"""The columns of outcomes in their order, with dtypes; ``str`` is what pandas gives to text."""

_COLUMNS: Final = tuple(OUTCOME_DTYPES)
_TIMES: Final[Mapping[str, EventKind]] = {
    "delivered_at": EventKind.DELIVERED,
    "opened_at": EventKind.OPENED,
    "clicked_at": EventKind.CLICKED,
    "unsubscribed_at": EventKind.UNSUBSCRIBED,
}
_COUNTS: Final[Mapping[str, EventKind]] = {"opens": EventKind.OPENED, "clicks": EventKind.CLICKED}
_BOUNCES: Final = (EventKind.BOUNCED, EventKind.COMPLAINED)
"""Events whose columns have no time; another event without a time is left out."""
_BOUNCE: Final = ("bounce_type", "bounce_detail")


def with_outcomes(
    results: pd.DataFrame,
    events: pd.DataFrame,
    *,
    complete: Mapping[str, Any] | None = None,
    uncertain: Any = False,
    are_new: bool = False,
    index: MessageIndex | None = None,
) -> pd.DataFrame:
    """The results with the columns of ``OUTCOME_DTYPES``, to which *events* are added.

    Rows, order, index, columns and dtypes of *results* stay. Their MessageID joins the events; a
    row without one has missing outcomes. A column of the caller is never overwritten: if a name is
    taken, the new column is ``mail_<name>``. Columns of an earlier call are brought up to date: a
    time becomes the earlier one, a count the larger one, so that the same events change nothing.

    Args:
        results: a results frame.
        events: a table of events in any order, each once or more often; see ``events_frame``.
        complete: for ``opens`` and ``clicks``, in which rows *events* has all of them, so that none
            is 0 and not missing: one truth value per row, or one for all; by default in none.
        uncertain: in which rows *events* may lack some before others, because Postmark has deleted
            them: one truth value per row, or one for all. To have events there makes a count
            missing.
        are_new: whether no event was counted by an earlier call: then the counts are added.
        index: the messages of *results*, if they are at hand.

    Raises:
        ResultsError: *results* is not a results frame.

    Examples:
        >>> from mailframe.outcomes.events import events_frame
        >>> from mailframe.results.frame import results_frame
        >>> from mailframe.results.row_results import RowResults
        >>> results = results_frame(pd.DataFrame(index=["ann", "bob"]), RowResults(2))
        >>> results.loc["ann", ["status", "MessageID"]] = ["accepted", "m1"]
        >>> opened = {"MessageID": "m1", "kind": "opened", "at": "2026-11-27T12:00:00Z"}
        >>> with_outcomes(results, events_frame([opened, opened]))[["outcome", "opens"]]
            outcome  opens
        ann  opened      1
        bob     NaN   <NA>
    """
    if index is None:
        index = MessageIndex(last_column(results, results_columns(results)["MessageID"]))
    tally = _tally(each_once(events), index, are_new=are_new)
    return with_tally(results, index, tally, complete=complete, uncertain=uncertain)


def with_tally(
    results: pd.DataFrame,
    index: MessageIndex,
    tally: Tally,
    *,
    complete: Mapping[str, Any] | None = None,
    uncertain: Any = False,
    goes_on: bool = False,
) -> pd.DataFrame:
    """The same as ``with_outcomes`` for events that were added up, of the messages of *index*.

    With *goes_on* only what is new was read, so that a count that was missing stays missing.
    """
    row = index.row
    labels = outcome_columns(results)
    before = None if labels is None else outcomes(results, labels)
    columns: dict[str, Any] = {}
    for name, kind in _TIMES.items():
        first = _of_rows(tally.first(kind), row, missing=LATEST)
        columns[name] = _times(first, None if before is None else before[name])
    for name, kind in _COUNTS.items():
        columns[name] = _counts(
            _of_rows(tally.number(kind), row, missing=0).astype(np.int64),
            _of_rows(tally.number(kind, new=True), row, missing=0).astype(np.int64),
            (row >= 0) & (complete or {}).get(name, False),
            (row >= 0) & uncertain,
            None if before is None else before[name],
            goes_on=goes_on,
        )
    columns |= _bounces(tally, row, before)
    columns["outcome"] = _words(columns, has_message=row >= 0)
    joined = _joined(results, {name: columns[name] for name in _COLUMNS}, labels)
    joined.attrs = with_links(joined.attrs, index, tally)
    return joined


def outcome_columns(results: pd.DataFrame) -> dict[str, str] | None:
    """The columns of outcomes of the newest results, by standard name; None without all of them.

    They stand after the newest columns of results, so columns of earlier results are none of them.
    """
    newest = results_columns(results)["changed"]
    start = max(place for place, label in enumerate(results.columns) if label == newest)
    labels: dict[str, str] = {}
    for label in results.columns[start + 1 :]:
        name = standard_name(label, _COLUMNS)
        if name is not None:
            labels[name] = label
    is_whole = len(labels) == len(_COLUMNS)
    return {name: labels[name] for name in _COLUMNS} if is_whole else None


def outcomes(results: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """The columns of outcomes under their standard names, with their dtypes and a new index.

    Raises:
        ResultsError: a column has been given other values, such as texts in place of times.
    """
    columns: dict[str, Any] = {}
    for name, label in labels.items():
        cells = last_column(results, label).reset_index(drop=True)
        try:
            columns[name] = as_dtype(cells, OUTCOME_DTYPES[name])
        except (TypeError, ValueError) as error:
            raise ResultsError(
                f"column {label!r} is not the column {name!r} of outcomes ({error}); use what "
                "refresh() returned"
            ) from None
    return pd.DataFrame(columns, index=pd.RangeIndex(len(results)))


def is_bounced(bounce_type: pd.Series[Any]) -> Array:
    """Which rows have a bounce that says that the delivery failed."""
    is_failure = bounce_type.notna() & ~bounce_type.isin([*NO_FAILURE, COMPLAINT])
    return is_failure.to_numpy(dtype=bool)


def is_complaint(bounce_type: pd.Series[Any]) -> Array:
    """Which rows have a complaint."""
    return bounce_type.isin([COMPLAINT]).to_numpy(dtype=bool)


# --- from events to one value per row -------------------------------------------------------------


def _tally(events: pd.DataFrame, index: MessageIndex, *, are_new: bool) -> Tally:
    """Events, each given once, added up for the messages of *index*."""
    tally = Tally(len(index))
    places = index.find(events["MessageID"].tolist())
    times = _nanoseconds(events["at"])
    for kind in EventKind:
        is_one = events["kind"].isin([kind.value]).to_numpy(dtype=bool) & (places >= 0)
        if kind in _BOUNCES:
            for place, event in zip(places[is_one], events[is_one].to_dict("records"), strict=True):
                given = {name: one for name, one in event.items() if isinstance(one, str)}
                bounce_type = (
                    COMPLAINT if kind is EventKind.COMPLAINED else given.get("bounce_type")
                )
                tally.add_bounce(int(place), bounce_type, given.get("bounce_detail"))
            continue
        is_one &= times != LATEST
        tally.add(kind, places[is_one], times[is_one], are_new=are_new)
        if kind is EventKind.CLICKED:
            links = [one if isinstance(one, str) else None for one in events["link"][is_one]]
            tally.add_clicks(links, places[is_one], are_new=are_new)
    return tally


def _nanoseconds(times: pd.Series[Any]) -> Array:
    """Nanoseconds since 1970; the latest of all for a missing time."""
    whole = times.dt.tz_convert("UTC").dt.as_unit("ns").to_numpy("datetime64[ns]").view("i8")
    return np.where(whole == NO_STAMP, LATEST, whole)


def _of_rows(values: Array, message: Array, *, missing: int) -> Array:
    """The value of each row, by the number of its message."""
    return np.append(values, missing)[message]  # -1 is the last


def _times(first: Array, before: pd.Series[Any] | None) -> Any:
    if before is not None:
        first = np.minimum(first, _nanoseconds(before))
    return as_stamps(np.where(first == LATEST, NO_STAMP, first))


def _counts(
    number: Array,
    new: Array,
    has_all: Array,
    is_uncertain: Array,
    before: pd.Series[Any] | None,
    *,
    goes_on: bool,
) -> Any:
    is_uncertain = is_uncertain & (number + new > 0)
    is_missing = (number == 0) & ~has_all
    if before is None:
        return pd.arrays.IntegerArray(number + new, is_missing & (new == 0) | is_uncertain)
    was_missing = before.isna().to_numpy()
    is_missing = was_missing if goes_on else was_missing & is_missing
    number = np.maximum(number, before.fillna(0).to_numpy(np.int64))
    return pd.arrays.IntegerArray(number + new, is_missing | is_uncertain)


def _bounces(tally: Tally, row: Array, before: pd.DataFrame | None) -> dict[str, Any]:
    """Type and detail of the severest bounce of each row."""
    shown: dict[int, Bounce] = {}
    if before is not None:
        rows = np.flatnonzero(before["bounce_type"].notna().to_numpy(dtype=bool))
        texts = [before[name].iloc[rows].fillna("").tolist() for name in _BOUNCE]
        shown = dict(zip(rows.tolist(), map(ranked, *texts), strict=True))
    has_one = np.zeros(tally.messages + 1, dtype=bool)  # the last stands for no message
    has_one[list(tally.bounces)] = True
    for place in np.flatnonzero(has_one[row]).tolist():
        bounce = tally.bounces[int(row[place])]
        shown[place] = max(bounce, shown.get(place, bounce))
    numbers = {bounce: number for number, bounce in enumerate(dict.fromkeys(shown.values()), 1)}
    number = np.zeros(len(row), dtype=np.int64)
    number[list(shown)] = [numbers[bounce] for bounce in shown.values()]
    return {
        name: _repeated(number, [None, *(str(bounce[at]) or None for bounce in numbers)])
        for at, name in enumerate(_BOUNCE, 1)
    }


def _words(columns: Mapping[str, Any], *, has_message: Array) -> Any:
    """The outcome of each row."""
    bounce_type = pd.Series(columns["bounce_type"])
    conditions = {
        OutcomeWord.DELIVERED: ~pd.isna(columns["delivered_at"]),
        OutcomeWord.BOUNCED: is_bounced(bounce_type),
        OutcomeWord.OPENED: ~pd.isna(columns["opened_at"]),
        OutcomeWord.CLICKED: ~pd.isna(columns["clicked_at"]),
        OutcomeWord.UNSUBSCRIBED: ~pd.isna(columns["unsubscribed_at"]),
        OutcomeWord.COMPLAINED: is_complaint(bounce_type),
    }
    number = has_message.astype(np.int64)
    for place, holds in enumerate(conditions.values(), 2):
        number[has_message & holds] = place
    return _repeated(number, [None, OutcomeWord.ACCEPTED.value, *(one.value for one in conditions)])


def _repeated(number: Array, texts: list[str | None]) -> Any:
    """A column of texts by their number."""
    words = [text for text in dict.fromkeys(texts) if text is not None]
    places = {None: MISSING} | {word: place for place, word in enumerate(words)}
    codes = np.array([places[text] for text in texts])
    return text_array(repeated_texts(number, codes=codes, words=words))


def _joined(
    results: pd.DataFrame, columns: Mapping[str, Any], labels: Mapping[str, str] | None
) -> pd.DataFrame:
    """The results with the columns, at the place where they are or after the others."""
    if labels is None:
        joined = beside(results, columns)
    else:
        joined = own_copy(results)
        for name, label in labels.items():
            place = max(at for at, one in enumerate(results.columns) if one == label)
            joined.isetitem(place, columns[name])
    about = getattr(results, "about", None) if isinstance(results, Results) else None
    return joined if about is None else with_summary_line(joined, about)
