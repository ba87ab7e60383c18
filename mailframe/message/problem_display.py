"""What is shown of a problems frame: by code, errors first, with one line how to fix each.

The data and their order stay as they are; only the text and the HTML differ. A frame that has other
columns than ``problems()`` is shown as pandas shows it.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.counting import counted
from mailframe.message.problem_fixes import fix_of
from mailframe.message.row_names import is_missing_label, label_text
from mailframe.message.shown_frame import cut, max_rows, padded, text_width
from mailframe.pages.problems_table import Group, Line, problems_table
from mailframe.pages.text import one_line
from mailframe.pages.text_table import width_of
from mailframe.problems import Code, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROBLEM_NUMBER: Final = "problem"
"""Name of the index of ``problems()``, which counts the problems and has no labels of rows."""
COLUMNS: Final = ("row", "key", "field", "code", "severity", "detail", "value", "position")
_NO_KEY: Final = tuple(name for name in COLUMNS if name != "key")
_CODES: Final = {code.value: code for code in Code}
_MAX_CHARS: Final = 2_000
"""Characters of a detail; longer ones are of a frame that somebody changed."""
_MAX_NAME: Final = 60
"""Characters of a label, a key, a field or a value; a value has at most 82."""
_MAX_VALUE: Final = 100
_MOST_LABELS: Final = 5
"""Rows of a line that are named."""
_MOST_COMPARED: Final = 10_000
"""Problems of a code that are compared, to show those that differ only in their rows as one."""
_LEAST_LINES: Final = 3
"""Lines of each code that are shown, however many codes there are."""
_MIN_TEXT: Final = 8
_MAX_TEXT: Final = 60
"""Columns of text of a cell."""
_LEAST_DETAIL: Final = 30
"""Columns of text of a detail beside the row; with less room it is below."""
_OF_LETTER: Final = "letter"
_NONE: Final = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a problems frame is of.

    Attributes:
        rows: the number of rows of the campaign.
        problems: the number of problems of the campaign; a frame with fewer is a part of them.
    """

    rows: int
    problems: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a problems frame.

    Attributes:
        lead: the numbers in one sentence.
        groups: the problems that are shown, by code.
        has_key: whether the rows have a key.
    """

    lead: str
    groups: Sequence[Group]
    has_key: bool


def shown_problems(problems: pd.DataFrame, checked: Checked | None) -> Shown | None:
    """Choose what is shown of a problems frame; None if it is not one as ``problems()`` makes it.

    Args:
        problems: the frame.
        checked: what it is of, if this is known.
    """
    columns = list(problems.columns)
    if not all(isinstance(name, str) for name in columns):
        return None
    if tuple(columns) not in (COLUMNS, _NO_KEY) or not _counts_problems(problems.index):
        return None
    places, words = pd.factorize(problems["code"])
    names = [str(word) for word in words]
    if (places < 0).any() or not _CODES.keys() >= set(names):
        return None
    codes = [_CODES[name] for name in names]
    counts = np.bincount(places, minlength=len(codes))
    order = sorted(
        range(len(codes)), key=lambda one: (codes[one].severity is Severity.WARNING, -counts[one])
    )
    of_codes = [_OfCode.of(problems, codes[one], np.flatnonzero(places == one)) for one in order]
    most = _lines_of_each([len(each.lines) for each in of_codes])
    groups = [
        each.group(most=lines, alone=len(of_codes) == 1)
        for each, lines in zip(of_codes, most, strict=True)
    ]
    return Shown(_lead(problems, codes, places, checked), groups, "key" in columns)


def _counts_problems(index: pd.Index[Any]) -> bool:
    """Whether an index only counts; that of several campaigns says what each problem is of."""
    is_plain = index.nlevels == 1 and index.name in (None, PROBLEM_NUMBER)
    return is_plain and pd.api.types.is_integer_dtype(index.dtype) and index.is_unique


def _lines_of_each(counts: Sequence[int]) -> list[int]:
    """How many lines of each code are shown: all in all as many as pandas shows of a frame."""
    rest = max_rows()
    if rest is None:
        return list(counts)
    most = [0] * len(counts)
    for rank, place in enumerate(sorted(range(len(counts)), key=counts.__getitem__)):
        share = max(_LEAST_LINES, rest // (len(counts) - rank))
        most[place] = min(counts[place], share)
        rest -= most[place]
    return most


@dataclass(frozen=True, slots=True)
class _OfCode:
    """The problems of a code in lines: those that differ only in their rows are one.

    Attributes:
        code: the code.
        part: the problems of the code, of which only the first some thousand are compared.
        count: the number of all of them.
        lines: the places in *part* of the problems of each line.
    """

    code: Code
    part: pd.DataFrame
    count: int
    lines: Sequence[Any]

    @classmethod
    def of(cls, problems: pd.DataFrame, code: Code, positions: Any) -> _OfCode:
        part = problems.iloc[positions[:_MOST_COMPARED]]
        numbers = np.zeros(len(part), dtype=np.int64)
        for name in ("field", "value", "detail"):
            places, words = pd.factorize(part[name])
            numbers = pd.factorize(numbers * (len(words) + 1) + places)[0]
        starts = np.flatnonzero(np.diff(np.sort(numbers), prepend=-1))
        lines = np.split(np.argsort(numbers, kind="stable"), starts[1:])
        return cls(code, part, len(positions), lines)

    def group(self, *, most: int, alone: bool) -> Group:
        """What is shown of them.

        Args:
            most: the number of lines.
            alone: whether the frame has no other code.
        """
        rest = self.count - sum(map(len, self.lines[:most]))
        details = self.part["detail"].array
        more = f"and {rest:,} more" if self._is_whole else "and more"
        how = (
            '; .to_csv("problems.csv") writes all'
            if alone
            else f""": .query("code == '{self.code.value}'")"""
        )
        return Group(
            code=self.code.value,
            severity=self.code.severity.value,
            count=self.count,
            fix=fix_of(self.code, (details[line[0]] for line in self.lines)),
            lines=list(self._shown_lines(self.lines[:most])),
            rest=f"{more}{how}" if rest else "",
        )

    @property
    def _is_whole(self) -> bool:
        return self.count == len(self.part)

    def _shown_lines(self, lines: Sequence[Any]) -> Iterator[Line]:
        named = [places[:_MOST_LABELS] for places in lines]
        part = self.part.iloc[np.concatenate(named)]
        cells = {name: part[name].tolist() for name in part.columns}
        start = 0
        for places in lines:
            end = start + min(len(places), _MOST_LABELS)
            rest = len(places) - _MOST_LABELS
            more = "" if rest <= 0 else f" and {rest:,} more" if self._is_whole else ", …"
            rows = map(_label, cells["row"][start:end], cells["position"][start:end])
            keys = map(_name, cells.get("key", [])[start:end])
            value, detail = cells["value"][start], cells["detail"][start]
            yield Line(
                row=", ".join(rows) + more,
                key=", ".join(keys) + more,
                field=one_line(str(cells["field"][start]), most=_MAX_NAME),
                value=_NONE if is_missing_label(value) else one_line(str(value), most=_MAX_VALUE),
                detail=one_line("" if is_missing_label(detail) else str(detail), most=_MAX_CHARS),
            )
            start = end


def _label(label: object, position: object) -> str:
    return _OF_LETTER if is_missing_label(position) else _name(label)


def _name(label: object) -> str:
    """A label or a key: texts as they are, without the quotes that they have in a sentence."""
    return one_line(label if isinstance(label, str) else label_text(label), most=_MAX_NAME)


def _lead(
    problems: pd.DataFrame, codes: Sequence[Code], places: Any, checked: Checked | None
) -> str:
    """The number of problems and of rows, then of errors and warnings, and what these stop."""
    whole = len(problems) if checked is None else checked.problems
    if checked is not None and not whole:
        return f"No problems in {counted(checked.rows, 'row')}."
    what = counted(len(problems), "problem")
    if len(problems) < whole:
        what = f"{len(problems):,} of {counted(whole, 'problem')}"
    is_error = np.array([code.severity is Severity.ERROR for code in codes], dtype=bool)[places]
    errors = int(is_error.sum())
    numbers = ((errors, "error"), (len(problems) - errors, "warning"))
    by_severity = ", ".join(counted(number, word) for number, word in numbers if number)
    rows = _rows(problems["position"], checked)
    where = f" in {rows:,} of {counted(checked.rows, 'row')}" if checked and rows else ""
    stops = ", ".join(code.value for code in codes if code.stops_everything)
    blocked = _rows(problems["position"][is_error], checked)
    effect = ""
    if stops:
        effect = f" {stops} stops every row."
    elif blocked:
        subject = "The error blocks" if errors == 1 else "The errors block"
        effect = f" {subject} {counted(blocked, 'row')}."
    return f"{what}{where}{': ' if by_severity else ''}{by_severity}.{effect}"


def _rows(positions: pd.Series[Any], checked: Checked | None) -> int:
    """The number of different rows; 0 if that is unknown, as in the problems of two campaigns."""
    if checked is None:
        return 0
    rows = positions.dropna().to_numpy(dtype=np.int64)
    if len(rows) and not 0 <= rows.min() <= rows.max() < checked.rows:
        return 0
    has_problem = np.zeros(checked.rows, dtype=bool)
    has_problem[rows] = True
    return int(has_problem.sum())


# --- text ----------------------------------------------------------------------------------------


def as_text(shown: Shown) -> str:
    """The problems by code, as text that fits into the lines of pandas."""
    width = text_width()
    parts = [shown.lead]
    for group in shown.groups:
        head = f"{group.severity} {group.code}: {counted(group.count, 'problem')}"
        fix = textwrap.wrap(
            f"fix: {group.fix.replace('`', '')}",
            max(width, _LEAST_DETAIL),
            initial_indent="  ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        parts.append(
            "\n".join([head, *fix, *_text_lines(group, has_key=shown.has_key, width=width)])
        )
    return "\n\n".join(parts)


def _text_lines(group: Group, *, has_key: bool, width: int) -> Iterator[str]:
    """The rows, each with its detail beside it, or below it where there is no room."""
    lines = group.lines
    columns = [("row", [line.row for line in lines]), ("key", [line.key for line in lines])]
    columns += [("field", [line.field for line in lines])]
    if any(line.value != _NONE and line.value not in line.detail for line in lines):
        columns += [("value", [line.value for line in lines])]
    columns = [(name, texts) for name, texts in columns if has_key or name != "key"]
    most = _MAX_TEXT
    if sum(max(map(width_of, [name, *texts])) + 2 for name, texts in columns) > width:
        most = max(_MIN_TEXT, width // len(columns) - 2)
    blocks = [
        padded(name, [cut(text, most) for text in texts], is_left=True) for name, texts in columns
    ]
    rows = ["  " + "  ".join(cells) for cells in zip(*blocks, strict=True)]
    room = width - width_of(rows[0]) - 2
    if room >= _LEAST_DETAIL:
        yield f"{rows[0]}  detail"
        for row, line in zip(rows[1:], lines, strict=True):
            first, *others = textwrap.wrap(line.detail, room) or [""]
            yield f"{row}  {first}".rstrip()
            yield from (f"{' ' * width_of(row)}  {text}" for text in others)
    else:
        yield rows[0].rstrip()
        for row, line in zip(rows[1:], lines, strict=True):
            yield row.rstrip()
            yield textwrap.fill(
                line.detail,
                max(width, _LEAST_DETAIL),
                initial_indent="    ",
                subsequent_indent="    ",
            )
    if group.rest:
        yield f"  {group.rest}"


# --- HTML ----------------------------------------------------------------------------------------


def as_html(shown: Shown) -> str:
    """The same as HTML."""
    return problems_table(shown.lead, shown.groups, has_key=shown.has_key)
