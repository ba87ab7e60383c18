"""What axe-core and a keyboard find on a page: rules that are broken, and where Tab goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axe_playwright_python.base import AXE_SCRIPT

if TYPE_CHECKING:
    from playwright.sync_api import Page

OPTIONS = {"resultTypes": ["violations"], "iframes": False}
"""Of axe. The mails in the frames are the letters' own, and no script can run in them."""
CHECK = """async ([include, options]) => {
  const found = await axe.run({include}, options);
  return found.violations.flatMap(rule => rule.nodes.map(node => [
    `${rule.id} (${rule.impact}) at ${node.target.join(" ")}`,
    node.html.slice(0, 200), node.failureSummary].join("\\n  ")));
}"""
TOOLS = """root => {
  const selector = 'a[href], button, input, select, textarea, summary, iframe, [tabindex]';
  const seen = element => element.checkVisibility({visibilityProperty: true, opacityProperty: true})
    || element.type === 'radio' || element.type === 'checkbox';
  const group = radio => [...document.getElementsByName(radio.name)];
  const entered = radio => radio.checked || (radio === group(radio)[0]
    && !group(radio).some(other => other.checked));
  const isStop = element => element.tabIndex >= 0 && !element.disabled && seen(element)
    && element.tagName !== 'IFRAME' && (element.type !== 'radio' || entered(element));
  const around = element => [element, element.parentElement, element.nextElementSibling,
    ...(element.labels || [])].filter(Boolean);
  const look = element => around(element).map(part => {
    const {outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor} =
      getComputedStyle(part);
    const outline = outlineStyle === 'none' ? '' : outlineWidth + outlineColor;
    return [outline, boxShadow, borderColor, backgroundColor].join();
  }).join(';');
  const text = element => (element.ariaLabel || element.labels?.[0]?.innerText
    || element.innerText || element.title || element.placeholder || element.tagName).trim();
  const stops = [...document.querySelectorAll(root + ' ' + selector.split(', ').join(`, ${root} `))]
    .filter(isStop);
  document.activeElement.blur();
  window.mfStops = stops.map(element => [element, look(element), text(element)]);
  window.mfStop = () => {
    const focused = document.activeElement;
    const stop = window.mfStops.find(([element]) => element === focused);
    const inside = focused !== document.body && Boolean(focused.closest(root));
    return {inside, name: stop ? stop[2] : '',
      seen: !stop || look(focused) !== stop[1]};
  };
  return window.mfStops.map(stop => stop[2]);
}"""
FIRST = "() => window.mfStops[0]?.[0].focus()"
MOST_STOPS = 200


@dataclass(frozen=True, slots=True)
class Walk:
    """A way through a part of a page by the Tab key alone.

    Attributes:
        controls: the names of all controls in the order of the document.
        reached: the names of those that had the focus, in this order.
        unseen: the names of those that look the same with the focus.
    """

    controls: list[str]
    reached: list[str]
    unseen: list[str]


def violations(page: Page, *selectors: str) -> list[str]:
    """The rules of axe that elements of the page break, with the element and what to do.

    Args:
        page: the page.
        *selectors: the parts of it that are checked.
    """
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return list(page.evaluate(CHECK, [list(selectors), OPTIONS]))


def walked(page: Page, root: str) -> Walk:
    """Press Tab from the first control of *root* until the focus has left it.

    Args:
        page: the page.
        root: the selector of the part.
    """
    page.keyboard.press("Shift")  # the focus is drawn after a key, not after a click
    controls = page.evaluate(TOOLS, root)
    page.evaluate(FIRST)
    reached, unseen = [], []
    for _ in range(MOST_STOPS):
        stop = page.evaluate("() => window.mfStop()")
        if not stop["inside"]:
            return Walk(controls, reached, unseen)
        if stop["name"]:
            reached.append(stop["name"])
        if not stop["seen"]:
            unseen.append(stop["name"])
        page.keyboard.press("Tab")
    raise AssertionError(f"the focus never leaves {root}: {reached[-5:]}")
