"""Markdown letters: what is sent, and what messages say."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from html import unescape
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe.errors import LetterError
from mailframe.limits import UNSUBSCRIBE_PLACEHOLDER
from mailframe.message.binding import rebound
from mailframe.message.render import Renderer
from mailframe.review.preview.masking import MaskingEnvironment
from tests.browser.attacks import BREAKOUTS, FORMS, LINKS, LOADS, SCRIPTS
from tests.message.columnar.both_ways import compare

if TYPE_CHECKING:
    from pathlib import Path

FIELDS: dict[str, Any] = {
    "sender": "Acme <hello@acme.dev>",
    "to": "{{ email }}",
    "subject": "Hi",
}
MARKDOWN = """\
# Hello {{ name }}

You have **{{ name }}**, _{{ name }}_ and `{{ name }}` in \
[{{ name }}](https://acme.dev/?q={{ name | urlencode }}).

| Item | Note |
|------|------|
{% for item in [name, name] %}
| {{ item }} | {{ item | upper }} |
{% endfor %}

{% if name %}
- {{ name }}
{% else %}
- nothing
{% endif %}
"""
HTML = """\
<h1>Hello {{ name }}</h1>
<p>You have <strong>{{ name }}</strong>, <em>{{ name }}</em> and <code>{{ name }}</code> in \
<a href="https://acme.dev/?q={{ name | urlencode }}">{{ name }}</a>.</p>
<table class="mf-data" width="100%" border="0" cellpadding="0" cellspacing="0">
<thead>
<tr>
<th>Item</th>
<th>Note</th>
</tr>
</thead>
<tbody>
{% for item in [name, name] %}
<tr>
<td>{{ item }}</td>
<td>{{ item | upper }}</td>
</tr>
{% endfor %}
</tbody>
</table>
<ul>
{% if name %}
<li>{{ name }}</li>
{% else %}
<li>nothing</li>
{% endif %}
</ul>
"""


def frame_of(*names: object) -> pd.DataFrame:
    """People with these names."""
    emails = [f"p{i}@example.com" for i in range(len(names))]
    return pd.DataFrame({"email": emails, "name": list(names)})


def composed(frame: pd.DataFrame, markdown: str, **fields: Any) -> Any:
    """A campaign of a Markdown letter."""
    return frame.mail.compose(mf.Letter(**FIELDS, markdown_body=markdown, **fields))


def bodies(frame: pd.DataFrame, markdown: str, **fields: Any) -> tuple[str, str]:
    """The HTML and the text of the first row."""
    row = composed(frame, markdown, **fields).messages().iloc[0]
    return row["HtmlBody"], row["TextBody"]


# --- cells are data -------------------------------------------------------------------------------

TEXTS = st.text(
    st.characters(
        exclude_categories=("Cs", "Cc", "Cn"), include_characters="*_|<>`[]()#-=\n&\"'{}%"
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_a_cell_prints_as_in_the_html_that_the_markdown_stands_for(names):
    """No character of a cell is Markdown, a template or markup."""
    frame = frame_of(*names)
    made = composed(frame, MARKDOWN, layout="none").messages()
    plain = frame.mail.compose(mf.Letter(**FIELDS, html_body=HTML)).messages()
    assert list(made["HtmlBody"]) == list(plain["HtmlBody"])


@settings(max_examples=40, deadline=None)
@given(TEXTS)
def test_a_cell_prints_as_it_is_in_the_text_part(name):
    """Text parts escape nothing."""
    _, text = bodies(frame_of(name), "a{{ name }}b", layout="none")
    assert text == f"a{name}b"


ATTACKS = [
    attack.body("http://127.0.0.1:9").encode("utf-8", "replace").decode()
    for attack in (*SCRIPTS, *LINKS, *FORMS, *LOADS, *BREAKOUTS)
]


@pytest.mark.parametrize("layout", ["none", "card", "plain"])
def test_attacks_in_cells_are_text(layout):
    """Each of them is printed once, escaped, in every place of the letter."""
    frame = frame_of(*ATTACKS)
    made = composed(frame, "# {{ name }}\n\n**{{ name }}**\n", layout=layout)
    empty, _ = bodies(frame_of("x"), "# {{ name }}\n\n**{{ name }}**\n", layout=layout)
    for attack, html in zip(ATTACKS, made.messages()["HtmlBody"], strict=True):
        assert html.count("<") == empty.count("<")
        assert unescape(html).count(attack) >= 2


def test_attacks_in_macros_are_text():
    """The macros of mailframe escape their arguments as any template does."""
    markdown = (
        '{% from "mailframe/macros.html" import button, metric, callout, image %}\n'
        "{{ button(name, name) }}\n{{ metric(name, name, name) }}\n"
        "{{ callout(name, name) }}\n{{ image(name, name, url=name) }}"
    )
    empty, _ = bodies(frame_of("x"), markdown)
    for html in composed(frame_of(*ATTACKS), markdown).messages()["HtmlBody"]:
        assert html.count("<") == empty.count("<")


# --- the message ----------------------------------------------------------------------------------


def test_html_and_text_are_made_from_one_source():
    """The layout is that of cards, and the text has the same words."""
    html, text = bodies(frame_of("Ann"), "# Hello {{ name }}\n\nSee [this](https://acme.dev).")
    assert "<h1>Hello Ann</h1>" in html
    assert html.startswith("<!DOCTYPE html>")
    assert text == "Hello Ann\n\nSee this (https://acme.dev).\n"


def test_a_text_body_replaces_the_text():
    """It is a template of its own."""
    html, text = bodies(frame_of("Ann"), "**Hello**", text_body="Dear {{ name }}", layout="none")
    assert (html, text) == ("<p><strong>Hello</strong></p>", "Dear Ann")


def test_placeholders_of_postmark_stay():
    """In texts and in links."""
    html, text = bodies(frame_of("Ann"), "{{{ pm:unsubscribe }}} [a]({{ unsubscribe_url }})")
    assert html.count(UNSUBSCRIBE_PLACEHOLDER) == 2
    assert text.count(UNSUBSCRIBE_PLACEHOLDER) == 2


def test_markdown_and_html_together_are_refused():
    """One of them would not be sent."""
    with pytest.raises(LetterError, match="both a markdown_body and a html_body"):
        mf.Letter(**FIELDS, markdown_body="a", html_body="b")


def test_markdown_of_each_row_is_refused():
    """It is converted once; a cell of Markdown would be a template."""
    with pytest.raises(LetterError, match="markdown_body is a function; it is text"):
        mf.Letter(**FIELDS, markdown_body=lambda frame: frame["name"])


def test_both_paths_make_the_same_messages():
    """With blocks, macros, loops and missing values; the columnar path does them all."""
    markdown = (
        MARKDOWN + '\n{% from "mailframe/macros.html" import button %}\n'
        '{{ button(name, "https://acme.dev") }}\n'
    )
    frame = frame_of("Ann", "B*b|<i>", None, "{{ x }}", "Zoë")
    for layout in ("card", "plain", "none"):
        letter = mf.Letter(**FIELDS, markdown_body=markdown, layout=layout)
        bound = frame.mail.compose(letter)._composed.bound
        made = compare(bound, live=False, chunk_rows=2)
        assert made.columnar.plain_rows <= 3  # a missing name, and texts with warnings


def test_the_tour_finds_the_branches_of_the_markdown():
    """Each once, with its line, and none of the layout."""
    frame = frame_of("Ann", "Bob")
    tour = composed(frame, MARKDOWN).tour()
    assert [(branch.template, branch.line, branch.text) for branch in tour.untaken] == [
        ("markdown_body", 7, "{% for item in [name, name] %} with no items"),
        ("markdown_body", 7, "{% for item in [name, name] %} with one item"),
        ("markdown_body", 13, "{% else %} of {% if name %}"),
    ]


def test_a_masked_preview_masks_values_alone():
    """The texts of the letter and of its layout can be read."""
    theme = {"company": "Acme"}
    bound = composed(
        frame_of("Ann"), "Hello **{{ name }}**", constants={"theme": theme}
    )._composed.bound
    masking = rebound(bound, MaskingEnvironment)
    values = next(iter(Renderer(masking).drafts())).values  # noqa: PD011 - of a draft
    assert "<p>Hello <strong>Xxx</strong></p>" in values["html_body"]
    assert values["text_body"].startswith("Acme\n\nHello Xxx\n")


def test_a_letter_can_be_copied_and_pickled():
    """Another process converts it again."""
    letter = mf.Letter(**FIELDS, markdown_body="# {{ name }}", layout="plain")
    pickled = pickle.loads(pickle.dumps(letter))  # noqa: S301 - its own
    for other in (pickled, copy.deepcopy(letter), letter.replace()):
        assert (other.markdown_body, other.layout) == ("# {{ name }}", "plain")


BLOCKED = """
import sys
sys.modules["markdown_it"] = sys.modules["yaml"] = None
import pandas as pd
import mailframe as mf
frame = pd.DataFrame({"email": ["ann@example.com"]})
fields = {"sender": "a@acme.dev", "to": "{{ email }}", "subject": "Hi"}
frame.mail.compose(mf.Letter(**fields, html_body="Hi", layout="card"))
for make in (
    lambda: frame.mail.compose(mf.Letter(**fields, markdown_body="Hi")),
    lambda: mf.Letter.load(sys.argv[1]),
):
    try:
        make()
    except mf.errors.MissingExtra as error:
        print(error)
"""


def test_without_the_extra_the_message_says_how_to_install_it(tmp_path: Path):
    """Other letters need nothing of it, also with a layout."""
    path = tmp_path / "renewal.md"
    path.write_text("---\nto: x\n---\n")
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.count('pip install "mailframe[markdown]"') == 2


# --- messages that name the line ------------------------------------------------------------------


def refusal(markdown: str, **fields: Any) -> str:
    """The error of a letter with one row."""
    with pytest.raises(LetterError) as caught:
        composed(frame_of("Ann"), markdown, **fields)
    return str(caught.value)


@pytest.mark.parametrize(
    ("markdown", "words"),
    [
        ("# Hi\n\n{% if name %}\nx", "markdown_body, line 4: {% if … %} is not closed"),
        ("# Hi\n\n{{ name | upcase }}", "markdown_body, line 3: No filter named 'upcase'"),
        ("# Hi\n\n- a\n- {{ nam }}", "'nam' in markdown_body, line 4 (did you mean name?)"),
        (
            "# Hi\ntext\n\n<a href={{ name }}>x</a>",
            "markdown_body, line 4: href={{ … }} has no quotes",
        ),
        ("a\n\n<style>\n{{ name }}\n</style>", "markdown_body, line 4: a value is inside <style>"),
        ("a\n\n{% break %}", "markdown_body, line 3: {% break %} is outside of a loop"),
        ("a\n\n{{ name.__class__ }}", "markdown_body, line 3: a template cannot access"),
        (
            'a\n\n{% include "a.html" %}',
            "markdown_body, line 3: the letter has no folder with 'a.html'",
        ),
        ("- {% if name %}x\n- y{% endif %}", "markdown_body, line 1: {% if name %} and"),
        ("a\n\n{{ name }} \ufdd3", "noncharacter"),
    ],
)
def test_errors_have_the_line_of_the_markdown(markdown, words):
    """Whatever finds them: jinja2, the columns, or the check of values in HTML."""
    assert words in refusal(markdown)


def test_a_problem_of_a_row_is_reported_once_with_its_line():
    """Both parts have it, and it is one place of the Markdown."""
    problems = composed(frame_of("Ann", None), "# Hi\n\nDear\n{{ name }}").problems()
    assert list(problems["field"]) == ["markdown_body"]
    assert problems["detail"].iloc[0].startswith("line 4: column 'name' has no value")


def test_warnings_have_the_line_of_the_markdown():
    """Such as that of ``safe``."""
    problems = composed(frame_of("Ann"), "# Hi\n\n{{ name | safe }}").problems()
    assert list(problems["field"]) == ["markdown_body"]
    assert problems["detail"].iloc[0].startswith("markdown_body, line 3: | safe")


# --- files ----------------------------------------------------------------------------------------


def test_a_folder_can_have_a_body_in_markdown(tmp_path: Path):
    """``body.md`` beside ``subject.txt`` and ``letter.toml``."""
    (tmp_path / "subject.txt").write_text("Hi\n")
    (tmp_path / "letter.toml").write_text(
        'sender = "hello@acme.dev"\nto = "{{ email }}"\nlayout = "none"\n'
    )
    (tmp_path / "body.md").write_text("**{{ name }}**\n")
    row = frame_of("Ann").mail.compose(mf.Letter.load(tmp_path)).messages().iloc[0]
    assert row["HtmlBody"] == "<p><strong>Ann</strong></p>"
    (tmp_path / "body.html").write_text("x")
    with pytest.raises(LetterError, match="both a markdown_body and a html_body"):
        mf.Letter.load(tmp_path)


def test_templates_of_html_have_a_twin_for_the_text(tmp_path: Path):
    """``sig.txt`` is the text of ``sig.html``; without it, HTML would be in the text part."""
    (tmp_path / "sig.html").write_text("<b>Acme</b>")
    markdown = 'Hi\n\n{% include "sig.html" %}'
    letter = {"folder": tmp_path, "layout": "none"}
    assert "line 3: the text part cannot use sig.html; write sig.txt" in refusal(markdown, **letter)
    (tmp_path / "sig.txt").write_text("ACME")
    html, text = bodies(frame_of("Ann"), markdown, **letter)
    assert "<b>Acme</b>" in html
    assert text == "Hi\n\nACME"
    html, text = bodies(frame_of("Ann"), markdown, text_body="x", **letter)
    assert text == "x"


def test_a_fingerprint_changes_with_markdown_layout_and_theme():
    """What was checked is what is sent."""
    frame = frame_of("Ann")
    letters = [
        {"markdown_body": "a"},
        {"markdown_body": "b"},
        {"markdown_body": "a", "layout": "plain"},
        {"markdown_body": "a", "constants": {"theme": {"brand": "#111111"}}},
    ]
    made = [frame.mail.compose(mf.Letter(**FIELDS, **fields)).fingerprint for fields in letters]
    assert len(set(made)) == len(letters)
    again = frame.mail.compose(mf.Letter(**FIELDS, **letters[0])).fingerprint
    assert again == made[0]
