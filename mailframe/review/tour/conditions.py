"""Conditions of templates in plain English: ``plan = enterprise``, ``first_name missing``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from jinja2 import nodes as ast

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from mailframe.message.cells import Column

MAX_CHARACTERS: Final = 60
"""A longer description is harder to read than the template."""
_BARE: Final = re.compile(r"[^\W_](?:[\w .+%&/-]*\w)?")
"""Texts that need no quotes."""
_SIGNS: Final = {"eq": "=", "ne": "≠", "lt": "<", "lteq": "≤", "gt": ">", "gteq": "≥"}
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
    OTHER = "other"


_TRUE_OR_FALSE: Final = {
    Kind.TRUTH: ("is true", "is false"),
    Kind.NUMBER: ("is not 0", "is 0"),
    Kind.TEXT: ("has a value", "is empty"),
    Kind.ITEMS: ("has items", "has no items"),
    Kind.OTHER: ("has a value", "has no value"),
}


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What is known of a column.

    Attributes:
        kind: the kind of its values.
        has_missing: whether a value is missing.
    """

    kind: Kind = Kind.OTHER
    has_missing: bool = False

    @classmethod
    def of(cls, column: Column) -> ColumnFacts:
        """The facts of a column of the frame.

        >>> from mailframe.message.cells import Column
        >>> ColumnFacts.of(Column.of("seats", pd.Series([5.0, None])))
        ColumnFacts(kind=<Kind.NUMBER: 'number'>, has_missing=True)
        """
        series = column.series
        if column.categories is not None:
            kinds = {_kind_of_value(value) for value in column.categories[:-1]}
            return cls(kinds.pop() if len(kinds) == 1 else Kind.OTHER, bool((series == -1).any()))
        return cls(_kind(series), bool(series.hasnans))


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
        if len(tests) > 1 and (excluded := _values_of_one(tests)) is not None:
            name, values = excluded
            return _short(f"{name} is not {_one_of(values)}")
        return _short(_joined([self._says(test, holds=False) for test in tests], "and"))

    def is_missing(self, value: ast.Node) -> str:
        """The description of an expression without a value."""
        return _short(_with(written(value), "missing"))

    def has_value(self, value: ast.Node) -> str:
        """The description of an expression with a value."""
        return _short(_with(written(value), "has a value"))

    def items(self, value: ast.Node, number: str) -> str:
        """The description of a list with *number*, such as ``no items``."""
        return _short(_with(written(value), f"has {number}"))

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
        true, false = _TRUE_OR_FALSE[facts.kind]
        if holds or not facts.has_missing:
            return f"{name} {true if holds else false}"
        return f"{name} missing" if facts.kind is Kind.OTHER else f"{name} {false} or missing"

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
        if any(
            isinstance(side, ast.And | ast.Or) and type(side) is not type(test) for side in sides
        ):
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
            return f"{name} missing" if (test.name != "defined") is holds else f"{name} has a value"
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
    return description


def column_name(node: ast.Node | None) -> str:
    """The column that an expression consists of, ``plan`` or ``row["plan"]``; empty if not one."""
    if isinstance(node, ast.Name):
        return node.name
    if isinstance(node, ast.Getattr) and _is_row(node.node):
        return node.attr
    if isinstance(node, ast.Getitem) and _is_row(node.node) and isinstance(node.arg, ast.Const):
        return node.arg.value if isinstance(node.arg.value, str) else ""
    return ""


def written(node: ast.Node) -> str | None:  # noqa: PLR0911 - one for each kind of expression
    """A simple expression as people write it; None for any other.

    >>> from jinja2 import Environment
    >>> def of(source): return written(Environment().parse(f"{{{{ {source} }}}}").body[0].nodes[0])
    >>> of("row['last name']"), of("orders | length"), of("order.total * 2"), of("'a' ~ b")
    ('last name', 'length of orders', 'order.total * 2', None)
    """
    if name := column_name(node):
        return name
    if isinstance(node, ast.Const):
        return _constant(node.value)
    if isinstance(node, ast.Getattr):
        return _with(written(node.node), node.attr, ".")
    if isinstance(node, ast.Getitem) and isinstance(node.arg, ast.Const):
        return _with(written(node.node), f"[{node.arg.value!r}]", "")
    if isinstance(node, ast.Filter) and node.node is not None and not (node.args or node.kwargs):
        value = written(node.node)
        is_length = node.name in ("length", "count")
        return value and (f"length of {value}" if is_length else f"{value} | {node.name}")
    if isinstance(node, ast.Call) and not (node.kwargs or node.dyn_args or node.dyn_kwargs):
        values = [written(value) for value in node.args]
        called = None if None in values else written(node.node)
        return called and f"{called}({', '.join(filter(None, values))})"
    if isinstance(node, ast.Add | ast.Sub | ast.Mul | ast.Div):
        left, right = written(node.left), written(node.right)
        return f"{left} {node.operator} {right}" if left and right else None
    return None


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


def _one_of(values: Sequence[str | None]) -> str:
    *others, last = map(str, values)
    return f"{', '.join(others)} or {last}" if others else last


def _constant(value: object) -> str:
    if isinstance(value, str):
        return value if _BARE.fullmatch(value) else repr(value)
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def _with(text: str | None, more: str, between: str = " ") -> str | None:
    return text and f"{text}{between}{more}"


def _joined(texts: Sequence[str | None], word: str) -> str | None:
    return None if None in texts else f" {word} ".join(filter(None, texts))


def _short(text: str | None) -> str:
    return text if text is not None and len(text) <= MAX_CHARACTERS else ""


def _is_row(node: ast.Node) -> bool:
    return isinstance(node, ast.Name) and node.name == "row"


def _kind(series: pd.Series[Any]) -> Kind:
    types = pd.api.types
    if types.is_bool_dtype(series.dtype):
        return Kind.TRUTH
    if types.is_numeric_dtype(series.dtype):
        return Kind.NUMBER
    if isinstance(series.dtype, pd.StringDtype):
        return Kind.TEXT
    if series.dtype != object:
        return Kind.OTHER
    first = series.first_valid_index() if series.index.is_unique else None
    return Kind.OTHER if first is None else _kind_of_value(series[first])


def _kind_of_value(value: object) -> Kind:
    for kind, classes in (
        (Kind.TRUTH, bool | np.bool_),
        (Kind.NUMBER, int | float | np.number),
        (Kind.TEXT, str),
        (Kind.ITEMS, list | tuple | dict | np.ndarray),
    ):
        if isinstance(value, classes):
            return kind
    return Kind.OTHER
