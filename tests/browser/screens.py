"""Takes pictures of every screen: ``python -m tests.browser.screens FOLDER [NAME…]``.

A real JupyterLab shows the screens; each is one cell, so that this works whatever they look like.
Every picture is taken at three widths of the window and in both themes of JupyterLab, and is named
like ``preview-1280-dark.png``. The approval page is a file that the browser opens.

Those of them that the docs show are made by ``python -m tests.docs_pictures``.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from playwright.sync_api import TimeoutError as TooSlow

from tests.browser.chromium import ONE_PROCESS, launched
from tests.browser.lab import CONNECTED, OUTPUTS, RUN_MS, served

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, FloatRect, Page, ViewportSize

    from tests.browser.lab import Lab

WIDTHS = (1280, 820, 390)
"""Of the window, in CSS pixels: a laptop, a tablet, a phone."""
THEMES = ("light", "dark")
HEIGHT, MARGIN = 2_600, 4
"""Of the window, so high that each screen is drawn as a whole, and around the screen."""
FILE_HEIGHT = 900
DRAWN_MS, LOADED_MS = 400, 3_000
"""Until a new width or theme is drawn, and until the mails of new frames are."""
PRESENT_MS = 30_000

SETUP = """
import os
os.environ["MAILFRAME_LEDGER"] = "ledger.db"
import mailframe as mf
from mailframe.demo import sample_campaign, sample_customers
customers = sample_customers()
campaign = sample_campaign()
letter = campaign.letter
bare = customers.mail.compose(
    letter.replace(subject="{{ first_name }}, your {{ plan }} plan renews"),
    name="renewals-2026-12", key="customer_id",
)
inactive = customers["email"].dropna().iloc[5::40].tolist()
sandbox = mf.Sandbox(suppressions={"broadcast": inactive})
sandbox.start()
"""


@dataclass(frozen=True, slots=True)
class Screen:
    """One output of a notebook.

    Attributes:
        name: the start of the file names.
        code: the source of the cell.
        raises: whether the cell ends with an error, which is the screen.
        waits_for: a selector of what must be there before the picture is taken.
    """

    name: str
    code: str
    raises: bool = False
    waits_for: str = ""


SCREENS = (
    Screen("preview", "campaign.preview()", waits_for=".mf-preview"),
    Screen(
        "preview-blocked",
        "problems = campaign.problems()\n"
        "campaign.preview(rows=[problems.query(\"severity == 'error'\")['row'].iloc[0]])",
        waits_for=".mf-preview",
    ),
    Screen("preview-empty", "customers.iloc[:0].mail.compose(letter).preview()"),
    Screen("preview-static", "campaign.preview(static=True)"),
    Screen("tour", "campaign.tour(progress=False)"),
    Screen("problems", "bare.problems()"),
    Screen("problems-none", "campaign.frame.head(3).mail.compose(letter).problems()"),
    Screen("plan", "bare.plan()"),
    Screen("campaign", "campaign"),
    Screen("letter", "letter"),
    Screen("message", "campaign.message(key=10001)"),
    Screen(
        "sandbox",
        "campaign.frame.head(40).mail.compose(letter, name='some', "
        "key='customer_id').send(sandbox.server, progress=False)\nsandbox",
    ),
    Screen("postmark", "mf.Postmark('POSTMARK_API_TEST')"),
    Screen(
        "results",
        "campaign.send(sandbox.server, on_invalid='skip', allow_repeat=True, progress=False, "
        "check_suppressed=False)",
        waits_for=".mf-results",
    ),
    Screen("diff-rows", "campaign.diff(key=(10001, 10003))"),
    Screen(
        "diff-campaigns",
        "edited = letter.replace(subject=letter.subject + ' soon', tag='renewals')\n"
        "campaign.diff(campaign.frame.mail.compose(edited, name='renewals-2026-11', "
        "key='customer_id'), progress=False)",
    ),
    Screen("gallery", "campaign.gallery()"),
    Screen("error", "bare.send(sandbox.server, progress=False)", raises=True),
    Screen(
        "progress",
        "_ = bare.send(sandbox.server, on_invalid='skip', allow_repeat=True)",
    ),
    Screen("progress-again", "_ = bare.send(sandbox.server, on_invalid='skip')"),
)
PAGES = (
    Screen("approval", "campaign.preview(static=True).save('approval.html')"),
    Screen(
        "approval-masked", "campaign.preview(static=True, mask=True).save('approval-masked.html')"
    ),
    Screen("gallery-file", "campaign.gallery().save('gallery-file.html')"),
)
"""Files: the cell saves ``<name>.html``."""
NAMES = [screen.name for screen in (*SCREENS, *PAGES)]


def cell_of(screen: Screen) -> nbformat.NotebookNode:
    """The cell that shows a screen; Lab goes on after one that may raise."""
    cell = nbformat.v4.new_code_cell(screen.code)
    if screen.raises:
        cell.metadata["tags"] = ["raises-exception"]
    return cell


def opened(lab: Lab, page: Page, screens: Sequence[Screen], *, setup: str = SETUP) -> None:
    """Open a notebook with a cell for each of the screens, and run it.

    Raises:
        AssertionError: a cell raised without being a screen of an error, or the other way round.
    """
    page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT})
    lab.write("screens.ipynb", [setup, *map(cell_of, screens)])
    lab.open(page, "screens.ipynb")
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    lab.command(page, "notebook:run-all-cells")
    page.wait_for_function(CONNECTED, timeout=RUN_MS)
    for screen, outputs in zip(screens, page.evaluate(OUTPUTS)[1:], strict=True):
        errors = [output for output in outputs if output["output_type"] == "error"]
        assert bool(errors) == screen.raises, f"{screen.name}: {outputs}"
    page.wait_for_timeout(LOADED_MS if page.locator("iframe").count() else 0)


def in_lab(
    lab: Lab,
    page: Page,
    screens: Sequence[Screen],
    *,
    widths: Sequence[int] = WIDTHS,
    themes: Sequence[str] = THEMES,
) -> Iterator[tuple[str, bytes]]:
    """The name and the picture of each of the screens, at each of the widths, in each theme."""
    for theme, width in product(themes, widths):
        page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT})  # on a phone Lab hides menus
        getattr(lab, theme)(page)
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.wait_for_timeout(DRAWN_MS)
        for number, screen in enumerate(screens, start=1):
            yield f"{screen.name}-{width}-{theme}", picture(page, screen, number=number)


def picture(page: Page, screen: Screen, *, number: int) -> bytes:
    """The output of the cell with that number, as the notebook shows it.

    Raises:
        AssertionError: what the screen must have is not there.
    """
    cell = page.locator(".jp-CodeCell").nth(number)
    cell.evaluate("cell => cell.scrollIntoView({block: 'start'})")
    area = cell.locator(".jp-Cell-outputArea")
    area.wait_for(timeout=PRESENT_MS)
    try:
        if screen.waits_for:
            area.locator(screen.waits_for).first.wait_for(timeout=PRESENT_MS)
    except TooSlow:
        raise AssertionError(f"{screen.name}: there is no {screen.waits_for}") from None
    page.wait_for_timeout(3 * DRAWN_MS if area.locator("iframe").count() else 0)
    return page.screenshot(clip=around(area.bounding_box(), page.viewport_size))


def around(box: FloatRect | None, window: ViewportSize | None) -> FloatRect:
    """The rectangle with a margin, inside of the window."""
    assert box is not None
    assert window is not None
    left, top = max(box["x"] - MARGIN, 0), max(box["y"] - MARGIN, 0)
    return {
        "x": left,
        "y": top,
        "width": min(box["x"] + box["width"] + MARGIN, window["width"]) - left,
        "height": min(box["y"] + box["height"] + MARGIN, window["height"]) - top,
    }


def in_browser(
    browser: Browser,
    home: Path,
    screens: Sequence[Screen],
    *,
    widths: Sequence[int] = WIDTHS,
    themes: Sequence[Any] = THEMES,
) -> Iterator[tuple[str, bytes]]:
    """The name and the picture of each of the files, as a whole."""
    for screen, theme, width in product(screens, themes, widths):
        page = browser.new_page(
            viewport={"width": width, "height": FILE_HEIGHT}, color_scheme=theme
        )
        page.goto((home / f"{screen.name}.html").as_uri())
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": height})  # to draw every frame
        page.wait_for_timeout(LOADED_MS)
        yield f"{screen.name}-{width}-{theme}", page.screenshot()
        page.close()


def pictures(
    names: Sequence[str] = (), *, widths: Sequence[int] = WIDTHS, themes: Sequence[str] = THEMES
) -> Iterator[tuple[str, bytes]]:
    """The name of each picture, such as ``preview-1280-dark``, and its PNG.

    Args:
        names: the names of screens; all without any.
        widths: the widths of the window.
        themes: ``light``, ``dark`` or both.
    """
    outputs, files = (
        [screen for screen in some if screen.name in (names or NAMES)] for some in (SCREENS, PAGES)
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder)) as lab,
        launched(ONE_PROCESS, in_shell=True) as browser,
    ):
        lab.set("notebook-extension/tracker", windowingMode="none")  # each cell has its DOM
        page = browser.new_context().new_page()
        opened(lab, page, [*outputs, *files])
        yield from in_lab(lab, page, outputs, widths=widths, themes=themes)
        yield from in_browser(browser, lab.home, files, widths=widths, themes=themes)


def take(folder: Path, names: Sequence[str]) -> None:
    """Write the pictures to a folder."""
    unknown = sorted({*names} - {*NAMES})
    if unknown:
        sys.exit(f"no screen is called {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    folder.mkdir(parents=True, exist_ok=True)
    for name, png in pictures(names):
        (folder / f"{name}.png").write_bytes(png)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(f"python -m tests.browser.screens FOLDER [NAME…]; names: {', '.join(NAMES)}")
    take(Path(sys.argv[1]), sys.argv[2:])
