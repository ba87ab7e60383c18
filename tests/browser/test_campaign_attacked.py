"""The attacks as rows of a campaign in a real JupyterLab, in every output of mailframe."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.attacks import ATTACKS
from tests.browser.chromium import screenshot
from tests.browser.sampling import some_of
from tests.browser.watching import Watch, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from tests.browser.beacon import Beacon
    from tests.browser.lab import Lab

SAMPLED = ATTACKS[some_of(3, count=1)[0] :: 3]
"""A third of the attacks in each run; the next run may take another one."""
STEPPED = 16
HOSTILE = (
    "</bdi></td></table></style></script><script>console.log(/ran:field/)</script><img "
    'src="{u}/field.gif">'
    '<img src="x:" onerror="console.log(/ran:field/)">\' " $x$ \\(y\\) \x1b[31mred \u202eturned'
)
COMPOSE = """
import json, pandas as pd, mailframe as mf
given = json.load(open("rows.json"))
hostile = given["hostile"]
frame = pd.DataFrame({"body": given["bodies"], hostile: hostile, "name": hostile})
frame.index = [f"{hostile} {i}" for i in range(len(frame))]
frame["email"] = [f"p{i}@example.com" for i in range(len(frame))]
frame.loc[frame.index[3], "email"] = hostile
letter = mf.Letter(
    sender="Acme <hello@acme.example>", to="{{ email }}",
    subject="{{ name | replace('\\x1b', '') }}", html_body=lambda df: df["body"],
    text_body="{{ row[" + repr(hostile) + "] }}{% if name == 'x' %}{% endif %}",
    tag="{{ name }}", metadata={"note": "{{ name | truncate(70) }}"}, allow_idn_mixed=True,
)
campaign = frame.mail.compose(letter, name=hostile.replace("\\x1b", "").replace("\\u202e", ""))
"""
SHOWN = (
    "campaign",
    f"campaign.preview(rows=frame.index[:{STEPPED}])",
    "campaign.preview(static=True)",
    "campaign.tour()",
    *(
        f"campaign.gallery(rows=frame.index[{first}:{first + 60}])"
        for first in range(0, len(SAMPLED), 60)
    ),
    "campaign.diff(frame.index[0], frame.index[3])",
    "campaign.diff(frame.assign(name='other').mail.compose(letter), progress=False)",
    "campaign.problems().head(8)",
    "campaign.plan()",
)


def test_nothing_gets_out_of_what_mailframe_shows_of_a_campaign(
    lab: Lab, context: BrowserContext, beacon: Beacon
) -> None:
    """Attacks as bodies, and a hostile text in every field: nothing runs or loads."""
    bodies = [
        attack.body(beacon.address(attack.name)).encode("utf-8", "replace").decode()
        for attack in SAMPLED
    ]
    given = {"bodies": bodies, "hostile": HOSTILE.replace("{u}", beacon.address("field"))}
    (lab.home / "rows.json").write_text(json.dumps(given), encoding="utf-8")
    lab.write("rows.ipynb", [COMPOSE, *SHOWN])
    watch, page = Watch().start(context), context.new_page()
    lab.open(page, "rows.ipynb")
    lab.run_all(page)
    _step_through(page)
    for cell in range(1, len(SHOWN) + 1):
        lab.output(page, cell).first.scroll_into_view_if_needed()
        page.wait_for_timeout(400)
    screenshot(page, "campaign attacked")
    assert page.locator(".MathJax, mjx-container").count() == 0
    assert watch.scripts == set()
    assert {(hit.name, hit.path) for hit in beacon.hits} == set()
    assert (watch.popups, watch.downloads, watch.dialogs) == ([], [], [])
    assert {
        address for address, whole in watch.places if whole and not address.startswith(lab.url)
    } == set()


def _step_through(page: Page) -> None:
    preview = page.locator(".mf-preview")
    preview.scroll_into_view_if_needed()
    following = preview.get_by_role("button", name="Next", exact=True)
    for place in range(2, STEPPED + 1):
        following.click()
        expect(preview.locator(".mf-place")).to_contain_text(f"{place} of {STEPPED}")
    for view in ("Text", "JSON", "Data"):
        preview.get_by_role("button", name=view, exact=True).click()
        preview.locator(".mf-box").wait_for()


def test_the_same_text_does_harm_in_jupyterlab_where_it_is_not_escaped(
    lab: Lab, context: BrowserContext, beacon: Beacon
) -> None:
    """Without this control the test above would prove nothing."""
    hostile = HOSTILE.replace("{u}", beacon.address("field"))
    lab.write("control.ipynb", [f"import ipywidgets\nipywidgets.HTML({hostile!r})"])
    watch, page = Watch().start(context), context.new_page()
    lab.open(page, "control.ipynb")
    lab.run_all(page)
    lab.output(page, 0).locator("img").first.wait_for(state="attached")
    wait_until(page, lambda: bool(watch.scripts) and "/field.gif" in beacon.paths("field"))
    assert watch.scripts == {"field"}
    assert "/field.gif" in beacon.paths("field")
