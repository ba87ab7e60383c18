"""Charts of results: the rows by status, by another column, and over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from mailframe.counting import counted
from mailframe.errors import MailframeError, MissingExtra, ResultsError
from mailframe.pages.text import one_line
from mailframe.results.frame import last_column, results_columns, summary
from mailframe.results.row_results import Status
from mailframe.results.status_colors import STATUS_COLORS
from mailframe.results.status_counts import statuses_by

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Hashable

    from matplotlib.axes import Axes

    from mailframe.charts.bars import Line

_MAX_REASONS: Final = 5
_MAX_LABEL: Final = 60
"""Characters of a value or a reason, also in the alternative text."""
_MAX_VALUES: Final = 20
_MAX_STEPS: Final = 1_000
_LEAST_SHARE: Final = 0.001


def plot(
    results: pd.DataFrame,
    by: Hashable | list[Hashable] | None = None,
    *,
    over: Literal["time"] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw results; see ``MailAccessor.plot``.

    Raises:
        MissingExtra: matplotlib is not installed.
        ResultsError: *results* is not a results frame, or has no rows to draw.
        MailframeError: wrong arguments.
    """
    results_columns(results)
    if over not in (None, "time"):
        raise MailframeError(f'over={over!r} is not "time"')
    if over is not None and by is not None:
        raise MailframeError("plot draws either by a column or over time; give one of them")
    checked_axes(ax)
    if not len(results):
        raise ResultsError("the results have no rows to draw")
    if over is not None:
        return _over_time(results, ax)
    return _by_status(results, ax) if by is None else _by_column(results, by, ax)


def checked_axes(ax: object) -> None:
    """Check the argument ``ax``.

    Raises:
        MissingExtra: matplotlib is not installed.
        MailframeError: they are no flat axes of matplotlib.
    """
    try:
        from matplotlib.axes import Axes as AnyAxes  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        raise MissingExtra("results.mail.plot", "charts") from error
    if ax is not None and not (isinstance(ax, AnyAxes) and ax.name == "rectilinear"):
        raise MailframeError(
            f"ax= takes flat axes of matplotlib, not a {type(ax).__name__}; "
            "several of them are an array: give one, as in ax=axes[0]"
        )


# --- by status -----------------------------------------------------------------------------------


def _by_status(results: pd.DataFrame, ax: Axes | None) -> Axes:
    from mailframe.charts.bars import bars  # noqa: PLC0415 - needs matplotlib

    table = summary(results)
    lines: list[Line] = []
    texts = []
    for status in Status:
        of_status = table[table["status"] == status.value]
        if len(of_status):
            of_it = _status_lines(status, of_status, len(results))
            lines += of_it
            texts.append(_in_words(of_it))
    rows = _rows_text(results)
    alt = f"Bar chart of {rows} by status: {'; '.join(texts)}."
    return bars(lines, title=rows, alt=alt, axes=ax)


def _rows_text(results: pd.DataFrame) -> str:
    """The number of rows, and the campaign if it is known."""
    name = getattr(getattr(results, "about", None), "name", None)
    return counted(len(results), "row") + (f" of {name}" if name else "")


def _status_lines(status: Status, table: pd.DataFrame, rows: int) -> list[Line]:
    """The bar of a status, and below it those of its reasons if there are several."""
    from mailframe.charts.bars import Line  # noqa: PLC0415 - needs matplotlib

    color, total = STATUS_COLORS[status], int(table["rows"].sum())
    reasons = _reasons(table)
    value = f"{total:,}  {share_text(total / rows)}"
    if len(reasons) <= 1:
        return [Line(status.value, [(total, color)], value, note="".join(reasons))]
    lines = [Line(status.value, [(total, color)], value)]
    for reason, number in reasons.items():
        lines.append(Line("", [(number, color)], f"{number:,}", note=reason, is_part=True))
    return lines


def _reasons(table: pd.DataFrame) -> dict[str, int]:
    """The number of rows by ErrorCode and reason, the most first; the last may be of all others."""
    counts: dict[str, int] = {}
    for code, reason, rows in zip(table["ErrorCode"], table["reason"], table["rows"], strict=True):
        words = [str(word) for word in (code, reason) if not pd.isna(word) and word != 0]
        text = one_line(" ".join(words), most=_MAX_LABEL)
        if text:
            counts[text] = counts.get(text, 0) + int(rows)
    without = int(table["rows"].sum()) - sum(counts.values())
    if counts and without:
        counts["no reason"] = without
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    if len(ordered) > _MAX_REASONS:
        rest = ordered[_MAX_REASONS - 1 :]
        ordered = ordered[: _MAX_REASONS - 1]
        ordered.append((f"{len(rest)} other reasons", sum(number for _, number in rest)))
    return dict(ordered)


def _in_words(lines: list[Line]) -> str:
    first, *parts = lines
    number, share = first.value.split()
    notes = [f"{part.value} {part.note}" for part in parts] or [first.note]
    reasons = f": {', '.join(notes)}" if notes[0] else ""
    return f"{number} {first.label} ({share}){reasons}"


def share_text(share: float) -> str:
    """A share in percent, never rounded to nothing or to all.

    >>> share_text(1 / 3), share_text(1e-6), share_text(0.999_999), share_text(1)
    ('33.3%', '<0.1%', '>99.9%', '100%')
    """
    if share in (0, 1):
        return f"{share:.0%}"
    if share < _LEAST_SHARE:
        return "<0.1%"
    return ">99.9%" if share > 1 - _LEAST_SHARE else f"{share:.1%}"


# --- by a column ---------------------------------------------------------------------------------


def _by_column(results: pd.DataFrame, by: Hashable | list[Hashable], ax: Axes | None) -> Axes:
    from mailframe.charts.bars import Line, bars  # noqa: PLC0415 - needs matplotlib

    table = statuses_by(results, by)
    words = list(table.columns[1:])
    labels = [label_text(value) for value in table.index.tolist()]
    numbers = table.to_numpy()
    if len(labels) > _MAX_VALUES:
        rest = len(labels) - _MAX_VALUES + 1
        numbers = np.vstack([numbers[:-rest], numbers[-rest:].sum(axis=0)])
        labels = [*labels[:-rest], f"{rest:,} others"]
    lines, texts = [], []
    for label, (rows, *counts) in zip(labels, numbers.tolist(), strict=True):
        parts = [(n, STATUS_COLORS[Status(word)]) for n, word in zip(counts, words, strict=True)]
        accepted = dict(zip(words, counts, strict=True)).get(Status.ACCEPTED.value, 0)
        share = f"{share_text(accepted / rows)} accepted"
        lines.append(Line(label, parts, f"{rows:,}", note=share))
        of_row = (f"{n:,} {word}" for n, word in zip(counts, words, strict=True) if n)
        texts.append(f"{label} {rows:,} ({', '.join(of_row)})")
    names = by if isinstance(by, list) else [by]
    name = " and ".join(one_line(str(one), most=_MAX_LABEL) for one in names)
    rows_text = _rows_text(results)
    return bars(
        lines,
        title=f"{rows_text} by {name}",
        alt=f"Bar chart of {rows_text} by {name} and status: {'; '.join(texts)}.",
        key=[(word, STATUS_COLORS[Status(word)]) for word in words],
        axes=ax,
    )


def label_text(value: Any) -> str:
    """A value of a column, or several of them, as one line."""
    if isinstance(value, tuple):
        return " · ".join(map(label_text, value))
    is_missing = pd.api.types.is_scalar(value) and pd.isna(value)
    return "missing" if is_missing else one_line(str(value), most=_MAX_LABEL)


# --- over time -----------------------------------------------------------------------------------


def _over_time(results: pd.DataFrame, ax: Axes | None) -> Axes:
    from mailframe.charts.timeline import timeline  # noqa: PLC0415 - needs matplotlib

    labels = results_columns(results)
    is_accepted = last_column(results, labels["status"]) == Status.ACCEPTED.value
    stamps = last_column(results, labels["SubmittedAt"])[is_accepted.to_numpy(dtype=bool)]
    stamps = stamps.dropna()
    if len(stamps) and not pd.api.types.is_datetime64_any_dtype(stamps.dtype):
        raise ResultsError(
            f"column {labels['SubmittedAt']!r} has the dtype {stamps.dtype} and no times; "
            "use what send() or read_results() returned"
        )
    times, totals = growth(stamps)
    if not times:
        raise ResultsError("no accepted row has a SubmittedAt, so there is nothing to draw")
    when = period_text(times[0], times[-1])
    count = f"{totals[-1]:,} accepted"
    return timeline(
        times,
        totals,
        label=f"{totals[-1]:,}",
        color=STATUS_COLORS[Status.ACCEPTED],
        title=f"{count}, {when}",
        alt=f"Line chart of the messages that were accepted over time: {count}, {when}.",
        axes=ax,
    )


def growth(stamps: pd.Series[Any]) -> tuple[list[dt.datetime], list[int]]:
    """The times in order, in UTC without a zone, and how many there are up to each.

    Of more than a thousand times some are left out, never the first and the last.
    """
    times_utc = pd.DatetimeIndex(pd.to_datetime(stamps.dropna(), utc=True)).tz_localize(None)
    moments = np.sort(times_utc.to_numpy("datetime64[us]"))
    if not len(moments):
        return [], []
    last = np.flatnonzero(np.append(moments[1:] != moments[:-1], True))
    steps = np.unique(np.linspace(0, len(last) - 1, _MAX_STEPS).astype(int))
    chosen = last[steps] if len(last) > _MAX_STEPS else last
    return moments[chosen].tolist(), (chosen + 1).tolist()


def period_text(first: dt.datetime, last: dt.datetime) -> str:
    """From when to when, to the second, in UTC."""
    start, end = first.replace(microsecond=0), last.replace(microsecond=0)
    day = f"{start:%Y-%m-%d}"
    if start == end:
        return f"{day} {start:%H:%M:%S} UTC"
    until = f"{end:%H:%M:%S}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M:%S}"
    return f"{day} {start:%H:%M:%S} to {until} UTC"
