"""Fixtures of the browser tests: Chromium, a page, and a real JupyterLab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.beacon import listening
from tests.browser.chromium import ONE_PROCESS, PATIENCE_MS, VIEWPORT, binary, launched
from tests.browser.lab import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.browser.beacon import Beacon
    from tests.browser.lab import Lab

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def chromium(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """One browser per module; while it runs, its event loop makes ``asyncio.run`` fail here.

    It is the whole Chromium. A module without attacks says ``IN_SHELL = True``. One with tens of
    frames on a page may say ``IN_ONE_PROCESS = True``: its browser starts no process for each. In a
    browser with its usual processes all attacks are shown, too (test_campaign_attacked.py), and
    links are clicked in each way (test_hardening.py).
    """
    flags = [ONE_PROCESS] if getattr(request.module, "IN_ONE_PROCESS", False) else []
    with launched(*flags, in_shell=getattr(request.module, "IN_SHELL", False)) as browser:
        yield browser


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A new profile that accepts no downloads."""
    fresh = chromium.new_context(viewport=VIEWPORT, accept_downloads=False)
    fresh.set_default_timeout(PATIENCE_MS)
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty page in a new profile."""
    return context.new_page()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One JupyterLab for each worker."""
    binary()  # without a browser a server is of no use
    with served(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture
def beacon() -> Iterator[Beacon]:
    """A server that records connections and requests by name."""
    with listening() as server:
        yield server
