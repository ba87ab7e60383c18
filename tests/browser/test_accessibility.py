"""What mailframe draws is accessible: axe-core finds nothing, and a keyboard is enough."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from mailframe.demo import sample_campaign
from tests.browser.accessible import violations, walked
from tests.browser.screens import SCREENS, SETUP

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from tests.browser.lab import Lab

IN_SHELL = IN_ONE_PROCESS = True
DRAWN = [screen for screen in SCREENS if not screen.raises and "progress" not in screen.name]
"""The screens that are HTML of ours; pandas draws a frame of messages, and tqdm a bar."""
ALL_IN_ONE = "\n".join(
    ["from IPython.display import display"]
    + [
        f"{lines}display({last})"
        for lines, last in (
            (f"{before}{between}", after)
            for before, between, after in (screen.code.rpartition("\n") for screen in DRAWN)
        )
    ]
)
"""A cell with all of them; cells far below the window would not be drawn."""
OURS = (".mf", ".mf-preview")
"""The outermost element of each screen, of a page and of the widget."""


def test_axe_reports_what_cannot_be_read(page: Page) -> None:
    """Without this control, a check that looks at nothing would pass too."""
    page.set_content('<div class=mf><button></button><p style="color: #bbb">pale</p></div>')
    broken = "\n".join(violations(page, ".mf"))
    assert "button-name" in broken
    assert "color-contrast" in broken


def test_the_screens_in_jupyterlab_are_accessible(lab: Lab, page: Page) -> None:
    """By axe in both themes, wide and narrow; and Tab reaches every control of a preview."""
    setup = SETUP.replace("sample_campaign()", "sample_campaign(360)")
    setup = setup.replace("sample_customers()", "sample_customers(360)")
    lab.write("accessible.ipynb", [setup, ALL_IN_ONE])
    lab.open(page, "accessible.ipynb")
    lab.run_all(page)
    preview = page.locator(".mf-preview").first
    preview.get_by_role("button", name="Next").first.wait_for()
    assert page.locator(".mf, .mf-preview").count() >= len(DRAWN) - 2
    assert violations(page, *OURS) == []
    _by_keyboard(page, preview)
    lab.dark(page)
    page.set_viewport_size({"width": 600, "height": 1400})
    assert violations(page, *OURS) == []
    page.set_viewport_size({"width": 1280, "height": 1400})
    lab.light(page)


def _by_keyboard(page: Page, preview: Locator) -> None:
    preview.evaluate("preview => preview.classList.add('mf-walked')")  # there are several
    walk = walked(page, ".mf-walked")
    assert walk.reached == walk.controls
    assert walk.unseen == []
    step, back, text = (_button(preview, name) for name in ("Next", "Previous", "Text"))
    for control, key in ((step, "Enter"), (step, "Space"), (back, "Enter"), (text, "Enter")):
        control.focus()
        page.keyboard.press(key)
        page.wait_for_timeout(100)
        expect(control).to_be_focused()


def _button(preview: Locator, name: str) -> Locator:
    return preview.get_by_role("button", name=re.compile(rf"^\W*{name}\W*$")).first


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pages that a preview and a gallery save."""
    folder = tmp_path_factory.mktemp("pages")
    campaign = sample_campaign(60)
    campaign.preview(static=True).save(folder / "approval.html")
    campaign.gallery(n=4).save(folder / "gallery.html")
    return folder


@pytest.mark.parametrize("name", ["approval", "gallery"])
def test_a_file_is_accessible(page: Page, files: Path, name: str) -> None:
    """By axe, light and wide, dark and narrow; and Tab and arrows reach every control of it."""
    page.goto((files / f"{name}.html").as_uri())
    assert violations(page, "html") == []
    walk = walked(page, "body")
    assert walk.reached == walk.controls
    assert walk.unseen == []
    if name == "approval":
        page.get_by_role("radio", name="Desktop").first.focus()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("radio", name="Phone").first).to_be_focused()
        expect(page.get_by_role("radio", name="Phone").first).to_be_checked()
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 900})
    assert violations(page, "html") == []
