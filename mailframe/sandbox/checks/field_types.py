"""Types of the fields of a body (403), and the parameters of lists. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mailframe.sandbox.checks import mailboxes, texts, texts_server
from mailframe.sandbox.checks.request_json import WRONG_TYPE
from mailframe.sandbox.checks.texts import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_COUNT: Final = 500
MAX_REACH: Final = 10_000  # D
WHOLE_NUMBER: Final = re.compile(r"\d{1,9}", re.ASCII)
_DOMAIN: Final = re.compile(
    r"(?=.{1,255}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9][a-z0-9-]*[a-z0-9]",
    re.ASCII | re.IGNORECASE,
)
_Value = TypeVar("_Value")


def text(fields: Mapping[str, Any], name: str) -> str | None:
    """The text of the field *name*; None if it is missing or null.

    Args:
        fields: the fields of a body, by name in lower case.
        name: the name as Postmark documents it.

    Raises:
        CheckFailed: 422 / 403 if it is not a text.

    >>> text({"name": "Acme"}, "Name")
    'Acme'
    """
    return _typed(fields, name, str)


def flag(fields: Mapping[str, Any], name: str) -> bool | None:
    """The boolean of the field *name*; None if it is missing or null.

    Raises:
        CheckFailed: 422 / 403 if it is not a boolean.
    """
    return _typed(fields, name, bool)


def mapping(fields: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """The fields of the object in the field *name*, by name in lower case.

    Raises:
        CheckFailed: 422 / 403 if it is not an object.
    """
    value: dict[str, Any] | None = _typed(fields, name, dict)
    return None if value is None else {key.lower(): item for key, item in value.items()}


def _typed(fields: Mapping[str, Any], name: str, kind: type[_Value]) -> _Value | None:
    value = fields.get(name.lower())
    if value is None or isinstance(value, kind):
        return value
    raise wrong(name)


def wrong(name: str) -> CheckFailed:
    """The error for a field of another type than Postmark's."""
    return CheckFailed(WRONG_TYPE, texts.WRONG_FIELD.format(field=f"$.{name}"))


def paging(
    values: Mapping[str, str],
    *,
    code: int,
    text: str = texts_server.BAD_PAGING,
    max_reach: int | None = None,
) -> tuple[int, int]:
    """Count and offset of a list, which are both required.

    Args:
        values: the parameters, by name in lower case.
        code: the code of the error for this list.
        text: the text of that error.
        max_reach: the highest sum of both, where there is one.

    Raises:
        CheckFailed: 422 / *code* if one is missing, no whole number or out of range.

    >>> paging({"count": "50", "offset": "0"}, code=500)
    (50, 0)
    """
    given = values.get("count", ""), values.get("offset", "")
    if all(WHOLE_NUMBER.fullmatch(value) for value in given):
        count, offset = map(int, given)
        if 1 <= count <= MAX_COUNT and (max_reach is None or count + offset <= max_reach):
            return count, offset
    raise CheckFailed(code, text)


def is_true(value: str) -> bool:
    """Whether a parameter is true: clients write ``true``, ``True`` and ``1``.

    >>> [is_true(value) for value in ("True", "1", "false", "")]
    [True, True, False, False]
    """
    return value.strip().lower() in {"true", "1"}


def is_address(value: str) -> bool:
    """Whether *value* is one bare email address as Postmark takes them.

    >>> [is_address(value) for value in ("ann@example.com", "Ann <ann@example.com>", "ann", "a@b")]
    [True, False, False, False]
    """
    try:
        (recipient,) = mailboxes.parse("To", value) or (None,)
    except (CheckFailed, ValueError):
        return False
    return recipient is not None and recipient.address == value


def is_domain(value: str) -> bool:
    """Whether *value* is a domain with at least two labels.

    >>> [is_domain(value) for value in ("acme.test", "a-1.acme.example", "acme", "-a.b", "a..b")]
    [True, True, False, False, False]
    """
    return _DOMAIN.fullmatch(value) is not None


def whole_id(value: str) -> int:
    """The number in a path; 0, which no row has, if it is none.

    >>> whole_id("12"), whole_id("twelve"), whole_id("9" * 30)
    (12, 0, 0)
    """
    return int(value) if re.fullmatch(r"\d{1,18}", value, re.ASCII) else 0
