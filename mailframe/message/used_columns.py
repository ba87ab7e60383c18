"""The columns of a frame that a letter uses, and errors about columns that are not there."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mailframe.errors import FrameError, LetterError
from mailframe.letter.jinja.environment import RESERVED, variable
from mailframe.letter.jinja.other_names import NAMES
from mailframe.letter.letter import ADDRESS_FIELDS, field_of
from mailframe.letter.row_functions import RowCell
from mailframe.letter.suggestions import did_you_mean, folded, listed, nearest
from mailframe.message.cells import Column
from mailframe.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from mailframe.letter.jinja.names import Names
    from mailframe.letter.letter import Letter


def used_columns(
    frame: pd.DataFrame, names: Mapping[str, Names]
) -> tuple[list[Column], tuple[object, ...]]:
    """The columns that the templates use, and the names of the columns that ``row`` holds.

    Args:
        frame: one row per message.
        names: the names that each part of the letter refers to, by part.

    Raises:
        LetterError: a template uses columns that the frame does not have; names all of them.
        FrameError: a column that a template uses is in the frame more than once.
    """
    counts: Counter[Any] = Counter(frame.columns)
    bare: dict[Any, tuple[str, int]] = {}
    in_row: dict[Any, tuple[str, int]] = {}
    for used in names.values():
        bare = {**used.columns, **bare}
        in_row = {**used.row_columns, **in_row}
    unknown = {name: at for name, at in bare.items() if name not in counts or name in RESERVED}
    unknown |= {name: at for name, at in in_row.items() if name not in counts}
    if unknown:
        raise LetterError(_unknown_columns(unknown, frame, names))
    _refuse_shadowed(names, counts)
    whole = any(used.whole_row or used.templates is None for used in names.values())
    optional = {name for used in names.values() for name in used.optional if name not in RESERVED}
    wanted = set(counts) if whole else (bare.keys() | in_row.keys() | optional) & counts.keys()
    for name in wanted:
        if counts[name] > 1:
            raise FrameError(
                f"the frame has more than one column {name!r}, and the letter uses it; rename one"
            )
    row_names = tuple(
        name for name in frame.columns if name in wanted and (whole or name in in_row)
    )
    columns = [
        Column.of(name, frame.iloc[:, i]) for i, name in enumerate(frame.columns) if name in wanted
    ]
    return columns, row_names


def has_functions(columns: Iterable[Column]) -> bool:
    """Whether a column has functions of the row, which can read any other column."""
    return any(
        column.series.dtype == object
        and any(type(cell) is RowCell for cell in column.series.iloc[:1])
        for column in columns
    )


def names_of_columns(letter: Letter, frame: pd.DataFrame) -> Iterator[Problem]:
    """A warning for each part that is only the name of a column, so that each row gets that text.

    Raises:
        LetterError: such a part is a field for addresses; the name of a column is not an address.
    """
    labels = set(frame.columns)
    refused = []
    for field, value in letter.parts():
        text = value.strip() if isinstance(value, str) else ""
        is_address = field_of(field) in ADDRESS_FIELDS
        if not text or (is_address and ("@" in text or "{" in text)):
            continue
        name = text if text in labels else ""
        if is_address and not name:
            alike = (label for label in frame.columns if folded(str(label)) == folded(text))
            name = next(alike, "")
        if not name:
            continue
        template = f"{{{{ {variable(name)} }}}}"
        detail = (
            f"{field} is the text {text!r}, the same for every row; "
            f"for the column {name!r} write {template}"
        )
        if is_address:
            refused.append(detail)
        else:
            yield Problem(None, field, Code.NAME_OF_A_COLUMN, detail)
    if refused:
        raise LetterError("; ".join(refused))


def shown_names(names: Mapping[str, Names], shown_as: Mapping[str, str]) -> dict[str, Names]:
    """The names that the parts refer to, with the parts as they are called in messages.

    Args:
        names: the names by part.
        shown_as: the name for messages of each part that has another one.
    """

    def renamed(places: dict[Any, tuple[str, int]]) -> dict[Any, tuple[str, int]]:
        return {name: (shown_as.get(part, part), line) for name, (part, line) in places.items()}

    if not shown_as:
        return dict(names)
    shown: dict[str, Names] = {}
    for part, used in names.items():
        whole = replace(
            used,
            columns=renamed(used.columns),
            row_columns=renamed(used.row_columns),
            tested=renamed(used.tested),
        )
        shown.setdefault(shown_as.get(part, part), whole)
    return shown


def _refuse_shadowed(names: Mapping[str, Names], columns: Counter[Any]) -> None:
    """Refuse a column with the name of Postmark's link, because the template could mean either."""
    for field, used in names.items():
        if "unsubscribe_url" in columns and "unsubscribe_url" in used.globals_used:
            raise LetterError(
                f"{field}: the frame has a column 'unsubscribe_url', and the name is also "
                "Postmark's link; write row['unsubscribe_url'] for the column or "
                "{{{ pm:unsubscribe }}} for Postmark's"
            )


def _unknown_columns(
    unknown: Mapping[Any, tuple[str, int]], frame: pd.DataFrame, names: Mapping[str, Names]
) -> str:
    after: dict[Any, list[str]] = {}
    called = frozenset[Any]().union(*(used.called for used in names.values()))
    for used in names.values():
        for name, attributes in used.attributes.items():
            after.setdefault(name, []).extend(attributes)
    details = [
        _unknown_column(
            name, part, line, frame, attributes=after.get(name, ()), is_called=name in called
        )
        for name, (part, line) in sorted(unknown.items(), key=str)
    ]
    head = f"the frame has no such column{'' if len(details) == 1 else 's'}"
    return f"{head}: {'; '.join(details)}. It has: {listed(frame.columns)}"


def _unknown_column(
    name: Any,
    part: str,
    line: int,
    frame: pd.DataFrame,
    *,
    attributes: Sequence[str],
    is_called: bool,
) -> str:
    where = f"{name!r} in {part}" + (f", line {line}" if line else "")
    by_letters = {folded(str(column)): column for column in frame.columns}
    for attribute in dict.fromkeys(attributes):
        if folded(attribute) in by_letters and name not in RESERVED:
            column = variable(by_letters[folded(attribute)])
            return f"{where}: for {{{{ {name}.{attribute} }}}} write {{{{ {column} }}}}"
    if name in NAMES:
        return f"{where}: {name} {NAMES[name]}"
    if is_called:
        return (
            f"{where}: templates have no function {name}; write a column with its result, or "
            f"a filter of your own, mf.Letter(filters={{{name!r}: …}})"
        )
    if name in RESERVED:
        return f"{where}: the name is Jinja's own; write row[{name!r}] for the column"
    if name is not None and name in frame.index.names:
        return f"{where} (it is a level of the index; make it a column with df.reset_index())"
    return where + did_you_mean(map(variable, nearest(name, frame.columns)))
