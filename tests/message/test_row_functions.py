"""Functions of a row and of the frame: what they may return, and what an error of one says."""

from __future__ import annotations

import io
from functools import partial

import pandas as pd
import pytest
from matplotlib.figure import Figure

import mailframe as mf
from mailframe.errors import LetterError
from tests.composing import cells, compose, frame, payloads
from tests.expressions import col
from tests.message.columnar.both_ways import assert_same


def test_a_list_that_a_function_of_the_row_reads_is_not_unused():
    """Nobody knows which columns a function reads."""
    df = frame(orders=cells([{"item": "tea"}]))
    with_function = df.assign(made=mf.html(lambda row: f"{len(row.orders)}"))
    assert compose(with_function, text_body="{{ made }}").problems().empty
    assert compose(with_function, text_body="Hi").problems()["code"].tolist() == ["unused_list"]


@pytest.mark.parametrize(
    "fields",
    [
        {"text_body": lambda row: f"Dear {row['name']}"},
        {"subject": partial(lambda word, row: f"{word} {row['name']}", "Dear")},
        {"metadata": {"n": lambda row: f"{row['name']}"}},
        {"attachments": mf.Attachment("a.txt", lambda row: f"{row['name']}".encode())},
        {"attachments": mf.Attachment(lambda row: f"files/{row['name']}.pdf")},
    ],
)
def test_a_function_for_one_row_does_not_put_all_rows_into_each_message(fields):
    """It got the frame, so its text would have the names of all people."""
    with pytest.raises(LetterError, match=r"got the whole frame \(2 rows\).*write mf\.each"):
        compose(frame(name=["Ann", "Bob"]), **fields)


def test_the_query_of_a_url_is_written_from_a_dict():
    """Each key and value is quoted, then the whole is escaped; both paths agree."""
    df = frame(v=["a&b c", "<é>"] * 600)
    query = "{{ {'id': 5, 'v': v} | urlencode }}"
    fields = {"html_body": f'<a href="https://acme.example/?{query}">x</a>', "text_body": query}
    made = payloads(df, **fields)
    assert made[0]["TextBody"] == "id=5&v=a%26b+c"
    assert '?id=5&amp;v=%3C%C3%A9%3E"' in made[1]["HtmlBody"]
    assert_same(compose(df, **fields)._composed.bound)


@pytest.mark.parametrize(
    ("content", "way"),
    [
        (io.BytesIO(b"x"), "write buffer.getvalue()"),
        (pd.DataFrame(), "write df.to_csv(index=False), or mf.Attachment.csv"),
        (Figure(), "write figure.savefig(buffer"),
        ({}, "give bytes or text"),
    ],
)
def test_a_content_that_is_no_bytes_has_a_way_to_bytes(content, way):
    """In the problem of its row."""
    files = mf.Attachment("a.pdf", mf.each(lambda _: content))
    [detail] = compose(frame(), attachments=files).problems()["detail"]
    assert f"'a.pdf': its content is a {type(content).__name__}; {way}" in detail


def test_a_column_of_texts_is_no_content():
    """It could as well be paths."""
    df = frame(t=["x"])
    [detail] = compose(df, attachments=mf.Attachment("a.txt", col("t"))).problems()["detail"]
    assert "write .str.encode('utf-8')" in detail
