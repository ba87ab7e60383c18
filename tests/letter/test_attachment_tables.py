"""Attachments of ``letter.toml``: a file, a template, a column, or detail rows."""

from __future__ import annotations

import base64
import pickle

import pytest

import mailframe as mf
from mailframe.errors import LetterError
from tests.composing import cells, frame

FIELDS = 'sender = "a@acme.dev"\nto = "{{ email }}"\nsubject = "Hi"\ntext_body = "Hi"\n'
PEOPLE = frame(
    name=["Ann; A", "Bo"],
    pdf=[b"%PDF 1", b"%PDF 2"],
    orders=cells([{"item": "Tea", "n": 2}], []),
)


def loaded(folder, table, **files):
    """A letter whose folder has one attachment, and these files."""
    (folder / "letter.toml").write_text(f"{FIELDS}[[attachments]]\n{table}\n", encoding="utf-8")
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content, encoding="utf-8")
    return mf.Letter.load(folder)


def sent(letter):
    """The name and content of each attachment, one list per row without problems."""
    campaign = PEOPLE.mail.compose(letter)
    blocked = set(campaign.problems().query("severity == 'error'")["row"])
    return [
        [
            (file["Name"], base64.b64decode(file["Content"]))
            for file in campaign.message(row).payload.get("Attachments", [])
        ]
        for row in PEOPLE.index
        if row not in blocked
    ]


def test_a_template_is_a_file_of_the_folder(tmp_path):
    """It can be named, and includes others; a calendar is escaped."""
    letter = loaded(
        tmp_path,
        'template = "a.ics"\nname = "for {{ name }}.ics"',
        a_ics='SUMMARY:{{ name }}\n{% include "b.txt" %}',
        b_txt="X-B:{{ name }}",
    )
    assert sent(letter)[0] == [("for Ann; A.ics", b"SUMMARY:Ann\\; A\r\nX-B:Ann\\; A\r\n")]
    letter = loaded(
        tmp_path, 'template = "c.txt"\ncontent_type = "text/x-note"', c_txt="{{ name }}"
    )
    assert sent(letter) == [[("c.txt", b"Ann; A")], [("c.txt", b"Bo")]]
    assert sent(pickle.loads(pickle.dumps(letter))) == sent(letter)  # noqa: S301 - of this test


def test_a_column_has_the_bytes_of_each_row(tmp_path):
    """Also one that a function makes."""
    letter = loaded(tmp_path, 'column = "pdf"\nname = "{{ name }}.pdf"')
    assert sent(letter) == [[("Ann; A.pdf", b"%PDF 1")], [("Bo.pdf", b"%PDF 2")]]
    assert sent(pickle.loads(pickle.dumps(letter))) == sent(letter)  # noqa: S301 - of this test
    made = PEOPLE.assign(pdf=mf.each(lambda row: row["name"].encode()))
    [file] = made.mail.compose(letter).message(1).payload["Attachments"]
    assert base64.b64decode(file["Content"]) == b"Bo"


@pytest.mark.parametrize("table", ['columns = ["item"]', 'columns = {item = "Item"}'])
def test_detail_rows_are_a_file(tmp_path, table):
    """As of ``mf.Attachment.csv``, with its arguments."""
    letter = loaded(tmp_path, f'csv = "orders"\nname = "o.csv"\noptional = true\n{table}')
    header = b"Item" if "{" in table else b"item"
    assert sent(letter) == [[("o.csv", b"\xef\xbb\xbf" + header + b"\r\nTea\r\n")], []]


def test_detail_rows_as_an_excel_file(tmp_path):
    """Named like the column."""
    [(name, content)] = sent(loaded(tmp_path, 'xlsx = "orders"'))[0]
    assert (name, content[:2]) == ("orders.xlsx", b"PK")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('path = "a.txt"\nname = "b.txt"', "content_id, content_type, optional with path"),
        ('path = "a.txt"\ncsv = "orders"', "has path (a file), template"),
        ('template = "a.txt"\ncolumns = ["a"]', "content_type, name, optional with template"),
        ('column = "pdf"', "column (of bytes; with name)"),
        ("csv = 1", "csv or xlsx (a column of detail rows"),
        ('csv = "orders"\ncontent_type = "text/csv"', "columns, name, optional with csv"),
        ('name = "a.txt"', "has path (a file), template"),
        ('files = "a.txt"', "{'files': 'a.txt'}"),
    ],
)
def test_other_tables_are_refused(tmp_path, table, words):
    """With what they can have."""
    with pytest.raises(LetterError) as refused:
        loaded(tmp_path, table).files()
    assert words in str(refused.value)


@pytest.mark.parametrize("name", ["nowhere.ics", "../a.ics", "/etc/hostname"])
def test_a_template_that_is_not_in_the_folder_is_named(tmp_path, name):
    """Nothing outside of the folder is read."""
    with pytest.raises(LetterError, match="folder"):
        PEOPLE.mail.compose(loaded(tmp_path, f'template = "{name}"'))


def test_a_column_that_is_not_there_is_named(tmp_path):
    """As any other."""
    with pytest.raises(LetterError, match="pfd"):
        PEOPLE.mail.compose(loaded(tmp_path, 'column = "pfd"\nname = "a.pdf"'))
