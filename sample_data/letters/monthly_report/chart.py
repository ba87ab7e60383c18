"""The chart of the monthly report: what a customer spent in each of six months."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

MONTHS = {6: "Jun", 7: "Jul", 8: "Aug", 9: "Sep", 10: "Oct", 11: "Nov"}
SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
# Readable on white and on the dark card of the layout, because the picture is transparent.
THIS_MONTH, BEFORE, TEXT = "#2c947f", "#9fb4ae", "#74808d"
SIZE = (520, 190)
"""Width and height in pixels."""


def amounts(row: Any) -> list[float]:
    """The amounts of the six months; 0 for a month without orders."""
    by_month = {one["month"]: one["amount"] for one in row["months"]}
    return [by_month.get(month, 0) for month in MONTHS]


def draw(row: Any) -> Figure:
    """A bar for each month, with its amount above it."""
    heights = amounts(row)
    figure = Figure(figsize=(SIZE[0] / 96, SIZE[1] / 96), facecolor="none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    colors = [BEFORE] * (len(heights) - 1) + [THIS_MONTH]
    axes.bar(range(len(heights)), heights, width=0.62, color=colors)
    axes.axhline(0, color=TEXT, linewidth=1)
    top, bottom = max(*heights, 0), min(*heights, 0)
    space = (top - bottom or 1) * 0.05
    for place, (height, month) in enumerate(zip(heights, MONTHS.values(), strict=True)):
        text = {"ha": "center", "fontsize": 12.5, "color": TEXT}
        if place == len(heights) - 1:
            text |= {"color": THIS_MONTH, "fontweight": "bold"}
        axes.text(
            place, max(height, 0) + space, shown(height, row["currency"]), va="bottom", **text
        )
        axes.text(place, bottom - space, month, va="top", **text)
    axes.set_xlim(-0.5, len(heights) - 0.5)
    axes.set_ylim(bottom - space * 5, top + space * 5)
    return figure


def shown(amount: float, currency: str) -> str:
    """An amount without decimals: ``€1,234``."""
    if not round(amount):
        return "0"
    return f"{'-' if amount < 0 else ''}{SIGNS[currency]}{abs(round(amount)):,}"


def alt(row: Any) -> str:
    """The same as a sentence, for people who do not see the picture."""
    parts = [
        f"{month} {shown(amount, row['currency'])}"
        for month, amount in zip(MONTHS.values(), amounts(row), strict=True)
    ]
    return f"Orders by month: {', '.join(parts)}"
