"""Write customers.csv and suppressions.csv: 1,200 fictional people, the same ones in each run.

``python sample_data/make_customers.py`` writes both beside this file; it needs only the standard
library.
"""  # noqa: INP001  # a script, no module of a package

from __future__ import annotations

import csv
import datetime as dt
import random
import sys
import unicodedata
from pathlib import Path

ROWS = 1_200

# country, language, currency, postal code (# is a digit), first names, last names (=: in Latin
# letters)
PLACES = (
    (
        "DE",
        "de",
        "EUR",
        "0####",
        "Anna Jörg Lena Björn Käthe Uwe",
        "Müller Groß Schäfer Weiß Vogel Krüger",
    ),
    (
        "FR",
        "fr",
        "EUR",
        "0####",
        "Chloé Hugo Zoë Anaïs Rémi Léa",
        "Lefèvre Moreau Garçon Petit Noël Dubois",
    ),
    (
        "GB",
        "en",
        "GBP",
        "EC#A #AB",
        "Oliver Amelia Harry Isla Nadia",
        "Smith O'Brien Patel Clarke Khan",
    ),
    (
        "US",
        "en",
        "USD",
        "0####",
        "Mia Noah Ava Ethan Grace Liam",
        "Johnson Garcia Lee Brown Nguyen Davis",
    ),
    (
        "JP",
        "ja",
        "JPY",
        "0##-####",
        "美咲=Misaki 健太=Kenta さくら=Sakura",
        "佐藤=Sato 鈴木=Suzuki 高橋=Takahashi",
    ),
    ("PL", "pl", "EUR", "0#-###", "Łukasz Zofia Paweł Małgorzata", "Wójcik Kamińska Żak Dąbrowski"),
    ("NO", "nb", "EUR", "0###", "Åse Øyvind Ingrid Lars", "Ødegård Bjørnstad Hansen Sæther"),
)
PLACE_WEIGHTS = (22, 15, 19, 24, 8, 7, 5)
PLANS, PLAN_WEIGHTS = ("free", "team", "business", "enterprise", ""), (20, 40, 25, 10, 5)
PRICES = {"free": 0, "team": 49, "business": 129, "enterprise": 499, "": 49}
TOWNS = "Northwind Fjord Alder Copper Juniper Harbour Meridian Willow Granite Saffron"
TRADES = "Bakery Analytics Logistics Robotics Studio Foods Energy Labs Travel Press"
MANAGERS = ("Ines Duarte", "Tom Reed", "Yuki Mori", "Freja Lund")
NOTES = (
    "",
    "",
    "",
    "",
    "Prefers a call",
    "Asked about SSO, and invoices",
    'Says "maybe next year"',
)
LONG_COMPANY = (
    "Königlich-Bayerische Gesellschaft zur Förderung der Dampfschifffahrt und verwandter Künste"
)
LATIN = str.maketrans({"ł": "l", "ø": "o", "æ": "ae", "ß": "ss", "'": ""})

# Awkward rows, by row number (customer_id is 10001 + row); README.md lists the same rows.
AWKWARD: dict[int, dict[str, str]] = {
    17: {"first_name": "", "plan": "", "seats": "", "price": "49.00"},
    58: {"first_name": "", "last_name": "Smith, John", "email": "john.smith@example.com"},
    96: {"first_name": "Renée", "last_name": "NA", "email": "renee.na@example.org"},
    131: {"first_name": "Jonas", "last_name": "Null", "email": "jonas.null@example.org"},
    175: {"company": LONG_COMPANY},
    212: {"first_name": "Jürgen", "last_name": "Groß", "email": "user@bücher.example"},
    260: {"first_name": "Patricia", "last_name": "Lane", "email": "pat.lane@example.net"},
    301: {"first_name": "Pat", "last_name": "Lane", "email": "Pat.Lane@example.net"},
    344: {"email": "no-at-sign.example.com"},
    388: {"email": "ana@example.com, bo@example.com"},
    431: {"email": "double..dot@example.org"},
    475: {"email": ""},
    520: {"email": ""},
    566: {"email": "trailing.space@example.com "},
    610: {
        "first_name": "שרה",
        "last_name": "כהן",
        "email": "sara.cohen@example.com",
        "language": "he",
    },
    655: {
        "first_name": "Ame\u0301lie",
        "last_name": "Bju\u0308rk",
        "email": "amelie.bjurk@example.org",
    },
    701: {"notes": "=cmd|' /C calc'!A0"},
    744: {"notes": "{{ 7*7 }}"},
    790: {"notes": "<b>bold</b>"},
    833: {"notes": 'Two lines,\nwith "quotes", and commas'},
    879: {"first_name": "Zoë 🎉", "last_name": "O'Brien", "notes": "Sent us a cake 🎂👩‍🚀"},
    921: {"renews_on": "", "account_manager": ""},
}
SUPPRESSED = (40, 150, 250, 370, 460, 580, 690, 810, 950, 1_100)
REASONS = (
    ("HardBounce", "Recipient"),
    ("SpamComplaint", "Recipient"),
    ("ManualSuppression", "Customer"),
)


def person(chance: random.Random, number: int) -> dict[str, str]:
    """One row; each row draws equally often, so that a change in one row changes no other."""
    country, language, currency, code, first_names, last_names = chance.choices(
        PLACES, PLACE_WEIGHTS
    )[0]
    first, last = chance.choice(first_names.split()), chance.choice(last_names.split())
    company = f"{chance.choice(TOWNS.split())} {chance.choice(TRADES.split())}"
    plan = chance.choices(PLANS, PLAN_WEIGHTS)[0]
    price = PRICES[plan]
    special = number in AWKWARD or number in SUPPRESSED
    row = {
        "customer_id": str(10_001 + number),
        "first_name": with_gaps(chance, first.partition("=")[0], share=0 if special else 0.04),
        "last_name": last.partition("=")[0],
        "email": address(chance, first, last, number=number, company=company),
        "company": company,
        "plan": plan,
        "seats": with_gaps(chance, str(1 + int(chance.random() ** 3 * 60)), share=0.08),
        "price": str(price * 160) if currency == "JPY" else f"{price}.00",
        "currency": currency,
        "renews_on": with_gaps(chance, f"{dt.date(2026, 11, 15) + day(chance, 60)}", share=0.03),
        "country": country,
        "zip": "".join(str(chance.randrange(10)) if sign == "#" else sign for sign in code),
        "language": language,
        "last_login": with_gaps(chance, login(chance), share=0.1),
        "consented": "true",  # the export left the others out; a letter still asks for it
        "account_manager": chance.choice(MANAGERS),
        "notes": chance.choice(NOTES),
    }
    return row | AWKWARD.get(number, {})


def with_gaps(chance: random.Random, value: str, *, share: float) -> str:
    """The value, or nothing for a *share* of the rows."""
    return "" if chance.random() < share else value


def address(chance: random.Random, first: str, last: str, *, number: int, company: str) -> str:
    """A plain ASCII address on a domain that is kept for examples."""
    own = f"{company.lower().replace(' ', '-')}.example"
    name = f"{first.rpartition('=')[2]}.{last.rpartition('=')[2]}".lower().translate(LATIN)
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return (
        f"{ascii_name}{number}@{chance.choice(('example.com', 'example.org', 'example.net', own))}"
    )


def day(chance: random.Random, days: int) -> dt.timedelta:
    """A whole number of days, fewer than *days*."""
    return dt.timedelta(days=chance.randrange(days))


def login(chance: random.Random) -> str:
    """A time before November 2026; most are recent."""
    ago = dt.timedelta(minutes=int(chance.random() ** 4 * 400_000))
    return f"{dt.datetime(2026, 10, 31, 22, 5, tzinfo=dt.UTC) - ago:%Y-%m-%dT%H:%M:%SZ}"


def suppression(place: int, address: str) -> dict[str, str]:
    """One entry in the shape of Postmark's suppression dump."""
    reason, origin = REASONS[place % len(REASONS)]
    created = f"2026-{place + 1:02}-14T09:{place * 5:02}:00-05:00"
    return {
        "EmailAddress": address,
        "SuppressionReason": reason,
        "Origin": origin,
        "CreatedAt": created,
    }


def write(path: Path, rows: list[dict[str, str]]) -> None:
    """A CSV file in UTF-8 with LF line ends, the same bytes on each system."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    seeded = random.Random(2026)  # noqa: S311  # sample data, no secret
    people = [person(seeded, number) for number in range(ROWS)]
    write(folder / "customers.csv", people)
    write(
        folder / "suppressions.csv",
        [suppression(i, people[n]["email"]) for i, n in enumerate(SUPPRESSED)],
    )
