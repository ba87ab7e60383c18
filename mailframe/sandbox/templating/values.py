"""How values of a model are found, tested and printed: as .NET does. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mailframe.sandbox.templating.tokens import UP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# HtmlEncode of .NET also writes Latin-1 and characters outside the first plane as numbers.
_ENCODED = re.compile("[&<>\"'\xa0-\xff\U00010000-\U0010ffff]")
_ASCII_ENCODED = re.compile("[&<>\"']")
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_PLAIN_EXPONENTS = range(-4, 15)  # of numbers that .NET writes without one


class Scope:
    """A value of the model, and the scope around it.

    Attributes:
        value: the value; None if the model has none.
        parent: the scope around; None for the model itself.
    """

    __slots__ = ("parent", "value")

    def __init__(self, value: Any, parent: Scope | None = None) -> None:
        self.value = value
        self.parent = parent

    def at(self, parts: Iterable[str]) -> Scope:
        """The scope at the end of a path; there is one even if the model has no value there.

        >>> person = Scope({"person": {"name": "Ann"}}).at(("person",))
        >>> person.at(("name",)).value, person.at(("../", "person", "age")).value
        ('Ann', None)
        """
        scope = self
        for part in parts:
            if part == UP:
                scope = scope.parent or scope  # above the model is the model
            else:
                value = scope.value
                scope = Scope(value.get(part) if isinstance(value, dict) else None, scope)
        return scope


def value_finder(parts: Sequence[str]) -> Callable[[Scope], Any]:
    """The function that returns the value at the end of a path, without the scopes on the way.

    >>> value_finder(("person", "name"))(Scope({"person": {"name": "Ann"}}))
    'Ann'
    """
    ups = 0
    while ups < len(parts) and parts[ups] == UP:
        ups += 1
    names = parts[ups:]
    if UP in names:
        return lambda scope: scope.at(parts).value

    def find(scope: Scope) -> Any:
        for _ in range(ups):
            scope = scope.parent or scope
        value = scope.value
        for name in names:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value

    return find


def printed(value: Any) -> str:
    """*value* as text; lists and objects print nothing.

    >>> printed(True), printed(1.50), printed(2.0), printed(1e21), printed([1]), printed(None)
    ('True', '1.5', '2', '1E+21', '', '')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return _printed_float(value)
    return str(value) if isinstance(value, int) else ""  # also True and False


def encoded(text: str) -> str:
    """*text* for HTML, as HtmlEncode of .NET writes it.

    >>> encoded("<b>Zoë's</b>")
    '&lt;b&gt;Zo&#235;&#39;s&lt;/b&gt;'
    """
    if not text.isascii():
        return _ENCODED.sub(_encoded_one, text)
    return text if text.isalnum() else _ASCII_ENCODED.sub(_encoded_one, text)


def _encoded_one(match: re.Match[str]) -> str:
    return _NAMED.get(match[0]) or f"&#{ord(match[0])};"


def _printed_float(value: float) -> str:
    """The shortest digits that give back *value*, with an exponent where .NET writes one."""
    number = Decimal(repr(value))
    exponent = number.adjusted()
    if number and exponent not in _PLAIN_EXPONENTS:
        digits = f"{number.scaleb(-exponent):f}"
        return f"{_without_zeros(digits)}E{exponent:+03d}"
    return _without_zeros(f"{number:f}")


def _without_zeros(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
