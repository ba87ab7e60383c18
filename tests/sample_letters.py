"""The campaigns of the sample letters, for tests and pictures."""

from __future__ import annotations

import importlib.util
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import mailframe as mf

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

DATA = Path(__file__).parent.parent / "sample_data"
LETTERS = DATA / "letters"


def sample_orders() -> pd.DataFrame:
    """The orders, each once."""
    return pd.read_csv(DATA / "orders.csv", parse_dates=["ordered_on"]).drop_duplicates("order_id")


def beside(letter: str, name: str) -> ModuleType:
    """The Python file *name* in the folder of a letter."""
    spec = importlib.util.spec_from_file_location(
        f"{letter}_{name}", LETTERS / letter / f"{name}.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def monthly_report(customers: pd.DataFrame) -> mf.Campaign:
    """A table, a chart and a CSV file for each customer, also for those without orders."""
    chart, orders = beside("monthly_report", "chart"), sample_orders()
    month = orders["ordered_on"].dt.month.rename("month")
    months = orders.groupby(["customer_id", month])["amount"].sum().reset_index()
    november = orders.query("ordered_on >= '2026-11-01'")
    campaign: mf.Campaign = (
        customers.mail.nest(orders=november, months=months, on="customer_id")
        .assign(chart=mf.image(chart.draw, alt=chart.alt, width=520))
        .mail.compose(
            mf.Letter.load(LETTERS / "monthly_report"),
            name="report-2026-11",
            key="customer_id",
        )
    )
    return campaign


def invoice(customers: pd.DataFrame) -> mf.Campaign:
    """A PDF for each business and enterprise customer with orders that have a price."""
    orders = sample_orders().query("ordered_on >= '2026-11-01'").dropna(subset="amount")
    campaign: mf.Campaign = (
        customers[customers["plan"].isin(["business", "enterprise"])]
        .mail.nest(orders=orders, on="customer_id")
        .loc[lambda df: df["orders"].str.len() > 0]
        .assign(
            total=lambda df: df["orders"].map(
                lambda rows: round(sum(row["amount"] for row in rows), 2)
            ),
            number=lambda df: [f"2026-11-{place:03}" for place in range(1, len(df) + 1)],
            dated=date(2026, 12, 1),
            due=date(2026, 12, 15),
            pdf=mf.each(beside("invoice", "pdf").pdf),
        )
        .mail.compose(
            mf.Letter.load(LETTERS / "invoice"), name="invoices-2026-11", key="customer_id"
        )
    )
    return campaign


def event_invitation(customers: pd.DataFrame) -> mf.Campaign:
    """A calendar file for each customer, from a template."""
    return _composed(customers, mf.Letter.load(LETTERS / "event_invitation"))


def plain_note(customers: pd.DataFrame) -> mf.Campaign:
    """A letter that looks like a personal mail."""
    return _composed(customers, mf.Letter.load(LETTERS / "plain_note"))


def product_news(customers: pd.DataFrame) -> mf.Campaign:
    """A letter in one Markdown file."""
    return _composed(customers, mf.Letter.load(LETTERS / "product_news.md"))


def renewal(customers: pd.DataFrame) -> mf.Campaign:
    """The letter with HTML of its own."""
    return _composed(customers, mf.Letter.load(LETTERS / "renewal"))


def _composed(customers: pd.DataFrame, letter: mf.Letter, **fields: Any) -> mf.Campaign:
    return mf.compose(customers, letter, **fields, name="sample", key="customer_id")


CAMPAIGNS: dict[str, Callable[[pd.DataFrame], mf.Campaign]] = {
    made.__name__: made
    for made in (renewal, monthly_report, invoice, event_invitation, plain_note, product_news)
}
