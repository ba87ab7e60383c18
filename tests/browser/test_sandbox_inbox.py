"""The sandbox's inbox in a real browser: it is readable, and hostile mails stay isolated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailframe.sandbox import LocalPostmark
from tests.browser.accessible import violations, walked
from tests.browser.beacon import listening
from tests.browser.chromium import screenshot
from tests.browser.watching import Watch, touch_all
from tests.sandbox.sandbox_mail import mail, post

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, FrameLocator, Page

    from tests.browser.beacon import Beacon

IN_SHELL = True
NAME = "inbox"
SCRIPT = f"console.log(/ran:{NAME}/)"
GIF = "R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="
BODY = (
    "<title>{u}</title><style>@import url({u}/import.css); p {{ background: url({u}/css.gif) }"
    "}</style>"
    '<p id=read>Read me</p><img id=logo src="cid:logo"><img src="{u}/img.gif"><link '
    'rel=stylesheet href="{u}/x.css">'
    "<script>{script}</script><img src=x: onerror='{script}'><svg onload='{script}'></svg>"
    '<iframe src="{u}/frame.html"></iframe><a target=_self href="{u}/self">press</a>'
    '<form action="{u}/form"><button>press</button></form><a href="javascript:{script}">press</a>'
    '</p></iframe>"></iframe><script>{script}</script>'
)
FIELD = (
    f"</bdi></title></style><script>{SCRIPT}</script><img src=x: onerror='{SCRIPT}'>\"'&$5 and $10"
)


@pytest.fixture
def beacon() -> Iterator[Beacon]:
    """A server that a hostile mail tries to reach."""
    with listening() as server:
        yield server


@pytest.fixture
def sandbox() -> Iterator[LocalPostmark]:
    """A sandbox on a real socket."""
    with LocalPostmark() as server:
        yield server


def body(beacon: Beacon) -> str:
    """The hostile HTML part with an address of the beacon."""
    return BODY.format(u=beacon.address(NAME), script=SCRIPT)


def letter(page: Page) -> FrameLocator:
    """The inner frame, where the mail is."""
    return page.frame_locator("iframe.mf-frame").frame_locator("iframe")


def fits(page: Page) -> bool:
    """Whether nothing sticks out of the window at its sides."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_the_hostile_mail_does_harm_where_nothing_holds_it(
    context: BrowserContext, beacon: Beacon
) -> None:
    """Without this control the next test would prove nothing."""
    watch, page = Watch().start(context), context.new_page()
    page.goto(beacon.page(NAME, body(beacon)))
    page.wait_for_load_state("networkidle")
    assert NAME in watch.scripts
    assert {"/import.css", "/img.gif", "/x.css", "/frame.html"} <= beacon.paths(NAME)


def test_a_hostile_mail_stays_in_its_frames(
    context: BrowserContext, beacon: Beacon, sandbox: LocalPostmark
) -> None:
    """In the list and on the page no script runs, and no click requests or navigates."""
    logo = {"Name": FIELD, "ContentID": "cid:logo", "ContentType": "image/gif", "Content": GIF}
    fields = {"Subject": FIELD, "Tag": FIELD, "TextBody": FIELD, "Metadata": {"k": FIELD[:80]}}
    fields["Headers"] = [{"Name": "<script>", "Value": FIELD}]
    answer = post(sandbox, mail(HtmlBody=body(beacon), Attachments=[logo], **fields))
    assert answer.status_code == 200, answer.text
    watch, page = Watch().start(context), context.new_page()
    page.goto(sandbox.url)
    page.locator("li a").click()
    address = page.url
    assert address.startswith(f"{sandbox.url}/inbox/")
    letter(page).locator("#read").wait_for()
    assert (
        letter(page).locator("#logo").evaluate("image => image.complete && image.naturalWidth") == 1
    )
    page.locator("summary").click()
    assert page.locator("details pre").inner_text() == FIELD
    screenshot(page, "inbox hostile")
    pressed = [touch_all(frame) for frame in page.frames[1:]]
    page.wait_for_timeout(300)
    assert sum(pressed) >= 3
    assert page.url == address
    assert watch.scripts == set()
    assert beacon.hits == []
    assert (watch.popups, watch.downloads, watch.dialogs) == ([], [], [])
    assert {
        url for url, _ in watch.places if not url.startswith(("about:", "data:text/html;charset"))
    } == {
        f"{sandbox.url}/",
        address,
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_pages_follow_the_system_and_fit_a_phone(
    context: BrowserContext, sandbox: LocalPostmark, scheme: str, width: int
) -> None:
    """Empty, as a list and on a message's page; long words break, and axe finds nothing."""
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(sandbox.url)
    assert "Nothing has arrived yet" in page.locator("main").inner_text()
    assert fits(page)
    assert violations(page, "html") == []
    long = "x" * 255
    headers = [{"Name": "X-Long", "Value": long}]
    post(
        sandbox, mail(Subject=long, Tag=long, TextBody=long, HtmlBody=f"<p>{long}", Headers=headers)
    )
    page.reload()
    assert fits(page)
    assert violations(page, "html") == []
    screenshot(page, f"inbox list {scheme} {width}")
    page.locator("li a").click()
    letter(page).locator("p").wait_for()
    assert fits(page)
    page.get_by_role("link", name="Phone").click()
    assert page.locator("iframe.mf-frame").evaluate("frame => frame.clientWidth") <= 390
    assert fits(page)
    assert violations(page, "html") == []
    screenshot(page, f"inbox message {scheme} {width}")
    ink = page.locator("h1 a").evaluate("a => getComputedStyle(a).color")
    assert ink == {"light": "rgb(0, 0, 0)", "dark": "rgb(255, 255, 255)"}[scheme]


def test_a_person_goes_through_the_inbox_by_keyboard(
    context: BrowserContext, sandbox: LocalPostmark
) -> None:
    """From the list into the newest message, through its controls, to the older one, and back."""
    post(sandbox, [mail(Subject="first"), mail(Subject="second")])
    page = context.new_page()
    page.goto(sandbox.url)
    page.locator("li a").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("cell", name="second").wait_for()
    walk = walked(page, "body")
    assert walk.reached == walk.controls
    assert walk.unseen == []
    page.get_by_role("link", name="Older").press("Enter")
    page.get_by_role("cell", name="first").wait_for()
    page.get_by_role("link", name="Inbox").press("Enter")
    page.locator("li").first.wait_for()
    assert page.url == f"{sandbox.url}/"
