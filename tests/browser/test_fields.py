"""Every field of a message is text: nothing in it runs, requests, or reorders other text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from mailframe.pages.card import card
from tests.browser.hostile import HEBREW, MARKUP, PLAIN, UNSEEN, everywhere
from tests.browser.watching import Watch, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from tests.browser.beacon import Beacon

IN_SHELL = True
SETTLE_MS = 400
READ = "all => all.map(one => one.textContent)"
BDI = ".mf-card bdi"
MAIL = "data:text/html;charset=utf-8"  # the start of a mail's address


def show(page: Page, beacon: Beacon, html: str) -> str:
    """Show a page and everything in it that is folded away; return its address."""
    url = beacon.page("page", f"<!doctype html><meta charset=utf-8><body>{html}")
    page.goto(url, wait_until="domcontentloaded")
    page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")
    return url


@pytest.mark.parametrize("images", [False, True], ids=["images off", "images on"])
def test_markup_in_every_field_is_read_and_does_nothing(
    context: BrowserContext, beacon: Beacon, images: bool
) -> None:
    """All kinds at once, each in every string that a card takes."""
    watch, page = Watch().start(context), context.new_page()
    texts = [
        text.replace("{u}", beacon.address("field")) for text in (*MARKUP.values(), *PLAIN.values())
    ]
    url = show(page, beacon, "".join(card(everywhere(text), images=images) for text in texts))
    page.wait_for_timeout(SETTLE_MS)
    assert watch.scripts == set()
    assert beacon.paths("field") == set()
    assert watch.requests == [("document", url)]
    assert {address.partition(",")[0] for address, _ in watch.places} - {MAIL} == {
        url,
        "about:srcdoc",
    }
    for number, text in enumerate(texts):
        seen = page.locator(".mf-card").nth(number).locator("bdi").evaluate_all(READ)
        assert set(seen) == {text}
        assert len(seen) >= 17
    assert page.locator("body > .mf-card").count() == len(texts)
    assert page.locator(".mf-card :is(img, script, svg)").count() == 0


@pytest.mark.parametrize("kind", MARKUP)
def test_the_same_markup_unescaped_works(
    context: BrowserContext, beacon: Beacon, kind: str
) -> None:
    """Without this control the test above would prove nothing."""
    watch, page = Watch().start(context), context.new_page()
    text = MARKUP[kind].replace("{u}", beacon.address("field"))
    before = {"out of a comment": "<!-- ", "out of quotes": '<p title="'}.get(kind, "<table><td>")
    show(page, beacon, before + text)
    wait_until(page, lambda: bool(watch.scripts) or "/field.gif" in beacon.paths("field"))
    assert watch.scripts == {"field"} or "/field.gif" in beacon.paths("field")


def test_what_cannot_be_seen_is_written_out(page: Page, beacon: Beacon) -> None:
    """Terminal escapes, bidi controls, NUL and lone surrogates, also in titles of frames."""
    show(page, beacon, "".join(card(everywhere(text, name="ours")) for text, _ in UNSEEN.values()))
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", page.content()
    )
    for number, (_, written) in enumerate(UNSEEN.values()):
        assert set(page.locator(".mf-card").nth(number).locator("bdi").evaluate_all(READ)) == {
            written
        }
        title = page.locator(".mf-card").nth(number).locator("iframe").get_attribute("title")
        assert title is not None
        assert written in title


@pytest.mark.parametrize("is_apart", [True, False], ids=["as it is", "without isolation"])
def test_text_from_right_to_left_turns_nothing_round(
    page: Page, beacon: Beacon, is_apart: bool
) -> None:
    """Text after a Hebrew field is on its right, and would not be without ``bdi``."""
    html = str(card(everywhere(HEBREW)))
    show(
        page,
        beacon,
        html
        if is_apart
        else html.replace("<bdi>", "<bdi style='unicode-bidi:normal;direction:ltr'>"),
    )
    left, right = page.locator(".mf-blocked li bdi").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().left)"
    )
    assert (left < right) is is_apart
    styles = page.locator(BDI).evaluate_all(
        "all => all.map(one => getComputedStyle(one).unicodeBidi)"
    )
    assert set(styles) == {"isolate" if is_apart else "normal"}


def test_a_card_is_no_place_for_formulas(page: Page, beacon: Beacon) -> None:
    """Every field is in an element that JupyterLab's MathJax ignores."""
    show(page, beacon, card(everywhere(PLAIN["formulas"])))
    inside = page.locator(BDI).evaluate_all(
        "all => all.map(one => !!one.closest('.tex2jax_ignore.mathjax_ignore'))"
    )
    assert set(inside) == {True}
