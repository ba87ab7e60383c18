"""How a comparison is shown: a sentence for each difference, and what limits it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pandas as pd

from mailframe.counting import counted
from mailframe.message.problem_frame import LikeAnyFrame
from mailframe.outcomes.compared_rows import HOLDOUT
from mailframe.outcomes.intervals import Difference, independence
from mailframe.pages.data_frame import data_frame
from mailframe.pages.text import END, ISOLATE, isolated, one_line, visible
from mailframe.results.frame import VARIANT
from mailframe.results.row_results import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mailframe.outcomes.compared_rows import ComparedRows, Comparison

_OPENS: Final = (
    "Opens are unreliable: privacy proxies open emails that nobody reads, and mail programs that "
    "load no images are not counted. Prefer clicks, or an outcome of your own."
)
_LEAST_P: Final = 0.001
_MOST_DECIMALS: Final = 6
_MOST_CHARS: Final = 60
_FORMATS: Final[Mapping[str, Any]] = {
    "expected": "{:.0f}".format,
    "total": "{:.2f}".format,
    "p_value": "{:.2g}".format,
}
_OF_UNIT: Final = ("rate", "mean", "difference", "low", "high")
"""Columns that are in the unit of the outcome."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is compared.

    Attributes:
        outcome: the name of the outcome.
        by: the label of a column, or a list of labels: the strata; None without.
        level: the level of the intervals.
    """

    outcome: str
    by: Any
    level: float


class Compared(pd.DataFrame, metaclass=LikeAnyFrame):
    """A comparison, shown with a sentence for each difference; frames made of it are plain."""

    lines: tuple[str, ...]
    notes: tuple[str, ...]
    _metadata: ClassVar[list[str]] = ["lines", "notes"]

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    def _texts(self) -> list[str]:
        return [*getattr(self, "lines", ()), *getattr(self, "notes", ())]

    def __repr__(self) -> str:
        table = self.to_string(formatters=self._formats()) if len(self) else super().__repr__()
        texts = [text.replace(ISOLATE, "").replace(END, "") for text in self._texts()]
        return "\n".join([*texts, "", visible(table)]).lstrip("\n")

    def _repr_html_(self) -> str | None:
        if not pd.get_option("display.notebook_repr_html"):
            return None
        table = self.to_html(formatters=self._formats(), na_rep="", border=0)
        return data_frame(visible(table), notes=self._texts())

    def _formats(self) -> dict[Any, Any]:
        """How the numbers of each column are written."""
        formats = dict(_FORMATS)
        if {"low", "high"} <= {*self.columns}:
            half_widths = ((self["high"] - self["low"]).dropna() / 2).tolist()
            least, scale, more = (0, 1, 1) if "mean" in self else (1, 100, 3)
            # one digit more than the sentence, which has percent
            digits = more + _decimals(scale * min(half_widths, default=1.0), least=least)
            formats |= dict.fromkeys(_OF_UNIT, f"{{:,.{digits}f}}".format)
        return {name: one for name, one in formats.items() if name in self.columns}


def shown_comparison(
    table: pd.DataFrame, lines: Sequence[str], notes: Sequence[str]
) -> pd.DataFrame:
    """The table with its sentences."""
    compared = Compared(table)
    object.__setattr__(compared, "lines", tuple(lines))
    object.__setattr__(compared, "notes", tuple(notes))
    return compared


@dataclass(frozen=True, slots=True)
class Pair:
    """A group and the one that it is compared with.

    Attributes:
        names: their names.
        means: their rates or means.
        difference: the difference of the two.
        of: the number of comparisons whose intervals hold together.
        is_rate: whether the means are rates.
    """

    names: tuple[str, str]
    means: tuple[float, float]
    difference: Difference
    of: int
    is_rate: bool


def sentence(ask: Question, pair: Pair) -> str:
    """What a difference is, in words.

    >>> difference = Difference(0.005, -0.002, 0.012, 0.2)
    >>> pair = Pair(("bold", "plain"), (0.041, 0.036), difference, 1, True)
    >>> sentence(Question("bought", None, 0.95), pair)[:64]
    'bought: bold 4.1% against plain 3.6%: +0.5 percentage points, 95'
    """
    scale, unit, sign = (100.0, " percentage points", "%") if pair.is_rate else (1.0, "", "")
    value, low, high = (scale * number for number in pair.difference[:3])
    digits = _decimals((high - low) / 2, least=1 if pair.is_rate else 0)
    both = [
        f"{_word(name)} {_number(scale * mean, digits)}{sign}"
        for name, mean in zip(pair.names, pair.means, strict=True)
    ]
    head = f"{_word(ask.outcome)}: {both[0]} against {both[1]}"
    head += "" if pair.is_rate else " on average"
    head += f", adjusted for {_word(_labels(ask.by))}" if ask.by is not None else ""
    head += f": {_signed(value, digits)}{unit}"
    if math.isnan(low):
        return f"{head}; too few rows or equal values, so there is no interval."
    together = f" (all {pair.of} together)" if pair.of > 1 else ""
    interval = f"{100 * ask.level:.12g}% interval{together}"
    verdict = "no clear difference"
    if low > 0 or high < 0:
        verdict = f"{_word(pair.names[0])} is {'higher' if value > 0 else 'lower'}"
    return f"{head}, {interval} {_signed(low, digits)} to {_signed(high, digits)}; {verdict}."


def _word(label: object) -> str:
    return isolated(one_line(str(label), most=_MOST_CHARS))


def _labels(by: Any) -> str:
    return ", ".join(map(str, by)) if isinstance(by, list) else str(by)


def _decimals(half_width: float, *, least: int) -> int:
    """As many decimals as the interval is exact: one digit of a rate, two of a mean."""
    if not half_width > 0:
        return 2
    wanted = 1 - least - math.floor(math.log10(half_width))
    return min(_MOST_DECIMALS, max(least, wanted))


def _number(number: float, digits: int) -> str:
    return f"{round(number, digits) + 0.0:,.{digits}f}"  # + 0.0 makes -0.0 to 0.0


def _signed(number: float, digits: int) -> str:
    return f"{round(number, digits) + 0.0:+,.{digits}f}"


def unsent_warning(rows: ComparedRows, comparisons: Sequence[Comparison]) -> str:
    """Says that the holdout is of more rows than the mailed rows are; empty if it is not."""
    unsent = int(rows.has_status(Status.UNSENT).sum())
    if not unsent or HOLDOUT not in [one.kind for one in comparisons]:
        return ""
    return (
        f"{counted(unsent, 'row')} unsent: the holdout is of all rows and the mailed rows are not; "
        "compare after the send has reached its end."
    )


def cautions(
    rows: ComparedRows, comparisons: Sequence[Comparison], *, is_of_opens: bool
) -> list[str]:
    """What makes the groups less comparable than their assignment."""
    kinds = [one.kind for one in comparisons]
    notes = [_OPENS] if is_of_opens else []
    got = int((rows.held & rows.posted).sum())
    if HOLDOUT in kinds and got:
        notes.append(
            f"{counted(got, 'row')} of the holdout got the message in an earlier run; they count "
            "as holdout, as they were assigned, so the difference is understated."
        )
    changed = int((rows.changed & rows.compared & ~rows.held).sum())
    if VARIANT in kinds and changed:
        notes.append(
            f"{counted(changed, 'row')} got an earlier version of the message; they count for the "
            "variant that they have now."
        )
    if VARIANT in kinds and _is_invalid_by_variant(rows):
        notes.append(
            "One variant has more invalid rows than another, and they are left out: the people who "
            "are left differ, and the letters are not compared on the same people. Fix the letters "
            "before the send."
        )
    return notes


def _is_invalid_by_variant(rows: ComparedRows) -> bool:
    """Whether errors in the letters left out more people of one variant."""
    if rows.variant is None:
        return False
    is_invalid = rows.has_status(Status.INVALID)
    chosen = np.flatnonzero(is_invalid | rows.compared)
    codes, names = pd.factorize(rows.variant.iloc[chosen].to_numpy(dtype=object))
    if len(names) < 2 or not is_invalid.any():  # noqa: PLR2004 - two groups
        return False
    kept = codes >= 0
    cells = codes[kept] * 2 + is_invalid[chosen][kept]
    p_value = independence(np.bincount(cells, minlength=2 * len(names)).reshape(-1, 2))
    return p_value is not None and p_value < _LEAST_P
