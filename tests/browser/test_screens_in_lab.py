"""Screens in a real JupyterLab: all of them are accessible; results and charts as they look."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import ipywidgets
import pytest
from playwright.sync_api import expect

from tests.browser.accessible import violations, walked
from tests.browser.chromium import PATIENCE_MS, VIEWPORT, screenshot
from tests.browser.screens import SCREENS, SETUP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

    from tests.browser.lab import Lab

IN_SHELL = IN_ONE_PROCESS = True
RESULTS = """
import pandas as pd
import mailframe as mf

people = pd.DataFrame({
    "customer_id": [f"C-{n:05d}" for n in range(200)],
    "email": [f"p{n}@example.com" for n in range(200)],
    "plan": ["pro", "free"] * 100,
})
with mf.Sandbox(in_process=True, suppressions=["p70@example.com"]) as sandbox:
    results = people.mail.compose(
        sender="a@acme.example", to="{{ email }}", subject="Hi", text_body="Hi", name="lab",
        key="customer_id",
    ).send(sandbox.server, ledger=None, progress=False, check_suppressed=False)
results
"""
CHART = "results.mail.plot()"
FEW = SETUP.replace("sample_customers()", "sample_customers(48)").replace(
    "sample_campaign()",
    """customers.assign(
        email=customers["email"].where(customers.index != 44, "bob@")
    ).mail.compose(sample_campaign(1).letter, name="renewals-2026-11", key="customer_id")""",
)
"""The same as for the pictures of the screens, with fewer rows, one of which is blocked."""
DRAWN = [screen for screen in SCREENS if not screen.raises and "progress" not in screen.name]
"""The screens that are HTML; errors and progress bars are text."""
OURS = (".mf", ".mf-preview")
"""The outermost element of each screen, of a page and of the widget."""


def displayed(code: str) -> str:
    """The source of a screen with its last line displayed."""
    before, between, last = code.rpartition("\n")
    return f"{before}{between}display({last})"


@pytest.fixture(scope="module")
def page(chromium: Browser, lab: Lab) -> Iterator[Page]:
    """One notebook that was run: results, their chart, and all screens in one output.

    They are in one because JupyterLab draws no output of cells far below the window.
    """
    screens = "\n".join(displayed(screen.code) for screen in DRAWN)
    context = chromium.new_context(viewport=VIEWPORT)
    context.set_default_timeout(PATIENCE_MS)
    shown = context.new_page()
    lab.write("screens-in-lab.ipynb", [RESULTS, CHART, FEW, screens])
    lab.open(shown, "screens-in-lab.ipynb")
    lab.run_all(shown)
    yield shown
    context.close()


@pytest.mark.sampled(2)
def test_results_and_charts_are_shown_in_both_themes(lab: Lab, page: Page) -> None:
    """The failure is on top, a MessageID is one line, the chart is there once, with its text."""
    page.set_viewport_size({"width": 1280, "height": 1200})
    page.locator(".jp-CodeCell").first.evaluate("cell => cell.scrollIntoView()")
    table = lab.output(page).locator(".mf-results")
    first = table.locator("tbody tr").first
    assert "C-00070" in first.inner_text()
    assert first.locator(".mf-chip").inner_text() == "rejected"
    identity = table.locator("td.mf-id bdi").first
    assert identity.evaluate("cell => cell.getClientRects().length") == 1
    right = max(
        cell.bounding_box()["x"] + cell.bounding_box()["width"]
        for cell in table.locator("tbody tr").nth(1).locator("td").all()[:3]
    )
    assert right < 1280
    area = table.locator(".mf-scroll").bounding_box()
    assert area["x"] + area["width"] <= 1280
    pictures = lab.output(page, 1).locator("img")
    assert pictures.count() == 1
    alt = pictures.first.get_attribute("alt")
    assert alt.startswith("Bar chart of 200 rows of lab by status: 199 accepted (99.5%)")
    assert pictures.first.evaluate("image => image.naturalWidth") == 1440
    screenshot(page, "results light")
    lab.dark(page)
    screenshot(page, "results dark")
    lab.light(page)


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 600)])
def test_axe_finds_nothing_in_any_screen(lab: Lab, page: Page, theme: str, width: int) -> None:
    """Each element has a name, a fitting role and enough contrast; keys scroll what scrolls."""
    getattr(lab, theme)(page)
    page.set_viewport_size({"width": width, "height": 1400})
    last = page.locator(".jp-CodeCell").last
    last.evaluate("cell => cell.scrollIntoView()")
    expect(last.locator(".jp-OutputArea-output")).to_have_count(len(DRAWN))
    _button(last, "Next").wait_for()
    assert violations(page, *OURS) == []
    page.set_viewport_size(VIEWPORT)
    lab.light(page)


def test_every_control_of_a_preview_is_reached_by_keys(page: Page) -> None:
    """In the order of the document, with a visible focus that no step takes away."""
    preview = page.locator(".mf-preview").first
    _button(preview, "Next").wait_for()
    preview.evaluate("preview => preview.classList.add('mf-walked')")  # there are several
    walk = walked(page, ".mf-walked")
    assert walk.reached == walk.controls
    assert walk.unseen == []
    step, back, text = (_button(preview, name) for name in ("Next", "Previous", "Text"))
    keys = [(step, "Enter"), (step, "Space"), (back, "Enter"), (text, "Enter")]
    if ipywidgets.__version__.startswith("7."):  # it draws the buttons of a choice anew
        keys.pop()
    for control, key in keys:
        before = [preview.element_handle(), preview.inner_text()]
        control.focus()
        page.keyboard.press(key)
        page.wait_for_function("([preview, text]) => preview.innerText !== text", arg=before)
        expect(control).to_be_focused()


def _button(place: Locator, name: str) -> Locator:
    return place.get_by_role("button", name=re.compile(rf"^\W*{name}\W*$")).first
