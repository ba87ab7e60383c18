"""A frame in a frame keeps every attack in, and each of its layers is needed."""

from __future__ import annotations

import html as escaping
import time
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from playwright.sync_api import Error

from mailframe.pages.isolation import isolated
from tests.browser.attacks import ATTACKS, LOADS, QUIET
from tests.browser.sampling import some_of
from tests.browser.test_attacks import silent
from tests.browser.watching import Watch, touch_all
from tests.review.preview.reading import hardened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from playwright.sync_api import BrowserContext, Frame, Page

    from tests.browser.attack import Attack
    from tests.browser.beacon import Beacon

IN_ONE_PROCESS = True
SETTLE_MS = 1_000
WAIT_S = 600
NEVER_LOADED = {"svg-use"}  # Chromium waits for ever for an external <use> that a policy refused
NOWHERE = (
    "about:srcdoc",
    "about:blank",
    "chrome-error:",
    "data:text/html;charset=utf-8,",
)  # frames, a refused one, mails
PLACE = "the mail goes here"
EVERY = (*ATTACKS, *QUIET)
NAMED = {attack.name: attack for attack in EVERY}
PARTS = 4  # a click on a page with all attacks takes a second
parts = pytest.mark.parametrize("part", range(PARTS))
quarter = pytest.mark.parametrize("part", some_of(PARTS, count=1))  # the next run takes another


def small(html: str, *, images: bool = False) -> str:
    """As ``isolated``, low enough that many stand on a page."""
    return isolated(html, images=images, height_px=120)


def frames_only(html: str) -> str:
    """As ``isolated``, but with the mail instead of its copy, to test frames and policies alone."""
    return small(PLACE).replace(PLACE, quote(html.encode("utf-8", "replace"), safe=""))


def show(
    page: Page, beacon: Beacon, way: Callable[[str], str], attacks: tuple[Attack, ...] = EVERY
) -> str:
    """Show *attacks*, each in its own section of one page, and return the page's address."""
    sections = (
        f'<section id="{a.name}">{way(a.body(beacon.address(a.name)))}</section>' for a in attacks
    )
    url = beacon.page("page", f"<!doctype html><meta charset=utf-8>{''.join(sections)}")
    page.goto(url, wait_until="domcontentloaded")
    return url


def settle(
    page: Page, attacks: tuple[Attack, ...] = EVERY, frames: Sequence[Frame] | None = None
) -> None:
    """Wait until all frames in frames on *page* are loaded, as far as they are allowed to."""
    end = time.monotonic() + WAIT_S
    loading = [*zip(attacks, frames or page.main_frame.child_frames, strict=True)]
    while loading:
        loading = [(attack, outer) for attack, outer in loading if not is_loaded(outer, attack)]
        assert time.monotonic() < end, f"still loading: {[attack.name for attack, _ in loading]}"
        page.wait_for_timeout(200)
    page.wait_for_timeout(SETTLE_MS)


def is_loaded(outer: Frame, attack: Attack) -> bool:
    """Whether the frame in a frame is there and has done what it does without being touched."""
    done = ("interactive", "complete") if attack.name in NEVER_LOADED else ("complete",)
    try:
        return [
            inner.evaluate("document.readyState") in done
            for inner in outer.child_frames[:1]
            if inner.url
        ] == [True]
    except Error:  # its empty document has just made room for the mail
        return False


def touch_each(page: Page, attacks: tuple[Attack, ...] = EVERY) -> int:
    """Click everything in every inner frame, or press Enter on it; return how much there was."""
    settle(page, attacks)
    touched = 0
    for attack, outer in zip(attacks, page.main_frame.child_frames, strict=True):
        touched += touch_all(outer.child_frames[0])
        if attack.click == "enter":
            touched += touch_all(outer.child_frames[0], "enter")
    page.wait_for_timeout(SETTLE_MS)
    return touched


def paths(beacon: Beacon) -> set[tuple[str, str]]:
    """Doors of attacks and what was asked for there; an empty path is a connection."""
    return {(hit.name, hit.path) for hit in beacon.hits if hit.name != "page"}


def assert_stays(page: Page, watch: Watch, url: str) -> None:
    """Fail if a script ran, a frame or the page went anywhere, or something opened."""
    assert watch.scripts == set()
    assert {whole for whole in watch.places if whole[1]} == {(url, True)}
    assert {
        address for address, whole in watch.places if not whole and not address.startswith(NOWHERE)
    } == set()
    assert (watch.popups, watch.downloads, watch.dialogs) == ([], [], [])
    assert page.context.pages == [page]


@parts
def test_no_attack_gets_out_of_the_frames(
    context: BrowserContext, beacon: Beacon, part: int
) -> None:
    """All are shown and everything is clicked: no script, request, connection or navigation."""
    watch, page = Watch().start(context), context.new_page()
    attacks = EVERY[part::PARTS]
    url = show(page, beacon, small, attacks)
    assert touch_each(page, attacks) > 12
    assert_stays(page, watch, url)
    assert paths(beacon) == set()
    assert watch.requests == [("document", url)]
    assert {reason for reason, _, address in watch.refused if address.startswith("http")} <= {
        "csp",
        "origin",
    }
    assert page.locator("body > section iframe.mf-frame").count() == len(attacks)
    assert len(page.frames) == 1 + 2 * len(attacks)


@quarter
def test_remote_images_are_all_that_is_loaded_where_they_are_wanted(
    context: BrowserContext, beacon: Beacon, part: int
) -> None:
    """The images of an attack are loaded; nothing else runs, navigates, opens or is requested."""
    watch, page = Watch().start(context), context.new_page()
    attacks = tuple(
        attack for attack in EVERY if attack.is_image or attack.click or attack in LOADS
    )[part::PARTS]
    url = show(page, beacon, partial(small, images=True), attacks)
    touch_each(page, attacks)
    assert_stays(page, watch, url)
    assert {name for name, _ in paths(beacon)} == {a.name for a in attacks if a.is_image}
    drawn = beacon.address(
        "css-clip-path"
    )  # a path of an SVG is an image to the policy, and a document to its loader
    assert ("document", url) in watch.requests
    others = {kind for kind, address in watch.requests if not address.startswith((url, drawn))}
    assert others <= {"image"}  # Chromium does not report each image of a frame in a frame


@quarter
def test_the_frames_hold_without_the_hardening(
    context: BrowserContext, beacon: Beacon, part: int
) -> None:
    """Unchanged bodies run and load nothing; hardening also prevents bare connections."""
    watch, page = Watch().start(context), context.new_page()
    url = show(page, beacon, frames_only, ATTACKS[part::PARTS])
    touch_each(page, ATTACKS[part::PARTS])
    assert_stays(page, watch, url)
    assert {(name, path) for name, path in paths(beacon) if path} == set()


POLICY = (
    "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">"
)
SANDBOX = '<iframe class=mf-frame sandbox srcdoc="{}"></iframe>'


@pytest.mark.parametrize(
    ("way", "name"),
    [
        (lambda html: SANDBOX.format(escaping.escape(html)), "img"),
        (lambda html: f'<iframe srcdoc="{escaping.escape(POLICY + html)}"></iframe>', "link-top"),
        (lambda html: SANDBOX.format(escaping.escape(POLICY + html)), "link-self"),
    ],
    ids=["a sandbox alone", "a policy alone", "one frame with both"],
)
def test_less_than_a_frame_in_a_frame_lets_something_out(
    context: BrowserContext, beacon: Beacon, way: Callable[[str], str], name: str
) -> None:
    """Each layer stops what the others do not."""
    watch, page, attack = Watch().start(context), context.new_page(), NAMED[name]
    show(page, beacon, way, (attack,))
    if attack.click:
        assert touch_all(page.main_frame.child_frames[0], attack.click) == 1
    assert silent([(attack, page)], watch, beacon) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_a_mail_needs_is_shown(page: Page, scheme: str) -> None:
    """Styles, data: images, inline images and the chosen scheme work in the inner frame."""
    mail = (
        "<style>p{color:rgb(1,2,3)}@media (prefers-color-scheme:dark){p{color:rgb(4,5,6)}}</style>"
        '<p style="font-size:31px">Hi</p><img id=cid src="cid:logo@x">'
        '<img id=data src="data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=">'
    )
    square = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='7' height='7'/%3E"
    page.set_content(
        isolated(mail, inline={"logo@x": square}, scheme=scheme, width_px=390, height_px=200)
    )
    inner = page.frame_locator("iframe.mf-frame").frame_locator("iframe")
    inner.locator("p").wait_for()
    style = inner.locator("p").evaluate(
        "p => [getComputedStyle(p).color, getComputedStyle(p).fontSize]"
    )
    assert style == ["rgb(1, 2, 3)" if scheme == "light" else "rgb(4, 5, 6)", "31px"]
    assert [
        inner.locator(f"#{name}").evaluate("i => i.naturalWidth") for name in ("cid", "data")
    ] == [7, 1]
    box = page.locator("iframe.mf-frame").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (390, 200)


def test_hardening_is_what_keeps_a_bare_connection_away(
    context: BrowserContext, beacon: Beacon
) -> None:
    """Chromium connects to the address of a frame before it applies the policy."""
    attacks = (NAMED["iframe-src"],)
    show(context.new_page(), beacon, frames_only, attacks)
    settle(context.pages[0], attacks)
    assert paths(beacon) == {("iframe-src", "")}
    assert "<iframe" not in hardened(NAMED["iframe-src"].html)


def test_a_link_looks_like_a_link(page: Page) -> None:
    """Blue and underlined, unless the mail has other rules for links."""
    style = (
        ".own{color:rgb(1, 2, 3)} .other:link{color:rgb(4, 5, 6)} "
        "a[href^='tel:']{color:rgb(7, 8, 9)}"
    )
    links = (
        "<a href=//x>a</a><a href=//x class=own>b</a><a href=//x class=other>c</a><a "
        "href=tel:1>d</a><a class=other>e</a>"
    )
    page.set_content(isolated(f"<style>{style}</style>{links}"))
    inner = page.frame_locator("iframe.mf-frame").frame_locator("iframe")
    looks = [
        link.evaluate("a => [getComputedStyle(a).color, getComputedStyle(a).textDecorationLine]")
        for link in inner.locator("a").all()
    ]
    blue, black = "rgb(0, 0, 238)", "rgb(0, 0, 0)"
    inks = [blue, "rgb(1, 2, 3)", "rgb(4, 5, 6)", "rgb(7, 8, 9)", black]
    assert looks == [[ink, "none" if ink == black else "underline"] for ink in inks]
