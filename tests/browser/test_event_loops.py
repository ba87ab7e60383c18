"""Playwright's event loop disturbs no other test of its worker, and is not disturbed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import launched
from tests.kernels import execute, notebook_of

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser


def execute_one(folder: Path) -> None:
    """Run a notebook by nbclient, as tests/test_notebooks.py does."""
    notebook = notebook_of("1 + 1")
    folder.mkdir()
    execute(notebook, folder, folder / "own")
    assert notebook.cells[0].outputs[0]["data"]["text/plain"] == "2"


def show_one(browser: Browser) -> None:
    """Show a page and read it."""
    with browser.new_page() as page:
        page.set_content("<p>here</p>")
        assert page.get_by_text("here").count() == 1


@pytest.mark.sampled(3)
def test_a_browser_and_nbclient_live_in_one_thread(tmp_path: Path) -> None:
    """A notebook runs before, beside and after a browser, whose event loop ends with it."""
    execute_one(tmp_path / "before")
    with launched(in_shell=True) as browser:
        show_one(browser)
        execute_one(tmp_path / "beside")
        show_one(browser)
    asyncio.run(asyncio.sleep(0))
    execute_one(tmp_path / "after")
    with launched(in_shell=True) as browser:
        show_one(browser)
