"""inline_css and text_body="auto": made of the rendered HTML, and checked like any other part."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import mailframe as mf
from mailframe.errors import LetterError
from mailframe.message.binding import bind
from mailframe.message.checked_rows import checked_messages
from mailframe.message.fingerprint import letter_digest
from mailframe.message.preflight import run_preflight
from tests.composing import compose, frame

if TYPE_CHECKING:
    import pandas as pd

STYLED = "<style>p { color: red } @media screen { p { top: 0 } }</style><p>Hi {{ name }}</p>"


def codes(campaign: mf.Campaign) -> list[str]:
    """The codes of all problems."""
    return campaign.problems()["code"].tolist()


def message(**fields) -> pd.Series:
    """The message of one row."""
    return compose(frame(name=["Ann <3"]), **fields).messages().iloc[0]


def test_the_styles_are_in_the_tags():
    """The cell stays escaped, and the <style> element stays."""
    made = message(html_body=STYLED, inline_css=True)
    assert made["HtmlBody"] == STYLED.replace("<p>", '<p style="color: red;">').replace(
        "{{ name }}", "Ann &lt;3"
    )


def test_the_text_is_made_of_the_html():
    """As a reader sees it: the cell as it is, the link with its address."""
    html = STYLED + '<a href="https://acme.example/{{ name | urlencode }}">See</a>'
    assert message(html_body=html, text_body="auto")["TextBody"] == (
        "Hi Ann <3\n\nSee (https://acme.example/Ann%20%3C3)"
    )


def test_only_this_text_means_it():
    """Any other text is a template, and so is a column with this text."""
    html = "<p>Hi</p>"
    assert message(html_body=html, text_body="Auto")["TextBody"] == "Auto"
    assert message(html_body=html, text_body="auto\n")["TextBody"] == "auto"
    assert message(html_body=html, text_body=lambda df: df["name"] + " auto")["TextBody"] == (
        "Ann <3 auto"
    )
    assert message(html_body=html, text_body="{{ 'auto' }}")["TextBody"] == "auto"


def test_the_text_leaves_out_what_the_styles_hide():
    """Styles are written into the tags first."""
    html = "<style>.pre { display: none }</style><div class=pre>Preheader</div><p>Text"
    assert message(html_body=html, text_body="auto", inline_css=True)["TextBody"] == "Text"


@pytest.mark.parametrize("layout", ["card", "plain", "none"])
def test_letters_with_markdown_or_a_layout_can_have_them(layout):
    """The text is that of the HTML in its layout, and never the word auto."""
    fields = {"layout": layout, "text_body": "auto", "inline_css": True}
    for body in ({"markdown_body": "# Hi {{ name }}"}, {"html_body": "<h1>Hi {{ name }}</h1>"}):
        made = message(**body, **fields)
        assert made["TextBody"] == "Hi Ann <3"
        assert ('<h1 style="color:' in made["HtmlBody"]) is (layout != "none")


@pytest.mark.parametrize("fields", [{"inline_css": True}, {"text_body": "auto"}])
def test_they_need_html(fields):
    """Without it the letter is refused, with the setting."""
    with pytest.raises(LetterError, match="needs an html_body"):
        compose(frame(), **{"text_body": "x", "html_body": None} | fields)


def test_the_switch_is_true_or_false():
    """As the other switches of a letter."""
    with pytest.raises(LetterError, match="inline_css='yes'; write True or False"):
        mf.Letter(inline_css="yes")


def test_a_row_whose_html_fails_has_one_problem():
    """There is no text of it either."""
    campaign = compose(
        frame(name=["Ann", None]), html_body=STYLED, text_body="auto", inline_css=True
    )
    found = campaign.problems()
    assert found[["row", "field", "code"]].to_numpy().tolist() == [
        [1, "html_body", "missing_value"]
    ]
    assert campaign.messages()["TextBody"].isna().tolist() == [False, True]


def test_what_cannot_be_inlined_is_a_problem_of_the_row():
    """The others are sent."""
    html = "<style>p { top: 0 }</style>{{ x | safe }}<p>x"
    campaign = compose(frame(x=["", "<div>" * 300]), html_body=html, inline_css=True)
    errors = campaign.problems().query("severity == 'error'")
    assert errors[["row", "field", "code"]].to_numpy().tolist() == [
        [1, "html_body", "template_error"]
    ]
    assert "nested" in errors["detail"].iloc[0]


def test_html_that_cannot_be_read_is_a_problem_of_the_text():
    """The HTML itself may be sent; the row is not."""
    campaign = compose(frame(x=["<p>" * 100_001]), html_body="{{ x | safe }}", text_body="auto")
    errors = campaign.problems().query("severity == 'error'")
    assert errors[["field", "code"]].to_numpy().tolist() == [["text_body", "template_error"]]


def test_what_was_checked_is_what_is_sent():
    """Row by row and in large frames alike, and made again with the same bytes."""
    people = frame(1_200, name=[f"N{n}" for n in range(1_200)])
    campaign = compose(people, html_body=STYLED, text_body="auto", inline_css=True)
    bodies = [one.body for batch in campaign.batches() for one in batch.messages]
    alone = [campaign.message(n).body for n in (0, 999, 1_199)]
    assert [bodies[n] for n in (0, 999, 1_199)] == alone
    bound = bind(campaign.letter, people)
    preflight = run_preflight(bound, people, (), live=False)
    again = checked_messages(bound, replace(preflight, bodies=None))
    assert [one.body for one in again] == bodies


def test_the_limits_see_the_inlined_html():
    """A body that is too large with its styles is an error."""
    rule = f"<style>p {{ font-family: '{'x' * 2_000}' }}</style>"
    campaign = compose(frame(), html_body=rule + "<p>" * 2_600, inline_css=True)
    assert "body_too_large" in codes(campaign)
    assert "body_too_large" not in codes(compose(frame(), html_body=rule + "<p>" * 2_600))


def test_links_of_styles_are_checked():
    """An inline image that only a rule shows is used."""
    image = mf.Attachment("a.png", b"x", content_id="a.png")
    html = "<style>p { background: url(cid:a.png) }</style><p>{{ name }}"
    campaign = compose(frame(name=["x"]), html_body=html, attachments=image, inline_css=True)
    assert codes(campaign) == []


def test_a_broadcast_needs_no_other_text():
    """The link to unsubscribe is in the text because it is in the HTML."""
    html = '<p>Hi</p><a href="{{{ pm:unsubscribe }}}">Unsubscribe</a>'
    campaign = compose(frame(), html_body=html, text_body="auto", message_stream="broadcast")
    assert codes(campaign) == []
    assert "({{{ pm:unsubscribe }}})" in campaign.messages()["TextBody"].iloc[0]
    without = compose(frame(), html_body="<p>x", text_body="auto", message_stream="broadcast")
    assert codes(without) == ["no_unsubscribe"]


def test_the_settings_are_in_the_fingerprint():
    """Each of them makes another letter; a letter without them has the digest of before."""
    people = frame(name=["Ann"])
    base = {"sender": "a@acme.example", "to": "{{ email }}", "subject": "s", "html_body": STYLED}
    digests = [
        letter_digest(bind(mf.Letter(**base, **fields), people))
        for fields in (
            {},
            {"inline_css": True},
            {"text_body": "auto"},
            {"text_body": "{{ 'auto' }}"},
        )
    ]
    assert len(set(digests)) == len(digests)


def test_a_masked_preview_masks_the_text():
    """The text of a masked row is made of its masked HTML."""
    campaign = compose(frame(name=["Anna"]), html_body=STYLED, text_body="auto", inline_css=True)
    shown = campaign.gallery(mask=True).html
    assert "Anna" not in shown
    assert "Hi Xxxx" in shown


def test_a_tour_and_a_diff_see_them():
    """Both render the letter in their own way."""
    html = STYLED + "{% if vip %}<p>VIP</p>{% endif %}"
    people = frame(name=["Ann", "Bob"], vip=[True, False])
    campaign = compose(people, html_body=html, text_body="auto", inline_css=True)
    assert len(campaign.tour(progress=False).frame()) >= 2
    changed = campaign.diff(0, 1).frame()
    assert {"HtmlBody", "TextBody"} <= set(changed["field"])


def test_a_letter_in_a_folder_has_the_settings(tmp_path):
    """In letter.toml; body.txt is then not needed."""
    (tmp_path / "body.html").write_text("<style>b{top:0}</style><b>Hi</b>")
    (tmp_path / "letter.toml").write_text('text_body = "auto"\ninline_css = true\n')
    letter = mf.Letter.load(tmp_path).replace(
        sender="a@acme.example", to="{{ email }}", subject="x"
    )
    made = frame().mail.compose(letter).messages().iloc[0]
    assert made["TextBody"] == "Hi"
    assert made["HtmlBody"].endswith('<b style="top: 0;">Hi</b>')


def test_without_the_extra_the_error_names_it():
    """When the letter is composed, before any row."""
    code = (
        "import sys; sys.modules['css_inline'] = None\n"
        "import pandas as pd, mailframe as mf\n"
        "df = pd.DataFrame({'email': ['a@acme.example']})\n"
        "letter = mf.Letter(sender='a@acme.example', to='{{ email }}', html_body='x')\n"
        "df.mail.compose(letter, subject='x').problems()\n"
        "df.mail.compose(letter, subject='x', inline_css=True)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert 'inline_css=True needs the extra "css": pip install "mailframe[css]"' in run.stderr


def test_a_letter_with_neither_loads_neither():
    """css-inline and the HTML parser are not imported for it."""
    code = (
        "import sys, pandas as pd, mailframe as mf\n"
        "df = pd.DataFrame({'email': ['a@acme.example']})\n"
        "letter = mf.Letter(sender='a@acme.example', to='{{ email }}', html_body='x')\n"
        "assert df.mail.compose(letter, subject='x').problems().empty\n"
        "assert not {'css_inline', 'justhtml'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
