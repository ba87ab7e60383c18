"""The system's Chromium under Playwright, with access to 127.0.0.1 only."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SHELLS = ("chromium-headless-shell", "chrome-headless-shell")
"""The same engine without the rest of a browser: less than half of the CPU time, and less behavior.
It loads no icon of a page, for example, so the attacks of ``attacks.py`` are shown in the whole
browser. A module shows hostile texts in the shell only if its controls prove there that they work.
"""
ABSENT = (
    "no Chromium here: install it by `apt-get install chromium fonts-dejavu-core` (Debian), "
    "`brew install --cask chromium` (macOS), or name its binary in MAILFRAME_CHROMIUM"
)
FLAGS = (
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-default-apps",
    "--safebrowsing-disable-auto-update",
    "--disable-client-side-phishing-detection",
    "--metrics-recording-only",
    "--no-first-run",
    "--in-process-gpu",  # it draws in a thread; between processes, pages with many frames cost more
)
ONE_PROCESS = "--disable-features=IsolateSandboxedIframes"
"""Chromium starts a process for each sandboxed frame; with this flag, none. Sandbox, policies and
opaque origins, on which mailframe relies, are the same; the processes, which protect against flaws
of the browser itself, help them less."""
PATIENCE_MS = 120_000  # a busy machine fails no test
VIEWPORT = {"width": 1280, "height": 1400}  # cells far below the view have no DOM in JupyterLab


def binary(*, in_shell: bool = False) -> str:
    """The path of Chromium; without one the test is skipped, or fails under CI=true.

    Args:
        in_shell: the headless shell is enough; without one, it is the whole browser. The variable
            MAILFRAME_CHROMIUM names the browser for both.

    Returns:
        The path of the program.
    """
    named = os.environ.get("MAILFRAME_CHROMIUM")
    names = (*SHELLS, *NAMES) if in_shell else NAMES
    path = named or next(filter(None, map(shutil.which, names)), None)
    if path:
        return path
    if os.environ.get("CI") == "true":
        pytest.fail(ABSENT)
    pytest.skip(ABSENT)


@contextmanager
def launched(*more_flags: str, in_shell: bool = False) -> Iterator[Browser]:
    """A browser. It ends with the block, as does the event loop of Playwright in this thread."""
    path = binary(in_shell=in_shell)
    flags = [*FLAGS, *more_flags]
    if getattr(os, "geteuid", lambda: 1)() == 0:
        flags.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield browser
        finally:
            browser.close()


def screenshot(page: Page, name: str) -> None:
    """Store *page* as ``name.png`` in the folder MAILFRAME_SCREENSHOTS, if this variable is set."""
    folder = os.environ.get("MAILFRAME_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / (re.sub(r"[^\w.-]+", "-", name) + ".png"))
