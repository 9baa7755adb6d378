"""Wilcoxon's test against all signs of all ranks, and what it says where there is nothing to test."""

import itertools

import numpy as np
import pytest
from scipy.stats import rankdata

from maquette.metrics.significance import Wilcoxon, wilcoxon


def every_sign(difference):
    """The exact p-values: the share of all 2^n signs whose ranks lean as much."""
    ranks = rankdata(np.abs(difference))
    seen = ranks[difference > 0].sum()
    sums = np.array([sum(np.compress(signs, ranks)) for signs in itertools.product([0, 1], repeat=len(ranks))])
    lower, higher = np.mean(sums <= seen), np.mean(sums >= seen)
    return min(1.0, 2 * min(lower, higher)), lower, higher


@pytest.mark.parametrize("seed", range(5))
def test_p_values_are_those_of_all_signs(seed):
    rng = np.random.default_rng(seed)
    first = rng.uniform(0.1, 0.5, 11)
    second = first + rng.normal(-0.05, 0.1, 11)
    found = wilcoxon(first, second)
    assert (found.p_two_sided, found.p_lower, found.p_higher) == pytest.approx(every_sign(second - first))
    assert (found.pairs, found.lower, found.higher) == (11, (second < first).sum(), (second > first).sum())
    assert found.median == pytest.approx(np.median(second - first))


def test_models_that_are_the_same_are_not_different():
    values = np.linspace(0.1, 0.2, 7)
    assert wilcoxon(values, values) == Wilcoxon(7, 0, 0, 0.0, 1.0, 1.0, 1.0)


def test_equal_pairs_take_no_part():
    first, second = np.arange(1.0, 9.0), np.arange(1.0, 9.0) - np.linspace(0.1, 0.8, 8)
    found = wilcoxon(first, second)
    more = wilcoxon(np.append(first, [3.0, 4.0]), np.append(second, [3.0, 4.0]))
    assert (more.pairs, more.lower, more.higher) == (10, 8, 0)
    assert more.p_lower == pytest.approx(found.p_lower, abs=0.01)
    assert found.p_lower == pytest.approx(1 / 2**8)


def test_the_other_way_round_swaps_the_sides():
    rng = np.random.default_rng(0)
    first, second = rng.random(60), rng.random(60) * 0.9
    one, other = wilcoxon(first, second), wilcoxon(second, first)
    assert (one.p_lower, one.p_higher) == pytest.approx((other.p_higher, other.p_lower))
    assert (one.lower, one.median) == (other.higher, pytest.approx(-other.median))


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [([1.0], [1.0, 2.0], "shapes"), ([], [], "shapes"), ([[1.0]], [[2.0]], "shapes"), ([1.0], [np.nan], "not finite")],
)
def test_what_cannot_be_paired_is_refused(first, second, said):
    with pytest.raises(ValueError, match=said):
        wilcoxon(first, second)
