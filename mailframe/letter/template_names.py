"""The names that a letter adds to its templates: its filters and its constants."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import LetterError

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME: Final = re.compile(r"[^\W\d_]\w*")
_FIXED_FILTERS: Final = frozenset({"safe", "escape", "e", "forceescape", "tojson", "default", "d"})
"""Filters with a meaning that mailframe relies on."""


def checked_filters(filters: object) -> Mapping[str, Callable[..., Any]]:
    """The filters of a letter, which cannot be changed.

    Raises:
        LetterError: they are not a mapping of names to functions, a name cannot be written in a
            template, or mailframe relies on the filter of that name.
    """
    named = _named("filters", filters, "{'shout': str.upper}")
    for name, call in named.items():
        if name in _FIXED_FILTERS:
            raise LetterError(f"filters: {name!r} has a fixed meaning; choose another name")
        if not callable(call):
            raise LetterError(
                f"filters: {name!r} is a {type(call).__name__}; give a function of a value"
            )
        if hasattr(call, "jinja_pass_arg"):
            raise LetterError(
                f"filters: {name!r} asks Jinja for its context or environment; a filter gets the "
                "value and its arguments"
            )
    return named


def checked_constants(constants: object) -> Mapping[str, Any]:
    """The constants of a letter, which cannot be changed.

    Raises:
        LetterError: they are not a mapping, or a name cannot be written in a template.
    """
    return _named("constants", constants, "{'company': 'Acme'}")


def _named(field: str, values: object, example: str) -> Mapping[str, Any]:
    if values is None:
        return MappingProxyType({})
    if not isinstance(values, Mapping):
        raise LetterError(
            f"{field} is a {type(values).__name__}; give a dict of name to value: {field}={example}"
        )
    for name in values:
        if not isinstance(name, str) or not _NAME.fullmatch(name) or not name.isidentifier():
            raise LetterError(
                f"{field}: {name!r} is not a name; it begins with a letter and has only letters, "
                "digits and _"
            )
    return MappingProxyType(dict(values))
