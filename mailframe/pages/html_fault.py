"""The error for HTML that cannot be read."""

from __future__ import annotations


class HtmlFault(ValueError):
    """HTML that cannot be read or changed; the text says why and what to do."""
