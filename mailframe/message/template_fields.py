"""The fields of a message with a template at Postmark: which template, and its model as JSON."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from jinja2 import UndefinedError

from mailframe.errors import LetterError
from mailframe.letter.jinja.printing import UnprintableValue, as_printed
from mailframe.letter.jinja.values import (
    GivenValues,
    Missing,
    MissingValue,
    PrintedHtml,
    PrintedImage,
    UnsupportedValue,
    is_missing,
)
from mailframe.letter.template_model import ALIAS, model_tree
from mailframe.message.message import OF_TEMPLATE
from mailframe.message.plain_values import plain
from mailframe.problems import Code

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mailframe.letter.letter import Letter
    from mailframe.message.render import Draft

FIELDS: Final = ("template", "model")
"""The fields of a letter that are written here."""
ALIAS_NAME: Final = "TemplateAlias"
ID_NAME: Final = "TemplateId"
MODEL_NAME: Final = "TemplateModel"
_END: Final = 2**63
"""The end of the whole numbers that .NET reads from JSON without loss, 64 bits with the sign."""
_LEFT_OUT: Final = object()
_MOST_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class ModelConstant:
    """A value of a model that is the same in every row, and not a text.

    Attributes:
        value: the value, as JSON can have it.
    """

    value: Any


CONSTANT = str | bool | int | ModelConstant
"""What a part that is the same in every row comes from."""


class TemplateFields:
    """Writes the template and the model of drafts of one letter.

    Args:
        letter: a letter with a template.
    """

    def __init__(self, letter: Letter) -> None:
        self._tree = model_tree(letter.model)

    def write(self, fields: dict[str, Any], draft: Draft) -> None:
        """Add both fields to those of a message, which are none so far.

        They come first, because ``Message.uses_template`` reads the first field, and a body must
        not end with the braces of a model; see ``marked_parts``.
        """
        template = draft.values.get("template")
        if isinstance(template, int):
            if -_END <= template < _END:  # others have no place in a column
                fields[ID_NAME] = template
            if not 0 < template < _END:
                _report(draft, template, _NO_ID)
        elif template is not None:
            fields[ALIAS_NAME] = template
            if not ALIAS.fullmatch(template):
                _report(draft, template, _NO_ALIAS)
        model = _built(self._tree, draft.values)
        fields[MODEL_NAME] = {} if model is _LEFT_OUT else model


def names_of_fields(templates: Sequence[object]) -> list[str]:
    """The fields that messages have whose templates come from these sources; none without any.

    >>> names_of_fields([7]), names_of_fields(["welcome", "other"])
    (['TemplateId', 'TemplateModel'], ['TemplateAlias', 'TemplateModel'])
    """
    may_be_alias = any(not isinstance(one, int) for one in templates)
    may_be_id = any(isinstance(one, int | GivenValues) for one in templates)
    names = [ALIAS_NAME] * may_be_alias + [ID_NAME] * may_be_id
    return [*names, MODEL_NAME] if names else []


_NO_ID: Final = "is not the ID of a template, which is a number above 0 of at most 64 bits"
_NO_ALIAS: Final = (
    "is not an alias, which begins with a letter and has letters, digits, dots, hyphens and "
    "underscores (Postmark); an ID is a number: template=1234"
)


def _report(draft: Draft, template: object, why: str) -> None:
    shown = repr(template[:_MOST_SHOWN]) if isinstance(template, str) else template
    draft.report("template", Code.INVALID_VALUE, f"{shown} {why}", value=template)


def _built(tree: Any, values: Mapping[str, Any]) -> Any:
    """A part of the model; what is empty text, or could not be made, is left out."""
    if isinstance(tree, str):
        value = values.get(tree, "")
        return _LEFT_OUT if value == "" else _fresh(value)
    if isinstance(tree, dict):
        inside = ((key, _built(item, values)) for key, item in tree.items())
        return {key: value for key, value in inside if value is not _LEFT_OUT}
    return [value for item in tree if (value := _built(item, values)) is not _LEFT_OUT]


def _fresh(value: Any) -> Any:
    """The same value in lists and dicts that no other message has."""
    if isinstance(value, list):
        return [_fresh(item) for item in value]
    return {key: _fresh(item) for key, item in value.items()} if type(value) is dict else value


def template_of(fields: Mapping[str, Any]) -> str | int | None:
    """The alias or the ID of the template of a message; None without one."""
    template: str | int | None = fields.get(ALIAS_NAME, fields.get(ID_NAME))
    return template


def template_of_body(body: bytes | None) -> str | int | None:
    """The same of a message as it is posted; its first field, which no other message has."""
    if body is None or not body.startswith(OF_TEMPLATE):
        return None
    return template_of(orjson.loads(body))


def texts_of(value: Any) -> Iterator[str]:
    """The texts of a model, also its keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from texts_of(item)


def model_lines(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each value of a model with its path, as texts; numbers and truth values as JSON has them.

    >>> list(model_lines({"orders": [{"id": 7}], "is_new": True, "tags": []}))
    [('orders[0].id', '7'), ('is_new', 'true'), ('tags', '[]')]
    """
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from model_lines(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for i, item in enumerate(value):
            yield from model_lines(item, f"{path}[{i}]")
    else:
        yield path, value if isinstance(value, str) else orjson.dumps(value).decode()


# --- values ---------------------------------------------------------------------------------------


def template_constant(field: str, value: object) -> int | ModelConstant:
    """The value of the template or of a part of its model that is the same in every row.

    Raises:
        LetterError: it cannot be one.
    """
    cell = plain(value, column=field)
    if field == "template":
        if type(cell) is int and 0 < cell < _END:
            return cell
        raise LetterError(
            f"template is {value!r}; give the alias of a template as text, or its ID as a number"
            if isinstance(value, bool | int | float)
            else f"template is a {type(value).__name__}; give the alias of a template as text, or "
            "its ID as a number"
        )
    if is_missing(cell):
        raise LetterError(f"{field} is {value!r}; leave the key out")
    try:
        made = model_value(cell, field)
    except (UndefinedError, UnprintableValue) as error:
        raise LetterError(f"{field} cannot be in a model: {error}; {_WAY}") from None
    if field == "model" and not isinstance(made, dict):
        raise LetterError(f"model is a {type(value).__name__}; give a dict of name to value")
    return ModelConstant(made)


_WAY: Final = (
    "give text, numbers, dates, lists and dicts of these, or a column; rows of another frame "
    "become lists with df.mail.nest"
)


def check_alias(template: object) -> None:
    """Check the alias that all rows have.

    Raises:
        LetterError: it is not one.
    """
    if isinstance(template, str) and not ALIAS.fullmatch(template):
        raise LetterError(f"template={template[:_MOST_SHOWN]!r} {_NO_ALIAS}")


def template_value(cell: Any, part: str) -> Any:
    """The cell of a callable, a Series or ``pd.col`` for the template or a part of its model.

    Raises:
        MissingValue: the cell is missing, or has a missing value in it.
        UnsupportedValue: templates or JSON cannot have the cell.
        UnprintableValue: it is a number that JSON cannot have.
    """
    if part == "template":
        if isinstance(cell, Missing):
            raise MissingValue("there is no template in this row; fill it in, or drop the row")
        return cell if type(cell) is int else str(as_printed(cell))
    if isinstance(cell, Missing):
        leave = "" if part == "model" else ", or .astype(object).fillna('') leaves it out"
        raise MissingValue(f"there is no value in this row; fill it in{leave}")
    value = model_value(cell, part)
    if part == "model" and not isinstance(value, dict):
        raise UnsupportedValue("the model of this row is not a dict of name to value", value=value)
    return value


def model_value(cell: Any, path: str) -> Any:
    """A plain value as JSON has it: numbers stay numbers, dates become text of ISO 8601.

    A Decimal becomes text with all of its digits, because JSON has no other numbers than floats
    for Postmark, and 19.90 would be 19.9.

    Raises:
        MissingValue, UnsupportedValue, UnprintableValue: see ``template_value``.

    >>> from decimal import Decimal
    >>> model_value([Decimal("19.90"), 5.0, dt.datetime(2026, 11, 2, 9, 30), True], "model.a")
    ['19.90', 5, '2026-11-02T09:30:00', True]
    """
    if isinstance(cell, Missing):
        where = path.partition(".")[2][:_MOST_SHOWN] or path
        raise MissingValue(f"{where} has no value in this row; fill it in, or leave its key out")
    if isinstance(cell, list):
        return [model_value(item, f"{path}[{i}]") for i, item in enumerate(cell)]
    if isinstance(cell, dict):
        return _dict(cell, path)
    return _scalar(cell)


def _scalar(cell: Any) -> str | bool | float:
    if isinstance(cell, PrintedImage):
        raise UnsupportedValue("an inline image cannot be in a model; attach it to all rows")
    if isinstance(cell, PrintedHtml):
        return cell.__html__()
    if isinstance(cell, str | bool):
        return cell
    if isinstance(cell, float):
        text = as_printed(cell)
        return float(text) if "." in text else int(text)
    if isinstance(cell, int) and not -_END <= cell < _END:
        raise UnsupportedValue(f"{_MANY_BITS}; give it as text", value=cell)
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    # a cell of an unsupported type raises its own error
    return cell if isinstance(cell, int) else str(as_printed(cell))


_MANY_BITS: Final = "a whole number beyond 64 bits with its sign is not exact in JSON"


def _dict(cell: Mapping[str | int, Any], path: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, item in cell.items():
        if str(key) in made:
            raise UnsupportedValue(
                f"the dict has the keys {key!r} and {str(key)!r}, which are one in JSON", value=cell
            )
        made[str(key)] = model_value(item, f"{path}.{key}")
    return made
