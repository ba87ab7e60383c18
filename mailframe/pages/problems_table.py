"""A problems frame: the numbers, then the problems by code, each with one line how to fix it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailframe.pages.environment import render

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Line:
    """Problems that differ only in their rows.

    Attributes:
        row: the labels of the rows.
        key: their keys.
        field: the field of the letter.
        value: the cell or the rendered text that broke the rule.
        detail: the description.
    """

    row: str
    key: str
    field: str
    value: str
    detail: str


@dataclass(frozen=True, slots=True)
class Group:
    """The problems of one code.

    Attributes:
        code: the code.
        severity: ``error`` or ``warning``.
        count: the number of all problems of the code.
        fix: one line how to fix it, with code between backticks.
        lines: the problems that are shown.
        rest: the line below them; empty if all are shown.
    """

    code: str
    severity: str
    count: int
    fix: str
    lines: Sequence[Line]
    rest: str


def problems_table(lead: str, groups: Sequence[Group], *, has_key: bool) -> str:
    """The problems as one table, which becomes a list where it is narrow.

    Args:
        lead: the numbers in one sentence.
        groups: the problems by code.
        has_key: whether the rows have a key.
    """
    first, stop, more = lead.partition(". ")
    page = render(
        "problems", lead=f"{first}{stop.strip()}", more=more, groups=groups, has_key=has_key
    )
    return str(page)
