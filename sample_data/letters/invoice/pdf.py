"""The PDF of an invoice or a credit note, drawn by Matplotlib with the font that comes with it.

The same row gives the same bytes: without a date of creation, and with one font on every system.
That font, DejaVu Sans, has Latin, Greek and Cyrillic letters, but no Japanese ones; so the invoice
is addressed to the company, and not to the person.
"""

from __future__ import annotations

from io import BytesIO
from textwrap import shorten, wrap
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

WIDTH, HEIGHT = 595, 842  # A4 in points
LEFT, QUANTITY, RIGHT = 56, 420, 539
"""The left margin, and the right ends of the columns with numbers."""
FIRST_ROW, TOP_ROW, LAST_ROW, LINE = 530, 760, 170, 22
"""The height of the first row on the first page and on others, of the last row, and of a row."""
BRAND, INK, GRAY, RULE = "#1f6f60", "#1f2933", "#5f6b7a", "#d5dbe3"
SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
FONT = {"font.family": "DejaVu Sans", "text.parse_math": False, "pdf.fonttype": 3}
SELLER = "Acme Ltd, 1 Harbour Street, Exampleton"


def pdf(row: Any) -> bytes:
    """The PDF of a row with the columns number, company, customer_id, email, orders and total."""
    with mpl.rc_context({**mpl.rcParamsDefault, **FONT}):
        pages = [Page()]
        write_head(pages[0], row)
        bottom = write_rows(pages, row)
        write_total(pages[-1], row, bottom=bottom)
        return bytes_of(pages, title=f"{kind(row)} {row['number']}")


def kind(row: Any) -> str:
    """What the document is."""
    return "Credit note" if row["total"] < 0 else "Invoice"


def money(amount: float, currency: str) -> str:
    """An amount such as ``€1,234.50``; yen have no decimals."""
    digits = 0 if currency == "JPY" else 2
    return f"{'-' if amount < 0 else ''}{SIGNS[currency]}{abs(amount):,.{digits}f}"


class Page:
    """A sheet of A4 with texts and lines; points from the lower left corner."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72))
        FigureCanvasPdf(self.figure)
        self.text(LEFT, 48, SELLER, size=8, color=GRAY)

    def text(self, x: float, y: float, text: str, *, size: float = 10, **style: Any) -> None:
        """Write a text; with ``ha="right"``, it ends at *x*."""
        style = {"color": INK, "fontsize": size} | style
        self.figure.text(x / WIDTH, y / HEIGHT, text, **style)

    def line(self, y: float, *, color: str = RULE, width: float = 0.6) -> None:
        """Draw a line between the margins."""
        ends = [LEFT / WIDTH, RIGHT / WIDTH], [y / HEIGHT, y / HEIGHT]
        self.figure.add_artist(Line2D(*ends, color=color, linewidth=width))


def write_head(page: Page, row: Any) -> None:
    """Write the seller, the buyer and the dates."""
    page.text(LEFT, 762, "Acme", size=20, color=BRAND, fontweight="bold")
    page.text(RIGHT, 762, f"{kind(row)} {row['number']}", size=14, ha="right")
    page.text(LEFT, 690, "Billed to", size=8, color=GRAY)
    lines = wrap(row["company"], 46)
    for number, line in enumerate([*lines, f"Customer {row['customer_id']}", row["email"]]):
        page.text(LEFT, 672 - 15 * number, line)
    dates = [("Date", row["dated"])] + [("Due", row["due"])] * (row["total"] > 0)
    for number, (label, day) in enumerate(dates):
        page.text(QUANTITY, 690 - 36 * number, label, size=8, color=GRAY)
        page.text(QUANTITY, 672 - 36 * number, f"{day.day} {day:%B %Y}")
    write_columns(page, FIRST_ROW + LINE + 4)


def write_columns(page: Page, y: float) -> None:
    """Write the headers of the table."""
    style = {"size": 8, "color": GRAY}
    page.text(LEFT, y, "Item", **style)
    page.text(QUANTITY, y, "Quantity", ha="right", **style)
    page.text(RIGHT, y, "Amount", ha="right", **style)
    page.line(y - 8, color=GRAY)


def write_rows(pages: list[Page], row: Any) -> float:
    """Write a line for each order, on new pages if needed, and return where the last one is."""
    y = FIRST_ROW + LINE
    for order in row["orders"]:
        y -= LINE
        if y < LAST_ROW:
            pages.append(Page())
            write_columns(pages[-1], TOP_ROW + LINE + 4)
            y = TOP_ROW
        page, quantity = pages[-1], order["quantity"]
        page.text(LEFT, y, shorten(order["item"], 50, placeholder=" …"))
        page.text(QUANTITY, y, "–" if quantity is None else f"{quantity:.0f}", ha="right")
        page.text(RIGHT, y, money(order["amount"], row["currency"]), ha="right")
        page.line(y - 8)
    return y


def write_total(page: Page, row: Any, *, bottom: float) -> None:
    """Write the total, and what to do."""
    bold: dict[str, Any] = {"size": 12, "fontweight": "bold"}
    is_credit = row["total"] < 0
    page.text(LEFT, bottom - 34, "Credit" if is_credit else "Total", **bold)
    total = money(abs(row["total"]), row["currency"])
    page.text(RIGHT, bottom - 34, total, ha="right", **bold)
    note = "We deduct the credit from your next invoice."
    if not is_credit:
        note = f"Please transfer the amount with the reference {row['number']}."
    page.text(LEFT, bottom - 66, note, size=9, color=GRAY)


def bytes_of(pages: list[Page], *, title: str) -> bytes:
    """The pages as a PDF."""
    buffer = BytesIO()
    metadata = {"Title": title, "Author": "Acme", "CreationDate": None}
    with PdfPages(buffer, metadata=metadata) as file:
        for page in pages:
            file.savefig(page.figure)
    return buffer.getvalue()
