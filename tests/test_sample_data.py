"""The sample data is what its README says, and its letter suits every row."""

from __future__ import annotations

import csv
import re
import struct
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from mailframe.letter.letter import Letter
from mailframe.limits import UNSUBSCRIBE_PLACEHOLDER
from mailframe.message.address_errors import AddressError, AddressFault
from mailframe.message.addresses import is_documentation_domain, read_mailbox
from mailframe.message.binding import bind
from mailframe.message.render import Draft, Renderer

FOLDER = Path(__file__).parent.parent / "sample_data"
RENEWAL = FOLDER / "letters" / "renewal"
FIRST_ID = 10_001


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    """The frame as a reader of the README gets it."""
    return pd.read_csv(FOLDER / "customers.csv")


@pytest.fixture(scope="module")
def cells() -> list[dict[str, str]]:
    """The rows as text, before pandas has an opinion."""
    with (FOLDER / "customers.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def drafts(customers: pd.DataFrame) -> list[Draft]:
    """The letter, rendered for every row."""
    return list(Renderer(bind(Letter.load(RENEWAL), customers)).drafts())


@pytest.fixture(scope="module")
def mails(drafts: list[Draft]) -> list[dict[str, str]]:
    """The rendered parts of every row, in the order of the rows."""
    return [draft.values for draft in drafts]  # noqa: PD011  # a dict of parts, no pandas


def row_of(customer_id: int, cells: list[dict[str, str]]) -> dict[str, str]:
    """The row of an id; ids count up without a gap."""
    return cells[customer_id - FIRST_ID]


# --- the files ------------------------------------------------------------------------------------


def test_the_script_writes_the_same_bytes_again(tmp_path):
    """Both files can be made anew at any time, on any machine."""
    subprocess.run(
        [sys.executable, FOLDER / "make_customers.py", tmp_path], check=True
    )  # our own script
    for name in ("customers.csv", "suppressions.csv"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()


def test_the_readme_names_every_column_in_order(customers):
    """The table of columns is complete."""
    table = (
        (FOLDER / "README.md")
        .read_text(encoding="utf-8")
        .partition("## Columns")[2]
        .partition("## Awkward")[0]
    )
    assert re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE) == list(customers.columns)


def test_the_readme_names_every_awkward_row(cells):
    """The list in the README is the list in the script."""
    script = (FOLDER / "make_customers.py").read_text(encoding="utf-8")
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## Awkward")[2].partition("## Columns of orders.csv")[0]
    listed = {int(number) for number in re.findall(r"\b1\d{4}\b", table)}
    assert listed == {
        FIRST_ID + int(row) for row in re.findall(r"^    (\d+): \{", script, flags=re.MULTILINE)
    }
    assert all(row_of(number, cells)["consented"] == "true" for number in listed)


# --- the customers --------------------------------------------------------------------------------


def test_there_are_1200_customers_with_ids_of_their_own(cells):
    """The id is a key: unique, and counted up."""
    assert [int(row["customer_id"]) for row in cells] == list(range(FIRST_ID, FIRST_ID + 1_200))


def test_columns_have_the_kinds_that_the_readme_says(customers):
    """Gaps make seats float; leading zeros survive without any option."""
    assert customers["customer_id"].dtype == "int64"
    assert customers["consented"].dtype == bool
    assert customers["seats"].dtype == "float64"
    assert (customers["seats"].dropna() % 1 == 0).all()
    assert customers["zip"].str.startswith("0").mean() > 0.5
    assert set(customers["plan"].dropna()) == {"free", "team", "business", "enterprise"}
    assert set(customers["currency"]) == {"EUR", "USD", "GBP", "JPY"}
    assert customers["consented"].all()


def test_gaps_are_where_the_readme_says(customers):
    """Values are missing in first_name, plan, seats, dates and notes, and in the named rows."""
    gaps = customers.isna().sum()
    assert set(gaps[gaps > 2].index) == {
        "first_name",
        "plan",
        "seats",
        "renews_on",
        "last_login",
        "notes",
    }
    assert gaps["email"] == 2
    assert gaps["last_name"] == 1  # the person called NA
    assert gaps["account_manager"] == 1


def test_exactly_the_six_listed_rows_cannot_be_mailed(cells):
    """Four invalid addresses and two missing ones; all others are valid, at example domains."""
    faults = {}
    for row in cells:
        try:
            assert is_documentation_domain(read_mailbox(row["email"]).address)
        except AddressError as error:
            faults[int(row["customer_id"])] = error.code
    assert faults == {
        10345: AddressFault.INVALID,
        10389: AddressFault.SEVERAL,
        10432: AddressFault.INVALID,
        10476: AddressFault.EMPTY,
        10521: AddressFault.EMPTY,
        10567: AddressFault.SURROUNDING_SPACE,
    }


def test_one_address_stands_under_two_ids(cells):
    """It differs in case only, and no other address is doubled."""
    count = Counter(row["email"].lower() for row in cells if row["email"])
    assert [address for address, times in count.items() if times > 1] == ["pat.lane@example.net"]
    assert row_of(10261, cells)["email"] != row_of(10302, cells)["email"]


def test_awkward_texts_are_there(cells):
    """A sample of what breaks other tools."""
    assert row_of(10059, cells)["last_name"] == "Smith, John"
    assert row_of(10097, cells)["last_name"] == "NA"
    assert row_of(10132, cells)["last_name"] == "Null"
    assert len(row_of(10176, cells)["company"]) == 90
    assert row_of(10213, cells)["email"] == "user@bücher.example"
    assert row_of(10702, cells)["notes"].startswith("=cmd|")
    assert row_of(10745, cells)["notes"] == "{{ 7*7 }}"
    assert "\n" in row_of(10834, cells)["notes"]
    assert {"Zoë", "Łukasz", "美咲"} <= {row["first_name"] for row in cells}
    assert {"O'Brien", "Ødegård"} <= {row["last_name"] for row in cells}


def test_ten_consented_customers_are_suppressed(cells):
    """They have Postmark's columns and reasons, and an address of exactly one customer each."""
    with (FOLDER / "suppressions.csv").open(encoding="utf-8", newline="") as file:
        entries = list(csv.DictReader(file))
    assert list(entries[0]) == ["EmailAddress", "SuppressionReason", "Origin", "CreatedAt"]
    assert {entry["SuppressionReason"] for entry in entries} == {
        "HardBounce",
        "SpamComplaint",
        "ManualSuppression",
    }
    addresses = {entry["EmailAddress"] for entry in entries}
    known = [row for row in cells if row["email"] in addresses]
    assert len(entries) == len(addresses) == len(known) == 10
    assert all(row["consented"] == "true" for row in known)


# --- the letter -----------------------------------------------------------------------------------


def test_the_logo_is_small_and_shown():
    """An inline image under 2 KB that the layout shows with an alt text."""
    picture = (RENEWAL / "logo.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(picture) < 2_048
    assert struct.unpack(">II", picture[16:24]) == (108, 108)
    assert re.search(
        r'<img src="cid:logo.png"[^>]* alt="', (RENEWAL / "layout.html").read_text(encoding="utf-8")
    )


def test_every_attachment_of_the_letter_is_in_its_folder():
    """Paths are relative to the folder, and the inline one carries the id that the layout uses."""
    settings = tomllib.loads((RENEWAL / "letter.toml").read_text(encoding="utf-8"))
    assert all((RENEWAL / attachment["path"]).is_file() for attachment in settings["attachments"])
    assert [attachment.get("content_id") for attachment in settings["attachments"]] == [
        "cid:logo.png",
        None,
    ]


def test_only_a_missing_address_is_a_problem_of_rendering(drafts):
    """Each other gap has a branch or a default in the letter."""
    assert [draft.position + FIRST_ID for draft in drafts if draft.problems] == [10476, 10521]


def test_the_recipient_of_a_clean_row_is_one_mailbox(mails, cells):
    """A first name that is missing leaves no space in front, and the address is the row's own."""
    faulty = {10345, 10389, 10432, 10476, 10521, 10567, 10213}  # 10213 is posted in punycode
    for mail, row in zip(mails, cells, strict=True):
        if int(row["customer_id"]) not in faulty:
            mailbox = read_mailbox(mail["to"])
            assert mailbox.identity == row["email"].lower()
            assert mailbox.name == mailbox.name.strip()


def test_every_message_can_be_unsubscribed_from(mails):
    """Postmark's placeholder comes through in both parts, once."""
    for mail in mails:
        assert mail["html_body"].count(f'href="{UNSUBSCRIBE_PLACEHOLDER}"') == 1
        assert mail["text_body"].count(UNSUBSCRIBE_PLACEHOLDER) == 1


def test_nothing_of_a_gap_is_ever_printed(mails):
    """No nan, no None, no NaT, no 5.0 seats, no doubled space in a subject."""
    for mail in mails:
        for part in ("subject", "text_body", "html_body"):
            assert not re.search(r"\b(nan|None|NaT|\d+\.0 seats?)\b", mail[part])
        assert re.fullmatch(r"\S+( \S+)*", mail["subject"])


@pytest.mark.parametrize(
    ("customer_id", "words"),
    [
        (10018, "Not sure which plan you have?"),
        (10084, "renews soon"),
        (10176, "verwandter Künste"),
    ],
)
def test_a_row_with_gaps_gets_its_own_branch(mails, customer_id, words):
    """The letter has words for those of whom little is known."""
    mail = mails[customer_id - FIRST_ID]
    assert words in mail["text_body"]
    assert words in mail["html_body"]


def test_seats_have_a_singular_and_a_plural(mails):
    """Nobody has 1 seats."""
    found = {seats for mail in mails for seats in re.findall(r"\d+ seats?\b", mail["text_body"])}
    assert "1 seat" in found
    assert "12 seats" in found
    assert not {"1 seats", "12 seat"} & found


def test_a_message_stays_under_the_size_that_gmail_clips(mails):
    """Gmail hides what comes after 102 KB of HTML, the unsubscribe link included."""
    assert max(len(mail["html_body"].encode()) for mail in mails) < 20_000
