"""The rules of ``<style>`` elements in the tags of a mail, as Postmark writes them (D)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mailframe.errors import MissingExtra

if TYPE_CHECKING:
    from mailframe.pages.inlining import CssInliner

_STYLE: Final = re.compile("<style", re.IGNORECASE)


class StyleInliner:
    """Writes the rules of ``<style>`` elements into the tags, if css-inline is installed.

    >>> StyleInliner().of("<p>Hi</p>")
    '<p>Hi</p>'
    """

    def __init__(self) -> None:
        self._inliner: CssInliner | None = None

    def of(self, html: str) -> str:
        """*html* with its rules in its tags; as it is without css-inline, or if that fails."""
        if _STYLE.search(html) is None:
            return html
        from mailframe.pages.html_fault import HtmlFault  # noqa: PLC0415 - few mails have styles

        try:
            return self._installed().of(html)
        except (MissingExtra, HtmlFault):
            return html

    def _installed(self) -> CssInliner:
        from mailframe.pages.inlining import CssInliner  # noqa: PLC0415 - as above

        if self._inliner is None:
            self._inliner = CssInliner()
        return self._inliner
