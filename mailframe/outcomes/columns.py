"""The columns of results that say what happened to each message after it was accepted.

``with_outcomes`` adds events to them. A row has the MessageID of one message, which may have
several recipients: a count is the sum over them, and a time the first of any.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pandas as pd

from mailframe.errors import ResultsError
from mailframe.outcomes.events import EventKind, each_once
from mailframe.outcomes.links import with_links
from mailframe.outcomes.message_index import MessageIndex
from mailframe.pandas_versions import as_dtype, own_copy, text_column
from mailframe.postmark.bounce_types import COMPLAINT, NO_FAILURE
from mailframe.postmark.timestamps import NO_STAMP, as_stamps
from mailframe.results.frame import beside, last_column, results_columns, standard_name
from mailframe.results.summary_line import Results, with_summary_line

if TYPE_CHECKING:
    from collections.abc import Mapping

Array: TypeAlias = "np.ndarray[tuple[int], np.dtype[Any]]"


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
_WITHOUT_TIME: Final = (EventKind.BOUNCED.value, EventKind.COMPLAINED.value)
"""Events whose columns have no time; another event without a time is left out."""
_BOUNCE: Final = ("bounce_type", "bounce_detail")
_HARD, _UNKNOWN = "HardBounce", "Unknown"
_LATEST: Final = np.iinfo(np.int64).max


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
    message, messages = index.row, len(index)
    once = each_once(events)
    of_event = index.find(once["MessageID"].tolist())
    is_ours = (of_event >= 0) & (once["at"].notna() | once["kind"].isin(_WITHOUT_TIME)).to_numpy()
    once, of_event = once[is_ours], of_event[is_ours]
    labels = outcome_columns(results)
    before = None if labels is None else outcomes(results, labels)
    columns: dict[str, Any] = {}
    for name, kind in _TIMES.items():
        first = _first(once, of_event, kind, messages)
        columns[name] = _times(_of_rows(first, message, missing=_LATEST), _column(before, name))
    for name, kind in _COUNTS.items():
        number = np.bincount(of_event[_is(once, kind)], minlength=messages)
        counts = _of_rows(number, message, missing=0)
        has_all = (message >= 0) & (complete or {}).get(name, False)
        columns[name] = _counts(
            *(counts, has_all, (message >= 0) & uncertain), _column(before, name), are_new=are_new
        )
    columns |= _bounces(once, of_event, message, before)
    columns["outcome"] = _words(columns, has_message=message >= 0)
    joined = _joined(results, {name: columns[name] for name in _COLUMNS}, labels)
    joined.attrs = with_links(joined.attrs, once, are_new=are_new)
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
    return (_rank(bounce_type) > 1) & ~is_complaint(bounce_type)


def is_complaint(bounce_type: pd.Series[Any]) -> Array:
    """Which rows have a complaint."""
    return bounce_type.isin([COMPLAINT]).to_numpy(dtype=bool)


# --- from events to one value per row -------------------------------------------------------------


def _is(events: pd.DataFrame, *kinds: EventKind) -> Array:
    return events["kind"].isin([kind.value for kind in kinds]).to_numpy(dtype=bool)


def _first(events: pd.DataFrame, of_event: Array, kind: EventKind, messages: int) -> Array:
    """The time of the first event of each message, in nanoseconds since 1970."""
    is_kind = _is(events, kind)
    first = np.full(messages, _LATEST)
    np.minimum.at(first, of_event[is_kind], _nanoseconds(events["at"])[is_kind])
    return first


def _nanoseconds(times: pd.Series[Any]) -> Array:
    """Nanoseconds since 1970; the latest of all for a missing time."""
    whole = times.dt.tz_convert("UTC").dt.as_unit("ns").to_numpy("datetime64[ns]").view("i8")
    return np.where(whole == NO_STAMP, _LATEST, whole)


def _column(frame: pd.DataFrame | None, name: str) -> pd.Series[Any] | None:
    return None if frame is None else frame[name]


def _of_rows(values: Array, message: Array, *, missing: int) -> Array:
    """The value of each row, by the number of its message."""
    return np.append(values, missing)[message]  # -1 is the last


def _times(first: Array, before: pd.Series[Any] | None) -> Any:
    if before is not None:
        first = np.minimum(first, _nanoseconds(before))
    return as_stamps(np.where(first == _LATEST, NO_STAMP, first))


def _counts(
    number: Array,
    has_all: Array,
    is_uncertain: Array,
    before: pd.Series[Any] | None,
    *,
    are_new: bool,
) -> Any:
    is_uncertain = is_uncertain & (number > 0)
    is_missing = (number == 0) & ~has_all
    if before is not None:
        counted = before.fillna(0).to_numpy(np.int64)
        was_missing = before.isna().to_numpy()
        if are_new:
            number, is_missing = number + counted, was_missing & ~has_all
        else:
            number, is_missing = np.maximum(number, counted), was_missing & is_missing
    return pd.arrays.IntegerArray(number.astype(np.int64), is_missing | is_uncertain)


def _bounces(
    events: pd.DataFrame, of_event: Array, message: Array, before: pd.DataFrame | None
) -> dict[str, Any]:
    """Type and detail of the severest bounce of each row."""
    is_one = _is(events, EventKind.BOUNCED, EventKind.COMPLAINED)
    table = events.loc[is_one, [*_BOUNCE]].assign(row=of_event[is_one])
    is_complained = _is(events, EventKind.COMPLAINED)[is_one]
    table["bounce_type"] = table["bounce_type"].fillna(_UNKNOWN).mask(is_complained, COMPLAINT)
    of_message = _severest(table)
    rows = np.flatnonzero(np.isin(message, of_message.index))
    table = of_message.reindex(message[rows]).reset_index(drop=True).assign(row=rows)
    if before is not None:
        earlier = np.flatnonzero(before["bounce_type"].notna())
        table = pd.concat([table, before[[*_BOUNCE]].iloc[earlier].assign(row=earlier)])
    chosen = _severest(table).reindex(np.arange(len(message)))
    return {name: as_dtype(chosen[name], "str").array for name in _BOUNCE}


def _severest(table: pd.DataFrame) -> pd.DataFrame:
    """One bounce for each row; between equal ones the text decides, so no order of events does."""
    keys = table.assign(rank=_rank(table["bounce_type"]), text=table["bounce_detail"].fillna(""))
    keys = keys.sort_values(["row", "rank", "bounce_type", "text"])
    return keys.drop_duplicates("row", keep="last").set_index("row")[[*_BOUNCE]]


def _rank(bounce_type: pd.Series[Any]) -> Array:
    """0 without one, 1 for a note, 2 for a failure, 3 for a hard bounce, 4 for a complaint."""
    is_type = bounce_type.notna().to_numpy(dtype=int)
    is_failure = ~bounce_type.isin(NO_FAILURE).to_numpy(dtype=bool)
    is_hard = bounce_type.isin([_HARD, COMPLAINT]).to_numpy(dtype=int)
    rank: Array = is_type + is_type * is_failure + is_hard + is_complaint(bounce_type)
    return rank


def _words(columns: Mapping[str, Any], *, has_message: Array) -> Any:
    """The outcome of each row."""
    bounce_type = pd.Series(columns["bounce_type"])
    conditions = {
        OutcomeWord.COMPLAINED: is_complaint(bounce_type),
        OutcomeWord.UNSUBSCRIBED: ~pd.isna(columns["unsubscribed_at"]),
        OutcomeWord.CLICKED: ~pd.isna(columns["clicked_at"]),
        OutcomeWord.OPENED: ~pd.isna(columns["opened_at"]),
        OutcomeWord.BOUNCED: is_bounced(bounce_type),
        OutcomeWord.DELIVERED: ~pd.isna(columns["delivered_at"]),
        OutcomeWord.ACCEPTED: np.ones(len(has_message), dtype=bool),
    }
    words = np.array([*[word.value for word in conditions], None], dtype=object)
    place = np.argmax(np.stack([*conditions.values()]), axis=0)
    return text_column(words[np.where(has_message, place, -1)].tolist()).array


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
