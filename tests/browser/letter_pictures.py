"""Makes pictures of the sample letters: ``python -m tests.browser.letter_pictures docs/letters``.

For each letter one picture: on a desktop and on a phone, light and dark.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from mailframe.demo import sample_customers
from tests.browser.chromium import launched
from tests.sample_letters import CAMPAIGNS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    import mailframe as mf

WIDTHS = (700, 390)
"""Of a window on a desktop and on a phone, in CSS pixels."""
SCHEMES = ("light", "dark")
SHOWN = {
    "renewal": 10001,
    "monthly_report": 10001,
    "invoice": 10001,
    "event_invitation": 10611,
    "plain_note": 10213,
    "product_news": 10880,
}
"""The customer of each picture."""
MOST_PIXELS, GAP = 1_700, 24
"""The height of a picture, and the space around it."""
MOST_BYTES, COLORS = 120_000, (64, 48, 32, 24)
"""Of the picture of a letter: its most bytes, and the numbers of colors to try."""


def html_of(campaign: mf.Campaign, customer_id: int) -> str:
    """The HTML of the message of a customer, with its inline images in it."""
    payload = campaign.message(key=customer_id).payload
    html = str(payload["HtmlBody"])
    for file in payload.get("Attachments", []):
        if file.get("ContentID"):
            data = f"data:{file['ContentType']};base64,{file['Content']}"
            html = html.replace(f'"{file["ContentID"]}"', f'"{data}"')
    return html


def picture(browser: Browser, html: str, *, width: int, scheme: Any) -> bytes:
    """A picture of the whole message, as a PNG."""
    page = browser.new_page(
        viewport={"width": width, "height": 200}, color_scheme=scheme, device_scale_factor=1
    )
    page.set_content(html)
    content = page.screenshot(full_page=True)
    page.close()
    return content


def sheet(pictures: list[bytes]) -> Image.Image:
    """Pictures beside each other, from the top."""
    parts = [Image.open(BytesIO(content)).convert("RGB") for content in pictures]
    width = sum(part.width for part in parts) + GAP * (len(parts) + 1)
    height = min(MOST_PIXELS, max(part.height for part in parts)) + 2 * GAP
    made = Image.new("RGB", (width, height), "#c9ced6")
    left = GAP
    for part in parts:
        made.paste(part.crop((0, 0, part.width, min(part.height, height - 2 * GAP))), (left, GAP))
        left += part.width + GAP
    return made


def compressed(
    made: Image.Image,
    *,
    most_colors: int = COLORS[0],
    method: Image.Quantize = Image.Quantize.MEDIANCUT,
) -> bytes:
    """A picture as a PNG with few colors."""
    content = b""
    for colors in (most_colors, *COLORS):
        buffer = BytesIO()
        few = made.quantize(colors, method=method, dither=Image.Dither.NONE)
        few.save(buffer, "PNG", optimize=True)
        content = buffer.getvalue()
        if len(content) <= MOST_BYTES:
            break
    return content


def take(folder: Path, *, only: list[str], customer_id: int | None = None) -> None:
    """Store the picture of each letter, or of *only* some."""
    customers = sample_customers()
    with launched() as browser:
        for name in only or CAMPAIGNS:
            shown = customer_id or SHOWN[name]
            rows = (
                customers
                if name == "invoice"
                else customers.query("customer_id in [10001, @shown]")
            )
            html = html_of(CAMPAIGNS[name](rows), shown)
            pictures = [
                picture(browser, html, width=width, scheme=scheme)
                for scheme in SCHEMES
                for width in WIDTHS
            ]
            (folder / f"{name}.png").write_bytes(compressed(sheet(pictures)))


if __name__ == "__main__":
    target, *named = sys.argv[1:]
    numbers = [int(word) for word in named if word.isdecimal()]
    take(
        Path(target),
        only=[word for word in named if not word.isdecimal()],
        customer_id=numbers[0] if numbers else None,
    )
