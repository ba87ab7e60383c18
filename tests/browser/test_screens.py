"""The script that takes pictures of the screens, with one screen."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests import docs_pictures
from tests.browser import screens

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.lab import Lab

IN_SHELL = True


@pytest.mark.sampled(2)
def test_a_screen_is_taken_in_each_theme(lab: Lab, page: Page) -> None:
    """A picture is as wide as the notebook, and a dark one is dark."""
    screen = screens.Screen("text", "'Hello'")
    screens.opened(lab, page, [screen], setup="")
    made = dict(screens.in_lab(lab, page, [screen], widths=(390,)))
    lab.light(page)
    images = {name: Image.open(BytesIO(png)).convert("L") for name, png in made.items()}
    assert all(250 < image.width <= 390 for image in images.values())
    assert images["text-390-light"].getpixel((200, 20)) > 240
    assert images["text-390-dark"].getpixel((200, 20)) < 30


def test_every_screen_has_a_name_of_its_own_and_a_cell() -> None:
    """Also those that the docs show."""
    assert len({*screens.NAMES}) == len(screens.NAMES)
    assert {*docs_pictures.SCREENS} <= {*screens.NAMES}
    for screen in (*screens.SCREENS, *screens.PAGES):
        compile(screen.code, screen.name, "exec")
