"""The column ``value`` of ``problems()``: the cell or the text that broke the rule."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

import mailframe as mf
from tests.composing import cells, compose, frame
from tests.expressions import col


def value_of(code: mf.Code, df: pd.DataFrame, **fields: Any) -> str | None:
    """The value of the one problem with this code."""
    problems = compose(df, **fields).problems()
    [value] = problems.loc[problems["code"] == code.value, "value"]
    return None if pd.isna(value) else value


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (pd.Period("2026-01", "M"), "Period('2026-01', 'M')"),
        (b"a\xff", "b'a\\xff'"),
        ({7}, "{7}"),
        (Decimal("1E+9999"), "Decimal('1E+9999')"),
        (frozenset({"x"}), "frozenset({'x'})"),
    ],
)
def test_a_cell_of_an_unsupported_type_is_shown(cell, shown):
    """For every use in a template."""
    for template in ("{{ x }}", "{{ x ~ '!' }}", "{% if x %}Hi{% endif %}", "{{ x.a }}"):
        assert (
            value_of(mf.Code.UNSUPPORTED_VALUE, frame(x=cells(cell)), text_body=template) == shown
        )


def test_an_unsupported_cell_of_a_series_or_a_category_is_shown():
    """A field that is a column shows its cell too."""
    df = frame(x=pd.Categorical(pd.period_range("2026-01", periods=1, freq="M")))
    assert value_of(mf.Code.UNSUPPORTED_VALUE, df, text_body="{{ x }}") == "Period('2026-01', 'M')"
    assert value_of(mf.Code.UNSUPPORTED_VALUE, frame(x=cells(b"a")), subject=col("x")) == "b'a'"


def test_a_large_unsupported_cell_is_cut():
    """A DataFrame in a cell, or a megabyte of bytes, is a short text."""
    value = value_of(mf.Code.UNSUPPORTED_VALUE, frame(x=cells(bytes(10**6))), text_body="{{ x }}")
    assert value is not None
    assert len(value) <= 80


@pytest.mark.parametrize(
    ("template", "cell", "shown"),
    [
        ("{{ x }}", ["a", "b"], "['a', 'b']"),
        ("{{ x }}", {"a": 1}, "{'a': 1}"),
        ("{{ x }}", float("inf"), "inf"),
        ("{{ x }}", 1e300, "1e+300"),
        ("{{ x | upper }}", ["a"], "['a']"),
    ],
)
def test_a_value_that_cannot_be_printed_is_shown(template, cell, shown):
    """As the template sees it."""
    assert value_of(mf.Code.UNPRINTABLE_VALUE, frame(x=cells(cell)), text_body=template) == shown


def test_the_address_of_a_bad_link_is_shown():
    """As it is in the finished HTML."""
    df = frame(url=["javascript:alert(1)"])
    fields = {"html_body": '<a href="{{ url }}">x</a>'}
    assert value_of(mf.Code.UNSAFE_LINK, df, **fields) == "'javascript:alert(1)'"
    assert (
        value_of(mf.Code.INCOMPLETE_LINK, frame(url=["www.acme.example"]), **fields)
        == "'www.acme.example'"
    )


@pytest.mark.parametrize(
    ("code", "name", "content"),
    [
        ("attachment_unreadable", "gone.pdf", None),
        ("attachment_unreadable", "../a.pdf", None),
        ("attachment_unreadable", ".", None),
        ("attachment_unreadable", "a\0.pdf", None),
        ("attachment_forbidden", "setup.exe", b"x"),
        ("attachment_name", "a/b.pdf", b"x"),
        ("attachment_name", "..", b"x"),
        ("attachment_name", "x" * 300, b"x"),
        ("message_too_large", "a.csv", bytes(8_000_000)),
    ],
)
def test_the_path_or_name_of_a_bad_attachment_is_shown(code, name, content, tmp_path, monkeypatch):
    """For every error."""
    monkeypatch.chdir(tmp_path)
    df = frame(file=[name], data=cells(content))
    attachment = (
        mf.Attachment("{{ file }}", col("data")) if content else mf.Attachment("{{ file }}")
    )
    value = value_of(mf.Code(code), df, attachments=attachment)
    assert value is not None
    assert value.startswith(repr(name)[:40])


def test_content_that_is_not_bytes_is_shown():
    """The cell, not the name of the file."""
    df = frame(data=cells("text"))
    attachment = mf.Attachment("a.txt", col("data"))
    assert value_of(mf.Code.UNSUPPORTED_VALUE, df, attachments=attachment) == "'text'"


def test_markup_that_readers_would_see_is_shown():
    """The beginning of the first tag."""
    df = frame(body=["Hi <b>you</b>"])
    assert value_of(mf.Code.ESCAPED_MARKUP, df, html_body="{{ body }}") == "'<b'"


def test_an_empty_subject_is_shown_where_there_is_one():
    """White space is visible; a letter without a subject has no value."""
    df = frame(title=[" \u200b"])
    assert value_of(mf.Code.EMPTY_SUBJECT, df, subject="{{ title }}") == "' \\u200b'"
    assert value_of(mf.Code.EMPTY_SUBJECT, frame(title=[""]), subject="{{ title }}") == "''"
    assert value_of(mf.Code.EMPTY_SUBJECT, df, subject=None) is None


@pytest.mark.parametrize("part", ["text_body", "html_body", "subject"])
def test_the_text_around_a_garbled_character_is_shown(part):
    """Twenty characters on each side."""
    df = frame(name=["Zo\ufffd"])
    value = value_of(
        mf.Code.GARBLED_TEXT, df, **{part: "x" * 100 + " Hi {{ name }}, welcome to our shop"}
    )
    assert value == repr("x" * 14 + " Hi Zo\ufffd, welcome to our sh")
    if part != "subject":
        assert "Hi \\x00" in str(
            value_of(mf.Code.CONTROL_CHARACTER, frame(name=["\0"]), **{part: "Hi {{ name }}"})
        )
