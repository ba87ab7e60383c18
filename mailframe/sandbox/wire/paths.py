"""Paths with names in them, such as ``/messages/{id}``. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


class Paths:
    """The paths that a server has.

    Args:
        paths: the paths; ``{id}`` stands for any text without a slash.
    """

    def __init__(self, paths: Collection[str]) -> None:
        self._by_lower = {path.lower(): path for path in paths}
        self._patterns = [
            (re.compile(re.sub(r"\{\w+\}", "([^/]+)", path), re.IGNORECASE), path)
            for path in paths
            if "{" in path
        ]

    def match(self, path: str) -> tuple[str | None, dict[str, str]]:
        """The one that *path* is, and what stands in it for each name; None if there is none.

        Case and a slash at the end are ignored.

        >>> Paths(["/", "/messages/{id}"]).match("/Messages/4bba52b4/")
        ('/messages/{id}', {'id': '4bba52b4'})
        >>> Paths(["/"]).match("/nowhere")
        (None, {})
        """
        path = path if path == "/" else path.removesuffix("/")
        if path.lower() in self._by_lower:
            return self._by_lower[path.lower()], {}
        for pattern, own in self._patterns:
            matched = pattern.fullmatch(path)
            if matched:
                return own, dict(zip(re.findall(r"\{(\w+)\}", own), matched.groups(), strict=True))
        return None, {}
