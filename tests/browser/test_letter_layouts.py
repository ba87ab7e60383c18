"""The layouts of letters in a browser: desktop and phone, light and dark.

With MAILFRAME_SCREENSHOTS=folder, a picture of each is written there.
"""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import mailframe as mf

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow
IN_SHELL = True
MARKDOWN = """\
{% from "mailframe/macros.html" import button, metric, callout, divider, image %}
{% block preheader %}Your plan ends soon{% endblock %}

# Your {{ plan }} plan renews soon, {{ name }}

Your plan renews on **22 November 2026**. See the [details]({{ url }}), or reply to this email.

{{ metric("Orders", orders | length, note="this month") }}
{{ metric("Amount", "$1,234.50") }}

| Item | Quantity | Amount |
|:-----|:--------:|-------:|
{% for order in orders %}
| {{ order.item }} | {{ order.n }} | {{ order.amount | money("USD") }} |
{% endfor %}

{{ button("Renew now", url) }}

{{ callout("Prices change on 1 December.", title="Good to know") }}

## What is new

- Exports in `XLSX`
{% if vip %}
- Your own account manager
{% endif %}

> It paid for itself in a week.

```
curl https://api.acme.example/v1/orders/with-a-path-that-is-too-long-for-the-screen-of-any-phone
```

{{ divider() }}

Thanks
"""
FRAME = pd.DataFrame(
    {
        "email": ["ann@example.com"],
        "name": ["Ann"],
        "plan": ["Team"],
        "vip": [True],
        "url": ["https://acme.example/renew"],
        "orders": [[{"item": "Green tea, first flush, 250 g", "n": 2, "amount": 19.0}]],
    }
)
FITS = "document.documentElement.scrollWidth"
READABLE = """
() => {
  const channel = part => Math.pow(part / 255, 2.2);
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = element => {
    for (let one = element; one; one = one.parentElement) {
      const color = parts(getComputedStyle(one).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const texts = document.evaluate('//body//text()[normalize-space()]', document, null, 6, null);
  let least = [21, ''];
  for (let i = 0; i < texts.snapshotLength; i++) {
    const element = texts.snapshotItem(i).parentElement;
    if (!element.checkVisibility()) continue;
    const pair = [light(parts(getComputedStyle(element).color)), light(behind(element))].sort();
    const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (contrast < least[0]) least = [contrast, element.textContent.trim()];
  }
  return least;
}
"""
"""The least contrast of a visible text with what is behind it, and the text."""


def html_of(layout: str) -> str:
    """The HTML of a letter with everything in it."""
    fields: dict[str, Any] = {"sender": "hello@acme.dev", "to": "{{ email }}", "subject": "Hi"}
    theme = {"company": "Acme", "address": "1 High Street, London", "website": "https://acme.dev"}
    letter = mf.Letter(
        **fields,
        markdown_body=MARKDOWN,
        layout=layout,
        constants={"theme": theme},
        message_stream="broadcast",
    )
    return str(FRAME.mail.compose(letter).message(0).payload["HtmlBody"])


@pytest.mark.parametrize("layout", ["card", "plain"])
def test_a_layout_fits_and_can_be_read(page: Page, layout: str) -> None:
    """Nothing is wider than the window, each text has a contrast of 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    page.set_content(html_of(layout))
    for width, scheme in product((1000, 400, 320), ("light", "dark")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(FITS) <= width == page.evaluate("innerWidth"), (width, scheme)
        contrast, text = page.evaluate(READABLE)
        assert contrast >= 4.5, (text, width, scheme)
        assert not page.get_by_text("Your plan ends soon").is_visible()
        box = page.get_by_role("link", name="Renew now").bounding_box()
        assert box is not None
        assert box["height"] >= 44  # what a thumb needs
        folder = os.environ.get("MAILFRAME_SCREENSHOTS")
        if folder:
            path = Path(folder) / f"letter-{layout}-{width}-{scheme}.png"
            page.screenshot(path=path, full_page=True)
