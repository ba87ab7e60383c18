"""The table of bad inputs, groups D, E and G; the number of the line is in the ids."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from jinja2 import Environment

import mailframe as mf
from tests.composing import (
    cells,
    code_of,
    codes,
    compose,
    frame,
    line,
    payloads,
    row_problems,
    text_of,
)
from tests.expressions import col

# --- D: values ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "printed"),
    [
        line(66, [5.0, np.nan], "5"),
        line(66, [2.0**53, np.nan], "9007199254740992", id="exact"),
        line(67, cells(np.int64(5)), "5", id="int64"),
        line(67, cells(np.float64(0.5)), "0.5", id="float64"),
        line(67, cells(np.bool_(True)), "yes", id="bool"),
        line(72, ["{{ 7*7 }}{% raw %}{{ token }}"], "{{ 7*7 }}{% raw %}{{ token }}"),
        line(73, ["<script>alert(1)</script>"], "<script>alert(1)</script>"),
        line(76, cells([1, "a", 2.0]), "1, a, 2", id="list"),
    ],
)
def test_a_value_is_printed_as_it_is(values, printed):
    """A cell is never a template, and numbers are not printed as Python does."""
    body = "{{ v | join(', ') }}" if isinstance(values[0], list) else "{{ v }}"
    assert payloads(frame(v=values), text_body=body)[0]["TextBody"] == printed


def test_069_a_missing_value_in_metadata_is_a_problem_of_its_row():
    """The other rows are sent."""
    df = frame(v=[1.5, np.nan])
    assert row_problems(df, metadata={"v": "{{ v }}"}) == [(1, "metadata.v", "missing_value")]
    assert row_problems(df, metadata={"v": col("v")}) == [(1, "metadata.v", "missing_value")]
    with pytest.raises(mf.errors.LetterError, match=r"metadata\.v is nan"):
        compose(df, metadata={"v": float("nan")})


@pytest.mark.parametrize("part", ["subject", "text_body", "html_body", "tag"])
def test_070_a_lone_surrogate_is_a_problem_of_its_row(part):
    """``messages()`` still returns the frame."""
    campaign = compose(frame(v=cells("\ud800", "ok")), **{part: "{{ v }}"})
    assert campaign.problems()[["row", "field", "code"]].to_numpy().tolist() == [
        [0, part, "unencodable_text"]
    ]
    assert len(campaign.messages()) == 2


def test_073_markup_in_a_cell_is_escaped_in_html():
    """Also in an attribute, and also when the cell says that it is safe."""
    from markupsafe import Markup  # noqa: PLC0415 - only here

    assert text_of("{{ v }}", part="html_body", v="<script>") == "&lt;script&gt;"
    assert text_of("{{ v }}", part="html_body", v=Markup("<b>")) == "&lt;b&gt;"
    assert (
        text_of('<a title="{{ v }}">', part="html_body", v='" onclick="x')
        == '<a title="&#34; onclick=&#34;x">'
    )


@pytest.mark.parametrize(
    "template",
    [
        line(75, "<a title={{ v }}>x</a>"),
        line(75, "<a title=x{{ v }}>x</a>", id="tail"),
        line(75, "<a {{ v }}>x</a>", id="attribute"),
        line(75, "<a x-{{ v }}='1'>x</a>", id="attribute-name"),
        line(75, "<{{ v }}>", id="tag"),
        line(75, "<h{{ v }}>x", id="tag-tail"),
        line(75, "<a onclick='f({{ v }})'>x</a>", id="handler"),
        line(75, "<script>f({{ v }})</script>", id="script"),
        line(75, "<style>a { {{ v }} }</style>", id="style"),
        line(75, "<iframe srcdoc='{{ v }}'>", id="srcdoc"),
        line(75, "<!--[if mso]><a title={{ v }}><![endif]-->", id="outlook"),
    ],
)
def test_a_value_where_escaping_would_not_help_is_refused(template):
    """When the campaign is composed, with the line."""
    with pytest.raises(mf.errors.LetterError, match=r"html_body, line 3: "):
        compose(frame(v=["x"]), html_body=f"<p>\n\n{template}")


@pytest.mark.parametrize(
    "template",
    [
        '<a title="{{ v }}">x</a>',
        "<a title='x{{ v }}'>x</a>",
        "<!-- {{ v }} -->",
        '<option {% if v %}selected{% endif %} value="{{ v }}">',
        "<td width={{{ pm:unsubscribe }}}>{{ v }}",
        "<!--[if mso]><p>{{ v }}</p><![endif]-->",
        "<!--[if !mso]><!--><p>{{ v }}</p><!--<![endif]-->",
        "<![if !mso]>{{ v }}<![endif]>",
        "<![x {{ v }}",
        "<p>{{ v }}</p {{ v }}",
        "<style>a > b { color: red }</style><p>{{ v }}</p>",
    ],
)
def test_a_value_where_escaping_helps_is_accepted(template):
    """The lint does not refuse safe templates."""
    assert codes(frame(v=["x"]), html_body=template) == []


def test_078_a_cell_of_ten_megabytes_is_a_problem_with_its_size():
    """The row is blocked; the size is in the detail."""
    problems = compose(frame(v=["x" * 10_000_000, "x"]), text_body="{{ v }}").problems()
    assert set(problems["code"]) == {"body_too_large", "message_too_large"}
    assert "10,000,000 bytes" in problems["detail"][0]
    assert codes(frame(v=["x" * 12_000_001]), text_body="{{ v | trim }}") == ["template_limit"]


def test_079_aware_and_naive_stamps_are_plain_datetimes():
    """The time zone is printed if there is one."""
    values = cells(
        dt.datetime(2026, 1, 2, 3, 4),  # noqa: DTZ001
        pd.Timestamp("2026-01-02 03:04", tz="Europe/Berlin"),
    )
    assert [m["TextBody"] for m in payloads(frame(v=values), text_body="{{ v }}")] == [
        "2026-01-02 03:04",
        "2026-01-02 03:04 CET",
    ]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (np.datetime64("20000-01-01"), "unsupported_value"),
        (Decimal("1E+999999"), "unsupported_value"),
        (Decimal("sNaN"), "missing_value"),
        (float("inf"), "unprintable_value"),
        ({(1, 2): 3}, "unsupported_value"),
    ],
    ids=str,
)
def test_a_value_without_a_plain_form_is_a_problem_of_its_row(value, code):
    """The other rows are sent."""
    body = "{{ v.x }}" if isinstance(value, dict) else "{{ v }}"
    df = frame(v=cells(value, {"x": 1} if isinstance(value, dict) else 1))
    assert row_problems(df, text_body=body) == [(0, "text_body", code)]


# --- E: templates (escapes and runaway ones: test_templates.py; folders: test_letter.py) ----------


def test_084_a_name_that_some_rows_do_not_set_is_a_problem_of_those_rows():
    """The other rows are sent."""
    df = frame(vip=[True, False])
    body = "{% if vip %}{% set gift = 'tea' %}{% endif %}{{ gift }}"
    assert row_problems(df, text_body=body) == [(1, "text_body", "undefined_name")]


@pytest.mark.parametrize(
    "template",
    ["{{ email }", "{% if %}", "{{ email | nope }}", "{% for x in y %}", "{{ 1 is nope }}"],
)
def test_085_a_syntax_error_names_part_line_and_source(template):
    """Before anything is rendered."""
    with pytest.raises(mf.errors.LetterError, match=r"(?s)subject, line 2: .*") as caught:
        compose(frame(), subject=f"\n{template}")
    assert template in str(caught.value)


@pytest.mark.parametrize(
    "template", [b"Hi", bytearray(b"Hi"), Environment(autoescape=True).from_string("Hi")], ids=type
)
@pytest.mark.parametrize("part", ["subject", "text_body", "html_body", "to"])
def test_096_a_template_that_is_no_text_is_refused(template, part):
    """Bytes and Template objects of a foreign, unsandboxed Environment."""
    with pytest.raises(mf.errors.LetterError, match="give the template as text"):
        mf.Letter(**{part: template})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"text_body": "x"}, []),
        ({"html_body": "x", "text_body": None}, []),
        (
            {"html_body": "x", "text_body": None, "message_stream": "broadcast"},
            ["no_text_part", "no_unsubscribe"],
        ),
        ({"text_body": "{{ unsubscribe_url }}", "message_stream": "broadcast"}, []),
        (
            {"text_body": "{{{ pm:unsubscribe }}}", "message_stream": "broadcast", "subject": "x"},
            [],
        ),
        (
            {"text_body": "x", "tag": "pm:unsubscribe", "message_stream": "broadcast"},
            ["no_unsubscribe"],
        ),
    ],
)
def test_093_one_body_is_enough_and_a_broadcast_is_warned(fields, expected):
    """A broadcast wants a text part and an unsubscribe placeholder."""
    assert codes(frame(), **fields) == expected


@pytest.mark.parametrize(
    "body",
    [
        "{{ v | safe }}",
        "{{ (v ~ 'x') | safe }}",
        "{% autoescape false %}{{ v }}{% endautoescape %}",
    ],
)
def test_094_unescaped_data_is_a_warning(body):
    """The letter is sent."""
    problems = compose(frame(v=["x"]), html_body=body).problems()
    assert problems[["code", "severity"]].to_numpy().tolist() == [["safe_filter", "warning"]]
    assert codes(frame(v=["x"]), html_body="{{ '<b>' | safe }}{{ v }}") == []


def test_097_a_mutating_call_is_refused():
    """The cell is unchanged."""
    items = [1]
    assert code_of("{{ v.append(2) }}", v=items) == "unsafe_template"
    assert code_of("{{ v.update(a=1) }}", v={"b": 1}) == "unsafe_template"
    assert items == [1]


# --- G: tag, metadata, limits (see also test_check.py) --------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        line(114, {"k" * 21: "x"}, "1 to 20 characters"),
        line(
            114, {f"k{n}": "x" for n in range(8)}, "8 fields; at most 7 are possible", id="fields"
        ),
        line(114, {"🎉" * 11: "x"}, "1 to 20 characters", id="utf16"),
        line(114, {"": "x"}, "1 to 20 characters", id="empty"),
        line(114, {5: "x"}, "1 to 20 characters", id="number"),
        line(115, {"a": "x", "A": "y"}, "ignores case"),
        line(115, {"MF-row": "x"}, "reserved for mailframe", id="reserved"),
        line(115, "plan", "give a dict", id="text"),
    ],
)
def test_bad_metadata_is_refused(metadata, message):
    """Composing fails."""
    with pytest.raises(mf.errors.LetterError, match=message):
        mf.Letter(metadata=metadata)


def test_114_a_metadata_value_has_80_units():
    """One more is a problem of its row."""
    assert row_problems(frame(v=["x" * 80, "x" * 81]), metadata={"v": "{{ v }}"}) == [
        (1, "metadata.v", "metadata_too_long")
    ]


def test_117_an_address_in_metadata_is_a_warning():
    """It is personal data in Postmark's logs."""
    assert codes(frame(), metadata={"who": "{{ email }}"}) == ["metadata_holds_address"]


def test_120_a_message_has_50_recipients():
    """To, Cc and Bcc together."""
    many = [f"c{n}@acme.com" for n in range(49)]
    assert codes(frame(), cc=many) == []
    assert codes(frame(), cc=many, bcc="b@acme.com") == ["too_many_recipients"]


def test_a_message_needs_a_recipient():
    """A row with an empty To, Cc and Bcc is blocked."""
    df = frame(a=["a@acme.com", ""])
    assert row_problems(df, to=None, cc="{{ a }}") == [(1, "to", "missing_recipient")]
    assert row_problems(frame(a=cells([], ["a@acme.com"])), to=col("a")) == [
        (0, "to", "missing_recipient")
    ]
    with pytest.raises(mf.errors.LetterError, match="no recipient"):
        compose(df, to=[])
