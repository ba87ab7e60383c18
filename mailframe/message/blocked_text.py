"""What the error of a send says about the rows that block it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.counting import counted
from mailframe.pages.text import one_line

if TYPE_CHECKING:
    from mailframe.message.preflight import Preflight
    from mailframe.message.row_names import RowNames
    from mailframe.problems import Problem

_SHOWN_PROBLEMS: Final = 10
_MAX_DETAIL: Final = 400


def blocked_text(preflight: Preflight, names: RowNames, *, blocked: int) -> str:
    """What to do, the number of errors of each code, and the first errors, one per line.

    Args:
        preflight: the preflight check.
        names: the names of the rows.
        blocked: the number of rows that have an error.
    """
    problems = preflight.refusals or preflight.errors
    counts = ", ".join(f"{count:,} {code}" for code, count in problems.counts().items())
    rest = len(problems) - _SHOWN_PROBLEMS
    return "\n  ".join(
        [
            f"{_advice(preflight, blocked)}; nothing was sent",
            f"errors: {counts}",
            *(_line(problem, names) for problem in problems[:_SHOWN_PROBLEMS]),
            *([f"and {rest:,} more: campaign.problems() shows all"] if rest > 0 else []),
        ]
    )


def _advice(preflight: Preflight, blocked: int) -> str:
    rows = len(preflight.sizes)
    if preflight.refusals:
        return "fix these problems, which stop every row"
    if blocked == rows:
        return f"fix the problems of {'the' if rows == 1 else 'all'} {counted(rows, 'row')}"
    return (
        f"fix {counted(blocked, 'blocked row')} of {rows:,}, or send the other "
        f'{rows - blocked:,} with on_invalid="skip"'
    )


def _line(problem: Problem, names: RowNames) -> str:
    """The row, the field, the code, and the detail with the value."""
    name = "the letter" if problem.row is None else names.of(problem.row)
    detail = problem.detail
    if isinstance(problem.value, str) and problem.value not in detail:
        detail = f"{detail} ({problem.value})"
    return one_line(f"{name}, {problem.field}: {problem.code.value}: {detail}", most=_MAX_DETAIL)
