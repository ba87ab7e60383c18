"""A monthly report for each person: a table, a CSV file and a chart of the person's detail rows."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

import mailframe as mf
from benchmarks.costs import Cost, cost
from benchmarks.report import Figure, Part
from benchmarks.timing import Spread

if TYPE_CHECKING:
    from collections.abc import Callable

PEOPLE: Final = 2_000
DETAILS: Final = 50_000
STEPS: Final = ("nest", "check", "send", "check with charts")
_ROOT: Final = Path(__file__).parent.parent
_TIMEOUT_S: Final = 3_600.0
_TABLE: Final = (
    "{{ orders | table(columns={'item': 'Item', 'amount': 'Amount'}, "
    "formats={'amount': ['money', 'USD']}, totals=['amount'], empty='No orders.') }}"
)


def people(count: int) -> pd.DataFrame:
    """People with an id, a name and an address."""
    numbers = range(count)
    return pd.DataFrame(
        {
            "id": numbers,
            "name": [f"Person {n}" for n in numbers],
            "email": [f"person.{n}@acme.example" for n in numbers],
        }
    )


def details(count: int, *, of: int) -> pd.DataFrame:
    """Detail rows of that many people, mixed; each names its person."""
    owners = [n * 7_919 % of for n in range(count)]
    return pd.DataFrame(
        {
            "id": owners,
            "item": [f"item {n} of person-{owner}." for n, owner in enumerate(owners)],
            "amount": [float(n % 100) + 0.25 for n in range(count)],
        }
    )


def compose(frame: pd.DataFrame, *, draw: Callable[[Any], Any] | None = None) -> mf.Campaign:
    """The campaign of nested people; with a chart if there is a function that draws it."""
    if draw is not None:
        frame = frame.assign(chart=mf.image(draw, alt=lambda row: f"Chart of {row['name']}"))
    chart = "<p>{{ chart }}</p>" if draw is not None else ""
    return mf.compose(
        frame,
        sender="Acme <hello@acme.example>",
        to="{{ name }} <{{ email }}>",
        subject="{{ name }}, your month: {{ orders | length }} orders",
        html_body=f"<h1>Your month</h1>{chart}{_TABLE}",
        text_body=f"Your month\n\n{_TABLE}\n",
        attachments=mf.Attachment.csv("orders"),
        name="reports",
        key="id",
    )


def bars(row: Any) -> Any:
    """A bar chart of the amounts of a person."""
    from matplotlib.figure import Figure as Drawing  # noqa: PLC0415 - only one step draws

    drawing = Drawing(figsize=(5, 2))
    drawing.subplots().bar(range(len(row["orders"])), [one["amount"] for one in row["orders"]])
    return drawing


def reports(*, people_count: int = PEOPLE, detail_count: int = DETAILS) -> Part:
    """Measure each step in a process of its own."""
    measured = [_in_child(step, people_count, detail_count) for step in STEPS]
    figures = []
    for one in measured:
        rate = people_count / one.wall_s
        note = f"{rate:,.0f} people a second, {one.memory / 1e6:,.0f} MB beyond the frames"
        figures.append(Figure(one.step, Spread.of([one.cpu_s]), "s CPU", note))
    about = f"{people_count:,} people, {detail_count:,} detail rows: a table and a CSV file each"
    return Part("reports", about, (), tuple(figures))


def measure(step: str, people_count: int, detail_count: int) -> Cost:
    """The cost of one of ``STEPS``; what comes before it is not measured.

    Raises:
        AssertionError: a message was not accepted.
    """
    frame, rows = people(people_count), details(detail_count, of=people_count)
    if step == "nest":
        return cost(step, people_count, lambda: frame.mail.nest(orders=rows, on="id"))
    nested = frame.mail.nest(orders=rows, on="id")
    if step == "check with charts":
        return cost(step, people_count, lambda: compose(nested, draw=bars).plan())
    if step == "check":
        return cost(step, people_count, lambda: compose(nested).plan())
    with mf.Sandbox() as sandbox:
        campaign = compose(nested)
        campaign.plan()
        kept: list[pd.DataFrame] = []
        measured = cost(
            step,
            people_count,
            lambda: kept.append(campaign.send(sandbox.server, progress=False, ledger=None)),
        )
    if not kept[0]["status"].eq("accepted").all():
        raise AssertionError("a message was not accepted")
    return measured


def _in_child(step: str, people_count: int, detail_count: int) -> Cost:
    command = [sys.executable, "-m", "benchmarks.reports", step]
    command += [str(people_count), str(detail_count)]
    done = subprocess.run(  # noqa: S603 - ourselves
        command, check=True, stdout=subprocess.PIPE, timeout=_TIMEOUT_S, cwd=_ROOT
    )
    return Cost(**json.loads(done.stdout))


if __name__ == "__main__":
    print(json.dumps(asdict(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
