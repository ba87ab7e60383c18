"""The values of templates: missing values, and values that a template cannot use.

Templates only see str, int, float, bool, Decimal, date, datetime, time, timedelta, and lists and
dicts of those. ``message/cells.py`` converts the cells of a frame to these values, and
``printing.py`` prints them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn, Self

from jinja2 import Undefined, UndefinedError
from jinja2.exceptions import TemplateRuntimeError

from mailframe.errors import MailframeError

if TYPE_CHECKING:
    from mailframe.letter.attachment_files import EncodedAttachment

EXACT_FLOAT: Final = 2**53
"""The largest number up to which every integer is exact as a float."""

MAX_MAGNITUDE: Final = 60
"""Digits of a Decimal before or after its point; arithmetic with more can take hours."""


@dataclass(frozen=True, slots=True)
class GivenValues:
    """The name of a column that is not in the frame: of a callable, a Series or ``pd.col``.

    Attributes:
        field: the field of the letter that the values were given for.
    """

    field: str

    def __str__(self) -> str:
        return f"the value given for {self.field}"


class MissingValue(UndefinedError):
    """A template prints a missing value."""


class UnsupportedValue(UndefinedError):
    """A template uses a cell of an unsupported type.

    Attributes:
        value: the cell; None if it is not known.
    """

    def __init__(self, message: str, *, value: object = None) -> None:
        super().__init__(message)
        self.value = value


class Absent(Undefined):
    """A value that does not exist: false in ``if``, replaced by ``default``, else an error."""

    __slots__ = ()

    def _fail(self, *_: object, **__: object) -> NoReturn:
        self._fail_with_undefined_error()

    # jinja2's Undefined prints nothing, loops over nothing and does not define the others.
    __str__ = __iter__ = __len__ = __contains__ = __format__ = _fail
    __round__ = __abs__ = __index__ = __trunc__ = _fail

    def __eq__(self, other: object) -> bool:
        """A missing value equals none and other missing values, for ``{% if plan == none %}``."""
        return other is None or isinstance(other, Undefined)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(None)


class Missing(Absent):
    """A missing value of a column: NaN, None, NaT or pd.NA, of any dtype."""

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
            return (
                f"column {column!r} has no value at {inside[0]!r} in this row; write "
                "… | default('…') or test it"
            )
        return (
            f"column {name!r} has no value in this row; write "
            f"{{{{ {self._in_template} | default('…') }}}} or test it"
        )

    @property
    def _in_template(self) -> str:
        name = self._undefined_name or ""
        if "." in name:
            return "…"
        return name if name.isidentifier() else f"row[{name!r}]"

    def _no_list(self) -> NoReturn:
        message = self._undefined_message.partition(";")[0]
        raise MissingValue(
            f"{message}; a loop or a length needs a list: write {self._in_template} | default([]) "
            "or test it"
        )

    __iter__ = __len__ = _no_list  # type: ignore[assignment]  # in jinja2 they return


class NothingReturned(Missing):
    """A cell whose function of the row returned None or another missing value."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        text = super()._undefined_message
        name = self._undefined_name or ""
        return text.replace(
            f"column {name!r} has no value in this row",
            f"the function of column {name!r} returned no value in this row",
        )


class Unsupported(Undefined):
    """A cell of an unsupported type; any use of it is an error with the name of the type."""

    __slots__ = ()

    def __init__(
        self,
        column: object,
        kind: str,
        *,
        value: object,
        way: str = "convert it to text, a number or a date first",
    ) -> None:
        name = str(column) if isinstance(column, GivenValues) else f"column {str(column)!r}"
        hint = f"{name} contains a {kind}; {way}"
        error = partial(UnsupportedValue, value=value)
        super().__init__(hint=hint, name=str(column), exc=error)  # type: ignore[arg-type]  # jinja2 only calls it

    def _fail(self, *_: object, **__: object) -> NoReturn:
        self._fail_with_undefined_error()

    __str__ = __iter__ = __len__ = __bool__ = __eq__ = __ne__ = __hash__ = _fail
    __round__ = __abs__ = __index__ = __trunc__ = __contains__ = __format__ = _fail


class FailedFunction(Unsupported):
    """A cell whose function of the row raised an error; any use of it is an error that says so."""

    __slots__ = ()

    def __init__(self, column: object, error: Exception) -> None:
        name = str(column) if isinstance(column, GivenValues) else f"column {str(column)!r}"
        text = str(error).partition("\n")[0]
        hint = f"the function of {name}: {text}"
        if not isinstance(error, MailframeError):
            way = "" if ";" in text else "; correct the function, or the cells that it reads"
            hint = f"the function of {name} raised {type(error).__name__}: {text}{way}"
        Undefined.__init__(self, hint=hint, name=str(column), exc=TemplateRuntimeError)


class RoundedFloat(float):
    """An integer in a float column that is too large to be exact, so its last digits may be wrong.

    It compares and calculates as a float; printing it is an error.
    """

    __slots__ = ()


class PrintedHtml(str):
    """Trusted HTML as a value of a template: markup in HTML parts, and a text everywhere else.

    What a filter makes of it is its text, which is escaped like any other.
    """

    __slots__ = ("_html",)
    _html: str

    def __new__(cls, text: str, *, html: str) -> Self:
        """The value.

        Args:
            text: what text parts print.
            html: what HTML parts print, unescaped.
        """
        value = super().__new__(cls, text)
        value._html = html
        return value

    def __html__(self) -> str:
        return self._html


class PrintedImage(PrintedHtml):
    """An inline image as a value of a template.

    Attributes:
        url: its URL in HTML, ``cid:…``.
        attachment: the encoded attachment of a message that shows it.
    """

    __slots__ = ("attachment", "url")
    url: str
    attachment: EncodedAttachment

    def __new__(cls, text: str, *, html: str, url: str, attachment: EncodedAttachment) -> Self:
        """The value; *text* is the alternative text."""
        value = super().__new__(cls, text, html=html)
        value.url, value.attachment = url, attachment
        return value


def rounded_number(value: float) -> str:
    """The error message for an integer that a float cannot represent exactly.

    >>> rounded_number(1e16).partition(";")[0]
    '1e+16 is a float too large to be exact, so its last digits may be wrong'
    """
    return (
        f"{float.__float__(value)!r} is a float too large to be exact, so its last digits may be "
        "wrong; read the column as text or Int64"
    )


def is_missing(value: object) -> bool:
    """Whether a value is missing; an unsupported one is not, so ``default`` does not replace it."""
    return isinstance(value, Undefined) and not isinstance(value, Unsupported)
