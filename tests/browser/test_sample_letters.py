"""The sample letters in a browser: desktop and phone, light and dark."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import pytest

from mailframe.demo import sample_customers
from tests.browser.letter_pictures import html_of
from tests.browser.test_letter_layouts import FITS, READABLE
from tests.sample_letters import CAMPAIGNS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
IN_SHELL = True
SHOWN = (10001, 10176, 10213, 10302, 10611, 10880)
"""An ordinary customer, a long name and no orders, a return, many orders, Hebrew, an emoji."""


@cache
def letters(name: str) -> list[str]:
    """The HTML of the messages of these customers who get the letter."""
    customers = sample_customers()
    campaign = CAMPAIGNS[name](customers[customers["customer_id"].isin(SHOWN)])
    return [html_of(campaign, customer_id) for customer_id in campaign.frame["customer_id"]]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", CAMPAIGNS)
def test_a_sample_letter_fits_and_can_be_read(page: Page, name: str) -> None:
    """Nothing is wider than the window, each text has a contrast of 4.5 to 1."""
    for html in letters(name):
        page.set_content(html)
        for width, scheme in product((700, 390, 320), ("light", "dark")):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(FITS) <= width == page.evaluate("innerWidth"), (width, scheme)
            contrast, text = page.evaluate(READABLE)
            assert contrast >= 4.5, (text, width, scheme)
