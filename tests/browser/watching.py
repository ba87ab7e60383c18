"""Records what a browser does: scripts, navigations, windows, requests, downloads; and clicks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from playwright.sync_api import Error

from tests.browser.chromium import PATIENCE_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import (
        BrowserContext,
        ConsoleMessage,
        Dialog,
        Frame,
        Locator,
        Page,
        Request,
    )

    from tests.browser.attack import Click
    from tests.browser.beacon import Beacon

RAN: Final = re.compile(r"/ran:([\w-]+)/")
TOUCHABLE: Final = (
    "a,button,input,label,summary,select,textarea,img[usemap],object,[onclick],"
    "[contenteditable],[tabindex]"
)
VISIBLE: Final = """all => [...document.querySelectorAll(all)].map((e, i) => [e, i])
  .filter(([e]) => e.checkVisibility()).map(([, i]) => i)"""
CLICK_MS: Final = 10_000


@dataclass  # no slots: Playwright sets an attribute on the owner of a listener
class Watch:
    """What was seen in one context since it was made.

    Attributes:
        scripts: names of attacks whose script ran, in any frame.
        places: address that a frame went to, and whether that was a whole page.
        popups: pages that another page opened.
        requests: kind and address of each request that was answered, as the browser itself reports.
        refused: why a request was not made, and its kind and address.
        downloads: addresses.
        dialogs: their messages.
    """

    scripts: set[str] = field(default_factory=set)
    places: list[tuple[str, bool]] = field(default_factory=list)
    popups: list[Page] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str, str]] = field(default_factory=list)
    downloads: list[tuple[Page, str]] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def start(self, context: BrowserContext) -> Watch:
        """Begin with that context; pages that it has already are not watched."""
        context.on("console", self._console)
        context.on(
            "response",
            lambda response: self.requests.append((response.request.resource_type, response.url)),
        )
        context.on("requestfailed", self._refused)
        context.on("page", self._page)
        context.on("dialog", self._dialog)
        return self

    def fired(self, mark: str, name: str, page: Page, beacon: Beacon) -> bool:
        """Whether the attack of that name, shown in *page*, left its mark."""
        if mark == "script":
            return name in self.scripts
        if mark == "popup":
            return any(popup.opener() == page for popup in self.popups if not popup.is_closed())
        if mark == "download":
            return any(source == page for source, _ in self.downloads)
        if mark in ("frame", "page"):
            return (beacon.address(name) + "/", mark == "page") in [
                (re.match(r"\w+://[^/]*/|", url)[0], whole) for url, whole in self.places
            ]
        paths = {path.partition("?")[0] for path in beacon.paths(name)}
        return mark in paths

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "log" and (match := RAN.fullmatch(message.text)):
            self.scripts.add(match[1])

    def _refused(self, request: Request) -> None:
        self.refused.append((request.failure or "", request.resource_type, request.url))

    def _page(self, page: Page) -> None:
        page.on("framenavigated", self._place)
        page.on("download", lambda download: self.downloads.append((page, download.url)))
        page.on("popup", lambda popup: self.popups.append(popup))  # noqa: PLW0108  # a built-in cannot be a listener

    def _place(self, frame: Frame) -> None:
        if frame.url:  # it has none before its first document
            self.places.append((frame.url, frame.parent_frame is None))

    def _dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


def wait_until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait until it holds, or for two minutes; the assertion that follows says what is missing."""
    for _ in range(PATIENCE_MS // 50):
        if holds():
            return
        page.wait_for_timeout(50)


def touch_all(frame: Frame, how: Click = "left") -> int:
    """Click and type into everything in a frame by real events, and return how many there are."""
    seen = frame.evaluate(VISIBLE, TOUCHABLE)
    for number in seen:
        touch(frame.locator(TOUCHABLE).nth(number), how)
    return len(seen)


def touch(element: Locator, how: Click = "left") -> None:
    """Click, or press Enter on, one element; what is hidden, or is gone by now, stays untouched."""
    try:
        if how == "enter":
            element.focus(timeout=CLICK_MS)
            element.press("Enter", timeout=CLICK_MS, no_wait_after=True)
        else:
            modifiers = ["Control"] if how == "control" else []
            button = "middle" if how == "middle" else "left"
            element.click(
                force=True, timeout=CLICK_MS, modifiers=modifiers, button=button, no_wait_after=True
            )
    except Error as error:
        if not re.search(
            "not visible|outside of the viewport|detached|closed|Timeout|not attached",
            error.message,
        ):
            raise
