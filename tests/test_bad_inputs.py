"""The table of bad inputs, groups A to C; the number of the line is in each test's id."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

import mailframe as mf
from tests.composing import cells, codes, compose, frame, line, payloads, row_problems, text_of
from tests.expressions import col

# --- A: addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "written"),
    [
        line(1, "a@acme.com", "a@acme.com"),
        line(1, "A.B+tag@Acme.COM", "A.B+tag@acme.com", id="case"),
        line(6, "Bob <a@acme.com>", "Bob <a@acme.com>"),
        line(6, "Smith, Bob <a@acme.com>", '"Smith, Bob" <a@acme.com>', id="comma"),
        line(12, "a@münchen.de", "a@xn--mnchen-3ya.de"),
        line(24, "x@example.com", "x@example.com", id="com"),
        line(24, "x@example.org", "x@example.org", id="org"),
        line(30, 'Bob "The" <x@acme.com>', '"Bob \\"The\\"" <x@acme.com>'),
    ],
)
def test_a_good_address_is_written_again(address, written):
    """It is parsed and written again, without a problem."""
    df = pd.DataFrame({"email": [address]})
    assert codes(df) == []
    assert payloads(df)[0]["To"] == written
    assert df["email"][0] == address


@pytest.mark.parametrize(
    ("address", "code"),
    [
        line(3, "a@acme.com\r\nBcc: x@y.z", "control_character"),
        line(3, "a@acme.com\tx", "control_character", id="tab"),
        line(4, "a@acme.com,c@acme.com", "several_addresses", id="comma"),
        line(4, "a@acme.com; c@acme.com", "several_addresses", id="semicolon"),
        line(4, "a@acme.com\nc@acme.com", "several_addresses", id="newline"),
        line(7, "<a@acme.com>", "invalid_address", id="brackets"),
        line(7, "mailto:a@acme.com", "invalid_address", id="mailto"),
        line(9, ".a@acme.com", "invalid_address", id="leading"),
        line(9, "a..b@acme.com", "invalid_address", id="doubled"),
        line(9, "a.@acme.com", "invalid_address", id="trailing"),
        line(10, '"a b"@c.com', "invalid_address", id="quoted"),
        line(10, '"a@evil.com x"@c.com', "invalid_address", id="nodemailer"),
        line(16, "a@exаmple.com", "mixed_scripts"),  # noqa: RUF001 - the Cyrillic a is the point
        line(18, "a\0@acme.com", "control_character", id="nul"),
        line(18, "\ud800@acme.com", "unencodable_text", id="surrogate"),
        line(19, "a" * 65 + "@acme.com", "invalid_address", id="local"),
        line(19, "a@" + "b" * 64 + ".com", "invalid_address", id="label"),
        line(19, "a" * 64 + "@" + ".".join(["b" * 60] * 4) + ".com", "invalid_address", id="total"),
        line(21, float("nan"), "missing_recipient", id="NaN"),
        line(21, None, "missing_recipient", id="None"),
        line(21, pd.NA, "missing_recipient", id="NA"),
        line(21, pd.NaT, "missing_recipient", id="NaT"),
        line(22, "", "empty_address", id="empty"),
        line(22, "   ", "empty_address", id="spaces"),
        line(25, "x@foo.test", "invalid_address", id="test"),
        line(25, "x@foo.invalid", "invalid_address", id="invalid"),
        line(25, "x@foo.local", "invalid_address", id="local-domain"),
        line(31, "Bob\nB <a@acme.com>", "control_character", id="newline"),
        line(31, "Bob\0 <a@acme.com>", "control_character", id="nul"),
        line(31, "Bob\tB <a@acme.com>", "control_character", id="tab"),
        line(33, "B" * 400 + " <a@acme.com>", "mailbox_too_long"),
    ],
)
def test_a_bad_address_is_a_problem_of_its_row(address, code):
    """Only that row is blocked; the other row is sent."""
    df = pd.DataFrame({"email": cells(address, "good@acme.com")})
    assert row_problems(df) == [(0, "to", code)]
    assert [message["To"] for message in payloads(df)] == ["good@acme.com"]


def test_015_compatibility_characters_are_normalised_with_a_warning():
    """The ASCII form is sent, never the raw text."""
    df = pd.DataFrame({"email": ["a@acme．com", "b@gmail。com"]})  # noqa: RUF001 - the wide dots are the point
    assert codes(df) == ["address_normalised"] * 2
    assert [message["To"] for message in payloads(df)] == ["a@acme.com", "b@gmail.com"]


def test_016_mixed_scripts_are_sent_when_allowed():
    """As punycode, if the caller allows it."""
    df = pd.DataFrame({"email": ["a@exаmple.com"]})  # noqa: RUF001 - the Cyrillic a is the point
    assert payloads(df, allow_idn_mixed=True)[0]["To"].startswith("a@xn--")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        line(13, "a@xn--mnchen-3ya.de", "a@münchen.de", True),
        line(27, "Bob@x.com", "bob@x.com", True),
        line(27, "Bob <bob@x.com>", "Rob <bob@X.com>", True, id="named"),
        line(28, "bob+1@gmail.com", "bob@gmail.com", False),
    ],
)
def test_a_repeated_recipient_is_found(first, second, same):
    """Compared in lower case and in punycode."""
    df = pd.DataFrame({"email": [first, second], "id": [1, 2]})
    assert row_problems(df) == ([(1, "to", "duplicate_recipient")] if same else [])
    by_key = df.mail.compose(
        sender="me@acme.example", to="{{ email }}", subject="Hi", text_body="x", key="id"
    ).problems()
    assert by_key["severity"].tolist() == (["warning"] if same else [])


# --- B: names, subject, headers -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "code"),
    [
        line(34, "Hi\r\nBcc: x@y.z", "control_character"),
        line(34, "Hi\x85there", "control_character", id="nel"),
        line(34, "Hi\u2028there", "control_character", id="separator"),
        line(34, "Hi\x00", "control_character", id="nul"),
        line(37, "x" * 2001, "subject_too_long"),
    ],
)
def test_a_bad_subject_is_a_problem_of_its_row(subject, code):
    """It is refused, and not cut or cleaned."""
    assert row_problems(frame(s=[subject, "fine"]), subject="{{ s }}") == [(0, "subject", code)]


def test_036_a_subject_is_not_escaped():
    """It arrives exactly as it was written."""
    assert (
        text_of("{{ s }}", part="subject", s="O'Brien & Söhne <GmbH>") == "O'Brien & Söhne <GmbH>"
    )


@pytest.mark.parametrize(
    "name",
    [
        "Bcc",
        "To",
        "Content-Type",
        "Return-Path",
        "DKIM-Signature",
        "bCC",
        "Reply-To",
        "Sender",
        "MIME-Version",
    ],
)
def test_039_a_header_of_the_transport_is_refused(name):
    """The call is at fault, so nothing is composed."""
    with pytest.raises(mf.errors.LetterError, match="is a field of the letter, or set by Postmark"):
        mf.Letter(headers={name: "x"})


@pytest.mark.parametrize("name", ["", "X A", "X:A", "X\n", "Ü", 5, "X\x7f"])
def test_039_a_header_name_is_printable_ascii(name):
    """RFC 5322 §3.6.8."""
    with pytest.raises(mf.errors.LetterError, match="header name"):
        mf.Letter(headers={name: "x"})


def test_039_a_header_stands_once():
    """The second of two with one name would replace the first without a word."""
    with pytest.raises(mf.errors.LetterError, match="given twice"):
        mf.Letter(headers=[("X-A", "1"), ("x-a", "2")])


@pytest.mark.parametrize(
    ("field", "blamed"),
    [
        ({"headers": {"X-Plan": "{{ v }}"}}, "headers.X-Plan"),
        ({"metadata": {"plan": "{{ v }}"}}, "metadata.plan"),
        ({"tag": "{{ v }}"}, "tag"),
        ({"message_stream": "{{ v }}"}, "message_stream"),
    ],
)
def test_040_a_newline_from_a_row_is_refused_in_every_line(field, blamed):
    """Headers, metadata, tag and stream are one line each."""
    assert row_problems(frame(v=["a\nb", "ab"]), **field) == [(0, blamed, "control_character")]


def test_043_several_reply_tos_are_a_list():
    """One cell with two addresses is refused; a list of templates is two, each checked."""
    df = frame(a=["x@acme.com", "x@acme.com"], b=["y@acme.com", "y@"])
    assert row_problems(df, reply_to="{{ a }}, {{ b }}")[0] == (0, "reply_to", "several_addresses")
    assert row_problems(df, reply_to=["{{ a }}", "{{ b }}"]) == [
        (1, "reply_to[1]", "invalid_address")
    ]
    assert payloads(df, reply_to=["{{ a }}", "{{ b }}"])[0]["ReplyTo"] == "x@acme.com, y@acme.com"


# --- C: the frame ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "index",
    [
        line(45, pd.Index([7, 7, 5])),
        line(46, pd.MultiIndex.from_tuples([("a", 1), ("a", 1), ("b", 2)]), id="multi"),
        line(46, pd.DatetimeIndex(["2026-01-01"] * 3), id="stamps"),
        line(46, pd.Index(["x", None, "x"]), id="text"),
    ],
)
def test_each_row_has_its_own_data_whatever_the_index(index):
    """Rows are taken by position, and messages() has the caller's index."""
    df = frame(n=[1, 2, 3]).set_axis(index, axis=0)
    messages = compose(
        df, text_body="{{ n }}", subject=col("n"), tag=lambda d: d["n"] * 10
    ).messages()
    assert messages["TextBody"].tolist() == ["1", "2", "3"]
    assert messages["Subject"].tolist() == ["1", "2", "3"]
    assert messages["Tag"].tolist() == ["10", "20", "30"]
    assert messages.index.equals(index)


@pytest.mark.parametrize(
    "name", ["To", "to", "Email Address", "class", "items", "a.b", "", "ü", "mail", "row", "x-y"]
)
@pytest.mark.parametrize("column", ["loop", "self", "range", "caller", "none", "unsubscribe_url"])
def test_048_every_column_is_reached_through_row(name, column):
    """For any name, also a reserved one of Jinja."""
    df = pd.DataFrame({"email": ["a@acme.com"], name: ["N"], column: ["C"]})
    assert (
        payloads(df, text_body=f"{{{{ row['{name}'] }}}} {{{{ row['{column}'] }}}}")[0]["TextBody"]
        == "N C"
    )


@pytest.mark.parametrize("name", ["To", "to", "items", "ü", "mail", "batch", "values"])
def test_048_a_python_name_is_reached_as_it_is(name):
    """``items`` is the column and not a method, bare and through ``row``."""
    df = frame().assign(**{name: ["N"]})
    assert (
        payloads(df, text_body=f"{{{{ {name} }}}} {{{{ row['{name}'] }}}}")[0]["TextBody"] == "N N"
    )


@pytest.mark.parametrize("name", ["loop", "self", "caller"])
def test_048_a_reserved_name_is_refused_with_a_fix(name):
    """The message says row['…']."""
    with pytest.raises(mf.errors.LetterError, match=rf"Jinja's own; write row\['{name}'\]"):
        compose(pd.DataFrame({"email": ["a@acme.com"], name: ["N"]}), text_body=f"{{{{ {name} }}}}")


def test_048_a_column_is_never_taken_for_postmarks_link():
    """A frame with its own unsubscribe_url must say which one is meant."""
    df = frame(unsubscribe_url=["https://acme.example/bye"])
    with pytest.raises(mf.errors.LetterError, match=r"row\['unsubscribe_url'\]"):
        compose(df, text_body="{{ unsubscribe_url }}")


def test_048_column_names_need_not_be_text():
    """Numbers, floats, tuples and stamps are reached through row."""
    df = pd.DataFrame(
        [["a@acme.com", "x", 2]], columns=pd.Index([0, 1, ("a", 1)], tupleize_cols=False)
    )
    assert payloads(df, to="{{ row[0] }}", text_body="{{ row[1] }}")[0]["TextBody"] == "x"
    with pytest.raises(mf.errors.LetterError, match=r"did you mean row\[0\]"):
        compose(df, to="{{ row['0'] }}")
    everything = payloads(
        df, to="{{ row[0] }}", text_body="{% for name in row %}{{ row[name] }};{% endfor %}"
    )
    assert everything[0]["TextBody"] == "a@acme.com;x;2;"


def test_049_multi_index_columns_are_refused():
    """With how to flatten them."""
    df = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]))
    with pytest.raises(mf.errors.FrameError, match="flatten"):
        compose(df)


def test_049_a_doubled_column_is_refused_where_it_is_used():
    """By name or through the whole row; a letter that does not use it is fine."""
    df = pd.DataFrame([["a@acme.com", 1, 2]], columns=["email", "x", "x"])
    for body in (
        "{{ x }}",
        "{{ row['x'] }}",
        "{% for name in row %}{% endfor %}",
        "{% set x = x %}{{ x }}",
    ):
        with pytest.raises(mf.errors.FrameError, match="more than one column 'x'"):
            compose(df, text_body=body)
    assert codes(df) == []


def test_051_missing_columns_are_named_all_at_once():
    """With similar names, from every part, include, macro and row[…]."""
    df = frame(first_name=["A"]).assign(**{"Last Name": ["B"]})
    with pytest.raises(mf.errors.LetterError) as caught:
        compose(
            df,
            subject="{{ frist_name | default('x') }}",
            text_body="\n{{ row['LastName'] }}{% macro m() %}{{ zzz }}{% endmacro %}",
            html_body="{{ lastname }}",
        )
    message = str(caught.value)
    assert "'frist_name' in subject, line 1 (did you mean first_name" in message
    assert "'LastName' in text_body, line 2 (did you mean row['Last Name']?)" in message
    assert "'lastname' in html_body, line 1 (did you mean row['Last Name']?)" in message
    assert "'zzz' in text_body, line 2" in message


@pytest.mark.parametrize(
    ("key", "error"),
    [line(52, "nope", "no such column"), line(52, [], "empty list", id="empty")],
)
def test_a_bad_key_column_is_refused(key, error):
    """Before anything is rendered."""
    with pytest.raises(mf.errors.FrameError, match=error):
        compose(frame(), key=key)


def test_052_missing_and_repeated_keys_are_listed():
    """Each with its position."""
    assert row_problems(frame(3, id=cells(1, None, 1)), key="id") == [
        (1, "key", "missing_key"),
        (2, "key", "duplicate_key"),
    ]


def test_054_keys_that_differ_in_leading_zeros_are_two():
    """With a warning when the frame has both forms."""
    assert set(codes(frame(id=cells("001", 1)), key="id")) == {"ambiguous_key"}


def test_055_key_lists_are_length_prefixed():
    """So that no separator in a cell can make two rows one."""
    assert codes(frame(a=["a", "a|b"], b=["b|c", "c"]), key=["a", "b"]) == []


def test_060_later_changes_of_the_frame_change_nothing():
    """``compose`` copies the frame."""
    df = frame(name=["Ann"])
    campaign = compose(df, text_body="{{ name }}")
    df.loc[0, "name"] = "Eve"
    df["email"] = "eve@acme.com"
    assert campaign.messages()[["To", "TextBody"]].iloc[0].tolist() == ["p0@acme.example", "Ann"]


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        line(61, pd.array([5, None], dtype="Int64"), "5"),
        line(61, pd.Categorical(["gold", None]), "gold", id="category"),
        line(61, pd.array(["x", None], dtype="string[pyarrow]"), "x", id="arrow"),
        line(61, cells("x", 1), "x", id="mixed"),
    ],
)
def test_every_dtype_is_converted(value, printed):
    """``str(obj)`` is never used."""
    assert payloads(frame(v=value), text_body="{{ v | default('-') }}")[0]["TextBody"] == printed


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        line(61, pd.period_range("2026-01", periods=1, freq="M"), "Period", id="period"),
        line(61, pd.interval_range(0, 1), "Interval", id="interval"),
        line(61, pd.cut(pd.Series([1]), [0, 2]), "Interval", id="cut"),
        line(76, cells(b"a"), "bytes", id="bytes"),
        line(76, cells(pd.Series([1])), "Series", id="series"),
        line(76, cells(pd.DataFrame()), "DataFrame", id="frame"),
        line(76, cells({1, 2}), "set", id="set"),
        line(76, cells(object()), "object", id="object"),
        line(76, pd.Series([1 + 2j]), "complex", id="complex"),
    ],
)
@pytest.mark.parametrize(
    "template", ["{{ v }}", "{{ v | default('x') }}", "{% if v %}{% endif %}", "{{ v or 'x' }}"]
)
def test_a_foreign_type_is_a_problem_that_names_it(values, kind, template):
    """For every use in a template; ``default`` does not hide it."""
    problems = compose(frame(v=values), text_body=template).problems()
    assert problems["code"].tolist() == ["unsupported_value"]
    assert kind in problems["detail"][0]


@pytest.mark.parametrize(
    "thing",
    [
        line(63, pd.Series(["a@acme.com"]), id="series"),
        line(63, {"email": ["a@acme.com"]}, id="dict"),
        line(63, [{"email": "a@acme.com"}], id="list"),
        line(63, pl.LazyFrame({"email": ["a@acme.com"]}), id="polars"),
        line(63, None, id="none"),
    ],
)
def test_an_object_that_is_not_a_frame_is_a_type_error(thing):
    """The error has the conversion."""
    with pytest.raises(TypeError, match="make it one with"):
        mf.compose(thing, sender="me@acme.example", to="{{ email }}", subject="Hi", text_body="x")


def test_064_a_row_of_missing_values_is_invalid_and_not_skipped():
    """Every field that needs a value says so."""
    df = pd.DataFrame({"email": ["a@acme.com", None], "name": ["A", None]})
    assert (
        row_problems(df, text_body="{{ name }}")
        == [(1, "text_body", "missing_value"), (1, "to", "missing_recipient")][::-1]
    )
