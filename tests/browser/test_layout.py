"""A mail is laid out by its doctype, and dark only if it declares it; measured in Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailframe.pages.card import card
from mailframe.pages.isolation import isolated
from mailframe.pages.mail import Mail
from mailframe.pages.standalone import standalone
from tests.browser.chromium import screenshot

if TYPE_CHECKING:
    from playwright.sync_api import FrameLocator, Page

IN_SHELL = True
TRANSITIONAL = (
    '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
    '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">'
)
LAYOUTS = {  # the mode of Chromium, and whether there are gaps between rows of images
    "transitional": (TRANSITIONAL, "CSS1Compat", False),
    "html 4.01 transitional": (
        (
            '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" '
            '"http://www.w3.org/TR/html4/loose.dtd">'
        ),
        "CSS1Compat",
        False,
    ),
    "html 4.01 without its address": (
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN">',
        "BackCompat",
        False,
    ),
    "html 5": ("<!doctype html>", "CSS1Compat", True),
    "strict": (
        (
            '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" '
            '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">'
        ),
        "CSS1Compat",
        True,
    ),
    "none": ("", "BackCompat", False),
}
SQUARE = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='90' height='16'/%3E"
ROW = f'<tr><td><img src="{SQUARE}"></td></tr>'
ROWS = (
    "<style>body{margin:0;font:16px/20px sans-serif}</style>"
    f'<table cellpadding="0" cellspacing="0" border="0">{ROW}{ROW}</table>'
)
MEASURED = "table => [document.compatMode, table.offsetHeight]"
WHITE, DARK = "rgb(255, 255, 255)", "rgb(18, 18, 18)"
CARD = (
    "<style>.own { background: #fff; padding: 24px }"
    "@media (prefers-color-scheme: dark) { .night { color: rgb(1, 2, 3) } }</style>"
    '<div class="own"><h2>Your plan renews</h2><p>Text without a color of its own, on a white '
    "card.</p>"
    '<p class="night">Text with a color for dark screens.</p><a href="https://acme.example">A '
    "link</a></div>"
    "<p>Text beside the card.</p>"
)
DECLARED = '<meta name="color-scheme" content="light dark">'


def inner(page: Page) -> FrameLocator:
    """Where the mail is."""
    return page.frame_locator("iframe.mf-frame").frame_locator("iframe")


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_mail_is_laid_out_as_its_doctype_says(page: Page, name: str) -> None:
    """In its frames as in a page of its own, including gaps between rows of images."""
    doctype, mode, has_missing = LAYOUTS[name]
    page.goto(
        "data:text/html;charset=utf-8," + (doctype + ROWS).replace("%", "%25").replace("#", "%23")
    )
    alone = page.locator("table").evaluate(MEASURED)
    assert (alone[0], alone[1] > 32) == (mode, has_missing)
    for is_thumbnail in (False, True):
        whole = isolated(doctype + ROWS, is_thumbnail=is_thumbnail)
        page.set_content(whole)
        inner(page).locator("table").wait_for()
        assert inner(page).locator("table").evaluate(MEASURED) == alone


def test_a_file_that_stands_alone_shows_the_mail_too(page: Page, tmp_path) -> None:
    """Its policy allows the frame of the mail."""
    path = tmp_path / "mail.html"
    page_of_its_own = standalone("a mail", card(Mail(label="a", html=TRANSITIONAL + ROWS)))
    path.write_text(page_of_its_own, encoding="utf-8")
    page.goto(path.as_uri())
    inner(page).locator("table").wait_for()
    assert inner(page).locator("table").evaluate(MEASURED) == ["CSS1Compat", 32]


def test_a_very_long_mail_is_shown_too(page: Page) -> None:
    """Chromium opens no address of more than 2 MiB; the whole mail is shown anyway."""
    page.set_content(isolated(f"<p>{'words ' * 400_000}</p><p id=end>end"))
    inner(page).locator("#end").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("declared", [True, False])
def test_a_mail_is_dark_only_where_it_declares_it(page: Page, scheme: str, declared: bool) -> None:
    """Its text stays black on its white card; its dark rules apply; its surroundings are dark."""
    page.emulate_media(color_scheme=scheme)
    page.set_content(
        card(Mail(label="row 1", html=(DECLARED if declared else "") + CARD), scheme=scheme)
    )
    inner(page).locator("h2").wait_for()
    ink = {
        name: inner(page).locator(name).evaluate("p => getComputedStyle(p).color")
        for name in ("h2", ".night")
    }
    is_dark = scheme == "dark" and declared
    assert ink["h2"] == (WHITE if is_dark else "rgb(0, 0, 0)")
    assert ink[".night"] == ("rgb(1, 2, 3)" if scheme == "dark" else "rgb(0, 0, 0)")
    ground = page.locator(".mf-shown").evaluate("e => getComputedStyle(e).backgroundColor")
    assert ground == (DARK if scheme == "dark" else WHITE)
    left_dark = (
        14 if scheme == "dark" and not declared else 0
    )  # a mail that is dark by itself needs no other ground
    assert (
        page.frame_locator("iframe.mf-frame").locator("iframe").evaluate("e => e.offsetTop")
        == left_dark
    )
    screenshot(page, f"mail {scheme} {'declared' if declared else 'undeclared'}")


def test_a_style_sheet_says_the_same_in_the_copy(page: Page) -> None:
    """Also if something in it looks like a tag."""
    css = (
        "<!-- p::before { content: '</style ><b>' } p { color: rgb(1, 2, 3) } /* <i> */ p { "
        "margin: 7px } -->"
    )
    page.set_content(isolated(f"<svg><style>{css.replace('<', '&lt;')}</style></svg><p>Hi"))
    inner(page).locator("p").wait_for()
    look = (
        inner(page)
        .locator("p")
        .evaluate(
            "p => [getComputedStyle(p, '::before').content, getComputedStyle(p).color, "
            "getComputedStyle(p).marginTop]"
        )
    )
    assert look == ['"</style ><b>"', "rgb(1, 2, 3)", "7px"]
