"""The attacks are real: each does its harm where a page shows it without protection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.attacks import ATTACKS, QUIET, WAYS
from tests.browser.sampling import some_of
from tests.browser.watching import Watch, touch_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from playwright.sync_api import BrowserContext, Page

    from tests.browser.attacks import Attack
    from tests.browser.beacon import Beacon

WAIT_S = 60.0
PAGES_AT_ONCE = 24
ALONE = ("page", "popup", "download")
"""Marks of a whole page, which do not say which of its frames it was."""


def is_alone(attack: Attack) -> bool:
    """Whether it would spoil, or be mistaken for, what stands beside it."""
    return attack.way != "frame" or attack.mark in ALONE


def open_alone(
    attacks: Iterable[Attack], context: BrowserContext, beacon: Beacon
) -> Iterator[tuple[Attack, Page]]:
    """Show each in a page of its own, and click it."""
    for attack in attacks:
        html = WAYS[attack.way](attack.body(beacon.address(attack.name)))
        page = context.new_page()
        url = beacon.page(f"page of {attack.name}", f"<!doctype html><meta charset=utf-8>{html}")
        page.goto(url, wait_until="load" if attack.click else "commit")
        for frame in page.frames if attack.click else []:
            touch_all(frame, attack.click)
        yield attack, page


def open_together(
    attacks: list[Attack], context: BrowserContext, beacon: Beacon
) -> Iterator[tuple[Attack, Page]]:
    """Show them in frames of one page, without a sandbox, and click them."""
    frames = (
        f"<p id={attack.name}>{WAYS['frame'](attack.body(beacon.address(attack.name)))}"
        for attack in attacks
    )
    page = context.new_page()
    page.goto(beacon.page("page of all", "<!doctype html><meta charset=utf-8>" + "".join(frames)))
    for attack, frame in zip(attacks, page.main_frame.child_frames, strict=True):
        if attack.click:
            touch_all(frame, attack.click)
        yield attack, page


def silent(
    shown: list[tuple[Attack, Page]], watch: Watch, beacon: Beacon, wait_s: float = WAIT_S
) -> list[str]:
    """Names of those whose mark is not seen after so many seconds; returns as soon as all are."""
    quiet = [
        attack.name
        for attack, page in shown
        if not watch.fired(attack.mark, attack.name, page, beacon)
    ]
    for _ in range(int(wait_s * 20)):
        if not quiet:
            break
        shown[0][1].wait_for_timeout(50)
        quiet = [
            attack.name
            for attack, page in shown
            if not watch.fired(attack.mark, attack.name, page, beacon)
        ]
    return quiet


def test_names_are_unique() -> None:
    """Two attacks of one name could not be told apart."""
    names = [attack.name for attack in (*ATTACKS, *QUIET)]
    assert len(names) == len(set(names))
    assert len(ATTACKS) >= 60


@pytest.mark.parametrize("part", some_of(2, count=1))
def test_attacks_in_a_frame_without_rights_taken_away_work(
    context: BrowserContext, beacon: Beacon, part: int
) -> None:
    """Each script runs, each request arrives, each frame is led elsewhere."""
    watch = Watch().start(context)
    together = [attack for attack in ATTACKS if not is_alone(attack)][part::2]
    assert len(together) > 30
    assert silent(list(open_together(together, context, beacon)), watch, beacon) == []


@pytest.mark.parametrize("part", some_of(2, count=1))
def test_attacks_in_pages_of_their_own_work(
    context: BrowserContext, beacon: Beacon, part: int
) -> None:
    """Each breaks out of what was put around it, moves the page, opens a window or downloads."""
    watch = Watch().start(context)
    alone = [attack for attack in ATTACKS if is_alone(attack)][part::2]
    for start in range(0, len(alone), PAGES_AT_ONCE):
        shown = list(open_alone(alone[start : start + PAGES_AT_ONCE], context, beacon))
        assert silent(shown, watch, beacon) == []
        for page in context.pages:
            page.close()
