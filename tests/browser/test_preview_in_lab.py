"""The preview in a real JupyterLab 4 and Notebook 7, used with mouse and keyboard."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from playwright.sync_api import Error, expect

from tests.browser.chromium import PATIENCE_MS, screenshot
from tests.browser.lab import frame_in_frame
from tests.kernels import execute, notebook_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from tests.browser.lab import Lab

IN_SHELL = True
ROOT = Path(__file__).parent.parent.parent
COMPOSE = f"""
import pandas as pd, mailframe as mf
customers = pd.read_csv({str(ROOT / "sample_data" / "customers.csv")!r})
letter = mf.Letter.load({str(ROOT / "sample_data" / "letters" / "renewal")!r})
campaign = customers.mail.compose(letter, name="renewals-2026-11", key="customer_id")
"""
WIDGET = "application/vnd.jupyter.widget-view+json"


class Screen:
    """One preview as a reader sees and uses it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.preview: Locator = page.locator(".mf-preview")
        self.where = self.preview.locator(".mf-place")
        self.head = self.preview.locator(".mf-header")
        self.box = self.preview.locator(".mf-box")
        self.mail = frame_in_frame(page)

    def press(self, name: str) -> None:
        """Press the button of that name; of one with a count, without it."""
        self.preview.get_by_role("button", name=re.compile(rf"^{name}( \(.*\))?$")).click()

    def row(self) -> Locator:
        """The box for the label or key of a row."""
        return self.preview.get_by_label("Go to", exact=True)

    def type(self, place: Locator, text: str) -> None:
        """Put text in place of what stands there, and press Enter."""
        place.fill(text)
        place.press("Enter")

    def says(self, text: str) -> None:
        """Wait until it is said above the mail or beside the search."""
        self.preview.get_by_role("status").filter(has_text=text).first.wait_for()

    def stands_at(self, number: int) -> None:
        """Wait until the place of the row is that number."""
        start = re.compile(rf"^{number:,} of ")
        expect(self.where).to_have_text(start)

    def height(self) -> float:
        """Of the whole preview, in pixels."""
        box = self.preview.bounding_box()
        assert box
        return box["height"]


def opened(
    lab: Lab, page: Page, name: str, last: str = "campaign.preview()", *, seven: bool = False
) -> Screen:
    """A notebook with a preview as its last output, in one of the two applications."""
    lab.write(name, [COMPOSE + last])
    (lab.open_notebook7 if seven else lab.open)(page, name)
    lab.run_all(page)
    page.locator(".mf-preview .mf-place").first.wait_for()
    return Screen(page)


def test_a_person_goes_through_a_campaign_in_jupyterlab(lab: Lab, page: Page) -> None:
    """Steps, rows, search, problems, views, widths, schemes, and the keyboard alone."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    screen = opened(lab, page, "flow.ipynb")
    _tour(screen)
    _rows(screen)
    _search(screen)
    _problems(screen)
    _keyboard(screen)
    _views(screen)
    _widths_and_schemes(screen)
    screenshot(page, "preview phone dark")
    lab.dark(page)
    screenshot(page, "preview dark theme")
    assert _contrast(screen.where) > 4.5
    assert _contrast(screen.preview.locator(".mf-head td").first) > 4.5
    lab.light(page)
    assert page.locator(".jp-Dialog").count() == 0
    assert errors == []


def _tour(screen: Screen) -> None:
    screen.stands_at(1)
    first = screen.head.locator(".mf-reasons").inner_text()
    assert "plan = enterprise · 121 rows" in first
    screenshot(screen.page, "preview opens")
    screen.press("Next")
    screen.stands_at(2)
    expect(screen.head.locator(".mf-reasons")).not_to_have_text(first)  # another row, and why
    screen.press("Previous")
    screen.stands_at(1)
    screen.press("Previous")  # there is none: it stays, and keeps the focus
    screen.stands_at(1)
    expect(screen.preview.get_by_role("button", name="Previous")).to_be_focused()
    screen.press("Next")
    screen.stands_at(2)


def _rows(screen: Screen) -> None:
    screen.type(screen.row(), "1199")
    screen.stands_at(1_200)
    screen.press("Next")  # there is none
    screen.press("Previous")
    screen.stands_at(1_199)
    screen.press("Next")
    screen.stands_at(1_200)
    screen.type(screen.row(), "99999")
    screen.says("There is no row 99999; the frame has rows 0 to 1,199")
    expect(screen.row()).to_have_value("")
    screen.stands_at(1_200)
    screen.type(screen.row(), "10001")  # the key of the first row
    screen.says("1 of 1,200 · customer_id 10001")
    screen.type(screen.row(), "7")
    screen.says("8 of 1,200")


def _search(screen: Screen) -> None:
    box = screen.preview.get_by_label("Search")
    screen.type(box, "no-such-text")
    screen.says("no row matches")
    screen.type(box, "fjord robotics")
    screen.says("rows match")
    screen.press("Next")
    eventually(lambda: "Fjord Robotics" in screen.mail.locator("body").inner_text(timeout=1_000))
    screen.type(box, "")
    screen.says("of 1,200")


def _problems(screen: Screen) -> None:
    screen.press("Problems")
    screen.stands_at(1)
    screenshot(screen.page, "preview problem")
    screen.press("Edge cases")
    screen.stands_at(1)


def _keyboard(screen: Screen) -> None:
    """Without a mouse, in the order in which it is read; a step keeps the focus."""
    page = screen.page
    screen.preview.get_by_role("button", name="Previous", exact=True).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    screen.stands_at(2)
    expect(screen.preview.get_by_role("button", name="Next", exact=True)).to_be_focused()
    for row_set in ("Edge cases", "All", "Problems"):
        page.keyboard.press("Tab")
        button = screen.preview.get_by_role("button", name=re.compile(f"^{row_set} "))
        expect(button).to_be_focused()
    page.keyboard.press("Tab")
    expect(screen.row()).to_be_focused()


def _views(screen: Screen) -> None:
    height = screen.height()
    for view, holds in (("Text", "Unsubscribe:"), ("JSON", '"HtmlBody":'), ("Data", "customer_id")):
        screen.press(view)
        screen.box.get_by_text(holds).first.wait_for()
        screenshot(screen.page, f"preview {view}")
    assert "bytes in base64>" in _after(screen, "JSON")
    screen.press("HTML")
    eventually(lambda: screen.mail.locator("body").is_visible())
    assert screen.height() == pytest.approx(height, abs=2)


def _after(screen: Screen, view: str) -> str:
    screen.press(view)
    screen.box.get_by_text('"HtmlBody":').wait_for()
    return screen.box.inner_text()


def _widths_and_schemes(screen: Screen) -> None:
    body = screen.mail.locator("body")

    def colour() -> str:
        return str(body.evaluate("body => getComputedStyle(body).backgroundColor", timeout=1_000))

    eventually(lambda: body.evaluate("() => innerWidth", timeout=1_000) > 600)
    eventually(lambda: colour() == "rgb(238, 241, 239)")
    screen.press("Phone")
    screen.page.locator("iframe.mf-frame").wait_for()
    screen.page.wait_for_function(
        "() => document.querySelector('iframe.mf-frame').clientWidth === 390"
    )
    eventually(lambda: body.evaluate("() => innerWidth", timeout=1_000) == 390)
    screen.press("Dark")
    eventually(lambda: colour() == "rgb(27, 35, 38)")
    assert not screen.preview.get_by_label("Load remote images").is_checked()


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds; a frame that is being replaced answers nothing."""
    end = time.monotonic() + PATIENCE_MS / 1_000
    while time.monotonic() < end:
        with suppress(Error):
            if holds():
                return
        time.sleep(0.1)
    pytest.fail("it does not hold after two minutes")


def _contrast(place: Locator) -> float:
    """Of a text against what lies behind it, as WCAG counts it."""
    return float(
        place.evaluate(
            """element => {
      const colour = text => text.match(/[\\d.]+/g).map(Number);
      let behind = element;
      while (behind.parentElement && colour(getComputedStyle(behind).backgroundColor)[3] === 0) {
        behind = behind.parentElement;
      }
      const light = text => {
        const [r, g, b] = colour(text).map(part => part / 255)
          .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const [text, ground] = [getComputedStyle(element).color,
      getComputedStyle(behind).backgroundColor]; const both = [light(text), light(ground)].sort();
      return (both[1] + 0.05) / (both[0] + 0.05);
    }"""
        )
    )


def _right_edge(place: Locator) -> float:
    """The position of its right edge, in pixels."""
    box = place.bounding_box()
    assert box
    return box["x"] + box["width"]


@pytest.mark.sampled(2)
def test_a_preview_works_in_notebook_7(lab: Lab, page: Page) -> None:
    """The same widget, without a line for this place."""
    screen = opened(lab, page, "seven-preview.ipynb", seven=True)
    screen.press("Next")
    screen.stands_at(2)
    eventually(lambda: "Acme" in screen.mail.locator("body").inner_text(timeout=1_000))
    screen.press("Phone")
    page.wait_for_function("() => document.querySelector('iframe.mf-frame').clientWidth === 390")
    screenshot(page, "preview notebook 7")


@pytest.mark.sampled(2)
def test_two_previews_do_not_meet_and_wrap_where_there_is_little_room(lab: Lab, page: Page) -> None:
    """Each has a place of its own; on a small screen every control of both can be seen."""
    screen = opened(
        lab,
        page,
        "two.ipynb",
        "a, b = campaign.preview(), campaign.preview()\nimport ipywidgets\nipywidgets.VBox([a, b])",
    )
    first, second = page.locator(".mf-preview").all()
    first.get_by_role("button", name="Next", exact=True).click()
    first.locator(".mf-place").get_by_text("2 of ").wait_for()
    assert "1 of " in second.locator(".mf-place").inner_text()
    page.set_viewport_size({"width": 700, "height": 1400})
    controls = screen.preview.locator(".mf-toolbar button:visible, .mf-toolbar input:visible")
    eventually(lambda: _right_edge(lab.output(page).first) <= 700)
    eventually(
        lambda: max(map(_right_edge, controls.all())) <= _right_edge(lab.output(page).first) + 1
    )
    screenshot(page, "preview narrow")


# --- without a widget ---


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, nbformat.NotebookNode]:
    """The outputs of one notebook, run without a browser."""
    folder = tmp_path_factory.mktemp("executed")
    lasts = {
        "widget": "campaign.preview()",
        "nothing": "campaign.preview(save=False)",
        "static": "campaign.preview(static=True)",
        "gallery": "campaign.gallery(n=4)",
        "campaign": "campaign",
    }
    notebook = execute(notebook_of(COMPOSE, *lasts.values()), folder, folder / "own")
    return dict(zip(lasts, notebook.cells[1:], strict=True))


def bundle(cell: nbformat.NotebookNode) -> dict[str, str]:
    """The forms of a cell's output."""
    return dict(cell.outputs[-1]["data"])


@pytest.mark.sampled(2)
def test_an_untrusted_notebook_shows_a_card_with_a_table_and_the_text(
    lab: Lab, page: Page, executed: dict[str, nbformat.NotebookNode]
) -> None:
    """JupyterLab removes frames and styles; header, problems and masked text remain."""
    lab.write(
        "untrusted.ipynb",
        [executed["widget"], executed["static"], executed["gallery"], executed["campaign"]],
    )
    lab.open(page, "untrusted.ipynb")
    lab.output(page, 0).locator("table").first.wait_for()
    assert page.locator("iframe").count() == 0
    card = lab.output(page, 0).inner_text()
    assert "Subject" in card
    assert "Käthe" not in card
    assert "Xxxxx, your xxxxxxxxxx plan renews on" in card
    page.get_by_text("Text part").first.click()
    assert "there is nothing to do" in lab.output(page, 0).inner_text()
    lab.output(page, 1).first.scroll_into_view_if_needed()  # a cell far below has no DOM yet
    expect(lab.output(page, 1)).to_contain_text(
        "Käthe"
    )  # static=True is seen, and says nothing of masks
    assert page.locator(".MathJax, mjx-container").count() == 0
    screenshot(page, "untrusted")


@pytest.mark.sampled(2)
def test_a_saved_notebook_keeps_what_the_documentation_says(
    executed: dict[str, nbformat.NotebookNode],
) -> None:
    """Beside a widget a masked card; with save=False nothing of any row."""
    widget, nothing = bundle(executed["widget"]), bundle(executed["nothing"])
    assert set(widget) == {WIDGET, "text/html", "text/plain"}
    assert set(nothing) == {WIDGET, "text/plain"}
    for text in (
        widget["text/html"],
        widget["text/plain"],
        json.dumps(nothing),
        bundle(executed["campaign"])["text/html"],
    ):
        assert "Käthe" not in text
        assert "fjord" not in text.lower()
    assert "Käthe" in bundle(executed["static"])["text/html"]


@pytest.mark.sampled(2)
def test_nbconvert_shows_a_preview(
    page: Page, tmp_path: Path, executed: dict[str, nbformat.NotebookNode]
) -> None:
    """The card without widget state; with it the widget, and always a static preview."""
    cells = [executed["widget"], executed["static"]]
    model = bundle(executed["widget"])[WIDGET]["model_id"]
    state = {
        model: {"model_name": "VBoxModel", "model_module": "@jupyter-widgets/controls", "state": {}}
    }
    views = {"version_major": 2, "version_minor": 0, "state": state}
    stored = {"widgets": {"application/vnd.jupyter.widget-state+json": views}}
    paths = [tmp_path / "without.ipynb", tmp_path / "with.ipynb"]
    for path, metadata in zip(paths, ({}, stored), strict=True):
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", *map(str, paths)]
    environment = {"JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, check=False
    )
    assert done.returncode == 0, done.stderr
    page.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), lambda route: route.abort())
    for path, count in zip(paths, (2, 1), strict=True):
        page.goto(path.with_suffix(".html").as_uri())
        frames = page.locator("iframe.mf-frame")
        frames.first.wait_for()
        assert frames.count() == count, path.stem
        mail = frame_in_frame(page, count - 1).locator("body").inner_text()
        assert "Review your plan" in mail, path.stem
        screenshot(page, f"nbconvert {path.stem} state")
