"""Takes pictures of the inbox: ``python -m tests.browser.inbox_screens FOLDER [NAME…]``.

A sandbox with sample messages shows every page at two widths in both color schemes; each picture is
named like ``list-1280-dark.png``.
"""

from __future__ import annotations

import base64
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from mailframe.demo import sample_campaign
from mailframe.postmark.sandbox import Sandbox
from tests.browser.chromium import ONE_PROCESS, launched

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from playwright.sync_api import Browser, Page

WIDTHS = (1280, 390)
THEMES = ("light", "dark")
HEIGHTS = {1280: 860, 390: 844}
LOADED_MS = 700
RESET = """<!doctype html><html><head><meta name="color-scheme" content="light dark">
<style>body{font:16px/1.5 system-ui;margin:0;padding:24px;background:#fff;color:#1c2733}
a.button{background:#1f6feb;color:#fff;padding:12px 22px;border-radius:6px;text-decoration:none;
display:inline-block}@media (prefers-color-scheme:dark){body{background:#15191f;color:#dfe5ec}}
</style></head><body><h1>Reset your password</h1><p>Hi Ann, someone asked for a new password for
your account at Acme. If it was you, choose one within an hour:</p>
<p><a class="button" href="http://localhost:3000/reset?token=8f14e45fceea167a">Choose a
password</a></p>
<p>Questions? <a href="mailto:help@acme.example">Write to us</a> or read the
<a href="https://help.acme.example/passwords">help pages</a>.</p>
<p><img src="https://img.acme.example/team.png" width="320" height="120" alt="The team"></p>
</body></html>"""
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFklEQVR4nGPUTV3DgA0wYRUdtBKMuCQAPioBN7LPNVsA"
    "AAAASUVORK5CYII="
)
PDF = base64.b64encode(b"%PDF-1.4 an invoice" * 4_000).decode()


@dataclass(frozen=True, slots=True)
class Screen:
    """A page of the inbox.

    Attributes:
        name: the start of the file names.
        path: the address; ``{reset}`` and ``{letter}`` are the IDs of two messages.
        steps: the keys that are pressed on it.
    """

    name: str
    path: str
    steps: Sequence[str] = ()


SCREENS = (
    Screen("empty", "/"),
    Screen("list", "/"),
    Screen("search", "/?q=tag:reset"),
    Screen("search-none", "/?q=nobody"),
    Screen("search-wrong", "/?q=is:nice"),
    Screen("message", "/inbox/{letter}"),
    Screen("message-reset", "/inbox/{reset}"),
    Screen("message-dark", "/inbox/{reset}?dark"),
    Screen("message-phone", "/inbox/{letter}?phone"),
    *(
        Screen(f"part-{part}", f"/inbox/{{reset}}?part={part}")
        for part in ("source", "text", "headers", "raw", "json", "events", "links")
    ),
    Screen("requests", "/inbox/requests"),
    Screen("events", "/inbox/{letter}?part=events"),
    Screen("request", "/inbox/requests/4"),
    Screen("request-refused", "/inbox/requests/7"),
    Screen("tools", "/inbox/tools"),
    Screen("help", "/", ("?",)),
    Screen("delete", "/inbox/{reset}", ("#",)),
    Screen("missing", "/inbox/none"),
)
NAMES = [screen.name for screen in SCREENS]


def filled(sandbox: Sandbox) -> dict[str, str]:
    """Send the sample messages; returns the IDs of two of them."""
    campaign = sample_campaign()
    campaign.send(sandbox.server, on_invalid="skip", progress=False)
    sandbox.simulate(opens=0.45, clicks=0.15, bounces=0.05, complaints=0.02, seed=4)
    token = {"X-Postmark-Server-Token": sandbox.token, "Accept": "application/json"}
    with httpx.Client(base_url=sandbox.url, headers=token) as http:
        letter = http.get("/_sandbox/messages?q=status:clicked&count=1").json()["Messages"][0][
            "MessageID"
        ]
        reset = {"From": "Acme <hello@acme.example>", "To": "Ann Lee <ann@example.com>"}
        reset |= {"Subject": "Reset your password", "Tag": "reset", "HtmlBody": RESET}
        reset |= {
            "TextBody": "Hi Ann,\n\nchoose a new password within an hour:\n"
            "http://localhost:3000/reset?token=8f14e45fceea167a\n\nAcme",
            "Metadata": {"user": "4711", "attempt": "2"},
            "TrackOpens": True,
        }
        reset["Attachments"] = [
            {"Name": "invoice-2026-11.pdf", "ContentType": "application/pdf", "Content": PDF},
            {
                "Name": "logo.png",
                "ContentType": "image/png",
                "Content": PIXEL,
                "ContentID": "cid:l",
            },
        ]
        http.post("/email", json=reset | {"To": "nobody"})
        http.post(
            "/email",
            json={
                "From": "a@acme.example",
                "To": "hardbounce@bounce-testing.postmarkapp.com",
                "Subject": "Your invoice 2026-117: a subject longer than a line of the list",
                "TextBody": "Please find it attached.",
                "Tag": "invoice",
            },
        )
        http.post("/emails", json=reset)
        sandbox.fault("http_429")
        http.post("/email", json=reset)
        answer = http.post("/email", json=reset)
        sandbox.fault("http_500_lost", request=12, times=3)
        sandbox.fault("slow", times=None)
        sandbox.fault("partial")
    return {"letter": letter, "reset": answer.json()["MessageID"]}


def pictures(
    browser: Browser,
    names: Collection[str] = (),
    *,
    widths: Sequence[int] = WIDTHS,
    themes: Sequence[Any] = THEMES,
) -> Iterator[tuple[str, bytes]]:
    """The name of each picture, such as ``list-1280-dark``, and its PNG."""
    wanted = [screen for screen in SCREENS if screen.name in (names or NAMES)]
    for theme, width in product(themes, widths):
        with ExitStack() as stack:
            sandbox = stack.enter_context(Sandbox(seed=1))
            page = browser.new_page(
                viewport={"width": width, "height": HEIGHTS[width]}, color_scheme=theme
            )
            stack.callback(page.close)
            if "empty" in [screen.name for screen in wanted]:
                yield f"empty-{width}-{theme}", _taken(page, sandbox.url + "/")
            ids = filled(sandbox)
            for screen in wanted:
                if screen.name != "empty":
                    address = sandbox.url + screen.path.format(**ids)
                    yield f"{screen.name}-{width}-{theme}", _taken(page, address, screen.steps)


def _taken(page: Page, address: str, steps: Sequence[str] = ()) -> bytes:
    page.goto(address)
    page.wait_for_timeout(LOADED_MS)
    for key in steps:
        page.keyboard.press(key)
        page.wait_for_timeout(LOADED_MS // 2)
    return page.screenshot()


def take(folder: Path, names: Sequence[str]) -> None:
    """Write the pictures to a folder."""
    unknown = sorted({*names} - {*NAMES})
    if unknown:
        sys.exit(f"no screen is called {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    folder.mkdir(parents=True, exist_ok=True)
    with launched(ONE_PROCESS, in_shell=True) as browser:
        for name, png in pictures(browser, names):
            (folder / f"{name}.png").write_bytes(png)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(f"python -m tests.browser.inbox_screens FOLDER [NAME…]; names: {', '.join(NAMES)}")
    take(Path(sys.argv[1]), sys.argv[2:])
