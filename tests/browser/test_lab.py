"""The JupyterLab of the browser tests runs what it shows only in a trusted notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.lab import Lab

IN_SHELL = True


@pytest.mark.sampled(2)
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
