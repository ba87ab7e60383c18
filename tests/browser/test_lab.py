"""The tools of the browser tests: a widget works in a real JupyterLab 4 and in Notebook 7."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat

from tests.browser.chromium import screenshot

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.lab import Lab

IN_SHELL = True
COUNTER = """
import ipywidgets
button, text = ipywidgets.Button(description="Press"), ipywidgets.Label("0 times")
button.on_click(lambda _: setattr(text, "value", f"{int(text.value.split()[0]) + 1} times"))
ipywidgets.VBox([button, text])
"""


def press_twice(lab: Lab, page: Page) -> None:
    """Fail unless the widget of COUNTER is on *page* and counts."""
    outputs = lab.run_all(page)
    assert "application/vnd.jupyter.widget-view+json" in outputs[0][0]["data"]
    for times in (1, 2):
        page.get_by_role("button", name="Press").click()
        lab.output(page).get_by_text(f"{times} times").wait_for()


def test_a_button_works_in_jupyterlab_in_both_themes(lab: Lab, page: Page) -> None:
    """The kernel is this Python's, answers the button, and nothing pops up over the page."""
    lab.write("lab.ipynb", [COUNTER])
    lab.open(page, "lab.ipynb")
    press_twice(lab, page)
    screenshot(page, "lab light")
    lab.dark(page)
    screenshot(page, "lab dark")
    assert page.locator(".jp-Dialog").count() == 0
    lab.light(page)


def test_a_button_works_in_notebook_7(lab: Lab, page: Page) -> None:
    """The same server serves Notebook 7."""
    lab.write("seven.ipynb", [COUNTER])
    lab.open_notebook7(page, "seven.ipynb")
    press_twice(lab, page)
    screenshot(page, "notebook 7")


def test_a_stored_output_runs_its_script_only_in_a_trusted_notebook(lab: Lab, page: Page) -> None:
    """Trust is what the fixture says it is."""
    mark = (
        '<p id="mark">before</p><script>document.getElementById("mark").textContent = '
        '"after"</script>'
    )
    output = nbformat.v4.new_output("display_data", {"text/html": mark})
    for trusted, text in ((True, "after"), (False, "before")):
        cell = nbformat.v4.new_code_cell("", outputs=[output], execution_count=1)
        lab.write(f"{trusted}.ipynb", [cell], trusted=trusted)
        lab.open(page, f"{trusted}.ipynb")
        lab.output(page).get_by_text(text).wait_for()
