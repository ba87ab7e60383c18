"""The filter ``table``: a list of records as an email-safe HTML table, and as aligned text.

Mail programs ignore much of CSS, so each cell has its style inline. Values are escaped like every
value of a template.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Undefined
from jinja2.utils import pass_context
from markupsafe import escape

from mailframe.letter.jinja.printing import as_printed
from mailframe.letter.jinja.values import PrintedHtml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jinja2.runtime import Context

_LINE: Final = "#d9d9de"
_STRIPE: Final = "background-color:rgba(128,128,128,0.1)"
"""Of every second row; translucent, so that it fits light and dark messages."""
_PADDING: Final = "6px 8px"
_FLUSH: Final = ("padding-left:0", "padding-right:0")
"""Of the first and the last column, so that the table is as wide as the text around it."""
_SHORT: Final = 8
"""The characters of values that a phone does not wrap, such as ``22 Nov``."""
_GAP: Final = "  "
_WIDE: Final = frozenset("WF")
_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the table.

    Attributes:
        key: the key of its values in the records.
        header: the text above it.
        is_number: whether all of its values are numbers, which are aligned at the right.
        texts: its printed values, and the total if the table has totals.
    """

    key: Any
    header: str
    is_number: bool
    texts: tuple[str, ...]


@pass_context
def table(
    context: Context,
    records: Any,
    columns: Any = None,
    *,
    formats: Mapping[Any, Any] | None = None,
    totals: Any = (),
    total: str = "Total",
    caption: str = "",
    zebra: bool = False,
    missing: str | None = None,
    empty: str = "",
) -> Any:
    """A table of a list of records; HTML in the HTML part, aligned text in other parts.

    Args:
        context: the context of the template.
        records: a list of dicts, such as a column of ``df.mail.nest``.
        columns: the keys to show, as a list or as a dict of key to header; by default all keys of
            the first record.
        formats: a filter for each key, by name or as a list of its name and arguments:
            ``{'amount': ['money', 'USD']}``.
        totals: the keys of the columns with a sum in the last row.
        total: the text before the sums.
        caption: a line above the table.
        zebra: whether every second row has a background.
        missing: the text of a missing value; without it, a missing value is an error.
        empty: the text for an empty list.

    Raises:
        TypeError: the value is not a list of dicts, or a sum is of values that are no numbers.
        ValueError: a record has no such key, or there is no such filter.
    """
    if isinstance(records, Undefined):
        return str(records)  # raises the error of the missing value
    rows = _records(records)
    if not rows:
        return empty
    budget = context.environment.budget  # type: ignore[attr-defined]  # a LetterEnvironment
    shown = _headers(columns, rows)
    budget.step(len(rows) * max(1, len(shown)))
    summed = [totals] if isinstance(totals, str) else list(totals)
    cells = _Cells(_formatter(context, formats or {}), summed, missing=missing)
    made = [cells.column(key, header, rows) for key, header in shown]
    budget.charge((len(rows) + 1) * sum(map(_longest, made)))  # the text, before it is padded
    written = _written(made, caption, total if summed else "", zebra=zebra)
    budget.charge(len(written.__html__()))
    return written


def written_table(records: Sequence[Mapping[Any, Any]], *, missing: str) -> PrintedHtml:
    """A table of records of plain values, with all of their keys.

    Args:
        records: the records; each has the keys of the first one.
        missing: the text of a missing value.
    """
    if not records:
        return PrintedHtml("", html="")
    cells = _Cells(lambda _, value: value, (), missing=missing)
    columns = [cells.column(key, str(key), records) for key in records[0]]
    return _written(columns, "", "", zebra=False)


def _written(columns: Sequence[_Column], caption: str, total: str, *, zebra: bool) -> PrintedHtml:
    text = "\n".join(_text_lines(columns, caption, total))
    return PrintedHtml(text, html="".join(_html_lines(columns, caption, total, zebra=zebra)))


class _Cells:
    """Prints the values of a table.

    Args:
        formatted: a function of a key and a value that returns the formatted value.
        totals: the keys with a sum.
        missing: the text of a missing value; None if it is an error.
    """

    def __init__(
        self, formatted: Callable[[Any, Any], Any], totals: Sequence[Any], *, missing: str | None
    ) -> None:
        self._formatted, self._totals, self._missing = formatted, totals, missing

    def column(self, key: Any, header: str, rows: Sequence[Mapping[Any, Any]]) -> _Column:
        values = [_value(row, key) for row in rows]
        texts = [self._text(key, value) for value in values]
        numbers = [value for value in values if not isinstance(value, Undefined)]
        if self._totals:
            texts.append(self._text(key, _sum(key, numbers)) if key in self._totals else "")
        is_number = bool(numbers) and all(map(_is_number, numbers))
        return _Column(key, header, is_number, tuple(texts))

    def _text(self, key: Any, value: Any) -> str:
        if isinstance(value, Undefined) and self._missing is not None:
            return self._missing
        return str(as_printed(self._formatted(key, value)))


def _formatter(context: Context, formats: Mapping[Any, Any]) -> Callable[[Any, Any], Any]:
    """The function that applies the filter of a key to a value.

    Raises:
        ValueError: there is no such filter.
    """
    environment = context.environment
    calls: dict[Any, Callable[[Any], Any]] = {}
    for key, spec in formats.items():
        name, *args = [spec] if isinstance(spec, str) else spec
        if name not in environment.filters or str(name).startswith("_"):
            raise ValueError(f"table: the format of {key!r} is {name!r}, which is no filter")
        calls[key] = partial(environment.call_filter, name, args=args, context=context)
    return lambda key, value: calls[key](value) if key in calls else value


def _records(records: Any) -> list[Mapping[Any, Any]]:
    if not isinstance(records, list) or not all(isinstance(row, Mapping) for row in records):
        raise TypeError(
            "table takes a list of records, such as a column of df.mail.nest, not a "
            f"{type(records).__name__}"
        )
    return records


def _headers(columns: Any, rows: Sequence[Mapping[Any, Any]]) -> list[tuple[Any, str]]:
    if columns is None:
        return [(key, _header(key)) for key in rows[0]]
    if isinstance(columns, Mapping):
        return [(key, str(as_printed(header))) for key, header in columns.items()]
    if isinstance(columns, list | tuple):
        return [(key, _header(key)) for key in columns]
    raise TypeError("table: columns is a list of keys, or a dict of key to header")


def _header(key: Any) -> str:
    """The header of a key: ``unit_price`` is Unit price."""
    words = str(key).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _value(row: Mapping[Any, Any], key: Any) -> Any:
    if key not in row:
        keys = ", ".join(map(str, row))
        raise ValueError(f"table: a record has no {key!r}; it has {keys}")
    return row[key]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _sum(key: Any, values: Sequence[Any]) -> Any:
    """The sum; of floats by their decimal digits, so that 0.1 + 0.2 is 0.3."""
    if not all(map(_is_number, values)):
        raise TypeError(f"table: the total of {key!r} needs numbers in every record")
    if all(isinstance(value, int) for value in values):
        return sum(values)
    exact = [Decimal(repr(value)) if isinstance(value, float) else value for value in values]
    total = sum(map(Decimal, exact), Decimal(0))
    return float(total) if any(isinstance(value, float) for value in values) else total


# --- HTML -----------------------------------------------------------------------------------------


def _html_lines(
    columns: Sequence[_Column], caption: str, total: str, *, zebra: bool
) -> Iterator[str]:
    yield (
        '<table class="mf-data" width="100%" cellpadding="0" cellspacing="0" '
        'style="width:100%;border-collapse:collapse;margin:0 0 20px">'
    )
    if caption:
        yield f'<caption style="text-align:left;padding:{_PADDING}">{escape(caption)}</caption>'
    yield "<thead><tr>"
    ends = [""] * len(columns)
    if not zebra:
        ends[0] += f";{_FLUSH[0]}"
        ends[-1] += f";{_FLUSH[1]}"
    for column, end in zip(columns, ends, strict=True):
        line = f"border-bottom:2px solid {_LINE}{end}"
        yield _cell("th", column, column.header, line, scope="col")
    yield "</tr></thead><tbody>"
    count = len(columns[0].texts)
    for number in range(count):
        is_total = bool(total) and number == count - 1
        line = f"border-{'top' if is_total else 'bottom'}:1px solid {_LINE}"
        style = f' style="{_STRIPE}"' if zebra and number % 2 and not is_total else ""
        yield f"<tr{style}>"
        for place, column in enumerate(columns):
            text = column.texts[number]
            if is_total:
                text = text or (total if place == 0 else "")
            weight = ";font-weight:bold" if is_total else ""
            yield _cell("td", column, text, f"{line}{ends[place]}{weight}")
        yield "</tr>"
    yield "</tbody></table>"


def _cell(tag: str, column: _Column, text: str, style: str, *, scope: str = "") -> str:
    side = "right" if column.is_number else "left"
    one_line = column.is_number or max(map(len, column.texts)) <= _SHORT
    unwrapped = ";white-space:nowrap" if one_line else ""
    scoped = f' scope="{scope}"' if scope else ""
    return (
        f'<{tag}{scoped} align="{side}" '
        f'style="text-align:{side};padding:{_PADDING};{style}{unwrapped}">{escape(text)}</{tag}>'
    )


# --- text -----------------------------------------------------------------------------------------


def _text_lines(columns: Sequence[_Column], caption: str, total: str) -> Iterator[str]:
    if caption:
        yield caption
    lines = [[_SPACE.sub(" ", text) for text in column.texts] for column in columns]
    if total:
        lines[0][-1] = lines[0][-1] or total
    headers = [_SPACE.sub(" ", column.header) for column in columns]
    widths = [
        max(map(_width, [header, *texts])) for header, texts in zip(headers, lines, strict=True)
    ]
    rule = _GAP.join("-" * width for width in widths)
    yield _line(headers, widths, columns)
    yield rule
    for number, texts in enumerate(zip(*lines, strict=True)):
        if total and number == len(lines[0]) - 1:
            yield rule
        yield _line(texts, widths, columns)


def _line(texts: Sequence[str], widths: Sequence[int], columns: Sequence[_Column]) -> str:
    cells = []
    for text, width, column in zip(texts, widths, columns, strict=True):
        blanks = " " * (width - _width(text))
        cells.append(blanks + text if column.is_number else text + blanks)
    return _GAP.join(cells).rstrip()


def _longest(column: _Column) -> int:
    return max(map(len, [column.header, *column.texts]))


def _width(text: str) -> int:
    """The columns of a terminal that a text takes: East Asian characters take two."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in _WIDE else 1
        for c in text
    )
