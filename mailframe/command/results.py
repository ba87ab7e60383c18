"""``mailframe results``, and the counts of results that ``send`` prints too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.command import refusals
from mailframe.results import reasons
from mailframe.results.csv import read_results
from mailframe.results.frame import results_columns, summary
from mailframe.results.row_results import Status

if TYPE_CHECKING:
    import argparse

    import pandas as pd

    from mailframe.command.output import Output

_COUNTED: Final = ("status", "ErrorCode", "reason", "rows", "Message")
_GOOD: Final = (Status.ACCEPTED, Status.SKIPPED)
_ON_PURPOSE: Final = (reasons.LIMIT, reasons.DRY_RUN)


def results(chosen: argparse.Namespace, output: Output) -> int:
    """Print how many rows have each status, and why."""
    frame = read_results(chosen.results)
    note_results(frame, output)
    return code_of(frame)


def note_results(frame: pd.DataFrame, output: Output) -> None:
    """Print the counts of a results frame."""
    counts = summary(frame)[list(_COUNTED)]
    by_status = counts.groupby("status")["rows"].sum()
    output.facts |= {
        "rows": len(frame),
        "statuses": {str(status): int(by_status.get(str(status), 0)) for status in Status},
        "reasons": counts.to_dict("records"),
    }
    if len(counts):
        table = counts.to_string(index=False, na_rep="-", max_colwidth=60)
        output.text("\n".join(f"  {line.rstrip()}" for line in table.splitlines()))
    else:
        output.text("  no rows")


def code_of(frame: pd.DataFrame) -> int:
    """0 if every row was accepted or skipped, or is unsent because of ``--limit``; else 1."""
    labels = results_columns(frame)
    status, reason = frame[labels["status"]], frame[labels["reason"]]
    is_left_on_purpose = status.eq(str(Status.UNSENT)) & reason.isin(_ON_PURPOSE)
    is_good = status.isin([str(one) for one in _GOOD]) | is_left_on_purpose
    return refusals.DONE if is_good.all() else refusals.ROWS_REMAIN


def is_interrupted(frame: pd.DataFrame) -> bool:
    """Whether an interrupt left rows unsent."""
    labels = results_columns(frame)
    reason = frame[labels["reason"]]
    return bool(reason.isin([reasons.INTERRUPTED, reasons.not_read(reasons.NOT_CHECKED)]).any())
