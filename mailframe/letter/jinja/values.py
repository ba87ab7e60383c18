"""The values that a template meets, and the missing ones, which it cannot print.

Templates only ever see str, int, float, bool, Decimal, date, datetime, time, timedelta, and lists and dicts of those.
How a value is printed is defined in ``printing.py``; ``message/cells.py`` makes values of the cells of a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final, NoReturn

from jinja2 import Undefined, UndefinedError

EXACT_FLOAT: Final = 2**53
"""Up to here every whole number has a float of its own."""


@dataclass(frozen=True, slots=True)
class GivenValues:
    """The name of a column that is not in the frame: the values of a callable, a Series or ``pd.col``.

    Attributes:
        field: of the letter, which the values were given for.
    """

    field: str

    def __str__(self) -> str:
        return f"the value given for {self.field}"


class MissingValue(UndefinedError):
    """A template prints a cell that holds no value."""


class UnsupportedValue(UndefinedError):
    """A template uses a cell whose type is none of the plain ones.

    Attributes:
        value: the cell; None where it is not known.
    """

    def __init__(self, message: str, *, value: object = None) -> None:
        super().__init__(message)
        self.value = value


class Absent(Undefined):
    """A value that is not there: false in ``if``, answered by ``default``, an error when printed."""

    __slots__ = ()

    def _fail(self, *_: object, **__: object) -> NoReturn:
        self._fail_with_undefined_error()

    # jinja2's own Undefined prints nothing, loops over nothing and has no answer to the rest of these
    __str__ = __iter__ = __len__ = __contains__ = __format__ = _fail
    __round__ = __abs__ = __index__ = __trunc__ = _fail

    def __eq__(self, other: object) -> bool:
        """A gap equals none and any other gap, so that ``{% if plan == none %}`` does what it says."""
        return other is None or isinstance(other, Undefined)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(None)


def _called(column: object) -> str:
    """How an error text names a column."""
    return str(column) if isinstance(column, GivenValues) else f"column {str(column)!r}"


class Missing(Absent):
    """A gap in a column, whatever its kind (NaN, None, NaT or pd.NA) and whatever the column's dtype."""

    __slots__ = ()

    def __init__(self, column: object, *_: object, **__: object) -> None:
        super().__init__(obj=column, name=str(column), exc=MissingValue)

    @property
    def _undefined_message(self) -> str:
        name = self._undefined_name or ""
        column, *inside = name.split(".", 1)
        if isinstance(self._undefined_obj, GivenValues):
            return f"{name} is missing in this row; fillna('') leaves an optional field out"
        if inside:
            return f"column {column!r} holds no value at {inside[0]!r} in this row; write … | default('…') or test it"
        return f"column {name!r} has no value in this row; write {{{{ {self._used} | default('…') }}}} or test it"

    @property
    def _used(self) -> str:
        name = self._undefined_name or ""
        if "." in name:
            return "…"
        return name if name.isidentifier() else f"row[{name!r}]"

    def _no_list(self) -> NoReturn:
        said = self._undefined_message.partition(";")[0]
        raise MissingValue(
            f"{said}; a loop or a length needs a list: write {self._used} | default([]) or test it"
        )

    __iter__ = __len__ = _no_list  # type: ignore[assignment]  # jinja2 has them as functions that return


class Unsupported(Undefined):
    """A cell of a type that templates do not see; any use of it is an error that names the type."""

    __slots__ = ()

    def __init__(
        self,
        column: object,
        kind: str,
        *,
        value: object,
        way: str = "convert it to text, a number or a date first",
    ) -> None:
        hint = f"{_called(column)} holds a {kind}; {way}"
        fault = partial(UnsupportedValue, value=value)
        super().__init__(hint=hint, name=str(column), exc=fault)  # type: ignore[arg-type]  # it is called only

    def _fail(self, *_: object, **__: object) -> NoReturn:
        self._fail_with_undefined_error()

    __str__ = __iter__ = __len__ = __bool__ = __eq__ = __ne__ = __hash__ = _fail
    __round__ = __abs__ = __index__ = __trunc__ = __contains__ = __format__ = _fail


class RoundedFloat(float):
    """A whole number that is too large for its float dtype to hold exactly, so that its last digits may be wrong.

    It compares and calculates as a float; printing it is an error.
    """

    __slots__ = ()


def rounded_number(value: float) -> str:
    """What is wrong with a whole number that a float cannot hold exactly, and what to do.

    >>> rounded_number(1e16)
    '1e+16 is a float too large to be exact, so its last digits may be wrong; read the column as text or Int64'
    """
    return (
        f"{float.__float__(value)!r} is a float too large to be exact, so its last digits may be wrong; "
        "read the column as text or Int64"
    )


def is_missing(value: object) -> bool:
    """Whether a template's value is missing; an unsupported one is not, and hides behind no ``default``."""
    return isinstance(value, Undefined) and not isinstance(value, Unsupported)
