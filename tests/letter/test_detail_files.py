"""Files that letters make: text of a template, detail rows as CSV or Excel, lists of paths."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import io
from decimal import Decimal

import openpyxl
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import mailframe as mf
from mailframe.letter.attachment_files import text_content
from tests.composing import MISSING, cells, compose, frame, payloads
from tests.expressions import col

RECORDS = [
    {"item": "Tea, black", "n": 2, "price": Decimal("1.50"), "day": dt.date(2026, 11, 2)},
    {"item": "=cmd|' /C calc'!A0", "n": None, "price": 0.1, "day": None},
]


def files(df, *attachments, **fields):
    """Names and contents of the files of each row."""
    made = payloads(df, attachments=list(attachments), **fields)
    return [
        {one["Name"]: base64.b64decode(one["Content"]) for one in payload.get("Attachments", [])}
        for payload in made
    ]


# --- text -----------------------------------------------------------------------------------------


def test_text_content_is_a_template():
    """Each row has its own file, in UTF-8."""
    df = frame(name=["Zoë", "<Bob>"])
    made = files(df, mf.Attachment("{{ name[:1] | urlencode }}.txt", "Hello {{ name }}"))
    assert [*made[0].values(), *made[1].values()] == ["Hello Zoë".encode(), b"Hello <Bob>"]


def test_constant_text_is_a_file():
    """The same in each row."""
    assert files(frame(2), mf.Attachment("a.txt", "Hello")) == [{"a.txt": b"Hello"}] * 2


@pytest.mark.parametrize("name", ["a.ics", "A.ICS", "a.vcf"])
def test_calendars_and_cards_have_the_line_ends_of_their_formats(name):
    """RFC 5545 and 6350: CR and LF, whatever the template has."""
    made = files(frame(n=[1]), mf.Attachment(name, "BEGIN:{{ n }}\nEND\r\n"))
    assert made == [{name: b"BEGIN:1\r\nEND\r\n"}]


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Z"])), st.sampled_from(["ics", "vcf"])
)
@example("x" * 69, "ics")  # with its name, 75 bytes
@example("x" * 70, "ics")
@example("x" * (69 + 74), "ics")
@example("x" * (69 + 75), "ics")
@example("é🎂" * 99, "vcf")
def test_long_lines_of_calendars_and_cards_are_folded(value, extension):
    """At most 75 bytes (RFC 5545, 3.1), no character is divided, and unfolding gives the text."""
    content = text_content(f"a.{extension}", f"NOTE:{value}!\nEND")
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert all(line.decode() for line in lines[:-1])
    assert content.replace(b"\r\n ", b"") == f"NOTE:{value}!\r\nEND\r\n".encode()
    assert len(lines) <= 3 + len(f"NOTE:{value}!".encode()) // 71


def test_a_message_file_is_not_folded():
    """RFC 5322 folds at white space alone."""
    assert text_content("a.eml", "x" * 100) == b"x" * 100 + b"\r\n"


@pytest.mark.parametrize("value", MISSING.values(), ids=MISSING)
def test_a_missing_value_in_a_file_is_a_problem_of_its_row(value):
    """Or leaves the file out, if it is optional."""
    df = frame(v=cells(value))
    [row] = compose(df, attachments=mf.Attachment("a.txt", "{{ v }}")).problems().to_dict("records")
    assert (row["field"], row["code"]) == ("attachments[0]", "missing_value")
    assert files(df, mf.Attachment("a.txt", "{{ v }}", optional=True)) == [{}]


def test_text_of_an_unknown_column_is_refused_when_it_is_composed():
    """As in every template."""
    with pytest.raises(mf.errors.LetterError, match=r"'nmae' in attachments\[0\]\.content"):
        compose(frame(name=["x"]), attachments=mf.Attachment("a.txt", "{{ nmae }}"))


def test_text_of_a_function_is_content_too():
    """With mf.each."""
    df = frame(n=[1, 2])
    made = files(df, mf.Attachment("a.txt", mf.each(lambda row: f"No. {row.n}")))
    assert made == [{"a.txt": b"No. 1"}, {"a.txt": b"No. 2"}]


# --- detail rows ----------------------------------------------------------------------------------


def test_detail_rows_become_a_csv():
    """UTF-8 with a mark, so that Excel shows it right; formulas are text."""
    [made] = files(frame(orders=cells(RECORDS)), mf.Attachment.csv("orders"))
    text = made["orders.csv"].decode("utf-8-sig")
    assert made["orders.csv"].startswith(b"\xef\xbb\xbf")
    assert list(csv.reader(io.StringIO(text))) == [
        ["item", "n", "price", "day"],
        ["Tea, black", "2", "1.50", "2026-11-02"],
        ["'=cmd|' /C calc'!A0", "", "0.1", ""],
    ]


def test_detail_rows_become_an_excel_file():
    """Numbers and dates stay what they are; formulas are text."""
    [made] = files(frame(orders=cells(RECORDS)), mf.Attachment.xlsx("orders"))
    sheet = openpyxl.load_workbook(io.BytesIO(made["orders.xlsx"])).active
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["item", "n", "price", "day"],
        ["Tea, black", 2, 1.5, dt.datetime.combine(dt.date(2026, 11, 2), dt.time())],
        ["=cmd|' /C calc'!A0", None, 0.1, None],
    ]
    assert sheet["A3"].data_type == "s"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_detail_file_has_the_same_bytes_each_time(kind):
    """So that what was checked is what is sent."""
    attachment = getattr(mf.Attachment, kind)("orders")
    df = frame(orders=cells(RECORDS))
    first, second = (compose(df, attachments=attachment).fingerprint for _ in range(2))
    assert first == second


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_columns_and_the_name_are_chosen(kind):
    """The name is a template."""
    attachment = getattr(mf.Attachment, kind)(
        "orders", f"{{{{ name }}}}.{kind}", columns={"n": "Number", "item": "Item"}
    )
    df = frame(orders=cells(RECORDS[:1]), name=["ann"])
    [made] = files(df, attachment)
    content = made[f"ann.{kind}"]
    read = pd.read_csv if kind == "csv" else pd.read_excel
    assert read(io.BytesIO(content)).to_dict("records") == [{"Number": 2, "Item": "Tea, black"}]


def test_each_row_has_its_own_details():
    """A canary in each."""
    people = frame(id=range(60))
    orders = pd.DataFrame({"id": [n % 60 for n in range(180)]})
    orders["item"] = [f"canary-{n}." for n in orders["id"]]
    made = files(people.mail.nest(orders=orders, on="id"), mf.Attachment.csv("orders"))
    for number, one in enumerate(made):
        text = one["orders.csv"].decode()
        assert text.count(f"canary-{number}.") == text.count("canary-") == 3


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_empty_list_is_an_empty_file_or_none(kind):
    """``optional=True`` leaves it out."""
    make = getattr(mf.Attachment, kind)
    df = frame(orders=cells([]))
    assert list(files(df, make("orders"))[0]) == [f"orders.{kind}"]
    assert files(df, make("orders", optional=True)) == [{}]


@pytest.mark.parametrize("value", ["text", 5, [1], {"a": 1}])
def test_a_column_that_is_no_list_of_records_is_a_problem(value):
    """It says what the column should be."""
    df = frame(orders=cells(value))
    [row] = compose(df, attachments=mf.Attachment.csv("orders")).problems().to_dict("records")
    assert "not a list of records" in row["detail"]


def test_a_column_that_is_not_there_is_a_problem_with_a_near_name():
    """As for other functions of a row."""
    campaign = compose(frame(orders=cells([])), attachments=mf.Attachment.csv("order"))
    assert "no column 'order'" in campaign.problems()["detail"].iloc[0]


# --- several files --------------------------------------------------------------------------------


def test_a_list_of_paths_is_several_files(tmp_path):
    """Any number for each row."""
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    paths = cells([tmp_path / "a.txt", str(tmp_path / "b.txt")], [tmp_path / "b.txt"], [])
    made = files(frame(3, paths=paths), mf.Attachment(col("paths"), optional=True))
    assert made == [{"a.txt": b"a.txt", "b.txt": b"b.txt"}, {"b.txt": b"b.txt"}, {}]
    problems = compose(frame(3, paths=paths), attachments=mf.Attachment(col("paths"))).problems()
    assert problems[["row", "code"]].to_numpy().tolist() == [[2, "missing_value"]]
    assert "the list of paths is empty in this row; write optional=True" in problems["detail"][0]


def test_a_missing_file_of_a_list_is_a_problem_of_its_row(tmp_path):
    """With its name."""
    paths = cells([str(tmp_path / "nowhere.txt")])
    [row] = (
        compose(frame(paths=paths), attachments=mf.Attachment(col("paths")))
        .problems()
        .to_dict("records")
    )
    assert (row["code"], "nowhere.txt" in row["detail"]) == ("attachment_unreadable", True)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("x;=1+1", "x;'=1+1"),
        ('x;"=1', """x;""'=1"""),
        ("x\t@a", "x\t'@a"),
        ("x;;-1", "x;;'-1"),
        (" =1", "' =1"),
        ("\t=1", "'\t=1"),
        ("Tea; -5", "Tea; -5"),
        ("a;b", "a;b"),
        ("it's", "it's"),
        ("a-b=c", "a-b=c"),
    ],
)
def test_no_formula_begins_where_a_spreadsheet_splits_a_text(text, written):
    """Where the comma is a decimal sign, spreadsheets split lines at semicolons."""
    [made] = files(frame(orders=cells([{"a": "b", "note": text}])), mf.Attachment.csv("orders"))
    line = made["orders.csv"].decode("utf-8-sig").split("\r\n")[1]
    assert line.removeprefix("b,").strip('"') == written


# --- dates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (pd.Timestamp("2026-11-02"), "2026-11-02"),
        (pd.Timestamp("2026-11-02 00:00:01"), "2026-11-02 00:00:01"),
        (pd.Timestamp("2026-11-02", tz="UTC"), "2026-11-02 00:00:00+00:00"),
        (pd.Timestamp("2026-11-02 09:30").to_pydatetime(), "2026-11-02 09:30:00"),
        (dt.date(2026, 11, 2), "2026-11-02"),
        (dt.time(9, 30), "09:30:00"),
    ],
)
def test_dates_and_times_of_a_csv_are_read_by_spreadsheets(value, text):
    """A day of a frame is midnight; with a ``T``, a spreadsheet reads text."""
    [made] = files(frame(orders=cells([{"at": value}])), mf.Attachment.csv("orders"))
    assert made["orders.csv"].decode("utf-8-sig") == f"at\r\n{text}\r\n"


def test_a_day_of_a_frame_is_a_date_in_excel():
    """Without ``0:00:00`` after it; a time stays."""
    days = [{"at": pd.Timestamp("2026-11-02")}, {"at": pd.Timestamp("2026-11-02 09:30")}]
    [made] = files(frame(orders=cells(days)), mf.Attachment.xlsx("orders"))
    sheet = openpyxl.load_workbook(io.BytesIO(made["orders.xlsx"])).active
    assert [cell.number_format for cell in sheet["A"][1:]] == ["yyyy-mm-dd", "yyyy-mm-dd h:mm:ss"]
