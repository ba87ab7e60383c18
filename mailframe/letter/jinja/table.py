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
from markupsafe import Markup, escape

from mailframe.letter.jinja.printing import as_printed
from mailframe.letter.jinja.values import Absent, PrintedHtml, is_missing
from mailframe.letter.suggestions import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

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
_ZERO_WIDTH: Final = frozenset({"Mn", "Me", "Cf"})
"""Accents, and characters that are not shown."""
_JOINER: Final = "\u200d"
_SKIN_TONES: Final = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the table.

    Attributes:
        key: the key of its values in the records.
        header: the text above it.
        is_number: whether all of its values are numbers, which are aligned at the right.
        texts: its printed values, and the total if the table has totals; what is HTML stays so.
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
        missing: the text of a missing value, also where some records have no such key; without
            it, a missing value is an error.
        empty: the text for an empty list.

    Raises:
        TypeError: the value is not a list of dicts, a sum is of values that are no numbers, or
            another argument has the wrong type.
        ValueError: no record has such a key, the table has no such column, or there is no such
            filter.
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
    _check_keys("totals", summed, dict(shown))
    _check_keys("formats", _checked_formats(formats), {**dict(shown), **rows[0]})
    mark = None if missing is None else str(as_printed(missing))
    cells = _Cells(_formatter(context, formats or {}), summed, missing=mark)
    made = [cells.column(key, header, rows) for key, header in shown]
    budget.charge((len(rows) + 1) * sum(map(_longest, made)))  # the text, before it is padded
    label = str(as_printed(total)) if summed else ""
    written = _written(made, str(as_printed(caption)), label, zebra=zebra)
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
        self._check(key, rows)
        values = [row.get(key, Absent()) for row in rows]
        texts = [self._text(key, value) for value in values]
        numbers = [value for value in values if not is_missing(value)]
        if self._totals:
            texts.append(self._text(key, _sum(key, numbers)) if key in self._totals else "")
        is_number = bool(numbers) and all(map(_is_number, numbers))
        return _Column(key, header, is_number, tuple(texts))

    def _check(self, key: Any, rows: Sequence[Mapping[Any, Any]]) -> None:
        """Refuse a key that no record has, or without a text for missing values not every one."""
        without = [row for row in rows if key not in row]
        if without and (self._missing is None or len(without) == len(rows)):
            keys = ", ".join(map(str, without[0])) or "no keys"
            mark = "" if len(without) == len(rows) else "; write missing='…' for such records"
            raise ValueError(f"table: a record has no {key!r}; it has {keys}{mark}")

    def _text(self, key: Any, value: Any) -> str:
        if is_missing(value) and self._missing is not None:
            return self._missing
        printed = as_printed(self._formatted(key, value))
        return printed if isinstance(printed, PrintedHtml | Markup) else str(printed)


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
    keys = rows[0] if columns is None else columns
    if not isinstance(keys, list | tuple | Mapping):
        raise TypeError("table: columns is a list of keys, or a dict of key to header")
    if not keys:
        raise ValueError("table: there are no columns")
    if columns is not None and isinstance(columns, Mapping):
        return [(key, str(as_printed(header))) for key, header in columns.items()]
    return [(key, _header(key)) for key in keys]


def _header(key: Any) -> str:
    """The header of a key: ``unit_price`` is Unit price."""
    words = str(key).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _check_keys(argument: str, keys: Iterable[Any], possible: Mapping[Any, Any]) -> None:
    """Refuse a key of an argument that the table does not have.

    Raises:
        ValueError: with the keys.
    """
    for key in keys:
        if key not in possible:
            similar = did_you_mean(map(repr, nearest(key, possible)))
            raise ValueError(
                f"table: {argument} has {key!r}, which is no column of the table{similar}; it has "
                f"{', '.join(map(str, possible))}"
            )


def _checked_formats(formats: Any) -> Mapping[Any, Any]:
    """The formats, if they are as ``table`` takes them.

    Raises:
        TypeError: they are not.
        ValueError: one is ``safe``; HTML of a program is trusted where it is made.
    """
    if not isinstance(formats or {}, Mapping):
        raise TypeError("table: formats is a dict of key to filter: {'amount': 'money'}")
    for key, spec in (formats or {}).items():
        name = spec[0] if isinstance(spec, list | tuple) and spec else spec
        if not isinstance(name, str):
            raise TypeError(
                f"table: the format of {key!r} is a filter: 'money', or ['money', 'USD']"
            )
        if name == "safe":
            raise ValueError(
                f"table: the format of {key!r} is 'safe', but cells are escaped; for HTML that you "
                f"trust write orders.assign({key}=mf.html(orders['{key}'])) before nest"
            )
    return formats or {}


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
    lines = [[_SPACE.sub(" ", _plain(text)) for text in column.texts] for column in columns]
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


def _plain(text: str) -> str:
    """The text of a cell: of markup that a filter has made, without its tags."""
    return text.striptags() if isinstance(text, Markup) else str.__str__(text)


def _longest(column: _Column) -> int:
    markup = [text.__html__() for text in column.texts if isinstance(text, PrintedHtml)]
    return max(map(len, [column.header, *column.texts, *markup]))


def _width(text: str) -> int:
    """The columns of a terminal that a text takes: East Asian characters and emojis take two."""
    if text.isascii():
        return len(text)
    return sum(map(_width_of, text, f" {text}"))


def _width_of(character: str, before: str) -> int:
    if unicodedata.category(character) in _ZERO_WIDTH or character in _SKIN_TONES:
        return 0
    if unicodedata.east_asian_width(character) not in _WIDE:
        return 1
    return 0 if before == _JOINER else 2  # several emojis that are shown as one
