"""Charts of outcomes: the funnel, also by a column, and how the outcomes grew over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd

from mailframe.counting import counted
from mailframe.errors import MailframeError, ResultsError
from mailframe.outcomes.columns import OutcomeWord
from mailframe.outcomes.funnel import funnel, outcomes_of
from mailframe.pages.text import one_line
from mailframe.results.frame import last_column, results_columns
from mailframe.results.plot import checked_axes, growth, label_text, plot, share_text

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from matplotlib.axes import Axes

    from mailframe.charts.bars import Line

CHARTS: Final = ("funnel", "timeline")
"""The names of the charts."""
COLORS: Final[Mapping[str, str]] = {
    OutcomeWord.ACCEPTED: "#1fa66e",
    OutcomeWord.DELIVERED: "#1fa66e",
    OutcomeWord.OPENED: "#3a6393",
    OutcomeWord.CLICKED: "#c566eb",
    OutcomeWord.BOUNCED: "#bd8618",
    OutcomeWord.UNSUBSCRIBED: "#5e6165",
    OutcomeWord.COMPLAINED: "#b0322b",
}
"""The colors of the statuses, whose file says how far they can be told apart; ``accepted`` and
``delivered`` share one, and are never in one picture but as bars with names."""
_GROUP_COLORS: Final = ("#3a6393", "#bd8618", "#1fa66e", "#c566eb", "#5e6165", "#b0322b")
_TIMES: Final[Mapping[str, str]] = {
    "delivered_at": OutcomeWord.DELIVERED,
    "opened_at": OutcomeWord.OPENED,
    "clicked_at": OutcomeWord.CLICKED,
    "unsubscribed_at": OutcomeWord.UNSUBSCRIBED,
}
_OPENS: Final = "with opens by privacy proxies"
_CAPTION: Final = "Opens include those by privacy proxies."
_MOST_LABEL: Final = 60
_WHOLE: Final = 1_000_000
"""The length of a bar of all rows, where bars are shares."""


def plot_any(
    results: pd.DataFrame,
    what: Hashable | list[Hashable] | None = None,
    by: Hashable | list[Hashable] | None = None,
    *,
    over: Literal["time"] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the chart of outcomes that *what* names, or one of statuses; see ``MailAccessor.plot``.

    Raises:
        MissingExtra: matplotlib is not installed.
        ResultsError: *results* is not a results frame, or there is nothing to draw.
        MailframeError: wrong arguments.
    """
    if isinstance(what, str) and what in CHARTS and what not in results.columns:
        if over is not None or (by is not None and what != "funnel"):
            raise MailframeError(f"plot({what!r}) takes {'by=' if what == 'funnel' else 'no by='}")
        return plot_outcomes(results, what, by, ax=ax)
    if what is not None and by is not None:
        raise MailframeError(f"plot({what!r}, by={by!r}) has two columns; give a list of labels")
    return plot(results, by if what is None else what, over=over, ax=ax)


def plot_outcomes(
    results: pd.DataFrame,
    chart: str,
    by: Hashable | list[Hashable] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw a chart of ``CHARTS``; see ``MailAccessor.plot``.

    Raises:
        MissingExtra: matplotlib is not installed.
        ResultsError: these are no results after a refresh, or there is nothing to draw.
        MailframeError: wrong arguments.
    """
    table = outcomes_of(results)
    checked_axes(ax)
    if not table["outcome"].notna().any():
        raise ResultsError("no row was accepted, so there is nothing to draw")
    if chart == "timeline":
        return _timeline(results, table, ax)
    return _funnel(results, ax) if by is None else _funnel_by(results, by, ax)


def _title(results: pd.DataFrame, accepted: int) -> str:
    name = getattr(getattr(results, "about", None), "name", None)
    return f"{accepted:,} accepted" + (f" of {name}" if name else "")


# --- the funnel ----------------------------------------------------------------------------------


def _funnel(results: pd.DataFrame, ax: Axes | None) -> Axes:
    from mailframe.charts.bars import Line, bars  # noqa: PLC0415 - needs matplotlib

    table = funnel(results).dropna(subset=["rows"])
    lines = []
    for stage, rows, share in table.itertuples():
        text = "" if stage == OutcomeWord.ACCEPTED else f"  {share_text(share)}"
        note = _OPENS if stage == OutcomeWord.OPENED and rows else ""
        lines.append(Line(stage, [(int(rows), COLORS[stage])], f"{rows:,}{text}", note=note))
    texts = [f"{line.value.replace('  ', ' (')}) {line.label}" for line in lines[1:]]
    title = _title(results, int(table["rows"].iloc[0]))
    alt = f"Bar chart of {title}: {'; '.join(texts)}. {_CAPTION}"
    return bars(lines, title=title, alt=alt, axes=ax)


def _funnel_by(results: pd.DataFrame, by: Hashable | list[Hashable], ax: Axes | None) -> Axes:
    """Bars of shares, because the groups differ in size."""
    from mailframe.charts.bars import bars  # noqa: PLC0415 - needs matplotlib

    table = funnel(results, by)
    values: pd.Index[Any] = table.index.droplevel(-1).unique()  # type: ignore[arg-type]
    labels = [one_line(label_text(value), most=_MOST_LABEL) for value in values.tolist()]
    stages = table.index.get_level_values("stage")
    shown = labels[: len(_GROUP_COLORS)]
    lines: list[Line] = []
    texts = []
    for stage in stages[: len(table) // len(labels)].tolist()[1:]:
        rows = table[stages == stage].iloc[: len(shown)]
        if rows["rows"].fillna(0).sum():
            lines += _stage_lines(stage, rows)
            shares = [share_text(share) for share in rows["share"]]
            of_each = [f"{label} {share}" for label, share in zip(shown, shares, strict=True)]
            texts.append(f"{stage}: {', '.join(of_each)}")
    accepted = table.loc[stages == OutcomeWord.ACCEPTED.value, "rows"]
    if not lines:
        raise ResultsError("nothing has happened to the accepted rows yet, so there is no chart")
    names = " and ".join(
        one_line(str(one), most=_MOST_LABEL) for one in (by if isinstance(by, list) else [by])
    )
    title = f"{_title(results, int(accepted.sum()))} by {names}"
    if len(labels) > len(shown):
        title += f": {len(shown)} of {counted(len(labels), 'value')}"
    alt = f"Bar chart of {title}, as shares. {'; '.join(texts)}. {_CAPTION}"
    key = list(zip(shown, _GROUP_COLORS, strict=False))
    return _captioned(bars(lines, title=title, alt=alt, key=key, axes=ax))


def _captioned(axes: Axes) -> Axes:
    """Say below a chart what an open is."""
    from mailframe.charts.axes import TEXT  # noqa: PLC0415 - needs matplotlib

    axes.set_xlabel(_CAPTION, loc="left", fontsize=9, color=TEXT)
    return axes


def _stage_lines(stage: str, rows: pd.DataFrame) -> list[Line]:
    """One bar per group, close to each other."""
    from mailframe.charts.bars import Line  # noqa: PLC0415 - needs matplotlib

    return [
        Line(
            stage if number == 0 else "",
            [(0 if pd.isna(share) else round(share * _WHOLE), color)],
            "not known" if pd.isna(share) else share_text(share),
            note="" if pd.isna(share) else f"{count:,}",
            is_close=number > 0,
        )
        for number, (color, count, share) in enumerate(
            zip(_GROUP_COLORS, rows["rows"], rows["share"], strict=False)
        )
    ]


# --- over time -----------------------------------------------------------------------------------


def _timeline(results: pd.DataFrame, table: pd.DataFrame, ax: Axes | None) -> Axes:
    from mailframe.charts.timeline import Growth, timelines  # noqa: PLC0415 - needs matplotlib

    lines: list[Growth] = []
    for name, word in _TIMES.items():
        times, totals = growth(table[name])
        if times:
            lines.append(Growth(f"{totals[-1]:,} {word}", times, totals, COLORS[word]))
    if not lines:
        raise ResultsError("no row has a time of an outcome, so there is nothing to draw")
    stamps = last_column(results, results_columns(results)["SubmittedAt"])
    starts: Any = growth(stamps[table["outcome"].notna().to_numpy()])[0]
    first = min([*(line.times[0] for line in lines), *starts[:1]])
    accepted = int(table["outcome"].notna().sum())
    title = f"{_title(results, accepted)}, from {first:%Y-%m-%d %H:%M} UTC"
    totals_text = ", ".join(line.label for line in lines)
    alt = f"Line chart over time of {title}: {totals_text}. {_CAPTION}"
    return _captioned(timelines(lines, first=first, title=title, alt=alt, axes=ax))
