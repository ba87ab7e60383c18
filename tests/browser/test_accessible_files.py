"""The files that a preview and a gallery save are accessible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailframe.demo import sample_campaign
from tests.browser.accessible import violations, walked

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

IN_SHELL = IN_ONE_PROCESS = True


def test_axe_reports_what_cannot_be_read(page: Page) -> None:
    """Without this control, a check that looks at nothing would pass too."""
    page.set_content('<div class=mf><button></button><p style="color: #bbb">pale</p></div>')
    broken = "\n".join(violations(page, ".mf"))
    assert "button-name" in broken
    assert "color-contrast" in broken


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two files."""
    folder = tmp_path_factory.mktemp("pages")
    campaign = sample_campaign(4)
    campaign.preview(static=True).save(folder / "approval.html")
    campaign.gallery(n=2).save(folder / "gallery.html")
    return folder


@pytest.mark.parametrize("name", ["approval", "gallery"])
def test_a_file_is_accessible(page: Page, files: Path, name: str) -> None:
    """By axe, light and wide, dark and narrow; and Tab reaches every control of it."""
    page.goto((files / f"{name}.html").as_uri())
    assert violations(page, "html") == []
    walk = walked(page, "body")
    assert walk.reached == walk.controls
    assert walk.unseen == []
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 900})
    assert violations(page, "html") == []
