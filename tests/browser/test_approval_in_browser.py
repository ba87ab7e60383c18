"""The page for approval in a browser: by the keyboard alone, and on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

import mailframe as mf
from tests.browser.chromium import screenshot

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

IN_SHELL = True
LONG = "<p>Some words for {{ email }}</p>" * 20


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where a page with two messages lies."""
    df = pd.DataFrame(
        {
            "email": ["a@acme.example", "b@acme.example", f"{'very-long-name' * 9}@"],
            "plan": ["team", "solo", "team"],
        }
    )
    made = mf.compose(
        df,
        sender="me@acme.example",
        to="{{ email }}",
        subject="Hello",
        html_body="{% if plan == 'team' %}Team{% endif %}" + LONG,
        name="spring",
    )
    path: Path = made.preview(static=True).save(
        tmp_path_factory.mktemp("approval") / "approval.html"
    )
    return path.as_uri()


def size(page: Page) -> tuple[float, float]:
    """The width and height of the first mail that is seen."""
    box = page.locator("iframe:visible").first.bounding_box()
    assert box is not None
    return box["width"], box["height"]


def test_the_views_of_a_mail_are_chosen_by_keys(page: Page, address: str) -> None:
    """From the index to the mail, then a phone, then a dark screen; each focus is seen."""
    page.goto(address)
    wide = size(page)
    page.locator("nav a").first.press("Enter")
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    narrow = size(page)
    assert narrow[0] == 390 < wide[0]
    assert page.locator(":focus + label").inner_text() == "Phone"
    assert page.locator(":focus + label").evaluate("e => getComputedStyle(e).outlineWidth") == "2px"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.locator(":focus + label").inner_text() == "Dark"
    mail = page.locator("article").first
    assert mail.locator("iframe").evaluate_all("all => all.map(e => e.checkVisibility())") == [
        False,
        True,
    ]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowLeft")
    assert size(page) == wide


def test_nothing_is_cut_off_on_a_phone(page: Page, address: str) -> None:
    """Not even a long address; a mail is as on a phone without a choice."""
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert size(page)[0] <= 390
    assert [label.inner_text() for label in page.locator("label:visible").all()[:2]] == [
        "Light",
        "Dark",
    ]
    screenshot(page, "approval phone")
