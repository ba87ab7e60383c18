"""All attacks and all hostile fields in a real JupyterLab, as outputs of a cell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mailframe.pages.card import card
from mailframe.pages.mail import Mail
from tests.browser.attacks import ATTACKS
from tests.browser.hostile import MARKUP, PLAIN, UNSEEN, everywhere
from tests.browser.sampling import some_of
from tests.browser.test_isolation import SETTLE_MS, settle, small
from tests.browser.watching import Watch, touch_all

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import BrowserContext

    from tests.browser.beacon import Beacon
    from tests.browser.lab import Lab

IN_ONE_PROCESS = True
HERE = ATTACKS[some_of(4, count=1)[0] :: 4]
"""A quarter in each run: what JupyterLab adds is the page around the frames. All are shown in plain
Chromium, and a third of them in a campaign in JupyterLab."""
SHOWN = """
import json, pathlib
class Shown:
    def __init__(self, html): self.html = html
    def _repr_html_(self): return self.html
pages = json.loads(pathlib.Path("pages.json").read_text(encoding="utf-8"))
"""
CONTROL = "<p>$x^2$</p><img src=x: onerror='console.log(/ran:control/)'>"


def pages(beacon: Beacon) -> dict[str, str]:
    """Frames with each attack, cards with each hostile text, and a control without escapes."""
    texts = (*MARKUP.values(), *PLAIN.values())
    fields = [card(everywhere(text.replace("{u}", beacon.address("field")))) for text in texts]
    fields += [card(everywhere(text, name="ours")) for text, _ in UNSEEN.values()]
    whole = card(
        Mail(
            label="a label",
            html=HERE[0].body(beacon.address(HERE[0].name)),
            subject=MARKUP["a script"],
        )
    )
    frames = [
        f"<section>{small(attack.body(beacon.address(attack.name)))}</section>" for attack in HERE
    ]
    fields.append(whole)
    return {"frames": "".join(frames), "fields": "".join(fields), "control": CONTROL}


def write(lab: Lab, beacon: Beacon) -> Path:
    """Write the notebook, and its pages beside it."""
    (lab.home / "pages.json").write_text(json.dumps(pages(beacon)), encoding="utf-8")
    return lab.write(
        "attacks.ipynb",
        [SHOWN, *(f"Shown(pages[{name!r}])" for name in ("frames", "fields", "control"))],
    )


def test_nothing_gets_out_inside_jupyterlab(
    lab: Lab, context: BrowserContext, beacon: Beacon
) -> None:
    """Only the control runs and becomes a formula; no request, no connection, no navigation."""
    watch, page = Watch().start(context), context.new_page()
    write(lab, beacon)
    lab.open(page, "attacks.ipynb")
    address = page.url
    lab.run_all(page)
    settle(page, HERE, page.main_frame.child_frames[: len(HERE)])
    for outer in page.main_frame.child_frames[: len(HERE)]:
        touch_all(outer.child_frames[0])
    page.locator("mjx-container").first.wait_for(state="attached")
    page.wait_for_timeout(SETTLE_MS)
    assert watch.scripts == {"control"}
    assert page.locator("mjx-container").count() == 1
    assert [hit for hit in beacon.hits if hit.name != "page"] == []
    assert (watch.popups, watch.downloads, watch.dialogs, context.pages) == ([], [], [], [page])
    assert {place.partition("?")[0] for place, whole in watch.places if whole} == {
        address.partition("?")[0]
    }
