"""Write orders.csv: what the fictional customers bought, the same rows in each run.

``python sample_data/make_orders.py`` reads customers.csv beside this file and writes orders.csv;
it needs only the standard library.
"""  # noqa: INP001  # a script, no module of a package

from __future__ import annotations

import csv
import datetime as dt
import random
import sys
from pathlib import Path

FIRST_DAY, DAYS = dt.date(2026, 6, 1), 183  # to the end of November
FIRST_ORDER = 700_001

# item, category, price in euros
ITEMS = (
    ("Grüner Tee, 250 g", "Tea", 12.50),
    ("Earl Grey, 100 bags", "Tea", 9.80),
    ("Ceylon tea & honey", "Tea", 14.20),
    ("Herbata z róży, 80 g", "Tea", 7.40),
    ("Café crème, 1 kg", "Coffee", 18.90),
    ("Ελληνικός καφές, 500 g", "Coffee", 11.60),
    ("Decaf № 4, 500 g", "Coffee", 13.30),
    ("Smörgåskex, 12 × 90 g", "Snacks", 21.00),  # noqa: RUF001  # the sign is meant
    ("Crème brûlée biscuits", "Snacks", 6.75),
    ("Пряники, 400 g", "Snacks", 5.20),
    ("Mixed nuts, ½ kg", "Snacks", 8.95),
    ("Cup <large>", "Kitchen", 4.50),
    ('Teapot "Öresund", 1.5 l', "Kitchen", 39.00),
    ("Filter papers, 100 pcs.", "Kitchen", 3.10),
    ("Milk frother", "Kitchen", 27.40),
)
PRICES = {"EUR": (1, 0.01), "USD": (1.1, 0.01), "GBP": (0.85, 0.01), "JPY": (160, 10)}
"""For each currency, its rate and the step that prices are rounded to."""
NO_ORDERS = 0.12
"""The share of customers who never ordered."""
RETURNED, NO_QUANTITY, NO_AMOUNT, NO_CATEGORY = 0.05, 0.02, 0.01, 0.03
"""Shares of the orders."""

# Awkward customers; README.md lists them, too.
WITHOUT = {10176, 10880}
RETURN_ONLY = 10213
MANY, MANY_ORDERS = 10302, 24
NAMED = {MANY, 10611, 10656, 10001, 10003}  # they have some in November
ODD_ITEMS = {10702: "=2+3 stickers", 10745: "Poster {{ 7*7 }}"}
NO_CUSTOMER = 19999

Row = dict[str, str]


def order(chance: random.Random, customer: Row, *, first_day: int = 0) -> Row:
    """An order of a customer, on a day from *first_day* on."""
    item, category, price = chance.choice(ITEMS)
    quantity = 1 + int(chance.random() ** 3 * 12)
    rate, step = PRICES[customer["currency"]]
    amount = quantity * round(price * rate / step) * step
    day = chance.randrange(first_day, DAYS)
    unknown = chance.random()
    return {
        "order_id": "",
        "customer_id": customer["customer_id"],
        "ordered_on": f"{FIRST_DAY + dt.timedelta(days=day)}",
        "item": item,
        "category": "" if chance.random() < NO_CATEGORY else category,
        "quantity": "" if unknown < NO_QUANTITY else str(quantity),
        "amount": "" if unknown > 1 - NO_AMOUNT else in_currency(amount, customer["currency"]),
        "currency": customer["currency"],
    }


def in_currency(amount: float, currency: str) -> str:
    """An amount as decimal text; yen have no decimals."""
    return f"{amount:.0f}" if currency == "JPY" else f"{amount:.2f}"


def returned(row: Row, *, days: int) -> Row:
    """The return of an order, some days later."""
    day = min(dt.date.fromisoformat(row["ordered_on"]) + dt.timedelta(days=days), last_day())
    negative = {name: f"-{row[name]}" for name in ("quantity", "amount") if row[name]}
    return row | negative | {"ordered_on": f"{day}"}


def last_day() -> dt.date:
    """The last day with orders."""
    return FIRST_DAY + dt.timedelta(days=DAYS - 1)


def orders_of(chance: random.Random, customer: Row) -> list[Row]:
    """The orders of a customer; a change of one customer changes no other."""
    number = int(customer["customer_id"])
    november = (dt.date(2026, 11, 1) - FIRST_DAY).days
    if number == RETURN_ONLY:
        return [returned(order(chance, customer, first_day=november), days=1)]
    if number in WITHOUT or (chance.random() < NO_ORDERS and number not in NAMED):
        return []
    count = 1 + int(chance.random() ** 2 * 9)
    rows = [order(chance, customer) for _ in range(count)]
    if number in NAMED - {MANY}:
        rows += [order(chance, customer, first_day=november) for _ in range(4)]
    if number == MANY:
        rows += [order(chance, customer, first_day=november) for _ in range(MANY_ORDERS)]
    if number in ODD_ITEMS:
        odd = order(chance, customer, first_day=november)
        rows.append(odd | {"item": ODD_ITEMS[number], "category": ""})
    back = [row for row in rows if chance.random() < RETURNED]
    return rows + [returned(row, days=chance.randrange(2, 15)) for row in back]


def all_orders(customers: list[Row]) -> list[Row]:
    """The orders by day, each with a number; one stands there twice, one is of nobody."""
    rows = [
        row
        for customer in customers
        for row in orders_of(random.Random(int(customer["customer_id"])), customer)  # noqa: S311  # sample data, no secret
    ]
    rows.append(rows[0] | {"customer_id": str(NO_CUSTOMER)})
    rows.sort(key=lambda row: row["ordered_on"])
    for number, row in enumerate(rows):
        row["order_id"] = str(FIRST_ORDER + number)
    return [*rows, dict(rows[-1])]


if __name__ == "__main__":
    beside = Path(__file__).parent
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else beside
    with (beside / "customers.csv").open(encoding="utf-8", newline="") as source:
        made = all_orders(list(csv.DictReader(source)))
    with (folder / "orders.csv").open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, made[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(made)
