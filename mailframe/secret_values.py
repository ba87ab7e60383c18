"""Values that are hidden: a copy is the object itself, and they cannot be pickled."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Generic, NoReturn, Self, TypeVar

from mailframe.errors import NotPicklable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
MASK: Final = "•••"


class SecretValue(Generic[T]):
    """A value that is shown as ``•••``.

    It is stored in a closure and not in an attribute, because ``vars()``, a debugger and a
    traceback with local variables show attributes.

    Args:
        value: the value, which ``_value()`` returns.
    """

    __slots__ = ("_value",)
    _value: Callable[[], T]
    _NOT_PICKLABLE: ClassVar = "a secret cannot be pickled; read it again where it is needed"

    def __init__(self, value: T) -> None:
        self._value = lambda: value

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        return repr(self)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise NotPicklable(self._NOT_PICKLABLE)
