"""Own filters, translations, trusted HTML, images and files with hostile cells and templates."""

from __future__ import annotations

import base64
import io

import openpyxl
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import mailframe as mf
from mailframe.letter.jinja.own_lines import keep_lines_with_text
from mailframe.letter.jinja.translations import Catalogs
from mailframe.message.binding import bind
from mailframe.message.fingerprint import letter_digest
from tests.composing import cells, codes, compose, frame, payloads
from tests.message.columnar.both_ways import assert_same

DOT = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b"
)
RED = DOT.replace(b"\xff\xff\xff", b"\xff\x00\x00")


@pytest.fixture
def locale(tmp_path):
    """A function that writes the entries of a German catalog and returns its folder."""

    def write(entries: str, *, header: str = ""):
        folder = tmp_path / "de" / "LC_MESSAGES"
        folder.mkdir(parents=True, exist_ok=True)
        first = f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n{header}\n'
        (folder / "messages.po").write_text(first + entries, encoding="utf-8")
        return tmp_path

    return write


def contents(df, **fields):
    """The contents of the first attachment of each message."""
    return [
        base64.b64decode(payload["Attachments"][0]["Content"]) for payload in payloads(df, **fields)
    ]


# --- translations ---------------------------------------------------------------------------------


def test_an_empty_cell_does_not_print_the_header_of_the_catalog(locale):
    """Gettext has the header, with names and times, under the empty text."""
    made = payloads(
        frame(x=[""]),
        text_body="[{{ _(x) }}]",
        language="de",
        translations=locale('msgid "a"\nmsgstr "b"\n'),
    )
    assert made[0]["TextBody"] == "[]"


def test_a_cell_without_a_translation_is_no_pattern(locale):
    """It is printed as it is."""
    made = payloads(
        frame(x=["100%% of %(y)s"], y=["secret"]),
        text_body="{{ _(x) }}",
        language="de",
        translations=locale('msgid "a"\nmsgstr "b"\n'),
    )
    assert made[0]["TextBody"] == "100%% of %(y)s"


def test_values_of_a_translation_are_charged_before_they_are_added():
    """Two cells of 20,000 and 100,000 characters would otherwise make gigabytes."""
    df = frame(x=["%(y)s" * 20_000], y=["z" * 100_000])
    assert codes(df, text_body="{{ _(x, y=y) }}") == ["template_limit"]


def test_a_translation_with_a_value_in_a_bare_attribute_is_refused(locale):
    """A space in the value would start an attribute of its own."""
    folder = locale('msgid "Dear %(n)s"\nmsgstr "<a title=%(n)s>Hallo</a>"\n')
    body = "{% trans n=name %}Dear {{ n }}{% endtrans %}"
    with pytest.raises(mf.errors.LetterError, match=r"no quotes.*its translation is"):
        compose(frame(name=["x"]), html_body=body, language="de", translations=folder).problems()


def test_the_header_of_a_catalog_does_not_change_its_digest(locale):
    """Babel writes the time and its version there, so that each check had another digest."""
    entries = 'msgid "a"\nmsgstr "b"\n'
    one = Catalogs.read(locale(entries, header='"POT-Creation-Date: 2020-01-01 00:00+0000\\n"\n'))
    other = Catalogs.read(locale(entries, header='"POT-Creation-Date: 2021-01-01 00:00+0000\\n"\n'))
    changed = Catalogs.read(locale('msgid "a"\nmsgstr "c"\n'))
    assert one.digests == other.digests != changed.digests


def test_the_language_of_a_row_does_not_depend_on_the_row_before(locale):
    """A filter in ``language`` that uses a language itself gets none."""
    df = frame(w=[1.5, 2.5] * 10)
    letter = mf.Letter(
        sender="me@acme.example",
        to="{{ email }}",
        subject="Hi",
        text_body="{{ w | money }}",
        language="{{ 'de' if (w | money)[0] == '€' else 'en' }}",
        translations=locale('msgid "a"\nmsgstr "b"\n'),
    )
    assert_same(bind(letter, df), chunk_rows=7)


# --- text parts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("template", ["{# c #}\r{% if\n a %}{% raw %}x{% endraw %}{% endif %}"])
def test_a_lone_carriage_return_ends_a_line(template):
    """The offsets of jinja2's tokens are those of the text with its line ends."""
    assert keep_lines_with_text(template) == keep_lines_with_text(template.replace("\r", "\n"))


def test_many_tags_on_a_line_take_linear_time():
    """With time by the square of their number, this takes an hour."""
    source = ("{% if a %}" + " " * 50 + "{% endif %}") * 10_000 + "\n"
    assert keep_lines_with_text(source) == "{% if a %}{% endif %}" * 10_000 + "\n"


# --- trusted HTML and images ----------------------------------------------------------------------


@pytest.mark.parametrize("body", ["{{ o[0].i }}", "{% for r in o %}{{ r.i }}{% endfor %}"])
def test_an_image_in_a_list_brings_its_attachment(body):
    """A record can have one; without the attachment the reader sees a broken picture."""
    df = frame(o=cells([{"i": mf.image(DOT, alt="a")}]))
    [payload] = payloads(df, html_body=body)
    assert payload["Attachments"][0]["ContentID"] in payload["HtmlBody"]


def test_an_image_in_a_dict_of_a_constant_brings_its_attachment():
    """As one that is a constant itself."""
    constants = {"logos": {"small": mf.image(DOT, alt="a")}}
    [payload] = payloads(frame(), html_body="{{ logos.small }}", constants=constants)
    assert payload["Attachments"][0]["ContentID"] in payload["HtmlBody"]


def test_an_image_in_a_column_with_a_name_of_jinja_brings_its_attachment():
    """``row['loop']`` is no variable of its own."""
    df = frame().assign(loop=mf.image(DOT, alt="a"))
    assert payloads(df, html_body="{{ row['loop'] }}")[0]["Attachments"]


def test_trusted_html_in_records_is_the_same_on_both_paths():
    """The columnar path would print its text."""
    df = frame(o=cells(*[[{"t": mf.html("<b>1</b>")}]] * 20))
    letter = mf.Letter(
        sender="me@acme.example", to="{{ email }}", subject="Hi", html_body="{{ o[0].t }}"
    )
    assert_same(bind(letter, df), chunk_rows=7)


@pytest.mark.parametrize("name", ["upper", "money", "int"])
def test_an_own_filter_in_place_of_another_is_the_same_on_both_paths(name):
    """It can return trusted HTML, which the filter of that name never does."""
    letter = mf.Letter(
        sender="me@acme.example",
        to="{{ email }}",
        subject="Hi",
        html_body=f"{{{{ k | {name} }}}}",
        filters={name: lambda value: mf.html(f"<b>{value}</b>")},
    )
    assert_same(bind(letter, frame(k=[1, 2] * 10)), chunk_rows=7)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (mf.html("<b>a</b>"), mf.html("<i>a</i>")),
        (mf.image(DOT, alt="a"), mf.image(RED, alt="a")),
        ([mf.html("<b>a</b>")], [mf.html("<i>a</i>")]),
    ],
)
def test_a_constant_with_other_markup_and_the_same_text_is_another_letter(one, other):
    """The digest of the letter has its markup and its content."""
    digests = {
        letter_digest(
            bind(
                mf.Letter(
                    sender="me@acme.example",
                    to="{{ email }}",
                    text_body="Hi",
                    html_body="{{ c }}" if not isinstance(made, list) else "{{ c[0] }}",
                    constants={"c": made},
                ),
                frame(),
            )
        )
        for made in (one, other)
    }
    assert len(digests) == 2


def test_a_figure_that_failed_does_not_reach_the_next_row():
    """``pyplot`` has one current figure, into which the next row would draw."""

    def draw(row):
        plt.plot([1, 2], [row["v"], row["v"]])
        if row["v"] == 1:
            raise ValueError("no chart")
        return plt.gcf()

    opened = plt.figure()
    df = frame(v=[1, 2])
    after = payloads(df.assign(c=mf.image(draw, alt="a")), html_body="{{ c }}")
    alone = payloads(df.iloc[1:].assign(c=mf.image(draw, alt="a")), html_body="{{ c }}")
    assert after[-1]["Attachments"] == alone[-1]["Attachments"]
    assert plt.get_fignums() == [opened.number]
    assert not opened.axes
    plt.close(opened)


def test_the_settings_of_one_chart_do_not_reach_the_next_row():
    """``rcParams`` are those of before."""

    def draw(row):
        if row["v"] == 1:
            plt.rcParams["lines.linewidth"] = 9
        figure = plt.figure()
        figure.subplots().plot([1, 2], [2, 2])
        return figure

    df = frame(v=[1, 2])
    after = payloads(df.assign(c=mf.image(draw, alt="a")), html_body="{{ c }}")
    alone = payloads(df.iloc[1:].assign(c=mf.image(draw, alt="a")), html_body="{{ c }}")
    assert after[-1]["Attachments"] == alone[-1]["Attachments"]


def test_bytes_that_fill_a_jpeg_are_no_segment():
    """ITU-T T.81, B.1.1.2: any number of FF before a marker."""
    content = b"\xff\xd8\xff\xff\xff\xc0\0\x11\x08\0\5\0\6"
    made = mf.image(content, alt="a")
    assert (made.width, made.height) == (6, 5)


@pytest.mark.parametrize(
    "df",
    [
        pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("<script>", "b")])),
        pd.DataFrame([[1]], index=pd.Index([3], name="<script>")),
    ],
)
def test_a_styler_with_markup_in_labels_and_names_is_refused(df):
    """Also in one level of several."""
    with pytest.raises(mf.errors.LetterError, match="unescaped"):
        mf.html(df.style)


def test_a_styler_that_escapes_a_cell_with_one_sign_is_taken():
    """Each table has an & or < somewhere."""
    made = mf.html(pd.DataFrame({"a": ["&", "<"]}).style.format(escape="html"))
    assert "&lt;" in made.html


# --- files ----------------------------------------------------------------------------------------


def test_a_line_break_of_a_cell_adds_no_line_to_a_calendar():
    """It could add an attendee."""
    df = frame(x=["a\r\nATTENDEE:b"], y=cells(["c\nATTENDEE:d"]))
    file = mf.Attachment("a.ics", "BEGIN:VEVENT\nSUMMARY:{{ x }}{{ y[0] }}\nEND:VEVENT")
    [content] = contents(df, attachments=file)
    assert content.split(b"\r\n") == [
        b"BEGIN:VEVENT",
        rb"SUMMARY:a\nATTENDEE:bc\nATTENDEE:d",
        b"END:VEVENT",
        b"",
    ]


@pytest.mark.parametrize("name", ["a.html", "a.SVG", "a.{{ kind }}"])
def test_a_file_of_markup_takes_no_values(name):
    """A text template does not escape them."""
    df = frame(x=["<script>"], kind=["xml"])
    assert codes(df, attachments=mf.Attachment(name, "<p>{{ x }}</p>")) == ["unsafe_template"]
    assert codes(df, attachments=mf.Attachment(name, "<p>x</p>")) == []


@pytest.mark.parametrize("start", ["=", "\n=", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_text_of_a_csv_begins_a_formula(start):
    """Also in full width and after a line break (OWASP)."""
    df = frame(o=cells([{"a": f"{start}1+1"}]))
    [content] = contents(df, attachments=mf.Attachment.csv("o"))
    assert f"'{start}1+1" in content.decode()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("value", [[float("nan")], b"x", {"a": 1}])
def test_a_value_that_is_no_text_number_or_date_is_a_problem(kind, value):
    """A list would be printed as Python writes it, with nan."""
    df = frame(o=cells([{"a": value}]))
    assert codes(df, attachments=getattr(mf.Attachment, kind)("o")) == ["template_error"]


def test_trusted_html_in_a_file_is_its_text():
    """Also of a function of the row of the detail frame."""
    details = pd.DataFrame({"id": [1], "t": ["x"]}).assign(h=mf.html(lambda row: f"<b>{row.t}</b>"))
    df = frame(id=[1]).mail.nest(o=details, on="id")
    [content] = contents(df, attachments=mf.Attachment.csv("o"))
    assert content.decode("utf-8-sig") == "t,h\r\nx,x\r\n"


def test_excel_does_not_change_long_numbers_and_texts():
    """A number of 20 digits is text; a text that Excel cannot hold is a problem."""
    df = frame(o=cells([{"a": 12345678901234567890, "b": float("inf")}]))
    [content] = contents(df, attachments=mf.Attachment.xlsx("o"))
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert [cell.value for cell in sheet[2]] == ["12345678901234567890", "inf"]
    long = frame(o=cells([{"a": "x" * 32_768}]))
    assert codes(long, attachments=mf.Attachment.xlsx("o")) == ["template_error"]


def test_details_with_two_columns_of_one_name_are_refused():
    """A record has one of them."""
    details = pd.DataFrame([[1, 2, 3]], columns=["id", "x", "x"])
    with pytest.raises(mf.errors.FrameError, match="more than one column 'x'"):
        frame(id=[1]).mail.nest(o=details, on="id")


# --- tables and functions of a row ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "arguments"),
    [
        ([{"a": "x"}] * 1_000, "columns=['a'] * 200"),
        ([{"a": "x" * 900_000}, *[{"a": ""}] * 9_000], ""),
    ],
)
def test_a_table_is_limited_before_it_is_built(records, arguments):
    """By its cells, and by the width of a column in each line: the second has 8 GB."""
    df = frame(o=cells(records))
    assert codes(df, text_body=f"{{{{ o | table({arguments}) }}}}") == ["template_limit"]


def test_a_function_of_a_row_cannot_change_a_cell():
    """Each message would be another one."""
    df = frame(o=cells([{"a": [1]}]))

    def longer(row):
        records = row["o"]
        records[0]["a"].append(2)
        return len(records[0]["a"])

    campaign = compose(df.assign(n=mf.each(longer)), text_body="{{ n }}")
    assert [campaign.message(0).payload["TextBody"] for _ in range(2)] == ["2", "2"]
    assert df["o"][0] == [{"a": [1]}]
