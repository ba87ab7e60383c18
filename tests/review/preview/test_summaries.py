"""A campaign, a plan, a letter, a message and a server as the last line of a cell."""

from __future__ import annotations

import re

import pandas as pd
import pytest

import mailframe as mf
from mailframe.review.preview import campaign_summary
from tests.campaigns import LETTER, campaign, people

TOKEN = "00000000-secret-0000-0000-000000000000"
EVIL = "<script>x</script>$x$\x1b[31m\u202e"


def words(shown: object) -> str:
    """The text of the page that Jupyter shows, without its style sheets."""
    page = re.sub(r"<style>.*?</style>", "", shown._repr_html_(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_plan_has_its_numbers_its_codes_and_the_next_step():
    """As a page, and as text."""
    df = people(4).assign(n=[1, None, 3, 4], email=["a@acme.example", "b@acme.example", "c@", "a@"])
    plan = df.mail.compose(LETTER, name="spring").plan()
    assert words(plan) == (
        "Plan of spring · 4 rows 1 message 1 batch 0.1 kB 3 blocked invalid_address · 2 rows "
        "missing_value · 1 row Next: .problems() lists what is wrong and how to fix it · "
        ".send(server, on_invalid=&#34;skip&#34;) sends the other 1"
    )
    *lines, steps = repr(plan).splitlines()
    assert lines == [
        "Plan of spring: 4 rows",
        "  1 message in 1 batch, 0.1 kB",
        "  3 blocked: 2 invalid_address, 1 missing_value",
    ]
    assert steps.endswith('how to fix it; .send(server, on_invalid="skip") sends the other 1')


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda: campaign(3).plan(), "Next: .send(server) sends 3 messages"),
        (lambda: campaign(0).plan(), "0 blocked The frame has no rows."),
        (lambda: campaign(1).plan(ledger=None), "No ledger: sending again sends to everybody"),
        (lambda: campaign(0), "The frame has no rows. Check the filter before .mail.compose(…)."),
        (lambda: campaign(3), "numbers · 3 rows 3 messages 0 blocked sender Acme"),
        (lambda: LETTER, "Letter sender Acme &lt;hello@acme.example&gt; to {{ email }} subject"),
        (lambda: LETTER, "text_body · 23 characters You are number {{ n }}."),
        (lambda: campaign(1).message(0), "Subject Number 0 From Acme &lt;hello@acme.example&gt;"),
        (lambda: mf.Sandbox(in_process=True), "Sandbox · a local Postmark; nothing is delivered 0"),
        (lambda: mf.Postmark("POSTMARK_API_TEST"), "test token: nothing is delivered URL https"),
        (lambda: mf.Postmark(TOKEN), "live: emails are delivered"),
        (lambda: mf.Postmark(TOKEN, base_url="http://127.0.0.1:1"), "not Postmark&#39;s own"),
    ],
)
def test_each_says_what_it_is(made, text):
    """In words, which stay without the style sheets of a notebook that is not trusted."""
    assert text in words(made())


def test_a_refused_key_stops_every_row():
    """So the plan names no way to send the others."""
    assert "skip" not in words(people(2).mail.compose(LETTER, key="n", name="x").plan())
    plan = people(2).assign(n=[1, 1]).mail.compose(LETTER, key="n", name="x").plan()
    assert "skip" not in words(plan) + repr(plan)


def test_no_token_is_shown():
    """Neither that of a server nor that of a sandbox."""
    sandbox = mf.Sandbox(in_process=True, tokens=[TOKEN])
    for shown in (mf.Postmark(TOKEN), sandbox, sandbox.server):
        assert TOKEN not in shown._repr_html_() + repr(shown)


def test_a_sandbox_links_to_its_inbox_while_it_is_open():
    """A closed one still has its messages."""
    with mf.Sandbox() as sandbox:
        campaign(2).send(sandbox.server, ledger=None, progress=False)
        assert f'<a href="{sandbox.url}/"' in sandbox._repr_html_()
        assert "2 messages 3 requests open" in words(sandbox)
    assert "<a " not in sandbox._repr_html_()
    assert "2 messages 3 requests closed" in words(sandbox)


def test_a_campaign_is_one_line_without_its_letter():
    """With the name of the letter's folder, or its subject."""
    folder = mf.Letter.load("sample_data/letters/renewal")
    customers = pd.read_csv("sample_data/customers.csv").head(2)
    made = customers.mail.compose(folder, name="x", key="customer_id")
    assert repr(made) == "<Campaign 'x': 2 rows, letter 'renewal', key customer_id>"
    assert repr(campaign(1)) == "<Campaign 'numbers': 1 row, subject 'Number {{ n }}'>"
    keyed = people(1).assign(**{"\x1b": 1}).mail.compose(LETTER, key="\x1b")
    assert repr(keyed).endswith("key ⟨U+001B⟩>")


def test_only_a_short_frame_is_checked_for_the_summary():
    """A long one shows the count of blocked rows once it was checked."""
    long = campaign(campaign_summary._MOST_CHECKED + 1)
    assert "blocked" not in words(long)
    long.plan()
    assert "201 messages 0 blocked" in words(long)
    drawn = campaign(1, text_body=mf.each(lambda row: f"{row['n']}"))
    assert "blocked" not in words(drawn)


def test_what_is_shown_is_text():
    """A template, a name, a cell and a file name may have markup, formulas and controls."""
    letter = LETTER.replace(
        subject=EVIL,
        text_body=EVIL,
        attachments=mf.Attachment("<i>.txt", b"x"),
        constants={"c": EVIL},
    )
    made = people(1).mail.compose(letter)
    message = mf.Message(0, EVIL, b'{"Subject":"<script>x</script>\\u202e","TextBody":"$x$"}')
    for shown in (letter, made, made.plan(), message):
        page = shown._repr_html_()
        for sign in ("<script>", "<i>", "\x1b", "\u202e"):
            assert sign not in page
        assert "tex2jax_ignore mathjax_ignore" in page
