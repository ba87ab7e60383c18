"""Did it work: the outcome of each variant, and of those who got the message and the holdout."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import FrameError, MailframeError, MailframeWarning, ResultsError
from mailframe.outcomes.compared_rows import HOLDOUT, ComparedRows
from mailframe.outcomes.comparison import (
    Pair,
    Question,
    cautions,
    sentence,
    shown_comparison,
    unsent_warning,
)
from mailframe.outcomes.intervals import mean_difference, rate_difference, sample_ratio, samples
from mailframe.outcomes.measured import measured
from mailframe.pages.text import one_line
from mailframe.pandas_versions import text_labels
from mailframe.problems import shown
from mailframe.results.frame import VARIANT
from mailframe.results.status_counts import grouped

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from mailframe.outcomes.compared_rows import Comparison
    from mailframe.outcomes.intervals import Array, Difference, Sample
    from mailframe.outcomes.measured import Measured

_LEAST_P: Final = 0.001
"""A sample ratio that is less likely is no chance: R. Kohavi, D. Tang and Y. Xu, Trustworthy
Online Controlled Experiments, 2020, chapter 21."""


_TINY_P: Final = 1e-15
"""As small as a float of a p value is exact enough to be written."""


@dataclass(frozen=True, slots=True)
class _Compared:
    """A comparison with its numbers.

    Attributes:
        groups: the groups.
        samples: the sample of each group.
        weights: the weight of each stratum.
        differences: the difference of each group but the first to the first.
        is_rate: whether the values are yes or no.
    """

    groups: Comparison
    samples: list[Sample]
    weights: Array
    differences: list[Difference]
    is_rate: bool

    def means(self) -> list[float]:
        """The rate or mean of each group; over strata, as if all groups had the same strata."""
        return [float(self.weights @ sample.mean) for sample in self.samples]

    def pairs(self) -> Iterator[Pair]:
        """Each group with the first."""
        names, means = self.groups.names, self.means()
        for place, difference in enumerate(self.differences, start=1):
            yield Pair(
                (names[place], names[0]),
                (means[place], means[0]),
                difference,
                of=len(self.differences),
                is_rate=self.is_rate,
            )


def compare(
    results: pd.DataFrame,
    outcome: Any,
    *,
    baseline: str | None = None,
    by: Hashable | list[Hashable] | None = None,
    level: float = 0.95,
    weights: Mapping[str, float] | None = None,
    holdout: float | None = None,
) -> pd.DataFrame:
    """The groups of an experiment with their outcomes; see ``MailAccessor.compare``."""
    _check(level, weights, holdout)
    rows = ComparedRows(results)
    what = measured(results, outcome)
    comparisons = _comparisons(rows, what, weights, holdout, baseline)
    if isinstance(outcome, str | int | tuple) and any(
        _is_same(label, outcome) for label in (by if isinstance(by, list) else [by])
    ):
        raise FrameError(
            f"by={by!r}: {outcome!r} is what is compared; name columns that are known before "
            "the send"
        )
    ask = Question(what.name, by, float(level))
    numbers = [what.numbers(one.positions, rows.accepted) for one in comparisons]
    is_rate = all(np.isin(values, (0.0, 1.0)).all() for values in numbers)
    compared = [
        _compared(results, one, values, ask, is_rate=is_rate)
        for one, values in zip(comparisons, numbers, strict=True)
    ]
    unsent = unsent_warning(rows, comparisons)
    warned = [_ratio_warning(one) for one in comparisons if not (unsent and one.kind == HOLDOUT)]
    warned = [text for text in (*warned, unsent) if text]
    for text in warned:
        warnings.warn(MailframeWarning(text), stacklevel=3)
    lines = [sentence(ask, pair) for one in compared for pair in one.pairs()]
    notes = [*warned, *cautions(rows, comparisons, is_of_opens=what.is_of_opens)]
    return shown_comparison(_table(compared), lines, notes)


def _is_same(label: Any, outcome: Any) -> bool:
    """Whether two labels are equal; nothing is equal to ``pd.NA``."""
    same: Any = label == outcome
    return isinstance(same, bool | np.bool_) and bool(same)


def _check(level: Any, weights: Any, holdout: Any) -> None:
    if not _is_between(level, 1):
        raise MailframeError(f"level={level!r} is not between 0 and 1, such as 0.95")
    if holdout is not None and not _is_between(holdout, 1):
        raise MailframeError(f"holdout={holdout!r} is not a share between 0 and 1, such as 0.05")
    is_mapping = isinstance(weights, Mapping)
    numbers = list(weights.values()) if is_mapping else []
    if weights is not None and not (
        is_mapping and all(_is_between(one, np.inf) for one in numbers)
    ):
        raise MailframeError(
            f"weights={weights!r} has not a number above 0 by the name of each variant, such as "
            "{'plain': 3, 'bold': 1}"
        )


def _is_between(value: Any, end: float) -> bool:
    """Whether a value is a number above 0 and below *end*."""
    return isinstance(value, Real) and 0 < float(value) < end


def _comparisons(
    rows: ComparedRows,
    what: Measured,
    weights: Mapping[str, float] | None,
    holdout: float | None,
    baseline: str | None,
) -> list[Comparison]:
    """The comparisons that the rows allow; those of variants first."""
    variants = rows.variants(weights, baseline)
    has_variants = len(variants.names) > 1
    if weights is not None and variants.shares is None:
        raise MailframeError(f"weights={weights!r}: the variants are {list(variants.names)}")
    comparisons = [variants] if has_variants else []
    both = rows.held.any() and not rows.held[rows.compared].all()
    if both and not what.is_of_email:
        comparisons.append(rows.holdout(holdout))
    if comparisons:
        return comparisons
    if both:
        raise ResultsError(
            f"{what.name!r} happens to an email, and the holdout got none; compare an outcome that "
            "both can have, such as a purchase"
        )
    raise ResultsError(
        "there are no two groups to compare: these rows have neither two variants nor a holdout "
        "and others; compose(variants=…) or compose(holdout=…) makes groups"
    )


def _compared(
    results: pd.DataFrame, groups: Comparison, values: Array, ask: Question, *, is_rate: bool
) -> _Compared:
    """The numbers of a comparison; its intervals hold together."""
    stratum = np.zeros(len(values), dtype=np.int64)
    if ask.by is not None:
        part = results.iloc[groups.positions]
        stratum, of_strata = grouped(part, ask.by)
        _refuse_empty(groups, stratum, of_strata, ask.by, least=1 if is_rate else 2)
    of_groups = samples(values, groups.group, stratum, groups=len(groups.names))
    weights = np.bincount(stratum) / len(stratum)
    others = len(of_groups) - 1
    level = 1 - (1 - ask.level) / others
    difference = rate_difference if is_rate else mean_difference
    differences = [difference(one, of_groups[0], weights, level=level) for one in of_groups[1:]]
    p_values = np.minimum(1.0, [one.p_value * others for one in differences])  # NaN stays NaN
    adjusted = [
        one._replace(p_value=float(p_value))
        for one, p_value in zip(differences, p_values, strict=True)
    ]
    return _Compared(groups, of_groups, weights, adjusted, is_rate)


def _refuse_empty(
    groups: Comparison, stratum: Array, of_strata: pd.Index[Any], by: Any, *, least: int
) -> None:
    """Refuse strata that lack a group: their difference is not known."""
    cell = groups.group * len(of_strata) + stratum
    n = np.bincount(cell, minlength=len(groups.names) * len(of_strata))
    few = np.flatnonzero(n < least)
    if len(few):
        group, place = divmod(int(few[0]), len(of_strata))
        value = shown(of_strata[[place]].tolist()[0])
        raise FrameError(
            f"by={by!r}: {value} has {n[few[0]]} rows of {groups.names[group]!r}, and each value "
            f"needs {least} or more of each group; give rare values one name"
        )


def _ratio_warning(groups: Comparison) -> str:
    """Says that the sizes of the groups are not those that were assigned; empty if they may be."""
    if groups.shares is None:
        return ""
    counts = np.bincount(groups.group, minlength=len(groups.names)).tolist()
    p_value = sample_ratio(counts, groups.shares)
    if p_value is None or p_value >= _LEAST_P:
        return ""
    expected = [share * len(groups.group) for share in groups.shares]
    sizes = ", ".join(
        f"{one_line(str(name), most=60)} has {count:,} rows ({wanted:,.0f} expected)"
        for name, count, wanted in zip(groups.names, counts, expected, strict=True)
    )
    chance = f"p = {p_value:.1g}" if p_value > _TINY_P else "p < 1e-15"
    remedy = "weights=" if groups.kind == VARIANT else "holdout="
    return (
        f"The group sizes are not as assigned: {sizes}; by chance {chance}. The groups "
        "differ in more than the message, so their difference says little. Compare all rows of "
        "the results, filtered by nothing that happened after the assignment. If the shares of "
        f"the groups are others, give them: {remedy}"
    )


def _table(compared: list[_Compared]) -> pd.DataFrame:
    """One row per group."""
    parts = [_rows(one) for one in compared]
    kinds = [one.groups.kind for one in compared for _ in one.groups.names]
    names = [str(name) for one in compared for name in one.groups.names]
    index = pd.MultiIndex.from_arrays(
        [text_labels(kinds), text_labels(names)], names=["comparison", "group"]
    )
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return pd.DataFrame(columns, index=index)


def _rows(one: _Compared) -> dict[str, Array]:
    n = np.array([int(sample.n.sum()) for sample in one.samples])
    totals = np.array([float(sample.n @ sample.mean) for sample in one.samples])
    shares = one.groups.shares
    expected = np.full(len(n), np.nan) if shares is None else np.array(shares) * n.sum()
    table = np.array([[np.nan] * 4, *one.differences]).T
    sums = ("successes", np.rint(totals).astype(np.int64)) if one.is_rate else ("total", totals)
    return {
        "n": n,
        "expected": expected,
        sums[0]: sums[1],
        "rate" if one.is_rate else "mean": np.array(one.means()),
        **dict(zip(("difference", "low", "high", "p_value"), table, strict=True)),
    }
