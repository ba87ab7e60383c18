"""Refusals of ``compose``: how to make a frame, which name was meant, what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mailframe as mf
from tests.campaigns import people
from tests.composing import compose, frame
from tests.expressions import col

PEOPLE = people(3)


def named(module: str, name: str, **methods: Any) -> object:
    """A thing of a library that is not installed here, as far as its class tells."""
    return type(name, (), {"__module__": module, **methods})()


def lazy_pandas() -> list[Any]:
    """What pandas makes of a frame on the way to another, and how it goes on."""
    grouped = "df.groupby('customer_id').agg(list).reset_index()"
    return [
        pytest.param(PEOPLE.groupby("n"), "pandas.DataFrameGroupBy", grouped, id="groupby"),
        pytest.param(
            PEOPLE.groupby("n")["email"], "pandas.SeriesGroupBy", grouped, id="groupby column"
        ),
        pytest.param(
            PEOPLE.rolling(2), "pandas.Rolling", "an aggregation and .reset_index()", id="rolling"
        ),
        pytest.param(PEOPLE["email"], "pandas.Series", "series.to_frame()", id="series"),
        pytest.param(PEOPLE.index, "pandas.RangeIndex", "index.to_frame(index=False)", id="index"),
    ]


@pytest.mark.parametrize(
    ("thing", "kind", "how"),
    [
        (
            named("dask.dataframe.dask_expr._collection", "DataFrame"),
            "dask.DataFrame",
            "df.compute()",
        ),
        (
            named("dask_expr._collection", "DataFrame", to_pandas=None),
            "dask_expr.DataFrame",
            "df.compute()",
        ),
        (named("pyspark.sql.classic.dataframe", "DataFrame"), "pyspark.DataFrame", "df.toPandas()"),
        (
            named("pyspark.pandas.frame", "DataFrame", to_pandas=None),
            "pyspark.DataFrame",
            "df.toPandas()",
        ),
        (named("modin.pandas.dataframe", "DataFrame"), "modin.DataFrame", "df.modin.to_pandas()"),
        (named("ibis.expr.types", "Table", to_pandas=None), "ibis.Table", "df.to_pandas()"),
        ("people.csv", "str", "pd.read_csv('people.csv')"),
        (
            Path("people.parquet"),
            f"pathlib.{type(Path()).__name__}",
            "pd.read_parquet('people.parquet')",
        ),
        ("people.XLSX", "str", "pd.read_excel('people.XLSX')"),
        ({"email": ["a@acme.com"]}, "dict", "pd.DataFrame(rows)"),
        ([{"email": "a@acme.com"}], "list", "pd.DataFrame(rows)"),
        (np.zeros((2, 2)), "numpy.ndarray", "pd.DataFrame(rows)"),
        (iter([]), "list_iterator", "pd.DataFrame(rows)"),
        (None, "NoneType", "inplace=True returns None"),
        (mf.Letter(), "mailframe.Letter", "the frame comes first: mf.compose(df, letter)"),
        *lazy_pandas(),
    ],
)
def test_what_is_no_frame_is_refused_with_how_to_make_one(thing, kind, how):
    """By the library that it is of; nothing is imported or computed for that."""
    with pytest.raises(mf.errors.NotAFrame) as caught:
        mf.compose(thing, sender="me@acme.example", to="{{ email }}", text_body="x")
    assert f"not a {kind}; make it one with " in str(caught.value)
    assert how in str(caught.value)


# --- columns -------------------------------------------------------------------------------------


def test_labels_are_quoted():
    """A trailing space is visible, and a number differs from a text."""
    df = pd.DataFrame([["a@acme.com", 1]], columns=pd.Index(["email ", 0], dtype=object))
    with pytest.raises(
        mf.errors.LetterError, match=r"did you mean row\['email '\]\?\)\. It has: 'email ', 0$"
    ):
        compose(df)
    with pytest.raises(mf.errors.FrameError, match=r"The frame has: 'email ', 0$"):
        compose(df, to="{{ row['email '] }}", key="zzz")


def test_all_columns_that_differ_in_case_and_signs_alone_are_named():
    """It is not known which one is meant."""
    df = pd.DataFrame([["a", "b"]], columns=["email ", "E-Mail"])
    with pytest.raises(
        mf.errors.LetterError, match=r"did you mean row\['email '\] or row\['E-Mail'\]\?"
    ):
        compose(df)


@pytest.mark.parametrize("index", ["email", ["n", "email"]])
def test_a_name_that_is_a_level_of_the_index_says_so(index):
    """For a template, for ``row[…]`` and for the key."""
    df = PEOPLE.assign(other=1).set_index(index)
    for template in ("{{ email }}", "{{ row['email'] }}"):
        with pytest.raises(
            mf.errors.LetterError,
            match=r"level of the index; make it a column with df\.reset_index",
        ):
            compose(df, to=template)
    with pytest.raises(
        mf.errors.FrameError,
        match=r"key='email'.*level of the index: df\.reset_index\(\) makes it one",
    ):
        compose(df, to="{{ other }}", key="email")
    assert compose(df.reset_index(), key="email").problems().empty


def test_every_unknown_key_is_named_with_near_names():
    """All of a list at once."""
    df = frame(customer_id=[1], year=[2026])
    with pytest.raises(mf.errors.FrameError) as caught:
        compose(df, key=["costumer_id", "Year", "zzz"])
    message = str(caught.value)
    assert "key='costumer_id': there is no such column (did you mean 'customer_id'?)" in message
    assert "key='Year': there is no such column (did you mean 'year'?)" in message
    assert "key='zzz': there is no such column. " in message
    assert message.endswith("The frame has: 'email', 'customer_id', 'year'")


@pytest.mark.parametrize("key", [pd.Series([1]), {"a": 1}, pd.Index(["email"])])
def test_a_key_that_is_no_name_is_refused(key):
    """Not with an error of pandas about the truth of a Series."""
    with pytest.raises(
        mf.errors.FrameError,
        match=r"key= takes the names of columns, not a \w+; write key='customer_id'",
    ):
        compose(frame(), key=key)


# --- a name in place of a template ---------------------------------------------------------------


@pytest.mark.parametrize("field", ["to", "cc", "bcc", "reply_to", "sender"])
@pytest.mark.parametrize("text", ["E-Mail", " E-Mail ", "e-mail", "email"])
def test_a_bare_name_of_a_column_in_place_of_an_address_is_refused_once(field, text):
    """It is no address in any row; so far each row said that."""
    df = frame(3).rename(columns={"email": "E-Mail"})
    with pytest.raises(
        mf.errors.LetterError,
        match=rf"^{field} is the text '{text.strip()}', the same for every row; for the",
    ) as caught:
        compose(df, **{"to": "{{ row['E-Mail'] }}", field: text})
    assert "write {{ row['E-Mail'] }}" in str(caught.value)


def test_all_bare_names_in_place_of_addresses_are_named_at_once():
    """Also in a list."""
    with pytest.raises(
        mf.errors.LetterError, match=r"to\[1\] is the text 'email'.*; cc is the text 'n', the same"
    ):
        compose(PEOPLE, to=["{{ email }}", "email"], cc="n")


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"subject": "plan"}, "subject"),
        ({"tag": "plan"}, "tag"),
        ({"text_body": "plan"}, "text_body"),
        ({"html_body": "plan"}, "html_body"),
        ({"message_stream": "plan"}, "message_stream"),
        ({"metadata": {"p": "plan"}}, "metadata.p"),
        ({"headers": {"X-Plan": "plan"}}, "headers.X-Plan"),
        ({"attachments": mf.Attachment("plan", b"x")}, "attachments[0].name"),
    ],
)
def test_a_bare_name_of_a_column_elsewhere_is_a_warning_said_once(fields, place):
    """It may be meant; the rows are sent."""
    problems = compose(frame(3, plan=["a", "b", "c"]), **fields).problems()
    warned = problems[problems["code"] == "name_of_a_column"]
    assert warned[["field", "severity"]].to_numpy().tolist() == [[place, "warning"]]
    assert warned["row"].isna().all()
    assert "write {{ plan }}" in warned["detail"].iloc[0]


@pytest.mark.parametrize("text", ["{{ plan }}", "the plan", "Plan", "plan {{ n }}"])
def test_another_text_is_no_name_of_a_column(text):
    """Only the name itself, as it is spelled, is warned of."""
    assert (
        "name_of_a_column"
        not in compose(frame(plan=["a"], n=[1]), subject=text).problems()["code"].tolist()
    )


def test_an_address_that_is_also_the_name_of_a_column_is_an_address():
    """A pivoted frame may have such columns."""
    df = frame(**{"me@acme.example": ["x"]})
    assert compose(df, bcc="me@acme.example").problems().empty


# --- fields --------------------------------------------------------------------------------------

WRONG_FIELDS = {
    "html": "html_body",
    "text": "text_body",
    "body": "html_body or text_body",
    "subjectt": "subject",
    "from_": "sender",
    "From": "sender",
    "HtmlBody": "html_body",
    "replyto": "reply_to",
    "stream": "message_stream",
    "attachment": "attachments",
}


@pytest.mark.parametrize(("wrong", "right"), WRONG_FIELDS.items())
def test_an_unknown_field_gets_near_names_everywhere(wrong, right, tmp_path):
    """In ``mf.Letter(…)``, ``replace``, ``compose`` and ``letter.toml``; it is a TypeError."""
    (tmp_path / "body.txt").write_text("x")
    (tmp_path / "letter.toml").write_text(f'{wrong} = "x"\n')
    for call in (
        lambda: mf.Letter(**{wrong: "x"}),
        lambda: mf.Letter().replace(**{wrong: "x"}),
        lambda: PEOPLE.mail.compose(**{wrong: "x"}),
        lambda: mf.Letter.load(tmp_path),
    ):
        with pytest.raises(
            mf.errors.UnknownField,
            match=rf"has no field '{wrong}' \(did you mean {right}\?\); it has sender",
        ):
            call()
    assert issubclass(mf.errors.UnknownField, TypeError)
    assert issubclass(mf.errors.UnknownField, mf.errors.LetterError)


def test_all_unknown_fields_are_named_at_once():
    """With what ``compose`` itself takes."""
    with pytest.raises(
        mf.errors.UnknownField,
        match=r"'subjectt' \(did you mean subject\?\), 'nmae' \(did you mean name\?\)",
    ):
        PEOPLE.mail.compose(subjectt="x", nmae="x")


def test_an_attachment_gets_near_names_too():
    """And a letter's fields by position are refused in words."""
    with pytest.raises(
        mf.errors.UnknownField, match=r"no field 'contenttype' \(did you mean content_type"
    ):
        mf.Attachment("a.txt", contenttype="text/plain")
    with pytest.raises(mf.errors.UnknownField, match="are keyword arguments"):
        mf.Letter("Hi")


# --- filters -------------------------------------------------------------------------------------


def test_every_unknown_filter_and_test_is_named_at_once_with_near_names(tmp_path):
    """Of all parts and included files, also inside ``{% if %}``, which jinja2 checks later."""
    (tmp_path / "part.txt").write_text("{{ n | lenght }}")
    with pytest.raises(mf.errors.LetterError) as caught:
        compose(
            PEOPLE,
            folder=tmp_path,
            subject="{{ n | titel }}",
            html_body="<p>{% if n is definedd %}{{ n | upcase }}{% endif %}</p>",
            text_body="\n{{ n | datte | upper }}{% include 'part.txt' %}"
            "{% filter trmi %}x{% endfilter %}",
        )
    message = str(caught.value).split("; ")
    for fault in (
        "subject, line 1: No filter named 'titel' (did you mean title",
        "html_body, line 1: No filter named 'upcase' (did you mean upper?)",
        "html_body, line 1: No test named 'definedd' (did you mean defined",
        "text_body, line 2: No filter named 'datte' (did you mean date",
        "text_body, line 2: No filter named 'trmi' (did you mean trim",
        "part.txt, line 1: No filter named 'lenght' (did you mean length",
    ):
        assert [line for line in message if line.startswith(fault)], fault
    assert len(message) == 6, message
    assert "_written" not in str(caught.value)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            "{{ items | map('upcase') | join }}",
            r"No filter named 'upcase' \(did you mean upper\?\)",
        ),
        ("{{ items | select('definedd') | join }}", "No test named 'definedd'"),
        ("{{ items | rejectattr('a', 'eqq', 1) | join }}", "No test named 'eqq'"),
    ],
)
def test_an_unknown_filter_that_is_given_by_name_is_refused_too(template, message):
    """When the campaign is composed, not row by row."""
    with pytest.raises(mf.errors.LetterError, match=message):
        compose(frame(items=[["a"]]), text_body=template)


def test_names_that_map_and_select_know_are_taken():
    """And an attribute of ``map`` is no filter."""
    body = (
        "{{ items | map('upper') | select('defined') | join }}"
        "{{ items | map(attribute='nope', default='x') | join }}"
    )
    assert compose(frame(items=[["a"]]), text_body=body).messages()["TextBody"].tolist() == ["Ax"]


# --- missing values ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "to",
    [
        "{{ email }}",
        "{{ row['email'] }}",
        "A <{{ email }}>",
        "{{ email | trim }}",
        col("email"),
        lambda df: df["email"],
    ],
)
@pytest.mark.parametrize("as_list", [False, True])
def test_the_error_for_a_missing_recipient_does_not_suggest_a_default(to, as_list):
    """A default address would get the mail of another person."""
    df = PEOPLE.assign(email=["a@acme.com", None, "b@acme.com"])
    problems = compose(df, to=[to] if as_list else to, key="n").problems()
    assert problems["code"].tolist() == ["missing_recipient"]
    assert "default" not in problems["detail"][0]
    assert "fillna" not in problems["detail"][0]
    assert "fill in the address, or drop the row" in problems["detail"][0]


def test_a_missing_recipient_names_the_line_that_drops_the_row():
    """It works as it is written."""
    df = PEOPLE.assign(**{"E-Mail": ["a@acme.com", None, "b@acme.com"]})
    detail = compose(df, to="{{ row['E-Mail'] }}").problems()["detail"].iloc[-1]
    assert detail.endswith("drop the row: df.dropna(subset=['E-Mail'])")
    rest = df.dropna(subset=["E-Mail"]).drop(columns="email")
    assert compose(rest, to="{{ row['E-Mail'] }}").problems().empty


def test_the_error_for_a_missing_copy_says_how_to_leave_it_out():
    """``default('')``, which works as it is written; a sender that is missing has no such way."""
    df = PEOPLE.assign(boss=["a@acme.com", None, "b@acme.com"])
    detail = compose(df, cc="{{ boss }}").problems()["detail"][0]
    assert detail.endswith("default('') leaves cc out of this row")
    assert compose(df, cc="{{ boss | default('') }}").problems().empty
    assert "default" not in compose(df, sender="{{ boss }}").problems()["detail"][0]


@pytest.mark.parametrize("part", ["cc", "bcc", "reply_to"])
def test_the_error_for_a_missing_copy_of_a_series_names_fillna(part):
    """No template could have a default there; the line works as it is written."""
    df = PEOPLE.assign(boss=["a@acme.com", None, "b@acme.com"])
    detail = compose(df, **{part: df["boss"]}).problems()["detail"][0]
    assert detail.endswith("fillna('') leaves an optional field out")
    assert compose(df, **{part: df["boss"].fillna("")}).problems().empty


@pytest.mark.parametrize(
    "template",
    [
        "{% for item in items %}{{ item }}{% endfor %}",
        "{% for item in row['items'] %}{{ item }}{% endfor %}",
        "{{ items | join(', ') }}",
        "{{ items | length }}",
        "{% for item in items | sort %}{{ item }}{% endfor %}",
    ],
)
def test_the_error_for_a_loop_over_a_missing_value_names_an_empty_list(template):
    """``default('…')`` would loop over three letters."""
    df = frame(2, items=[["a"], None])
    [detail] = compose(df, text_body=template).problems()["detail"]
    assert "column 'items' has no value in this row" in detail
    assert "default([])" in detail
    fixed = template.replace("items |", "items | default([]) |").replace(
        "in items %", "in items | default([]) %"
    )
    fixed = fixed.replace("in row['items'] %", "in row['items'] | default([]) %")
    assert compose(df, text_body=f"x{fixed}").problems().empty


def test_the_error_for_a_printed_missing_value_names_a_default_text():
    """In text, that is the way."""
    [detail] = compose(frame(name=[None]), text_body="{{ name }}").problems()["detail"]
    assert detail.endswith("write {{ name | default('…') }} or test it")


# --- the sandbox ---------------------------------------------------------------------------------


def test_a_sandbox_that_is_not_started_says_to_start_it():
    """It has no port, so the URL of its server would be invalid; the same after it was closed."""
    sandbox = mf.Sandbox()
    for _ in range(2):
        with pytest.raises(
            mf.errors.SandboxError,
            match=r"not started.*`with mf\.Sandbox\(\) as sandbox:`, or call sandbox\.start",
        ):
            _ = sandbox.server
        with sandbox:
            assert sandbox.server.base_url == sandbox.url
