"""The intervals of a comparison: published examples, SciPy, and how often they are right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.outcomes.intervals import (
    independence,
    mean_difference,
    rate_difference,
    sample_ratio,
    samples,
)

WHOLE = np.ones(1)


def rates(one: int, of_one: int, other: int, of_other: int):
    """Two samples of yes and no."""
    values = np.repeat([1.0, 0, 1, 0], [one, of_one - one, other, of_other - other])
    group = np.repeat([0, 1], [of_one, of_other])
    return samples(values, group, np.zeros(len(values), dtype=int), groups=2)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((0, 10, 0, 10), -0.2775, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_rates_have_the_published_intervals(counts, low, high):
    """Newcombe 1998, table II, method 10."""
    difference = rate_difference(*rates(*counts), WHOLE, level=0.95)
    assert (round(difference.low, 4), round(difference.high, 4)) == (low, high)


@settings(max_examples=40)
@given(st.data(), st.integers(1, 3), st.sampled_from([0.8, 0.95, 0.999]))
def test_neither_the_order_of_groups_nor_of_rows_matters(data, strata, level):
    """To swap the groups flips the sign; interval and p value agree."""
    cells = strata * 2
    size = data.draw(st.integers(2, 12)) * cells
    values = np.array(
        data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=size, max_size=size))
    )
    stratum, group = np.arange(size) % strata, np.arange(size) // strata % 2
    order = np.array(data.draw(st.permutations(range(size))))
    weights = np.bincount(stratum) / size
    pair = samples(values, group, stratum, groups=2)
    moved = samples(values[order], group[order], stratum[order], groups=2)
    for of_kind in (rate_difference, mean_difference):
        one = of_kind(pair[0], pair[1], weights, level=level)
        other = of_kind(moved[1], moved[0], weights, level=level)
        np.testing.assert_allclose(
            (one.value, one.low, one.high, one.p_value),
            (-other.value, -other.high, -other.low, other.p_value),
            atol=1e-9,
        )
        if not np.isnan(one.low):
            assert one.low <= one.value <= one.high
            is_clear = one.low > 0 or one.high < 0
            assert is_clear == (one.p_value < 1 - level) or abs(one.p_value - 1 + level) < 1e-9


def test_they_are_those_of_scipy():
    """Without strata; the interval of a rate against one without successes is that of Wilson."""
    from scipy import stats  # noqa: PLC0415 - it takes a second of each worker

    rng = np.random.default_rng(2)
    left, right = rng.gamma(2, 9, 40), rng.gamma(2, 11, 25)
    values, group = np.concatenate([left, right]), np.repeat([0, 1], [40, 25])
    ours = mean_difference(*samples(values, group, group * 0, groups=2), WHOLE, level=0.9)
    welch = stats.ttest_ind(left, right, equal_var=False)
    interval = welch.confidence_interval(0.9)
    np.testing.assert_allclose(ours[1:], (interval.low, interval.high, welch.pvalue))
    pair = rates(3, 50, 0, 10**12 // 10**9)
    wilson = stats.binomtest(3, 50).proportion_ci(0.95, "wilson")
    none = stats.binomtest(0, 1000).proportion_ci(0.95, "wilson")
    low = 0.06 - np.hypot(0.06 - wilson.low, none.high)
    high = 0.06 + np.hypot(wilson.high - 0.06, none.low)
    np.testing.assert_allclose(rate_difference(*pair, WHOLE, level=0.95)[1:3], (low, high))
    assert sample_ratio([50, 30, 20], [0.4, 0.4, 0.2]) == pytest.approx(
        stats.chisquare([50, 30, 20], [40, 40, 20]).pvalue
    )
    table = np.array([[50, 9], [40, 22]])
    assert independence(table) == pytest.approx(
        stats.chi2_contingency(table, correction=False).pvalue
    )


@pytest.mark.parametrize(
    ("size", "strata", "base", "effect"),
    [(60, 1, 0.05, 0.1), (400, 1, 0.03, 0.0), (400, 40, 0.5, 0.0), (400, 8, 0.1, 0.05)],
)
def test_nineteen_of_twenty_intervals_have_the_difference(size, strata, base, effect):
    """Also of few successes and over small strata: 95 % give or take three standard deviations."""
    rng, hits, runs = np.random.default_rng(5), 0, 700
    stratum = np.tile(np.arange(size) % strata, 2)
    group, weights = np.repeat([0, 1], size), np.full(strata, 1 / strata)
    chance = base + effect * (group == 0)
    for _ in range(runs):
        values = (rng.random(2 * size) < chance).astype(float)
        pair = samples(values, group, stratum, groups=2)
        _, low, high, _ = rate_difference(*pair, weights, level=0.95)
        hits += low <= effect <= high
    assert 0.925 < hits / runs < 0.99


def test_strata_that_tell_much_make_the_interval_narrower():
    """And an imbalance between the groups is not taken for an effect."""
    rng = np.random.default_rng(3)
    stratum = rng.integers(0, 2, 4000)
    group = (rng.random(4000) < np.where(stratum == 1, 0.6, 0.4)).astype(int)
    values = (rng.random(4000) < np.where(stratum == 1, 0.8, 0.1)).astype(float)
    weights = np.bincount(stratum) / 4000
    whole = samples(values, group, stratum * 0, groups=2)
    parts = samples(values, group, stratum, groups=2)
    for of_kind in (rate_difference, mean_difference):
        plain = of_kind(whole[1], whole[0], WHOLE, level=0.95)
        adjusted = of_kind(parts[1], parts[0], weights, level=0.95)
        assert plain.low > 0.08
        assert adjusted.low < 0 < adjusted.high
        assert adjusted.high - adjusted.low < 0.85 * (plain.high - plain.low)


@pytest.mark.parametrize(
    ("sizes", "rates"),
    [
        (((950, 50), (500, 500)), ((0.02, 0.5), (0.02, 0.5))),  # 82 % of the intervals without it
        (((900, 100), (300, 700)), ((0.1, 0.5), (0.5, 0.1))),
        (((950, 50), (500, 500)), ((0.02, 0.5), (0.04, 0.6))),
        (((500, 500), (500, 500)), ((0.02, 0.5), (0.02, 0.5))),
    ],
)
def test_groups_that_share_strata_unequally_have_the_spread_of_their_own_rows(sizes, rates):
    """Many rows: the half width is that of the sum of w * w * p * (1 - p) / n over all cells."""
    n, p = np.array(sizes), np.array(rates)
    yes = np.rint(n * p).astype(int)
    cells = [(group, stratum) for group in (0, 1) for stratum in (0, 1)]
    values = np.concatenate([np.arange(n[cell]) < yes[cell] for cell in cells]).astype(float)
    group, stratum = (np.repeat([cell[at] for cell in cells], n.ravel()) for at in (0, 1))
    weights = n.sum(axis=0) / n.sum()
    difference = rate_difference(*samples(values, group, stratum, groups=2), weights, level=0.95)
    error = np.sqrt((weights**2 * p * (1 - p) / n).sum())
    assert (difference.high - difference.low) / 2 == pytest.approx(1.96 * error, rel=0.03)
    assert difference.value == pytest.approx(weights @ (p[0] - p[1]))


def test_without_a_spread_there_is_no_interval():
    """One row in a group, or equal numbers everywhere."""
    for values in ([3.0, 5.0, 9.0], [3.0, 5.0, 5.0, 3.0]):
        group = np.array([0, 1, 1, 0][: len(values)])
        pair = samples(np.array(values), group, group * 0, groups=2)
        assert np.isnan(mean_difference(*pair, WHOLE, level=0.95)[1:]).all()
    assert sample_ratio([4, 4], [0.5, 0.5]) is None
    assert sample_ratio([5, 5], [0.5, 0.5]) == 1
