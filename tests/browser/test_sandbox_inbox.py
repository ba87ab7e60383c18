"""The inbox in a real browser: a person can use it, and hostile mails do nothing there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from mailframe.sandbox import LocalPostmark
from tests.browser.accessible import violations, walked
from tests.browser.attacks import ATTACKS
from tests.browser.beacon import listening
from tests.browser.chromium import screenshot
from tests.browser.watching import Watch, touch_all, wait_until
from tests.sandbox.sandbox_calls import Calls
from tests.sandbox.sandbox_mail import client, mail, post

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Frame, Page

    from tests.browser.beacon import Beacon

IN_SHELL = True
IN_ONE_PROCESS = True
NAME = "inbox"
SCRIPT = f"console.log(/ran:{NAME}/)"
GIF = "R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="
BODY = (
    "<title>{u}</title><style>@import url({u}/import.css); p {{ background: url({u}/css.gif) }"
    "}</style>"
    '<p id=read>Read me</p><img id=logo src="cid:logo"><img src="{u}/img.gif"><link '
    'rel=stylesheet href="{u}/x.css">'
    "<script>{script}</script><img src=x: onerror='{script}'><svg onload='{script}'></svg>"
    '<iframe src="{u}/frame.html"></iframe><a target=_top href="{u}/self">press</a>'
    '<base href="{u}/"><meta http-equiv=refresh content="0;url={u}/refresh">'
    '<form action="{u}/form" target=_top><button autofocus>press</button></form>'
    '<a href="javascript:{script}">press</a>'
    "<img name=documentElement><form name=body><input name=scrollHeight></form>"
    "<div style='position:fixed;inset:0;z-index:99999'>cover</div>"
    '</p></iframe>"></iframe><script>{script}</script>'
)
FIELD = (
    f"</bdi></title></style><script>{SCRIPT}</script><img src=x: onerror='{SCRIPT}'>\"'&$5 and $10"
)
PARTS = ("source", "text", "headers", "raw", "json", "events", "links")
SAMPLE_ATTACKS = ATTACKS[::32]


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


def sent(sandbox: LocalPostmark, **fields: Any) -> str:
    """Post one message; returns its ID."""
    answer = post(sandbox, mail(**fields))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["MessageID"])


def letter(page: Page) -> Frame:
    """The inner frame, where the mail is."""
    page.frame_locator("iframe.mail").frame_locator("iframe").locator("body").wait_for()
    return page.main_frame.child_frames[0].child_frames[0]


def height_of(page: Page) -> tuple[int, int]:
    """How high the frame is, and how high the mail in it."""
    letter(page)
    expect(page.locator("iframe.measured")).to_have_count(0)
    frame = int(page.locator("iframe.mail").evaluate("frame => frame.clientHeight"))
    return frame, int(letter(page).evaluate("document.scrollingElement.scrollHeight"))


def fits(page: Page) -> bool:
    """Whether nothing sticks out of the window at its sides."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_the_hostile_mail_does_harm_where_nothing_holds_it(
    context: BrowserContext, beacon: Beacon
) -> None:
    """Without this control the next test would prove nothing."""
    watch, page = Watch().start(context), context.new_page()
    page.goto(beacon.page(NAME, body(beacon)))
    wait_until(page, lambda: NAME in watch.scripts and "/refresh" in beacon.paths(NAME))
    assert NAME in watch.scripts
    assert {"/import.css", "/img.gif", "/x.css", "/frame.html"} <= beacon.paths(NAME)


def test_a_hostile_mail_does_nothing_on_any_page(
    context: BrowserContext, beacon: Beacon, sandbox: LocalPostmark
) -> None:
    """In the list, in each part, as a request, searched for: no script, request or navigation.

    Its names, its metadata, the names of a server and a stream, and a path are hostile, too.
    """
    call, name = Calls(sandbox), FIELD.replace('"', "")
    call.ok("POST", "/servers", {"Name": FIELD[-100:]})
    stream = {"ID": "evil", "Name": FIELD[-100:], "MessageStreamType": "Broadcasts"}
    call.ok("POST", "/message-streams", stream)
    with client(sandbox) as http:
        hostile = http.get(f"/{quote(FIELD)}", params={"q": FIELD}, headers={"User-Agent": name})
        assert hostile.status_code == 404
    logo = {"Name": FIELD, "ContentID": "cid:logo", "ContentType": "image/gif", "Content": GIF}
    fields = {"Subject": FIELD, "Tag": FIELD, "TextBody": FIELD, "Metadata": {"k": FIELD[:80]}}
    fields["Headers"] = [{"Name": "<script>", "Value": FIELD}]
    fields["Metadata"] |= {"<script>alert(1)//": FIELD[-80:]}
    fields |= dict.fromkeys(("From", "To", "ReplyTo"), f'"{name}" <a@example.com>')
    message_id = sent(sandbox, HtmlBody=body(beacon), Attachments=[logo], **fields)
    watch, page = Watch().start(context), context.new_page()
    page.goto(sandbox.url)
    page.locator(".list li a").click()
    page.locator("#subject").wait_for()
    address = page.url
    assert address == f"{sandbox.url}/inbox/{message_id}"
    frame = letter(page)
    assert frame.locator("#logo").evaluate("image => image.complete && image.naturalWidth") == 1
    expect(page.locator("iframe.measured")).to_have_count(0)
    screenshot(page, "inbox hostile")
    assert sum(touch_all(one) for one in page.frames[1:]) >= 3
    assert page.url == address
    for part in PARTS:
        page.get_by_role("navigation", name="Parts").locator(f"[href*='part={part}']").click()
        page.locator(f".part.{part}").wait_for()
    page.locator("#search").fill(FIELD)
    page.locator("#search").press("Enter")
    page.locator(".list .problem, .list li, .list .empty").first.wait_for()
    page.get_by_role("link", name="Requests").click()
    page.get_by_role("link", name="/email").click()
    page.locator(".half").first.wait_for()
    page.keyboard.press("j")
    page.locator(".call", has_text="GET").wait_for()
    page.get_by_role("link", name="Tools").click()
    page.locator(".tools").wait_for()
    page.goto(f"{sandbox.url}/inbox/{message_id}/measure")
    page.goto(f"{sandbox.url}/inbox/{message_id}/frame")
    page.wait_for_timeout(200)
    assert watch.scripts == set()
    assert beacon.hits == []
    assert (watch.popups, watch.downloads, watch.dialogs) == ([], [], [])
    own = (f"{sandbox.url}/", "about:", "data:text/html;charset")
    assert [url for url, _ in watch.places if not url.startswith(own)] == []


def test_attacks_do_nothing_while_a_person_goes_through_them(
    context: BrowserContext, beacon: Beacon, sandbox: LocalPostmark
) -> None:
    """Some of every kind of attack.py, one after the other by ``j``, each touched as it wants."""
    for start in range(0, len(SAMPLE_ATTACKS), 20):
        bodies = [one.body(beacon.address(one.name)) for one in SAMPLE_ATTACKS[start : start + 20]]
        bodies = [one.encode("utf-8", "replace").decode() for one in bodies]
        assert post(sandbox, [mail(HtmlBody=one) for one in bodies]).status_code == 200
    watch, page = Watch().start(context), context.new_page()
    page.goto(sandbox.url)
    page.locator(".list li a").first.click()
    for attack in reversed(SAMPLE_ATTACKS):
        frame = letter(page)
        if attack.click:
            touch_all(frame, attack.click)
        before = page.url
        page.locator("#subject").focus()
        page.keyboard.press("j")
        if attack is not SAMPLE_ATTACKS[0]:
            page.wait_for_url(lambda url, before=before: url != before)
    assert page.get_by_role("link", name="Older", exact=True).count() == 0
    page.wait_for_timeout(300)
    assert watch.scripts == set()
    assert {(hit.name, hit.path) for hit in beacon.hits} == set()
    assert (watch.popups, watch.downloads, watch.dialogs) == ([], [], [])
    assert {
        url for url, whole in watch.places if whole and not url.startswith(sandbox.url)
    } == set()


def test_a_link_and_a_remote_image_are_asked_for_only_by_a_click(
    context: BrowserContext, beacon: Beacon, sandbox: LocalPostmark
) -> None:
    """The image for this message alone; the link in a tab without referrer and opener."""
    url = beacon.address(NAME)
    html = (
        f'<img src="{url}/img.gif" width=9><a href="{beacon.page("reset", "<p>Reset")}">Reset</a>'
    )
    sent(sandbox, Subject="older", HtmlBody=html.replace("img.gif", "other.gif"))
    sent(sandbox, HtmlBody=html)
    page = context.new_page()
    page.goto(sandbox.url)
    page.locator(".list li a").first.click()
    letter(page).locator("a").click(force=True)
    expect(page.locator("iframe.measured")).to_have_count(0)
    assert beacon.hits == []
    page.get_by_role("link", name="Load them").click()
    wait_until(page, lambda: "/img.gif" in beacon.paths(NAME))
    page.get_by_role("link", name="Older", exact=True).click()
    page.get_by_role("heading", name="older").wait_for()
    letter(page)
    page.get_by_role("link", name="Links", exact=True).click()
    assert [hit.path for hit in beacon.hits if hit.path] == ["/img.gif"]
    with context.expect_page() as opened:
        page.get_by_role("link", name="Open 127.0.0.1").click()
    opened.value.get_by_text("Reset").wait_for()
    assert opened.value.evaluate("[window.opener, document.referrer]") == [None, ""]


HEIGHTS = (
    "<p>Short",
    "<p>Line</p>" * 60,
    "<!doctype html><style>body{margin:0}</style><div style='height:777px'>",
    "<img name=documentElement><form name=body><input name=scrollHeight></form>" + "<p>x</p>" * 9,
    "<table width=900 height=100%><tr><td>wide",
)


def test_the_frame_of_a_mail_is_as_high_as_the_mail(
    context: BrowserContext, sandbox: LocalPostmark
) -> None:
    """By today's rules and those of old mails, and whatever names its elements have."""
    page = context.new_page()
    for html in HEIGHTS:
        message_id = sent(sandbox, HtmlBody=html)
        page.goto(f"{sandbox.url}/inbox/{message_id}")
        page.locator(".has-script").wait_for()
        frame, content = height_of(page)
        assert content <= frame <= max(content, 60) + 20, html


def test_the_frame_follows_the_width_and_no_mail_makes_it_endless(
    context: BrowserContext, sandbox: LocalPostmark
) -> None:
    """A phone needs more height; at 12,000 px the mail scrolls in its frame."""
    sent(sandbox, HtmlBody="<p style='height:9999999px'>high")
    message_id = sent(sandbox, HtmlBody="<p>" + "word " * 900)
    page = context.new_page()
    page.goto(f"{sandbox.url}/inbox/{message_id}")
    wide, _ = height_of(page)
    page.get_by_role("link", name="Phone").click()
    page.locator(".sheet.phone").wait_for()
    phone, content = height_of(page)
    assert phone > 1.5 * wide
    assert content <= phone
    page.get_by_role("link", name="Older", exact=True).click()
    page.wait_for_url(lambda url: message_id not in url)
    assert height_of(page)[0] == 12_000


SMALL = """[...document.querySelectorAll('a, button, input, select, summary')].filter(element => {
  const {width, height} = element.getBoundingClientRect();
  const isSeen = element.checkVisibility({visibilityProperty: true}) && !element.closest(".skip");
  const inText = getComputedStyle(element).display === "inline" && !element.closest(".calls");
  return isSeen && !inText && !element.closest(".calls") && Math.min(width, height) < 44;
}).map(element => element.outerHTML)"""
"""Controls that a finger may miss, without those in a line of text and the links of whole rows."""
SCREENS = ("/", "/inbox/{id}", "/inbox/requests", "/inbox/tools")
MORE = ("/inbox/{id}?part=links", "/inbox/{id}?part=events", "/inbox/requests/1", "/?q=is:nice")
MORE += ("/inbox/none",)
"""Tried on a phone, where there is least room."""


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_every_page_is_accessible_and_fits(
    context: BrowserContext, sandbox: LocalPostmark, width: int, scheme: Any
) -> None:
    """On a desktop and a phone, light and dark: long words break, and axe finds nothing."""
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(sandbox.url)
    assert "Nothing has arrived yet" in page.locator("main").inner_text()
    assert violations(page, "html") == []
    long = "x" * 255
    headers = [{"Name": "X-Long", "Value": long}]
    files = [{"Name": f"{long[:90]}.png", "ContentType": "image/png", "Content": GIF}] * 13
    message_id = sent(
        sandbox,
        Subject=long,
        Tag=long,
        TextBody=f"https://a.example/{long}",
        HtmlBody=f"<p>{long}",
        Headers=headers,
        Attachments=files,
        Metadata={long[:20]: long[:80]},
        To="hardbounce@bounce-testing.postmarkapp.com",
    )
    sandbox.fault("slow", path="/server")
    for path in SCREENS + (MORE if width == 360 else ()):
        page.goto(sandbox.url + path.format(id=message_id))
        page.locator(".has-script").wait_for()
        assert fits(page), path
        assert width > 760 or page.evaluate(SMALL) == [], path
        assert violations(page, "html") == [], path
    ink = page.locator(".brand").evaluate("a => getComputedStyle(a).color")
    assert ink == {"light": "rgb(26, 29, 33)", "dark": "rgb(230, 232, 235)"}[scheme]


def test_a_person_uses_the_inbox_by_keyboard(
    context: BrowserContext, sandbox: LocalPostmark
) -> None:
    """From the list through messages and back, search, unread, delete; Tab reaches everything."""
    post(sandbox, [mail(Subject=name, TextBody=f"text of {name}") for name in "cba"])
    page = context.new_page()
    page.goto(sandbox.url)
    for key in ("j", "j", "Enter"):
        page.keyboard.press(key)
    heading = page.get_by_role("heading", name="b", exact=True)
    expect(heading).to_be_focused()
    walk = walked(page, "article")
    assert walk.reached == walk.controls
    assert walk.unseen == []
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name="c", exact=True)).to_be_focused()
    page.keyboard.press("k")
    expect(heading).to_be_focused()
    page.keyboard.press("U")
    page.locator(".list:only-child").wait_for()
    assert page.locator(".unread").count() == 2
    page.keyboard.press("/")
    page.keyboard.type("b")
    page.keyboard.press("Enter")
    expect(page.locator(".list li")).to_have_count(1)
    expect(page.locator(".list li a")).to_be_focused()
    page.keyboard.press("#")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".list .empty")).to_be_visible()
    page.go_back()
    expect(page.locator(".list li")).to_have_count(2)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    assert violations(page, "#help") == []
    page.get_by_label("Use single keys as shortcuts").press("Space")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Help")).to_be_hidden()


def test_new_messages_appear_and_an_open_page_stays_small(
    context: BrowserContext, sandbox: LocalPostmark
) -> None:
    """A screen reader hears of them, the focus stays, and the page does not grow."""
    sent(sandbox, Subject="first")
    page = context.new_page()
    page.goto(sandbox.url)
    page.locator(".list li a").focus()
    sent(sandbox, Subject="second")
    expect(page.locator("#status")).to_have_text("New message: second")
    expect(page.locator(".list li a").nth(1)).to_be_focused()
    elements = "document.getElementsByTagName('*').length"
    sizes = []
    for _ in range(2):
        post(sandbox, [mail(Subject="many")] * 120)
        expect(page.locator("#count")).to_have_text(
            f"{2 + 120 * (len(sizes) + 1)} messages, {2 + 120 * (len(sizes) + 1)} unread"
        )
        expect(page.locator("#status")).to_have_text("50 new messages")
        sizes.append(page.evaluate(elements))
    assert page.locator(".list li").count() == 50
    assert sizes[0] == sizes[1]
    page.locator(".list li a").first.click()
    page.locator("#subject").wait_for()
    sent(sandbox, Subject="while reading")
    expect(page.locator(".list li .subject").first).to_have_text("while reading")
    expect(page.locator("#subject")).to_have_text("many")
    page.get_by_role("link", name="Events").click()
    page.locator(".part.events").wait_for()
    page.locator(".tabs a").first.focus()
    sandbox.simulate(opens=1.0)
    expect(page.locator(".part.events")).to_contain_text("Opened")
    expect(page.locator("article .status")).to_have_text("Opened")
    expect(page.get_by_role("link", name="Events (3)")).to_be_visible()
    expect(page.locator(".tabs a").first).to_be_focused()
    message_id = page.locator("article").get_attribute("data-id")
    Calls(sandbox).ok("DELETE", f"/_sandbox/messages/{message_id}")
    expect(page.locator("#toast")).to_have_text("This message was removed.")
    expect(page.locator("#subject")).to_have_text("many")


def test_an_open_page_outlives_its_sandbox(context: BrowserContext) -> None:
    """What it shows stays when the sandbox stops, also after a click; then it goes on."""
    page = context.new_page()
    with LocalPostmark() as first:
        port = first.port
        sent(first, Subject="before")
        page.goto(first.url)
        page.locator(".has-script .list li").wait_for()
    page.locator(".list li a").click()
    expect(page.locator("#toast")).to_contain_text("The sandbox does not answer.")
    expect(page.locator(".list .subject")).to_have_text("before")
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator("#toast")).to_contain_text("Nothing was changed")
    with LocalPostmark(port=port) as second:
        sent(second, Subject="after")
        expect(page.locator("#toast")).to_have_text("The sandbox answers again.")
        expect(page.locator(".list .subject")).to_have_text("after")


def test_the_way_back_leads_to_the_row_of_the_message(
    context: BrowserContext, sandbox: LocalPostmark
) -> None:
    """The list beside a message shows its row, also of an old one; each server has its search."""
    answers = post(sandbox, [mail(Subject=f"s{number}") for number in range(150)]).json()
    page = context.new_page()
    for place in (110, 10):
        page.goto(f"{sandbox.url}/inbox/{answers[place]['MessageID']}")
        page.locator(".has-script").wait_for()
        row = page.locator(".list [aria-current]")
        expect(row).to_be_in_viewport()
        page.locator("#subject").focus()
        page.keyboard.press("u")
        page.locator(".list:only-child").wait_for()
        row = page.locator(".list li a:focus")
        expect(row.locator(".subject")).to_have_text(f"s{place}")
        expect(row).to_be_in_viewport()
    page.goto(sandbox.url)
    for _ in range(51):
        page.keyboard.press("j")
    expect(page.locator(".list li a:focus .subject")).to_have_text("s99")


def test_a_person_changes_the_sandbox(context: BrowserContext, sandbox: LocalPostmark) -> None:
    """Adds and removes a fault, suppresses an address, and clears all after a question."""
    sent(sandbox)
    page = context.new_page()
    page.goto(f"{sandbox.url}/inbox/tools")
    page.locator("[name=Name]").select_option("http_429")
    page.get_by_role("button", name="Add fault").click()
    expect(page.locator("#toast")).to_have_text("Fault added.")
    assert post(sandbox, mail()).status_code == 429
    page.get_by_role("spinbutton", name="Times").fill("")
    page.get_by_role("button", name="Add fault").click()
    page.get_by_role("cell", name="every request").wait_for()
    page.get_by_role("button", name="Remove http_429").click()
    expect(page.locator(".none")).to_be_visible()
    page.get_by_role("textbox", name="Address").fill("ann@example.com")
    page.get_by_role("button", name="Suppress").click()
    expect(page.locator("#toast")).to_have_text("ann@example.com is suppressed on outbound.")
    assert post(sandbox, mail()).json()["ErrorCode"] == 406
    page.get_by_role("link", name="Inbox").click()
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator("#count")).to_have_text("1 message, 0 unread")
    page.get_by_role("button", name="Clear all").click()
    page.get_by_role("button", name="Cancel").click()
    assert page.locator(".list li").count() == 1
    page.get_by_role("button", name="Clear all").click()
    page.get_by_role("button", name="Delete all").click()
    expect(page.locator(".list .empty")).to_be_visible()
    assert len(sandbox.messages()) == 0


def test_the_inbox_is_readable_without_javascript(
    chromium: Browser, sandbox: LocalPostmark
) -> None:
    """List, search, message, its parts and the requests; what needs the script is not shown."""
    sent(sandbox, HtmlBody="<p>Hello")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(sandbox.url)
    page.locator("#search").fill("to:ann")
    page.locator("#search").press("Enter")
    page.locator(".list li a").click()
    assert letter(page).locator("p").inner_text() == "Hello"
    page.get_by_role("link", name="Text", exact=True).click()
    assert page.locator(".part pre").inner_text() == "Hi Ann"
    assert page.get_by_role("button").count() == 0
    page.get_by_role("link", name="Requests").click()
    page.get_by_role("link", name="/email").click()
    assert "[hidden]" in page.locator(".half").first.inner_text()
    context.close()
