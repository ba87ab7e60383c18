"""Makes the picture of the preview: ``python -m tests.browser.preview_picture preview.png``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.browser.chromium import launched
from tests.browser.lab import served
from tests.browser.test_preview_in_lab import opened

VIEWPORT = {"width": 1440, "height": 1400}
DRAWN_MS = 1_500


def take(path: Path) -> None:
    """Store the preview of the third edge case, as JupyterLab shows it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder)) as lab,
        launched() as browser,
    ):
        page = browser.new_context(viewport=VIEWPORT).new_page()
        screen = opened(lab, page, "picture.ipynb")
        for number in (1, 2):
            screen.stands_at(number)
            screen.press("Next")
        screen.stands_at(3)
        page.wait_for_timeout(DRAWN_MS)
        screen.preview.screenshot(path=path)


if __name__ == "__main__":
    take(Path(sys.argv[1]))
