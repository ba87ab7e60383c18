"""The filter ``table`` with hostile, ragged and unusual records, and arguments of other types."""

from __future__ import annotations

import re

import pandas as pd
import pytest

import mailframe as mf
from tests.composing import cells, code_of, compose, frame, payloads, text_of

DOT = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b"
)


def html_of(template: str, rows: object) -> str:
    """The HTML that a template prints for a column ``orders``."""
    return text_of(template, part="html_body", orders=rows)


def detail_of(template: str, rows: object) -> str:
    """The detail of the one problem."""
    [row] = compose(frame(orders=cells(rows)), text_body=template).problems().to_dict("records")
    assert row["code"] == "template_error"
    return row["detail"]


def test_an_unsupported_value_is_no_missing_value():
    """``missing`` is for missing values: a period is an error with its type."""
    days = pd.DataFrame({"id": [1], "month": pd.PeriodIndex(["2026-01"], freq="M")})
    nested = frame(id=[1]).mail.nest(days=days, on="id")
    template = "{{ days | table(columns=['month'], missing='-') }}"
    problems = compose(nested, text_body=template).problems()
    assert problems["code"].tolist() == ["unsupported_value"]
    assert "Period" in problems["detail"].iloc[0]


def test_records_without_a_key_need_a_text_for_missing_values():
    """If no record has the key, it is a typo."""
    rows = [{"a": 1, "b": 2}, {"a": 3}]
    assert "has no 'b'; it has a; write missing='…'" in detail_of("{{ orders | table }}", rows)
    assert text_of("{{ orders | table(missing='-') }}", orders=rows) == "A  B\n-  -\n1  2\n3  -"
    typo = "{{ orders | table(columns=['a', 'amont'], missing='-') }}"
    assert detail_of(typo, rows).endswith("a record has no 'amont'; it has a, b")


@pytest.mark.parametrize("rows", [[{}], [{}, {}], [{}, {"a": 1}]])
def test_records_without_keys_are_an_error(rows):
    """Not an IndexError."""
    assert "table: there are no columns" in detail_of("{{ orders | table }}", rows)
    assert "table: there are no columns" in detail_of("{{ orders | table(columns=[]) }}", rows)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("totals=['amont']", "totals has 'amont', which is no column of the table.*'amount'"),
        ("columns=['item'], totals='amount'", "totals has 'amount', which is no column"),
        ("formats={'amont': 'money'}", "formats has 'amont', which is no column"),
        ("formats='money'", "formats is a dict of key to filter"),
        ("formats={'amount': 5}", "the format of 'amount' is a filter: 'money'"),
        ("formats={'amount': []}", "the format of 'amount' is a filter: 'money'"),
        ("formats={'item': 'safe'}", "trust write orders.assign.item=mf.html.orders.'item'"),
    ],
)
def test_wrong_arguments_are_errors_that_teach(arguments, text):
    """A typo in a key is never ignored."""
    detail = detail_of(f"{{{{ orders | table({arguments}) }}}}", [{"item": "tea", "amount": 2}])
    assert re.search(text, detail), detail


def test_a_format_of_a_key_that_is_not_shown_is_fine():
    """Two tables of the same records can share their formats."""
    template = "{{ orders | table(columns=['item'], formats={'amount': 'money'}) }}"
    assert text_of(template, orders=[{"item": "tea", "amount": 2}]) == "Item\n----\ntea"


def test_texts_around_the_table_can_be_numbers():
    """They are printed like values."""
    template = "{{ orders | table(caption=2026, totals='n', total=1, missing=0) }}"
    rows = [{"a": None, "n": 5}]
    assert text_of(template, orders=rows) == "2026\nA  N\n-  -\n0  5\n-  -\n1  5"


def test_attack_bodies_stay_text_in_headers_captions_and_cells():
    """Keys, captions and cells are data."""
    evil = "<script>x</script>\"' onload=1 {{ 7 * 7 }}"
    rows = [{evil: evil, "n": 1}]
    markup = html_of(
        "{{ orders | table(caption=orders[0] | first, total=orders[0] | first, totals='n') }}", rows
    )
    assert "<script" not in markup
    assert "49" not in markup
    assert markup.count("&lt;script&gt;x&lt;/script&gt;&#34;&#39; onload=1 {{ 7 * 7 }}") == 4


def test_filters_and_trusted_html_make_markup_in_cells():
    """And text in the text part; cells beside them are escaped."""
    orders = pd.DataFrame({"id": [0], "url": ["https://a.example/?a=1&b=2"], "note": ["<i>a\nb"]})
    orders = orders.assign(badge=mf.html("<b>new</b>"), dot=mf.image(DOT, alt="dot"))
    people = frame(id=[0]).mail.nest(orders=orders, on="id")
    template = "{{ orders | table(formats={'url': 'urlize', 'note': 'nl2br'}) }}"
    [payload] = payloads(people, html_body=template, text_body=template)
    html = payload["HtmlBody"]
    assert '<a href="https://a.example/?a=1&amp;b=2"' in html
    assert "&lt;i&gt;a<br>" in html
    assert "<b>new</b></td>" in html
    assert payload["Attachments"][0]["ContentID"] in html
    assert payload["TextBody"].splitlines()[2] == "https://a.example/?a=1&b=2  <i>a b  new    dot"


def test_markup_in_cells_counts_before_it_is_built():
    """A long badge in many rows."""
    badge = mf.html(f"<b>{'x' * 5_000_000}</b>", text="x")
    rows = [{"a": "x"}, {"a": badge}, *[{"a": "y"}] * 10]
    problems = compose(frame(orders=cells(rows)), html_body="{{ orders | table }}").problems()
    assert "template_limit" in problems["code"].tolist()


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("abc", 3),
        ("日本", 4),
        ("e\u0301", 1),
        ("\u200bx\u200d", 1),
        ("\u05e9\u05b8\u05dc", 2),
        ("\U0001f469\u200d\U0001f467", 2),
        ("\U0001f44d\U0001f3fd", 2),
        ("\U0001f1e9\U0001f1ea", 2),
        ("\uff21\uff22", 4),
    ],
)
def test_columns_are_as_wide_as_they_are_shown(text, width):
    """Accents and joiners take no place, emojis and East Asian characters two."""
    table = text_of("{{ orders | table }}", orders=[{"a": text, "b": "x"}])
    assert table.splitlines()[1] == f"{'-' * width}  -"
    assert table.splitlines()[2] == f"{text}  x"


def test_thousands_of_records_are_a_table_and_a_hundred_thousand_a_problem():
    """Bounded, and the row says so."""
    rows = [{"a": "x", "n": 1}] * 4_000
    assert text_of("{{ orders | table(totals='n') }}", orders=rows).endswith("4000")
    assert code_of("{{ orders | table }}", orders=rows * 25) == "template_limit"
