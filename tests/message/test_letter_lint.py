"""Warnings about a letter as a whole: images, links, sizes, directions and unused columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import mailframe as mf
from mailframe import limits
from tests.composing import cells, codes, compose, frame
from tests.message.columnar.both_ways import assert_same

if TYPE_CHECKING:
    import pandas as pd

SHALOM = "\u05e9\u05dc\u05d5\u05dd"


def details(code: mf.Code, df: pd.DataFrame | None = None, **fields: object) -> list[str]:
    """The details of the problems with a code; each is a warning."""
    problems = compose(frame() if df is None else df, **fields).problems()
    chosen = problems[problems["code"] == code.value]
    assert set(chosen["severity"]) <= {"warning"}
    return chosen["detail"].tolist()


# --- images -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "is_wrong"),
    [
        ('<img src="https://acme.example/a.png">', True),
        ('<IMG SRC="https://acme.example/a.png" title="alt=x">', True),
        ('<img data-alt="x" src="https://acme.example/a.png">', True),
        ('<!--[if mso]><img src="https://acme.example/a.png"><![endif]-->', True),
        ('<img src="https://acme.example/a.png" alt="">', False),
        ('<img src="https://acme.example/a.png" ALT=x>', False),
        ('<img alt src="https://acme.example/a.png"/>', False),
        ('<img title="a > b" src="https://acme.example/a.png" alt="x">', False),
        ('<img src="https://acme.example/a.png"{% if true %} alt="x"{% endif %}>', False),
        ('<img src="https://acme.example/a.png" alt="{{ email }}">', False),
        ('<!-- <img src="https://acme.example/a.png"> -->', False),
        ("<p>write img src</p><image>", False),
    ],
)
def test_an_image_needs_a_text(markup, is_wrong):
    """An empty one is a decoration."""
    assert bool(details(mf.Code.IMAGE_WITHOUT_ALT, html_body=markup)) == is_wrong


def test_a_letter_has_one_warning_with_the_lines():
    """Not one for each image, nor for each row."""
    image = '<img src="https://acme.example/{}.png">\n'
    markup = "".join(image.format(n) for n in range(6))
    [detail] = details(mf.Code.IMAGE_WITHOUT_ALT, frame(3), html_body=markup)
    assert detail.startswith("html_body, line 1: an image without alt")
    assert detail.endswith(
        "(also html_body, line 2; html_body, line 3; html_body, line 4, and 2 more)"
    )


@pytest.mark.parametrize(
    ("markup", "is_wrong"),
    [
        ('<img src="data:image/png;base64,AAAA" alt="">', True),
        ('<img src=" DATA:image/gif,x" alt="">', True),
        ('<img src="&#100;ata:image/png,x" alt="">', True),
        ('<td background="data:image/png;base64,AAAA">', True),
        ('<td style="background:url(data:image/png;base64,AAAA)">', True),
        ('<img src="https://acme.example/a.svg" alt="">', True),
        ('<img src="https://acme.example/A.SVG?v=1" alt="">', True),
        ('<img src="https://acme.example/a.svgz" alt="">', True),
        ('<svg width="1"><path d=""/></svg>', True),
        ('<img src="https://acme.example/a.svg.png" alt="">', False),
        ('<img src="https://acme.example/svg" alt="">', False),
        ('<a href="https://acme.example/a.svg">x</a>', False),
        ("<style>@font-face{src:url(data:font/woff;base64,AAAA)}</style>", False),
        ("<style>@font-face{src:url(https://acme.example/a.svg#font)}</style>", False),
        ("<p>data:image/png and .svg</p>", False),
    ],
)
def test_data_and_svg_images_are_not_shown_everywhere(markup, is_wrong):
    """Links to such files are fine."""
    assert bool(details(mf.Code.UNSUPPORTED_IMAGE, html_body=markup)) == is_wrong


def test_an_inline_svg_image_is_found_by_its_name():
    """Content is not read."""
    [detail] = details(
        mf.Code.UNSUPPORTED_IMAGE,
        html_body='<img src="cid:logo" alt="">',
        attachments=mf.Attachment("logo.svg", b"<svg/>", content_id="logo"),
    )
    assert detail.startswith("the inline image cid:logo is an SVG image")


@pytest.mark.parametrize("rows", [3, 1_500])
def test_a_data_image_of_a_cell_is_a_warning_of_its_row(rows):
    """On both paths; one that the template begins is a warning of the letter."""
    urls = ["https://acme.example/a.png"] * rows
    urls[1] = "data:image/png;base64,AAAA"
    df = frame(rows, url=urls)
    campaign = compose(df, html_body='<p>Hi</p><img src="{{ url }}" alt="">')
    problems = campaign.problems()
    assert problems[["row", "code"]].to_numpy().tolist() == [[1, "unsupported_image"]]
    assert_same(campaign._composed.bound)
    whole = '<img src="data:image/png;base64,{{ url }}" alt="">'
    problems = compose(df, html_body=whole).problems()
    assert problems["code"].tolist() == ["unsupported_image"]
    assert problems["row"].isna().all()


# --- links ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "is_wrong"),
    [
        ("http://acme.example", True),
        ("HTTP://acme.example/a", True),
        ("http://8.8.8.8/a", True),
        ("http://acme.example/{{ email }}", True),
        ("https://acme.example/?next=http://b.example", False),
        ("http://localhost:8888/lab", False),
        ("http://127.0.0.1/", False),
        ("http://192.168.1.2/", False),
        ("http://[::1]/", False),
        ("http://intranet/report", False),
        ("http://{{ email }}/a", False),
        ("http://a{{ email }}.example/a", False),
        ("http://{{{ pm:host }}}/", False),
    ],
)
@pytest.mark.parametrize("part", ["html_body", "text_body"])
def test_a_link_without_encryption_is_a_warning(url, is_wrong, part):
    """Hosts of the same network and hosts of values are left out."""
    written = f'Hi\n<a href="{url}">x</a>' if part == "html_body" else f"Hi\nSee {url} ."
    places = details(mf.Code.INSECURE_LINK, **{part: written})
    assert bool(places) == is_wrong
    assert all(place.startswith(f"{part}, line 2: a link without encryption") for place in places)


def test_a_namespace_and_a_doctype_are_no_links():
    """They are names with the form of a URL."""
    markup = (
        '<!DOCTYPE html PUBLIC "x" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">'
        '<html xmlns="http://www.w3.org/1999/xhtml"><p>http://acme.example</p></html>'
    )
    assert details(mf.Code.INSECURE_LINK, html_body=markup) == []


@pytest.mark.parametrize(
    ("html", "text", "parts"),
    [
        ('<a href="https://acme.example/renew">x</a>', "Hi", ["text_body"]),
        ("<p>Hi</p>", "See https://acme.example/renew.", ["html_body"]),
        (
            '<a href="https://acme.example/a">x</a>',
            "https://acme.example/b",
            ["html_body", "text_body"],
        ),
        ('<a href="https://acme.example/a?x={{ email }}">x</a>', "Hi", ["text_body"]),
        ('<a href="https://acme.example/a">x</a>', "(https://acme.example/a)", []),
        ('<a href="https://www.acme.example/a/?utm=1#x">x</a>', "http://acme.example/a?utm=2.", []),
        ('<a href="https://acme.example/a&amp;b">x</a>', "https://acme.example/a&b", []),
        ('<a href="https://acme.example">x</a>', "https://acme.example/a", ["html_body"]),
        ('<a href="https://acme.example/{{ email }}">x</a>', "Hi", []),
        ('<a href="{{ email }}">x</a><a href="mailto:a@acme.example">y</a>', "Hi", []),
        ('<img src="https://acme.example/a.png" alt="">', "Hi", []),
        ('<link href="https://acme.example/a.css">', "Hi", []),
        (
            '<a href="https://acme.example/a">x</a>',
            "{% set url = 'https://acme.example/a' %}{{ url }}",
            [],
        ),
        ('<a href="{{{ pm:unsubscribe }}}">x</a>', "Hi", []),
    ],
)
def test_both_parts_have_the_same_links(html, text, parts):
    """Host and path, of links that no value can change."""
    problems = compose(frame(), html_body=html, text_body=text).problems()
    chosen = problems[problems["code"] == "different_links"]
    assert sorted(chosen["field"]) == parts


def test_a_text_part_made_from_the_html_has_its_links():
    """``text_body="auto"`` is no template."""
    html = '<a href="https://acme.example/a?id={{ email }}">x</a>'
    assert codes(frame(), html_body=html, text_body="auto") == []
    assert codes(frame(), html_body=html, text_body="Auto") == ["different_links"]


def test_a_constant_is_a_text_of_both_parts():
    """Its value counts as written there."""
    fields = {
        "html_body": '<a href="https://acme.example/a">x</a>',
        "text_body": "{{ url }}",
        "constants": {"url": "https://acme.example/a"},
    }
    assert codes(frame(), **fields) == []


# --- size -------------------------------------------------------------------------------------


@pytest.mark.parametrize("over", [-1, 0, 1])
@pytest.mark.parametrize("character", ["x", "\u00fc"])
@pytest.mark.parametrize("rows", [2, 1_200])
def test_a_long_html_part_is_clipped_by_gmail(over, character, rows):
    """Its bytes in UTF-8 count; the text part and the JSON do not."""
    size = limits.GMAIL_CLIPS_ABOVE_BYTES + over - len("<p></p>")
    wide = len(character.encode())
    report = character * (size // wide) + "x" * (size % wide)
    df = frame(rows, report=["short"] * (rows - 1) + [report])
    text = "Hi" if rows > 2 else "{{ 'y' * 200000 }}"
    campaign = compose(df, html_body="<p>{{ report }}</p>", text_body=text)
    expected = [[rows - 1, "clipped_by_gmail"]] if over > 0 else []
    assert campaign.problems()[["row", "code"]].to_numpy().tolist() == expected
    assert_same(campaign._composed.bound)


@pytest.mark.parametrize(("over", "rows"), [(0, []), (1, [None])])
def test_a_long_template_is_one_warning(over, rows):
    """Each row would have the same one; text in a branch may not be printed."""
    size = limits.GMAIL_CLIPS_ABOVE_BYTES + over
    for markup in ("x" * size, "x" * size + "{% if email == '' %}{{ email }}{% endif %}"):
        problems = compose(frame(1_200), html_body=markup).problems()
        assert problems["code"].tolist() == ["clipped_by_gmail"] * len(rows)
        assert problems["row"].isna().all()
    branch = f"a{{% if email == '' %}}{'x' * size}{{% endif %}}"
    assert codes(frame(), html_body=branch) == []


# --- direction, text part -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "is_wrong"),
    [
        (f"<p>{SHALOM} {SHALOM}</p>", True),
        ("<p>&#1513;&#1500;&#1493;&#1501; &#1500;&#1498;</p>", True),
        ("<p>\u0645\u0631\u062d\u0628\u0627 \u0628\u0643</p>", True),
        (f"<p>{SHALOM}</p><p>{SHALOM}</p>", False),
        (f'<p dir="rtl">{SHALOM} {SHALOM}</p>', False),
        (f"<p style='direction: rtl'>{SHALOM} {SHALOM}</p>", False),
        ("<p>{{ email }}</p>", False),
        ("<p>Hello there</p>", False),
    ],
)
def test_text_from_right_to_left_needs_a_direction(markup, is_wrong):
    """A single word, such as the name of a language, does not."""
    assert bool(details(mf.Code.NO_TEXT_DIRECTION, html_body=markup)) == is_wrong


def test_cells_need_no_direction():
    """A name in another script is ordinary."""
    assert codes(frame(name=[f"{SHALOM} {SHALOM}"]), html_body="<p>{{ name }}</p>") == []


def test_a_translation_needs_a_direction(tmp_path):
    """The catalog has the text."""
    folder = tmp_path / "he" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text(
        f'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        f'msgid "Hello there"\nmsgstr "{SHALOM} {SHALOM}"\n',
        encoding="utf-8",
    )
    html = "<p>{% trans %}Hello there{% endtrans %}</p>"
    fields = {"language": "he", "translations": tmp_path}
    assert codes(frame(), html_body=html, **fields) == ["no_text_direction"]
    assert codes(frame(), html_body=f'<div dir="rtl">{html}</div>', **fields) == []


def test_a_broadcast_without_a_text_part_has_one_warning():
    """For any number of rows; other letters can do without one."""
    html = {"html_body": "<p>{{{ pm:unsubscribe }}}</p>", "text_body": None}
    assert codes(frame(3), **html, message_stream="broadcast") == ["no_text_part"]
    assert codes(frame(3), **html) == []


# --- columns ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "is_near"),
    [("Name", True), ("name ", True), ("NA-ME", True), ("names", False), ("surname", False)],
)
def test_an_unused_column_with_almost_the_same_name_is_a_warning(column, is_near):
    """It may be the right one."""
    df = frame(name=["Ann"], **{column: ["Bob"]})
    places = details(mf.Code.NEAR_COLUMN, df, text_body="{{ name }}")
    assert bool(places) == is_near
    both = f"{{{{ name }}}}{{{{ row[{column!r}] }}}}"
    assert details(mf.Code.NEAR_COLUMN, df, text_body=both) == []


@pytest.mark.parametrize(
    ("values", "is_list"),
    [
        ([[{"item": "tea"}], []], True),
        ([[], None, [{"item": "tea"}]], True),
        ([({"item": "tea"},)], True),
        ([["a", "b"]], False),
        ([[], []], False),
        (["text"], False),
        ([{"item": "tea"}], False),
    ],
)
def test_an_unused_column_of_records_is_a_warning(values, is_list):
    """Lists of texts are ordinary columns."""
    df = frame(len(values), orders=cells(*values))
    assert bool(details(mf.Code.UNUSED_LIST, df)) == is_list
    assert details(mf.Code.UNUSED_LIST, df, text_body="{{ orders | default([]) | length }}") == []
    given = {"tag": lambda frame: frame["orders"].map(str).str[:9]}
    assert details(mf.Code.UNUSED_LIST, df, **given) == []


@pytest.mark.parametrize("between", [", ", " | ", "</a> <a>"])
def test_a_list_of_languages_needs_no_direction(between):
    """Each name is one word, which is shown right."""
    markup = f"<p><a>English</a> <a>{SHALOM}{between}{SHALOM}</a></p>"
    assert details(mf.Code.NO_TEXT_DIRECTION, html_body=markup) == []


def test_a_text_made_from_the_html_has_its_links():
    """There is no text template to compare."""
    link = '<a href="https://acme.example/renew">Renew</a>'
    assert details(mf.Code.DIFFERENT_LINKS, html_body=link, text_body="auto") == []
    assert details(mf.Code.DIFFERENT_LINKS, html_body=link, text_body="Auto") != []
