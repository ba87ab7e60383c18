"""Makes every picture of the docs: ``python -m tests.docs_pictures docs``.

The screens, as JupyterLab shows them, the charts and the sample letters.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.browser import inbox_screens, letter_pictures, screens
from tests.browser.chromium import ONE_PROCESS, launched
from tests.results import chart_pictures

SCREENS = ("preview", "gallery", "approval", "problems", "results")
"""The screens in the docs, 1280 px wide and light: ``preview.png`` and so on."""
INBOX = {"message": "inbox", "requests": "inbox-requests"}
"""Screens of the inbox, and the names of their pictures."""
MOST_PIXELS = 1_600
"""The height of a picture of a screen; the rest is left out."""
COLORS, METHOD = 255, Image.Quantize.MAXCOVERAGE
"""So that the colors of a few words, such as orange, are kept."""


def take_screens(folder: Path) -> None:
    """Store the pictures of the screens."""
    for name, png in screens.pictures(SCREENS, widths=(1280,), themes=("light",)):
        image = Image.open(BytesIO(png)).convert("RGB")
        image = image.crop((0, 0, image.width, min(image.height, MOST_PIXELS)))
        target = folder / f"{name.split('-')[0]}.png"
        target.write_bytes(letter_pictures.compressed(image, most_colors=COLORS, method=METHOD))


def take_inbox(folder: Path) -> None:
    """Store the pictures of the sandbox's inbox."""
    with launched(ONE_PROCESS, in_shell=True) as browser:
        pictures = inbox_screens.pictures(browser, INBOX, widths=(1280,), themes=("light",))
        for name, png in pictures:
            image = Image.open(BytesIO(png)).convert("RGB")
            target = folder / f"{INBOX[name.removesuffix('-1280-light')]}.png"
            target.write_bytes(letter_pictures.compressed(image, most_colors=COLORS, method=METHOD))


def take(folder: Path) -> None:
    """Store all of them."""
    take_screens(folder)
    take_inbox(folder)
    chart_pictures.take(folder)
    letter_pictures.take(folder / "sample-letters", only=[])


if __name__ == "__main__":
    take(Path(sys.argv[1]))
