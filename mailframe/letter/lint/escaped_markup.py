"""HTML markup in a cell, which a rendered body shows as text because values are escaped."""

from __future__ import annotations

import html
import re
from html.entities import html5
from typing import Final

ELEMENTS: Final = (
    "a abbr address b big blockquote body br button center code dd div dl dt em font footer form "
    "h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins label li link meta ol p pre q s "
    "script section small span strike strong style sub sup svg table tbody td tfoot th thead title "
    "tr tt u ul video"
).replace(" ", "|")
_WITHOUT_ATTRIBUTES: Final = (
    "table|tbody|thead|tr|td|th|div|span|img|font|script|style|iframe|strong|center|h[1-6]|ul|ol|li"
    "|br"
)
"""Elements that need no attribute or ``>`` after their name to be recognized."""
_ESCAPED: Final = re.compile(
    rf"&(?:lt;(?:!--|!doctype\b|/?(?:{ELEMENTS})(?=[\s/]*&gt;|\s+[\w:-]+\s*=)|(?:{_WITHOUT_ATTRIBUTES})(?=\s))"
    r"|amp;(?:#\d{1,7}|#x[0-9a-f]{1,6}|(?P<entity>[a-z][a-z0-9]{1,30}));)",
    re.IGNORECASE,
)
_START: Final = re.compile("&(?:lt|amp);", re.IGNORECASE)  # faster than the pattern above


class EscapedMarkup:
    """Finds escaped markup in the bodies of one letter.

    Args:
        sources: the templates of the HTML part; escaped markup in a template is intended.

    >>> EscapedMarkup("<p>{{ body }}</p>").first("<p>&lt;b&gt;Now&lt;/b&gt;</p>")
    '<b'
    """

    def __init__(self, sources: str) -> None:
        self._in_sources = frozenset(match[0].lower() for match in _ESCAPED.finditer(sources))

    def without_own(self, markup: str) -> str:
        """The markup without the escaped markup that the templates have themselves."""
        if "&" not in markup:
            return markup
        return _ESCAPED.sub(
            lambda match: " " if match[0].lower() in self._in_sources else match[0], markup
        )

    def first(self, markup: str) -> str:
        """The start of the first tag, or the first entity, from a cell; empty without one."""
        if "&" not in markup or _START.search(markup) is None:
            return ""
        for match in _ESCAPED.finditer(markup):
            exists = match["entity"] is None or f"{match['entity']};" in html5
            if exists and match[0].lower() not in self._in_sources:
                return html.unescape(match[0])
        return ""
