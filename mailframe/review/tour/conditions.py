"""Conditions of templates in plain English: ``plan = enterprise``, ``first_name missing``."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from jinja2 import nodes as ast

from mailframe.review.tour.expressions import column_name, with_more, written

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from mailframe.message.cells import Column

MAX_CHARACTERS: Final = 60
"""A longer description is harder to read than the template."""
_SIGNS: Final = {"eq": "=", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}
_OPPOSITE: Final = {
    "eq": "ne",
    "ne": "eq",
    "lt": "gteq",
    "gteq": "lt",
    "gt": "lteq",
    "lteq": "gt",
    "in": "notin",
    "notin": "in",
}
_SWAPPED: Final = {"lt": "gt", "gt": "lt", "lteq": "gteq", "gteq": "lteq"}
_MISSING_TESTS: Final = ("missing", "none", "undefined")


class Kind(StrEnum):
    """What the values of a column are, as far as ``{% if column %}`` is concerned."""

    TRUTH = "truth"
    NUMBER = "number"
    TEXT = "text"
    ITEMS = "items"
    DATE = "date"
    """Always true, unless it is missing."""
    OTHER = "other"
    """Anything else, and values of several kinds."""


_TRUE_OR_FALSE: Final = {
    Kind.TRUTH: ("is true", "is false"),
    Kind.NUMBER: ("is not 0", "is 0"),
    Kind.TEXT: ("has a value", "is empty"),
    Kind.ITEMS: ("has items", "has no items"),
    Kind.DATE: ("has a value", "missing"),
    Kind.OTHER: ("has a value", "has no value"),
}


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What is known of a column.

    Attributes:
        kind: the kind of its values.
        has_missing: whether a value is missing.
        has_empty: whether a value may be neither missing nor true, such as an empty text.
        has_zero: whether a number may be 0.
    """

    kind: Kind = Kind.OTHER
    has_missing: bool = False
    has_empty: bool = False
    has_zero: bool = True

    @classmethod
    def of(cls, column: Column) -> ColumnFacts:
        """The facts of a column of the frame.

        >>> from mailframe.message.cells import Column
        >>> ColumnFacts.of(Column.of("seats", pd.Series([5.0, None])))
        ColumnFacts(kind=<Kind.NUMBER: 'number'>, has_missing=True, has_empty=False, has_zero=False)
        """
        series = column.series
        if column.categories is not None:
            values = column.categories[:-1]
            kinds = {_kind_of_type(type(value)) for value in values}
            kind = kinds.pop() if len(kinds) == 1 else Kind.OTHER
            has_missing = bool((series == -1).any())
            has_empty = any(isinstance(value, str) and not value for value in values)
            has_zero = kind is Kind.NUMBER and not all(values)
        else:
            kind, has_missing = _kind(series), bool(series.hasnans)
            has_empty = kind is Kind.TEXT and bool((series == "").any())
            has_zero = kind is Kind.NUMBER and not all(series.dropna())
        return cls(kind, has_missing, has_empty or kind is Kind.OTHER, has_zero)


_UNKNOWN: Final = ColumnFacts()


class Conditions:
    """Describes the conditions of a template.

    Args:
        columns: the facts of the columns of the frame.
        own_names: the names that the template itself assigns; they are no columns.

    >>> from jinja2 import Environment
    >>> conditions = Conditions({"seats": ColumnFacts(Kind.NUMBER, has_missing=True)})
    >>> tree = Environment().parse("{% if plan == 'team' %}{% elif not seats %}{% endif %}")
    >>> plan, seats = tree.body[0].test, tree.body[0].elif_[0].test
    >>> conditions.holds(plan), conditions.fails(plan)
    ('plan = team', 'plan is not team')
    >>> conditions.holds(seats), conditions.fails(seats), conditions.fails(plan, seats)
    ('seats is 0 or missing', 'seats is not 0', 'plan is not team and seats is not 0')
    """

    def __init__(
        self, columns: Mapping[Any, ColumnFacts], *, own_names: Collection[str] = ()
    ) -> None:
        self._columns, self._own_names = columns, own_names

    def holds(self, test: ast.Node) -> str:
        """The description of a condition that is true; empty if it is too complex for one."""
        return _short(self._says(test, holds=True))

    def fails(self, *tests: ast.Node) -> str:
        """The same if all of these conditions are false."""
        return _short(self._all_fail(tests))

    def after(self, tests: Sequence[ast.Node], test: ast.Node) -> str:
        """The description of a condition that is true where these, tried before it, are false.

        >>> from jinja2 import Environment
        >>> arms = "{% if plan == 'team' %}{% elif seats > 5 %}{% elif plan == 'pro' %}{% endif %}"
        >>> first = Environment().parse(arms).body[0]
        >>> team, seats, pro = first.test, *(arm.test for arm in first.elif_)
        >>> Conditions({}).after([team], seats), Conditions({}).after([team], pro)
        ('plan is not team and seats > 5', 'plan = pro')
        """
        before = [each for each in tests if not _excludes(test, each)]
        if not before:
            return self.holds(test)
        if _word(test, holds=True) == "or":
            return ""
        return _short(_joined([self._all_fail(before), self._says(test, holds=True)], "and"))

    def _all_fail(self, tests: Sequence[ast.Node]) -> str | None:
        if len(tests) > 1 and (excluded := _values_of_one(tests)) is not None:
            name, values = excluded
            return f"{name} is not {_one_of(values)}"
        if len(tests) > 1 and any(_word(test, holds=False) == "or" for test in tests):
            return None
        return _joined([self._says(test, holds=False) for test in tests], "and")

    def is_missing(self, value: ast.Node) -> str:
        """The description of an expression without a value."""
        return _short(with_more(written(value), "missing"))

    def has_value(self, value: ast.Node) -> str:
        """The description of an expression with a value."""
        return _short(with_more(written(value), self._not_missing(value)))

    def _not_missing(self, value: ast.Node) -> str:
        """An empty text is not missing, but it is no value in ``{% if column %}``."""
        return "is not missing" if self._facts(value).has_empty else "has a value"

    def items(self, value: ast.Node, number: str) -> str:
        """The description of a list with *number*, such as ``no items``."""
        return _short(with_more(written(value), f"has {number}"))

    def _says(self, test: ast.Node, *, holds: bool) -> str | None:
        says = _DESCRIBED.get(type(test))
        return says(self, test, holds) if says else self._truth(test, holds=holds)

    def _truth(self, test: ast.Node, *, holds: bool) -> str | None:
        name = written(test)
        if name is None:
            return None
        if isinstance(test, ast.Call):
            return name if holds else f"not {name}"
        facts = self._facts(test)
        is_zero_missing = facts.kind is Kind.NUMBER and facts.has_missing and not facts.has_zero
        kind = Kind.DATE if is_zero_missing else facts.kind  # only missing values are false
        true, false = _TRUE_OR_FALSE[kind]
        covers_missing = not facts.has_missing or kind in (Kind.DATE, Kind.OTHER)
        if holds or covers_missing:
            return f"{name} {true if holds else false}"
        return f"{name} {false} or missing"

    def _facts(self, node: ast.Node) -> ColumnFacts:
        name = column_name(node)
        if isinstance(node, ast.Name) and name in self._own_names:
            return _UNKNOWN
        return self._columns.get(name, _UNKNOWN)

    def _not(self, test: ast.Not, holds: bool) -> str | None:
        return self._says(test.node, holds=not holds)

    def _both(self, test: ast.And | ast.Or, holds: bool) -> str | None:
        word = "and" if isinstance(test, ast.And) is holds else "or"
        sides = (test.left, test.right)
        if any(_word(side, holds=holds) not in ("", word) for side in sides):
            return None  # "a and b or c" can be read in two ways
        return _joined([self._says(side, holds=holds) for side in sides], word)

    def _compare(self, test: ast.Compare, holds: bool) -> str | None:
        if len(test.ops) != 1:
            return None
        (operand,) = test.ops
        left, sign, right = test.expr, operand.op, operand.expr
        if isinstance(left, ast.Const) and not sign.endswith("in"):
            left, sign, right = right, _SWAPPED.get(sign, sign), left
        return _compared(left, sign if holds else _OPPOSITE[sign], right)

    def _test(self, test: ast.Test, holds: bool) -> str | None:
        name, arguments = written(test.node), [written(value) for value in test.args]
        if name is None or None in arguments or test.kwargs:
            return None
        if test.name in (*_MISSING_TESTS, "defined"):
            is_missing = (test.name != "defined") is holds
            return f"{name} {'missing' if is_missing else self._not_missing(test.node)}"
        word = " ".join([test.name, *filter(None, arguments)])
        return f"{name} is {word}" if holds else f"{name} is not {word}"


_DESCRIBED: Final[Mapping[type, Callable[[Conditions, Any, bool], str | None]]] = {
    ast.Not: Conditions._not,  # noqa: SLF001 - of the class above
    ast.And: Conditions._both,  # noqa: SLF001
    ast.Or: Conditions._both,  # noqa: SLF001
    ast.Compare: Conditions._compare,  # noqa: SLF001
    ast.Test: Conditions._test,  # noqa: SLF001
}


def without_false(description: str, column: str) -> str:
    """A description for rows without a value in the column.

    >>> without_false("plan is not free and seats is 0 or missing", "seats")
    'plan is not free and seats missing'
    """
    for _, false in _TRUE_OR_FALSE.values():
        description = description.replace(f"{column} {false} or missing", f"{column} missing")
    return description.replace(f"{column} has no value", f"{column} missing")


def goes_without_saying(condition: str, description: str) -> bool:
    """Whether a column that equals a value also meets the condition that it has one.

    >>> goes_without_saying("seats is not 0", "seats = 1")
    True
    >>> goes_without_saying("seats is not 0", "seats is not 1")
    False
    """
    column, equals, value = description.partition(" = ")
    has_value = ("is not 0", "has a value", "is not missing")
    is_simple = bool(equals) and value not in ("0", "0.0") and " and " not in description
    return is_simple and condition in [f"{column} {words}" for words in has_value]


def _compared(left: ast.Node, sign: str, right: ast.Node) -> str | None:
    if sign in ("in", "notin"):
        return _contained(left, right, "not " if sign == "notin" else "")
    name, value = written(left), written(right)
    if name is None or value is None:
        return None
    if isinstance(right, ast.Const) and sign in ("eq", "ne"):
        if right.value == "":
            return f"{name} is {'' if sign == 'eq' else 'not '}empty"
        return f"{name} = {value}" if sign == "eq" else f"{name} is not {value}"
    return f"{name} {_SIGNS[sign]} {value}"


def _contained(left: ast.Node, right: ast.Node, negation: str) -> str | None:
    name = written(left)
    if name is not None and isinstance(right, ast.List | ast.Tuple) and right.items:
        values = [written(item) for item in right.items]
        return None if None in values else f"{name} is {negation}{_one_of(values)}"
    whole = written(right)
    if name is None or whole is None:
        return None
    if isinstance(left, ast.Const):
        return f"{whole} {'does not contain' if negation else 'contains'} {name}"
    return f"{name} {negation}in {whole}"


def _values_of_one(tests: Sequence[ast.Node]) -> tuple[str, list[str | None]] | None:
    """The name and the values if each of the tests compares the same name with a constant."""
    names, values = set(), []
    for test in tests:
        if not isinstance(test, ast.Compare) or [operand.op for operand in test.ops] != ["eq"]:
            return None
        value = test.ops[0].expr
        if not isinstance(value, ast.Const) or value.value == "":
            return None
        names.add(written(test.expr))
        values.append(written(value))
    name = names.pop()
    return None if names or name is None else (name, values)


def _word(test: ast.Node, *, holds: bool) -> str:
    """The word between the parts of a condition's description: ``and``, ``or``, or none."""
    while isinstance(test, ast.Not):
        test, holds = test.node, not holds
    if not isinstance(test, ast.And | ast.Or):
        return ""
    return "and" if isinstance(test, ast.And) is holds else "or"


def _excludes(test: ast.Node, other: ast.Node) -> bool:
    """Whether it goes without saying that *other* is false where *test* is true."""
    equal = _equal_to(test)
    name = written(test) if equal is None else equal[0]
    if name is None:
        return False
    if isinstance(other, ast.Test) and other.name in _MISSING_TESTS:
        return written(other.node) == name
    if isinstance(other, ast.Not):
        return written(other.node) == name
    if equal is None:
        return False
    value = equal[1]
    if isinstance(other, ast.Compare) and [operand.op for operand in other.ops] == ["in"]:
        items = getattr(other.ops[0].expr, "items", [])
        values = [item.value for item in items if isinstance(item, ast.Const)]
        is_plain = bool(values) and len(values) == len(items)
        return is_plain and written(other.expr) == name and value not in values
    one = _equal_to(other)
    return one is not None and one[0] == name and one[1] != value


def _equal_to(test: ast.Node) -> tuple[str, Any] | None:
    """The name and the value of a comparison with a value that is true in conditions."""
    if not isinstance(test, ast.Compare) or [operand.op for operand in test.ops] != ["eq"]:
        return None
    name, value = written(test.expr), test.ops[0].expr
    is_true = isinstance(value, ast.Const) and value.value
    return (name, value.value) if name is not None and is_true else None  # type: ignore[attr-defined]


def _one_of(values: Sequence[str | None]) -> str:
    *others, last = map(str, values)
    return f"{', '.join(others)} or {last}" if others else last


def _joined(texts: Sequence[str | None], word: str) -> str | None:
    return None if None in texts else f" {word} ".join(filter(None, texts))


def _short(text: str | None) -> str:
    return text if text is not None and len(text) <= MAX_CHARACTERS else ""


def _kind(series: pd.Series[Any]) -> Kind:
    types = pd.api.types
    if types.is_bool_dtype(series.dtype):
        return Kind.TRUTH
    if types.is_numeric_dtype(series.dtype):
        return Kind.NUMBER
    if isinstance(series.dtype, pd.StringDtype):
        return Kind.TEXT
    if types.is_datetime64_any_dtype(series.dtype):
        return Kind.DATE
    if series.dtype != object:
        return Kind.OTHER
    kinds = set(map(_kind_of_type, set(map(type, series.dropna()))))
    return kinds.pop() if len(kinds) == 1 else Kind.OTHER


def _kind_of_type(of_value: type) -> Kind:
    for kind, classes in (
        (Kind.TRUTH, (bool, np.bool_)),
        (Kind.NUMBER, (int, float, np.number)),
        (Kind.TEXT, (str,)),
        (Kind.ITEMS, (list, tuple, dict, np.ndarray)),
        (Kind.DATE, (dt.date,)),
    ):
        if issubclass(of_value, classes):
            return kind
    return Kind.OTHER
