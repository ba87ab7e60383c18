"""Each sample letter suits every customer, and sends each one the own orders and files."""

from __future__ import annotations

import base64
import csv
import io
import os
import re
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import mailframe as mf
from mailframe.demo import sample_customers
from tests.sample_letters import CAMPAIGNS, DATA, LETTERS, beside, sample_orders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INVALID = {10345, 10389, 10432, 10476, 10521, 10567}
"""The customers who cannot be mailed; see README.md."""
AWKWARD = [
    10018,
    10059,
    10097,
    10176,
    10213,
    10302,
    10611,
    10702,
    10745,
    10791,
    10834,
    10880,
    10922,
]
SOME = [10001, *AWKWARD]
"""The report and the invoice of these; all charts and files take most of a minute."""

every_letter = pytest.mark.parametrize("name", CAMPAIGNS)


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    """All customers."""
    return sample_customers()


@pytest.fixture(scope="module")
def campaigns(customers: pd.DataFrame) -> Callable[[str], mf.Campaign]:
    """A function that composes a letter; each is composed once."""
    composed: dict[str, mf.Campaign] = {}

    def campaign(name: str) -> mf.Campaign:
        if name not in composed:
            composed[name] = CAMPAIGNS[name](of_test(name, customers))
        return composed[name]

    return campaign


def of_test(name: str, customers: pd.DataFrame) -> pd.DataFrame:
    """The customers of a letter in these tests: all that are awkward, and every tenth."""
    chosen = customers["customer_id"].isin([*SOME, *INVALID])
    return customers[chosen if name == "monthly_report" else chosen | (customers.index % 10 == 0)]


def files(payload: dict[str, Any]) -> dict[str, bytes]:
    """The names and contents of the attachments of a message."""
    attached = payload.get("Attachments", [])
    return {file["Name"]: base64.b64decode(file["Content"]) for file in attached}


# --- the orders -----------------------------------------------------------------------------------


def test_the_script_writes_the_same_orders_again(tmp_path: Path) -> None:
    """On any machine, and the file is small."""
    subprocess.run(
        [sys.executable, DATA / "make_orders.py", tmp_path], check=True
    )  # our own script
    content = (tmp_path / "orders.csv").read_bytes()
    assert content == (DATA / "orders.csv").read_bytes()
    assert len(content) < 400_000


def test_the_readme_names_every_column_of_the_orders() -> None:
    """In their order."""
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## Columns of orders.csv")[2].partition("## Awkward")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE) == list(sample_orders().columns)


def test_the_orders_are_as_awkward_as_the_readme_says(customers: pd.DataFrame) -> None:
    """No orders, returns, missing values, a row that stands there twice, an unknown customer."""
    raw = pd.read_csv(DATA / "orders.csv")
    orders = sample_orders()
    assert len(raw) == len(orders) + 1
    assert set(orders["customer_id"]) - set(customers["customer_id"]) == {19999}
    without = set(customers["customer_id"]) - set(orders["customer_id"])
    assert {10176, 10880} <= without
    assert 0.1 < len(without) / len(customers) < 0.18
    gaps = orders.isna().any()
    assert list(gaps[gaps].index) == ["category", "quantity", "amount"]
    assert (orders["amount"] < 0).sum() > 100
    by_customer = orders.set_index("customer_id")
    assert by_customer.loc[[10213], "amount"].lt(0).all()
    assert by_customer.loc[10302, "ordered_on"].ge("2026-11-01").sum() > 20
    assert by_customer.loc[10702, "item"].str.startswith("=").any()
    assert by_customer.loc[10745, "item"].str.contains("{{", regex=False).any()


def test_an_order_is_in_the_currency_of_its_customer(customers: pd.DataFrame) -> None:
    """Yen have no decimals."""
    both = sample_orders().merge(customers[["customer_id", "currency"]], on="customer_id")
    assert (both["currency_x"] == both["currency_y"]).all()
    yen = both.query("currency_x == 'JPY'")["amount"].dropna()
    assert (yen % 1 == 0).all()


# --- all letters ----------------------------------------------------------------------------------


@every_letter
def test_only_the_rows_without_a_valid_address_have_a_problem(campaigns: Any, name: str) -> None:
    """And the address that stands twice has a warning; no letter has one."""
    campaign = campaigns(name)
    problems = campaign.problems()
    errors = problems.query("severity == 'error'")
    assert set(errors["key"]) == INVALID & set(campaign.frame["customer_id"])
    assert set(errors["field"]) <= {"to"}
    assert set(problems.query("severity != 'error'")["code"]) <= {"repeated_recipient"}


@every_letter
def test_nothing_of_a_missing_value_is_printed(campaigns: Any, name: str) -> None:
    """No nan, no None, no NaT, no 5.0; no text of a template."""
    messages = campaigns(name).messages()
    for part in ("Subject", "TextBody", "HtmlBody"):
        assert not messages[part].str.contains(r"\b(?:nan|None|NaT|\d+\.0)\b(?!\w)").any()
        rest = messages[part].str.replace("{{{ pm:unsubscribe }}}", "").str.replace("{{ 7*7 }}", "")
        assert not rest.str.contains(r"\{\{|\{%").any()
    assert not messages["TextBody"].str.contains(r"<p>|<br>|</", regex=True).any()
    assert messages["HtmlBody"].str.len().max() < 60_000


@pytest.mark.sampled(2)
@every_letter
def test_a_letter_has_the_same_fingerprint_again(customers: pd.DataFrame, name: str) -> None:
    """With its charts and files."""
    rows = customers[customers["customer_id"].isin(SOME)]
    first, second = (CAMPAIGNS[name](rows).fingerprint for _ in range(2))
    assert first == second


@pytest.mark.sampled(2)
def test_files_have_the_same_bytes_in_another_process() -> None:
    """Whatever the seed of hashes there."""
    done = subprocess.run(  # our own code
        [sys.executable, "-c", "import tests.test_sample_letters as t; print(t.with_files())"],
        check=True,
        capture_output=True,
        cwd=DATA.parent,
        env=os.environ | {"PYTHONHASHSEED": "1"},  # that of this process is random
        text=True,
    )
    assert done.stdout == f"{with_files()}\n"


def with_files() -> list[str]:
    """The fingerprints of the letters with charts and files."""
    rows = sample_customers(8)
    return [CAMPAIGNS[name](rows).fingerprint for name in ("invoice", "monthly_report")]


@pytest.mark.sampled(2)
@every_letter
def test_a_letter_is_sent(campaigns: Any, name: str) -> None:
    """To the sandbox, with Postmark's rules: each valid row is accepted."""
    campaign = campaigns(name)
    with mf.Sandbox() as sandbox:
        results = campaign.send(sandbox.server, on_invalid="skip", progress=False, ledger=None)
        arrived = len(sandbox.messages())
    valid = ~campaign.frame["customer_id"].isin(INVALID)
    assert results["status"].eq("accepted").tolist() == valid.tolist()
    assert arrived == valid.sum()


def test_the_logo_is_the_same_in_all_letters() -> None:
    """Each folder has its own copy, because attachments are relative to the letter."""
    assert len({path.read_bytes() for path in LETTERS.rglob("logo.png")}) == 1


@pytest.mark.sampled(2)
@pytest.mark.slow
@pytest.mark.parametrize("name", ["monthly_report", "invoice"])
def test_charts_and_files_suit_every_customer(customers: pd.DataFrame, name: str) -> None:
    """Each is drawn without a warning, such as of a letter that the font does not have.

    They take most of the time, and differ in months and amounts only: every tenth is enough.
    """
    is_tenth = customers["customer_id"] % 10 == 0
    customers = customers[is_tenth | customers["customer_id"].isin({*AWKWARD, *INVALID})]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        campaign = CAMPAIGNS[name](customers)
        problems = campaign.problems()
    errors = problems.query("severity == 'error'")
    assert set(errors["key"]) == INVALID & set(campaign.frame["customer_id"])
    assert set(problems["code"]) - set(errors["code"]) <= {"repeated_recipient"}


# --- the report -----------------------------------------------------------------------------------


def test_each_customer_gets_the_own_orders(campaigns: Any) -> None:
    """In the table of both parts, and in the CSV file; who has none gets neither."""
    orders = sample_orders().query("ordered_on >= '2026-11-01'")
    for customer_id in SOME:
        own = orders.query("customer_id == @customer_id")["item"].tolist()
        payload = campaigns("monthly_report").message(key=customer_id).payload
        content = files(payload).get("orders-2026-11.csv", b"").decode("utf-8-sig")
        lines = list(csv.DictReader(io.StringIO(content)))
        assert [line["item"].removeprefix("'") for line in lines] == own
        assert payload["HtmlBody"].count("<tr") >= len(own)
        assert ("Orders in November" in payload["TextBody"]) == bool(own)
        shown = re.findall(r"^\d+ Nov +(.*?)  ", payload["TextBody"], flags=re.MULTILINE)
        assert shown == own


def test_a_customer_without_orders_gets_no_chart(campaigns: Any) -> None:
    """And no empty table."""
    payload = campaigns("monthly_report").message(key=10176).payload
    assert list(files(payload)) == ["logo.png"]
    assert "Nothing to compare yet" in payload["TextBody"]
    assert payload["Subject"] == "A quiet November at Acme"


def test_a_chart_is_transparent_and_says_what_it_shows(campaigns: Any) -> None:
    """Its colors fit light and dark messages."""
    payload = campaigns("monthly_report").message(key=10001).payload
    [picture] = [
        content
        for name, content in files(payload).items()
        if name not in ("logo.png", "orders-2026-11.csv")
    ]
    assert picture[25] == 6  # the color type of a PNG with an alpha channel
    assert re.search(r'alt="Orders by month: Jun [^"]*, Nov €\d+"', payload["HtmlBody"])


# --- the invoice ----------------------------------------------------------------------------------


def test_a_return_makes_a_credit_note(campaigns: Any) -> None:
    """In the letter and in the PDF."""
    payload = campaigns("invoice").message(key=10213).payload
    assert payload["Subject"].startswith("Credit note 2026-11-")
    assert "Pay online" not in payload["TextBody"]
    [(name, content)] = [pair for pair in files(payload).items() if pair[0].endswith(".pdf")]
    assert payload["Subject"].split()[2] == name.removesuffix(".pdf")
    assert content.startswith(b"%PDF-")
    assert b"CreationDate" not in content


def test_a_long_invoice_has_several_pages(campaigns: Any) -> None:
    """No row is lost or drawn below the page."""
    row = campaigns("invoice").frame.iloc[0].to_dict()
    pdf = beside("invoice", "pdf")
    for count, pages in ((17, 1), (18, 2), (44, 2), (45, 3)):
        content = pdf.pdf(row | {"orders": row["orders"][:1] * count})
        assert len(re.findall(rb"/Type /Page\b", content)) == pages


# --- the invitation -------------------------------------------------------------------------------


def test_a_calendar_file_follows_its_format(campaigns: Any) -> None:
    """RFC 5545: line ends, folded lines, escaped text, times in UTC."""
    for customer_id in AWKWARD:
        payload = campaigns("event_invitation").message(key=customer_id).payload
        content = files(payload)["winter-teas.ics"]
        assert content.startswith(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
        assert content.endswith(b"END:VEVENT\r\nEND:VCALENDAR\r\n")
        assert max(map(len, content.split(b"\r\n"))) <= 75
        assert content.count(b"\n") == content.count(b"\r\n")
        lines = content.decode().replace("\r\n ", "").split("\r\n")[:-1]
        assert all(re.fullmatch(r"[A-Z-]+:.+", line) for line in lines)
        [text] = [line for line in lines if line.startswith("DESCRIPTION:Five")]
        assert not re.search(r"(?<!\\)[,;]", text)
        assert "DTSTART:20261210T130000Z" in lines
        assert f"UID:tasting-2026-12-{customer_id}@acme.example" in lines
    types = [file["ContentType"] for file in payload["Attachments"]]
    assert types[-1] == "text/calendar"


def test_everybody_reads_the_time_at_home(campaigns: Any) -> None:
    """13:00 in UTC, in December."""
    messages, frame = campaigns("event_invitation").messages(), campaigns("event_invitation").frame
    times = messages["TextBody"].str.extract(r"\((\d\d:\d\d \w+(?: \w+)?) time\)")[0]
    assert dict(zip(frame["country"], times, strict=True)) == {
        "DE": "14:00 Berlin",
        "FR": "14:00 Paris",
        "GB": "13:00 London",
        "JP": "22:00 Tokyo",
        "NO": "14:00 Oslo",
        "PL": "14:00 Warsaw",
        "US": "08:00 New York",
    }
