"""The letter's own filters: functions of the user, with plain values in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jinja2 import Undefined
from jinja2.exceptions import SecurityError
from jinja2.utils import pass_context

from mailframe.letter.jinja.values import Absent, Missing, MissingValue, Unsupported
from mailframe.message.plain_values import plain
from mailframe.message.row_files import images_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jinja2.runtime import Context

    from mailframe.letter.jinja.budget import Budget

_CHECKED_CALLS: Final = 20
"""The first calls of each filter are made twice, to notice results that differ; then each 100th."""
_EACH: Final = 100


def own_filters(filters: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """The filters ready for jinja2.

    What a filter returns is a value like a cell: it is escaped in HTML, it counts towards the
    limits of a template, and None is a missing value. A missing value does not reach a filter;
    inside a list or dict it is None.

    Args:
        filters: functions of a value and further arguments, by name.

    >>> from mailframe.letter.jinja.environment import LetterEnvironment
    >>> from mailframe.letter.jinja.settings import TemplateSettings
    >>> settings = TemplateSettings(filters=own_filters({"shout": str.upper}))
    >>> letters = LetterEnvironment(settings, html=True)
    >>> letters.render(letters.from_string("{{ name | shout }}"), {"name": "Smith & Sons"})
    'SMITH &amp; SONS'
    """
    return {name: _prepared(name, call) for name, call in filters.items()}


def _prepared(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    calls = 0

    @pass_context
    def applied(context: Context, *args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        budget = context.environment.budget  # type: ignore[attr-defined]  # a LetterEnvironment
        budget.step()
        args = tuple(_listed(budget, value) for value in args)
        result = _result(name, call, args, kwargs)
        calls += 1
        if calls <= _CHECKED_CALLS or calls % _EACH == 0:
            _refuse_different(name, result, _result(name, call, args, kwargs))
        budget.check_time()
        return budget.weigh(result)

    return applied


def _result(
    name: str, call: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    given = {key: _given(value) for key, value in kwargs.items()}
    returned = call(*map(_given, args), **given)
    result = plain(returned, column=name)
    if isinstance(result, Missing):
        hint = f"the filter {name!r} returned no value; write … | default('…') after it"
        return Absent(hint=hint, exc=MissingValue)
    if next(images_in(result), None) is not None:
        raise TypeError(
            f"the filter {name!r} returned an image, which has no attachment there; write the "
            "image as a column, df.assign(chart=mf.image(…))"
        )
    if isinstance(result, Unsupported):
        raise TypeError(
            f"the filter {name!r} returned a {type(returned).__name__}; return text, a number, a "
            "date, or a list or dict of these"
        )
    return result


def _listed(budget: Budget, value: Any) -> Any:
    """What ``map``, ``select`` and others made as a list, which a filter can read twice."""
    return list(budget.each(value)) if hasattr(value, "__next__") else value


def _given(value: Any, *, nested: bool = False) -> Any:
    """A value as a filter gets it: a copy, so that the filter cannot change a cell."""
    if isinstance(value, Undefined):
        return None if nested and isinstance(value, Missing) else str(value)  # raises its error
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, dict):
        return {key: _given(item, nested=True) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_given(item, nested=True) for item in value]
    return value


def _refuse_different(name: str, first: Any, second: Any) -> None:
    if repr(first) != repr(second):
        raise SecurityError(
            f"the filter {name!r} gave {repr(first)[:40]} and then {repr(second)[:40]} for the "
            "same value; a filter must depend on its arguments alone, so that what was checked is "
            "what is sent"
        )
