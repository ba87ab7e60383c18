"""The addresses of the pages, and the numbers in them. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

POSITION: Final = re.compile(r"\d{1,15}", re.ASCII)
"""A position in the list, or an ID."""


def address(path: str, values: Mapping[str, object]) -> str:
    """A path with a query of the *values* that are not empty; True is a flag.

    >>> address("/", {"q": "to:a b", "before": None, "dark": True})
    '/?q=to%3Aa+b&dark='
    """
    given = {
        name: "" if value is True else value
        for name, value in values.items()
        if value not in (None, False, "")
    }
    return f"{path}?{urlencode(given, errors='replace')}" if given else path
