"""Markup of a cell that a finished HTML body shows as text, because values are escaped."""

from __future__ import annotations

import html
import re
from html.entities import html5
from typing import Final

_ELEMENTS: Final = (
    "a abbr address b big blockquote body br button center code dd div dl dt em font footer form h1 h2 h3 h4 h5 h6 "
    "head header hr html i iframe img input ins label li link meta ol p pre q s script section small span strike "
    "strong style sub sup svg table tbody td tfoot th thead title tr tt u ul video"
).replace(" ", "|")
_LONG: Final = "table|tbody|thead|tr|td|th|div|span|img|font|script|style|iframe|strong|center|h[1-6]|ul|ol|li|br"
_ESCAPED: Final = re.compile(
    rf"&(?:lt;(?:!--|!doctype\b|/?(?:{_ELEMENTS})(?=[\s/]*&gt;|\s+[\w:-]+\s*=)|(?:{_LONG})(?=\s))"
    r"|amp;(?:#\d{1,7}|#x[0-9a-f]{1,6}|(?P<entity>[a-z][a-z0-9]{1,30}));)",
    re.IGNORECASE,
)
_BEGINNING: Final = re.compile("&(?:lt|amp);")  # found sooner than the pattern above


class EscapedMarkup:
    """Finds escaped markup in the bodies of one letter.

    Args:
        written: the templates of the HTML part; what they write escaped themselves is meant so.

    >>> EscapedMarkup("<p>{{ body }}</p>").first("<p>&lt;b&gt;Now&lt;/b&gt;</p>")
    '<b'
    """

    def __init__(self, written: str) -> None:
        self._written = frozenset(found[0].lower() for found in _ESCAPED.finditer(written))

    def first(self, markup: str) -> str:
        """The beginning of the first tag, or the first entity, that a cell brings; empty when none does."""
        if "&" not in markup or _BEGINNING.search(markup) is None:
            return ""
        for found in _ESCAPED.finditer(markup):
            known = found["entity"] is None or f"{found['entity']};" in html5
            if known and found[0].lower() not in self._written:
                return html.unescape(found[0])
        return ""
