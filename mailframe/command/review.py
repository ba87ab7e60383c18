"""``mailframe problems``, ``plan`` and ``preview``: a look before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.command import files, refusals
from mailframe.command.campaigns import campaign_of
from mailframe.counting import counted
from mailframe.errors import MailframeError
from mailframe.pages.text import one_line
from mailframe.problems import Severity

if TYPE_CHECKING:
    import argparse

    import pandas as pd

    from mailframe.campaign import Campaign
    from mailframe.command.output import Output
    from mailframe.message.plan import Plan

_TEXT_COLUMNS: Final = ("severity", "row", "key", "field", "code")


def problems(chosen: argparse.Namespace, output: Output) -> int:
    """Print the problems by code and the first of them; all are in ``--out`` and in JSON."""
    out = files.free_path(chosen, ending=files.PLAIN_CSV, example="problems.csv")
    frame = campaign_of(chosen, output).problems()
    by_severity = frame["severity"].value_counts()
    errors, warnings = (int(by_severity.get(str(one), 0)) for one in Severity)
    columns = [name for name in frame.columns if name != "position"]
    output.facts |= {
        "error_count": errors,
        "warning_count": warnings,
        "problems": frame[columns].to_dict("records"),
        "out": None if out is None else str(out),
    }
    if out is not None:
        _write_csv(frame[columns], out)
    output.text(f"{counted(errors, 'error')}, {counted(warnings, 'warning')}")
    _print_problems(frame, chosen.most, output)
    return refusals.ROWS_REMAIN if errors else refusals.DONE


def plan(chosen: argparse.Namespace, output: Output) -> int:
    """Print what a send would do, and the fingerprint of the campaign."""
    campaign = campaign_of(chosen, output)
    counts = campaign.plan(rate=chosen.rate)
    note_plan(counts, campaign, output)
    return _code_of(campaign)


def preview(chosen: argparse.Namespace, output: Output) -> int:
    """Write the page for approval, or some rows side by side."""
    out = files.free_path(chosen, ending=files.HTML, example="preview.html")
    campaign = campaign_of(chosen, output)
    if out is None:
        raise MailframeError("--out names the page; write --out preview.html")
    if chosen.rows:
        campaign.gallery(chosen.rows, mask=chosen.mask).save(out)
    else:
        campaign.preview(static=True, mask=chosen.mask).save(out)
    output.facts["out"] = str(out)
    note_plan(campaign.plan(), campaign, output)
    output.text(f"page         {out}")
    return refusals.DONE


def note_plan(counts: Plan, campaign: Campaign, output: Output) -> None:
    """Print a plan and the fingerprint."""
    output.facts |= {
        "fingerprint": campaign.fingerprint,
        "messages": counts.messages,
        "batches": counts.batches,
        "bytes": counts.bytes,
        "blocked_rows": counts.blocked_rows,
        "blocked": counts.blocked,
        "warning_codes": counts.warnings,
    }
    output.text(f"campaign     {counts.name}")
    output.text(f"plan         {counts}")
    if counts.warnings:
        codes = ", ".join(f"{count:,} {code}" for code, count in counts.warnings.items())
        output.text(f"warnings     {codes}")
    output.text(f"fingerprint  {campaign.fingerprint}")


def _code_of(campaign: Campaign) -> int:
    is_error = campaign.problems()["severity"] == str(Severity.ERROR)
    return refusals.ROWS_REMAIN if is_error.any() else refusals.DONE


def _print_problems(frame: pd.DataFrame, most: int, output: Output) -> None:
    for (severity, code), rows in _groups(frame):
        output.text(f"\n{severity} {code}: {counted(len(rows), 'problem')}")
        output.text(f"  {one_line(rows['detail'].iloc[0], most=400)}")
    if len(frame):
        output.text("")
    names = [name for name in _TEXT_COLUMNS if name in frame.columns]
    for record in frame.head(most).to_dict("records"):
        value = record["value"]
        cells = [_cell(record[name]) for name in names]
        output.text("  ".join([*cells, one_line(value)] if isinstance(value, str) else cells))
    if len(frame) > most:
        output.text(f"and {len(frame) - most:,} more; --most, --out or --json has them")


def _groups(frame: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """The problems by severity and code, errors first, then by their number."""
    groups: Any = frame.groupby(["severity", "code"], sort=True)
    return sorted(groups, key=lambda group: (group[0][0], -len(group[1])))


def _cell(value: object) -> str:
    text = str(value)
    return "-" if text in ("nan", "<NA>", "None") else one_line(text, most=60)


def _write_csv(frame: pd.DataFrame, path: Any) -> None:
    try:
        frame.to_csv(path, index=False)
    except OSError as error:
        raise MailframeError(
            f"--out {path} could not be written ({error.strerror}); name another file"
        ) from None
