"""The template at Postmark that a letter names, and the model that it is rendered with."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import LetterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.letter.letter import Letter

ALIAS: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
"""An alias. Documented: postmarkapp.com/developer/api/templates-api."""
CONSTANT: Final = bool | int | float | Decimal | dt.date | dt.time | dt.timedelta | list | dict
"""Types of the constants of a letter that are no text; pages show them as they are."""
MAX_DEPTH: Final = 20
"""Dicts and lists of a model in each other, as of those in a cell."""
_IN_KEYS: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Nd", "Pc"})
"""The categories of the characters of a word in .NET, with which Mustachio reads names.

Source: github.com/ActiveCampaign/mustachio, Tokenizer.cs.
"""
_MOST_SHOWN: Final = 60
_OF_THE_TEMPLATE: Final = (
    "subject",
    "html_body",
    "text_body",
    "markdown_body",
    "layout",
    "inline_css",
    "allow_empty_subject",
)
"""Fields of what the template has, so that a letter with one has none of them."""


def check_template(letter: Letter) -> None:
    """Check that a letter with a template has no content of its own.

    Raises:
        LetterError: it has; Postmark refuses both together (ErrorCode 1123).
    """
    if letter.template is None:
        return
    given = [name for name in _OF_THE_TEMPLATE if getattr(letter, name) not in (None, False)]
    if given:
        raise LetterError(
            f"the letter has template= and {', '.join(given)}: a template at Postmark has the "
            "subject, the bodies and their layout itself (ErrorCode 1123); remove one of them"
        )


def checked_model(model: object) -> Any:
    """A copy of the model that cannot be changed; a column or function of models as it is.

    Raises:
        LetterError: it is text or a list, is nested too deep, or a template cannot read a key.
    """
    if isinstance(model, Mapping):
        return MappingProxyType(_copied(model, "model", 0))
    if isinstance(model, str | bytes | list | tuple | set | bool | int | float):
        raise LetterError(
            f"model is a {type(model).__name__}; give a dict of name to value: "
            "model={'name': '{{ first_name }}'}"
        )
    return model


def _copied(value: Any, path: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise LetterError(f"{path[:_MOST_SHOWN]}… is nested more than {MAX_DEPTH} deep")
    if isinstance(value, Mapping):
        return {
            _checked_key(key, path): _copied(item, f"{path}.{key}", depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_copied(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]
    return value


def _checked_key(key: object, path: str) -> str:
    if isinstance(key, str) and key and {*map(unicodedata.category, key)} <= _IN_KEYS:
        return key
    raise LetterError(
        f"{path}: a template at Postmark cannot read the key {str(key)[:_MOST_SHOWN]!a}; a key is "
        "text of letters, digits and _, and {{ a.b }} reads {'a': {'b': …}}"
    )


def model_parts(model: Any) -> Iterator[tuple[str, Any]]:
    """Each value of a model with its path; dicts and lists that are empty are values.

    >>> list(model_parts({"name": "Ann", "orders": [{"id": 7}], "tags": []}))
    [('model.name', 'Ann'), ('model.orders[0].id', 7), ('model.tags', [])]
    """
    return _leaves(model_tree(model), model)


def _leaves(tree: Any, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, str):
        yield tree, value
    elif isinstance(tree, dict):
        for key, inside in tree.items():
            yield from _leaves(inside, value[key])
    else:
        for inside, item in zip(tree, value, strict=True):
            yield from _leaves(inside, item)


def model_tree(model: Any) -> Any:
    """The dicts and lists of a model, with the path of each value in its place.

    >>> model_tree({"name": "Ann", "orders": [{"id": 7}]})
    {'name': 'model.name', 'orders': [{'id': 'model.orders[0].id'}]}
    """
    is_empty = model is None or (isinstance(model, Mapping) and not model)
    return {} if is_empty else _tree(model, "model")


def _tree(value: Any, path: str) -> Any:
    if isinstance(value, Mapping) and value:
        return {key: _tree(item, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, list) and value:
        return [_tree(item, f"{path}[{i}]") for i, item in enumerate(value)]
    return path
