"""Makes the charts of the docs: ``python -m tests.results.chart_pictures docs``."""

from __future__ import annotations

import base64
import math
import sys
from pathlib import Path

import pandas as pd

import mailframe as mf
from mailframe.outcomes.columns import with_outcomes
from mailframe.outcomes.events import events_frame
from mailframe.postmark.responses import Outcome
from mailframe.results.frame import results_frame
from mailframe.results.row_results import RowResults
from mailframe.results.summary_line import About, with_summary_line

START = pd.Timestamp("2026-11-26T09:30:00.1234567Z")
PLANS = ["pro", "pro", "pro", "free", "free", "team"]


def renewals() -> pd.DataFrame:
    """The results of a fictional campaign of 2,400 rows."""
    frame = pd.DataFrame({"plan": [PLANS[n % 6] for n in range(2_400)]})
    rows = RowResults(len(frame))
    for n in range(len(frame)):
        status, reason, outcome = mf.Status.ACCEPTED, None, None
        if n % 23 == 0:
            status, reason = mf.Status.REJECTED, "inactive_recipient"
            outcome = Outcome(406, "Inactive")
        elif n % 61 == 0:
            status, reason, outcome = mf.Status.REJECTED, "invalid_request", Outcome(300, "Invalid")
        elif n % 47 == 0:
            status, reason = mf.Status.INVALID, "invalid_address"
        elif 400 <= n < 640:
            status, reason = mf.Status.SKIPPED, "already_sent"
        else:
            stamp = START + pd.Timedelta(n // 500 * 1.4 + n % 500 * 0.0008, unit="s")
            outcome = Outcome(0, "OK", f"id-{n}", stamp.isoformat())
        rows.settle(n, status, reason=reason, outcome=outcome)
    return with_summary_line(results_frame(frame, rows), About(name="renewals"))


def outcomes() -> pd.DataFrame:
    """The same campaign after two days: opens and clicks come soon and then more seldom."""
    results = renewals()
    ids = results.loc[results["status"] == "accepted", "MessageID"]
    events = []
    for n, message_id in enumerate(ids):
        kinds = [("opened", n % 5 < 2), ("clicked", n % 10 == 1), ("unsubscribed", n % 91 == 5)]
        happened = [kind for kind, holds in kinds if holds]
        if n % 43 == 2:
            happened.append("bounced")
        hours = -6 * math.log(1 - 0.999 * (n * 0.618034 % 1))
        events += [
            {
                "MessageID": message_id,
                "kind": kind,
                "at": (START + pd.Timedelta(hours + step / 20, unit="h")).isoformat(),
                "bounce_type": "HardBounce",
            }
            for step, kind in enumerate(happened)
        ]
    complete = {"opens": True, "clicks": True}
    return with_outcomes(results, events_frame(events), complete=complete)


def plan() -> mf.Plan:
    """The plan of a fictional campaign whose messages grow."""
    people = pd.DataFrame(
        {"email": [f"p{n}@example.com" for n in range(2_400)], "size": range(2_400)}
    )
    return people.mail.compose(
        sender="Acme <hello@acme.example>",
        to="{{ email }}",
        subject="Your year",
        text_body="{{ 'Your year in numbers. ' * (size // 2) }}",
        name="year",
    ).plan()


def take(folder: Path) -> None:
    """Write the pictures to a folder, with a transparent background."""
    results = renewals()
    for name, axes in {
        "chart-status": results.mail.plot(),
        "chart-by": results.mail.plot(by="plan"),
        "chart-time": results.mail.plot(over="time"),
        "chart-plan": plan().plot(),
        "chart-funnel": outcomes().mail.plot("funnel"),
        "chart-funnel-by": outcomes().mail.plot("funnel", by="plan"),
        "chart-timeline": outcomes().mail.plot("timeline"),
    }.items():
        data, _ = axes._repr_mimebundle_()
        (folder / f"{name}.png").write_bytes(base64.b64decode(data["image/png"]))


if __name__ == "__main__":
    take(Path(sys.argv[1]))
