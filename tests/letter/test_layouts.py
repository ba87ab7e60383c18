"""Layouts and their theme."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailframe as mf
from mailframe.errors import LetterError
from mailframe.letter.layouts.colors import contrast
from mailframe.letter.layouts.theme import whole_theme
from mailframe.limits import UNSUBSCRIBE_PLACEHOLDER
from mailframe.message.binding import bind
from tests.message.columnar.both_ways import assert_same

if TYPE_CHECKING:
    from pathlib import Path

FRAME = pd.DataFrame({"email": ["ann@example.com"], "name": ["Ann & <b>"], "vip": [True]})
FIELDS: dict[str, Any] = {"sender": "hello@acme.dev", "to": "{{ email }}", "subject": "Hi"}
BUTTON = '{% from "mailframe/macros.html" import button %}\n{{ button("a", "https://a.dev") }}'
THEME = {"company": "Smith & <Sons>", "address": "1 High Street", "brand": "#0b5"}


def bodies(theme: object = None, **fields: Any) -> tuple[str, str]:
    """The HTML and the text of a letter."""
    if theme is not None:
        fields["constants"] = {"theme": theme}
    row = FRAME.mail.compose(mf.Letter(**FIELDS, **fields)).messages().iloc[0]
    text = row.get("TextBody")
    return row["HtmlBody"], text if text is None else text.rstrip("\n")


def refusal(theme: object = None, **fields: Any) -> str:
    """The error of a letter."""
    with pytest.raises(LetterError) as caught:
        bodies(theme, **({"markdown_body": "Hi"} | fields))
    return str(caught.value)


# --- which layout ---------------------------------------------------------------------------------


def test_markdown_has_cards_by_default_and_html_has_no_layout():
    """``none`` leaves a layout out, ``card`` adds it."""
    assert "mf-card" in bodies(markdown_body="Hi")[0]
    assert bodies(markdown_body="Hi", layout="none")[0] == "<p>Hi</p>"
    assert bodies(html_body="<p>Hi</p>")[0] == "<p>Hi</p>"
    assert "mf-card" in bodies(html_body="<p>Hi</p>", layout="card")[0]
    html, _ = bodies(markdown_body="Hi", layout="plain")
    assert "mf-page" in html
    assert 'class="mf-card' not in html


def test_a_layout_frames_both_parts():
    """Also those of a letter that is not Markdown."""
    html, text = bodies(THEME, html_body="<p>{{ name }}</p>", text_body="{{ name }}", layout="card")
    assert "<p>Ann &amp; &lt;b&gt;</p>" in html
    assert "<strong>Smith &amp; &lt;Sons&gt;</strong> &middot; 1 High Street" in html
    assert text == "Smith & <Sons>\n\nAnn & <b>\n\n--\nSmith & <Sons>, 1 High Street"


def test_a_text_from_the_html_has_the_layout_once():
    """``auto`` is no template, so it gets no layout of its own."""
    _, text = bodies(THEME, html_body="Hi {{ name }}", text_body="auto", layout="card")
    assert text is not None
    assert "auto" not in text
    assert text.count("Hi Ann & <b>") == 1
    assert text.count("1 High Street") == 1


@pytest.mark.parametrize("field", ["html_body", "text_body"])
def test_blocks_of_a_layout_need_the_block_content_beside_them(field):
    """Otherwise the preheader would be printed a second time, in the content."""
    block = "preheader" if field == "html_body" else "header"
    body = f"{{% block {block} %}}Soon{{% endblock %}}Hi"
    given = {"markdown_body": None, "html_body": "Hi", "text_body": "Hi", "layout": "card"}
    assert "no {% block content %}" in refusal(**given | {field: body})
    whole = "{% block preheader %}Soon{% endblock %}{% block content %}Hi{% endblock %}"
    assert bodies(html_body=whole, layout="card")[0].count("Soon") == 1


def test_an_unknown_layout_is_refused():
    """With near names."""
    assert "there is no layout 'crad' (did you mean card?)" in refusal(layout="crad")
    assert "layout is a int; it is text" in refusal(layout=3)


@pytest.mark.parametrize("field", ["markdown_body", "html_body"])
def test_a_layout_of_ones_own(tmp_path: Path, field):
    """With a twin for the text part; it can extend one of mailframe."""
    (tmp_path / "base.html").write_text(
        '{% extends "mailframe/plain.html" %}{% block header %}<tr><td>MINE</td></tr>{% endblock %}'
    )
    html, text = bodies(**{field: "Hi"}, layout="base.html", folder=tmp_path)
    assert "<td>MINE</td>" in html
    assert text in ("Hi", None)
    (tmp_path / "base.txt").write_text("MINE\n{% block content %}{% endblock %}\n-- ")
    _, text = bodies(**{field: "Hi"}, layout="base.html", folder=tmp_path)
    assert text in ("MINE\nHi\n-- ", None)


def test_a_layout_without_content_is_refused(tmp_path: Path):
    """Its letters would all be empty."""
    (tmp_path / "base.html").write_text("<p>Hi</p>")
    words = "layout='base.html' has no {% block content %}"
    assert words in refusal(layout="base.html", folder=tmp_path)


def test_a_layout_and_extends_together_are_refused(tmp_path: Path):
    """One of them would not be used."""
    (tmp_path / "base.html").write_text("<main>{% block content %}{% endblock %}</main>")
    markdown = '{% extends "base.html" %}\n\n{% block content %}\n**Hi**\n{% endblock %}'
    assert "the Markdown has {% extends … %}" in refusal(
        markdown_body=markdown, layout="card", folder=tmp_path
    )
    html, text = bodies(markdown_body=markdown, folder=tmp_path)
    assert "<main>" in html
    assert "<p><strong>Hi</strong></p>" in html
    assert text.strip() == "Hi"


def test_a_layout_needs_templates(tmp_path: Path):
    """Syntax errors of a body and of a layout have their lines."""
    words = "a layout needs a html_body that is a template"
    fields: dict[str, Any] = {"markdown_body": None, "layout": "card"}
    assert words in refusal(html_body=lambda frame: frame["name"], **fields)
    assert "html_body, line 2: " in refusal(html_body="a\n{{ name", **fields)
    assert "html_body has {% extends … %}" in refusal(
        html_body='{% extends "mailframe/card.html" %}', **fields
    )
    (tmp_path / "base.html").write_text("a\n{% if %}{% block content %}{% endblock %}")
    assert "base.html, line 2: " in refusal(layout="base.html", folder=tmp_path)


# --- blocks ---------------------------------------------------------------------------------------


def test_blocks_of_a_layout_can_be_overridden():
    """In Markdown; the text part has no preheader."""
    html, text = bodies(
        THEME,
        markdown_body=(
            "{% set who = name %}\n"
            "{% block preheader %}For *{{ who }}*{% endblock %}\n\n"
            "# Hello\n\n"
            "{% block footer %}\n<tr><td>Bye, {{ who }}</td></tr>\n{% endblock %}\n\nLast"
        ),
    )
    hidden, _, rest = html.partition('<table role="presentation"')
    assert "For <em>Ann &amp; &lt;b&gt;</em></div>" in hidden
    content, _, footer = rest.partition("<p>Last</p>")
    assert "Bye" not in content
    assert "<td>Bye, Ann &amp; &lt;b&gt;</td>" in footer
    assert text == "Smith & <Sons>\n\nHello\n=====\n\nLast\n\nBye, Ann & <b>"


def test_html_with_a_block_of_content_has_its_blocks():
    """And is not put into ``content`` once more."""
    html, _ = bodies(
        html_body="{% block footer %}F{% endblock %}{% block content %}C{% endblock %}",
        layout="card",
    )
    assert html.index(">\nC\n<") < html.index("\nF</table>")


# --- macros ---------------------------------------------------------------------------------------


def test_macros_have_a_form_for_the_text_part():
    """So one source serves both parts."""
    _, text = bodies(
        markdown_body=(
            '{% from "mailframe/macros.html" import button, metric, callout, divider, image %}\n'
            '{{ button("Go", "https://acme.dev") }}\n\n{{ metric("Seats", 3, note="all") }}\n\n'
            '{{ callout("Now", title="New") }}\n\n{{ divider() }}\n\n'
            '{{ image("https://acme.dev/a.png", "A chart") }}'
        )
    )
    lines = ("Go: https://acme.dev", "Seats: 3 (all)", "New: Now", "-" * 20, "A chart")
    assert text == "\n\n".join(lines)


def test_a_callout_can_have_markdown_in_it():
    """Between ``{% call %}`` and ``{% endcall %}``; a value in it stays data."""
    html, text = bodies(
        markdown_body=(
            '{% from "mailframe/macros.html" import callout %}\n'
            '{% call callout(title="Note") %}\nYour **plan** is {{ plan }}.\n\n- a\n{% endcall %}\n'
        ),
        constants={"plan": "*a* <b>"},
        layout="none",
    )
    inside = re.search('<td class="mf-panel".*?</td>', html, re.DOTALL)[0]
    assert "<p>Your <strong>plan</strong> is *a* &lt;b&gt;.</p>" in inside
    assert "<li>a</li>" in inside
    assert text.split() == ["Note:", "Your", "plan", "is", "*a*", "<b>.", "-", "a"]


def test_a_template_of_mailframe_that_does_not_exist_is_refused():
    """With near names."""
    words = "mailframe has no template 'mailframe/macro.html' (did you mean mailframe/macros.html"
    assert words in refusal(markdown_body='{% from "mailframe/macro.html" import button %}')


# --- theme ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theme", "words"),
    [
        ({"bran": "#000"}, "theme has no key 'bran' (did you mean brand"),
        ("red", "the constant theme is a str"),
        ({"brand": 3}, "theme['brand'] is a int; give text"),
        ({"brand": "red;} body{display:none"}, "which is no value of CSS"),
        ({"font": "</style><script>"}, "which is no value of CSS"),
        ({"width": "600px"}, "give a number of pixels"),
        ({"width": True}, "give a number of pixels"),
        ({"width": 0}, "give a number of pixels"),
        ({"company": "{{ name }}"}, "a theme is the same in every row"),
    ],
)
def test_a_wrong_theme_is_refused(theme, words):
    """Before anything is rendered."""
    assert words in refusal(theme)


def test_short_colors_are_written_out():
    """Outlook does not read #0b5."""
    html, _ = bodies(
        THEME,
        markdown_body=BUTTON,
    )
    assert "#00bb55" in html
    assert "#0b5;" not in html


@pytest.mark.parametrize(
    ("brand", "text"),
    [
        ("#ffffff", "#111827"),
        ("#000000", "#ffffff"),
        ("#0b5", "#111827"),
        ("#2456e6", "#ffffff"),
        ("#767676", "#ffffff"),
        ("#e8590c", "#111827"),
        ("teal", "#ffffff"),
    ],
)
def test_the_text_of_a_button_can_be_read(brand, text):
    """White, unless its contrast is below 4.5 to 1 and that of dark gray is higher."""
    html, _ = bodies(
        {"brand": brand},
        markdown_body=BUTTON,
    )
    assert f"color:{text};text-decoration:none" in html


@given(st.integers(0, 0xFFFFFF))
def test_the_colors_of_a_theme_can_be_read(number):
    """Links on white and in dark mode, and the text of buttons, whatever the color of the brand."""
    theme = whole_theme({"brand": f"#{number:06x}"})
    assert contrast(theme["link"], "#ffffff") >= 4.5
    assert contrast(theme["brand_dark"], "#1f242b") >= 4.5
    assert contrast(theme["on_brand"], theme["brand"]) >= 4


def test_a_readable_brand_is_the_color_of_links():
    """A pale one is darkened, and ``link`` is used as it is."""
    assert whole_theme({"brand": "#2456e6"})["link"] == "#2456e6"
    assert whole_theme({"brand": "#ffd400", "link": "#ff0"})["link"] == "#ffff00"
    html, _ = bodies({"brand": "#ffd400"}, markdown_body="[a](https://acme.dev)")
    assert ".mf-content a { color: #8c7500; }" in html


@pytest.mark.parametrize(
    ("stream", "has_link"),
    [(None, False), ("outbound", False), ("broadcast", True), ("{{ name }}", False)],
)
def test_letters_of_broadcast_streams_have_a_link_to_unsubscribe(stream, has_link):
    """In both parts."""
    fields = {} if stream is None else {"message_stream": stream}
    for body in bodies(THEME, markdown_body="Hi", **fields):
        assert (UNSUBSCRIBE_PLACEHOLDER in body) is has_link


def test_the_link_to_unsubscribe_can_be_changed():
    """Its text is another one, or it is left out."""
    html, text = bodies({"unsubscribe": "Abmelden"}, markdown_body="Hi")
    assert f'<a href="{UNSUBSCRIBE_PLACEHOLDER}"' in html
    assert text.endswith(f"--\nAbmelden: {UNSUBSCRIBE_PLACEHOLDER}")
    html, _ = bodies({"unsubscribe": ""}, markdown_body="Hi", message_stream="broadcast")
    assert UNSUBSCRIBE_PLACEHOLDER not in html


def test_a_logo_replaces_the_name():
    """With its alternative text, and another one for dark backgrounds."""
    logo = {
        "logo": "https://acme.dev/l.png",
        "logo_dark": "https://acme.dev/d.png",
        "company": "Acme",
    }
    html, _ = bodies(logo, markdown_body="Hi")
    assert 'src="https://acme.dev/l.png" alt="Acme" width="140"' in html
    assert 'class="mf-dark" src="https://acme.dev/d.png"' in html


def test_a_theme_is_a_constant_of_other_templates_too():
    """One key of it can stand in ``<style>``, whatever the others contain."""
    theme = {"brand": "#0b5", "font": "'Inter', sans-serif"}
    html, _ = bodies(theme, html_body="<style>h1 { color: {{ theme.brand }} }</style>")
    assert "color: #0b5" in html
    with pytest.raises(LetterError, match="constant inside <style> contains a quote"):
        bodies(theme, html_body="<style>h1 { font: {{ theme.font }} }</style>")
    with pytest.raises(LetterError, match="constant inside <style> contains a quote"):
        bodies(theme, html_body="<style>h1 { font: {{ theme['font'] }} }</style>")


def test_the_layouts_have_no_problems():
    """The checks of letters find nothing in them."""
    for layout in ("card", "plain"):
        letter = mf.Letter(
            **FIELDS,
            markdown_body="# Hi\n\nText",
            layout=layout,
            constants={
                "theme": {**THEME, "logo": "https://acme.dev/l.png", "website": "https://acme.dev"}
            },
            message_stream="broadcast",
        )
        assert FRAME.mail.compose(letter).problems().empty


def test_rules_for_phones_win_over_inlined_styles():
    """Styles that ``inline_css`` writes into the tags would else keep the sizes of the desktop."""
    html, _ = bodies(THEME, markdown_body="# Hi")
    phone = html.partition("max-width: 600px) {")[2].partition("</style>")[0]
    assert ".mf-content h1 { font-size: 23px !important; }" in phone


# --- empty content --------------------------------------------------------------------------------


@pytest.mark.sampled(3)
@pytest.mark.parametrize("layout", ["card", "plain"])
@pytest.mark.parametrize("body", ["markdown_body", "html_body"])
@pytest.mark.parametrize(
    ("source", "empty"),
    [
        ("", [0, 1]),
        ("{% if vip %}\nHi\n{% endif %}\n", [1]),
        ("{% for n in names %}\n{{ n }}\n{% endfor %}\n", [0]),
        ("{% if vip %}\nHi\n{% else %}\nHo\n{% endif %}\n", []),
        ("Hi\n\n{% if vip %}\nHo\n{% endif %}\n", []),
    ],
)
def test_a_layout_without_content_is_an_empty_body(layout, body, source, empty):
    """In both paths; the header and the footer are no content."""
    frame = pd.DataFrame(
        {"email": ["a@acme.dev", "b@acme.dev"], "vip": [True, False], "names": [[], ["Ann"]]}
    )
    letter = mf.Letter(**FIELDS, **{body: source}, layout=layout, constants={"theme": THEME})
    problems = frame.mail.compose(letter).problems()
    assert problems["row"].tolist() == empty
    assert set(problems["code"]) <= {"empty_body"}
    assert assert_same(bind(letter, frame)) == len(empty)
    inlined = frame.mail.compose(letter.replace(inline_css=True)).problems()
    assert inlined["row"].tolist() == empty


def test_nothing_stands_beside_a_button():
    """It is in a table of its own, which does not float: metrics before it stay above it."""
    html, _ = bodies(markdown_body=BUTTON, layout="none")
    outer, _, inner = html.partition('class="mf-button"')
    assert 'width="100%"' in outer
    assert "<td align=" in outer
    assert "align=" not in inner.partition(">")[0]
    assert not re.search("<table[^>]* align=", html)


@pytest.mark.parametrize(("title", "text"), [("New", "New: Now"), ("Busy?", "Busy? Now")])
def test_the_title_of_a_callout_in_text_has_one_sign_at_its_end(title, text):
    """A colon, if it has none."""
    markdown = (
        '{% from "mailframe/macros.html" import callout %}\n{{ callout("Now", title="'
        + title
        + '") }}'
    )
    assert bodies(markdown_body=markdown, layout="none")[1] == text
