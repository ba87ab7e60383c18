"""Text of strangers in a page: escaped, in its own direction, and visible."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.pages.card import card
from mailframe.pages.environment import environment, render
from mailframe.pages.mail import MISSING, Cell, Mail, ShownAttachment, ShownProblem
from mailframe.pages.standalone import standalone
from mailframe.pages.text import one_line, visible
from tests.review.preview.reading import HOSTILE, Page, is_harmless

ANYTHING = st.text(st.characters(), max_size=40)
TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@given(text=ANYTHING)
def test_what_a_page_shows_can_be_written_and_holds_no_control_but_line_feed_and_tab(text):
    """Lone surrogates, escapes of a terminal and directions are written out."""
    shown = visible(text)
    shown.encode()
    assert not [
        one
        for one in shown
        if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") and one not in "\n\t"
    ]
    assert not set(shown) & set(TURNING)


@given(text=ANYTHING)
def test_what_can_be_seen_stays(text):
    """Only invisible characters change."""
    unseen = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff" + TURNING + "]")
    assert re.sub(r"⟨U\+[0-9A-F]{4}⟩|[\n\t]", "", visible(text)) == re.sub(
        r"⟨U\+[0-9A-F]{4}⟩", "", unseen.sub("", text)
    )


@given(text=ANYTHING)
def test_one_line_is_one_line(text):
    """For every line break of Python, a browser or a terminal."""
    assert len(one_line(text).splitlines()) <= 1


@pytest.mark.parametrize("size", [7, 8, 9])
def test_one_line_is_cut_beyond_its_length(size):
    """The last character is then an ellipsis."""
    line = one_line("x" * size, most=8)
    assert line == ("x" * size if size <= 8 else "xxxxxxx…")


@given(text=ANYTHING)
def test_an_escaped_text_is_one_element_with_that_text(text):
    """A parser reads it back."""
    page = Page(environment().from_string("<bdi>{{ text }}</bdi>").render(text=text))
    assert page.elements == [("bdi", {})]
    assert page.text == visible(text)


def hostile(text: str) -> Mail:
    """A mail with the same text in every place."""
    return Mail(
        label=text,
        headers=((text, text), ("To", text)),
        subject=text,
        html=text,
        text=text,
        payload=text,
        problems=(ShownProblem(True, text, text, text), ShownProblem(False, text, text, text)),
        attachments=(ShownAttachment(text, text, 1, text), ShownAttachment(text, text, 1)),
        inline={text: text},
        cells=(Cell(text, text, text), Cell(text, MISSING, text, is_used=False)),
        reasons=(text,),
    )


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("fields", ["all", "without html"])
def test_no_text_of_a_mail_brings_an_element_of_its_own(text, fields):
    """In any place; the only frames are ours."""
    mail = hostile(text) if fields == "all" else Mail(subject=text, label=text, text=text)
    for scheme in ("light", "dark"):
        markup = card(mail, images=True, scheme=scheme, width_px=390)
        assert is_harmless(markup)
        assert len(Page(markup).all("iframe")) == (1 if fields == "all" else 0)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("refusals", [True, False])
def test_no_text_of_an_approval_brings_an_element_of_its_own(text, refusals):
    """Titles, templates, reasons and branches are text of strangers, too."""
    mail = Mail(label=text, subject=text, text=text)
    markup = standalone(
        text,
        render(
            "approval",
            title=text,
            has_templates=refusals,
            checked=text,
            fingerprint=text,
            refusals=text if refusals else "",
            numbers=[(text, text, text, "bad")],
            letter=[(text, text)],
            shown=[(mail, [text], (card(mail), card(mail)), (200, 300))],
            blocked=[(text, text, text)],
            more_blocked=1,
            untaken=[(text, text, text)],
            selected_from=text,
        ),
    )
    assert is_harmless(markup)
    markup.encode()


@settings(max_examples=30, deadline=None)  # a card is long, and read by a slow parser
@given(text=ANYTHING)
def test_a_card_of_any_text_can_be_written(text):
    """A page with a lone surrogate in any place can be saved."""
    mail = Mail(
        label=text,
        subject=text,
        html=text,
        text=text,
        headers=(("To", text),),
        payload=text,
        reasons=(text,),
    )
    card(mail).encode()
    assert is_harmless(card(mail))


def test_a_card_says_what_it_has_and_no_more():
    """A missing part leaves no heading."""
    short = Page(card(Mail(subject="Hello")))
    assert "Hello" in short.text
    assert not [
        word for word in ("Text part", "JSON", "The row", "Error", "Warning") if word in short.text
    ]
    assert short.all("iframe") == []
    assert "no subject" in Page(card(Mail())).text


def test_errors_stand_before_warnings():
    """In any order of the problems."""
    mail = Mail(
        problems=(ShownProblem(False, "b", "w", "later"), ShownProblem(True, "a", "e", "first"))
    )
    text = Page(card(mail)).text
    assert text.index("first") < text.index("later")
    assert text.index("Blocked") < text.index("first") < text.index("Warning")


def test_used_cells_stand_before_others_and_a_gap_is_no_text():
    """A missing value is shown as one."""
    mail = Mail(
        cells=(Cell("unused", "text", "1", is_used=False), Cell("used", MISSING, "never shown"))
    )
    text = Page(card(mail)).text
    assert text.index("used") < text.index("unused")
    assert "missing value" in text
    assert "never shown" not in text


def test_an_empty_line_of_the_head_is_left_out():
    """No Cc, no line."""
    text = Page(card(Mail(headers=(("Cc", ""), ("Bcc", "eve@example.com"))))).text
    assert ("Bcc" in text, "Cc" in text.replace("Bcc", "")) == (True, False)


def test_a_card_is_readable_where_frames_and_styles_are_dropped():
    """As a notebook that is not trusted shows it: head, text, payload and row."""
    whole = card(
        Mail(
            subject="Subj",
            headers=(("To", "ann@example.com"),),
            html="<p>H",
            text="the text",
            payload='{"a": 1}',
        )
    )
    left = Page(re.sub(r"<style>.*?</style>|<iframe.*?</iframe>", "", whole, flags=re.DOTALL))
    assert all(word in left.text for word in ("Subj", "ann@example.com", "the text", '{"a": 1}'))
    assert left.all("table")


def test_a_page_of_its_own_allows_nothing_from_anywhere():
    """The policy comes before anything that it applies to."""
    markup = standalone("T", render("text_tile", text="body"))
    names = [name for name, _ in Page(markup).elements]
    metas = Page(markup).all("meta")
    assert metas[0] == {"charset": "utf-8"}
    assert metas[1]["http-equiv"] == "Content-Security-Policy"
    assert (metas[1]["content"] or "").startswith("default-src 'none'; ")
    assert {"script", "link", "base", "img"}.isdisjoint(names)
    assert names.index("style") > names.index("meta") + 1


def test_formulas_of_a_notebook_are_off():
    """JupyterLab would typeset "$5 now, $10 later" as a formula."""
    title = "$5 now, $10 later"
    for markup in (card(Mail(subject=title)), approval_of(title)):
        assert {"tex2jax_ignore", "mathjax_ignore"} <= {
            name for div in Page(markup).all("div") for name in (div.get("class") or "").split()
        }


def approval_of(title: str) -> str:
    """A page with nothing in it."""
    lists = dict.fromkeys(("numbers", "letter", "shown", "blocked", "untaken"), ())
    texts = dict.fromkeys(("checked", "fingerprint", "refusals", "selected_from"), "")
    return render("approval", title=title, has_templates=False, more_blocked=0, **lists, **texts)
