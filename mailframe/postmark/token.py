"""A value that must not be seen: it shows as •••, cannot be pickled, and lies in no attribute."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final, NoReturn, Self

from mailframe.errors import NotPicklable

if TYPE_CHECKING:
    from collections.abc import Callable

MASK: Final = "•••"
_MIN_HIDDEN_CHARS: Final = (
    8  # a sandbox takes any token; hiding "a" would eat every word that has one
)


class Secret:
    """A text that shows as ``•••`` everywhere.

    It is held in a closure and not in an attribute: ``vars()``, a debugger's list of variables and a
    traceback with locals print attributes. A copy is the object itself, and pickling it is an error.

    >>> token = Secret("0a1b2c3d-secret")
    >>> print(token, repr(token), f"{token}", [token])
    ••• ••• ••• [•••]
    >>> token.reveal()
    '0a1b2c3d-secret'
    """

    __slots__ = ("_held",)
    _held: Callable[[], str]

    def __init__(self, value: str) -> None:
        self._held = lambda: value

    def reveal(self) -> str:
        """Return the value itself; for the line that puts it on the wire."""
        return self._held()

    def matches(self, text: str) -> bool:
        """Whether *text* is the value, compared in a time that does not depend on where they differ.

        >>> Secret("0a1b2c3d-secret").matches("0a1b2c3d-secret")
        True
        """
        return hmac.compare_digest(
            self.reveal().encode("utf-8", "surrogatepass"), text.encode("utf-8", "surrogatepass")
        )

    def hide_in(self, text: str) -> str:
        """Return *text* with ``•••`` where the value stood, also all in upper or lower case.

        A value below 8 characters is left: no token of Postmark is so short, and plain words would be cut
        up.

        >>> Secret("0a1b2c3d-secret").hide_in("The token 0A1B2C3D-SECRET is not valid.")
        'The token ••• is not valid.'
        """
        value = self.reveal()
        if len(value) < _MIN_HIDDEN_CHARS:
            return text
        return text.replace(value, MASK).replace(value.lower(), MASK).replace(value.upper(), MASK)

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise NotPicklable("a secret is not pickled; read it again where it is needed")
