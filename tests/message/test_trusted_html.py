"""Trusted HTML: what mf.html makes is printed unescaped, and nothing else is."""

from __future__ import annotations

import pickle

import great_tables
import pandas as pd
import pytest

import mailframe as mf
from mailframe.errors import LetterError, MailframeError
from tests.composing import MISSING, cells, compose, frame, payloads
from tests.message.columnar.both_ways import assert_same

EVIL = "<script>alert(1)</script>&amp;{{ email }}"


def printed(template, **columns):
    """What a template prints in HTML and in text for one row."""
    df = frame().assign(**columns)
    [payload] = payloads(df, html_body=f"<p>{template}</p>", text_body=template)
    return payload["HtmlBody"][3:-4], payload["TextBody"]


def test_trusted_html_is_printed_as_it_is_in_html_and_as_text_elsewhere():
    """It is no template: braces stay."""
    assert printed("{{ v }}", v=mf.html("<b>{{ x }}</b> & co")) == (
        "<b>{{ x }}</b> & co",
        "{{ x }} & co",
    )


def test_the_text_can_be_given():
    """For all rows, or by a function of the row."""
    assert printed("{{ v }}", v=mf.html("<b>x</b>", text="X!")) == ("<b>x</b>", "X!")
    made = mf.html(lambda row: f"<i>{row.email}</i>", text=lambda row: row["email"].upper())
    assert printed("{{ v }}", v=made) == ("<i>p0@acme.example</i>", "P0@ACME.EXAMPLE")


def test_no_warning_asks_whether_it_is_safe():
    """The author has said so."""
    df = frame().assign(v=mf.html("<b>x</b>"))
    assert compose(df, html_body="{{ v }}").problems().empty


@pytest.mark.parametrize(
    "template",
    [
        "{{ v | upper }}",
        "{{ v | replace('x', '<i>') }}",
        "{{ v | truncate(3) }}",
        "{{ v ~ name | upper }}",
        "{{ v[:2] }}",
        "{{ '%s' | format(name) }}",
        "{{ [v | lower, name] | join(' ') }}",
        "{{ v | own }}",
    ],
)
def test_what_a_filter_makes_of_it_is_escaped(template):
    """It is its text, and a value beside it stays data."""
    df = frame().assign(v=mf.html("<b>x</b><u>y</u>"), name=[EVIL])
    [payload] = payloads(df, html_body=template, filters={"own": lambda value: f"<s>{value}"})
    assert "<script" not in payload["HtmlBody"].replace("&lt;script", "")
    assert "<i>" not in payload["HtmlBody"]
    assert "<s>" not in payload["HtmlBody"]


@pytest.mark.parametrize(
    "template",
    [
        "{{ v ~ name }}",
        "{{ [v, name] | join }}",
        "{% set x = v %}{{ x }}{{ name }}",
        "{{ name ~ v }}",
    ],
)
def test_a_value_beside_it_stays_data(template):
    """Also where both are put together."""
    df = frame().assign(v=mf.html("<b>x</b>"), name=[EVIL])
    [payload] = payloads(df, html_body=template)
    assert "<b>x</b>" in payload["HtmlBody"]
    assert "<script" not in payload["HtmlBody"]


def test_a_cell_that_looks_like_trusted_html_is_data():
    """A class with ``__html__``, and Markup, are no way in."""

    class Pretender(str):
        __slots__ = ()

        def __html__(self):
            return str(self)

    [payload] = payloads(frame(v=cells(Pretender("<b>"))), html_body="{{ v }}")
    assert payload["HtmlBody"] == "&lt;b&gt;"


def test_a_filter_can_return_trusted_html():
    """As a column can."""
    filters = {"badge": lambda text: mf.html("<b>new</b>", text=f"new {text}")}
    df = frame(v=["x"])
    [payload] = payloads(
        df, html_body="{{ v | badge }}", text_body="{{ v | badge }}", filters=filters
    )
    assert (payload["HtmlBody"], payload["TextBody"]) == ("<b>new</b>", "new x")


def test_a_constant_can_be_trusted_html():
    """A footer for all parts."""
    constants = {"footer": mf.html("<hr>Acme & Co", text="-- Acme & Co")}
    [payload] = payloads(
        frame(), html_body="{{ footer }}", text_body="{{ footer }}", constants=constants
    )
    assert (payload["HtmlBody"], payload["TextBody"]) == ("<hr>Acme & Co", "-- Acme & Co")


def test_a_whole_body_can_be_trusted_html():
    """A page that another program has made."""
    df = frame(2)
    made = payloads(df, html_body=mf.html(lambda row: f"<p>{row['email']}</p>"))
    assert [payload["HtmlBody"] for payload in made] == [
        "<p>p0@acme.example</p>",
        "<p>p1@acme.example</p>",
    ]


def test_a_series_of_html_keeps_its_rows_and_missing_values():
    """A missing cell is a missing value."""
    df = frame(3)
    df["v"] = mf.html(pd.Series(["<b>a</b>", None, "<b>c</b>"], index=df.index))
    campaign = compose(df, html_body="{{ v | default('none') }}")
    assert campaign.messages()["HtmlBody"].tolist() == ["<b>a</b>", "none", "<b>c</b>"]
    assert compose(df, html_body="{{ v }}").problems()["code"].tolist() == ["missing_value"]


def test_rows_keep_their_html_when_the_frame_is_sorted_and_filtered():
    """The cell goes with its row."""
    df = frame(n=[3, 1, 2]).assign(v=mf.html(lambda row: f"<b>{row.n}</b>"))
    made = payloads(df.sort_values("n").query("n < 3"), html_body="{{ n }}{{ v }}")
    assert [payload["HtmlBody"] for payload in made] == ["1<b>1</b>", "2<b>2</b>"]


def test_a_later_change_of_the_frame_changes_no_cell():
    """The function gets the row as it was."""
    df = frame(n=[1])
    made = df.assign(v=mf.html(lambda row: f"<b>{row.n}</b>"))
    df.loc[0, "n"] = 9
    assert payloads(made, html_body="{{ v }}")[0]["HtmlBody"] == "<b>1</b>"


def test_functions_are_called_for_the_rows_that_need_them():
    """A preview of one row does not draw a million."""
    called = []

    def badge(row):
        called.append(row.n)
        return "<b>x</b>"

    campaign = compose(frame(n=range(5)).assign(v=mf.html(badge)), html_body="{{ v }}")
    assert not called
    campaign.message(3)
    assert set(called) == {3}


@pytest.mark.parametrize("value", [*MISSING.values()], ids=[*MISSING])
def test_a_function_that_returns_nothing_makes_a_missing_value(value):
    """Of any kind."""
    df = frame().assign(v=mf.html(lambda _: value))
    assert compose(df, html_body="{{ v }}").problems()["code"].tolist() == ["missing_value"]


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda row: 1 / (row.n - 1), "ZeroDivisionError"),
        (lambda row: row.nmae, "no column 'nmae'"),
        (lambda row: row["emial"], "did you mean 'email'"),
        (lambda _: 5, "not a int"),
    ],
)
def test_an_error_in_a_function_is_a_problem_of_its_row(function, text):
    """With the column, the error, and the other rows unharmed."""
    df = frame(n=[1, 1]).assign(v=mf.html(function))
    campaign = compose(df, html_body="{{ v }}")
    row = campaign.problems().iloc[0]
    assert row["code"] == "template_error"
    assert "the function of column 'v'" in row["detail"]
    assert text in row["detail"]


def test_a_frame_becomes_a_table():
    """Escaped, with aligned numbers; its text is aligned too."""
    html, text = printed("{{ v }}", v=mf.html(pd.DataFrame({"item": ["<b>tea"], "n": [2.0]})))
    assert html.startswith("<table")
    assert "&lt;b&gt;tea" in html
    assert text == "item    n\n------  -\n<b>tea  2"


def test_a_styler_has_inline_styles_and_a_fixed_id():
    """Its rules would be dropped by mail programs, and a random id would change each message."""
    styler = pd.DataFrame({"n": [1, 2]}).style.highlight_max()
    df = frame()
    first, second = (compose(df.assign(v=mf.html(styler)), html_body="{{ v }}") for _ in range(2))
    html = first.messages()["HtmlBody"].iloc[0]
    assert "background-color: yellow" in html
    assert "<style" not in html
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize("places", ["cell", "column", "index"])
def test_a_styler_that_prints_a_cell_as_markup_is_refused(places):
    """Pandas does not escape by default; the error says what to write."""
    data = pd.DataFrame({"n": [1]})
    if places == "cell":
        data["n"] = EVIL
    else:
        data = data.rename(columns={"n": EVIL}) if places == "column" else data.rename({0: EVIL})
    with pytest.raises(LetterError, match="escape='html'"):
        mf.html(data.style)
    styler = data.style.format(escape="html")
    styler = styler.format_index(escape="html", axis=0).format_index(escape="html", axis=1)
    assert "<script" not in mf.html(styler).html


def test_a_great_table_has_inline_styles_and_a_fixed_id():
    """As with a Styler; great_tables escapes cells itself."""
    great_tables = pytest.importorskip("great_tables")
    data = pd.DataFrame({"item": [EVIL], "n": [1]})
    first, second = (mf.html(great_tables.GT(data)) for _ in range(2))
    assert first.html == second.html
    assert "<style" not in first.html
    assert "<script" not in first.html


@pytest.mark.parametrize("source", [5, None, b"<b>", ["<b>"], object(), {"a": 1}])
def test_what_is_no_html_is_refused(source):
    """With what mf.html takes."""
    with pytest.raises(LetterError, match=r"mf\.html takes text, a DataFrame"):
        mf.html(source)


def test_a_text_that_is_no_text_is_refused():
    """It would be printed as Python shows it."""
    with pytest.raises(LetterError, match="text is a int"):
        mf.html("<b>x</b>", text=5)


def test_trusted_html_cannot_stand_in_an_attribute():
    """Its quotes would end the attribute."""
    df = frame().assign(v=mf.html('<b title="x">y</b>'))
    with pytest.raises(LetterError, match="'v' is trusted HTML"):
        compose(df, html_body='<p title="{{ v }}">x</p>')


@pytest.mark.parametrize("rows", [3, 1200])
def test_links_in_trusted_html_are_checked(rows):
    """Like those of a template."""
    df = frame(rows).assign(v=mf.html("<a href='javascript:alert(1)'>x</a>"))
    assert set(compose(df, html_body="<p>{{ v }}</p>").problems()["code"]) == {"unsafe_link"}


def test_both_paths_make_the_same_messages():
    """A column of trusted HTML, one of functions, one mixed with text."""
    df = frame(n=range(1200)).assign(
        a=mf.html("<b>x</b>"),
        b=mf.html(lambda row: f"<i>{row.n}</i>"),
        c=lambda d: [mf.html("<u>x</u>") if n % 2 else "<u>" for n in d["n"]],
    )
    campaign = compose(
        df,
        html_body="{{ a }}{{ b }}{{ c }}{% if n % 2 %}{{ c }}{% endif %}",
        text_body="{{ a }}{{ b }}{{ c }}",
        subject="{{ a }}",
    )
    assert_same(campaign._composed.bound)


def test_a_campaign_with_functions_of_rows_is_pickled():
    """If the functions are."""
    df = frame().assign(v=mf.html("<b>x</b>"), w=mf.each(str))
    campaign = compose(df, html_body="{{ v }}")
    again = pickle.loads(pickle.dumps(campaign))  # noqa: S301 - our own
    assert again.fingerprint == campaign.fingerprint


@pytest.mark.parametrize("function", ["text", 5, None])
def test_each_takes_a_function(function):
    """And says so."""
    with pytest.raises(MailframeError, match=r"mf\.each takes a function of a row"):
        mf.each(function)


def test_each_makes_a_value_of_any_field():
    """By the rules of a column."""
    df = frame(n=[1, 2])
    made = payloads(df, subject=mf.each(lambda row: f"No. {row.n}"), tag=mf.each(lambda row: row.n))
    assert [(payload["Subject"], payload["Tag"]) for payload in made] == [
        ("No. 1", "1"),
        ("No. 2", "2"),
    ]


def test_each_makes_the_content_of_an_attachment():
    """Only for messages that are made; an error is a problem of its row."""
    called = []

    def ics(row):
        called.append(row.n)
        return f"BEGIN:{1 // row.n}".encode()

    campaign = compose(frame(n=[1, 0]), attachments=mf.Attachment("a.ics", mf.each(ics)))
    assert not called
    assert campaign.message(0).payload["Attachments"][0]["Content"] == "QkVHSU46MQ=="
    [row] = campaign.problems().to_dict("records")
    assert (row["row"], row["field"]) == (1, "attachments[0]")
    assert "ZeroDivisionError" in row["detail"]


@pytest.mark.parametrize(
    "expression",
    [
        "v",
        "v | default('-')",
        "name | default(v)",
        "v or name",
        "v if name else name",
        "name ~ v",
        "row.v",
        "row['v'] | d('')",
        "v | safe",
        "v | string",
        "v | e",
        "v | truncate(9)",
        "[v] | first",
        "[name, v] | join",
        "(v,)[0]",
        "{'a': v}.a",
        "badge",
        "badge | default('')",
        "orders | table",
        "orders | table | default('')",
        "name | urlize",
    ],
)
@pytest.mark.parametrize("template", ["{{{{ {} }}}}", "{{% set q = {} %}}{{{{ q }}}}"])
def test_html_in_an_attribute_is_refused_by_whatever_way_it_comes(expression, template):
    """Its quotes would end the attribute."""
    code, _, shown = template.format(expression).rpartition("{{")
    df = frame(name=["x"], orders=[[{"a": 1}]]).assign(v=mf.html('<b class="q">x</b>'))
    with pytest.raises(LetterError, match=r"line 1: .*its quotes would end the attribute"):
        compose(
            df,
            html_body=f'{code}<p title="{{{{{shown}">x</p>',
            constants={"badge": mf.html('<b class="q">x</b>')},
        )


@pytest.mark.parametrize("expression", ["v | striptags", "v | upper", "v | length", "name ~ 'x'"])
def test_text_made_of_html_can_stand_in_an_attribute(expression):
    """Filters get its text, and what they return is escaped."""
    df = frame(name=['x"']).assign(v=mf.html('<b class="q">x"</b>'))
    [payload] = payloads(df, html_body=f'<p title="{{{{ {expression} }}}}">x</p>')
    assert payload["HtmlBody"].count('"') == 2


ORDERS = pd.DataFrame({"item": ["Tea & cup", "Pot"], "amount": [2.5, 30.0]})
WRITTEN = "item       amount\n---------  ------\nTea & cup    2.50\nPot         30.00"


@pytest.mark.parametrize(
    "table",
    [
        ORDERS.style.format({"amount": "{:.2f}"}, escape="html").hide(),
        great_tables.GT(ORDERS).fmt_number("amount"),
        ORDERS.to_html(index=False, float_format="{:.2f}".format),
    ],
    ids=["Styler", "GT", "to_html"],
)
def test_the_text_of_a_table_has_lines_and_columns(table):
    """As that of a DataFrame."""
    lines = mf.html(table).text.splitlines()
    assert [line.split() for line in lines] == [line.split() for line in WRITTEN.splitlines()]


HOLED = pd.DataFrame({"n": [1.5, None]})


@pytest.mark.parametrize(
    "make",
    [
        lambda df: df.style.format(escape="html"),
        lambda df: df.astype(object).where(df.notna(), None).style.format(escape="html"),
        lambda df: df.assign(n=pd.NaT).style.format(escape="html"),
        great_tables.GT,
    ],
)
def test_a_table_that_prints_a_missing_value_is_refused(make):
    """Styler and great_tables print nan, NaT and None."""
    with pytest.raises(LetterError, match=r"missing value as '(nan|None|NaT)'; write (styler|gt)"):
        mf.html(make(HOLED))


@pytest.mark.parametrize(
    "table",
    [
        HOLED.style.format(escape="html", na_rep="-"),
        great_tables.GT(HOLED).sub_missing(),
        pd.DataFrame({"n": ["None", "nan"]}).style.format(escape="html"),
    ],
)
def test_a_table_may_say_what_a_missing_value_is(table):
    """And a text ``None`` is not missing."""
    assert mf.html(table).html
