"""Results and charts in a real JupyterLab: what is seen at 1280 pixels, in both themes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.chromium import screenshot

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.lab import Lab

IN_SHELL = True
RESULTS = """
import pandas as pd
import mailframe as mf

people = pd.DataFrame({
    "customer_id": [f"C-{n:05d}" for n in range(200)],
    "email": [f"p{n}@example.com" for n in range(200)],
    "plan": ["pro", "free"] * 100,
})
with mf.Sandbox(in_process=True, suppressions=["p70@example.com"]) as sandbox:
    results = people.mail.compose(
        sender="a@acme.example", to="{{ email }}", subject="Hi", text_body="Hi", name="lab",
        key="customer_id",
    ).send(sandbox.server, ledger=None, progress=False)
results
"""
CHART = "results.mail.plot()"


def test_results_and_charts_are_shown_in_both_themes(lab: Lab, page: Page) -> None:
    """The failure is on top, a MessageID is one line, the chart is there once, with its text."""
    page.set_viewport_size({"width": 1280, "height": 1200})
    lab.write("results.ipynb", [RESULTS, CHART])
    lab.open(page, "results.ipynb")
    lab.run_all(page)
    table = lab.output(page).locator(".mf-results")
    first = table.locator("tbody tr").first
    assert "C-00070" in first.inner_text()
    assert first.locator(".mf-chip").inner_text() == "rejected"
    identity = table.locator("td.mf-id bdi").first
    assert identity.evaluate("cell => cell.getClientRects().length") == 1
    right = max(
        cell.bounding_box()["x"] + cell.bounding_box()["width"]
        for cell in table.locator("tbody tr").nth(1).locator("td").all()[:3]
    )
    assert right < 1280
    area = table.locator(".mf-scroll").bounding_box()
    assert area["x"] + area["width"] <= 1280
    pictures = lab.output(page, 1).locator("img")
    assert pictures.count() == 1
    alt = pictures.first.get_attribute("alt")
    assert alt.startswith("Bar chart of 200 rows of lab by status: 199 accepted (99.5%)")
    assert pictures.first.evaluate("image => image.naturalWidth") == 1440
    screenshot(page, "results light")
    lab.dark(page)
    screenshot(page, "results dark")
    lab.light(page)
